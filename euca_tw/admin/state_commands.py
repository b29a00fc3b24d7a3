"""
C{euca-tw state}: backups of the cloud controller's state, and what follows when one
was restored.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from euca_tw.admin.asked import configuration_asked, say
from euca_tw.admin.client import Refused, do

#: A large store takes its time.
_COPY_TIMEOUT_S = 600.0


def state_backup(asked: argparse.Namespace) -> None:
    from euca_tw.admin.backups import KEYS, write_backup

    configuration = configuration_asked(asked)
    now = datetime.now(UTC)
    keys_dir = configuration.cloud.keys_dir
    path: Path = asked.path
    if path.is_dir():
        path = path / f"euca_tw-{now:%Y%m%dT%H%M%SZ}.backup"
    elif path.exists():
        raise Refused(f"{path} is there already: name another file, or a directory")
    copy = Path(do(configuration, "copy_state", {}, _COPY_TIMEOUT_S))
    try:
        with copy.open("rb") as database:
            copy.unlink()
            backup = write_backup(path, keys_dir, database, now)
    except FileNotFoundError as error:
        if error.filename != str(copy):
            raise
        raise Refused("another backup was made at the same time: try again") from None
    say(f"{path}: {', '.join(backup.digests)}")
    cloud = configuration.cloud
    missing = [name for name in KEYS[:1] if name not in backup.digests]
    elsewhere = [each for each in (cloud.key, cloud.certificate) if each is not None]
    for each in (*missing, *elsewhere):
        say(f"    not in it: {each}")
    say("    who has this file has every secret of the cloud: keep it safe")


def state_restore(asked: argparse.Namespace) -> None:
    from euca_tw.admin.restoring import restore

    cloud = configuration_asked(asked).cloud
    if cloud.keys is not None:
        raise Refused(
            "the keys of a backup are restored into the state directory: take keys out "
            "of [cloud] for that, and move them afterwards"
        )
    state_dir = cloud.state_dir
    done = restore(asked.path, state_dir, datetime.now(UTC), cloud.store)
    made_at = done.backup.made_at.isoformat(timespec="seconds")
    say(f"{state_dir} is as it was on {done.backup.host} at {made_at}:")
    say(f"    {done.users} users, {done.instances} instances")
    if done.kept is not None:
        say(f"    what was there before is in {done.kept}")
    if done.kept_schema:
        say(f"    what the database had before is in its schema {done.kept_schema}")
    if cloud.store:
        say(f"    other cloud controllers need the keys in {state_dir}/keys as well")
    say("start the cloud controller, then see `euca-tw state show`")


def state_show(asked: argparse.Namespace) -> None:
    told = do(configuration_asked(asked), "show_state", {})
    if told["restored_at"]:
        say(f"restored at {told['restored_at']} from a backup of {told['made_at']}")
    for zone in told["zones"]:
        say(f"zone {zone['name']}: {zone['networks']}")
        for stranger in zone["strangers"]:
            say(
                f"    runs {stranger['instance_id']} of account "
                f"{stranger['owner_id']} ({stranger['private_ip']}), of which this "
                "cloud knows nothing"
            )
    if told["is_holding"]:
        say("nothing is launched until all zones are told of networks again")


def state_accept(asked: argparse.Namespace) -> None:
    do(configuration_asked(asked), "accept_networks", {"zone": asked.zone})
    say(f"{asked.zone} takes its networks from this cloud controller's state again")


def state_commands(command: Callable[..., argparse.ArgumentParser], into: Any) -> None:
    """@param into: the subject C{state}."""
    backup = command(
        into,
        "backup",
        state_backup,
        "write a backup of the cloud's state, while it runs or not",
    )
    backup.add_argument(
        "path",
        type=Path,
        metavar="FILE|DIRECTORY",
        help="which is not there yet; in a directory it is named by the time",
    )
    restore = command(
        into,
        "restore",
        state_restore,
        "put a backup in the place of the state of a cloud that does not run",
    )
    restore.add_argument("path", type=Path, metavar="FILE")
    command(
        into,
        "show",
        state_show,
        "whether clusters hold on to networks, and what runs that nobody knows of",
    )
    accept = command(
        into,
        "accept",
        state_accept,
        "have a cluster take its networks from this state, though it is older",
    )
    accept.add_argument("zone", metavar="ZONE")
