"""The forms in which a request of signature version 4 tells its time."""

from __future__ import annotations

import re

from euca_tw.api.errors import IncompleteSignature
from euca_tw.query.signed import SHOWN, seconds

_match_long = re.compile("([0-9]{8})T([0-9]{2})([0-9]{2})([0-9]{2})Z").fullmatch
_match_date = re.compile(
    "[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) "
    "([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|[+-]0000)"
).fullmatch
#: Each of three letters.
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def long_seconds(said: str) -> float:
    """
    Since 1970, of a time like C{20261123T080000Z}.

    @raise IncompleteSignature: it is none.
    """
    found = _match_long(said)
    try:
        if found is None:
            raise ValueError(said)
        return seconds(*found.groups())
    except ValueError:
        raise IncompleteSignature(
            f"X-Amz-Date ({said[:SHOWN]}) is not a time like 20261123T080000Z"
        ) from None


def date_header(said: str) -> str:
    """
    The time of a header C{Date}, as C{X-Amz-Date} would have it.  That is what
    is signed.

    @raise IncompleteSignature: it is none.
    """
    if _match_long(said):
        return said
    found = _match_date(said)
    month = -1 if found is None else _MONTHS.find(found[2])
    if found is None or month % 3:
        raise IncompleteSignature(
            f"The header X-Amz-Date is missing, and Date ({said[:SHOWN]}) is not a "
            "time like 'Mon, 23 Nov 2026 08:00:00 GMT'"
        )
    day, _, year, hour, minute, second = found.groups()
    return f"{year}{month // 3 + 1:02}{day}T{hour}{minute}{second}Z"


__all__ = ["date_header", "long_seconds"]
