"""
What is said to requests that the HTTP shell itself refuses.
"""

from __future__ import annotations

from collections.abc import Callable

from euca_tw.common.asked import Reply
from euca_tw.common.quick import MAX_HEAD, MAX_HEADERS, may_begin

#: What is said to a body that is too large, by its content type.
TooLarge = Callable[[str | None], Reply]
#: What is said to one of too many, by its content type and by the reason, a
#: sentence without its full stop.
TooBusy = Callable[[str | None, str], Reply]

_HEADER_TEXT = bytes([9, *range(32, 127), *range(128, 256)])


def refusal(status: int, text: str) -> Reply:
    """A refusal in plain text."""
    return Reply(status, "text/plain;charset=UTF-8", (f"{text}.\n".encode(),))


def too_large_in_text(max_body_bytes: int) -> TooLarge:
    """Plain words for front ends without their own."""
    reply = refusal(413, f"The request is larger than {max_body_bytes} bytes")
    return lambda kind: reply


def busy_in_text(kind: str | None, reason: str) -> Reply:
    """Plain words for front ends without their own."""
    return Reply(
        503,
        "text/plain;charset=UTF-8",
        (f"{reason}; try again later.\n".encode(),),
        (("Retry-After", "1"),),
    )


HEAD_TIMEOUT = refusal(408, "The head of the request took too long to come")
BODY_TIMEOUT = refusal(408, "The body of the request comes too slowly")
TARGET_TOO_LONG = refusal(
    414, f"The first line of the request is longer than {MAX_HEAD} bytes"
)
HEAD_TOO_LONG = refusal(431, f"The request's head is longer than {MAX_HEAD} bytes")
TOO_MANY_HEADERS = refusal(431, f"There are more than {MAX_HEADERS} headers")


def bad_request(line: bytes, *, is_first: bool) -> Reply:
    """
    @param line: the one that is wrong, as far as it is there.
    @param is_first: it is, or should be, the request line.
    """
    return refusal(400, _bad_first(line) if is_first else _bad_header(line))


def _bad_first(line: bytes) -> str:
    if line.startswith(b"\x16"):
        return "This is TLS, but plain HTTP is spoken at this port"
    if line.startswith(b"PROXY "):
        return "This is the PROXY protocol, which is not understood here"
    if line and not may_begin(line):
        return "This is not HTTP"
    version = line.rpartition(b" ")[2]
    if version.startswith(b"HTTP/") and version not in (b"HTTP/1.0", b"HTTP/1.1"):
        return "Only HTTP/1.1 and HTTP/1.0 are spoken here"
    return "The first line is not a method, a target and HTTP/1.1"


def _bad_header(line: bytes) -> str:
    name, colon, value = line.partition(b":")
    if not colon:
        return "A header has no colon"
    if value.translate(None, _HEADER_TEXT):
        return "A header has characters that none may have"
    if name.lower() == b"content-length":
        return "Content-Length is not one number, or not said only once"
    if name.lower() == b"transfer-encoding":
        return "Transfer-Encoding is not 'chunked' and nothing else"
    return "A header's name has characters that none may have"


__all__ = [
    "BODY_TIMEOUT",
    "HEAD_TIMEOUT",
    "HEAD_TOO_LONG",
    "TARGET_TOO_LONG",
    "TOO_MANY_HEADERS",
    "TooBusy",
    "TooLarge",
    "bad_request",
    "busy_in_text",
    "refusal",
    "too_large_in_text",
]
