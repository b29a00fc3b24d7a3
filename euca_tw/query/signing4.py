"""
Signature version 4, in the Authorization header or in the URL.

The scope is taken as the client gives it: clients of private clouds have no
region and make one up (C{undefined-1533}, C{0}).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from hmac import compare_digest, digest
from itertools import chain
from urllib.parse import quote_from_bytes

from attrs import define

from euca_tw.api.errors import IncompleteSignature, InvalidParameterValue
from euca_tw.query.signed import (
    MAX_EXPIRES_S,
    SHOWN,
    SecretOf,
    Signed,
    check_expiry,
    check_future,
    check_time,
    hosts_and_paths,
    quoted,
    refusal,
    secret_or_decoy,
    wire,
)
from euca_tw.query.signing_keys import Remembered, Scope, SigningKeys, signing_key
from euca_tw.query.times import date_header, long_seconds

MAX_SIGNED_HEADERS = 50

_ALGORITHM = "AWS4-HMAC-SHA256"


@define(eq=False)
class Claim:
    """
    What a client says of one signature.  (Not frozen: to make one would take
    twice as long, and there is one for each request.)

    @ivar said_at: the time that is signed, as C{X-Amz-Date} has it.
    @ivar expires_s: how long it is valid, if it says so itself.
    @ivar query: the URL's parameters, as far as they are signed.
    @ivar needed: headers that must be among the signed ones.
    @ivar begun: all of the header but the signature; None of a URL.
    @ivar remembered: of an earlier signature that began like this one.
    """

    scope: Scope
    signature: str
    said_at: str
    expires_s: int | None
    query: list[tuple[str, str]]
    needed: frozenset[str]
    begun: str | None = None
    remembered: Remembered | None = None


#: Names of keys, regions and services: any that a header can carry.
_NAME = r"([!-+\-.0-~]+)"
_CREDENTIAL = rf"{_NAME}/([0-9]{{8}})/{_NAME}/{_NAME}/aws4_request"
_match_credential = re.compile(_CREDENTIAL).fullmatch
_match_header = re.compile(
    rf"{_ALGORITHM}\s+Credential={_CREDENTIAL}\s*,\s*SignedHeaders=([^,\sA-Z]+)"
    r"\s*,\s*Signature="
).fullmatch
#: No Authorization header that is right is longer.
_MAX_HEADER = 4096
#: Of the signature in the header, hexadecimal.
_SIGNATURE_LENGTH = 64

_IN_HEADER = frozenset({"host", "x-amz-date"})
_IN_HEADER_WITH_DATE = frozenset({"host", "date"})
_IN_URL = frozenset({"host"})


def claim_of_header(signed: Signed, authorization: str, keys: SigningKeys) -> Claim:
    """@raise IncompleteSignature: it is not of the form that we take."""
    cut = max(len(authorization) - _SIGNATURE_LENGTH, 0)
    begun = authorization[:cut]
    remembered = keys.find(begun)
    scope = _scope_of(begun) if remembered is None else remembered.scope
    said_at, needed = signed.headers("x-amz-date"), _IN_HEADER
    if said_at is None:
        date, needed = signed.headers("date"), _IN_HEADER_WITH_DATE
        if date is None:
            raise IncompleteSignature("The header X-Amz-Date is missing")
        said_at = date_header(date)
    return Claim(
        scope,
        authorization[cut:],
        said_at,
        None,
        signed.query,
        needed,
        begun,
        remembered,
    )


def _scope_of(begun: str) -> Scope:
    """@raise IncompleteSignature: that is not how a header begins."""
    found = None if len(begun) > _MAX_HEADER else _match_header(begun)
    if found is None:
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
        _expires_s(given.get("X-Amz-Expires")),
        [pair for pair in signed.query if pair[0] != "X-Amz-Signature"],
        _IN_URL,
    )


def _expires_s(expires: str | None) -> int | None:
    if expires is None:
        return None
    is_number = expires.isascii() and expires.isdigit() and len(expires) < 10
    if not is_number or not 0 < int(expires) <= MAX_EXPIRES_S:
        raise InvalidParameterValue(
            "X-Amz-Expires", expires[:SHOWN], f"It is from 1 to {MAX_EXPIRES_S}."
        )
    return int(expires)


def verify(
    signed: Signed, claim: Claim, secret_of: SecretOf, now: float, keys: SigningKeys
) -> str:
    """
    The id of the access key.  See Note [Same price] of L{euca_tw.query.signed}.

    @raise RequestTimeTooSkewed:
    @raise RequestExpired:
    @raise IncompleteSignature:
    @raise AuthFailure:
    """
    scope = claim.scope
    _check_times(claim, now)
    headers = _headers(signed, claim)
    body_hash = _body_hash(signed)
    secret, may_be_right = secret_or_decoy(scope.key_id, secret_of)
    remembered = claim.remembered
    if remembered is not None and remembered.secret == secret:
        key, is_spared = remembered.key, True
    else:
        key, is_spared = signing_key(secret, scope), False
    said = claim.signature.encode()
    for text in _texts(signed, claim, headers, body_hash):
        found = digest(key, text, "sha256").hex().encode()
        if compare_digest(found, said) and may_be_right:
            if claim.begun is not None and not is_spared:
                keys.keep(claim.begun, Remembered(scope, secret, key))
            return scope.key_id
    if claim.begun is not None and remembered is not None:
        _scope_of(claim.begun)
    if is_spared:
        signing_key(secret, scope)
    raise refusal(signed, claim.said_at)


def _check_times(claim: Claim, now: float) -> None:
    said = long_seconds(claim.said_at)
    if claim.expires_s is None:
        check_time(said, now)
    else:
        check_future(said, now)
        check_expiry(said + claim.expires_s, now)
    if not claim.said_at.startswith(claim.scope.date):
        raise IncompleteSignature(
            f"The date of the credential's scope ({claim.scope.date}) is not that of "
            f"the request ({claim.said_at})"
        )


def _headers(signed: Signed, claim: Claim) -> dict[str, str]:
    """The signed ones, as they are signed."""
    names = claim.scope.names
    if not claim.needed.issubset(names) or len(names) > MAX_SIGNED_HEADERS:
        raise IncompleteSignature(
            f"The signed headers must be {MAX_SIGNED_HEADERS} at most, and among them "
            f"{', '.join(sorted(claim.needed))}"
        )
    return {name: _header(signed, name) for name in names}


def _header(signed: Signed, name: str) -> str:
    value = signed.headers(name)
    if value is None:
        raise IncompleteSignature(
            f"The header {name[:SHOWN]} is among the signed ones, but is not there"
        )
    if "  " in value or "\t" in value:
        return re.sub("[ \t]+", " ", value).strip(" ")
    return value


def _body_hash(signed: Signed) -> str:
    found = sha256(signed.body).hexdigest()
    said = signed.headers("x-amz-content-sha256")
    if said is None:
        said = signed.parameters.get("X-Amz-Content-SHA256")
    if said is not None and said != found:
        raise IncompleteSignature(
            f"X-Amz-Content-SHA256 ({said[:SHOWN]}) is not the SHA-256 of the body: "
            "a body that is not signed is not taken"
        )
    return found


def _texts(
    signed: Signed, claim: Claim, headers: dict[str, str], body_hash: str
) -> Iterator[bytes]:
    """What may have been signed, the likely first."""
    scope = claim.scope
    names, said_at, scope_text = scope.names, claim.said_at, scope.text
    query = _query(claim.query) if claim.query else ""
    for host, path in chain(hosts_and_paths(signed), _normal(signed)):
        headers["host"] = host
        lines = "".join([f"{name}:{headers[name]}\n" for name in names])
        canonical = wire(
            f"{signed.method}\n{path}\n{query}\n{lines}\n{scope.joined}\n{body_hash}"
        )
        hashed = sha256(canonical).hexdigest()
        yield f"{_ALGORITHM}\n{said_at}\n{scope_text}\n{hashed}".encode()


def _query(pairs: list[tuple[str, str]]) -> str:
    written = sorted([(quoted(name), quoted(value)) for name, value in pairs])
    return "&".join([f"{name}={value}" for name, value in written])


_is_plain = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?").fullmatch


def _normal(signed: Signed) -> Iterator[tuple[str, str]]:
    """
    The book has a path signed without steps back and doubled slashes, and
    encoded once more; most clients' paths are the same either way.
    """
    if not _is_plain(signed.path):
        path = quote_from_bytes(wire(_normalized(signed.path)), safe="/-_.~")
        for host, unchanged in hosts_and_paths(signed):
            if unchanged == signed.path:
                yield host, path


def _normalized(path: str) -> str:
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    end = "/" if steps and path.endswith("/") else ""
    return f"/{'/'.join(steps)}{end}"


__all__ = ["Claim", "claim_of_header", "claim_of_url", "verify"]
