"""
A head on a machine that runs instances too: its network namespace, for its operator.

What needs the kernel is imported where it is used.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from euca_tw.admin.client import Refused
from euca_tw.admin.configuration import Configuration
from euca_tw.admin.daemon import Part
from euca_tw.admin.sections import HeadSection
from euca_tw.admin.values import pool_networks
from euca_tw.common.config import ConfigError
from euca_tw.vnet.claim import Claim, Claimed
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.namespace_plan import NamespaceSettings

_FILE = "the configuration"
#: Where namespaces are that have a name, as C{ip netns} has them.
_NAMED = Path("/run/netns")
#: That of this thread.
_OWN = Path("/proc/thread-self/ns/net")


def settings_of(configuration: Configuration) -> NamespaceSettings:
    """@raise Refused: none is named."""
    head = configuration.head
    if not head.namespace:
        raise Refused(
            "the configuration names no namespace in [head]: only a head on a machine "
            "that runs instances too needs one (docs/networking.md)"
        )
    return NamespaceSettings(
        name=head.namespace,
        link=IPv4Network(head.namespace_link),
        mtu=configuration.cluster_controller.network_mtu,
        public=pool_networks(configuration.cloud.public_addresses),
        forwards=head.namespace_forwards,
    )


def up(configuration: Configuration) -> tuple[str, ...]:
    """
    Have it there.

    @return: what was done, for people.
    @raise Refused:
    """
    settings = settings_of(configuration)
    try:
        from euca_tw.vnet import namespace

        return namespace.up(settings)
    except ImportError as missing:
        raise _missing(missing) from missing
    except NetworkFailed as failed:
        raise Refused(str(failed)) from failed


def down(*names: str) -> tuple[str, ...]:
    """
    Take those of these names away.

    @return: what was removed, for people.
    @raise Refused: some could not be; the rest was, which the text says as well.
    """
    try:
        from euca_tw.vnet import namespace
    except ImportError as missing:
        raise _missing(missing) from missing
    removed: list[str] = []
    failed: list[str] = []
    for name in names:
        try:
            removed += namespace.down(name)
        except NetworkFailed as failure:
            failed.append(str(failure))
    if failed and removed:
        failed.append(f"removed were {', '.join(removed)}")
    if failed:
        raise Refused("; ".join(failed))
    return tuple(removed)


def down_all(configuration: Configuration) -> tuple[str, ...]:
    """
    Take away all that were made from here, whatever they are named, and the one that
    is configured, if any, unless this is said inside it.

    @return: as L{down}.
    @raise Refused:
    """
    try:
        from euca_tw.vnet import namespace

        names = {*namespace.made_here()}
    except ImportError as missing:
        raise _missing(missing) from missing
    except NetworkFailed as failed:
        raise Refused(str(failed)) from failed
    name = configuration.head.namespace
    if name and not _is_in(_NAMED / name, _OWN):
        names.add(name)
    return down(*sorted(names))


def _missing(error: ImportError) -> Refused:
    return Refused(f"{error}; it needs pyroute2 (pip install 'euca_tw[head]')")


def _is_in(path: Path, own: Path) -> bool:
    try:
        return own.samefile(path)
    except FileNotFoundError:
        return False


# --- for daemons ------------------------------------------------------------------


def check_place(section: HeadSection, named: Path = _NAMED, own: Path = _OWN) -> None:
    """
    That a head runs where its configuration says.

    @raise ConfigError: it runs elsewhere; the text says how it is done.
    """
    name = section.namespace
    if not name:
        return
    try:
        is_there = own.samefile(named / name)
    except FileNotFoundError:
        reason = (
            f"there is no network namespace {name}: euca-tw vnet namespace up makes it"
        )
    else:
        if is_there:
            return
        reason = (
            f"is {name}, and this process is in another network namespace: start it "
            f"there (NetworkNamespacePath={named / name} in its unit, or nsenter "
            f"--net={named / name})"
        )
    raise ConfigError(_FILE, "head", "namespace", reason)


def claim_part() -> Part:
    """What nobody else may have in this network namespace who carries networks."""
    claim = Claim()

    def take() -> None:
        """@raise ConfigError: somebody has."""
        try:
            claim.take()
        except Claimed as holder:
            reason = (
                f"{holder} carries this machine's networks already: a head beside a "
                "node runs in a network namespace of its own (docs/networking.md), "
                "and there is no second node"
            )
            raise ConfigError(_FILE, "head", "namespace", reason) from None

    return Part(name="the claim to the networks", start=take, stop=claim.drop)
