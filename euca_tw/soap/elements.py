"""
The elements of a WS-Security header: their names, and how they are read strictly.

What is not of the form that is asked for is refused; nothing is searched for, and
nothing is skipped but comments and white space between elements.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence

from lxml import etree

from euca_tw.api.errors import InvalidSecurity

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = _OASIS + "wssecurity-secext-1.0.xsd"
WSU = _OASIS + "wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
BASE64 = _OASIS + "soap-message-security-1.0#Base64Binary"
_X509 = _OASIS + "x509-token-profile-1.0#"
X509_V3 = _X509 + "X509v3"
X509_SKI = _X509 + "X509SubjectKeyIdentifier"
THUMBPRINT_SHA1 = (
    "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
)

SECURITY = f"{{{WSSE}}}Security"
TIMESTAMP = f"{{{WSU}}}Timestamp"
TOKEN = f"{{{WSSE}}}BinarySecurityToken"
ID = f"{{{WSU}}}Id"

#: Nothing that is read here has more in it, comments and all.
_MOST = 100
#: What an honest message has in texts, and in base64, is shorter: certificates
#: have some kilobytes, names and times less.
_LONGEST_TEXT = 8192
_LONGEST_BASE64 = 65536
#: No error repeats more of the sender's.
TOLD = 100


def named(*names: str) -> list[str]:
    """Those of XML signatures."""
    return [f"{{{DS}}}{name}" for name in names]


def local_name(element: etree._Element) -> str:
    return etree.QName(element).localname


def only(found: Sequence[etree._Element], what: str) -> etree._Element:
    if len(found) != 1:
        raise InvalidSecurity(f"There must be exactly one {what}")
    return found[0]


def check_few(element: etree._Element) -> None:
    """@raise InvalidSecurity: it has more in it than anything needs."""
    if len(element) > _MOST:
        raise InvalidSecurity(f"{local_name(element)} has more than {_MOST} parts")


def children(element: etree._Element) -> list[etree._Element]:
    """The elements in it."""
    check_few(element)
    return [child for child in element if isinstance(child.tag, str)]


def parts(element: etree._Element, names: list[str]) -> list[etree._Element]:
    """The children, which must be those, in that order."""
    check_few(element)
    found = list(element)
    if [child.tag for child in found] == names:
        return found
    found = children(element)
    if [child.tag for child in found] != names:
        needed = ", ".join(etree.QName(name).localname for name in names)
        raise InvalidSecurity(f"{local_name(element)} must have {needed}")
    return found


def text_of(element: etree._Element) -> str:
    """
    Its text, and it has nothing else: a comment, which is not signed, would
    cut it short for who reads C{element.text}.
    """
    if len(element):
        raise InvalidSecurity(f"{local_name(element)} must have text only")
    text = element.text or ""
    if len(text) > _LONGEST_TEXT:
        raise _too_long(local_name(element), _LONGEST_TEXT)
    return text


def _too_long(name: str, longest: int) -> InvalidSecurity:
    return InvalidSecurity(f"{name} has more than {longest} characters")


def decoded(element: etree._Element) -> bytes:
    """
    What is there in base64.  What is none of its characters is skipped: what
    comes out is only ever compared, byte for byte.
    """
    return decoded_text(element.text or "", lambda: local_name(element))


def decoded_text(text: str | bytes, name: Callable[[], str]) -> bytes:
    """@param name: of the element that it is in, for a refusal."""
    if len(text) > _LONGEST_BASE64:
        raise _too_long(name(), _LONGEST_BASE64)
    try:
        found = a2b_base64(text)
    except ValueError:
        found = b""
    if not found:
        raise InvalidSecurity(f"{name()} is not base64")
    return found


def resolve(uri: str | None, ids: Mapping[str, etree._Element]) -> etree._Element:
    """What a reference within the message leads to."""
    element = ids.get(uri[1:]) if uri is not None and uri[:1] == "#" else None
    if element is None:
        raise InvalidSecurity("A reference leads to no Id of this message")
    return element
