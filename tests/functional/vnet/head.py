"""
A cluster's head, as a process: nothing but its trunk.

Run as a module with a file of L{HeadConfig} in JSON.  It says C{up} when it
listens; each line that it is told is answered by a report; at the end of what it is
told it ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

from attrs import asdict
from twisted.internet import reactor as _reactor
from twisted.internet import stdio
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher, textFileLogObserver
from twisted.protocols.basic import LineReceiver

from euca_tw.vnet.trunk.frames import cluster_id
from euca_tw.vnet.trunk.routes import Table
from euca_tw.vnet.trunk.service import Trunk, make_trunk
from euca_tw.vnet.trunk.settings import PeerSettings, TrunkSettings

reactor: Any = _reactor


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def read_settings(config: dict[str, Any]) -> TrunkSettings:
    return TrunkSettings(
        cluster=config["cluster"],
        listen=config["listen"],
        peers={
            name: PeerSettings(address=address, certificate_pem=pem.encode())
            for name, (address, pem) in config["peers"].items()
        },
        key_pem=config["key"].encode(),
        certificate_pem=config["certificate"].encode(),
        **config.get("options", {}),
    )


def read_tables(config: dict[str, Any]) -> dict[int, Table]:
    """Of networks by number: the MAC addresses of members, by cluster."""
    tables = {}
    for number, members in config["networks"].items():
        away = {
            mac(each): cluster_id(name)
            for name, macs in members.items()
            if name != config["cluster"]
            for each in macs
        }
        tables[int(number)] = Table(
            here=frozenset(map(mac, members.get(config["cluster"], ()))),
            away=away,
            clusters=tuple(sorted(set(away.values()))),
            router=bytes((10, 0, 0, 1)),
        )
    return tables


class Answers(LineReceiver):
    delimiter = b"\n"

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(json.dumps(asdict(self.trunk.report())).encode())

    def connectionLost(self, reason: Any = None) -> None:
        if reactor.running:
            self.trunk.stopService()
            reactor.stop()


def main() -> None:
    config = json.loads(Path(sys.argv[1]).read_text())
    globalLogPublisher.addObserver(textFileLogObserver(sys.stderr))
    trunk = make_trunk(
        reactor,
        read_settings(config),
        Random(),
        deferToThread,  # type: ignore[arg-type]
    )
    trunk.set_networks(read_tables(config))

    def begin() -> None:
        trunk.startService()
        print("up", flush=True)
        stdio.StandardIO(Answers(trunk))

    reactor.callWhenRunning(begin)
    reactor.run()


if __name__ == "__main__":
    main()
