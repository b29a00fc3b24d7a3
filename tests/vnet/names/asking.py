"""Questions and answers, as C{twisted.names} writes and reads them."""

from __future__ import annotations

from typing import Any

from twisted.names import dns

from euca_tw.vnet.names.messages import Asked, parse


def question(
    name: str = "www.example.com",
    kind: int = dns.A,
    *,
    number: int = 7,
    size: int | None = None,
    version: int = 0,
    cls: int = dns.IN,
    **flags: Any,
) -> bytes:
    """@param size: of EDNS; None: there are no options."""
    message = dns.Message(id=number, recDes=1, **flags)
    message.addQuery(name, kind, cls)
    if size is not None:
        message.additional.append(opt(size, version))
    return message.toStr()


def opt(size: int, version: int = 0, options: bytes = b"") -> dns.RRHeader:
    payload = dns.UnknownRecord(options)
    return dns.RRHeader(b"", dns.OPT, size, version << 16, payload)


def asked(name: str = "www.example.com", kind: int = dns.A, **given: Any) -> Asked:
    found = parse(question(name, kind, **given))
    assert found is not None
    return found


def record(name: str, payload: Any, ttl: int = 60) -> dns.RRHeader:
    return dns.RRHeader(name, payload.TYPE, dns.IN, ttl, payload)


SOA = dns.Record_SOA(b"example.com", b"a.example.com", 1, 2, 3, 4, 30, ttl=600)


def reply(
    to: bytes,
    *answers: dns.RRHeader,
    authority: tuple[dns.RRHeader, ...] = (),
    code: int = dns.OK,
    **flags: Any,
) -> bytes:
    """What a resolver says to a question."""
    query = read(to)
    message = dns.Message(id=query.id, answer=1, recDes=1, recAv=1, rCode=code, **flags)
    message.maxSize = 0
    message.queries = query.queries
    message.answers = [*answers]
    message.authority = [*authority]
    return message.toStr()


def read(message: bytes) -> dns.Message:
    found = dns.Message()
    found.fromStr(message)
    return found


def addresses(message: bytes) -> list[str]:
    return [each.payload.dottedQuad() for each in read(message).answers]


def options_of(message: bytes) -> dns.RRHeader:
    (found,) = [each for each in read(message).additional if each.type == dns.OPT]
    return found
