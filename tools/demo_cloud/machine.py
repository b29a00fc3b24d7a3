"""What the demo needs of the machine, and how all of it is taken away again."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from demo_cloud.places import BRIDGE, HERE, IMAGE, INSTANCES, MARK, ROOT, RUN
from demo_cloud.steps import Failed, run, say, until, works

URI = "qemu:///system"
#: Of the element by which a domain tells whose it is.
NAMESPACE = "urn:euca-tw:instance:1"
_STARTED = RUN / "libvirtd-was-started"
_LIBVIRT_S = 30.0


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
        told = run("virsh", "-c", URI, "metadata", name, NAMESPACE)
    except Failed:
        return False
    return f'"{MARK}"' in told.replace("'", '"')


def remove_domains() -> None:
    """Whatever of ours still runs, or lies there."""
    for name in _domains():
        say(f"    domain {name}")
        works("virsh", "-c", URI, "destroy", name)
        works("virsh", "-c", URI, "undefine", name)


def _tables() -> list[str]:
    listed = run("nft", "list", "tables") if shutil.which("nft") else ""
    name = f"euca_tw_{BRIDGE}"
    return [
        line.removeprefix("table ")
        for line in listed.splitlines()
        if line.split()[-1] == name
    ]


def _bridge() -> bool:
    links = json.loads(run("ip", "-json", "link", "show"))
    return any(link.get("ifname") == BRIDGE for link in links)


def remove_network() -> None:
    """Bridge, addresses and rules."""
    for table in _tables():
        say(f"    rules {table}")
        run("nft", "delete", "table", *table.split())
    if _bridge():
        say(f"    bridge {BRIDGE}")
        run("ip", "link", "delete", "dev", BRIDGE)


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
    left += [f"rules {table}" for table in _tables()]
    left += [f"bridge {BRIDGE}"] if _bridge() else []
    return left
