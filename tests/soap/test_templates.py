"""Tests for L{euca_tw.soap.templates}, and for who remembers them."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from threading import Thread

from attrs import evolve
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import ApiError
from euca_tw.soap import wsse
from euca_tw.soap.algorithms import ALL, Algorithms
from euca_tw.soap.elements import DS
from euca_tw.soap.envelope import Envelope, read
from euca_tw.soap.signed_info import SignedInfo, read_signed_info
from euca_tw.soap.templates import LONGEST, MOST, Templates, cut
from tests.soap.identities import pair
from tests.soap.messages import Alter, find, message

PLAIN = (
    b'<i><Reference URI="#a"><DigestValue>AA==</DigestValue></Reference>'
    b'<Reference URI="#b"><DigestValue>BB==</DigestValue></Reference></i>'
)


class CutTests(SynchronousTestCase):
    def test_cut(self) -> None:
        """What differs from message to message is cut out, in its order."""
        found = cut(PLAIN)
        self.assertEqual(found.uris, [b"#a", b"#b"])
        self.assertEqual(found.digests, [b"AA==", b"BB=="])

    def test_template(self) -> None:
        """What is left tells any other difference."""
        same = PLAIN.replace(b"#a", b"#c").replace(b"BB==", b"")
        self.assertEqual(cut(same).template, cut(PLAIN).template)
        for old, new in (
            (b' URI="#a"', b""),
            (b"<DigestValue>AA==</DigestValue>", b""),
            (b"<DigestValue>AA==</DigestValue>", b"AA=="),
            (b'<Reference URI="#b">', b'<Reference URI="#b"> '),
            (b"<i>", b'<i URI="#z">'),
            (b"<i>", b'<i> URI="#z"'),
            (b"<i>", b"<i>DigestValue>AA=="),
        ):
            self.assertNotEqual(
                cut(PLAIN.replace(old, new)).template, cut(PLAIN).template, new
            )

    def test_no_matter_how(self) -> None:
        """What looks like many digests, and is none, is looked at once."""
        for each in (b"DigestValue>", b' URI="', b"DigestValue></", b"DigestValue>x<"):
            document = b'<i x="' + each * 100_000 + b'"></i>'
            self.assertLess(len(cut(document).template), len(document) + 1)

    def test_too_long(self) -> None:
        """What is longer than any client's is not kept."""
        templates = Templates()
        for length in (LONGEST, LONGEST + 1):
            templates.remember(b"x" * length, length)
        self.assertEqual(templates.meaning(b"x" * LONGEST), LONGEST)
        self.assertIsNone(templates.meaning(b"x" * (LONGEST + 1)))

    def test_threads(self) -> None:
        """Several threads may learn at once."""
        templates = Templates()

        def learn(first: int) -> None:
            for number in range(first, first + 3 * MOST):
                templates.remember(b"%d" % number, number)

        threads = [Thread(target=learn, args=(n * 1000,)) for n in range(4)]
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(before)
        self.assertEqual(len(templates._meanings), MOST)

    def test_remembered(self) -> None:
        """So many are remembered; then the oldest goes."""
        templates = Templates()
        for number in range(MOST + 1):
            templates.remember(b"%d" % number, number)
        self.assertIsNone(templates.meaning(b"0"))
        for number in range(1, MOST + 1):
            self.assertEqual(templates.meaning(b"%d" % number), number)


def new_algorithms() -> Algorithms:
    """All of them, with nothing worked out yet."""
    return evolve(ALL, templates=Templates())


def read_of(envelope: Envelope, algorithms: Algorithms) -> SignedInfo:
    assert envelope.header is not None
    security = find(envelope.root, ".//wsse:Security")
    return read_signed_info(
        envelope,
        security,
        find(security, "ds:Signature/ds:SignedInfo"),
        wsse.ids_of(envelope),
        algorithms,
    )


def told(envelope: Envelope, algorithms: Algorithms) -> object:
    """What a SignedInfo was found to say, in comparable words."""
    try:
        found = read_of(envelope, algorithms)
    except ApiError as refusal:
        return str(refusal)
    covered = [(part.element, part.how, part.digest) for part in found.parts]
    return found.canonical, found.method, covered


@cache
def _honest() -> bytes:
    return message()


def envelope_of(*alterations: Alter) -> Envelope:
    root = etree.fromstring(_honest())
    for alter in alterations:
        alter(root)
    return read(etree.tostring(root))


def resigned(root: etree._Element) -> bytes:
    """Signed again as it stands, by a signer who signs anything."""
    key = load_pem_private_key(pair("alice").key_pem, None)
    info = find(root, ".//ds:SignedInfo")
    canonical = etree.tostring(info, method="c14n", exclusive=True)
    value = key.sign(canonical, padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr,call-arg,arg-type]
    find(root, ".//ds:SignatureValue").text = b64encode(value).decode()
    return etree.tostring(root)


def on_info(change: Callable[[etree._Element], object]) -> Alter:
    return lambda root: change(find(root, ".//ds:SignedInfo"))


def _text_before_references(info: etree._Element) -> None:
    info[1].tail = ' URI="#Body"'


def _digest_text(info: etree._Element) -> None:
    info[1].tail = "DigestValue>AAAA"


