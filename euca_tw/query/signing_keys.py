"""
The signing keys of version 4: how they are derived, and those that are kept.

To derive one takes longer than all the rest of a verification, and a client
uses the same all day.  So that of each access key's last signature is kept,
with what its header said: only of a signature that was right, and one for each
access key, so that nobody can push out another's by making up keys or scopes.
"""

from __future__ import annotations

from hmac import digest

from attrs import define, field, frozen

#: So many access keys are remembered; who was longest is forgotten first.
MOST = 1024


@frozen
class Scope:
    """
    What a client says of its signature that is the same for many requests.

    @ivar joined: the names of the signed headers, joined by C{;}.
    @ivar text: as it is signed.
    """

    key_id: str
    date: str
    region: str
    service: str
    joined: str
    text: str
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, key_id: str, date: str, region: str, service: str, joined: str
    ) -> Scope:
        text = f"{date}/{region}/{service}/aws4_request"
        return cls(key_id, date, region, service, joined, text, (*joined.split(";"),))


@frozen(eq=False)
class Remembered:
    """
    @ivar secret: that the key was derived from; another makes it useless.
    """

    scope: Scope
    secret: bytes = field(repr=False)
    key: bytes = field(repr=False)


def signing_key(secret: bytes, scope: Scope) -> bytes:
    """Good for a day."""
    key = b"AWS4" + secret
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = digest(key, part.encode(), "sha256")
    return key


@define(eq=False)
class SigningKeys:
    """What is remembered of signatures that were right, by what they began with."""

    _kept: dict[str, Remembered] = field(factory=dict, init=False, repr=False)
    _begun: dict[str, str] = field(factory=dict, init=False, repr=False)

    def find(self, begun: str) -> Remembered | None:
        return self._kept.get(begun)

    def keep(self, begun: str, remembered: Remembered) -> None:
        """In place of what there was of the same access key."""
        key_id = remembered.scope.key_id
        old = self._begun.pop(key_id, None)
        if old is None and len(self._begun) >= MOST:
            old = self._begun.pop(next(iter(self._begun)))
        if old is not None:
            del self._kept[old]
        self._begun[key_id] = begun
        self._kept[begun] = remembered


__all__ = ["MOST", "Remembered", "Scope", "SigningKeys", "signing_key"]
