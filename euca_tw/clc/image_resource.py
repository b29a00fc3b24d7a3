"""Where nodes fetch images by HTTP, whole or from where they were broken off."""

from __future__ import annotations

from urllib.parse import parse_qs

from twisted.web.iweb import IRequest
from twisted.web.pages import forbidden
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request
from twisted.web.static import File

from euca_tw.clc.image_store import FileImageStore


class ImageResource(Resource):
    """
    To be put at C{images}: C{images/<id>?token=…}, as
    L{FileImageStore.url_of} says it.  Who has no token learns nothing, not
    even whether the image is there.
    """

    def __init__(self, store: FileImageStore) -> None:
        super().__init__()
        self._store = store

    def getChild(self, name: bytes, request: IRequest) -> IResource:
        # Not request.args: our site leaves queries alone.
        query = request.uri.partition(b"?")[2].decode("latin-1")
        [token] = parse_qs(query).get("token", [""])[-1:]
        path = self._store.path_of(name.decode("utf-8", "replace"), token)
        if path is None:
            return forbidden("There is no such image, or it is not for you.")
        return _ImageFile(str(path), defaultType="application/octet-stream")


class _ImageFile(File):
    """
    A file with an ETag, of which a part is given only to who has the rest of
    the very same: Twisted's own knows no C{If-Range}.
    """

    def render_GET(self, request: Request) -> object:
        self.restat(False)
        if self.exists():
            tag = f'"{self.getModificationTime():.6f}-{self.getsize()}"'.encode()
            request.setHeader(b"etag", tag)
            condition = request.getHeader(b"if-range")
            if condition is not None and condition != tag:
                request.requestHeaders.removeHeader(b"range")
        return super().render_GET(request)
