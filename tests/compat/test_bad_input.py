"""
What nobody should send, sent to a running cloud over plain sockets.

Each is told what is wrong in the shape of the door that it knocked at; nothing
of it is a traceback in the log, and the cloud goes on.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from itertools import count
from pathlib import Path

from attrs import frozen
from botocore.auth import SigV2Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.soap.envelope import SOAP_11
from euca_tw.soap.faults import AWS
from euca_tw.soap.keys import Identity, load_identity
from euca_tw.soap.signing import signed
from tests.compat.cloud import cloud_for
from tests.query.requests import form

VERSION = "2016-11-15"
NAMESPACE = "http://ec2.amazonaws.com/doc/2008-02-01/"
SERVICE = "/services/Eucalyptus"
PATIENCE_S = 20
SOAP_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
DESCRIBE = {"Action": "DescribeInstances", "Version": VERSION}
ENTRY = f'<DescribeInstances xmlns="{NAMESPACE}"><instancesSet/></DescribeInstances>'
BOMB = (
    "<!DOCTYPE b [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 9))
    + "]>"
)

#: No two messages of the same moment, or one would be the other's repetition.
_moments = count()


@frozen
class Told:
    """An answer, as it came."""

    status: int
    kind: str
    body: bytes


class BadInputCase(SynchronousTestCase):
    """A cloud, and ways to knock at it."""

    def setUp(self) -> None:
        self.cloud = cloud_for(__name__)
        self.port = self.cloud.port
        self.addCleanup(self.check_well)

    def check_well(self) -> None:
        """The cloud answers, and has told of no bug."""
        answer = self.send(*self.signed_4(DESCRIBE))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertIn(b"<reservationSet", answer.body)
        for word in ("Traceback", "Unhandled", "failed ["):
            self.assertNotIn(word, self.cloud.log)

    def send(
        self,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] = FORM_HEADERS,
        method: str = "POST",
        target: str = SERVICE,
    ) -> Told:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(
                method, target, body, dict(headers), encode_chunked=False
            )
            return told(connection.getresponse())
        finally:
            connection.close()

    def raw(self, *pieces: bytes, is_ended: bool = False) -> Told | None:
        """What is answered to these bytes; None: the connection was ended."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as wire:
            for piece in pieces:
                wire.sendall(piece)
            if is_ended:
                wire.shutdown(socket.SHUT_WR)
            response = HTTPResponse(wire)
            try:
                response.begin()
            except (ConnectionError, ValueError):
                return None
            return told(response)

    # --- Query --------------------------------------------------------------

    @property
    def credentials(self) -> Credentials:
        settings = self.cloud.settings
        return Credentials(settings["EC2_ACCESS_KEY"], settings["EC2_SECRET_KEY"])

    def signed_4(
        self, parameters: Mapping[str, str] | str | bytes
    ) -> tuple[bytes, dict[str, str]]:
        """A body and its headers."""
        body = form(dict(parameters)) if isinstance(parameters, Mapping) else parameters
        raw = body.encode() if isinstance(body, str) else body
        request = AWSRequest(
            "POST", f"http://127.0.0.1:{self.port}{SERVICE}", dict(FORM_HEADERS), raw
        )
        SigV4Auth(self.credentials, "ec2", "home").add_auth(request)
        return raw, {name: str(value) for name, value in request.headers.items()}

    def signed_2(self, parameters: Mapping[str, str]) -> dict[str, str]:
        request = AWSRequest(
            "POST", f"http://127.0.0.1:{self.port}{SERVICE}", data=dict(parameters)
        )
        SigV2Auth(self.credentials).add_auth(request)
        return dict(request.data)

    def check_error(self, answer: Told, code: str, status: int) -> str:
        """It is EC2's error of Query; the message."""
        root = etree.fromstring(answer.body)
        self.assertEqual((answer.status, root.findtext(".//Code")), (status, code))
        self.assertEqual(root.tag, "Response")
        self.assertEqual(answer.kind, "text/xml;charset=UTF-8")
        self.assertEqual(len(root.findtext("RequestID") or ""), 36)
        message = root.findtext("Errors/Error/Message")
        self.assertTrue(message)
        return str(message)

    def query_refused(self, code: str, status: int = 400, **asked: str | None) -> str:
        """What C{DescribeInstances} with that changed is told."""
        parameters = {**DESCRIBE, **asked}
        said = {name: value for name, value in parameters.items() if value is not None}
        return self.check_error(self.send(*self.signed_4(said)), code, status)

    # --- SOAP ---------------------------------------------------------------

    @property
    def identity(self) -> Identity:
        settings = self.cloud.settings
        return load_identity(
            Path(settings["EC2_PRIVATE_KEY"]).read_bytes(),
            Path(settings["EC2_CERT"]).read_bytes(),
        )

    def message(self, entry: str = ENTRY, age_s: float = 1) -> bytes:
        unlike = timedelta(milliseconds=next(_moments))
        at = datetime.now(UTC) - timedelta(seconds=age_s) - unlike
        return signed(SOAP_11, [], entry, self.identity, at)

    def soap(self, message: bytes, headers: Mapping[str, str] = SOAP_HEADERS) -> Told:
        return self.send(message, headers)

    def check_fault(self, answer: Told, code: str, status: int = 500) -> str:
        """It is EC2's fault; the message."""
        root = etree.fromstring(answer.body)
        said = root.findtext(f"{{{SOAP_11}}}Body/{{{SOAP_11}}}Fault/faultcode")
        self.assertEqual((answer.status, said), (status, f"aws:Client.{code}"))
        self.assertEqual(answer.kind, "text/xml; charset=utf-8")
        request_id = root.findtext(f".//detail/{{{AWS}}}RequestId")
        self.assertEqual(len(request_id or ""), 36)
        message = root.findtext(".//faultstring")
        self.assertTrue(message)
        return str(message)

    def soap_refused(self, code: str, message: bytes) -> str:
        return self.check_fault(self.soap(message), code)


