"""
What users do with the instances that they have: wait for them, stop and start them,
and end them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, TimeoutError
from twisted.python.failure import Failure

from euca_tw.api.errors import ApiError, IncorrectInstanceState, Unavailable
from euca_tw.model.records import Instance, InstanceState
from euca_tw.sim.causes import Causes
from euca_tw.sim.cloud import Cloud
from euca_tw.sim.demand import Workload
from euca_tw.sim.events import Events
from euca_tw.sim.invariants import Watchman
from euca_tw.sim.site import Site, name_of
from euca_tw.sim.summary import Waits
from euca_tw.sim.workload import Arrival

#: Who has no answer for so long asks again; and so long after he was cut off.
_ANSWER_S = 30.0
_OUTAGE_S = 5.0
#: What is waited for, from when it was asked for.
DELAYS = ("until taken", "until running", "until ready", "until running again")

_S = InstanceState


@define(eq=False, kw_only=True)
class Launch:
    """
    What one user asked for at once.

    @ivar is_taken: the cloud has acknowledged it.
    """

    number: int
    arrival: Arrival
    image_id: str
    is_taken: bool = False


@define(eq=False)
class Tenancy:
    """
    One instance, as its user follows it.

    @ivar started_at: when he last asked that it starts again; None: he did not, or
        it has.
    @ivar has_run, is_ready: since it was launched.
    """

    instance_id: str
    launch: Launch
    started_at: float | None = None
    has_run: bool = False
    is_ready: bool = False
    is_stopping: bool = False
    is_ending: bool = False


def may_pass(error: ApiError) -> bool:
    """Whether what was refused may be asked again as it is, a little later."""
    return isinstance(error, Unavailable)


@define(eq=False, kw_only=True)
class Tenants:
    """
    @ivar random: of what users do.
    @ivar queueing: how long users waited until what they asked for was taken.
    @ivar delays: seconds, by L{DELAYS}, of every instance that came to it.
    @ivar live: by instance, those that have not ended.
    """

    site: Site
    events: Events
    watchman: Watchman
    causes: Causes
    workload: Workload
    random: Random = field(repr=False)
    queueing: Waits
    began_at: float = 0.0
    is_over: bool = False
    live: dict[str, Tenancy] = field(factory=dict, init=False)
    delays: dict[str, list[float]] = field(
        factory=lambda: {name: [] for name in DELAYS}, init=False
    )
    #: What the cloud told of instances whose users have no answer yet.
    _early: dict[str, Instance] = field(factory=dict, init=False)

    def begin(self) -> None:
        """From now on."""
        self.began_at = self.site.clock.seconds()

    def stop(self) -> None:
        """Nobody asks for anything new."""
        self.is_over = True

    @property
    def now(self) -> float:
        """Since users began."""
        return self.site.clock.seconds() - self.began_at

    def take(self, instance_id: str, launch: Launch) -> None:
        """The cloud has acknowledged one."""
        of = self.live[instance_id] = Tenancy(instance_id, launch)
        self._note("until taken", launch.arrival.at_s)
        self.queueing.add(launch.arrival.at_s, self.now - launch.arrival.at_s)
        self._tell(of, "taken")
        early = self._early.pop(instance_id, None)
        if early is not None:
            self.told(early)

    # --- what is told --------------------------------------------------------

    def told(self, record: Instance) -> None:
        """The cloud tells this of an instance now."""
        of = self.live.get(record.instance_id)
        if record.state is _S.TERMINATED:
            self.watchman.told_ended(self.now, record.instance_id)
        if of is None:
            begins = record.state in (_S.PENDING, _S.RUNNING)
            if begins or record.instance_id in self._early:
                self._early[record.instance_id] = record
        elif record.state is _S.RUNNING:
            self._runs(of, record)
        elif record.state is _S.STOPPED:
            self._has_stopped(of)
        elif record.state is _S.TERMINATED:
            del self.live[record.instance_id]
            self._tell(
                of,
                "terminated" if of.is_ending else "failed",
                code=record.state_reason_code,
                reason=record.state_reason,
            )

    def _runs(self, of: Tenancy, record: Instance) -> None:
        if not of.has_run:
            of.has_run = True
            self._note("until running", of.launch.arrival.at_s)
            self._later(of.launch.arrival.lifetime_s, self._leave, of)
        elif of.started_at is not None:
            self._note("until running again", of.started_at)
            of.started_at = None
        else:
            return
        self._tell(of, "running", node=name_of(record.node))
        share = self.workload.stop_share
        if share and self.random.random() < share:
            self._later(self.workload.stop_after_s.draw(self.random), self._halt, of)

    def _has_stopped(self, of: Tenancy) -> None:
        """As its user wanted; or it was, and could not be started."""
        if of.started_at is not None:
            self._later(self.workload.retry_s, self._ask_to_start, of)
        elif of.is_stopping:
            of.is_stopping = False
            self._tell(of, "stopped")
            self._later(self.workload.stopped_s.draw(self.random), self._start, of)

    def ready(self, instance_id: str) -> None:
        """Its guest has booted."""
        of = self.live.get(instance_id)
        if of is not None and not of.is_ready:
            of.is_ready = True
            self._note("until ready", of.launch.arrival.at_s)
            self._tell(of, "ready")

    # --- what is asked -------------------------------------------------------

    def _halt(self, of: Tenancy) -> None:
        if not self._wants_nothing(of):
            of.is_stopping = True
            self._tell(of, "stopping")
            self._ask_to_stop(of)

    def _ask_to_stop(self, of: Tenancy) -> None:
        if self._wants_nothing(of) or not of.is_stopping:
            return
        self.causes.stops[of.instance_id] += 1
        self.ask(
            lambda cloud: cloud.stop(of.instance_id, force=False),
            lambda: self._ask_to_stop(of),
            lambda told: None,
            lambda error: self._refused(of, "stopped", error),
        )

    def _start(self, of: Tenancy) -> None:
        if not self._wants_nothing(of):
            of.started_at = self.now
            self._tell(of, "starting")
            self._ask_to_start(of)

    def _ask_to_start(self, of: Tenancy) -> None:
        if self._wants_nothing(of) or of.started_at is None:
            return
        self.causes.starts[of.instance_id] += 1
        self.ask(
            lambda cloud: cloud.start(of.instance_id),
            lambda: self._ask_to_start(of),
            lambda told: None,
            lambda error: self._refused(of, "started", error),
        )

    def _leave(self, of: Tenancy) -> None:
        if not self._wants_nothing(of):
            of.is_ending = True
            self._tell(of, "leaving")
            self._end(of)

    def _end(self, of: Tenancy) -> None:
        self.causes.ends.add(of.instance_id)
        self.ask(
            lambda cloud: cloud.terminate(of.instance_id),
            lambda: self._end(of),
            lambda told: None,
            lambda error: self._refused(of, "ended", error),
        )

    def _wants_nothing(self, of: Tenancy) -> bool:
        return self.is_over or of.is_ending or of.instance_id not in self.live

    def _refused(self, of: Tenancy, verb: str, error: ApiError) -> None:
        # It may have ended, or stopped, by itself meanwhile.
        if isinstance(error, IncorrectInstanceState) and verb != "ended":
            return
        if of.instance_id in self.live:
            what = f"{of.instance_id} may not be {verb}: {error}"
            self.watchman.note(self.now, what)

    # --- asking --------------------------------------------------------------

    def ask(
        self,
        question: Callable[[Cloud], Deferred[Any]],
        again: Callable[[], None],
        answered: Callable[[Any], None],
        refused: Callable[[ApiError], None],
    ) -> None:
        """
        Ask the cloud something.

        @param again: is called a while after, if there is no answer, or one that
            says so.
        """
        clock, cloud = self.site.clock, self.site.cloud
        if cloud is None:
            clock.callLater(_OUTAGE_S, again)
            return

        def failed(failure: Failure) -> None:
            error = failure.value
            if isinstance(error, TimeoutError) or (
                isinstance(error, ApiError) and may_pass(error)
            ):
                clock.callLater(_OUTAGE_S, again)
            elif isinstance(error, ApiError):
                refused(error)
            else:
                failure.raiseException()

        asked = question(cloud)
        asked.addTimeout(_ANSWER_S, clock)
        asked.addCallbacks(answered, failed)

    def tell(self, launch: Launch, event: str, **fields: object) -> None:
        """Something happened to a launch."""
        self.events.tell(self.now, event, launch=launch.number, **fields)

    def _tell(self, of: Tenancy, event: str, **fields: object) -> None:
        self.tell(of.launch, event, instance=of.instance_id, **fields)

    def _note(self, delay: str, since_s: float) -> None:
        self.delays[delay].append(self.now - since_s)

    def _later(self, wait_s: float, do: Callable[[Tenancy], None], of: Tenancy) -> None:
        self.site.clock.callLater(wait_s, do, of)
