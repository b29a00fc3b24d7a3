"""Downloads that are broken off, and go on."""

from __future__ import annotations

import hashlib
from typing import Any

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent
from zope.interface import implementer

from euca_tw.common.download import Downloaded, DownloadFailed, download
from euca_tw.common.in_thread import in_this_thread
from tests.fakes.web import MemoryAnswer, MemoryWeb

URL = "http://images.example/one"
MIB = 1 << 20


@implementer(IAgent)
@define(eq=False)
class FrailServer:
    """
    Serves one file, and breaks off.

    @ivar breaks: after how many bytes of each answer; then none.
    @ivar parts: whether it knows ranges.
    @ivar tag: of the file; C{""}: it says none.
    @ivar asked: the ranges that were asked for; C{""} for the whole.
    """

    content: bytes
    breaks: list[int] = field(factory=list)
    parts: bool = True
    tag: str = '"a"'
    asked: list[str] = field(factory=list)

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: Any = None,  # noqa: N803
    ) -> Deferred[Any]:
        assert headers is not None
        [wanted] = headers.getRawHeaders("Range") or [""]
        [condition] = headers.getRawHeaders("If-Range") or [""]
        self.asked.append(wanted)
        said = Headers({"ETag": [self.tag]} if self.tag else {})
        code, body = 200, self.content
        if wanted and self.parts and condition == self.tag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            code, body = 206, self.content[start:]
            end, total = len(self.content) - 1, len(self.content)
            said.setRawHeaders("Content-Range", [f"bytes {start}-{end}/{total}"])
        until = self.breaks.pop(0) if self.breaks else None

        def deliver(answer: MemoryAnswer) -> None:
            answer.say(body[:until])
            answer.end(None if until is None else ConnectionDone())

        answer = MemoryAnswer(code, length=len(body), headers=said, delivered=deliver)
        return succeed(answer)


