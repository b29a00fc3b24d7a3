"""Images from a real cloud controller's server, over lines that break."""

from __future__ import annotations

import hashlib
import lzma
from functools import partial
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.threads import deferToThreadPool
from twisted.protocols.portforward import (
    ProxyClient,
    ProxyClientFactory,
    ProxyFactory,
    ProxyServer,
)
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.resource import Resource

from euca_tw.clc.image_resource import ImageResource
from euca_tw.clc.image_store import FileImageStore
from euca_tw.common.web import make_site
from euca_tw.nodectl.images import ImageCache
from euca_tw.nodectl.interfaces import ImageSource, StagingFailed
from euca_tw.nodectl.room import Room
from tests.suites.image_store import ONE, image

MIB = 1 << 20


class _Breaking(ProxyClient):
    """Passes on what the server says, and after so much hangs up."""

    def dataReceived(self, data: bytes) -> None:
        line = self.factory.line  # type: ignore[union-attr]
        line.said += len(data)
        if line.breaks and line.said > line.breaks[0]:
            line.breaks.pop(0)
            line.said = 0
            self.peer.transport.abortConnection()
            self.transport.abortConnection()  # type: ignore[union-attr]
            return
        super().dataReceived(data)


class _BreakingFactory(ProxyClientFactory):
    protocol = _Breaking
    line: Any


class Line(ProxyFactory):
    """
    A line to a server.

    @ivar breaks: after how many bytes of each connection it breaks.
    @ivar asked: how often the line was used.
    """

    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.1", port)
        self.breaks: list[int] = []
        self.said = 0
        self.asked = 0

    def buildProtocol(self, address: Any) -> ProxyServer:
        self.asked += 1
        self.said = 0
        factory = _BreakingFactory
        factory.line = self
        server: ProxyServer = super().buildProtocol(address)  # type: ignore[assignment]
        server.clientProtocolFactory = factory
        return server


class FetchTests(TestCase):
    timeout = 180

    def setUp(self) -> None:
        self.directory = Path(mkdtemp())
        self.addCleanup(rmtree, self.directory)
        pool = ThreadPool(1, 4, "fetch")
        pool.start()
        self.addCleanup(pool.stop)
        real: Any = reactor
        in_thread: Any = partial(deferToThreadPool, reactor, pool)
        connections = HTTPConnectionPool(reactor, persistent=False)
        agent = Agent(reactor, pool=connections)
        self.images = FileImageStore(
            directory=self.directory / "clc",
            base_url="http://x",
            secret=b"s" * 32,
            agent=agent,
            clock=real,
            in_thread=in_thread,
        )
        tree = Resource()
        tree.putChild(b"images", ImageResource(self.images))
        site = make_site(tree, 1 << 20, real)
        server = real.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(server.stopListening)
        self.line = Line(server.getHost().port)
        line = real.listenTCP(0, self.line, interface="127.0.0.1")
        self.addCleanup(line.stopListening)
        self.images.base_url = f"http://127.0.0.1:{line.getHost().port}"
        self.cache = ImageCache(
            reactor=real,
            agent=agent,
            in_thread=in_thread,
            room=Room(directory=self.directory / "cache", keep_bytes=1 << 30),
        )

    async def source(self, content: bytes) -> ImageSource:
        location = self.directory / "location"
        location.write_bytes(content)
        stored = await self.images.add(ONE, str(location), True)
        url = self.images.url_of(image(ONE))
        return ImageSource(image_id=ONE, url=url, sha256=stored.sha256)

    async def had(self, source: ImageSource) -> bytes:
        await self.cache.link(source, self.directory / "linked")
        return (self.directory / "linked").read_bytes()

    async def test_breaks(self) -> None:
        """What breaks off goes on where it was, and is the image."""
        content = Random(1).randbytes(12 * MIB)
        source = await self.source(content)
        self.line.breaks = [3 * MIB, 2 * MIB, 4 * MIB]
        self.assertTrue(await self.had(source) == content)
        self.assertEqual(self.line.asked, 4)
        self.assertEqual(self.line.breaks, [])
        # It is not all sent again: of what was under way, which is more on a busy
        # machine, each break loses some.
        self.assertLess(self.line.said, 11 * MIB)

    async def test_expanded(self) -> None:
        """So does what is expanded on its way."""
        content = Random(1).randbytes(3 * MIB) + bytes(50 * MIB)
        source = await self.source(lzma.compress(content, preset=0))
        self.line.breaks = [MIB, MIB]
        self.assertTrue(await self.had(source) == content)
        self.assertEqual(self.line.asked, 3)

    async def test_changed(self) -> None:
        """What changed meanwhile is not joined to what it was."""
        content = Random(1).randbytes(4 * MIB)
        source = await self.source(content)
        other = Random(2).randbytes(4 * MIB)
        self.line.breaks = [2 * MIB]
        linking = self.cache.link(
            evolve(source, sha256=hashlib.sha256(other).hexdigest()),
            self.directory / "linked",
        )
        real: Any = reactor
        real.callLater(0.5, (self.images.directory / ONE).write_bytes, other)
        await linking
        self.assertTrue((self.directory / "linked").read_bytes() == other)

    async def test_no_token(self) -> None:
        """Without the cloud controller's signature in its URL nothing is had."""
        source = await self.source(b"an image")
        forged = evolve(source, url=source.url[:-1] + "0")
        if forged == source:
            forged = evolve(source, url=source.url[:-1] + "1")
        with self.assertRaises(StagingFailed) as refused:
            await self.had(forged)
        self.assertIn("403 Forbidden", str(refused.exception))
