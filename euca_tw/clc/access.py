"""
What a caller may see and touch.

Nobody sees another's things: what is not there and what is not his look the
same.  Administrators see and touch every instance and image; names of key
pairs and groups are each account's own, so there administrators are as others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress

from euca_tw.api.errors import (
    AuthFailure,
    ImageUnavailable,
    MalformedImageId,
    MalformedInstanceId,
    NoSuchImage,
    NoSuchInstance,
    NoSuchNetworkInterface,
)
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import ImageId, InstanceId, is_identifier
from euca_tw.model.records import Image, ImageKind, ImageState, Instance
from euca_tw.store.interfaces import IStore

#: The original's prefixes, and EC2's own, which are well-formed but not ours.
IMAGE_PREFIXES = ("emi", "eki", "eri", "ami", "aki", "ari")


def instances_of(store: IStore, caller: Caller, ids: Iterable[str]) -> list[Instance]:
    """
    The instances that are named, each once, or none of them.  One that has
    ended is there for as long as its record is kept.

    @raise MalformedInstanceId: one is no instance's identifier.
    @raise NoSuchInstance: one is not there, or not the caller's.
    """
    wanted = list(dict.fromkeys(ids))
    for each in wanted:
        if not is_identifier(each, "i"):
            raise MalformedInstanceId(each)
    return [_instance(store, caller, each) for each in wanted]


def instance_of(store: IStore, caller: Caller, instance_id: str) -> Instance:
    """One instance; see L{instances_of}."""
    [found] = instances_of(store, caller, (instance_id,))
    return found


def instance_with_interface(
    store: IStore, caller: Caller, network_interface_id: str
) -> Instance:
    """
    The instance that has the network interface.

    @raise NoSuchNetworkInterface: none has, or not one of the caller's.
    """
    instance_id = f"i-{network_interface_id.partition('-')[2]}"
    if is_identifier(network_interface_id, "eni"):
        with suppress(NoSuchInstance):
            found = _instance(store, caller, instance_id)
            if found.is_live and found.private_ip:
                return found
    raise NoSuchNetworkInterface(network_interface_id)


def _instance(store: IStore, caller: Caller, instance_id: str) -> Instance:
    found = store.get(Instance, InstanceId(instance_id))
    if found is None or not (caller.is_admin or found.owner_id == caller.account_id):
        raise NoSuchInstance(instance_id)
    return found


def may_launch(caller: Caller, image: Image) -> bool:
    """Whether the caller may see an image, and launch it."""
    return (
        image.is_public
        or image.owner_id == caller.account_id
        or caller.account_id in image.launch_permissions
        or caller.is_admin
    )


def image_of(store: IStore, caller: Caller, image_id: str) -> Image:
    """
    The image, if the caller may see it, in whatever state.

    @raise MalformedImageId: it is no image's identifier.
    @raise NoSuchImage: it is not there, or not for the caller.
    """
    if not is_identifier(image_id, *IMAGE_PREFIXES):
        raise MalformedImageId(image_id)
    found = store.get(Image, ImageId(image_id))
    if found is None or not may_launch(caller, found):
        raise NoSuchImage(image_id)
    return found


def present_image_of(store: IStore, caller: Caller, image_id: str) -> Image:
    """
    As L{image_of}, unless it was deregistered.

    @raise ImageUnavailable: it was.
    """
    found = image_of(store, caller, image_id)
    if found.state is ImageState.DEREGISTERED:
        raise ImageUnavailable(image_id, found.state.value)
    return found


def own_image_of(store: IStore, caller: Caller, image_id: str) -> Image:
    """
    As L{present_image_of}, if it is the caller's own.

    @raise AuthFailure: he may launch it, but it is another's.
    """
    found = image_of(store, caller, image_id)
    if not (caller.is_admin or found.owner_id == caller.account_id):
        raise AuthFailure(f"Not authorized for image:{image_id}")
    if found.state is ImageState.DEREGISTERED:
        raise ImageUnavailable(image_id, found.state.value)
    return found


def image_of_kind(
    store: IStore, caller: Caller, image_id: str, kind: ImageKind
) -> Image:
    """
    As L{image_of}, if it is of that kind.
    """
    found = image_of(store, caller, image_id)
    if found.kind is not kind:
        raise NoSuchImage(image_id)
    return found


def check_usable(image: Image) -> None:
    """@raise ImageUnavailable: it is not here yet, or no more."""
    if image.state is not ImageState.AVAILABLE:
        raise ImageUnavailable(image.image_id, image.state.value)


def usable_image_of(
    store: IStore, caller: Caller, image_id: str, kind: ImageKind
) -> Image:
    """
    As L{image_of_kind}, if it can be launched now.

    @raise ImageUnavailable: it is not here yet, or no more.
    """
    found = image_of_kind(store, caller, image_id, kind)
    check_usable(found)
    return found


def shown_instances(store: IStore, caller: Caller) -> Collection[Instance]:
    """All that the caller may see, oldest first."""
    if caller.is_admin:
        return store.all(Instance)
    return store.where(Instance, "owner_id", caller.account_id)
