"""Tests of L{euca_tw.vnet.trunk.frames}."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis.strategies import (
    binary,
    booleans,
    builds,
    frozensets,
    integers,
    lists,
    one_of,
    sampled_from,
    text,
    tuples,
)
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import TRANSIT_NUMBER
from euca_tw.vnet.trunk.frames import (
    HEADER,
    LONGEST_FRAME,
    LONGEST_WORD,
    MOST_NAMED,
    SHORTEST_FRAME,
    VERSION,
    BadMessage,
    Carry,
    Hello,
    Kind,
    Ping,
    Pong,
    Reach,
    cluster_id,
    frame_word,
    messages,
    read_word,
    write_word,
)

clusters = integers(1, 0xFFFFFFFF)
numbers = integers(1, TRANSIT_NUMBER)
tokens = integers(0, 2**64 - 1)
names = text(min_size=1, max_size=60).filter(lambda name: len(name.encode()) < 256)
words = one_of(
    builds(Hello, name=names, incarnation=tokens, takes_uso=booleans()),
    builds(Reach, frozensets(clusters, max_size=40)),
    builds(Carry, frozensets(numbers, max_size=40)),
    builds(Ping, tokens),
    builds(Pong, tokens),
)


def frame(kind: int, network: int, destination: int, source: int, body: bytes) -> bytes:
    header = HEADER.pack(len(body), frame_word(kind, network), destination, source)
    return header + body


frames = builds(
    frame,
    sampled_from((Kind.DIRECT, Kind.TO_RELAY, Kind.RELAYED)),
    numbers,
    clusters,
    clusters,
    binary(min_size=SHORTEST_FRAME, max_size=200),
)
streams = lists(one_of(frames, words.map(write_word)), max_size=12)


def read(stream: bytes) -> list[tuple[int, int, int, int, bytes]]:
    """The messages, with what follows their headers."""
    view = memoryview(stream)
    return [
        (*message[:4], bytes(view[message[4] : message[5]]))
        for message in messages(view, len(stream))
    ]


class MessagesTests(SynchronousTestCase):
    """L{messages}."""

    @given(streams)
    def test_whole(self, parts: list[bytes]) -> None:
        """Messages come out as they went in, in their order."""
        found = read(b"".join(parts))
        self.assertEqual(
            [
                HEADER.pack(len(body), kind << 24 | network, destination, source) + body
                for kind, network, destination, source, body in found
            ],
            parts,
        )

    @given(streams, lists(integers(0, 3000), max_size=20))
    def test_split(self, parts: list[bytes], cuts: list[int]) -> None:
        """However the stream is split, the messages are the same."""
        stream = b"".join(parts)
        at = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
        rest, found = b"", []
        for start, end in pairwise(at):
            rest += stream[start:end]
            taken = 0
            for message in messages(memoryview(rest), len(rest)):
                taken = message[5]
                found.append((*message[:4], rest[message[4] : taken]))
            rest = rest[taken:]
        self.assertEqual(found, read(stream))
        self.assertEqual(rest, b"")

    @given(binary(max_size=400))
    def test_garbage(self, garbage: bytes) -> None:
        """Anything at all is messages, the start of one, or refused."""
        try:
            found = read(garbage)
        except BadMessage:
            return
        for kind, network, destination, source, body in found:
            if kind <= Kind.RELAYED:
                self.assertTrue(network and destination and source)
                self.assertGreaterEqual(len(body), SHORTEST_FRAME)

    def test_refused(self) -> None:
        """A header that is out of bounds is refused before what follows it comes."""
        for header in (
            (SHORTEST_FRAME - 1, frame_word(Kind.DIRECT, 1), 1, 1),
            (LONGEST_FRAME + 1, frame_word(Kind.DIRECT, 1), 1, 1),
            (0xFFFFFFFF, frame_word(Kind.RELAYED, 1), 1, 1),
            (100, frame_word(Kind.DIRECT, 0), 1, 1),
            (100, frame_word(Kind.DIRECT, 1), 0, 1),
            (100, frame_word(Kind.DIRECT, 1), 1, 0),
            (100, frame_word(3, 1), 1, 1),
            (8, frame_word(21, 0), 0, 0),
            (LONGEST_WORD + 1, frame_word(Kind.REACH, 0), 0, 0),
            (8, frame_word(Kind.PING, 1), 0, 0),
            (8, frame_word(Kind.PING, 0), 1, 0),
            (8, frame_word(Kind.PING, 0), 0, 1),
        ):
            with self.assertRaises(BadMessage, msg=str(header)):
                read(HEADER.pack(*header))

    def test_good_before_bad(self) -> None:
        """What is before a bad message is read."""
        good = frame(Kind.DIRECT, 7, 1, 2, bytes(SHORTEST_FRAME))
        stream = memoryview(good + bytes(HEADER.size))
        found = messages(stream, len(stream))
        self.assertEqual(next(found)[:4], (Kind.DIRECT, 7, 1, 2))
        with self.assertRaises(BadMessage):
            next(found)


class WordsTests(SynchronousTestCase):
    """L{write_word} and L{read_word}."""

    @given(words)
    def test_round_trip(self, word: object) -> None:
        """A word is read as it was written."""
        [(kind, network, destination, source, body)] = read(write_word(word))
        self.assertEqual((network, destination, source), (0, 0, 0))
        self.assertEqual(read_word(kind, body), word)

    @given(integers(16, 20), binary(max_size=64))
    def test_garbage(self, kind: int, body: bytes) -> None:
        """Anything at all is a word or refused; each word is written in one way."""
        try:
            word = read_word(kind, body)
        except BadMessage:
            return
        self.assertEqual(write_word(word)[HEADER.size :], body)

    def test_refused(self) -> None:
        """What says too little, too much, or nonsense is refused."""
        version = VERSION.to_bytes(2)
        for kind, body in (
            (Kind.HELLO, b""),
            (Kind.HELLO, version + bytes(10)),
            (Kind.HELLO, (VERSION + 1).to_bytes(2) + bytes(10) + b"x"),
            (Kind.HELLO, version + b"\0\2" + bytes(8) + b"x"),
            (Kind.HELLO, version + bytes(10) + b"\xff"),
            (Kind.HELLO, version + bytes(10) + b"x" * 256),
            (Kind.REACH, b"\0\0\0"),
            (Kind.REACH, b"\0\0\0\0"),
            (Kind.REACH, b"\0\0\0\2\0\0\0\1"),
            (Kind.REACH, b"\0\0\0\1\0\0\0\1"),
            (Kind.CARRY, b"\1\0\0\0"),
            (Kind.PING, bytes(7)),
            (Kind.PONG, bytes(9)),
            (21, b""),
        ):
            with self.assertRaises(BadMessage, msg=f"{kind} {body!r}"):
                read_word(kind, body)

    def test_many(self) -> None:
        """Of very many networks, as many are told as a message has room for."""
        message = write_word(Carry(frozenset(range(1, MOST_NAMED + 10))))
        [(kind, *_, body)] = read(message)
        told = read_word(kind, body)
        self.assertEqual(told, Carry(frozenset(range(1, MOST_NAMED + 1))))


class ClusterIdTests(SynchronousTestCase):
    """L{cluster_id}."""

    @given(tuples(names, names))
    def test_names(self, pair: tuple[str, str]) -> None:
        """It is the name's own, and fits into a header."""
        one, other = pair
        self.assertTrue(0 < cluster_id(one) < 2**32)
        self.assertEqual(cluster_id(one) == cluster_id(other), one == other)

    def test_stable(self) -> None:
        """It is the same on every machine and in every release."""
        self.assertEqual(cluster_id("cluster1"), 0xA140791D)
