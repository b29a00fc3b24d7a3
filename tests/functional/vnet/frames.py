"""Frames that a guest may send, and such as it may not."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

BROADCAST = "ff:ff:ff:ff:ff:ff"
ARP, IP, IPV6, VLAN, QINQ, LLDP, PPPOE = (
    *(0x0806, 0x0800, 0x86DD, 0x8100, 0x88A8, 0x88CC, 0x8863),
)
#: What is looked for in what arrives.
PAYLOAD = b"euca_tw was here"


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def ethernet(source: str, target: str, kind: int, payload: bytes) -> bytes:
    return _mac(target) + _mac(source) + struct.pack("!H", kind) + payload


def tagged(frame: bytes, kind: int = VLAN) -> bytes:
    """The same frame with a tag, of VLAN 5."""
    return frame[:12] + struct.pack("!HH", kind, 5) + frame[12:]


def arp(
    source: str,
    sender_mac: str,
    sender: str,
    asked: str,
    *,
    operation: int = 1,
    target: str = BROADCAST,
) -> bytes:
    """@param source: as whom the frame is sent, whatever it says."""
    said = struct.pack("!HHBBH", 1, IP, 6, 4, operation)
    said += _mac(sender_mac) + IPv4Address(sender).packed
    said += bytes(6) + IPv4Address(asked).packed
    return ethernet(source, target, ARP, said + PAYLOAD)


def udp(
    source: str,
    sender: str,
    target: str,
    receiver: str,
    ports: tuple[int, int],
) -> bytes:
    """@param source, target: MAC addresses; C{sender}, C{receiver}: of IP."""
    body = struct.pack("!HHHH", *ports, 8 + len(PAYLOAD), 0) + PAYLOAD
    head = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, 20 + len(body), 1, 0, 64, 17, 0),
        IPv4Address(sender).packed,
        IPv4Address(receiver).packed,
    )
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", ~total & 0xFFFF) + head[12:]
    return ethernet(source, target, IP, head + body)


def router_advertisement(source: str) -> bytes:
    link_local = bytes.fromhex("fe80000000000000000000000000dead")
    everybody = bytes.fromhex("ff020000000000000000000000000001")
    said = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + PAYLOAD
    head = struct.pack("!IHBB", 6 << 28, len(said), 58, 255) + link_local + everybody
    return ethernet(source, "33:33:00:00:00:01", IPV6, head + said)


def bridge_protocol(source: str) -> bytes:
    """A guest that says that it is a bridge."""
    said = b"\x42\x42\x03" + bytes(35)
    return _mac("01:80:c2:00:00:00") + _mac(source) + struct.pack("!H", 38) + said
