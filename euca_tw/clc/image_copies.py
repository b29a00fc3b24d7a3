"""
Images made of what is there: of an instance's disk, or of another image.

Both answer at once with an image that is C{pending}; its record says what is to
become of it, and L{euca_tw.clc.makings} or L{euca_tw.clc.imports} see to that.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.common import TagSpecification
from euca_tw.api.ec2.devices import BlockDeviceMapping
from euca_tw.api.ec2.image_copies import (
    CopyImage,
    CopyImageResponse,
    CreateImage,
    CreateImageResponse,
)
from euca_tw.api.errors import (
    IdempotentParameterMismatch,
    ImageUnavailable,
    IncorrectInstanceState,
    InvalidParameterValue,
    MissingParameter,
    UnauthorizedOperation,
)
from euca_tw.clc.access import image_of, instance_of
from euca_tw.clc.checks import checked_text, unsupported
from euca_tw.clc.image_names import (
    checked_image_name,
    need_free_name,
    need_room_for_image,
    new_image_id,
)
from euca_tw.clc.images import is_public_at_first
from euca_tw.clc.imports import Imports
from euca_tw.clc.makings import Makings
from euca_tw.clc.tags import tags_for, tags_of, with_tags
from euca_tw.common.clock import utc_now
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId, Minter
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Image, ImageKind, ImageState, InstanceState
from euca_tw.store.interfaces import IStore, Put

LONGEST_TOKEN = 64
_RIGHT_STATES = (InstanceState.RUNNING, InstanceState.STOPPED)


@define(eq=False, kw_only=True)
class ImageCopies:
    """
    The operations that make images of what is there.

    @ivar region: the cloud's one.
    """

    store: IStore
    makings: Makings
    imports: Imports
    clock: IReactorTime
    minter: Minter
    quotas: Quotas
    region: str

    async def create_image(
        self, caller: Caller, request: CreateImage
    ) -> CreateImageResponse:
        """
        An image of an instance that runs or is stopped; one that runs is
        rebooted for it, unless the request says otherwise.
        """
        name = _checked_name(request.name)
        description = _description(request.description)
        refuse_volumes(request.block_device_mappings)
        tags = _tags(request.tag_specifications)
        instance = instance_of(self.store, caller, request.instance_id)
        need_free_name(self.store, caller, name)
        if instance.state not in _RIGHT_STATES:
            raise IncorrectInstanceState(
                instance.instance_id, instance.state.value, "made an image of"
            )
        need_room_for_image(self.store, self.quotas, caller, tags)
        source = self.store.get(Image, instance.image_id)
        image = Image(
            image_id=new_image_id(self.store, self.minter, ImageKind.MACHINE),
            kind=ImageKind.MACHINE,
            owner_id=AccountId(caller.account_id),
            location=f"{caller.account_id}/{name}",
            state=ImageState.PENDING,
            registered_at=utc_now(self.clock),
            architecture=source.architecture if source else "x86_64",
            product_codes=source.product_codes if source else (),
            kernel_id=instance.kernel_id,
            ramdisk_id=instance.ramdisk_id,
            name=name,
            description=description,
            root_device_name=source.root_device_name if source else "/dev/sda1",
            made_of=instance.instance_id,
            made_in=instance.zone,
            made_on=instance.node,
            is_rebooted=not request.no_reboot,
        )
        tagged = with_tags(image.owner_id, "image", image.image_id, tags)
        try:
            await self.store.commit(Put(image), *tagged)
        finally:
            self.makings.begin(image.image_id)
        return CreateImageResponse(image_id=image.image_id)

    async def copy_image(self, caller: Caller, request: CopyImage) -> CopyImageResponse:
        """A further image of the same bytes, which stay where they are."""
        if request.source_region != self.region:
            raise InvalidParameterValue(
                "sourceRegion",
                request.source_region,
                f"This cloud is one region, {self.region}.",
            )
        name = _checked_name(request.name)
        description = _description(request.description)
        tags = _tags(request.tag_specifications)
        token = _token(request)
        known = self._known(caller, token)
        if known is not None:
            if not _is_same(known, request, description):
                raise IdempotentParameterMismatch(token)
            # Kept once more: so this answer waits for the first one's commit.
            await self.store.commit(Put(known))
            return CopyImageResponse(image_id=known.image_id)
        source = image_of(self.store, caller, request.source_image_id)
        if source.kind is not ImageKind.MACHINE and not caller.is_admin:
            raise UnauthorizedOperation(
                f"Only administrators register a {source.kind.value}."
            )
        if source.state is not ImageState.AVAILABLE:
            raise ImageUnavailable(source.image_id, source.state.value)
        need_free_name(self.store, caller, name)
        if request.copies_tags:
            tags = {**dict(tags_of(self.store, caller.account_id, source.key)), **tags}
        need_room_for_image(self.store, self.quotas, caller, tags)
        image = Image(
            image_id=new_image_id(self.store, self.minter, source.kind),
            kind=source.kind,
            owner_id=AccountId(caller.account_id),
            location=f"{caller.account_id}/{name}",
            state=ImageState.PENDING,
            registered_at=utc_now(self.clock),
            architecture=source.architecture,
            is_public=is_public_at_first(source.kind),
            product_codes=source.product_codes,
            kernel_id=source.kernel_id,
            ramdisk_id=source.ramdisk_id,
            name=name,
            description=description,
            root_device_name=source.root_device_name,
            copy_of=source.image_id,
            client_token=token,
        )
        tagged = with_tags(image.owner_id, "image", image.image_id, tags)
        try:
            await self.store.commit(Put(image), *tagged)
        finally:
            self.imports.begin(image, caller.is_admin)
        return CopyImageResponse(image_id=image.image_id)

    def _known(self, caller: Caller, token: str) -> Image | None:
        """What the same token was used for."""
        if not token:
            return None
        own = self.store.where(Image, "owner_id", caller.account_id)
        return next((each for each in own if each.client_token == token), None)


def refuse_volumes(mappings: Iterable[BlockDeviceMapping]) -> None:
    """@raise UnsupportedOperation: one of them is a volume."""
    unsupported("volumes", [mapping for mapping in mappings if mapping.ebs])


def _checked_name(name: str) -> str:
    if not name:
        raise MissingParameter("name")
    return checked_image_name(name)


def _tags(specifications: Iterable[TagSpecification]) -> dict[str, str]:
    return dict(tags_for(specifications, "image", "snapshot")["image"])


def _token(request: CopyImage) -> str:
    if not request.client_token:
        return ""
    return checked_text("clientToken", request.client_token, LONGEST_TOKEN)


def _description(text: str | None) -> str:
    return checked_text("description", text) if text else ""


def _is_same(image: Image, request: CopyImage, description: str) -> bool:
    asked = (request.source_image_id, request.name, description)
    return (image.copy_of, image.name, image.description) == asked
