"""
What the declaration costs: to import, to compile at a date, to write by and to
read by; against what is done by hand, by lxml alone, and by Spyne.

CPU time, in one process, the best of several rounds that take turns.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import attrs
from lxml import etree
from spyne.protocol.xml import XmlDocument

from euca_tw.admin.daemon import settle_memory
from euca_tw.api.ec2 import instances
from euca_tw.api.ec2.common import GroupItem
from euca_tw.api.ec2.table import EC2
from euca_tw.api.encode import pieces
from euca_tw.api.lexical import moment, text
from euca_tw.api.shapes import Shape, Version, shape_of
from euca_tw.api.writers import writer
from euca_tw.query.parameters import parse, reader, tree, unique
from euca_tw.soap.decode import decode, reader_of
from euca_tw.soap.spyne_app import _Models
from euca_tw.wsdl.write import wsdl

DATE = Version("2012-03-01")
NAMESPACE = EC2.namespace_of(DATE)
ROUNDS = 7
LAUNCHED = datetime(2026, 11, 26, 8, tzinfo=UTC)
REQUEST = "00000000-0000-4000-8000-000000000000"


def cpu_s(call: Callable[[], Any], times: int = 1) -> float:
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times


def best(works: dict[str, Callable[[], Any]], times: int = 1) -> dict[str, float]:
    """CPU seconds of each; they take turns."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        gc.collect()
        for name, call in works.items():
            found[name].append(cpu_s(call, times))
    return {name: min(costs) for name, costs in found.items()}


def tell(what: str, cost: str, ratio: str = "", required: str = "") -> None:
    print(f"{what:52}{cost:>12}  {ratio:12}{required}".rstrip())


# --- writing ----------------------------------------------------------------


def reservations(number: int) -> Iterator[instances.Reservation]:
    """Each of one instance, no two of them equal."""
    state = instances.InstanceState(code=16, name="running")
    group = (GroupItem.of("sg-12345678", "default"),)
    for n in range(number):
        instance = instances.Instance(
            instance_id=f"i-{n:08x}",
            image_id="emi-12345678",
            state=state,
            private_dns_name=f"ip-10-0-{n >> 8}-{n & 255}.internal",
            dns_name=f"ip-192-0-{n >> 8}-{n & 255}.example",
            key_name="mine",
            launch_index=str(n),
            instance_type="m1.small",
            launch_time=LAUNCHED + timedelta(seconds=n),
            placement=instances.Placement(
                availability_zone="zone-1", tenancy="default"
            ),
            kernel_id="eki-12345678",
            ramdisk_id="eri-12345678",
            monitoring=instances.Monitoring(state="disabled"),
            private_ip_address=f"10.0.{n >> 8}.{n & 255}",
            ip_address=f"192.0.{n >> 8}.{n & 255}",
            groups=group,
            architecture="x86_64",
            root_device_type="instance-store",
            virtualization_type="paravirtual",
            hypervisor="xen",
        )
        yield instances.Reservation(
            reservation_id=f"r-{n:08x}",
            owner_id="111122223333",
            groups=group,
            instances=(instance,),
        )


def optional(name: str, value: str | None) -> str:
    return "" if value is None else f"<{name}>{text(value)}</{name}>"


def group_by_hand(groups: tuple[GroupItem, ...]) -> str:
    items = "".join(
        f"<item><groupId>{text(g.group_id or '')}</groupId>"
        f"<groupName>{text(g.group_name or '')}</groupName></item>"
        for g in groups
    )
    return f"<groupSet>{items}</groupSet>"


