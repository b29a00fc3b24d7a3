"""Tests of L{euca_tw.query.signing} and the versions beside it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from unittest import SkipTest

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import (
    ApiError,
    AuthFailure,
    IncompleteSignature,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingAuthenticationToken,
    RequestExpired,
    RequestTimeTooSkewed,
)
from euca_tw.common.asked import Asked
from euca_tw.query.signed import MAX_EXPIRES_S, SKEW_S, WINDOW_S, told
from euca_tw.query.signing import ALL_VERSIONS
from tests.query.requests import (
    KEY_ID,
    SAMPLES,
    asked_of,
    check,
    signed_2,
    signed_4,
    signed_4_url,
    signed_of,
    with_body,
    with_header,
    with_target,
)

ASKED = {"Action": "DescribeInstances", "Version": "2016-11-15"}


class SampleTests(SynchronousTestCase):
    """Requests that real clients have sent."""

    def samples(self) -> list[tuple[str, Asked]]:
        if not SAMPLES.exists():
            raise SkipTest(f"the clients' recorded requests are not at {SAMPLES}")
        paths = sorted(SAMPLES.glob("*.http"))
        self.assertEqual(len(paths), 43)
        return [(path.name, asked_of(path.read_bytes())) for path in paths]

    def when(self, asked: Asked) -> float:
        signed = signed_of(asked)
        said = (
            signed.parameters.get("Timestamp")
            or signed.parameters.get("X-Amz-Date")
            or asked.headers("x-amz-date")
            or ""
        )
        digits = re.sub("[^0-9]", "", said)[:14]
        moment = datetime.strptime(digits, "%Y%m%d%H%M%S")
        return moment.replace(tzinfo=UTC).timestamp()

    def test_all(self) -> None:
        """Where all versions are taken, every client's every version is verified."""
        for name, asked in self.samples():
            now = self.when(asked)
            self.assertEqual(check(asked, now, versions=ALL_VERSIONS), KEY_ID, name)

    def test_usual(self) -> None:
        """Versions 2 and 4 are taken by default, 0 and 1 are not."""
        for name, asked in self.samples():
            now = self.when(asked)
            if "-v0" in name or "-v1" in name:
                error = self.assertRaises(IncompleteSignature, check, asked, now)
                self.assertRegex(error.message, "version [01] is not taken")
                self.assertIn("version 2 or 4", error.message)
            else:
                self.assertEqual(check(asked, now), KEY_ID, name)

    def test_each_version(self) -> None:
        """Each version is taken where it is the only one, and no other then."""
        for name, asked in self.samples():
            said = re.findall("-v([0-9])", name)[-1]
            for version in ALL_VERSIONS:
                if version == said:
                    check(asked, self.when(asked), versions=version)
                else:
                    self.assertRaises(
                        IncompleteSignature,
                        check,
                        asked,
                        self.when(asked),
                        versions=version,
                    )

    def test_changed(self) -> None:
        """With one more parameter, none is verified; but version 0 signs none."""
        for name, asked in self.samples():
            if asked.body:
                other = attrs.evolve(asked, body=asked.body + b"&A=b")
            else:
                other = attrs.evolve(asked, target=asked.target + b"&A=b")
            now = self.when(asked)
            if "-v0" in name:
                self.assertEqual(check(other, now, versions="0"), KEY_ID)
                continue
            self.assertRaises(
                IncompleteSignature
                if asked.headers("x-amz-content-sha256")
                else AuthFailure,
                check,
                other,
                now,
                versions=ALL_VERSIONS,
            )


