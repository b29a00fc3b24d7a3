"""One console, as libvirt streams it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.console_stream import ConsoleStream


class Broken(Exception):
    """What the methods of this stream raise."""


@define
class MemoryStream:
    """As a stream of libvirt's behaves; a number is what it returns for bytes."""

    coming: list[bytes | int | Broken] = field(factory=list)
    changed: Callable[..., None] | None = None
    aborted: int = 0

    def eventAddCallback(self, events: int, changed: Any, opaque: None) -> None:
        self.changed = changed

    def eventRemoveCallback(self) -> None:
        if self.changed is None:
            raise Broken("no callback")
        self.changed = None

    def recv(self, most: int) -> bytes | int:
        now = self.coming.pop(0) if self.coming else -2
        if isinstance(now, Broken):
            raise now
        return now

    def abort(self) -> None:
        self.aborted += 1
        raise Broken("the connection is lost")

    def come(self, *coming: bytes | int | Broken) -> None:
        self.coming.extend(coming)
        assert self.changed is not None
        self.changed(self, 1, None)


class ConsoleStreamTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.heard: list[bytes] = []
        self.is_enough = False
        self.ends = 0
        self.memory = MemoryStream()
        self.stream = ConsoleStream(self.memory, Broken, self.hear, self.end)
        self.stream.begin()

    def hear(self, said: bytes) -> bool:
        self.heard.append(said)
        return not self.is_enough

    def end(self) -> None:
        self.ends += 1

    def test_heard(self) -> None:
        """What is said is heard, in its order."""
        self.memory.come(b"one", b"two")
        self.memory.come(b"three")
        self.assertEqual(self.heard, [b"one", b"two", b"three"])
        self.assertEqual(self.ends, 0)

    def test_turns(self) -> None:
        """Who says much lets others have their turn."""
        self.memory.come(*[b"much"] * 100)
        self.assertLess(len(self.heard), 100)
        self.assertNotEqual(self.heard, [])

    def test_end(self) -> None:
        """When it says no more, that is told once, and it is watched no more."""
        for last in (b"", 0, Broken("hung up")):
            self.setUp()
            self.memory.come(b"last", last)
            self.assertEqual((self.heard, self.ends), ([b"last"], 1))
            self.assertIsNone(self.memory.changed)
            self.stream.close()
            self.assertEqual(self.ends, 1)

    def test_too_much(self) -> None:
        """
        When no more is wanted, that is told once; what comes till it is closed is
        taken, and thrown away.
        """
        self.is_enough = True
        self.memory.come(b"one", b"two")
        self.memory.come(b"three")
        self.assertEqual((self.heard, self.ends), ([b"one"], 1))
        self.assertEqual(self.memory.coming, [])
        self.stream.close()
        self.assertEqual((self.memory.aborted, self.ends), (1, 1))

    def test_close(self) -> None:
        """One that is closed is told to have ended, also on a lost connection."""
        self.stream.close()
        self.assertEqual((self.memory.aborted, self.ends), (1, 1))
        self.assertIsNone(self.memory.changed)
