"""Tests for L{euca_tw.soap.wsse} and L{euca_tw.soap.signing}."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import xmlsec
from attrs import evolve
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.api.encode import text
from euca_tw.api.errors import (
    ApiError,
    AuthFailure,
    InvalidSecurity,
    MissingAuthenticationToken,
)
from euca_tw.common.certificates import der_of
from euca_tw.soap.envelope import SOAP_12, Envelope, read
from euca_tw.soap.signing import SHA1, SHA256, Suite
from euca_tw.soap.wsse import (
    BASE64,
    DS,
    EXCLUSIVE,
    INCLUSIVE,
    MORE,
    SECURITY,
    TIMESTAMP,
    WSSE,
    WSU,
    Claim,
    Forms,
    check_signature,
    read_claim,
)
from tests.soap.identities import NOW, elliptic, identity
from tests.soap.messages import NAMES, TO, Alter, altered, find, message

SAMPLES = Path(__file__).parents[3] / "shared" / "wsse-samples"
ID = f"{{{WSU}}}Id"


def verified(envelope: Envelope, *headers: str) -> Claim:
    claim = read_claim(envelope, headers)
    check_signature(claim)
    return claim


class GoodTests(SynchronousTestCase):
    """What is taken."""

    def test_signed_is_verified(self) -> None:
        """What we sign, in either suite and version of SOAP, verifies."""
        for document in (message(), message(suite=SHA1), message(soap=SOAP_12)):
            envelope = read(document)
            claim = verified(envelope, TO)
            self.assertEqual(claim.certificate, identity("alice").certificate)
            self.assertEqual(claim.created, NOW)
            covered = [part.element for part in claim.parts]
            self.assertIn(envelope.body, covered)
            self.assertIn(envelope.headers(TO)[0], covered)

    def test_xmlsec_agrees(self) -> None:
        """What we sign, xmlsec's own verifier takes for good too."""
        root = etree.fromstring(message())
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(
            identity("alice").certificate, xmlsec.constants.KeyDataFormatCertDer, None
        )
        for element in root.iter():
            if element.get(ID) is not None:
                context.register_id(element, "Id", WSU)
        context.verify(find(root, ".//ds:Signature"))

    @given(
        st.recursive(
            st.text(
                st.characters(
                    exclude_categories=["Cs", "Cc"], include_characters="\t\n\r"
                ),
                max_size=8,
            ).map(text),
            lambda inner: st.lists(inner, max_size=3).map(
                lambda each: "".join(
                    f'<a xmlns:p="urn:p" b="&#9;1">{x}</a>' for x in each
                )
            ),
            max_leaves=6,
        )
    )
    def test_any_content(self, content: str) -> None:
        """Whatever the Body has in it, signer and verifier agree."""
        verified(read(message(f'<Do xmlns="urn:test">{content}</Do>')), TO)

    def test_comments_in_the_signature(self) -> None:
        """Comments and white space between the signature's parts say nothing."""

        def alter(root: etree._Element) -> None:
            find(root, ".//ds:Signature").insert(0, etree.Comment("here"))
            find(root, ".//ds:KeyInfo").insert(0, etree.Comment("here"))

        verified(altered(alter))

    def test_encoding_type_may_be_left_out(self) -> None:
        """Base64 is what a token is in, if it does not say."""
        verified(
            altered(
                lambda root: find(root, ".//wsse:BinarySecurityToken").attrib.pop(
                    "EncodingType"
                )
            )
        )

    def test_expires_may_be_left_out(self) -> None:
        """A Timestamp needs no Expires."""
        root = etree.fromstring(message())
        stamp = find(root, ".//wsu:Timestamp")
        stamp.remove(stamp[1])
        claim = read_claim(read(etree.tostring(root)))
        self.assertIsNone(claim.expires)


ECDSA = {
    "sha256": Suite(
        signing=xmlsec.constants.TransformEcdsaSha256,
        digesting=xmlsec.constants.TransformSha256,
    ),
    "sha384": Suite(
        signing=xmlsec.constants.TransformEcdsaSha384,
        digesting=xmlsec.constants.TransformSha384,
    ),
    "sha512": Suite(
        signing=xmlsec.constants.TransformEcdsaSha512,
        digesting=xmlsec.constants.TransformSha512,
    ),
}
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


def resigned(document: bytes, change: Callable[[bytes], bytes]) -> Envelope:
    """The message with another signature value."""

    def alter(root: etree._Element) -> None:
        value = find(root, ".//ds:SignatureValue")
        value.text = b64encode(change(b64decode(value.text or ""))).decode()

    return altered(alter, document)


