"""Where instances go."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.interfaces import LaunchWish, ZoneRoom
from euca_tw.clc.placement import (
    OrderedPlacement,
    Place,
    Room,
    SteppedPlacement,
    UnsoundPlacement,
    apart,
    by_name,
    emptiest,
    fitting,
    in_turn,
    places_in,
    shortage,
    used,
    zones_by,
)


def room(zone: str, machines: int, addresses: int = 100, taken=()) -> Room:
    free = [n for n in range(addresses) if n not in taken]
    return Room(
        zone=zone, machines=machines, addresses=addresses - len(taken), free=free
    )


def place_by(placement, rooms, wish: LaunchWish) -> tuple[Place, ...]:
    return places_in(rooms, zones_by(placement, rooms, wish))


def place(rooms, count: int) -> tuple[Place, ...]:
    """By the placement that is the default."""
    return place_by(OrderedPlacement(emptiest), rooms, LaunchWish(count=count))


class Saying:
    """A stranger's placement, which says the same whatever it is asked."""

    def __init__(self, *zones: str) -> None:
        self.said = zones

    def zones(self, rooms, wish) -> tuple[str, ...]:
        return self.said


class PlaceTests(SynchronousTestCase):
    def test_one_zone(self) -> None:
        """A launch that fits into one zone stays in it."""
        placed = place([room("a", 3), room("b", 9)], 4)
        self.assertEqual({p.zone for p in placed}, {"b"})
        self.assertEqual([p.network_index for p in placed], [0, 1, 2, 3])

    def test_equals(self) -> None:
        """Of zones with the same room the first by name is taken."""
        self.assertEqual(place([room("b", 2), room("a", 2)], 1), (Place("a", 0),))

    def test_spread(self) -> None:
        """A launch that no zone holds alone is spread over them."""
        placed = place([room("a", 2), room("b", 3)], 5)
        self.assertEqual([p.zone for p in placed], ["b", "b", "b", "a", "a"])

    def test_as_many_as_there_is_room_for(self) -> None:
        """No more are placed than there is room for."""
        self.assertEqual(len(place([room("a", 2), room("b", 1)], 5)), 3)

    def test_taken(self) -> None:
        """A place in the address range that is taken is not given again."""
        placed = place([room("a", 9, taken={0, 2})], 2)
        self.assertEqual([p.network_index for p in placed], [1, 3])

    def test_addresses_bound(self) -> None:
        """A zone takes no more instances than its address range holds."""
        placed = place([room("a", 9, addresses=3, taken={1})], 9)
        self.assertEqual([p.network_index for p in placed], [0, 2])

    def test_range_shrunk(self) -> None:
        """A zone whose range has become too small takes none."""
        self.assertEqual(place([room("a", 9, addresses=1, taken={0, 5})], 1), ())

    def test_nowhere(self) -> None:
        """Without a zone nothing is placed."""
        self.assertEqual(place([], 1), ())

    def test_looks_no_further(self) -> None:
        """Of the free places no more are looked at than are given."""
        looked: list[int] = []

        def free():
            for n in range(10):
                looked.append(n)
                yield n

        place([Room(zone="a", machines=9, addresses=10, free=free())], 2)
        self.assertEqual(looked, [0, 1])

    def test_shared(self) -> None:
        """Zones that share a network's places give each of them once."""
        free = iter([4, 5, 6])
        rooms = [Room(zone=z, machines=2, addresses=3, free=free) for z in "ab"]
        placed = place_by(SteppedPlacement(in_turn), rooms, LaunchWish(count=4))
        self.assertEqual(placed, (Place("a", 4), Place("b", 5), Place("a", 6)))

    def test_unsound(self) -> None:
        """What a placement says is refused if it cannot be."""
        for said in (("a",) * 3, ("x",), ("a", "a", "b", "b")):
            self.assertRaises(
                UnsoundPlacement,
                place_by,
                Saying(*said),
                [room("a", 2), room("b", 9)],
                LaunchWish(count=3),
            )


class ShippedTests(SynchronousTestCase):
    ROOMS = (
        ZoneRoom(zone="a", count=3),
        ZoneRoom(zone="b", count=5, is_used=True),
        ZoneRoom(zone="c", count=4),
    )

    def by(self, placement, count: int, **wish) -> str:
        return "".join(placement.zones(self.ROOMS, LaunchWish(count=count, **wish)))

    def test_greedy(self) -> None:
        """Greedy takes the first by name."""
        self.assertEqual(self.by(OrderedPlacement(by_name), 4), "aaab")

    def test_power_save(self) -> None:
        """Power save begins no empty zone while one that is used has room."""
        self.assertEqual(self.by(OrderedPlacement(used), 6), "bbbbba")

    def test_best_fit(self) -> None:
        """Best fit takes the smallest that takes all, else as few as can be."""
        self.assertEqual(self.by(OrderedPlacement(fitting), 3), "aaa")
        self.assertEqual(self.by(OrderedPlacement(fitting), 4), "cccc")
        self.assertEqual(self.by(OrderedPlacement(fitting), 7), "bbbbbcc")

    def test_round_robin(self) -> None:
        """Round robin goes on where it was."""
        turns = SteppedPlacement(in_turn)
        self.assertEqual(self.by(turns, 4), "abca")
        self.assertEqual(self.by(turns, 4, last="a"), "bcab")
        self.assertEqual(self.by(turns, 12), "abcabcabcbcb")

    def test_apart(self) -> None:
        """Of a group, each goes where there are fewest; of these, most room is."""
        members = {"a": 0, "b": 2, "c": 1}.__getitem__
        self.assertEqual(self.by(SteppedPlacement(apart), 5, members=members), "acabc")


class ShortageTests(SynchronousTestCase):
    def test_says_each_zone(self) -> None:
        """The reason says what room each zone has."""
        told = shortage([room("b", 0), room("a", 5, addresses=1, taken={0, 1})])
        self.assertEqual(
            told,
            "zone a has room for 5 more and 0 free addresses; "
            "zone b has room for 0 more and 100 free addresses",
        )

    def test_no_zone(self) -> None:
        """Without a zone that is the reason."""
        self.assertEqual(shortage([]), "no zone is in reach")
