"""
Who guesses learns nothing: of an unknown key and of a wrong signature the answer
is the same, and so is the work.  See Note [Same price] of L{euca_tw.query.signed}.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import ApiError, AuthFailure
from euca_tw.common.asked import Asked
from euca_tw.query.signed import Signed
from euca_tw.query.signing import ALL_VERSIONS, Signatures
from euca_tw.query.signing_keys import (
    MOST,
    Remembered,
    Scope,
    SigningKeys,
    signing_key,
)
from tests.query.requests import (
    KEY_ID,
    SECRET,
    form,
    signed_2,
    signed_4,
    signed_4_url,
    signed_of,
    with_body,
    with_header,
    with_target,
)

ASKED = {"Action": "DescribeInstances", "Version": "2016-11-15"}
#: As long as the known one.
STRANGER = "AKIDSTRANGE"
#: What stands for a secret that there is not.
DECOY = "0" * 40


def unsigned_0(version: str) -> Asked:
    """A request of version 0 or 1, with a signature of nothing."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    parameters = ASKED | {
        "AWSAccessKeyId": KEY_ID,
        "SignatureVersion": version,
        "Timestamp": stamp,
        "Signature": "x" * 27 + "=",
    }
    return Asked("POST", b"/", {}.get, form(parameters).encode())


def without_port(asked: Asked) -> Asked:
    """So that other hosts and paths are tried."""
    return with_header(asked, "host", "cloud.example")


def odd_path(asked: Asked) -> Asked:
    return with_target(asked, "/services", "/x/..//services")


#: Requests in each form.
FORMS = {
    "4": signed_4(ASKED),
    "4 in URL": signed_4_url(ASKED, 3600),
    "2": signed_2(ASKED),
    "2 by GET": signed_2(ASKED, "GET"),
    "1": unsigned_0("1"),
    "0": unsigned_0("0"),
}
FORMS |= {
    f"{name}, {changed.__name__}": changed(asked)
    for name, asked in FORMS.items()
    for changed in (without_port, odd_path)
    if name[0] in "24"
}


_HEADERS = ("authorization", "content-type", "host", "x-amz-date")


def plain(asked: Asked) -> Asked:
    """With headers that are read at the price of a dictionary."""
    headers = {name: asked.headers(name) for name in _HEADERS}
    return attrs.evolve(asked, headers=headers.get)


def of_stranger(asked: Asked) -> Asked:
    """The same, by a key that nobody has."""
    header = asked.headers("authorization")
    if header is not None:
        header = header.replace(KEY_ID, STRANGER)
        return with_header(asked, "authorization", header)
    if KEY_ID.encode() in asked.target:
        return with_target(asked, KEY_ID, STRANGER)
    return with_body(asked, AWSAccessKeyId=STRANGER)


def work(call: Callable[[], Any]) -> Counter[str]:
    """All functions that it calls, of Python and of C, and how often."""
    called: Counter[str] = Counter()

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            called[frame.f_code.co_qualname] += 1
        elif event == "c_call" and argument is not sys.setprofile:
            called[argument.__qualname__] += 1

    gc.disable()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
        gc.enable()
    return called


