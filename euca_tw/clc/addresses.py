"""
Addresses: public ones, that a user holds and gives to his instances.

An instance has one at most.  An instance that has ended has none, whatever
the record still says: so nothing has to happen at one exact moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
    AddressInUse,
    AlreadyAssociated,
    ApiError,
    IncorrectInstanceState,
    InsufficientAddressCapacity,
    InvalidParameterValue,
    MalformedAddress,
    MissingParameter,
    NoSuchAddress,
    NoSuchAllocation,
    NoSuchAssociation,
    NoSuchInstance,
    NoSuchNetworkInterface,
)
from euca_tw.clc import views
from euca_tw.clc.access import instance_of, instance_with_interface
from euca_tw.clc.checks import unsupported
from euca_tw.clc.default_network import interface_id
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.clc.intent import intend
from euca_tw.clc.interfaces import IClusters
from euca_tw.clc.limits import need
from euca_tw.clc.narrowing import KEY, narrowed
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.tags import tags_for, tags_of, with_tags, without_tags
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId, Minter
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Address, Instance, InstanceState
from euca_tw.store.interfaces import Delete, IStore, Put

#: What users call an address by.
STANDARD, VPC = "standard", "vpc"

_TAKES_ADDRESS = (
    InstanceState.PENDING,
    InstanceState.RUNNING,
)


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


def address_allocated(store: IStore, caller: Caller, allocation_id: str) -> Address:
    """
    @raise NoSuchAllocation: it is not the caller's.
    """
    for found in store.where(Address, "allocation_id", allocation_id):
        if found.owner_id == caller.account_id:
            return found
    raise NoSuchAllocation(allocation_id)


def _holder(store: IStore, address: Address) -> Instance | None:
    """The instance that has the address now."""
    if address.instance_id is None:
        return None
    found = store.get(Instance, address.instance_id)
    return found if found is not None and found.is_live else None


RESOURCE_TYPE = "elastic-ip"

#: An address, and the instance that has it now.
_Pair = tuple[Address, Instance | None]


def _of_holder(read: Callable[[Instance], str]) -> Reads[_Pair]:
    return one(lambda pair: read(pair[1]) if pair[1] else None)


_FILTERS: dict[str, Reads[_Pair]] = {
    "allocation-id": one(lambda pair: pair[0].allocation_id),
    "association-id": one(lambda pair: pair[0].association_id if pair[1] else None),
    "domain": one(lambda pair: pair[0].domain),
    "instance-id": _of_holder(lambda holder: holder.instance_id),
    "network-border-group": lambda pair: (),
    "network-interface-id": _of_holder(lambda h: interface_id(h.instance_id)),
    "network-interface-owner-id": _of_holder(lambda holder: holder.owner_id),
    "private-ip-address": _of_holder(lambda holder: holder.private_ip),
    "public-ip": one(lambda pair: pair[0].public_ip),
}

#: Which of them an index of the records answers.
_INDEXES = {
    "allocation-id": "allocation_id",
    "association-id": "association_id",
    "instance-id": "instance_id",
    "public-ip": KEY,
}


@define(eq=False, kw_only=True)
class Addresses:
    """
    The operations on addresses.

    @ivar pool: the addresses that the cloud has to give.
    @ivar networks: where they are managed: while some are not known none is given.
    """

    store: IStore
    clusters: IClusters
    minter: Minter
    quotas: Quotas
    pool: tuple[str, ...]
    networks: CloudNetworks | None = None
    _next: int = 0

    async def allocate_address(
        self, caller: Caller, request: AllocateAddress
    ) -> AllocateAddressResponse:
        """The domain is what the user calls it: all addresses are of one kind."""
        domain = request.domain or STANDARD
        if domain not in (STANDARD, VPC):
            raise InvalidParameterValue("domain", domain, f"It is {STANDARD} or {VPC}.")
        if request.address:
            _check_address("address", request.address)
        tags = tags_for(request.tag_specifications, RESOURCE_TYPE)[RESOURCE_TYPE]
        if request.address:
            self._check_free(request.address)
        need(self.store, self.quotas, caller, "addresses")
        if self.networks is not None and self.networks.is_holding:
            # An instance that nobody here knows of may have any of them.
            raise InsufficientAddressCapacity
        need(self.store, self.quotas, caller, "tags", len(tags))
        address = Address(
            public_ip=request.address or self._free(),
            owner_id=AccountId(caller.account_id),
            domain=domain,
            allocation_id=self.minter.mint(
                "eipalloc",
                lambda made: bool(self.store.where(Address, "allocation_id", made)),
            ),
        )
        await self.store.commit(
            Put(address),
            *with_tags(address.owner_id, RESOURCE_TYPE, address.allocation_id, tags),
        )
        return AllocateAddressResponse(
            public_ip=address.public_ip,
            domain=address.domain,
            allocation_id=address.allocation_id,
        )

    def _check_free(self, public_ip: str) -> None:
        """
        @raise NoSuchAddress: the cloud does not have it.
        @raise AddressInUse: somebody holds it.
        """
        if public_ip not in self.pool:
            raise NoSuchAddress(public_ip)
        if self.store.get(Address, public_ip) is not None:
            raise AddressInUse(public_ip)

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
        """From its instance, too."""
        address = self._address(caller, request.public_ip, request.allocation_id)
        changes = (
            Delete(Address, address.key),
            *without_tags(self.store, address.allocation_id),
        )
        await self._intend(address, changes)
        return ReleaseAddressResponse()

    async def associate_address(
        self, caller: Caller, request: AssociateAddress
    ) -> AssociateAddressResponse:
        if not (request.instance_id or request.network_interface_id):
            raise MissingParameter("instanceId")
        address = self._address(caller, request.public_ip, request.allocation_id)
        instance = self._instance(caller, address, request)
        if instance.state not in _TAKES_ADDRESS:
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
        associated = evolve(address, instance_id=instance.instance_id)
        changes = (
            *without_address(self.store, instance.instance_id),
            Put(associated),
        )
        await self._intend(address, changes, instance)
        return AssociateAddressResponse(association_id=associated.association_id)

    def _instance(
        self, caller: Caller, address: Address, request: AssociateAddress
    ) -> Instance:
        """That shall have the address."""
        if request.instance_id:
            found = instance_of(self.store, caller, request.instance_id)
            refusal: ApiError = NoSuchInstance(request.instance_id)
        else:
            named = request.network_interface_id or ""
            found = instance_with_interface(self.store, caller, named)
            refusal = NoSuchNetworkInterface(named)
        if found.owner_id != address.owner_id:
            raise refusal
        unsupported(
            "a choice of private addresses",
            request.private_ip_address not in (None, "", found.private_ip),
        )
        return found

    async def disassociate_address(
        self, caller: Caller, request: DisassociateAddress
    ) -> DisassociateAddressResponse:
        if request.association_id:
            address = self._associated(caller, request.association_id)
        else:
            address = self._address(caller, request.public_ip, None)
        await self._intend(address, (Put(evolve(address, instance_id=None)),))
        return DisassociateAddressResponse()

    def _associated(self, caller: Caller, association_id: str) -> Address:
        """
        @raise NoSuchAssociation: no address of the caller's is so associated.
        """
        for found in self.store.where(Address, "association_id", association_id):
            if found.owner_id == caller.account_id and _holder(self.store, found):
                return found
        raise NoSuchAssociation(association_id)

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
        def tagged(pair: _Pair) -> views.Pairs:
            return tags_of(self.store, caller.account_id, pair[0].allocation_id)

        passes = chooser(_FILTERS, request.filters, tagged)
        held = self._named(caller, request)
        pairs = ((each, _holder(self.store, each)) for each in held)
        return DescribeAddressesResponse(
            addresses=tuple(
                views.address(*pair, tagged(pair)) for pair in pairs if passes(pair)
            )
        )

    def _named(self, caller: Caller, request: DescribeAddresses) -> Iterable[Address]:
        """Those that are named, each once; all that may pass, if none is."""
        if not (request.public_ips or request.allocation_ids):
            own = self.store.where(Address, "owner_id", caller.account_id)
            found = narrowed(self.store, Address, _INDEXES, request.filters, None, own)
            return [each for each in found if each.owner_id == caller.account_id]
        named = (
            *(self._address(caller, each, None) for each in request.public_ips),
            *(self._address(caller, None, each) for each in request.allocation_ids),
        )
        return {address.key: address for address in named}.values()

    def _address(
        self, caller: Caller, public_ip: str | None, allocation_id: str | None
    ) -> Address:
        """
        An address of the caller's.

        @raise MissingParameter: none is named.
        @raise MalformedAddress: what is named is none.
        @raise NoSuchAddress, NoSuchAllocation: it is not his.
        """
        if allocation_id:
            return address_allocated(self.store, caller, allocation_id)
        if not public_ip:
            raise MissingParameter("publicIp")
        _check_address("publicIp", public_ip)
        found = self.store.get(Address, public_ip)
        if found is None or found.owner_id != caller.account_id:
            raise NoSuchAddress(public_ip)
        return found


def _check_address(parameter: str, text: str) -> None:
    """@raise MalformedAddress: it is none."""
    try:
        IPv4Address(text)
    except ValueError:
        raise MalformedAddress(text, parameter) from None
