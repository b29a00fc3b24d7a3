"""
Who guesses, and who asks for too much, at a running cloud; and who is not bothered
by it.

The cloud's limits are small here.  Each test has addresses of its own on loopback,
from which nobody else has done anything.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import boto3
from attrs import evolve
from botocore.config import Config
from botocore.credentials import Credentials
from lxml import etree

from euca_tw.soap.keys import Identity
from tests.compat.cloud import cloud_for, read_eucarc
from tests.compat.test_bad_input import (
    DESCRIBE,
    ENTRY,
    FORM_HEADERS,
    PATIENCE_S,
    SERVICE,
    SOAP_HEADERS,
    BadInputCase,
    Told,
    told,
)
from tests.soap.identities import identity

BURST = 5
GUESSING = f"""
[limits]
requests_per_s = 0
failures_per_s = 0.001
failures_burst = {BURST}
"""
CALLING = """
[limits]
requests_per_s = 2
burst = 4
failures_per_s = 0
"""


class LimitsCase(BadInputCase):
    """Knocks from any address of loopback."""

    configuration = ""
    source = "127.0.0.1"

    def setUp(self) -> None:
        self.cloud = cloud_for(type(self).__name__, self.configuration)
        self.port = self.cloud.port
        self.headers: dict[str, str] = {}

    def send(
        self,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] = FORM_HEADERS,
        method: str = "POST",
        target: str = SERVICE,
    ) -> Told:
        connection = HTTPConnection(
            "127.0.0.1", self.port, PATIENCE_S, source_address=(self.source, 0)
        )
        try:
            connection.request(method, target, body, dict(headers))
            response: HTTPResponse = connection.getresponse()
            self.headers = dict(response.getheaders())
            return told(response)
        finally:
            connection.close()

    def by_query(self, key_id: str | None = None, secret: str | None = None) -> Told:
        """What a small call is told, signed by another key or secret than is right."""
        right = super().credentials
        self.given = Credentials(key_id or right.access_key, secret or right.secret_key)
        return self.send(*self.signed_4(DESCRIBE))

    @property
    def credentials(self) -> Credentials:
        return self.given

    def by_soap(self, signer: str | None = None, is_claiming: bool = False) -> Told:
        """Likewise, signed by another, who may claim that it is the right one."""
        own = super().identity
        self.signer = own if signer is None else identity(signer)
        if is_claiming:
            self.signer = evolve(self.signer, token=own.token)
        # Not from before the cloud was started, which it could not remember.
        return self.send(self.message(ENTRY, age_s=-1), SOAP_HEADERS)

    @property
    def identity(self) -> Identity:
        return self.signer

    def euca_tw(self, *arguments: str | Path) -> str:
        """What the operator's command says."""
        command = Path(sys.executable).with_name("euca-tw")
        state = self.cloud.directory / "state"
        return subprocess.run(
            [command, "--state-dir", state, *arguments],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def lines(self, about: str) -> list[str]:
        """What the log has of an address."""
        found = re.compile(rf" {re.escape(about)} (?:was|is) .*")
        return [each[0].strip() for each in found.finditer(self.cloud.log)]


def code_of(answer: Told) -> str:
    root = etree.fromstring(answer.body)
    found = root.findtext(".//Code") or root.findtext(".//faultcode") or "none"
    return found.rpartition(".")[2]


def text_of(answer: Told) -> tuple[int, bytes]:
    """An answer, but for its request's id."""
    return answer.status, re.sub(rb"[0-9a-f-]{36}", b"ID", answer.body)


class GuessingTests(LimitsCase):
    """Keys and signatures, tried one after the other."""

    configuration = GUESSING

    def guesses(self) -> list[Told]:
        """By each door, a key that nobody has, and a signature that is wrong."""
        return [
            self.by_query(key_id="AKIDNOBODY"),
            self.by_query(secret="guess"),
            self.by_soap(signer="mallory"),
            self.by_soap(signer="mallory", is_claiming=True),
        ]

    def test_same_answer(self) -> None:
        """Neither door tells which of the two it is."""
        self.source = "127.0.0.10"
        answers = self.guesses()
        self.assertEqual({code_of(each) for each in answers}, {"AuthFailure"})
        self.assertEqual(text_of(answers[0]), text_of(answers[1]))
        self.assertEqual(text_of(answers[2]), text_of(answers[3]))

    def test_throttled(self) -> None:
        """
        After some wrong ones nothing from there is looked at, whatever it is;
        elsewhere nobody notices; and the log says so in two lines.
        """
        self.source = "127.0.0.20"
        for _ in range(BURST):
            self.assertEqual(code_of(self.by_query(key_id="AKIDNOBODY")), "AuthFailure")
        for _ in range(10):
            answers = self.guesses()
            self.assertEqual(
                {code_of(each) for each in answers}, {"RequestLimitExceeded"}
            )
            self.assertEqual(text_of(answers[0]), text_of(answers[1]))
            self.assertEqual(text_of(answers[2]), text_of(answers[3]))
        right = [self.by_query(), self.by_soap()]
        self.assertEqual({code_of(each) for each in right}, {"RequestLimitExceeded"})
        self.assertEqual([each.status for each in right], [503, 500])
        self.assertEqual(self.headers["Retry-After"], "1")
        self.source = "127.0.0.21"
        self.assertEqual([self.by_query().status, self.by_soap().status], [200, 200])
        first, second = self.lines("127.0.0.20")
        self.assertIn("was not let in: AuthFailure", first)
        self.assertEqual(
            second,
            f"127.0.0.20 was not let in {BURST - 1} more times, and is throttled from "
            "now on",
        )
        self.assertNotIn("Traceback", self.cloud.log)

    def test_neighbours(self) -> None:
        """Who was let in from there before goes on, by each door."""
        self.source = "127.0.0.30"
        self.assertEqual([self.by_query().status, self.by_soap().status], [200, 200])
        for _ in range(BURST):
            self.assertEqual(code_of(self.by_soap(signer="mallory")), "AuthFailure")
        for _ in range(3):
            for guess in (self.by_query("AKIDNOBODY"), self.by_soap("mallory")):
                self.assertEqual(code_of(guess), "RequestLimitExceeded")
        for _ in range(3):
            answers = [self.by_query(), self.by_soap()]
            self.assertEqual([each.status for each in answers], [200, 200])

    def test_unsigned(self) -> None:
        """What is not signed counts; what is not even a message does not."""
        self.source = "127.0.0.40"
        for _ in range(2 * BURST):
            answer = self.send(b"<a/>", SOAP_HEADERS)
            self.assertEqual(code_of(answer), "MalformedXML")
        for _ in range(BURST):
            answer = self.send(b"Action=DescribeInstances")
            self.assertEqual(code_of(answer), "MissingAuthenticationToken")
        self.assertEqual(code_of(self.send(b"x")), "RequestLimitExceeded")

    def test_status(self) -> None:
        """The operator is told how much of it there was."""
        self.source = "127.0.0.50"
        for _ in range(BURST + 2):
            self.by_query(key_id="AKIDNOBODY")
        said = self.euca_tw("status")
        found = re.search(r"not let in since the start: .*?(\d+) AuthFailure", said)
        assert found is not None, said
        self.assertGreaterEqual(int(found[1]), BURST)
        found = re.search(r"refused by a limit: (\d+) after too many of those", said)
        assert found is not None, said
        self.assertGreaterEqual(int(found[1]), 2)


class CallingTests(LimitsCase):
    """Requests, one after the other, that are all right."""

    configuration = CALLING

    def exhaust(self) -> Told:
        """Call till it is too much; what is said then."""
        for _ in range(200):
            answer = self.by_query()
            if answer.status != 200:
                return answer
        raise AssertionError("it is never too much")

    def test_rate(self) -> None:
        """Who calls too often is told so, and another is served meanwhile."""
        directory = self.cloud.directory / "bob"
        self.euca_tw("user", "add", "bob", "--directory", directory)
        bob = read_eucarc(directory / "eucarc")
        said = self.check_error(self.exhaust(), "RequestLimitExceeded", 503)
        self.assertIn("2 requests a second and 4 at once", said)
        self.assertEqual(self.headers["Retry-After"], "1")
        answer = self.by_query(bob["EC2_ACCESS_KEY"], bob["EC2_SECRET_KEY"])
        self.assertEqual(answer.status, 200)

    def test_each_door(self) -> None:
        """It is the same limit at both doors."""
        self.exhaust()
        for _ in range(3):
            answer = self.by_soap()
            if answer.status != 200:
                break
        said = self.check_fault(answer, "RequestLimitExceeded")
        self.assertIn("2 requests a second", said)

    def test_retries(self) -> None:
        """boto3 waits and asks again, till it is answered."""
        settings = self.cloud.settings
        ec2 = boto3.client(
            "ec2",
            endpoint_url=self.cloud.url,
            region_name="eucalyptus",
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"mode": "standard", "total_max_attempts": 12}),
        )
        self.exhaust()
        answers = [ec2.describe_key_pairs() for _ in range(6)]
        retried = [each["ResponseMetadata"]["RetryAttempts"] for each in answers]
        self.assertGreater(sum(retried), 0)
