"""
Debian's packages for dom0, found and fetched by apt, installed nowhere.

apt is asked what would be installed on a machine that has nothing; so what it
answers is all that is needed, whatever this machine has.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen
from demo_cloud.steps import Failed, run, say

from xen_bed.places import PACKAGES

#: Depends on the release's own hypervisor and tools.
_XEN = "xen-system-amd64"
_WANTED = (
    *("xenstore-utils", "qemu-system-xen", "qemu-utils"),
    *("libvirt-daemon", "libvirt-daemon-driver-xen", "libvirt-clients"),
    *("python3", "python3-libvirt", "linux-image-amd64"),
    *("bash", "dash", "coreutils", "grep", "sed", "mawk", "findutils", "util-linux"),
    *("mount", "busybox-static", "kmod", "procps", "hostname", "e2fsprogs"),
    *("iproute2", "nftables", "dropbear-bin", "tar", "gzip", "grub-xen-host"),
)
#: Only their installation would need them.
_UNWANTED = re.compile(
    r"(perl|libperl|initramfs-tools|klibc|libklibc|linux-base|iso-codes|adduser|passwd"
    r"|usrmerge|debconf|ucf|udev|dpkg|dmidecode|cpio|libfile-find|libtext-glob"
    r"|libnumber-compare|linux-image-amd64|init-system-helpers|media-types"
    r"|ipxe-qemu|grub-common|grub-xen-bin|gettext-base|fuse3|libefi|libfreetype|lsb-base|sensible-utils|login|libpam-modules)"
)
_ADVICE = "apt-get update, on Debian 12 or later; without a network, later"


@frozen(kw_only=True, order=True)
class Package:
    """@ivar file: its name in the archive, which tells version and architecture."""

    name: str
    version: str
    file: str

    @property
    def path(self) -> Path:
        return PACKAGES / self.file


def needed() -> tuple[Package, ...]:
    """
    What dom0 is made of, as far as apt knows today.

    @raise Failed:
    """
    try:
        return _needed()
    except Failed:
        _refresh()
        return _needed()


def fetch(packages: tuple[Package, ...]) -> None:
    """
    Have them all, and none besides.

    @raise Failed:
    """
    PACKAGES.mkdir(parents=True, exist_ok=True)
    try:
        _fetch(packages)
    except Failed:
        # The mirrors have newer ones than apt's lists.
        _refresh()
        _fetch(packages)
    kept = {package.file for package in packages}
    for path in PACKAGES.iterdir():
        if path.name not in kept:
            path.unlink() if path.is_file() else shutil.rmtree(path)


def _needed() -> tuple[Package, ...]:
    system = run("apt-cache", "depends", _XEN, advice=_ADVICE)
    xen = re.findall(r"Depends: (xen-(?:hypervisor|utils)-[\w.-]+)", system)
    if not xen:
        raise Failed(f"apt knows no package {_XEN}", _ADVICE)
    with _empty_machine() as options:
        told = run(
            *("apt-get", "-qq", *options, "--print-uris", "install", *xen, *_WANTED),
            advice=_ADVICE,
        )
    return listed(told)


def listed(told: str) -> tuple[Package, ...]:
    """@param told: what apt-get says of what it would fetch."""
    found = []
    for line in told.splitlines():
        match = re.match(
            r"'[^']+' (?P<file>(?P<name>[^_]+)_(?P<v>[^_]+)_\w+\.deb) ", line
        )
        if match is not None and not _UNWANTED.match(match["name"]):
            version = match["v"].replace("%3a", ":")
            found.append(
                Package(name=match["name"], version=version, file=match["file"])
            )
    return tuple(sorted(found))


def _fetch(packages: tuple[Package, ...]) -> None:
    missing = [package for package in packages if not package.path.exists()]
    if not missing:
        return
    say(f"    fetching {len(missing)} packages by apt-get")
    with tempfile.TemporaryDirectory(dir=PACKAGES) as part:
        names = [f"{package.name}={package.version}" for package in missing]
        user = f"APT::Sandbox::User={pwd.getpwuid(os.geteuid()).pw_name}"
        run(
            *("sh", "-c", 'cd "$0" && exec apt-get -q -o "$@"', part),
            *(user, "download", *names),
            advice=_ADVICE,
            timeout_s=900,
        )
        for package in missing:
            path = Path(part) / package.file
            if not path.exists():
                raise Failed(f"apt-get did not fetch {package.file}", _ADVICE)
            path.rename(package.path)


def _refresh() -> None:
    if os.geteuid() != 0:
        raise Failed("apt's lists are older than what the mirrors have", _ADVICE)
    say("    apt-get update")
    run("apt-get", "-q", "update", advice=_ADVICE, timeout_s=300)


@contextmanager
def _empty_machine() -> Iterator[tuple[str, ...]]:
    """apt-get's options."""
    with tempfile.TemporaryDirectory() as scratch:
        status = Path(scratch) / "status"
        status.touch()
        yield (
            *("-o", f"Dir::State::status={status}", "-o", "Debug::NoLocking=1"),
            # It lists only what it has not fetched already.
            *("-o", f"Dir::Cache::archives={scratch}"),
            "--no-install-recommends",
        )
