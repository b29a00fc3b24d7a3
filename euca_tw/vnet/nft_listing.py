"""
What C{nft -j -n list table} says of a table of ours.

Pure.  Read an element at a time, so that in a thread it lets others run: the
standard reader of a listing of megabytes would not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from attrs import frozen

from euca_tw.vnet.filter_records import Element, Filters, Set
from euca_tw.vnet.filter_text import DECLARED, is_version

_ELEMENTS = '"elem": ['
_DECODER = json.JSONDecoder()
#: Of an object: how much of what is before its elements is looked at.
_HEAD = 400


class Unreadable(ValueError):
    """It is no listing, or there is in it what is not ours."""


@frozen(kw_only=True)
class Found:
    """
    A table, as listed.

    @ivar version: the name of the chain that tells it; empty: there is none.
    """

    version: str
    filters: Filters


def parse(listing: bytes) -> Found:
    """@raise Unreadable:"""
    text = listing.decode("utf-8", "replace")
    sets: dict[Set, frozenset[Element]] = {}
    frame: list[str] = []
    at = 0
    try:
        while (start := text.find(_ELEMENTS, at)) >= 0:
            frame.append(text[at : start + len(_ELEMENTS)])
            which = _set_before(text, start)
            written = _of_cards if DECLARED[which].has_names else _element
            elements, at = _array(text, start + len(_ELEMENTS), written)
            sets[which] = elements
        frame.append(text[at:])
        # What is left is a listing of empty sets.
        objects = json.loads("".join(frame))["nftables"]
        chains = [each["chain"]["name"] for each in objects if "chain" in each]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Unreadable(f"nft's listing cannot be read: {error!r}") from None
    version = next((chain for chain in chains if is_version(chain)), "")
    return Found(version=version, filters=sets)


def _set_before(text: str, start: int) -> Set:
    name = '"name": "'
    before = text[max(0, start - _HEAD) : start]
    at = before.rindex(name) + len(name)
    return Set(before[at : before.index('"', at)])


def _array(
    text: str, at: int, written: Callable[[Any], Element]
) -> tuple[frozenset[Element], int]:
    """The elements of an array, and where its bracket closes."""
    elements: list[Element] = []
    while True:
        value, at = _DECODER.raw_decode(text, at)
        elements.append(written(value))
        if text[at] == "]":
            return frozenset(elements), at
        at += len(", ")


def _element(value: Any) -> Element:
    """As it was written."""
    if isinstance(value, list):
        key, of_key = value
        return f"{_key(key)} : {_part(of_key)}"
    return _key(value)


def _of_cards(value: Any) -> Element:
    """Names of interfaces are written in quotes, and listed without."""
    name, _, rest = _element(value).partition(" ")
    return f'"{name}" {rest}'


def _key(value: Any) -> str:
    if isinstance(value, dict) and "concat" in value:
        return " . ".join(map(_part, value["concat"]))
    return _part(value)


def _part(value: Any) -> str:
    if isinstance(value, dict):
        if "prefix" in value:
            return f"{value['prefix']['addr']}/{value['prefix']['len']}"
        return "{}-{}".format(*value["range"])
    return str(value)
