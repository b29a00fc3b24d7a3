"""Tests of L{euca_tw.query.signing} and the versions beside it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any
from unittest import SkipTest

import attrs
from hypothesis import given, settings
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
    SignatureDoesNotMatch,
)
from euca_tw.common.web import Asked
from euca_tw.query.signed import SKEW_S, WINDOW_S
from euca_tw.query.signing import VERSIONS, verified
from tests.query.requests import (
    KEY_ID,
    SAMPLES,
    SECRET,
    asked_of,
    form,
    secret_of,
    signed_2,
    signed_4,
    signed_4_url,
    signed_of,
)

ALL = VERSIONS | {"1"}
ASKED = {"Action": "DescribeInstances", "Version": "2016-11-15"}
PARAMETERS = st.dictionaries(
    st.from_regex(r"[A-Za-z][A-Za-z0-9.]{0,10}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"])),
)


def check(
    asked: Asked, now: float | None = None, versions: frozenset[str] = VERSIONS
) -> str:
    return verified(
        signed_of(asked), secret_of, time.time() if now is None else now, versions
    )


def with_header(asked: Asked, name: str, value: str | None) -> Asked:
    return attrs.evolve(
        asked, headers=lambda n: value if n.lower() == name else asked.headers(n)
    )


def with_body(asked: Asked, **changed: str | None) -> Asked:
    """With other parameters in its body."""
    given = signed_of(asked).parameters | changed
    kept = {name: value for name, value in given.items() if value is not None}
    return attrs.evolve(asked, body=form(kept).encode())


def with_target(asked: Asked, old: str, new: str) -> Asked:
    target = re.sub(old.encode(), new.encode(), asked.target)
    assert target != asked.target
    return attrs.evolve(asked, target=target)


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
        """Every client's version 1, 2 and 4 is verified."""
        for name, asked in self.samples():
            if "-v0" not in name:
                self.assertEqual(check(asked, self.when(asked), ALL), KEY_ID, name)

    def test_old_versions(self) -> None:
        """Version 0 is never taken, version 1 not unless it is switched on."""
        for name, asked in self.samples():
            if "-v0" in name or "-v1" in name:
                versions = ALL if "-v0" in name else VERSIONS
                self.assertRaises(
                    IncompleteSignature, check, asked, self.when(asked), versions
                )

    def test_changed(self) -> None:
        """With one more parameter, none of them is."""
        for name, asked in self.samples():
            if "-v0" in name:
                continue
            if asked.body:
                other = attrs.evolve(asked, body=asked.body + b"&A=b")
            else:
                other = attrs.evolve(asked, target=asked.target + b"&A=b")
            self.assertRaises(
                SignatureDoesNotMatch, check, other, self.when(asked), ALL
            )


class OracleTests(SynchronousTestCase):
    """Whatever botocore signs is verified."""

    @settings(deadline=None)
    @given(PARAMETERS)
    def test_2(self, parameters: dict[str, str]) -> None:
        """Version 2, POST."""
        self.assertEqual(check(signed_2(ASKED | parameters)), KEY_ID)

    @settings(deadline=None)
    @given(PARAMETERS)
    def test_2_get(self, parameters: dict[str, str]) -> None:
        """Version 2, GET."""
        self.assertEqual(check(signed_2(ASKED | parameters, "GET")), KEY_ID)

    @settings(deadline=None)
    @given(PARAMETERS)
    def test_4(self, parameters: dict[str, str]) -> None:
        """Version 4, in the header."""
        self.assertEqual(check(signed_4(ASKED | parameters)), KEY_ID)

    @settings(deadline=None)
    @given(PARAMETERS)
    def test_4_url(self, parameters: dict[str, str]) -> None:
        """Version 4, in the URL."""
        self.assertEqual(check(signed_4_url(ASKED | parameters)), KEY_ID)


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
        error = self.assertRaises(SignatureDoesNotMatch, check, asked)
        self.assertIn(
            "method POST, host cloud.example:8773, path /services/Eucalyptus",
            error.message,
        )
        self.assertIn(asked.headers("x-amz-date") or "?", error.message)

    def test_version_4_off(self) -> None:
        """Version 4 can be switched off."""
        self.assertRaises(
            IncompleteSignature, check, signed_4(ASKED), None, frozenset({"2"})
        )

    def test_no_host(self) -> None:
        """Without a host, nothing matches."""
        asked = with_header(signed_4(ASKED), "host", None)
        self.assertRaises(SignatureDoesNotMatch, check, asked)
        asked = with_header(signed_2(ASKED), "host", None)
        self.assertRaises(SignatureDoesNotMatch, check, asked)


