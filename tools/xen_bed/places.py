"""
Where the bed keeps what.

What takes long to make is this user's, for all checkouts; see C{HERE}.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What is copied into dom0 as it is.
DOM0 = Path(__file__).resolve().parent / "dom0"


def cache_of(environment: Mapping[str, str]) -> Path:
    """The directory for what a user could have made again."""
    given = environment.get("XDG_CACHE_HOME", "")
    # What is not absolute is to be ignored.
    caches = Path(given) if given.startswith("/") else Path.home() / ".cache"
    return caches / "euca_tw"


HERE = cache_of(os.environ) / "xen"
PACKAGES = HERE / "packages"
#: The one that C{tools/xen up} leaves running; this checkout's own.
LASTING = ROOT / ".xen"
LOCK = HERE / "lock"
#: A socket's path has 107 characters at most, and ssh adds some of its own.
LONGEST_NAME = 70
#: Shared with C{make demo}.
GUEST = ROOT / ".demo" / "image"
GUEST_BUILDER = ROOT / "images" / "demo" / "build"

#: Of dom0's own file system.
GUEST_IN_DOM0 = Path("/guest")
PYTHON_IN_DOM0 = Path("/opt/euca_tw")
