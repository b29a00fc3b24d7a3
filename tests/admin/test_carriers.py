"""Tests of L{euca_tw.admin.carriers}."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.carriers import carriers_of, token_maker, trunk_ends
from euca_tw.admin.configuration import Configuration
from euca_tw.admin.identities import file_names, new_identity
from euca_tw.admin.sections import ClusterSection, NodeSection
from euca_tw.admin.tier import identity_of
from euca_tw.common.config import ConfigError
from euca_tw.model.networks import Role
from euca_tw.overlay.settings import MANAGED, STATIC, NetworkSettings
from tests.admin.test_daemon import machine

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class CarriersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        new_identity(self.directory, "peer", NOW)
        self.certificate = self.directory / file_names("peer")[1]
        self.machine = machine()
        self.identity = identity_of(self.directory / "cc", "cluster", None, None)

    def configuration(
        self, nodes: tuple[NodeSection, ...] = (), **given: Any
    ) -> Configuration:
        plain = Configuration()
        of_cluster: dict[str, Any] = {
            "head_url": "http://192.0.2.1:8777/head",
            "head_certificate": self.certificate,
            **given,
        }
        return evolve(
            plain,
            network=NetworkSettings(mode=MANAGED),
            cluster_controller=evolve(plain.cluster_controller, **of_cluster),
            nodes=nodes,
        )

    def node(self, url: str, **given: str) -> NodeSection:
        return NodeSection(url=url, certificate=self.certificate, **given)

    def test_machines(self) -> None:
        """
        A cluster's machines are its nodes and its head, at the addresses that
        are said, else at those of their URLs.
        """
        nodes = (
            self.node("http://192.0.2.11:8775/nc"),
            self.node("http://node2.example:8775/nc", network_address="192.0.2.12"),
        )
        of = self.configuration(nodes, is_routed=True, network_mtu=9000)
        found = carriers_of(of, self.machine, self.identity)
        assert found is not None
        assert found.head is not None
        self.assertEqual(found.head.role, Role.HEAD)
        self.assertEqual([each.name for each in found.nodes], [n.url for n in nodes])
        self.assertEqual(
            [str(each.address) for each in found],
            ["192.0.2.11", "192.0.2.12", "192.0.2.1"],
        )
        for each in found:
            self.assertEqual(
                (each.cluster, each.is_routed, each.mtu), ("cluster1", True, 9000)
            )

    def test_not_managed(self) -> None:
        """Where networks are not managed nothing is needed, and nothing made."""
        flat = evolve(Configuration(), network=NetworkSettings(mode=STATIC))
        found = carriers_of(flat, self.machine, self.identity)
        self.assertIsNone(found)

    def test_loopback(self) -> None:
        """All may be on loopback, as they are where all is in memory."""
        of = self.configuration(
            (self.node("http://127.0.0.1:8775/nc"),),
            head_url="http://127.0.0.1:8777/head",
        )
        found = carriers_of(of, self.machine, self.identity)
        self.assertEqual({str(each.address) for each in found or ()}, {"127.0.0.1"})

    def test_beside(self) -> None:
        """A head in a namespace has this machine's node, at the cable, and no other."""
        there = self.node("http://127.0.0.1/nc", network_address="172.30.255.253")
        other = self.node("http://192.0.2.11/nc")
        of = self.configuration((there,), head_url="http://172.30.255.254:8777/head")
        named = evolve(of, head=evolve(of.head, namespace="euca_head"))
        found = carriers_of(named, self.machine, self.identity)
        assert found is not None
        self.assertEqual(
            [str(each.address) for each in found], ["172.30.255.253", "172.30.255.254"]
        )
        with self.assertRaises(ConfigError) as raised:
            carriers_of(
                evolve(named, nodes=(there, other)), self.machine, self.identity
            )
        self.assertIn(
            "[node] network_address: http://192.0.2.11/nc is at 192.0.2.11, and the "
            "head, in the namespace euca_head of its machine, reaches a node at "
            "172.30.255.253 only",
            str(raised.exception),
        )
        # The file may be of a machine whose head is another cluster's.
        elsewhere = evolve(
            self.configuration((other,)), head=evolve(of.head, namespace="euca_head")
        )
        carriers_of(elsewhere, self.machine, self.identity)

    def test_missing(self) -> None:
        """What must be known, or cannot be so, is named by its section and key."""
        named = self.node("http://node.example:8775/nc")
        for configuration, said in (
            (self.configuration(head_url=""), "[cluster_controller] head_url: is mis"),
            (
                self.configuration(head_certificate=None),
                "[cluster_controller] head_certificate: is missing",
            ),
            (
                self.configuration(head_url="http://head.example/"),
                "[cluster_controller] head_address: is missing, and the host of http",
            ),
            (self.configuration((named,)), "[node] network_address: is missing"),
            (
                self.configuration((self.node("http://127.0.0.1:8775/nc"),)),
                "[node] network_address: http://127.0.0.1:8775/nc is at 127.0.0.1, wh",
            ),
            (
                self.configuration(
                    (self.node("http://192.0.2.11/nc"),), head_address="127.0.0.2"
                ),
                "[cluster_controller] head_address: http://192.0.2.1:8777/head is at",
            ),
        ):
            with self.assertRaises(ConfigError) as raised:
                carriers_of(configuration, self.machine, self.identity)
            self.assertIn(said, str(raised.exception))

    def test_trunk_ends(self) -> None:
        """Of the clusters, those with a certificate of a trunk have one."""
        plain = {"url": "http://cc.example/", "certificate": self.certificate}
        with_trunk = ClusterSection(
            name="north",
            trunk="head.example:8776",
            trunk_certificate=self.certificate,
            **plain,  # type: ignore[arg-type]
        )
        without = ClusterSection(name="south", **plain)  # type: ignore[arg-type]
        [end] = trunk_ends((with_trunk, without))
        self.assertEqual((end.cluster, end.endpoint), ("north", "head.example:8776"))
        self.assertIn("BEGIN CERTIFICATE", end.certificate)

    def test_tokens(self) -> None:
        """Tokens of the metadata service are good after a restart."""
        self.machine.reactor.advance(NOW.timestamp())
        token = token_maker(self.machine, self.directory).make("i-00000001", 60)
        again = token_maker(self.machine, self.directory)
        self.assertTrue(again.is_good("i-00000001", token))
