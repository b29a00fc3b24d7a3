"""Tests for L{euca_tw.api.errors}."""

from __future__ import annotations

import inspect
import re

import attrs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api import errors
from euca_tw.api.errors import (
    ApiError,
    InternalError,
    InvalidParameterValue,
    MissingParameter,
    Unavailable,
)


def refusals() -> list[type[ApiError]]:
    return [
        found
        for _, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, ApiError)
    ]


class Refusals(SynchronousTestCase):
    """What is said to a client."""

    def test_sentences(self) -> None:
        """Every refusal makes a sentence of its own fields and no others."""
        for refusal in refusals():
            fields = [a.name for a in attrs.fields(refusal)]
            said = refusal(**{name: f"<{name}>" for name in fields})
            named = re.findall(r"\{(\w+)", refusal.text)
            self.assertEqual(set(named) - set(fields), set(), refusal)
            for name in named:
                self.assertIn(f"<{name}>", said.message)
            self.assertNotIn("{", said.message)
            self.assertRegex(said.code, r"^[A-Z][A-Za-z0-9]+(\.[A-Z][A-Za-z0-9]+)*$")
            self.assertEqual(str(said), f"{said.code}: {said.message}")
        self.assertGreater(len(refusals()), 30)

    def test_braces_in_values(self) -> None:
        """What a client wrote is never a pattern."""
        refusal = MissingParameter("{reason} {0}")
        self.assertIn("{reason} {0}", refusal.message)

    def test_long_values(self) -> None:
        """What a client wrote is not told back in full, however long."""
        wrong = InvalidParameterValue("Attribute", "x" * 100_000, "It is short.")
        self.assertLess(len(wrong.message), 300)
        self.assertTrue(wrong.message.endswith("It is short."))
        self.assertLess(len(MissingParameter("x" * 100_000).message), 1100)

    def test_whose_fault(self) -> None:
        """By its status, a fault is ours or the client's."""
        self.assertTrue(InternalError().is_servers)
        self.assertTrue(Unavailable("no node answers").is_servers)
        self.assertFalse(MissingParameter("InstanceId.1").is_servers)
