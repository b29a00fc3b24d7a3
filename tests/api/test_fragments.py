"""What was written of a value is written again while the value lives."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.encode import element, pieces
from euca_tw.api.fragments import Fragments
from euca_tw.api.shapes import Version, shape, shape_of, wire

EARLY, LATE = Version("2006-06-26"), Version("2008-02-01")


@shape("LeafType", kept=True)
class Leaf:
    name: str = wire("name")
    colour: str | None = wire("colour", since="2008-02-01")


@shape("PartType", kept=True)
class Branch:
    name: str = wire("name")
    leaves: tuple[Leaf, ...] = wire("leafSet")


@shape("TreeType")
class Tree:
    branches: tuple[Branch, ...] = wire("branchSet")


class FragmentsTests(SynchronousTestCase):
    """L{Fragments}."""

    def setUp(self) -> None:
        self.fragments = Fragments(most=100)

    def test_get(self) -> None:
        """A text is found by its value and version."""
        leaf = Leaf(name="a")
        self.fragments.keep(leaf, EARLY, "early")
        self.fragments.keep(leaf, LATE, "late")
        self.assertEqual(self.fragments.get(leaf, EARLY), "early")
        self.assertEqual(self.fragments.get(leaf, LATE), "late")

    def test_identity(self) -> None:
        """Another value that equals it has no part in it."""
        leaf = Leaf(name="a")
        self.fragments.keep(leaf, EARLY, "early")
        self.assertIsNone(self.fragments.get(Leaf(name="a"), EARLY))

    def test_gone(self) -> None:
        """With the value go its texts."""
        leaf, other = Leaf(name="a"), Leaf(name="b")
        self.fragments.keep(leaf, EARLY, "early")
        self.fragments.keep(leaf, LATE, "late")
        self.fragments.keep(other, LATE, "other")
        del leaf
        self.assertEqual(self.fragments.length, len("other"))
        self.assertEqual(self.fragments.get(other, LATE), "other")

    def test_bounded(self) -> None:
        """Beyond the bound all that was kept is forgotten."""
        leaves = [Leaf(name=f"{n}") for n in range(3)]
        for n in range(3):
            self.fragments.keep(leaves[n], EARLY, "x" * 40)
        self.assertEqual(self.fragments.length, 40)
        self.assertIsNone(self.fragments.get(leaves[0], EARLY))
        self.assertEqual(self.fragments.get(leaves[2], EARLY), "x" * 40)
        leaves.clear()
        self.assertEqual(self.fragments.length, 0)


class WrittenTests(SynchronousTestCase):
    """What is kept by the encoder."""

    def test_again(self) -> None:
        """What is written the second time is what was written the first."""
        tree = Tree(branches=(Branch(name="b", leaves=(Leaf(name="l"),)),))
        for version in (EARLY, LATE, EARLY, LATE):
            fresh = Tree(branches=(Branch(name="b", leaves=(Leaf(name="l"),)),))
            self.assertEqual(
                element("tree", "urn:x", shape_of(Tree), version, tree),
                element("tree", "urn:x", shape_of(Tree), version, fresh),
            )

    def test_pieces(self) -> None:
        """Long answers, long lists in them too, are the same in pieces."""
        leaves = tuple(Leaf(name=f"l{n}", colour="green") for n in range(99))
        tree = Tree(
            branches=tuple(
                Branch(name=f"b{n}", leaves=leaves if n % 2 else leaves[:9])
                for n in range(20)
            )
        )
        whole = element("tree", "urn:x", shape_of(Tree), LATE, tree).encode()
        for _ in range(2):
            made = pieces("", "tree", "urn:x", shape_of(Tree), LATE, tree, "", 2000)
            self.assertEqual(b"".join(made), whole)

    def test_bounded_steps(self) -> None:
        """A long list is cut into pieces, kept as a whole or not."""
        leaves = tuple(Leaf(name=f"l{n}") for n in range(9000))
        tree = Tree(branches=(Branch(name="b", leaves=leaves),))
        element("tree", "urn:x", shape_of(Tree), LATE, tree)
        made = list(pieces("", "tree", "urn:x", shape_of(Tree), LATE, tree, ""))
        self.assertGreater(len(made), 4)
