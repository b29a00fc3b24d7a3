"""
Whose request is it?  Signatures of Query requests, versions 0, 1, 2 and 4.

The raw request and the time go in, the access key's id comes out, or a
refusal.  Every version is an HMAC over a canonical text of the request; what
that text is made of follows what clients really sign, not only the book.
"""

from __future__ import annotations

from attrs import define, field

from euca_tw.api.errors import AuthFailure, MissingAuthenticationToken
from euca_tw.query import signing2, signing4
from euca_tw.query.signed import SHOWN, SecretOf, Signed
from euca_tw.query.signing_keys import Scope, SigningKeys

#: The versions that are taken unless somebody says otherwise.
VERSIONS = frozenset({"2", "4"})
#: Those that there are.
ALL_VERSIONS = VERSIONS | {"0", "1"}

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


@define(eq=False, kw_only=True)
class Signatures:
    """
    Verifies signatures, and remembers the keys of those that were right.

    @ivar versions: those that are taken.
    @ivar regions, services: that the scope of version 4 may name; none: any.
    """

    versions: frozenset[str] = VERSIONS
    regions: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    _keys: SigningKeys = field(factory=SigningKeys, init=False)

    def verified(self, signed: Signed, secret_of: SecretOf, now: float) -> str:
        """
        The id of the access key that the request is signed with.

        @param now: seconds since 1970.
        @raise MissingAuthenticationToken: it is not signed.
        @raise IncompleteSignature: its signature is not of a form that we take.
        @raise InvalidParameterValue: the signature's own parameters are wrong.
        @raise InvalidParameterCombination: likewise.
        @raise RequestTimeTooSkewed: it is too old, or from the future.
        @raise RequestExpired: it said itself until when it was good.
        @raise AuthFailure: nobody (active) has that key, or it is signed with
            another secret, or is not what was signed: which, is not told.  Or
            its scope, or a session token, is of another cloud.
        """
        given = signed.parameters
        authorization = signed.headers("authorization")
        if authorization is not None:
            claim = signing4.claim_of_header(signed, authorization, self._keys)
        elif "X-Amz-Signature" in given or "X-Amz-Algorithm" in given:
            claim = signing4.claim_of_url(signed)
        elif "Signature" in given:
            _refuse_token(signed)
            return signing2.verify(signed, secret_of, now, self.versions)
        else:
            raise MissingAuthenticationToken
        if "4" not in self.versions:
            raise signing2.not_taken("4", self.versions)
        _refuse_token(signed)
        self._check_scope(claim.scope)
        return signing4.verify(signed, claim, secret_of, now, self._keys)

    def _check_scope(self, scope: Scope) -> None:
        if self.regions and scope.region not in self.regions:
            raise _other_scope("region", scope.region, self.regions)
        if self.services and scope.service not in self.services:
            raise _other_scope("service", scope.service, self.services)


def _other_scope(kind: str, said: str, taken: frozenset[str]) -> AuthFailure:
    return AuthFailure(
        f"The credential is scoped to the {kind} '{said[:SHOWN]}', but this cloud "
        f"takes {' or '.join(sorted(taken))} alone. Set the {kind} of your client."
    )


def _refuse_token(signed: Signed) -> None:
    """
    This cloud issues none; whoever sends one has credentials of another.  But
    Net::Amazon::EC2 always sends one, mostly empty.
    """
    given = signed.parameters
    if (
        given.get("X-Amz-Security-Token")
        or given.get("SecurityToken")
        or signed.headers("x-amz-security-token")
    ):
        raise AuthFailure(
            "The request has a session token, but this cloud issues none: sign with "
            "an access key and its secret alone (and unset AWS_SESSION_TOKEN)."
        )


__all__ = ["ALL_VERSIONS", "PARAMETERS", "VERSIONS", "Signatures"]
