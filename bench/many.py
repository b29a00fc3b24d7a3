"""
A cloud of 10,000 instances and 50,000 tags, in one process: what it costs to tell
of one, of some and of all of them, and to launch a hundred more; against moto's
server, which has 1,000.

Server CPU per request, and how long the client waits; all of one run.  A telling of
all is made while it is sent, so when its first byte comes is told besides.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from threading import Event
from time import perf_counter

from attrs import frozen

from bench.api import Cloud, ours, theirs
from bench.load import Connection, Cost, cpu_s, measure

COUNT = 10_000
PEERS_COUNT = 1_000
TAGS = 5
#: So many are launched, and tagged, by one request.
BATCH = 500
ROUNDS = 7

#: What the answers may cost at most, in milliseconds of CPU.
LIMITS = {
    "DescribeInstances by id": 2.0,
    "by an indexed filter": 10.0,
    "by a tag": 10.0,
    "of all": 400.0,
    "of all, each changed": 400.0,
    "RunInstances of 100": 150.0,
}


@frozen
class Filled:
    """
    A cloud that has its instances.

    @ivar ids: of all of them.
    @ivar address: of one.
    """

    cloud: Cloud
    ids: Sequence[str]
    address: str

    def by_id(self) -> bytes:
        """One of them."""
        chosen = self.ids[len(self.ids) // 2]
        return self.query("DescribeInstances", **{"InstanceId.1": chosen})

    def by_filter(self) -> bytes:
        """The one that has a private address."""
        return self._filtered("private-ip-address", self.address)

    def by_tag(self) -> bytes:
        """The one whose tag has a value of its own."""
        return self._filtered("tag:number", str(len(self.ids) // 4))

    def all(self) -> bytes:
        """All, as who asks for no pages is told."""
        return self.query("DescribeInstances")

    def run(self) -> bytes:
        """A hundred more."""
        return self.query(
            "RunInstances",
            ImageId=self.cloud.image_id,
            MinCount="100",
            MaxCount="100",
        )

    def query(self, action: str, **parameters: str) -> bytes:
        """Signed, as boto3 sends it."""
        return self.cloud.query(Action=action, **parameters)

    def _filtered(self, name: str, value: str) -> bytes:
        filters = {"Filter.1.Name": name, "Filter.1.Value.1": value}
        return self.query("DescribeInstances", **filters)


def filled(cloud: Cloud, count: int) -> Filled:
    """Launch and tag so many; all of them run when this returns."""
    ec2 = cloud.client()
    ids: list[str] = []
    while len(ids) < count:
        many = min(BATCH, count - len(ids))
        told = ec2.run_instances(
            ImageId=cloud.image_id,
            MinCount=many,
            MaxCount=many,
            InstanceType="m1.small",
        )
        new = [each["InstanceId"] for each in told["Instances"]]
        tag(cloud, new)
        ids.extend(new)
    for number in range(0, len(ids), 100):
        # One of each hundred has a value of its own.
        for some, value in (
            (ids[number : number + 100], f"{number} and more"),
            ([ids[number]], str(number)),
        ):
            ec2.create_tags(Resources=some, Tags=[{"Key": "number", "Value": value}])
    pending = [{"Name": "instance-state-name", "Values": ["pending"]}]
    while ec2.describe_instances(Filters=pending)["Reservations"]:
        Event().wait(0.1)
    [told] = ec2.describe_instances(InstanceIds=[ids[count // 3]])["Reservations"]
    return Filled(cloud, ids, told["Instances"][0]["PrivateIpAddress"])


def tag(cloud: Cloud, ids: Sequence[str], value: str = "value") -> None:
    """All but the one tag that is of each alone."""
    shared = [{"Key": f"key-{n}", "Value": f"{value}-{n}"} for n in range(TAGS - 1)]
    for start in range(0, len(ids), BATCH):
        some = list(ids[start : start + BATCH])
        cloud.client().create_tags(Resources=some, Tags=shared)


def cost_when_new(filled_: Filled) -> Cost:
    """Of all, when every one of them is other than it was last told."""
    server = filled_.cloud.server
    costs = []
    for number in range(3):
        tag(filled_.cloud, filled_.ids, f"other-{number}")
        _let_rest(server.pid)
        connection = Connection(server.port)
        cpu_before, before = cpu_s(server.pid), perf_counter()
        connection.ask(filled_.all())
        cpu = (cpu_s(server.pid) - cpu_before) * 1000
        costs.append(Cost(cpu, (perf_counter() - before) * 1000))
        connection.close()
    return min(costs, key=lambda each: each.cpu_ms)


def cost_of(cloud: Cloud, make: Callable[[], bytes], times: int) -> Cost:
    """The median of some rounds."""
    server = cloud.server
    request = make()
    rounds = [[request] * times for _ in range(ROUNDS)]
    return measure(server.pid, server.port, rounds)


def cost_of_launches(filled_: Filled) -> Cost:
    """
    Of each the time until it is answered; what goes on after that, in the cluster
    and on the node, is another's.
    """
    server = filled_.cloud.server
    connection = Connection(server.port)
    cpu, wall = [], []
    for _ in range(ROUNDS):
        request = filled_.run()
        cpu_before, before = cpu_s(server.pid), perf_counter()
        connection.ask(request)
        cpu.append((cpu_s(server.pid) - cpu_before) * 1000)
        wall.append((perf_counter() - before) * 1000)
        _let_rest(server.pid)
    connection.close()
    return Cost(statistics.median(cpu[1:]), statistics.median(wall[1:]))


def _let_rest(pid: int) -> None:
    """Wait until a server has nothing to do."""
    quiet = 0
    while quiet < 3:
        before = cpu_s(pid)
        Event().wait(0.1)
        quiet = quiet + 1 if cpu_s(pid) - before < 0.01 else 0


def first_byte_ms(filled_: Filled) -> float:
    """How long a client that asks for all waits for the first of it."""
    waits = []
    for _ in range(3):
        connection = Connection(filled_.cloud.server.port)
        before = perf_counter()
        waits.append(connection.first(filled_.all()) - before)
        connection.close()
    return statistics.median(waits) * 1000


def tell(what: str, cost: Cost, peer: Cost | None = None, share: float = 1) -> bool:
    """
    @param share: of what the peer tells, to what is told here.
    @return: it is within its limit.
    """
    limit = LIMITS.get(what)
    against = f"{peer.cpu_ms / share / cost.cpu_ms:9.0f} x" if peer else " " * 11
    most = f"{limit:10.0f}" if limit else " " * 10
    print(f"{what:32}{cost.cpu_ms:9.2f}{cost.wall_ms:10.2f}{most}{against}", flush=True)
    return limit is None or cost.cpu_ms <= limit


def main() -> int:
    print(f"{'':32}{'CPU ms':>9}{'waits ms':>10}{'at most':>10}{'moto is':>11}")
    with theirs() as peer:
        other = filled(peer, PEERS_COUNT)
        theirs_ = {
            "DescribeInstances by id": cost_of(peer, other.by_id, 3),
            "by an indexed filter": cost_of(peer, other.by_filter, 1),
            "by a tag": cost_of(peer, other.by_tag, 1),
            "of all": cost_of(peer, other.all, 1),
            "RunInstances of 100": cost_of(peer, other.run, 1),
        }
    for what, cost in theirs_.items():
        tell(f"moto: {what}", cost)
    with ours() as cloud:
        own = filled(cloud, COUNT)
        is_well = tell(
            what := "DescribeInstances by id",
            cost_of(cloud, own.by_id, 200),
            theirs_[what],
        )
        what = "by an indexed filter"
        is_well &= tell(what, cost_of(cloud, own.by_filter, 200), theirs_[what])
        what = "by a tag"
        is_well &= tell(what, cost_of(cloud, own.by_tag, 200), theirs_[what])
        share = PEERS_COUNT / COUNT
        cost, slow = cost_when_new(own), theirs_["of all"]
        is_well &= tell("of all, each changed", cost, slow, share)
        what = "of all"
        is_well &= tell(what, cost_of(cloud, own.all, 3), theirs_[what], share)
        print(f"{'of all, the first byte':32}{'':9}{first_byte_ms(own):10.2f}")
        what = "RunInstances of 100"
        is_well &= tell(what, cost_of_launches(own), theirs_[what])
    print(
        f"(There are {COUNT:,} instances and {COUNT * TAGS:,} tags here, and "
        f"{PEERS_COUNT:,} instances in moto;\nit is held to what it would take for as "
        "many as are told here.)"
    )
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
