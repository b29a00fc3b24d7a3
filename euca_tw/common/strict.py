"""
The careful lane's parser: twisted.web's, with narrower bounds, and where a request
is refused, with words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from twisted.web.http import HTTPChannel

from euca_tw.common import refusals
from euca_tw.common.asked import Reply
from euca_tw.common.chunks import BadChunks, Chunks
from euca_tw.common.patience import Patience, Phase
from euca_tw.common.quick import LENGTH_DIGITS, MAX_HEAD, MAX_HEADERS, may_begin

if TYPE_CHECKING:
    from euca_tw.common.site import AnswerSite


class StrictChannel(HTTPChannel):
    """
    One connection's requests.  It is L{euca_tw.common.channel.Channel} that knows
    when they are read.
    """

    # HTTPChannel's own bounds, and it counts.
    totalHeadersSize = MAX_LENGTH = MAX_HEAD
    maxHeaders = MAX_HEADERS

    site: AnswerSite
    _patience: Patience
    #: Nothing that comes is heard any more.
    _is_deaf = False
    #: What is not to be looked at before the current request is answered.
    _ahead = b""
    #: A first line was read.
    _is_in_head = False
    #: The line that is judged, and whether it is a first one.
    _judged = b""
    _judges_first = True

    def refuse(self, reply: Reply) -> None:
        """Say that, and hear no more."""
        raise NotImplementedError

    def has_room(self, size: int) -> bool:
        """Whether a body may be so long; if not, it has been refused."""
        raise NotImplementedError

    def parse(self, data: bytes) -> None:
        """What comes, as far as it may be looked at; the rest later."""
        if self._handlingRequest or self.paused:
            self._ahead += data
            return
        while not self._is_deaf:
            super().dataReceived(data)
            if self._handlingRequest or self.paused or not self._ahead:
                break
            data, self._ahead = self._ahead, b""

    def phase(self) -> Phase:
        """What is waited for, after that."""
        if self._handlingRequest:
            return Phase.ANSWERING
        if not self.line_mode:
            return Phase.BODY
        return Phase.HEAD if self._is_in_head or self._buffer else Phase.IDLE

    def is_hopeless(self) -> bool:
        """Whether what there is of a first line had to be refused."""
        start = b"" if self._is_in_head else self._buffer
        if not start or may_begin(start):
            return False
        self.refuse(refusals.bad_request(start, is_first=True))
        return True

    def requestDone(self, request: Any) -> None:
        # All that follows in one place, and in order.
        self._ahead = b"".join((*self._dataBuffer, self._ahead))
        self._dataBuffer = []
        super().requestDone(request)

    def lineReceived(self, line: bytes) -> None:
        self._judges_first = not self._is_in_head
        if self._judges_first:
            self._judged, self._is_in_head = line, bool(line)
        # HTTPChannel counts the line; what ends it is of the head, too.
        self._receivedHeaderSize += len(self.delimiter)
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(
            refusals.HEAD_TOO_LONG if self._is_in_head else refusals.TARGET_TOO_LONG
        )

    def headerReceived(self, line: bytes) -> bool:
        self._judged, self._judges_first = line, False
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if name == b"content-length" and len(value) > LENGTH_DIGITS:
            if value.isdigit():
                self.refuse_large()
                return False
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            # HTTPChannel leaves "identity" out, where others may not.
            self.refuse(refusals.bad_request(line, is_first=False))
            return False
        return cast(bool, super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        self._is_in_head = False
        self._patience.received = 0
        if self.length is None:
            coded: Any = self._transferDecoder
            self._transferDecoder = Chunks(coded.dataCallback, coded.finishCallback)
        elif self.length > self.site.max_body_bytes:
            self.refuse_large()
            return
        elif not self.has_room(self.length):
            return
        super().allHeadersReceived()

    def rawDataReceived(self, data: bytes) -> None:
        if self._handlingRequest:
            self._ahead += data
            return
        try:
            super().rawDataReceived(data)
        except BadChunks as error:
            self.refuse(refusals.refusal(400, str(error)))

    def content_type(self) -> str | None:
        """Of the request whose head is being read, as far as it is known."""
        said = self.requests[-1].requestHeaders.getRawHeaders(b"content-type")
        return said[0].decode("latin-1") if said else None

    def refuse_large(self) -> None:
        """The body that comes is too large."""
        self.refuse(self.site.too_large(self.content_type()))

    def _respondToBadRequestAndDisconnect(self) -> None:
        """HTTPChannel's word for a request that it cannot read."""
        if self._receivedHeaderSize > self.totalHeadersSize:
            self.refuse(refusals.HEAD_TOO_LONG)
        elif self._receivedHeaderCount > self.maxHeaders:
            self.refuse(refusals.TOO_MANY_HEADERS)
        else:
            self.refuse(refusals.bad_request(self._judged, is_first=self._judges_first))


__all__ = ["StrictChannel"]
