"""What was acknowledged survives C{kill -9}."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.threads import thread_worker
from euca_tw.model.records import CLOUD_RECORDS, KeyPair
from euca_tw.store.interfaces import Put
from euca_tw.store.sqlite import SqliteStore
from tests.store.test_sqlite import make
from tests.suites.store import key_pair

ROOT = Path(__file__).parent.parent.parent
ENOUGH = 200


def commit_for_ever(path: str) -> None:
    """In a process of its own: name each record once its commit has fired."""
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred, ensureDeferred, gatherResults

    deliver = reactor.callFromThread  # type: ignore[attr-defined]
    store = SqliteStore(
        Path(path), CLOUD_RECORDS, lambda: thread_worker("store"), deliver, print
    )

    async def one(name: str) -> None:
        await store.commit(Put(key_pair(name)), Put(key_pair(f"{name} too")))
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()

    async def several(worker: int) -> None:
        for number in range(10**6):
            await one(f"{worker}-{number}")

    async def main() -> None:
        await store.open()
        await gatherResults(
            [Deferred.fromCoroutine(several(worker)) for worker in range(8)]
        )

    ensureDeferred(main())
    reactor.run()  # type: ignore[attr-defined]


class KillTests(SynchronousTestCase):
    """A process is killed in the midst of writing."""

    def test_kill(self) -> None:
        """Everything acknowledged is there, every commit is whole."""
        path = Path(self.mktemp())
        command = "from tests.store.test_kill import commit_for_ever as go; "
        command += f"go({str(path.absolute())!r})"
        with subprocess.Popen(
            [sys.executable, "-c", command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            acknowledged = [process.stdout.readline() for _ in range(ENOUGH)]
            process.send_signal(signal.SIGKILL)
            acknowledged += process.stdout.readlines()
        store = make(path)
        self.successResultOf(store.open())
        self.addCleanup(store.close)
        for line in acknowledged:
            name = line.rstrip("\n")
            if line.endswith("\n"):  # the last one may have been cut off
                self.assertIsNotNone(store.get(KeyPair, key_pair(name).key), name)
        self.assertEqual(len(store.all(KeyPair)) % 2, 0)
        self.assertGreaterEqual(len(store.all(KeyPair)), 2 * ENOUGH)
