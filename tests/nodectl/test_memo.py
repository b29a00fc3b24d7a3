"""Tests of L{euca_tw.nodectl.memo}."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.memo import read, written
from tests.fakes.launches import launch

NAME = "i-00000001"


class MemoTests(SynchronousTestCase):
    def test_round(self) -> None:
        """What was written is read."""
        for each in (
            launch(),
            launch(kernel=None, ramdisk=None, user_data=None, public_key="Łódź ]]>"),
        ):
            self.assertEqual(read(written(each), NAME), each)

    def test_stands_in_xml(self) -> None:
        """A memo is one line of ASCII."""
        memo = written(launch(key_name="Łódź\n\x01"))
        self.assertTrue(memo.isascii())
        self.assertTrue(memo.isprintable())

    def test_anothers(self) -> None:
        """A memo in a domain of another name is nothing."""
        self.assertIsNone(read(written(launch(2)), NAME))

    def test_later_version(self) -> None:
        """What a later version adds is passed over; another meaning is nothing."""
        told = json.loads(written(launch()))
        told["launch"]["later"] = [1]
        self.assertEqual(read(json.dumps(told), NAME), launch())
        told["version"] = 2
        self.assertIsNone(read(json.dumps(told), NAME))

    def test_broken(self) -> None:
        """What is not whole is nothing."""
        whole = written(launch())
        for memo in (
            *("", "x", "[]", "{}", "null", "[" * 100_000, whole[:-1]),
            whole.replace('"launch_index":0', '"launch_index":"0"'),
            whole.replace("+00:00", ""),
            whole.replace('"instance_id":"i-00000001",', ""),
        ):
            self.assertIsNone(read(memo, NAME), memo[:40])

    @given(st.text(), st.data())
    def test_no_text_is_an_error(self, text: str, data: st.DataObject) -> None:
        """Whatever it says, it is read or it is nothing."""
        self.assertIsNone(read(text, NAME))
        whole = written(launch())
        at = data.draw(st.integers(0, len(whole) - 1))
        read(whole[:at] + text + whole[at + 1 :], NAME)
