"""
The sections of C{euca.toml}, one class each.

The file C{etc/euca_tw/euca.toml} shows every option with its default; a test holds
it against the classes here.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from attrs import frozen

from euca_tw.admin.values import (
    DEFAULT_POLICY,
    check_address_or_none,
    check_addresses,
    check_cable,
    check_carries,
    check_declarer,
    check_domain_type,
    check_endpoint_or_none,
    check_hypervisor,
    check_interface_or_none,
    check_mtu,
    check_name,
    check_names,
    check_namespace_or_none,
    check_network,
    check_networks,
    check_not_negative,
    check_placement,
    check_pool,
    check_positive,
    check_resolvers,
    check_scheduler,
    check_store_or_none,
    check_url,
    check_url_or_none,
    check_versions,
)
from euca_tw.cc.settings import ClusterSettings
from euca_tw.clc.admission import AdmissionLimits
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.config import checked
from euca_tw.common.connections import ConnectionLimits
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.settings import BridgeSettings, check_address, check_bridge_name


@frozen(kw_only=True)
class CloudSection(ConvergenceSettings):
    """
    Of the cloud controller, C{euca-clc}.

    @ivar state_dir: made if it is not there, of mode 0700.
    @ivar store: a PostgreSQL database that cloud controllers share, as libpq names
        it; C{""}: its own file, in C{state_dir}.
    @ivar listen: an endpoint, as Twisted describes them.
    @ivar url: under which users and nodes reach it; C{""}: this machine's name
        (or the address it listens on) and the port.
    @ivar public_addresses: what AllocateAddress gives; see
        L{euca_tw.admin.values.address_pool}.
    @ivar keys: where the cloud's own keys and secrets are kept, which cloud
        controllers that share a C{store} must share too; None: C{keys} in
        C{state_dir}.
    @ivar certificate, key: PEM; None: made in C{keys} at first start.
    @ivar accept_sha1: whether users may sign SOAP requests by it.
    @ivar replays: the memory of signed SOAP requests, which several processes of
        one machine may share; None: C{replays.db} in C{state_dir}.
    @ivar signature_versions: by which users may sign Query requests.
    @ivar scope_regions, scope_services: that version 4 may be scoped to; none:
        to any.
    @ivar placement: the policy that chooses clusters; see L{euca_tw.policies}.
    """

    state_dir: Path = Path("/var/lib/euca_tw/clc")
    store: str = checked(check_store_or_none, "")
    listen: str = "tcp:8773"
    url: str = checked(check_url_or_none, "")
    region: str = checked(check_name, "eucalyptus")
    public_addresses: tuple[str, ...] = checked(check_pool, ())
    keys: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    max_body_bytes: int = checked(check_positive, 1 << 20)
    accept_sha1: bool = True
    replays: Path | None = None
    signature_versions: tuple[str, ...] = checked(check_versions, ("2", "4"))
    scope_regions: tuple[str, ...] = checked(check_names, ())
    scope_services: tuple[str, ...] = checked(check_names, ())
    placement: str = checked(check_placement, DEFAULT_POLICY)
    lost_after_s: float = checked(check_positive, ConvergenceSettings().lost_after_s)
    declare_lost: str = checked(check_declarer, ConvergenceSettings().declare_lost)

    @property
    def keys_dir(self) -> Path:
        """Where the cloud's own keys and secrets are."""
        return self.keys or self.state_dir / "keys"


@frozen(kw_only=True)
class LimitsSection:
    """
    Of the cloud controller.  0 stands for no limit.

    @ivar connections: in all.
    @ivar connections_per_source: from one address (of IPv6: one /64).
    @ivar head_s: within which a request's head must have come.
    @ivar slowest_bytes_per_s: at which its body must come at least, and its answer
        be taken.
    @ivar pending_mib: of all large bodies that are received or worked on.
    @ivar requests_in_work: that were read and are not answered.
    @ivar requests_per_s, burst: of one account.
    @ivar failures_per_s, failures_burst: of one address (of IPv6: one /64), to
        be let in.
    """

    connections: int = checked(check_not_negative, 4096)
    connections_per_source: int = checked(check_not_negative, 1024)
    head_s: float = checked(check_not_negative, 30.0)
    slowest_bytes_per_s: int = checked(check_not_negative, 1024)
    pending_mib: int = checked(check_not_negative, 64)
    requests_in_work: int = checked(check_not_negative, 1000)
    requests_per_s: float = checked(check_not_negative, 100.0)
    burst: int = checked(check_positive, 500)
    failures_per_s: float = checked(check_not_negative, 1.0)
    failures_burst: int = checked(check_positive, 50)

    @property
    def of_connections(self) -> ConnectionLimits:
        """Of those who connect, and send requests."""
        return ConnectionLimits(
            most=self.connections,
            most_per_source=self.connections_per_source,
            head_s=self.head_s,
            slowest_bytes_per_s=self.slowest_bytes_per_s,
            pending_bytes=self.pending_mib << 20,
        )

    @property
    def admission(self) -> AdmissionLimits:
        """Of those who try and call."""
        return AdmissionLimits(
            failures_per_s=self.failures_per_s,
            failures_burst=self.failures_burst,
            requests_per_s=self.requests_per_s,
            burst=self.burst,
        )


