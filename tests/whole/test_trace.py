"""What an operator is told of a packet's way in a cloud of two clusters."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from euca_tw.admin.actions import Actions
from euca_tw.admin.client import Refused
from euca_tw.model.records import InstanceState
from tests.whole.site import url_of
from tests.whole.test_networks import NetworksTestCase


class TraceTests(NetworksTestCase):
    """The action C{trace}."""

    def setUp(self) -> None:
        super().setUp()
        self.group("web")
        self.group("db")
        self.web = self.running_in("north", "web")
        self.db = self.running_in("south", "db")
        self.right()

    def actions(self, **given: Any) -> Actions:
        cloud = self.site.cloud
        return Actions(
            store=cloud.store,
            accounts=None,  # type: ignore[arg-type]
            files_of=None,  # type: ignore[arg-type]
            **{"clusters": cloud.clusters, "networks": cloud.networks, **given},
        )

    def asked(
        self,
        instance_id: str,
        address: str,
        port: str = "",
        protocol: str = "tcp",
        *,
        is_sent: bool = False,
    ) -> Deferred[Any]:
        arguments = {
            "instance_id": instance_id,
            "address": address,
            "protocol": protocol,
            "port": port,
            "is_sent": is_sent,
        }
        return Deferred.fromCoroutine(self.actions().perform("trace", arguments))

    def told(self, *asked: str) -> str:
        return "\n".join(self.successResultOf(self.asked(*asked)))

    def told_out(self, *asked: str) -> str:
        return "\n".join(self.successResultOf(self.asked(*asked, is_sent=True)))

    def restrict(self, name: str, **to: Any) -> None:
        """A group lets out HTTPS to there, and nothing else."""
        cloud = self.site.cloud
        self.done(cloud.restrict(name, **to))
        self.right()

    def refused(self, *asked: str) -> str:
        return str(self.failureResultOf(self.asked(*asked), Refused).value)

    def ip(self, name: str) -> str:
        return self.instance(name).private_ip

    def url(self, name: str) -> str:
        return url_of(self.node_of(name))

    def test_in_a_network(self) -> None:
        """Of two in one network: the rule, and every machine on the way."""
        self.done(self.site.cloud.authorize("web", "web"))
        other = self.running_in("south", "web")
        told = self.told(self.web, other, "22")
        self.assertEqual(told, self.told(self.web, self.ip(other), "22"))
        network = self.instance(self.web).network
        group_id = self.instance(self.web).groups[0].group_id
        self.assertEqual(
            told,
            f"{group_id} lets out everything.\n"
            f"From {other} on {self.url(other)}, by network {network}, to "
            f"{self.web}, {self.ip(self.web)}, on {self.url(self.web)}.\n"
            f"{group_id} lets in tcp 22: tcp 1 to 65535 from {group_id}, of which "
            f"{self.ip(other)} is a member.\n"
            "By VXLAN from http://south-1/ to its head, http://south-head/, "
            "192.0.1.1.\n"
            "By the trunk from http://south-head/ to http://north-head/; where they "
            "cannot connect, by another head between them.\n"
            f"By VXLAN from http://north-head/ to {self.url(self.web)}, "
            f"{self.site.carriers('north', self.site.peers).nodes[0].address}.",
        )

    def test_refused_by_rules(self) -> None:
        """What no rule lets in is said to be refused."""
        other = self.running_in("north", "web")
        self.assertIn("lets in tcp 22 from", self.told(self.web, other, "22"))
        self.assertIn("refused", self.told(self.web, other, "22"))
        self.assertIn("icmp type 8 code 0", self.told(self.web, other, "", "icmp"))
        self.assertIn("icmp type 3 code 4", self.told(self.web, other, "3/4", "icmp"))

    def test_another_network(self) -> None:
        """From another network it is told which routers join them."""
        self.done(self.site.cloud.authorize("web", "db"))
        self.right()
        told = self.told(self.web, self.db, "80")
        self.assertIn(f"of which {self.ip(self.db)} is a member", told)
        self.assertIn("inside, by the router", told)
        self.assertEqual(
            told.splitlines()[-4:-1],
            [
                f"From network {self.instance(self.db).network} to the transit network "
                "by http://south-head/.",
                "By the trunk from http://south-head/ to http://north-head/; where "
                "they cannot connect, by another head between them.",
                "From the transit network to network "
                f"{self.instance(self.web).network} by http://north-head/.",
            ],
        )
        near = self.running_in("north", "db")
        self.assertIn("by http://north-head/.", self.told(self.web, near, "80"))

    def test_not_a_source(self) -> None:
        """Another's network is inside, though its machine knows nothing of it."""
        near = self.running_in("north", "db")
        told = self.told(self.web, near, "80")
        self.assertIn("inside, by the router", told)
        self.assertNotIn("outside", told)

    def test_public(self) -> None:
        """Strangers come by a public address; who has one is told."""
        self.assertIn("has no public address", self.told(self.web, "203.0.113.9", "80"))
        public_ip = str(self.done(self.site.cloud.allocate()))
        self.done(self.site.cloud.associate(public_ip, self.web))
        told = self.told(self.web, "203.0.113.9", "80")
        self.assertIn(f"From 203.0.113.9, by {public_ip}, to {self.web}", told)
        self.assertIn("By http://north-head/, where public addresses are.", told)
        told = self.told(self.db, public_ip, "80")
        self.assertIn(f"{public_ip} is the public address of {self.web}", told)

    def test_restricted(self) -> None:
        """What the sender's groups do not let out goes no further."""
        self.done(self.site.cloud.authorize("web", "db"))
        db = self.instance(self.db).groups[0].group_id
        self.restrict("db", cidr="198.51.100.0/24")
        told = self.told(self.web, self.db, "443")
        self.assertEqual(
            told,
            f"None of the 1 rules of {db} lets out tcp 443 to {self.ip(self.web)}: "
            f"it does not leave {self.db}.",
        )
        self.assertEqual(self.told_out(self.db, self.web, "443"), told)
        web = self.instance(self.web).groups[0].group_id
        self.restrict("db", group_id=web)
        told = self.told(self.web, self.db, "443")
        self.assertIn(
            f"{db} lets out tcp 443: tcp 443 to {web}, of which {self.ip(self.web)} "
            "is a member.",
            told,
        )
        self.assertIn(f"{web} lets in tcp 443", told)

    def test_sent_outside(self) -> None:
        """To outside, and to public addresses, the rules about networks decide."""
        db = self.instance(self.db).groups[0].group_id
        self.assertEqual(
            self.told_out(self.db, "198.51.100.7", "443"), f"{db} lets out everything."
        )
        public_ips = [str(self.done(self.site.cloud.allocate())) for _ in range(2)]
        for public_ip, name in zip(public_ips, (self.web, self.db), strict=True):
            self.done(self.site.cloud.associate(public_ip, name))
        self.restrict("db", cidr=f"{public_ips[0]}/32")
        self.assertIn("None of the 1", self.told_out(self.db, "198.51.100.7", "443"))
        rule = f"{db} lets out tcp 443: tcp 443 to {public_ips[0]}/32."
        told = self.told_out(self.db, public_ips[0], "443")
        self.assertIn(rule, told)
        self.assertIn(f"is the public address of {self.web}", told)
        self.assertIn(rule, self.told(self.web, public_ips[1], "443"))

    def test_nobody(self) -> None:
        """An address that no instance has is told to be nobody's."""
        subnet = self.ip(self.web).rpartition(".")[0]
        last = int(self.ip(self.web).rpartition(".")[2])
        told = self.told(self.web, f"{subnet}.{last + 1}", "80")
        self.assertIn(f"No instance has {subnet}.{last + 1} now.", told)

    def test_refusals(self) -> None:
        """What cannot be told is said so, for people."""
        for asked, reason in (
            (("i-0", "10.1.0.2", "80"), "there is no instance i-0"),
            ((self.web, "i-0", "80"), "there is no instance i-0"),
            ((self.web, "10.1.0", "80"), "neither an address"),
            ((self.web, "::1", "80"), "neither an address"),
            ((self.web, self.db), "'' is not a port of tcp"),
            ((self.web, self.db, "65536"), "0 to 65535"),
            ((self.web, self.db, "9" * 5000, "udp"), "0 to 65535"),
            ((self.web, self.db, "²"), "0 to 65535"),
            ((self.web, self.db, "8/", "icmp"), "a type of ICMP"),
            ((self.web, self.db, "1/256", "icmp"), "0 to 255"),
            ((self.web, self.db, "80", "gre"), "'gre' is none of tcp, udp, icmp"),
        ):
            self.assertIn(reason, self.refused(*asked))
        self.done(self.site.cloud.terminate(self.web))
        self.until(lambda: self.is_in(self.web, InstanceState.TERMINATED))
        self.assertIn("has ended", self.refused(self.web, self.db, "80"))

    def test_not_placed(self) -> None:
        """Who is on no machine yet has no way."""
        [name] = self.done(self.site.cloud.launch("north", groups=("web",)))  # type: ignore[misc]
        self.assertIn("on no machine yet", self.refused(name, self.db, "80"))

    def test_of_no_cloud(self) -> None:
        """Where nothing is known of networks, that is said."""
        arguments = {
            "instance_id": self.web,
            "address": self.db,
            "protocol": "tcp",
            "port": "80",
            "is_sent": False,
        }
        for given, reason in (
            ({"clusters": None, "networks": None}, "is not running"),
            ({"networks": None}, "are not managed"),
        ):
            asked = Deferred.fromCoroutine(
                self.actions(**given).perform("trace", arguments)
            )
            refused = self.failureResultOf(asked, Refused)
            self.assertIn(reason, str(refused.value))
