"""
zeep in its strict mode, loaded from each of Amazon's own WSDLs: does it take
every answer that we can write, and do we take every request that it writes?
"""

from __future__ import annotations

from typing import Any

from lxml import etree
from twisted.trial.unittest import SynchronousTestCase
from zeep import Client
from zeep.exceptions import XMLParseError

from euca_tw.api.ec2.table import EC2
from euca_tw.api.encode import element
from euca_tw.api.shapes import Field, Operation, Shape, Version, shape_of
from euca_tw.soap.decode import decode
from tests.api.ec2.test_answers import values
from tests.wsdl.published import every_date, shared

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
BODY = f"{{{SOAP}}}Body"
API = every_date(EC2)


class Published(SynchronousTestCase):
    """In every date that Amazon published, every operation that it has."""

    def test_answers(self) -> None:
        """
        Every answer, with as little and as much as its date allows, is read by
        zeep as what it is.
        """
        judged = 0
        for version in API.versions:
            binding = client_of(version).service._binding
            for operation in API.at(version):
                shape = shape_of(operation.response)
                for value in values(shape, version):
                    answer = enveloped(element_of(operation, shape, version, value))
                    read = binding.get(operation.name).process_reply(answer)
                    self.assertIsNone(
                        lost(read, shape, version, value), (version, operation.name)
                    )
                    judged += 1
        tell(f"{judged} answers of {len(API.versions)} dates")
        self.assertEqual(judged, 9137)

    def test_strict(self) -> None:
        """It is a strict judge: of an element too many, and of their order."""
        version = Version("2010-08-31")
        operation = EC2.named("DescribeRegions")
        shape = shape_of(operation.response)
        read = client_of(version).service._binding.get(operation.name).process_reply
        answer = element_of(operation, shape, version, next(values(shape, version)))
        read(enveloped(answer))
        for wrong in (
            answer.replace("<regionInfo", "<more/><regionInfo"),
            answer.replace("<requestId>text</requestId>", ""),
        ):
            self.assertNotEqual(wrong, answer)
            self.assertRaises(XMLParseError, read, enveloped(wrong))

    def test_requests(self) -> None:
        """Every request that zeep writes is read as what was to be said."""
        judged = 0
        for version in API.versions:
            client = client_of(version)
            for operation in API.at(version):
                shape = shape_of(operation.request)
                for value in values(shape, version):
                    said = for_zeep(shape, version, value)
                    made = client.create_message(client.service, operation.name, **said)
                    # What is sent is text.
                    again = etree.fromstring(etree.tostring(made))
                    [entry] = again.find(BODY)
                    found = decode(shape, version, entry, API.namespace_of(version))
                    self.assertEqual(found, value, (version, operation.name))
                    judged += 1
        tell(f"{judged} requests of {len(API.versions)} dates")
        self.assertEqual(judged, 10155)


def tell(what: str) -> None:
    """How many there were, beside the test's name."""
    print(f"{what} ", end="", flush=True)


def client_of(version: Version) -> Client:
    return Client(str(shared(f"wsdl/amazon/ec2-{version}.wsdl")))


def element_of(operation: Operation, shape: Shape, version: Version, value: Any) -> str:
    name, namespace = f"{operation.name}Response", API.namespace_of(version)
    return element(name, namespace, shape, version, value)


def enveloped(body: str) -> etree._Element:
    return etree.fromstring(
        f'<e:Envelope xmlns:e="{SOAP}"><e:Body>{body}</e:Body></e:Envelope>'
    )


# --- our values as zeep takes them ------------------------------------------


def for_zeep(shape: Shape, version: Version, value: Any) -> dict[str, Any]:
    """Members by their wire names; those of a choice are among the others."""
    made: dict[str, Any] = {a.name: a.fixed for a in shape.attributes}
    for f in shape.elements(version):
        got = getattr(value, f.python)
        if got is not None and (got != () or f.is_required_in(version)):
            made[f.wire] = _one_for_zeep(f, version, got)
    return made


def _one_for_zeep(f: Field, version: Version, got: Any) -> Any:
    if not f.many:
        if f.is_scalar:
            return got
        # It says an empty element by a list of one, and leaves out a lone one.
        return for_zeep(shape_of(f.of), version, got) or [{}]
    items = [
        (each if f.leaf is None else {f.leaf: each})
        if f.is_scalar
        else for_zeep(shape_of(f.of), version, each)
        for each in got
    ]
    return {"item": items}


# --- what zeep read, against our values -------------------------------------


def lost(read: Any, shape: Shape, version: Version, value: Any) -> str | None:
    """
    The first member that zeep has not read as it was; None: it has them all.

    A value that has a single member is unwrapped by zeep where it is a whole
    answer.
    """
    fields = list(shape.elements(version))
    if len(fields) == 1 and not hasattr(read, fields[0].wire):
        return _one_lost(fields[0], version, read, getattr(value, fields[0].python))
    for f in fields:
        got = getattr(value, f.python)
        there = getattr(read, f.wire, None)
        if got is None or got == ():
            if there is not None and not f.is_required_in(version):
                return f"{f.wire}: {there}"
        elif told := _one_lost(f, version, there, got):
            return told
    return None


def _one_lost(f: Field, version: Version, there: Any, got: Any) -> str | None:
    if not f.many:
        if f.is_scalar:
            return None if there == got else f"{f.wire}: {there!r} for {got!r}"
        if there is None:  # what is empty is nothing to it
            return f.wire if for_zeep(shape_of(f.of), version, got) else None
        return lost(there, shape_of(f.of), version, got)
    items = there if isinstance(there, list) else there.item if there else []
    if len(items) != len(got):
        return f"{f.wire}: {len(items)} for {len(got)}"
    for item, each in zip(items, got, strict=True):
        if f.is_scalar:
            text = item if f.leaf is None else getattr(item, f.leaf, item)
            if text != each:
                return f"{f.wire}: {text!r} for {each!r}"
        elif told := lost(item, shape_of(f.of), version, each):
            return told
    return None