def instance_by_hand(i: instances.Instance) -> str:
    placement, monitoring = i.placement, i.monitoring
    assert placement is not None
    assert monitoring is not None
    return (
        f"<item><instanceId>{text(i.instance_id)}</instanceId>"
        f"{optional('imageId', i.image_id)}"
        f"<instanceState><code>{i.state.code}</code>"
        f"<name>{text(i.state.name)}</name></instanceState>"
        f"<privateDnsName>{text(i.private_dns_name or '')}</privateDnsName>"
        f"{optional('dnsName', i.dns_name)}{optional('reason', i.reason)}"
        f"{optional('keyName', i.key_name)}"
        f"{optional('amiLaunchIndex', i.launch_index)}"
        f"<instanceType>{text(i.instance_type)}</instanceType>"
        f"<launchTime>{moment(i.launch_time)}</launchTime>"
        f"<placement><availabilityZone>{text(placement.availability_zone)}"
        f"</availabilityZone>{optional('groupName', placement.group_name)}"
        f"{optional('tenancy', placement.tenancy)}</placement>"
        f"{optional('kernelId', i.kernel_id)}{optional('ramdiskId', i.ramdisk_id)}"
        f"{optional('platform', i.platform)}"
        f"<monitoring><state>{text(monitoring.state)}</state></monitoring>"
        f"{optional('subnetId', i.subnet_id)}{optional('vpcId', i.vpc_id)}"
        f"{optional('privateIpAddress', i.private_ip_address)}"
        f"{optional('ipAddress', i.ip_address)}{group_by_hand(i.groups)}"
        f"{optional('architecture', i.architecture)}"
        f"{optional('rootDeviceType', i.root_device_type)}"
        f"{optional('rootDeviceName', i.root_device_name)}"
        f"{optional('instanceLifecycle', i.lifecycle)}"
        f"{optional('spotInstanceRequestId', i.spot_instance_request_id)}"
        f"{optional('virtualizationType', i.virtualization_type)}"
        f"{optional('clientToken', i.client_token)}"
        f"{optional('hypervisor', i.hypervisor)}</item>"
    )


def by_hand(answer: instances.DescribeInstancesResponse) -> bytes:
    """What somebody would write who knew only these fields, at this date."""
    made = [
        f'<DescribeInstancesResponse xmlns="{NAMESPACE}">'
        f"<requestId>{REQUEST}</requestId><reservationSet>"
    ]
    for r in answer.reservations:
        made.append(
            f"<item><reservationId>{text(r.reservation_id)}</reservationId>"
            f"<ownerId>{text(r.owner_id)}</ownerId>{group_by_hand(r.groups)}"
            f"<instancesSet>{''.join(map(instance_by_hand, r.instances))}"
            f"</instancesSet>{optional('requesterId', r.requester_id)}</item>"
        )
    made.append("</reservationSet></DescribeInstancesResponse>")
    return "".join(made).encode()


def answer_of(number: int) -> instances.DescribeInstancesResponse:
    return instances.DescribeInstancesResponse(
        request_id=REQUEST, reservations=tuple(reservations(number))
    )


def steps(answer: instances.DescribeInstancesResponse) -> Iterator[bytes]:
    """As a door writes it."""
    shape = shape_of(instances.DescribeInstancesResponse)
    name = "DescribeInstancesResponse"
    return pieces("", name, NAMESPACE, shape, DATE, answer, "")


def fresh(
    answer: instances.DescribeInstancesResponse,
) -> instances.DescribeInstancesResponse:
    """The same, of which nothing that was written before is kept."""
    return attrs.evolve(
        answer,
        reservations=tuple(
            attrs.evolve(r, instances=tuple(attrs.evolve(i) for i in r.instances))
            for r in answer.reservations
        ),
    )


def by_spyne(answer: instances.DescribeInstancesResponse) -> Callable[[], bytes]:
    """Spyne's own serializer, of the same values in its own classes."""
    models = _Models()
    shape = shape_of(instances.DescribeInstancesResponse)
    model, value = models.of(shape), in_spyne(models, shape, answer)
    protocol = XmlDocument()

    def write() -> bytes:
        parent = etree.Element("answer")
        protocol.to_parent(None, model, value, parent, NAMESPACE, "Answer")
        return etree.tostring(parent[0])

    return write


def in_spyne(models: _Models, shape: Shape, value: Any) -> Any:
    """A value in Spyne's class of its shape, with what the date has of it."""
    members: dict[str, Any] = {}
    for f in shape.elements(DATE):
        got = getattr(value, f.python)
        if not f.is_scalar and got is not None:
            inner = shape_of(f.of)
            got = (
                [in_spyne(models, inner, each) for each in got]
                if f.many
                else in_spyne(models, inner, got)
            )
        members[f.wire] = got
    return models.of(shape)(**members)


