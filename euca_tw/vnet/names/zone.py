"""
What the names of a cloud's own domain say.

Pure, and without a table: a name says its address.  It is answered if instances can
have that address; whether one has it at the moment is not asked.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from attrs import field, frozen
from twisted.names import dns

from euca_tw.model.hostnames import address_in, private_hostname
from euca_tw.vnet.dhcp import METADATA_ADDRESS
from euca_tw.vnet.names.messages import Asked, answer

#: An address does not change its name; what is denied may soon be so.
LIFETIME_S = 60
#: EC2's name for the metadata service, which cloud-init knows.
_METADATA = b"instance-data"
_REVERSE = (b"in-addr", b"arpa")
_OCTETS = 4
#: A domain that is nobody's mail (RFC 2606).
_MAIL = b"nobody.invalid"


@frozen(kw_only=True)
class Zone:
    """
    @ivar domain: what all names end in, in small letters.
    @ivar ranges: of instances' addresses.
    """

    domain: str
    ranges: tuple[IPv4Network, ...]
    _labels: tuple[bytes, ...] = field(init=False)

    @_labels.default
    def _split(self) -> tuple[bytes, ...]:
        return tuple(self.domain.encode("ascii").split(b"."))

    def answer(self, asked: Asked) -> bytes | None:
        """None: the name is not of this cloud."""
        name = asked.name
        if name[-2:] == _REVERSE:
            return self._reverse(asked, name[:-2])
        depth = len(name) - len(self._labels)
        if depth < 0 or name[depth:] != self._labels:
            return None
        if not depth:
            return self._told(asked, self._origin(), 0)
        address = self._address(name[0]) if depth == 1 else None
        if address is not None:
            return self._told(asked, dns.Record_A(str(address), LIFETIME_S), depth)
        return self._denied(asked, dns.ENAME, depth)

    def _address(self, label: bytes) -> IPv4Address | None:
        if label == _METADATA:
            return METADATA_ADDRESS
        address = address_in(label.decode("latin-1"))
        return address if address is not None and self._has(address) else None

    def _reverse(self, asked: Asked, octets: tuple[bytes, ...]) -> bytes | None:
        if len(octets) != _OCTETS:
            return None
        try:
            address = IPv4Address(b".".join(reversed(octets)).decode("ascii"))
        except ValueError:
            return None
        if address == METADATA_ADDRESS:
            name = f"{_METADATA.decode()}.{self.domain}"
        elif self._has(address):
            name = private_hostname(str(address), self.domain)
        else:
            return None
        return self._told(asked, dns.Record_PTR(name, LIFETIME_S), 0)

    def _has(self, address: IPv4Address) -> bool:
        return any(address in each for each in self.ranges)

    def _told(self, asked: Asked, record: Any, depth: int) -> bytes:
        """
        That a name has this record, and no other.

        @param depth: so many labels the name has before its zone's.
        """
        if asked.kind not in (record.TYPE, dns.ALL_RECORDS):
            return self._denied(asked, dns.OK, depth)
        return answer(asked, dns.OK, [_header(asked, 0, record)], is_ours=True)

    def _denied(self, asked: Asked, code: int, depth: int) -> bytes:
        """Who is told so may remember it (RFC 2308)."""
        authority = [_header(asked, depth, self._origin())]
        return answer(asked, code, authority=authority, is_ours=True)

    def _origin(self) -> dns.Record_SOA:
        return dns.Record_SOA(
            mname=self.domain,
            rname=_MAIL,
            serial=1,
            refresh=LIFETIME_S,
            retry=LIFETIME_S,
            expire=LIFETIME_S,
            minimum=LIFETIME_S,
            ttl=LIFETIME_S,
        )


def _header(asked: Asked, depth: int, record: Any) -> dns.RRHeader:
    """Of the name that was asked, or of that which is so much above it."""
    name = b".".join(asked.labels[depth:])
    return dns.RRHeader(name, record.TYPE, dns.IN, LIFETIME_S, record)