def told(response: HTTPResponse) -> Told:
    return Told(
        response.status, response.getheader("Content-Type") or "", response.read()
    )


def envelope(content: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body>{content}</s:Body></s:Envelope>'
    ).encode()


class SoapTests(BadInputCase):
    """By SOAP."""

    def test_good(self) -> None:
        """What the others change is answered as it stands."""
        answer = self.soap(self.message())
        self.assertEqual(answer.status, 200)
        self.assertIn(b"DescribeInstancesResponse", answer.body)

    def test_malformed(self) -> None:
        """What is no envelope with one entry is told so."""
        for message in (
            b"",
            b"<s:Envelope",
            b"<a/>",
            b"hello",
            b"\x00\xff\xfe binary \x80",
            self.message()[:-20],
            envelope(""),
            envelope(ENTRY * 2),
            envelope("text"),
            f'<s:Envelope xmlns:s="{SOAP_11}"/>'.encode(),
            f'<s:Envelope xmlns:s="{SOAP_11}"><s:Header/></s:Envelope>'.encode(),
            envelope(ENTRY).replace(b"s:Body", b"s:Corpse"),
            envelope("<a>" * 5000 + "</a>" * 5000),
            envelope("&nowhere;"),
        ):
            self.soap_refused("MalformedXML", message)

    def test_encodings(self) -> None:
        """Text that is not in its encoding, and encodings that nobody knows."""
        self.soap_refused("MalformedXML", b"\xff" + self.message())
        self.soap_refused(
            "MalformedXML", self.message().replace(b"<instancesSet/>", b"\xc3\x28")
        )
        self.soap_refused(
            "MalformedXML", self.message().replace(b"UTF-8", b"klingon", 1)
        )
        headers = {**SOAP_HEADERS, "Content-Type": "text/xml; charset=klingon"}
        self.check_fault(self.soap(self.message(), headers), "MalformedXML")

    def test_type_definitions(self) -> None:
        """A document type, with a bomb of entities or a file in it, is not taken."""
        inside = envelope("&a8;").decode()
        outside = envelope("&f;").decode()
        for message in (
            BOMB + inside,
            f'<!DOCTYPE f [<!ENTITY f SYSTEM "file:///etc/passwd">]>{outside}',
            f'<!DOCTYPE f SYSTEM "http://127.0.0.1:{self.port}/">{envelope(ENTRY)!r}',
            "<!DOCTYPE s:Envelope>" + envelope(ENTRY).decode(),
        ):
            text = self.soap_refused("MalformedXML", message.encode())
            self.assertNotIn("root:", text)

    def test_unsigned(self) -> None:
        """Who does not sign is told that he must."""
        self.soap_refused("MissingAuthenticationToken", envelope(ENTRY))

    def test_tampered(self) -> None:
        """A signature over something else is none."""
        message = self.message().replace(b"<instancesSet/>", b"<instancesSet />x")
        self.soap_refused("AuthFailure", message)
        other = self.message().replace(b"DescribeInstances", b"TerminateInstances")
        self.soap_refused("AuthFailure", other)

    def test_replay(self) -> None:
        """A message is taken once."""
        message = self.message()
        self.assertEqual(self.soap(message).status, 200)
        self.assertIn("replay", self.soap_refused("InvalidSecurity", message))

    def test_expired(self) -> None:
        """A message that is too old, or of the future, is not taken."""
        old = self.soap_refused("InvalidSecurity", self.message(age_s=3600))
        self.assertIn("expired", old)
        self.soap_refused("InvalidSecurity", self.message(age_s=-3600))

    def test_unknown_version(self) -> None:
        """A date that there never was is told as such."""
        for date in ("2008-02-02", "1999-01-01", "x" * 200):
            self.soap_refused(
                "NoSuchVersion", self.message(ENTRY.replace("2008-02-01", date))
            )

    def test_unknown_action(self) -> None:
        """So is an operation that the date does not have."""
        for name in ("MakeCoffee", "DescribeVolumes", "x" * 5000):
            self.soap_refused(
                "InvalidAction", self.message(f'<{name} xmlns="{NAMESPACE}"/>')
            )

    def test_parameters(self) -> None:
        """What is unknown, missing or unreadable is told by its path."""
        run = f'<RunInstances xmlns="{NAMESPACE}">'
        image = "<imageId>emi-00000000</imageId>"
        for code, path, entry in (
            ("UnknownParameter", "DescribeInstances.x", ENTRY.replace("<i", "<x/><i")),
            (
                "UnknownParameter",
                "DescribeInstances.instancesSet.x",
                ENTRY.replace("<instancesSet/>", "<instancesSet><x/></instancesSet>"),
            ),
            (
                "MissingParameter",
                "DescribeInstances.instancesSet",
                ENTRY.replace("<instancesSet/>", ""),
            ),
            (
                "InvalidParameterValue",
                "RunInstances.minCount",
                f"{run}{image}<minCount>one</minCount></RunInstances>",
            ),
            (
                "InvalidParameterValue",
                "RunInstances.minCount",
                f"{run}{image}<minCount>{'9' * 400}</minCount></RunInstances>",
            ),
        ):
            self.assertIn(path, self.soap_refused(code, self.message(entry)))

    def test_no_image_to_launch(self) -> None:
        """The first date's list of items must have one."""
        entry = (
            '<RunInstances xmlns="http://ec2.amazonaws.com/doc/2006-06-26/">'
            "<instancesSet/><groupSet/></RunInstances>"
        )
        self.soap_refused("MissingParameter", self.message(entry))

    def test_deep(self) -> None:
        """Nesting that no operation has is refused at its first step."""
        deep = "<a>" * 200 + "</a>" * 200
        entry = ENTRY.replace("<instancesSet/>", deep)
        self.soap_refused("UnknownParameter", self.message(entry))

    def test_content_type(self) -> None:
        """A SOAP message says that it is XML, and is not compressed."""
        for headers in (
            {**SOAP_HEADERS, "Content-Type": "application/json"},
            {**SOAP_HEADERS, "Content-Encoding": "gzip"},
        ):
            answer = self.soap(self.message(), headers)
            self.check_fault(answer, "MalformedXML", 415)

    def test_huge(self) -> None:
        """A body over the limit is a fault too, before it is read."""
        body = envelope("x" * (2 << 20))
        self.check_fault(self.soap(body), "RequestEntityTooLarge", 413)
        chunks = b"".join([b"10000\r\n", b"x" * 65536, b"\r\n"]) * 20
        answer = self.send(
            iter([chunks, b"0\r\n\r\n"]),
            {**SOAP_HEADERS, "Transfer-Encoding": "chunked"},
        )
        self.check_fault(answer, "RequestEntityTooLarge", 413)


