"""
DHCP for instances: the packets, and what is answered to each.

Pure; L{euca_tw.vnet.dhcp_server} has the socket.  Only cards that are known
are answered, each with the one address that it has; there are no pools, so
nothing has to be remembered.  RFC 2131 and 2132, 3396 (long options), 3442
(classless routes), 6842 (the client's identifier is returned).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network

from attrs import Factory, frozen

from euca_tw.nodectl.interfaces import Lease

SERVER_PORT = 67
CLIENT_PORT = 68
METADATA_ADDRESS = IPv4Address("169.254.169.254")
ANY = IPv4Address("0.0.0.0")  # noqa: S104
BROADCAST = IPv4Address("255.255.255.255")

#: How long a lease lasts.  Addresses do not move, so it may be long: a node
#: can be down for half of it and no instance notices.
LEASE_S = 86_400

_HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s")
_SNAME = slice(44, 108)
_FILE = slice(108, 236)
_COOKIE = b"\x63\x82\x53\x63"
_OPTIONS_AT = 240
_ETHERNET = 1
_MAC_LENGTH = 6
#: Old relays and clients drop what is shorter than a BOOTP packet.
_SHORTEST = 300
_LONGEST_LABEL = 63
_LONGEST_OPTION = 255
_PAD = 0
_END = 255


class Op(IntEnum):
    """Which way a packet goes."""

    REQUEST = 1
    REPLY = 2


class Kind(IntEnum):
    """What a packet is (option 53)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


class Option(IntEnum):
    """The options that are read or written."""

    SUBNET_MASK = 1
    ROUTER = 3
    NAME_SERVERS = 6
    HOST_NAME = 12
    DOMAIN_NAME = 15
    MTU = 26
    REQUESTED_ADDRESS = 50
    LEASE_TIME = 51
    OVERLOAD = 52
    KIND = 53
    SERVER = 54
    RENEWAL_TIME = 58
    REBINDING_TIME = 59
    CLIENT = 61
    CLASSLESS_ROUTES = 121


@frozen(kw_only=True)
class Packet:
    """
    A DHCP packet on an Ethernet.

    @ivar client: the address that the client has (C{ciaddr}).
    @ivar given: the address that it is given (C{yiaddr}).
    @ivar relay: of whoever passed it on (C{giaddr}).
    """

    op: Op
    transaction: int
    mac_address: str
    seconds: int = 0
    flags: int = 0
    client: IPv4Address = ANY
    given: IPv4Address = ANY
    relay: IPv4Address = ANY
    options: Mapping[int, bytes] = Factory(dict)

    @property
    def kind(self) -> Kind | None:
        """None for BOOTP, and for what nobody knows."""
        said = self.options.get(Option.KIND, b"")
        if len(said) != 1:
            return None
        try:
            return Kind(said[0])
        except ValueError:
            return None


def parse(datagram: bytes) -> Packet | None:
    """
    Read a packet.

    @return: None for what is no DHCP on an Ethernet.
    """
    if len(datagram) < _OPTIONS_AT or datagram[236:_OPTIONS_AT] != _COOKIE:
        return None
    op, hardware, length, _, transaction, seconds, flags, *rest = _HEADER.unpack_from(
        datagram
    )
    client, given, _, relay, card = rest
    if op not in (Op.REQUEST, Op.REPLY):
        return None
    if (hardware, length) != (_ETHERNET, _MAC_LENGTH):
        return None
    options = _parse_options(datagram[_OPTIONS_AT:])
    overload = options.get(Option.OVERLOAD, b"")
    for bit, where in ((1, _FILE), (2, _SNAME)):
        if len(overload) == 1 and overload[0] & bit:
            for code, value in _parse_options(datagram[where]).items():
                options[code] = options.get(code, b"") + value
    return Packet(
        op=Op(op),
        transaction=transaction,
        mac_address=card[:_MAC_LENGTH].hex(":"),
        seconds=seconds,
        flags=flags,
        client=IPv4Address(client),
        given=IPv4Address(given),
        relay=IPv4Address(relay),
        options=options,
    )


def _parse_options(field: bytes) -> dict[int, bytes]:
    """Options up to the end mark, or to where they no longer make sense."""
    options: dict[int, bytes] = {}
    at = 0
    while at < len(field) and field[at] != _END:
        if field[at] == _PAD:
            at += 1
            continue
        value_at = at + 2
        if value_at > len(field) or value_at + field[at + 1] > len(field):
            break
        next_at = value_at + field[at + 1]
        code = field[at]
        options[code] = options.get(code, b"") + field[value_at:next_at]
        at = next_at
    return options


def write(packet: Packet) -> bytes:
    """The packet's bytes."""
    header = _HEADER.pack(
        packet.op,
        _ETHERNET,
        _MAC_LENGTH,
        0,
        packet.transaction,
        packet.seconds,
        packet.flags,
        packet.client.packed,
        packet.given.packed,
        ANY.packed,
        packet.relay.packed,
        bytes.fromhex(packet.mac_address.replace(":", "")),
    )
    options = b"".join(
        _write_option(code, value) for code, value in packet.options.items()
    )
    names = bytes(_FILE.stop - _SNAME.start)
    whole = header + names + _COOKIE + options + bytes((_END,))
    return whole.ljust(_SHORTEST, bytes((_PAD,)))


