"""Tests of L{euca_tw.store.entry_text}."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import CLOUD_RECORDS
from euca_tw.store.codec import Codec, Row, Unknown
from euca_tw.store.database import Gone
from euca_tw.store.entry_text import escaped, net_of, read_text, unescaped

CODEC = Codec.of(CLOUD_RECORDS)

ROWS = st.lists(
    st.one_of(
        st.builds(
            Row, st.just("Kind"), st.sampled_from("abcd"), st.just(1), st.text("xyz")
        ),
        st.builds(Gone, st.just("Kind"), st.sampled_from("abcd")),
    )
)


class NetTests(SynchronousTestCase):
    @given(ROWS, ROWS)
    def test_net(self, before: list[Row | Gone], rows: list[Row | Gone]) -> None:
        """Made all at once they come to the same, in the same order."""

        def singly(found: dict[str, Row], changes: list[Row | Gone]) -> None:
            for each in changes:
                if isinstance(each, Row):
                    found[each.key] = each
                else:
                    found.pop(each.key, None)

        one: dict[str, Row] = {}
        singly(one, before)
        other = dict(one)
        singly(one, rows)
        net = net_of(rows)
        self.assertEqual(len({row.key for row in net.kept}), len(net.kept))
        singly(other, [*net.gone, *net.kept])
        self.assertEqual([*one.items()], [*other.items()])


class KeyTests(SynchronousTestCase):
    @given(st.text(st.sampled_from("\\\x000aä")))
    def test_escaped(self, key: str) -> None:
        """A key is found again, and has no zeros on its way."""
        self.assertNotIn("\0", escaped(key))
        self.assertEqual(unescaped(escaped(key)), key)


class UnknownTests(SynchronousTestCase):
    def test_unknown(self) -> None:
        """What is no entry of this version is refused as such."""
        for text in (
            *("", "{}", "[]", "[2]", '["1"]', '[1,"x"]', '[1,["KeyPair"]]'),
            '[1,["Newer","a",{},1,"{}"]]',
            '[1,["Newer","a",{}]]',
            '[1,["KeyPair","a",{},99,"{}"]]',
            '[1,["KeyPair","a",{},1,"{}"]]',
            '[1,["KeyPair","a",{},1,"{}",2]]',
        ):
            self.assertRaises(Unknown, read_text, text, CODEC)
