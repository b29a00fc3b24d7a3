"""
Signature versions 2, and 1 for clients of before 2009, if it is switched on.

Version 0, which signs no more than Action and Timestamp, is not there at all.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hmac import compare_digest, digest

from euca_tw.api.errors import (
    IncompleteSignature,
    InvalidParameterCombination,
    InvalidParameterValue,
    RequestExpired,
)
from euca_tw.api.scalars import NotOfType, moment
from euca_tw.query.signed import (
    SHOWN,
    SecretOf,
    Signed,
    check_age,
    hosts_and_paths,
    mismatch,
    quoted,
    seconds,
    secret_of_key,
    told,
)

_METHODS = {"HmacSHA256": "sha256", "HmacSHA1": "sha1"}


def verify(
    signed: Signed, secret_of: SecretOf, now: float, versions: frozenset[str]
) -> str:
    """
    The id of the access key.

    @param versions: those that are taken.
    @raise IncompleteSignature:
    @raise InvalidParameterValue: of one of the signature's own parameters.
    @raise InvalidParameterCombination: not exactly one of the times is there.
    @raise RequestExpired:
    @raise AuthFailure:
    @raise SignatureDoesNotMatch:
    """
    given = signed.parameters
    version = given.get("SignatureVersion", "0")
    if version not in versions or version not in _TEXTS:
        raise IncompleteSignature(
            f"Signature version {version[:SHOWN]} is not taken here"
        )
    method = given.get("SignatureMethod", _USUAL_METHODS[version])
    if method not in _METHODS:
        raise InvalidParameterValue(
            "SignatureMethod", method[:SHOWN], f"It is one of {', '.join(_METHODS)}."
        )
    key_id = given.get("AWSAccessKeyId")
    if key_id is None:
        raise IncompleteSignature("The parameter AWSAccessKeyId is missing")
    said_at = _check_times(given, now)
    secret = secret_of_key(key_id, secret_of)
    said = given["Signature"].encode()
    for text in _TEXTS[version](signed):
        found = b64encode(digest(secret, text.encode(), _METHODS[method]))
        if compare_digest(found, said):
            return key_id
    raise mismatch(signed, said_at)


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
        check_age(said, now)
    elif said < now:
        raise RequestExpired(
            f"The request expired at {told(said)}: it is {told(now)} now."
        )
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


def _raw_pairs(signed: Signed) -> str:
    """
    The parameters as most clients send them: encoded as they are signed, and
    with no name that begins like another.  Where that is not so, nothing
    matches, and it is done by the book.
    """
    parts = [p for p in signed.raw.split(b"&") if not p.startswith(b"Signature=")]
    parts.sort()
    return b"&".join(parts).decode("latin-1")


def _texts_2(signed: Signed) -> Iterator[str]:
    host = (signed.headers("host") or "").lower()
    yield f"{signed.method}\n{host}\n{signed.path}\n{_raw_pairs(signed)}"
    pairs = "&".join(
        [
            f"{quoted(name)}={quoted(value)}"
            for name, value in sorted(signed.parameters.items())
            if name != "Signature"
        ]
    )
    for host, path in hosts_and_paths(signed):
        yield f"{signed.method}\n{host.lower()}\n{path}\n{pairs}"


def _texts_1(signed: Signed) -> Iterator[str]:
    pairs = sorted(signed.parameters.items(), key=lambda pair: pair[0].lower())
    yield "".join([name + value for name, value in pairs if name != "Signature"])


_TEXTS = {"1": _texts_1, "2": _texts_2}
_USUAL_METHODS = {"1": "HmacSHA1", "2": "HmacSHA256"}

__all__ = ["verify"]
