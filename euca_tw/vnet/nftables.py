"""
The rules of one bridge by C{nft}, in a table of their own.

Pure; whole texts for C{nft -f}, each one transaction.  No rule touches what
neither comes from the bridge nor goes to its metadata service.
"""

from __future__ import annotations

from euca_tw.vnet.dhcp import METADATA_ADDRESS, SERVER_PORT
from euca_tw.vnet.settings import BridgeSettings


def table(settings: BridgeSettings) -> str:
    """The name of the table."""
    return f"euca_tw_{settings.bridge}"


def removal(settings: BridgeSettings) -> str:
    """Removes the table, whether it is there or not."""
    name = table(settings)
    return f"table inet {name}\ndelete table inet {name}\n"


def ruleset(settings: BridgeSettings, metadata_port: int) -> str:
    """
    Makes the table, in place of what it was.

    @param metadata_port: where the metadata service listens at the bridge's
        address.
    """
    bridge = f'"{settings.bridge}"'
    router = settings.router
    prerouting = [
        "type nat hook prerouting priority dstnat; policy accept;",
        f"iifname {bridge} ip daddr {METADATA_ADDRESS} tcp dport 80 "
        f"dnat ip to {router}:{metadata_port}",
    ]
    arriving = [
        "type filter hook input priority filter; policy accept;",
        f"iifname != {bridge} ip daddr {router} tcp dport {metadata_port} drop",
        f"iifname != {bridge} accept",
        "ct state established,related accept",
        f"ip protocol udp udp dport {SERVER_PORT} accept",
        f"ct status dnat tcp dport {metadata_port} accept",
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
    lines = [f"table inet {table(settings)} {{"]
    for chain, rules in chains.items():
        lines += [f"\tchain {chain} {{", *(f"\t\t{rule}" for rule in rules), "\t}"]
    lines += ["}", ""]
    return removal(settings) + "\n".join(lines)
