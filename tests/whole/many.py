"""
A site with several cloud controllers on one database, one clock, and ways to lose
them: killed, stopped for a while, or cut off from the database.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from zope.interface import implementer

from euca_tw.model.records import CLOUD_RECORDS
from euca_tw.sim.life import Disk
from euca_tw.store.codec import Codec, Row
from euca_tw.store.database import Gone
from euca_tw.store.interfaces import Delete, Put
from euca_tw.store.journal import IJournal
from euca_tw.store.memory_journal import Hub, MemoryJournal
from euca_tw.store.shared import SharedStore
from tests.whole.cloud import Cloud
from tests.whole.mortal import Life, MortalPeers
from tests.whole.site import Daemon, Site

CODEC = Codec.of(CLOUD_RECORDS)
#: A question takes so long to the database, and so long back.
DELAY_S = 0.002


@define(eq=False, kw_only=True)
class NotedHub(Hub):
    """@ivar disk: what it has, as records."""

    disk: Disk

    def write(self, batch: str, number: int, rows: Any, touches: Any) -> None:
        super().write(batch, number, rows, touches)
        for row in rows:
            self.disk.write([_change(row)])


def _change(row: Row | Gone) -> Put | Delete:
    if isinstance(row, Row):
        return Put(CODEC.record(row))
    return Delete(CODEC.kind_of(row.kind), row.key)


@implementer(IJournal)
@define(eq=False)
class MortalJournal:
    """The way to the database, as one life sees it."""

    journal: MemoryJournal
    _life: Life

    def open(self, codec: Codec, on_news: Callable[[], None]) -> Deferred[Any]:
        def news() -> None:
            self._life.callLater(0, on_news)

        return self._life.begin(self.journal.open(codec, news))

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.journal, name)

        def asked(*args: Any) -> Any:
            if self._life.is_over:
                return self._life.never()
            answer = real(*args)
            is_later = isinstance(answer, Deferred)
            return self._life.begin(answer) if is_later else answer

        return asked


@define(kw_only=True)
class CloudDaemon(Daemon):
    """@ivar journal: of its life."""

    journal: MemoryJournal = field(init=False)


class ManySite(Site):
    """
    @ivar clouds: the names of the cloud controllers among the daemons; what is
        called C{cloud} there is only what the database has.
    """

    def __init__(
        self, clusters: dict[str, tuple[str, ...]], *, many: int = 3, **given: Any
    ) -> None:
        super().__init__(clusters, **given)
        kept = self.daemons.pop("cloud")
        self.clouds = tuple(f"cloud-{n + 1}" for n in range(many))
        self.hub = NotedHub(self.clock, DELAY_S, disk=Disk())
        for record in kept.disk.records.values():
            row = CODEC.row(record)
            self.hub.write("first", 0, (row,), ())
        others = dict(self.daemons)
        self.daemons.clear()
        for name in self.clouds:
            self.daemons[name] = CloudDaemon(
                begin=partial(self._begin_one, name),
            )
        self.daemons.update(others)
        #: Not started.
        self.kept = Daemon(begin=lambda life: None, disk=self.hub.disk)

    def start(self, *names: str) -> None:
        for name in names or tuple(self.daemons):
            daemon = self.daemons[name]
            assert daemon.life is None, f"{name} lives"
            daemon.life = Life(self.clock)
            daemon.service = daemon.begin(daemon.life)
        self.daemons["cloud"] = self.kept

    def kill(self, *names: str) -> None:
        for name in names:
            if name in self.clouds:
                self.daemons[name].journal.close()
        super().kill(*names)

    def end(self, name: str) -> Deferred[Any]:
        """As an operator ends it."""
        cloud = self.one(name)
        assert cloud.controllers is not None

        async def ended() -> None:
            await cloud.controllers.stop()
            await cloud.clusters.stopService()
            await cloud.store.close()

        return Deferred.fromCoroutine(ended()).addCallback(lambda _: self.kill(name))

    def _begin_one(self, name: str, life: Life) -> list[Cloud]:
        """@return: it, when it has loaded what there is."""
        daemon = self.daemons[name]
        daemon.journal = MemoryJournal(self.hub)
        random = Random(self.random.random())
        store = SharedStore(
            MortalJournal(daemon.journal, life), CLOUD_RECORDS, life, random, _failed
        )
        made: list[Cloud] = []

        def begin(_: None) -> None:
            cloud = Cloud(
                names=self.cluster_nodes,
                peers=MortalPeers(self.peers, life),
                life=life,
                store=store,
                random=random,
                settings=self.settings[0],
                network=self.network,
                images=self.images,
                name=f"{name}.{random.getrandbits(32):x}",
            )
            made.append(cloud)

        store.open().addCallback(begin)
        return made

    def one(self, name: str) -> Cloud:
        """One that lives, and has loaded what there is."""
        [cloud] = self.daemons[name].service
        found: Cloud = cloud
        return found

    @property
    def cloud(self) -> Cloud:
        """The first that lives, and is ready."""
        for name in self.clouds:
            if self.daemons[name].service:
                return self.one(name)
        raise AssertionError("all are dead")

    def leader(self, duty: str) -> str:
        """Who leads it, and may; C{""}: nobody."""
        found = [name for name in self.clouds if self._leads(name, duty)]
        assert len(found) < 2, f"{found} lead {duty}"
        return found[0] if found else ""

    def _leads(self, name: str, duty: str) -> bool:
        if not self.daemons[name].service:
            return False
        controllers = self.one(name).controllers
        return controllers is not None and controllers.leads(duty)

    def run_until(self, reached: Callable[[], bool], within_s: float) -> float:
        """
        As L{Site.run_until}; but it is looked only when time has passed, for to read
        a store has something done when the turn is over: to look after each step
        would never let time pass.
        """
        looked_at = -1.0

        def look() -> bool:
            nonlocal looked_at
            now = self.clock.seconds()
            if now == looked_at:
                return False
            looked_at = now
            return reached()

        return super().run_until(look, within_s)

    def cut(self, name: str) -> None:
        """From the database, not from clusters."""
        self.daemons[name].journal.is_cut = True

    def mend(self, name: str) -> None:
        self.daemons[name].journal.is_cut = False


def _failed(why: Exception) -> None:
    raise AssertionError(why)
