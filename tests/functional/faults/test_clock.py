"""Real daemons on a machine whose clock is not right, or is set while they run."""

from __future__ import annotations

import os
import signal
from itertools import product
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.functional.faults.settings import is_thorough
from tests.functional.faults.site import DAEMONS, Site, SiteCase, Surroundings

#: By Debian's libfaketime; tools/clients installs it.
_LIBRARIES = (
    *Path("/usr/lib").glob("*-linux-gnu/faketime/libfaketime.so.1"),
    Path("/usr/lib/faketime/libfaketime.so.1"),
)
OFF_S = 600
_NOT_HEARD, _FAILED = " is not heard: ", " did not succeed: "
_WHY = "must agree within 20 s"
_SOME = (("cc", -OFF_S),)
_ALL = tuple(product(DAEMONS, (OFF_S, -OFF_S)))


def _library() -> Path:
    for path in _LIBRARIES:
        if path.exists():
            return path
    if os.environ.get("CI"):
        raise AssertionError("libfaketime is not there: run tools/clients")
    raise SkipTest("needs libfaketime: run tools/clients")


class ClockTests(SiteCase):
    """Each daemon has a clock of its own, which is set by writing a file."""

    def setUp(self) -> None:
        library = _library()
        here = Path(self.mktemp()).absolute()
        here.mkdir()
        self._clocks = {name: here / name for name in DAEMONS}
        for name in DAEMONS:
            self.set_clock(name, 0)
        self.begin(
            Site(
                **{
                    name: Surroundings(
                        environment={
                            "LD_PRELOAD": str(library),
                            "FAKETIME_TIMESTAMP_FILE": str(clock),
                            "FAKETIME_CACHE_DURATION": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                            "FAKETIME_DONT_RESET": "1",
                        }
                    )
                    for name, clock in self._clocks.items()
                }
            )
        )

    def set_clock(self, name: str, off_s: int) -> None:
        """How far it is ahead."""
        new = self._clocks[name].with_suffix(".new")
        new.write_text(f"{off_s:+d}s\n")
        new.rename(self._clocks[name])

    def test_clocks(self) -> None:
        """
        When the clock of a daemon is set, the others are told why they are not let
        in, and so is the operator; nothing that runs is ended, and when it is right
        again all goes on.  What is on its way meanwhile has the time that it has: no
        deadline is over, and nothing waits for longer.
        """
        self.expected = {self.running(): "running"}
        for name, off_s in _ALL if is_thorough() else _SOME:
            self.check_is_set(name, off_s)
        self.check_deadlines()
        self.check_begins_wrong()
        for name in self.expected:
            self.terminate(name)
        self.until_states(dict.fromkeys(self.expected, "terminated"))
        self.check_logs()

    def check_is_set(self, name: str, off_s: int) -> None:
        """What is launched when it is set runs when it is right again."""
        above = "cc" if name == "nc" else "clc"
        before = self.site.log(above).count(_NOT_HEARD)
        launched = self.launch()
        self.set_clock(name, off_s)
        self.until_logged(above, _NOT_HEARD, more_than=before)
        said = self.site.log(above).split(_NOT_HEARD)[-1]
        self.assertIn(_WHY, said.split("\n")[0])
        if above == "clc":
            self.assertIn(_WHY, self.status())
        self.set_clock(name, 0)
        self.until(self.is_ready, "all are heard again")
        self.expected[launched] = "running"
        self.until_states(self.expected)

    def check_deadlines(self) -> None:
        """All clocks are set an hour forth and back while a launch is on its way."""
        node = self.site.processes["nc"]
        node.send_signal(signal.SIGSTOP)
        launched = self.launch()
        for off_s in (6 * OFF_S, 0):
            for name in DAEMONS:
                self.set_clock(name, off_s)
            # The node has been asked once more, and has not answered.
            before = self.site.log("cc").count(_FAILED)
            self.until_logged("cc", _FAILED, more_than=before)
        self.assertIn("1 pending", self.status())
        node.send_signal(signal.SIGCONT)
        self.expected[launched] = "running"
        self.until_states(self.expected)

    def check_begins_wrong(self) -> None:
        """A daemon that is started while its clock is wrong is let in later."""
        self.site.kill("cc")
        self.set_clock("cc", OFF_S)
        self.site.start("cc")
        self.until(lambda: _WHY in self.status(), "it is told why")
        self.set_clock("cc", 0)
        self.until(self.is_ready, "it is heard again")
        self.expected[self.launch()] = "running"
        self.until_states(self.expected)
