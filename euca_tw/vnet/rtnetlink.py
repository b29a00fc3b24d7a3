"""
What messages of rtnetlink are made of: their numbers, headers and attributes.

Pure.  Only what is said of the links and tables of networks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

#: What a message is about, and what shall be done with it.
NEWLINK, DELLINK, GET_LINKS = 16, 17, 18
NEWADDR, DELADDR, GET_ADDRESSES = 20, 21, 22
NEWROUTE, DELROUTE, GET_ROUTES = 24, 25, 26
NEWNEIGH, DELNEIGH, GET_NEIGHBOURS = 28, 29, 30
REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
REPLACE, EXCLUSIVE, CREATE, APPEND = 0x100, 0x200, 0x400, 0x800

AF_BRIDGE = 7
#: What the kernel calls links that are named with these letters.
KINDS = {"b": "bridge", "x": "vxlan", "t": "tun"}
#: Of a link: that it is up; of one that is a tun: that it is a TAP.
UP, TAP = 0x1, 2
#: Of an address and a route: that it is of the link itself.
SCOPE_LINK = 253
#: Of a route: that it is one like most.
TABLE_MAIN, UNICAST = 254, 1
#: That who it goes by is on the link, whatever other routes say.
ONLINK = 4
#: Of a neighbour: its state, and whose table it is in.
NOARP, PERMANENT = 0x40, 0x80
SELF, MASTER = 0x2, 0x4
#: Counters are left out of a list of links.
SKIP_STATISTICS = 8
#: Attributes: of a link, and of a neighbour.
IFNAME, MASTER_OF, GROUP = 3, 10, 27
DST, LLADDR, BRIDGE = 1, 2, 9

#: Length with itself, kind, flags, number, port.
HEADER = struct.Struct("=IHHII")
#: Family, link, state, whose table, type.
NEIGHBOUR = struct.Struct("=BxxxiHBB")
#: Length with itself, number.
ATTRIBUTE = struct.Struct("=HH")
#: Of a link, the index; and so many bytes are before its attributes.
IFINDEX = struct.Struct("=4xi")
OF_LINK = 16

# Note [Whose a link is from the first]
#
# The kernel takes no alias for a link that it is to make, and a process may end
# before it has given one.  But it takes a group: so a link begins in a group that
# no other is in, and leaves it when it gets its alias.  One that is found in it is
# half made, and ours.

BEGUN = 0xE2CA

# Note [They go together]
#
# To let a link go, the kernel waits till nobody looks at it any more, tens of
# milliseconds, and does nothing else with links meanwhile; for many that go at
# once it waits but once.  At once goes who is in a group.  Somebody might have put
# others in that: then each of ours goes by itself.

ENDING = 0xE2CB


def message(kind: int, flags: int, body: bytes) -> bytes:
    """With a header whose sequence number is to be filled in."""
    return HEADER.pack(HEADER.size + len(body), kind, flags, 0, 0) + body


def attributes(body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Number and value of each."""
    while offset + 4 <= len(body):
        length, kind = ATTRIBUTE.unpack_from(body, offset)
        if length < ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, body[offset + 4 : offset + length]
        offset += (length + 3) & ~3
