"""
DescribeInstances and RunInstances on a whole cloud of one process, by Query
and by signed SOAP, against twisted.web's hello world and moto's server.

Server CPU per request, all of one run; hello world is asked between the rounds
of each, so that what else the machine does changes both.  Query requests are
signed by botocore and replayed; SOAP requests are signed one by one, since a
signature is taken only once.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import boto3
from attrs import field, frozen
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from bench.load import Cost, measure
from bench.servers import Server, free_port, hello, moto, running
from euca_tw.soap.keys import Identity, load_identity
from euca_tw.soap.signing import signed
from tests.compat.cloud import read_eucarc

DATE = "2008-02-01"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
COUNTS = (1, 100, 1000)
ROUNDS = 7
GREETING = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

#: Room for all that is launched here.
ROOMY = """
[node_controller]
cores = 100000
memory_mib = 100000000
disk_gib = 100000000
[quotas]
instances = 100000
[limits]
requests_per_s = 0
[network]
mode = "static"
[cluster_controller]
subnet = "10.0.0.0/8"
"""


def moments(now: datetime) -> Iterator[datetime]:
    """A millisecond apart, and a little old: no two signatures are the same."""
    return (now + timedelta(milliseconds=n - 60_000) for n in count())


@frozen
class Cloud:
    """One side of the comparison, and how it is asked."""

    name: str
    server: Server
    key_id: str
    secret: str
    image_id: str = ""
    identity: Identity | None = None
    moments: Iterator[datetime] = field(factory=lambda: moments(datetime.now(UTC)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/"

    def client(self) -> boto3.client:
        return boto3.client(
            "ec2",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
            config=Config(read_timeout=600, retries={"max_attempts": 0}),
        )

    def query(self, **parameters: str) -> bytes:
        """A request as boto3 sends it."""
        body = urlencode({"Version": "2016-11-15", **parameters})
        form = "application/x-www-form-urlencoded; charset=utf-8"
        request = AWSRequest(
            "POST", self.url, data=body, headers={"Content-Type": form}
        )
        credentials = Credentials(self.key_id, self.secret)
        SigV4Auth(credentials, "ec2", "us-east-1").add_auth(request)
        headers = {**dict(request.headers.items()), "User-Agent": "Boto3/1.44"}
        return http(self.server.port, "/", headers, body.encode())

    def soap(self, entry: str) -> bytes:
        """A request as EC2's own tools of the time sent it, but for SHA-256."""
        assert self.identity is not None
        body = signed(SOAP, (), entry, self.identity, next(self.moments))
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        return http(self.server.port, "/services/Eucalyptus", headers, body)


