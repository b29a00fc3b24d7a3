"""
Heads in memory: their trunks are the real ones, TLS and all; what is not is the
network between them, which is wires of this module, the devices, and the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from errno import ECONNREFUSED, EHOSTUNREACH
from functools import cache
from itertools import count
from random import Random
from select import EPOLLHUP, EPOLLIN, EPOLLOUT
from typing import Any

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from twisted.internet.task import Clock

from euca_tw.common.certificates import KeyAndCertificate
from euca_tw.vnet.trunk.frames import VNET_HEADER, cluster_id
from euca_tw.vnet.trunk.routes import Table
from euca_tw.vnet.trunk.service import Trunk
from euca_tw.vnet.trunk.settings import Address, PeerSettings, TrunkSettings
from euca_tw.vnet.trunk.watch import Watch

PORT = 8776
NETWORK = 7
#: Of the network; of a memory's wire.
ROUTER = bytes((10, 0, 7, 1))
_WIRE_HOLDS = 400_000
BROADCAST = b"\xff" * 6


@cache
def keys_of(name: str) -> KeyAndCertificate:
    """On a curve, where they are made quickly."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the same for all")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return KeyAndCertificate(
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate_pem=certificate.public_bytes(Encoding.PEM),
    )


def mac_of(name: str, network: int = NETWORK) -> bytes:
    """Of the one instance that a cluster has on a network."""
    return b"\x02" + network.to_bytes(1) + cluster_id(name).to_bytes(4)


def frame(
    source: bytes, destination: bytes, said: bytes = b"", kind: bytes = b"\x08\x00"
) -> bytes:
    """As a device gives and takes it."""
    return bytes(VNET_HEADER) + destination + source + kind + said


def table_of(name: str, names: list[str], network: int = NETWORK) -> Table:
    away = {
        mac_of(other, network): cluster_id(other) for other in names if other != name
    }
    return Table(
        here=frozenset((mac_of(name, network),)),
        away=away,
        clusters=tuple(sorted(set(away.values()))),
        router=ROUTER,
    )


@define(eq=False)
class MemoryEpoll:
    """
    Those registered that are ready, in turn.

    @ivar is_reversed: the last registered first.
    """

    _objects: Mapping[int, Any]
    is_reversed: bool = False
    _masks: dict[int, int] = field(init=False, factory=dict)

    def register(self, fd: int, eventmask: int, /) -> None:
        assert fd in self._objects and fd not in self._masks
        self._masks[fd] = eventmask

    def modify(self, fd: int, eventmask: int, /) -> None:
        assert fd in self._masks
        self._masks[fd] = eventmask

    def unregister(self, fd: int, /) -> None:
        del self._masks[fd]

    def poll(self, timeout: float, maxevents: int, /) -> list[tuple[int, int]]:
        ready = []
        for fd, mask in list(self._masks.items())[:: -1 if self.is_reversed else 1]:
            found = self._objects[fd].state() & (mask | EPOLLHUP)
            if found and len(ready) < maxevents:
                ready.append((fd, found))
                self._masks[fd] = self._masks.pop(fd)
        return ready

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        """Nothing is to be done."""


@define(eq=False)
class MemoryWire:
    """One end of a connection; C{sent} is all that it ever sent."""

    fd: int
    peer: MemoryWire | None = None
    inbox: bytearray = field(factory=bytearray)
    sent: bytearray = field(factory=bytearray)
    is_closed: bool = False
    is_cut: bool = False
    holds: int = _WIRE_HOLDS

    def fileno(self) -> int:
        return self.fd

    def state(self) -> int:
        assert self.peer is not None
        mask = EPOLLIN if self.inbox or self.peer.is_closed else 0
        return mask | (EPOLLOUT if self._room() > 0 else 0)

    def _room(self) -> int:
        assert self.peer is not None
        return self.holds - len(self.peer.inbox)

    def send(self, data: memoryview, /) -> int:
        assert self.peer is not None and not self.is_closed
        if self.peer.is_closed:
            raise ConnectionResetError(104, "Connection reset by peer")
        room = self._room()
        if room <= 0:
            raise BlockingIOError
        taken = bytes(data[:room])
        self.sent += taken
        if not self.is_cut:
            self.peer.inbox += taken
        return len(taken)

    def recv_into(self, buffer: memoryview, /) -> int:
        assert self.peer is not None
        size = min(len(buffer), len(self.inbox))
        if not size and not self.peer.is_closed:
            raise BlockingIOError
        buffer[:size] = self.inbox[:size]
        del self.inbox[:size]
        return size

    def close(self) -> None:
        self.is_closed = not self.is_cut


@define(eq=False)
class MemoryDevice:
    """
    @ivar outbox: frames of the bridge for the trunk.
    @ivar inbox: what came out of the trunk.
    """

    fd: int
    outbox: deque[bytes] = field(factory=deque)
    inbox: list[bytes] = field(factory=list)
    trouble: OSError | None = None
    is_closed: bool = False
    with_uso: bool = False

    def fileno(self) -> int:
        return self.fd

    def state(self) -> int:
        return EPOLLIN if self.outbox or self.trouble else 0

    def readinto(self, room: memoryview, /) -> int | None:
        if self.trouble:
            raise self.trouble
        if not self.outbox:
            return None
        got = self.outbox.popleft()
        room[: len(got)] = got
        return len(got)

    def write(self, got: memoryview, /) -> int:
        self.inbox.append(bytes(got))
        return len(got)

    def leave_uncut(self, *, with_uso: bool) -> None:
        self.with_uso = with_uso

    def close(self) -> None:
        self.is_closed = True


