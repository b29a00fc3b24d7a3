"""
The names of instances in their cloud's own domain.

A name says the address that it stands for, so nobody needs a table to know which
name has which address.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address

#: What names of instances end in, if the site says nothing else.
DOMAIN = "internal"

_LABEL = re.compile(
    r"ip-(0|[1-9]\d{0,2})-(0|[1-9]\d{0,2})-(0|[1-9]\d{0,2})-"
    r"(0|[1-9]\d{0,2})\Z",
    re.ASCII,
)
_DOMAIN = re.compile(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    r"(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)
#: With an instance's label before it, and a dot, it is a hostname to every system.
_LONGEST_DOMAIN = 44


def private_hostname(private_ip: str, domain: str = DOMAIN) -> str:
    """EC2's form, C{ip-10-251-50-35.internal}; C{""} as long as there is no address."""
    return f"ip-{private_ip.replace('.', '-')}.{domain}" if private_ip else ""


def address_in(label: str) -> IPv4Address | None:
    """
    The address that a name's first label says, in small letters.

    @return: None for what is no label of an instance's name.
    """
    found = _LABEL.match(label)
    if found is None:
        return None
    octets = [int(each) for each in found.groups()]
    return IPv4Address(bytes(octets)) if max(octets) < 256 else None


def check_domain(text: str) -> None:
    """@raise ValueError: it is none; the text is for the operator."""
    if not _DOMAIN.match(text) or len(text) > _LONGEST_DOMAIN:
        raise ValueError(
            f"{text!r} is no domain, as cloud.internal: small letters, digits and - "
            f"between dots, {_LONGEST_DOMAIN} at most"
        )
