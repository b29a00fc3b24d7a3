"""
A tunnel as one would first write it: a TAP device, Twisted's own TLS, and one
C{write} for each frame of an Ethernet.  What L{bench.trunk} is compared with.

    python -m bench.per_frame DEVICE KEY CERTIFICATE PORT [HOST]
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path
from typing import Any

from OpenSSL import crypto
from twisted.internet import reactor as _reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions

reactor: Any = _reactor
_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x2, 0x1000
_LENGTH = struct.Struct("!H")


class Tunnel(Protocol):
    def __init__(self, device: int) -> None:
        self.device, self.rest = device, b""

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        reactor.addReader(self)

    def fileno(self) -> int:
        return self.device

    def logPrefix(self) -> str:
        return "tunnel"

    def doRead(self) -> None:
        frame = os.read(self.device, 65535)
        self.transport.write(_LENGTH.pack(len(frame)) + frame)

    def dataReceived(self, data: bytes) -> None:
        data, at = self.rest + data, 0
        while len(data) - at >= _LENGTH.size:
            [length] = _LENGTH.unpack_from(data, at)
            end = at + _LENGTH.size + length
            if end > len(data):
                break
            os.write(self.device, data[at + _LENGTH.size : end])
            at = end
        self.rest = data[at:]

    def connectionLost(self, reason: Any = None) -> None:
        if reactor.running:
            reactor.stop()


def main() -> None:
    name, key, certificate, port, *host = sys.argv[1:]
    device = os.open("/dev/net/tun", os.O_RDWR)
    wanted = struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI)
    fcntl.ioctl(device, _TUNSETIFF, wanted)
    options = CertificateOptions(
        privateKey=crypto.load_privatekey(crypto.FILETYPE_PEM, Path(key).read_bytes()),
        certificate=crypto.load_certificate(
            crypto.FILETYPE_PEM, Path(certificate).read_bytes()
        ),
    )
    factory = Factory.forProtocol(lambda: Tunnel(device))  # type: ignore[arg-type]
    if host:
        reactor.connectSSL(host[0], int(port), _Client(device), options)
    else:
        reactor.listenSSL(int(port), factory, options)
    reactor.run()


class _Client:
    noisy = False

    def __init__(self, device: int) -> None:
        self.device = device

    def doStart(self) -> None: ...
    def doStop(self) -> None: ...
    def startedConnecting(self, connector: Any) -> None: ...
    def buildProtocol(self, address: Any) -> Protocol:
        return Tunnel(self.device)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        reactor.callLater(0.2, connector.connect)

    def clientConnectionLost(self, connector: Any, reason: Any) -> None:
        if reactor.running:
            reactor.stop()


if __name__ == "__main__":
    main()
