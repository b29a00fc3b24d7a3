"""What tiers tell each other, question by question."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from twisted.internet.defer import Deferred

from euca_tw.api.cluster import CLUSTER, WAIT_FOR_CHANGES, WaitForChanges
from euca_tw.api.node import NC_WAIT_FOR_CHANGES, NODE
from euca_tw.cc.settings import ClusterSettings
from euca_tw.common import changes
from tests.whole.case import WholeTestCase
from tests.whole.judgement import is_launched
from tests.whole.site import url_of


class ListeningTestCase(WholeTestCase):
    """One cluster of two nodes, whose answers are noted."""

    clusters = {"north": ("north-1", "north-2")}

    def listen(self, name: str) -> list[tuple[Any, Any]]:
        """The questions for changes that a daemon answers from now on, and how."""
        api = CLUSTER if name == "north" else NODE
        dispatch = self.site.daemons[name].service.dispatch
        heard: list[tuple[Any, Any]] = []

        async def noting(operation: Any, caller: Any, request: Any) -> Any:
            told = await dispatch(operation, caller, request)
            if operation in (WAIT_FOR_CHANGES, NC_WAIT_FOR_CHANGES):
                heard.append((request, told))
            return told

        self.site.peers.serve(url_of(name), api, noting)
        return heard


class ChangesTests(ListeningTestCase):
    """What is told after the first answer, and when everything is."""

    def test_deltas(self) -> None:
        """After the first answer only what changed is told, and each change once."""
        self.running(count=4)
        heard = {name: self.listen(name) for name in ("north", *self.clusters["north"])}
        self.site.run(30)
        for answers in heard.values():
            answers.clear()
        [name] = self.running()
        self.site.run(60)
        node = self.node_of(name)
        other = next(each for each in self.clusters["north"] if each != node)
        self.assertEqual(sum(len(told.instances) for _, told in heard[other]), 0)
        for daemon in (node, "north"):
            told = [one for _, answer in heard[daemon] for one in answer.instances]
            self.assertFalse(any(answer.is_full for _, answer in heard[daemon]))
            self.assertEqual({one.instance.instance_id for one in told}, {name})
            self.assertLessEqual(len(told), 2, "on its way, and running")
        self.assertFalse(any(answer.service_tags for _, answer in heard["north"]))

    def test_numbers(self) -> None:
        """Each question goes on from where the last answer ended, in one epoch."""
        heard = self.listen("north-1")
        self.site.run(30)
        self.running(count=8)
        self.site.run(600)
        for (_, told), (request, _) in pairwise(heard):
            self.assertEqual(
                (request.epoch, request.since), (told.epoch, told.sequence)
            )

    def test_idle(self) -> None:
        """Where nothing happens a question is held for its time, and no more said."""
        self.running()
        heard = {name: self.listen(name) for name in ("north", *self.clusters["north"])}
        self.site.run(30)
        before = {name: len(answers) for name, answers in heard.items()}
        self.site.run(3600)
        poll_s = ClusterSettings().poll_s
        for name, answers in heard.items():
            idle = answers[before[name] :]
            self.assertLess(len(idle), 3600 / (poll_s * 0.69))
            self.assertFalse([told for _, told in idle if told.instances])

    def test_restarts(self) -> None:
        """A daemon that was started anew is asked, and tells, everything once."""
        self.running(count=4)
        for name in ("north-1", "north"):
            self.site.kill(name)
            self.site.start(name)
            heard = self.listen(name)
            self.site.run(120)
            full = [told for _, told in heard if told.is_full]
            self.assertEqual(len(full), 1, name)
            self.assertEqual(len(full[0].instances), 2 if name == "north-1" else 4)
            self.assertTrue(is_launched(self.site))

    def test_gap(self) -> None:
        """Who missed more than is remembered is told everything, and not a part."""
        self.patch(changes, "_FORGOTTEN_KEPT", 1)
        names = self.running(count=4)
        heard = self.listen("north")
        self.site.run(60)
        first = heard[-1][1]
        self.site.cloud.terminate(*names[:3])
        self.until(lambda: is_ended_but(self, names[3]))
        self.site.run(2000)
        asking = Deferred.fromCoroutine(
            self.site.peers.peer(url_of("north")).call(
                WAIT_FOR_CHANGES,
                WaitForChanges(epoch=first.epoch, since=first.sequence, timeout_s=0),
                10,
            )
        )
        self.site.run(1)
        told = self.successResultOf(asking)
        self.assertTrue(told.is_full)
        [one] = told.instances
        self.assertEqual(one.instance.instance_id, names[3])
        self.assertEqual(told.forgotten, ())


def is_ended_but(case: WholeTestCase, name: str) -> bool:
    """Whether nothing but one instance is left in any node."""
    return [each for _, each in case.site.domains()] == [name]


class ManyNodesTests(ListeningTestCase):
    """What is asked of many nodes while nothing happens."""

    cluster_settings = ClusterSettings(questions_per_s=0.01)

    def test_seldom(self) -> None:
        """They are asked no oftener together than is configured, but for jitter."""
        self.assertEqual(self.cluster_settings.hold_s(2), 200)
        heard = [self.listen(node) for node in ("north-1", "north-2")]
        self.site.run(36000)
        count = sum(map(len, heard))
        self.assertLess(count, 36000 * 0.01 / 0.7 + 4)
        self.assertGreater(count, 36000 * 0.01 * 0.9)
