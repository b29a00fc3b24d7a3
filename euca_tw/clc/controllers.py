"""
The cloud controllers that share one state: who they are, and which of them leads
what.

Each keeps a record of itself, and a lease as long as it lives; the record of one
whose lease has run out is deleted by whoever finds that.  Duties are spread evenly
over those that there are: who has one that is another's leaves it to that, unless
he has begun it only a moment ago, so that two who see it differently do not throw it
to and fro.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.clc.anew import OF_THE_CLOUD, Anew
from euca_tw.common.background import Background
from euca_tw.common.clock import utc_now
from euca_tw.common.leading import Duty, Leading, Leases, MayAct
from euca_tw.model.sharing import Controller, Leadership
from euca_tw.store.interfaces import (
    Change,
    Conflict,
    Delete,
    IStore,
    Put,
    StoreUnreachable,
)

#: How long whoever has begun a duty keeps it at least.
_SETTLED_S = 30.0
#: For so long a lease is taken to see whether it had run out.
_PROBE_S = 1.0


def assigned(duties: Iterable[str], controllers: Collection[str]) -> Mapping[str, str]:
    """
    Whose each duty is: the same for all who ask, no controller with two more than
    another, and most the same as before when one comes or goes.
    """
    loads: Counter[str] = Counter()
    found: dict[str, str] = {}
    for duty in duties:

        def dislike(controller: str, duty: str = duty) -> tuple[int, bytes]:
            chance = sha256(f"{duty} {controller}".encode()).digest()
            return loads[controller], chance

        found[duty] = min(controllers, key=dislike)
        loads[found[duty]] += 1
    return found


@define(eq=False, kw_only=True)
class Controllers:
    """
    @ivar store: tells of its commits, those of others as well (L{changed}).
    @ivar current: fires when what others have committed before is there.
    @ivar name: of this one; no other was or will be called so.
    @ivar monotonic: see L{Leading}.
    @ivar listen, host, pid: of this one; see L{Controller}.
    """

    store: IStore
    leases: Leases
    current: Callable[[], Awaitable[None]]
    clock: IReactorTime
    random: Random = field(repr=False)
    monotonic: Callable[[], float]
    name: str
    listen: str
    host: str
    pid: int
    settled_s: float = _SETTLED_S
    _log: ClassVar[Logger] = Logger()
    _background: Background = field(factory=Background, init=False)
    _anew: Anew = field(init=False)
    _leading: Leading = field(init=False)
    _duties: tuple[str, ...] = field(default=(), init=False)
    _assigned: Mapping[str, str] | None = field(default=None, init=False)
    _begun_at: dict[str, float] = field(factory=dict, init=False)
    _is_stopped: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._anew = Anew(clock=self.clock, random=self.random, times=OF_THE_CLOUD)
        self._leading = self._new_leading(keeps=self._keeps, told=self._told)

    def _new_leading(self, **given: Any) -> Leading:
        return Leading(
            leases=self.leases,
            holder=self.name,
            clock=self.clock,
            random=self.random,
            monotonic=self.monotonic,
            prepare=self.current,
            failures=(StoreUnreachable,),
            **given,
        )

    def start(self, duties: Sequence[Duty]) -> None:
        """Contend for these; the store is open."""
        self._duties = tuple(each.name for each in duties)
        presence = Duty(_presence(self.name), _nothing, lambda: None)
        self._leading.start([presence, *duties])

    async def once(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Have something done while no other does it; by what those have done."""
        leading = self._new_leading(keeps=_always)
        done: Deferred[None] = Deferred()

        def go() -> None:
            if not done.called:
                Deferred.fromCoroutine(_awaited(work)).chainDeferred(done)

        def begin(may_act: MayAct) -> None:
            # Not at once: who begins a duty cannot be stopped meanwhile.
            self.clock.callLater(0, go)

        leading.start([Duty(what, begin, lambda: None)])
        try:
            await done
        finally:
            await leading.stop()

    async def stop(self) -> None:
        """Leave all to the others."""
        self._is_stopped = True
        await self._leading.stop()
        await self._background.stop()
        try:
            # They hear of it, and have nothing to wait for.
            await self.store.commit(Delete(Controller, self.name))
        except (Conflict, StoreUnreachable):
            self._log.info("The others will find out that this process has ended")

    def leads(self, duty: str) -> bool:
        """Whether this one does."""
        return self._leading.leads(duty)

    def changed(self, changes: Sequence[Change]) -> None:
        """These records were committed, by whomsoever."""
        kinds = {
            type(each.record) if isinstance(each, Put) else each.kind
            for each in changes
        }
        if Controller not in kinds or self._is_stopped:
            return
        self._assigned = None
        self._leading.nudge()
        is_known = self.store.get(Controller, self.name) is not None
        if not is_known and self._leading.leads(_presence(self.name)):
            self._tell_of_itself()

    def told(self) -> list[dict[str, Any]]:
        """For operators, as JSON values: each, and what it leads."""
        duties: dict[str, list[str]] = {}
        for each in self.store.all(Leadership):
            duties.setdefault(each.holder, []).append(each.duty)
        return [
            {
                "name": each.name,
                "listen": each.listen,
                "host": each.host,
                "pid": each.pid,
                "is_this": each.name == self.name,
                "leads": sorted(duties.get(each.name, ())),
            }
            for each in self.store.all(Controller)
        ]

    # --- what this one has -------------------------------------------------------

    def _told(self, duty: str) -> None:
        """It was begun here."""
        self._begun_at[duty] = self.clock.seconds()
        if duty == _presence(self.name):
            self._tell_of_itself()
        else:
            record = Leadership(duty=duty, holder=self.name, since=utc_now(self.clock))
            self._commit(f"keeping who leads {duty}", record)

    def _tell_of_itself(self) -> None:
        record = Controller(
            name=self.name,
            listen=self.listen,
            host=self.host,
            pid=self.pid,
            started_at=utc_now(self.clock),
        )
        self._commit("keeping that this process is there", record)

    def _commit(self, what: str, record: Any) -> None:
        async def commit() -> None:
            await self._anew.commit(self.store, lambda: (Put(record),))

        self._background.run(what, commit())

    async def _keeps(self, duty: str) -> bool:
        if duty == _presence(self.name):
            await self._look_at_another()
            return True
        if self.clock.seconds() - self._begun_at[duty] < self.settled_s:
            return True
        owner = self._owner(duty)
        return owner == self.name or not await self._lives(owner)

    def _owner(self, duty: str) -> str:
        if self._assigned is None:
            there = {each.name for each in self.store.all(Controller)}
            self._assigned = assigned(self._duties, sorted(there | {self.name}))
        return self._assigned[duty]

    # --- whether the others live -------------------------------------------------

    async def _look_at_another(self) -> None:
        others = [e.name for e in self.store.all(Controller) if e.name != self.name]
        if others:
            await self._lives(self.random.choice(others))

    async def _lives(self, other: str) -> bool:
        """If not, its record is deleted."""
        lease = _presence(other)
        if await self.leases.lead(lease, self.name, _PROBE_S) is None:
            return True
        await self.leases.release(lease, self.name)
        self._log.warn("The cloud controller {name} has ended", name=other)
        try:
            await self.store.commit(Delete(Controller, other))
        except Conflict:
            return False  # another has found out too
        return False


def _presence(name: str) -> str:
    return f"controller {name}"


def _nothing(may_act: MayAct) -> None:
    """To be there is all."""


async def _always(duty: str) -> bool:
    return True


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()


__all__ = ["Controllers", "assigned"]
