"""
Messages that are meant to cost, of any size: for tests, and to be measured.

Each is an honest signed message in which something was replaced, so that as much
of it is looked at as an outsider can have looked at: the signature is good, the
Body is not what was signed.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache

from attrs import frozen
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from euca_tw.soap.elements import DS
from euca_tw.soap.signed_info import EXCLUSIVE
from tests.soap.messages import find, message
from tests.soap.wrapping.naive import canonical, private_key

ENTRY = (
    '<DescribeInstances xmlns="http://ec2.amazonaws.com/doc/2008-02-01/">'
    "<instancesSet>{}</instancesSet></DescribeInstances>"
)


@frozen
class Frame:
    """The honest message, in pieces."""

    before: str
    header: str
    after: str

    def filled(
        self,
        inner: str = "",
        *,
        attributes: str = "",
        header: str = "",
        prolog: str = "",
        outer: str = "",
    ) -> bytes:
        """
        @param inner: in the entry's list.
        @param attributes: of the Envelope.
        @param header: more blocks.
        @param prolog: before the Envelope.
        @param outer: after the Body.
        """
        before = self.before.replace(
            "<soap:Envelope ", f"{prolog}<soap:Envelope {attributes} ", 1
        )
        after = self.after.replace("{}", inner).replace(
            "</soap:Envelope>", f"{outer}</soap:Envelope>"
        )
        return f"{before}{self.header}{header}{after}".encode()

    def altered(self, old: str, new: str) -> bytes:
        """With that, which is there once, replaced."""
        text = self.filled().decode()
        assert text.count(old) == 1, old
        return text.replace(old, new).encode()


@cache
def frame(algorithm: str = EXCLUSIVE, prefixes: str = "") -> Frame:
    """@param algorithm: by which the parts are canonicalized."""
    root = etree.fromstring(message(ENTRY.format("{}"), headers=()))
    for each in root.iter(f"{{{DS}}}Transform"):
        each.set("Algorithm", algorithm)
        if prefixes:
            kept = etree.SubElement(each, f"{{{EXCLUSIVE}}}InclusiveNamespaces")
            kept.set("PrefixList", prefixes)
    # First comes what costs: what is wrong is found at once.
    info = find(root, ".//ds:SignedInfo")
    info.insert(2, find(info, "ds:Reference[@URI='#Body']"))
    value = private_key("alice").sign(
        canonical(info), padding.PKCS1v15(), hashes.SHA256()
    )
    find(root, ".//ds:SignatureValue").text = b64encode(value).decode()
    text = etree.tostring(root).decode()
    before, _, rest = text.partition("</soap:Header>")
    start, opened, security = before.partition("<soap:Header>")
    return Frame(start + opened, security, f"</soap:Header>{rest}")


def times(text: str, size: int) -> str:
    """So often that it is of that size."""
    return text * (size // len(text.encode()))


def declarations(count: int, uri: str = "u:") -> str:
    return " ".join(f'xmlns:p{n}="{uri}{n}"' for n in range(count))
