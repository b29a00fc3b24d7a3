"""The cloud that is asked: two users with one of everything, behind both doors."""

from __future__ import annotations

import time
from itertools import count
from random import Random
from typing import Any
from xml.etree import ElementTree

import attrs
from attrs import define, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.encode import element
from euca_tw.api.errors import ApiError
from euca_tw.api.shapes import Version, shape_of
from euca_tw.clc.dispatch import Dispatcher
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.imports import Imports
from euca_tw.clc.makings import Makings
from euca_tw.clc.public_keys import NewKey
from euca_tw.clc.subjects import SUBJECTS
from euca_tw.common.asked import Asked, Reply
from euca_tw.common.certificate_identifiers import CertificateIdentifier
from euca_tw.common.clock import utc_now
from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import GroupId
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    CLOUD_RECORDS,
    Address,
    GroupName,
    ImageKind,
    KeyPair,
    ResourceTags,
    SecurityGroup,
)
from euca_tw.query.door import QueryDoor
from euca_tw.query.interfaces import IAccessKeys
from euca_tw.query.parameters import reader, tree
from euca_tw.soap.door import SoapDoor, ec2_door
from euca_tw.soap.envelope import read
from euca_tw.soap.faults import read_fault
from euca_tw.soap.interfaces import ICertificates
from euca_tw.store.interfaces import Delete
from tests.clc.cloud import ADMIN, ALICE, ALICE_ID, BOB, BOB_ID, TYPES, CloudTestCase
from tests.clc.test_vpcs import network
from tests.fakes.clusters import roomy_zone
from tests.query.requests import KEY_ID, SECRET, signed_2
from tests.soap.identities import identity
from tests.soap.messages import message

#: Alice's.
INSTANCE, IMAGE, GROUP = "i-00000001", "emi-00000001", "sg-0000000a"
KEY, KEY_ID_OF_ALICE, ADDRESS = "mine", "key-00000001", "192.0.2.1"
ALLOCATION = "eipalloc-00000001"
#: Bob's; the image of his that is public; kernels are the administrator's.
HIS_INSTANCE, HIS_IMAGE, HIS_GROUP = "i-0000000b", "emi-0000000b", "sg-0000000b"
PUBLIC, HIS_ADDRESS = "emi-0000000c", "192.0.2.2"
KERNEL = "eki-00000001"

#: Nobody's.
NO_INSTANCE, NO_IMAGE, NO_GROUP = "i-000000ff", "emi-000000ff", "sg-000000ff"
NO_ADDRESS = "192.0.2.99"

#: That everybody's instances are in.
NETWORK = network()
VPC, SUBNET = NETWORK.vpc_id, NETWORK.subnet_id("one")

POOL = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")

_CALLERS = {each.user_name: each for each in (ALICE, BOB, ADMIN)}


@frozen
class Told:
    """A refusal as a client has it; C{code} is empty if it was none."""

    status: int
    code: str
    message: str


@implementer(IAccessKeys)
@define
class _Keys:
    """One key, which is whoever's it shall be."""

    caller: Caller = ALICE
    secret: str = SECRET

    def secret_of(self, key_id: str) -> str | None:
        return self.secret if key_id == KEY_ID else None

    def caller_of(self, key_id: str, request_id: str) -> Caller:
        return self.caller


@implementer(ICertificates)
class _Certificates:
    def caller_of(self, certificate_der: bytes, request_id: str) -> Caller | None:
        for name, caller in _CALLERS.items():
            if identity(name).certificate == certificate_der:
                return caller
        return None

    def certificate_of(self, identifier: CertificateIdentifier) -> bytes | None:
        return None


