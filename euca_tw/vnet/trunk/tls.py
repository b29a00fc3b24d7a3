"""
TLS between two heads, in memory: bytes in, bytes out.

There is no authority: a head takes the certificates that its configuration names,
byte for byte, and of a peer's certificate nothing else is believed, not its name,
not its dates.  TLS 1.3 and nothing older, no session is resumed, and both sides
show a certificate.

OpenSSL works on memory and not on the socket: so many frames leave by one system
call, and none of this needs a socket to be tested.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import sha256
from typing import Any

from attrs import define, field, frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
)
from OpenSSL import SSL
from OpenSSL.crypto import X509

from euca_tw.vnet.trunk.records import CopiedRecords, Records, records_of

#: The quickest where processors know AES, which those of servers do.
_CIPHERS = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#: Of a peer that has not said who it is; its certificate fits in.
MOST_BEFORE_KNOWN = 32768


class TlsFailed(Exception):
    """The peer is none, or did not keep to TLS; the text says why."""


class TlsEnded(Exception):
    """The peer has said all."""


@frozen
class Pair:
    """A private key and its certificate, read."""

    key: Any = field(repr=False)
    certificate: x509.Certificate


def read_pair(key_pem: bytes, certificate_pem: bytes) -> Pair:
    """
    Takes some hundredths of a second: the key's numbers are looked into.

    @raise ValueError: they cannot be read, or are no pair.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        key = load_pem_private_key(key_pem, None)
        is_pair = key.public_key() == certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("key and certificate cannot be used") from error
    if not is_pair:
        raise ValueError("the key is not the certificate's")
    return Pair(key, certificate)


def make_context(pair: Pair, pinned: Collection[bytes]) -> SSL.Context:
    """
    @param pair: what we show.
    @param pinned: the certificates (DER) that are taken, one of which the peer
        must show.
    """
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(_CIPHERS)
    # Neither side ever resumes: each connection proves anew who it is of.
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # One call seals all that there is.
    context.clear_mode(_PARTIAL_WRITE)
    context.use_certificate(pair.certificate)
    context.use_privatekey(pair.key)
    known = frozenset(sha256(each).digest() for each in pinned)

    def is_pinned(
        _: SSL.Connection, shown: X509, code: int, depth: int, is_good: int
    ) -> bool:
        # Called for each objection of OpenSSL's, and once more when there is
        # none left.  What else a peer sends with its own is not looked at.
        der = shown.to_cryptography().public_bytes(Encoding.DER)
        return depth == 0 and sha256(der).digest() in known

    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, is_pinned)
    return context


#: C{SSL_MODE_ENABLE_PARTIAL_WRITE}, which pyOpenSSL sets and does not name.
_PARTIAL_WRITE = 1


@define(eq=False)
class Sealed:
    """
    One side of a connection.

    @ivar _made: makes its records, when hands are shaken.
    @ivar is_open: whether the handshake is done, from our side.
    """

    _connection: SSL.Connection
    _made: Callable[[SSL.Connection], Records]
    _records: Records
    is_open: bool = field(init=False, default=False)
    _received: int = field(init=False, default=0)

    @classmethod
    def begin(
        cls,
        context: SSL.Context,
        *,
        is_dialler: bool,
        made: Callable[[SSL.Connection], Records] = records_of,
    ) -> Sealed:
        connection = SSL.Connection(context, None)
        if is_dialler:
            connection.set_connect_state()
        else:
            connection.set_accept_state()
        return cls(connection, made, CopiedRecords(connection))

    def shake_hands(self) -> bool:
        """
        Go on as far as what was received goes; what is to be sent is to be taken
        even if it fails, for it tells the peer why.

        @return: whether it is done.
        @raise TlsFailed:
        """
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as error:
            raise TlsFailed(_told(error)) from None
        self._records = self._made(self._connection)
        self.is_open = True
        return True

    def peer_certificate(self) -> bytes:
        """What the peer showed (DER).  To be asked when hands are shaken."""
        shown = self._connection.get_peer_certificate(as_cryptography=True)
        assert shown is not None, "TLS was told to ask for one"
        return shown.public_bytes(Encoding.DER)

    def receive(self, sealed: memoryview) -> None:
        """
        Bytes from the peer.

        @raise TlsFailed: too many, of one who is not known yet.
        """
        if not self.is_open:
            self._received += len(sealed)
            if self._received > MOST_BEFORE_KNOWN:
                raise TlsFailed("it sends much, and does not say who it is")
        self._records.put(sealed)

    def open_into(self, plain: memoryview) -> int:
        """
        @param plain: has room for L{RECORD} bytes at least.
        @return: how many bytes were opened; 0 until more is received.
        @raise TlsEnded:
        @raise TlsFailed:
        """
        try:
            return self._records.open_into(plain)
        except SSL.ZeroReturnError:
            raise TlsEnded from None
        except SSL.Error as error:
            raise TlsFailed(_told(error)) from None

    def seal(self, plain: memoryview) -> None:
        """
        @raise TlsFailed: the peer has broken the connection.
        """
        try:
            self._records.seal(plain)
        except SSL.Error as error:
            raise TlsFailed(_told(error)) from None

    def take(self) -> memoryview:
        """See L{Records}."""
        return self._records.take()

    def end(self) -> None:
        """Say that this is all; to be taken as well."""
        if self.is_open:
            try:
                self._connection.shutdown()
            except SSL.Error:
                # It was broken already.
                return


def _told(error: SSL.Error) -> str:
    """OpenSSL's own words, which name no secrets, or that there are none."""
    reasons: list[str] = []
    for each in error.args:
        if isinstance(each, list):
            reasons.extend(reason[-1] for reason in each)
    return ", ".join(reasons) or type(error).__name__