class AgeTests(SynchronousTestCase):
    """How long a request is good."""

    def ages(self, asked: Asked, now: float, good: float, skew: float) -> None:
        check(asked, now + good - 1)
        check(asked, now - skew + 1)
        error = self.assertRaises(RequestExpired, check, asked, now + good + 1)
        self.assertIn("expired", error.message)
        if skew < 1e6:
            error = self.assertRaises(RequestExpired, check, asked, now - skew - 1)
            self.assertIn("future", error.message)

    def test_4(self) -> None:
        """Version 4: a quarter of an hour, five minutes into the future."""
        asked = signed_4(ASKED)
        said = datetime.strptime(asked.headers("x-amz-date") or "", "%Y%m%dT%H%M%SZ")
        at = said.replace(tzinfo=UTC).timestamp()
        self.ages(asked, at, WINDOW_S, SKEW_S)

    def test_4_url(self) -> None:
        """A URL is good as long as it says."""
        asked = signed_4_url(ASKED, expires=3600)
        said = datetime.strptime(
            signed_of(asked).parameters["X-Amz-Date"], "%Y%m%dT%H%M%SZ"
        )
        self.ages(asked, said.replace(tzinfo=UTC).timestamp(), 3600, SKEW_S)

    def test_2(self) -> None:
        """Version 2 is as version 4."""
        asked = signed_2(ASKED)
        said = datetime.fromisoformat(signed_of(asked).parameters["Timestamp"])
        self.ages(asked, said.timestamp(), WINDOW_S, SKEW_S)

    def test_expires(self) -> None:
        """Version 2 may say instead when it expires."""
        asked = with_body(
            signed_2(ASKED), Timestamp=None, Expires="2026-11-23T08:00:00Z"
        )
        noon = datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()
        self.assertRaises(SignatureDoesNotMatch, check, asked, noon - 1)
        error = self.assertRaises(RequestExpired, check, asked, noon + 1)
        self.assertIn("2026-11-23T08:00:00Z", error.message)


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
            (RequestExpired, {"Timestamp": "9999-12-31T23:59:59Z"}),
            (RequestExpired, {"Timestamp": "0001-01-01T00:00:00Z"}),
            (InvalidParameterCombination, {"Timestamp": None}),
            (InvalidParameterCombination, {"Expires": "2026-11-23T08:00:00Z"}),
            (SignatureDoesNotMatch, {"SignatureMethod": "HmacSHA1"}),
            (SignatureDoesNotMatch, {"Signature": "ä"}),
        ):
            self.assertRaises(error, check, with_body(asked, **changed))

    def test_usual_method(self) -> None:
        """A client that does not name its method means HmacSHA256."""
        self.assertRaises(
            SignatureDoesNotMatch,
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
        error = self.assertRaises(SignatureDoesNotMatch, check, asked)
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
        self.refused(with_target(asked, "&X-Amz-Expires=60", ""), SignatureDoesNotMatch)

    def test_no_unicode_secret(self) -> None:
        """A header that cannot be is not there."""
        asked = with_target(signed_4_url(ASKED), "Headers=host", "Headers=host%3B%00")
        self.refused(asked, SignatureDoesNotMatch)

    @given(st.text(), st.text(), st.text())
    def test_anything(self, authorization: str, host: str, date: str) -> None:
        """Whatever the headers say, it is refused by EC2's codes."""
        headers = {"authorization": authorization, "host": host, "x-amz-date": date}
        self.assertRaises(
            ApiError, check, Asked("POST", b"/", headers.get, b"Action=a")
        )


class SecretTests(SynchronousTestCase):
    """Secrets."""

    def test_changed(self) -> None:
        """A secret that was changed is of no use any more."""
        asked = signed_of(signed_4(ASKED))
        now = time.time()
        self.assertEqual(verified(asked, lambda key_id: SECRET, now), KEY_ID)
        self.assertRaises(
            SignatureDoesNotMatch, verified, asked, lambda key_id: "other", now
        )
