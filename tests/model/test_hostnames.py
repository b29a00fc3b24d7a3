"""Tests of L{euca_tw.model.hostnames}."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.hostnames import address_in, check_domain, private_hostname


class HostnamesTests(SynchronousTestCase):
    @given(st.ip_addresses(v=4))
    def test_both_ways(self, address: IPv4Address) -> None:
        """A name says its address."""
        label, _, domain = private_hostname(str(address), "c.internal").partition(".")
        self.assertEqual((address_in(label), domain), (address, "c.internal"))

    def test_none(self) -> None:
        """What is no label of an instance's name says none."""
        for label in (
            *("", "ip", "ip-10-2-3", "ip-10-2-3-4-5", "ip-10-2-3-256", "ip-10-2-3-04"),
            *("ip-10-2-3-4\n", "xip-10-2-3-4", "ip-10-2--3", "IP-10-2-3-4"),
            *("ip-\u0661-2-3-4", "ip-1000-2-3-4", "ip-10.2.3.4"),
        ):
            self.assertIsNone(address_in(label), label)

    def test_domains(self) -> None:
        """A domain is of small letters, and leaves room for an instance's label."""
        for good in ("internal", "cloud.example", "a-1.b", "x" * 44):
            check_domain(good)
            self.assertLessEqual(len(private_hostname("255.255.255.255", good)), 63)
        for bad in ("", ".", "a..b", "-a", "a-", "A.b", "a_b", "a.b.", "x" * 45, "a\n"):
            self.assertRaises(ValueError, check_domain, bad)