class SameTests(SynchronousTestCase):
    """An unknown key, and a known one's wrong signature."""

    def setUp(self) -> None:
        self.signatures = Signatures(versions=ALL_VERSIONS)
        self.secret: str | None = SECRET[::-1]

    def refusal(self, asked: Asked) -> AuthFailure:
        error: AuthFailure = self.assertRaises(
            AuthFailure, self.verified, signed_of(asked)
        )
        return error

    def work(self, asked: Asked) -> Counter[str]:
        signed = signed_of(asked)
        return work(lambda: self.assertRaises(AuthFailure, self.verified, signed))

    def verified(self, signed: Signed) -> str:
        return self.signatures.verified(signed, self.secret_of, time.time())

    def secret_of(self, key_id: str) -> str | None:
        return self.secret if key_id == KEY_ID else None

    def test_answer(self) -> None:
        """They are told the same, with what helps whoever is not guessing."""
        for asked in FORMS.values():
            wrong, unknown = self.refusal(asked), self.refusal(of_stranger(asked))
            self.assertEqual((wrong.code, wrong.status), ("AuthFailure", 401))
            self.assertEqual(
                (wrong.code, wrong.status, wrong.message),
                (unknown.code, unknown.status, unknown.message),
            )
            self.assertIn(f"method {asked.method}", wrong.message)
            for secret in (SECRET, KEY_ID, STRANGER):
                self.assertNotIn(secret, wrong.message)

    def test_work(self) -> None:
        """They are the same work."""
        for name, asked in FORMS.items():
            wrong = self.work(plain(asked))
            unknown = self.work(plain(of_stranger(asked)))
            self.assertEqual(wrong, unknown, name)
            self.assertGreaterEqual(wrong["compare_digest"], 1, name)

    def test_all_forms(self) -> None:
        """And all that may have been signed is tried for both."""
        tried = {name: self.work(a)["compare_digest"] for name, a in FORMS.items()}
        self.assertEqual((tried["1"], tried["0"]), (1, 2))
        for name in ("4", "4 in URL"):
            self.assertEqual(tried[name], 3)
            self.assertEqual(tried[f"{name}, without_port"], 2)
            self.assertEqual(tried[f"{name}, odd_path"], 5)

    def remember(self, key_id: str = KEY_ID) -> Asked:
        """Somebody signs right."""
        asked = signed_4(ASKED, key_id=key_id)
        signed = signed_of(asked)
        self.signatures.verified(signed, lambda key_id: SECRET, time.time())
        return asked

    def test_work_remembered(self) -> None:
        """Also when the key's owner was there just before."""
        asked = self.remember()
        header = asked.headers("authorization") or ""
        wrong = plain(with_header(asked, "authorization", header[:-1] + "x"))
        unknown = self.work(plain(of_stranger(wrong)))
        for secret in (SECRET, SECRET[::-1], None):
            self.secret = secret
            self.assertEqual(self.work(wrong), unknown)

    def test_remembered(self) -> None:
        """But whoever signs right again has less."""
        first = work(self.remember)
        second = work(self.remember)
        self.assertEqual((first["signing_key"], second["signing_key"]), (1, 0))
        self.assertEqual((first["_scope_of"], second["_scope_of"]), (1, 0))

    def test_strangers_are_forgotten(self) -> None:
        """However many strangers come, who signed right is not forgotten."""
        self.remember()
        for n in range(MOST + 1):
            asked = signed_4(ASKED, key_id=f"AKIDSTRANGER{n}")
            self.refusal(asked)
        self.assertEqual(work(self.remember)["signing_key"], 0)

    def test_changed(self) -> None:
        """A secret that was changed is of no use any more, remembered or not."""
        asked = self.remember()
        self.refusal(asked)
        self.secret = None
        self.refusal(asked)

    def test_decoy(self) -> None:
        """Who signs with the decoy is not let in, and finds it no shorter."""
        for asked in (
            signed_4(ASKED, key_id=STRANGER, secret=DECOY),
            signed_4(ASKED, key_id=STRANGER),
        ):
            called = self.work(asked)
            self.assertEqual(called["compare_digest"], 3)
        self.assertEqual(called["signing_key"], 1)

    def test_keys_last(self) -> None:
        """
        Nobody is asked for a secret before all is judged that can be without:
        form, times, scope and what headers there are.
        """

        def nobodys(key_id: str) -> str | None:
            raise AssertionError(f"{key_id} was asked for")

        later = {"now": time.time() + 365 * 24 * 3600}
        signatures = Signatures(versions=ALL_VERSIONS)
        narrow = Signatures(regions=frozenset({"x"}))
        for asked, verifies, changed in (
            *((asked, signatures, later) for asked in FORMS.values()),
            *((asked, signatures, {"now": 0.0}) for asked in FORMS.values()),
            *((FORMS[name], narrow, {}) for name in ("4", "4 in URL", "1", "0")),
            (with_header(FORMS["4"], "content-type", None), signatures, {}),
            (with_header(FORMS["4"], "host", None), signatures, {}),
            (with_header(FORMS["2"], "host", None), signatures, {}),
            (with_header(FORMS["4"], "x-amz-content-sha256", "x"), signatures, {}),
            (with_header(FORMS["4"], "x-amz-security-token", "x"), signatures, {}),
            (with_body(FORMS["0"], Action=None), signatures, {}),
            (with_body(FORMS["2"], SignatureMethod="x"), signatures, {}),
        ):
            self.assertRaises(
                ApiError,
                verifies.verified,
                signed_of(asked),
                nobodys,
                changed.get("now", time.time()),
            )


class SigningKeysTests(SynchronousTestCase):
    """What is remembered."""

    def setUp(self) -> None:
        self.keys = SigningKeys()

    def keep(self, key_id: str, region: str = "home") -> str:
        begun = f"{key_id}/{region}"
        scope = Scope.of(key_id, "20261123", region, "ec2", "host")
        secret = SECRET.encode()
        remembered = Remembered(scope, secret, signing_key(secret, scope))
        self.keys.keep(begun, remembered)
        self.assertIs(self.keys.find(begun), remembered)
        return begun

    def test_one_each(self) -> None:
        """Of each access key the last is kept, so that nobody pushes out others."""
        first = self.keep("a")
        for n in range(3 * MOST):
            last = self.keep("b", f"region-{n}")
        self.assertIsNotNone(self.keys.find(first))
        self.assertIsNotNone(self.keys.find(last))
        self.assertIsNone(self.keys.find("b/region-0"))
        self.assertEqual(len(self.keys._kept), 2)

    def test_most(self) -> None:
        """They are bounded; who has not come for longest with anything new goes."""
        for n in range(MOST):
            self.keep(str(n))
        self.keep("0", "away")
        self.keep("more")
        self.assertIsNone(self.keys.find("1/home"))
        self.assertIsNotNone(self.keys.find("0/away"))
        self.assertEqual((len(self.keys._kept), len(self.keys._begun)), (MOST, MOST))

    def test_again(self) -> None:
        """The same may be kept again."""
        self.keep("a")
        self.keep("a")
        self.assertEqual((len(self.keys._kept), len(self.keys._begun)), (1, 1))

    def test_unshown(self) -> None:
        """Nothing secret is shown of them."""
        self.keep("a")
        [kept] = self.keys._kept.values()
        for shown in (repr(self.keys), repr(kept)):
            self.assertNotIn(SECRET, shown)
            self.assertNotIn(repr(kept.key), shown)
