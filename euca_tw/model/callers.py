"""Who calls: what a door has found out about the sender of a request."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Caller:
    """
    @ivar account_id: twelve digits; what C{ownerId} says.
    @ivar user_name: of the user who signed.
    @ivar request_id: of this one request; told to the client, and in every
        line of the log that the request causes.
    """

    account_id: str
    user_name: str
    is_admin: bool = False
    request_id: str = ""
