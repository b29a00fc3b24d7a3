"""
The policies that a configuration names, and the list of all that there are.

What needs plugins imports them where it is used: C{euca-tw} is quick to start.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from euca_tw.admin.asked import say
from euca_tw.common.config import ConfigError

if TYPE_CHECKING:
    from euca_tw.admin.sections import CloudSection, ClusterControllerSection
    from euca_tw.cc.interfaces import IScheduler
    from euca_tw.clc.interfaces import IPlacement
    from euca_tw.policies.found import Found


def scheduler_of(section: ClusterControllerSection, random: Random) -> IScheduler:
    """
    What chooses nodes.

    @raise ConfigError: it cannot be used.
    """
    from euca_tw.policies.found import PolicyBroken, PolicyNotFound, scheduler_named

    try:
        return scheduler_named(section.scheduler, random)
    except (PolicyBroken, PolicyNotFound) as error:
        told = ("the configuration", "cluster_controller", "scheduler", str(error))
        raise ConfigError(*told) from error


def placement_of(section: CloudSection, random: Random) -> IPlacement:
    """
    What chooses clusters.

    @raise ConfigError: it cannot be used.
    """
    from euca_tw.policies.found import PolicyBroken, PolicyNotFound, placement_named

    try:
        return placement_named(section.placement, random)
    except (PolicyBroken, PolicyNotFound) as error:
        told = ("the configuration", "cloud", "placement", str(error))
        raise ConfigError(*told) from error


def listed(found: Found) -> Iterator[str]:
    """A line for each: kind, name, summary; then one for what cannot be used."""
    for policy in found.policies:
        yield f"{policy.kind:11}{policy.name:20}{' '.join(policy.summary.split())}"
    for broken in found.broken:
        yield f"{'broken':11}{broken.plugin}: {broken.reason}"


def policies_print(asked: argparse.Namespace) -> None:
    """Say them all."""
    from euca_tw.policies.found import find

    for line in listed(find()):
        say(line)
