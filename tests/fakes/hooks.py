"""Hooks that note their calls, and refuse as they are told."""

from __future__ import annotations

from attrs import Factory, define
from twisted.internet.defer import Deferred
from zope.interface import implementer

from euca_tw.nodectl.interfaces import HookRefused, IHooks, Occasion, Point


@implementer(IHooks)
@define(eq=False)
class RecordingHooks:
    """
    @ivar occasions: what it was called for.
    @ivar refusing: at these points it refuses, with this text.
    @ivar held: at these points it does not answer until this fires.
    """

    occasions: list[Occasion] = Factory(list)
    refusing: dict[Point, str] = Factory(dict)
    held: dict[Point, Deferred[None]] = Factory(dict)

    @property
    def points(self) -> list[str]:
        return [each.point.value for each in self.occasions]

    async def call(self, occasion: Occasion) -> None:
        self.occasions.append(occasion)
        if occasion.point in self.held:
            await self.held[occasion.point]
        if occasion.point.may_refuse and occasion.point in self.refusing:
            raise HookRefused(self.refusing[occasion.point])
