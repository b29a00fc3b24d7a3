"""Tests for L{euca_tw.soap.compat}."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.soap import compat
from euca_tw.soap.compat import LibrariesDiffer, check_libraries


class LibraryTests(SynchronousTestCase):
    def test_ours_agree(self) -> None:
        """The libraries that are pinned carry one libxml2."""
        check_libraries()

    def test_differing(self) -> None:
        """Others do not pass, and are told with both versions."""
        refused = self.assertRaises(
            LibrariesDiffer, check_libraries, (2, 14, 6), lambda: (2, 13, 0)
        )
        self.assertIn("libxml2 2.14.6", str(refused))
        self.assertIn("libxml2 2.13.0", str(refused))


class SpyneTests(SynchronousTestCase):
    def test_nothing_to_mend(self) -> None:
        """On a Python that has all that Spyne asks for, nothing is changed."""
        before = dict(sys.modules)
        compat.mend_spyne((3, 11))
        self.assertEqual(set(sys.modules), set(before))

    def test_header(self) -> None:
        """The stand-in for cgi reads a header's parameters."""
        self.assertEqual(
            compat._parse_header('Text/XML; charset="utf-8"; action=x'),
            ("text/xml", {"charset": "utf-8", "action": "x"}),
        )
        self.assertEqual(compat._parse_header("")[1], {})

    def test_in_process(self) -> None:
        """What is put in place finds what six has, and nothing else."""
        path, six, cgi = (
            sys.meta_path[:],
            sys.modules.pop("spyne.util.six"),
            sys.modules.pop("cgi", None),
        )
        try:
            compat.mend_spyne((3, 13))
            self.assertEqual(sys.modules["cgi"].parse_header("a/b"), ("a/b", {}))
            self.assertIsNone(importlib.util.find_spec("spyne.util.six.moves.none"))
            name = "spyne.util.six.moves.reprlib"
            spec = importlib.util.find_spec(name)
            assert spec is not None and spec.loader is not None
            module = spec.loader.create_module(spec)
            assert module is not None
            spec.loader.exec_module(module)
            self.assertTrue(module.repr)
        finally:
            sys.meta_path[:] = path
            sys.modules["spyne.util.six"] = six
            del sys.modules["cgi"]
            if cgi is not None:
                sys.modules["cgi"] = cgi

    def test_mended(self) -> None:
        """With what later Pythons lack taken away, Spyne is still imported."""
        # Python 3.12 asks an importer for find_spec, and only that.
        program = """
from euca_tw.soap.compat import mend_spyne
mend_spyne((3, 13))
mend_spyne((3, 13))
import cgi, sys
six = sys.modules["spyne.util.six"]
del six._SixMetaPathImporter.find_module
import spyne.protocol.soap
from spyne.util.six.moves.urllib.parse import unquote
assert not hasattr(cgi, "__file__")
print(unquote("%41"), cgi.parse_header("a/b; c=d"))
"""
        made = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.assertEqual(made.stdout, "A ('a/b', {'c': 'd'})\n")
