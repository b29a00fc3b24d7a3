"""
What a domain carries of its launch, so that a node that has lost its records
can take it on again.

Pure.  A memo stands in domains that may be older or newer than the daemon that
reads it: what it does not know in one is passed over, and what is not whole is
nothing.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from cattrs import Converter
from cattrs.errors import BaseValidationError

from euca_tw.api.cluster import Launch
from euca_tw.model.identifiers import is_identifier

_VERSION = 1


def written(launch: Launch) -> str:
    """A text of ASCII without line breaks."""
    body = _CONVERTER.unstructure(launch)
    return json.dumps({"version": _VERSION, "launch": body}, separators=(",", ":"))


def read(memo: str, instance_id: str) -> Launch | None:
    """
    @param instance_id: whose it must be.
    @return: None if it is not whole, or another's.
    """
    try:
        told = json.loads(memo)
        if told["version"] != _VERSION:
            return None
        launch = _CONVERTER.structure(told["launch"], Launch)
    except (ValueError, TypeError, KeyError, AttributeError, BaseValidationError):
        return None
    except RecursionError:  # a text that is nothing but brackets
        return None
    if launch.instance_id != instance_id or not is_identifier(instance_id, "i"):
        return None
    return launch


def _exactly(scalar: type) -> Any:
    def check(value: Any, _: Any) -> Any:
        if type(value) is not scalar:
            raise TypeError(f"{value!r} is not {scalar.__name__}")
        return value

    return check


def _moment(value: Any, _: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment


def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    for scalar in (str, int, bool):
        converter.register_structure_hook(scalar, _exactly(scalar))
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, _moment)
    return converter


_CONVERTER = _converter()
