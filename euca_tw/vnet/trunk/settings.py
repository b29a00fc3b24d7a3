"""What a site sets about the trunk of one cluster's head."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from euca_tw.common.certificates import der_of
from euca_tw.common.config import Invalid, checked
from euca_tw.vnet.trunk.frames import cluster_id
from euca_tw.vnet.trunk.tls import read_pair

_LARGEST_PORT = 65535
_LONGEST_NAME = 255


@frozen
class Address:
    """@ivar host: an address or a name; empty for any of this machine's."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def read_address(text: str) -> Address:
    """
    C{host:port}, C{[address of IPv6]:port}, or C{:port}.

    @raise ValueError: it is none; the text is for the operator.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r}: write an address of IPv6 as [address]:port")
    is_number = port.isascii() and port.isdigit() and len(port) < 6
    if not colon or not is_number or not 0 < int(port) <= _LARGEST_PORT:
        raise ValueError(f"{text!r} is no host:port, as head.example:8776")
    return Address(host, int(port))


def _check_listen(text: str) -> None:
    if text:
        read_address(text)


def _check_name(name: str) -> None:
    if not 0 < len(name.encode()) <= _LONGEST_NAME:
        raise ValueError(f"{name!r} is no name of a cluster")


def _check_address(text: str) -> None:
    if text and not read_address(text).host:
        raise ValueError(f"{text!r} does not say which host")


def _check_certificate(pem: bytes) -> None:
    try:
        der_of(pem)
    except ValueError:
        raise ValueError("is no certificate in PEM") from None


def _check_seconds(value: float) -> None:
    if not 0 < value < 3600:
        raise ValueError(f"{value!r} is no number of seconds up to an hour")


def _check_count(value: int) -> None:
    if not 0 < value < 65536:
        raise ValueError(f"{value!r} is no number from 1 to 65535")


@frozen(kw_only=True)
class PeerSettings:
    """
    The head of another cluster.

    @ivar address: where it listens; empty if only it can connect to us.
    @ivar certificate_pem: the one that it shows.
    """

    address: str = checked(_check_address, "")
    certificate_pem: bytes = checked(_check_certificate)


@frozen(kw_only=True)
class TrunkSettings:
    """
    @ivar cluster: the name of our own.
    @ivar listen: where other heads connect to; empty: they do not.
    @ivar peers: by the names of their clusters; more may be told later.
    @ivar key_pem, certificate_pem: what we show them.
    @ivar passes_on: whether two others may reach each other by us.
    @ivar queue: how many frames of a network wait in the kernel for their turn;
        one may be a TCP segment of 64 KiB.
    @ivar device_owner: the user who may open the TAP devices, if not root.
    @ivar ping_s: how often a peer is asked whether it is there.
    @ivar silent_s: a peer that says nothing for so long is not there.
    @ivar handshake_s: how long a stranger may take to show who he is.
    @ivar most_strangers: of those who have not yet, at a time.
    @ivar retry_first_s, retry_ceiling_s: between tries to connect, about.
    @raise Invalid: they cannot be used so; the text is for the operator.
    """

    cluster: str = checked(_check_name)
    listen: str = checked(_check_listen, "")
    peers: Mapping[str, PeerSettings] = field(default=Factory(dict))
    key_pem: bytes = field(repr=False)
    certificate_pem: bytes = checked(_check_certificate)
    passes_on: bool = True
    queue: int = checked(_check_count, 128)
    device_owner: int | None = None
    ping_s: float = checked(_check_seconds, 5.0)
    silent_s: float = checked(_check_seconds, 15.0)
    handshake_s: float = checked(_check_seconds, 10.0)
    most_strangers: int = checked(_check_count, 16)
    retry_first_s: float = checked(_check_seconds, 0.25)
    retry_ceiling_s: float = checked(_check_seconds, 30.0)

    def __attrs_post_init__(self) -> None:
        check_peers(self.cluster, self.certificate_pem, self.peers)
        try:
            read_pair(self.key_pem, self.certificate_pem)
        except ValueError as error:
            raise Invalid("key_pem", str(error)) from error


def check_peers(
    cluster: str, certificate_pem: bytes, peers: Mapping[str, PeerSettings]
) -> None:
    """
    Each can be told from each, and from ourselves.

    @raise Invalid: the text is for the operator.
    """
    if cluster in peers:
        raise Invalid("peers", f"{cluster} is this cluster itself")
    names: dict[int, str] = {}
    shown: dict[bytes, str] = {}
    pems = {name: peer.certificate_pem for name, peer in peers.items()}
    for name, pem in {cluster: certificate_pem, **pems}.items():
        _check_name(name)
        other = names.setdefault(cluster_id(name), name)
        if other != name:
            raise Invalid("peers", f"{name} cannot be told from {other}: rename it")
        other = shown.setdefault(der_of(pem), name)
        if other != name:
            raise Invalid("peers", f"{name} has the same certificate as {other}")
