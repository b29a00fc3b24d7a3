"""Keys for tests, made once in a run."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from euca_tw.common.certificates import KeyAndCertificate, make_certificate
from euca_tw.soap.keys import Identity, load_identity

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@cache
def pair(name: str) -> KeyAndCertificate:
    return make_certificate(name, NOW, 365)


@cache
def identity(name: str) -> Identity:
    made = pair(name)
    return load_identity(made.key_pem, made.certificate_pem)
