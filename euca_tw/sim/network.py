"""
The tiers' network, simulated: messages take their time, and some do not arrive.

Records are passed as they are, or by the codecs of the real wire; both come to the
same, as the suite of L{euca_tw.soap.interfaces.IPeers} shows of both.  A message
that comes twice is answered twice here, and only the first answer counts.  (The
real doors refuse the second; a tier must be right without that too.)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from attrs import Factory, define, field, frozen
from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.api.encode import element
from euca_tw.api.errors import ApiError, InvalidAction, InvalidSecurity
from euca_tw.api.shapes import Api, Dispatch, Operation, shape_of
from euca_tw.model.callers import Caller
from euca_tw.sim.clock import MachineClock
from euca_tw.sim.distributions import Constant, Distribution
from euca_tw.sim.fault_plan import Faults
from euca_tw.sim.life import Life, Moment
from euca_tw.soap.decode import decode
from euca_tw.soap.freshness import OF_PEERS
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
    life: Life | None = None


def _dies(life: Life | None, moment: Moment) -> bool:
    """Whether there is nobody any more, after that moment."""
    return life is not None and (life.is_over or life.ends(moment))


@frozen(kw_only=True)
class _Stamped:
    """@ivar created: when the sender says that he made a message."""

    created: datetime
    expires: None = None


@define(eq=False, kw_only=True)
class Network:
    """
    Services by URL, and what is between them.

    @ivar faults: what share of messages is lost, or comes late or twice.
    @ivar clocks: what each daemon has for the time, if it is not C{clock}.
    """

    clock: IReactorTime
    random: Random = field(repr=False, factory=lambda: Random("network"))  # noqa: S311
    latency: Distribution = Factory(lambda: Constant(value=0.0))
    faults: Faults = Factory(Faults)
    carry: Carry = as_record
    clocks: dict[str, MachineClock] = Factory(dict)
    _served: dict[str, _Service] = field(factory=dict, init=False)
    _cut: set[frozenset[str]] = field(factory=set, init=False)
    #: What is under way, by the URL that it goes to.
    _calls: dict[str, dict[_Call, None]] = field(factory=dict, init=False)
    _requests: int = field(default=0, init=False)

    def seen_from(self, name: str, life: Life | None = None) -> Peers:
        """The network, as one daemon sees it in one life."""
        return Peers(name, self, life)

    def serve(
        self,
        name: str,
        url: str,
        api: Api,
        dispatch: Dispatch,
        life: Life | None = None,
    ) -> None:
        """
        Have C{dispatch} answer at C{url}, in place of whatever did.

        @param name: of the daemon.
        @param life: of it; None: it does not die.
        """
        self.drop(url)
        self._served[url] = _Service(name, api, dispatch, life)

    def hush(self, url: str) -> None:
        """Have nothing answer there any more; L{drop} is to follow."""
        self._served.pop(url, None)

    def drop(self, url: str) -> None:
        """Have nothing answer there any more; what is under way is broken off."""
        self.hush(url)
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

    def shown(self, name: str) -> float:
        """The time by a daemon's clock."""
        return self.clocks.get(name, self.clock).seconds()

    def check(self, name: str, created: float) -> None:
        """
        Judge the Timestamp of what comes to a daemon, as the real doors do.

        @raise InvalidSecurity: by its clock it is too old, or of the future.
        """
        now = self.shown(name)
        if not 0 <= now - created < OF_PEERS.lifetime_s:
            made = datetime.fromtimestamp(created, UTC)
            stamped = _Stamped(created=made)
            OF_PEERS.check(stamped, datetime.fromtimestamp(now, UTC))

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
    life: Life | None = None
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
        network, calls, life = self._network, self._of._calls, self._of.life
        if life is not None and _dies(life, Moment.ASKING):
            await life.never()
        call = _Call(network, self._of.caller, life, self.url, operation, request)
        calls[call] = None
        network.begin(call)
        try:
            answer = call.go(timeout_s)
            if life is not None and _dies(life, Moment.ASKED):
                await life.never()
            return check_success(self.url, await answer)
        finally:
            calls.pop(call, None)
            network.end(call)


@define(eq=False)
class _Call:
    """A question on its way, and its answer."""

    network: Network
    caller: str
    life: Life | None
    url: str
    operation: Operation
    request: Any
    created: float = field(init=False)
    answer: Deferred[Any] = field(init=False)
    late: IDelayedCall | None = field(default=None, init=False)
    #: At the other end; more than one if it came twice.
    working: list[Deferred[Any]] = field(factory=list, init=False)
    #: Nobody waits for an answer (any more).
    is_over: bool = field(default=False, init=False)

    def go(self, timeout_s: float) -> Deferred[Any]:
        self.answer = Deferred(lambda _: self._cease())
        self.created = self.network.shown(self.caller)
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
        if _dies(service.life, Moment.TOLD):
            return
        work = Deferred.fromCoroutine(self._invoke(service))
        if not work.called:
            self.working.append(work)
        work.addBoth(self._leave, service)

    async def _invoke(self, service: _Service) -> Any:
        operation, api, carry = self.operation, service.api, self.network.carry
        self.network.check(service.name, self.created)
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
        if not (self.is_over or _dies(service.life, Moment.ANSWERING)):
            created = self.network.shown(service.name)
            self.network.send(
                service.name, self.caller, lambda: self._come(result, created)
            )

    def _come(self, result: Any, created: float) -> None:
        if self.is_over or _dies(self.life, Moment.HEARING):
            return
        try:
            self.network.check(self.caller, created)
        except InvalidSecurity as refusal:
            self.fail(str(refusal))
            return
        self._cease()
        if not isinstance(result, Failure):
            self.answer.callback(result)
        elif isinstance(result.value, ApiError):
            error = result.value
            self.answer.errback(PeerRefused(self.url, error.code, error.message))
        else:
            self.answer.errback(PeerUnreachable(self.url, "it broke off"))
