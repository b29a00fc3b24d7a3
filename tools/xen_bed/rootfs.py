"""
dom0's root file system, kernel and ramdisk, of unpacked packages.

No package's own script runs: what they would do is little, and done here.
Needs no root, and mounts nothing.
"""

from __future__ import annotations

import gzip
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attrs import frozen
from demo_cloud.steps import Failed, run

from xen_bed.packages import Package
from xen_bed.places import DOM0, GUEST, GUEST_IN_DOM0

#: Debian's, since its releases keep all programs below /usr.
_MERGED = ("bin", "sbin", "lib", "lib64")
_DIRECTORIES = (
    *("dev", "proc", "sys", "run", "tmp", "root/.ssh", "etc/dropbear"),
    *("var/lib/xen", "var/lib/xenstored", "var/log/xen/console"),
    *("var/lib/libvirt/libxl", "var/log/libvirt/libxl", "var/lib/euca_tw"),
)
_NOT_UNPACKED = (
    *("doc", "man", "locale", "info", "lintian", "icons", "bash-completion", "i18n"),
    *("qemu/edk2-*", "qemu/opensbi-*", "qemu/skiboot*", "qemu/openbios-*"),
)
#: Of the kernel's some four thousand.
_MODULES = (
    *("net/bridge", "net/netfilter", "net/ipv4/netfilter", "net/ipv6/netfilter"),
    *("net/802", "net/llc", "net/core", "net/ipv6", "drivers/xen", "drivers/virtio"),
    *("drivers/block/virtio_blk.ko*", "drivers/block/loop.ko*"),
    *("drivers/block/xen-blkback", "drivers/net/xen-netback", "drivers/net/tun.ko*"),
    *("drivers/net/virtio_net.ko*", "drivers/net/net_failover.ko*"),
    *("fs/ext4", "fs/jbd2", "fs/mbcache.ko*", "lib", "crypto"),
    *("arch/x86/crypto/crc32*",),
)
_IN_RAMDISK = ("virtio_pci", "virtio_blk", "ext4")
#: libvirtd loads all that it finds, and needs one.
_NOT_NEEDED_DRIVERS = (
    *("qemu", "lxc", "vbox", "network", "nwfilter", "interface", "nodedev"),
    *("secret", "storage"),
)


@frozen(kw_only=True)
class Dom0:
    """@ivar root: the tree; the other three are files."""

    root: Path
    hypervisor: Path
    kernel: Path
    ramdisk: Path


def build(packages: tuple[Package, ...], here: Path, public_key: str) -> Dom0:
    """
    @param here: an empty directory.
    @param public_key: of who may log in.
    @raise Failed:
    """
    root = here / "root"
    _unpack(packages, root)
    _furnish(root, public_key)
    [version] = [path.name for path in (root / "usr/lib/modules").iterdir()]
    host = Programs(root)
    host.run("kmod", "-b", root / "usr", version, as_="depmod")
    made = Dom0(
        root=root,
        hypervisor=here / "xen",
        kernel=here / "vmlinuz",
        ramdisk=here / "initrd.gz",
    )
    boot = root / "boot"
    # qemu's loader knows no compressed hypervisor.
    [xen] = boot.glob("xen-*-amd64.gz")
    made.hypervisor.write_bytes(gzip.decompress(xen.read_bytes()))
    shutil.copy(boot / f"vmlinuz-{version}", made.kernel)
    shutil.rmtree(boot)
    _ramdisk(made, host, version, here / "ramdisk")
    return made


@frozen
class Programs:
    """The programs of an unpacked Debian, run on this machine by its libraries."""

    _root: Path

    def run(
        self, program: str, *arguments: str | Path, as_: str = "", timeout_s: float = 60
    ) -> str:
        """
        @param as_: by which name it shall think that it was called.
        @raise Failed:
        """
        return run(*self.command(program, as_), *arguments, timeout_s=timeout_s)

    def command(self, program: str, as_: str = "") -> tuple[str | Path, ...]:
        """What L{run} runs, without arguments."""
        path = self._root / "usr/bin" / program
        libraries = self._root / "usr/lib/x86_64-linux-gnu"
        return (
            self._root / "usr/lib64/ld-linux-x86-64.so.2",
            *("--library-path", libraries, "--argv0", as_ or path, path),
        )


def _unpack(packages: tuple[Package, ...], root: Path) -> None:
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    # The largest is begun first, beside all others.
    queue = sorted(packages, key=lambda package: -package.path.stat().st_size)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_unpack_one, package, root) for package in queue]:
            done.result()


def _unpack_one(package: Package, root: Path) -> None:
    wanted = [f"--exclude=./usr/share/{name}" for name in _NOT_UNPACKED]
    if package.name.startswith("linux-image-"):
        modules = f"./lib/modules/{package.name.removeprefix('linux-image-')}"
        wanted = [
            *("--wildcards", "./boot/vmlinuz-*", f"{modules}/modules.*"),
            *(f"{modules}/kernel/{name}" for name in _MODULES),
        ]
    run(
        *("sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x --no-same-owner "$@"'),
        *(package.path, "--keep-directory-symlink", "-C", root, *wanted),
        timeout_s=300,
    )


def _furnish(root: Path, public_key: str) -> None:
    for name in _DIRECTORIES:
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copytree(DOM0, root, dirs_exist_ok=True, symlinks=True)
    (root / "root").chmod(0o700)
    (root / "root/.ssh").chmod(0o700)
    (root / "root/.ssh/authorized_keys").write_text(public_key)
    drivers = root / "usr/lib/x86_64-linux-gnu/libvirt/connection-driver"
    for name in _NOT_NEEDED_DRIVERS:
        (drivers / f"libvirt_driver_{name}.so").unlink(missing_ok=True)
    shutil.rmtree(root / "var/run", ignore_errors=True)
    (root / "var/run").symlink_to("/run")
    (root / "usr/bin/usleep").symlink_to("busybox")
    (root / "usr/bin/awk").symlink_to("mawk")
    # Of a processor made by AMD, Xen shows less than libvirt thinks they have.
    lacks = re.compile(r"[^\n]*<feature name='(sep|vme)'/>\n")
    for path in (root / "usr/share/libvirt/cpu_map").glob("x86_*.xml"):
        path.write_text(lacks.sub("", path.read_text()))
    guest = root / GUEST_IN_DOM0.relative_to("/")
    guest.mkdir()
    for name in ("vmlinuz", "initrd.gz", "root.img"):
        shutil.copy(GUEST / name, guest / name)


def _ramdisk(made: Dom0, host: Programs, version: str, here: Path) -> None:
    for name in ("bin", "dev", "proc", "sys", "newroot", "modules"):
        (here / name).mkdir(parents=True)
    shutil.copy(made.root / "usr/bin/busybox", here / "bin")
    shutil.copy(made.root / "usr/lib/xen_bed/init", here / "init")
    order: list[str] = []
    for name in _IN_RAMDISK:
        told = host.run(
            *("kmod", "-d", made.root / "usr", "-S", version, "--show-depends", name),
            as_="modprobe",
        )
        for line in told.splitlines():
            path = Path(line.split()[1]) if line.startswith("insmod ") else None
            if path is not None and path.name not in order:
                shutil.copy(path, here / "modules")
                order.append(path.name)
    if not order:
        raise Failed(f"the kernel {version} has no module for its own root disk")
    (here / "modules/order").write_text("".join(f"{name}\n" for name in order))
    run(
        *(
            "sh",
            "-c",
            'cd "$0" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1 >"$1"',
        ),
        *(here, made.ramdisk),
    )
