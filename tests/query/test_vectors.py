"""
Amazon's own test vectors of signature version 4: what they sign, is verified.

Most of them are no Query requests: they name no action, and paths that this
cloud never serves.  Verifying knows nothing of either.
"""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import AuthFailure
from euca_tw.common.asked import Asked
from euca_tw.query import signing4
from euca_tw.query.signing_keys import SigningKeys
from tests.query.requests import KEY_ID, check, secret_of, signed_of
from tests.query.vectors import IN_HEADER, IN_URL, TOKEN_IN_HEADER, TOKEN_IN_URL, Vector

NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()


def other(vector: Vector) -> Vector:
    """With one bit of its signature changed."""
    last = format(int(vector.signature[-1], 16) ^ 1, "x")
    return attrs.evolve(vector, signature=vector.signature[:-1] + last)


class VectorTests(SynchronousTestCase):
    """Each of them."""

    def refused(self, asked: Asked) -> str:
        error = self.assertRaises(AuthFailure, check, asked, NOW)
        return str(error.message)

    def test_how_many(self) -> None:
        """None has got lost."""
        self.assertEqual((len(IN_HEADER), len(IN_URL)), (36, 26))

    def test_in_header(self) -> None:
        """Signed in the header, it is verified; with another signature, not."""
        for vector in IN_HEADER:
            self.assertEqual(check(vector.in_header(), NOW), KEY_ID, vector.name)
            self.refused(other(vector).in_header())

    def test_in_url(self) -> None:
        """And so in the URL."""
        for vector in IN_URL:
            self.assertEqual(check(vector.in_url(), NOW), KEY_ID, vector.name)
            self.refused(other(vector).in_url())

    def test_token(self) -> None:
        """
        A session token is signed like anything else, but such requests are
        refused: this cloud issues none.
        """
        asked = TOKEN_IN_HEADER.in_header()
        self.assertIn("session token", self.refused(asked))
        signed, keys = signed_of(asked), SigningKeys()
        authorization = asked.headers("authorization") or ""
        claim = signing4.claim_of_header(signed, authorization, keys)
        found = signing4.verify(signed, claim, secret_of, NOW, keys)
        self.assertEqual(found, KEY_ID)

    def test_token_in_url(self) -> None:
        """And so in the URL."""
        asked = TOKEN_IN_URL.in_url()
        self.assertIn("session token", self.refused(asked))
        signed, keys = signed_of(asked), SigningKeys()
        claim = signing4.claim_of_url(signed)
        found = signing4.verify(signed, claim, secret_of, NOW, keys)
        self.assertEqual(found, KEY_ID)
