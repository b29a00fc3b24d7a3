"""
From UTF-8 to a tree, hardened: nothing is fetched, expanded or resolved.
"""

# Note [Names]
#
# lxml keeps every name that it has ever parsed, in one dictionary for each
# thread, to the end of the thread.  A stranger who sends a mebibyte of new names
# costs a mebibyte for ever; after a hundred of them libxml2 finds the dictionary
# full, and that thread parses nothing any more.
# A parser brings a dictionary of its own, which lxml takes for the thread's if it
# finds none.  So after so many bytes the thread's is forgotten, and the first to
# parse is a new parser.  Trees that were made before hold what they need; that
# dictionaries differ, lxml knows from trees of other threads.

from __future__ import annotations

import ctypes
from typing import Any, cast

from lxml import etree

from euca_tw.api.errors import MalformedRequest

#: After so many bytes a thread's names are forgotten.
FORGET_BYTES = 4 << 20
#: No error repeats more of what the parser says, which repeats names.
_TOLD = 200

_OF_LXML = "_ParserDictionaryContext"

_thread_state = ctypes.pythonapi.PyThreadState_GetDict
_thread_state.restype = ctypes.c_void_p
_thread_state.argtypes = ()


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=False,
        remove_pis=False,
        strip_cdata=True,
    )


def _forget_names() -> None:
    """See Note [Names]."""
    pointer = _thread_state()
    if pointer:
        # Borrowed, which C{restype} could not say.
        state = cast("dict[Any, Any]", ctypes.cast(pointer, ctypes.py_object).value)
        state.pop(_OF_LXML, None)


class Parser:
    """For one thread alone: it knows the errors of its last document."""

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        _forget_names()
        self._parser = _parser()
        etree.fromstring(b"<a/>", self._parser)
        self._left = FORGET_BYTES

    def parse(self, document: bytes) -> etree._Element:
        """
        @param document: in UTF-8, whatever it says itself.
        @raise MalformedRequest: it is not well-formed, or has a document type.
        """
        if self._left < 0:
            self._renew()
        self._left -= len(document)
        try:
            root = etree.fromstring(document, self._parser)
        except etree.XMLSyntaxError as e:
            raise _ill_formed(e.msg) from None
        # A prefix that is not declared is an error that libxml2 recovers from, and
        # lxml overlooks if a warning comes after it.
        for entry in self._parser.error_log:
            if entry.level >= etree.ErrorLevels.ERROR:
                raise _ill_formed(entry.message)
        if root.getroottree().docinfo.internalDTD is not None:
            raise MalformedRequest("A document type definition is not taken")
        return root


def _ill_formed(message: str | None) -> MalformedRequest:
    said = " ".join((message or "").split())
    return MalformedRequest(f"It is not well-formed XML: {said[:_TOLD]}")


__all__ = ["FORGET_BYTES", "Parser"]
