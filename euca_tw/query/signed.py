"""
A signed request, and what every version of signatures judges alike: its time,
the host and path that may have been signed, whose secret it is.
"""

# Note [No path]
#
# Net::Amazon::EC2 signs the path "/" and the host without its port, whatever
# URL it was given.  So these two together are tried last.  Nothing is lost by
# it: this server has one Query service, and answers it the same at each path.

# Note [Same price]
#
# Who guesses is not told whether there is a key: of an unknown key and of a
# wrong signature the answer is the same, and so is the work until it is given.
# All that can be judged without the secret is judged before anybody asks for
# it.  For a key that nobody has there is a decoy, with which the same texts
# are digested and compared; what it "finds" is never right.  What was spared
# by having been remembered is done after all before a refusal.

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from attrs import frozen

from euca_tw.api.errors import AuthFailure, RequestExpired, RequestTimeTooSkewed

#: How old a request may be, and how far its sender's clock may go before ours.
WINDOW_S = 15 * 60
SKEW_S = 5 * 60
#: How long a request may be valid that says itself how long.
MAX_EXPIRES_S = 7 * 24 * 3600
#: How much of what is wrong is told back.
SHOWN = 100

SecretOf = Callable[[str], str | None]

#: Stands for the secret of a key that nobody has; as long as a real one.
_DECOY = "0" * 40


@frozen
class Signed:
    """
    A request, as far as signatures go.

    @ivar path: as it stands in the request line; its bytes, in Latin-1.
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


def secret_or_decoy(key_id: str, secret_of: SecretOf) -> tuple[bytes, bool]:
    """
    What to verify with, and whether that may be right: no if nobody (active)
    has that key.  See Note [Same price].
    """
    secret = secret_of(key_id)
    return (_DECOY if secret is None else secret).encode(), secret is not None


def hosts_and_paths(signed: Signed) -> Iterator[tuple[str, str]]:
    """
    What may have been signed for host and path, the likely first.  See
    Note [No path].
    """
    host, path = signed.headers("host") or "", signed.path or "/"
    yield host, path
    bare, colon, port = host.rpartition(":")
    if not (colon and port.isdecimal()):
        bare = host
    if bare != host:
        yield bare, path
    if path != "/":
        yield bare, "/"


def wire(text: str) -> bytes:
    """
    The bytes that headers and request line had.  What cannot have come from
    there is signed by nobody.
    """
    return text.encode("latin-1", "replace")


def refusal(signed: Signed, said_at: str) -> AuthFailure:
    """
    What to say of an unknown key as of a wrong signature: all but the
    signature that would be right.
    """
    host, path = next(hosts_and_paths(signed))
    return AuthFailure(
        "AWS was not able to validate the provided access credentials. No active "
        "access key of that identifier has a secret that makes this signature for "
        f"method {signed.method}, host {host[:SHOWN]}, path {path[:SHOWN]} and time "
        f"{said_at}. Check the access key, its secret and the signing method."
    )


def told(seconds: float) -> str:
    """A moment, for the text of a refusal."""
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='seconds')}Z"


def check_future(said: float, now: float) -> None:
    """@raise RequestTimeTooSkewed: it is signed for a time to come."""
    if said > now + SKEW_S:
        raise RequestTimeTooSkewed(
            told(said), told(now), f"{SKEW_S // 60} minutes ahead at most"
        )


def check_time(said: float, now: float) -> None:
    """@raise RequestTimeTooSkewed: it is too old, or of the future."""
    check_future(said, now)
    if said < now - WINDOW_S:
        raise RequestTimeTooSkewed(
            told(said), told(now), f"{WINDOW_S // 60} minutes behind at most"
        )


def check_expiry(until: float, now: float) -> None:
    """@raise RequestExpired:"""
    if until < now:
        raise RequestExpired(
            f"The request expired at {told(until)}: it is {told(now)} now."
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
    "MAX_EXPIRES_S",
    "SHOWN",
    "SKEW_S",
    "WINDOW_S",
    "SecretOf",
    "Signed",
    "check_expiry",
    "check_future",
    "check_time",
    "hosts_and_paths",
    "quoted",
    "refusal",
    "seconds",
    "secret_or_decoy",
    "told",
    "wire",
]
