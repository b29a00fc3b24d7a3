"""
Which instances are served on a bridge, found by instance, card and address.

The one table that DHCP, metadata and the network itself share.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import Factory, define

from euca_tw.nodectl.interfaces import Lease

#: The kernel's IFNAMSIZ, less its closing zero.
LONGEST_INTERFACE_NAME = 15


def card_name(instance_id: str) -> str:
    """The name of the host's end of an instance's card."""
    return f"vn_{instance_id}"[:LONGEST_INTERFACE_NAME]


@define
class Leases:
    """
    The leases that are served now.

    A card or an address belongs to the instance that was attached last: a
    node that has not yet noticed the end of an instance must still be able
    to run the next one.
    """

    _by_instance: dict[str, Lease] = Factory(dict)
    _by_mac: dict[str, Lease] = Factory(dict)
    _by_ip: dict[str, Lease] = Factory(dict)

    def add(self, lease: Lease) -> None:
        """Serve C{lease}, in place of what its instance had."""
        self.remove(lease.instance_id)
        self._by_instance[lease.instance_id] = lease
        self._by_mac[lease.mac_address.lower()] = lease
        self._by_ip[lease.private_ip] = lease

    def remove(self, instance_id: str) -> None:
        """Serve an instance no more, if it is served."""
        gone = self._by_instance.pop(instance_id, None)
        if gone is None:
            return
        for index, key in (
            (self._by_mac, gone.mac_address.lower()),
            (self._by_ip, gone.private_ip),
        ):
            if index.get(key) is gone:
                del index[key]

    def of_instance(self, instance_id: str) -> Lease | None:
        """What an instance is served, if it is."""
        return self._by_instance.get(instance_id)

    def of_mac(self, mac_address: str) -> Lease | None:
        """Whose card this is, in any case of letters."""
        return self._by_mac.get(mac_address.lower())

    def of_ip(self, private_ip: str) -> Lease | None:
        """Whose address this is."""
        return self._by_ip.get(private_ip)

    def __iter__(self) -> Iterator[Lease]:
        return iter(self._by_instance.values())

    def __len__(self) -> int:
        return len(self._by_instance)