class WhoTests(SynchronousTestCase):
    """Requests that are not verified."""

    def test_unsigned(self) -> None:
        """A request without a signature is told so."""
        asked = Asked("GET", b"/?Action=DescribeInstances", {}.get, b"")
        self.assertRaises(MissingAuthenticationToken, check, asked)

    def test_stranger(self) -> None:
        """A key that nobody has opens nothing."""
        for asked in (
            signed_4(ASKED, key_id="AKIDSTRANGER"),
            with_body(signed_2(ASKED), AWSAccessKeyId="AKIDSTRANGER"),
        ):
            self.assertRaises(AuthFailure, check, asked)

    def test_wrong_secret(self) -> None:
        """Nor does a right key with a wrong secret; what was reckoned is told."""
        asked = signed_4(ASKED, secret="wrong")
        error = self.assertRaises(AuthFailure, check, asked)
        self.assertIn(
            "method POST, host cloud.example:8773, path /services/Eucalyptus",
            error.message,
        )
        self.assertIn(asked.headers("x-amz-date") or "?", error.message)

    def test_version_4_off(self) -> None:
        """Version 4 can be switched off."""
        for asked in (signed_4(ASKED), signed_4_url(ASKED)):
            error = self.assertRaises(
                IncompleteSignature, check, asked, versions=["2", "1"]
            )
            self.assertIn("version 4 is not taken", error.message)
            self.assertIn("version 1 or 2", error.message)

    def test_no_host(self) -> None:
        """A host is there, for it is signed."""
        for asked in (signed_4(ASKED), signed_4_url(ASKED), signed_2(ASKED)):
            other = with_header(asked, "host", None)
            error = self.assertRaises(IncompleteSignature, check, other)
            self.assertIn("host", error.message.lower())

    def test_token(self) -> None:
        """A session token is refused, for there are none; however it is said."""
        token = {"X-Amz-Security-Token": "x"}
        for asked in (
            with_header(signed_4(ASKED), "x-amz-security-token", "x"),
            with_header(signed_4_url(ASKED), "x-amz-security-token", "x"),
            signed_4_url(ASKED | token),
            signed_4(ASKED | token),
            signed_2(ASKED | {"SecurityToken": "x"}),
        ):
            error = self.assertRaises(AuthFailure, check, asked)
            self.assertIn("session token", error.message)

    def test_no_token(self) -> None:
        """An empty one is none."""
        for asked in (
            with_header(signed_4(ASKED), "x-amz-security-token", ""),
            signed_2(ASKED | {"SecurityToken": ""}),
        ):
            self.assertEqual(check(asked), KEY_ID)


class ScopeTests(SynchronousTestCase):
    """What version 4 may be scoped to."""

    def test_any(self) -> None:
        """Any region and service, if none is named."""
        for asked in (signed_4(ASKED), signed_4_url(ASKED)):
            self.assertEqual(check(asked), KEY_ID)

    def test_named(self) -> None:
        """Else one of those; the refusal says which."""
        for asked in (signed_4(ASKED), signed_4_url(ASKED)):
            check(asked, regions=["home", "away"], services=["ec2"])
            check(asked, regions=["home"])
            check(asked, services=["ec2", "x"])
            error = self.assertRaises(
                AuthFailure, check, asked, regions=["far", "away"]
            )
            self.assertIn("region 'home'", error.message)
            self.assertIn("away or far", error.message)
            error = self.assertRaises(AuthFailure, check, asked, services=["s3"])
            self.assertIn("service 'ec2'", error.message)

    def test_other_versions(self) -> None:
        """Version 2 has no scope."""
        self.assertEqual(check(signed_2(ASKED), regions=["x"], services=["y"]), KEY_ID)

    def test_before_the_key(self) -> None:
        """Whoever has no key is told the same."""
        asked = signed_4(ASKED, key_id="AKIDSTRANGER")
        error = self.assertRaises(AuthFailure, check, asked, regions=["x"])
        self.assertIn("region 'home'", error.message)


