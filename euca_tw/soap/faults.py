"""
Faults, in EC2's own form, written and read.

    <soap:Fault>
      <faultcode>aws:Client.InvalidInstanceID.NotFound</faultcode>
      <faultstring>The instance ID 'i-1' does not exist</faultstring>
      <detail><aws:RequestId>…</aws:RequestId></detail>
    </soap:Fault>

The code is Query's code after C{Client.} or C{Server.}, in Amazon's namespace.
"""

from __future__ import annotations

from attrs import frozen
from lxml import etree

from euca_tw.api.encode import text
from euca_tw.api.errors import ApiError
from euca_tw.soap.envelope import SOAP_11, SOAP_12

AWS = "http://webservices.amazon.com/AWSFault/2005-15-09"


def fault(soap: str, error: ApiError, request_id: str) -> str:
    """The Fault element that tells C{error} in that SOAP version."""
    return (_fault_12 if soap == SOAP_12 else _fault_11)(error, request_id)


def _fault_11(error: ApiError, request_id: str) -> str:
    side = "Server" if error.is_servers else "Client"
    return (
        f'<soap:Fault xmlns:soap="{SOAP_11}" xmlns:aws="{AWS}">'
        f"<faultcode>aws:{side}.{text(error.code)}</faultcode>"
        f"<faultstring>{text(error.message)}</faultstring>"
        f"<detail><aws:RequestId>{text(request_id)}</aws:RequestId></detail>"
        "</soap:Fault>"
    )


def _fault_12(error: ApiError, request_id: str) -> str:
    side = "Receiver" if error.is_servers else "Sender"
    return (
        f'<soap:Fault xmlns:soap="{SOAP_12}" xmlns:aws="{AWS}">'
        f"<soap:Code><soap:Value>soap:{side}</soap:Value><soap:Subcode>"
        f"<soap:Value>aws:{text(error.code)}</soap:Value></soap:Subcode></soap:Code>"
        '<soap:Reason><soap:Text xml:lang="en">'
        f"{text(error.message)}</soap:Text></soap:Reason>"
        f"<soap:Detail><aws:RequestId>{text(request_id)}</aws:RequestId></soap:Detail>"
        "</soap:Fault>"
    )


@frozen
class Fault:
    """@ivar code: without prefix, and without C{Client.} or C{Server.}."""

    code: str
    message: str


def read_fault(entry: etree._Element) -> Fault | None:
    """The fault that a Body's entry is; None if it is none."""
    if entry.tag == f"{{{SOAP_11}}}Fault":
        code, message = entry.findtext("faultcode"), entry.findtext("faultstring")
    elif entry.tag == f"{{{SOAP_12}}}Fault":
        names = {"s": SOAP_12}
        code = entry.findtext("s:Code/s:Subcode/s:Value", namespaces=names)
        code = code or entry.findtext("s:Code/s:Value", namespaces=names)
        message = entry.findtext("s:Reason/s:Text", namespaces=names)
    else:
        return None
    name = (code or "").strip().rpartition(":")[2]
    side, _, rest = name.partition(".")
    if side in ("Client", "Server") and rest:
        name = rest
    return Fault(name or "Fault", (message or "").strip())
