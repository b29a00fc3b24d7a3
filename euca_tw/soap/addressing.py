"""
WS-Addressing, as the tiers use it.

The original's messages carry C{wsa:To} (the path of the service), C{wsa:Action}
(C{EucalyptusCC#RunInstances}) and C{wsa:MessageID}; its replies are bound to
nothing.  Ours name in C{wsa:RelatesTo} the message that they answer.

And since the path is the same for every cluster, and every cluster knows the
cloud's certificate, a message for one could be sent on to another.  So our
messages have one more header, C{Recipient}: the fingerprint of the certificate
of whom they are for.
"""

from __future__ import annotations

from urllib.parse import urlsplit

WSA = "http://www.w3.org/2005/08/addressing"
TO = f"{{{WSA}}}To"
ACTION = f"{{{WSA}}}Action"
MESSAGE_ID = f"{{{WSA}}}MessageID"
RELATES_TO = f"{{{WSA}}}RelatesTo"
RECIPIENT = "{urn:euca-tw:tiers}Recipient"

#: What a request between tiers must have, signed, and what a reply.
OF_REQUEST = (TO, ACTION, MESSAGE_ID, RECIPIENT)
OF_REPLY = (ACTION, RELATES_TO)


def action(service: str, name: str) -> str:
    """Of the message C{name} to or from that service."""
    return f"{service}#{name}"


def path_of(address: str) -> str:
    """
    The path of an address, which may be a path alone.

    @raise ValueError: it is no address.
    """
    return urlsplit(address).path
