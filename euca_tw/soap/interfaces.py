"""What the SOAP door needs of others, and gives to them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from attrs import define
from zope.interface import Interface

from euca_tw.api.shapes import Operation
from euca_tw.common.certificate_identifiers import CertificateIdentifier
from euca_tw.model.callers import Caller


class ICertificates(Interface):
    """Whose certificate is it?"""

    def caller_of(certificate_der: bytes, request_id: str) -> Caller | None:
        """
        The active user (or peer) whose very certificate this is; None for a
        stranger.
        """

    def certificate_of(identifier: CertificateIdentifier) -> bytes | None:
        """
        The one certificate (DER) in force that is called so; None if there is
        none, or more than one.  Whose it is, and whether he is active, is for
        L{caller_of}.
        """


@define
class PeerUnreachable(Exception):
    """
    No answer: not connected, broken off, timed out, or the answer was not
    signed by the peer.  What was asked may or may not have been done.
    """

    peer: str
    reason: str

    def __str__(self) -> str:
        return f"{self.peer} does not answer: {self.reason}"


@define
class PeerRefused(Exception):
    """The peer answered, by a fault or by C{return=false}, that it will not."""

    peer: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.peer} refused: {self.code}: {self.message}"


class IPeer(Interface):
    """Another tier's service."""

    def call(operation: Operation, request: Any, timeout_s: float) -> Awaitable[Any]:
        """
        Ask, and wait for the response shape.

        @raise PeerUnreachable:
        @raise PeerRefused:
        """


class IPeers(Interface):
    """Where peers come from."""

    def peer(url: str) -> Any:
        """The L{IPeer} at that URL; the same object for the same URL."""
