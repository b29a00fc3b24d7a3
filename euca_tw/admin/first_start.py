"""What a new cloud is given: an administrator with credentials, and a demo image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import ClassVar

from attrs import frozen
from twisted.logger import Logger

from euca_tw.admin.daemon import Machine
from euca_tw.clc.accounts import ADMIN, Accounts, Credentials
from euca_tw.clc.demo import DemoImage
from euca_tw.clc.interfaces import IImageStore, ImportFailed
from euca_tw.common.files import write_private_files
from euca_tw.store.interfaces import IStore


@frozen(kw_only=True, eq=False)
class FirstStart:
    """
    @ivar files_of: the files of credentials, for a directory.
    @ivar demo: where the demo image's files lie; None: there is none.
    """

    store: IStore
    images: IImageStore
    accounts: Accounts
    machine: Machine
    state_dir: Path
    files_of: Callable[[Credentials, Path], Mapping[str, bytes]]
    demo: PurePath | None
    _log: ClassVar[Logger] = Logger()

    async def see_to_it(self) -> None:
        """
        See that all that is there.  The credentials are written before they are
        valid: should this process be killed in between, others are written in their
        place.
        """
        if not self.accounts.has(ADMIN):
            drafted = await self.accounts.draft(ADMIN, is_admin=True)
            directory = self.state_dir / "credentials" / ADMIN
            directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files = self.files_of(drafted, directory.absolute())
            write_private_files(directory, files)
            await self.accounts.add(drafted)
            self._log.info(
                "Credentials of {user} are in {directory}",
                user=ADMIN,
                directory=str(directory),
            )
        if self.demo is not None:
            await self._register(self.demo)

    async def _register(self, directory: PurePath) -> None:
        demo = DemoImage(
            store=self.store,
            images=self.images,
            clock=self.machine.reactor,
            minter=self.machine.minter,
            directory=directory,
        )
        try:
            await demo.register(self.accounts.named(ADMIN))
        except ImportFailed as failed:
            self._log.warn("The demo image: {reason}", reason=str(failed))
