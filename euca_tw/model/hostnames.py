"""The names of instances in their cloud's own domain."""

from __future__ import annotations

#: What names of instances end in, if the site says nothing else.
DOMAIN = "internal"


def private_hostname(private_ip: str, domain: str = DOMAIN) -> str:
    """EC2's form, C{ip-10-251-50-35.internal}; C{""} as long as there is no address."""
    return f"ip-{private_ip.replace('.', '-')}.{domain}" if private_ip else ""
