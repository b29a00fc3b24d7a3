"""The sections of C{euca.toml}, and the file that explains them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.configuration import (
    LISTS,
    MACHINE_TYPES,
    SECTIONS,
    Configuration,
    parse_configuration,
    read_configuration,
)
from euca_tw.admin.values import address_pool, url_of
from euca_tw.clc.admission import AdmissionLimits
from euca_tw.common.config import ConfigError
from euca_tw.common.connections import ConnectionLimits

EXAMPLE = Path(__file__).parent.parent.parent / "etc" / "euca_tw" / "euca.toml"
FILE = Path("/etc/euca_tw/euca.toml")


def shown() -> dict[str, Any]:
    """The example with its options uncommented."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    option = re.compile(r'#(["\w.]+ = |\[)')
    return tomllib.loads("\n".join(ln[option.match(ln) is not None :] for ln in lines))


def as_toml(value: Any) -> Any:
    """A default, as it stands in a file."""
    if value is None:
        return ""
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


class ExampleTests(SynchronousTestCase):
    """The example configuration tells the truth."""

    def test_as_it_is(self) -> None:
        """As it is delivered, it changes nothing."""
        self.assertEqual(read_configuration(EXAMPLE), Configuration())

    def test_every_option(self) -> None:
        """It shows every option of every section, with its default."""
        tables = shown()
        for section, cls in SECTIONS.items():
            defaults = {f.name: as_toml(f.default) for f in attrs.fields(cls)}
            self.assertEqual(tables[section], defaults, section)

    def test_lists(self) -> None:
        """It shows every option of what may stand several times."""
        tables = shown()
        for section, (cls, _) in LISTS.items():
            [entry] = tables[section]
            self.assertEqual([*entry], [f.name for f in attrs.fields(cls)])

    def test_machine_types(self) -> None:
        """It shows the machine types."""
        expected = {m.name: attrs.asdict(m) for m in MACHINE_TYPES}
        for each in expected.values():
            del each["name"]
        found = shown()["machine_types"]
        self.assertEqual([*found["m1.small"]], [*expected["m1.small"]])
        no_more = {"ephemeral_gib": 0, "swap_mib": 0}
        self.assertEqual({n: {**no_more, **e} for n, e in found.items()}, expected)

    def test_uncommented(self) -> None:
        """All of it uncommented is a configuration."""
        read = parse_configuration(shown(), FILE)
        self.assertEqual(read.machine_types, Configuration().machine_types)
        self.assertEqual([cluster.name for cluster in read.clusters], ["cluster1"])
        self.assertEqual(len(read.nodes), 1)


