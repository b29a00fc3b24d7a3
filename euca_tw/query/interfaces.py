"""What the Query door needs of others."""

from __future__ import annotations

from zope.interface import Interface

from euca_tw.model.callers import Caller


class IAccessKeys(Interface):
    """Whose access key is it?"""

    def secret_of(key_id: str) -> str | None:
        """
        The secret of an active key of an active user; None for any other, and
        after the same time.
        """

    def caller_of(key_id: str, request_id: str) -> Caller:
        """Who holds that (active) key."""
