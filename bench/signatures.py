"""
What the signature of a Query request costs to verify.

CPU time in one process, without HTTP; keys are looked up in a store and unsealed,
as in a cloud.  Beside it stand the bare digests that no verifier can do without.

Who guesses must not find out by the time it takes whether there is a key: what is
said of an unknown one is paid as of a wrong signature.
"""

from __future__ import annotations

import statistics
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from hmac import digest
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time, time
from typing import Any

from twisted.internet.task import Clock

from bench.query import KEY_ID, ONE, SECRET, signed_2, signed_4
from bench.soap import asked_by_query
from euca_tw.api.errors import AuthFailure
from euca_tw.clc.callers import StoredAccessKeys
from euca_tw.clc.sealing import Sealing
from euca_tw.model.identifiers import AccountId
from euca_tw.model.records import AccessKey, User
from euca_tw.query.parameters import parse, unique
from euca_tw.query.signed import Signed
from euca_tw.query.signing import Signatures
from euca_tw.store.interfaces import Put
from euca_tw.store.memory import MemoryStore

#: What one may cost at most.
LIMIT_US = 60
ROUNDS, CALLS = 9, 2000
#: As long as the known one, and an action as long as the signed one.
STRANGER, OTHER = b"AKIDSTRANGE", b"DescribeAddresses"


def stored_keys() -> StoredAccessKeys:
    """One user's key."""
    with TemporaryDirectory() as directory:
        sealing = Sealing(Path(directory) / "secrets", Random(1))
        sealed = sealing.seal(KEY_ID, SECRET)
    account, store = AccountId("1" * 12), MemoryStore()
    store.commit(
        Put(User(account_id=account, name="a", created_at=datetime.now(UTC))),
        Put(AccessKey(key_id=KEY_ID, sealed_secret=sealed, account_id=account)),
    )
    return StoredAccessKeys(store, sealing, Clock())


def signed(raw: bytes) -> Signed:
    asked = asked_by_query(raw)
    path, _, query = asked.target.partition(b"?")
    in_url = parse(query)
    return Signed(
        asked.method,
        path.decode(),
        in_url,
        unique(in_url + parse(asked.body)),
        query + asked.body,
        asked.headers,
        asked.body,
    )


def bare_4(body: bytes, text: bytes) -> bytes:
    sha256(body).hexdigest()
    hashed = sha256(text).hexdigest()
    return digest(b"k" * 32, hashed.encode(), "sha256")


def bare_2(text: bytes) -> bytes:
    return b64encode(digest(SECRET.encode(), text, "sha256"))


def works() -> dict[str, Callable[[], Any]]:
    """By version and kind of caller."""
    keys, verifier, now = stored_keys(), Signatures(), time()

    def verify(request: Signed) -> None:
        verifier.verified(request, keys.secret_of, now)

    def refuse(request: Signed) -> None:
        try:
            verify(request)
        except AuthFailure:
            return
        raise AssertionError("it was verified")

    found: dict[str, Callable[[], Any]] = {}
    text = b"x" * 200
    for version, raw in (("v4", signed_4(ONE)), ("v2", signed_2(ONE))):
        right = signed(raw)
        wrong = signed(raw.replace(ONE["Action"].encode(), OTHER))
        unknown = signed(raw.replace(KEY_ID.encode(), STRANGER))
        found[f"{version}, bare digests"] = (
            partial(bare_4, right.body, text)
            if version == "v4"
            else partial(bare_2, text)
        )
        found[f"{version}, right"] = partial(verify, right)
        found[f"{version}, wrong signature"] = partial(refuse, wrong)
        found[f"{version}, unknown key"] = partial(refuse, unknown)
    return found


def main() -> None:
    """Print the table, with what is required."""
    kinds = works()
    costs: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, work in kinds.items():
            begun = process_time()
            for _ in range(CALLS):
                work()
            costs[name].append((process_time() - begun) / CALLS * 1e6)
    cost = {name: statistics.median(each) for name, each in costs.items()}
    print(f"{'verifying a signature':36}{'us':>7}{'ratio':>8}")
    for name, us in cost.items():
        bare = cost[f"{name[:2]}, bare digests"]
        verdict = f"  required: <= {LIMIT_US} us" if name.endswith("right") else ""
        print(f"{name:36}{us:7.2f}{us / bare:8.2f}{verdict}")
    for version in ("v4", "v2"):
        ratio = cost[f"{version}, unknown key"] / cost[f"{version}, wrong signature"]
        print(f"{f'{version}, unknown key to wrong signature':43}{ratio:8.3f}")
    print(f"({ROUNDS} rounds of {CALLS}, interleaved)")


if __name__ == "__main__":
    main()
