"""
Signature version 4, in the Authorization header or in the URL.

The scope is taken as the client gives it: clients of private clouds have no
region and make one up (C{undefined-1533}, C{0}).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest, digest

from attrs import frozen

from euca_tw.api.errors import (
    IncompleteSignature,
    InvalidParameterValue,
    SignatureDoesNotMatch,
)
from euca_tw.query.signed import (
    SHOWN,
    WINDOW_S,
    SecretOf,
    Signed,
    check_age,
    hosts_and_paths,
    mismatch,
    quoted,
    secret_of_key,
)

#: How long a request may be valid that says itself how long.
MAX_EXPIRES_S = 7 * 24 * 3600
MAX_SIGNED_HEADERS = 50

_ALGORITHM = "AWS4-HMAC-SHA256"


@frozen
class Claim:
    """
    What a client says of its signature.

    @ivar headers: the names of the signed ones, joined by C{;}.
    @ivar said_at: as C{X-Amz-Date} has it.
    @ivar query: the URL's parameters, as far as they are signed.
    @ivar needed: headers that must be among the signed ones.
    """

    key_id: str
    date: str
    region: str
    service: str
    headers: str
    signature: str
    said_at: str
    valid_s: float
    query: list[tuple[str, str]]
    needed: frozenset[str]


_CREDENTIAL = r"([^/,\s]+)/([0-9]{8})/([^/,\s]+)/([^/,\s]+)/aws4_request"
_match_credential = re.compile(_CREDENTIAL).fullmatch
_match_header = re.compile(
    rf"{_ALGORITHM}\s+Credential={_CREDENTIAL}\s*,\s*SignedHeaders=([^,\sA-Z]+)"
    r"\s*,\s*Signature=([0-9a-f]{64})\s*"
).fullmatch
_match_time = re.compile("([0-9]{8})T([0-9]{2})([0-9]{2})([0-9]{2})Z").fullmatch

_IN_HEADER = frozenset({"host", "x-amz-date"})
_IN_URL = frozenset({"host"})


def claim_of_header(signed: Signed, authorization: str) -> Claim:
    """@raise IncompleteSignature: it is not of the form that we take."""
    found = _match_header(authorization)
    if found is None:
        raise IncompleteSignature(
            "The Authorization header is not of the form 'AWS4-HMAC-SHA256 "
            "Credential=<key>/<date>/<region>/<service>/aws4_request, "
            "SignedHeaders=<names>, Signature=<64 hexadecimal digits>'"
        )
    said_at = signed.headers("x-amz-date")
    if said_at is None:
        raise IncompleteSignature("The header X-Amz-Date is missing")
    key_id, date, region, service, headers, signature = found.groups()
    return Claim(
        key_id,
        date,
        region,
        service,
        headers,
        signature,
        said_at,
        WINDOW_S,
        signed.query,
        _IN_HEADER,
    )


def claim_of_url(signed: Signed) -> Claim:
    """
    @raise IncompleteSignature: it is not of the form that we take.
    @raise InvalidParameterValue: it wants to be valid for ever.
    """
    given = dict(signed.query)
    for name in ("Algorithm", "Credential", "Date", "SignedHeaders", "Signature"):
        if f"X-Amz-{name}" not in given:
            raise IncompleteSignature(f"The URL has no parameter X-Amz-{name}")
    found = _match_credential(given["X-Amz-Credential"])
    if found is None or given["X-Amz-Algorithm"] != _ALGORITHM:
        raise IncompleteSignature(
            f"X-Amz-Algorithm is not {_ALGORITHM}, or X-Amz-Credential not of the "
            "form <key>/<date>/<region>/<service>/aws4_request"
        )
    key_id, date, region, service = found.groups()
    return Claim(
        key_id,
        date,
        region,
        service,
        given["X-Amz-SignedHeaders"],
        given["X-Amz-Signature"],
        given["X-Amz-Date"],
        _valid_s(given.get("X-Amz-Expires")),
        [pair for pair in signed.query if pair[0] != "X-Amz-Signature"],
        _IN_URL,
    )


def _valid_s(expires: str | None) -> float:
    if expires is None:
        return WINDOW_S
    is_number = expires.isascii() and expires.isdigit() and len(expires) < 10
    if not is_number or not 0 < int(expires) <= MAX_EXPIRES_S:
        raise InvalidParameterValue(
            "X-Amz-Expires", expires[:SHOWN], f"It is from 1 to {MAX_EXPIRES_S}."
        )
    return int(expires)


def verify(signed: Signed, claim: Claim, secret_of: SecretOf, now: float) -> str:
    """
    The id of the access key.

    @raise RequestExpired:
    @raise IncompleteSignature:
    @raise AuthFailure:
    @raise SignatureDoesNotMatch:
    """
    check_age(_seconds(claim.said_at), now, claim.valid_s)
    if not claim.said_at.startswith(claim.date):
        raise IncompleteSignature(
            f"The date of the credential's scope ({claim.date}) is not that of "
            f"X-Amz-Date ({claim.said_at})"
        )
    names = claim.headers.split(";")
    if not claim.needed.issubset(names) or len(names) > MAX_SIGNED_HEADERS:
        raise IncompleteSignature(
            f"The signed headers must be {MAX_SIGNED_HEADERS} at most, and among them "
            f"{', '.join(sorted(claim.needed))}"
        )
    secret = secret_of_key(claim.key_id, secret_of)
    key = _signing_key(secret, claim.date, claim.region, claim.service)
    said = claim.signature.encode()
    for text in _texts(signed, claim, names):
        if compare_digest(digest(key, text.encode(), "sha256").hex().encode(), said):
            return claim.key_id
    raise mismatch(signed, claim.said_at)


def _texts(signed: Signed, claim: Claim, names: list[str]) -> Iterator[str]:
    """What may have been signed, the likely first."""
    headers = {name: _header(signed, name) for name in names}
    query = "&".join(
        [
            f"{name}={value}"
            for name, value in sorted([(quoted(n), quoted(v)) for n, v in claim.query])
        ]
    )
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    body_hash = sha256(signed.body).hexdigest()
    for host, path in hosts_and_paths(signed):
        headers["host"] = host
        lines = "".join([f"{name}:{headers[name]}\n" for name in names])
        canonical = (
            f"{signed.method}\n{path}\n{query}\n{lines}\n{claim.headers}\n{body_hash}"
        )
        hashed = sha256(canonical.encode()).hexdigest()
        yield f"{_ALGORITHM}\n{claim.said_at}\n{scope}\n{hashed}"


def _header(signed: Signed, name: str) -> str:
    value = signed.headers(name)
    if value is None:
        raise SignatureDoesNotMatch(
            f"The header {name[:SHOWN]} is among the signed ones, but is not there."
        )
    return " ".join(value.split()) if "  " in value else value


def _seconds(said: str) -> float:
    found = _match_time(said)
    try:
        if found is None:
            raise ValueError(said)
        day, hour, minute, second = found.groups()
        return _midnight(day) + int(hour) * 3600 + int(minute) * 60 + int(second)
    except ValueError:
        raise IncompleteSignature(
            f"X-Amz-Date ({said[:SHOWN]}) is not a time like 20261123T080000Z"
        ) from None


@lru_cache(maxsize=64)
def _midnight(day: str) -> float:
    return (datetime(int(day[:4]), int(day[4:6]), int(day[6:]), tzinfo=UTC)).timestamp()


@lru_cache(maxsize=1024)
def _signing_key(secret: bytes, date: str, region: str, service: str) -> bytes:
    """Good for a day; by secret, so that a changed one is never mistaken."""
    key = b"AWS4" + secret
    for part in (date, region, service, "aws4_request"):
        key = digest(key, part.encode(), "sha256")
    return key


__all__ = ["Claim", "claim_of_header", "claim_of_url", "verify"]
