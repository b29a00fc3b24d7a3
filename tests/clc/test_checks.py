"""Values of requests."""

from __future__ import annotations

import base64

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import (
    InvalidParameterValue,
    MalformedUserData,
    MissingParameter,
    UnsupportedOperation,
)
from euca_tw.clc.checks import checked_text, checked_user_data, unsupported


class TextTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Printable ASCII of up to 255 characters is taken as it is."""
        for text in "a", "a b ~!", "x" * 255:
            self.assertEqual(checked_text("keyName", text), text)

    def test_empty(self) -> None:
        """An empty text is as none."""
        self.assertRaises(MissingParameter, checked_text, "keyName", "")

    def test_bad(self) -> None:
        """Too long a text, control characters and other scripts are refused."""
        for text in "x" * 256, "a\n", "a\tb", "\N{SNOWMAN}", "\x7f":
            refusal = self.assertRaises(
                InvalidParameterValue, checked_text, "keyName", text
            )
            self.assertIn("keyName", refusal.message)
            self.assertLess(len(refusal.message), 200)


class UnsupportedTests(SynchronousTestCase):
    def test_asked(self) -> None:
        """What is not here is refused by name."""
        refusal = self.assertRaises(UnsupportedOperation, unsupported, "VPCs", "vpc-1")
        self.assertEqual(refusal.message, "This cloud does not have VPCs")

    def test_not_asked(self) -> None:
        """What nobody asks for is not refused."""
        for nothing in None, "", (), False:
            unsupported("VPCs", nothing)


class UserDataTests(SynchronousTestCase):
    def test_none(self) -> None:
        """No user data is no text."""
        self.assertEqual(checked_user_data(None, 10), "")
        self.assertEqual(checked_user_data("", 10), "")

    def test_normalised(self) -> None:
        """White space in base64 means nothing, and is not kept."""
        self.assertEqual(checked_user_data("aGVs\r\n bG8=\n", 10), "aGVsbG8=")

    def test_malformed(self) -> None:
        """What is not base64 is refused."""
        for text in "#!/bin/sh", "aGVsbG8", "\N{SNOWMAN}", "a===":
            self.assertRaises(MalformedUserData, checked_user_data, text, 10)

    def test_limit(self) -> None:
        """The limit is on the bytes, not on their base64."""
        fits = base64.b64encode(bytes(16384)).decode()
        self.assertEqual(checked_user_data(fits, 16384), fits)
        large = base64.b64encode(bytes(16385)).decode()
        self.assertRaises(InvalidParameterValue, checked_user_data, large, 16384)
