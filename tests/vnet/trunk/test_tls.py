"""Tests of L{euca_tw.vnet.trunk.tls}; the peer is sometimes the standard library."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import binary, integers, lists
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.certificates import der_of
from euca_tw.vnet.trunk.records import (
    RECORD,
    CopiedRecords,
    DirectRecords,
    Records,
    records_of,
)
from euca_tw.vnet.trunk.tls import (
    MOST_BEFORE_KNOWN,
    Sealed,
    TlsEnded,
    TlsFailed,
    make_context,
    read_pair,
)
from tests.vnet.trunk.world import keys_of


def side(
    name: str,
    *pinned: str,
    is_dialler: bool,
    made: Callable[[SSL.Connection], Records] = records_of,
) -> Sealed:
    keys = keys_of(name)
    ders = [der_of(keys_of(each).certificate_pem) for each in pinned]
    context = make_context(read_pair(keys.key_pem, keys.certificate_pem), ders)
    return Sealed.begin(context, is_dialler=is_dialler, made=made)


def move(one: Sealed, other: Sealed) -> bytes:
    """What one has for the other; all of it."""
    moved = b""
    while some := one.take():
        other.receive(memoryview(some))
        moved += some
    return moved


def shake(one: Sealed, other: Sealed) -> list[str]:
    """Let them shake hands; what either has against it."""
    troubles = []
    for _ in range(4):
        for each, peer in ((one, other), (other, one)):
            try:
                if not each.is_open:
                    each.shake_hands()
            except TlsFailed as error:
                troubles.append(str(error))
            move(each, peer)
    return troubles


def opened(sealed: Sealed) -> bytes:
    room, got = memoryview(bytearray(RECORD)), b""
    while size := sealed.open_into(room):
        got += room[:size]
    return got


class SealedTests(SynchronousTestCase):
    """L{Sealed}, whose records are L{DirectRecords}."""

    kind: type[Records] = DirectRecords

    def setUp(self) -> None:
        self.one = self.side("a", "b", is_dialler=True)
        self.other = self.side("b", "a", "c", is_dialler=False)

    def side(self, name: str, *pinned: str, is_dialler: bool) -> Sealed:
        return side(name, *pinned, is_dialler=is_dialler, made=self.kind)

    def test_known(self) -> None:
        """Two that know each other get to talk, and each sees whom to."""
        self.assertEqual(shake(self.one, self.other), [])
        self.assertTrue(self.one.is_open and self.other.is_open)
        for sealed, name in ((self.one, "b"), (self.other, "a")):
            expected = der_of(keys_of(name).certificate_pem)
            self.assertEqual(sealed.peer_certificate(), expected)

    @settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=[HealthCheck.differing_executors],
    )
    @given(lists(binary(min_size=1, max_size=50000), max_size=6), integers(1, 9000))
    def test_talk(self, parts: list[bytes], size: int) -> None:
        """What was sealed is opened, however it came, and was not to be read."""
        one, other = (
            self.side("a", "b", is_dialler=True),
            self.side("b", "a", is_dialler=False),
        )
        shake(one, other)
        wire = b""
        for part in parts:
            one.seal(memoryview(part))
            while some := one.take():
                wire += some
        got = b""
        for at in range(0, len(wire), size):
            other.receive(memoryview(wire[at : at + size]))
            got += opened(other)
        self.assertEqual(got, b"".join(parts))
        for part in parts:
            if len(part) > 15:
                self.assertNotIn(part, wire)

    def test_little_room(self) -> None:
        """What was sealed is opened into what room there is, and not beyond."""
        shake(self.one, self.other)
        self.one.seal(memoryview(b"hello, and more"))
        move(self.one, self.other)
        room = bytearray(b"." * 32)
        for expected in (b"hello", b", and", b" more"):
            self.assertEqual(self.other.open_into(memoryview(room)[8:13]), 5)
            self.assertEqual(room, b"." * 8 + expected + b"." * 19)
        self.assertEqual(self.other.open_into(memoryview(room)), 0)

    def test_not_writable(self) -> None:
        """Nothing is opened into what must not change."""
        shake(self.one, self.other)
        self.one.seal(memoryview(b"hello"))
        move(self.one, self.other)
        kept = b"." * 32
        with self.assertRaises((BufferError, TypeError)):
            self.other.open_into(memoryview(kept))
        self.assertEqual(kept, b"." * 32)

    def test_unknown(self) -> None:
        """
        Who shows another certificate, though it says the same of itself, is let in
        by neither side.
        """
        for one, other in (
            (self.side("x", "b", is_dialler=True), self.other),
            (self.one, self.side("x", "a", is_dialler=False)),
        ):
            troubles = shake(one, other)
            self.assertIn("certificate verify failed", troubles)
            with self.assertRaises(TlsFailed):
                opened(one)
                opened(other)

    def test_ended(self) -> None:
        """Whoever says that this is all is understood."""
        shake(self.one, self.other)
        self.other.end()
        move(self.other, self.one)
        with self.assertRaises(TlsEnded):
            opened(self.one)

    def test_changed(self) -> None:
        """What was changed on the way is not opened."""
        shake(self.one, self.other)
        self.one.seal(memoryview(b"hello"))
        sent = bytearray(self.one.take())
        sent[-1] ^= 1
        self.other.receive(memoryview(sent))
        with self.assertRaises(TlsFailed):
            opened(self.other)

    def test_much(self) -> None:
        """One who is not known yet may not send much."""
        with self.assertRaises(TlsFailed):
            for _ in range(MOST_BEFORE_KNOWN // 1000 + 1):
                self.other.receive(memoryview(bytes(1000)))

    def test_no_pair(self) -> None:
        """A key that is not the certificate's is refused."""
        for key in (keys_of("b").key_pem, b"", b"-----BEGIN PRIVATE KEY-----"):
            with self.assertRaises(ValueError):
                read_pair(key, keys_of("a").certificate_pem)