class EllipticTests(SynchronousTestCase):
    """Signatures by ECDSA, as xmlsec makes them."""

    def test_taken(self) -> None:
        """Each of three curves goes with each of three digests."""
        for curve in CURVES:
            for suite in ECDSA.values():
                by = elliptic("alice", curve)
                envelope = read(message(by=by, suite=suite))
                claim = verified(envelope, TO)
                self.assertEqual(claim.certificate, by.certificate)

    def test_tampered(self) -> None:
        """Any change of Body or signature is found."""
        for curve in CURVES:
            document = message(by=elliptic("alice", curve), suite=ECDSA["sha256"])
            other = read(document.replace(b"this", b"that"))
            self.assertRaises(AuthFailure, verified, other)
            for change in (
                lambda value: value[:-1] + bytes([value[-1] ^ 1]),
                lambda value: bytes([value[0] ^ 1]) + value[1:],
                lambda value: bytes(len(value)),
                lambda value: b"\xff" * len(value),
                lambda value: value[:-1],
                lambda value: value[:-2],
                lambda value: value + b"\0\0",
                lambda value: (
                    b"\0" + value[: len(value) // 2] + b"\0" + value[len(value) // 2 :]
                ),
                lambda value: value[:1],
            ):
                self.assertRaises(AuthFailure, verified, resigned(document, change))

    def test_form_of_the_value(self) -> None:
        """It is two numbers side by side, not their ASN.1."""
        document = message(by=elliptic("alice"), suite=ECDSA["sha256"])

        def as_der(value: bytes) -> bytes:
            r, s = value[:32], value[32:]
            return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))

        self.assertRaises(AuthFailure, verified, resigned(document, as_der))

    def test_negative(self) -> None:
        """
        Of a good signature anybody can make another; it is known as the same.
        """
        document = message(by=elliptic("alice"), suite=ECDSA["sha256"])
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

        def negative(value: bytes) -> bytes:
            s = order - int.from_bytes(value[32:])
            return value[:32] + s.to_bytes(32)

        first, second = verified(read(document)), verified(resigned(document, negative))
        self.assertNotEqual(first.signature, second.signature)
        self.assertEqual(first.value, second.value)

    def test_another_kind_of_key(self) -> None:
        """An algorithm goes with its own kind of key."""

        def of(token: str) -> Alter:
            def alter(root: etree._Element) -> None:
                find(root, ".//wsse:BinarySecurityToken").text = token

            return alter

        by_curve = message(by=elliptic("alice"), suite=ECDSA["sha256"])
        for document, token in (
            (message(), elliptic("alice").token),
            (by_curve, identity("alice").token),
            (by_curve, elliptic("mallory").token),
            (by_curve, elliptic("alice", ec.SECP256K1).token),
        ):
            self.assertRaises(AuthFailure, verified, altered(of(token), document))

    def test_sha1(self) -> None:
        """ECDSA with SHA-1 is not on the list."""
        document = message(by=elliptic("alice"), suite=ECDSA["sha256"])
        document = document.replace(b"#ecdsa-sha256", b"#ecdsa-sha1")
        self.assertRaises(InvalidSecurity, read_claim, read(document))


class WithoutSha1Tests(SynchronousTestCase):
    """SHA-1 switched off."""

    def test_refused(self) -> None:
        """What has it, to sign or to digest, is refused by the algorithm's name."""
        by_sha1 = Suite(signing=SHA1.signing, digesting=SHA256.digesting)
        of_sha1 = Suite(signing=SHA256.signing, digesting=SHA1.digesting)
        for suite, name in (
            (SHA1, DS + "rsa-sha1"),
            (by_sha1, DS + "rsa-sha1"),
            (of_sha1, DS + "sha1"),
        ):
            envelope = read(message(suite=suite))
            verified(envelope)
            refusal = self.assertRaises(
                InvalidSecurity, read_claim, envelope, (), Forms(takes_sha1=False)
            )
            self.assertIn(repr(name), refusal.reason)

    def test_others(self) -> None:
        """All else is taken as before."""
        for document in (
            message(),
            message(by=elliptic("alice"), suite=ECDSA["sha512"]),
        ):
            check_signature(read_claim(read(document), (), Forms(takes_sha1=False)))


