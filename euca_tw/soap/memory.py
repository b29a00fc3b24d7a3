"""
Peers in memory: the tiers' network when all of them are in one process.

Used by the all-in-one cloud and by tests.  A call is written
as XML and read again by the codecs of the real wire, so nothing passes here that
would not pass there; it is not signed and touches no socket.  Every message
takes a turn of the clock.
"""

from __future__ import annotations

from typing import Any

from attrs import Factory, define, field, frozen
from lxml import etree
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from euca_tw.api.encode import element
from euca_tw.api.errors import ApiError, InvalidAction
from euca_tw.api.shapes import Api, Dispatch, Operation, shape_of
from euca_tw.model.callers import Caller
from euca_tw.soap.decode import decode
from euca_tw.soap.interfaces import IPeer, IPeers, PeerRefused, PeerUnreachable
from euca_tw.soap.invocation import check_success, concluded, failure, invoke


@frozen
class _Service:
    api: Api
    dispatch: Dispatch


@define(eq=False)
class _Call:
    """@ivar broken: why the network gave it up."""

    work: Deferred[Any]
    broken: str | None = None


@implementer(IPeers)
@define(eq=False)
class MemoryPeers:
    """
    A network of services by URL.

    @ivar latency_s: how long each message is on its way.
    """

    _clock: IReactorTime
    latency_s: float = 0.0
    _served: dict[str, _Service] = Factory(dict)
    _cut: set[str] = Factory(set)
    _peers: dict[str, MemoryPeer] = Factory(dict)
    _requests: int = 0

    def serve(
        self, url: str, api: Api | None, dispatch: Dispatch | None = None
    ) -> None:
        """
        Have C{dispatch} answer at C{url}, in place of whatever did; with
        C{None}, nothing does any more.  Calls that are under way are broken
        off, as when a daemon dies.
        """
        self._served.pop(url, None)
        self._break_off(url, "the connection was lost")
        if api is not None and dispatch is not None:
            self._served[url] = _Service(api, dispatch)

    def cut(self, url: str) -> None:
        """Have the network lose whatever goes to or comes from C{url}."""
        self._cut.add(url)
        self._break_off(url, "the network is cut")

    def mend(self, url: str) -> None:
        """Undo L{cut}."""
        self._cut.discard(url)

    def peer(self, url: str) -> MemoryPeer:
        if url not in self._peers:
            self._peers[url] = MemoryPeer(url, self)
        return self._peers[url]

    def _break_off(self, url: str, reason: str) -> None:
        if url in self._peers:
            self._peers[url].break_off(reason)

    def reach(self, url: str) -> _Service:
        """@raise PeerUnreachable: nobody is there."""
        if url in self._cut:
            raise PeerUnreachable(url, "the network is cut")
        if url not in self._served:
            raise PeerUnreachable(url, "the connection was refused")
        return self._served[url]

    def travel(self) -> Deferred[None]:
        return deferLater(self._clock, self.latency_s)

    def limit(self, work: Deferred[Any], timeout_s: float) -> None:
        work.addTimeout(timeout_s, self._clock, onTimeoutCancel=_timed_out)

    def request_id(self) -> str:
        self._requests += 1
        return f"memory-{self._requests}"


@define
class _TimedOut(Exception):
    after_s: float


def _timed_out(result: Any, timeout_s: float) -> Any:
    raise _TimedOut(timeout_s)


@implementer(IPeer)
@define(eq=False)
class MemoryPeer:
    """One service, as its callers see it."""

    url: str
    _network: MemoryPeers = field(repr=False)
    _calls: dict[_Call, None] = Factory(dict)

    async def call(self, operation: Operation, request: Any, timeout_s: float) -> Any:
        work = Deferred.fromCoroutine(self._call(operation, request))
        self._network.limit(work, timeout_s)
        call = _Call(work)
        self._calls[call] = None
        try:
            return await work
        except CancelledError:
            if call.broken is None:
                raise
            raise PeerUnreachable(self.url, call.broken) from None
        except _TimedOut as late:
            raise PeerUnreachable(
                self.url, f"no answer within {late.after_s:g} s"
            ) from None
        finally:
            del self._calls[call]

    def break_off(self, reason: str) -> None:
        for call in tuple(self._calls):
            call.broken = reason
            call.work.cancel()

    async def _call(self, operation: Operation, request: Any) -> Any:
        await self._network.travel()
        service = self._network.reach(self.url)
        try:
            document = await self._answer(service, operation, request)
        except ApiError as e:
            await self._network.travel()
            raise PeerRefused(self.url, e.code, e.message) from None
        await self._network.travel()
        try:
            response = _read(service.api, operation.response, document)
        except ApiError as e:
            raise PeerUnreachable(
                self.url, f"its answer cannot be read: {e.message}"
            ) from None
        return check_success(self.url, response)

    async def _answer(
        self, service: _Service, operation: Operation, request: Any
    ) -> str:
        if service.api.find(operation.name, service.api.versions[-1]) is None:
            raise InvalidAction(operation.name)
        document = _write(service.api, operation.name, operation.request, request)
        received = _read(service.api, operation.request, document)
        caller = Caller(
            account_id="",
            user_name="eucalyptus",
            is_admin=True,
            request_id=self._network.request_id(),
        )

        def write(response: Any) -> str:
            return _write(
                service.api, f"{operation.name}Response", operation.response, response
            )

        try:
            return await invoke(
                service.dispatch,
                operation,
                caller,
                received,
                lambda r: write(concluded(received, r)),
            )
        except ApiError as e:
            told = failure(operation, received, e)
            if told is None:
                raise
            return write(told)


def _write(api: Api, name: str, cls: type, value: Any) -> str:
    version = api.versions[-1]
    return element(name, api.namespace_of(version), shape_of(cls), version, value)


def _read(api: Api, cls: type, document: str) -> Any:
    version = api.versions[-1]
    root = etree.fromstring(document.encode())
    return decode(shape_of(cls), version, root, api.namespace_of(version))
