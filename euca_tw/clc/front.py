"""
The cloud controller's one port: which door a request goes to.

 - C{/} and C{/services/Eucalyptus}: EC2, by SOAP if it is a SOAP message, else
   by Query; C{?wsdl} is its description.
 - C{/doc/<date>/AmazonEC2.wsdl}: its description at a date; C{….xsd}: the schema
   of that alone.
 - C{/images/…}: images, for the nodes; C{/uploads/…}: those that they made.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

from attrs import frozen
from twisted.internet.defer import succeed
from twisted.internet.task import Cooperator
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from euca_tw.api.errors import ApiError, NoSuchPage
from euca_tw.api.shapes import Version
from euca_tw.clc.uploads import PREFIX as UPLOADS
from euca_tw.common.web import Answer, AnswerResource, Asked, Reply

SERVICE = "/services/Eucalyptus"
_SERVICES: Final = frozenset({b"/", b"/services/Eucalyptus", b"/services/Eucalyptus/"})
_DESCRIPTION = re.compile(rb"/doc/(\d{4}-\d\d-\d\d)/AmazonEC2\.(wsdl|xsd)\Z")
_FORM = "application/x-www-form-urlencoded"
_SOAP_TYPES = ("text/xml", "application/xml", "application/soap+xml")
_IMAGES: Final = b"/images/"


def is_soap(asked: Asked) -> bool:
    """Whether a request looks like a SOAP message, right or wrong."""
    if asked.method != "POST":
        return False
    kind = asked.headers("content-type") or ""
    if kind.lower().startswith(_FORM):
        return False
    return is_soap_type(kind) or asked.headers("soapaction") is not None


def is_soap_type(kind: str) -> bool:
    """Whether a content type is one of SOAP messages."""
    return kind.lower().startswith(_SOAP_TYPES)


@frozen(kw_only=True, eq=False)
class Front:
    """
    @ivar versions: oldest first; those that have a description.
    @ivar describe: makes the description of a version, C{wsdl} or C{xsd},
        which may take long.
    @ivar refuse: makes the reply for a request that goes nowhere.
    @ivar uploads: takes images that nodes have made; None where none are kept.
    """

    query: Answer
    soap: Answer
    versions: Collection[Version]
    describe: Callable[[Version, str], Awaitable[bytes]]
    refuse: Callable[[ApiError], Reply]
    uploads: Answer | None = None

    def answer(self, asked: Asked) -> Awaitable[Reply]:
        """An L{euca_tw.common.web.Answer}."""
        path, _, query = asked.target.partition(b"?")
        if path in _SERVICES:
            if is_soap(asked):
                return self.soap(asked)
            if query and query.lower() == b"wsdl":
                return self._description(max(self.versions), "wsdl")
            return self.query(asked)
        if self.uploads is not None and path.startswith(UPLOADS):
            return self.uploads(asked)
        found = _DESCRIPTION.match(path)
        version = Version(found[1].decode("ascii") if found is not None else "")
        if found is not None and version in self.versions:
            return self._description(version, found[2].decode("ascii"))
        return succeed(self.refuse(NoSuchPage(path[:200].decode("utf-8", "replace"))))

    async def _description(self, version: Version, kind: str) -> Reply:
        described = await self.describe(version, kind)
        return Reply(200, "text/xml;charset=UTF-8", (described,))


class FrontResource(AnswerResource):
    """
    The root of the site: images are served as files, by ranges; all else goes
    to the front, without a search through a tree.
    """

    def __init__(
        self, answer: Answer, cooperator: Cooperator, images: Resource | None
    ) -> None:
        """
        @param answer: the front's.
        @param images: whose children are images; None where none are kept.
        """
        super().__init__(answer, cooperator)
        self._images = images

    def is_answered(self, target: bytes) -> bool:
        return not target.startswith(_IMAGES)

    def render(self, request: Any) -> int:
        if self._images is None or not request.path.startswith(_IMAGES):
            return super().render(request)
        name = request.path.removeprefix(_IMAGES)
        request.prepath, request.postpath = [b"images", name], []
        request.render(self._images.getChild(name, request))
        return NOT_DONE_YET
