"""C{twistd euca-head}: the head of a cluster, put together."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve
from twisted.internet import reactor as real_reactor
from twisted.python import usage

from euca_tw.admin.carriers import kernel_host
from euca_tw.admin.configuration import Configuration, public_url
from euca_tw.admin.daemon import (
    Daemon,
    Machine,
    Part,
    make_or_exit,
    overridden,
    path_or_none,
    prepare,
    real_machine,
    service_part,
    store_part,
)
from euca_tw.admin.identities import own_identity
from euca_tw.admin.namespaces import check_place, claim_part
from euca_tw.admin.sections import HeadSection
from euca_tw.admin.tier import pinned_caller, tier_parts
from euca_tw.api.head import HEAD
from euca_tw.common.certificates import KeyAndCertificate
from euca_tw.common.config import ConfigError
from euca_tw.overlay.kept import OVERLAY_RECORDS
from euca_tw.soap.keys import load_identity
from euca_tw.vnet.head import NetworkHead
from euca_tw.vnet.interfaces import INetworkHost, ITrunk
from euca_tw.vnet.memory import MemoryNetworkHost, MemoryTrunk
from euca_tw.vnet.namespace_plan import INNER
from euca_tw.vnet.trunk.service import Trunk, make_trunk
from euca_tw.vnet.trunk.settings import TrunkSettings

_FILE = "the configuration"
_ALL = "0.0.0.0/0"
NAME = "euca-head"
PATH = "axis2/services/EucalyptusHead"

#: What changed of networks, in parts of a hundred entries.
_MAX_BODY_BYTES = 1 << 20


class Options(usage.Options):
    """What may be said on the command line, in place of the configuration."""

    optParameters = [
        ["config", "c", None, "The configuration (else /etc/euca_tw/euca.toml)."],
        ["state-dir", None, None, "Where to keep state; made if it is not there."],
        ["listen", None, None, "Where to listen: an endpoint, such as tcp:8777."],
        ["carries", None, None, "Where networks are: kernel, or memory."],
    ]
    longdesc = "Routes the networks of one cluster of a private EC2, on its head."


def head_of(
    section: HeadSection,
    machine: Machine,
    url: str,
    pems: KeyAndCertificate | None = None,
) -> tuple[NetworkHead, tuple[Part, ...]]:
    """
    A head without a port, and the parts that keep it going.

    @param url: its name.
    @param pems: by which other heads know it; one in memory needs none.
    @raise ConfigError:
    """
    store = machine.make_store(section.state_dir / "head.db", OVERLAY_RECORDS)
    host: INetworkHost = MemoryNetworkHost()
    trunk: ITrunk = MemoryTrunk(section.cluster)
    claim: tuple[Part, ...] = ()
    kernel: tuple[Part, ...] = ()
    if section.carries != "memory" and pems is not None:
        check_place(section)
        claim = (claim_part(),)
        host, mending = kernel_host(machine, section.filters)
        trunk = real = _trunk(section, machine, pems)
        kernel = (service_part(real), service_part(mending))
    head = NetworkHead(
        url=url,
        store=store,
        host=host,
        trunk=trunk,
        clock=machine.reactor,
        random=machine.random,
    )
    return head, (*claim, store_part(store), *kernel, service_part(head))


def _trunk(section: HeadSection, machine: Machine, pems: KeyAndCertificate) -> Trunk:
    """@raise ConfigError:"""
    try:
        settings = TrunkSettings(
            cluster=section.cluster,
            listen=section.trunk_listen,
            key_pem=pems.key_pem,
            certificate_pem=pems.certificate_pem,
        )
        return make_trunk(machine.reactor, settings, machine.random, machine.in_thread)
    except ValueError as error:
        reason = f"the trunk cannot be made: {error}"
        raise ConfigError(_FILE, "head", "trunk_listen", reason) from error


def daemon_of(configuration: Configuration, machine: Machine) -> Daemon:
    """
    The whole daemon.

    @raise ConfigError:
    @raise OSError:
    """
    section = section_of(configuration)
    if not configuration.network.is_managed:
        reason = (
            f"is {configuration.network.mode}: a head carries managed networks, and "
            "there are none; do not run it, or say so in all files of the cloud"
        )
        raise ConfigError(_FILE, "network", "mode", reason)
    url = public_url("head", section.listen, section.url, PATH)
    pems = own_identity(
        section.state_dir / "keys",
        "head",
        section.key,
        section.certificate,
        datetime.now(UTC),
    )
    head, parts = head_of(section, machine, url, pems)
    listening = tier_parts(
        machine,
        section="head",
        state_dir=section.state_dir,
        listen=section.listen,
        url=url,
        api=HEAD,
        dispatch=head.dispatch,
        identity=load_identity(pems.key_pem, pems.certificate_pem),
        callers=pinned_caller(
            "head", "cluster_certificate", section.cluster_certificate, "cluster"
        ),
        max_body_bytes=_MAX_BODY_BYTES,
    )
    return Daemon(NAME, machine, (*parts, *listening))


def section_of(configuration: Configuration) -> HeadSection:
    """
    What is set of the head.  To the cloud's own addresses it lets nothing out: they
    are of networks that are nowhere in its cluster.  Nor does it let out anything to
    a machine that it is beside, if that does not forward it.
    """
    section, network = configuration.head, configuration.network
    closed = [*section.closed]
    if network.is_managed:
        closed.append(network.private_range)
    if section.outer == INNER and section.namespace and not section.namespace_forwards:
        closed.append(_ALL)
    return evolve(section, closed=tuple(closed))


def configured(configuration: Configuration, options: Options) -> Configuration:
    """The configuration, and what the command line says in place of it."""
    given = {
        "state_dir": path_or_none(options["state-dir"]),
        "listen": options["listen"],
        "carries": options["carries"],
    }
    return evolve(configuration, head=overridden(configuration.head, given))


def makeService(options: Options) -> Daemon:
    """@raise SystemExit: something of the operator's is wrong."""

    def make(configuration: Configuration) -> Daemon:
        whole = configured(configuration, options)
        prepare((whole.head.state_dir,))
        return daemon_of(whole, real_machine(real_reactor))

    return make_or_exit(NAME, options["config"], make)
