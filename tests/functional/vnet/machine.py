"""
A process that carries networks in the namespace that it runs in, as a node's or a
head's daemon joins that: rules, links, and on a head its trunk.

What it is told comes by its standard input, and the answers go to its standard
output: pickled records, each after its length.
"""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, BinaryIO

from twisted.internet import reactor as _reactor
from twisted.internet import stdio
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher, textFileLogObserver
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure

from euca_tw.common.in_thread import PooledThreads
from euca_tw.model.networks import View
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.host import NetworkHost
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.links_host import LinksHost
from euca_tw.vnet.netlink import KernelLinks
from euca_tw.vnet.nft import Nft
from euca_tw.vnet.public_addresses import PublicAddresses
from euca_tw.vnet.rules import Rules
from euca_tw.vnet.trunk.service import Trunk, make_trunk
from euca_tw.vnet.trunk.settings import TrunkSettings

reactor: Any = _reactor


def send(stream: BinaryIO, what: object) -> None:
    written = pickle.dumps(what)
    stream.write(struct.pack("!I", len(written)) + written)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """@raise EOFError: it has ended."""
    length = stream.read(4)
    if len(length) < 4:
        raise EOFError
    return pickle.loads(stream.read(*struct.unpack("!I", length)))


class Orders(Int32StringReceiver):
    """One is answered before the next is taken."""

    MAX_LENGTH = 1 << 24

    def __init__(self) -> None:
        self._host: NetworkHost | None = None
        self._trunk: Trunk | None = None
        self._orders: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {
            "begin": self._begin,
            "apply": self._apply,
            "report": self._report,
        }

    def stringReceived(self, string: bytes) -> None:
        name, arguments = pickle.loads(string)
        done: Deferred[Any] = Deferred.fromCoroutine(self._orders[name](*arguments))
        done.addErrback(self._failed)
        done.addCallback(self._answer)

    def _failed(self, failure: Failure) -> object:
        failure.trap(NetworkFailed)
        return failure.value

    def _answer(self, what: object) -> None:
        self.sendString(pickle.dumps(what))

    async def _begin(
        self, settings: TrunkSettings | None, filters: FilterSettings
    ) -> None:
        """@param settings: of the trunk; None on a node."""
        in_thread = PooledThreads(reactor, reactor.getThreadPool())
        self._host = NetworkHost(
            rules=Rules(Nft(reactor, in_thread), in_thread, filters),
            links=LinksHost(KernelLinks(), in_thread),
            public=(
                PublicAddresses(reactor, in_thread, filters.outer)
                if filters.outer
                else None
            ),
        )
        if settings is not None:
            self._trunk = make_trunk(reactor, settings, Random(), in_thread)
            self._trunk.startService()

    async def _apply(self, view: View) -> None:
        assert self._host is not None
        await self._host.apply(view)
        if self._trunk is not None:
            self._trunk.apply(view)

    async def _report(self) -> object:
        assert self._trunk is not None
        return self._trunk.report()

    def connectionLost(self, reason: Any = None) -> None:
        if reactor.running:
            reactor.stop()


def main() -> None:
    globalLogPublisher.addObserver(textFileLogObserver(sys.stderr))
    reactor.callWhenRunning(lambda: stdio.StandardIO(Orders()))
    reactor.run()


if __name__ == "__main__":
    main()
