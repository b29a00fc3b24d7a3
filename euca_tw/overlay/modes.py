"""
The mode of networks that instances were launched in, against the one that is set.

Pure.  An instance keeps the network that it was given: a machine of another mode
would neither serve nor protect it, and would not say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from euca_tw.overlay.settings import MANAGED, MODES

#: So many are named.
_FEW = 5


def trouble(mode: str, living: Mapping[str, str]) -> str:
    """
    Why who has these instances cannot go on in a mode; C{""}: it can.

    @param mode: one of L{MODES}: the one that is set.
    @param living: of instances that have not ended, the mode that each was launched
        in, by identifier.
    """
    others: dict[str, list[str]] = {}
    for instance_id, its in living.items():
        if its != mode:
            others.setdefault(its, []).append(instance_id)
    if not others:
        return ""
    there = " and ".join(
        f"{_named(others[its])} of {its} networks" for its in MODES if its in others
    )
    back = " or ".join(f'"{its}"' for its in MODES if its in others)
    by_default = " (which it is if nothing is said)" if mode == MANAGED else ""
    return (
        f"there are instances that have not ended: {there}; and the mode that is set "
        f"is {mode}{by_default}. Instances keep the network that they were launched "
        f"in: set mode = {back}, terminate them, and change it when they have ended"
    )


def _named(instance_ids: Iterable[str]) -> str:
    known = sorted(instance_ids)
    more = f" and {len(known) - _FEW} more" if len(known) > _FEW else ""
    return f"{', '.join(known[:_FEW])}{more}"
