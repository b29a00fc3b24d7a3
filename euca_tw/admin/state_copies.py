"""
A copy of the cloud controller's store, made while it is used.

It lies beside the store, for a daemon may be able to write nowhere else; who asked
for it takes it away.
"""

from __future__ import annotations

from pathlib import Path

from attrs import define

from euca_tw.admin.client import Refused
from euca_tw.store.interfaces import ICopied

#: In the state directory, as long as nobody took it away.
COPY = "cloud.db.copy"


@define(eq=False)
class StateCopies:
    """@ivar _store: is open when a copy is asked for."""

    _store: ICopied
    _state_dir: Path
    _is_busy: bool = False

    async def make(self) -> str:
        """
        @return: the path of the copy.
        @raise Refused: another is being made.
        @raise euca_tw.store.interfaces.StoreUnusable: it could not be made.
        """
        if self._is_busy:
            raise Refused("a copy of the state is being made already: try again")
        path = (self._state_dir / COPY).absolute()
        self._is_busy = True
        try:
            # Of one who was killed before he took it away.
            path.unlink(missing_ok=True)
            await self._store.copy_to(path)
        finally:
            self._is_busy = False
        return str(path)
