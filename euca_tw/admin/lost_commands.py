"""
C{euca-tw node lost} and C{euca-tw cluster lost}: what is silent, and will not come
back.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from euca_tw.admin.asked import configuration_asked, say
from euca_tw.admin.client import do

#: Each cluster may be asked in turn.
_TIMEOUT_S = 120.0


def node_lost(asked: argparse.Namespace) -> None:
    arguments = {"node": asked.node}
    configuration = configuration_asked(asked)
    url = do(configuration, "declare_node_lost", arguments, _TIMEOUT_S)
    say(f"{url} is lost: what was on it has ended")


def cluster_lost(asked: argparse.Namespace) -> None:
    arguments = {"zone": asked.zone}
    do(configuration_asked(asked), "declare_cluster_lost", arguments, _TIMEOUT_S)
    say(f"{asked.zone} is lost: what was in it has ended")


def lost_commands(
    command: Callable[..., argparse.ArgumentParser], of_node: Any, of_cluster: Any
) -> None:
    """
    @param of_node: the subject C{node}.
    @param of_cluster: the subject C{cluster}.
    """
    what = "declare {} is silent to be gone for good, and what was {} it to have ended"
    node = command(of_node, "lost", node_lost, what.format("a node that", "on"))
    node.add_argument(
        "node", metavar="NODE", help="its URL, as of the configuration, or its host"
    )
    cluster = command(
        of_cluster, "lost", cluster_lost, what.format("a cluster that", "in")
    )
    cluster.add_argument("zone", metavar="NAME", help="of its availability zone")
