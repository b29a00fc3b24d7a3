"""Which door a request of the cloud goes to."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import ensureDeferred, succeed
from twisted.internet.task import Clock, Cooperator
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.static import Data

from euca_tw.api.errors import ApiError
from euca_tw.api.shapes import Version
from euca_tw.clc.front import Front, FrontResource
from euca_tw.common.web import Answer, Asked, Reply, make_site


def says(text: str) -> Answer:
    return lambda asked: succeed(Reply(200, "text/plain", (text.encode(),)))


def refuse(error: ApiError) -> Reply:
    return Reply(error.status, "text/xml", (str(error).encode(),))


FRONT = Front(
    query=says("query"),
    soap=says("soap"),
    versions=(Version("2006-06-26"), Version("2008-02-01")),
    describe=lambda version, kind: succeed(f"{kind} of {version}".encode()),
    refuse=refuse,
    uploads=says("uploads"),
)


class FrontTests(SynchronousTestCase):
    def ask(self, method: str, target: str, **headers: str) -> tuple[int, str]:
        asked = Asked(
            method,
            target.encode(),
            lambda name: headers.get(name.replace("-", "_")),
            b"",
        )
        reply = self.successResultOf(ensureDeferred(FRONT.answer(asked)))
        return reply.status, b"".join(reply.body).decode()

    def test_query(self) -> None:
        """Forms, and what is got by a URL, go to Query, at both places."""
        form = "application/x-www-form-urlencoded; charset=utf-8"
        for path in ("/", "/services/Eucalyptus", "/services/Eucalyptus/"):
            self.assertEqual(self.ask("POST", path, content_type=form), (200, "query"))
            self.assertEqual(self.ask("GET", f"{path}?Action=X"), (200, "query"))
            self.assertEqual(self.ask("POST", path), (200, "query"))

    def test_soap(self) -> None:
        """SOAP messages go to SOAP, at both places, by type or by SOAPAction."""
        for path in ("/", "/services/Eucalyptus", "/services/Eucalyptus/"):
            for headers in (
                {"content_type": "text/xml; charset=utf-8"},
                {"content_type": "Application/SOAP+xml"},
                {"soapaction": ""},
                {"soapaction": '"X"', "content_type": "application/octet-stream"},
            ):
                self.assertEqual(self.ask("POST", path, **headers), (200, "soap"))

    def test_form_with_soap_action(self) -> None:
        """A form is a form."""
        headers = {
            "content_type": "application/x-www-form-urlencoded",
            "soapaction": "x",
        }
        self.assertEqual(self.ask("POST", "/", **headers), (200, "query"))

    def test_uploads(self) -> None:
        """Images that nodes have made go where they are taken, if anywhere."""
        self.assertEqual(self.ask("POST", "/uploads/emi-1"), (200, "uploads"))
        none = evolve(FRONT, uploads=None)
        asked = Asked("POST", b"/uploads/emi-1", lambda name: None, b"")
        reply = self.successResultOf(ensureDeferred(none.answer(asked)))
        self.assertEqual(reply.status, 404)

    def test_description(self) -> None:
        """The service's description is the newest; each date has its own."""
        newest = (200, "wsdl of 2008-02-01")
        for query in ("wsdl", "WSDL"):
            answer = self.ask("GET", f"/services/Eucalyptus?{query}")
            self.assertEqual(answer, newest)
        answer = self.ask("GET", "/doc/2006-06-26/AmazonEC2.wsdl")
        self.assertEqual(answer, (200, "wsdl of 2006-06-26"))
        answer = self.ask("GET", "/doc/2006-06-26/AmazonEC2.xsd")
        self.assertEqual(answer, (200, "xsd of 2006-06-26"))

    def test_nothing(self) -> None:
        """Where there is nothing, EC2's error says so."""
        for path in (
            "/doc/1999-01-01/AmazonEC2.wsdl",
            "/doc/2008-02-01/AmazonEC2.wsdlx",
            "/services",
            "/favicon.ico",
            "",
            "/%ff/ä",
        ):
            status, text = self.ask("GET", path)
            self.assertEqual(status, 404)
            self.assertIn(f"InvalidURI: There is no service at {path}", text)


class Images(Resource):
    """Serves one image."""

    def getChild(self, name: bytes, request: object) -> Resource:
        return Data(b"image " + name, "application/octet-stream")


class FrontResourceTests(SynchronousTestCase):
    def get(self, path: str, images: Resource | None) -> bytes:
        clock = Clock()
        cooperator = Cooperator(scheduler=clock.callLater)
        resource = FrontResource(FRONT.answer, cooperator, images)
        channel = make_site(resource, 1000, clock).buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        clock.pump([0.1] * 10)
        return transport.value()

    def test_front(self) -> None:
        """The site answers by the front."""
        answer = self.get("/", Images())
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertTrue(answer.endswith(b"\r\n\r\nquery"))

    def test_images(self) -> None:
        """Images are served below /images/."""
        answer = self.get("/images/emi-1?token=x", Images())
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertTrue(answer.endswith(b"\r\n\r\nimage emi-1"))

    def test_no_images(self) -> None:
        """A cloud without images to serve has nothing there."""
        self.assertIn(b"404 Not Found", self.get("/images/emi-1", None))
