"""Whether a site is as it should be."""

from __future__ import annotations

from euca_tw.cc.records import Placement
from euca_tw.model.records import Address, Instance, InstanceState
from euca_tw.nodectl.records import HostedInstance
from tests.whole.site import Site, url_of


def live_instances(site: Site) -> list[Instance]:
    """What the cloud's disk says shall run."""
    return [
        record
        for record in site.daemons["cloud"].disk.records.values()
        if isinstance(record, Instance) and record.wanted is InstanceState.RUNNING
    ]


def is_sound(site: Site) -> bool:
    """
    At every moment: no instance is in two places, and none is told to have
    ended (so that others may have its address) while its domain is there.
    """
    domains = site.domains()
    records = site.daemons["cloud"].disk.records
    names = {name for _, name in domains}
    return len(names) == len(domains) and not any(
        name in names and record.state is InstanceState.TERMINATED
        for (kind, name), record in records.items()
        if kind is Instance
    )


def stopped_instances(site: Site) -> list[Instance]:
    """What the cloud's disk says shall be stopped."""
    return [
        record
        for record in site.daemons["cloud"].disk.records.values()
        if isinstance(record, Instance) and record.wanted is InstanceState.STOPPED
    ]


def is_launched(site: Site) -> bool:
    """
    All that shall run is told to run, runs once, and nothing else does; what shall
    be stopped is told to be, and has its disk and nothing more.
    """
    live, stopped = live_instances(site), stopped_instances(site)
    domains = set(site.domains())
    places = {(each.node, each.instance_id) for each in live}
    disks = {(each.node, each.instance_id) for each in (*live, *stopped)}
    return (
        all(each.state is InstanceState.RUNNING and not each.is_silent for each in live)
        and all(
            each.state is InstanceState.STOPPED and not each.is_silent
            for each in stopped
        )
        and len(site.domains()) == len(live)
        and places == {(url_of(node), name) for node, name in domains}
        and disks == {(url_of(node), name) for node, name in site.disks()}
        and site.leases() == domains
    )


def is_ended(site: Site) -> bool:
    """Nothing is left of what was ended but what is told of it."""
    records = site.daemons["cloud"].disk.records.values()
    return (
        all(
            each.state is InstanceState.TERMINATED
            for each in records
            if isinstance(each, Instance)
        )
        and not site.domains()
        and not site.disks()
        and not site.leases()
        and not any(isinstance(r, Address) and r.instance_id for r in records)
    )


def is_forgotten(site: Site) -> bool:
    """No tier below the cloud knows of any instance."""
    return not any(
        isinstance(record, Placement | HostedInstance)
        for daemon in site.daemons.values()
        for record in daemon.disk.records.values()
    ) and not any(machine.instances._staged for machine in site.machines.values())