class World(CloudTestCase):
    """Every subject that there is, as a cloud has them, on a store in memory."""

    quotas = Quotas(
        instances=5,
        addresses=2,
        key_pairs=3,
        security_groups=4,
        permissions_per_group=5,
        placement_groups=2,
        images=3,
        tags=200,
    )

    def setUp(self) -> None:
        super().setUp()
        self.keys = _Keys()
        self.images = MemoryImageStore()
        self.imports = Imports(store=self.store, images=self.images)
        self.makings = Makings(
            store=self.store,
            clusters=self.clusters,
            images=self.images,
            clock=self.clock,
            random=Random(1),
        )
        self.dispatch = Dispatcher(EC2, *map(self._subject, SUBJECTS))
        ids = count(1)
        # Those who sign Query requests have no other time than now.
        clock = Clock()
        clock.advance(time.time())
        self.query = QueryDoor(
            EC2,
            frozenset(QUERY_VERSIONS),
            self.dispatch,
            self.keys,
            clock,
            lambda: f"req-{next(ids)}",
        )
        self.soap: SoapDoor = ec2_door(
            EC2,
            self.dispatch,
            _Certificates(),
            self.clock,
            lambda: f"req-{next(ids)}",
        )
        self.renew()

    def renew(self) -> None:
        """Everything is as it was at first."""
        self.clusters.known = (roomy_zone("one"),)
        self.clusters.consoles[INSTANCE] = b"hello"
        for kind in CLOUD_RECORDS:
            gone = [Delete(kind, each.key) for each in self.store.all(kind)]
            self.successResultOf(self.store.commit(*gone))
        self._populate()

    def _subject(self, subject: type[Any]) -> Any:
        given = {
            "store": self.store,
            "clusters": self.clusters,
            "clock": self.clock,
            "minter": self.minter,
            "quotas": self.quotas,
            "in_thread": in_this_thread,
            "new_key": lambda _: NewKey(private="p", public="q", fingerprint="aa"),
            "machine_types": TYPES,
            "pool": POOL,
            "network": NETWORK,
            "vpc_id": VPC,
            "domain": "internal",
            "region": "home",
            "endpoint": "cloud.example",
            "images": self.images,
            "imports": self.imports,
            "makings": self.makings,
        }
        wanted = {
            each.alias: given[each.alias]
            for each in attrs.fields(subject)
            if each.init and each.alias in given
        }
        return subject(**wanted)

    def _populate(self) -> None:
        self.image(IMAGE, product_codes=("A1",))
        self.image(HIS_IMAGE, owner_id=BOB_ID)
        self.image(PUBLIC, owner_id=BOB_ID, is_public=True)
        self.image(
            KERNEL, owner_id=ADMIN.account_id, kind=ImageKind.KERNEL, is_public=True
        )
        self.instance(0x1)
        self.instance(0xB, owner_id=BOB_ID, image_id=HIS_IMAGE)
        self.put(
            *(
                SecurityGroup(
                    group_id=GroupId(group_id),
                    owner_id=owner,
                    name=name,
                    description="for tests",
                )
                for group_id, owner, name in (
                    (GROUP, ALICE_ID, "web"),
                    (HIS_GROUP, BOB_ID, "his"),
                )
            ),
            KeyPair(
                owner_id=ALICE_ID,
                name=KEY,
                fingerprint="aa:bb",
                public_key="ssh-rsa AAAA",
                key_pair_id=KEY_ID_OF_ALICE,
            ),
            Address(public_ip=ADDRESS, owner_id=ALICE_ID, allocation_id=ALLOCATION),
            Address(public_ip=HIS_ADDRESS, owner_id=BOB_ID),
        )

    # --- more of what there may be ---------------------------------------------

    def tag(self, resource_id: str, count: int) -> None:
        """Alice has so many tags on something."""
        self.put(
            ResourceTags(
                owner_id=ALICE_ID,
                resource_id=resource_id,
                resource_type="instance",
                tags=tuple((f"k{n:03}", "") for n in range(count)),
            )
        )

    def key_pair(self, name: str) -> None:
        """Alice has another key pair."""
        self.put(
            KeyPair(owner_id=ALICE_ID, name=name, fingerprint="aa", public_key="ssh")
        )

    def full(self) -> None:
        """No cluster has room for a machine more."""
        self.clusters.known = (roomy_zone("one", available={}),)

    def in_group(self, group_id: str = GROUP, name: str = "web") -> None:
        """An instance of Alice's lives in a group of hers."""
        group = GroupName(group_id=GroupId(group_id), name=name)
        self.instance(0x5, groups=(group,))

    # --- the doors ------------------------------------------------------------

    def by_query(
        self, operation: str, parameters: dict[str, str], version: str, caller: Caller
    ) -> Told:
        self.keys.caller = caller
        asked = {"Action": operation, "Version": version, **parameters}
        reply = self.reply(self.query.answer(signed_2(asked)))
        root = ElementTree.fromstring(b"".join(reply.body))
        if reply.status == 200:
            return Told(200, "", "")
        code, text = root.findtext(".//Code"), root.findtext(".//Message")
        return Told(reply.status, code or "", text or "")

    def behind(
        self, operation: str, parameters: dict[str, str], version: str, caller: Caller
    ) -> str:
        """The code alone, without a door: read as Query is."""
        found = EC2.named(operation)
        try:
            request = self._read(operation, parameters, version)
            waiting = self._done(self.dispatch(found, caller, request))
        except ApiError as refusal:
            return refusal.code
        waiting.addCallbacks(lambda _: "", lambda failure: failure.value.code)
        code: str = self.successResultOf(waiting)
        return code

    def by_soap(
        self, operation: str, parameters: dict[str, str], version: str, caller: Caller
    ) -> Told:
        """What Query says, said in SOAP."""
        return self.by_message(self.entry(operation, parameters, version), caller)

    def entry(self, operation: str, parameters: dict[str, str], version: str) -> str:
        """The same request, as the element that a SOAP message has."""
        date = Version(version)
        request = self._read(operation, parameters, version)
        shape = shape_of(type(request))
        return element(operation, EC2.namespace_of(date), shape, date, request)

    def _read(self, operation: str, parameters: dict[str, str], version: str) -> Any:
        date = Version(version)
        found = EC2.find(operation, date)
        assert found is not None, (operation, version)
        said = shape_of(found.query_form or found.request)
        request = reader(said, date)(tree(parameters), "")
        return request if found.query_form is None else request.request()

    def by_message(self, entry: str, caller: Caller) -> Told:
        self.clock.advance(1)  # for it is taken once
        body = message(entry, by=caller.user_name, now=utc_now(self.clock))
        headers = {"content-type": "text/xml; charset=utf-8"}
        asked = Asked("POST", b"/", headers.get, body, "192.0.2.1")
        reply = self.reply(self.soap.answer(asked))
        fault = read_fault(read(b"".join(reply.body)).entry)
        if fault is None:
            return Told(reply.status, "", "")
        return Told(reply.status, fault.code, fault.message)

    def reply(self, answer: Any) -> Reply:
        reply: Reply = self.successResultOf(self._done(answer))
        return reply

    def _done(self, answer: Any) -> Deferred[Any]:
        """Long ones take some turns."""
        waiting: Deferred[Any] = Deferred.fromCoroutine(answer)
        for _ in range(50):
            if waiting.called:
                break
            self.clock.advance(0)
        return waiting