class SampleTests(SynchronousTestCase):
    """Messages of other stacks."""

    def test_samples(self) -> None:
        """
        All that refer to a token directly verify; others are refused where
        nothing else is taken.
        """
        if not SAMPLES.is_dir():
            raise SkipTest(f"the messages of other stacks are not in {SAMPLES}")
        certificate = der_of((SAMPLES / "cert.pem").read_bytes())
        for path in sorted(SAMPLES.glob("*.xml")):
            envelope = read(path.read_bytes())
            if any(each in path.name for each in _WITHOUT_TOKEN):
                self.assertRaises(InvalidSecurity, read_claim, envelope)
                continue
            claim = verified(envelope)
            self.assertEqual(claim.certificate, certificate, path.name)
            assert claim.expires is not None
            self.assertLess(claim.created, claim.expires)

    def test_tampered_samples(self) -> None:
        """None of them verifies when its Body has changed."""
        if not SAMPLES.is_dir():
            raise SkipTest(f"the messages of other stacks are not in {SAMPLES}")
        for path in sorted(SAMPLES.glob("*DescribeInstances.xml")):
            if any(each in path.name for each in _WITHOUT_TOKEN):
                continue
            document = path.read_bytes().replace(b"i-12345678", b"i-12345679")
            claim = read_claim(read(document))
            self.assertRaises(AuthFailure, check_signature, claim)


_WITHOUT_TOKEN = ("issuerserial", "-ski", "thumbprint", "x509keyid")


