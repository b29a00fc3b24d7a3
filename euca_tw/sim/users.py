"""
Users: they ask for instances, wait, ask again, and end what they had.

Who gets no answer asks again with the same token, as a client that is written well
does: so what was begun before a crash is found again and not begun twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from attrs import define, field
from twisted.internet.defer import Deferred, TimeoutError
from twisted.python.failure import Failure

from euca_tw.api.errors import (
    ApiError,
    InsufficientInstanceCapacity,
)
from euca_tw.model.records import Instance, InstanceState
from euca_tw.sim.events import Events
from euca_tw.sim.invariants import Watchman
from euca_tw.sim.site import Site, name_of
from euca_tw.sim.workload import Arrival

#: Who has no answer for so long asks again; and so long after he was cut off.
_ANSWER_S = 30.0
_OUTAGE_S = 5.0


@define(eq=False)
class _Launch:
    """One instance, as its user follows it; moments are of the run's."""

    number: int
    arrival: Arrival
    image_id: str
    taken_at: float | None = None
    instance_id: str = ""
    runs_at: float | None = None
    is_ready: bool = False
    is_ending: bool = False


@define(eq=False, kw_only=True)
class Users:
    """
    @ivar delays: seconds, by what was waited for, of every launch that came to it.
    @ivar live: launches by instance, of those that have not ended.
    """

    site: Site
    events: Events
    watchman: Watchman
    arrivals: Iterator[Arrival]
    image: Callable[[Random], str]
    random: Random = field(repr=False)
    patience_s: float
    retry_s: float
    began_at: float = 0.0
    live: dict[str, _Launch] = field(factory=dict, init=False)
    delays: dict[str, list[float]] = field(init=False)
    _asked: int = field(default=0, init=False)
    _is_over: bool = field(default=False, init=False)
    #: What the cloud told of instances whose users have no answer yet.
    _early: dict[str, Instance] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.delays = {
            name: [] for name in ("until taken", "until running", "until ready")
        }

    def begin(self) -> None:
        """Come, one after the other, from now on."""
        self.began_at = self.site.clock.seconds()
        self._await_next()

    def stop(self) -> None:
        """Nobody asks for anything new."""
        self._is_over = True

    @property
    def now(self) -> float:
        """Since they began."""
        return self.site.clock.seconds() - self.began_at

    # --- launching -----------------------------------------------------------

    def _await_next(self) -> None:
        arrival = next(self.arrivals, None)
        if arrival is not None:
            wait_s = max(0.0, arrival.at_s - self.now)
            self.site.clock.callLater(wait_s, self._arrive, arrival)

    def _arrive(self, arrival: Arrival) -> None:
        if self._is_over:
            return
        self._asked += 1
        launch = _Launch(self._asked, arrival, self.image(self.random))
        self._tell(launch, "asked", type=arrival.machine)
        self._ask(launch)
        self._await_next()

    def _ask(self, launch: _Launch) -> None:
        cloud = self.site.cloud
        if cloud is None:
            self._later(_OUTAGE_S, self._ask, launch)
            return
        token = f"launch-{launch.number}"
        asked = cloud.launch(launch.image_id, launch.arrival.machine, token)
        self._wait(asked, self._taken, self._not_taken, launch)

    def _taken(self, instance_id: str, launch: _Launch) -> None:
        if launch.taken_at is not None:
            return
        launch.taken_at = self.now
        launch.instance_id = instance_id
        self.live[instance_id] = launch
        self.delays["until taken"].append(self.now - launch.arrival.at_s)
        self._tell(launch, "taken", instance=instance_id)
        early = self._early.pop(instance_id, None)
        if early is not None:
            self.told(early)

    def _not_taken(self, error: ApiError | None, launch: _Launch) -> None:
        if error is None:
            self._later(_OUTAGE_S, self._ask, launch)
            return
        waits_until = launch.arrival.at_s + self.patience_s
        if (
            isinstance(error, InsufficientInstanceCapacity)
            and self.now + self.retry_s <= waits_until
            and not self._is_over
        ):
            self._later(self.retry_s, self._ask, launch)
        else:
            self._tell(launch, "refused", code=error.code, reason=error.message)

    # --- what becomes of it --------------------------------------------------

    def told(self, record: Instance) -> None:
        """The cloud tells this of an instance now."""
        launch = self.live.get(record.instance_id)
        if record.state is InstanceState.TERMINATED:
            self.watchman.told_ended(self.now, record.instance_id)
        if launch is None:
            begins = record.state in (InstanceState.PENDING, InstanceState.RUNNING)
            if begins or record.instance_id in self._early:
                self._early[record.instance_id] = record
            return
        if record.state is InstanceState.RUNNING and launch.runs_at is None:
            launch.runs_at = self.now
            self.delays["until running"].append(self.now - launch.arrival.at_s)
            node = name_of(record.node)
            self._tell(launch, "running", instance=record.instance_id, node=node)
            self._later(launch.arrival.lifetime_s, self._leave, launch)
        elif record.state is InstanceState.TERMINATED:
            del self.live[record.instance_id]
            event = "terminated" if launch.is_ending else "failed"
            self._tell(
                launch,
                event,
                instance=record.instance_id,
                code=record.state_reason_code,
                reason=record.state_reason,
            )

    def ready(self, instance_id: str) -> None:
        """Its guest has booted."""
        launch = self.live.get(instance_id)
        if launch is not None and not launch.is_ready:
            launch.is_ready = True
            self.delays["until ready"].append(self.now - launch.arrival.at_s)
            self._tell(launch, "ready", instance=instance_id)

    def _leave(self, launch: _Launch) -> None:
        if not self._is_over and launch.instance_id in self.live:
            launch.is_ending = True
            self._tell(launch, "leaving", instance=launch.instance_id)
            self._end(launch)

    def _end(self, launch: _Launch) -> None:
        cloud = self.site.cloud
        if cloud is None:
            self._later(_OUTAGE_S, self._end, launch)
            return
        asked = cloud.terminate(launch.instance_id)
        self._wait(asked, lambda told, launch: None, self._not_ended, launch)

    def _not_ended(self, error: ApiError | None, launch: _Launch) -> None:
        if error is None:
            self._later(_OUTAGE_S, self._end, launch)
        elif launch.instance_id in self.live:
            self.watchman.note(
                self.now, f"{launch.instance_id} may not be ended: {error}"
            )

    # --- within --------------------------------------------------------------

    def _wait(
        self,
        asked: Deferred[object],
        taken: Callable[..., None],
        not_taken: Callable[[ApiError | None, _Launch], None],
        launch: _Launch,
    ) -> None:
        """@param not_taken: is called with None where there was no answer."""
        asked.addTimeout(_ANSWER_S, self.site.clock)

        def failed(failure: Failure) -> None:
            if failure.check(TimeoutError):
                not_taken(None, launch)
            elif isinstance(failure.value, ApiError):
                not_taken(failure.value, launch)
            else:
                failure.raiseException()

        asked.addCallbacks(taken, failed, callbackArgs=(launch,))

    def _later(self, wait_s: float, do: Callable[..., None], launch: _Launch) -> None:
        self.site.clock.callLater(wait_s, do, launch)

    def _tell(self, launch: _Launch, event: str, **fields: object) -> None:
        self.events.tell(self.now, event, launch=launch.number, **fields)
