"""Tests of L{euca_tw.admin.namespaces}."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.client import Refused
from euca_tw.admin.configuration import Configuration
from euca_tw.admin.namespaces import check_place, settings_of
from euca_tw.admin.sections import HeadSection
from euca_tw.common.config import ConfigError, Invalid


class SettingsTests(SynchronousTestCase):
    """L{settings_of}."""

    def configuration(self, **of_head: Any) -> Configuration:
        plain = Configuration()
        return evolve(
            plain,
            head=HeadSection(**of_head),
            cloud=evolve(
                plain.cloud,
                public_addresses=(
                    *("198.51.100.0/29", "198.51.100.8-198.51.100.15"),
                    "192.0.2.7",
                ),
            ),
            cluster_controller=evolve(plain.cluster_controller, network_mtu=1550),
        )

    def test_settings(self) -> None:
        """
        Public addresses are led to the head by as few routes as can be; the cable
        carries what goes between machines.
        """
        made = settings_of(self.configuration(namespace="euca_head"))
        self.assertEqual(made.name, "euca_head")
        self.assertEqual(made.head, IPv4Address("172.30.255.254"))
        self.assertEqual(made.mtu, 1550)
        self.assertEqual(
            made.public,
            (IPv4Network("192.0.2.7/32"), IPv4Network("198.51.100.0/28")),
        )
        self.assertFalse(made.forwards)

    def test_none(self) -> None:
        """Where none is named, there is nothing to make."""
        error = self.assertRaises(Refused, settings_of, self.configuration())
        self.assertIn("names no namespace in [head]", str(error))

    def test_wrong(self) -> None:
        """What is no name of a link, and no network for two, is refused."""
        for wrong in (
            {"namespace": "euca-head"},
            {"namespace": "sixteen_letters_"},
            {"namespace_link": "172.30.255.0/24"},
            {"namespace_link": "172.30.255.254/31"},
        ):
            self.assertRaises(Invalid, HeadSection, **wrong)


class CheckPlaceTests(SynchronousTestCase):
    """L{check_place}, on files that stand for namespaces."""

    def setUp(self) -> None:
        self.named = Path(self.mktemp())
        self.named.mkdir()
        self.own = self.named / "machine"
        self.own.touch()
        (self.named / "euca_head").touch()

    def check(self, name: str, own: str) -> None:
        check_place(HeadSection(namespace=name), self.named, self.named / own)

    def test_right(self) -> None:
        """A head runs in the namespace that is named, or anywhere if none is."""
        self.check("", "machine")
        self.check("euca_head", "euca_head")

    def test_elsewhere(self) -> None:
        """One that does not is told how to be started."""
        error = self.assertRaises(ConfigError, self.check, "euca_head", "machine")
        path = self.named / "euca_head"
        self.assertIn("[head] namespace: is euca_head, and this", str(error))
        self.assertIn(f"NetworkNamespacePath={path} in its unit", str(error))

    def test_missing(self) -> None:
        """Where there is none, the command is told that makes it."""
        error = self.assertRaises(ConfigError, self.check, "euca_x", "machine")
        self.assertIn("euca-tw vnet namespace up makes it", str(error))
