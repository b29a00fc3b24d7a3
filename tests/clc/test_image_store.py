"""The bytes of images."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from attrs import define, evolve
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, fail
from twisted.internet.error import (
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
)
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import (
    PotentialDataLoss,
    ResponseDone,
    ResponseNeverReceived,
)
from twisted.web.error import SchemeNotSupported
from twisted.web.iweb import UNKNOWN_LENGTH, IAgent
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.static import Data
from twisted.web.test.requesthelper import DummyRequest
from zope.interface import implementer

from euca_tw.clc.image_resource import ImageResource
from euca_tw.clc.image_store import FileImageStore, MemoryImageStore, kept_secret
from euca_tw.clc.interfaces import ImportFailed, StoredImage
from euca_tw.common.in_thread import in_this_thread
from tests.suites.image_store import ONE, OTHER, image, make_iimage_store_tests

CONTENT = b"an image" * 1000
STORED = StoredImage(
    size_bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest()
)


@implementer(IAgent)
@define
class NoWeb:
    """An agent for tests in which nobody asks it."""

    def request(self, method, uri, headers=None, body_producer=None):
        raise AssertionError(f"nobody should ask for {uri}")


def file_store(test: SynchronousTestCase, **given: Any) -> FileImageStore:
    return FileImageStore(
        **{
            "directory": Path(test.mktemp()),
            "base_url": "http://clc:8773/",
            "secret": b"s" * 32,
            "agent": NoWeb(),
            "clock": Clock(),
            "in_thread": in_this_thread,
            **given,
        }
    )


def written(test: SynchronousTestCase, content: bytes = CONTENT) -> str:
    path = Path(test.mktemp())
    path.write_bytes(content)
    return str(path.resolve())


class FileImageStoreContract(
    make_iimage_store_tests(
        lambda test: (file_store(test), written(test, b"one"), written(test, b"two"))
    )
):
    """L{FileImageStore} with files."""


class MemoryImageStoreContract(
    make_iimage_store_tests(lambda test: (MemoryImageStore(), "/one", "/two"))
):
    """L{MemoryImageStore}."""


class SecretTests(SynchronousTestCase):
    def test_made_once(self) -> None:
        """The secret is made once, and is the same ever after."""
        path = Path(self.mktemp()) / "secret"
        made = kept_secret(path, Random(1))
        self.assertEqual(len(made), 32)
        self.assertEqual(kept_secret(path, Random(2)), made)

    def test_private(self) -> None:
        """Only its owner may read it."""
        path = Path(self.mktemp())
        kept_secret(path, Random(1))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_half_written(self) -> None:
        """What a crash left half written is not taken for the secret."""
        path = Path(self.mktemp())
        path.with_name(f"{path.name}.part").write_text("ab")
        self.assertEqual(len(kept_secret(path, Random(1))), 32)


class PathTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.location = written(self)

    def refusal(self, store: FileImageStore, location: str, is_admin: bool) -> str:
        failure = self.failureResultOf(
            ensureDeferred(store.add(ONE, location, is_admin)), ImportFailed
        )
        left = store.directory.iterdir()
        self.assertEqual(list(left), [])
        return str(failure.value)

    def test_measured(self) -> None:
        """Size and digest are those of the bytes."""
        store = file_store(self)
        stored = self.successResultOf(store.add(ONE, self.location, True))
        self.assertEqual(stored, STORED)
        self.assertEqual((store.directory / ONE).read_bytes(), CONTENT)

    def test_user_below(self) -> None:
        """A user may import what lies below a configured directory."""
        store = file_store(self, import_directories=(Path(self.location).parent,))
        stored = self.successResultOf(store.add(ONE, self.location, False))
        self.assertEqual(stored, STORED)

    def test_user_elsewhere(self) -> None:
        """A user may import nothing else, and learns not what is there."""
        store = file_store(self, import_directories=(Path("/nowhere"),))
        for location in self.location, "/no/such/file":
            self.assertIn("not below a directory", self.refusal(store, location, False))

    def test_user_symlink(self) -> None:
        """A link leads no user out of the configured directories."""
        allowed = Path(self.mktemp())
        allowed.mkdir()
        link = allowed / "link"
        link.symlink_to(self.location)
        store = file_store(self, import_directories=(allowed,))
        self.assertIn(
            "not below a directory", self.refusal(store, str(link.absolute()), False)
        )

    def test_exchanged(self) -> None:
        """What was opened is judged, when a link is exchanged meanwhile."""
        allowed = Path(self.mktemp()).absolute()
        allowed.mkdir()
        link = allowed / "link"
        link.symlink_to(self.location)
        self.patch(os.path, "realpath", str)
        store = file_store(self, import_directories=(allowed,))
        self.assertIn("not below a directory", self.refusal(store, str(link), False))

    def test_missing(self) -> None:
        """A file that is not there is refused by name and reason."""
        told = self.refusal(file_store(self), "/no/such/file", True)
        self.assertIn("/no/such/file cannot be read: No such file", told)

    def test_nul(self) -> None:
        """What cannot be a path is refused."""
        store = file_store(self)
        self.patch(os.path, "realpath", str)
        self.assertIn("not a path", self.refusal(store, "/a\0b", True))

    def test_not_a_file(self) -> None:
        """A directory, a device or a pipe is refused."""
        pipe = Path(self.mktemp())
        os.mkfifo(pipe)
        for location in str(pipe.absolute()), "/dev/zero", "/tmp":
            told = self.refusal(file_store(self), location, True)
            self.assertIn(f"{location} is not a file", told)

    def test_too_large(self) -> None:
        """A file over the limit is refused."""
        store = file_store(self, largest_bytes=len(CONTENT) - 1)
        told = self.refusal(store, self.location, True)
        self.assertEqual(told, f"It is larger than {len(CONTENT) - 1} bytes")

    def test_just_large_enough(self) -> None:
        """A file of the limit's size is taken."""
        store = file_store(self, largest_bytes=len(CONTENT))
        self.successResultOf(store.add(ONE, self.location, True))

    def test_unwritable(self) -> None:
        """A store that cannot be written says so."""
        blocked = Path(written(self))
        store = file_store(self, directory=blocked)
        failure = self.failureResultOf(
            ensureDeferred(store.add(ONE, self.location, True)), ImportFailed
        )
        self.assertIn("cannot be written: File exists", str(failure.value))

    def test_cancelled(self) -> None:
        """A cancelled import stops its thread, and leaves nothing."""
        begun: list[Callable[[], Any]] = []

        def in_thread(work: Callable[[], Any]) -> Deferred[Any]:
            waiting: Deferred[Any] = Deferred()
            begun.append(work)
            return waiting

        store = file_store(self)
        store.directory.mkdir()
        first = in_this_thread
        calls = []

        def second_waits(work: Callable[[], Any]) -> Deferred[Any]:
            calls.append(work)
            return first(work) if len(calls) == 1 else in_thread(work)

        store.in_thread = second_waits
        adding = ensureDeferred(store.add(ONE, self.location, True))
        adding.cancel()
        self.failureResultOf(adding, CancelledError)
        [copying] = begun
        self.assertRaises(ImportFailed, copying)
        self.assertFalse((store.directory / ONE).exists())

    def test_after_a_crash(self) -> None:
        """What a crash left half copied is begun anew."""
        store = file_store(self)
        store.directory.mkdir()
        (store.directory / f".{ONE}.part").write_bytes(b"x" * 99999)
        stored = self.successResultOf(store.add(ONE, self.location, True))
        self.assertEqual(stored, STORED)