class RefusalTests(SynchronousTestCase):
    """What is refused, and by which step."""

    def assertRefused(
        self, alter: Alter, error: type[ApiError] = InvalidSecurity, *headers: str
    ) -> None:
        envelope = altered(alter)
        self.assertRaises(error, verified, envelope, *headers)

    def test_unsigned(self) -> None:
        """A message without a Security header is told to sign."""
        self.assertRefused(
            lambda root: find(root, "s:Header").remove(find(root, ".//wsse:Security")),
            MissingAuthenticationToken,
        )
        self.assertRefused(
            lambda root: root.remove(find(root, "s:Header")), MissingAuthenticationToken
        )

    def test_tampered(self) -> None:
        """Any change of what is signed is found, and told as a wrong signature."""

        def set_text(path: str, value: str) -> Alter:
            def alter(root: etree._Element) -> None:
                find(root, path).text = value

            return alter

        for path, value in (
            (".//t:what", "that"),
            (f".//{TO}", "me"),
            (".//wsu:Created", "2026-11-23T08:00:01Z"),
            (".//wsu:Expires", "2027-11-23T08:00:00Z"),
            (".//ds:DigestValue", "AAAA"),
            (".//ds:SignatureValue", "AAAA"),
        ):
            self.assertRefused(set_text(path, value), AuthFailure)

    def test_no_canonical_form(self) -> None:
        """What has no canonical form (a relative namespace) is not verified."""
        for old, new in (
            (b'xmlns="urn:test"', b'xmlns="test"'),
            (
                b"<ds:SignedInfo>",
                b'<ds:SignedInfo xmlns:ds="' + DS.encode() + b'" xmlns="x">',
            ),
        ):
            document = message().replace(old, new)
            inclusive = document.replace(EXCLUSIVE.encode(), INCLUSIVE.encode())
            self.assertRaises(ApiError, verified, read(inclusive))
        document = message().replace(b'xmlns="urn:test"', b'xmlns="t"')
        self.assertRaises(InvalidSecurity, verified, read(document))

    def test_another_key(self) -> None:
        """The token of one who did not sign makes the signature wrong."""

        def alter(root: etree._Element) -> None:
            find(root, ".//wsse:BinarySecurityToken").text = identity("mallory").token

        self.assertRefused(alter, AuthFailure)

    def test_certificate_is_none(self) -> None:
        """Bytes that are no certificate have no key."""

        def alter(root: etree._Element) -> None:
            find(root, ".//wsse:BinarySecurityToken").text = "AAAA"

        self.assertRefused(alter, AuthFailure)

    def test_what_must_be_signed(self) -> None:
        """Body, Timestamp, and each header that is asked for, must be."""
        for uri in ("Body", "Timestamp", "Header-0"):

            def alter(root: etree._Element, uri: str = uri) -> None:
                reference = find(root, f".//ds:Reference[@URI='#{uri}']")
                find(root, ".//ds:SignedInfo").remove(reference)

            self.assertRefused(alter, InvalidSecurity, TO)

    def test_header_must_be_there_once(self) -> None:
        """A header that is asked for is there, and there is no other."""
        self.assertRefused(lambda root: None, InvalidSecurity, "{urn:x}Action")

        def twice(root: etree._Element) -> None:
            etree.SubElement(find(root, "s:Header"), TO).text = "you"

        self.assertRefused(twice, InvalidSecurity, TO)

    def test_comment_in_a_header(self) -> None:
        """A header that is asked for has text only: a comment would cut it short."""

        def alter(root: etree._Element) -> None:
            to = find(root, f".//{TO}")
            to.text, comment = "y", etree.Comment("x")
            comment.tail = "ou"
            to.append(comment)

        self.assertRefused(alter, InvalidSecurity, TO)

    def test_only_one_of_each(self) -> None:
        """Two Security headers, signatures or timestamps are one too many."""
        for path, parent in (
            (".//wsse:Security", "s:Header"),
            (".//ds:Signature", ".//wsse:Security"),
            (".//wsu:Timestamp", ".//wsse:Security"),
        ):

            def alter(
                root: etree._Element, path: str = path, into: str = parent
            ) -> None:
                twin = deepcopy(find(root, path))
                for each in twin.iter():
                    each.attrib.pop(ID, None)
                find(root, into).append(twin)

            self.assertRefused(alter)

    def test_none_of_each(self) -> None:
        """So is none."""
        for path in (".//ds:Signature", ".//wsu:Timestamp"):

            def alter(root: etree._Element, path: str = path) -> None:
                gone = find(root, path)
                parent = gone.getparent()
                assert parent is not None
                parent.remove(gone)

            self.assertRefused(alter)

    def test_algorithms(self) -> None:
        """Nothing but what is on the list signs, digests or transforms."""
        for path, names in (
            (
                ".//ds:SignatureMethod",
                (DS + "hmac-sha1", MORE + "rsa-md5", DS + "dsa-sha1", "", None),
            ),
            (".//ds:DigestMethod", (MORE + "md5", "urn:none")),
            (
                ".//ds:Transform",
                (
                    "http://www.w3.org/TR/1999/REC-xslt-19991116",
                    "http://www.w3.org/TR/1999/REC-xpath-19991116",
                    "http://www.w3.org/2002/06/xmldsig-filter2",
                    DS + "base64",
                    DS + "enveloped-signature",
                    EXCLUSIVE + "WithComments",
                ),
            ),
            (".//ds:CanonicalizationMethod", (EXCLUSIVE + "WithComments",)),
        ):
            for name in names:

                def alter(
                    root: etree._Element, path: str = path, name: str | None = name
                ) -> None:
                    find(root, path).attrib.pop("Algorithm")
                    if name is not None:
                        find(root, path).set("Algorithm", name)

                self.assertRefused(alter)

    def test_parameters(self) -> None:
        """Only a canonicalization has parameters, and only one kind."""
        for path, inner in (
            (".//ds:SignatureMethod", f"{{{DS}}}HMACOutputLength"),
            (".//ds:DigestMethod", f"{{{DS}}}Any"),
            (".//ds:Transform", f"{{{DS}}}XPath"),
        ):
            self.assertRefused(
                lambda root, path=path, inner=inner: etree.SubElement(  # type: ignore[misc]
                    find(root, path), inner
                )
            )
        two = f"{{{EXCLUSIVE}}}InclusiveNamespaces"

        def twice(root: etree._Element) -> None:
            for _ in range(2):
                etree.SubElement(find(root, ".//ds:Transform"), two)

        self.assertRefused(twice)

        def on_plain(root: etree._Element) -> None:
            transform = find(root, ".//ds:Transform")
            transform.set(
                "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
            )
            etree.SubElement(transform, two)

        self.assertRefused(on_plain)

    def test_transforms(self) -> None:
        """There is one canonicalization, and nothing else of consequence."""

        def none(root: etree._Element) -> None:
            transforms = find(root, ".//ds:Transforms")
            transforms.remove(transforms[0])

        def three(root: etree._Element) -> None:
            transforms = find(root, ".//ds:Transforms")
            for _ in range(2):
                transforms.append(deepcopy(transforms[0]))

        def two(root: etree._Element) -> None:
            transforms = find(root, ".//ds:Transforms")
            transforms.append(deepcopy(transforms[0]))

        def left_out(root: etree._Element) -> None:
            reference = find(root, ".//ds:Reference")
            reference.remove(find(root, ".//ds:Transforms"))

        def stranger(root: etree._Element) -> None:
            find(root, ".//ds:Transform").tag = "Transform"

        for alter in (none, two, three, left_out, stranger):
            self.assertRefused(alter)

    def test_references(self) -> None:
        """A reference is to an Id in this message, and to a part of it."""
        for uri in (
            "",
            "#",
            "Body",
            "#nothing",
            "http://x/#Body",
            "#xpointer(/)",
            None,
        ):

            def alter(root: etree._Element, uri: str | None = uri) -> None:
                reference = find(root, ".//ds:Reference")
                reference.attrib.pop("URI")
                if uri is not None:
                    reference.set("URI", uri)

            self.assertRefused(alter)

        def inside(root: etree._Element) -> None:
            find(root, ".//t:what").set("Id", "inside")
            find(root, ".//ds:Reference").set("URI", "#inside")

        self.assertRefused(inside)

    def test_number_of_references(self) -> None:
        """There are some, and not very many."""

        def none(root: etree._Element) -> None:
            for each in root.findall(".//ds:Reference", NAMES):
                find(root, ".//ds:SignedInfo").remove(each)

        def many(root: etree._Element) -> None:
            for _ in range(40):
                find(root, ".//ds:SignedInfo").append(
                    deepcopy(find(root, ".//ds:Reference"))
                )

        self.assertRefused(none)
        self.assertRefused(many)

    def test_form_of_the_signature(self) -> None:
        """It has three parts, and no Object or Manifest."""
        self.assertRefused(
            lambda root: etree.SubElement(
                find(root, ".//ds:Signature"), f"{{{DS}}}Object"
            )
        )
        self.assertRefused(
            lambda root: etree.SubElement(
                find(root, ".//ds:SignedInfo"), f"{{{DS}}}Any"
            )
        )

    def test_key_info(self) -> None:
        """The key is given by one direct reference to a token that is beside."""

        def key_value(root: etree._Element) -> None:
            find(root, ".//ds:KeyInfo")[0].tag = f"{{{DS}}}KeyValue"

        def two(root: etree._Element) -> None:
            etree.SubElement(find(root, ".//ds:KeyInfo"), f"{{{DS}}}X509Data")

        def identifier(root: etree._Element) -> None:
            find(root, ".//wsse:Reference").tag = f"{{{WSSE}}}KeyIdentifier"

        def no_reference(root: etree._Element) -> None:
            holder = find(root, ".//wsse:SecurityTokenReference")
            holder.remove(holder[0])

        def to_body(root: etree._Element) -> None:
            find(root, ".//wsse:Reference").set("URI", "#Body")

        def elsewhere(root: etree._Element) -> None:
            find(root, "s:Header").append(find(root, ".//wsse:BinarySecurityToken"))

        def chain(root: etree._Element) -> None:
            find(root, ".//wsse:BinarySecurityToken").set("ValueType", "#X509PKIPathv1")

        def hexadecimal(root: etree._Element) -> None:
            find(root, ".//wsse:BinarySecurityToken").set(
                "EncodingType", BASE64.replace("Base64", "Hex")
            )

        def rubbish(root: etree._Element) -> None:
            find(root, ".//wsse:BinarySecurityToken").text = "*"

        def empty(root: etree._Element) -> None:
            find(root, ".//wsse:BinarySecurityToken").text = None

        for alter in (
            key_value,
            two,
            identifier,
            no_reference,
            to_body,
            elsewhere,
            chain,
            hexadecimal,
            rubbish,
            empty,
        ):
            self.assertRefused(alter)

    def test_timestamp(self) -> None:
        """A Timestamp has Created, then perhaps Expires, and both are moments."""

        def no_created(root: etree._Element) -> None:
            stamp = find(root, ".//wsu:Timestamp")
            stamp.remove(stamp[0])

        def unreadable(root: etree._Element) -> None:
            find(root, ".//wsu:Created").text = "now"

        for alter in (no_created, unreadable):
            self.assertRefused(alter)

    def test_comment_in_the_timestamp(self) -> None:
        """
        A comment, which no signature covers, does not cut a moment short:
        without its zone it would be another.
        """
        for inserted in (etree.Comment("x"), etree.PI("x")):

            def alter(root: etree._Element, node: etree._Element = inserted) -> None:
                created = find(root, ".//wsu:Created")
                said = created.text or ""
                created.text, node.tail = said[:-1], said[-1:]
                created.append(node)

            self.assertRefused(alter)


