"""
What the cloud controller's site says when it refuses a request before a door has
it: in the shape of the door that was meant, as far as that can be told.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from euca_tw.api.errors import ApiError, RequestTooLarge
from euca_tw.clc.admission import Admission
from euca_tw.clc.front import is_soap, is_soap_type
from euca_tw.common.asked import Asked, Reply
from euca_tw.query.door import error_reply
from euca_tw.soap.door import refusal


@frozen(kw_only=True, eq=False)
class Refusals:
    """@ivar requests_in_work: at most."""

    admission: Admission
    new_request_id: Callable[[], str]
    max_body_bytes: int
    requests_in_work: int

    def no_page(self, error: ApiError) -> Reply:
        """There is nothing where it goes."""
        return error_reply(error, self.new_request_id())

    def too_large(self, kind: str | None) -> Reply:
        """Its body is."""
        return self._refuse(RequestTooLarge(self.max_body_bytes), kind)

    def no_room(self, kind: str | None, reason: str) -> Reply:
        """There are too many connections, or bodies."""
        return self._refuse(self.admission.refuse_room(reason), kind)

    def busy(self, asked: Asked) -> Reply:
        """Too many are being answered."""
        return self.at_door(asked, self.admission.refuse_busy(self.requests_in_work))

    def at_door(self, asked: Asked, error: ApiError) -> Reply:
        """It cannot be let in now."""
        if is_soap(asked):
            return refusal(error, self.new_request_id())
        return error_reply(error, self.new_request_id())

    def _refuse(self, error: ApiError, kind: str | None) -> Reply:
        if is_soap_type(kind or ""):
            return refusal(error, self.new_request_id(), error.status)
        return error_reply(error, self.new_request_id())


__all__ = ["Refusals"]
