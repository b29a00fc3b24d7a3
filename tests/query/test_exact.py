"""What is signed is the request as it is: each part of it, and no other form of it."""

from __future__ import annotations

import re
import time
from email.utils import formatdate
from hashlib import sha256
from typing import Any

import attrs
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import (
    ApiError,
    AuthFailure,
    IncompleteSignature,
    MalformedQueryString,
    RequestTimeTooSkewed,
)
from euca_tw.common.asked import Asked
from tests.query.by_book import HOST, PATH, QUERY, signed_2, signed_4
from tests.query.requests import (
    KEY_ID,
    SECRET,
    URL,
    asked_of,
    check,
    signed_4_url,
    with_header,
    with_target,
)

PAIRS = {"Action": "DescribeInstances", "Version": "2016-11-15"}
SIGNATURES_2 = {"pairs": PAIRS, "sent": QUERY}


class ExactTestCase(SynchronousTestCase):
    def taken(self, *requests: Asked) -> None:
        for asked in requests:
            self.assertEqual(check(asked), KEY_ID)

    def refused(
        self, *requests: Asked, by: type[ApiError] = AuthFailure, telling: str = ""
    ) -> None:
        for asked in requests:
            self.assertIn(telling, self.assertRaises(by, check, asked).message)


def both(**changed: Any) -> tuple[Asked, Asked]:
    """Signed by version 2 and by version 4."""
    return signed_2(**SIGNATURES_2, **changed), signed_4(**changed)


class HostTests(ExactTestCase):
    """The host."""

    def test_as_sent(self) -> None:
        """It is signed as it is sent, whatever it is."""
        for host in ("cloud", HOST, "127.0.0.1:8773", "[::1]:8773", "[::1]", "a:b"):
            self.taken(*both(host=host))

    def test_without_port(self) -> None:
        """Or without its port, as boto does."""
        self.taken(*both(signed_host="cloud.example"))
        self.taken(*both(host="[::1]:8773", signed_host="[::1]"))
        self.taken(*both(host="127.0.0.1:8773", signed_host="127.0.0.1"))

    def test_other(self) -> None:
        """But not another, nor with a port that is not sent, nor a part of it."""
        for sent, signed in (
            (HOST, "cloud.example:8774"),
            (HOST, "cloud"),
            (HOST, "evil.example:8773"),
            ("cloud.example", HOST),
            ("[::1]", "[:"),
            ("[::1]:8773", "[::1"),
            ("[::1]:8773", "::1"),
        ):
            self.refused(*both(host=sent, signed_host=signed))

    def test_case(self) -> None:
        """In version 2 it is signed in lower case, in version 4 as it is sent."""
        by_2, by_4 = both(host="Cloud.Example:8773")
        self.taken(by_2, by_4)
        self.refused(signed_4(host="Cloud.Example:8773", signed_host=HOST))


class PathTests(ExactTestCase):
    """Path and method."""

    def test_as_sent(self) -> None:
        """The path is signed as it is sent, the final slash with it."""
        for path in ("/", PATH, f"{PATH}/"):
            self.taken(*both(path=path))

    def test_other(self) -> None:
        """And as no other, not even one that would be answered the same."""
        for sent, signed in (
            (PATH, f"{PATH}/"),
            (f"{PATH}/", PATH),
            ("/", PATH),
            (PATH, "/"),
            (PATH, PATH.lower()),
            (PATH, "/services/Walrus"),
        ):
            self.refused(*both(path=sent, signed_path=signed))

    def test_no_path(self) -> None:
        """But for Perl's client, which signs "/" and the host without its port."""
        for host in (HOST, "cloud.example"):
            for path in ("/", PATH, f"{PATH}/"):
                self.taken(
                    *both(
                        host=host,
                        path=path,
                        signed_host="cloud.example",
                        signed_path="/",
                    )
                )

    def test_method(self) -> None:
        """GET is not POST."""
        self.refused(signed_2(**SIGNATURES_2, signed_method="POST"))
        asked = signed_4(method="GET")
        self.taken(asked)
        self.refused(attrs.evolve(asked, method="POST"))