class WrappingTests(SynchronousTestCase):
    """
    A signature is kept good while the message is given another meaning: the
    signed element is moved to where nobody looks, and another takes its place.
    """

    def assertRefused(self, alter: Alter) -> None:
        self.assertRaises(InvalidSecurity, verified, altered(alter), TO)

    def other_body(self, root: etree._Element) -> etree._Element:
        """A Body of the attacker's, in place of the signed one."""
        signed = find(root, "s:Body")
        other = deepcopy(signed)
        find(other, ".//t:what").text = "that"
        root.replace(signed, other)
        return signed

    def test_body_in_a_header(self) -> None:
        """The signed Body in a header; another, of no or another Id, in place."""
        for other_id in (None, "Other"):

            def alter(root: etree._Element, other_id: str | None = other_id) -> None:
                moved = self.other_body(root)
                other = find(root, "s:Body")
                other.attrib.pop(ID)
                if other_id is not None:
                    other.set(ID, other_id)
                etree.SubElement(find(root, "s:Header"), "{urn:x}Wrapper").append(moved)

            self.assertRefused(alter)

    def test_body_as_a_header(self) -> None:
        """The signed Body as a header block itself."""

        def alter(root: etree._Element) -> None:
            moved = self.other_body(root)
            find(root, "s:Body").attrib.pop(ID)
            find(root, "s:Header").append(moved)

        self.assertRefused(alter)

    def test_body_with_the_same_id(self) -> None:
        """Both with the same Id, before and after each other, of any kind."""
        for name in (ID, "Id", "ID", "{http://www.w3.org/XML/1998/namespace}id"):
            for position in (0, 1):

                def alter(
                    root: etree._Element, name: str = name, position: int = position
                ) -> None:
                    moved = self.other_body(root)
                    other = find(root, "s:Body")
                    other.attrib.pop(ID)
                    other.set(name, "Body")
                    find(root, "s:Header").insert(position, moved)

                self.assertRefused(alter)

    def test_body_in_the_body(self) -> None:
        """The signed Body inside the other."""

        def alter(root: etree._Element) -> None:
            moved = self.other_body(root)
            other = find(root, "s:Body")
            other.attrib.pop(ID)
            find(other, "t:Do").append(moved)

        self.assertRefused(alter)

    def test_body_in_the_signature(self) -> None:
        """The signed Body in an Object of the signature."""

        def alter(root: etree._Element) -> None:
            moved = self.other_body(root)
            find(root, "s:Body").attrib.pop(ID)
            signature = find(root, ".//ds:Signature")
            etree.SubElement(signature, f"{{{DS}}}Object").append(moved)

        self.assertRefused(alter)

    def test_timestamp(self) -> None:
        """The signed Timestamp in a header; a newer one in its place."""

        def alter(root: etree._Element) -> None:
            stamp = find(root, ".//wsu:Timestamp")
            newer = deepcopy(stamp)
            newer.attrib.pop(ID)
            find(newer, "wsu:Created").text = "2027-11-23T08:00:00Z"
            find(root, ".//wsse:Security").replace(stamp, newer)
            find(root, "s:Header").append(stamp)

        self.assertRefused(alter)

    def test_header(self) -> None:
        """A signed header among the Security header's parts; another instead."""

        def alter(root: etree._Element) -> None:
            signed = find(root, f".//{TO}")
            other = deepcopy(signed)
            other.attrib.pop(ID)
            other.text = "somebody else"
            find(root, "s:Header").replace(signed, other)
            find(root, ".//wsse:Security").append(signed)

        self.assertRefused(alter)

    def test_security_of_another_message(self) -> None:
        """A good header over a Body of another message is a wrong signature."""
        other = etree.fromstring(message('<Do xmlns="urn:test"><what>that</what></Do>'))

        def alter(root: etree._Element) -> None:
            root.replace(find(root, "s:Body"), find(other, "s:Body"))

        self.assertRaises(AuthFailure, verified, altered(alter), TO)

    def test_reparsed(self) -> None:
        """Only the tree that was verified counts: a change in it is found."""
        envelope = read(message())
        claim = verified(envelope)
        find(envelope.root, ".//t:what").text = "that"
        self.assertRaises(AuthFailure, check_signature, claim)
        first, *rest = claim.parts
        parts = (first._replace(digest=b""), *rest)
        weaker = evolve(claim, signed_info=claim.signed_info._replace(parts=parts))
        self.assertRaises(AuthFailure, check_signature, weaker)


class NameTests(SynchronousTestCase):
    def test_names(self) -> None:
        """The names are those of the standard."""
        self.assertTrue(SECURITY.endswith("wssecurity-secext-1.0.xsd}Security"))
        self.assertTrue(TIMESTAMP.endswith("wssecurity-utility-1.0.xsd}Timestamp"))
