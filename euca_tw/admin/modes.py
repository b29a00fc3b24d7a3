"""
A daemon does not start in another mode of networks than its instances are in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from euca_tw.admin.daemon import Part
from euca_tw.common.config import ConfigError
from euca_tw.overlay.modes import trouble


def mode_part(mode: str, living: Callable[[], Mapping[str, str]]) -> Part:
    """
    To be started when the store is open, and before anything is told or done.

    @param living: as of L{euca_tw.overlay.modes.trouble}.
    """

    def check() -> None:
        """@raise ConfigError: there are instances of another mode."""
        reason = trouble(mode, living())
        if reason:
            raise ConfigError("the configuration", "network", "mode", reason)

    return Part(name="the mode of networks", start=check)