class MemoryReactor(Clock):
    """The time; what is read is read by L{World.settle}."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[object] = set()

    def addReader(self, reader: object) -> None:
        self.readers.add(reader)

    def removeReader(self, reader: object) -> None:
        self.readers.discard(reader)


@define(eq=False)
class World:
    """
    @ivar apart: pairs of heads that cannot connect.
    @ivar wires: all there were, by who dialled whom.
    """

    reactor: MemoryReactor = field(factory=MemoryReactor)
    trunks: dict[str, Trunk] = field(factory=dict)
    devices: dict[tuple[str, str], MemoryDevice] = field(factory=dict)
    apart: set[frozenset[str]] = field(factory=set)
    wires: list[tuple[str, str, MemoryWire]] = field(factory=list)
    objects: dict[int, Any] = field(factory=dict)
    _doors: dict[str, Callable[[Any, str], None]] = field(factory=dict)
    _numbers: Any = field(factory=lambda: count(3))

    def head(
        self, name: str, peers: Mapping[str, str], seed: int = 0, **options: Any
    ) -> Trunk:
        """
        @param peers: by name, where to connect to: the name again, or nowhere.
        """
        settings = TrunkSettings(
            cluster=name,
            listen=options.pop("listen", f":{PORT}"),
            peers={
                each: PeerSettings(
                    address=f"{host}:{PORT}" if host else "",
                    certificate_pem=keys_of(each).certificate_pem,
                )
                for each, host in peers.items()
            },
            key_pem=keys_of(name).key_pem,
            certificate_pem=keys_of(name).certificate_pem,
            **{"retry_first_s": 0.5, **options},
        )
        return self.trunk(settings, seed)

    def trunk(
        self, settings: TrunkSettings, seed: int = 0, *, takes_uso: bool = False
    ) -> Trunk:
        name = settings.cluster
        epoll = MemoryEpoll(self.objects)
        trunk = self.trunks[name] = Trunk(
            reactor=self.reactor,
            settings=settings,
            random=Random(f"{name} {seed}"),
            epoll=epoll,
            watched=Watch(epoll),
            lines=_Lines(self, name),
            open_device=lambda device: self.open_device(name, device),
            takes_uso=takes_uso,
        )
        return trunk

    def full_mesh(self, names: list[str], **options: Any) -> None:
        """All connect to all, and have an instance of the network."""
        for name in names:
            peers = {each: each for each in names if each != name}
            self.head(name, peers, **options)
            self.trunks[name].set_networks({NETWORK: table_of(name, names)})
        for name in names:
            self.trunks[name].startService()

    def open_device(self, name: str, device: str) -> MemoryDevice:
        opened = MemoryDevice(next(self._numbers))
        self.objects[opened.fd] = self.devices[name, device] = opened
        return opened

    def device(self, name: str, network: int = NETWORK) -> MemoryDevice:
        return self.devices[name, f"evt{network:06x}"]

    def wire(self, one: str, other: str) -> tuple[MemoryWire, MemoryWire]:
        ends = MemoryWire(next(self._numbers)), MemoryWire(next(self._numbers))
        for end, opposite in zip(ends, reversed(ends), strict=True):
            end.peer = opposite
            self.objects[end.fd] = end
        self.wires.append((one, other, ends[0]))
        return ends

    def cut(self, one: str, other: str, *, is_seen: bool = True) -> None:
        """
        Part them, and keep them apart.

        @param is_seen: whether they are told; else all is silent.
        """
        self.apart.add(frozenset((one, other)))
        for dialler, dialled, wire in self.wires:
            if {dialler, dialled} == {one, other}:
                for end in (wire, wire.peer):
                    assert end is not None
                    end.is_cut = not is_seen
                    if is_seen:
                        end.is_closed = True

    def settle(self, seconds: float = 0) -> None:
        """Let time pass, and all happen that there is to happen."""
        steps = max(1, round(seconds * 4))
        for _ in range(steps):
            self.reactor.advance(seconds / steps)
            self._run()

    def _run(self) -> None:
        before = None
        while before != (before := self._progress()):
            for trunk in list(self.trunks.values()):
                if trunk.running:
                    trunk.mesh.pump.turn()
            self.reactor.advance(0)

    def _progress(self) -> tuple[int, ...]:
        ends = [end for *_, wire in self.wires for end in (wire, wire.peer) if end]
        sent = sum(len(each.sent) for each in ends)
        waiting = sum(len(each.inbox) for each in ends)
        queued = sum(len(each.outbox) for each in self.devices.values())
        return sent, waiting, queued, len(self.wires)

    def received(self, name: str, network: int = NETWORK) -> list[bytes]:
        """What came to an instance since this was last asked: who sent it, what."""
        device = self.device(name, network)
        got, device.inbox = device.inbox, []
        return [each[VNET_HEADER + 6 :] for each in got]

    def links(self, name: str) -> set[str]:
        """Whom it is connected to."""
        peers = self.trunks[name].mesh.peers.values()
        return {each.name for each in peers if each.link is not None}


@define(eq=False)
class _Lines:
    """Of one head."""

    _world: World
    _name: str

    async def dial(self, address: Address) -> MemoryWire:
        world, other = self._world, address.host
        if frozenset((self._name, other)) in world.apart:
            raise OSError(EHOSTUNREACH, "No route to host")
        if other not in world._doors:
            raise OSError(ECONNREFUSED, "Connection refused")
        mine, its = world.wire(self._name, other)
        world.reactor.callLater(0, world._doors[other], its, self._name)
        return mine

    def listen(
        self, address: Address, arrived: Callable[[Any, str], None]
    ) -> Callable[[], None]:
        self._world._doors[self._name] = arrived
        return lambda: self._world._doors.pop(self._name, None) and None
