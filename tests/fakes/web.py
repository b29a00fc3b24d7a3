"""A web that is played by the test: an agent, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IProtocol
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IAgent
from zope.interface import implementer


@define(eq=False)
class MemoryAnswer:
    """
    An answer whose body comes when the test says so.

    @ivar flow: what the receiver has asked of it: C{pause}, C{resume}, C{stop}.
    """

    code: int = 200
    phrase: bytes = b"OK"
    length: Any = UNKNOWN_LENGTH
    headers: Headers = field(factory=Headers)
    flow: list[str] = field(factory=list)
    _body: IProtocol | None = None
    _delivered: Callable[[MemoryAnswer], None] = lambda answer: None

    def deliverBody(self, protocol: IProtocol) -> None:
        self._body = protocol
        protocol.makeConnection(self)  # type: ignore[arg-type]
        self._delivered(self)

    def pauseProducing(self) -> None:
        self.flow.append("pause")

    def resumeProducing(self) -> None:
        self.flow.append("resume")

    def stopProducing(self) -> None:
        self.flow.append("stop")

    def say(self, data: bytes) -> None:
        """A piece of the body."""
        assert self._body is not None
        self._body.dataReceived(data)

    def end(self, reason: Exception | None = None) -> None:
        """The body has ended; well, if there is no reason."""
        assert self._body is not None
        self._body.connectionLost(Failure(reason or ResponseDone()))


@implementer(IAgent)
@define(eq=False)
class MemoryWeb:
    """
    An agent.

    @ivar pages: what is found, by its address; anything else is not.
    @ivar answers: given before any page: a fitting test plays them.
    @ivar asked: the addresses that were asked for.
    @ivar headers: with which they were, in the same order.
    """

    pages: dict[str, bytes] = field(factory=dict)
    answers: list[MemoryAnswer | Exception | Deferred[Any]] = field(factory=list)
    asked: list[str] = field(factory=list)
    headers: list[Headers] = field(factory=list)
    is_up: bool = True

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: Any = None,  # noqa: N803
    ) -> Deferred[Any]:
        self.asked.append(uri.decode())
        self.headers.append(headers or Headers())
        if not self.is_up:
            return fail(ConnectionRefusedError())
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Deferred):
                return answer
            return fail(answer) if isinstance(answer, Exception) else succeed(answer)
        page = self.pages.get(uri.decode())
        if page is None:
            return succeed(
                MemoryAnswer(404, b"Not Found", delivered=lambda each: each.end())
            )

        def deliver(answer: MemoryAnswer) -> None:
            for start in range(0, len(page), 65536):
                answer.say(page[start : start + 65536])
            answer.end()

        return succeed(MemoryAnswer(length=len(page), delivered=deliver))
