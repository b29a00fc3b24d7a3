"""
Cases at random: small clouds whose users and faults come close together, so that
they meet in the midst of things.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from attrs import evolve

from euca_tw.overlay.settings import MANAGED, STATIC
from euca_tw.sim.case import Case, Request
from euca_tw.sim.demand import Workload
from euca_tw.sim.distributions import Constant, Exponential, Uniform, stream
from euca_tw.sim.fault_plan import Fault, Faults
from euca_tw.sim.life import Moment
from euca_tw.sim.scenario import Cluster, Kind, Run, Scenario, Tiers, Times, Wire

#: Users and faults come within so long; and so long a cloud has to mend it all.
_BUSY_S = 40.0
_SETTLE_S = 300.0
#: What is asked of instances that there are, and how often.
_LATER = {
    "terminate": 6,
    "stop": 5,
    "start": 5,
    "reboot": 2,
    "associate": 4,
    "disassociate": 1,
    "release": 1,
    "guest-off": 3,
    "guest-crash": 3,
}
_FAULTS = {
    "crash": 12,
    "partition": 4,
    "hypervisor": 2,
    "death": 1,
    "slow-disk": 2,
    "full-disk": 2,
    "full-images": 1,
    "clock": 2,
}


def world(random: Random) -> Scenario:
    """A small cloud, without faults."""
    names = ("north", "south")[: random.choice((1, 1, 2))]
    return Scenario(
        file=Path("random"),
        run=Run(duration_s=_BUSY_S, settle_s=_SETTLE_S),
        clusters=tuple(
            Cluster(
                name=name,
                nodes=random.choice((1, 2, 2, 3)),
                cores=random.choice((1, 2, 4, 4)),
                memory_mib=8192,
                disk_gib=100,
                subnet="10.64.0.0/26",
            )
            for name in names
        ),
        kinds=(
            Kind(name="m1.small", cores=1, memory_mib=1024, disk_gib=10),
            Kind(name="m1.large", cores=2, memory_mib=4096, disk_gib=20),
        ),
        times=Times(
            fetch_mib_s=2048.0,
            staging_s=Constant(value=0.3),
            start_s=Constant(value=0.2),
            boot_s=Constant(value=1.0),
            stop_s=Constant(value=0.1),
            commit_s=Uniform(low=0.0, high=random.choice((0.002, 0.02, 0.2, 1.0))),
        ),
        network=Wire(
            latency_s=Exponential(mean=random.choice((0.001, 0.01, 0.05))),
            # Of managed ones there are few, so that they are used again.
            mode=random.choice((STATIC, STATIC, MANAGED)),
            private_range="10.1.0.0/26",
            addresses_per_network=16,
        ),
        workload=Workload(kind="poisson"),
        tiers=Tiers(launch_deadline_s=random.choice((20.0, 90.0))),
    )


def case(seed: int, base: Scenario | None = None) -> Case:
    """
    That of a seed.

    @param base: the cloud; None: one that is drawn, too.
    """
    random = stream(seed, "case")
    scenario = base or world(random)
    # Everything comes in a few bursts.
    bursts = [random.uniform(0, _BUSY_S / 2) for _ in range(random.choice((1, 2, 3)))]
    scenario = evolve(
        scenario,
        run=evolve(scenario.run, seed=seed, duration_s=_BUSY_S, settle_s=_SETTLE_S),
        planned=tuple(_faults(random, scenario, bursts)),
        faults=_messages(random),
    )
    return Case(scenario=scenario, requests=tuple(_requests(random, scenario, bursts)))


def _near(random: Random, bursts: list[float]) -> float:
    """A moment: at once after a burst, or a good while."""
    return random.choice(bursts) + random.expovariate(1 / random.choice((0.02, 0.5, 5)))


def _requests(
    random: Random, scenario: Scenario, bursts: list[float]
) -> Iterator[Request]:
    launches = random.choice((1, 1, 2, 3, 4))
    addresses = random.choice((0, 0, 1, 2))
    groups = random.choice((1, 2)) if scenario.network.is_managed else 0
    zones = [each.name for each in scenario.clusters]
    made = []
    for number in range(1, launches + 1):
        made.append(
            Request(
                at_s=_near(random, bursts),
                verb="launch",
                launch=number,
                count=random.choice((1, 1, 1, 2, 3)),
                kind=random.choice(scenario.kinds).name,
                zone=random.choice(("", *zones)),
                stops_itself=random.random() < 0.3,
                group=random.randint(0, groups),
            )
        )
    made += [
        Request(at_s=random.uniform(0, 5), verb="allocate", address=number)
        for number in range(1, addresses + 1)
    ]
    made += [
        Request(at_s=random.uniform(0, 5), verb="create-group", group=number)
        for number in range(1, groups + 1)
    ]
    if groups:
        made += [
            Request(
                at_s=_near(random, bursts),
                verb=random.choice(("authorize", "authorize", "revoke")),
                group=random.randint(0, groups),
                source=random.randint(0, groups),
            )
            for _ in range(random.randrange(4))
        ]
    verbs, weights = zip(*_LATER.items(), strict=True)
    for verb in random.choices(verbs, weights, k=random.randrange(12)):
        of = random.choice(made[:launches])
        if verb in ("associate", "disassociate", "release") and not addresses:
            continue
        # Not before it can be known of, most often.
        after = of.at_s + random.expovariate(1 / random.choice((0.1, 3, 3, 10)))
        made.append(
            Request(
                at_s=random.choice((after, after, _near(random, bursts))),
                verb=verb,
                launch=of.launch,
                member=random.randrange(of.count),
                address=random.randint(1, addresses) if addresses else 0,
                is_forced=verb == "stop" and random.random() < 0.4,
            )
        )
    for each in sorted(made, key=lambda each: each.at_s):
        yield evolve(each, at_s=round(min(each.at_s, _BUSY_S - 1), 4))


def _faults(random: Random, scenario: Scenario, bursts: list[float]) -> Iterator[Fault]:
    daemons = [*scenario.daemons]
    nodes = [n for each in scenario.clusters for n in each.node_names]
    kinds, weights = zip(*_FAULTS.items(), strict=True)
    count = random.choice((0, 1, 1, 2, 2, 3, 4))
    for kind in random.choices(kinds, weights, k=count):
        at_s = round(_near(random, bursts), 4)
        for_s = round(random.expovariate(1 / random.choice((0.1, 2, 15))) + 0.001, 4)
        target, other, moment, nth, by_s = random.choice(nodes), "", "", 1, 0.0
        if kind in ("slow-disk", "full-disk", "clock"):
            target = random.choice(daemons)
        if kind == "clock":
            by_s = random.choice((1, -1)) * random.choice((0.5, 20.0, 120.0))
        elif kind == "crash":
            target = random.choice(daemons)
            if random.random() < 0.8:
                moment = random.choice([each.value for each in Moment])
                nth = random.choice((1, 1, 2, 3, 5, 8))
        elif kind == "partition":
            cluster = random.choice(scenario.clusters)
            target = cluster.name
            other = random.choice(("cloud", *cluster.node_names))
        elif kind == "death" and random.random() < 0.3:
            for_s = 0.0
        yield Fault(
            kind=kind,
            at_s=at_s,
            for_s=for_s,
            target=target,
            other=other,
            moment=moment,
            nth=nth,
            by_s=by_s,
        )


def _messages(random: Random) -> Faults:
    """Most often all arrive, in time and once."""
    if random.random() < 0.5:
        return Faults()
    share = random.choice((0.02, 0.1, 0.3))
    return Faults(
        loss=random.choice((0, share)),
        duplication=random.choice((0, share)),
        delay=random.choice((0, share)),
        delayed_s=Constant(value=random.choice((0.05, 1.0, 12.0))),
    )
