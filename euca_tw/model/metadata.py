"""What an instance may know of itself (169.254.169.254)."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class InstanceMetadata:
    """
    The facts from which the metadata tree is made.

    @ivar public_key: one line of authorized_keys; C{""} for none.
    @ivar user_data: the bytes, decoded; None if none were given.
    @ivar public_ip: C{""} for none.
    """

    instance_id: str
    reservation_id: str
    image_id: str
    kernel_id: str
    ramdisk_id: str
    instance_type: str
    launch_index: int
    security_groups: tuple[str, ...]
    zone: str
    mac_address: str
    private_ip: str
    public_ip: str
    hostname: str
    key_name: str
    public_key: str
    user_data: bytes | None
    manifest_path: str = ""
    product_codes: tuple[str, ...] = ()
