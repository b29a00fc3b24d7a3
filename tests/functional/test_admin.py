"""The admin socket, over a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from euca_tw.admin.client import NotRunning, Refused, ask
from euca_tw.admin.server import AdminSocket


class AdminSocketTests(TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute() / ("deep" * 40)
        self.directory.mkdir(parents=True)

    async def perform(self, name: str, arguments: dict[str, Any]) -> Any:
        if name == "fail":
            raise Refused("it failed")
        return [name, arguments]

    def start(self) -> AdminSocket:
        service = AdminSocket(reactor, self.directory, self.perform)
        service.startService()
        return service

    def ask(self, name: str) -> Any:
        return deferToThread(ask, self.directory, name, {"with": "ä"})

    async def test_asked(self) -> None:
        """
        It answers the command, from a directory however deep; only its owner
        may ask; and when it stops it is gone.
        """
        service = self.start()
        try:
            self.assertEqual(await self.ask("dance"), ["dance", {"with": "ä"}])
            await self.assertFailure(self.ask("fail"), Refused)
            [path] = self.directory.iterdir()
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        finally:
            await service.stopService()
        await self.assertFailure(self.ask("dance"), NotRunning)
        self.assertEqual([*self.directory.iterdir()], [])

    async def test_left_over(self) -> None:
        """A socket that a killed process left is replaced."""
        (self.directory / "admin.sock").touch()
        service = self.start()
        try:
            self.assertEqual(await self.ask("dance"), ["dance", {"with": "ä"}])
        finally:
            await service.stopService()
