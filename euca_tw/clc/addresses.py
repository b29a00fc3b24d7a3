"""
Addresses: public ones, that a user holds and gives to his instances.

An instance has one at most.  An instance that has ended has none, whatever
the record still says: so nothing has to happen at one exact moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from attrs import define, evolve

from euca_tw.api.ec2.addresses import (
    AllocateAddress,
    AllocateAddressResponse,
    AssociateAddress,
    AssociateAddressResponse,
    DescribeAddresses,
    DescribeAddressesResponse,
    DisassociateAddress,
    DisassociateAddressResponse,
    ReleaseAddress,
    ReleaseAddressResponse,
)
from euca_tw.api.errors import (
    AddressLimitExceeded,
    AlreadyAssociated,
    IncorrectInstanceState,
    InsufficientAddressCapacity,
    MalformedAddress,
    MissingParameter,
    NoSuchAddress,
    NoSuchAllocation,
    NoSuchAssociation,
    NoSuchInstance,
)
from euca_tw.clc import views
from euca_tw.clc.access import instance_of
from euca_tw.clc.checks import unsupported
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.clc.intent import intend
from euca_tw.clc.interfaces import IClusters
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Address, Instance, InstanceState
from euca_tw.store.interfaces import Delete, IStore, Put


def without_address(store: IStore, instance_id: str) -> tuple[Put, ...]:
    """What to commit so that an instance has no public address any more."""
    return tuple(
        Put(evolve(each, instance_id=None))
        for each in store.where(Address, "instance_id", instance_id)
    )


def public_addresses(store: IStore, caller: Caller) -> dict[str, str]:
    """The public address of each instance that the caller may see."""
    held: Iterable[Address] = (
        store.all(Address)
        if caller.is_admin
        else store.where(Address, "owner_id", caller.account_id)
    )
    return {a.instance_id: a.public_ip for a in held if a.instance_id is not None}


def _holder(store: IStore, address: Address) -> Instance | None:
    """The instance that has the address now."""
    if address.instance_id is None:
        return None
    found = store.get(Instance, address.instance_id)
    return found if found is not None and found.is_live else None


_FILTERS: dict[str, Reads[tuple[Address, str | None]]] = {
    "public-ip": one(lambda pair: pair[0].public_ip),
    "instance-id": one(lambda pair: pair[1]),
    "domain": lambda pair: ("standard",),
    "allocation-id": lambda pair: (),
    "association-id": lambda pair: (),
}


@define(eq=False, kw_only=True)
class Addresses:
    """
    The operations on addresses.

    @ivar pool: the addresses that the cloud has to give.
    """

    store: IStore
    clusters: IClusters
    quotas: Quotas
    pool: tuple[str, ...]
    _next: int = 0

    async def allocate_address(
        self, caller: Caller, request: AllocateAddress
    ) -> AllocateAddressResponse:
        unsupported("VPCs", request.domain not in (None, "", "standard"))
        unsupported("tags", request.tag_specifications)
        held = len(self.store.where(Address, "owner_id", caller.account_id))
        if held >= self.quotas.addresses and not caller.is_admin:
            raise AddressLimitExceeded(self.quotas.addresses)
        address = Address(public_ip=self._free(), owner_id=AccountId(caller.account_id))
        await self.store.commit(Put(address))
        return AllocateAddressResponse(public_ip=address.public_ip, domain="standard")

    def _free(self) -> str:
        """
        The next that is free, going round: an address that was given back
        rests before it is another's.
        """
        for n in range(len(self.pool)):
            index = (self._next + n) % len(self.pool)
            if self.store.get(Address, self.pool[index]) is None:
                self._next = index + 1
                return self.pool[index]
        raise InsufficientAddressCapacity

    async def release_address(
        self, caller: Caller, request: ReleaseAddress
    ) -> ReleaseAddressResponse:
        if request.allocation_id:
            raise NoSuchAllocation(request.allocation_id)
        address = self._address(caller, request.public_ip)
        await self._intend(address, (Delete(Address, address.key),))
        return ReleaseAddressResponse()

    async def associate_address(
        self, caller: Caller, request: AssociateAddress
    ) -> AssociateAddressResponse:
        unsupported("network interfaces", request.network_interface_id)
        unsupported("a choice of private addresses", request.private_ip_address)
        if request.allocation_id:
            raise NoSuchAllocation(request.allocation_id)
        address = self._address(caller, request.public_ip)
        if not request.instance_id:
            raise MissingParameter("instanceId")
        instance = instance_of(self.store, caller, request.instance_id)
        if instance.owner_id != address.owner_id:
            raise NoSuchInstance(request.instance_id)
        if instance.state not in (InstanceState.PENDING, InstanceState.RUNNING):
            raise IncorrectInstanceState(
                instance.instance_id, instance.state.value, "given an address"
            )
        holder = _holder(self.store, address)
        if (
            request.allow_reassociation is False
            and holder is not None
            and holder.instance_id != instance.instance_id
        ):
            raise AlreadyAssociated(address.public_ip, holder.instance_id)
        changes = (
            *without_address(self.store, instance.instance_id),
            Put(evolve(address, instance_id=instance.instance_id)),
        )
        await self._intend(address, changes, instance)
        return AssociateAddressResponse()

    async def disassociate_address(
        self, caller: Caller, request: DisassociateAddress
    ) -> DisassociateAddressResponse:
        if request.association_id:
            raise NoSuchAssociation(request.association_id)
        address = self._address(caller, request.public_ip)
        await self._intend(address, (Put(evolve(address, instance_id=None)),))
        return DisassociateAddressResponse()

    async def _intend(
        self,
        address: Address,
        changes: tuple[Put | Delete, ...],
        holder: Instance | None = None,
    ) -> None:
        """Commit, and have those who had it or will have it seen to."""
        concerned = (_holder(self.store, address), holder)
        instances = [each for each in concerned if each is not None]
        await intend(self.store, self.clusters, changes, instances)

    async def describe_addresses(
        self, caller: Caller, request: DescribeAddresses
    ) -> DescribeAddressesResponse:
        for allocation_id in request.allocation_ids:
            raise NoSuchAllocation(allocation_id)
        wanted = dict.fromkeys(request.public_ips)
        held: Iterable[Address] = (
            [self._address(caller, public_ip) for public_ip in wanted]
            if wanted
            else self.store.where(Address, "owner_id", caller.account_id)
        )
        holders = ((each, _holder(self.store, each)) for each in held)
        pairs = [(each, h.instance_id if h else None) for each, h in holders]
        passes = chooser(_FILTERS, request.filters)
        return DescribeAddressesResponse(
            addresses=tuple(
                views.address(each, holder)
                for each, holder in pairs
                if passes((each, holder))
            )
        )

    def _address(self, caller: Caller, public_ip: str | None) -> Address:
        """
        An address of the caller's.

        @raise MissingParameter: none is named.
        @raise MalformedAddress: what is named is none.
        @raise NoSuchAddress: it is not his.
        """
        if not public_ip:
            raise MissingParameter("publicIp")
        try:
            IPv4Address(public_ip)
        except ValueError:
            raise MalformedAddress(public_ip) from None
        found = self.store.get(Address, public_ip)
        if found is None or found.owner_id != caller.account_id:
            raise NoSuchAddress(public_ip)
        return found
