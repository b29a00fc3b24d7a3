"""Tests of L{euca_tw.vnet.metadata}."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis.strategies import binary
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.web import Asked, Reply
from euca_tw.model.tokens import TokenMaker
from euca_tw.vnet.metadata import (
    LIFETIME_HEADER,
    LIMITS,
    TOKEN_HEADER,
    MetadataAnswer,
    metadata_site,
)
from tests.common.wires import Line, Transport, TurningClock
from tests.model.test_metadata import METADATA

OTHER = evolve(METADATA, instance_id="i-00000010", private_ip="10.231.0.3")
BY_IP = {each.private_ip: each for each in (METADATA, OTHER)}


def no_header(name: str) -> None:
    """Nobody sends headers here."""


class MetadataAnswerTests(SynchronousTestCase):
    """L{MetadataAnswer}."""

    def ask(
        self,
        target: bytes = b"/latest/meta-data/instance-id",
        method: str = "GET",
        peer: str = METADATA.private_ip,
    ) -> Reply:
        answered = MetadataAnswer(BY_IP.get)(
            Asked(method, target, no_header, b"", peer)
        )
        return self.successResultOf(answered)

    def test_own(self) -> None:
        """Each instance is told of itself."""
        for each in (METADATA, OTHER):
            reply = self.ask(peer=each.private_ip)
            self.assertEqual(reply.status, 200)
            self.assertEqual(b"".join(reply.body), each.instance_id.encode())
            self.assertEqual(reply.content_type, "text/plain")

    def test_stranger(self) -> None:
        """Who is no instance is told nothing, the listing of dates neither."""
        for target in (b"/", b"/latest/meta-data/instance-id"):
            self.assertEqual(self.ask(target, peer="192.0.2.1").status, 404)

    def test_missing(self) -> None:
        """What does not exist is not found."""
        self.assertEqual(self.ask(b"/latest/meta-data/colour").status, 404)

    def test_user_data(self) -> None:
        """User data are bytes, and the query string is nobody's business."""
        reply = self.ask(b"/latest/user-data?a=b")
        self.assertEqual(b"".join(reply.body), METADATA.user_data)
        self.assertEqual(reply.content_type, "application/octet-stream")

    def test_other_methods(self) -> None:
        """There is nothing to be changed here."""
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "X"):
            reply = self.ask(method=method)
            self.assertEqual(reply.status, 405)
            self.assertEqual(reply.headers, (("Allow", "GET, HEAD"),))
        self.assertEqual(self.ask(method="HEAD").status, 200)

    def test_no_tokens(self) -> None:
        """Where there are no tokens to be had, who asks goes without."""
        self.assertEqual(self.ask(b"/latest/api/token", method="PUT").status, 405)

    @given(binary())
    def test_any_target(self, target: bytes) -> None:
        """No target is an error."""
        self.assertIn(self.ask(target).status, (200, 404))

    def test_over_http(self) -> None:
        """By a web server it says what it says, and takes no large bodies."""
        clock = Clock()
        site = metadata_site(clock, lambda peer: METADATA, None)
        site.startFactory()
        self.addCleanup(site.stopFactory)
        for request, status, body in (
            (b"GET /1.0/meta-data/ami-id HTTP/1.0\r\n\r\n", b"200", b"emi-2bb3096a"),
            (b"PUT / HTTP/1.0\r\nContent-Length: 4096\r\n\r\n", b"413", b""),
        ):
            transport = StringTransport()
            protocol = site.buildProtocol(None)
            assert protocol is not None
            protocol.makeConnection(transport)
            protocol.dataReceived(request)
            clock.advance(1)
            head, _, said = transport.value().partition(b"\r\n\r\n")
            self.assertEqual(head.split()[1], status)
            self.assertTrue(said.startswith(body), said)
            protocol.setTimeout(None)  # type: ignore[attr-defined]

    def test_crowd(self) -> None:
        """
        Who has too many connections loses his oldest, and no other's is lost for it.
        """
        site: Any = metadata_site(TurningClock(), BY_IP.get, None)
        site.doStart()
        self.addCleanup(site.doStop)

        def line(peer: str) -> Line:
            address = IPv4Address("TCP", peer, 4711)
            return Line(site, Transport(peerAddress=address))

        other = line(OTHER.private_ip)
        lines = [line(METADATA.private_ip) for _ in range(LIMITS.most_per_source + 1)]
        self.assertEqual(
            [each.transport.disconnecting for each in (other, *lines)],
            [False, True, *([False] * LIMITS.most_per_source)],
        )
        for each in (other, *lines):
            each.lose()


class TokenTests(SynchronousTestCase):
    """Session tokens, L{MetadataAnswer} gives and takes them."""

    def setUp(self) -> None:
        self.now = 1_800_000_000.0
        tokens = TokenMaker(b"secret", lambda: self.now)
        self.answer = MetadataAnswer(BY_IP.get, tokens)

    def ask(
        self,
        method: str = "GET",
        target: bytes = b"/latest/meta-data/instance-id",
        peer: str = METADATA.private_ip,
        **headers: str,
    ) -> Reply:
        def header(name: str) -> str | None:
            return headers.get(name.replace("-", "_").lower())

        asked = Asked(method, target, header, b"", peer)
        return self.successResultOf(self.answer(asked))

    def token(self, lifetime: str = "60", **given: str) -> Reply:
        of = {LIFETIME_HEADER.replace("-", "_").lower(): lifetime, **given}
        return self.ask("PUT", b"/latest/api/token", **of)

    def shown(self, token: str, peer: str = METADATA.private_ip) -> int:
        of = {TOKEN_HEADER.replace("-", "_").lower(): token}
        return self.ask(peer=peer, **of).status

    def test_given(self) -> None:
        """Who asks is given a token, with its time, and is told of itself by it."""
        reply = self.token("120")
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.headers, ((LIFETIME_HEADER, "120"),))
        token = b"".join(reply.body).decode()
        self.assertEqual(self.shown(token), 200)
        self.now += 121
        self.assertEqual(self.shown(token), 401)

    def test_bad(self) -> None:
        """A token of another's, or none at all, is refused; to show none is not."""
        token = b"".join(self.token().body).decode()
        self.assertEqual(self.shown(token, OTHER.private_ip), 401)
        for bad in ("", "AAAA", token[:-4]):
            self.assertEqual(self.shown(bad), 401, bad)
        self.assertEqual(self.ask().status, 200)

    def test_lifetimes(self) -> None:
        """The time must be said, and be one that there is."""
        for bad in ("", "0", "21601", "-1", "1.5", "9" * 99, "x"):
            self.assertEqual(self.token(bad).status, 400, bad)
        for good in ("1", "21600", " 60 "):
            self.assertEqual(self.token(good).status, 200, good)
        self.assertEqual(self.ask("PUT", b"/latest/api/token").status, 400)

    def test_forwarded(self) -> None:
        """None is given to who comes through a proxy."""
        self.assertEqual(self.token(x_forwarded_for="10.0.0.1").status, 403)

    def test_methods(self) -> None:
        """A token is asked for by PUT, and nothing else is."""
        for method in ("GET", "HEAD", "POST", "DELETE"):
            reply = self.ask(method, b"/latest/api/token")
            self.assertEqual((reply.status, reply.headers), (405, (("Allow", "PUT"),)))
        self.assertEqual(self.ask("PUT").status, 405)

    def test_stranger(self) -> None:
        """Who is no instance is given none."""
        of = {LIFETIME_HEADER.replace("-", "_").lower(): "60"}
        reply = self.ask("PUT", b"/latest/api/token", "192.0.2.1", **of)
        self.assertEqual(reply.status, 404)
