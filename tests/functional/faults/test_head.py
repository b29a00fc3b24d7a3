"""
A real head of a cluster that is hit while networks come and go.

What must become of them is asked of a simulated site.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from euca_tw.overlay.settings import MANAGED, NetworkSettings
from tests.functional.faults.play import FREEZE, KILL
from tests.functional.faults.settings import CLOUD, CLUSTER, NODE, is_thorough
from tests.functional.faults.site import SiteCase, hurried
from tests.functional.test_managed_daemons import ManagedSite
from tests.whole.site import Site, head_of

_PATIENCE_S = 300.0


class HeadTests(SiteCase):
    """Beside the other three daemons, with networks of memory."""

    def setUp(self) -> None:
        site = ManagedSite()
        site.config.write_text(hurried(site.config.read_text()))
        site.start("head")
        self.begin(site)
        self.simulated = Site(
            {"north": ("north-1",)},
            cloud_settings=CLOUD,
            cluster_settings=CLUSTER,
            node_settings=NODE,
            network=NetworkSettings(mode=MANAGED),
        )
        self.simulated.start()
        self.simulate(lambda: bool(self.simulated.cloud.clusters.zones()[0].available))

    def simulate(self, reached: Callable[[], bool]) -> None:
        self.simulated.run_until(reached, _PATIENCE_S)

    def test_head(self) -> None:
        """
        Instances run and end whatever befalls the head; killed or standing still, it
        comes to carry the networks that there are then, and no others.
        """
        groups = []
        for fault in (KILL, FREEZE) if is_thorough() else (FREEZE,):
            groups.append(f"hit by {fault}")
            self.check(fault, groups[-1])
        self.check_logs()

    def check(self, fault: str, group: str) -> None:
        ends = self.running()
        [twin] = self.twin_of_launch("default")
        self.until_alike()
        before = self.strike(fault)
        self.ec2.create_security_group(GroupName=group, Description=group)
        told = self.ec2.run_instances(
            ImageId=self.image, MinCount=1, MaxCount=1, SecurityGroups=[group]
        )
        launched = told["Instances"][0]["InstanceId"]
        self.terminate(ends)
        self.simulated.cloud.create_group(group)
        self.simulated.run(1)
        [launched_twin] = self.twin_of_launch(group)
        self.simulated.cloud.terminate(twin)
        self.until(lambda: self.state(launched) == "running", "it runs")
        self.until(lambda: self.state(ends) == "terminated", "it has ended")
        self.simulated.run(_PATIENCE_S)
        self.mend(fault, before)
        self.simulated.run(_PATIENCE_S)
        states = self.simulated.cloud.states()
        self.assertEqual(states[twin].value, self.state(ends))
        self.assertEqual(states[launched_twin].value, self.state(launched))
        self.until_alike()

    def twin_of_launch(self, group: str) -> tuple[str, ...]:
        """In the simulated site."""
        names: list[tuple[str, ...]] = []
        self.simulated.cloud.launch("north", groups=(group,)).addCallback(names.append)
        self.simulate(lambda: bool(names))
        return names[0]

    def strike(self, fault: str) -> int:
        """@return: how often it was missed so far."""
        missed = self.site.log("cc").count(_MISSED)
        if fault == KILL:
            self.site.kill("head")
            self.simulated.kill(head_of("north"))
        else:
            self.site.processes["head"].send_signal(signal.SIGSTOP)
            self.simulated.stop(head_of("north"))
        return missed

    def mend(self, fault: str, missed: int) -> None:
        """When it was missed."""
        self.until_logged("cc", _MISSED, more_than=missed)
        if fault == KILL:
            self.site.start("head")
            self.simulated.start(head_of("north"))
        else:
            self.site.processes["head"].send_signal(signal.SIGCONT)
            self.simulated.go_on(head_of("north"))

    def until_alike(self) -> None:
        """Until the head carries as many networks as the simulated one."""
        self.simulated.run(_PATIENCE_S)
        view = self.simulated.heads["north"].view
        assert view is not None
        expected = str(len(view.networks))
        site = self.site
        assert isinstance(site, ManagedSite)
        self.until(
            lambda: site.carried("head")[-1:] == [expected],
            f"the head carries {expected} networks",
        )


_MISSED = " is not told of networks: "
