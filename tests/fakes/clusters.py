"""Clusters that do nothing but remember."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from attrs import Factory, define
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from euca_tw.api.errors import Unavailable
from euca_tw.clc.interfaces import Console, IClusters, Making, Upload, Zone
from euca_tw.model.records import Image, Instance


def roomy_zone(
    name: str,
    is_reachable: bool = True,
    available: Mapping[str, int] | None = None,
    addresses: int = 250,
    most: Mapping[str, int] | None = None,
) -> Zone:
    """A zone with room for a hundred of everything small."""
    if available is None:
        available = {"m1.small": 100, "m1.large": 10}
    return Zone(
        name=name,
        is_reachable=is_reachable,
        available=available,
        addresses=addresses,
        most=available if most is None else most,
    )


@implementer(IClusters)
@define(eq=False)
class RecordingClusters:
    """
    @ivar held: the zones of the instances that are held.
    @ivar woken: the zones of those that were let go, in order.
    @ivar consoles: what each instance's console has shown; who is not in it
        cannot be asked.
    @ivar written_at: when; who is not in it does not say.
    @ivar makings: how far each image is that is made of an instance; of what is
        not in it nothing can be asked.
    @ivar asked_images: for which it was asked, and where it is to be sent.
    """

    known: tuple[Zone, ...] = (roomy_zone("one"),)
    held: list[str] = Factory(list)
    woken: list[str] = Factory(list)
    consoles: dict[str, bytes] = Factory(dict)
    written_at: dict[str, datetime] = Factory(dict)
    makings: dict[str, Making] = Factory(dict)
    asked_images: list[tuple[str, Upload]] = Factory(list)

    def zones(self) -> tuple[Zone, ...]:
        return self.known

    def hold(self, instances: Iterable[Instance]) -> Callable[[], None]:
        zones = dict.fromkeys(each.zone for each in instances)
        self.held.extend(zones)

        def release() -> None:
            for zone in zones:
                self.held.remove(zone)
            self.woken.extend(zones)

        return release

    def console(self, instance: Instance) -> Deferred[Console]:
        name = instance.instance_id
        if name in self.consoles:
            at = self.written_at.get(name)
            return succeed(Console(output=self.consoles[name], written_at=at))
        return fail(Unavailable(f"Cluster {instance.zone} cannot be asked"))

    def make_image(self, image: Image, upload: Upload) -> Deferred[Making]:
        self.asked_images.append((image.image_id, upload))
        told = self.makings.get(image.image_id)
        if told is None:
            return fail(Unavailable(f"Cluster {image.made_in} cannot be asked"))
        return succeed(told)
