"""Images that nodes send: L{euca_tw.clc.arrivals} and L{euca_tw.clc.uploads}."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from attrs import evolve
from twisted.internet.defer import ensureDeferred

from euca_tw.clc.arrivals import Arrivals
from euca_tw.clc.image_store import FileImageStore
from euca_tw.clc.interfaces import StoredImage
from euca_tw.clc.uploads import Uploads
from euca_tw.common.asked import Asked, Reply
from euca_tw.common.files import LOCK
from euca_tw.common.in_thread import PooledThreads, in_this_thread
from euca_tw.common.uploading import Piece, read_answer
from euca_tw.model.records import ImageState
from tests.clc.cloud import CloudTestCase
from tests.fakes.threads import MemoryPool
from tests.fakes.web import MemoryWeb

ID = "emi-00000001"
CONTENT = b"an image of an instance" * 10
WHOLE = Piece(
    image_id=ID,
    offset=0,
    size_bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)
STORED = StoredImage(size_bytes=len(CONTENT), sha256=WHOLE.sha256)
MIB = 1 << 20


class ArrivalsTestCase(CloudTestCase):
    in_thread: Any = staticmethod(in_this_thread)

    def setUp(self) -> None:
        super().setUp()
        self.directory = Path(self.mktemp())
        self.images = FileImageStore(
            directory=self.directory,
            base_url="http://clc:8773/",
            secret=b"s" * 32,
            agent=MemoryWeb(),
            clock=self.clock,
            in_thread=in_this_thread,
        )
        self.came: list[Any] = []
        self.begin()
        self.image(state=ImageState.PENDING, made_of="i-00000001")

    def begin(self) -> None:
        """As a daemon that is started anew."""
        self.arrivals = Arrivals(
            directory=self.directory,
            in_thread=self.in_thread,
            largest_bytes=MIB,
            free=lambda directory: self.free_bytes,
            arrived=lambda *came: self.came.append(came),
            least_free_bytes=MIB,
        )
        self.uploads = Uploads(
            store=self.store, images=self.images, arrivals=self.arrivals
        )

    free_bytes = 100 * MIB

    def found(self) -> list[Path]:
        """What lies there, but for the lock."""
        return [each for each in self.directory.iterdir() if each.name != LOCK]

    def send(
        self, offset: int = 0, data: bytes = b"", key: str | None = None, **given: Any
    ) -> Any:
        """The status, and how much is there, or why not."""
        target = given.pop("target", f"/uploads/{ID}").encode()
        method = given.pop("method", "POST")
        piece = evolve(WHOLE, offset=offset, **given)
        if key is None:
            key = self.images.upload_of(ID).key
        headers = {n.lower(): v for n, v in piece.headers(key, data).items()}
        asked = Asked(method, target, lambda name: headers.get(name.lower()), data)
        reply: Reply = self.result(self.uploads.answer(asked))
        body = b"".join(reply.body)
        received = read_answer(body)
        return reply.status, received if received is not None else body.decode()


class ArrivalsTests(ArrivalsTestCase):
    def test_pieces(self) -> None:
        """Pieces come in their order; the last one makes it whole."""
        self.assertEqual(self.send(), (200, 0))
        self.assertEqual(self.send(0, CONTENT[:100]), (200, 100))
        self.assertEqual(self.send(100, CONTENT[100:]), (202, len(CONTENT)))
        self.assertEqual((self.directory / ID).read_bytes(), CONTENT)
        self.assertEqual(self.came, [(ID, STORED)])
        self.assertEqual(self.send(len(CONTENT)), (201, len(CONTENT)))
        self.assertEqual([p.name for p in self.found()], [ID])

    def test_other_place(self) -> None:
        """A piece that does not go on from what is there is not taken."""
        self.send(0, CONTENT[:100])
        for offset in 0, 50, 101:
            self.assertEqual(self.send(offset, CONTENT[offset:150]), (200, 100))

    def test_too_much(self) -> None:
        """A piece beyond the end is not taken."""
        self.assertEqual(self.send(0, CONTENT + b"x"), (200, 0))

    def test_started_anew(self) -> None:
        """Another daemon goes on where the last one was killed."""
        self.send(0, CONTENT[:100])
        self.begin()
        self.assertEqual(self.send(), (200, 100))
        self.send(100, CONTENT[100:])
        self.assertEqual(self.came, [(ID, STORED)])

    def test_other_whole(self) -> None:
        """What its node has made anew begins anew, and nothing is left of it."""
        self.send(0, CONTENT[:100], sha256="00" * 32)
        self.assertEqual(self.send(), (200, 0))
        [part] = self.directory.glob(".*.sent")
        self.assertIn(WHOLE.sha256[:32], part.name)

    def test_damaged(self) -> None:
        """What is not what it should be is thrown away, and may come again."""
        self.send(0, b"x" * len(CONTENT))
        self.assertEqual((self.came, self.found()), ([], []))
        self.assertEqual(self.send(), (200, 0))
        self.send(0, CONTENT)
        self.assertEqual(self.came, [(ID, STORED)])

    def test_too_large(self) -> None:
        """An image that is too large is refused before anything of it comes."""
        told = self.send(0, b"x", size_bytes=MIB + 1)
        self.assertEqual(told, (413, "It is larger than 1 MiB\n"))

    def test_full(self) -> None:
        """So is one that there is no room for."""
        self.free_bytes = MIB + len(CONTENT) - 1
        status, why = self.send(0, CONTENT)
        self.assertEqual(status, 507)
        self.assertIn("The image store is full: 1 MiB are needed and 0 MiB", why)
        self.assertEqual(self.found(), [])

    def test_full_meanwhile(self) -> None:
        """
        So is the rest of one, when others have taken the room for it: the disk is
        the cloud's own, too.
        """
        self.assertEqual(self.send(0, CONTENT[:100]), (200, 100))
        self.free_bytes = MIB + len(CONTENT) - 101
        status, why = self.send(100, CONTENT[100:])
        self.assertEqual(status, 507)
        self.assertIn("The image store is full", why)
        self.free_bytes += 1
        self.assertEqual(self.send(100, CONTENT[100:]), (202, len(CONTENT)))

    def test_full_at_last(self) -> None:
        """What has come whole needs no more room."""
        self.send(0, CONTENT[:100])
        self.free_bytes = MIB + len(CONTENT) - 100
        self.send(100, CONTENT[100:])
        self.free_bytes = 0
        self.assertEqual(self.send(len(CONTENT)), (201, len(CONTENT)))

    def test_unwritable(self) -> None:
        """A disk that cannot be written is told, and logged."""
        self.directory.write_text("no directory")
        status, why = self.send(0, CONTENT)
        self.assertEqual(status, 507)
        self.assertIn("cannot be written", why)

    def test_private(self) -> None:
        """What has come is not for everybody on the machine."""
        self.send(0, CONTENT[:1])
        [part] = self.directory.glob(".*.sent")
        self.assertEqual(part.stat().st_mode & 0o777, 0o600)

    def test_removed(self) -> None:
        """With an image goes what of it has come so far."""
        self.send(0, CONTENT[:100])
        self.result(self.images.remove(ID))
        self.assertEqual(self.found(), [])


class CheckingTests(ArrivalsTestCase):
    def setUp(self) -> None:
        self.pool = MemoryPool()
        self.in_thread = PooledThreads(self.pool, self.pool)
        super().setUp()

    def take(self, data: bytes) -> Any:
        taking = ensureDeferred(self.arrivals.take(WHOLE, data))
        if not taking.called:
            self.pool.perform()
        return self.successResultOf(taking)

    def test_while_checked(self) -> None:
        """
        While all of it is read once more, that is said to who asks, and it is
        not read twice.
        """
        for data in CONTENT, b"", CONTENT:
            told = self.take(data)
            self.assertTrue(told.is_checking)
            self.assertEqual(len(self.pool.given), 1)
        self.assertEqual(self.came, [])
        self.pool.perform()
        self.assertEqual(self.came, [(ID, STORED)])
        self.assertTrue(self.take(b"").is_whole)

    def test_stopped(self) -> None:
        """A daemon that is stopped meanwhile leaves it to be read by the next."""
        self.take(CONTENT)
        stopping = self.arrivals.background.stop()
        self.pool.perform()
        self.successResultOf(stopping)
        self.assertEqual(self.came, [])
        self.begin()
        self.assertTrue(self.take(b"").is_checking)
        self.pool.perform()
        self.assertEqual(self.came, [(ID, STORED)])


class AccessTests(ArrivalsTestCase):
    """Who may send what."""

    def assert_refused(self, **given: Any) -> None:
        status, why = self.send(0, CONTENT, **given)
        self.assertEqual(status, 403)
        self.assertIn("not for you", why)
        self.assertFalse(self.directory.exists() and self.found())

    def test_other_key(self) -> None:
        """Nobody who has not its very own key; nor is it said what there is."""
        other = self.images.upload_of("emi-00000002").key  # type: ignore[arg-type]
        for key in "", "00" * 32, other:
            self.assert_refused(key=key)
        self.assert_refused(target="/uploads/emi-0000000f")

    def test_other_names(self) -> None:
        """Nothing but images of machines, by their names."""
        for name in "", "eki-00000001", "../emi-00000001", "emi-00000001/x", "%00":
            self.assert_refused(target=f"/uploads/{name}")

    def test_other_method(self) -> None:
        """By POST alone."""
        self.assert_refused(method="PUT")

    def test_changed(self) -> None:
        """A piece that was changed on its way is not taken."""
        key = self.images.upload_of(ID).key  # type: ignore[arg-type]
        said = WHOLE.headers(key, CONTENT)
        for changed in (
            {"X-Euca-Offset": "1"},
            {"X-Euca-Size": "1"},
            {"X-Euca-SHA256": "00" * 32},
        ):
            headers = {n.lower(): v for n, v in {**said, **changed}.items()}
            asked = Asked(
                "POST",
                f"/uploads/{ID}".encode(),
                lambda name, headers=headers: headers.get(name.lower()),
                CONTENT,
            )
            self.assertEqual(self.result(self.uploads.answer(asked)).status, 403)

    def test_nonsense(self) -> None:
        """A request that does not say what it carries is a bad one."""
        for headers in (
            {},
            {"x-euca-offset": "-1"},
            {"x-euca-offset": "9" * 400},
            {"x-euca-offset": "0", "x-euca-size": "1", "x-euca-sha256": "no"},
        ):
            asked = Asked("POST", f"/uploads/{ID}".encode(), headers.get, b"")
            self.assertEqual(self.result(self.uploads.answer(asked)).status, 400)

    def test_not_wanted(self) -> None:
        """An image that nobody wants made, or wants no more, is not taken."""
        for given in (
            {"state": ImageState.FAILED, "made_of": "i-00000001"},
            {"state": ImageState.DEREGISTERED, "made_of": "i-00000001"},
            {"state": ImageState.PENDING},
            {"state": ImageState.AVAILABLE, "sha256": "00" * 32},
        ):
            self.image(**given)
            self.assertEqual(self.send(0, CONTENT)[0], 410)

    def test_given_up_meanwhile(self) -> None:
        """Of what is given up while a piece is written nothing is left."""
        take = self.arrivals.take

        async def taken(piece: Piece, data: bytes) -> Any:
            self.image(state=ImageState.DEREGISTERED, made_of="i-00000001")
            return await take(piece, data)

        self.patch(self.uploads, "arrivals", SimpleNamespace(take=taken))
        self.assertEqual(self.send(0, CONTENT[:100])[0], 410)
        self.assertEqual(self.found(), [])

    def test_available(self) -> None:
        """Who sends what is there already is told so."""
        self.image(state=ImageState.AVAILABLE, sha256=WHOLE.sha256)
        self.assertEqual(self.send(0, CONTENT)[0], 201)