class AgeTests(SynchronousTestCase):
    """How long a request is good."""

    def ages(self, asked: Asked, at: float, good: float, late: type[ApiError]) -> None:
        check(asked, at + good - 1)
        check(asked, at - SKEW_S + 1)
        error = self.assertRaises(late, check, asked, at + good + 1)
        self.assertIn(told(at + good + 1), error.message)
        if late is RequestTimeTooSkewed:
            self.assertEqual((error.code, error.status), ("RequestTimeTooSkewed", 403))
            self.assertIn(f"request says {told(at)}", error.message)
            self.assertIn("15 minutes behind", error.message)
        else:
            self.assertIn(told(at + good), error.message)
        now = at - SKEW_S - 1
        error = self.assertRaises(RequestTimeTooSkewed, check, asked, now)
        self.assertIn(f"request says {told(at)}, it is {told(now)} here", error.message)
        self.assertIn("5 minutes ahead", error.message)

    def at(self, said: str | None) -> float:
        moment = datetime.strptime(said or "", "%Y%m%dT%H%M%SZ")
        return moment.replace(tzinfo=UTC).timestamp()

    def test_4(self) -> None:
        """Version 4: a quarter of an hour, five minutes into the future."""
        asked = signed_4(ASKED)
        at = self.at(asked.headers("x-amz-date"))
        self.ages(asked, at, WINDOW_S, RequestTimeTooSkewed)

    def test_4_url(self) -> None:
        """A URL is good as long as it says."""
        for expires in (1, 60, 3600, MAX_EXPIRES_S):
            asked = signed_4_url(ASKED, expires)
            at = self.at(signed_of(asked).parameters["X-Amz-Date"])
            self.ages(asked, at, expires, RequestExpired)

    def test_2(self) -> None:
        """Version 2 is as version 4."""
        asked = signed_2(ASKED)
        said = datetime.fromisoformat(signed_of(asked).parameters["Timestamp"])
        self.ages(asked, said.timestamp(), WINDOW_S, RequestTimeTooSkewed)

    def test_expires(self) -> None:
        """Version 2 may say instead when it expires, within a week."""
        asked = with_body(
            signed_2(ASKED), Timestamp=None, Expires="2026-11-23T08:00:00Z"
        )
        eight = datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()
        for now in (eight, eight - MAX_EXPIRES_S):
            self.assertRaises(AuthFailure, check, asked, now)
        error = self.assertRaises(RequestExpired, check, asked, eight + 1)
        self.assertIn("2026-11-23T08:00:00Z", error.message)
        self.assertRaises(
            InvalidParameterValue, check, asked, eight - MAX_EXPIRES_S - 1
        )


class ToldTests(SynchronousTestCase):
    """Times in the texts of refusals."""

    def test_told(self) -> None:
        """They are as they are written in requests, whatever the year."""
        for moment in (
            "0001-01-01T00:00:00Z",
            "0987-06-05T04:03:02Z",
            "1970-01-01T00:00:00Z",
            "2026-11-23T08:00:00Z",
            "9999-12-31T23:59:59Z",
        ):
            seconds = datetime.fromisoformat(moment).timestamp()
            self.assertEqual(told(seconds), moment)
        self.assertEqual(told(1.75), "1970-01-01T00:00:01Z")


class Form2Tests(SynchronousTestCase):
    """Forms of version 2."""

    def test_incomplete(self) -> None:
        """Each part of the signature is missed, or judged, by its name."""
        asked = signed_2(ASKED)
        for error, changed in (
            (MissingAuthenticationToken, {"Signature": None}),
            (IncompleteSignature, {"AWSAccessKeyId": None}),
            (IncompleteSignature, {"SignatureVersion": None}),
            (IncompleteSignature, {"SignatureVersion": "3"}),
            (IncompleteSignature, {"SignatureVersion": "4"}),
            (InvalidParameterValue, {"SignatureMethod": "MD5"}),
            (InvalidParameterValue, {"Timestamp": "now"}),
            (InvalidParameterValue, {"Timestamp": "2026-02-30T08:00:00Z"}),
            (InvalidParameterValue, {"Timestamp": "9999-12-31T99:00:00Z"}),
            (RequestTimeTooSkewed, {"Timestamp": "9999-12-31T23:59:59Z"}),
            (RequestTimeTooSkewed, {"Timestamp": "0001-01-01T00:00:00Z"}),
            (InvalidParameterCombination, {"Timestamp": None}),
            (InvalidParameterCombination, {"Expires": "2026-11-23T08:00:00Z"}),
            (AuthFailure, {"SignatureMethod": "HmacSHA1"}),
            (AuthFailure, {"Signature": "ä"}),
        ):
            self.assertRaises(error, check, with_body(asked, **changed))

    def test_usual_method(self) -> None:
        """A client that does not name its method means HmacSHA256."""
        self.assertRaises(
            AuthFailure,
            check,
            with_body(signed_2(ASKED), SignatureMethod=None),
        )


