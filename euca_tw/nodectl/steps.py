"""
The steps of a node's plan, taken at its doors.

Also what this process knows of the parts (disk, card, domain) of each instance,
since it is the steps that learn it.  All of it may be lost: steps are idempotent
by instance, and taken again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from euca_tw.common.background import Background
from euca_tw.common.convergence import Setback
from euca_tw.common.evolved import evolve
from euca_tw.model.hostnames import DOMAIN
from euca_tw.nodectl import decisions, plan, reports
from euca_tw.nodectl.interfaces import (
    DomainRefused,
    DomainState,
    HookRefused,
    HypervisorUnavailable,
    IHooks,
    IHypervisor,
    IInstanceStore,
    INodeNetwork,
    NetworkFailed,
    Nic,
    Occasion,
    Point,
    StagedInstance,
    StagingFailed,
    StagingRefused,
)
from euca_tw.nodectl.life import Life
from euca_tw.nodectl.records import HostedInstance
from euca_tw.store.interfaces import Delete, IStore, Put


@define
class Guest:
    """
    What this process knows of one instance, besides its record.

    @ivar known_since: when this process first knew of it.
    @ivar domain: as last seen, if C{is_seen}.
    @ivar touched: when (see L{Steps.moment}) its domain was last acted upon;
        what was listed before then is too old.
    @ivar reboots: who waits for a reboot to be done.
    @ivar has_hooks_leave: hooks have let it be stopped or ended.
    """

    known_since: datetime
    domain: DomainState | None = None
    is_seen: bool = False
    was_running: bool = False
    staged: StagedInstance | None = None
    nic: Nic | None = None
    is_detached: bool = False
    refusal: str = ""
    trouble: str = ""
    touched: int = 0
    is_touching: bool = False
    reboots: list[Deferred[bool]] = field(factory=list)
    is_shutdown_asked: bool = False
    is_deaf: bool = False
    has_hooks_leave: bool = False

    def parts(
        self, is_heard: bool, *, must_be_off: bool = False, is_held: bool = False
    ) -> plan.Parts:
        """As the plan wants it."""
        return plan.Parts(
            look=plan.look_of(self.domain) if self.is_seen else plan.Look.UNKNOWN,
            known_since=self.known_since,
            was_seen=self.was_running,
            is_staged=self.staged is not None,
            is_attached=self.nic is not None,
            is_detached=self.is_detached,
            is_reboot_asked=bool(self.reboots),
            is_shutdown_asked=self.is_shutdown_asked,
            is_deaf=self.is_deaf,
            must_be_off=must_be_off,
            is_held=is_held,
            refusal=self.refusal,
            trouble=self.trouble,
            is_heard=is_heard,
        )

    def see(self, domain: DomainState | None) -> bool:
        """Note the domain's state; whether it is another than before."""
        is_news = not self.is_seen or domain is not self.domain
        self.domain, self.is_seen = domain, True
        if domain in (DomainState.RUNNING, DomainState.PAUSED):
            self.was_running = True
        return is_news

    def begin(self) -> None:
        """Its domain has begun to run."""
        self.see(DomainState.RUNNING)
        self.is_shutdown_asked = self.is_deaf = self.has_hooks_leave = False

    def answer_reboots(self, is_done: bool) -> None:
        """Tell those who wait for a reboot."""
        waiting, self.reboots = self.reboots, []
        for each in waiting:
            each.callback(is_done)


