"""
Which access key a request says it is signed with.

Nothing of it is believed, or even well-formed: it is only for those who keep count
of who tries what, before a signature is worth a look.
"""

from __future__ import annotations

from euca_tw.query.signed import Signed

#: No identifier of a key is longer.
_LONGEST = 128


def claimed_key(signed: Signed) -> str:
    """Its identifier, or what stands in its place; C{""} if there is nothing."""
    authorization = signed.headers("authorization")
    if authorization is not None:
        scope = authorization.partition("Credential=")[2]
    else:
        given = signed.parameters
        scope = given.get("X-Amz-Credential") or given.get("AWSAccessKeyId", "")
    return scope.partition("/")[0][:_LONGEST]


__all__ = ["claimed_key"]
