"""Tests for L{euca_tw.soap.faults}."""

from __future__ import annotations

from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import InternalError, NoSuchKeyPair
from euca_tw.soap.envelope import SOAP_11, SOAP_12
from euca_tw.soap.faults import AWS, Fault, fault, read_fault

REFUSED = NoSuchKeyPair("<a> & b\x00")


class FaultTests(SynchronousTestCase):
    def test_ec2s_own_form(self) -> None:
        """Code, text and request id are where EC2 has them."""
        element = etree.fromstring(fault(SOAP_11, REFUSED, "req-1"))
        self.assertEqual(
            element.findtext("faultcode"), "aws:Client.InvalidKeyPair.NotFound"
        )
        self.assertEqual(element.nsmap["aws"], AWS)
        self.assertEqual(
            element.findtext("faultstring"),
            "The key pair '<a> & b\ufffd' does not exist",
        )
        self.assertEqual(element.findtext(f"detail/{{{AWS}}}RequestId"), "req-1")

    def test_ours(self) -> None:
        """What is our fault is the server's."""
        element = etree.fromstring(fault(SOAP_11, InternalError(), "req-1"))
        self.assertEqual(element.findtext("faultcode"), "aws:Server.InternalError")

    def test_soap_12(self) -> None:
        """SOAP 1.2 has its own form of the same."""
        for error, side in ((REFUSED, "Sender"), (InternalError(), "Receiver")):
            element = etree.fromstring(fault(SOAP_12, error, "req-1"))
            names = {"s": SOAP_12}
            code = element.find("s:Code", names)
            assert code is not None
            self.assertEqual(code.findtext("s:Value", namespaces=names), f"soap:{side}")
            self.assertEqual(
                code.findtext("s:Subcode/s:Value", namespaces=names),
                f"aws:{error.code}",
            )
            self.assertEqual(
                element.findtext(f"s:Detail/{{{AWS}}}RequestId", namespaces=names),
                "req-1",
            )

    def test_read(self) -> None:
        """What is written is read."""
        for soap in (SOAP_11, SOAP_12):
            for error in (REFUSED, InternalError()):
                found = read_fault(etree.fromstring(fault(soap, error, "r")))
                self.assertEqual(
                    found, Fault(error.code, error.message.replace("\x00", "\ufffd"))
                )

    def test_read_others(self) -> None:
        """Faults of others are read as far as they go."""
        for text, expected in (
            ("", Fault("Fault", "")),
            ("<faultcode>soap:Server</faultcode>", Fault("Server", "")),
            (
                "<faultcode>Client.A.B</faultcode><faultstring> no </faultstring>",
                Fault("A.B", "no"),
            ),
        ):
            element = etree.fromstring(f'<Fault xmlns:a="b">{text}</Fault>')
            element.tag = f"{{{SOAP_11}}}Fault"
            self.assertEqual(read_fault(element), expected)
        code = (
            f'<s:Fault xmlns:s="{SOAP_12}">'
            "<s:Code><s:Value>s:Sender</s:Value></s:Code></s:Fault>"
        )
        self.assertEqual(read_fault(etree.fromstring(code)), Fault("Sender", ""))

    def test_no_fault(self) -> None:
        """Anything else is none."""
        self.assertIsNone(read_fault(etree.fromstring("<Fault/>")))
