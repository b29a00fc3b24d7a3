"""
Images: registering, describing and deregistering them.

Registering answers at once; the bytes come later (L{euca_tw.clc.imports}).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from attrs import define, evolve
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.images import (
    DeregisterImage,
    DeregisterImageResponse,
    DescribeImages,
    DescribeImagesResponse,
    RegisterImage,
    RegisterImageResponse,
)
from euca_tw.api.ec2.images import Image as ImageView
from euca_tw.api.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MalformedUserId,
    NoSuchImage,
    UnauthorizedOperation,
)
from euca_tw.clc import views
from euca_tw.clc.access import may_launch, own_image_of, present_image_of
from euca_tw.clc.checks import checked_text, is_account, unsupported
from euca_tw.clc.filters import chooser
from euca_tw.clc.image_filters import IMAGE_FILTERS, tagged
from euca_tw.clc.image_names import (
    checked_image_name,
    need_free_name,
    need_room_for_image,
    new_image_id,
)
from euca_tw.clc.imports import Imports
from euca_tw.clc.pace import paced
from euca_tw.clc.paging import asked_page, page
from euca_tw.clc.tags import tags_for, tags_of, with_tags, without_tags
from euca_tw.common.clock import utc_now
from euca_tw.common.download import is_web_address
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId, ImageId, Minter
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Image, ImageKind, ImageState
from euca_tw.store.interfaces import IStore, Put

ARCHITECTURES = ("i386", "x86_64", "arm64")
LONGEST_LOCATION = 1024

#: Besides account numbers: whose images, and who may launch them.
OWNERS = ("self", "amazon", "aws-backup-vault", "aws-marketplace", "microsoft")
USERS = ("self", "all")

#: What a file's name begins with tells what it is, as in the original.
_BEGINNINGS = {
    ImageKind.KERNEL: ("vmlinuz", "eki"),
    ImageKind.RAMDISK: ("initrd", "eri"),
}


def is_public_at_first(kind: ImageKind) -> bool:
    """Kernels and ramdisks are there for everybody, until it is changed."""
    return kind is not ImageKind.MACHINE


@define(eq=False, kw_only=True)
class Images:
    """
    The operations on images.

    @ivar region: the cloud's one.
    """

    store: IStore
    imports: Imports
    clock: IReactorTime
    minter: Minter
    quotas: Quotas
    region: str = ""

    async def register_image(
        self, caller: Caller, request: RegisterImage
    ) -> RegisterImageResponse:
        _refuse_what_is_not_here(request)
        location = _checked_location(request)
        name = checked_image_name(request.name)
        description, root_device_name = _checked_texts(request)
        tags = tags_for(request.tag_specifications, "image", "snapshot")["image"]
        kind = _kind_of(request, location)
        kernel_id, ramdisk_id = None, None
        if kind is ImageKind.MACHINE:
            if request.ramdisk_id and not request.kernel_id:
                raise InvalidParameterCombination("A ramdisk needs a kernel")
            kernel_id = self._boots(caller, request.kernel_id, ImageKind.KERNEL)
            ramdisk_id = self._boots(caller, request.ramdisk_id, ImageKind.RAMDISK)
        elif not caller.is_admin:
            raise UnauthorizedOperation(f"Only administrators register a {kind.value}.")
        need_free_name(self.store, caller, name)
        need_room_for_image(self.store, self.quotas, caller, tags)
        image_id = new_image_id(self.store, self.minter, kind)
        image = Image(
            image_id=image_id,
            kind=kind,
            owner_id=AccountId(caller.account_id),
            location=location,
            state=ImageState.PENDING,
            registered_at=utc_now(self.clock),
            architecture=request.architecture or "x86_64",
            is_public=is_public_at_first(kind),
            kernel_id=kernel_id,
            ramdisk_id=ramdisk_id,
            name=name,
            description=description,
            root_device_name=root_device_name,
        )
        tagged = with_tags(image.owner_id, "image", image_id, tags)
        try:
            await self.store.commit(Put(image), *tagged)
        finally:
            self.imports.begin(image, caller.is_admin)
        return RegisterImageResponse(image_id=image_id)

    def _boots(
        self, caller: Caller, image_id: str | None, kind: ImageKind
    ) -> ImageId | None:
        if not image_id:
            return None
        found = present_image_of(self.store, caller, image_id)
        if found.kind is not kind:
            raise NoSuchImage(image_id)
        return found.image_id

    async def deregister_image(
        self, caller: Caller, request: DeregisterImage
    ) -> DeregisterImageResponse:
        image = own_image_of(self.store, caller, request.image_id)
        try:
            await self.store.commit(
                Put(evolve(image, state=ImageState.DEREGISTERED)),
                *without_tags(self.store, image.image_id),
            )
        finally:
            self.imports.begin_sweep()
        return DeregisterImageResponse()

    async def describe_images(
        self, caller: Caller, request: DescribeImages
    ) -> DescribeImagesResponse:
        """What the caller may launch; to administrators, all."""
        if request.image_ids and request.max_results is not None:
            raise InvalidParameterCombination(
                "The parameter imagesSet cannot be used with maxResults"
            )
        is_wanted = _owned_and_executable(caller, request)
        passes = chooser(IMAGE_FILTERS, request.filters, tagged)
        asked_page(request.max_results, request.next_token)
        found = (
            [
                present_image_of(self.store, caller, image_id)
                for image_id in dict.fromkeys(request.image_ids)
            ]
            if request.image_ids
            else [
                each
                for each in self.store.all(Image)
                if each.state is not ImageState.DEREGISTERED
                and may_launch(caller, each)
            ]
        )

        def shown_as(image: Image) -> ImageView:
            tags = tags_of(self.store, caller.account_id, image.image_id)
            return views.image(image, tags, self.region)

        shown = await paced(
            self.clock, [each for each in found if is_wanted(each)], shown_as
        )
        told = page(
            filter(passes, shown),
            lambda image: image.image_id,
            request.max_results,
            request.next_token,
        )
        return DescribeImagesResponse(images=told.items, next_token=told.next_token)


def _refuse_what_is_not_here(request: RegisterImage) -> None:
    """@raise UnsupportedOperation: the request asks for it."""
    mappings = request.block_device_mappings
    unsupported("volumes", [mapping for mapping in mappings if mapping.ebs])
    unsupported("enhanced networking", request.sriov_net_support)
    unsupported("enhanced networking", request.ena_support)
    for parameter, value, known in (
        ("architecture", request.architecture, ARCHITECTURES),
        ("virtualizationType", request.virtualization_type, ("hvm", "paravirtual")),
    ):
        if value and value not in known:
            raise InvalidParameterValue(
                parameter, value, f"It is one of {', '.join(known)}."
            )


def _checked_texts(request: RegisterImage) -> tuple[str, str]:
    """Its description, and the name of its root device."""
    description, root = request.description, request.root_device_name
    return (
        checked_text("description", description) if description else "",
        checked_text("rootDeviceName", root) if root else "/dev/sda1",
    )


def _checked_location(request: RegisterImage) -> str:
    location = checked_text(
        "imageLocation", request.image_location or "", LONGEST_LOCATION
    )
    if not (location.startswith("/") or is_web_address(location)):
        raise InvalidParameterValue(
            "imageLocation",
            location,
            "It is a path (/...) or a web address (http://..., https://...).",
        )
    return location


def _kind_of(request: RegisterImage, location: str) -> ImageKind:
    """
    What is registered.  As in the original, C{kernelId} or C{ramdiskId} may
    say C{true}: then it is one.
    """
    for said, kind in (
        (request.kernel_id, ImageKind.KERNEL),
        (request.ramdisk_id, ImageKind.RAMDISK),
    ):
        if said in ("true", "yes"):
            return kind
    if not (request.kernel_id or request.ramdisk_id):
        name = PurePosixPath(urlsplit(location).path).name
        for kind, beginnings in _BEGINNINGS.items():
            if name.startswith(beginnings):
                return kind
    return ImageKind.MACHINE


def _owned_and_executable(
    caller: Caller, request: DescribeImages
) -> Callable[[Image], bool]:
    """
    What tells whether an image has one of the owners and users asked for.

    @raise MalformedUserId: one of them can be neither.
    """
    for asked, words in ((request.owners, OWNERS), (request.executable_by, USERS)):
        for each in asked:
            if each not in words and not is_account(each):
                raise MalformedUserId(each)
    own = caller.account_id
    owners = {own if each == "self" else each for each in request.owners}
    users = {own if each == "self" else each for each in request.executable_by}

    def is_executable(image: Image) -> bool:
        allowed: set[str] = set(image.launch_permissions)
        if not (caller.is_admin or image.owner_id == own):
            allowed &= {own}  # who else may is the owner's business
        return not users.isdisjoint(allowed) or ("all" in users and image.is_public)

    def is_wanted(image: Image) -> bool:
        return (not owners or image.owner_id in owners) and (
            not users or is_executable(image)
        )

    return is_wanted