@frozen(kw_only=True)
class ImagesSection:
    """
    @ivar directory: None: C{images} in the cloud's state directory.
    @ivar import_directories: below which users who are not administrators may
        register files of the cloud controller's machine.
    @ivar users_may_fetch: whether they may register what is at a web address.
    @ivar least_free_mib: of the disk that images are on: what nodes have made
        and would leave less is not taken.
    @ivar demo: a directory with vmlinuz, initrd.gz and root.img, which are
        registered as the public demo image; None for none.
    """

    directory: Path | None = None
    import_directories: tuple[Path, ...] = ()
    users_may_fetch: bool = True
    largest_mib: int = checked(check_positive, 1 << 16)
    least_free_mib: int = checked(check_not_negative, 256)
    demo: Path | None = None


@frozen(kw_only=True)
class ClusterSection:
    """
    One cluster, as the cloud controller knows it: a C{[[cluster]]}.

    @ivar name: of its availability zone.
    @ivar certificate: with which its controller signs.
    @ivar trunk: C{host:port} at which other clusters' heads reach its head; C{""}:
        they do not.
    @ivar trunk_certificate: by which its head is known to them; None: it has no
        trunk.
    """

    name: str = checked(check_name)
    url: str = checked(check_url)
    certificate: Path
    trunk: str = checked(check_endpoint_or_none, "")
    trunk_certificate: Path | None = None


@frozen(kw_only=True)
class ClusterControllerSection(ClusterSettings):
    """
    Of the cluster controller, C{euca-cc}.

    @ivar scheduler: the policy that chooses nodes; see L{euca_tw.policies}.
    @ivar cloud_certificate: with which the cloud controller signs.
    @ivar certificate, key: PEM; None: made in C{state_dir/keys} at first start.
    @ivar head_url, head_certificate: of the cluster's head, where networks are
        managed.
    @ivar head_address: to which machines send it packets; C{""}: the host of its
        URL.
    @ivar is_routed: machines of other clusters reach this one's by the addresses
        to which they send each other packets.
    @ivar network_mtu: of the largest packet that goes between them whole.
    """

    name: str = checked(check_name, "cluster1")
    state_dir: Path = Path("/var/lib/euca_tw/cc")
    listen: str = "tcp:8774"
    url: str = checked(check_url_or_none, "")
    cloud_certificate: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    subnet: str = checked(check_network, ClusterSettings().subnet)
    router: str = checked(check_address_or_none, "")
    nameservers: tuple[str, ...] = checked(check_addresses, ())
    scheduler: str = checked(check_scheduler, DEFAULT_POLICY)
    questions_per_s: float = checked(check_positive, ClusterSettings().questions_per_s)
    lost_after_s: float = checked(check_positive, ClusterSettings().lost_after_s)
    declare_lost: str = checked(check_declarer, ClusterSettings().declare_lost)
    head_url: str = checked(check_url_or_none, "")
    head_certificate: Path | None = None
    head_address: str = checked(check_address_or_none, "")
    is_routed: bool = False
    network_mtu: int = checked(check_mtu, 1500)


@frozen(kw_only=True)
class NodeSection:
    """
    One node, as its cluster controller knows it: a C{[[node]]}.

    @ivar certificate: with which it signs.
    @ivar network_address: to which other machines send it instances' packets;
        C{""}: the host of its URL.
    """

    url: str = checked(check_url)
    certificate: Path
    network_address: str = checked(check_address_or_none, "")


