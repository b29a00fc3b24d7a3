"""
What of a cloud controller depends on whether others share its state.

Alone, it leads everything from its start to its end, and whatever it has is current.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from socket import gethostname

from euca_tw.admin.daemon import Machine, Part
from euca_tw.api.errors import ApiError
from euca_tw.clc.anew import OF_REQUESTS, OF_THE_CLOUD, Anew
from euca_tw.clc.controllers import Controllers
from euca_tw.clc.freshness import Fresh, always_current
from euca_tw.common.asked import Answer, Asked, Reply
from euca_tw.common.leading import Duty
from euca_tw.store.interfaces import IShared, IStore
from euca_tw.store.watched import Heard, WatchedStore


class Sharing:
    """
    @ivar is_shared: whether there may be others.
    @ivar controllers: who there are; None: there are no others.
    """

    def __init__(
        self, kept: IStore, watched: WatchedStore, machine: Machine, listen: str
    ) -> None:
        """
        @param kept: the store itself.
        @param watched: what tells of its commits.
        @param listen: where this cloud controller does.
        """
        self._machine = machine
        self._watched = watched
        self._shared: IShared | None = None
        self.controllers: Controllers | None = None
        if IShared.providedBy(kept):
            self._shared = shared = IShared(kept)
            self.controllers = Controllers(
                store=watched,
                leases=shared,
                current=shared.current,
                clock=machine.reactor,
                random=machine.random,
                monotonic=machine.monotonic,
                name=machine.minter.uuid(),
                listen=listen,
                host=gethostname(),
                pid=os.getpid(),
            )
            watched.watch(self.controllers.changed)

    @property
    def is_shared(self) -> bool:
        return self._shared is not None

    @property
    def name(self) -> str:
        """Of this cloud controller; C{""}: it is the only one."""
        return "" if self.controllers is None else self.controllers.name

    def watch(self, *heard: Heard) -> None:
        """Have these told of what is committed, if others may do that."""
        if self.is_shared:
            for each in heard:
                self._watched.watch(each)

    @property
    def of_requests(self) -> Anew | None:
        """How users' requests are decided again; None: nobody is overtaken."""
        return self._anew(OF_REQUESTS)

    @property
    def of_the_cloud(self) -> Anew | None:
        """The same, of what nobody waits for."""
        return self._anew(OF_THE_CLOUD)

    def _anew(self, times: int) -> Anew | None:
        if not self.is_shared:
            return None
        machine = self._machine
        return Anew(clock=machine.reactor, random=machine.random, times=times)

    def current(self) -> Awaitable[None]:
        """Fires when what others have committed before is here."""
        if self._shared is None:
            return always_current()
        current: Awaitable[None] = self._shared.current()
        return current

    def answer_by(
        self, answer: Answer, refuse: Callable[[Asked, ApiError], Reply]
    ) -> Answer:
        """The same answer, by what is current; see L{Fresh}."""
        if self._shared is None:
            return answer
        return Fresh(self._shared.current, refuse).answer_by(answer)

    def alone(self, what: str, work: Callable[[], Awaitable[None]]) -> Part:
        """A part that is done when it starts, by one at a time."""
        controllers = self.controllers
        if controllers is None:
            return Part(name=what, start=work)
        return Part(name=what, start=lambda: controllers.once(what, work))

    def parts(self, duties: Iterable[Duty]) -> tuple[Part, ...]:
        """What does these duties, if there are others."""
        controllers, led = self.controllers, tuple(duties)
        if controllers is None:
            return ()
        return (
            Part(
                name="what one of several leads",
                start=lambda: controllers.start(led),
                stop=controllers.stop,
            ),
        )
