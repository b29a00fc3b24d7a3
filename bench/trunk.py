"""
The trunk between clusters, beside other ways to join two bridges, in one run.

The ways take turns: in each round each carries one TCP stream for some seconds,
with pings beside it, and pings alone.  Ratios are made within a round, and medians
of them are printed.  Processor time is that of the tunnel's own programs.

It makes network namespaces of its own, and needs root.  What is not installed is
said, and left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from attrs import frozen

from bench.load import cpu_s
from bench.tunnels import WAYS, Bed, Missing, need
from tests.functional.vnet.lab import CommandFailed, Host, Lab

#: What must hold; see docs/networking.md.
OF_VXLAN, OF_TUNNELS, OF_FRAMES = 0.30, 5.0, 20.0
IDLE_MS, LOADED_MS = 3.0, 20.0
TUNNELS = ("wireguard-go", "OpenVPN", "vtun", "VDE")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = int(os.environ.get("SECONDS_EACH", "3"))
#: Enough that their 99th of a hundred is not the worst of them.
IDLE_PINGS = 400
#: Of the scheduling group of all that is measured, where there are such groups: so
#: what else the machine does counts less.
_NICENESS = "-15"


@frozen(kw_only=True)
class Measured:
    """
    @ivar gbits: a second, of one stream of TCP.
    @ivar idle_ms, loaded_ms: of round trips, the 99th of a hundred.
    @ivar cpu_s: of the tunnel's programs on both sides, a Gbit.
    """

    gbits: float
    idle_ms: float
    loaded_ms: float
    cpu_s: float


def pinging(guest: Host, to: str, count: int, each_s: float) -> Callable[[], float]:
    """Begin; what is returned waits for the end, and is the 99th of a hundred."""
    ping = guest.start(
        *("busybox", "ping", "-c", str(count), "-i", str(each_s), "-W", "2"),
        to,
        stdout=subprocess.PIPE,
    )

    def ended() -> float:
        said = ping.communicate()[0].decode()
        lines = [each for each in said.splitlines() if "time=" in each]
        times = sorted(float(each.split("time=")[1].split()[0]) for each in lines)
        return times[-(-len(times) * 99 // 100) - 1]

    return ended


def measure(bed: Bed, number: int) -> Measured:
    """One way, in one round."""
    guest, to = bed.lab.hosts[f"left{number}"], f"10.{number}.0.2"
    idle_ms = pinging(guest, to, IDLE_PINGS, 0.005)()
    pids = [each.pid for each in bed.programs.get(number, ())]
    before = sum(map(cpu_s, pids))
    beside = pinging(guest, to, SECONDS * 45, 0.02)
    iperf = ("iperf3", "-J", "-t", str(SECONDS), "-c", to)
    said = guest.run(*iperf, timeout_s=SECONDS + 30)
    spent = sum(map(cpu_s, pids)) - before
    received = json.loads(said)["end"]["sum_received"]
    gbits = received["bytes"] * 8 / 1e9
    return Measured(
        gbits=received["bits_per_second"] / 1e9,
        idle_ms=idle_ms,
        loaded_ms=beside(),
        cpu_s=spent / gbits if gbits else 0.0,
    )


def serve(bed: Bed, number: int) -> None:
    """Who answers iperf3, in the guest on the right; once both are joined."""
    guest, other = (bed.lab.hosts[f"{side}{number}"] for side in ("left", "right"))
    until = time.monotonic() + 20
    while True:
        try:
            guest.run("busybox", "ping", "-c", "1", "-W", "1", f"10.{number}.0.2")
            break
        except CommandFailed:
            if time.monotonic() > until:
                raise
    server = other.start(
        *("iperf3", "-s"),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        process_group=0,
    )
    # It is no part of the tunnel: counted among none's programs.
    bed.programs.setdefault(-number, []).append(server)
    time.sleep(0.2)


def come_first() -> None:
    """Be a scheduling group of our own, with a larger share."""
    with contextlib.suppress(OSError):
        os.setsid()
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(_NICENESS)


def set_up(bed: Bed) -> dict[str, int]:
    """All ways that can be, by name; says what cannot."""
    bed.build()
    ways, packages = {}, []
    for number, (name, make) in enumerate(WAYS.items(), 1):
        try:
            make(bed, number)
            serve(bed, number)
        except Missing as error:
            packages.append(str(error))
            print(f"without {name}")
        except (CommandFailed, subprocess.TimeoutExpired) as error:
            print(f"without {name}, which could not be made: {error}")
        else:
            ways[name] = number
    if packages:
        print(f"for those: apt-get install {' '.join(packages)}")
    return ways


def table(rounds: Sequence[Mapping[str, Measured]]) -> None:
    """Medians, of each way."""
    print(f"{'':16} {'Gbit/s':>7} {'idle':>8} {'loaded ms':>10} {'CPU s/Gbit':>11}")
    for name in rounds[0]:
        each = [found[name] for found in rounds]
        print(
            f"{name:16} {median(m.gbits for m in each):7.2f}"
            f" {median(m.idle_ms for m in each):8.2f}"
            f" {median(m.loaded_ms for m in each):10.2f}"
            f" {median(m.cpu_s for m in each):11.2f}"
        )


def judge(rounds: Sequence[Mapping[str, Measured]]) -> bool:
    """Print the ratios with what is required; whether all hold."""

    def of(name: str) -> list[float]:
        return [each["trunk"].gbits / each[name].gbits for each in rounds]

    tunnels = [name for name in TUNNELS if name in rounds[0]]
    checks = [("of VXLAN", of("VXLAN"), OF_VXLAN)]
    if tunnels:
        fastest = [
            each["trunk"].gbits / max(each[name].gbits for name in tunnels)
            for each in rounds
        ]
        checks.append(
            (f"times the fastest of {', '.join(tunnels)}", fastest, OF_TUNNELS)
        )
    checks.append(("times a write a frame", of("a write a frame"), OF_FRAMES))
    holds = True
    for what, ratios, least in checks:
        holds &= median(ratios) >= least
        shown = " ".join(f"{each:.2f}" for each in ratios)
        print(f"trunk: {median(ratios):.2f} {what} ({shown})  required: >= {least}")
    above = [each["trunk"].idle_ms - each["bridge"].idle_ms for each in rounds]
    loaded = [each["trunk"].loaded_ms for each in rounds]
    for what, found, most in (
        ("above the bridge's, idle", above, IDLE_MS),
        ("under load", loaded, LOADED_MS),
    ):
        holds &= median(found) < most
        shown = " ".join(f"{each:.2f}" for each in found)
        print(f"trunk: {median(found):.2f} ms {what} ({shown})  required: < {most}")
    return holds


def main() -> int:
    """Measure, and print; 1 if something does not hold."""
    if os.geteuid() != 0:
        print("needs root, for network namespaces")
        return 0
    try:
        need(("iperf3", "iperf3"))
    except Missing as error:
        print(f"needs iperf3: apt-get install {error}")
        return 1
    come_first()
    rounds = []
    with tempfile.TemporaryDirectory() as directory:
        bed = Bed(Lab(), Path(directory))
        try:
            ways = set_up(bed)
            print(f"{ROUNDS} rounds, {SECONDS} s each, on {os.cpu_count()} processors")
            for _ in range(ROUNDS):
                rounds.append({name: measure(bed, at) for name, at in ways.items()})
        finally:
            bed.close()
    table(rounds)
    return 0 if judge(rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
