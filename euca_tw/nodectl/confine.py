"""
Programs that read what users have made, run with little at hand.

Each is given bounds of memory, time and size of files, no core dump, none of the
capabilities that a daemon of an ordinary user was given, and, where the machine
lets us, namespaces of its own: it has no network then, and root is nobody.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import define, field
from twisted.logger import Logger

from euca_tw.common.process import CommandFailed, IProcessReactor, run

#: What the daemon may (the network, others' files) is not for these.
NO_CAPABILITIES = (
    *("setpriv", "--no-new-privs"),
    *("--inh-caps=-all", "--ambient-caps=-all"),
)
_APART = ("unshare", "--user", "--net")


@define(eq=False, kw_only=True)
class Confined:
    """
    @ivar memory_bytes: of address space.
    @ivar cpu_s: of a processor.
    @ivar timeout_s: by the clock.
    """

    reactor: IProcessReactor
    memory_bytes: int = 512 << 20
    cpu_s: int = 60
    timeout_s: float = 60.0
    _log: ClassVar[Logger] = Logger()
    _apart: tuple[str, ...] | None = field(default=None, init=False)

    async def run(
        self,
        *command: str,
        directory: str,
        largest_file_bytes: int,
        stdin: bytes = b"",
    ) -> bytes:
        """
        Run a program to its end, as L{euca_tw.common.process.run} does.

        @raise CommandFailed:
        """
        if self._apart is None:
            self._apart = await self._find_apart()
        limits = (
            f"--as={self.memory_bytes}",
            f"--fsize={largest_file_bytes}",
            f"--cpu={self.cpu_s}",
            "--nofile=64",
            "--core=0",
        )
        return await run(
            self.reactor,
            *("prlimit", *limits, "--", *NO_CAPABILITIES, *self._apart, *command),
            stdin=stdin,
            timeout_s=self.timeout_s,
            directory=directory,
        )

    async def _find_apart(self) -> tuple[str, ...]:
        try:
            await run(self.reactor, *_APART, "true")
        except CommandFailed as failed:
            self._log.info(
                "programs that look into images keep our network: {why}",
                why=failed.text,
            )
            return ()
        return _APART
