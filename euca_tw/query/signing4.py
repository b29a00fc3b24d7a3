"""
Signature version 4, in the Authorization header or in the URL.

The scope is taken as the client gives it: clients of private clouds have no
region and make one up (C{undefined-1533}, C{0}).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    seconds,
    secret_of_key,
)

#: How long a request may be valid that says itself how long.
MAX_EXPIRES_S = 7 * 24 * 3600
MAX_SIGNED_HEADERS = 50

_ALGORITHM = "AWS4-HMAC-SHA256"


@frozen
class Scope:
    """
    What a client says of its signature that is the same for many requests.

    @ivar joined: the names of the signed headers, joined by C{;}.
    """

    key_id: str
    date: str
    region: str
    service: str
    joined: str
    text: str
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, key_id: str, date: str, region: str, service: str, joined: str
    ) -> Scope:
        text = f"{date}/{region}/{service}/aws4_request"
        return cls(key_id, date, region, service, joined, text, (*joined.split(";"),))


@frozen
class Claim:
    """
    What it says of one.

    @ivar said_at: as C{X-Amz-Date} has it.
    @ivar query: the URL's parameters, as far as they are signed.
    @ivar needed: headers that must be among the signed ones.
    """

    scope: Scope
    signature: str
    said_at: str
    valid_s: float
    query: list[tuple[str, str]]
    needed: frozenset[str]


_CREDENTIAL = r"([^/,\s]+)/([0-9]{8})/([^/,\s]+)/([^/,\s]+)/aws4_request"
_match_credential = re.compile(_CREDENTIAL).fullmatch
_match_header = re.compile(
    rf"{_ALGORITHM}\s+Credential={_CREDENTIAL}\s*,\s*SignedHeaders=([^,\sA-Z]+)"
    r"\s*,\s*Signature="
).fullmatch
#: No Authorization header that is right is longer.
_MAX_HEADER = 4096
#: Of the signature in the header, hexadecimal.
_SIGNATURE_LENGTH = 64
_match_time = re.compile("([0-9]{8})T([0-9]{2})([0-9]{2})([0-9]{2})Z").fullmatch

_IN_HEADER = frozenset({"host", "x-amz-date"})
_IN_URL = frozenset({"host"})


def claim_of_header(signed: Signed, authorization: str) -> Claim:
    """@raise IncompleteSignature: it is not of the form that we take."""
    cut = len(authorization) - _SIGNATURE_LENGTH
    said_at = signed.headers("x-amz-date")
    if said_at is None:
        raise IncompleteSignature("The header X-Amz-Date is missing")
    return Claim(
        _scope_of_header(authorization[: max(cut, 0)]),
        authorization[cut:],
        said_at,
        WINDOW_S,
        signed.query,
        _IN_HEADER,
    )


@lru_cache(maxsize=1024)
def _scope_of_header(begun: str) -> Scope:
    """@param begun: the header, without the signature at its end."""
    found = _match_header(begun)
    if found is None or len(begun) > _MAX_HEADER:
        raise IncompleteSignature(
            "The Authorization header is not of the form 'AWS4-HMAC-SHA256 "
            "Credential=<key>/<date>/<region>/<service>/aws4_request, "
            "SignedHeaders=<names>, Signature=<64 hexadecimal digits>'"
        )
    key_id, date, region, service, joined = found.groups()
    return Scope.of(key_id, date, region, service, joined)


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
        Scope.of(key_id, date, region, service, given["X-Amz-SignedHeaders"]),
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
    scope = claim.scope
    check_age(_seconds(claim.said_at), now, claim.valid_s)
    if not claim.said_at.startswith(scope.date):
        raise IncompleteSignature(
            f"The date of the credential's scope ({scope.date}) is not that of "
            f"X-Amz-Date ({claim.said_at})"
        )
    names = scope.names
    if not claim.needed.issubset(names) or len(names) > MAX_SIGNED_HEADERS:
        raise IncompleteSignature(
            f"The signed headers must be {MAX_SIGNED_HEADERS} at most, and among them "
            f"{', '.join(sorted(claim.needed))}"
        )
    secret = secret_of_key(scope.key_id, secret_of)
    key = _signing_key(secret, scope.date, scope.region, scope.service)
    said = claim.signature.encode()
    for text in _texts(signed, claim):
        if compare_digest(digest(key, text.encode(), "sha256").hex().encode(), said):
            return scope.key_id
    raise mismatch(signed, claim.said_at)


def _texts(signed: Signed, claim: Claim) -> Iterator[str]:
    """What may have been signed, the likely first."""
    names = claim.scope.names
    headers = {name: _header(signed, name) for name in names}
    query = _query(claim.query) if claim.query else ""
    scope = claim.scope.text
    body_hash = sha256(signed.body).hexdigest()
    for host, path in hosts_and_paths(signed):
        headers["host"] = host
        lines = "".join([f"{name}:{headers[name]}\n" for name in names])
        canonical = (
            f"{signed.method}\n{path}\n{query}\n{lines}\n{claim.scope.joined}\n"
            f"{body_hash}"
        )
        hashed = sha256(canonical.encode()).hexdigest()
        yield f"{_ALGORITHM}\n{claim.said_at}\n{scope}\n{hashed}"


def _query(pairs: list[tuple[str, str]]) -> str:
    written = sorted([(quoted(name), quoted(value)) for name, value in pairs])
    return "&".join([f"{name}={value}" for name, value in written])


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
        return seconds(*found.groups())
    except ValueError:
        raise IncompleteSignature(
            f"X-Amz-Date ({said[:SHOWN]}) is not a time like 20261123T080000Z"
        ) from None


@lru_cache(maxsize=1024)
def _signing_key(secret: bytes, date: str, region: str, service: str) -> bytes:
    """Good for a day; by secret, so that a changed one is never mistaken."""
    key = b"AWS4" + secret
    for part in (date, region, service, "aws4_request"):
        key = digest(key, part.encode(), "sha256")
    return key


__all__ = ["Claim", "Scope", "claim_of_header", "claim_of_url", "verify"]