class CopiedTests(SealedTests):
    """L{Sealed}, whose records are L{CopiedRecords}."""

    kind = CopiedRecords


class RecordsOfTests(SynchronousTestCase):
    """L{records_of}."""

    def test_chosen(self) -> None:
        """What pyOpenSSL keeps to itself is used where it is as it is known."""
        connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
        self.assertIsInstance(records_of(connection), DirectRecords)
        del connection._from_ssl
        self.assertIsInstance(records_of(connection), CopiedRecords)


class StandardTests(SynchronousTestCase):
    """Against TLS of the standard library."""

    def context(self, name: str = "a") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if name:
            file = Path(self.mktemp())
            file.write_bytes(keys_of(name).key_pem + keys_of(name).certificate_pem)
            context.load_cert_chain(file)
        return context

    def meet(
        self, context: ssl.SSLContext, session: ssl.SSLSession | None = None
    ) -> tuple[ssl.SSLObject, bytes]:
        """The client, and what it is sent before either has anything more to say."""
        server = side("b", "a", is_dialler=False)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, session=session)
        for _ in range(4):
            for step in (client.do_handshake, server.shake_hands):
                try:
                    step()
                except ssl.SSLWantReadError:
                    pass
                finally:
                    if out := outgoing.read():
                        server.receive(memoryview(out))
                    while back := server.take():
                        incoming.write(back)
        server.seal(memoryview(b"hello"))
        incoming.write(server.take())
        return client, client.read(5)

    def test_talks(self) -> None:
        """It is TLS 1.3, with AES and no more than that needs."""
        client, said = self.meet(self.context())
        self.assertEqual(said, b"hello")
        self.assertEqual(client.version(), "TLSv1.3")
        cipher = client.cipher()
        assert cipher is not None
        self.assertEqual(cipher[0], "TLS_AES_128_GCM_SHA256")

    def test_not_resumed(self) -> None:
        """Who comes again shows its certificate again."""
        context = self.context()
        client, _ = self.meet(context)
        again, _ = self.meet(context, client.session)
        self.assertFalse(again.session_reused)

    def test_older(self) -> None:
        """TLS 1.2 is not spoken."""
        context = self.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaises(TlsFailed):
            self.meet(context)

    def test_none_shown(self) -> None:
        """Who shows no certificate is not talked to."""
        with self.assertRaises(TlsFailed):
            self.meet(self.context(""))
