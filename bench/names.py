"""
What it costs a node to tell a guest a name, against what it costs C{twisted.names}'
own server to tell one that stands in a table.

One process, in memory, kinds taking turns; from a datagram that came to the one that
goes.  Of a name that others are asked, both datagrams of the resolver are in it, and
not the kernel's part.

    python -m bench.names
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from itertools import count
from time import process_time
from typing import Any

from twisted.names import dns
from twisted.names.authority import FileAuthority
from twisted.names.server import DNSServerFactory

from euca_tw.vnet.leases import Leases
from euca_tw.vnet.names.listening import NameDatagrams
from tests.fakes.datagrams import MemoryPorts
from tests.suites.node_network import LEASE
from tests.vnet.names.asking import SOA, question, record, reply
from tests.vnet.names.test_server import MINE, server

TURNS, EACH = 9, 2000
FROM = (LEASE.private_ip, 40_000)
OWN, KEPT, FAR = question(MINE, size=1232), question("kept.example.com"), "example.com"
ANSWER = record("kept.example.com", dns.Record_A("192.0.2.1"), ttl=300)


class Table(FileAuthority):
    """The one name that is asked for, as C{twisted.names} has it from a file."""

    def loadFile(self, filename: Any) -> None:
        self.soa = (b"internal", SOA)
        address = dns.Record_A("10.231.0.2", 60)
        self.records = {b"internal": [SOA], MINE.encode(): [address]}


class Counted:
    """@ivar count: of the datagrams that went."""

    count = 0

    def write(self, datagram: bytes, addr: Any) -> None:
        self.count += 1


def ours() -> tuple[NameDatagrams, MemoryPorts, Counted]:
    reactor, leases, went = MemoryPorts(), Leases(), Counted()
    leases.add(LEASE)
    names = server(reactor, rate=1e9, burst=1e9)
    protocol = NameDatagrams(names, leases.of_ip)
    protocol.makeConnection(went)  # type: ignore[arg-type]
    return protocol, reactor, went


def theirs() -> tuple[dns.DNSDatagramProtocol, Counted]:
    factory, went = DNSServerFactory(authorities=[Table("")]), Counted()
    protocol = dns.DNSDatagramProtocol(factory)
    protocol.noisy = False
    protocol.makeConnection(went)
    return protocol, went


def main() -> None:
    protocol, reactor, went = ours()
    table, told = theirs()
    numbers = count()

    def passed_on(_: bytes) -> None:
        asked = question(f"{next(numbers)}.{FAR}")
        protocol.datagramReceived(asked, FROM)
        port = reactor.ports.pop()
        port.hear(reply(port.sent[0]))

    protocol.datagramReceived(KEPT, FROM)
    port = reactor.ports.pop()
    port.hear(reply(port.sent[0], ANSWER))
    kinds: dict[str, tuple[Callable[[bytes], None], bytes]] = {
        "twisted.names, of a table": (
            lambda datagram: table.datagramReceived(datagram, FROM),
            OWN,
        ),
        "of the cloud's own": (lambda d: protocol.datagramReceived(d, FROM), OWN),
        "kept": (lambda d: protocol.datagramReceived(d, FROM), KEPT),
        "passed on, with the making of its datagrams": (passed_on, b""),
    }
    spent: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(TURNS):
        for kind, (tell, datagram) in kinds.items():
            began = process_time()
            for _ in range(EACH):
                tell(datagram)
            spent[kind].append((process_time() - began) / EACH)
    assert told.count == TURNS * EACH
    assert went.count == 3 * TURNS * EACH + 1
    base = statistics.median(spent["twisted.names, of a table"])
    for kind, each in spent.items():
        cost_s = statistics.median(each)
        print(f"{kind:45} {cost_s * 1e6:6.1f} us  {base / cost_s:5.2f} times as many")


if __name__ == "__main__":
    main()
