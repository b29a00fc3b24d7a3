"""
What was asked for so far: the reasons for which anything may happen.

Users and the world tell it here before they do it; L{euca_tw.sim.audit} asks
whether what a tier does has one of them.
"""

from __future__ import annotations

from collections import Counter

from attrs import define, field


@define(eq=False)
class Causes:
    """
    @ivar launches: of how many instances, by client token.
    @ivar stops, starts, reboots: how often each was asked of an instance.
    @ivar ends: instances that users asked to end.
    @ivar mishaps: instances whose guest ended by itself, or lost its machine.
    @ivar releases: addresses that users asked to give back.
    @ivar gifts: addresses and instances that were to have them.
    @ivar takings: addresses that were to be taken from whatever had them.
    """

    launches: dict[str, int] = field(factory=dict, init=False)
    stops: Counter[str] = field(factory=Counter, init=False)
    starts: Counter[str] = field(factory=Counter, init=False)
    reboots: Counter[str] = field(factory=Counter, init=False)
    ends: set[str] = field(factory=set, init=False)
    mishaps: set[str] = field(factory=set, init=False)
    releases: set[str] = field(factory=set, init=False)
    gifts: set[tuple[str, str]] = field(factory=set, init=False)
    takings: set[str] = field(factory=set, init=False)
