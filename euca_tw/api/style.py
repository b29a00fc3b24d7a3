"""
How a service description names what an API does not: ports, messages, parts.

Nothing of it but the soapAction ever goes over the wire; it is what people's
programs, made from a description, call things.
"""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Style:
    """
    Names are patterns with C{{api}} and C{{operation}} in them.

    @ivar names_inputs: the inputs and outputs of operations have names (those
        of their messages), too.
    @ivar is_root_nillable: C{nillable="true"} on the bodies' elements.
    """

    port_type: str
    binding: str
    request_message: str
    request_part: str
    response_message: str
    response_part: str
    soap_action: str
    names_inputs: bool
    is_root_nillable: bool


#: Amazon's own.
AMAZON = Style(
    port_type="{api}PortType",
    binding="{api}Binding",
    request_message="{operation}RequestMsg",
    request_part="{operation}RequestMsgReq",
    response_message="{operation}ResponseMsg",
    response_part="{operation}ResponseMsgResp",
    soap_action="{operation}",
    names_inputs=False,
    is_root_nillable=False,
)

#: That of the original's tiers, which Axis2 chose.
AXIS2 = Style(
    port_type="{api}",
    binding="{api}SoapBinding",
    request_message="{operation}",
    request_part="{operation}",
    response_message="{operation}Response",
    response_part="{operation}Response",
    soap_action="{api}#{operation}",
    names_inputs=True,
    is_root_nillable=True,
)
