"""Tests of L{euca_tw.vnet.names.zone}."""

from __future__ import annotations

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st
from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.names.messages import parse
from euca_tw.vnet.names.passed_on import code_of
from euca_tw.vnet.names.zone import Zone
from tests.vnet.names.asking import addresses, asked, question, read

ZONE = Zone(domain="cloud.internal", ranges=(IPv4Network("10.128.0.0/9"),))
MINE = "ip-10-231-0-2.cloud.internal"
REVERSE = "2.0.231.10.in-addr.arpa"


class ZoneTests(SynchronousTestCase):
    """L{Zone.answer}."""

    def told(self, name: str, kind: int = dns.A) -> dns.Message:
        answer = ZONE.answer(asked(name, kind))
        assert answer is not None
        self.assertTrue(read(answer).auth)
        return read(answer)

    def test_private(self) -> None:
        """A private name says the address that is in it, in any case of letters."""
        for name in (MINE, "iP-10-231-0-2.CLOUD.Internal"):
            told = self.told(name)
            self.assertEqual(addresses(told.toStr()), ["10.231.0.2"])
            self.assertEqual(told.answers[0].name.name, name.encode())
            self.assertEqual(told.answers[0].ttl, 60)

    def test_reverse(self) -> None:
        """An address says the name that is made of it."""
        (found,) = self.told(REVERSE, dns.PTR).answers
        self.assertEqual(found.payload.name.name, MINE.encode())

    def test_metadata(self) -> None:
        """The metadata service has EC2's name."""
        name = "instance-data.cloud.internal"
        self.assertEqual(addresses(self.told(name).toStr()), ["169.254.169.254"])
        (found,) = self.told("254.169.254.169.in-addr.arpa", dns.PTR).answers
        self.assertEqual(found.payload.name.name, name.encode())

    def test_any(self) -> None:
        """Who asks for all there is is told what there is."""
        self.assertEqual(len(self.told(MINE, dns.ALL_RECORDS).answers), 1)

    def test_nothing_else(self) -> None:
        """Of other types a name has nothing, and it is said how long that holds."""
        for name, kind in ((MINE, dns.AAAA), (MINE, 65), (REVERSE, dns.A)):
            told = self.told(name, kind)
            self.assertEqual((told.rCode, told.answers), (dns.OK, []))
            (origin,) = told.authority
            self.assertEqual((origin.type, origin.payload.minimum), (dns.SOA, 60))

    def test_no_such(self) -> None:
        """Names that no instance can have are not there."""
        for name in (
            *("ip-10-127-0-2.cloud.internal", "ip-192-0-2-1.cloud.internal"),
            *("www.cloud.internal", f"x.{MINE}", "ip-10-231-0-256.cloud.internal"),
        ):
            told = self.told(name)
            self.assertEqual((told.rCode, told.answers), (dns.ENAME, []))
            self.assertEqual(told.authority[0].name.name, b"cloud.internal")

    def test_origin(self) -> None:
        """The domain itself is there, and says whose it is."""
        (found,) = self.told("cloud.internal", dns.SOA).answers
        self.assertEqual(found.payload.mname.name, b"cloud.internal")
        self.assertEqual(self.told("cloud.internal").answers, [])

    def test_others(self) -> None:
        """What is not of the cloud is for others to say."""
        for name in (
            *("", "internal", "xcloud.internal", "www.example.com", "arpa"),
            *("1.0.0.10.in-addr.arpa", "231.10.in-addr.arpa", f"x.{REVERSE}"),
            *("02.0.231.10.in-addr.arpa", "b.0.231.10.in-addr.arpa"),
        ):
            self.assertIsNone(ZONE.answer(asked(name)), name)

    def test_dot_in_label(self) -> None:
        """A label with a dot in it is no two labels."""
        found = parse(question("cloud-internal").replace(b"cloud-", b"cloud."))
        assert found is not None
        self.assertEqual(found.labels, (b"cloud.internal",))
        self.assertIsNone(ZONE.answer(found))

    @given(st.binary(max_size=63).filter(bool), st.integers(0, 65535))
    def test_any_label(self, label: bytes, kind: int) -> None:
        """Whatever is asked of our domain is answered in less than 512 bytes."""
        rest = question("cloud.internal", kind)
        found = parse(rest[:12] + bytes((len(label),)) + label + rest[12:])
        assert found is not None
        answer = ZONE.answer(found)
        assert answer is not None
        self.assertIn(code_of(answer), (dns.OK, dns.ENAME))
        self.assertLess(len(answer), 512)
