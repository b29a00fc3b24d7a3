"""Limits on what one account may hold."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Quotas:
    """
    The same for every account; administrators are not limited.

    @ivar user_data_bytes: of each instance, an administrator's too.
    """

    instances: int = 20
    addresses: int = 5
    key_pairs: int = 500
    security_groups: int = 500
    permissions_per_group: int = 100
    images: int = 1000
    user_data_bytes: int = 16384
