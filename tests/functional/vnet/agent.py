"""
A process that keeps the links of the namespace that it runs in, as it is told.

Records come and go pickled: the tests' own process is the only one it talks to.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any, BinaryIO

from twisted.internet.defer import Deferred

from euca_tw.common.in_thread import in_this_thread
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.links_host import LinksHost
from euca_tw.vnet.netlink import KernelLinks


def send(stream: BinaryIO, what: object) -> None:
    pickle.dump(what, stream)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    return pickle.load(stream)


def main() -> None:
    """Do what is asked, a method's name and its arguments, until there is no more."""
    links = KernelLinks()
    host = LinksHost(links, in_this_thread)
    while True:
        try:
            name, arguments = receive(sys.stdin.buffer)
        except EOFError:
            return
        if name == "look":
            send(sys.stdout.buffer, links.look())
            continue
        answers: list[Any] = []
        done = Deferred.fromCoroutine(getattr(host, name)(*arguments))
        done.addErrback(lambda failure: failure.trap(NetworkFailed) and failure.value)
        done.addCallback(answers.append)
        send(sys.stdout.buffer, answers[0])


if __name__ == "__main__":
    main()
