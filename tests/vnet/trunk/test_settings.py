"""Tests of L{euca_tw.vnet.trunk.settings}."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.config import Invalid
from euca_tw.vnet.trunk.settings import (
    Address,
    PeerSettings,
    TrunkSettings,
    read_address,
)
from tests.vnet.trunk.world import keys_of


def settings(**given: Any) -> TrunkSettings:
    keys = keys_of("a")
    return TrunkSettings(
        **{
            "cluster": "a",
            "key_pem": keys.key_pem,
            "certificate_pem": keys.certificate_pem,
            **given,
        }
    )


def peer(name: str) -> PeerSettings:
    return PeerSettings(certificate_pem=keys_of(name).certificate_pem)


class ReadAddressTests(SynchronousTestCase):
    """L{read_address}."""

    def test_taken(self) -> None:
        """An address is a host and a port, and is written as it was read."""
        for text, host, port in (
            ("head.example:8776", "head.example", 8776),
            ("192.0.2.1:1", "192.0.2.1", 1),
            ("[2001:db8::1]:65535", "2001:db8::1", 65535),
            (":8776", "", 8776),
        ):
            self.assertEqual(read_address(text), Address(host, port))
            self.assertEqual(str(read_address(text)), text)

    def test_refused(self) -> None:
        """What is none is refused."""
        for text in (
            *("", "head.example", "head:", "head:0", "head:65536", "head:x"),
            *("2001:db8::1:8776", "head:-1", "head:٣", "head:0000001"),
        ):
            with self.assertRaises(ValueError, msg=text):
                read_address(text)


class TrunkSettingsTests(SynchronousTestCase):
    """L{TrunkSettings}."""

    def test_taken(self) -> None:
        """What is meant is taken, and the key is not shown."""
        made = settings(peers={"b": peer("b"), "c": peer("c")}, listen=":8776")
        self.assertNotIn("PRIVATE", repr(made))

    def test_refused(self) -> None:
        """What cannot be meant is refused, with its name."""
        for key, given in (
            ("cluster", {"cluster": ""}),
            ("listen", {"listen": "x"}),
            ("key_pem", {"key_pem": b""}),
            ("key_pem", {"key_pem": keys_of("b").key_pem}),
            ("certificate_pem", {"certificate_pem": b"x"}),
            ("peers", {"peers": {"a": peer("b")}}),
            ("peers", {"peers": {"b": peer("a")}}),
            ("peers", {"peers": {"b": peer("b"), "c": peer("b")}}),
            ("queue", {"queue": 0}),
            ("ping_s", {"ping_s": 0.0}),
            ("silent_s", {"silent_s": 1e9}),
        ):
            with self.assertRaises(Invalid, msg=str(given)) as caught:
                settings(**given)
            self.assertEqual(caught.exception.key, key)

    def test_peer_refused(self) -> None:
        """A peer without a host or a certificate is refused."""
        pem = keys_of("b").certificate_pem
        for given in (
            {"address": ":8776", "certificate_pem": pem},
            {"certificate_pem": b""},
        ):
            with self.assertRaises(Invalid, msg=str(given)):
                PeerSettings(**given)  # type: ignore[arg-type]
