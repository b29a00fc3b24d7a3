"""What may be done next for one instance: what L{euca_tw.clc.plan} decides upon."""

from __future__ import annotations

from attrs import frozen

from euca_tw.common.convergence import Rest
from euca_tw.model.records import Instance


@frozen
class Become:
    """Keep this of the instance from now on."""

    instance: Instance


@frozen
class Launch:
    """Have its cluster take it on."""


@frozen
class Terminate:
    """Have its cluster end it."""


@frozen
class Stop:
    """Have its cluster stop it."""


@frozen
class Start:
    """Have its cluster run it again."""


@frozen
class Reboot:
    """
    Have its cluster reboot it.

    @ivar count: how many of the reboots asked for are done then.
    """

    count: int


@frozen
class Forget:
    """Keep nothing of it."""


@frozen
class TellBehavior:
    """Have its node know whether it is to stop when its guest switches it off."""

    stops_itself: bool


Step = Launch | Stop | Start | Terminate | Reboot | TellBehavior | Forget
Decision = Step | Become | Rest