def writing() -> None:
    answer = answer_of(1000)
    assert b"".join(steps(answer)) == by_hand(answer)
    spare = [fresh(answer) for _ in range(ROUNDS)]
    cost = best(
        {
            "hand": lambda: by_hand(answer),
            "new": lambda: b"".join(steps(spare.pop())),
            "again": lambda: b"".join(steps(answer)),
        }
    )
    hand = cost["hand"]
    tell("1,000 instances by a hand-written join", f"{hand * 1e3:.1f} ms")
    tell(
        "  by the declaration, told for the first time",
        f"{cost['new'] * 1e3:.1f} ms",
        f"{cost['new'] / hand:.2f} x hand",
        "required: <= 1.5",
    )
    tell(
        "  told again",
        f"{cost['again'] * 1e3:.1f} ms",
        f"{cost['again'] / hand:.2f} x hand",
    )
    tenth = attrs.evolve(answer, reservations=answer.reservations[:100])
    spyne = min(cpu_s(by_spyne(tenth)) for _ in range(3)) * 10
    tell(
        "  by Spyne's serializer",
        f"{spyne * 1e3:.0f} ms",
        f"{spyne / cost['new']:.0f} x ours",
        "required: >= 15",
    )
    many = answer_of(10_000)
    settle_memory()
    longest = max(durations(steps(many)))
    tell("longest step of 10,000", f"{longest * 1e3:.1f} ms", "", "required: <= 10 ms")


def durations(made: Iterator[bytes]) -> Iterator[float]:
    while True:
        began = time.process_time()
        if next(made, None) is None:
            return
        yield time.process_time() - began


# --- reading ----------------------------------------------------------------


def reading() -> None:
    query = b"Action=DescribeInstances&Version=2012-03-01&InstanceId.1=i-12345678"
    read = reader(shape_of(instances.DescribeInstances), DATE)

    def by_query() -> Any:
        given = unique(parse(query))
        del given["Action"], given["Version"]
        return read(tree(given), "")

    body = (
        f'<DescribeInstances xmlns="{NAMESPACE}"><instancesSet><item>'
        "<instanceId>i-12345678</instanceId></item></instancesSet></DescribeInstances>"
    ).encode()
    shape = shape_of(instances.DescribeInstances)

    def by_soap() -> Any:
        return decode(shape, DATE, etree.fromstring(body), NAMESPACE)

    assert by_query() == by_soap()
    cost = best(
        {
            "query": by_query,
            "soap": by_soap,
            "parse": lambda: etree.fromstring(body),
        },
        2000,
    )
    tell(
        "a small Query request, to its shape",
        f"{cost['query'] * 1e6:.1f} us",
        "",
        "required: < 20 us",
    )
    tell("a small SOAP body, lxml's bare parse", f"{cost['parse'] * 1e6:.1f} us")
    tell(
        "  parsed, judged, and read to its shape",
        f"{cost['soap'] * 1e6:.1f} us",
        f"{cost['soap'] / cost['parse']:.1f} x parse",
        "required: < 250 us",
    )


# --- what is made of the declaration ----------------------------------------


def importing() -> None:
    """In a process of its own; attrs is there already, as in every daemon."""
    code = (
        "import time, attrs, typing; began = time.process_time();"
        "import euca_tw.api.ec2.table;"
        "print(time.process_time() - began)"
    )
    costs = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, check=True, text=True
            ).stdout
        )
        for _ in range(5)
    ]
    tell(
        f"import of {len(EC2.operations)} operations",
        f"{min(costs) * 1e3:.0f} ms",
        "",
        "required: < 400 ms",
    )


def compiling() -> None:
    """Everything of a date: what reads its requests and writes its answers."""
    version = EC2.versions[-1]
    namespace = EC2.namespace_of(version)
    tracemalloc.start()
    for operation in EC2.at(version):
        request, response = shape_of(operation.request), shape_of(operation.response)
        reader_of(request, version, namespace)
        reader(shape_of(operation.query_form or operation.request), version)
        for each in shapes_in(response, version):
            writer(each, version)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    tell(
        f"all readers and writers of {version}",
        f"{kept / 2**20:.1f} MiB",
        "",
        "required: < 4 MiB",
    )


def shapes_in(shape: Shape, version: Version) -> Iterator[Shape]:
    """A shape and all that can be in it: they are compiled one by one."""
    yield shape
    for f in shape.elements(version):
        if not f.is_scalar:
            yield from shapes_in(shape_of(f.of), version)


def describing() -> None:
    def made(version: Version) -> None:
        wsdl(EC2, version, "http://x/")

    costs = {v: min(cpu_s(partial(made, v)) for _ in range(3)) for v in EC2.versions}
    slowest = max(costs, key=lambda v: costs[v])
    tell(
        f"the slowest WSDL of {len(costs)} ({slowest}), made",
        f"{costs[slowest] * 1e3:.0f} ms",
        "",
        "required: < 50 ms",
    )


def main() -> None:
    importing()
    settle_memory()  # as a daemon does when it has started
    compiling()
    describing()
    writing()
    reading()


if __name__ == "__main__":
    main()
