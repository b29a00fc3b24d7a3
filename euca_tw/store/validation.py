"""
Whether a commit may be made after others that its maker did not know of: backward
validation, as in Kung and Robinson's optimistic concurrency control (1981).

Each change touches its key; the values of the indexed fields that the record had
before and has now, so everything that is found or summed up by them; and all of its
class.  Who has read anything of that decided on what is no longer so.

Values are compared as text, which is the same in every process.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from attrs import Factory, define, frozen

from euca_tw.store.codec import Codec
from euca_tw.store.reads import Read, Reads
from euca_tw.store.tables import Step, indexes_of, values_of


@frozen
class Touch:
    """
    What one change touched.

    @ivar found: by indexed field, the values by which the record was found before
        or is now; of the fields that its writer knew.
    """

    kind: str
    key: str
    found: Mapping[str, Collection[str]]


def touch_of(step: Step, codec: Codec) -> Touch:
    """What that touches."""
    found: dict[str, list[str]] = {}
    for name in indexes_of(step.kind):
        values: set[object] = set()
        for record in (step.before, step.after):
            if record is not None:
                values.update(values_of(name, record))
        found[name] = [*map(codec.text_of, values)]
    return Touch(codec.name_of(step.kind), step.key, found)


@define(eq=False)
class Touched:
    """Everything that some changes have touched."""

    _codec: Codec
    _keys: dict[str, set[str]] = Factory(dict)
    _found: dict[str, dict[str, set[str]]] = Factory(dict)

    def add(self, touches: Iterable[Touch]) -> None:
        """These have been made as well."""
        for touch in touches:
            keys = self._keys.get(touch.kind)
            if keys is None:
                keys = self._keys[touch.kind] = set()
                self._found[touch.kind] = {name: set() for name in touch.found}
            keys.add(touch.key)
            found = self._found[touch.kind]
            # By a field that one writer did not know, anything may be found.
            for name in found.keys() - touch.found.keys():
                del found[name]
            for name, values in touch.found.items():
                if name in found:
                    found[name].update(values)

    def has_any_of(self, reads: Reads) -> bool:
        """Whether something of that is not any more as it was read."""
        if not self._keys:
            return False
        return any(self._has(read) for read in reads)

    def _has(self, read: Read) -> bool:
        kind = read[0].__name__
        keys = self._keys.get(kind)
        if keys is None:
            return False
        match read:
            case (_, key):
                return key in keys
            case (_, field, value):
                values = self._found[kind].get(field)
                return values is None or self._codec.text_of(value) in values
            case _:
                return True


class _Proposed(Protocol):
    @property
    def steps(self) -> Collection[Step]: ...

    @property
    def reads(self) -> Reads: ...


def touches_of(proposed: _Proposed, codec: Codec) -> tuple[Touch, ...]:
    """What it would touch."""
    return tuple(touch_of(step, codec) for step in proposed.steps)


def refusals(
    touched: Touched, proposals: Iterable[_Proposed], codec: Codec
) -> frozenset[int]:
    """
    Which of them, by number, cannot be made.  One that was decided on with what
    another had made that cannot be, cannot be either.

    @param touched: what happened before; what those that are refused would have
        touched is added.
    """
    refused = set()
    for number, proposal in enumerate(proposals):
        if touched.has_any_of(proposal.reads):
            refused.add(number)
            touched.add(touches_of(proposal, codec))
    return frozenset(refused)


__all__: list[Any] = ["Touch", "Touched", "refusals", "touch_of", "touches_of"]
