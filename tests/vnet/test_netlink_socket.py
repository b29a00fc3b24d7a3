"""Tests of L{euca_tw.vnet.netlink_socket}."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable

from attrs import Factory, define
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.netlink_socket import NetlinkSocket
from euca_tw.vnet.rtnetlink import ACK, HEADER, REQUEST, message
from euca_tw.vnet.rtnetlink_told import asked_neighbours

DONE, ERROR = 3, 2


def told(sequence: int, kind: int, flags: int = 0, body: bytes = b"") -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body


def error(sequence: int, code: int, text: bytes = b"") -> bytes:
    """As the kernel says it, with what it is about, its body left out."""
    more = struct.pack("=HH", 4 + len(text), 1) + text if text else b""
    body = struct.pack("=i", -code) + told(sequence, 28) + more
    return told(sequence, ERROR, 0x300 if text else 0x100, body)


@define
class Kernel:
    """
    Answers each time it is told something.

    @ivar answer: to the messages that were told at once, each with its number
        and its flags: what is received then.
    """

    answer: Callable[[list[tuple[int, int]]], list[bytes]]
    received: list[bytes] = Factory(list)
    sent: list[list[tuple[int, int]]] = Factory(list)

    def send(self, said: bytes) -> int:
        messages = []
        offset = 0
        while offset < len(said):
            length, _, flags, sequence, _ = HEADER.unpack_from(said, offset)
            messages.append((sequence, flags))
            offset += length
        self.sent.append(messages)
        self.received += self.answer(messages)
        return len(said)

    def recv(self, size: int) -> bytes:
        return self.received.pop(0)

    def close(self) -> None:
        """Nothing is held."""


class ListTests(SynchronousTestCase):
    """L{NetlinkSocket.list}."""

    def test_listed(self) -> None:
        """What comes, in however many parts, till it is said to be done."""

        def answer(messages: list[tuple[int, int]]) -> list[bytes]:
            ((number, _),) = messages
            one, two = told(number, 28, 2, b"one!"), told(number, 28, 2, b"two!")
            stale = told(number - 1, 28, 2, b"old!")
            return [
                one + stale + two,
                told(number, 28, 2, b"last") + told(number, DONE),
            ]

        found = NetlinkSocket(Kernel(answer)).list(asked_neighbours())
        self.assertEqual([each[-4:] for each in found], [b"one!", b"two!", b"last"])

    def test_interrupted(self) -> None:
        """What changed while it was listed is listed anew, and only that told."""
        turns = [0x12, 0x12, 2]

        def answer(messages: list[tuple[int, int]]) -> list[bytes]:
            ((number, _),) = messages
            flags = turns.pop(0)
            return [told(number, 28, flags, b"turn") + told(number, DONE, flags)]

        self.assertEqual(len(NetlinkSocket(Kernel(answer)).list(asked_neighbours())), 1)
        self.assertEqual(turns, [])

    def test_never_still(self) -> None:
        """What never is still is told of, some time."""

        def answer(messages: list[tuple[int, int]]) -> list[bytes]:
            ((number, _),) = messages
            return [told(number, DONE, 0x12)]

        kernel = NetlinkSocket(Kernel(answer))
        failed = self.assertRaises(OSError, kernel.list, asked_neighbours())
        self.assertEqual(failed.errno, errno.EAGAIN)

    def test_refused(self) -> None:
        """The kernel's refusal is raised, with its words."""

        def answer(messages: list[tuple[int, int]]) -> list[bytes]:
            ((number, _),) = messages
            return [error(number, errno.EOPNOTSUPP, b"No such table\0")]

        kernel = NetlinkSocket(Kernel(answer))
        failed = self.assertRaises(OSError, kernel.list, asked_neighbours())
        self.assertEqual(failed.errno, errno.EOPNOTSUPP)
        self.assertIn("No such table", str(failed))


class TellTests(SynchronousTestCase):
    """L{NetlinkSocket.tell}."""

    def tell(
        self, kernel: Kernel, sizes: list[int], times: int = 1
    ) -> list[dict[int, int | None]]:
        """@return: of each time, the numbers of errors by place."""
        told_to = NetlinkSocket(kernel)
        messages = [message(28, REQUEST, bytes(size)) for size in sizes]
        return [
            {place: each.errno for place, each in told_to.tell(messages).items()}
            for _ in range(times)
        ]

    def test_at_once(self) -> None:
        """Many go at once, and only the last is to be answered for."""
        kernel = Kernel(lambda messages: [error(messages[-1][0], 0)])
        self.assertEqual(self.tell(kernel, [12] * 100, times=2), [{}, {}])
        self.assertEqual([len(each) for each in kernel.sent], [100, 100])
        for messages in kernel.sent:
            asking = [bool(flags & ACK) for _, flags in messages]
            self.assertEqual(asking, [False] * 99 + [True])

    def test_parts(self) -> None:
        """Too much for once goes in parts, each whole."""
        kernel = Kernel(lambda messages: [error(messages[-1][0], 0)])
        self.assertEqual(self.tell(kernel, [4096] * 30), [{}])
        self.assertEqual(sum(len(each) for each in kernel.sent), 30)
        self.assertGreater(len(kernel.sent), 1)

    def test_failed(self) -> None:
        """What fails is known by its place, in whichever part it was."""

        def answer(messages: list[tuple[int, int]]) -> list[bytes]:
            return [
                error(number, errno.EEXIST if number % 10 == 1 else 0)
                for number, flags in messages
                if number % 10 == 1 or flags & ACK
            ]

        failed = dict.fromkeys((0, 10, 20), errno.EEXIST)
        self.assertEqual(self.tell(Kernel(answer), [4096] * 30), [failed])

    def test_last_failed(self) -> None:
        """So is the last."""
        kernel = Kernel(lambda messages: [error(messages[-1][0], errno.EPERM)])
        self.assertEqual(self.tell(kernel, [12, 12]), [{1: errno.EPERM}])

    def test_nothing(self) -> None:
        """Of nothing, nothing is told."""
        self.assertEqual(self.tell(Kernel(lambda messages: []), []), [{}])
