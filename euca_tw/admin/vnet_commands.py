"""
C{euca-tw vnet}: the instances' networks, on this machine and in the running cloud.

What needs the kernel is imported where it is used.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from euca_tw.admin.asked import configuration_asked, say
from euca_tw.admin.client import do


def vnet_show(asked: argparse.Namespace) -> None:
    from euca_tw.admin.networks import shown

    said = [*shown()]
    for line in said or ["this machine carries no networks"]:
        say(line)


def vnet_purge(asked: argparse.Namespace) -> None:
    from euca_tw.admin.namespaces import down_all
    from euca_tw.admin.networks import purge

    configuration = configuration_asked(asked)
    removed = purge(configuration)
    # Told before what may be refused.
    for line in removed:
        say(line)
    further = down_all(configuration)
    for line in further if removed or further else ("there is nothing to remove",):
        say(line)


def namespace_up(asked: argparse.Namespace) -> None:
    from euca_tw.admin.namespaces import settings_of, up

    configuration = configuration_asked(asked)
    done = up(configuration)
    for line in done:
        say(line)
    made = settings_of(configuration)
    state = "is there now" if done else "is as it should be"
    say(
        f"namespace {made.name} {state}: {made.machine} is this machine, {made.head} "
        "the head in it"
    )


def namespace_down(asked: argparse.Namespace) -> None:
    from euca_tw.admin.namespaces import down, settings_of

    name = settings_of(configuration_asked(asked)).name
    for line in down(name) or (f"there is no namespace {name}",):
        say(line)


def vnet_trace(asked: argparse.Namespace) -> None:
    arguments = {
        "instance_id": asked.instance,
        "address": asked.address,
        "protocol": asked.protocol,
        "port": asked.port,
        "is_sent": asked.is_sent,
    }
    for line in do(configuration_asked(asked), "trace", arguments):
        say(line)


def vnet_commands(command: Callable[..., argparse.ArgumentParser], into: Any) -> None:
    """Its verbs."""
    command(into, "show", vnet_show, "this machine's: who is in each, by which way")
    command(
        into,
        "purge",
        vnet_purge,
        "remove all networks from this machine: its instances lose them, until the "
        "daemon that carries them does so again",
    )

    namespace = into.add_parser(
        "namespace", help="that of a head on a machine that runs instances too"
    ).add_subparsers(required=True, metavar="VERB")
    command(
        namespace,
        "up",
        namespace_up,
        "make the network namespace of the head, and the cable to it, or what of it "
        "is not as it should be",
    )
    command(namespace, "down", namespace_down, "remove it")

    traced = command(
        into,
        "trace",
        vnet_trace,
        "tell which rules decide what may be sent to an instance, or by one, and by "
        "which way it goes; of the running cloud",
    )
    traced.add_argument("instance", metavar="INSTANCE", help="that it is sent to")
    traced.add_argument(
        "address", metavar="ADDRESS", help="that sends it, or another instance"
    )
    traced.add_argument(
        "--out",
        action="store_true",
        dest="is_sent",
        help="the other way: INSTANCE sends it to ADDRESS",
    )
    traced.add_argument(
        "port",
        metavar="PORT",
        nargs="?",
        default="",
        help="of icmp: TYPE or TYPE/CODE (default: 8, as of ping)",
    )
    traced.add_argument(
        "--protocol",
        choices=("tcp", "udp", "icmp"),
        default="tcp",
        help="(default: %(default)s)",
    )
