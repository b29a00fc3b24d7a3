"""
C{euca-tw usage} and C{euca-tw user quota}: what users have used, hold and may hold.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import date
from typing import Any

from euca_tw.admin.asked import configuration_asked, say
from euca_tw.admin.client import do

#: On the command line: no limit, and what all have.
UNLIMITED, DEFAULT = "unlimited", "default"


def usage(asked: argparse.Namespace) -> None:
    since = asked.since.isoformat() if asked.since else ""
    arguments = {"name": asked.name or "", "since": since}
    told = do(configuration_asked(asked), "usage", arguments)
    if asked.json:
        say(json.dumps(told, indent=2))
        return
    for user in told:
        say(f"{user['name']} ({user['account_id']})")
        hours = _listed(user["instance_hours"], "{of} {count:.2f}")
        say(f"    instance-hours{f' since {since}' if since else ''}: {hours}")
        say(f"    running: {_listed(user['running'], '{of} {count}')}")
        held = {of: n for of, n in user["held"].items() if n}
        say(f"    has: {', '.join(_of(user, of) for of in held) or 'nothing'}")


def _listed(counted: dict[str, Any], form: str) -> str:
    told = (form.format(of=of, count=count) for of, count in counted.items())
    return ", ".join(told) or "none"


def _of(user: dict[str, Any], of: str) -> str:
    most = user["limits"][of]
    told = f"{of} {user['held'][of]}"
    return told if most is None else f"{told} of {most}"


def user_quota(asked: argparse.Namespace) -> None:
    configuration = configuration_asked(asked)
    arguments: dict[str, Any] = {"name": asked.name}
    if asked.limits:
        arguments["limits"] = dict(asked.limits)
        told = do(configuration, "set_quotas", arguments)
    else:
        told = do(configuration, "list_quotas", arguments)
    if asked.json:
        say(json.dumps(told, indent=2))
        return
    for of, most in told["limits"].items():
        own = "  of his own" if of in told["own"] else ""
        say(f"{of:22} {UNLIMITED if most is None else most}{own}")


def _limit(text: str) -> tuple[str, str]:
    """@raise ValueError: it is no C{NAME=NUMBER}."""
    of, is_said, most = text.partition("=")
    if not is_said or not (most in (UNLIMITED, DEFAULT) or most.isdecimal()):
        raise ValueError(text)
    return of, most


def usage_commands(
    command: Callable[..., argparse.ArgumentParser], subjects: Any, of_user: Any
) -> None:
    """
    @param subjects: into which C{usage} goes.
    @param of_user: into which C{quota} goes.
    """
    used = command(
        subjects, "usage", usage, "what users have used, hold and may hold, by account"
    )
    used.add_argument(
        "name", metavar="USER", nargs="?", help="only his (default: every user's)"
    )
    used.add_argument(
        "--since",
        type=date.fromisoformat,
        metavar="DAY",
        help="count instance-hours from the beginning of that day, by UTC: 2027-01-31",
    )
    quota = command(of_user, "quota", user_quota, "what a user may hold; or change it")
    quota.add_argument("name", metavar="NAME")
    quota.add_argument(
        "limits",
        metavar="LIMIT=NUMBER",
        nargs="*",
        type=_limit,
        help=f"such as instances=50; {UNLIMITED} for no limit, {DEFAULT} for what all "
        "users have by the configuration",
    )
    for each in used, quota:
        each.add_argument("--json", action="store_true", help="as JSON")
