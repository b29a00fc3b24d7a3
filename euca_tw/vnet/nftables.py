"""
The rules of one bridge by C{nft}, in tables of their own.

Pure; whole texts for C{nft -f}, each one transaction.  No rule touches what
neither comes from the bridge nor goes to its metadata service.

One table is the machine's (C{inet}): what instances reach of it.  The other is
the bridge's: which MAC and IP address may be the sender on which card.  Only
because nobody can send as another may the metadata service trust a sender.
"""

from __future__ import annotations

from collections.abc import Iterable

from euca_tw.nodectl.interfaces import Lease
from euca_tw.vnet.dhcp import ANY, METADATA_ADDRESS, SERVER_PORT
from euca_tw.vnet.leases import card_name
from euca_tw.vnet.settings import BridgeSettings


def table(settings: BridgeSettings) -> str:
    """The name of both tables."""
    return f"euca_tw_{settings.bridge}"


def removal(settings: BridgeSettings) -> str:
    """Removes the tables, whether they are there or not."""
    return "".join(
        f"table {family} {table(settings)}\ndelete table {family} {table(settings)}\n"
        for family in ("inet", "bridge")
    )


def admission(settings: BridgeSettings, lease: Lease) -> str:
    """Lets an instance's card send, as itself; before the card is there."""
    return _elements(settings, "add", lease)


def dismissal(settings: BridgeSettings, lease: Lease) -> str:
    """Forgets an instance's card, known or not; its name may come again."""
    # What is not there cannot be deleted; what is there can be added.
    return admission(settings, lease) + _elements(settings, "delete", lease)


def _elements(settings: BridgeSettings, what: str, lease: Lease) -> str:
    name = f'"{card_name(lease.instance_id)}"'
    # It has no address while it asks for one.
    sends = ", ".join(
        f"{name} . {lease.mac_address} . {address}"
        for address in (lease.private_ip, ANY)
    )
    start = f"{what} element bridge {table(settings)}"
    return f"{start} cards {{ {name} }}\n{start} senders {{ {sends} }}\n"


def ruleset(
    settings: BridgeSettings,
    metadata_port: int,
    leases: Iterable[Lease],
    *,
    serves_names: bool = False,
) -> str:
    """
    All of it, in place of what was there; but cards that are known stay so,
    since they may belong to instances that have not been attached again yet.

    @param metadata_port: where the metadata service listens at the bridge's
        address.
    @param serves_names: whether this machine answers DNS there.
    """
    return "".join(
        (
            _machine_table(settings, metadata_port, serves_names=serves_names),
            _bridge_table(settings),
            *(admission(settings, lease) for lease in leases),
        )
    )


def _bridge_table(settings: BridgeSettings) -> str:
    name = table(settings)
    return f"""\
table bridge {name}
flush table bridge {name}
table bridge {name} {{
	set cards {{
		typeof iifname
	}}
	set senders {{
		typeof iifname . ether saddr . ip saddr
	}}
	chain prerouting {{
		type filter hook prerouting priority dstnat; policy accept;
		iifname != @cards accept
		udp sport {SERVER_PORT} drop
		iifname . ether saddr . ip saddr @senders accept
		iifname . arp saddr ether . arp saddr ip @senders accept
		drop
	}}
}}
"""


def _machine_table(
    settings: BridgeSettings, metadata_port: int, *, serves_names: bool
) -> str:
    name = table(settings)
    bridge = f'"{settings.bridge}"'
    router = settings.router
    prerouting = [
        "type nat hook prerouting priority dstnat; policy accept;",
        f"iifname {bridge} ip daddr {METADATA_ADDRESS} tcp dport 80 "
        f"dnat ip to {router}:{metadata_port}",
    ]
    names = (
        f"ip daddr {METADATA_ADDRESS} meta l4proto {{ tcp, udp }} th dport 53 accept"
    )
    arriving = [
        "type filter hook input priority filter; policy accept;",
        f"iifname != {bridge} ip daddr {router} tcp dport {metadata_port} drop",
        f"iifname != {bridge} accept",
        "ct state established,related accept",
        f"ip protocol udp udp dport {SERVER_PORT} accept",
        f"ct status dnat tcp dport {metadata_port} accept",
        *((names,) if serves_names else ()),
        "icmp type echo-request accept",
        "drop",
    ]
    chains = {"prerouting": prerouting, "input": arriving}
    beyond = f"iifname {bridge} oifname != {bridge}"
    if settings.has_way_out:
        chains["postrouting"] = [
            "type nat hook postrouting priority srcnat; policy accept;",
            f"ip saddr {settings.interface.network} oifname != {bridge} masquerade",
        ]
    else:
        chains["forward"] = [
            "type filter hook forward priority filter; policy accept;",
            f"{beyond} drop",
        ]
    lines = [f"table inet {name}", f"delete table inet {name}", f"table inet {name} {{"]
    for chain, rules in chains.items():
        lines += [f"\tchain {chain} {{", *(f"\t\t{rule}" for rule in rules), "\t}"]
    lines += ["}", ""]
    return "\n".join(lines)