def _attribute(info: etree._Element) -> None:
    info[0].set("URI", "#Body")


def _foreign_attribute(info: etree._Element) -> None:
    find(info, "ds:Reference").set("{urn:x}URI", "#Body")


def _instruction(info: etree._Element) -> None:
    info.insert(2, etree.ProcessingInstruction("x", 'y URI="#Body"'))


def _comment(info: etree._Element) -> None:
    find(info, ".//ds:DigestValue").append(etree.Comment("x"))


def _escape(info: etree._Element) -> None:
    find(info, "ds:Reference").set("URI", "#&Body")


def _swapped(info: etree._Element) -> None:
    found = info.findall(f"{{{DS}}}Reference")
    first, second = found[0], found[-1]
    uri = first.get("URI", "")
    first.set("URI", second.get("URI", ""))
    second.set("URI", uri)


def _lost(info: etree._Element) -> None:
    if len(info) > 3:
        info.remove(info[-1])


def _enveloped(info: etree._Element) -> None:
    transforms = find(info, "ds:Reference/ds:Transforms")
    made = etree.Element(f"{{{DS}}}Transform", Algorithm=DS + "enveloped-signature")
    transforms.insert(0, made)


def _no_uri(info: etree._Element) -> None:
    find(info, "ds:Reference").attrib.pop("URI", None)


def _no_digest(info: etree._Element) -> None:
    find(info, ".//ds:DigestValue").text = None


def _spaced_digest(info: etree._Element) -> None:
    value = find(info, ".//ds:DigestValue")
    value.text = f"\n {value.text}\r\n"


def _quotes_in_last_digest(info: etree._Element) -> None:
    value = info[-1].find(f"{{{DS}}}DigestValue")
    if value is not None:
        value.text = f'{value.text} URI="#Body"'


def _more(info: etree._Element) -> None:
    made = etree.SubElement(info, f"{{{DS}}}Reference", URI="#Body")
    etree.SubElement(made, f"{{{DS}}}DigestValue").text = "AAAA"


ALTERATIONS = [
    on_info(each)
    for each in (
        _text_before_references,
        _digest_text,
        _attribute,
        _foreign_attribute,
        _instruction,
        _comment,
        _escape,
        _swapped,
        _lost,
        _enveloped,
        _no_uri,
        _no_digest,
        _spaced_digest,
        _quotes_in_last_digest,
        _more,
    )
]


class MeaningTests(SynchronousTestCase):
    """What is remembered says what the elements say."""

    def test_known(self) -> None:
        """Once a known key has signed one, others are read from their bytes."""
        algorithms = new_algorithms()
        first = read_of(envelope_of(), algorithms)
        self.assertIsNotNone(first.template)
        self.assertIsNotNone(read_of(envelope_of(), algorithms).template)
        first.remember()
        second = read_of(envelope_of(), algorithms)
        self.assertIsNone(second.template)
        self.assertEqual(second.method, first.method)
        self.assertEqual(
            [part.digest for part in second.parts],
            [part.digest for part in first.parts],
        )

    def test_only_known_keys_teach(self) -> None:
        """What is not signed by a known key is not remembered."""
        envelope = envelope_of(lambda root: resigned(root))
        forged = envelope_of(on_info(_enveloped))
        for each, expected in ((forged, False), (envelope, True)):
            algorithms = new_algorithms()
            info = read_of(each, algorithms)
            assert info.template is not None
            claim = evolve(wsse.read_claim(each), signed_info=info)
            try:
                wsse.check_signature(claim)
            except ApiError:
                self.assertFalse(expected)
            known = algorithms.templates.meaning(info.template)
            self.assertEqual(known is not None, expected)

    def test_no_template(self) -> None:
        """What only looks like a reference is not taken for one."""
        for each in (
            _text_before_references,
            _digest_text,
            _attribute,
            _quotes_in_last_digest,
        ):
            found = read_of(envelope_of(on_info(each)), new_algorithms())
            self.assertIsNone(found.template, each)

    @given(
        st.lists(st.sampled_from(ALTERATIONS), max_size=3),
        st.lists(st.sampled_from(ALTERATIONS), max_size=3),
        st.booleans(),
    )
    def test_alike(self, before: list[Alter], after: list[Alter], same: bool) -> None:
        """
        Whatever a known key has signed before, the next message is read as if it
        were the first.
        """
        algorithms = new_algorithms()
        for alterations in ([], before):
            try:
                read_of(envelope_of(*alterations), algorithms).remember()
            except ApiError:
                continue
        envelope = envelope_of(*(before if same else ()), *after)
        self.assertEqual(told(envelope, algorithms), told(envelope, new_algorithms()))

    @given(st.binary(max_size=40), st.text("#abBody&\"'<> ", max_size=8))
    def test_any_pieces(self, digest: bytes, uri: str) -> None:
        """Whatever stands in the pieces, it is read as by the elements."""

        def alter(info: etree._Element) -> None:
            find(info, "ds:Reference").set("URI", uri)
            find(info, ".//ds:DigestValue").text = b64encode(digest).decode() + uri

        algorithms = new_algorithms()
        read_of(envelope_of(), algorithms).remember()
        envelope = envelope_of(on_info(alter))
        self.assertEqual(told(envelope, algorithms), told(envelope, new_algorithms()))
