"""
What a node does next for one image that it shall make.

Pure.  Until the disk is captured the image depends on its instance, which has a
plan of its own: L{demand} says what that is to heed.  After that it does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from attrs import evolve, frozen

from euca_tw.common.convergence import Rest
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.making_records import ImageMaking, Stage
from euca_tw.nodectl.records import HostedInstance


@frozen(kw_only=True)
class MakingLimits:
    """
    @ivar capture_s: an instance must have come to stand still by then.
    @ivar whole_s: all must be done by then.
    @ivar kept_s: how long it is told of what was sent or has failed.
    """

    capture_s: float
    whole_s: float
    kept_s: float


@frozen
class Become:
    """Keep this of the image from now on."""

    making: ImageMaking


@frozen
class Capture:
    """Keep the disk of an instance whose domain is off."""

    may_be_cut: ClassVar[bool] = True


@frozen
class CaptureHeld:
    """Keep the disk of an instance that runs: it is held still for that."""


@frozen
class Finish:
    """Make one file of it."""


@frozen
class Send:
    """Send it to the cloud controller."""


@frozen
class Discard:
    """Delete all that there is of it here."""


@frozen
class Forget:
    """Keep nothing of it."""


Step = Capture | CaptureHeld | Finish | Send | Discard | Forget
Decision = Step | Become | Rest

_OVER = (Life.SHUTTING_DOWN, Life.TERMINATED)


def failed(making: ImageMaking, reason: str, now: datetime) -> ImageMaking:
    """It will not be made."""
    return evolve(making, stage=Stage.FAILED, reason=reason, ended_at=now)


def demand(instance: HostedInstance, makings: Iterable[ImageMaking]) -> bool:
    """
    Whether an instance must be off, whatever shall be of it: until its disk is
    captured, if that is to be so, or has begun.

    @param makings: of the instance.
    """
    return any(
        each.stage is Stage.WANTED
        and (each.is_rebooted or instance.life is Life.STOPPED)
        for each in makings
    )


def plan(
    making: ImageMaking,
    instance: HostedInstance | None,
    trouble: str,
    now: datetime,
    limits: MakingLimits,
) -> Decision:
    """
    What to do next for this image.

    @param instance: None: it is not here.
    @param trouble: why the last step did not succeed.
    """
    if making.stage in (Stage.SENT, Stage.FAILED):
        return _over(making, now, limits)
    until = making.asked_at + timedelta(seconds=limits.whole_s)
    if now >= until:
        return Become(failed(making, trouble or "It was not made in time", now))
    if making.stage is Stage.CAPTURED:
        return Finish()
    if making.stage is Stage.FINISHED:
        return Send()
    return _wanted(making, instance, trouble, now, limits)


def _wanted(
    making: ImageMaking,
    instance: HostedInstance | None,
    trouble: str,
    now: datetime,
    limits: MakingLimits,
) -> Decision:
    if instance is None or instance.wanted is Goal.ENDED or instance.life in _OVER:
        return Become(failed(making, "Its instance has ended", now))
    deadline = making.asked_at + timedelta(seconds=limits.capture_s)
    if now >= deadline:
        why = trouble or "Its instance did not come to stand still in time"
        return Become(failed(making, why, now))
    if instance.life is Life.STOPPED:
        return Capture()
    if instance.life is Life.RUNNING and not making.is_rebooted:
        return CaptureHeld()
    # It comes up, or goes down.
    return Rest(deadline.timestamp())


def _over(making: ImageMaking, now: datetime, limits: MakingLimits) -> Decision:
    if not making.is_clean:
        return Discard()
    ended_at = making.ended_at or making.asked_at
    until = ended_at + timedelta(seconds=limits.kept_s)
    return Rest(until.timestamp()) if now < until else Forget()
