"""
Requests signed by boto 2 itself, which was EC2's own client for Python.

It is of Python 2, and imports on no Python after 3.11.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import cmp_to_key
from types import SimpleNamespace
from typing import Any
from unittest import SkipTest

from euca_tw.common.asked import Asked
from tests.query.requests import KEY_ID, SECRET

HOST, PORT, PATH = "cloud.example", 8773, "/services/Eucalyptus/"


def boto() -> Any:
    """
    Its modules C{auth} and C{connection}.

    @raise SkipTest: it cannot be imported here.
    """
    if sys.version_info >= (3, 12):
        raise SkipTest("boto 2 can be imported by Python 3.11 at the latest")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from boto import auth, connection
    return SimpleNamespace(auth=auth, connection=connection)


class OldKeys(list[str]):
    """As Python 2 had them, which sorted by comparing."""

    def sort(self, *, cmp: Callable[[str, str], int]) -> None:  # type: ignore[override]
        super().sort(key=cmp_to_key(cmp))


class OldDict(dict[str, str]):
    def keys(self) -> OldKeys:  # type: ignore[override]
        return OldKeys(super().keys())


def signed_by_boto(
    version: str, parameters: dict[str, str], method: str = "POST", host: str = ""
) -> Asked:
    """
    @param host: that is sent; C{""}: what boto would send.
    """
    modules = boto()
    auth = modules.auth
    # What Python 2 had built in, and boto's version 0 has need of.
    auth.cmp = lambda a, b: (a > b) - (a < b)
    given = (OldDict if version == "0" else dict)(parameters)
    request = modules.connection.HTTPRequest(
        method, "http", HOST, PORT, PATH, PATH, given, {}, ""
    )
    provider = SimpleNamespace(
        access_key=KEY_ID, secret_key=SECRET, security_token=None
    )
    handler = {
        "0": auth.QuerySignatureV0AuthHandler,
        "1": auth.QuerySignatureV1AuthHandler,
        "2": auth.QuerySignatureV2AuthHandler,
        "4": auth.HmacAuthV4Handler,
    }[version]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        handler(HOST, None, provider).add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers["host"] = host or f"{HOST}:{PORT}"
    body = request.body
    return Asked(
        method,
        request.path.encode(),
        lambda name: headers.get(name.lower()),
        body if isinstance(body, bytes) else body.encode(),
    )
