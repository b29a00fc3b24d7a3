"""
Domains by libvirt, on the reactor.

L{euca_tw.nodectl.libvirt_connection} says how libvirt is talked to, and
L{euca_tw.nodectl.libvirt_link} when; here is what.  Calls for one domain are made
one after another, in their order.  While some domains hang, others can be asked
about, run and ended, and so can those that hang.  When libvirt's daemon dies the
connection is made again, as often as it takes; the domains do not notice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any, ClassVar, TypeVar

from attrs import Factory, define, field
from twisted.logger import Logger
from zope.interface import implementer

from euca_tw.common.background import Background
from euca_tw.common.threads import IWorker, thread_worker
from euca_tw.model.capacity import Resources
from euca_tw.nodectl.domain_xml import domain_xml
from euca_tw.nodectl.interfaces import (
    Domain,
    DomainRefused,
    DomainSpec,
    HypervisorUnavailable,
    IHypervisor,
)
from euca_tw.nodectl.kvm_probe import Trial, chosen, trial_name, trial_uuid
from euca_tw.nodectl.libvirt_attempt import Attempt
from euca_tw.nodectl.libvirt_connection import connect
from euca_tw.nodectl.libvirt_link import (
    END,
    GUEST,
    RUN,
    Connect,
    Connection,
    IReactor,
    Link,
    Patience,
)
from euca_tw.nodectl.machines import Machine
from euca_tw.nodectl.reboots import Reboots

T = TypeVar("T")


@implementer(IHypervisor)
@define(eq=False, kw_only=True)
class LibvirtHypervisor:
    """
    @ivar uri: C{qemu:///system}, C{xen:///system}, C{test:///default}.
    @ivar machine: of the domains; it must suit C{uri}.
    @ivar faster: what is to be taken in its place, if it proves to work when
        this is first started.  Domains that are there stay what they are.
    @ivar mark: of this node controller.  Its domains carry it; others are
        never listed nor touched.  It must not change while domains run.
    @ivar random: for the back-off of reconnecting.
    """

    reactor: IReactor
    random: Random = field(repr=False)
    uri: str
    machine: Machine
    faster: Trial | None = None
    mark: str = "euca_tw"
    patience: Patience = field(factory=Patience)
    _connect: Connect = connect
    _make_worker: Callable[[str], IWorker] = thread_worker
    _log: ClassVar[Logger] = Logger()

    _subscribers: list[Callable[[str | None], None]] = field(factory=list, init=False)
    _background: Background = field(factory=Background, init=False)
    # What domains are made as, once that is known.
    _chosen: Machine | None = field(default=None, init=False)
    _link: Link = field(
        default=Factory(lambda self: self._make_link(), takes_self=True), init=False
    )
    _rebooting: Reboots = field(
        default=Factory(
            lambda self: Reboots(
                self.reactor, self.patience.reboot, self._has_not_rebooted
            ),
            takes_self=True,
        ),
        init=False,
    )

    # IHypervisor

    async def start(self) -> None:
        await self._link.start()

    async def stop(self) -> None:
        self._subscribers.clear()
        self._rebooting.forget_all()
        await self._background.stop()
        await self._link.stop()

    def subscribe(self, changed: Callable[[str | None], None]) -> None:
        self._subscribers.append(changed)

    async def list(self) -> tuple[Domain, ...]:
        return await self._link.ask(lambda connection: connection.domains())

    async def find(self, name: str) -> Domain | None:
        return await self._link.ask(lambda connection: connection.domain(name))

    async def memo(self, name: str) -> str:
        return await self._link.ask(lambda connection: connection.memo(name))

    def document(self, spec: DomainSpec) -> str:
        try:
            return domain_xml(spec, self._made_as, self.mark)
        except ValueError as error:
            raise DomainRefused(str(error)) from error

    async def run(self, spec: DomainSpec) -> None:
        if self._chosen is None and self._link.is_connected:
            raise HypervisorUnavailable(
                f"how {self.uri} runs domains is still being tried"
            )
        xml = self.document(spec)
        is_kept = self._made_as.keeps_ended

        def run(connection: Connection) -> None:
            connection.run(spec.name, spec.uuid, xml, is_kept=is_kept)

        try:
            await self._link.act(spec.name, RUN, self.patience.run, run)
        except DomainRefused as refused:
            # Users are told less: nothing of where things are on this machine.
            self._log.warn(
                "{name} is refused: {why}",
                name=spec.name,
                why=str(refused.__cause__ or refused),
            )
            raise

    async def destroy(self, name: str) -> None:
        # What hangs in a domain that hangs ends only with that.
        await self._link.act(
            name,
            END,
            self.patience.destroy,
            lambda connection: connection.destroy(name),
            overtakes=True,
        )

    async def shut_down(self, name: str) -> bool:
        return await self._talk(name, lambda connection: connection.shut_down(name))

    async def reboot(self, name: str) -> None:
        # It may have begun anew before we hear that it was asked.
        is_asked = not self._rebooting.asked(name)
        try:
            is_asked = await self._talk(
                name, lambda connection: connection.reboot(name)
            )
        finally:
            if not is_asked:
                self._rebooting.forget(name)

    async def hold(self, name: str) -> bool:
        if self._made_as.is_container:
            # The machine's own kernel has its disk mounted, and goes on writing.
            return False
        return await self._talk(name, lambda connection: connection.hold(name))

    async def release(self, name: str) -> None:
        await self._talk(name, lambda connection: connection.release(name))

    async def capacity(self) -> Resources:
        return await self._link.ask(lambda connection: connection.capacity())

    # Further

    async def listen(
        self, name: str, heard: Callable[[bytes], bool], ended: Callable[[], None]
    ) -> Callable[[], Awaitable[None]] | None:
        """
        Be told, in libvirt's thread, what a domain's console says from now on.

        @param heard, ended: see L{ConsoleStream}.
        @return: what ends that, and may raise the same; None: there is no such
            domain that runs.
        @raise HypervisorUnavailable:
        """

        def listen(connection: Connection) -> Callable[[], None] | None:
            stream = connection.listen_to(name, heard, ended)
            return None if stream is None else partial(connection.hush, stream)

        hush = await self._link.ask(listen, unwanted=lambda hush: hush and hush())
        return None if hush is None else lambda: self._link.ask(lambda _: hush())

    @property
    def hung_threads(self) -> int:
        """How many threads are in a call that takes too long."""
        return self._link.hung_threads

    @property
    def _made_as(self) -> Machine:
        return self._chosen or self.machine

    def _make_link(self) -> Link:
        return Link(
            reactor=self.reactor,
            random=self.random,
            uri=self.uri,
            mark=self.mark,
            patience=self.patience,
            connect=self._connect,
            make_worker=self._make_worker,
            made=self._connected,
            changed=self._changed,
            # Whether guests have rebooted cannot be known then; a reset could
            # cost their disks.
            lost=lambda: self._rebooting.forget_all(),
        )

    async def _talk(self, name: str, call: Callable[[Connection], T]) -> T:
        return await self._link.act(name, GUEST, self.patience.ask, call)

    async def _try(self, step: Callable[[Attempt], Any]) -> Any:
        name, uuid = trial_name(self.mark), trial_uuid(self.mark)
        return await self._link.act(
            name,
            RUN,
            self.patience.run,
            lambda connection: step(connection.attempt(name, uuid)),
        )

    # Changes

    async def _connected(self, is_again: bool) -> None:
        if is_again:
            self._tell(None)
        elif self._chosen is None:
            self._chosen = await chosen(
                self.machine, self.faster, self.mark, self._try, self.reactor
            )

    def _changed(self, name: str, began_anew: bool) -> None:
        if began_anew:
            self._rebooting.forget(name)
        self._tell(name)

    def _tell(self, name: str | None) -> None:
        for changed in tuple(self._subscribers):
            changed(name)

    def _has_not_rebooted(self, name: str) -> None:
        self._background.run(f"resetting {name}", self._reset(name))

    async def _reset(self, name: str) -> None:
        try:
            await self._talk(name, lambda connection: connection.reset(name))
        except HypervisorUnavailable as why:
            self._log.warn("{name} could not be reset: {why}", name=name, why=str(why))
