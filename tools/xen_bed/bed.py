"""A machine of one's own that goes on from where Xen was ready."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen
from demo_cloud.steps import Failed, until

from xen_bed.access import Access
from xen_bed.locks import OwnDirectory
from xen_bed.machine import EMULATOR, Files, Machine
from xen_bed.places import HERE, LASTING, LONGEST_NAME

_THAW_S = 180


@frozen
class Bed:
    """
    @ivar access: to its dom0.
    """

    _own: OwnDirectory
    _machine: Machine
    access: Access

    @classmethod
    def start(cls, files: Files) -> Bed:
        """
        It ends with this process, however that ends; L{stop} also cleans up.

        @raise Failed:
        """
        own = OwnDirectory.make(HERE)
        try:
            return cls(own, *_thawed(files, own.path, outlives_us=False))
        except Failed as failed:
            # Its logs are deleted.
            told = Failed(failed.report().strip())
            own.delete()
            raise told from None
        except BaseException:
            own.delete()
            raise

    @property
    def ports(self) -> Mapping[str, int]:
        """On 127.0.0.1, by L{xen_bed.machine.SERVICES}."""
        return self._machine.ports

    def stop(self) -> None:
        """Nothing is left of it."""
        self.access.close()
        self._machine.stop()
        self._own.delete()


def _thawed(files: Files, here: Path, *, outlives_us: bool) -> tuple[Machine, Access]:
    machine = Machine.thaw(files, here, outlives_us=outlives_us)
    access = Access(files.key, here, machine.ports)
    try:
        if not access.answers(_THAW_S, lambda: machine.runs):
            raise Failed(
                "the machine does not go on from where it was ready",
                f"rm -r {files.directory} has it made anew",
                here / "console.log",
            )
        # Its clock stood since then, and what the tiers say is dated.
        access.run(f"date -u -s @{time.time():.3f}")
    except BaseException:
        machine.stop()
        raise
    return machine, access


# --- the one that lasts -------------------------------------------------------

_STATE = LASTING / "machine.json"
_KEY = LASTING / "key"


def up(files: Files) -> Access:
    """
    The one that goes on when this process ends; it may run already.

    @raise Failed:
    """
    access = lasting()
    if access is None:
        if len(str(LASTING)) > LONGEST_NAME:
            raise Failed(f"{LASTING} is too long a name", "have the checkout elsewhere")
        shutil.rmtree(LASTING, ignore_errors=True)
        LASTING.mkdir()
        # The other goes when there is something newer.
        shutil.copy(files.key, _KEY)
        machine, access = _thawed(files, LASTING, outlives_us=True)
        _STATE.write_text(json.dumps({"pid": machine.pid, "ports": machine.ports}))
    return access


def lasting() -> Access | None:
    """To the one that L{up} made; None if it does not run."""
    state = _running()
    return None if state is None else Access(_KEY, LASTING, state["ports"])


def down() -> bool:
    """End it; whether it ran."""
    state = _running()
    if state is not None:
        with suppress(ProcessLookupError):
            os.kill(state["pid"], signal.SIGKILL)
        until(lambda: _running() is None, 10, 0.05)
    shutil.rmtree(LASTING, ignore_errors=True)
    return state is not None


def _running() -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads(_STATE.read_text())
        words = Path(f"/proc/{state['pid']}/cmdline").read_bytes()
    except (OSError, ValueError, KeyError):
        return None
    # The pid may long be another's.
    is_ours = EMULATOR.encode() in words and str(LASTING).encode() in words
    return state if is_ours else None
