"""Leases of one clock, in memory."""

from __future__ import annotations

from attrs import Factory, define
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime


class Unreachable(Exception):
    """They cannot be asked."""


@define(eq=False)
class MemoryLeases:
    """
    @ivar held: by name: the holder, and until when.
    @ivar is_cut: they cannot be asked.
    @ivar waiting: what is not answered, while that is not None.
    """

    clock: IReactorTime
    held: dict[str, tuple[str, float]] = Factory(dict)
    is_cut: bool = False
    waiting: list[Deferred[None]] | None = None

    def lead(self, name: str, holder: str, for_s: float) -> Deferred[float | None]:
        if self.is_cut:
            return fail(Unreachable("cut"))
        now = self.clock.seconds()
        has, until = self.held.get(name, ("", now))
        answer: float | None = None
        if has == holder or until <= now:
            self.held[name] = holder, now + for_s
            answer = for_s
        if self.waiting is None:
            return succeed(answer)
        late: Deferred[None] = Deferred()
        self.waiting.append(late)
        return late.addCallback(lambda _: answer)

    def release(self, name: str, holder: str) -> Deferred[None]:
        if self.is_cut:
            return fail(Unreachable("cut"))
        if self.held.get(name, ("", 0))[0] == holder:
            del self.held[name]
        return succeed(None)
