"""
Service descriptions (WSDL 1.1) and schemas, as served.

Written from the declaration each time: some 40 ms, for the newest.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree
from lxml.builder import ElementMaker

from euca_tw.api.shapes import Api, Operation, Version
from euca_tw.wsdl.schema import bodies, schema_element

WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
OVER_HTTP = "http://schemas.xmlsoap.org/soap/http"

_wsdl = ElementMaker(namespace=WSDL)
_soap = ElementMaker(namespace=SOAP)


def schema(api: Api, version: Version) -> bytes:
    """The XML Schema of that version."""
    return _written(schema_element(api, version))


def wsdl(api: Api, version: Version, url: str) -> bytes:
    """The description of that version, of a service at C{url}."""
    namespace = api.namespace_of(version)
    definitions = etree.Element(
        f"{{{WSDL}}}definitions",
        {"name": api.name, "targetNamespace": namespace},
        nsmap={None: WSDL, "soap": SOAP, "tns": namespace},
    )
    operations = tuple(api.at(version))
    definitions.append(_wsdl.types(schema_element(api, version)))
    for operation in operations:
        definitions.extend(_messages(api, operation))
    definitions.extend(
        [
            _port_type(api, operations),
            _binding(api, version, operations),
            _service(api, url),
        ]
    )
    return _written(definitions)


def _written(element: etree._Element) -> bytes:
    etree.indent(element)
    return etree.tostring(element, xml_declaration=True, encoding="UTF-8")


def _named(pattern: str, api: Api, operation: str = "") -> str:
    return pattern.format(api=api.name, operation=operation)


def _messages(api: Api, operation: Operation) -> Iterator[etree._Element]:
    style = api.style
    (request, _), (response, _) = bodies(operation)
    for element, message, part in (
        (request, style.request_message, style.request_part),
        (response, style.response_message, style.response_part),
    ):
        yield _wsdl.message(
            _wsdl.part(
                name=_named(part, api, operation.name), element=f"tns:{element}"
            ),
            name=_named(message, api, operation.name),
        )


def _port_type(api: Api, operations: tuple[Operation, ...]) -> etree._Element:
    made = _wsdl.portType(name=_named(api.style.port_type, api))
    for operation in operations:
        ends = _ends(api, operation)
        for end, message in zip(ends, _message_names(api, operation), strict=True):
            end.set("message", f"tns:{message}")
        made.append(_wsdl.operation(*ends, name=operation.name))
    return made


def _binding(
    api: Api, version: Version, operations: tuple[Operation, ...]
) -> etree._Element:
    made = _wsdl.binding(
        _soap.binding(style="document", transport=OVER_HTTP),
        name=_named(api.style.binding, api),
        type=f"tns:{_named(api.style.port_type, api)}",
    )
    for operation in operations:
        action = _named(api.style.soap_action, api, operation.soap_action_in(version))
        ends = _ends(api, operation)
        for end in ends:
            end.append(_soap.body(use="literal"))
        made.append(
            _wsdl.operation(
                _soap.operation(soapAction=action, style="document"),
                *ends,
                name=operation.name,
            )
        )
    return made


def _ends(api: Api, operation: Operation) -> tuple[etree._Element, etree._Element]:
    """The input and the output of an operation."""
    ends = (_wsdl.input(), _wsdl.output())
    if api.style.names_inputs:
        for end, message in zip(ends, _message_names(api, operation), strict=True):
            end.set("name", message)
    return ends


def _message_names(api: Api, operation: Operation) -> tuple[str, str]:
    return (
        _named(api.style.request_message, api, operation.name),
        _named(api.style.response_message, api, operation.name),
    )


def _service(api: Api, url: str) -> etree._Element:
    return _wsdl.service(
        _wsdl.port(
            _soap.address(location=url),
            name=f"{api.name}Port",
            binding=f"tns:{_named(api.style.binding, api)}",
        ),
        name=api.name,
    )
