"""
Who may try to be let in, and how often: the words between the doors and whoever
keeps count.

A door makes an attempt of each request, before it reads it.  It says what
credential is shown before it computes any signature, and how that went.  What is
refused is raised by whoever keeps count; doors only pass it on.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

from attrs import define, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import Attribute, Interface, implementer

from euca_tw.common.seldom import SeldomLog

#: No stranger has more than this of his own text in the log.
LOGGED = 200

#: The line of one who was not let in, and of those who follow.
FAILED = "{peer} was not let in: {code}: {reason} [{request_id}]"
FAILED_AGAIN = "{who} was not let in {count} more times in {seconds} s"

#: A network of IPv6 that one host, as a rule, has for itself.
_HOST_BITS = 64


class IAttempt(Interface):
    """One request, till it is known whose it is."""

    request_id: str = Attribute("Of the request.")

    def shows(credential: Hashable) -> None:
        """
        By what the request says it is signed; nothing of it is believed yet.

        @raise euca_tw.api.errors.RequestLimitExceeded: too many have failed
            lately: it is not to be looked at further.
        """

    def failed(code: str, reason: str) -> None:
        """
        It was not let in.  To be told of every refusal, those that were raised
        here included.

        @param code: of the refusal, as clients get it.
        """

    def calls(account_id: str) -> None:
        """
        The signature is right, and of a user of that account, who may not be let
        in all the same: for doors that ask more than that.  Who is not let in then
        has not called.

        @raise euca_tw.api.errors.RequestLimitExceeded: the account calls too
            often.
        """

    def succeeded(account_id: str) -> None:
        """
        The signature is right, and of a user of that account, who is let in.
        Counts unless L{calls} did.

        @raise euca_tw.api.errors.RequestLimitExceeded: the account calls too
            often.
        """


class IAdmission(Interface):
    """Keeps count of those who knock."""

    def attempt(peer: str, request_id: str) -> IAttempt:
        """
        Somebody knocks.

        @param peer: the address that the request comes from.
        @raise euca_tw.api.errors.RequestLimitExceeded: nobody at that address is
            listened to for now, whatever he shows.
        """


def source_of(peer: str) -> str:
    """
    Whose address it is: of IPv6 the network (/64), for a host has all of it; an
    IPv4 address in IPv6's clothes is itself.
    """
    return _network_of(peer) if ":" in peer else peer


@lru_cache(maxsize=4096)
def _network_of(peer: str) -> str:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if not isinstance(address, IPv6Address):
        return peer
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, _HOST_BITS), strict=False))


# --- no limits ---------------------------------------------------------------


@implementer(IAttempt)
@frozen(eq=False)
class _FreeAttempt:
    _of: OpenAdmission
    _peer: str
    request_id: str

    def shows(self, credential: Hashable) -> None:
        """Whatever it is."""

    def failed(self, code: str, reason: str) -> None:
        self._of.note(self._peer, failure(self._peer, code, reason, self.request_id))

    def calls(self, account_id: str) -> None:
        """However often."""

    def succeeded(self, account_id: str) -> None:
        """However often."""


@implementer(IAdmission)
@define(eq=False)
class OpenAdmission:
    """
    Counts nothing and limits nobody, but logs each who was not let in: for tests.
    Where strangers can knock it must be one that does so L{seldom}.
    """

    _told: SeldomLog | None = None
    _log = Logger()

    @classmethod
    def seldom(cls, clock: IReactorTime) -> OpenAdmission:
        """One that logs as much as one should of strangers.  To be stopped."""
        return cls(SeldomLog(clock=clock, log=cls._log))

    def attempt(self, peer: str, request_id: str) -> _FreeAttempt:
        return _FreeAttempt(self, peer, request_id)

    def note(self, peer: str, fields: Mapping[str, str]) -> None:
        """That somebody was not let in."""
        if self._told is None:
            self._log.info(FAILED, **fields)
        else:
            self._told.tell(source_of(peer), FAILED_AGAIN, FAILED, **fields)

    def stop(self) -> None:
        """Tell what is not told yet."""
        if self._told is not None:
            self._told.stop()


def failure(peer: str, code: str, reason: str, request_id: str) -> dict[str, str]:
    """The fields of L{FAILED}.  In them, strangers' text is harmless."""
    return {
        "peer": peer,
        "code": code,
        "reason": _printable(reason[:LOGGED]),
        "request_id": request_id,
    }


def _printable(text: str) -> str:
    """On one line, and with nothing that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


__all__ = [
    "FAILED",
    "FAILED_AGAIN",
    "IAdmission",
    "IAttempt",
    "OpenAdmission",
    "failure",
    "source_of",
]
