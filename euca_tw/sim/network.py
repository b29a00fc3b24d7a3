"""
The tiers' network, simulated: messages take their time, and some do not arrive.

Records are passed as they are, or by the codecs of the real wire; both come to the
same, as the suite of L{euca_tw.soap.interfaces.IPeers} shows of both.  A message
that comes twice is answered twice here, and only the first answer counts.  (The
real doors refuse the second; a tier must be right without that too.)
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import Factory, define, field, frozen
from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.api.encode import element
from euca_tw.api.errors import ApiError, InvalidAction
from euca_tw.api.shapes import Api, Dispatch, Operation, shape_of
from euca_tw.model.callers import Caller
from euca_tw.sim.distributions import Constant, Distribution
from euca_tw.sim.fault_plan import Faults
from euca_tw.soap.decode import decode
from euca_tw.soap.interfaces import IPeer, IPeers, PeerRefused, PeerUnreachable
from euca_tw.soap.invocation import check_success, concluded, failure, invoke

#: How a message gets through: the API, the message's name, its class, itself.
Carry = Callable[[Api, str, type, Any], Any]


def as_record(api: Api, name: str, cls: type, value: Any) -> Any:
    """Shapes are frozen: who has one can do no harm to who sent it."""
    return value


def as_xml(api: Api, name: str, cls: type, value: Any) -> Any:
    """@raise ApiError: it is not as the contract has it."""
    version = api.versions[-1]
    namespace = api.namespace_of(version)
    document = element(name, namespace, shape_of(cls), version, value)
    return decode(
        shape_of(cls), version, etree.fromstring(document.encode()), namespace
    )


@frozen
class _Service:
    name: str
    api: Api
    dispatch: Dispatch


@define(eq=False, kw_only=True)
class Network:
    """
    Services by URL, and what is between them.

    @ivar faults: what share of messages is lost, or comes late or twice.
    """

    clock: IReactorTime
    random: Random = field(repr=False, factory=lambda: Random("network"))  # noqa: S311
    latency: Distribution = Factory(lambda: Constant(value=0.0))
    faults: Faults = Factory(Faults)
    carry: Carry = as_record
    _served: dict[str, _Service] = field(factory=dict, init=False)
    _cut: set[frozenset[str]] = field(factory=set, init=False)
    #: What is under way, by the URL that it goes to.
    _calls: dict[str, dict[_Call, None]] = field(factory=dict, init=False)
    _requests: int = field(default=0, init=False)

    def seen_from(self, name: str) -> Peers:
        """The network, as one daemon sees it in one life."""
        return Peers(name, self)

    def serve(self, name: str, url: str, api: Api, dispatch: Dispatch) -> None:
        """
        Have C{dispatch} answer at C{url}, in place of whatever did.

        @param name: of the daemon.
        """
        self.drop(url)
        self._served[url] = _Service(name, api, dispatch)

    def drop(self, url: str) -> None:
        """Have nothing answer there any more; what is under way is broken off."""
        self._served.pop(url, None)
        for call in tuple(self._calls.get(url, ())):
            call.fail("the connection was lost")

    def cut(self, one: str, other: str) -> None:
        """Lose whatever goes between two daemons."""
        self._cut.add(frozenset((one, other)))

    def mend(self, one: str, other: str) -> None:
        """Undo L{cut}."""
        self._cut.discard(frozenset((one, other)))

    def mend_all(self) -> None:
        """From now on nothing is lost, late or doubled."""
        self._cut.clear()
        self.faults = Faults()

    def find(self, url: str) -> _Service | None:
        """What answers there."""
        return self._served.get(url)

    def send(self, one: str, other: str, arrive: Callable[[], None]) -> None:
        """Have a message travel, if it does."""
        if self._cut and frozenset((one, other)) in self._cut:
            return
        random, faults = self.random, self.faults
        times = 1
        if faults.loss and random.random() < faults.loss:
            return
        if faults.duplication and random.random() < faults.duplication:
            times = 2
        for _ in range(times):
            late_s = self.latency.draw(random)
            if faults.delay and random.random() < faults.delay:
                late_s += faults.delayed_s.draw(random)
            self.clock.callLater(late_s, arrive)

    def begin(self, call: _Call) -> None:
        """It is under way."""
        self._calls.setdefault(call.url, {})[call] = None

    def end(self, call: _Call) -> None:
        """It is not any more."""
        self._calls.get(call.url, {}).pop(call, None)

    def caller(self) -> Caller:
        """Who asks, with a request id of its own."""
        self._requests += 1
        return Caller(
            account_id="",
            user_name="eucalyptus",
            is_admin=True,
            request_id=f"simulated-{self._requests}",
        )


@implementer(IPeers)
@define(eq=False)
class Peers:
    """@ivar caller: the daemon that asks."""

    caller: str
    _network: Network = field(repr=False)
    _known: dict[str, Peer] = field(factory=dict, init=False)
    _calls: dict[_Call, None] = field(factory=dict, init=False)

    def peer(self, url: str) -> Peer:
        found = self._known.get(url)
        if found is None:
            found = self._known[url] = Peer(url, self._network, self)
        return found

    def hang_up(self) -> None:
        """The daemon has died: nobody waits for what it asked."""
        for call in tuple(self._calls):
            call.abandon()


@implementer(IPeer)
@define(eq=False)
class Peer:
    """One service, as one daemon sees it."""

    url: str
    _network: Network = field(repr=False)
    _of: Peers = field(repr=False)

    async def call(self, operation: Operation, request: Any, timeout_s: float) -> Any:
        network, calls = self._network, self._of._calls
        call = _Call(network, self._of.caller, self.url, operation, request)
        calls[call] = None
        network.begin(call)
        try:
            return check_success(self.url, await call.go(timeout_s))
        finally:
            calls.pop(call, None)
            network.end(call)


@define(eq=False)
class _Call:
    """A question on its way, and its answer."""

    network: Network
    caller: str
    url: str
    operation: Operation
    request: Any
    answer: Deferred[Any] = field(init=False)
    late: IDelayedCall | None = field(default=None, init=False)
    #: At the other end; more than one if it came twice.
    working: list[Deferred[Any]] = field(factory=list, init=False)
    #: Nobody waits for an answer (any more).
    is_over: bool = field(default=False, init=False)

    def go(self, timeout_s: float) -> Deferred[Any]:
        self.answer = Deferred(lambda _: self._cease())
        self.late = self.network.clock.callLater(timeout_s, self._timed_out, timeout_s)
        self.network.send(self.caller, self._other(), self._arrive)
        return self.answer

    def fail(self, reason: str) -> None:
        """The caller learns that no answer comes."""
        if not self.is_over:
            self._cease()
            self.answer.errback(PeerUnreachable(self.url, reason))

    def abandon(self) -> None:
        """The caller is no more."""
        self._cease()

    def _other(self) -> str:
        """The daemon that is asked; there may be none now."""
        service = self.network.find(self.url)
        return self.url if service is None else service.name

    def _timed_out(self, timeout_s: float) -> None:
        self.fail(f"no answer within {timeout_s:g} s")

    def _cease(self) -> None:
        self.is_over = True
        if self.late is not None and self.late.active():
            self.late.cancel()
        working, self.working = self.working, []
        for each in working:
            each.cancel()

    def _arrive(self) -> None:
        service = self.network.find(self.url)
        if service is None:
            self.fail("the connection was refused")
            return
        work = Deferred.fromCoroutine(self._invoke(service))
        if not work.called:
            self.working.append(work)
        work.addBoth(self._leave, service)

    async def _invoke(self, service: _Service) -> Any:
        operation, api, carry = self.operation, service.api, self.network.carry
        if api.find(operation.name, api.versions[-1]) is None:
            raise InvalidAction(operation.name)
        received = carry(api, operation.name, operation.request, self.request)

        def write(response: Any) -> Any:
            whole = concluded(received, response)
            return carry(api, f"{operation.name}Response", operation.response, whole)

        try:
            return await invoke(
                service.dispatch, operation, self.network.caller(), received, write
            )
        except ApiError as error:
            told = failure(operation, received, error)
            if told is None:
                raise
            return told

    def _leave(self, result: Any, service: _Service) -> None:
        """(Who broke it off waits for nothing.)"""
        if not self.is_over:
            self.network.send(service.name, self.caller, lambda: self._come(result))

    def _come(self, result: Any) -> None:
        if self.is_over:
            return
        self._cease()
        if not isinstance(result, Failure):
            self.answer.callback(result)
        elif isinstance(result.value, ApiError):
            error = result.value
            self.answer.errback(PeerRefused(self.url, error.code, error.message))
        else:
            self.answer.errback(PeerUnreachable(self.url, "it broke off"))
