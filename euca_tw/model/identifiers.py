"""
Identifiers as EC2 and the original Eucalyptus form them.

Randomness is an argument: L{Minter} is given its source, so that a cloud
in a test names the same things the same way from the same seed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from random import Random
from typing import NewType

from attrs import field, frozen

InstanceId = NewType("InstanceId", str)
ReservationId = NewType("ReservationId", str)
ImageId = NewType("ImageId", str)
GroupId = NewType("GroupId", str)
AccountId = NewType("AccountId", str)

#: The prefix of an image's identifier tells what it is.
IMAGE_PREFIXES = {"machine": "emi", "kernel": "eki", "ramdisk": "eri"}

_FORM = re.compile(r"[a-z]+-[0-9a-f]{8}(?:[0-9a-f]{9})?\Z")


def is_identifier(text: str, *prefixes: str) -> bool:
    """Whether C{text} has the form C{prefix-hex8} (or EC2's later 17 digits)."""
    return _FORM.match(text) is not None and text.partition("-")[0] in prefixes


def derived_identifier(prefix: str, text: str) -> str:
    """What is named by something that is different for each: a long identifier."""
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}-{digest[:17]}"


def mac_address(instance_id: InstanceId) -> str:
    """
    The original's rule: C{d0:0d} and the four bytes of the instance's number.
    """
    number = instance_id.partition("-")[2][:8]
    return ":".join(["d0", "0d", *(number[n : n + 2] for n in range(0, 8, 2))])


@frozen
class Minter:
    """
    Makes identifiers that are not yet taken.

    @ivar random: where the digits come from; C{random.SystemRandom()} in a
        daemon, a seeded C{Random} in tests.
    """

    random: Random = field(repr=False)

    def mint(self, prefix: str, is_taken: Callable[[str], bool]) -> str:
        """A new C{prefix-hex8}."""
        while is_taken(made := f"{prefix}-{self.random.getrandbits(32):08x}"):
            pass
        return made

    def account(self, is_taken: Callable[[str], bool]) -> AccountId:
        """A new account number, twelve digits."""
        while is_taken(made := f"{self.random.randrange(10**11, 10**12)}"):
            pass
        return AccountId(made)

    def uuid(self) -> str:
        """For requests and messages (RFC 9562, version 4)."""
        bits = self.random.getrandbits(128)
        bits = bits & ~(0xF000 << 64) | (4 << 76)
        bits = bits & ~(0xC000 << 48) | (2 << 62)
        text = f"{bits:032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
