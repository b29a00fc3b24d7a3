"""
Whose request is it?  Signatures of Query requests, versions 2 and 4.

Pure: the raw request and the time go in, the access key's id comes out, or a
refusal.  Every version is an HMAC over a canonical text of the request; what
that text is made of follows what clients really sign, not only the book.
"""

from __future__ import annotations

from euca_tw.api.errors import IncompleteSignature, MissingAuthenticationToken
from euca_tw.query import signing2, signing4
from euca_tw.query.signed import SecretOf, Signed

#: The versions that are taken unless somebody says otherwise.
VERSIONS = frozenset({"2", "4"})

#: What belongs to signatures, not to the operation.
PARAMETERS = frozenset(
    {
        "AWSAccessKeyId",
        "Expires",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureVersion",
        "Timestamp",
        "X-Amz-Algorithm",
        "X-Amz-Content-SHA256",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
    }
)


def verified(
    signed: Signed,
    secret_of: SecretOf,
    now: float,
    versions: frozenset[str] = VERSIONS,
) -> str:
    """
    The id of the access key that the request is signed with.

    @param now: seconds since 1970.
    @raise MissingAuthenticationToken: it is not signed.
    @raise IncompleteSignature: its signature is not of a form that we take.
    @raise InvalidParameterValue: the signature's own parameters are wrong.
    @raise InvalidParameterCombination: likewise.
    @raise RequestExpired: too old, or from the future.
    @raise AuthFailure: nobody (active) has that key.
    @raise SignatureDoesNotMatch: it is signed with another secret, or is not
        what was signed.
    """
    given = signed.parameters
    authorization = signed.headers("authorization")
    if authorization is not None:
        claim = signing4.claim_of_header(signed, authorization)
    elif "X-Amz-Signature" in given or "X-Amz-Algorithm" in given:
        claim = signing4.claim_of_url(signed)
    elif "Signature" in given:
        return signing2.verify(signed, secret_of, now, versions)
    else:
        raise MissingAuthenticationToken
    if "4" not in versions:
        raise IncompleteSignature("Signature version 4 is not taken here")
    return signing4.verify(signed, claim, secret_of, now)


__all__ = ["PARAMETERS", "VERSIONS", "verified"]
