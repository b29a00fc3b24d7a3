"""SOAP clients of other languages, each with its own signing, on one cloud."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.certificates import make_certificate
from euca_tw.soap.faults import AWS
from tests.compat.cloud import cloud_for
from tests.compat.foreign import GSOAP, NPM_SOAP, WSS4J, Client, ClientFailed
from tests.compat.foreign_rounds import check_round
from tests.compat.signed_form import SignedForm, ec2_form, form_of


class SoapCase(SynchronousTestCase):
    """A cloud, and a client of its SOAP service."""

    client: Client
    #: What it tells before EC2's codes.
    codes = "aws:Client."

    def setUp(self) -> None:
        self.client.check_installed()
        self.cloud = cloud_for("foreign")

    def round(self, form: SignedForm, *arguments: str) -> Any:
        """The round works, and its messages were signed in that form."""
        told = self.client.run(self.cloud, *arguments, f"{self.cloud.directory}/log")
        check_round(self, self.cloud, told, self.codes, 500)
        self.assertEqual(form_of(told["sent"]), form)
        return told

    def check_refused(
        self, code: str, *arguments: str, settings: Mapping[str, str] | None = None
    ) -> None:
        """Its first request is, with that code, or that code and reason."""
        location = f"{self.cloud.directory}/log"
        with self.assertRaises(ClientFailed) as refused:
            self.client.run(self.cloud, *arguments, location, settings=settings)
        self.assertIn(f"Client.{code}", str(refused.exception))

    def check_stranger(self, *arguments: str) -> None:
        """One whose certificate nobody knows is let in to nothing."""
        stranger = make_certificate("stranger", datetime.now(UTC), 1)
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        key, certificate = directory / "pk.pem", directory / "cert.pem"
        key.write_bytes(stranger.key_pem)
        certificate.write_bytes(stranger.certificate_pem)
        files = {"EC2_PRIVATE_KEY": str(key), "EC2_CERT": str(certificate)}
        self.check_refused("AuthFailure", *arguments, settings=files)


class NpmSoapTests(SoapCase):
    """C{soap} from npm, loaded from the cloud's own description."""

    client = NPM_SOAP

    def dated(self, date: str) -> str:
        return f"{self.cloud.url}doc/{date}/AmazonEC2.wsdl"

    def test_service(self) -> None:
        """From C{?wsdl}, a round at the last date, by rsa-sha256."""
        service = self.cloud.settings["EC2_URL"]
        told = self.round(ec2_form("sha256"), f"{service}?wsdl", "sha256")
        self.assertEqual((told["address"], told["date"]), (service, "2014-06-15"))

    def test_service_sha1(self) -> None:
        """From C{?wsdl}, a round at the last date, by rsa-sha1."""
        service = self.cloud.settings["EC2_URL"]
        self.round(ec2_form("sha1"), f"{service}?wsdl", "sha1")

    def test_date(self) -> None:
        """From a date's description, a round at that date, by rsa-sha256."""
        told = self.round(ec2_form("sha256"), self.dated("2008-02-01"), "sha256")
        self.assertEqual(told["date"], "2008-02-01")

    def test_date_sha1(self) -> None:
        """From a date's description, a round at that date, by rsa-sha1."""
        self.round(ec2_form("sha1"), self.dated("2010-08-31"), "sha1")

    def test_stranger(self) -> None:
        """It sees EC2's AuthFailure where its certificate is not known."""
        self.check_stranger(self.dated("2008-02-01"), "sha256")

    def test_unsigned_timestamp(self) -> None:
        """It sees EC2's InvalidSecurity where it has signed the Body alone."""
        told = 'InvalidSecurity","faultstring":"The Timestamp must be signed'
        self.check_refused(told, self.dated("2008-02-01"), "body-only")


class Wss4jTests(SoapCase):
    """WSS4J 1.6, by which the original and others' tools signed."""

    client = WSS4J

    def test_direct(self) -> None:
        """A round with the certificate in the message, by rsa-sha256."""
        self.round(ec2_form("sha256"), "2014-06-15", "sha256", "direct")

    def test_direct_sha1(self) -> None:
        """A round with the certificate in the message, by rsa-sha1."""
        self.round(ec2_form("sha1"), "2008-02-01", "sha1", "direct")

    def test_issuer_serial(self) -> None:
        """A round with the certificate's issuer and serial number."""
        self.round(
            ec2_form("sha256", "X509IssuerSerial"),
            "2010-08-31",
            "sha256",
            "issuer-serial",
        )

    def test_subject_key_identifier(self) -> None:
        """A round with the certificate's subject key identifier."""
        self.round(
            ec2_form("sha1", "X509SubjectKeyIdentifier"), "2010-08-31", "sha1", "ski"
        )

    def test_thumbprint(self) -> None:
        """A round with the certificate's thumbprint."""
        self.round(
            ec2_form("sha256", "ThumbprintSHA1"), "2011-01-01", "sha256", "thumbprint"
        )

    def test_certificate(self) -> None:
        """A round with the certificate as a key identifier."""
        self.round(ec2_form("sha1", "X509v3"), "2011-01-01", "sha1", "certificate")

    def test_stranger(self) -> None:
        """It sees EC2's AuthFailure, with a token in the message or without."""
        for token in "direct", "thumbprint":
            self.check_stranger("2008-02-01", "sha256", token)


class GsoapTests(SoapCase):
    """
    gSOAP's stubs, made from the cloud's own description, and its wsse plugin,
    which signs its own token too.
    """

    client = GSOAP
    codes = f'"{AWS}":Client.'

    @staticmethod
    def form(digest: str) -> SignedForm:
        form = ec2_form(digest)
        return evolve(form, covered=form.covered | {"BinarySecurityToken"})

    def test_sha256(self) -> None:
        """A round at 2008-02-01, by rsa-sha256."""
        self.round(self.form("sha256"), "sha256")

    def test_sha1(self) -> None:
        """A round at 2008-02-01, by rsa-sha1."""
        self.round(self.form("sha1"), "sha1")

    def test_stranger(self) -> None:
        """It sees EC2's AuthFailure where its certificate is not known."""
        self.check_stranger("sha256")
