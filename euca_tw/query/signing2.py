"""
Signature version 2, and what clients of before 2009 sign by: versions 0 and 1.

Those two are taken only where they are switched on, for neither protects what
it should (see Note [Old versions]).
"""

# Note [Old versions]
#
# Version 0 signs Action and the time, and no parameter: who sees a request may
# send it again with others, another instance to terminate.  Version 1 signs
# names and values written one after the other without anything between, so
# that "A=bc" and "Ab=c" have the same signature: text can be moved from a value
# into a name, and so from one parameter into another.  Neither signs method,
# host or path.  Both have SHA-1 by the book; boto signed version 0 by SHA-256
# all the same, and did not say so.

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hmac import compare_digest, digest

from euca_tw.api.errors import (
    IncompleteSignature,
    InvalidParameterCombination,
    InvalidParameterValue,
)
from euca_tw.api.scalars import NotOfType, moment
from euca_tw.query.signed import (
    MAX_EXPIRES_S,
    SHOWN,
    SecretOf,
    Signed,
    check_expiry,
    check_time,
    hosts_and_paths,
    quoted,
    refusal,
    seconds,
    secret_or_decoy,
    wire,
)

_METHODS = {"HmacSHA256": ("sha256",), "HmacSHA1": ("sha1",)}


def verify(
    signed: Signed, secret_of: SecretOf, now: float, versions: frozenset[str]
) -> str:
    """
    The id of the access key.

    @param versions: those that are taken.
    @raise IncompleteSignature:
    @raise InvalidParameterValue: of one of the signature's own parameters.
    @raise InvalidParameterCombination: not exactly one of the times is there.
    @raise RequestTimeTooSkewed:
    @raise RequestExpired:
    @raise AuthFailure:
    """
    given = signed.parameters
    version = given.get("SignatureVersion", "0")
    if version not in versions or version not in _TEXTS:
        raise not_taken(version, versions)
    digests = _digests(version, given)
    key_id = given.get("AWSAccessKeyId")
    if key_id is None:
        raise IncompleteSignature("The parameter AWSAccessKeyId is missing")
    if version == "0" and "Action" not in given:
        raise IncompleteSignature("The parameter Action is missing")
    if version == "2" and signed.headers("host") is None:
        raise IncompleteSignature("The header Host is missing, which is to be signed")
    said_at = _check_times(given, now)
    secret, may_be_right = secret_or_decoy(key_id, secret_of)
    said = given["Signature"].encode()
    for text in _TEXTS[version](signed):
        for name in digests:
            found = b64encode(digest(secret, text, name))
            if compare_digest(found, said) and may_be_right:
                return key_id
    raise refusal(signed, said_at)


def not_taken(version: str, versions: frozenset[str]) -> IncompleteSignature:
    """What to say of a version that is not switched on, or not there at all."""
    return IncompleteSignature(
        f"Signature version {version[:SHOWN]} is not taken by this cloud: sign by "
        f"version {' or '.join(sorted(versions))}, or ask its operator to take it "
        "(signature_versions)."
    )


def _digests(version: str, given: Mapping[str, str]) -> tuple[str, ...]:
    method = given.get("SignatureMethod")
    if method is None:
        return _USUAL[version]
    if method not in _METHODS:
        raise InvalidParameterValue(
            "SignatureMethod", method[:SHOWN], f"It is one of {', '.join(_METHODS)}."
        )
    return _METHODS[method]


def _check_times(given: Mapping[str, str], now: float) -> str:
    """The time that the request tells, as it tells it."""
    times = [name for name in ("Timestamp", "Expires") if name in given]
    if len(times) != 1:
        raise InvalidParameterCombination(
            "The request must contain one of the parameters Timestamp and Expires"
        )
    [name] = times
    try:
        said = _seconds(given[name])
    except NotOfType:
        raise InvalidParameterValue(
            name, given[name][:SHOWN], "It is not a time like 2026-11-23T08:00:00Z."
        ) from None
    if name == "Timestamp":
        check_time(said, now)
    elif said > now + MAX_EXPIRES_S:
        raise InvalidParameterValue(
            name, given[name][:SHOWN], f"It is at most {MAX_EXPIRES_S} seconds ahead."
        )
    else:
        check_expiry(said, now)
    return given[name]


_match_usual = re.compile(
    "([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z"
).fullmatch


def _seconds(said: str) -> float:
    """@raise NotOfType: it is no time."""
    found = _match_usual(said)
    if found is None:
        return moment(said).timestamp()
    year, month, day, *time = found.groups()
    try:
        return seconds(f"{year}{month}{day}", *time)
    except ValueError:
        raise NotOfType("There is no such moment") from None


def _raw_pairs(signed: Signed) -> bytes:
    """
    The parameters as most clients send them: encoded as they are signed, and
    with no name that begins like another.  Where that is not so, nothing
    matches, and it is done by the book.
    """
    parts = [p for p in signed.raw.split(b"&") if not p.startswith(b"Signature=")]
    parts.sort()
    return b"&".join(parts)


def _texts_2(signed: Signed) -> Iterator[bytes]:
    host = (signed.headers("host") or "").lower()
    begun = wire(f"{signed.method}\n{host}\n{signed.path}\n")
    yield begun + _raw_pairs(signed)
    pairs = "&".join(
        [
            f"{quoted(name)}={quoted(value)}"
            for name, value in sorted(signed.parameters.items())
            if name != "Signature"
        ]
    )
    for host, path in hosts_and_paths(signed):
        yield wire(f"{signed.method}\n{host.lower()}\n{path}\n{pairs}")


def _texts_1(signed: Signed) -> Iterator[bytes]:
    pairs = sorted(signed.parameters.items(), key=lambda pair: pair[0].lower())
    yield "".join(
        [name + value for name, value in pairs if name != "Signature"]
    ).encode()


def _texts_0(signed: Signed) -> Iterator[bytes]:
    given = signed.parameters
    yield (given["Action"] + (given.get("Timestamp") or given["Expires"])).encode()


_TEXTS = {"0": _texts_0, "1": _texts_1, "2": _texts_2}
#: Where the request does not say by which.
_USUAL = {"0": ("sha1", "sha256"), "1": ("sha1",), "2": ("sha256",)}

__all__ = ["not_taken", "verify"]