def http(port: int, path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


@contextlib.contextmanager
def ours(store: str = "") -> Iterator[Cloud]:
    """@param store: see C{[cloud]} of the configuration."""
    with tempfile.TemporaryDirectory(prefix="euca_tw-bench-") as directory:
        port, state = free_port(), Path(directory) / "state"
        configuration = Path(directory) / "euca.toml"
        configuration.write_text(f'{ROOMY}[cloud]\nstore = "{store}"\n')
        credentials = state / "credentials" / "admin"
        command = [
            *(str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile="),
            *("euca-clc", "--all-in-one", "--hypervisor", "memory"),
            *("--config", str(configuration), "--state-dir", str(state)),
            *("--listen", f"tcp:{port}:interface=127.0.0.1"),
        ]
        with running(command, port, credentials / "eucarc") as server:
            settings = read_eucarc(credentials / "eucarc")
            keys = settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"]
            identity = load_identity(
                (credentials / "pk.pem").read_bytes(),
                (credentials / "cert.pem").read_bytes(),
            )
            images = Cloud("euca_tw", server, *keys).client().describe_images()
            [image] = [
                i["ImageId"] for i in images["Images"] if i["ImageType"] == "machine"
            ]
            yield Cloud("euca_tw", server, *keys, image, identity)


@contextlib.contextmanager
def theirs() -> Iterator[Cloud]:
    with moto() as server:
        cloud = Cloud("moto", server, "AKIDEXAMPLE", "secret")
        image = cloud.client().describe_images(Owners=["amazon"])["Images"][0]
        yield Cloud("moto", server, "AKIDEXAMPLE", "secret", image["ImageId"])


def fill(cloud: Cloud, total: int, have: int) -> None:
    """Launch until there are C{total} instances."""
    if total > have:
        cloud.client().run_instances(
            ImageId=cloud.image_id, MinCount=total - have, MaxCount=total - have
        )


def repeated(make: Callable[[], bytes], times: int) -> Iterator[Sequence[bytes]]:
    """Rounds of requests, the first one short."""
    for number in range(ROUNDS):
        yield [make() for _ in range(times if number else max(2, times // 5))]


def small_call(cloud: Cloud) -> bytes:
    """One that has nothing to tell of."""
    return cloud.query(Action="DescribeKeyPairs")


def describe_by_query(cloud: Cloud) -> bytes:
    # moto tells of 100 reservations unless it is asked for more.
    return cloud.query(Action="DescribeInstances", MaxResults="1000")


def describe_by_soap(cloud: Cloud) -> bytes:
    namespace = f"http://ec2.amazonaws.com/doc/{DATE}/"
    return cloud.soap(
        f'<DescribeInstances xmlns="{namespace}"><instancesSet/></DescribeInstances>'
    )


def run_by_query(cloud: Cloud) -> bytes:
    return cloud.query(
        Action="RunInstances", ImageId=cloud.image_id, MinCount="1", MaxCount="1"
    )


def run_by_soap(cloud: Cloud) -> bytes:
    namespace = f"http://ec2.amazonaws.com/doc/{DATE}/"
    return cloud.soap(
        f'<RunInstances xmlns="{namespace}"><imageId>{cloud.image_id}</imageId>'
        "<minCount>1</minCount><maxCount>1</maxCount><groupSet/>"
        "<instanceType>m1.small</instanceType></RunInstances>"
    )


def beside(
    cloud: Cloud, rounds: Iterable[Sequence[bytes]], yardstick: Server
) -> tuple[Cost, Cost]:
    """
    What the rounds cost, and at the same time hello world, asked by a small
    call: the medians.
    """
    costs, limits = [], []
    small = small_call(cloud)
    for requests in rounds:
        costs.append(once(cloud.server, requests))
        limits.append(once(yardstick, [small] * 300))
    return median(costs[1:]), median(limits[1:])


def once(server: Server, requests: Sequence[bytes]) -> Cost:
    """One round, of which the first request warms up."""
    return measure(server.pid, server.port, [requests[:1], requests[1:]])


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(each.cpu_ms for each in costs),
        statistics.median(each.wall_ms for each in costs),
    )


def tell(what: str, cost: Cost, limit: Cost, peer: Cost | None) -> None:
    against = f"{peer.cpu_ms / cost.cpu_ms:8.0f} x" if peer else " " * 10
    print(
        f"{what:34}{cost.cpu_ms:9.2f}{cost.per_second:10.0f}"
        f"{cost.cpu_ms / limit.cpu_ms:10.2f} x{against}"
    )


def main() -> None:
    print(f"{'':34}{'CPU ms':>9}{'per s':>10}{'of hello':>12}{'moto is':>10}")
    with ours() as cloud, theirs() as peer, hello() as yardstick:
        hello_at = yardstick.pid, yardstick.port
        limit = measure(*hello_at, [[small_call(cloud)] * 500] * ROUNDS)
        bare = measure(*hello_at, [[GREETING] * 500] * ROUNDS)
        tell("twisted.web hello world, bare GET", bare, limit, None)
        tell("the same, asked by a small call", limit, limit, None)
        slow = measure(peer.server.pid, peer.server.port, [[small_call(peer)] * 20] * 3)
        tell("moto, small call", slow, limit, None)
        costs = beside(cloud, [[small_call(cloud)] * 500] * ROUNDS, yardstick)
        tell("small call (DescribeKeyPairs)", *costs, slow)
        peer_at = peer.server.pid, peer.server.port
        have = 0
        for number in COUNTS:
            fill(cloud, number, have)
            fill(peer, number, have)
            have = number
            times = max(3, 600 // number)
            request = describe_by_query(peer)
            slow = measure(*peer_at, [[request] * max(1, 20 // number)] * 3)
            tell(f"moto DescribeInstances of {number}", slow, limit, None)
            request = describe_by_query(cloud)
            costs = beside(cloud, [[request] * times] * ROUNDS, yardstick)
            tell(f"DescribeInstances of {number}, Query", *costs, slow)
            rounds = repeated(lambda: describe_by_soap(cloud), times)
            costs = beside(cloud, rounds, yardstick)
            tell(f"DescribeInstances of {number}, SOAP", *costs, slow)
        request = run_by_query(peer)
        slow = measure(*peer_at, [[request] * 10] * 3)
        tell("moto RunInstances", slow, limit, None)
        request = run_by_query(cloud)
        costs = beside(cloud, [[request] * 100] * ROUNDS, yardstick)
        tell("RunInstances, Query", *costs, slow)
        rounds = repeated(lambda: run_by_soap(cloud), 50)
        tell("RunInstances, SOAP", *beside(cloud, rounds, yardstick), slow)
    print(
        "(Required: a small call at most 1.5 x hello world, and 20 x less than moto;\n"
        "80 x less than moto for 1,000 instances.  They are told as they were told\n"
        "before, where they have not changed; bench/query.py has the bare door.)\n"
        "(RunInstances includes the whole way to the node and back: cluster, node\n"
        "and hypervisor live in the same process here, and each write is on disk)"
    )


if __name__ == "__main__":
    main()