@define(kw_only=True)
class Steps:
    """
    @ivar now: tells the time.
    @ivar hooks_wait_s: hooks may hold up the stop or end of an instance for so
        long.
    @ivar domain: what instances' names end in.
    @ivar moment: counts what is done to domains, and listings of them.
    """

    store: IStore
    hypervisor: IHypervisor
    instances: IInstanceStore
    network: INodeNetwork
    hooks: IHooks
    command_line: str
    now: Callable[[], datetime]
    hooks_wait_s: float
    domain: str = DOMAIN
    moment: int = field(default=0, init=False)
    _log: ClassVar[Logger] = Logger()
    _background: Background = field(factory=Background, init=False)

    def stop(self) -> Deferred[Any]:
        """Cut what nobody waits for; fires when it has ended."""
        return self._background.stop()

    async def take(
        self, record: HostedInstance, guest: Guest, step: decisions.Step
    ) -> None:
        """
        Take one step; C{guest} then knows of it.

        @raise Setback: it was in vain; C{guest.trouble} says why.
        """
        try:
            await self._take(record, guest, step)
        except (
            StagingFailed,
            HypervisorUnavailable,
            NetworkFailed,
            HookRefused,
        ) as e:
            guest.trouble = str(e)
            raise Setback(str(e)) from None
        guest.trouble = ""

    async def _take(
        self, record: HostedInstance, guest: Guest, step: decisions.Step
    ) -> None:
        launch, name = record.launch, record.instance_id
        match step:
            case decisions.Stage():
                assert launch is not None
                try:
                    guest.staged = await self.instances.stage(
                        name,
                        reports.source(launch.root),
                        reports.source(launch.kernel) if launch.kernel else None,
                        reports.source(launch.ramdisk) if launch.ramdisk else None,
                        launch.instance_type.disk or 0,
                        reports.extras(launch),
                        has_run=record.has_run,
                    )
                except StagingRefused as e:
                    guest.refusal = str(e)
            case decisions.Attach():
                assert launch is not None
                guest.nic = await self.network.attach(
                    reports.lease(launch, self.domain)
                )
                guest.is_detached = False
            case decisions.Detach():
                await self.network.detach(name)
                guest.nic, guest.is_detached = None, True
                if record.life is Life.STOPPING:
                    # It may have another kernel, and more luck, the next time.
                    guest.staged, guest.refusal = None, ""
                    self._tell_hooks(Point.POST_STOP, record)
            case decisions.Discard():
                if launch is not None:
                    # Before the disk is gone: they may want to look at it.
                    after = self._occasion(Point.POST_TERMINATE, record)
                    await self.hooks.call(after)
                await self.instances.discard(name)
                guest.staged = None
                kept = self.store.get(HostedInstance, name) or record
                await self.store.commit(Put(evolve(kept, is_clean=True)))
            case decisions.Forget():
                await self.instances.forget(name)
                await self.store.commit(Delete(HostedInstance, name))
            case decisions.Run():
                await self._run(record, guest)
            case decisions.ShutDown() | decisions.Destroy():
                await self._ask_hooks_to_end(record, guest)
                await self._touch(record, guest, step)
            case decisions.Reboot():
                await self._touch(record, guest, step)

    async def _run(self, record: HostedInstance, guest: Guest) -> None:
        assert record.launch and guest.staged and guest.nic
        spec = reports.domain(record.launch, guest.staged, guest.nic, self.command_line)
        try:
            document = self.hypervisor.document(spec)
            before = self._occasion(Point.PRE_BOOT, record, document)
            await self.hooks.call(before)
            with self._touching(guest):
                await self.hypervisor.run(spec)
                guest.begin()
        except HookRefused as e:
            guest.refusal = str(e)
            return
        except DomainRefused as e:
            guest.refusal = str(e) or "The hypervisor refused the domain"
            return
        self._tell_hooks(Point.POST_BOOT, record)

    async def _touch(
        self,
        record: HostedInstance,
        guest: Guest,
        step: decisions.ShutDown | decisions.Destroy | decisions.Reboot,
    ) -> None:
        name = record.instance_id
        with self._touching(guest):
            match step:
                case decisions.ShutDown():
                    guest.is_shutdown_asked = await self.hypervisor.shut_down(name)
                    guest.is_deaf = not guest.is_shutdown_asked
                case decisions.Destroy():
                    await self.hypervisor.destroy(name)
                    guest.see(None)
                case decisions.Reboot():
                    try:
                        await self.hypervisor.reboot(name)
                    except HypervisorUnavailable:
                        guest.answer_reboots(False)
                        raise
                    guest.answer_reboots(True)

    @contextmanager
    def _touching(self, guest: Guest) -> Iterator[None]:
        """What is seen of its domain meanwhile says nothing of it after."""
        guest.is_touching = True
        try:
            yield
        finally:
            guest.is_touching = False
            self.moment += 1
            guest.touched = self.moment

    # --- hooks ---------------------------------------------------------------

    def adopted(self, record: HostedInstance) -> None:
        """Its domain was found running by this process, and not begun by it."""
        self._tell_hooks(Point.ON_ADOPT, record)

    async def _ask_hooks_to_end(self, record: HostedInstance, guest: Guest) -> None:
        """
        Once.  They may hold it up, and not for ever: a user has asked for it.

        @raise HookRefused: they do.
        """
        points = {
            Life.STOPPING: Point.PRE_STOP,
            Life.SHUTTING_DOWN: Point.PRE_TERMINATE,
        }
        point = points.get(record.life)
        if point is None or guest.has_hooks_leave:
            return
        try:
            await self.hooks.call(self._occasion(point, record))
        except HookRefused as e:
            waited_s = (self.now() - (record.since or self.now())).total_seconds()
            if waited_s < self.hooks_wait_s:
                raise
            self._log.warn(
                "{instance_id} has waited for {seconds:.0f} s; it is done all the "
                "same: {reason}",
                instance_id=record.instance_id,
                seconds=waited_s,
                reason=str(e),
            )
        guest.has_hooks_leave = True

    def _tell_hooks(self, point: Point, record: HostedInstance) -> None:
        what = f"the hooks at {point.value} of {record.instance_id}"
        self._background.run(what, self.hooks.call(self._occasion(point, record)))

    def _occasion(
        self, point: Point, record: HostedInstance, document: str = ""
    ) -> Occasion:
        return Occasion(
            point=point,
            instance_id=record.instance_id,
            directory=self.instances.directory_of(record.instance_id),
            domain_xml=document,
            facts=reports.facts(record),
        )
