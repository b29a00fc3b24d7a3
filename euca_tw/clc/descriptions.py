"""
Descriptions of the service, made when they are asked for, and then kept.

To make one takes long enough for a thread of its own, and the threads are not
for that alone: so one is made at a time, whoever asks, and what is kept is told
at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from attrs import define, field

from euca_tw.api.shapes import Version
from euca_tw.common.in_thread import InThread
from euca_tw.common.one_at_a_time import OneAtATime

#: So many are kept; the newest are of 350 KiB.
KEPT = 16


@define(eq=False, kw_only=True)
class Descriptions:
    """
    @ivar make: makes the description of a version, of a kind; called in a
        thread.
    """

    make: Callable[[Version, str], bytes]
    in_thread: InThread
    _kept: OrderedDict[tuple[Version, str], bytes] = field(
        factory=OrderedDict, init=False
    )
    _making: OneAtATime = field(factory=OneAtATime, init=False)

    async def of(self, version: Version, kind: str) -> bytes:
        which = (version, kind)
        found = self._kept.get(which)
        if found is not None:
            self._kept.move_to_end(which)
            return found
        async with self._making:
            made = self._kept.get(which)  # while this one waited
            if made is None:
                made = await self.in_thread(partial(self.make, *which))
                self._kept[which] = made
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return made