class EncodingTests(ExactTestCase):
    """Parameters and how they are encoded."""

    #: One value, as it may be sent; by the book it is signed as the first.
    FORMS = ("a%20%2B~%2F", "a+%2b%7E/", "a%20%2B%7e%2f", "%61+%2B~/")

    def test_forms_2(self) -> None:
        """However it is sent, version 2 signs what it says by the book."""
        for value in self.FORMS:
            pairs = PAIRS | {"Value": "a +~/"}
            self.taken(signed_2(pairs=pairs, sent=f"{QUERY}&Value={value}"))

    def test_forms_4(self) -> None:
        """And so does version 4."""
        for value in self.FORMS:
            asked = signed_4(
                query=f"{QUERY}&Value={value}",
                signed_query=f"Action=DescribeInstances&Value={self.FORMS[0]}"
                "&Version=2016-11-15",
            )
            self.taken(asked)

    def test_plus(self) -> None:
        """A plus is a space, which a plus that is encoded is not."""
        self.refused(signed_2(pairs=PAIRS | {"V": "a+b"}, sent=f"{QUERY}&V=a b"))
        self.refused(signed_2(pairs=PAIRS | {"V": "a b"}, sent=f"{QUERY}&V=a%2Bb"))
        self.refused(signed_4(query=f"{QUERY}&V=a+b", signed_query=f"{QUERY}&V=a%2Bb"))

    def test_case(self) -> None:
        """Names and values have their case."""
        for name, value in (("v", "x"), ("V", "X")):
            pairs = PAIRS | {"V": "x"}
            self.refused(signed_2(pairs=pairs, sent=f"{QUERY}&{name}={value}"))

    def test_empty(self) -> None:
        """An empty value is signed, whether it has an equals sign or none."""
        for sent in ("V=", "V"):
            self.taken(signed_2(pairs=PAIRS | {"V": ""}, sent=f"{QUERY}&{sent}"))
            self.refused(signed_2(pairs=PAIRS, sent=f"{QUERY}&{sent}"))
            asked = signed_4(
                query=f"{QUERY}&{sent}",
                signed_query="Action=DescribeInstances&V=&Version=2016-11-15",
            )
            self.taken(asked)

    def test_twice(self) -> None:
        """What is said twice is refused, the signature too, whatever is signed."""
        for sent in ("Action=x", "Version=2016-11-15", "Signature=x", "%53ignature=x"):
            for asked in (
                signed_2(pairs=PAIRS, sent=f"{QUERY}&{sent}&{sent}"),
                signed_4(query=f"{QUERY}&{sent}&{sent}"),
            ):
                self.refused(asked, by=MalformedQueryString, telling="more than once")

    def test_encoded_signature(self) -> None:
        """The signature may be encoded as it likes; but its plus must be."""
        requests = (
            signed_2(pairs=PAIRS | {"N": str(n)}, sent=f"{QUERY}&N={n}")
            for n in range(10_000)
        )
        asked = next(
            asked
            for asked in requests
            if re.search(b"&Signature=[^&]*%2B", asked.target)
        )
        self.taken(asked)
        self.taken(with_target(asked, "%3D(?=&SignatureMethod)", "="))
        self.taken(with_target(asked, "%3D(?=&SignatureMethod)", "%3d"))
        self.refused(with_target(asked, "%2B(?=[^&]*&SignatureMethod)", "+"))

    def test_digits(self) -> None:
        """The digits of version 4 are in lower case."""
        asked = signed_4()
        header = asked.headers("authorization") or ""
        upper = header[:-64] + header[-64:].upper()
        self.refused(with_header(asked, "authorization", upper))
        upper = signed_4_url(PAIRS).target
        upper = re.sub(
            b"(?<=X-Amz-Signature=).*", lambda found: found[0].upper(), upper
        )
        self.refused(attrs.evolve(signed_4_url(PAIRS), target=upper))


