"""
What an account may still have: its limits, and what it holds.

Everything that is counted is counted by the store, at the price of a look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from euca_tw.api.errors import (
    AddressLimitExceeded,
    ApiError,
    InstanceLimitExceeded,
    ResourceLimitExceeded,
    RulesPerSecurityGroupLimitExceeded,
    SecurityGroupLimitExceeded,
    VcpuLimitExceeded,
)
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.quotas import NO_LIMITS, UNLIMITED, Quotas
from euca_tw.model.records import (
    Address,
    Image,
    ImageState,
    Instance,
    KeyPair,
    PlacementGroup,
    ResourceTags,
    SecurityGroup,
    User,
)
from euca_tw.store.interfaces import IStore

_MIB = 1 << 20

#: More than anybody can want at once.
PLENTY = 1 << 31


def _images(store: IStore, account_id: str) -> int:
    """What was deregistered and is kept for instances' sake has its place alone."""
    gone = store.where(Image, "state", ImageState.DEREGISTERED)
    its_gone = sum(each.owner_id == account_id for each in gone)
    return len(store.where(Image, "owner_id", account_id)) - its_gone


#: By the name of a limit, what an account holds of it.
HELD: Mapping[str, Callable[[IStore, str], int]] = {
    "instances": lambda store, who: len(store.where(Instance, "charged_to", who)),
    "cores": lambda store, who: store.total(Instance, "charged_to", who, "cores"),
    "memory_mib": lambda store, who: store.total(
        Instance, "charged_to", who, "memory_mib"
    ),
    "addresses": lambda store, who: len(store.where(Address, "owner_id", who)),
    "key_pairs": lambda store, who: len(store.where(KeyPair, "owner_id", who)),
    "security_groups": lambda store, who: len(
        store.where(SecurityGroup, "owner_id", who)
    ),
    "placement_groups": lambda store, who: len(
        store.where(PlacementGroup, "owner_id", who)
    ),
    "images": _images,
    "image_mib": lambda store, who: (
        -(-store.total(Image, "owner_id", who, "size_bytes") // _MIB)
    ),
    "tags": lambda store, who: store.total(ResourceTags, "owner_id", who, "count"),
}

#: What is said where it would be exceeded, with how many are wanted.
_REFUSALS: Mapping[str, Callable[[int, int], ApiError]] = {
    "instances": InstanceLimitExceeded,
    "cores": VcpuLimitExceeded,
    "memory_mib": lambda _, most: ResourceLimitExceeded("MiB of memory", most),
    "addresses": lambda _, most: AddressLimitExceeded(most),
    "key_pairs": lambda _, most: ResourceLimitExceeded("key pairs", most),
    "security_groups": lambda _, most: SecurityGroupLimitExceeded(most),
    "permissions_per_group": lambda _, most: RulesPerSecurityGroupLimitExceeded(most),
    "placement_groups": lambda _, most: ResourceLimitExceeded("placement groups", most),
    "images": lambda _, most: ResourceLimitExceeded("images", most),
    "image_mib": lambda _, most: ResourceLimitExceeded("MiB of images", most),
    "tags": lambda _, most: ResourceLimitExceeded("tags", most),
}


def limits_of(store: IStore, quotas: Quotas, account_id: str) -> Quotas:
    """
    What an account may hold.

    @param quotas: what it may unless it is said otherwise for it.
    """
    user = store.get(User, account_id)
    if user is None:
        return quotas
    if user.is_admin:
        return NO_LIMITS
    return quotas.but({each.of: each.most for each in user.limits})


def left(
    store: IStore,
    quotas: Quotas,
    caller: Caller,
    of: str,
    held: int | None = None,
) -> tuple[int, int]:
    """
    How many more of a thing a caller may have, and his limit; L{PLENTY} and
    L{UNLIMITED} where there is none.

    @param of: one of L{euca_tw.model.quotas.LIMITS}.
    @param held: of what is not in L{HELD}, how many there are.
    """
    if caller.is_admin:
        return PLENTY, UNLIMITED
    most: int = getattr(limits_of(store, quotas, caller.account_id), of)
    if most == UNLIMITED:
        return PLENTY, UNLIMITED
    if held is None:
        held = HELD[of](store, caller.account_id)
    return max(0, most - held), most


def need(
    store: IStore,
    quotas: Quotas,
    caller: Caller,
    of: str,
    more: int = 1,
    held: int | None = None,
) -> None:
    """
    See that a caller may have so many more of a thing; see L{left}.

    @raise ApiError: he may not, by EC2's code for it.
    """
    room, most = left(store, quotas, caller, of, held)
    if more > room:
        raise _REFUSALS[of](more, most)


def may_launch_more(
    store: IStore, quotas: Quotas, caller: Caller, machine: MachineType, at_least: int
) -> int:
    """
    How many instances of a type a caller may launch; more than there can be, if he
    is not limited.

    @raise ApiError: not as many as he needs.
    """
    sizes = {"instances": 1, "cores": machine.cores, "memory_mib": machine.memory_mib}
    most = PLENTY
    for of, size in sizes.items():
        room, _ = left(store, quotas, caller, of)
        most = min(most, room // size)
        need(store, quotas, caller, of, at_least * size)
    return most
