"""The bytes of images."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import NOT_DONE_YET
from twisted.web.test.requesthelper import DummyRequest

from euca_tw.clc.image_resource import ImageResource
from euca_tw.clc.image_store import FileImageStore, MemoryImageStore
from euca_tw.clc.interfaces import ImportFailed, StoredImage
from euca_tw.common.in_thread import PooledThreads, in_this_thread
from tests.fakes.threads import MemoryPool
from tests.fakes.web import MemoryAnswer, MemoryWeb
from tests.suites.image_store import ONE, OTHER, image, make_iimage_store_tests

CONTENT = b"an image" * 1000
STORED = StoredImage(
    size_bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest()
)


def file_store(test: SynchronousTestCase, **given: Any) -> FileImageStore:
    return FileImageStore(
        **{
            "directory": Path(test.mktemp()),
            "base_url": "http://clc:8773/",
            "secret": b"s" * 32,
            "agent": MemoryWeb(),
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
        pool = MemoryPool()
        store = file_store(self, in_thread=PooledThreads(pool, pool))
        store.directory.mkdir()
        adding = ensureDeferred(store.add(ONE, self.location, True))
        pool.perform()
        adding.cancel()
        self.assertNoResult(adding)
        self.assertIsNotNone(pool.perform().check(ImportFailed))
        self.failureResultOf(adding, CancelledError)
        self.assertEqual(list(store.directory.iterdir()), [])

    def test_after_a_crash(self) -> None:
        """What a crash left half copied is begun anew."""
        store = file_store(self)
        store.directory.mkdir()
        (store.directory / f".{ONE}.part").write_bytes(b"x" * 99999)
        stored = self.successResultOf(store.add(ONE, self.location, True))
        self.assertEqual(stored, STORED)


class WebTests(SynchronousTestCase):
    """Images from the web; how they come is L{euca_tw.common.download}'s."""

    URL = "http://images.example/i?signature=secret"

    def setUp(self) -> None:
        self.web = MemoryWeb()

    def begin(self, is_admin: bool = False, **given: Any) -> Deferred[Any]:
        self.store = file_store(self, agent=self.web, **given)
        return ensureDeferred(self.store.add(ONE, self.URL, is_admin))

    def refusal(self, adding: Deferred[Any]) -> str:
        failure = self.failureResultOf(adding, ImportFailed)
        self.assertEqual(list(self.store.directory.iterdir()), [])
        self.assertNotIn("secret", str(failure.value))
        return str(failure.value)

    def test_fetch(self) -> None:
        """An image is fetched from a web server, by anybody."""
        self.web.pages[self.URL] = CONTENT
        self.assertEqual(self.successResultOf(self.begin()), STORED)
        self.assertEqual((self.store.directory / ONE).read_bytes(), CONTENT)

    def test_users_may_not(self) -> None:
        """Where users may not have the cloud fetch, administrators may."""
        self.web.pages[self.URL] = CONTENT
        told = self.refusal(self.begin(users_may_fetch=False))
        self.assertIn("only administrators", told)
        adding = self.begin(is_admin=True, users_may_fetch=False)
        self.assertEqual(self.successResultOf(adding), STORED)

    def test_not_found(self) -> None:
        """What the server has not is refused, and told, with no secret in it."""
        told = self.refusal(self.begin())
        self.assertEqual(told, "The web server answered 404 Not Found")

    def test_too_large(self) -> None:
        """An image over the limit is refused."""
        self.web.pages[self.URL] = CONTENT
        self.assertIn(
            "larger than 10 bytes", self.refusal(self.begin(largest_bytes=10))
        )

    def test_broken_off(self) -> None:
        """What is broken off is fetched on, or anew, and is the image at last."""
        first = MemoryAnswer()
        self.web.answers.append(first)
        self.web.pages[self.URL] = CONTENT
        adding = self.begin()
        first.say(b"something else")
        first.end(ConnectionDone())
        self.store.clock.advance(1)  # type: ignore[attr-defined]
        self.assertEqual(self.successResultOf(adding), STORED)
        self.assertEqual((self.store.directory / ONE).read_bytes(), CONTENT)

    def test_cancelled(self) -> None:
        """A cancelled import hangs up and leaves nothing."""
        answer = MemoryAnswer()
        self.web.answers.append(answer)
        adding = self.begin()
        answer.say(b"x")
        adding.cancel()
        self.failureResultOf(adding, CancelledError)
        self.assertIn("stop", answer.flow)
        self.assertEqual(list(self.store.directory.iterdir()), [])


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

    def test_range_of_the_same(self) -> None:
        """The rest is given to who has the beginning of the very same file."""
        url = self.store.url_of(image(ONE))
        self.get(url)
        [tag] = self.header("ETag")
        self.assertFalse(tag.startswith("W/"))
        said = self.get(url, **{"Range": "bytes=7990-", "If-Range": tag})
        self.assertEqual(said, (206, CONTENT[7990:]))
        self.assertEqual(self.header("ETag"), [tag])

    def test_range_of_another(self) -> None:
        """Who has the beginning of another file is given all of this one."""
        url = self.store.url_of(image(ONE))
        self.get(url)
        [tag] = self.header("ETag")
        path = self.store.directory / ONE
        path.write_bytes(CONTENT[:-1] + b"?")
        os.utime(path, (1, 1))
        code, body = self.get(url, **{"Range": "bytes=7990-", "If-Range": tag})
        self.assertEqual((code, body), (200, CONTENT[:-1] + b"?"))
        self.assertNotEqual(self.header("ETag"), [tag])

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
