"""
What every hypervisor does, whatever runs the domains.

A test is given its hypervisor not yet started, and the means to let it go on:
the clock of one in memory, real time for a real one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import Factory, define, evolve, frozen
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from euca_tw.model.capacity import Resources
from euca_tw.nodectl.interfaces import (
    Domain,
    DomainRefused,
    DomainSpec,
    DomainState,
    HypervisorUnavailable,
    IHypervisor,
)


@frozen(kw_only=True)
class HypervisorUnderTest:
    """
    @ivar hypervisor: not started.
    @ivar again: another one for the same machine, as a daemon started anew
        makes it; not started.
    @ivar spec: a domain that it can run, by name; small.
    @ivar clock: what its time-outs are measured by.
    @ivar pass_time: let what is under way happen, where that does not happen
        by itself.
    @ivar can_hold: whether its guests can be held still.
    """

    hypervisor: IHypervisor
    again: Callable[[], IHypervisor]
    spec: Callable[[str], DomainSpec]
    clock: IReactorTime
    pass_time: Callable[[], None] = lambda: None
    can_hold: bool = True


@define
class Changes:
    """Hears of changes."""

    names: list[str | None] = Factory(list)
    _waiting: list[tuple[str | None, Deferred[None]]] = Factory(list)

    def __call__(self, name: str | None) -> None:
        self.names.append(name)
        waiting, self._waiting = self._waiting, []
        for wanted, heard in waiting:
            if wanted == name:
                heard.callback(None)
            else:
                self._waiting.append((wanted, heard))

    def of(self, name: str | None) -> Deferred[None]:
        """Fires at the next change of a domain."""
        heard: Deferred[None] = Deferred()
        self._waiting.append((name, heard))
        return heard


def make_ihypervisor_tests(
    factory: Callable[[TestCase], HypervisorUnderTest],
) -> type[TestCase]:
    """
    @param factory: called in C{setUp}; may skip the test, and adds clean-ups
        for what it makes.
    """

    class IHypervisorTests(TestCase):
        timeout = 240

        def setUp(self) -> None:
            self.under = factory(self)
            self.hypervisor = self.under.hypervisor
            self.changes = Changes()

        async def started(self) -> Any:
            """The hypervisor, started, to be stopped and cleared at the end."""
            self.hypervisor.subscribe(self.changes)
            await self.hypervisor.start()
            self.addCleanup(lambda: Deferred.fromCoroutine(self.clear()))
            return self.hypervisor

        async def clear(self) -> None:
            await self.hypervisor.start()
            for domain in await self.hypervisor.list():
                await self.hypervisor.destroy(domain.name)
            await self.hypervisor.stop()

        async def hear(self, name: str, work: Awaitable[None]) -> None:
            """Do it, and wait until a change of the domain was told."""
            heard = self.changes.of(name)
            await work
            self.under.pass_time()
            await heard.addTimeout(60, self.under.clock)

        def test_interface(self) -> None:
            """It provides IHypervisor."""
            self.assertTrue(verifyObject(IHypervisor, self.hypervisor))

        async def test_not_started(self) -> None:
            """Before it is started nothing is known, and that is what it says."""
            for ask in (
                self.hypervisor.list(),
                self.hypervisor.find("i-00000001"),
                self.hypervisor.capacity(),
                self.hypervisor.run(self.under.spec("i-00000001")),
                self.hypervisor.destroy("i-00000001"),
                self.hypervisor.reboot("i-00000001"),
                self.hypervisor.release("i-00000001"),
            ):
                with self.assertRaises(HypervisorUnavailable):
                    await ask

        async def test_stop_unstarted(self) -> None:
            """One that was never started can be stopped, and stopped again."""
            await self.hypervisor.stop()
            await self.hypervisor.stop()

        async def test_empty(self) -> None:
            """A machine has no domains at first."""
            hypervisor = await self.started()
            self.assertEqual(await hypervisor.list(), ())

        async def test_run(self) -> None:
            """A domain that is run is running, and is told of."""
            hypervisor = await self.started()
            spec = self.under.spec("i-00000001")
            await self.hear("i-00000001", hypervisor.run(spec))
            self.assertEqual(
                await hypervisor.list(),
                (Domain(name="i-00000001", state=DomainState.RUNNING),),
            )

        async def test_find(self) -> None:
            """A domain is found by its name, as it is listed."""
            hypervisor = await self.started()
            for name in ("i-00000001", "i-00000002"):
                await hypervisor.run(self.under.spec(name))
            self.assertEqual(
                await hypervisor.find("i-00000002"),
                Domain(name="i-00000002", state=DomainState.RUNNING),
            )

        async def test_find_nothing(self) -> None:
            """A domain that never was, or is no more, is not found."""
            hypervisor = await self.started()
            self.assertIsNone(await hypervisor.find("i-00000001"))
            await hypervisor.run(self.under.spec("i-00000001"))
            await hypervisor.destroy("i-00000001")
            self.assertIsNone(await hypervisor.find("i-00000001"))

        async def test_run_again(self) -> None:
            """Running what runs already changes nothing."""
            hypervisor = await self.started()
            spec = self.under.spec("i-00000001")
            await hypervisor.run(spec)
            await hypervisor.run(spec)
            self.assertEqual(len(await hypervisor.list()), 1)

        async def test_run_at_once(self) -> None:
            """The same domain asked for many times at once runs once."""
            hypervisor = await self.started()
            spec = self.under.spec("i-00000001")
            await gatherResults(
                [Deferred.fromCoroutine(hypervisor.run(spec)) for _ in range(4)],
                consumeErrors=True,
            )
            self.assertEqual(len(await hypervisor.list()), 1)

        async def test_destroy(self) -> None:
            """A destroyed domain is listed no more, and is told of."""
            hypervisor = await self.started()
            await self.hear("i-00000001", hypervisor.run(self.under.spec("i-00000001")))
            await self.hear("i-00000001", hypervisor.destroy("i-00000001"))
            self.assertEqual(await hypervisor.list(), ())

        async def test_destroy_nothing(self) -> None:
            """Destroying a domain that is not there is done at once."""
            hypervisor = await self.started()
            await hypervisor.destroy("i-00000001")

        async def test_destroy_at_once(self) -> None:
            """A domain may be destroyed by many at once."""
            hypervisor = await self.started()
            await hypervisor.run(self.under.spec("i-00000001"))
            await gatherResults(
                [
                    Deferred.fromCoroutine(hypervisor.destroy("i-00000001"))
                    for _ in range(3)
                ],
                consumeErrors=True,
            )
            self.assertEqual(await hypervisor.list(), ())

        async def test_in_order(self) -> None:
            """Calls for one domain take effect in the order they were made."""
            hypervisor = await self.started()
            spec = self.under.spec("i-00000001")
            await gatherResults(
                [
                    Deferred.fromCoroutine(work)
                    for work in (
                        hypervisor.run(spec),
                        hypervisor.destroy("i-00000001"),
                        hypervisor.run(spec),
                    )
                ],
                consumeErrors=True,
            )
            self.assertEqual(
                await hypervisor.list(),
                (Domain(name="i-00000001", state=DomainState.RUNNING),),
            )

        async def test_name_again(self) -> None:
            """The name of a destroyed domain may be used again."""
            hypervisor = await self.started()
            spec = self.under.spec("i-00000001")
            await hypervisor.run(spec)
            await hypervisor.destroy("i-00000001")
            await hypervisor.run(spec)
            self.assertEqual(len(await hypervisor.list()), 1)

        async def test_several(self) -> None:
            """Domains are listed and destroyed each by its own name."""
            hypervisor = await self.started()
            for name in ("i-00000001", "i-00000002"):
                await hypervisor.run(self.under.spec(name))
            await hypervisor.destroy("i-00000001")
            self.assertEqual(
                [domain.name for domain in await hypervisor.list()], ["i-00000002"]
            )

        async def test_shut_down_nothing(self) -> None:
            """What is not there cannot be asked to shut down."""
            hypervisor = await self.started()
            self.assertFalse(await hypervisor.shut_down("i-00000001"))

        async def test_shut_down(self) -> None:
            """A guest that runs can be asked to shut down."""
            hypervisor = await self.started()
            await hypervisor.run(self.under.spec("i-00000001"))
            self.assertTrue(await hypervisor.shut_down("i-00000001"))

        async def test_hold(self) -> None:
            """
            A guest that is held stands still until it is let go; where none can
            be held it goes on, and that is said.
            """
            hypervisor = await self.started()
            await hypervisor.run(self.under.spec("i-00000001"))
            is_held = self.under.can_hold
            held = DomainState.PAUSED if is_held else DomainState.RUNNING
            for _ in "once", "and again":
                self.assertIs(await hypervisor.hold("i-00000001"), is_held)
                found = await hypervisor.find("i-00000001")
                self.assertEqual(found, Domain(name="i-00000001", state=held))
            for _ in "once", "and again":
                await hypervisor.release("i-00000001")
                found = await hypervisor.find("i-00000001")
                self.assertEqual(
                    found, Domain(name="i-00000001", state=DomainState.RUNNING)
                )

        async def test_held_by_another(self) -> None:
            """Who comes after the daemon that held a guest can let it go."""
            hypervisor = await self.started()
            await hypervisor.run(self.under.spec("i-00000001"))
            await hypervisor.hold("i-00000001")
            await hypervisor.stop()
            self.hypervisor = hypervisor = self.under.again()
            await self.started()
            await hypervisor.release("i-00000001")
            found = await hypervisor.find("i-00000001")
            self.assertEqual(
                found, Domain(name="i-00000001", state=DomainState.RUNNING)
            )

        async def test_hold_nothing(self) -> None:
            """What is not there cannot be held, and letting it go does nothing."""
            hypervisor = await self.started()
            self.assertFalse(await hypervisor.hold("i-00000001"))
            await hypervisor.release("i-00000001")

        async def test_destroy_held(self) -> None:
            """A guest that is held can be ended."""
            hypervisor = await self.started()
            await hypervisor.run(self.under.spec("i-00000001"))
            await hypervisor.hold("i-00000001")
            await hypervisor.destroy("i-00000001")
            self.assertEqual(await hypervisor.list(), ())

        async def test_memo(self) -> None:
            """
            What a domain carries is told by it, also to the next daemon; of
            others nothing is told.
            """
            hypervisor = await self.started()
            memo = '{"who": "Łukasz & <co>", "what": "x\\ny"}'
            spec = evolve(self.under.spec("i-00000001"), memo=memo)
            await hypervisor.run(spec)
            await hypervisor.run(self.under.spec("i-00000002"))
            self.assertEqual(await hypervisor.memo("i-00000001"), memo)
            self.assertEqual(await hypervisor.memo("i-00000002"), "")
            self.assertEqual(await hypervisor.memo("i-00000003"), "")
            await hypervisor.stop()
            self.hypervisor = hypervisor = self.under.again()
            await self.started()
            self.assertEqual(await hypervisor.memo("i-00000001"), memo)

        async def test_document(self) -> None:
            """What a domain will be made of can be written down beforehand."""
            spec = self.under.spec("i-00000001")
            self.assertIn("i-00000001", self.hypervisor.document(spec))
            self.assertIn("<domain", self.hypervisor.document(spec))

        async def test_reboot(self) -> None:
            """A rebooted domain goes on running."""
            hypervisor = await self.started()
            await hypervisor.run(self.under.spec("i-00000001"))
            await hypervisor.reboot("i-00000001")
            self.assertEqual(
                await hypervisor.list(),
                (Domain(name="i-00000001", state=DomainState.RUNNING),),
            )

        async def test_reboot_nothing(self) -> None:
            """Rebooting a domain that is not there does nothing."""
            hypervisor = await self.started()
            await hypervisor.reboot("i-00000001")
            self.assertEqual(await hypervisor.list(), ())

        async def test_refused(self) -> None:
            """A domain that does not fit on the machine is refused, with why."""
            hypervisor = await self.started()
            spec = evolve(self.under.spec("i-00000001"), memory_mib=2**60)
            with self.assertRaises(DomainRefused) as refused:
                await hypervisor.run(spec)
            self.assertNotEqual(str(refused.exception), "")
            self.assertEqual(await hypervisor.list(), ())

        async def test_capacity(self) -> None:
            """A machine has cores and memory; disks are not its subject."""
            hypervisor = await self.started()
            capacity: Resources = await hypervisor.capacity()
            self.assertGreaterEqual(capacity.cores, 1)
            self.assertGreaterEqual(capacity.memory_mib, 64)
            self.assertEqual(capacity.disk_gib, 0)

        async def test_adopt(self) -> None:
            """Domains outlive the daemon; the next one finds and ends them."""
            hypervisor = await self.started()
            await hypervisor.run(self.under.spec("i-00000001"))
            await hypervisor.stop()

            self.hypervisor = hypervisor = self.under.again()
            self.changes = Changes()
            await self.started()
            self.assertEqual(
                await hypervisor.list(),
                (Domain(name="i-00000001", state=DomainState.RUNNING),),
            )
            await self.hear("i-00000001", hypervisor.destroy("i-00000001"))
            self.assertEqual(await hypervisor.list(), ())

        async def test_stopped(self) -> None:
            """After it was stopped, subscribers hear nothing, askers are refused."""
            hypervisor = await self.started()
            await hypervisor.run(self.under.spec("i-00000001"))
            await hypervisor.stop()
            heard = list(self.changes.names)
            self.under.pass_time()
            self.assertEqual(self.changes.names, heard)
            with self.assertRaises(HypervisorUnavailable):
                await hypervisor.list()

        async def test_restart(self) -> None:
            """One that was stopped can be started again."""
            hypervisor = await self.started()
            await hypervisor.run(self.under.spec("i-00000001"))
            await hypervisor.stop()
            await hypervisor.start()
            self.assertEqual(len(await hypervisor.list()), 1)

    return IHypervisorTests
