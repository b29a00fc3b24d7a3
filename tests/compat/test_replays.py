"""A cloud that was killed knows which signed messages it took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.daemon import REPLAYS
from euca_tw.soap.envelope import SOAP_11
from euca_tw.soap.keys import load_identity
from euca_tw.soap.signing import signed
from tests.compat.cloud import Cloud
from tests.compat.test_bad_input import ENTRY, SERVICE, SOAP_HEADERS


class ReplayTests(SynchronousTestCase):
    """Messages, sent again to another life of the cloud."""

    def setUp(self) -> None:
        self.cloud = Cloud.start()
        self.addCleanup(self.cloud.stop)

    def message(self, made: datetime) -> bytes:
        directory = self.cloud.directory / "state" / "credentials" / "admin"
        pems = [(directory / name).read_bytes() for name in ("pk.pem", "cert.pem")]
        return signed(SOAP_11, [], ENTRY, load_identity(*pems), made)

    def send(self, message: bytes) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.cloud.port, timeout=20)
        try:
            connection.request("POST", SERVICE, message, SOAP_HEADERS)
            return connection.getresponse().read()
        finally:
            connection.close()

    def test_killed(self) -> None:
        """What was taken before the end is not taken after it; all else is."""
        now = datetime.now(UTC)
        messages = [
            self.message(now + timedelta(seconds=seconds)) for seconds in range(20)
        ]
        for each in messages:
            self.assertIn(b"reservationSet", self.send(each))
        self.cloud.kill()
        self.cloud.restart()
        for each in messages:
            self.assertIn(b"Message replay detected", self.send(each))
        self.assertIn(b"reservationSet", self.send(self.message(datetime.now(UTC))))
        path = self.cloud.directory / "state" / REPLAYS
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        for word in ("Traceback", "Unhandled", "begun anew"):
            self.assertNotIn(word, self.cloud.log)
