"""Who has what, of which each can have one owner only."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

#: A kind of thing, and which.
Thing = tuple[str, str]


@define(eq=False)
class Ownership:
    """Things of which each is one's alone, and who has them."""

    _owners: dict[Thing, set[str]] = field(factory=dict, init=False)
    _taken: list[Thing] = field(factory=list, init=False)

    def take(self, thing: Thing, owner: str) -> None:
        """It is another's, or his too."""
        self._owners.setdefault(thing, set()).add(owner)
        self._taken.append(thing)

    def leave(self, thing: Thing, owner: str) -> None:
        """It is his no more."""
        owners = self._owners.get(thing)
        if owners is not None:
            owners.discard(owner)
            if not owners:
                del self._owners[thing]

    def conflicts(self) -> Iterator[str]:
        """Of what was taken since this was last asked."""
        taken, self._taken = self._taken, []
        for kind, name in taken:
            owners = self._owners.get((kind, name), ())
            if len(owners) > 1:
                yield f"{kind} {name} is owned by {' and '.join(sorted(owners))}"
