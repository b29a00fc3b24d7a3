"""What cluster and node controllers have in common: a signed SOAP service."""

# Note [Nobody is throttled]
#
# A tier's peers are pinned, so there is nothing to guess.  A stranger's message is
# read and refused; to verify a signature, for who shows a peer's certificate,
# costs less than that.  A limit by address, on the other hand, could let a
# stranger on a peer's own machine shut that peer out.  So there is none; but the
# log has no more lines of strangers than the cloud controller's.

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlsplit

from twisted.internet.task import Cooperator

from euca_tw.admin.daemon import REPLAYS, Machine, Part, listen_part, replays_part
from euca_tw.admin.identities import own_identity, read_certificate
from euca_tw.api.shapes import Api, Dispatch
from euca_tw.common.admission import OpenAdmission
from euca_tw.common.certificates import der_of
from euca_tw.common.config import ConfigError
from euca_tw.common.connections import ConnectionLimits
from euca_tw.common.descriptors import room_for
from euca_tw.common.web import Answer, AnswerResource, Asked, Reply, make_site
from euca_tw.soap.client import SoapPeers
from euca_tw.soap.door import tier_door
from euca_tw.soap.http import pooled_agent
from euca_tw.soap.interfaces import IPeers
from euca_tw.soap.keys import Identity, load_identity
from euca_tw.wsdl.write import wsdl


def identity_of(
    state_dir: Path, name: str, key: Path | None, certificate: Path | None
) -> Identity:
    """
    A daemon's own, to sign with; made at first start where none is configured.

    @raise ConfigError:
    @raise UnusableKey:
    """
    pems = own_identity(state_dir / "keys", name, key, certificate, datetime.now(UTC))
    return load_identity(pems.key_pem, pems.certificate_pem)


def pinned_caller(
    section: str, key: str, certificate: Path | None, name: str
) -> Mapping[bytes, str]:
    """
    The one who may call, by the bytes of the certificate.

    @raise ConfigError: it is not configured, or no certificate.
    """
    if certificate is None:
        reason = "is missing: without it nobody would be let in"
        raise ConfigError("the configuration", section, key, reason)
    return {der_of(read_certificate(certificate)): name}


def pinned_peers(
    machine: Machine, api: Api, identity: Identity, certificates: Mapping[str, Path]
) -> IPeers:
    """
    Those who are called, over HTTP.

    @param certificates: of each, by URL.
    @raise ConfigError: one is no certificate.
    """
    pinned = {url: der_of(read_certificate(path)) for url, path in certificates.items()}
    peers: IPeers = SoapPeers(
        api=api,
        agent=pooled_agent(machine.reactor),
        clock=machine.reactor,
        identity=identity,
        certificate_of=pinned.get,
        rng=machine.random,
        in_thread=machine.in_thread,
    )
    return peers


def tier_parts(
    machine: Machine,
    *,
    section: str,
    state_dir: Path,
    listen: str,
    url: str,
    api: Api,
    dispatch: Dispatch,
    identity: Identity,
    callers: Mapping[bytes, str],
    max_body_bytes: int,
) -> tuple[Part, ...]:
    """
    The service, listening, and what it needs for that.

    @raise ConfigError: C{listen} is no endpoint.
    """
    replays = machine.make_replays(state_dir / REPLAYS)
    # See Note [Nobody is throttled].
    admission = OpenAdmission.seldom(machine.reactor)
    door = tier_door(
        api,
        dispatch,
        identity,
        callers,
        machine.reactor,
        machine.request_ids.uuid,
        in_thread=machine.in_thread,
        replays=replays,
        wsdl=cache(partial(wsdl, api, api.versions[-1], url)),
        admission=admission,
    )
    answer = only_at(urlsplit(url).path.encode(), door.answer)
    limits = ConnectionLimits()
    site = make_site(
        AnswerResource(answer, cooperator_of(machine)),
        max_body_bytes,
        machine.reactor,
        limits=limits.within(room_for(limits.most)),
    )
    return (
        replays_part(replays),
        Part(name="admission", stop=admission.stop),
        listen_part(machine, section, listen, site),
    )


def cooperator_of(machine: Machine) -> Cooperator:
    """Long work in steps, one a turn of the reactor."""
    return Cooperator(scheduler=lambda call: machine.reactor.callLater(0, call))


def only_at(path: bytes, answer: Answer) -> Answer:
    """The answer at that path; elsewhere there is nothing."""

    async def elsewhere() -> Reply:
        text = b"There is only the service at " + path + b"\n"
        return Reply(404, "text/plain;charset=UTF-8", (text,))

    def answer_at(asked: Asked) -> Awaitable[Reply]:
        found = asked.target.partition(b"?")[0].rstrip(b"/") == path.rstrip(b"/")
        return answer(asked) if found else elsewhere()

    return answer_at
