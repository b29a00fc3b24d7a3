"""Whatever the signers of botocore and of boto 2 sign, is verified."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import AuthFailure, IncompleteSignature
from euca_tw.common.asked import Asked
from euca_tw.query.parameters import parse
from euca_tw.query.signing import PARAMETERS
from tests.query.old_boto import HOST, signed_by_boto
from tests.query.requests import (
    KEY_ID,
    check,
    form,
    signed_2,
    signed_4,
    signed_4_url,
    signed_of,
    with_body,
)

ASKED = {"Action": "DescribeInstances", "Version": "2016-11-15"}
_CHARACTERS = st.characters(exclude_categories=["Cs"])
#: What parts the encoders, more often than by chance.
_RESERVED = st.text(st.sampled_from(" +/=&*~'()%;:?#[]@!$,\"<>\\^`{|}\n\t.-_äß中😀"))
_TEXTS = st.one_of(_RESERVED, st.text(_CHARACTERS, max_size=20))
_NAMES = _TEXTS.filter(lambda name: name and name not in PARAMETERS | ASKED.keys())
_PLAIN_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9.]{0,10}", fullmatch=True)
ANY = st.dictionaries(_NAMES, _TEXTS, max_size=8)
PLAIN = st.dictionaries(_PLAIN_NAMES, _TEXTS, max_size=8)
METHODS = st.sampled_from(["GET", "POST"])

slowly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class OracleTestCase(SynchronousTestCase):
    def verified(self, asked: Asked, parameters: dict[str, str], **taken: Any) -> None:
        """It is, and the parameters are what was meant."""
        self.assertEqual(check(asked, **taken), KEY_ID)
        given = signed_of(asked).parameters
        self.assertEqual(given | ASKED | parameters, given)


class BotocoreTests(OracleTestCase):
    """Of botocore, which is that of boto3 and awscli."""

    @slowly
    @given(ANY, METHODS)
    def test_2(self, parameters: dict[str, str], method: str) -> None:
        """Version 2."""
        self.verified(signed_2(ASKED | parameters, method), parameters)

    @slowly
    @given(ANY)
    def test_4(self, parameters: dict[str, str]) -> None:
        """Version 4, in the header."""
        self.verified(signed_4(ASKED | parameters), parameters)

    @slowly
    @given(ANY, st.integers(60, 604800))
    def test_4_url(self, parameters: dict[str, str], expires: int) -> None:
        """Version 4, in the URL."""
        self.verified(signed_4_url(ASKED | parameters, expires), parameters)


class BotoTests(OracleTestCase):
    """Of boto 2."""

    @slowly
    @given(ANY, METHODS, st.sampled_from(["", HOST]))
    def test_2(self, parameters: dict[str, str], method: str, host: str) -> None:
        """Version 2, whose host is signed without its port, which is sent or not."""
        asked = signed_by_boto("2", ASKED | parameters, method, host)
        self.verified(asked, parameters)

    @slowly
    @given(ANY)
    def test_4(self, parameters: dict[str, str]) -> None:
        """Version 4."""
        self.verified(signed_by_boto("4", ASKED | parameters), parameters)

    @slowly
    @given(PLAIN)
    def test_4_get(self, parameters: dict[str, str]) -> None:
        """
        Version 4, GET; but names are plain, for boto puts them in their order
        before they are encoded, and the book after.
        """
        self.verified(signed_by_boto("4", ASKED | parameters, "GET"), parameters)

    @slowly
    @given(PLAIN, METHODS)
    def test_1(self, parameters: dict[str, str], method: str) -> None:
        """Version 1; but names are plain, for boto encodes none."""
        asked = signed_by_boto("1", ASKED | parameters, method)
        self.verified(asked, parameters, versions="1")

    @slowly
    @given(PLAIN, METHODS)
    def test_0(self, parameters: dict[str, str], method: str) -> None:
        """Version 0; likewise."""
        asked = signed_by_boto("0", ASKED | parameters, method)
        self.verified(asked, parameters, versions="0")

    def test_off(self) -> None:
        """Each is good for its own version alone."""
        for version in "0124":
            asked = signed_by_boto(version, ASKED)
            for other in "0124":
                if other == version:
                    check(asked, versions=other)
                else:
                    error = self.assertRaises(
                        IncompleteSignature, check, asked, versions=other
                    )
                    self.assertIn("is not taken", error.message)


class AlteredTests(SynchronousTestCase):
    """Nothing else is."""

    @slowly
    @given(ANY.filter(bool), _TEXTS.filter(bool), st.data())
    def test_value(self, parameters: dict[str, str], more: str, data: Any) -> None:
        """With another value of any parameter, no signature is."""
        name = data.draw(st.sampled_from(sorted(parameters)))
        changed = {name: parameters[name] + more}
        given = ASKED | parameters
        for asked in (signed_2(given), signed_4(given)):
            other = with_body(asked, **changed)
            self.assertRaises(AuthFailure, check, other)
        for asked in (signed_2(given, "GET"), signed_4_url(given)):
            path, _, query = asked.target.partition(b"?")
            other_query = form(dict(parse(query)) | changed)
            other = attrs.evolve(asked, target=path + b"?" + other_query.encode())
            self.assertRaises(AuthFailure, check, other)

    @slowly
    @given(PLAIN, st.sampled_from("124"))
    def test_more(self, parameters: dict[str, str], version: str) -> None:
        """Nor with one more, even of no name or value, where versions sign all."""
        asked = signed_by_boto(version, ASKED | parameters)
        for more in (b"&Z9=", b"&Z9", b"&%5A9=a"):
            other = attrs.evolve(asked, body=asked.body + more)
            self.assertRaises(AuthFailure, check, other, versions="124")
