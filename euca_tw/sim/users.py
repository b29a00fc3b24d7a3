"""
Users: they ask for instances, wait, and ask again.

Who gets no answer asks again with the same token, as a client that is written well
does: so what was begun before a crash is found again and not begun twice.  What
users do with what they have is L{euca_tw.sim.tenants}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from attrs import define, field

from euca_tw.api.errors import ApiError, InsufficientInstanceCapacity
from euca_tw.sim.tenants import Launch, Tenants
from euca_tw.sim.workload import Arrival


@define(eq=False, kw_only=True)
class Users:
    """@ivar tenants: of what came to run."""

    tenants: Tenants
    arrivals: Iterator[Arrival]
    image: Callable[[Random], str]
    random: Random = field(repr=False)
    patience_s: float
    retry_s: float
    _asked: int = field(default=0, init=False)

    def begin(self) -> None:
        """Come, one after the other, from now on."""
        self.tenants.begin()
        self._await_next()

    def stop(self) -> None:
        """Nobody asks for anything new."""
        self.tenants.stop()

    def _await_next(self) -> None:
        arrival = next(self.arrivals, None)
        if arrival is not None:
            wait_s = max(0.0, arrival.at_s - self.tenants.now)
            self.tenants.site.clock.callLater(wait_s, self._arrive, arrival)

    def _arrive(self, arrival: Arrival) -> None:
        if self.tenants.is_over:
            return
        self._asked += 1
        launch = Launch(
            number=self._asked, arrival=arrival, image_id=self.image(self.random)
        )
        many = {"count": arrival.count} if arrival.count > 1 else {}
        self.tenants.tell(launch, "asked", type=arrival.machine, **many)
        self._ask(launch)
        self._await_next()

    def _ask(self, launch: Launch) -> None:
        arrival, token = launch.arrival, f"launch-{launch.number}"
        self.tenants.causes.launches[token] = arrival.count
        self.tenants.ask(
            lambda cloud: cloud.launch(
                launch.image_id, arrival.machine, token, count=arrival.count
            ),
            lambda: self._ask(launch),
            lambda instance_ids: self._taken(instance_ids, launch),
            lambda error: self._not_taken(error, launch),
        )

    def _taken(self, instance_ids: tuple[str, ...], launch: Launch) -> None:
        if not launch.is_taken:
            launch.is_taken = True
            for instance_id in instance_ids:
                self.tenants.take(instance_id, launch)

    def _not_taken(self, error: ApiError, launch: Launch) -> None:
        tenants = self.tenants
        waits_until = launch.arrival.at_s + self.patience_s
        lacks_room = isinstance(error, InsufficientInstanceCapacity)
        if (
            lacks_room
            and not tenants.is_over
            and (tenants.now + self.retry_s <= waits_until)
        ):
            tenants.site.clock.callLater(self.retry_s, self._ask, launch)
        else:
            tenants.tell(launch, "refused", code=error.code, reason=error.message)
