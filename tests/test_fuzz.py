"""What fuzzing begins with, and what it found."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.trunk.frames import cluster_id
from fuzz.broken import Broken
from fuzz.targets import Verifier, targets
from fuzz.trunk import MEMBERS, Heard, by_trunk


class TargetTests(SynchronousTestCase):
    def test_seeds(self) -> None:
        """Every target takes every honest request."""
        counts = {}
        for name, (target, seeds) in targets().items():
            cases = list(seeds)
            for case in cases:
                target(case)
            counts[name] = len(cases)
        self.assertGreater(counts["query"], 300)
        self.assertGreater(counts["soap"], 300)
        self.assertGreaterEqual(counts["wsse"], 82)
        self.assertGreater(counts["names"], 30)
        self.assertGreater(counts["trunk"], 15)

    def test_forgery(self) -> None:
        """The verifier's target sees what is signed and not what it knows."""
        verifier, messages = targets()["wsse"]
        first, *_ = messages
        assert isinstance(verifier, Verifier)
        stranger = Verifier(verifier.certificate, frozenset({b"<other/>"}))
        verifier(first)
        self.assertRaises(Broken, stranger, first)

    def test_trunk(self) -> None:
        """The trunk's target sees what a guest would be given and must not."""
        heard, honest = targets()["trunk"]
        assert isinstance(heard, Heard)
        lies = Heard(away={MEMBERS["c"]: cluster_id("b")})
        for case in honest:
            heard(case)
        with self.assertRaises(Broken):
            for case in by_trunk():
                lies(case)

    def test_changed(self) -> None:
        """A changed message is no break: it is refused."""
        verifier, messages = targets()["wsse"]
        for message in messages:
            verifier(message.replace(b"i-12345678", b"i-12345679"))