@frozen(kw_only=True)
class HeadSection:
    """
    Of a cluster's head, C{euca-head}.

    @ivar url: under which the cluster controller reaches it; C{""}: as of
        L{CloudSection.url}.
    @ivar cluster: the name of its availability zone.
    @ivar carries: C{kernel}, or C{memory}: networks that exist only in it.
    @ivar namespace: the network namespace that it runs in, on a machine that runs
        instances too; C{""}: the machine's own.
    @ivar namespace_link: of the cable to it: the machine has the first address, the
        head the second.
    @ivar namespace_forwards: whether the machine forwards between the head and what
        is beyond.
    @ivar trunk_listen: C{host:port} or C{:port} at which other heads connect to it;
        C{""}: they do not.
    @ivar outer, way_out, closed, serves_names: see
        L{euca_tw.vnet.filter_settings.FilterSettings}; C{""} of C{way_out} is
        nobody.
    @ivar cluster_certificate: with which the cluster controller signs.
    @ivar certificate, key: PEM; None: made in C{state_dir/keys} at first start.
        Other heads know it by that certificate, too.
    """

    state_dir: Path = Path("/var/lib/euca_tw/head")
    listen: str = "tcp:8777"
    url: str = checked(check_url_or_none, "")
    cluster: str = checked(check_name, "cluster1")
    carries: str = checked(check_carries, "kernel")
    namespace: str = checked(check_namespace_or_none, "")
    namespace_link: str = checked(check_cable, "172.30.255.252/30")
    namespace_forwards: bool = False
    trunk_listen: str = ""
    outer: str = checked(check_interface_or_none, "")
    way_out: str = checked(check_address_or_none, "")
    closed: tuple[str, ...] = checked(check_networks, ())
    serves_names: bool = False
    cluster_certificate: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def filters(self) -> FilterSettings:
        """What its rules depend on."""
        return FilterSettings(
            serves_names=self.serves_names,
            outer=self.outer,
            way_out=IPv4Address(self.way_out) if self.way_out else None,
            closed=tuple(map(IPv4Network, self.closed)),
        )


@frozen(kw_only=True)
class NodeControllerSection(NodeSettings):
    """
    Of the node controller, C{euca-nc}.

    @ivar url: under which the cluster controller reaches it, and the name by
        which the node is known; C{""}: as of L{CloudSection.url}.
    @ivar hypervisor: C{memory}, or a URI of libvirt.
    @ivar domain_type: of libvirt's domains: one of
        L{euca_tw.nodectl.machines.MACHINES}; C{""} is
        C{xen} with its URI, else C{kvm} if it proves to work, or C{qemu}.
    @ivar mark: by which this node knows its domains; two nodes on one machine
        must have two.
    @ivar instances_dir: of instances' disks and fetched images; None: in
        C{state_dir}.  The user that domains run as must get there.
    @ivar bridge, bridge_address, has_way_out: see
        L{euca_tw.vnet.settings.BridgeSettings}.
    @ivar serves_names: whether instances can ask this machine for names.
    @ivar resolvers: whom it asks for those that are not the cloud's; none: those
        of C{/etc/resolv.conf}.
    @ivar image_cache_gib: images that no instance has are thrown out while
        all take more than this, those that are on their way included.
    @ivar least_free_mib: of the disk; what would leave less is not fetched or
        made.
    @ivar inject_keys: whether users' keys are put into images, for guests that
        do not ask the metadata service for them.
    @ivar caps_processors, emulator_memory_mib: see
        L{euca_tw.nodectl.machines.Machine}, which calls the latter its
        overhead.
    @ivar hooks_dir: of the site's own programs; None for none.  Each is given
        C{hook_deadline_s}.
    @ivar cluster_certificate: with which the cluster controller signs.
    @ivar certificate, key: PEM; None: made in C{state_dir/keys} at first start.
    """

    state_dir: Path = Path("/var/lib/euca_tw/nc")
    listen: str = "tcp:8775"
    url: str = checked(check_url_or_none, "")
    hypervisor: str = checked(check_hypervisor, "qemu:///system")
    domain_type: str = checked(check_domain_type, "")
    mark: str = checked(check_name, "euca_tw")
    instances_dir: Path | None = None
    bridge: str = checked(check_bridge_name, BridgeSettings().bridge)
    bridge_address: str = checked(check_address, BridgeSettings().address)
    has_way_out: bool = BridgeSettings().has_way_out
    serves_names: bool = True
    resolvers: tuple[str, ...] = checked(check_resolvers, ())
    image_cache_gib: int = checked(check_positive, 20)
    least_free_mib: int = checked(check_not_negative, 1024)
    inject_keys: bool = False
    caps_processors: bool = False
    emulator_memory_mib: int = checked(check_not_negative, 0)
    memory_reserve_mib: int = checked(check_not_negative, 256)
    cores_reserve: int = checked(check_not_negative, 0)
    disk_reserve_gib: int = checked(check_not_negative, 0)
    cores_overcommit: float = checked(check_positive, 1.0)
    memory_overcommit: float = checked(check_positive, 1.0)
    disk_overcommit: float = checked(check_positive, 1.0)
    stop_grace_s: float = checked(check_not_negative, NodeSettings().stop_grace_s)
    terminate_grace_s: float = checked(
        check_not_negative, NodeSettings().terminate_grace_s
    )
    hooks_dir: Path | None = None
    hook_deadline_s: float = checked(check_positive, 30.0)
    console_mib: int = checked(check_positive, 1)
    cluster_certificate: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def bridge_settings(self) -> BridgeSettings:
        """Of the instances' network."""
        return BridgeSettings(
            bridge=self.bridge,
            address=self.bridge_address,
            has_way_out=self.has_way_out,
        )
