"""
The steps of a node's plan, taken at its doors.

Also what this process knows of the parts (disk, card, domain) of each instance,
since it is the steps that learn it.  All of it may be lost: steps are idempotent
by instance, and taken again.
"""

from __future__ import annotations

from attrs import define, evolve, field
from twisted.internet.defer import Deferred

from euca_tw.common.convergence import Setback
from euca_tw.nodectl import plan, reports
from euca_tw.nodectl.interfaces import (
    DomainRefused,
    DomainState,
    HypervisorUnavailable,
    IHypervisor,
    IInstanceStore,
    INodeNetwork,
    NetworkFailed,
    Nic,
    StagedInstance,
    StagingFailed,
)
from euca_tw.nodectl.records import HostedInstance
from euca_tw.store.interfaces import Delete, IStore, Put


@define
class Guest:
    """
    What this process knows of one instance, besides its record.

    @ivar domain: as last seen, if C{is_seen}.
    @ivar touched: when (see L{Steps.moment}) its domain was last acted upon;
        what was listed before then is too old.
    @ivar reboots: who waits for a reboot to be done.
    """

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

    def parts(self, is_heard: bool) -> plan.Parts:
        """As the plan wants it."""
        return plan.Parts(
            look=plan.look_of(self.domain) if self.is_seen else plan.Look.UNKNOWN,
            was_seen=self.was_running,
            is_staged=self.staged is not None,
            is_attached=self.nic is not None,
            is_detached=self.is_detached,
            is_reboot_asked=bool(self.reboots),
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

    def answer_reboots(self, is_done: bool) -> None:
        """Tell those who wait for a reboot."""
        waiting, self.reboots = self.reboots, []
        for each in waiting:
            each.callback(is_done)


@define(kw_only=True)
class Steps:
    """@ivar moment: counts what is done to domains, and listings of them."""

    store: IStore
    hypervisor: IHypervisor
    instances: IInstanceStore
    network: INodeNetwork
    command_line: str
    moment: int = field(default=0, init=False)

    async def take(self, record: HostedInstance, guest: Guest, step: plan.Step) -> None:
        """
        Take one step; C{guest} then knows of it.

        @raise Setback: it was in vain; C{guest.trouble} says why.
        """
        try:
            await self._take(record, guest, step)
        except (StagingFailed, HypervisorUnavailable, NetworkFailed) as e:
            guest.trouble = str(e)
            raise Setback(str(e)) from None
        guest.trouble = ""

    async def _take(
        self, record: HostedInstance, guest: Guest, step: plan.Step
    ) -> None:
        launch, name = record.launch, record.instance_id
        match step:
            case plan.Stage():
                assert launch is not None
                guest.staged = await self.instances.stage(
                    name,
                    reports.source(launch.root),
                    reports.source(launch.kernel) if launch.kernel else None,
                    reports.source(launch.ramdisk) if launch.ramdisk else None,
                    launch.instance_type.disk or 0,
                )
            case plan.Attach():
                assert launch is not None
                guest.nic = await self.network.attach(reports.lease(launch))
            case plan.Detach():
                await self.network.detach(name)
                guest.nic, guest.is_detached = None, True
            case plan.Discard():
                await self.instances.discard(name)
                guest.staged = None
                kept = self.store.get(HostedInstance, name) or record
                await self.store.commit(Put(evolve(kept, is_clean=True)))
            case plan.Forget():
                await self.instances.forget(name)
                await self.store.commit(Delete(HostedInstance, name))
            case plan.Run() | plan.Destroy() | plan.Reboot():
                guest.is_touching = True
                try:
                    await self._touch(record, guest, step)
                finally:
                    guest.is_touching = False
                    self.moment += 1
                    guest.touched = self.moment

    async def _touch(
        self,
        record: HostedInstance,
        guest: Guest,
        step: plan.Run | plan.Destroy | plan.Reboot,
    ) -> None:
        match step:
            case plan.Run():
                assert record.launch and guest.staged and guest.nic
                spec = reports.domain(
                    record.launch, guest.staged, guest.nic, self.command_line
                )
                try:
                    await self.hypervisor.run(spec)
                except DomainRefused as e:
                    guest.refusal = str(e) or "The hypervisor refused the domain"
                else:
                    guest.see(DomainState.RUNNING)
            case plan.Destroy():
                await self.hypervisor.destroy(record.instance_id)
                guest.see(None)
            case plan.Reboot():
                try:
                    await self.hypervisor.reboot(record.instance_id)
                except HypervisorUnavailable:
                    guest.answer_reboots(False)
                    raise
                guest.answer_reboots(True)
