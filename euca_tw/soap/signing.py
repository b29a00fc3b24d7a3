"""
Signing SOAP messages, as EC2's tools and the tiers do.

Done by xmlsec; L{euca_tw.soap.wsse} checks it by other means.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import xmlsec
from attrs import frozen
from lxml import etree

from euca_tw.api.encode import moment
from euca_tw.soap.keys import Identity
from euca_tw.soap.wsse import BASE64, ID, SECURITY, TIMESTAMP, TOKEN, WSSE, WSU, X509_V3


@frozen(kw_only=True)
class Suite:
    """The algorithms of a signature."""

    signing: Any
    digesting: Any


SHA1 = Suite(
    signing=xmlsec.constants.TransformRsaSha1,
    digesting=xmlsec.constants.TransformSha1,
)
SHA256 = Suite(
    signing=xmlsec.constants.TransformRsaSha256,
    digesting=xmlsec.constants.TransformSha256,
)


def signed(
    soap: str,
    headers: Sequence[tuple[str, str]],
    entry: str,
    identity: Identity,
    now: datetime,
    *,
    lifetime_s: float = 300,
    suite: Suite = SHA256,
) -> bytes:
    """
    The envelope around C{entry} (the text of one element), with its Body,
    Timestamp and all C{headers} (names and texts) signed.

    Takes a millisecond and more, most of it RSA's.
    """
    envelope = etree.Element(
        f"{{{soap}}}Envelope", nsmap={"soap": soap, "wsse": WSSE, "wsu": WSU}
    )
    header = etree.SubElement(envelope, f"{{{soap}}}Header")
    parts = []
    for number, (tag, text) in enumerate(headers):
        part = etree.SubElement(header, tag, {ID: f"Header-{number}"})
        part.text = text
        parts.append(part)
    security = etree.SubElement(header, SECURITY, {f"{{{soap}}}mustUnderstand": "1"})
    stamp = etree.SubElement(security, TIMESTAMP, {ID: "Timestamp"})
    end = now + timedelta(seconds=lifetime_s)
    etree.SubElement(stamp, f"{{{WSU}}}Created").text = moment(now)
    etree.SubElement(stamp, f"{{{WSU}}}Expires").text = moment(end)
    token = etree.SubElement(
        security,
        TOKEN,
        {"ValueType": X509_V3, "EncodingType": BASE64, ID: "Token"},
    )
    token.text = identity.token
    body = etree.SubElement(envelope, f"{{{soap}}}Body", {ID: "Body"})
    body.append(etree.fromstring(entry.encode()))
    _sign(security, [stamp, *parts, body], identity, suite)
    return etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)


def _sign(
    security: etree._Element,
    parts: Sequence[etree._Element],
    identity: Identity,
    suite: Suite,
) -> None:
    template = xmlsec.template
    signature = template.create(
        security, xmlsec.constants.TransformExclC14N, suite.signing, ns="ds"
    )
    security.append(signature)
    context = xmlsec.SignatureContext()
    context.key = identity.key
    for part in parts:
        reference = template.add_reference(
            signature, suite.digesting, uri=f"#{part.get(ID)}"
        )
        template.add_transform(reference, xmlsec.constants.TransformExclC14N)
        context.register_id(part, "Id", WSU)
    holder = etree.SubElement(
        template.ensure_key_info(signature), f"{{{WSSE}}}SecurityTokenReference"
    )
    etree.SubElement(
        holder, f"{{{WSSE}}}Reference", {"URI": "#Token", "ValueType": X509_V3}
    )
    context.sign(signature)
