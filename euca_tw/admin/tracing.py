"""
What decides whether a packet leaves an instance and reaches one, and by which way it
would go: asked of the cloud controller, which knows all networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from attrs import frozen

from euca_tw.admin.client import Refused
from euca_tw.clc import network_entries
from euca_tw.clc.networks import CloudNetworks
from euca_tw.model.networks import Member, View
from euca_tw.model.records import Address, Instance
from euca_tw.store.interfaces import IStore
from euca_tw.vnet.classes import ICMP, TCP, UDP
from euca_tw.vnet.trace import Trace, departure, trace
from euca_tw.vnet.ways import way

_PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP}
#: Of ICMP: that of ping.
_ECHO_REQUEST = "8"


@frozen(kw_only=True, eq=False)
class Tracing:
    """What of the cloud is needed for it."""

    store: IStore
    networks: CloudNetworks

    def traced(
        self, instance_id: str, address: str, protocol: str, port: str
    ) -> Iterator[str]:
        """
        In lines, for people.

        @param address: or the identifier of another instance.
        @param port: of ICMP C{TYPE} or C{TYPE/CODE}; there it may be C{""}, for ping.
        @raise Refused: it cannot be told.
        """
        number, asked = asked_of(protocol, port)
        target = self._placed(instance_id)
        source, sender = self._source(address)
        numbers = {each.network for each in (target, sender) if each is not None}
        view = self.networks.seen_from(target.machine, numbers)
        yield from self._known(view, source, sender)
        for who, where in self._departures(target, source, sender):
            left = self._departure(who, where, number, asked)
            yield from left.text.splitlines()
            if not left.passes:
                return
        yield from trace(view, instance_id, source, number, asked).text.splitlines()
        if sender != target:
            yield from way(view, target, sender).lines

    def traced_out(
        self, instance_id: str, address: str, protocol: str, port: str
    ) -> Iterator[str]:
        """
        Of what an instance sends; as L{traced}.

        @param address: that it writes: of another instance or of anybody.
        """
        number, asked = asked_of(protocol, port)
        sender = self._placed(instance_id)
        destination, target = self._source(address)
        if target is not None:
            yield from self.traced(target.instance_id, instance_id, protocol, port)
            return
        left = self._departure(sender, destination, number, asked)
        yield from left.text.splitlines()
        held = self.store.get(Address, str(destination))
        if left.passes and held is not None and held.instance_id is not None:
            yield (
                f"{destination} is the public address of {held.instance_id}, whose "
                f"groups are asked about the public address of {instance_id}."
            )

    def _departures(
        self, target: Member, source: IPv4Address, sender: Member | None
    ) -> Iterator[tuple[Member, IPv4Address]]:
        """
        Who inside sends it, and to which address; who is known by a public address
        sends to such.
        """
        if sender is not None:
            yield sender, target.private_ip
            return
        record = self.store.get(Address, str(source))
        if record is None or record.instance_id is None:
            return
        for each in self.store.where(Address, "instance_id", target.instance_id):
            yield self._placed(record.instance_id), IPv4Address(each.public_ip)

    def _departure(
        self, sender: Member, destination: IPv4Address, protocol: int, port: int
    ) -> Trace:
        view = self.networks.seen_from(sender.machine, (sender.network,))
        return departure(view, sender.instance_id, destination, protocol, port)

    def _source(self, address: str) -> tuple[IPv4Address, Member | None]:
        """Who it is, by whichever of its names; None: nobody inside."""
        if address.startswith("i-"):
            sender = self._placed(address)
            return sender.private_ip, sender
        try:
            source = IPv4Address(address)
        except ValueError:
            raise Refused(
                f"{address!r} is neither an address, as 10.128.0.2, nor an instance, "
                "as i-0123abcd"
            ) from None
        found = self.networks.member_at(source)
        return source, None if found is None else self._placed(found.instance_id)

    def _placed(self, instance_id: str) -> Member:
        """@raise Refused: it is on no network of no machine."""
        record = self.store.get(Instance, instance_id)
        if record is None:
            raise Refused(f"there is no instance {instance_id}")
        if not record.is_live:
            raise Refused(f"{instance_id} has ended: it has no network any more")
        member = network_entries.member_of(record)
        if member is None:
            raise Refused(f"{instance_id} is in no network that the cloud manages")
        if not member.machine:
            raise Refused(
                f"{instance_id} is on no machine yet; ask again when it is running"
            )
        return member

    def _known(
        self, view: View, source: IPv4Address, sender: Member | None
    ) -> Iterator[str]:
        if sender is not None:
            return
        record = self.store.get(Address, str(source))
        if record is not None and record.instance_id is not None:
            yield (
                f"{source} is the public address of {record.instance_id}, and so it "
                "is seen when it asks for a public address; else by its private one."
            )
        elif any(source in each.network.subnet for each in view.networks.values()):
            yield f"No instance has {source} now."


def asked_of(protocol: str, port: str) -> tuple[int, int]:
    """
    The protocol's number; and the port, or type and code as one number.

    @raise Refused: there is no such thing.
    """
    number = _PROTOCOLS.get(protocol)
    if number is None:
        raise Refused(f"{protocol!r} is none of {', '.join(_PROTOCOLS)}")
    if number != ICMP:
        return number, _number(port, f"a port of {protocol}", (1 << 16) - 1)
    kind, slash, code = (port or _ECHO_REQUEST).partition("/")
    what = "a type of ICMP, or type and code as 3/4"
    return number, (
        _number(kind, what, 255) << 8 | _number(code if slash else "0", what, 255)
    )


def _number(text: str, what: str, largest: int) -> int:
    if text.isascii() and text.isdigit() and int(text[:6]) <= largest:
        return int(text[:6])
    raise Refused(f"{text!r} is not {what}: 0 to {largest}")
