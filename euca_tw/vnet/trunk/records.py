"""
Records of TLS, on a connection of pyOpenSSL that has no socket.

Its methods make memory for each record anew, copy what is in it once more, and raise
an exception where there is nothing to be read: about as much as OpenSSL's own part.
So L{DirectRecords} calls the same functions of OpenSSL, on the same connection and by
the same binding, on memory that is there already; what they say but that all is well,
or that there is nothing yet, it leaves to pyOpenSSL to make an error of.  For that it
needs names that pyOpenSSL keeps to itself: with one that has others,
L{CopiedRecords} are used.
"""

from __future__ import annotations

from typing import Any, Protocol

from attrs import define, field
from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL

_NAMES = ("SSL_read", "SSL_write", "SSL_get_error", "BIO_write", "BIO_read")
_found: tuple[Any, ...] = tuple(getattr(Binding().lib, name, None) for name in _NAMES)
_read, _write, _error, _put, _take = _found
#: What SSL_get_error says where more must come (SSL_ERROR_WANT_READ).
_NOTHING = 2
_at = Binding.ffi.from_buffer

#: Of what is to be sent, taken at a time.  More would not stay in a processor's
#: own memory on its way to the socket.
TAKEN = 100_000
#: Of plain text in a record.
RECORD = 16384


class Records(Protocol):
    """What goes through a connection."""

    def put(self, sealed: memoryview, /) -> None:
        """What came from the peer."""

    def open_into(self, plain: memoryview, /) -> int:
        """
        Open a record, or what of it finds room.

        @return: how many bytes were opened; 0 until more is put.
        @raise SSL.Error:
        """

    def seal(self, plain: memoryview, /) -> None:
        """@raise SSL.Error:"""

    def take(self) -> memoryview:
        """
        Some of what is to be sent to the peer, less than L{TAKEN} bytes if it is the
        last; empty if nothing is.  It is there until the next is taken.
        """


@define(eq=False)
class CopiedRecords:
    """L{Records}, by what pyOpenSSL has for all."""

    _connection: SSL.Connection

    def put(self, sealed: memoryview) -> None:
        self._connection.bio_write(sealed)

    def open_into(self, plain: memoryview) -> int:
        try:
            return self._connection.recv_into(plain)
        except SSL.WantReadError:
            return 0

    def seal(self, plain: memoryview) -> None:
        self._connection.send(plain)

    def take(self) -> memoryview:
        try:
            return memoryview(self._connection.bio_read(TAKEN))
        except SSL.WantReadError:
            return memoryview(b"")


@define(eq=False)
class DirectRecords:
    """
    L{Records}, quickly; of a connection whose hands are shaken.

    @ivar _taken: where L{take} puts what it takes.
    @raise AttributeError: this pyOpenSSL has other names.
    """

    _connection: SSL.Connection
    _ssl: Any = field(init=False)
    _incoming: Any = field(init=False)
    _outgoing: Any = field(init=False)
    _taken: memoryview = field(init=False)
    _there: Any = field(init=False)
    _fail: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        connection: Any = self._connection
        if None in _found:
            raise AttributeError("the binding has other names")
        self._ssl = connection._ssl
        self._incoming, self._outgoing = connection._into_ssl, connection._from_ssl
        self._fail = connection._raise_ssl_error
        self._taken = memoryview(bytearray(TAKEN))
        self._there = _at(self._taken)

    def put(self, sealed: memoryview) -> None:
        _put(self._incoming, _at(sealed), len(sealed))

    def open_into(self, plain: memoryview) -> int:
        size: int = _read(self._ssl, _at("char[]", plain, True), len(plain))
        if size > 0:
            return size
        if _error(self._ssl, size) != _NOTHING:
            self._fail(self._ssl, size)
        return 0

    def seal(self, plain: memoryview) -> None:
        size = _write(self._ssl, _at(plain), len(plain))
        if size <= 0:
            self._fail(self._ssl, size)

    def take(self) -> memoryview:
        size = _take(self._outgoing, self._there, TAKEN)
        return self._taken[: max(size, 0)]


def records_of(connection: SSL.Connection) -> Records:
    """Of one whose hands are shaken."""
    try:
        return DirectRecords(connection)
    except AttributeError:
        return CopiedRecords(connection)
