"""Tests for L{euca_tw.soap.key_info}: keys that are not given by a token."""

from __future__ import annotations

from base64 import b64encode
from copy import deepcopy
from pathlib import Path

from lxml import etree
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.api.errors import AuthFailure, InvalidSecurity
from euca_tw.common.certificate_identifiers import (
    IssuerSerial,
    Thumbprint,
    identifiers_of,
)
from euca_tw.common.certificates import der_of
from euca_tw.common.distinguished_names import LONGEST, parse_name
from euca_tw.soap.elements import BASE64, DS, THUMBPRINT_SHA1, WSSE, X509_SKI, X509_V3
from euca_tw.soap.envelope import Envelope, read
from euca_tw.soap.wsse import OF_PEERS, OF_USERS, Claim, check_signature, read_claim
from tests.soap.identities import identity
from tests.soap.messages import (
    TO,
    Alter,
    altered,
    called,
    each_form,
    find,
    issuer_serial,
    key_identifier,
    message,
)

SAMPLES = Path(__file__).parents[3] / "shared" / "wsse-samples"
FORMS = ("issuerserial", "ski", "thumbprint", "x509keyid")


def claimed(envelope: Envelope) -> Claim:
    return read_claim(envelope, (), OF_USERS)


def found(claim: Claim, certificate: bytes) -> Claim:
    """The claim with its certificate, if that is the one it has or calls."""
    if claim.identifier is None:
        assert claim.certificate == certificate
        return claim
    assert claim.certificate == b""
    assert claim.identifier in identifiers_of(certificate)
    return claim.of(certificate)


class FormTests(SynchronousTestCase):
    """What is taken."""

    def test_each(self) -> None:
        """A certificate that we know may be called in each of four ways."""
        alice = identity("alice").certificate
        for alter in each_form(alice).values():
            check_signature(found(claimed(altered(alter)), alice))

    def test_token(self) -> None:
        """A token is taken as before; nothing is to be looked up for it."""
        claim = claimed(read(message()))
        self.assertIsNone(claim.identifier)
        self.assertEqual(claim.certificate, identity("alice").certificate)

    def test_not_found(self) -> None:
        """As long as its certificate is not found, a message is nobody's."""
        alter = key_identifier(THUMBPRINT_SHA1, "AAAA")
        self.assertRaises(AuthFailure, check_signature, claimed(altered(alter)))

    def test_another(self) -> None:
        """The signature decides: who calls another's certificate signed nothing."""
        for alter in each_form(identity("mallory").certificate).values():
            claim = found(claimed(altered(alter)), identity("mallory").certificate)
            self.assertRaises(AuthFailure, check_signature, claim)

    def test_how_names_are_written(self) -> None:
        """An issuer may be written in any order, with spaces, and commented."""
        issuer = " C = XX ;O=an\\,other,  cn=alice "
        claim = claimed(altered(issuer_serial(issuer, "\n 0012 ")))
        expected = IssuerSerial(parse_name("CN=Alice,O=an\\,other,C=XX"), 12)
        self.assertEqual(claim.identifier, expected)

    def test_how_bytes_are_written(self) -> None:
        """Base64 may have line breaks; that it is base64 need not be said."""
        for more in ({}, {"EncodingType": BASE64}):
            alter = key_identifier(THUMBPRINT_SHA1, " AA\nAA ", **more)
            self.assertEqual(
                claimed(altered(alter)).identifier, Thumbprint(b"\x00\x00\x00")
            )

    def test_not_between_tiers(self) -> None:
        """Between tiers only the direct reference to a token is taken."""
        for alter in each_form(identity("alice").certificate).values():
            envelope = altered(alter)
            for arguments in ((envelope,), (envelope, (), OF_PEERS)):
                refusal = self.assertRaises(InvalidSecurity, read_claim, *arguments)
                self.assertIn("direct reference", refusal.reason)


