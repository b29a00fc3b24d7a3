"""
What an operator is told of a state that was restored, or is older than what clusters
know.
"""

from __future__ import annotations

from typing import Any

from attrs import asdict

from euca_tw.clc.interfaces import IClusters, Zone
from euca_tw.clc.network_history import restored
from euca_tw.clc.networks import CloudNetworks
from euca_tw.store.interfaces import IStore

_HOLDS = (
    "holds on to networks that a newer state, or another cloud, told it; instances "
    "keep what they have, until `euca-tw state accept {name}`"
)
_NOT_HEARD = "has not answered yet"
_TOLD = "is told of networks"
_NOT_MANAGED = "networks are not managed"


def shown_state(
    store: IStore, clusters: IClusters, networks: CloudNetworks | None
) -> dict[str, Any]:
    """As C{euca-tw state show} prints it: JSON values."""
    record = restored(store)
    return {
        "restored_at": record and record.at.isoformat(timespec="seconds"),
        "made_at": record and record.made_at.isoformat(timespec="seconds"),
        "is_holding": networks is not None and networks.is_holding,
        "zones": [
            {
                "name": zone.name,
                "networks": _of_networks(zone, networks),
                "strangers": [asdict(each) for each in zone.strangers],
            }
            for zone in clusters.zones()
        ],
    }


def _of_networks(zone: Zone, networks: CloudNetworks | None) -> str:
    if networks is None:
        return _NOT_MANAGED
    if networks.holds(zone.name):
        return _HOLDS.format(name=zone.name)
    return _TOLD if networks.has_told(zone.name) else _NOT_HEARD
