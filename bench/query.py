"""
What a small signed Query call costs, against twisted.web saying hello.

All of one run: server CPU per request over one kept connection on loopback,
the client a process of its own that replays requests signed before.  The
limit is twisted.web's hello world asked by a bare GET; beside it, hello world
asked by the very bytes of the signed call, which is the shell's part of it.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from bench.load import measure
from bench.servers import Server, free_port, hello, running

#: What the call may cost at most, as a multiple of hello world.
LIMIT = 1.5

KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ROUNDS, REQUESTS = 9, 1000
SMALL = {"Action": "DescribeAvailabilityZones", "Version": "2016-11-15"}
ONE = {"Action": "DescribeInstances", "Version": "2016-11-15"}


def serve(port: int) -> None:
    """The door with nothing behind it, until it is ended."""
    from twisted.internet import reactor as any_reactor
    from twisted.internet.task import Cooperator
    from zope.interface import implementer

    from euca_tw.api.ec2 import instances, zones
    from euca_tw.api.ec2.common import GroupItem
    from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
    from euca_tw.common.web import AnswerResource, make_site
    from euca_tw.model.callers import Caller
    from euca_tw.query.door import QueryDoor
    from euca_tw.query.interfaces import IAccessKeys

    reactor: Any = any_reactor
    zone = zones.AvailabilityZone(
        zone_name="zone-1", zone_state="available", region_name="home"
    )
    running_state = instances.InstanceState(code=16, name="running")
    instance = instances.Instance(
        instance_id="i-12345678",
        image_id="emi-12345678",
        state=running_state,
        private_dns_name="10-0-0-2.internal",
        dns_name="192-0-2-2.example",
        key_name="key",
        launch_index="0",
        instance_type="m1.small",
        launch_time=datetime(2026, 11, 23, 8, tzinfo=UTC),
        placement=instances.Placement(availability_zone="zone-1"),
        monitoring=instances.Monitoring(state="disabled"),
        private_ip_address="10.0.0.2",
        ip_address="192.0.2.2",
        architecture="x86_64",
        root_device_type="instance-store",
        virtualization_type="hvm",
    )
    responses = {
        "DescribeAvailabilityZones": zones.DescribeAvailabilityZonesResponse(
            zones=(zone,)
        ),
        "DescribeInstances": instances.DescribeInstancesResponse(
            reservations=(
                instances.Reservation(
                    reservation_id="r-12345678",
                    owner_id="1" * 12,
                    groups=(GroupItem.of("sg-12345678", "default"),),
                    instances=(instance,),
                ),
            )
        ),
    }

    @implementer(IAccessKeys)
    class Keys:
        def secret_of(self, key_id: str) -> str | None:
            return SECRET if key_id == KEY_ID else None

        def caller_of(self, key_id: str, request_id: str) -> Caller:
            return Caller(account_id="1" * 12, user_name="a", request_id=request_id)

    async def dispatch(operation: Any, caller: Any, request: Any) -> Any:
        return responses[operation.name]

    door = QueryDoor(
        EC2, frozenset(QUERY_VERSIONS), dispatch, Keys(), reactor, lambda: "a" * 36
    )
    resource = AnswerResource(door.answer, Cooperator())
    reactor.listenTCP(port, make_site(resource, 1 << 20, reactor), 50, "127.0.0.1")
    reactor.run()


@contextlib.contextmanager
def door() -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "bench.query", "serve", str(port)]
    with running(command, port) as server:
        yield server


def signed_4(parameters: dict[str, str]) -> bytes:
    """As boto3 sends it, header by header."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body = "&".join(f"{name}={value}" for name, value in parameters.items())
    request = AWSRequest(
        "POST",
        "http://127.0.0.1:8773/",
        data=body,
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    SigV4Auth(Credentials(KEY_ID, SECRET), "ec2", "us-east-1").add_auth(request)
    headers = {
        "Host": "127.0.0.1:8773",
        "Accept-Encoding": "identity",
        "User-Agent": "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1 "
        "md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython cfg/retry-mode#standard",
        **dict(request.headers.items()),
        "amz-sdk-invocation-id": "18b5e6f9-ab41-41c2-b8dd-1c214b835dc1",
        "amz-sdk-request": "attempt=1; max=1",
        "Content-Length": str(len(body)),
    }
    return _http("POST", "/", headers, body)


def signed_2(parameters: dict[str, str]) -> bytes:
    """As libcloud sends it."""
    import base64
    import hmac
    from urllib.parse import quote

    given = parameters | {
        "AWSAccessKeyId": KEY_ID,
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
        "Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    query = "&".join(f"{n}={quote(v, safe='-_.~')}" for n, v in sorted(given.items()))
    text = f"GET\n127.0.0.1:8773\n/\n{query}".encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), text, "sha256")).decode()
    headers = {
        "User-Agent": "libcloud/3.9.1 (Eucalyptus)",
        "Accept-Encoding": "gzip,deflate",
        "Accept": "*/*",
        "Connection": "keep-alive",
        "Host": "127.0.0.1:8773",
    }
    target = f"/?{query}&Signature={quote(signature, safe='')}"
    return _http("GET", target, headers, "")


def _http(method: str, target: str, headers: dict[str, str], body: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode()


def main() -> None:
    """Print the table, with what is required."""
    bare = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8773\r\n\r\n"
    small_4, small_2, one_4 = signed_4(SMALL), signed_2(SMALL), signed_4(ONE)
    with hello() as limit, door() as ours:
        asked: dict[str, tuple[Server, bytes]] = {
            "hello world, bare GET": (limit, bare),
            "hello world, the same POST (v4)": (limit, small_4),
            "hello world, the same GET (v2)": (limit, small_2),
            "DescribeAvailabilityZones, v4": (ours, small_4),
            "DescribeAvailabilityZones, v2": (ours, small_2),
            "DescribeInstances of one, v4": (ours, one_4),
        }
        found: dict[str, list[float]] = {name: [] for name in asked}
        batch: Sequence[bytes]
        for _ in range(ROUNDS):
            for name, (server, request) in asked.items():
                batch = [request] * REQUESTS
                found[name].append(
                    measure(server.pid, server.port, [batch[:50], batch]).cpu_ms
                )
    limit_ms = statistics.median(found["hello world, bare GET"])
    print(f"{'server CPU of one request':36}{'us':>7}{'ratio':>8}")
    for name, costs in found.items():
        cost = statistics.median(costs)
        ratios = [
            c / h for c, h in zip(costs, found["hello world, bare GET"], strict=True)
        ]
        ratio = statistics.median(ratios)
        verdict = ""
        if name.startswith("DescribeAv"):
            verdict = f"  required: <= {LIMIT}"
        print(f"{name:36}{cost * 1000:7.1f}{ratio:8.2f}{verdict}")
    print(f"(of {limit_ms * 1000:.1f} us; {ROUNDS} rounds of {REQUESTS}, interleaved)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    else:
        main()
