"""Tests of L{euca_tw.model.tokens}."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import binary, text
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.tokens import LONGEST_S, TokenMaker

MINE, OTHER = "i-00000001", "i-00000002"


class TokenMakerTests(SynchronousTestCase):
    """L{TokenMaker}."""

    def setUp(self) -> None:
        self.now = 1_800_000_000.0
        self.tokens = TokenMaker(b"secret", lambda: self.now)

    def test_lifetime(self) -> None:
        """A token is good for as long as was asked, and then no more."""
        token = self.tokens.make(MINE, 60)
        for at, is_good in ((0, True), (59.5, True), (60, False), (1e9, False)):
            self.now = 1_800_000_000.0 + at
            self.assertEqual(self.tokens.is_good(MINE, token), is_good, at)

    def test_own(self) -> None:
        """It is good for its instance alone."""
        self.assertFalse(self.tokens.is_good(OTHER, self.tokens.make(MINE, 60)))

    def test_secret(self) -> None:
        """It is good where the secret is the same, in another process as well."""
        token = self.tokens.make(MINE, 60)
        same = TokenMaker(b"secret", lambda: self.now)
        other = TokenMaker(b"others", lambda: self.now)
        self.assertTrue(same.is_good(MINE, token))
        self.assertFalse(other.is_good(MINE, token))

    def test_header(self) -> None:
        """It can stand in a header, and is not long."""
        token = self.tokens.make(MINE, LONGEST_S)
        self.assertTrue(token.isascii() and token.isprintable() and len(token) < 80)

    def test_no_such_lifetime(self) -> None:
        """A token is good for a second at least, for six hours at most."""
        for lifetime_s in (-1, 0, LONGEST_S + 1):
            with self.assertRaises(ValueError):
                self.tokens.make(MINE, lifetime_s)

    @given(text())
    def test_anything(self, token: str) -> None:
        """Whatever else is shown is not good."""
        self.assertFalse(self.tokens.is_good(MINE, token))

    @given(binary(min_size=1, max_size=3))
    def test_changed(self, noise: bytes) -> None:
        """Nor is one that somebody has added to."""
        token = self.tokens.make(MINE, 60)
        for changed in (token + noise.hex(), noise.hex() + token):
            self.assertFalse(self.tokens.is_good(MINE, changed))
