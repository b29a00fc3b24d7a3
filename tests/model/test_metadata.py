"""Tests of L{euca_tw.model.metadata}."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, text
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.metadata import VERSIONS, InstanceMetadata, answer

METADATA = InstanceMetadata(
    instance_id="i-3f2504e0",
    reservation_id="r-4f890d01",
    image_id="emi-2bb3096a",
    kernel_id="eki-18a1e5c2",
    ramdisk_id="eri-5c1b7d90",
    instance_type="m1.small",
    launch_index=1,
    security_groups=("default", "web"),
    zone="one",
    mac_address="d0:0d:3f:25:04:e0",
    private_ip="10.231.0.2",
    public_ip="198.51.100.7",
    hostname="ip-10-231-0-2",
    key_name="my=key",
    public_key="ssh-ed25519 AAAA me@here",
    user_data=b"#!/bin/sh\necho \xff\n",
    manifest_path="bucket/image.manifest.xml",
    product_codes=("774F4FF8", "1A2B3C4D"),
    ancestor_image_ids=("emi-00000001",),
)
BARE = evolve(
    METADATA,
    kernel_id="",
    ramdisk_id="",
    public_ip="",
    public_key="",
    user_data=None,
    manifest_path="",
    product_codes=(),
    ancestor_image_ids=(),
)


def lines(metadata: InstanceMetadata, path: str) -> list[str]:
    said = answer(metadata, path)
    assert said is not None, path
    return said.decode().split("\n")


class ListingTests(SynchronousTestCase):
    """What the directories list."""

    def test_versions(self) -> None:
        """The root lists the dates and C{latest}."""
        for path in ("", "/"):
            self.assertEqual(lines(METADATA, path), [*VERSIONS, "latest"])
        self.assertEqual(VERSIONS[0], "1.0")
        self.assertIn("2009-04-04", VERSIONS)

    def test_version(self) -> None:
        """A version lists metadata, and user data if there are any."""
        self.assertEqual(lines(METADATA, "/latest/"), ["meta-data", "user-data"])
        self.assertEqual(lines(BARE, "/2007-01-19"), ["meta-data"])

    def test_unknown_version(self) -> None:
        """There is nothing under another date."""
        self.assertIsNone(answer(METADATA, "/2006-01-01/meta-data/"))
        self.assertIsNone(answer(METADATA, "/favicon.ico"))

    def test_directories_have_slashes(self) -> None:
        """Directories are listed with a slash, values without."""
        listed = lines(METADATA, "/latest/meta-data/")
        self.assertEqual(
            listed,
            [
                "ami-id",
                "ami-launch-index",
                "ami-manifest-path",
                "ancestor-ami-ids",
                "block-device-mapping/",
                "hostname",
                "instance-action",
                "instance-id",
                "instance-type",
                "kernel-id",
                "local-hostname",
                "local-ipv4",
                "mac",
                "placement/",
                "product-codes",
                "public-hostname",
                "public-ipv4",
                "public-keys/",
                "ramdisk-id",
                "reservation-id",
                "security-groups",
            ],
        )

    def test_slash_is_optional(self) -> None:
        """A closing slash, or a doubled one, changes nothing."""
        listing = answer(METADATA, "/latest/meta-data/")
        self.assertEqual(answer(METADATA, "/latest/meta-data"), listing)
        self.assertEqual(answer(METADATA, "//latest//meta-data/"), listing)

    def test_what_is_not_is_not_listed(self) -> None:
        """An instance without key, address, kernel or codes lists none."""
        listed = lines(BARE, "/latest/meta-data/")
        for name in (
            "public-keys/",
            "public-ipv4",
            "public-hostname",
            "kernel-id",
            "ramdisk-id",
            "product-codes",
            "ancestor-ami-ids",
        ):
            self.assertNotIn(name, listed)
            self.assertIsNone(answer(BARE, f"/latest/meta-data/{name}"))

    def test_first_version(self) -> None:
        """Version 1.0 lists what EC2 had then."""
        self.assertEqual(
            lines(METADATA, "/1.0/meta-data/"),
            [
                "ami-id",
                "ami-launch-index",
                "ami-manifest-path",
                "hostname",
                "instance-id",
                "local-ipv4",
                "public-keys/",
                "reservation-id",
                "security-groups",
            ],
        )

    def test_since(self) -> None:
        """A value is there from its date on."""
        path = "/{}/meta-data/instance-type"
        self.assertIsNone(answer(METADATA, path.format("2007-03-01")))
        self.assertEqual(answer(METADATA, path.format("2007-08-29")), b"m1.small")
        self.assertEqual(answer(METADATA, path.format("2012-01-12")), b"m1.small")

    @given(sampled_from((METADATA, BARE)), sampled_from((*VERSIONS, "latest")))
    def test_all_that_is_listed_is_there(
        self, metadata: InstanceMetadata, version: str
    ) -> None:
        """Every path that a listing leads to says something."""

        def walk(path: str) -> None:
            for name in lines(metadata, path):
                below = path + name.partition("=")[0]
                self.assertTrue(answer(metadata, below), below)
                if name.endswith("/"):
                    walk(below)
                elif "=" in name:
                    walk(f"{below}/")

        walk(f"/{version}/meta-data/")


class ValueTests(SynchronousTestCase):
    """What the values say."""

    def test_values(self) -> None:
        """Each value says its fact."""
        for name, said in {
            "ami-id": b"emi-2bb3096a",
            "ami-launch-index": b"1",
            "ami-manifest-path": b"bucket/image.manifest.xml",
            "ancestor-ami-ids": b"emi-00000001",
            "block-device-mapping/": b"ami\nroot",
            "block-device-mapping/ami": b"sda1",
            "block-device-mapping/root": b"/dev/sda1",
            "hostname": b"ip-10-231-0-2",
            "instance-action": b"none",
            "instance-id": b"i-3f2504e0",
            "kernel-id": b"eki-18a1e5c2",
            "local-hostname": b"ip-10-231-0-2",
            "local-ipv4": b"10.231.0.2",
            "mac": b"d0:0d:3f:25:04:e0",
            "placement/availability-zone": b"one",
            "product-codes": b"774F4FF8\n1A2B3C4D",
            "public-hostname": b"198.51.100.7",
            "public-ipv4": b"198.51.100.7",
            "ramdisk-id": b"eri-5c1b7d90",
            "reservation-id": b"r-4f890d01",
            "security-groups": b"default\nweb",
        }.items():
            self.assertEqual(answer(METADATA, f"/latest/meta-data/{name}"), said, name)

    def test_public_key(self) -> None:
        """Keys are listed by number and name, and found by number."""
        keys = "/latest/meta-data/public-keys"
        self.assertEqual(answer(METADATA, f"{keys}/"), b"0=my=key")
        self.assertEqual(answer(METADATA, f"{keys}/0/"), b"openssh-key")
        self.assertEqual(
            answer(METADATA, f"{keys}/0/openssh-key"), b"ssh-ed25519 AAAA me@here\n"
        )
        self.assertIsNone(answer(METADATA, f"{keys}/1/openssh-key"))

    def test_no_manifest(self) -> None:
        """An image that was not bundled has an unknown manifest, as EC2 says."""
        said = answer(BARE, "/latest/meta-data/ami-manifest-path")
        self.assertEqual(said, b"(unknown)")

    def test_user_data(self) -> None:
        """User data are the bytes that were given, in every version."""
        for version in (*VERSIONS, "latest"):
            said = answer(METADATA, f"/{version}/user-data")
            self.assertEqual(said, METADATA.user_data)

    def test_no_user_data(self) -> None:
        """Where none were given there are none; empty ones are data."""
        self.assertIsNone(answer(BARE, "/latest/user-data"))
        empty = evolve(BARE, user_data=b"")
        self.assertEqual(answer(empty, "/latest/user-data"), b"")

    def test_nothing_below_a_value(self) -> None:
        """A value is no directory."""
        self.assertIsNone(answer(METADATA, "/latest/meta-data/ami-id/more"))
        self.assertIsNone(answer(METADATA, "/latest/user-data/more"))

    @given(lists(text()).map("/".join))
    def test_any_path(self, path: str) -> None:
        """No path is an error."""
        answer(METADATA, f"/latest/{path}")
        answer(METADATA, path)
