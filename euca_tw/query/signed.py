"""
A signed request, and what every version of signatures judges alike: its age,
the host and path that may have been signed, whose secret it is.
"""

# Note [No path]
#
# Net::Amazon::EC2 signs the path "/" and the host without its port, whatever
# URL it was given.  So these two together are tried last.  Nothing is lost by
# it: this server has one Query service, and answers it the same at each path.

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from attrs import frozen

from euca_tw.api.errors import AuthFailure, RequestExpired, SignatureDoesNotMatch

#: How old a request may be, and how far its sender's clock may go before ours.
WINDOW_S = 15 * 60
SKEW_S = 5 * 60
#: How much of what is wrong is told back.
SHOWN = 100

SecretOf = Callable[[str], str | None]


@frozen
class Signed:
    """
    A request, as far as signatures go.

    @ivar path: as it stands in the request line.
    @ivar query: the parameters of the URL alone, in their order.
    @ivar parameters: those of URL and body.
    @ivar raw: what the parameters were read from, URL and form joined by C{&}.
    @ivar headers: see L{euca_tw.common.web.Asked}.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    parameters: dict[str, str]
    raw: bytes
    headers: Callable[[str], str | None]
    body: bytes


def secret_of_key(key_id: str, secret_of: SecretOf) -> bytes:
    """@raise AuthFailure: nobody (active) has that key."""
    secret = secret_of(key_id)
    if secret is None:
        raise AuthFailure
    return secret.encode()


def hosts_and_paths(signed: Signed) -> Iterator[tuple[str, str]]:
    """
    What may have been signed for host and path, the likely first.  See
    Note [No path].
    """
    host, path = signed.headers("host") or "", signed.path or "/"
    yield host, path
    bare, colon, port = host.rpartition(":")
    if colon and port.isdigit():
        yield bare, path
        yield bare, "/"


def mismatch(signed: Signed, said_at: str) -> SignatureDoesNotMatch:
    """What to say of it: all but the signature that would be right."""
    host, path = next(hosts_and_paths(signed))
    return SignatureDoesNotMatch(
        f"It was calculated for method {signed.method}, host {host[:SHOWN]}, path "
        f"{path[:SHOWN]} and time {said_at}."
    )


def told(seconds: float) -> str:
    """A moment, for the text of a refusal."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def check_age(said: float, now: float, allowed_s: float = WINDOW_S) -> None:
    """@raise RequestExpired: it is too old, or of the future."""
    if said > now + SKEW_S:
        raise RequestExpired(
            f"The request is signed for {told(said)}, which is in the future: it is "
            f"{told(now)} now. Check your clock."
        )
    if said + allowed_s < now:
        raise RequestExpired(
            f"The request was signed at {told(said)} and has expired: it is "
            f"{told(now)} now."
        )


def seconds(day: str, hour: str, minute: str, second: str) -> float:
    """
    Since 1970, of a time in UTC; C{day} is of eight digits.

    @raise ValueError: there is no such moment.
    """
    if hour > "23" or minute > "59" or second > "59":
        raise ValueError(f"{hour}:{minute}:{second}")
    return midnight(day) + int(hour) * 3600 + int(minute) * 60 + int(second)


@lru_cache(maxsize=64)
def midnight(day: str) -> float:
    """The beginning of that day; it is asked for all day long."""
    at = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), tzinfo=UTC)
    return at.timestamp()


_is_unreserved = re.compile("[A-Za-z0-9_.~-]*").fullmatch


def quoted(text: str) -> str:
    """As RFC 3986 has it, and nothing more of it than must be."""
    return text if _is_unreserved(text) else quote(text, safe="-_.~")


__all__ = [
    "SHOWN",
    "SKEW_S",
    "WINDOW_S",
    "SecretOf",
    "Signed",
    "check_age",
    "hosts_and_paths",
    "mismatch",
    "quoted",
    "seconds",
    "secret_of_key",
    "told",
]
