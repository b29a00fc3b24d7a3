"""
C{euca-tw}: the operator's command.

Quick to start: what needs Twisted or the cryptography is imported where it is
used.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from euca_tw.admin.asked import configuration_asked, say
from euca_tw.admin.client import Refused, do
from euca_tw.admin.configuration import DEFAULT_FILE, read_configuration
from euca_tw.admin.lost_commands import lost_commands
from euca_tw.admin.policies import policies_print
from euca_tw.admin.sim_commands import sim_commands
from euca_tw.admin.state_commands import state_commands
from euca_tw.admin.usage_commands import usage_commands
from euca_tw.admin.vnet_commands import vnet_commands
from euca_tw.common.config import ConfigError
from euca_tw.common.files import write_private_files

#: What the command returns: as it should be; refused; not understood (argparse).
DONE, REFUSED = 0, 1


# --- the subjects -----------------------------------------------------------


def keys_new(asked: argparse.Namespace) -> None:
    from euca_tw.admin.identities import file_names, new_identity

    names = file_names(asked.name)
    if any((asked.directory / name).exists() for name in names) and not asked.force:
        raise Refused(f"{asked.directory} has keys of {asked.name}; --force replaces")
    new_identity(asked.directory, asked.name, datetime.now(UTC))
    for name, what in zip(names, ("keep it secret", "give it to peers"), strict=True):
        say(f"{asked.directory / name}    {what}")


def wsdl_print(asked: argparse.Namespace) -> None:
    from euca_tw.api.cluster import CLUSTER
    from euca_tw.api.ec2.table import EC2
    from euca_tw.api.node import NODE
    from euca_tw.wsdl.write import schema, wsdl

    described = {str(version): (EC2, version) for version in EC2.versions}
    described |= {api.name: (api, api.versions[0]) for api in (CLUSTER, NODE)}
    if asked.which not in described:
        raise Refused(f"there is no {asked.which}; there are {', '.join(described)}")
    api, version = described[asked.which]
    try:
        asked.url.encode("ascii")
        made = schema(api, version) if asked.xsd else wsdl(api, version, asked.url)
    except ValueError:
        raise Refused(f"{asked.url!r} is no URL") from None
    sys.stdout.write(made.decode("utf-8"))


def api_print(asked: argparse.Namespace) -> None:
    from euca_tw.admin.operations import markdown, text

    lines = markdown() if asked.markdown else text(is_unanswered_only=asked.unanswered)
    for line in lines:
        say(line)


def config_check(asked: argparse.Namespace) -> None:
    read_configuration(asked.file)
    say(f"{asked.file} is fine")


def status(asked: argparse.Namespace) -> None:
    told = do(configuration_asked(asked), "status", {})
    for cluster in told["clusters"]:
        state = "" if cluster["is_reachable"] else "  does not answer"
        if cluster["lost_since"]:
            state = f"  declared lost at {cluster['lost_since']}"
        room = ", ".join(f"{n} {name}" for name, n in cluster["available"].items() if n)
        why = cluster["why"]
        say(f"zone {cluster['name']}: {cluster['instances']} instances{state}")
        if why:
            say(f"    {why}")
        say(f"    room for: {room or 'nothing'}")
        for node in cluster["nodes"]:
            at = f", declared at {node['since']}" if node["since"] else ""
            say(f"    node {node['url']} is {node['state']}{at}")
    for each in told["controllers"]:
        this = " (this one)" if each["is_this"] else ""
        where = f"{each['host']}, process {each['pid']}, {each['listen']}"
        say(f"cloud controller on {where}{this}")
        say(f"    leads: {', '.join(each['leads']) or 'nothing'}")
    counted = ", ".join(f"{n} {state}" for state, n in told["instances"].items())
    say(f"instances: {counted or 'none'}")
    if told["silent_instances"]:
        say(f"    of which {told['silent_instances']} have not been heard of lately")
    say(f"images: {told['images']}   users: {told['users']}")
    failures, refused = told["admission"]["failures"], told["admission"]["refused"]
    counted = ", ".join(f"{n} {code}" for code, n in failures.items())
    say(f"not let in since the start: {counted or 'none'}")
    say(
        f"refused by a limit: {refused['throttled']} after too many of those, "
        f"{refused['too_often']} of accounts that called too often, "
        f"{refused['busy']} while too many were being answered, "
        f"{refused['no_room']} for want of room"
    )


def user_list(asked: argparse.Namespace) -> None:
    for user in do(configuration_asked(asked), "list_users", {}):
        marks = "administrator" if user["is_admin"] else ""
        if not user["is_active"]:
            marks += " deactivated"
        if user["expires_at"]:
            marks += f" until {user['expires_at']}"
        line = f"{user['account_id']}  {user['created_at']}  {user['name']}  {marks}"
        say(line.rstrip())


def user_add(asked: argparse.Namespace) -> None:
    _give(asked, "add_user", {"name": asked.name, "is_admin": asked.admin})


def user_credentials(asked: argparse.Namespace) -> None:
    arguments = {"name": asked.name, "is_replacing": asked.replace}
    _give(asked, "new_credentials", arguments)


def _give(asked: argparse.Namespace, action: str, arguments: dict[str, Any]) -> None:
    """Do what makes credentials, and write them down."""
    directory = (asked.directory or Path(asked.name)).absolute()
    if (directory / "eucarc").exists() and not asked.force:
        raise Refused(f"{directory} has credentials already; --force replaces them")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # before it is too late
    given = do(
        configuration_asked(asked), action, {**arguments, "directory": str(directory)}
    )
    files = {name: text.encode() for name, text in given["files"].items()}
    write_private_files(directory, files)
    say(f"account {given['user']['account_id']}")
    say(f". {directory}/eucarc")


def user_activate(asked: argparse.Namespace) -> None:
    arguments = {"name": asked.name, "is_active": asked.is_active}
    do(configuration_asked(asked), "set_active", arguments)
    say(f"{asked.name} is {'let in' if asked.is_active else 'let in no more'}")


def user_expire(asked: argparse.Namespace) -> None:
    at = "" if asked.at is None else asked.at.isoformat()
    do(configuration_asked(asked), "expire", {"name": asked.name, "at": at})
    say(f"{asked.name} is let in {f'until {at}' if at else 'for ever'}")


def _moment(text: str) -> datetime | None:
    """Of the command line; in UTC, where no zone is said."""
    if text == "never":
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def user_add_certificate(asked: argparse.Namespace) -> None:
    pem = asked.file.read_bytes().decode("ascii", "replace")
    arguments = {"name": asked.name, "pem": pem}
    say(do(configuration_asked(asked), "add_certificate", arguments))


def user_keys(asked: argparse.Namespace) -> None:
    for key in do(configuration_asked(asked), "list_keys", {"name": asked.name}):
        state = "active" if key["is_active"] else "inactive"
        created = key["created_at"] or f"{'unknown':25}"
        say(f"{created}  {state:8}  {key['kind']:11}  {key['id']}")


def user_activate_key(asked: argparse.Namespace) -> None:
    arguments = {"key_id": asked.key_id, "is_active": asked.is_active}
    do(configuration_asked(asked), "set_key_active", arguments)
    say(f"{asked.key_id} is {'active' if asked.is_active else 'inactive'}")


# --- the command line -------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The whole command line; C{run} of what it parses does it."""
    top = argparse.ArgumentParser(
        prog="euca-tw", description="Runs a private EC2: users, keys, what there is."
    )
    top.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"the cloud's configuration (default: {DEFAULT_FILE}, if it is there)",
    )
    top.add_argument(
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="of the cloud controller, in place of what the configuration says",
    )
    subjects = top.add_subparsers(required=True, metavar="SUBJECT")

    def command(
        into: Any, name: str, run: Callable[[argparse.Namespace], None], what: str
    ) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = into.add_parser(
            name, help=what, description=what[0].upper() + what[1:] + "."
        )
        made.set_defaults(run=run)
        return made

    def subject(name: str, what: str) -> Any:
        made = subjects.add_parser(name, help=what)
        return made.add_subparsers(required=True, metavar="VERB")

    command(subjects, "status", status, "what the running cloud has, and what answers")
    of_user = subject("user", "users, their credentials and limits")
    _user_commands(command, of_user)
    usage_commands(command, subjects, of_user)

    keys = subject("keys", "the keys with which daemons sign to each other")
    new = command(keys, "new", keys_new, "make a key and its certificate")
    new.add_argument("directory", type=Path, metavar="DIR", help="where to put them")
    new.add_argument("name", metavar="NAME", help="of the daemon, such as cluster1")
    new.add_argument("--force", action="store_true", help="replace what is there")

    described = command(
        subjects, "wsdl", wsdl_print, "print the description of a service"
    )
    described.add_argument(
        "which", metavar="DATE", help="of EC2's API; or EucalyptusCC, EucalyptusNC"
    )
    described.add_argument(
        "--url",
        default="http://127.0.0.1:8773/services/Eucalyptus",
        help="where the service is (default: %(default)s)",
    )
    described.add_argument("--xsd", action="store_true", help="only its schema")

    api = command(
        subjects, "api", api_print, "list EC2's operations, and which are answered"
    )
    form = api.add_mutually_exclusive_group()
    form.add_argument(
        "--unanswered", action="store_true", help="only those that are not"
    )
    form.add_argument(
        "--markdown", action="store_true", help="as the table in docs/compatibility.md"
    )

    command(
        subjects,
        "policies",
        policies_print,
        "list what may choose clusters and nodes, and what cannot be used of it",
    )

    vnet_commands(command, subject("vnet", "the instances' networks"))

    lost_commands(
        command,
        subject("node", "the machines that run instances"),
        subject("cluster", "the clusters of nodes"),
    )

    state_commands(command, subject("state", "backups of the cloud's state"))

    sim_commands(command, subject("sim", "a cloud that is only simulated"))

    config = subject("config", "the configuration")
    check = command(config, "check", config_check, "say what is wrong with a file")
    check.add_argument("file", type=Path, metavar="FILE")
    return top


