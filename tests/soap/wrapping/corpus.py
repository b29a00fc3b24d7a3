"""
From one honest message, all the hostile ones.

Every published family of XML signature wrapping, and what belongs to it: other
certificates, algorithms, transforms, references and documents.  Each message
says for which reason it must be refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from tests.soap.wrapping import (
    bodies,
    documents,
    elliptic,
    entries,
    identifiers,
    ids,
    keys,
    references,
    replays,
    signatures,
    splits,
    timestamps,
    transforms,
)
from tests.soap.wrapping.honest import Honest, Why

_FAMILIES = (
    bodies.attacks,
    timestamps.attacks,
    signatures.attacks,
    ids.attacks,
    splits.attacks,
    references.attacks,
    keys.attacks,
    identifiers.attacks,
    elliptic.attacks,
    transforms.attacks,
    entries.attacks,
    documents.attacks,
    replays.attacks,
)


@frozen(kw_only=True)
class Hostile:
    """
    @ivar why: it must be refused for this reason, and no other.
    @ivar after_s: so long after the honest message was signed it is sent.
    @ivar is_replay: it is sent after the honest message, which was executed.
    """

    name: str
    family: str
    document: bytes
    why: Why
    after_s: float
    is_replay: bool


def corpus(honest: Honest) -> Iterator[Hostile]:
    """The hostile messages that are made of an honest one."""
    for attacks in _FAMILIES:
        for family, attack in attacks():
            yield Hostile(
                name=attack.name,
                family=family,
                document=attack.make(honest),
                why=attack.why,
                after_s=attack.after_s,
                is_replay=attack.is_replay,
            )
