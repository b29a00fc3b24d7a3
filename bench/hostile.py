"""
What hostile messages cost, at the default limit of a request's size and at one that
an operator may set, against the bare parse of an honest document of that size.

Each is sent to the real door in a process of its own: by SOAP, in a message whose
signature is good and whose Body is not what was signed, so that as much of it is
looked at as an outsider can have looked at; by Query, signed well.  Counted is CPU
time; what the door does by itself is on the reactor's thread, and what it gives
away is not.  Memory is what the process grew by at most, libxml2's included.

    python -m bench.hostile [NAME…]
"""

from __future__ import annotations

import gc
import os
import pickle
import resource
import sys
from collections.abc import Callable
from time import process_time, time
from typing import Any

from attrs import define, field, frozen
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from lxml import etree
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from bench.query import KEY_ID, SECRET
from bench.soap import Users, asked_by_soap, dispatch
from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.common.web import Asked, Reply
from euca_tw.query.door import QueryDoor
from euca_tw.soap.door import ec2_door
from tests.query.floods import FLOODS as BY_QUERY
from tests.soap.floods import FLOODS as BY_SOAP
from tests.soap.identities import NOW, identity

SIZES_MIB = (1, 64)
#: What the frame of a signed message has.
FRAME = 8000
#: Of what is refused at the default limit: how many milliseconds the reactor's thread
#: may take in one go; and of all, how many times the bare parse.
REACTOR_MS, TOTAL_RATIO = 10.0, 25.0
HONEST = "honest items"
#: It may cost what it costs, within the ratio.
TAKEN = "taken"
SMALL = b"Action=DescribeInstances&Version=2016-11-15"
MS = 1000


@frozen
class Cost:
    """
    @ivar step_s: the longest that was done on the reactor's thread in one go.
    @ivar peak_kib: that the process grew by.
    @ivar code: by which it was refused.
    """

    total_s: float
    step_s: float
    peak_kib: int
    code: str


@define
class Elsewhere:
    """Does the work of threads here, and knows what is done before and after it."""

    _began: float = field(factory=process_time)
    steps: list[float] = field(factory=list)

    def begin(self) -> None:
        self._began = process_time()

    def end(self) -> None:
        self.steps.append(process_time() - self._began)

    def __call__(self, work: Callable[[], Any]) -> Deferred[Any]:
        self.end()
        done = maybeDeferred(work)
        # A failure's traceback holds what it was about; a thread's would, too.
        self.begin()
        return done


def grown_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def in_child(work: Callable[[], Cost]) -> Cost:
    """Done in a process of its own, whose memory is its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(writing, pickle.dumps(work()))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        found = pipe.read()
    os.waitpid(pid, 0)
    cost: Cost = pickle.loads(found)
    return cost


def cost_of(
    make_door: Callable[[Elsewhere], Any], warming: Asked, asked: Asked
) -> Cost:
    """@param warming: is sent before: a small one, so that all is loaded."""
    elsewhere = Elsewhere()
    answer = make_door(elsewhere)
    Deferred.fromCoroutine(answer(warming))
    elsewhere.steps.clear()
    gc.collect()
    replies: list[Reply] = []

    async def ask() -> None:
        replies.append(await answer(asked))

    before, began = grown_kib(), process_time()
    elsewhere.begin()
    Deferred.fromCoroutine(ask())
    elsewhere.end()
    total = process_time() - began
    [reply] = replies
    text = b"".join(reply.body)
    root = etree.fromstring(text)
    code = root.findtext(".//faultcode") or root.findtext(".//Code") or TAKEN
    return Cost(
        total, max(elsewhere.steps), grown_kib() - before, code.rpartition(".")[2]
    )


def soap_door(elsewhere: Elsewhere) -> Any:
    clock = Clock()
    clock.advance(NOW.timestamp())
    users = Users(identity("alice"))
    return ec2_door(
        EC2, dispatch, users, clock, lambda: "a" * 36, in_thread=elsewhere
    ).answer


def query_door(clock: Clock) -> Any:
    return QueryDoor(
        EC2,
        frozenset(QUERY_VERSIONS),
        dispatch,
        Users(identity("alice")),
        clock,
        lambda: "a" * 36,
    ).answer


def signed_4(body: bytes, clock: Clock) -> Asked:
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Host": "cloud"}
    request = AWSRequest("POST", "http://cloud/", kind, body)
    SigV4Auth(Credentials(KEY_ID, SECRET), "ec2", "home").add_auth(request)
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return Asked("POST", b"/", headers.get, body)


def bare_parse_s(document: bytes) -> float:
    best = float("inf")
    for _ in range(3):
        began = process_time()
        etree.fromstring(document)
        best = min(best, process_time() - began)
    return best


def costs(size: int, names: list[str]) -> dict[str, tuple[int, Cost]]:
    found: dict[str, tuple[int, Cost]] = {}
    small = asked_by_soap(BY_SOAP[HONEST][0](100), b"/services/Eucalyptus")
    for name, (make, _) in BY_SOAP.items():
        if names and name not in names:
            continue
        document = make(size - FRAME)
        asked = asked_by_soap(document, b"/services/Eucalyptus")
        found[name] = (
            len(document),
            in_child(lambda a=asked: cost_of(soap_door, small, a)),
        )
    for name, (make, *_) in BY_QUERY.items():
        if names and name not in names:
            continue
        clock = Clock()
        clock.advance(time())
        asked = signed_4(make(size - FRAME)[:size], clock)
        found[f"Query: {name}"] = (
            len(asked.body),
            in_child(
                lambda a=asked, c=clock: cost_of(
                    lambda _: query_door(c), signed_4(SMALL, c), a
                )
            ),
        )
    return found


def table(mib: int, names: list[str]) -> bool:
    """Print it; whether all costs are within the limits."""
    size = mib << 20
    honest = bare_parse_s(BY_SOAP[HONEST][0](size - FRAME))
    print(f"-- {mib} MiB: bare parse of an honest document {honest * MS:.1f} ms")
    print(f"{'':34}{'KiB':>7}{'ms':>9}{'step ms':>9}{'peak MiB':>10}{'ratio':>7}  code")
    worst_step = worst_total = 0.0
    worst_kib = 0
    for name, (length, cost) in costs(size, names).items():
        ratio = cost.total_s / honest
        print(
            f"{name:34}{length >> 10:7}{cost.total_s * MS:9.1f}"
            f"{cost.step_s * MS:9.1f}{cost.peak_kib / 1024:10.1f}{ratio:7.1f}  "
            f"{cost.code}"
        )
        if cost.code != TAKEN:
            worst_step = max(worst_step, cost.step_s)
        worst_total = max(worst_total, ratio)
        worst_kib = max(worst_kib, cost.peak_kib)
    print(
        f"worst of {mib} MiB: {worst_total:.1f} x the bare parse, "
        f"{worst_kib / 1024:.0f} MiB, {worst_step * MS:.1f} ms in one go on the "
        "reactor's thread"
    )
    return worst_step * MS <= REACTOR_MS and worst_total <= TOTAL_RATIO


def main(names: list[str]) -> int:
    is_well = table(SIZES_MIB[0], names)
    print(
        f"required at {SIZES_MIB[0]} MiB: <= {TOTAL_RATIO:g} x, "
        f"<= {REACTOR_MS:g} ms in one go: {'yes' if is_well else 'no'}"
    )
    for mib in SIZES_MIB[1:]:
        table(mib, names)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