class Form4Tests(SynchronousTestCase):
    """Forms of version 4."""

    def refused(self, asked: Asked, error: Any = IncompleteSignature) -> None:
        self.assertRaises(error, check, asked)

    def test_header(self) -> None:
        """The header has one form."""
        asked = signed_4(ASKED)
        for header in ("", "AWS x:y", "AWS4-HMAC-SHA256 Credential=a"):
            self.refused(with_header(asked, "authorization", header))
        self.refused(with_header(asked, "x-amz-date", None))

    def test_spaces(self) -> None:
        """Spaces between its parts are free."""
        asked = signed_4(ASKED)
        header = (asked.headers("authorization") or "").replace(", ", ",")
        self.assertEqual(check(with_header(asked, "authorization", header)), KEY_ID)

    def test_dates(self) -> None:
        """The time has one form too, and is of the scope's day."""
        asked = signed_4(ASKED)
        for said in ("now", "20269923T080000Z", "99991231T990000Z"):
            self.refused(with_header(asked, "x-amz-date", said))
        at = datetime(2026, 1, 2, 8, tzinfo=UTC).timestamp()
        other = with_header(asked, "x-amz-date", "20260102T080000Z")
        self.assertRaises(IncompleteSignature, check, other, at)

    def test_signed_headers(self) -> None:
        """Host and time are signed, and not without end others."""
        asked = signed_4(ASKED)
        header = asked.headers("authorization") or ""
        for names in ("host", "x-amz-date", "host;x-amz-date;" + ";".join("a" * 60)):
            changed = re.sub("SignedHeaders=[^,]*", f"SignedHeaders={names}", header)
            self.refused(with_header(asked, "authorization", changed))

    def test_missing_header(self) -> None:
        """A header that was signed and is not there is told by its name."""
        asked = with_header(signed_4(ASKED), "content-type", None)
        error = self.assertRaises(IncompleteSignature, check, asked)
        self.assertIn("content-type", error.message)

    def test_folded_header(self) -> None:
        """Spaces in a signed header do not matter."""
        asked = signed_4(ASKED)
        value = (asked.headers("content-type") or "").replace(" ", "   ")
        self.assertEqual(check(with_header(asked, "content-type", value)), KEY_ID)

    def test_url(self) -> None:
        """A URL has all parts, of one form."""
        asked = signed_4_url(ASKED)
        for part in ("Algorithm", "Credential", "Date", "SignedHeaders", "Signature"):
            self.refused(with_target(asked, f"X-Amz-{part}=[^&]*", "A=b"))
        self.refused(with_target(asked, "Algorithm=[^&]*", "Algorithm=x"))
        self.refused(with_target(asked, "Credential=[^&]*", "Credential=x"))
        self.refused(with_target(asked, "SignedHeaders=host", "SignedHeaders=a"))
        for expires in ("x", "0", "-1", "604801", "9" * 20, ""):
            self.refused(
                with_target(asked, "Expires=60", f"Expires={expires}"),
                InvalidParameterValue,
            )
        self.refused(with_target(asked, "&X-Amz-Expires=60", ""), AuthFailure)

    def test_no_unicode_secret(self) -> None:
        """A header that cannot be is not there."""
        asked = with_target(signed_4_url(ASKED), "Headers=host", "Headers=host%3B%00")
        self.refused(asked)

    @given(st.text(), st.text(), st.text())
    def test_anything(self, authorization: str, host: str, date: str) -> None:
        """Whatever the headers say, it is refused by EC2's codes."""
        headers = {"authorization": authorization, "host": host, "x-amz-date": date}
        self.assertRaises(
            ApiError, check, Asked("POST", b"/", headers.get, b"Action=a")
        )
