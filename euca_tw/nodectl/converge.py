"""
A node's loop: what is kept of its instances against the domains found.

Domains are observed level by level: what the hypervisor says has changed is
looked at again, one look at a time; what was seen before a domain was last
acted upon says nothing of it.  Now and then, and when it is not said which have
changed, all are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import Amend, Convergence, Rest
from euca_tw.nodectl import decisions, memo, plan
from euca_tw.nodectl.interfaces import Domain, DomainState, HypervisorUnavailable
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.makings import Makings
from euca_tw.nodectl.records import HostedInstance
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.nodectl.steps import Guest, Steps
from euca_tw.store.interfaces import Put

#: If more than one in so many domains is to be looked at, all are listed.
_FEW = 16


class Guests:
    """
    Makes the domains on this node be what is wanted of them.

    @ivar guests: what this process knows, by instance.
    """

    _log = Logger()

    def __init__(
        self,
        *,
        steps: Steps,
        clock: IReactorTime,
        random: Random,
        settings: NodeSettings,
        is_heard: Callable[[str], bool],
        changed: Callable[[str], None],
        met: Callable[[], None],
        makings: Makings | None = None,
    ) -> None:
        """
        @param makings: images that are made of instances.
        @param is_heard: whether the controller above has the last that was
            told of an instance.
        @param changed: called with an instance's identifier whenever there is
            something else to tell of it.
        @param met: called when there are other L{strangers}.
        """
        self.guests: dict[str, Guest] = {}
        self._steps = steps
        self._store = steps.store
        self._clock = clock
        self._random = random
        self._settings = settings
        self._limits = plan.Limits(
            launch_deadline_s=settings.launch_deadline_s,
            ended_kept_s=settings.ended_kept_s,
            stop_grace_s=settings.stop_grace_s,
            terminate_grace_s=settings.terminate_grace_s,
            restart_on_host_boot=settings.restart_on_host_boot,
        )
        self._makings = makings
        self._is_heard = is_heard
        self._changed = changed
        self._met = met
        self._background = Background()
        self._convergence = Convergence(
            clock=clock,
            random=random,
            plan=self._plan,
            take=self._take,
            keep=self._commit,
            first_s=settings.retry_first_s,
            ceiling_s=settings.retry_ceiling_s,
        )
        # In the order in which they came due.
        self._due: dict[str, None] = {}
        self._are_all_due = False
        self._is_looking = False
        self._is_stopped = False
        self._resync: IDelayedCall | None = None
        # Domains with our mark that nothing is known of; and those that are
        # being asked what they are.
        self._strangers: set[str] = set()
        self._being_met: set[str] = set()
        self._has_listed = False

    def start(self) -> None:
        """Begin with what is kept."""
        self._convergence.wake_all([r.key for r in self._store.all(HostedInstance)])
        self.look()

    def stop(self) -> Deferred[Any]:
        """Cut what is under way; domains go on."""
        self._is_stopped = True
        self._background.stop()
        if self._resync is not None and self._resync.active():
            self._resync.cancel()
        return DeferredList([self._convergence.stop(), self._steps.stop()])

    @property
    def strangers(self) -> tuple[str, ...]:
        """Domains with this node's mark that it knows nothing of."""
        return tuple(sorted(self._strangers))

    def keep(self, record: HostedInstance) -> Deferred[None]:
        """Make a record durable, and see to what it asks for."""
        return self._convergence.amend((Put(record),), (record.key,))

    def wake(self, instance_id: str) -> None:
        """See to an instance."""
        self._convergence.wake(instance_id)

    def look(self, name: str | None = None) -> None:
        """
        Have a domain looked at again, for it may have changed.

        @param name: None: all of them.
        """
        if name is None:
            self._are_all_due = True
        else:
            self._due[name] = None
        if not self._is_looking:
            self._is_looking = True
            self._background.run("looking at domains", self._look())

    async def reboot(self, instance_id: str) -> bool:
        """Have an instance rebooted; whether it was."""
        record = self._store.get(HostedInstance, instance_id)
        if record is None or record.wanted is not Goal.RUNNING:
            return False
        if record.life is not Life.RUNNING:
            return False
        done: Deferred[bool] = Deferred()
        guest = self._guest(instance_id)
        guest.reboots.append(done)
        self._convergence.wake(instance_id)
        try:
            return await done
        finally:
            if done in guest.reboots:
                guest.reboots.remove(done)

    def _guest(self, instance_id: str) -> Guest:
        guest = self.guests.get(instance_id)
        if guest is None:
            now = utc_now(self._clock)
            guest = self.guests[instance_id] = Guest(known_since=now)
        return guest

    def _plan(self, instance_id: str) -> Any:
        record = self._store.get(HostedInstance, instance_id)
        if record is None:
            self.guests.pop(instance_id, None)
            return Rest()
        guest = self._guest(instance_id)
        if not guest.is_seen:
            self.look(instance_id)
        if record.wanted is not Goal.RUNNING:
            guest.answer_reboots(False)
        makings = self._makings
        parts = guest.parts(
            self._is_heard(instance_id),
            must_be_off=makings is not None and makings.must_be_off(record),
            is_held=makings is not None and makings.is_held(instance_id),
        )
        decision = plan.plan(record, parts, utc_now(self._clock), self._limits)
        if isinstance(decision, decisions.Become):
            self._log_change(record, decision)
            return Amend((Put(decision.record),))
        return decision

    def _log_change(self, before: HostedInstance, decision: decisions.Become) -> None:
        after = decision.record
        if decision.why:
            self._log.info(
                "{instance_id}: {why}",
                instance_id=after.instance_id,
                why=decision.why,
            )
        if before.life is not after.life or before.wanted is not after.wanted:
            self._log.info(
                "{instance_id} is {life}, shall be {wanted} ({reason_code}: {reason})",
                instance_id=after.instance_id,
                life=after.life.value,
                wanted=after.wanted.value,
                reason_code=after.reason_code,
                reason=after.reason,
            )

    async def _commit(self, changes: Sequence[Put]) -> None:
        await self._store.commit(*changes)
        for change in changes:
            self._changed(change.record.key)

    async def _take(self, instance_id: str, step: decisions.Step) -> None:
        record = self._store.get(HostedInstance, instance_id)
        if record is None:
            return
        guest = self._guest(instance_id)
        try:
            await self._steps.take(record, guest, step)
        finally:
            self._changed(instance_id)
            if isinstance(
                step,
                decisions.Run
                | decisions.ShutDown
                | decisions.Destroy
                | decisions.Reboot,
            ):
                self.look(instance_id)

    async def _look(self) -> None:
        backoff = Backoff(
            random=self._random,
            first_s=self._settings.retry_first_s,
            ceiling_s=self._settings.retry_ceiling_s,
        )
        try:
            while self._due or self._are_all_due:
                try:
                    await self._look_once()
                except HypervisorUnavailable as e:
                    self._log.warn("domains cannot be seen: {reason}", reason=str(e))
                    await deferLater(self._clock, backoff.next())
                else:
                    backoff.reset()
        finally:
            self._is_looking = False

    async def _look_once(self) -> None:
        """
        Look at all that are due, or at one of them.

        @raise HypervisorUnavailable: it is due still.
        """
        self._steps.moment += 1
        moment = self._steps.moment
        if self._are_all_due or len(self._due) > 1 + len(self.guests) // _FEW:
            self._are_all_due = False
            self._due.clear()
            try:
                domains = await self._steps.hypervisor.list()
            except HypervisorUnavailable:
                self._are_all_due = True
                raise
            self._found_all(moment, domains)
            self._look_again_later()
        else:
            name = next(iter(self._due))
            del self._due[name]
            try:
                domain = await self._steps.hypervisor.find(name)
            except HypervisorUnavailable:
                self._due[name] = None
                raise
            self._found(moment, name, domain)

    def _look_again_later(self) -> None:
        if self._resync is not None and self._resync.active():
            self._resync.cancel()
        if not self._is_stopped:
            self._resync = self._clock.callLater(self._settings.resync_s, self.look)

    def _found_all(self, moment: int, domains: Sequence[Domain]) -> None:
        states = {domain.name: domain.state for domain in domains}
        for record in self._store.all(HostedInstance):
            state = states.pop(record.instance_id, None)
            self._see(moment, record, state)
        for name in states:
            self._meet(name)
        self._meet_no_more(self._strangers - states.keys())
        if not self._has_listed:
            self._has_listed = True
            self._background.run("looking for what is left", self._find_left())

    def _found(self, moment: int, name: str, domain: Domain | None) -> None:
        record = self._store.get(HostedInstance, name)
        if record is not None:
            self._meet_no_more({name})
            self._see(moment, record, None if domain is None else domain.state)
        elif domain is not None:
            self._meet(name)
        else:
            self._meet_no_more({name})

    def _see(
        self, moment: int, record: HostedInstance, state: DomainState | None
    ) -> None:
        guest = self._guest(record.instance_id)
        if guest.is_touching or guest.touched > moment:
            return
        was_running = guest.was_running
        if guest.see(state):
            self._convergence.wake(record.instance_id)
        if guest.was_running and not was_running and record.wanted is Goal.RUNNING:
            self._log.info(
                "{instance_id} was found running", instance_id=record.instance_id
            )
            self._steps.adopted(record)

    # --- what is met -----------------------------------------------------------

    def _meet(self, name: str) -> None:
        """A domain with our mark that no record is of."""
        if name not in self._strangers and name not in self._being_met:
            self._being_met.add(name)
            self._background.run(f"asking what {name} is", self._ask_what_it_is(name))

    def _meet_no_more(self, names: set[str]) -> None:
        """They are gone, or are known now."""
        if self._strangers & names:
            self._strangers -= names
            self._met()

    async def _ask_what_it_is(self, name: str) -> None:
        try:
            told = await self._steps.hypervisor.memo(name)
        except HypervisorUnavailable:
            return  # it is listed again when that can be asked
        finally:
            self._being_met.discard(name)
        if self._store.get(HostedInstance, name) is not None:
            return
        launch = memo.read(told, name)
        if launch is not None:
            self._log.warn(
                "{name} is a domain of this node that it has no record of; by what "
                "the domain itself says of its launch, it is taken on again",
                name=name,
            )
            await self.keep(
                HostedInstance(
                    instance_id=name,
                    launch=launch,
                    life=Life.RUNNING,
                    has_run=True,
                    began_at=launch.launch_time,
                )
            )
            self.look(name)
            return
        self._strangers.add(name)
        self._met()
        self._log.warn(
            "{name} is a domain of this cloud that this node was never told "
            "of; it is left alone until its cluster ends or launches it",
            name=name,
        )

    async def _find_left(self) -> None:
        """Say which instances have left files here that no record is of."""
        kept = await self._steps.instances.kept()
        left = [
            name
            for name in kept
            if self._store.get(HostedInstance, name) is None
            and name not in self._being_met
        ]
        if left:
            self._log.warn(
                "there are files of {names}, which no record is of; they are left "
                "alone until its cluster ends or launches it",
                names=", ".join(left),
            )
