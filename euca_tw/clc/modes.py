"""
In which mode of networks instances were launched, from their records.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from euca_tw.model.records import Instance, InstanceState
from euca_tw.overlay.settings import MANAGED, STATIC, SYSTEM


def living(instances: Iterable[Instance], mode: str) -> Mapping[str, str]:
    """
    The mode of each instance that has not ended, by its identifier.

    @param mode: the one that is set.
    """
    return {each.instance_id: mode_of(each, mode) for each in instances if each.is_live}


def mode_of(instance: Instance, mode: str) -> str:
    """
    @param mode: that it has if it may as well be that: one that has not run yet and
        is in no network is static's or system's.
    """
    if instance.network:
        return MANAGED
    if instance.private_ip:
        return STATIC
    if instance.state is InstanceState.RUNNING:
        # Its address is known to nobody here.
        return SYSTEM
    return STATIC if mode == MANAGED else mode
