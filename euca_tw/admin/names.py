"""What tells instances names, put together, for nodes."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Network

from euca_tw.admin.daemon import Machine, Part
from euca_tw.admin.sections import NodeControllerSection
from euca_tw.vnet.names.forwarder import Forwarder
from euca_tw.vnet.names.question_port import QuestionPort
from euca_tw.vnet.names.resolvers import MachineResolvers
from euca_tw.vnet.names.server import NameServer
from euca_tw.vnet.names.zone import Zone


def names_of(
    section: NodeControllerSection, machine: Machine, domain: str, range_: str
) -> NameServer | None:
    """
    The name server of a node; None where the site has none there.

    @param domain: what instances' names end in.
    @param range_: of their addresses.
    """
    if not section.serves_names:
        return None
    given = section.resolvers
    return NameServer(
        zone=Zone(domain=domain, ranges=(IPv4Network(range_),)),
        forwarder=Forwarder(
            reactor=machine.reactor,
            open_port=partial(QuestionPort, machine.reactor),
            random=machine.random,
            resolvers=(lambda: given) if given else MachineResolvers(machine.reactor),
        ),
        clock=machine.reactor,
    )


def names_parts(names: NameServer | None) -> tuple[Part, ...]:
    """What ends with the daemon."""
    return () if names is None else (Part(name="names", stop=names.stop),)
