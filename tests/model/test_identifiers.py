"""Tests for L{euca_tw.model.identifiers}."""

from __future__ import annotations

import re
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.identifiers import InstanceId, Minter, is_identifier, mac_address


class MinterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.minter = Minter(Random(7))

    def test_form(self) -> None:
        """An identifier is its prefix and eight digits of hex."""
        made = self.minter.mint("i", lambda taken: False)
        self.assertTrue(is_identifier(made, "i"))
        self.assertFalse(is_identifier(made, "emi", "eki"))

    def test_seed(self) -> None:
        """The same seed gives the same names."""
        again = Minter(Random(7))
        self.assertEqual(
            [self.minter.mint("r", lambda taken: False) for _ in range(5)],
            [again.mint("r", lambda taken: False) for _ in range(5)],
        )

    def test_taken(self) -> None:
        """What is taken is not given again."""
        first = Minter(Random(7)).mint("i", lambda taken: False)
        self.assertNotEqual(self.minter.mint("i", first.__eq__), first)
        first = Minter(Random(8)).account(lambda taken: False)
        self.assertNotEqual(Minter(Random(8)).account(first.__eq__), first)

    def test_account(self) -> None:
        """An account has twelve digits."""
        made = self.minter.account(lambda taken: False)
        self.assertTrue(re.fullmatch(r"[1-9]\d{11}", made), made)

    def test_uuid(self) -> None:
        """A request's identifier is a UUID of version 4."""
        hexes = "[0-9a-f]"
        form = (
            f"{hexes}{{8}}-{hexes}{{4}}-4{hexes}{{3}}-[89ab]{hexes}{{3}}-{hexes}{{12}}"
        )
        self.assertTrue(re.fullmatch(form, self.minter.uuid()))


class IdentifierTests(SynchronousTestCase):
    def test_mac_address(self) -> None:
        """A card's address carries the instance's number."""
        self.assertEqual(mac_address(InstanceId("i-0a1B2c3d")), "d0:0d:0a:1B:2c:3d")

    def test_long(self) -> None:
        """EC2's later, longer identifiers are identifiers."""
        self.assertTrue(is_identifier("i-0123456789abcdef0", "i"))
        for bad in "", "i-", "i-0123", "i-0123456g", "I-01234567", "i-012345678":
            self.assertFalse(is_identifier(bad, "i"), bad)
