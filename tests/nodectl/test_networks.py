"""Tests of L{euca_tw.nodectl.networks}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import InvalidParameterValue, UnsupportedOperation
from euca_tw.api.networks import NetworkChanges
from euca_tw.api.node import NcSetNetworks
from euca_tw.common.changes import Delta
from euca_tw.model.networks import Elastic, View
from euca_tw.nodectl.networks import NodeNetworks, setting
from euca_tw.overlay.entries import Entry
from euca_tw.overlay.wire import parts
from euca_tw.store.memory import MemoryStore
from tests.overlay.world import machine, member, network

MINE = member(1, 1, "n1")
ALL = (network(1), MINE, machine("n1", "north"))


def changes(*entries: Entry, sequence: int = 1) -> NetworkChanges:
    delta = Delta(
        epoch="e", sequence=sequence, is_full=True, values=entries, forgotten=()
    )
    [told] = parts(delta, 0)
    return told


class NodeNetworksTests(SynchronousTestCase):
    """L{NodeNetworks}."""

    def setUp(self) -> None:
        self.store = MemoryStore()
        self.carried: list[View] = []
        self.networks = self.begun()

    def begun(self, here: str = "n1") -> NodeNetworks:
        networks = NodeNetworks(here, self.store, self)  # type: ignore[arg-type]
        networks.begin()
        return networks

    def carry(self, view: View) -> None:
        self.carried.append(view)

    def set(self, told: NetworkChanges, name: str = "n1") -> Deferred[Any]:
        request = NcSetNetworks(name=name, changes=told)
        return Deferred.fromCoroutine(self.networks.set(request))

    def test_carried(self) -> None:
        """What is told is carried; what is told again is not."""
        answer = self.successResultOf(self.set(changes(*ALL)))
        self.assertEqual((answer.position.epoch, answer.position.sequence), ("e", 1))
        self.assertEqual([{*view.networks} for view in self.carried], [{1}])
        self.successResultOf(self.set(changes(*ALL, sequence=2)))
        self.assertEqual(len(self.carried), 1)

    def test_kept(self) -> None:
        """Another life begins with it; one that was told nothing, with nothing."""
        self.assertEqual(self.carried, [])
        self.successResultOf(self.set(changes(*ALL)))
        self.begun()
        first, second = self.carried
        self.assertEqual(first, second)

    def test_under_another_name(self) -> None:
        """
        A node whose name was changed was told nothing yet: it takes no network from
        instances that run.
        """
        self.successResultOf(self.set(changes(*ALL)))
        self.carried.clear()
        self.networks = self.begun("n2")
        self.assertEqual(self.carried, [])
        mine = machine("n2", "north"), member(1, 1, "n2")
        told = changes(network(1), *mine, sequence=2)
        self.successResultOf(self.set(told, "n2"))
        self.assertEqual([{*view.networks} for view in self.carried], [{1}])

    def test_public_ip(self) -> None:
        """It knows its instances' public addresses."""
        private_ip = MINE.private_ip
        self.assertEqual(self.networks.public_ip(str(private_ip)), "")
        elastic = Elastic(public_ip=private_ip + 1, private_ip=private_ip)
        self.successResultOf(self.set(changes(*ALL, elastic)))
        self.assertEqual(self.networks.public_ip(str(private_ip)), str(private_ip + 1))

    def test_of_another(self) -> None:
        """What is for another machine is refused, with what to mend."""
        refusal = self.failureResultOf(
            self.set(changes(*ALL), "n2"), InvalidParameterValue
        ).value
        self.assertIn("This node is n1", refusal.message)
        self.assertEqual(self.carried, [])

    def test_not_managed(self) -> None:
        """Where networks are not managed, what is told is refused, with why."""
        answer = setting(None, "static")
        request = NcSetNetworks(name="n1", changes=changes(*ALL))
        asked = Deferred.fromCoroutine(answer(request))  # type: ignore[arg-type]
        refusal = self.failureResultOf(asked, UnsupportedOperation).value
        self.assertIn("of this node are static", refusal.message)
