"""Headers of qcow2 images."""

from __future__ import annotations

import struct
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.qcow2 import HEADER_BYTES, is_qcow2, refusal


def header(
    *,
    version: int = 3,
    backing_at: int = 0,
    size: int = 1 << 20,
    encryption: int = 0,
    features: int = 0,
) -> bytes:
    fields: tuple[Any, ...] = (b"QFI\xfb", version, backing_at, 0, 16, size, encryption)
    return struct.pack(">4sIQIIQI", *fields).ljust(72, b"\0") + struct.pack(
        ">Q24x", features
    )


class Qcow2Tests(SynchronousTestCase):
    def test_known(self) -> None:
        """Such an image is known by its first bytes."""
        self.assertTrue(is_qcow2(header()))
        self.assertFalse(is_qcow2(b"QFI"))
        self.assertFalse(is_qcow2(b""))
        self.assertEqual(len(header()), HEADER_BYTES)

    def test_fine(self) -> None:
        """One that stands alone may be opened."""
        for version in (2, 3):
            self.assertIsNone(refusal(header(version=version), 1 << 20))

    def test_refused(self) -> None:
        """One that names other files, or is more than it may be, is refused."""
        for bad, why in (
            (header(backing_at=104), "it needs another file under it"),
            (header(features=4), "its data are in another file"),
            (header(encryption=1), "it is encrypted"),
            (header(size=(1 << 20) + 1), "its disk is larger than 1048576 bytes"),
            (header(version=4), "it is qcow2 of an unknown version 4"),
            (header()[:-1], "it is cut off"),
        ):
            self.assertEqual(refusal(bad, 1 << 20), why)

    def test_old_features(self) -> None:
        """What stands behind a header of version 2 are no features."""
        self.assertIsNone(refusal(header(version=2, features=4), 1 << 20))
