"""
A cloud controller's parts, put together: which concrete class serves which, and
in what order they start.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

from attrs import frozen
from twisted.internet.defer import DeferredList
from twisted.web.client import BrowserLikeRedirectAgent

from euca_tw.admin.actions import Actions
from euca_tw.admin.configuration import Configuration, public_url
from euca_tw.admin.daemon import (
    REPLAYS,
    Daemon,
    Machine,
    Part,
    listen_part,
    replays_part,
    service_part,
    store_part,
)
from euca_tw.admin.direct import cloud_sealing
from euca_tw.admin.first_start import FirstStart
from euca_tw.admin.modes import mode_part
from euca_tw.admin.policies import placement_of
from euca_tw.admin.refusals import Refusals
from euca_tw.admin.server import AdminSocket
from euca_tw.admin.sharing import Sharing
from euca_tw.admin.state_copies import StateCopies
from euca_tw.admin.stores import place_of
from euca_tw.admin.subjects import Parts, dispatcher
from euca_tw.admin.tier import cooperator_of
from euca_tw.admin.values import address_pool
from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.shapes import Version
from euca_tw.clc.accounts import Accounts
from euca_tw.clc.admission import Admission
from euca_tw.clc.arrivals import Arrivals
from euca_tw.clc.callers import StoredAccessKeys, StoredCertificates
from euca_tw.clc.clusters import Clusters
from euca_tw.clc.credentials import credential_files
from euca_tw.clc.descriptions import Descriptions
from euca_tw.clc.dispatch import Dispatcher
from euca_tw.clc.freshness import Health
from euca_tw.clc.front import SERVICE, Front, FrontResource
from euca_tw.clc.image_resource import ImageResource
from euca_tw.clc.image_store import FileImageStore, MemoryImageStore
from euca_tw.clc.imports import Imports
from euca_tw.clc.interfaces import IImageStore
from euca_tw.clc.makings import Makings
from euca_tw.clc.metering import Metering
from euca_tw.clc.modes import living
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.uploads import Uploads
from euca_tw.clc.work import RequestsInWork
from euca_tw.common.certificates import KeyAndCertificate
from euca_tw.common.descriptors import room_for
from euca_tw.common.leading import Duty, MayAct
from euca_tw.common.secret import kept_secret
from euca_tw.common.web import Answer, make_site
from euca_tw.model.networks import TrunkEnd
from euca_tw.model.records import CLOUD_RECORDS, AccessKey, Instance, User
from euca_tw.overlay.settings import STATIC
from euca_tw.query.door import QueryDoor
from euca_tw.query.signing import Signatures
from euca_tw.soap.door import ec2_door
from euca_tw.soap.http import pooled_agent
from euca_tw.soap.interfaces import IPeers
from euca_tw.soap.wsse import Forms
from euca_tw.store.interfaces import ICopied
from euca_tw.store.watched import WatchedStore
from euca_tw.wsdl.write import schema, wsdl

NAME = "euca-clc"

#: Where domains are only imagined, so is the demo image, which has no bytes.
_IMAGINED = PurePath("memory:/demo")
#: Public addresses for the same: no network has them (RFC 5737).
_IMAGINED_POOL = ("192.0.2.0/24",)


@frozen(kw_only=True)
class Neighbours:
    """
    The clusters, as a cloud controller gets at them.

    @ivar urls: by availability zone.
    @ivar parts: what runs in this process of them.
    @ivar ends: where the trunks between their heads are.
    @ivar is_imagined: whether instances exist only in memory; then so do images.
    """

    urls: Mapping[str, str]
    peers: IPeers
    parts: tuple[Part, ...] = ()
    ends: tuple[TrunkEnd, ...] = ()
    is_imagined: bool = False


class Cloud:
    """The concrete classes of a cloud controller, and how they are joined."""

    def __init__(
        self,
        configuration: Configuration,
        machine: Machine,
        pems: KeyAndCertificate,
        around: Neighbours,
    ) -> None:
        section = configuration.cloud
        self._configuration = configuration
        self._machine = machine
        self._around = around
        self._url = public_url("cloud", section.listen, section.url)
        self._sealing = cloud_sealing(section.keys_dir, machine.random)
        kept = machine.make_store(
            place_of(section), CLOUD_RECORDS, {"seal_secret": self._sealing.seal_body}
        )
        self._copies: StateCopies | None = None
        if ICopied.providedBy(kept):
            self._copies = StateCopies(ICopied(kept), section.state_dir)
        self._store = WatchedStore(kept)
        self._sharing = Sharing(kept, self._store, machine, section.listen)
        self._metering = Metering(
            store=self._store,
            clock=machine.reactor,
            anew=self._sharing.of_the_cloud,
        )
        self._store.watch(self._metering.changed)
        self._networks = self._make_networks()
        self._image_resource: ImageResource | None = None
        self._arrivals: Arrivals | None = None
        self._images = self._image_store()
        self._clusters = Clusters(
            clusters=around.urls,
            peers=around.peers,
            store=self._store,
            images=self._images,
            machine_types=configuration.machine_types,
            clock=machine.reactor,
            random=machine.random,
            settings=section,
            networks=self._networks,
            ended=lambda: self._imports.begin_sweep(),
            # None is what was there before there were others.
            network_mode=(
                None
                if configuration.network.mode == STATIC
                else configuration.network.mode
            ),
            is_shared=self._sharing.is_shared,
        )
        self._certificates = StoredCertificates(self._store, machine.reactor)
        self._accounts = Accounts(
            store=self._store,
            clock=machine.reactor,
            minter=machine.minter,
            in_thread=machine.in_thread,
            sealing=self._sealing,
            index=self._certificates.index,
        )
        self._files_of = partial(
            credential_files,
            cloud_url=self._url,
            region=section.region,
            cloud_certificate_pem=pems.certificate_pem,
        )
        self._imports = Imports(
            store=self._store,
            images=self._images,
            anew=self._sharing.of_the_cloud,
        )
        self._makings = Makings(
            store=self._store,
            clusters=self._clusters,
            images=self._images,
            clock=machine.reactor,
            random=machine.random,
            settings=section,
            is_shared=self._sharing.is_shared,
        )
        self._sharing.watch(
            self._clusters.changed, self._imports.changed, self._makings.changed
        )
        self._replays = machine.make_replays(
            section.replays or section.state_dir / REPLAYS
        )
        self._admission = Admission(machine.reactor, configuration.limits.admission)

    def _make_networks(self) -> CloudNetworks | None:
        """None: they are not managed; else they watch the store from now on."""
        whole, around = self._configuration, self._around
        if not whole.network.is_managed:
            return None
        networks = CloudNetworks(
            settings=whole.network,
            clusters={
                name: around.peers.peer(url) for name, url in around.urls.items()
            },
            ends=around.ends,
            store=self._store,
            clock=self._machine.reactor,
            random=self._machine.random,
            convergence=whole.cloud,
            by=self._sharing.name,
        )
        self._store.join(networks.counted)
        self._store.watch(networks.changed)
        return networks

    def _image_store(self) -> IImageStore:
        if self._around.is_imagined:
            imagined: IImageStore = MemoryImageStore()
            return imagined
        section, machine = self._configuration.images, self._machine
        cloud = self._configuration.cloud
        store = FileImageStore(
            directory=section.directory or cloud.state_dir / "images",
            base_url=self._url,
            secret=kept_secret(cloud.keys_dir / "images", machine.random),
            agent=BrowserLikeRedirectAgent(pooled_agent(machine.reactor)),
            clock=machine.reactor,
            in_thread=machine.in_thread,
            import_directories=section.import_directories,
            users_may_fetch=section.users_may_fetch,
            largest_bytes=section.largest_mib << 20,
            by=f".{self._sharing.name}" if self._sharing.name else "",
        )
        self._image_resource = ImageResource(store)
        self._arrivals = Arrivals(
            directory=store.directory,
            in_thread=machine.in_thread,
            largest_bytes=store.largest_bytes,
            least_free_bytes=section.least_free_mib << 20,
            arrived=lambda *came: self._makings.arrived(*came),
        )
        kept: IImageStore = store
        return kept

    def daemon(self) -> Daemon:
        """All of it, ready to start."""
        section, machine = self._configuration.cloud, self._machine
        actions = Actions(
            store=self._store,
            accounts=self._accounts,
            files_of=self._files_of,
            clusters=self._clusters,
            admission=self._admission,
            networks=self._networks,
            quotas=self._configuration.quotas,
            copies=self._copies,
            lost=self._clusters.lost,
            controllers=self._sharing.controllers,
            current=self._sharing.current,
            anew=self._sharing.of_requests,
        )
        admin_socket = AdminSocket(machine.reactor, section.state_dir, actions.perform)
        parts = (
            store_part(self._store),
            mode_part(self._configuration.network.mode, self._living),
            Part(name="the sealed secrets", start=self._check_secrets),
            Part(
                name="the index of certificates",
                start=self._certificates.index.refresh,
            ),
            # Before there are users: see there.
            replays_part(self._replays, lambda: not self._store.all(User)),
            self._sharing.alone("the first start", self._first_start().see_to_it),
            *self._around.parts,
            *self._work(),
            Part(name="admission", stop=self._admission.stop),
            listen_part(machine, "cloud", section.listen, self._site()),
            service_part(admin_socket),
        )
        return Daemon(NAME, machine, parts)

    def _work(self) -> tuple[Part, ...]:
        """What goes on beside the answering of requests."""
        is_shared, makings = self._sharing.is_shared, self._makings
        alone = (
            Part(
                name="imports of images",
                start=self._imports.resume,
                stop=self._imports.background.stop,
            ),
            Part(
                name="the measuring of usage",
                start=self._metering.start,
                stop=self._metering.background.stop,
            ),
        )
        return (
            *(() if is_shared else alone),
            service_part(self._clusters),
            Part(
                name="images that nodes make",
                start=(lambda: None) if is_shared else makings.start,
                stop=self._stop_makings,
            ),
            *self._sharing.parts(self._duties()),
        )

    def _duties(self) -> tuple[Duty, ...]:
        """What one cloud controller does at a time, of those that share a state."""

        def lead_images(may_act: MayAct) -> None:
            self._imports.lead(may_act)
            self._makings.lead(may_act)

        def follow_images() -> Any:
            return DeferredList([self._imports.follow(), self._makings.follow()])

        metering, networks = self._metering, self._networks
        return (
            *self._clusters.duties(),
            Duty("images", lead_images, follow_images),
            Duty("usage", metering.lead, metering.follow),
            *(
                (Duty("networks", networks.lead, networks.follow),)
                if networks is not None
                else ()
            ),
        )

    def _stop_makings(self) -> Any:
        stopping = [self._makings.stop()]
        if self._arrivals is not None:
            stopping.append(self._arrivals.background.stop())
        return DeferredList(stopping)

    def _uploads(self) -> Answer | None:
        if self._arrivals is None:
            return None
        return Uploads(
            store=self._store, images=self._images, arrivals=self._arrivals
        ).answer

    def _living(self) -> Mapping[str, str]:
        """Of instances, their mode of networks; what is imagined is of none."""
        if self._around.is_imagined:
            return {}
        return living(self._store.all(Instance), self._configuration.network.mode)

    def _check_secrets(self) -> None:
        self._sealing.check(self._store.all(AccessKey))

    def _site(self) -> Any:
        section, machine = self._configuration.cloud, self._machine
        dispatch = self._dispatch()
        new_request_id = machine.request_ids.uuid
        service_url = f"{self._url.rstrip('/')}{SERVICE}"
        query = QueryDoor(
            EC2,
            frozenset(QUERY_VERSIONS),
            dispatch,
            StoredAccessKeys(self._store, self._sealing, machine.reactor),
            machine.reactor,
            new_request_id,
            Signatures(
                versions=frozenset(section.signature_versions),
                regions=frozenset(section.scope_regions),
                services=frozenset(section.scope_services),
            ),
            admission=self._admission,
            in_thread=machine.in_thread,
        )
        soap = ec2_door(
            EC2,
            dispatch,
            self._certificates,
            machine.reactor,
            new_request_id,
            in_thread=machine.in_thread,
            replays=self._replays,
            forms=Forms(takes_sha1=section.accept_sha1, takes_identifiers=True),
            admission=self._admission,
        )

        def describe(version: Version, kind: str) -> bytes:
            if kind == "xsd":
                return schema(EC2, version)
            return wsdl(EC2, version, service_url)

        limits = self._configuration.limits
        refusals = Refusals(
            admission=self._admission,
            new_request_id=new_request_id,
            max_body_bytes=section.max_body_bytes,
            requests_in_work=limits.requests_in_work,
        )

        def fresh(answer: Answer) -> Answer:
            return self._sharing.answer_by(answer, refusals.at_door)

        uploads = self._uploads()
        front = Front(
            query=fresh(query.answer),
            soap=fresh(soap.answer),
            versions=EC2.versions,
            describe=Descriptions(make=describe, in_thread=machine.in_thread).of,
            refuse=refusals.no_page,
            uploads=fresh(uploads) if uploads is not None else None,
        )
        work = RequestsInWork(front.answer, limits.requests_in_work, refusals.busy)
        health = Health(work.answer, self._sharing.current)
        return make_site(
            FrontResource(health.answer, cooperator_of(machine), self._image_resource),
            section.max_body_bytes,
            machine.reactor,
            too_large=refusals.too_large,
            too_busy=refusals.no_room,
            limits=limits.of_connections.within(room_for(limits.connections)),
        )

    def _dispatch(self) -> Dispatcher:
        machine = self._machine
        parts = Parts(
            url=self._url,
            store=self._store,
            clusters=self._clusters,
            networks=self._networks,
            imports=self._imports,
            makings=self._makings,
            clock=machine.reactor,
            minter=machine.minter,
            in_thread=machine.in_thread,
            pool=address_pool(self._pool),
            placement=placement_of(self._configuration.cloud, machine.random),
            anew=self._sharing.of_requests,
        )
        return dispatcher(self._configuration, parts)

    @property
    def _pool(self) -> tuple[str, ...]:
        configured = self._configuration.cloud.public_addresses
        return configured or (_IMAGINED_POOL if self._around.is_imagined else ())

    def _first_start(self) -> FirstStart:
        demo: PurePath | None = self._configuration.images.demo
        if demo is None and self._around.is_imagined:
            demo = _IMAGINED
        return FirstStart(
            store=self._store,
            images=self._images,
            accounts=self._accounts,
            machine=self._machine,
            state_dir=self._configuration.cloud.state_dir,
            files_of=self._files_of,
            demo=demo,
        )
