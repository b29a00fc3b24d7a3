"""
What values a configuration may have, one by one.

Each C{check_…} is for one kind of value, and raises C{ValueError} with what is
wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    collapse_addresses,
    ip_address,
    summarize_address_range,
)
from urllib.parse import urlsplit

from euca_tw.common.silence import DECLARERS
from euca_tw.nodectl.machines import MACHINES
from euca_tw.policies.interfaces import PLACEMENT, SCHEDULER
from euca_tw.query.signing import ALL_VERSIONS
from euca_tw.vnet.dhcp import METADATA_ADDRESS

#: Of both kinds; plugins are looked through only for others.
DEFAULT_POLICY = "least-loaded"
#: A pool of public addresses is not larger than this.
_MOST_ADDRESSES = 1 << 16
_HYPERVISORS = ("memory",)
#: Where a head's networks are.
CARRIES = ("kernel", "memory")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")
#: As the kernel and nft take it without quotes.
_INTERFACE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,14}\Z")
_NAMESPACE = re.compile(r"[a-z][a-z0-9_]{0,14}\Z")


def check_name(text: str) -> None:
    if _NAME.match(text) is None:
        raise ValueError(f"{text!r} is not a name of letters, digits and -_.")


def check_url(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is not an http(s) URL")


def check_url_or_none(text: str) -> None:
    if text:
        check_url(text)


def check_store_or_none(text: str) -> None:
    """
    Only its form: a name or a password that is wrong in it is told by the server.
    What is refused is not quoted, for it may have a password.
    """
    is_uri = text.startswith(("postgresql://", "postgres://"))
    if text and not is_uri and ("://" in text or "=" not in text):
        raise ValueError(
            "it is neither postgresql://USER@HOST/DATABASE nor made of key=value pairs"
        )


def check_positive(number: float) -> None:
    if number <= 0:
        raise ValueError(f"{number} is not more than 0")


def check_not_negative(number: float) -> None:
    # Nothing is less than infinity, or no number, a second.
    if not 0 <= number < float("inf"):
        raise ValueError(f"{number} is not 0, or more")


def check_network(text: str) -> None:
    if IPv4Network(text).num_addresses < 8:
        raise ValueError(f"{text} has no room for instances")


def check_address_or_none(text: str) -> None:
    if text:
        IPv4Address(text)


def check_endpoint_or_none(text: str) -> None:
    host, _, port = text.rpartition(":")
    if text and not (
        host and port.isascii() and port.isdigit() and 0 < int(port) < 65536
    ):
        raise ValueError(f"{text!r} is no host:port, as head.example:8776")


def check_carries(text: str) -> None:
    if text not in CARRIES:
        raise ValueError(f"{text!r} is none of {', '.join(CARRIES)}")


def check_mtu(number: int) -> None:
    if not 1330 <= number <= 65535:
        raise ValueError(f"{number} is not 1330 to 65535")


def check_addresses(texts: tuple[str, ...]) -> None:
    for text in texts:
        IPv4Address(text)


def check_resolvers(texts: tuple[str, ...]) -> None:
    for text in texts:
        if ip_address(text) == METADATA_ADDRESS:
            raise ValueError(f"{text} is where instances ask this machine itself")


def check_networks(texts: tuple[str, ...]) -> None:
    for text in texts:
        IPv4Network(text)


def check_interface_or_none(text: str) -> None:
    if text and _INTERFACE.match(text) is None:
        raise ValueError(f"{text!r} is no name of a network interface, as eth0")


def check_namespace_or_none(text: str) -> None:
    if text and _NAMESPACE.match(text) is None:
        raise ValueError(
            f"{text!r} is no name for a network namespace and a link: up to 15 small "
            "letters, digits and _, a letter first"
        )


def check_cable(text: str) -> None:
    network = IPv4Network(text)
    if not 29 <= network.prefixlen <= 30:
        raise ValueError(f"{text} is not for two machines, as 172.30.255.252/30")


def check_pool(texts: tuple[str, ...]) -> None:
    address_pool(texts)


def check_hypervisor(text: str) -> None:
    if text not in _HYPERVISORS and "://" not in text:
        raise ValueError(
            f"{text!r} is neither memory nor a libvirt URI such as qemu:///system"
        )


def check_domain_type(text: str) -> None:
    if text and text not in MACHINES:
        raise ValueError(f"{text!r} is none of {', '.join(MACHINES)}")


def check_versions(texts: tuple[str, ...]) -> None:
    if not texts:
        raise ValueError("names no version, so that nobody could sign a request")
    for text in texts:
        if text not in ALL_VERSIONS:
            known = ", ".join(sorted(ALL_VERSIONS))
            raise ValueError(f"{text!r} is none of {known}")


def check_names(texts: tuple[str, ...]) -> None:
    for text in texts:
        check_name(text)


def check_declarer(text: str) -> None:
    if text not in DECLARERS:
        raise ValueError(f"{text!r} is none of {', '.join(DECLARERS)}")


def check_placement(text: str) -> None:
    _check_policy(PLACEMENT, text)


def check_scheduler(text: str) -> None:
    _check_policy(SCHEDULER, text)


def _check_policy(kind: str, text: str) -> None:
    if text == DEFAULT_POLICY:
        return
    from euca_tw.policies.found import PolicyNotFound, find, policy_named

    try:
        policy_named(kind, text, find())
    except PolicyNotFound as error:
        raise ValueError(str(error)) from None


def address_pool(texts: Iterable[str]) -> tuple[str, ...]:
    """
    The addresses that single addresses, ranges (C{10.0.0.1-10.0.0.9}) and
    networks (C{10.0.1.0/28}, without the first and the last) make up.

    @raise ValueError: with what is wrong.
    """
    pool: dict[str, None] = {}
    for text in texts:
        first, dash, last = text.partition("-")
        if dash:
            low, high = IPv4Address(first.strip()), IPv4Address(last.strip())
        else:
            network = IPv4Network(text)
            low, high = network.network_address, network.broadcast_address
            if network.num_addresses > 2:
                low, high = low + 1, high - 1
        if not 0 <= int(high) - int(low) < _MOST_ADDRESSES:
            raise ValueError(f"{text} is not 1 to {_MOST_ADDRESSES} addresses")
        pool.update((str(IPv4Address(n)), None) for n in range(int(low), int(high) + 1))
    return tuple(pool)


def pool_networks(texts: Iterable[str]) -> tuple[IPv4Network, ...]:
    """What routes to the addresses of L{address_pool} lead to, networks whole."""
    networks: list[IPv4Network] = []
    for text in texts:
        first, dash, last = text.partition("-")
        if dash:
            ends = IPv4Address(first.strip()), IPv4Address(last.strip())
            networks += summarize_address_range(*ends)
        else:
            networks.append(IPv4Network(text))
    return tuple(collapse_addresses(networks))


def address_of(url: str, address: str) -> IPv4Address:
    """
    Where a machine is sent packets: C{address}, else the host of its URL.

    @raise ValueError: that is a name.
    """
    host = address or urlsplit(url).hostname or ""
    try:
        return IPv4Address(host)
    except ValueError:
        raise ValueError(
            f"is missing, and the host of {url} is a name: which of its addresses "
            "carries networks must be said"
        ) from None


def url_of(listen: str, host_name: str) -> str:
    """
    The URL of what listens at an endpoint.

    @param host_name: of this machine, for an endpoint of all its addresses.
    @raise ValueError: it cannot be told.
    """
    kind, port, *rest = f"{listen}:".replace("\\:", "\0").split(":")
    settings = dict(each.partition("=")[::2] for each in rest)
    if kind not in ("tcp", "tcp6", "ssl") or not port.isdigit():
        raise ValueError(f"no URL can be made of {listen!r}: name it")
    host = settings.get("interface", "").replace("\0", ":")
    if host in ("", "0.0.0.0", "::"):  # noqa: S104, nobody listens here
        host = host_name
    if ":" in host:
        host = f"[{host}]"
    return f"{'https' if kind == 'ssl' else 'http'}://{host}:{port}/"
