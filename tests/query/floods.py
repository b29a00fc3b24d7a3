"""Query parameters that are meant to cost, by name, of any size."""

from __future__ import annotations

from collections.abc import Callable

from euca_tw.query.parameters import MAX_DEPTH, MAX_PARAMETERS

Make = Callable[[int], bytes]

_MANY = "more than 4000 parameters"
_ESCAPES = "escaped characters"
_LONG_NAME = "is empty or too long"
_ASKED = b"Action=DescribeInstances&Version=2016-11-15&"


def _numbered(form: str, count: int, size: int) -> bytes:
    """So many parameters, which have that size together."""
    room = max(1, size // count - len(form.format(count, "")) - 1)
    return "&".join(form.format(n, "x" * room) for n in range(count)).encode()


#: By name: what it is; EC2's code, if the signature is good; a part of what is said.
FLOODS: dict[str, tuple[Make, str, str]] = {
    "a million parameters": (
        lambda n: b"&".join(b"%x=" % i for i in range(min(n // 7, 1_000_000))),
        "MalformedQueryString",
        _MANY,
    ),
    "nothing but ampersands": (lambda n: b"&" * n, "MalformedQueryString", _MANY),
    "as many as may be": (
        lambda n: _ASKED + _numbered("InstanceId.{}={}", MAX_PARAMETERS - 10, n - 100),
        "InvalidInstanceID.Malformed",
        "",
    ),
    "one twice": (
        lambda n: b"A=1&" * min(n // 4, 3000),
        "MalformedQueryString",
        "given more than once",
    ),
    "one value": (
        lambda n: _ASKED + b"A=" + b"x" * n,
        "UnknownParameter",
        "The parameter A",
    ),
    "one name": (lambda n: b"x" * n + b"=1", "MalformedQueryString", _LONG_NAME),
    "dots": (lambda n: b"." * n + b"=1", "MalformedQueryString", _LONG_NAME),
    "a deep name": (
        lambda n: b"A" + b".1" * n + b"=1",
        "MalformedQueryString",
        _LONG_NAME,
    ),
    "a name that is too deep": (
        lambda n: _ASKED + b"A" + b".1" * (MAX_DEPTH + 1) + b"=1",
        "UnknownParameter",
        "A.1.1",
    ),
    "many deep names": (
        lambda n: (
            _ASKED
            + b"&".join(
                b"A%d%s=1" % (i, b".1" * MAX_DEPTH) for i in range(min(n // 33, 3990))
            )
        ),
        "MalformedQueryString",
        "dots in all",
    ),
    "a large place": (
        lambda n: _ASKED + b"InstanceId.999999999999999999999=i-1",
        "UnknownParameter",
        "InstanceId.99999",
    ),
    "the largest place": (
        lambda n: _ASKED + b"InstanceId.999999999=i-1",
        "InvalidInstanceID.Malformed",
        "",
    ),
    "a place with zeros": (
        lambda n: _ASKED + b"InstanceId.1=i-1&InstanceId.01=i-2",
        "InvalidParameterCombination",
        "taken twice",
    ),
    "a long number": (
        lambda n: _ASKED + b"MaxResults=" + b"9" * n,
        "InvalidParameterValue",
        "999",
    ),
    "escapes": (
        lambda n: b"A=" + b"%41" * (n // 3),
        "MalformedQueryString",
        _ESCAPES,
    ),
    "escapes in names": (
        lambda n: b"%41" * (n // 3) + b"=1",
        "MalformedQueryString",
        _ESCAPES,
    ),
    "broken escapes": (lambda n: b"%" * n, "MalformedQueryString", ""),
    "escapes of no letters": (
        lambda n: b"A=" + b"%ff" * min(n // 3, 99_000),
        "MalformedQueryString",
        "not UTF-8",
    ),
    "as many escapes as may be": (
        lambda n: _ASKED + b"A=" + b"%41" * min(n // 3, 99_000),
        "UnknownParameter",
        "The parameter A",
    ),
    "spaces": (lambda n: _ASKED + b"A=" + b"+" * n, "UnknownParameter", "parameter A"),
    "letters of two bytes": (
        lambda n: _ASKED + b"A=" + "é".encode() * (n // 2),
        "UnknownParameter",
        "parameter A",
    ),
    "filters": (
        lambda n: (
            _ASKED
            + b"&".join(b"Filter.1.Value.%d=x" % i for i in range(min(n // 25, 3990)))
        ),
        "MissingParameter",
        "Filter.1.Name",
    ),
}

__all__ = ["FLOODS"]