@define
class Answer:
    """A web server's answer, to be played by a test."""

    code: int = 200
    length: Any = UNKNOWN_LENGTH
    phrase: bytes = b"OK"
    body: Any = None
    is_stopped: bool = False

    def deliverBody(self, protocol: Any) -> None:
        self.body = protocol
        protocol.makeConnection(self)
        protocol.connectionMade()

    def stopProducing(self) -> None:
        self.is_stopped = True

    def ends(self, reason: Exception) -> None:
        self.body.connectionLost(Failure(reason))


@implementer(IAgent)
@define
class Answers:
    """An agent that gives one answer."""

    answer: Any
    asked: bytes = b""

    def request(self, method, uri, headers=None, body_producer=None):
        self.asked = uri
        return self.answer


class WebTests(SynchronousTestCase):
    URL = "http://images.example/i"

    def setUp(self) -> None:
        self.answer = Answer()
        self.clock = Clock()

    def begin(self, answer: Any = None, url: str = URL, **given: Any) -> Deferred[Any]:
        answered: Deferred[Any] = Deferred()
        if answer is None:
            answered.callback(self.answer)
        else:
            answered = answer
        self.store = file_store(
            self, agent=Answers(answered), clock=self.clock, **given
        )
        return ensureDeferred(self.store.add(ONE, url, False))

    def refusal(self, adding: Deferred[Any]) -> str:
        failure = self.failureResultOf(adding, ImportFailed)
        self.assertEqual(list(self.store.directory.iterdir()), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return str(failure.value)

    def test_fetch(self) -> None:
        """An image is fetched from a web server, by anybody."""
        root = Resource()
        root.putChild(b"i", Data(CONTENT, "application/octet-stream"))
        agent = RequestTraversalAgent(root)
        store = file_store(self, agent=agent)
        adding = ensureDeferred(store.add(ONE, self.URL, False))
        agent.flush()
        self.assertEqual(self.successResultOf(adding), STORED)
        self.assertEqual((store.directory / ONE).read_bytes(), CONTENT)

    def test_without_length(self) -> None:
        """A body that ends with its connection is taken."""
        adding = self.begin()
        self.answer.body.dataReceived(CONTENT)
        self.answer.ends(PotentialDataLoss())
        self.assertEqual(self.successResultOf(adding), STORED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_not_found(self) -> None:
        """Any answer but 200 is refused, and told."""
        self.answer = Answer(code=404, phrase=b"Not Found")
        told = self.refusal(self.begin())
        self.assertEqual(told, f"{self.URL} answered 404 Not Found")
        self.assertTrue(self.answer.is_stopped)

    def test_announced_too_large(self) -> None:
        """A body announced as too large is not even begun."""
        self.answer = Answer(length=11)
        told = self.refusal(self.begin(largest_bytes=10))
        self.assertEqual(told, "It is larger than 10 bytes")
        self.assertTrue(self.answer.is_stopped)

    def test_becomes_too_large(self) -> None:
        """A body that becomes too large is hung up on."""
        adding = self.begin(largest_bytes=10)
        self.answer.body.dataReceived(b"x" * 11)
        self.assertEqual(self.refusal(adding), "It is larger than 10 bytes")
        self.assertTrue(self.answer.is_stopped)
        self.answer.body.dataReceived(b"more")
        self.answer.ends(ConnectionDone())

    def test_broken_off(self) -> None:
        """A body that breaks off is no image."""
        adding = self.begin()
        self.answer.body.dataReceived(b"x")
        self.answer.ends(ConnectionLost())
        self.assertEqual(self.refusal(adding), "The web server broke off")

    def test_silent_server(self) -> None:
        """A server that falls silent is hung up on; one that is slow is not."""
        adding = self.begin(idle_s=5)
        for _ in range(3):
            self.clock.advance(4)
            self.answer.body.dataReceived(b"x")
        self.assertNoResult(adding)
        self.clock.advance(5)
        self.assertEqual(self.refusal(adding), "The web server has fallen silent")
        self.assertTrue(self.answer.is_stopped)

    def test_no_answer(self) -> None:
        """A server that does not answer at all is given up."""
        adding = self.begin(Deferred(), idle_s=5)
        self.clock.advance(5)
        self.assertEqual(self.refusal(adding), f"{self.URL} did not answer")

    def test_cannot_be_reached(self) -> None:
        """Each way not to reach a server is told."""
        for error, words in [
            (DNSLookupError(), "names a machine that is not known"),
            (ConnectionRefusedError(), "cannot be reached"),
            (SchemeNotSupported(), "is not a web address"),
            (ResponseNeverReceived([]), "did not answer as a web server does"),
        ]:
            self.assertEqual(
                self.refusal(self.begin(fail(error))), f"{self.URL} {words}"
            )

    def test_not_an_address(self) -> None:
        """What is no web address is refused."""
        for url in (
            *("http://a:b:c/", "http://h:port/", "http://\N{SNOWMAN}/", "http://"),
            *("http://a b/", "http://h:0/"),
        ):
            told = self.refusal(self.begin(url=url))
            self.assertEqual(told, f"{url} is not a web address")

    def test_cancelled(self) -> None:
        """A cancelled import hangs up and leaves nothing."""
        adding = self.begin()
        adding.cancel()
        self.failureResultOf(adding, CancelledError)
        self.assertTrue(self.answer.is_stopped)
        self.answer.ends(ResponseDone())
        self.assertEqual(list(self.store.directory.iterdir()), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_disk_full(self) -> None:
        """A disk that is full stops the import, and is told."""
        adding = self.begin()
        os.close(self.answer.body._into.fileno())
        self.answer.body.dataReceived(b"x" * 100000)
        failure = self.failureResultOf(adding, ImportFailed)
        self.assertIn("The image store cannot be written", str(failure.value))


class ResourceTests(SynchronousTestCase):
    """Serving to nodes."""

    def setUp(self) -> None:
        self.store = file_store(self)
        self.successResultOf(self.store.add(ONE, written(self), True))
        self.resource = ImageResource(self.store)

    def get(self, url: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        parts = urlsplit(url)
        name = unquote_to_bytes(parts.path.rpartition("/")[2])
        self.request = DummyRequest([])
        self.request.method = method.encode()
        for header, value in headers.items():
            self.request.requestHeaders.addRawHeader(header, value)
        self.request.uri = urlunsplit(("", "", *parts[2:])).encode()
        found = self.resource.getChild(name, self.request)
        body = found.render(self.request)
        if body is not NOT_DONE_YET:
            self.request.write(body)
        return self.request.responseCode or 200, b"".join(self.request.written)

    def header(self, name: str) -> Any:
        return self.request.responseHeaders.getRawHeaders(name)

    def test_whole(self) -> None:
        """Who has the URL gets the bytes."""
        url = self.store.url_of(image(ONE))
        self.assertTrue(url.startswith("http://clc:8773/images/emi-00000001?token="))
        self.assertEqual(self.get(url), (200, CONTENT))
        self.assertEqual(self.header("Content-Type"), ["application/octet-stream"])

    def test_range(self) -> None:
        """A fetch that broke off goes on from there."""
        code, body = self.get(self.store.url_of(image(ONE)), Range="bytes=7990-")
        self.assertEqual((code, body), (206, CONTENT[7990:]))

    def test_head(self) -> None:
        """The size can be asked for alone."""
        code, _ = self.get(self.store.url_of(image(ONE)), "HEAD")
        self.assertEqual(code, 200)
        self.assertEqual(self.header("Content-Length"), [str(len(CONTENT))])

    def test_refused(self) -> None:
        """Without the token, or with another's, it is as if nothing were there."""
        theirs = self.store.url_of(image(OTHER)).partition("=")[2]
        base = "http://clc:8773/images"
        answers = {
            self.get(url)
            for url in (
                f"{base}/{ONE}",
                f"{base}/{ONE}?token=",
                f"{base}/{ONE}?token={theirs}",
                f"{base}/{ONE}?token=%ff",
                f"{base}/{OTHER}?token={theirs}",
                f"{base}/..%2Fsecret?token={theirs}",
                f"{base}/%ff?token={theirs}",
            )
        }
        [(code, _)] = answers
        self.assertEqual(code, 403)

    def test_secret_differs(self) -> None:
        """Another cloud's URL does not open it."""
        other = evolve(self.store, secret=b"t" * 32)
        self.assertNotEqual(other.url_of(image(ONE)), self.store.url_of(image(ONE)))
