"""
What the daemons of both worlds are told: no more than seconds go by until one that
is silent is missed, and nothing else is hurried.
"""

from __future__ import annotations

import os

from euca_tw.cc.settings import ClusterSettings
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.capacity import Resources
from euca_tw.nodectl.settings import NodeSettings

_TIERS = {"poll_s": 2.0, "call_timeout_s": 3.0, "silent_after_s": 1.0}
_KEPT_S = 7200.0

CLOUD = ConvergenceSettings(ended_kept_s=_KEPT_S, retry_ceiling_s=2.0, **_TIERS)
CLUSTER = ClusterSettings(
    ended_kept_s=_KEPT_S,
    retry_ceiling_s=2.0,
    settle_s=5.0,
    placing_s=5.0,
    **_TIERS,
)
NODE = NodeSettings(
    ended_kept_s=_KEPT_S - 600,
    retry_ceiling_s=2.0,
    stop_grace_s=0.0,
    hooks_wait_s=3600.0,
)
#: What the node says that it has.
ROOM = Resources(cores=64, memory_mib=16384, disk_gib=200)


def is_thorough() -> bool:
    """
    Whether all is tried that can be, and not only what a change is held against:
    C{FAULTS=all}, which takes some minutes more.
    """
    return os.environ.get("FAULTS") == "all"


def as_toml(settings: object, *names: str) -> str:
    """Lines of a section of the configuration."""
    return "".join(f"{name} = {getattr(settings, name)}\n" for name in names)