def _write_option(code: int, value: bytes) -> bytes:
    parts = [
        value[at : at + _LONGEST_OPTION] for at in range(0, len(value), _LONGEST_OPTION)
    ] or [b""]
    return b"".join(bytes((code, len(part))) + part for part in parts)


def reply(asked: Packet, lease: Lease, server: IPv4Address) -> Packet | None:
    """
    What to answer to the card that C{lease} is for.

    @param server: our own address on the bridge.
    @return: None where silence is right.
    """
    if asked.op is not Op.REQUEST or asked.relay != ANY:
        # No relay has business on a bridge of instances.
        return None
    mine = IPv4Address(lease.private_ip)
    match asked.kind:
        case Kind.DISCOVER:
            return _answered(asked, Kind.OFFER, lease, server)
        case Kind.REQUEST:
            return _requested(asked, lease, server)
        case Kind.INFORM if asked.client == mine:
            return _answered(asked, Kind.ACK, lease, server)
    return None


def _requested(asked: Packet, lease: Lease, server: IPv4Address) -> Packet | None:
    chosen = asked.options.get(Option.SERVER)
    if chosen is not None and chosen != server.packed:
        return None
    mine = IPv4Address(lease.private_ip).packed
    wanted = asked.options.get(Option.REQUESTED_ADDRESS)
    if wanted is None and asked.client == ANY:
        return None
    if (wanted or asked.client.packed) != mine or (
        asked.client != ANY and asked.client.packed != mine
    ):
        return _refused(asked, server)
    return _answered(asked, Kind.ACK, lease, server)


def _refused(asked: Packet, server: IPv4Address) -> Packet:
    return Packet(
        op=Op.REPLY,
        transaction=asked.transaction,
        mac_address=asked.mac_address,
        flags=asked.flags,
        options=_first(asked, Kind.NAK, server),
    )


def _answered(asked: Packet, kind: Kind, lease: Lease, server: IPv4Address) -> Packet:
    options = _first(asked, kind, server)
    is_given = asked.kind is not Kind.INFORM
    if is_given:
        for code, seconds in (
            (Option.LEASE_TIME, LEASE_S),
            (Option.RENEWAL_TIME, LEASE_S // 2),
            (Option.REBINDING_TIME, LEASE_S * 7 // 8),
        ):
            options[code] = struct.pack("!I", seconds)
    options.update(_facts(lease))
    return Packet(
        op=Op.REPLY,
        transaction=asked.transaction,
        mac_address=asked.mac_address,
        flags=asked.flags,
        client=asked.client if kind is Kind.ACK else ANY,
        given=IPv4Address(lease.private_ip) if is_given else ANY,
        options=options,
    )


def _first(asked: Packet, kind: Kind, server: IPv4Address) -> dict[int, bytes]:
    options: dict[int, bytes] = {
        Option.KIND: bytes((kind,)),
        Option.SERVER: server.packed,
    }
    if client := asked.options.get(Option.CLIENT):
        options[Option.CLIENT] = client
    return options


def _facts(lease: Lease) -> Mapping[int, bytes]:
    """What a lease says of the network; what it leaves open is not said."""
    subnet = IPv4Network((lease.private_ip, lease.prefix_length), strict=False)
    router = IPv4Address(lease.router)
    host, _, domain = lease.hostname.partition(".")
    said: dict[int, bytes] = {
        Option.SUBNET_MASK: subnet.netmask.packed,
        Option.ROUTER: router.packed,
        Option.NAME_SERVERS: _addresses(lease.nameservers),
        Option.HOST_NAME: host.encode("ascii", "ignore")[:_LONGEST_LABEL],
        Option.DOMAIN_NAME: domain.encode("ascii", "ignore")[:_LONGEST_OPTION],
        Option.MTU: struct.pack("!H", lease.mtu),
        # Who understands this ignores the router, so it says that too.
        Option.CLASSLESS_ROUTES: _routes(
            (IPv4Network((METADATA_ADDRESS, 32)), ANY),
            (IPv4Network((ANY, 0)), router),
        ),
    }
    return {code: value for code, value in said.items() if value}


def _addresses(addresses: Iterable[str]) -> bytes:
    return b"".join(IPv4Address(address).packed for address in addresses)


def _routes(*routes: tuple[IPv4Network, IPv4Address]) -> bytes:
    """RFC 3442; a router of 0.0.0.0 means: on this very link."""
    return b"".join(
        bytes((network.prefixlen,))
        + network.network_address.packed[: (network.prefixlen + 7) // 8]
        + router.packed
        for network, router in routes
    )


def destination(answer: Packet) -> tuple[str, int]:
    """
    Where an answer goes: to the address that the client has, else to all on
    the bridge.  (A packet to an address that a client does not yet have
    would need a raw socket; every client must take broadcasts till then.)
    """
    if answer.client != ANY and answer.kind is not Kind.NAK:
        return str(answer.client), CLIENT_PORT
    return str(BROADCAST), CLIENT_PORT