class QueryTests(BadInputCase):
    """By Query."""

    def test_unsigned(self) -> None:
        """Who does not sign is told that he must."""
        answer = self.send(form(DESCRIBE).encode())
        self.check_error(answer, "MissingAuthenticationToken", 403)
        for target in ("/", f"/?{form(DESCRIBE)}"):
            answer = self.send(b"", {}, "GET", target)
            self.check_error(answer, "MissingAuthenticationToken", 403)

    def test_wrong_signature(self) -> None:
        """What was changed after it was signed is not taken, in either version."""
        body, headers = self.signed_4(DESCRIBE)
        changed = body.replace(b"Describe", b"Terminate")
        answer = self.send(changed, headers)
        self.check_error(answer, "AuthFailure", 401)
        answer = self.send(body, headers, target=f"{SERVICE}?MaxResults=5")
        self.check_error(answer, "AuthFailure", 401)
        signed_2 = self.signed_2(DESCRIBE)
        self.assertEqual(self.send(form(signed_2).encode()).status, 200)
        signed_2["Action"] = "TerminateInstances"
        answer = self.send(form(signed_2).encode())
        self.check_error(answer, "AuthFailure", 401)

    def test_two_signatures(self) -> None:
        """Signature parameters beside a signed header change nothing of it."""
        body, headers = self.signed_4({**DESCRIBE, "Signature": "x"})
        self.assertEqual(self.send(body, headers).status, 200)
        answer = self.send(b"X-Amz-Signature=x&" + body, headers)
        self.check_error(answer, "AuthFailure", 401)

    def test_stranger(self) -> None:
        """A key that nobody has is refused like a wrong signature."""
        body, headers = self.signed_4(DESCRIBE)
        key = self.cloud.settings["EC2_ACCESS_KEY"]
        headers["Authorization"] = headers["Authorization"].replace(key, "A" * 20)
        self.check_error(self.send(body, headers), "AuthFailure", 401)

    def test_odd_signatures(self) -> None:
        """Headers and times of no known form are told as such."""
        body, headers = self.signed_4(DESCRIBE)
        for authorization in ("", "Basic eDp5", "AWS4-HMAC-SHA256 x", "ä" * 5000):
            odd = {**headers, "Authorization": authorization}
            self.check_error(self.send(body, odd), "IncompleteSignature", 400)
        for said in ("99991231T990000Z", "now"):
            odd = {**headers, "X-Amz-Date": said}
            self.check_error(self.send(body, odd), "IncompleteSignature", 400)
        odd = {**headers, "X-Amz-Date": "20010101T000000Z"}
        self.check_error(self.send(body, odd), "RequestTimeTooSkewed", 403)

    def test_expired(self) -> None:
        """A time that is long past, or far to come, is not taken."""
        for said in ("2001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            parameters = {**self.signed_2(DESCRIBE), "Timestamp": said}
            answer = self.send(form(parameters).encode())
            self.check_error(answer, "RequestTimeTooSkewed", 403)

    def test_what_is_asked(self) -> None:
        """Version and action are there, and known."""
        self.query_refused("MissingAction", Action=None)
        self.query_refused("MissingParameter", Version=None)
        self.query_refused("InvalidAction", Action="MakeCoffee")
        self.query_refused("InvalidAction", Action="x" * 5000)
        self.query_refused("NoSuchVersion", Version="1999-01-01")

    def test_parameters(self) -> None:
        """What is unknown, missing or unreadable is told by its name."""
        for code, name, asked in (
            ("UnknownParameter", "Nonsense", {"Nonsense": "1"}),
            ("UnknownParameter", "InstanceId.x", {"InstanceId.x": "i-1"}),
            ("UnknownParameter", "InstanceId.1", {"InstanceId.1.2": "i-1"}),
            ("InvalidParameterValue", "MaxResults", {"MaxResults": "many"}),
            ("InvalidParameterValue", "MaxResults", {"MaxResults": "9" * 5000}),
            ("MissingParameter", "InstanceId", {"Action": "GetConsoleOutput"}),
            ("InvalidInstanceID.Malformed", "no", {"InstanceId.1": "no"}),
            ("InvalidParameterCombination", "A.1", {"A": "1", "A.1": "1"}),
        ):
            self.assertIn(name, self.query_refused(code, **asked))
        self.query_refused("MissingParameter", Action="RunInstances")
        self.query_refused(
            "InvalidParameterValue",
            Action="RunInstances",
            ImageId="emi-00000000",
            MinCount="one",
            MaxCount="1",
        )

    def test_deep(self) -> None:
        """A name of a thousand parts is no name."""
        self.query_refused("MalformedQueryString", **{"A" + ".1.A" * 1000: "x"})
        self.query_refused("UnknownParameter", **{"A" + ".1.A" * 20: "x"})

    def test_many(self) -> None:
        """Five thousand parameters are too many; three thousand unknown ones too."""
        for most, code in ((5000, "MalformedQueryString"), (3000, "UnknownParameter")):
            more = {f"X.{n}": "x" for n in range(most)}
            self.query_refused(code, **more)

    def test_malformed(self) -> None:
        """What is no form is told so, before anybody asks who sends it."""
        for body in (
            b"Action=%",
            b"Action=%zz",
            b"Action=%ff",
            b"Action=\xff\xfe",
            b"\x00\x80\xff",
            b"Action=a&Action=b",
        ):
            answer = self.send(*self.signed_4(body))
            self.check_error(answer, "MalformedQueryString", 400)
        answer = self.send(b"", {}, "GET", "/?Action=%E4")
        self.check_error(answer, "MalformedQueryString", 400)

    def test_both_places(self) -> None:
        """A parameter is in the URL or in the body, not in both."""
        body, headers = self.signed_4(DESCRIBE)
        answer = self.send(body, headers, target="/?Action=TerminateInstances")
        self.check_error(answer, "MalformedQueryString", 400)

    def test_content_type(self) -> None:
        """Only a form has parameters in it."""
        body, headers = self.signed_4(DESCRIBE)
        for kind in ("application/json", "multipart/form-data; boundary=x", "é"):
            answer = self.send(body, {**headers, "Content-Type": kind})
            self.check_error(answer, "MalformedQueryString", 400)

    def test_methods(self) -> None:
        """Query is asked by GET or POST."""
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            answer = self.send(*self.signed_4(DESCRIBE), method=method)
            self.check_error(answer, "MalformedQueryString", 400)

    def test_other_paths(self) -> None:
        """There is nothing elsewhere."""
        for target in ("/nowhere", "/doc/2008-02-02/AmazonEC2.wsdl", "/%2e%2e/etc"):
            answer = self.send(b"", {}, "GET", target)
            self.check_error(answer, "InvalidURI", 404)

    def test_huge(self) -> None:
        """A body over the limit is refused before it is read, said how or not."""
        answer = self.send(b"A=" + b"x" * (2 << 20))
        self.check_error(answer, "RequestEntityTooLarge", 413)
        chunks = b"".join([b"10000\r\n", b"x" * 65536, b"\r\n"]) * 20
        answer = self.send(
            iter([chunks, b"0\r\n\r\n"]),
            {**FORM_HEADERS, "Transfer-Encoding": "chunked"},
        )
        self.check_error(answer, "RequestEntityTooLarge", 413)
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
        for length in (b"99999999999", b"9" * 30):
            said = self.raw(head + length + b"\r\n\r\n")
            assert said is not None
            self.check_error(said, "RequestEntityTooLarge", 413)


class WireTests(BadInputCase):
    """What is not even HTTP, or not all of it."""

    def test_garbage(self) -> None:
        """It is refused, or the connection ended; nothing more comes of it."""
        for garbage in (
            b"\x00\x01\x02\xff" * 100 + b"\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
            b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: klingon\r\n\r\n",
        ):
            answer = self.raw(garbage, is_ended=True)
            if answer is not None:
                self.assertTrue(400 <= answer.status < 500, (garbage[:60], answer))

    def test_half(self) -> None:
        """A request that is never finished is no request."""
        body, headers = self.signed_4(DESCRIBE)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        whole = (
            f"POST {SERVICE} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{lines}"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        answer = self.raw(whole)
        assert answer is not None
        self.assertEqual(answer.status, 200)
        for cut in (1, 10, len(whole) // 2, len(whole) - len(body), len(whole) - 1):
            self.assertIsNone(self.raw(whole[:cut], is_ended=True))

    def test_byte_by_byte(self) -> None:
        """A slow client is waited for; when it leaves, nothing is left of it."""
        start = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nAction="
        pieces = [start[n : n + 1] for n in range(len(start))]
        self.assertIsNone(self.raw(*pieces, is_ended=True))

    def test_gone_before_the_answer(self) -> None:
        """Who asks and leaves at once does no harm."""
        body, headers = self.signed_4(DESCRIBE)
        for _ in range(20):
            connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
            connection.request("POST", SERVICE, body, headers)
            connection.close()

    def test_images(self) -> None:
        """No image goes to who cannot say its token, whatever he calls it."""
        for name in ("emi-00000000", "../keys/images", "..%2fkeys", "emi-0?token=%ff"):
            answer = self.send(b"", {}, "GET", f"/images/{name}")
            self.assertIn(answer.status, (403, 404))
