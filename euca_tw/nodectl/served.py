"""Which instance has which address on this node, and what it may know of itself."""

from __future__ import annotations

from attrs import Factory, define

from euca_tw.model.hostnames import DOMAIN
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.nodectl import reports
from euca_tw.nodectl.life import Life
from euca_tw.nodectl.records import HostedInstance
from euca_tw.store.interfaces import IStore


@define(eq=False)
class ServedMetadata:
    """Metadata at an address is of the last that began to have it."""

    _store: IStore
    _domain: str = DOMAIN
    _by_ip: dict[str, str] = Factory(dict)

    def note(self, record: HostedInstance) -> None:
        """An instance is as this record says."""
        private_ip = record.launch.private_ip if record.launch else None
        if not private_ip:
            return
        if record.life is not Life.TERMINATED:
            self._by_ip[private_ip] = record.instance_id
        elif self._by_ip.get(private_ip) == record.instance_id:
            del self._by_ip[private_ip]

    def of(self, private_ip: str) -> InstanceMetadata | None:
        """What the instance with that address may know of itself."""
        record = self._store.get(HostedInstance, self._by_ip.get(private_ip, ""))
        if record is None or record.launch is None or record.life is Life.TERMINATED:
            return None
        return reports.metadata(record.launch, self._domain)
