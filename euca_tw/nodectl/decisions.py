"""What may be done next for one instance: what L{euca_tw.nodectl.plan} decides upon."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from euca_tw.common.convergence import Rest
from euca_tw.nodectl.records import HostedInstance


@frozen
class Become:
    """
    Keep this of the instance from now on.

    @ivar why: for the log, where the record itself does not say it.
    """

    record: HostedInstance
    why: str = ""


@frozen
class Stage:
    """Make its disk.  May take long, and may be broken off."""

    may_be_cut: ClassVar[bool] = True


@frozen
class Attach:
    """Serve its card."""


@frozen
class Run:
    """Run its domain."""


@frozen
class Reboot:
    """Reboot its guest."""


@frozen
class ShutDown:
    """Ask its guest to shut itself down."""


@frozen
class Destroy:
    """End its domain at once."""


@frozen
class Detach:
    """Serve its card no more."""


@frozen
class Discard:
    """Delete its disk."""


@frozen
class Forget:
    """Delete all that is left of it."""


Step = Stage | Attach | Run | Reboot | ShutDown | Destroy | Detach | Discard | Forget
Decision = Step | Become | Rest
