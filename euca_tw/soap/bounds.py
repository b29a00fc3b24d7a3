"""
How much a document may have of what costs more than its bytes.

A parser makes of an element of four bytes a node of two hundred; canonical XML
repeats a namespace at every element that uses it, and looks, at every element, at
all those in scope and what is between; attributes are sorted one into the other;
ids must be found.  All of that is bounded here, by numbers that no honest message
comes near: first in the text, before the parser makes anything of it, then in the
tree.

What takes time by the square of something is not looked for in documents of less
than L{SMALL} bytes, for there it takes none to speak of; but namespaces are, which
take it by the cube.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from attrs import frozen
from lxml import etree

from euca_tw.api.errors import MalformedRequest
from euca_tw.soap.elements import WSU


@frozen(kw_only=True)
class Bounds:
    """
    What grows with the size of an honest message.

    @ivar marks: how many C{<} there may be: of tags, comments, instructions.
    @ivar equals: how many C{=}: of attributes and namespace declarations.
    @ivar namespace_work: how many C{<}, times the square of how many namespaces
        are in scope at one place: what canonicalization takes its time by.
    """

    marks: int = 100_000
    equals: int = 100_000
    namespace_work: int = 20_000_000


#: A mebibyte of instance ids has 75,000 marks.  With ten namespaces in scope, as
#: messages have, the work allows of twice as many.
OF_REQUESTS = Bounds()
#: A cluster's full report has hundreds of thousands of elements.
OF_ANSWERS = Bounds(marks=4_000_000, equals=400_000, namespace_work=400_000_000)

SMALL = 6144
#: Of elements in each other: EC2's have twelve.
DEPTH = 64
#: On one element: sorting more is felt.
ATTRIBUTES = 256
#: In all; what is signed has some six.
IDS = 256
#: Header blocks: the tiers' messages have five.
BLOCKS = 64
#: The longest of the standards' have 85 characters.
NAMESPACE_LENGTH = 256

#: So much of a document is looked through in one go: meanwhile all else waits.
STEP = 1 << 18
_XMLNS = b"xmlns"
#: C{<a>} is the shortest of marks, and the next comes after it.
_SHORTEST = 3
#: How much of C{namespace_work} takes as long as one byte of an ordinary message,
#: and how many bytes one of its marks has, at least.
_WORK_PER_BYTE = 20
_BYTES_PER_MARK = 8

#: A type that is hidden behind more than that the parser finds.
_PROLOG = 65536
_begins_with_type = re.compile(
    rb"(?><\?xml\s.*?\?>)?(?>\s+|<!--.*?-->|<\?.*?\?>)*+<!DOCTYPE", re.DOTALL
).match

#: A namespace declaration that is too long, or odd enough not to tell.
_is_too_long = re.compile(
    rb"""xmlns
    (?: :[^\s=]{101}
      | (?: :[^\s=]{0,100}+ )?+
        (?: \s{33}
          | \s{0,32}+ = (?: \s{33} | \s{0,32}+ (?: "[^"]{257} | '[^']{257} ) ) ) )""",
    re.VERBOSE,
).match


class Weight(NamedTuple):
    """What was found in the text; the tree is judged by it."""

    size: int
    marks: int
    equals: int
    declarations: int

    @property
    def is_small(self) -> bool:
        return self.size <= SMALL


def check_text(document: bytes, bounds: Bounds = OF_REQUESTS) -> Weight:
    """
    @param document: in UTF-8.
    @raise MalformedRequest: it has a document type definition, or too much.
    """
    if _begins_with_type(document, 0, _PROLOG):
        raise MalformedRequest("A document type definition is not taken")
    size = len(document)
    if size <= SMALL:
        return Weight(size, size // _SHORTEST, 0, document.count(_XMLNS))
    marks = _counted(document, b"<", bounds.marks, "tags")
    equals = _counted(document, b"=", bounds.equals, "attributes")
    _counted(document, b"xml:id", IDS, "ids")
    return Weight(size, marks, equals, _declarations(document))


def _counted(document: bytes, what: bytes, most: int, name: str) -> int:
    found = 0
    for start in range(0, len(document), STEP):
        found += document.count(what, start, start + STEP + len(what) - 1)
        if found > most:
            raise MalformedRequest(f"It has more than {most} {name}")
    return found


def _declarations(document: bytes) -> int:
    """How many namespaces are declared; perhaps less, for they may be text."""
    found = start = 0
    while start < len(document):
        place = document.find(_XMLNS, start, start + STEP)
        if place < 0:
            start += STEP - len(_XMLNS) + 1
            continue
        if _is_too_long(document, place):
            raise MalformedRequest(
                f"The name of a namespace has more than {NAMESPACE_LENGTH} characters"
            )
        found += 1
        start = place + len(_XMLNS)
    return found


class TreeCheck:
    """
    What is looked for in trees.  Not to be shared between threads: one would wait
    for the other.
    """

    def __init__(self) -> None:
        self._is_deep = etree.XPath(f"boolean({'/*' * (DEPTH + 1)})")
        self._is_wide = etree.XPath(f"boolean(//*[@*[{ATTRIBUTES + 1}]])")
        self._find_ids = etree.XPath(
            f"(//*/@wsu:Id | //*/@Id | //*/@ID | //*/@xml:id)[position() <= {IDS + 1}]",
            namespaces={"wsu": WSU},
        )

    def check(
        self, root: etree._Element, weight: Weight, bounds: Bounds = OF_REQUESTS
    ) -> int:
        """
        How many bytes an ordinary message has that takes as long to verify.

        @raise MalformedRequest: it has too much.
        """
        if not weight.is_small:
            if self._is_deep(root):
                raise MalformedRequest(f"It has elements more than {DEPTH} deep")
            if weight.equals > ATTRIBUTES and self._is_wide(root):
                raise MalformedRequest(
                    f"An element has more than {ATTRIBUTES} attributes"
                )
        work = _work(weight, weight.declarations)
        if work > bounds.namespace_work:
            work = _work(weight, _in_scope(root, weight, bounds))
        marked = 0 if weight.is_small else weight.marks * _BYTES_PER_MARK
        return max(weight.size, marked, work // _WORK_PER_BYTE)

    def ids(self, root: etree._Element) -> list[tuple[str, etree._Element]]:
        """
        Every id there is, of whatever kind, and whose it is.

        @raise MalformedRequest: there are too many.
        """
        found: list[etree._ElementUnicodeResult] = self._find_ids(root)
        if len(found) > IDS:
            raise MalformedRequest(f"It has more than {IDS} ids")
        ids = [(str(value), value.getparent()) for value in found]
        return [(value, owner) for value, owner in ids if owner is not None]


def _work(weight: Weight, in_scope: int) -> int:
    return weight.marks * in_scope * in_scope


def _in_scope(root: etree._Element, weight: Weight, bounds: Bounds) -> int:
    """
    How many namespaces are declared at one place and around it, at most.

    @raise MalformedRequest: too many for so large a message.
    """
    most = now = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        now += 1 if event == "start-ns" else -1
        if now > most:
            most = now
            if _work(weight, most) > bounds.namespace_work:
                raise MalformedRequest("It has too many namespaces for its size")
    return most


__all__ = [
    "ATTRIBUTES",
    "BLOCKS",
    "DEPTH",
    "IDS",
    "NAMESPACE_LENGTH",
    "OF_ANSWERS",
    "OF_REQUESTS",
    "SMALL",
    "STEP",
    "Bounds",
    "TreeCheck",
    "Weight",
    "check_text",
]
