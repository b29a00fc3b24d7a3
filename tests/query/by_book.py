"""
Requests signed by the book, each part of what is signed as the test wants it:
also other than what is sent.
"""

from __future__ import annotations

import time
from base64 import b64encode
from hashlib import sha256
from hmac import digest
from urllib.parse import quote

from euca_tw.common.asked import Asked
from tests.query.requests import KEY_ID, SECRET

HOST = "cloud.example:8773"
PATH = "/services/Eucalyptus"
QUERY = "Action=DescribeInstances&Version=2016-11-15"
STAMP = "%Y%m%dT%H%M%SZ"


def _asked(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes = b""
) -> Asked:
    target = f"{path}?{query}" if query else path
    return Asked(method, target.encode("latin-1"), headers.get, body)


def signed_2(
    *,
    pairs: dict[str, str],
    sent: str,
    host: str = HOST,
    path: str = PATH,
    signed_host: str | None = None,
    signed_path: str | None = None,
    method: str = "GET",
    signed_method: str = "GET",
) -> Asked:
    """
    @param pairs: what is signed besides the signature's own parameters.
    @param sent: the same, as it stands in the URL.
    """
    own = {
        "AWSAccessKeyId": KEY_ID,
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    query = _query(pairs | own)
    text = "\n".join(
        (signed_method, (signed_host or host).lower(), signed_path or path, query)
    )
    signature = b64encode(digest(SECRET.encode(), text.encode(), "sha256")).decode()
    rest = _query(own | {"Signature": signature})
    return _asked(method, path, f"{sent}&{rest}", {"host": host})


def signed_4(
    *,
    query: str = QUERY,
    signed_query: str | None = None,
    host: str = HOST,
    path: str = PATH,
    signed_host: str | None = None,
    signed_path: str | None = None,
    method: str = "POST",
    body: bytes = b"",
    body_hash: str | None = None,
    headers: dict[str, str] | None = None,
    signed_headers: dict[str, str] | None = None,
    date: dict[str, str] | None = None,
    names: str | None = None,
    key_id: str = KEY_ID,
    secret: str = SECRET,
) -> Asked:
    """
    In the header.

    @param query: as it is sent, and signed if nothing else is said.
    @param headers: further ones, which are signed as they are sent, but for
        those in C{signed_headers}.
    @param date: the header with the time.
    @param names: of the signed headers; else all of them.
    """
    stamp = time.strftime(STAMP, time.gmtime())
    sent = {"host": host} | (date or {"x-amz-date": stamp}) | (headers or {})
    signed = sent | {"host": signed_host or host} | (signed_headers or {})
    joined = names or ";".join(sorted(signed))
    if signed_query is None:
        signed_query = "&".join(sorted(query.split("&")))
    canonical = "\n".join(
        (
            method,
            signed_path or path,
            "&".join(sorted(query.split("&")))
            if signed_query is None
            else signed_query,
            "".join(f"{name}:{signed.get(name, '')}\n" for name in joined.split(";")),
            joined,
            body_hash or sha256(body).hexdigest(),
        )
    )
    scope = f"{stamp[:8]}/home/ec2/aws4_request"
    hashed = sha256(canonical.encode("latin-1")).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = digest(key, part.encode(), "sha256")
    sent["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={joined}, "
        f"Signature={digest(key, text.encode(), 'sha256').hex()}"
    )
    return _asked(method, path, query, sent, body)


def _query(pairs: dict[str, str]) -> str:
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(pairs.items())
    )


__all__ = ["HOST", "PATH", "QUERY", "STAMP", "signed_2", "signed_4"]
