"""
The chains that judge what instances send: by the rules of their groups, where these
do not let out everything.  Constant, like all chains.

Pure.  Apart from L{euca_tw.vnet.filter_chains}, for they are the whole of it: what
leaves a card passes here before the machine decides where it goes, whoever it is for.
"""

# Note [Where it is judged]
#
# At the card's port, when the connection is known and before anything is translated:
# what is judged is the destination that the instance wrote, so a public address is a
# public address, whoever has it.  Before that it was seen that the instance is itself
# (L{filter_chains}); after it come the bridge, the router and the trunk, and none of
# them is a way around.
#
# Answers pass; errors about a connection do not by that alone, as they do coming in:
# they may be about anybody's on this machine, and carry what they like to its peer.
#
# Who sends to the MAC address of one and the IP address of another has only the latter
# judged: so a card is given only what is addressed to it (C{arriving}).
#
# What is restricted is a class, as one element of a set: instances of others are asked
# for no more than that, once for each connection.

from __future__ import annotations

from collections.abc import Iterator

from euca_tw.model.networks import ROUTER_MAC
from euca_tw.vnet.dhcp import BROADCAST, METADATA_ADDRESS, SERVER_PORT
from euca_tw.vnet.filter_chains import (
    CARD,
    ESTABLISHED,
    TAP,
    VXLAN,
    WIPE,
    Chains,
    permitted,
)
from euca_tw.vnet.filter_settings import Shape, Tracking

#: After who follows connections has seen it, see Note [Established]: the bridge, or
#: what is shown to the machine's IP.
_PRIORITIES = {Tracking.BRIDGE: -150, Tracking.IP: 10}


def egress_chains(shape: Shape) -> Chains:
    """Of the bridges' table, by name."""
    return {
        "departing": _departing(shape.tracking),
        "letting_out": _letting_out(shape.tracking),
        "serving": _serving(),
    }


def _departing(tracking: Tracking) -> Iterator[str]:
    priority = _PRIORITIES[tracking]
    yield f"type filter hook prerouting priority {priority}; policy accept;"
    yield f"iifname {CARD} ether type ip goto letting_out"
    if tracking is Tracking.IP:
        for port in (VXLAN, TAP):
            yield f"iifname {port} meta mark {ESTABLISHED} meta mark set 0"


def _letting_out(tracking: Tracking) -> Iterator[str]:
    if tracking is Tracking.BRIDGE:
        yield "ct state established accept"
    else:
        yield f"meta mark {ESTABLISHED} goto deliver"
    yield from WIPE
    yield "meta mark set iifname map @classes"
    yield "meta mark != @restricted goto deliver"
    # Options could name another destination.
    yield "ip hdrlength 5 jump serving"
    yield "meta priority set ip daddr map @origins"
    yield from permitted("daddr", "to", "to_classes")
    yield "counter name kept_in drop"


def _serving() -> Iterator[str]:
    """What serves an instance it may always ask; as in EC2."""
    yield f"ip daddr {METADATA_ADDRESS} goto deliver"
    yield f"ip daddr {BROADCAST} udp dport {SERVER_PORT} goto deliver"
    yield f"ether daddr {ROUTER_MAC} ip daddr @bridged_routers goto deliver"