class ConfigurationTests(SynchronousTestCase):
    def refused(self, text: str) -> str:
        tables = tomllib.loads(text)
        error = self.assertRaises(ConfigError, parse_configuration, tables, FILE)
        return str(error).removeprefix(f"{FILE}: ")

    def test_limits(self) -> None:
        """What the limits of those who try and call are; 0 is none."""
        text = "[limits]\nfailures_per_s=0\nrequests_per_s=2\nburst=7"
        read = parse_configuration(tomllib.loads(text), FILE).limits.admission
        self.assertEqual(
            read,
            AdmissionLimits(
                failures_per_s=0, failures_burst=50, requests_per_s=2, burst=7
            ),
        )
        self.assertEqual(Configuration().limits.admission, AdmissionLimits())

    def test_limits_of_connections(self) -> None:
        """What the limits of connections are; 0 is none."""
        text = (
            "[limits]\nconnections=7\nconnections_per_source=0\nhead_s=2\n"
            "slowest_bytes_per_s=9\npending_mib=3"
        )
        read = parse_configuration(tomllib.loads(text), FILE).limits.of_connections
        self.assertEqual(
            read,
            ConnectionLimits(
                most=7,
                most_per_source=0,
                head_s=2,
                slowest_bytes_per_s=9,
                pending_bytes=3 << 20,
            ),
        )
        self.assertEqual(Configuration().limits.of_connections, ConnectionLimits())

    def test_refusals(self) -> None:
        """What cannot be is refused by section, key and reason."""
        for text, said in (
            ("[clowd]", "[clowd] there is no such section; there are cloud, limits"),
            ("[cloud]\nx=1", "[cloud] x: there is no such option"),
            ("cloud=1", "[cloud] must be a section"),
            ("[cloud]\nurl='host'", "[cloud] url: 'host' is not an http(s) URL"),
            ("[cloud]\nregion='a b'", "[cloud] region: 'a b' is not a name"),
            ("[cloud]\npublic_addresses=['1.2.3']", "[cloud] public_addresses: "),
            ("[cloud]\nsignature_versions=[]", "[cloud] signature_versions: names no"),
            (
                "[cloud]\nsignature_versions=['3']",
                "[cloud] signature_versions: '3' is none of 0, 1, 2, 4",
            ),
            ("[cloud]\nsignature_versions=[2]", "[cloud] signature_versions: 2 must"),
            (
                "[cloud]\nplacement='x'",
                "[cloud] placement: 'x' is none of best-fit, greedy, least-loaded, ",
            ),
            (
                "[cluster_controller]\nscheduler='x'",
                "[cluster_controller] scheduler: 'x' is none of best-fit, greedy, ",
            ),
            ("[cloud]\nscope_regions=['a b']", "[cloud] scope_regions: 'a b' is not"),
            ("[cloud]\nscope_services=['']", "[cloud] scope_services: '' is not a"),
            ("[network]\nmode='flat'", "[network] mode: 'flat' is none of static, man"),
            ("[network]\nprivate_range='10.0.0.1/8'", "[network] private_range: '10.0"),
            (
                "[network]\nprivate_range='169.254.0.0/17'",
                "[network] private_range: 169.254.0.0/17 has addresses of "
                "169.254.0.0/16",
            ),
            (
                "[network]\naddresses_per_network=100",
                "[network] addresses_per_network: 100 is not a power of two",
            ),
            (
                "[network]\nprivate_range='10.0.0.0/28'",
                "[network] addresses_per_network: 10.0.0.0/28 has no room for 256",
            ),
            ("[head]\ncarries='air'", "[head] carries: 'air' is none of kernel, mem"),
            (
                "[cluster_controller]\nnetwork_mtu=100",
                "[cluster_controller] network_mtu: 100 is not 1330 to 65535",
            ),
            (
                "[[cluster]]\nname='a'\nurl='http://x/'\ncertificate=''\ntrunk='x'",
                "[cluster] trunk: 'x' is no host:port",
            ),
            ("[limits]\nconnections=-1", "[limits] connections: -1 is not 0, or more"),
            ("[limits]\nhead_s=nan", "[limits] head_s: nan is not 0, or more"),
            ("[limits]\nrequests_per_s=inf", "[limits] requests_per_s: inf is not 0"),
            ("[limits]\nburst=0", "[limits] burst: 0 is not more than 0"),
            ("[quotas]\ninstances='x'", "[quotas] instances: 'x' must be a whole"),
            ("[images]\nlargest_mib=0", "[images] largest_mib: 0 is not more than 0"),
            ("[cluster]\nname='a'", "[cluster] stands once for each: [[cluster]]"),
            ("[[cluster]]\nname='a'", "[cluster] url: is missing"),
            ("[[node]]\nurl='x'\ncertificate='a'", "[node] url: 'x' is not an http"),
            (
                "[cluster_controller]\nsubnet='10.0.0.1/8'",
                "[cluster_controller] subnet: 10.0.0.1/8 has host bits set",
            ),
            (
                "[cluster_controller]\nnameservers=['x']",
                "[cluster_controller] nameservers: Expected 4 octets in 'x'",
            ),
            (
                "[node_controller]\nresolvers=['ns.example']",
                "[node_controller] resolvers: 'ns.example' does not appear to be",
            ),
            (
                "[node_controller]\nresolvers=['169.254.169.254']",
                "[node_controller] resolvers: 169.254.169.254 is where instances ask",
            ),
            ("[network]\ndomain='a b'", "[network] domain: 'a b' is no domain, as"),
            (
                "[node_controller]\nhypervisor='vmware'",
                "[node_controller] hypervisor: 'vmware' is neither memory nor",
            ),
            ("[machine_types]", "[machine_types] must be a section with at least one"),
            (
                "[machine_types]\n'a.b'={cores=1}",
                "[machine_types.a.b] memory_mib: is missing",
            ),
            (
                "[machine_types]\n'a.b'={cores=0,memory_mib=1,disk_gib=1}",
                "[machine_types.a.b] cores: must be more than 0",
            ),
            (
                "[machine_types]\n'a.b'={cores=1,memory_mib=1,disk_gib=1,swap_mib=-1}",
                "[machine_types.a.b] swap_mib: must not be less than 0",
            ),
            (
                "[machine_types]\n'a.b'={cores=1,memory_mib=1,disk_gib=3,"
                "ephemeral_gib=2,swap_mib=1024}",
                "[machine_types.a.b] disk_gib: must leave something for the root disk",
            ),
        ):
            self.assertEqual(self.refused(text)[: len(said)], said)

    def test_twice(self) -> None:
        """Two clusters cannot have one name."""
        one = "[[cluster]]\nname='a'\nurl='http://a{}/'\ncertificate='a'\n"
        said = self.refused(one.format(1) + one.format(2))
        self.assertEqual(said, "[cluster] name: a stands twice")

    def test_machine_types_replaced(self) -> None:
        """Machine types that are named replace all others."""
        text = "[machine_types]\n'a.b'={cores=1,memory_mib=2,disk_gib=3}"
        self.assertEqual(
            [*parse_configuration(tomllib.loads(text), FILE).machine_types], ["a.b"]
        )


class AddressPoolTests(SynchronousTestCase):
    def test_pool(self) -> None:
        """Addresses, ranges and networks make one list without doubles."""
        self.assertEqual(
            address_pool(
                ("10.0.0.9", "10.0.0.254-10.0.1.1", "10.0.2.0/30", "10.0.0.9")
            ),
            (
                "10.0.0.9",
                *("10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"),
                *("10.0.2.1", "10.0.2.2"),
            ),
        )

    def test_wrong(self) -> None:
        """A text that is none of them is refused."""
        for text in ("", "x", "10.0.0.9-10.0.0.1", "10.0.0.0/8", "10.0.0.1-", "1-2-3"):
            self.assertRaises(ValueError, address_pool, (text,))


class UrlTests(SynchronousTestCase):
    def test_urls(self) -> None:
        """An endpoint's URL has its interface or the machine's name."""
        for listen, url in (
            ("tcp:8773", "http://me:8773/"),
            ("tcp:8773:interface=127.0.0.1", "http://127.0.0.1:8773/"),
            ("tcp:8773:interface=0.0.0.0", "http://me:8773/"),
            ("tcp6:8773:interface=\\:\\:1", "http://[::1]:8773/"),
            ("ssl:8773:privateKey=k.pem:interface=10.0.0.1", "https://10.0.0.1:8773/"),
        ):
            self.assertEqual(url_of(listen, "me"), url)

    def test_none(self) -> None:
        """Of other endpoints no URL can be told."""
        for listen in ("unix:/tmp/x", "8773", "", "systemd:domain=INET:index=0"):
            self.assertRaises(ValueError, url_of, listen, "me")
