"""Raw HTTP requests, signed, as doors and signatures are asked them in tests."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
from botocore.auth import SigV2Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from euca_tw.common.asked import Asked
from euca_tw.query.parameters import parse, unique
from euca_tw.query.signed import Signed
from euca_tw.query.signing import Signatures

KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
URL = "http://cloud.example:8773/services/Eucalyptus"

#: Requests of real clients, as they came over the wire; not part of the project.
SAMPLES = Path(__file__).parents[3] / "shared" / "query-samples"

__all__ = [
    "KEY_ID",
    "SAMPLES",
    "SECRET",
    "URL",
    "asked_of",
    "check",
    "form",
    "secret_of",
    "signed_2",
    "signed_4",
    "signed_4_url",
    "signed_of",
    "with_body",
    "with_header",
    "with_target",
]


def secret_of(key_id: str) -> str | None:
    return SECRET if key_id == KEY_ID else None


def form(parameters: dict[str, str]) -> str:
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in parameters.items()
    )


def asked_of(raw: bytes) -> Asked:
    """What the HTTP shell would make of these bytes."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.split(b" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return Asked(
        method.decode(),
        target,
        lambda name: headers.get(name.lower()),
        body,
        "192.0.2.1",
    )


def signed_of(asked: Asked) -> Signed:
    path, _, query = asked.target.partition(b"?")
    in_url = parse(query)
    return Signed(
        asked.method,
        path.decode("latin-1"),
        in_url,
        unique(in_url + parse(asked.body)),
        b"&".join(part for part in (query, asked.body) if part),
        asked.headers,
        asked.body,
    )


def check(asked: Asked, now: float | None = None, **taken: Any) -> str:
    """
    Whose request it is, at a time, which is now if none is said.

    @param taken: of L{Signatures}.
    """
    signatures = Signatures(**{name: frozenset(of) for name, of in taken.items()})
    at = time.time() if now is None else now
    return signatures.verified(signed_of(asked), secret_of, at)


def with_header(asked: Asked, name: str, value: str | None) -> Asked:
    return attrs.evolve(
        asked, headers=lambda n: value if n.lower() == name else asked.headers(n)
    )


def with_body(asked: Asked, **changed: str | None) -> Asked:
    """With other parameters in its body."""
    given = signed_of(asked).parameters | changed
    kept = {name: value for name, value in given.items() if value is not None}
    return attrs.evolve(asked, body=form(kept).encode())


def with_target(asked: Asked, old: str, new: str) -> Asked:
    target = re.sub(old.encode(), new.encode(), asked.target)
    assert target != asked.target
    return attrs.evolve(asked, target=target)


def _asked(request: Any, body: str | None = None) -> Asked:
    prepared = request.prepare()
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    headers.setdefault("host", "cloud.example:8773")
    target = prepared.url.removeprefix("http://cloud.example:8773")
    raw = prepared.body or b""
    if isinstance(raw, str):
        raw = raw.encode()
    if body is not None:
        raw = body.encode()
    return Asked(
        request.method,
        target.encode(),
        lambda name: headers.get(name.lower()),
        raw,
        "192.0.2.1",
    )


def signed_4(
    parameters: dict[str, str],
    url: str = URL,
    key_id: str = KEY_ID,
    secret: str = SECRET,
) -> Asked:
    """By botocore's version 4, in the Authorization header."""
    request = AWSRequest(
        "POST",
        url,
        data=form(parameters),
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    SigV4Auth(Credentials(key_id, secret), "ec2", "home").add_auth(request)
    return _asked(request)


def signed_4_url(
    parameters: dict[str, str],
    expires: int = 60,
    key_id: str = KEY_ID,
    secret: str = SECRET,
) -> Asked:
    """By botocore's version 4, in the URL."""
    request = AWSRequest("GET", f"{URL}?{form(parameters)}")
    credentials = Credentials(key_id, secret)
    SigV4QueryAuth(credentials, "ec2", "home", expires=expires).add_auth(request)
    return _asked(request)


def signed_2(parameters: dict[str, str], method: str = "POST") -> Asked:
    """By botocore's version 2."""
    request = AWSRequest(
        method, URL, **{"data" if method == "POST" else "params": dict(parameters)}
    )
    SigV2Auth(Credentials(KEY_ID, SECRET)).add_auth(request)
    if method == "POST":
        return _asked(request, form(request.data))
    request.url, request.params = f"{URL}?{form(request.params)}", {}
    return _asked(request)
