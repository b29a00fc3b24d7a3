"""Tests of L{euca_tw.vnet.trunk.tapdev}; its devices are functional."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.trunk.tapdev import TapFailed, open_tap, takes_uso


class TakesUsoTests(SynchronousTestCase):
    """L{takes_uso}."""

    def test_releases(self) -> None:
        """Segments of UDP are known since 6.2."""
        for release, expected in (
            ("6.1.0-35-amd64", False),
            ("6.2", True),
            ("6.12.9+bpo", True),
            ("10.0.1", True),
            ("5.15.0-91-generic", False),
            ("nonsense", False),
        ):
            self.assertEqual(takes_uso(release), expected, release)


class OpenTapTests(SynchronousTestCase):
    """L{open_tap}."""

    def test_names(self) -> None:
        """What is no name for a device is refused before it is tried."""
        for name in ("", "evt0000001234567"):
            with self.assertRaises(TapFailed):
                open_tap(name, queue=1)