class RefusalTests(SynchronousTestCase):
    """What is of no form that is taken."""

    def assertRefused(self, alter: Alter) -> None:
        self.assertRaises(InvalidSecurity, claimed, altered(alter))

    def test_key_identifiers(self) -> None:
        """A KeyIdentifier has a type that we know, and text in base64."""
        good = b64encode(b"x" * 20).decode()
        for kind in (
            None,
            "",
            "ThumbprintSHA1",
            THUMBPRINT_SHA1 + "1",
            X509_V3 + "PKIPathv1",
            "http://docs.oasis-open.org/wss/oasis-wss-kerberos-token-profile-1.1#Kerberosv5APREQSHA1",
        ):
            self.assertRefused(key_identifier(kind, good))
        for kind in (X509_SKI, THUMBPRINT_SHA1, X509_V3):
            for text in ("", "*", "AAA"):
                self.assertRefused(key_identifier(kind, text))
            hexadecimal = BASE64.replace("Base64", "Hex")
            self.assertRefused(key_identifier(kind, good, EncodingType=hexadecimal))

    def test_comments_in_an_identifier(self) -> None:
        """It has nothing but text."""

        def alter(root: etree._Element) -> None:
            key_identifier(THUMBPRINT_SHA1, "AAAA")(root)
            find(root, ".//wsse:KeyIdentifier").append(etree.Comment("AAAA"))

        self.assertRefused(alter)

    def test_issuers_and_numbers(self) -> None:
        """An issuer is a name, and a serial number is decimal."""
        for issuer, serial in (
            ("alice", "1"),
            ("CN=alice,", "1"),
            ("X-Y=alice", "1"),
            ("CN=" + "a" * LONGEST, "1"),
            ("CN=alice", ""),
            ("CN=alice", "0x1"),
            ("CN=alice", "1_0"),
            ("CN=alice", "1 0"),
            ("CN=alice", "-1"),
            ("CN=alice", "1.0"),
            ("CN=alice", "٣"),
            ("CN=alice", "1" * 10_000),
        ):
            self.assertRefused(issuer_serial(issuer, serial))

    def test_form_of_x509_data(self) -> None:
        """X509Data has one X509IssuerSerial, which has its two parts, in order."""

        def change(path: str, how: str) -> Alter:
            def alter(root: etree._Element) -> None:
                issuer_serial("CN=alice", "1")(root)
                changed = find(root, path)
                parent = changed.getparent()
                assert parent is not None
                if how == "doubled":
                    parent.append(deepcopy(changed))
                elif how == "gone":
                    parent.remove(changed)
                elif how == "renamed":
                    changed.tag = f"{{{DS}}}X509Certificate"
                else:
                    parent.append(changed)

            return alter

        for path in (".//ds:X509IssuerSerial", ".//ds:X509IssuerName"):
            for how in ("doubled", "gone", "renamed"):
                self.assertRefused(change(path, how))
        self.assertRefused(change(".//ds:X509IssuerName", "moved"))
        self.assertRefused(change(".//ds:X509Data", "doubled"))

    def test_other_references(self) -> None:
        """Nothing else stands in a SecurityTokenReference, and nothing beside it."""
        for tag in (
            f"{{{WSSE}}}Embedded",
            f"{{{DS}}}KeyName",
            f"{{{DS}}}KeyValue",
            "KeyIdentifier",
        ):

            def make(holder: etree._Element, tag: str = tag) -> None:
                etree.SubElement(holder, tag).text = "AAAA"

            self.assertRefused(called(make))
        self.assertRefused(called(lambda holder: None))

        def bare(root: etree._Element) -> None:
            issuer_serial("CN=alice", "1")(root)
            data = find(root, ".//ds:X509Data")
            key_info = find(root, ".//ds:KeyInfo")
            key_info.replace(key_info[0], data)

        def two(root: etree._Element) -> None:
            issuer_serial("CN=alice", "1")(root)
            holder = find(root, ".//wsse:SecurityTokenReference")
            etree.SubElement(holder, f"{{{WSSE}}}KeyIdentifier").text = "AAAA"

        self.assertRefused(bare)
        self.assertRefused(two)

    def test_what_must_be_signed(self) -> None:
        """However the key is given, Body, Timestamp and headers must be signed."""
        for uri in ("Body", "Timestamp", "Header-0"):
            for form in each_form(identity("alice").certificate).values():

                def alter(
                    root: etree._Element, form: Alter = form, uri: str = uri
                ) -> None:
                    form(root)
                    signed = find(root, f".//ds:Reference[@URI='#{uri}']")
                    find(root, ".//ds:SignedInfo").remove(signed)

                envelope = altered(alter)
                self.assertRaises(
                    InvalidSecurity, read_claim, envelope, (TO,), OF_USERS
                )


class SampleTests(SynchronousTestCase):
    """Messages of another stack that give their key in each form."""

    def samples(self) -> list[bytes]:
        if not SAMPLES.is_dir():
            raise SkipTest(f"the messages of other stacks are not in {SAMPLES}")
        return [
            (SAMPLES / f"wss4j-sha1-{form}-DescribeInstances.xml").read_bytes()
            for form in FORMS
        ]

    def test_samples(self) -> None:
        """They verify, once the certificate that they call is found."""
        samples = self.samples()
        certificate = der_of((SAMPLES / "cert.pem").read_bytes())
        for document in samples:
            check_signature(found(claimed(read(document)), certificate))

    def test_tampered_samples(self) -> None:
        """None of them does when its Body has changed."""
        samples = self.samples()
        certificate = der_of((SAMPLES / "cert.pem").read_bytes())
        for document in samples:
            changed = document.replace(b"i-12345678", b"i-12345679")
            claim = found(claimed(read(changed)), certificate)
            self.assertRaises(AuthFailure, check_signature, claim)
