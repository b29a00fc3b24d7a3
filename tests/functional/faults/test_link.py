"""
Real daemons in network namespaces, and links between them that are lost.

The cloud controller and its users are in the test's own; of the cluster controller's
and the node's, both end at a link.  What must become of instances is asked of a
simulated world, which is cut at the same places.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from attrs import define

from tests.functional.faults.settings import is_thorough
from tests.functional.faults.simulated import SimulatedWorld
from tests.functional.faults.site import Site, SiteCase, Surroundings
from tests.functional.guests import call
from tests.functional.netns import enter_new, make_peer
from tests.whole.site import url_of

_CLUSTER, _NODE = "10.233.1.2", "10.233.2.3"
_SILENT = "have not been heard of lately"
_LOSSES = """\
table inet cut {
  chain in { type filter hook input priority 0; iifname "%(link)s" drop; }
  chain out { type filter hook output priority 0; oifname "%(link)s" drop; }
}
"""


@define
class Link:
    """
    @ivar name: of the device, at the upper end.
    @ivar at: the process in whose namespace that end is; C{None} is the test's.
    @ivar simulated: the daemon that is cut off there.
    """

    name: str
    at: int | None
    simulated: str

    def run(self, *command: object) -> None:
        """At the upper end."""
        there = ("nsenter", "-t", self.at, "-n") if self.at else ()
        call(*there, *command)

    def go_down(self) -> Callable[[], None]:
        """The cable is pulled; returns what puts it back."""
        self.run("ip", "link", "set", self.name, "down")
        return lambda: self.run("ip", "link", "set", self.name, "up")

    def lose(self) -> Callable[[], None]:
        """Nothing that is sent arrives, and nobody is told; returns what ends it."""
        self.run("nft", _LOSSES % {"link": self.name})
        return lambda: self.run("nft", "delete", "table", "inet", "cut")


class LinkTests(SiteCase):
    """The cloud, its cluster, and a node, in a row."""

    def setUp(self) -> None:
        enter_new(self)
        cluster, node = make_peer(self), make_peer(self)
        call(
            "ip",
            "link",
            "add",
            "north",
            "type",
            "veth",
            "peer",
            "above",
            "netns",
            cluster,
        )
        self.links = (
            Link("north", None, "north"),
            Link("node", cluster, "north-1"),
        )
        for upper, lower, at, link in (
            ("10.233.1.1", _CLUSTER, cluster, self.links[0]),
            ("10.233.2.2", _NODE, node, self.links[1]),
        ):
            if link.at:
                there = ("type", "veth", "peer", "above", "netns", node)
                link.run("ip", "link", "add", link.name, *there)
            link.run("ip", "address", "add", f"{upper}/24", "dev", link.name)
            link.run("ip", "link", "set", link.name, "up")
            below = ("nsenter", "-t", at, "-n", "ip")
            call(*below, "address", "add", f"{lower}/24", "dev", "above")
            call(*below, "link", "set", "above", "up")
            call(*below, "link", "set", "lo", "up")
        self.begin(
            Site(
                cc=Surroundings(_CLUSTER, ("nsenter", "-t", str(cluster), "-n")),
                nc=Surroundings(_NODE, ("nsenter", "-t", str(node), "-n")),
            )
        )
        self.simulated = SimulatedWorld()

    def test_links(self) -> None:
        """
        Instances that cannot be heard of are not told to have ended, and what was
        acknowledged meanwhile is done, once, when the link is there again: whether
        it was for moments or for long, and whether it is known to be down.
        """
        cluster, node = self.links
        ways = [(cluster, Link.go_down, False), (node, Link.lose, True)]
        if is_thorough():
            ways = [*product(self.links, (Link.go_down, Link.lose), (False, True))]
        for link, cut, lasts in ways:
            self.check(link, cut, lasts=lasts)
        self.check_logs()

    def check(
        self, link: Link, cut: Callable[[Link], Callable[[], None]], *, lasts: bool
    ) -> None:
        world, url = self.simulated, url_of(link.simulated)
        stays, ends = self.running(), self.running()
        twins = {name: world.launch() for name in (stays, ends)}
        world.until(
            lambda: all(world.state(e) == "running" for e in twins.values()), ""
        )
        mend = cut(link)
        world.site.peers.cut(url)
        launched = self.launch()
        self.terminate(ends)
        # Of the simulated one it may be known already that it is not reached.
        world.site.peers.mend(url)
        twins[launched] = world.launch()
        world.ask("terminate", twins[ends])
        world.site.peers.cut(url)
        if lasts:
            self.until(lambda: _SILENT in self.status(), "it is not heard")
            world.site.run(120)
            self.compare(twins)
        mend()
        world.site.peers.mend(url)
        world.settle()
        self.compare(twins)
        self.check_boots(stays, launched)
        for name in (stays, launched):
            self.terminate(name)
            world.ask("terminate", twins[name])
        world.settle()
        self.compare(twins)

    def compare(self, twins: dict[str, str]) -> None:
        """All are in the states of those that are simulated."""
        told = {name: self.simulated.state(twin) for name, twin in twins.items()}
        self.until(
            lambda: {name: self.states()[name] for name in twins} == told,
            f"all are as is simulated: {told}",
        )