class HeaderTests(ExactTestCase):
    """Signed headers."""

    def test_names(self) -> None:
        """Their names have no case."""
        asked = signed_4(headers={"x-more": "a"})
        lines = [
            f"{name}: {asked.headers(name)}"
            for name in ("host", "x-amz-date", "x-more", "authorization")
        ]
        for change in (str.upper, str.title, str.lower):
            changed = "\r\n".join(
                change(name) + colon + value
                for name, colon, value in (line.partition(":") for line in lines)
            )
            raw = f"POST {PATH}?{QUERY} HTTP/1.1\r\n{changed}\r\n\r\n"
            self.taken(asked_of(raw.encode()))

    def test_values(self) -> None:
        """Their values have; but spaces count as one."""
        for sent, signed in (("a  b   c", "a b c"), ("a\t b", "a b"), ("a\tb", "a b")):
            headers, signed_headers = {"x-more": sent}, {"x-more": signed}
            self.taken(signed_4(headers=headers, signed_headers=signed_headers))
        self.refused(
            signed_4(headers={"x-more": "A"}, signed_headers={"x-more": "a"}),
            signed_4(headers={"x-more": "a b"}, signed_headers={"x-more": "ab"}),
        )

    def test_bytes(self) -> None:
        """They are signed in the bytes that are sent, UTF-8 or not."""
        for value in ("ä", "ä".encode().decode("latin-1"), "\xa0x\xa0\xa0"):
            self.taken(signed_4(headers={"x-more": value}))

    def test_unsigned(self) -> None:
        """Other headers may be anything, but host and time are signed."""
        self.taken(with_header(signed_4(), "x-more", "a"))
        for names in ("host", "x-amz-date", "x-amz-date;x-more"):
            self.refused(
                signed_4(names=names, headers={"x-more": "a"}),
                by=IncompleteSignature,
                telling="host, x-amz-date",
            )

    def test_two(self) -> None:
        """Two Authorization headers, or times, are none."""
        asked = signed_4()
        for name in ("authorization", "x-amz-date"):
            once = asked.headers(name) or ""
            other = with_header(asked, name, f"{once},{once}")
            self.refused(other, by=IncompleteSignature)

    def test_odd_keys(self) -> None:
        """A key's identifier may be anything that a header can carry."""
        for odd in ("a=b", "a;b", "'--", "{x}", "%s", "a" * 1000, "\\", "<a>&amp;"):
            self.refused(signed_4(key_id=odd))
            self.refused(
                with_target(signed_2(**SIGNATURES_2), KEY_ID, "%00%F0%9F%98%80")
            )
        for odd in ("", "a/b", "a,b", "a b", "ä", "a\x7f", "a\x00"):
            self.refused(signed_4(key_id=odd), by=IncompleteSignature)
        for odd in ("", "%00", "%F0%9F%98%80", "a%2Fb", "a" * 100_000):
            self.refused(with_target(signed_2(**SIGNATURES_2), KEY_ID, odd))


class BodyTests(ExactTestCase):
    """The body."""

    BODY = b"InstanceId.1=i-12345678"
    UNSIGNED = "UNSIGNED-PAYLOAD"

    def test_both_places(self) -> None:
        """Parameters are in URL and body, both signed."""
        asked = signed_4(body=self.BODY)
        self.taken(asked)
        self.refused(
            attrs.evolve(asked, body=self.BODY.replace(b"8", b"9")),
            attrs.evolve(asked, body=b""),
            with_target(asked, "2016-11-15", "2014-06-15"),
            with_target(asked, "Action=DescribeInstances&", ""),
            attrs.evolve(asked, target=PATH.encode(), body=self.BODY + QUERY.encode()),
        )

    def test_hash(self) -> None:
        """Whoever says its hash says the right one, signed or not."""
        asked = signed_4(body=self.BODY)
        right = "x-amz-content-sha256"
        digest = sha256(self.BODY).hexdigest()
        self.taken(with_header(asked, right, digest))
        self.taken(signed_4(body=self.BODY, headers={right: digest}))
        for wrong in ("", "0" * 64, digest.upper(), self.UNSIGNED):
            self.refused(
                with_header(asked, right, wrong),
                signed_4(body=self.BODY, body_hash=wrong, headers={right: wrong}),
                by=IncompleteSignature,
                telling="a body that is not signed is not taken",
            )

    def test_unsigned(self) -> None:
        """A body that is not signed is not taken, also of a URL."""
        self.refused(signed_4(body=self.BODY, body_hash=self.UNSIGNED))
        asked = signed_4_url(PAIRS | {"X-Amz-Content-SHA256": self.UNSIGNED})
        self.refused(asked, by=IncompleteSignature, telling=self.UNSIGNED)

    def test_url_with_body(self) -> None:
        """A signed URL is good without a body alone, and by its own method."""
        asked = signed_4_url(PAIRS)
        self.taken(asked)
        self.refused(
            attrs.evolve(asked, body=self.BODY),
            attrs.evolve(asked, method="POST"),
            with_target(asked, "$", "&InstanceId.1=i-12345678"),
            with_target(asked, "DescribeInstances", "TerminateInstances"),
        )

    def test_signed_elsewhere(self) -> None:
        """The parameters that make a URL a signed one are in the URL."""
        asked = signed_4_url(PAIRS)
        path, _, query = asked.target.partition(b"?")
        other = attrs.evolve(asked, method="POST", target=path, body=query)
        self.refused(other, by=IncompleteSignature, telling="The URL has no parameter")


