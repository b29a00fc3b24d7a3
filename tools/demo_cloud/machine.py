"""What the demo needs of the machine, and how all of it is taken away again."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from demo_cloud.places import (
    BIN,
    CONFIG,
    HERE,
    IMAGE,
    INSTANCES,
    MARK,
    NAMESPACE,
    ROOT,
    RUN,
)
from demo_cloud.steps import Failed, run, say, until, works

URI = "qemu:///system"
#: Of the element by which a domain tells whose it is.
_MARKING = "urn:euca-tw:instance:1"
_STARTED = RUN / "libvirtd-was-started"
_LIBVIRT_S = 30.0
_NAMESPACE = Path("/run/netns") / NAMESPACE
#: There while instances' networks on this machine are the demo's, and no other
#: cloud's; whichever checkout made them.
_CARRIES = Path("/run/euca_tw-demo/carries")
_EUCA_TW = (BIN / "euca-tw", "--config", CONFIG)
#: What links of instances' networks are named.
_OF_NETWORKS = r"ev[bxt][0-9a-f]{6}"
_TABLE_OF_NETWORKS = "euca_tw_vnet"


def become_root() -> None:
    """Go on as root, by sudo if need be."""
    if os.geteuid() == 0:
        return
    if shutil.which("sudo") is None:
        raise Failed("bridges and domains need root", "run this as root")
    say("root is needed, for bridges and domains: asking sudo")
    os.execvp("sudo", ["sudo", sys.executable, *sys.argv])


#: Of the libvirtd that tools/libvirtd-start runs.
_LOG = "/run/euca_tw-libvirtd/log/libvirtd.log"


def _libvirt_answers() -> bool:
    return works("virsh", "-c", URI, "version")


def prepare() -> None:
    """
    Have what daemons need: both at once.

    @raise Failed:
    """
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(each) for each in (start_libvirt, make_namespace)]:
            done.result()


def start_libvirt() -> None:
    """
    Have libvirt's daemon run.

    @raise Failed:
    """
    if _libvirt_answers():
        say("    libvirt runs already")
        return
    if _has_systemd():
        run("systemctl", "start", "libvirtd", advice="systemctl status libvirtd")
    else:
        RUN.mkdir(parents=True, exist_ok=True)
        _STARTED.touch()
        run(ROOT / "tools" / "libvirtd-start", advice=f"see {_LOG}")
    if not until(_libvirt_answers, _LIBVIRT_S):
        advice = "journalctl -u libvirtd" if _has_systemd() else f"see {_LOG}"
        raise Failed(f"libvirt was started, but {URI} does not answer", advice)
    say(f"    {URI} answers")


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def build_image() -> None:
    """@raise Failed: as the builder says."""
    builder = ROOT / "images" / "demo" / "build"
    said = run(builder, IMAGE, timeout_s=600)
    for line in said.splitlines():
        say(f"    {line.removeprefix('demo image: ')}")


# --- and away ---------------------------------------------------------------


def _domains() -> list[str]:
    """Domains of ours that libvirt still has."""
    if not _libvirt_answers():
        return []
    names = run("virsh", "-c", URI, "list", "--all", "--name").split()
    return [name for name in names if _is_ours(name)]


def _is_ours(name: str) -> bool:
    try:
        told = run("virsh", "-c", URI, "metadata", name, _MARKING)
    except Failed:
        return False
    return f'"{MARK}"' in told.replace("'", '"')


def remove_domains() -> None:
    """Whatever of ours still runs, or lies there."""
    for name in _domains():
        say(f"    domain {name}")
        works("virsh", "-c", URI, "destroy", name)
        works("virsh", "-c", URI, "undefine", name)


def _tables(name: str) -> list[str]:
    """The machine's of nftables that are named so."""
    listed = run("nft", "list", "tables") if shutil.which("nft") else ""
    return [
        line.removeprefix("table ")
        for line in listed.splitlines()
        if line.split()[-1] == name
    ]


def _links(name: str) -> list[str]:
    """The machine's that are named so."""
    links = json.loads(run("ip", "-json", "link", "show"))
    names = (link.get("ifname", "") for link in links)
    return [each for each in names if re.fullmatch(name, each)]


def make_namespace() -> None:
    """
    The head's, and the cable to it.

    @raise Failed: the machine carries the networks of another cloud; or as told.
    """
    if not _CARRIES.exists():
        if _links(_OF_NETWORKS) or _tables(_TABLE_OF_NETWORKS):
            raise Failed(
                "this machine carries networks already, and not the demo's",
                f"{BIN}/euca-tw vnet show says which; if they are of a cloud that is "
                f"no more, {BIN}/euca-tw vnet purge removes all of it",
            )
        _CARRIES.parent.mkdir(exist_ok=True)
        _CARRIES.touch()
    for line in run(*_EUCA_TW, "vnet", "namespace", "up").splitlines()[-1:]:
        say(f"    {line}")


def remove_network() -> None:
    """Links and rules on both sides, and the head's namespace."""
    if _CARRIES.exists():
        # Not by euca-tw vnet purge, which removes what other clouds made as well.
        try:
            from euca_tw.admin.client import Refused
            from euca_tw.admin.namespaces import down
            from euca_tw.admin.networks import purge
        except ImportError as missing:
            raise Failed(str(missing), "make setup, then make demo-down") from None
        try:
            for line in (*purge(), *down(NAMESPACE)):
                say(f"    {line}")
        except Refused as refused:
            raise Failed(str(refused)) from None
        _CARRIES.unlink()
    with suppress(OSError):
        _CARRIES.parent.rmdir()


def stop_libvirt() -> None:
    """If it was started here."""
    if _STARTED.exists():
        run(ROOT / "tools" / "libvirtd-stop", advice=f"see {_LOG}")
        _STARTED.unlink(missing_ok=True)
        say("    libvirt")


def remove_files() -> None:
    """All but the image and what it is built of."""
    shutil.rmtree(INSTANCES, ignore_errors=True)
    for path in HERE.glob("*") if HERE.is_dir() else ():
        if path != IMAGE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def left_over() -> list[str]:
    """What is there that should not be."""
    left = [f"domain {name}" for name in _domains()]
    left += [f"rules {table}" for table in _tables(f"euca_tw_{NAMESPACE}")]
    left += [f"link {name}" for name in _links(NAMESPACE)]
    left += [f"namespace {NAMESPACE}"] if _NAMESPACE.exists() else []
    left += ["instances' networks (euca-tw vnet show)"] if _CARRIES.exists() else []
    return left