class File:
    """What is written, where it can be begun anew."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.begun: list[int | None] = []

    def begin(self, length: int | None) -> None:
        self.begun.append(length)
        self.content.clear()

    def write(self, data: bytes) -> None:
        self.content += data


class ResumeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.file = File()

    def begin(self, web: Any, tries: int = 3, again: bool = True) -> Deferred[Any]:
        return Deferred.fromCoroutine(
            download(
                web,
                self.clock,
                in_this_thread,
                URL,
                self.file.write,
                largest_bytes=64 * MIB,
                idle_s=60,
                begin=self.file.begin if again else None,
                tries=tries,
            )
        )

    def got(self, server: FrailServer, **how: Any) -> Downloaded:
        downloading = self.begin(server, **how)
        for _ in range(60):
            self.clock.advance(60)
        got: Downloaded = self.successResultOf(downloading)
        return got

    def refusal(self, web: Any, **how: Any) -> str:
        downloading = self.begin(web, **how)
        for _ in range(60):
            self.clock.advance(60)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return str(self.failureResultOf(downloading, DownloadFailed).value)

    @given(
        st.binary(min_size=1, max_size=200),
        st.lists(st.integers(1, 50), max_size=5),
        st.booleans(),
        st.sampled_from(['"a"', 'W/"a"', ""]),
    )
    def test_any_breaks(
        self, content: bytes, breaks: list[int], parts: bool, tag: str
    ) -> None:
        """Wherever it breaks off, what is written at last is the file."""
        self.file = File()
        server = FrailServer(content, list(breaks), parts, tag)
        got = self.got(server, tries=9)
        self.assertEqual(bytes(self.file.content), content)
        self.assertEqual(got.size_bytes, len(content))
        self.assertEqual(got.sha256, hashlib.sha256(content).hexdigest())

    def test_goes_on(self) -> None:
        """What was written is not fetched again."""
        server = FrailServer(b"abcdefgh", [3, 2])
        self.got(server)
        self.assertEqual(server.asked, ["", "bytes=3-", "bytes=5-"])
        self.assertEqual(self.file.begun, [8])

    def test_cannot_go_on(self) -> None:
        """A server that knows no ranges sends it anew."""
        server = FrailServer(b"abcdefgh", [3], parts=False)
        self.got(server)
        self.assertEqual(bytes(self.file.content), b"abcdefgh")
        self.assertEqual(self.file.begun, [8, 8])

    def test_weak_tag(self) -> None:
        """A weak ETag does not tell that the bytes are the same: all anew."""
        for tag in ('W/"a"', ""):
            server = FrailServer(b"abcdefgh", [3], tag=tag)
            self.got(server)
            self.assertEqual(server.asked, ["", ""])

    def test_changed(self) -> None:
        """A file that changed meanwhile is fetched anew."""
        server = FrailServer(b"abcdefgh", [3])
        downloading = self.begin(server)
        server.content, server.tag = b"ABCDEFGHI", '"b"'
        self.clock.advance(1)
        self.successResultOf(downloading)
        self.assertEqual(bytes(self.file.content), b"ABCDEFGHI")

    def test_date(self) -> None:
        """Without an ETag its date tells that a file is the same."""
        date = Headers({"Last-Modified": ["Mon, 10 Mar 2008 00:00:00 GMT"]})
        first = MemoryAnswer(headers=date)
        part = Headers({"Content-Range": ["bytes 3-5/6"]})
        second = MemoryAnswer(206, headers=part)
        web = MemoryWeb(answers=[first, second])
        downloading = self.begin(web)
        first.say(b"abc")
        first.end(ConnectionDone())
        self.clock.advance(1)
        asked = web.headers[1].getRawHeaders("If-Range")
        self.assertEqual(asked, date.getRawHeaders("Last-Modified"))
        second.say(b"def")
        second.end()
        self.successResultOf(downloading)
        self.assertEqual(bytes(self.file.content), b"abcdef")

    def test_wrong_part(self) -> None:
        """Another part than was asked for is not taken; all is fetched anew."""
        for said in (
            {"Content-Range": ["bytes 2-5/6"], "ETag": ['"a"']},
            {"Content-Range": ["bytes 3-5/7"], "ETag": ['"a"']},
            {"Content-Range": ["bytes 3-5/6"], "ETag": ['"b"']},
            {"Content-Range": ["3-5"], "ETag": ['"a"']},
            {},
        ):
            first = MemoryAnswer(length=6, headers=Headers({"ETag": ['"a"']}))
            second = MemoryAnswer(206, headers=Headers(said))
            third = MemoryAnswer(length=6)
            web = MemoryWeb(answers=[first, second, third])
            downloading = self.begin(web)
            first.say(b"abc")
            first.end(ConnectionDone())
            self.clock.advance(1)
            self.assertEqual(second.flow, ["stop"])
            self.clock.advance(2)
            # Who gave the wrong part once is asked for none again.
            self.assertFalse(web.headers[2].hasHeader("Range"))
            third.say(b"abcdef")
            third.end()
            self.successResultOf(downloading)
            self.assertEqual(bytes(self.file.content), b"abcdef")

    def test_no_rest(self) -> None:
        """A server that no longer has so much is asked for all of it."""
        first = MemoryAnswer(length=6, headers=Headers({"ETag": ['"a"']}))
        no_rest = MemoryAnswer(416, b"Range Not Satisfiable")
        third = MemoryAnswer(length=2)
        web = MemoryWeb(answers=[first, no_rest, third])
        downloading = self.begin(web)
        first.say(b"abc")
        first.end(ConnectionDone())
        self.clock.advance(1)
        self.clock.advance(2)
        self.assertFalse(web.headers[2].hasHeader("Range"))
        third.say(b"AB")
        third.end()
        self.successResultOf(downloading)
        self.assertEqual(bytes(self.file.content), b"AB")

    def test_no_more_tries(self) -> None:
        """A server of which nothing comes is left after so many tries."""
        server = FrailServer(b"abcdefgh", [2, 0, 0, 0, 0])
        self.assertEqual(self.refusal(server), "the web server broke off")
        self.assertEqual(len(server.asked), 3)

    def test_progress(self) -> None:
        """As long as enough comes it may break off any number of times."""
        server = FrailServer(bytes(20 * MIB), [MIB] * 19)
        self.assertEqual(self.got(server).size_bytes, 20 * MIB)

    def test_no_progress_anew(self) -> None:
        """What comes anew each time is no progress."""
        server = FrailServer(bytes(20 * MIB), [2 * MIB] * 90, parts=False)
        self.assertEqual(self.refusal(server), "the web server broke off")
        self.assertLess(len(server.asked), 8)

    def test_not_begun(self) -> None:
        """A server that cannot be reached at all is left at once."""
        web = MemoryWeb(is_up=False)
        self.assertEqual(self.refusal(web), "the web server cannot be reached")
        self.assertEqual(len(web.asked), 1)

    def test_down_meanwhile(self) -> None:
        """A server that is away for a moment is asked again."""
        first = MemoryAnswer(headers=Headers({"ETag": ['"a"']}))
        ill = MemoryAnswer(503, b"Service Unavailable", delivered=lambda a: a.end())
        part = Headers({"Content-Range": ["bytes 3-5/6"], "ETag": ['"a"']})
        last = MemoryAnswer(206, headers=part)
        web = MemoryWeb(answers=[first, ConnectionRefusedError(), ill, last])
        downloading = self.begin(web, tries=4)
        first.say(b"abc")
        first.end(ConnectionDone())
        for _ in range(3):
            self.clock.advance(10)
        last.say(b"def")
        last.end()
        self.successResultOf(downloading)
        self.assertEqual(bytes(self.file.content), b"abcdef")

    def test_gone_meanwhile(self) -> None:
        """A file that is gone is not asked for again."""
        first = MemoryAnswer(headers=Headers({"ETag": ['"a"']}))
        gone = MemoryAnswer(404, b"Not Found", delivered=lambda answer: answer.end())
        web = MemoryWeb(answers=[first, gone])
        downloading = self.begin(web)
        first.say(b"abc")
        first.end(ConnectionDone())
        self.clock.advance(1)
        failure = self.failureResultOf(downloading, DownloadFailed)
        self.assertEqual(str(failure.value), "the web server answered 404 Not Found")

    def test_nowhere_to_begin_anew(self) -> None:
        """Who cannot begin anew is told that it was broken off."""
        server = FrailServer(b"abcdefgh", [3], parts=False)
        self.assertEqual(self.refusal(server, again=False), "the web server broke off")

    def test_cannot_begin(self) -> None:
        """Where the file cannot be begun, nothing is read."""

        def begin(length: int | None) -> None:
            raise OSError(28, "No space left on device")

        self.file.begin = begin  # type: ignore[method-assign]
        answer = MemoryAnswer(length=8)
        told = self.refusal(MemoryWeb(answers=[answer]))
        self.assertEqual(told, "it cannot be written: No space left on device")
        self.assertEqual(answer.flow, ["stop"])

    def test_cancelled_at_begin(self) -> None:
        """Who gives up while the file is being begun leaves the server."""
        answer = MemoryAnswer(length=8)
        downloading = Deferred.fromCoroutine(
            download(
                MemoryWeb(answers=[answer]),
                self.clock,
                lambda work: Deferred(),
                URL,
                self.file.write,
                largest_bytes=100,
                idle_s=60,
                begin=self.file.begin,
            )
        )
        downloading.cancel()
        self.failureResultOf(downloading, CancelledError)
        self.assertEqual(answer.flow, ["stop"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled_between(self) -> None:
        """Who gives up while nothing is asked asks no more."""
        server = FrailServer(b"abcdefgh", [3])
        downloading = self.begin(server)
        downloading.cancel()
        self.failureResultOf(downloading, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(server.asked), 1)
