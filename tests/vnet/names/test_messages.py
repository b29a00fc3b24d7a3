"""Tests of L{euca_tw.vnet.names.messages}, with C{twisted.names} as the judge."""

from __future__ import annotations

import struct
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.names.messages import Unanswerable, answer, parse
from euca_tw.vnet.names.passed_on import (
    code_of,
)
from tests.vnet.names.asking import (
    addresses,
    asked,
    opt,
    options_of,
    question,
    read,
    record,
    reply,
)

WWW = "www.example.com"
ANY_QUESTION = question(size=1232)


class ParseTests(SynchronousTestCase):
    """L{parse}."""

    def refusal(self, message: bytes) -> int:
        return code_of(self.assertRaises(Unanswerable, parse, message).reply)

    def test_question(self) -> None:
        """A question says what is asked, in the case of letters that was used."""
        found = asked("wWw.Example.com", dns.MX, number=513)
        self.assertEqual(found.number, 513)
        self.assertEqual(found.labels, (b"wWw", b"Example", b"com"))
        self.assertEqual(found.name, (b"www", b"example", b"com"))
        self.assertEqual((found.kind, found.cls), (dns.MX, dns.IN))
        self.assertEqual((found.size, found.has_options), (512, False))
        self.assertTrue(found.is_plain)

    def test_root(self) -> None:
        """The name of all names has no label."""
        self.assertEqual(asked("").labels, ())

    def test_options(self) -> None:
        """EDNS says how long an answer may be; never less than everybody takes."""
        for said, size in ((1232, 1232), (0, 512), (65535, 65535)):
            found = asked(size=said)
            self.assertEqual((found.size, found.has_options), (size, True))
            self.assertTrue(found.is_plain)

    def test_not_plain(self) -> None:
        """Options that are between two must not be given to others."""
        message = read(question())
        message.additional.append(opt(1232, options=b"\0\x0a\0\x08cookies!"))
        found = parse(message.toStr())
        assert found is not None
        self.assertFalse(found.is_plain)

    def test_silence(self) -> None:
        """Answers, and what is no DNS, are not answered."""
        for message in (b"", b"x" * 11, reply(question()), b"\xff" * 12):
            self.assertIsNone(parse(message))

    def test_not_implemented(self) -> None:
        """Of notifications and updates nothing is known here, and that is said."""
        refused = self.assertRaises(Unanswerable, parse, question(opCode=4))
        self.assertEqual(code_of(refused.reply), dns.ENOTIMP)
        self.assertEqual(read(refused.reply).id, 7)

    def test_malformed(self) -> None:
        """What ends too early, or is not one question, is refused as malformed."""
        whole = question()
        two = read(whole)
        two.addQuery("b.example")
        pointer = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"
        for message in (
            *(whole[:end] for end in range(12, len(whole))),
            *(ANY_QUESTION[:end] for end in range(len(whole), len(ANY_QUESTION))),
            two.toStr(),
            pointer,
            pointer.replace(b"\xc0\x0c", b"\x40" + b"a" * 64 + b"\0"),
            whole.replace(b"\3www", (b"\x3f" + b"a" * 63) * 4 + b"\3www"),
            whole[:4] + b"\0\0" + whole[6:],
        ):
            self.assertEqual(self.refusal(message), dns.EFORMAT, message)

    def test_longest_name(self) -> None:
        """A name has 255 bytes at most."""
        longest = ".".join(["a" * 63] * 3 + ["b" * 61])
        self.assertEqual(len(asked(longest).question), 255 + 4)
        self.assertEqual(self.refusal(question(longest + "b")), dns.EFORMAT)

    def test_two_options(self) -> None:
        """There are no two OPT records."""
        message = read(question())
        message.additional += [opt(1232), opt(1232)]
        self.assertEqual(self.refusal(message.toStr()), dns.EFORMAT)

    @given(st.binary(max_size=600))
    def test_any_bytes(self, message: bytes) -> None:
        """Any bytes are a question, or refused, or met with silence."""
        self.survive(message)

    @given(st.data())
    def test_nearly(self, data: Any) -> None:
        """So is any question with some of its bytes changed."""
        message = bytearray(ANY_QUESTION)
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(message) - 1))
            message[at] = data.draw(st.integers(0, 255))
        self.survive(bytes(message[: data.draw(st.integers(0, len(message)))]))

    def survive(self, message: bytes) -> None:
        try:
            found = parse(message)
        except Unanswerable as told:
            self.assertEqual(told.reply[:2], message[:2])
            self.assertLessEqual(len(told.reply), len(message))
            return
        if found is not None:
            self.assertEqual(message[12:], found.question + found.rest)
            read(answer(found, dns.ESERVER))


class AnswerTests(SynchronousTestCase):
    """L{answer}."""

    def test_answer(self) -> None:
        """An answer is to the question, and has its letters."""
        found = asked("WWW.example.COM", number=99)
        told = answer(
            found, dns.OK, [record("WWW.example.COM", dns.Record_A("192.0.2.1"))]
        )
        message = read(told)
        self.assertEqual((message.id, message.answer, message.recAv), (99, 1, 1))
        self.assertEqual(message.queries[0].name.name, b"WWW.example.COM")
        self.assertEqual(message.answers[0].name.name, b"WWW.example.COM")
        self.assertEqual(addresses(told), ["192.0.2.1"])
        self.assertFalse(message.auth)
        # The name is pointed to.
        self.assertEqual(len(told), 12 + len(found.question) + 16)

    def test_ours(self) -> None:
        """Of our own names the answer is authoritative."""
        self.assertTrue(read(answer(asked(), dns.OK, is_ours=True)).auth)

    def test_options(self) -> None:
        """Who has EDNS is answered with it, and others are not."""
        told = options_of(answer(asked(size=4096), dns.OK))
        self.assertEqual(told.cls, 1232)
        self.assertEqual(read(answer(asked(), dns.OK)).additional, [])

    def test_signatures(self) -> None:
        """The wish for signatures is repeated, as RFC 3225 has it."""
        found = evolve(asked(size=4096), wants_signatures=True)
        self.assertEqual(options_of(answer(found, dns.OK)).ttl, 0x8000)

    def test_version(self) -> None:
        """A version of EDNS that nobody knows is refused, and nothing is said."""
        told = answer(
            asked(size=512, version=1),
            dns.OK,
            [record(WWW, dns.Record_A("192.0.2.1"))],
        )
        self.assertEqual(read(told).answers, [])
        self.assertEqual(options_of(told).ttl >> 24 << 4 | code_of(told), 16)