class TwoWaysTests(ExactTestCase):
    """Signed in two ways."""

    def test_header_counts(self) -> None:
        """Beside the header, a signature's parameters are like any others: signed."""
        more = f"{QUERY}&X-Amz-Signature=x&Signature=y&SignatureVersion=9"
        asked = signed_4(query=more)
        self.taken(asked)
        self.refused(with_target(asked, "=x", "=y"), with_target(asked, "=9", "=2"))

    def test_wrong_header(self) -> None:
        """A header that is wrong is not made good by parameters that are right."""
        header = signed_4(secret="wrong")
        for right in (signed_2(**SIGNATURES_2), signed_4_url(PAIRS)):
            self.taken(right)
            other = with_header(right, "x-amz-date", header.headers("x-amz-date"))
            self.refused(
                with_header(other, "authorization", header.headers("authorization"))
            )

    def test_other_header(self) -> None:
        """Nor is one of another kind."""
        asked = with_header(signed_2(**SIGNATURES_2), "authorization", "Basic eDp5")
        self.refused(asked, by=IncompleteSignature, telling="AWS4-HMAC-SHA256")


class DateTests(ExactTestCase):
    """The header Date instead of X-Amz-Date, as some signers have it."""

    def test_date(self) -> None:
        """It is taken in each of its forms, if it is signed."""
        now = time.time()
        for said in (
            formatdate(now, usegmt=True),
            formatdate(now),
            formatdate(now).replace("-0000", "+0000"),
            time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)),
        ):
            self.taken(signed_4(date={"date": said}))
            self.refused(
                signed_4(date={"date": said}, names="host"),
                by=IncompleteSignature,
                telling="date, host",
            )

    def test_botocore(self) -> None:
        """botocore signs it so where a request has one."""
        request = AWSRequest("POST", f"{URL}?{QUERY}", headers={"Date": "now"})
        SigV4Auth(Credentials(KEY_ID, SECRET), "ec2", "home").add_auth(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.assertNotIn("x-amz-date", headers)
        headers["host"] = HOST
        self.taken(Asked("POST", f"{PATH}?{QUERY}".encode(), headers.get, b""))

    def test_both(self) -> None:
        """Of both it is X-Amz-Date that counts."""
        asked = signed_4(headers={"date": formatdate(0)})
        self.taken(asked)
        self.taken(with_header(signed_4(), "date", "nonsense"))

    def test_other_forms(self) -> None:
        """In any other form it is none, and its time is judged."""
        for said in (
            "now",
            "Mon, 23 Nov 2026 08:00:00 EST",
            "Mon, 23 Nov 2026 08:00:00 +0100",
            "Mon, 23 Foo 2026 08:00:00 GMT",
            "Mon, 23 Anf 2026 08:00:00 GMT",
            "Monday, 23-Nov-26 08:00:00 GMT",
        ):
            self.refused(
                signed_4(date={"date": said}), by=IncompleteSignature, telling=said
            )
        self.refused(
            signed_4(date={"date": "Mon, 31 Feb 2026 08:00:00 GMT"}),
            by=IncompleteSignature,
            telling="20260231T080000Z",
        )
        self.refused(
            signed_4(date={"date": formatdate(time.time() - 3600)}),
            by=RequestTimeTooSkewed,
        )
