"""
What must be so before the SOAP door can work: libraries that fit together, and
a Spyne that can be imported.

Spyne 2.14.0 is its last release, and stands still while Python moves: its
bundled six has an importer of a kind that Python 3.12 asks no more, and it
imports C{cgi}, which Python 3.13 has no more.  Whoever imports Spyne calls
L{mend_spyne} first.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from email.message import Message
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import xmlsec
from attrs import define
from lxml import etree

Version = tuple[int, ...]


@define
class LibrariesDiffer(Exception):
    """The libraries that handle XML cannot pass trees to each other."""

    of_lxml: Version
    of_xmlsec: Version

    def __str__(self) -> str:
        return (
            f"lxml runs on libxml2 {_dotted(self.of_lxml)}, xmlsec on libxml2 "
            f"{_dotted(self.of_xmlsec)}: no signature can be checked safely. "
            "Install the two versions of lxml and xmlsec that setup.py pins."
        )


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def check_libraries(
    of_lxml: Version = etree.LIBXML_VERSION,
    of_xmlsec: Callable[[], Version] = xmlsec.get_libxml_version,
) -> None:
    """
    Called once, before anything is served.

    @raise LibrariesDiffer: lxml and xmlsec carry different versions of
        libxml2, and would crash, or worse, on a common tree.
    """
    if of_lxml != of_xmlsec():
        raise LibrariesDiffer(of_lxml, of_xmlsec())


def mend_spyne(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Make Spyne importable on this Python; does nothing where it is."""
    if version >= (3, 12) and "spyne.util.six" not in sys.modules:
        _load_six()
    if version >= (3, 13) and "cgi" not in sys.modules:
        sys.modules["cgi"] = _cgi()


def _load_six() -> None:
    """Load Spyne's six by its path, and give its importer today's methods."""
    name = "spyne.util.six"
    found = importlib.util.find_spec("spyne")
    assert found is not None and found.origin is not None
    path = Path(found.origin).with_name("util") / "six.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    six = importlib.util.module_from_spec(spec)
    sys.modules[name] = six
    spec.loader.exec_module(six)
    six._SixMetaPathImporter.find_spec = _find_spec
    six._SixMetaPathImporter.create_module = _create_module
    six._SixMetaPathImporter.exec_module = _exec_module


def _find_spec(
    importer: Any, name: str, path: object = None, target: object = None
) -> ModuleSpec | None:
    if name not in importer.known_modules:
        return None
    return importlib.util.spec_from_loader(name, importer)


def _create_module(importer: Any, spec: ModuleSpec) -> Any:
    return importer.load_module(spec.name)


def _exec_module(importer: Any, module: ModuleType) -> None:
    """It was loaded when it was made."""


def _cgi() -> ModuleType:
    """As much of the late module as Spyne asks for."""
    module = ModuleType("cgi")
    module.parse_header = _parse_header  # type: ignore[attr-defined]
    return module


def _parse_header(line: str) -> tuple[str, dict[str, str]]:
    message = Message()
    message["content-type"] = line
    parameters = message.get_params(failobj=[])
    return message.get_content_type(), dict(parameters[1:])
