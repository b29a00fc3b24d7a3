"""Where the bed keeps what."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What is copied into dom0 as it is.
DOM0 = Path(__file__).resolve().parent / "dom0"

HERE = ROOT / ".xen"
PACKAGES = HERE / "packages"
#: The one that C{tools/xen up} leaves running.
LASTING = HERE / "up"
LOCK = HERE / "lock"
#: Shared with C{make demo}.
GUEST = ROOT / ".demo" / "image"
GUEST_BUILDER = ROOT / "images" / "demo" / "build"

#: Of dom0's own file system.
GUEST_IN_DOM0 = Path("/guest")
PYTHON_IN_DOM0 = Path("/opt/euca_tw")