def _user_commands(command: Callable[..., argparse.ArgumentParser], into: Any) -> None:
    command(into, "list", user_list, "every user, oldest first")
    add = command(into, "add", user_add, "make a user, and write his credentials")
    add.add_argument("--admin", action="store_true", help="make an administrator")
    further = command(
        into, "credentials", user_credentials, "write further credentials of a user"
    )
    further.add_argument(
        "--replace", action="store_true", help="end those that the user had"
    )
    for writing in (add, further):
        writing.add_argument(
            "--directory",
            type=Path,
            metavar="DIR",
            help="where to write them (default: ./NAME)",
        )
        writing.add_argument(
            "--force", action="store_true", help="replace credentials that lie there"
        )
    off = command(into, "deactivate", user_activate, "let a user in no more")
    off.set_defaults(is_active=False)
    on = command(into, "activate", user_activate, "let a deactivated user in again")
    on.set_defaults(is_active=True)
    expire = command(into, "expire", user_expire, "let a user in until a moment only")
    own = command(
        into,
        "add-certificate",
        user_add_certificate,
        "let a user in with a certificate of his own",
    )
    keys = command(
        into, "keys", user_keys, "a user's access keys and certificates, oldest first"
    )
    key_off = command(
        into,
        "deactivate-key",
        user_activate_key,
        "let nobody in with an access key or certificate",
    )
    key_off.set_defaults(is_active=False)
    key_on = command(
        into,
        "activate-key",
        user_activate_key,
        "let its user in with an access key or certificate again",
    )
    key_on.set_defaults(is_active=True)
    for naming_key in (key_off, key_on):
        naming_key.add_argument(
            "key_id",
            metavar="KEY_ID",
            help="the access key's identifier, or the certificate's fingerprint",
        )
    for naming in (add, further, off, on, expire, own, keys):
        naming.add_argument("name", metavar="NAME")
    expire.add_argument(
        "at",
        type=_moment,
        metavar="TIME",
        help="such as 2027-01-31 or 2027-01-31T12:00:00+01:00; never: no limit",
    )
    own.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="PEM: of RSA with 2048, 3072 or 4096 bits, or on P-256, P-384 or P-521; "
        "of a key and a name that no other user's certificate has",
    )


def run(arguments: Sequence[str]) -> int:
    """
    Do what the arguments say.

    @return: the exit status.
    """
    asked = parser().parse_args(arguments)
    try:
        asked.run(asked)
    except (Refused, ConfigError) as refusal:
        return _refuse(str(refusal))
    except OSError as error:
        return _refuse(
            f"{error.filename or ''}: {error.strerror or error}".lstrip(": ")
        )
    return DONE


def _refuse(text: str) -> int:
    sys.stderr.write(f"euca-tw: {text}\n")
    return REFUSED


def main() -> NoReturn:
    """The console script."""
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(REFUSED)
