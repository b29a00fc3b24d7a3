"""
What an operator can have done, by name, with and to JSON values.

Knows no socket: the cloud controller serves these at its admin socket, and the
command does them itself where no cloud controller runs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from attrs import field, frozen

from euca_tw.admin.client import Refused
from euca_tw.admin.shown_state import shown_state
from euca_tw.admin.state_copies import StateCopies
from euca_tw.admin.tracing import Tracing
from euca_tw.clc.accounts import AccountError, Accounts, Credentials
from euca_tw.clc.admission import Admission
from euca_tw.clc.anew import Anew
from euca_tw.clc.controllers import Controllers
from euca_tw.clc.freshness import always_current
from euca_tw.clc.interfaces import IClusters
from euca_tw.clc.limits import limits_of
from euca_tw.clc.lost import LostClusters, NotDeclared
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.usage import told_limits, usage
from euca_tw.common.clock import utc_now
from euca_tw.model.quotas import UNLIMITED, Quotas
from euca_tw.model.records import (
    AccessKey,
    Image,
    Instance,
    User,
    UserCertificate,
)
from euca_tw.store.interfaces import Conflict, IStore, StoreUnusable

_NUMBER = re.compile(r"[0-9]{1,9}")
_NOT_RUNNING = "the cloud controller is not running"
#: The text files of a user's credentials, for the directory they will lie in.
FilesOf = Callable[[Credentials, Path], Mapping[str, bytes]]


@frozen(kw_only=True, eq=False)
class Actions:
    """
    @ivar clusters, admission, lost: None where no cloud controller runs.
    @ivar networks: the same, or where they are not managed.
    @ivar quotas: what users may hold of whom nothing else is said.
    @ivar copies: None where the store is no file.
    @ivar controllers: None where there is only one.
    @ivar current: fires when what others have committed before is here.
    @ivar anew: how what others have overtaken is done again.
    """

    store: IStore
    accounts: Accounts
    files_of: FilesOf
    clusters: IClusters | None = None
    admission: Admission | None = None
    networks: CloudNetworks | None = None
    quotas: Quotas = field(factory=Quotas)
    copies: StateCopies | None = None
    lost: LostClusters | None = None
    controllers: Controllers | None = None
    current: Callable[[], Awaitable[None]] = always_current
    anew: Anew | None = None

    #: By name: what it is done with.
    ARGUMENTS: ClassVar[Mapping[str, Mapping[str, type]]] = {
        "status": {},
        "declare_node_lost": {"node": str},
        "declare_cluster_lost": {"zone": str},
        "trace": {
            "instance_id": str,
            "address": str,
            "protocol": str,
            "port": str,
            "is_sent": bool,
        },
        "copy_state": {},
        "show_state": {},
        "accept_networks": {"zone": str},
        "list_users": {},
        "add_user": {"name": str, "is_admin": bool, "directory": str},
        "set_active": {"name": str, "is_active": bool},
        "expire": {"name": str, "at": str},
        "add_certificate": {"name": str, "pem": str},
        "list_keys": {"name": str},
        "set_key_active": {"key_id": str, "is_active": bool},
        "new_credentials": {"name": str, "is_replacing": bool, "directory": str},
        "usage": {"name": str, "since": str},
        "list_quotas": {"name": str},
        "set_quotas": {"name": str, "limits": dict},
    }

    async def perform(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """
        @raise Refused:
        """
        expected = self.ARGUMENTS.get(name)
        if expected is None:
            raise Refused(f"there is no action {name}")
        given = {key: type(value) for key, value in arguments.items()}
        if given != expected:
            raise Refused(f"{name} is asked with {', '.join(expected) or 'nothing'}")
        action = partial(getattr(self, name), **arguments)
        try:
            await self.current()
            return await (self.anew.decide(action) if self.anew else action())
        except (AccountError, StoreUnusable, NotDeclared) as refusal:
            raise Refused(str(refusal)) from refusal
        except Conflict:
            raise Refused("others change the same at this moment: try again") from None

    async def status(self) -> dict[str, Any]:
        if self.clusters is None or self.admission is None:
            raise Refused(_NOT_RUNNING)
        counted = Counter(each.state.value for each in self.store.all(Instance))
        silent = sum(each.is_silent for each in self.store.all(Instance))
        return {
            "clusters": [
                {
                    "name": zone.name,
                    "is_reachable": zone.is_reachable,
                    "why": zone.why,
                    "available": dict(zone.available),
                    "instances": _living(self.store, zone.name),
                    "lost_since": _told_moment(zone.lost_since),
                    "nodes": [
                        {
                            "url": node.url,
                            "state": node.state,
                            "since": _told_moment(node.since),
                        }
                        for node in zone.nodes
                    ],
                }
                for zone in self.clusters.zones()
            ],
            "instances": dict(counted),
            "silent_instances": silent,
            "images": len(self.store.all(Image)),
            "users": len(self.store.all(User)),
            "admission": self.admission.counted(),
            "controllers": self.controllers.told() if self.controllers else [],
        }

    async def declare_node_lost(self, node: str) -> str:
        """The URL of the node that is lost from now on, or was."""
        if self.lost is None:
            raise Refused(_NOT_RUNNING)
        return await self.lost.declare_node(node)

    async def declare_cluster_lost(self, zone: str) -> None:
        if self.lost is None:
            raise Refused(_NOT_RUNNING)
        await self.lost.declare(zone)

    async def trace(
        self, instance_id: str, address: str, protocol: str, port: str, is_sent: bool
    ) -> list[str]:
        if self.clusters is None:
            raise Refused(_NOT_RUNNING)
        if self.networks is None:
            raise Refused(
                "the networks of this cloud are not managed (mode in [network] of its "
                "configuration), so no security group decides what passes"
            )
        tracing = Tracing(store=self.store, networks=self.networks)
        asked = tracing.traced_out if is_sent else tracing.traced
        return [*asked(instance_id, address, protocol, port)]

    async def copy_state(self) -> str:
        """Where a copy of the store is, for who asked to take away."""
        if self.copies is None:
            raise Refused("the state of this cloud controller is in no file")
        return await self.copies.make()

    async def show_state(self) -> dict[str, Any]:
        """What became of a cloud whose state was restored, or is older."""
        if self.clusters is None:
            raise Refused(_NOT_RUNNING)
        return shown_state(self.store, self.clusters, self.networks)

    async def accept_networks(self, zone: str) -> None:
        """Have a cluster that holds on to its networks take this cloud's."""
        if self.clusters is None:
            raise Refused(_NOT_RUNNING)
        if self.networks is None:
            raise Refused("the networks of this cloud are not managed")
        try:
            await self.networks.accept(zone)
        except LookupError:
            raise Refused(
                f"{zone} does not hold on to networks; `euca-tw state show` says "
                "which zones do"
            ) from None

    async def list_users(self) -> list[dict[str, Any]]:
        return [_told(user) for user in self.accounts.users()]

    async def add_user(
        self, name: str, is_admin: bool, directory: str
    ) -> dict[str, Any]:
        return self._given(await self.accounts.create(name, is_admin), directory)

    async def set_active(self, name: str, is_active: bool) -> dict[str, Any]:
        return _told(await self.accounts.activate(name, is_active))

    async def usage(self, name: str, since: str) -> list[dict[str, Any]]:
        """Of one user, or of all (C{""}); since a day, or ever (C{""})."""
        try:
            day = date.fromisoformat(since) if since else None
        except ValueError:
            raise Refused(f"{since!r} is no day like 2027-01-31") from None
        users = [self.accounts.named(name)] if name else self.accounts.users()
        now = utc_now(self.accounts.clock)
        return [usage(self.store, self.quotas, each, now, day) for each in users]

    async def list_quotas(self, name: str) -> dict[str, Any]:
        """What a user may hold, and which of it is said of him alone."""
        return self._quotas_of(self.accounts.named(name))

    def _quotas_of(self, user: User) -> dict[str, Any]:
        limits = limits_of(self.store, self.quotas, user.account_id)
        return {
            "name": user.name,
            "limits": told_limits(limits),
            "own": [each.of for each in user.limits],
        }

    async def set_quotas(self, name: str, limits: dict[str, Any]) -> dict[str, Any]:
        """Each by name: a number as text, C{unlimited}, or C{default}."""
        wanted = {of: _limit(most) for of, most in limits.items()}
        return self._quotas_of(await self.accounts.limit(name, wanted))

    async def expire(self, name: str, at: str) -> dict[str, Any]:
        """C{at} is a time by ISO 8601 with its zone; empty for never."""
        try:
            moment = datetime.fromisoformat(at) if at else None
        except ValueError:
            raise Refused(f"{at!r} is no time like 2027-01-31T12:00:00+00:00") from None
        if moment is not None and moment.tzinfo is None:
            raise Refused(f"{at!r} has no time zone")
        return _told(await self.accounts.expire(name, moment))

    async def add_certificate(self, name: str, pem: str) -> str:
        added = await self.accounts.add_certificate(name, pem.encode())
        return added.fingerprint

    async def list_keys(self, name: str) -> list[dict[str, Any]]:
        return [_shown(each) for each in self.accounts.keys_of(name)]

    async def set_key_active(self, key_id: str, is_active: bool) -> None:
        await self.accounts.activate_key(key_id, is_active)

    async def new_credentials(
        self, name: str, is_replacing: bool, directory: str
    ) -> dict[str, Any]:
        return self._given(await self.accounts.renew(name, is_replacing), directory)

    def _given(self, made: Credentials, directory: str) -> dict[str, Any]:
        files = self.files_of(made, Path(directory))
        texts = {name: content.decode() for name, content in files.items()}
        return {"user": _told(made.user), "files": texts}


def _limit(told: Any) -> int | None:
    """
    @return: None for what all users have.
    @raise Refused:
    """
    if told == "default":
        return None
    if told == "unlimited":
        return UNLIMITED
    if not isinstance(told, str) or not _NUMBER.fullmatch(told):
        raise Refused(f"{told!r} is no limit: a number, unlimited or default is")
    return int(told)


def _told_moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _living(store: IStore, zone: str) -> int:
    found = store.where(Instance, "zone", zone)
    return sum(each.ended_at is None for each in found)


def _told(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "account_id": user.account_id,
        "is_admin": user.is_admin,
        "is_active": user.is_active,
        "expires_at": user.expires_at and user.expires_at.isoformat(),
        "created_at": user.created_at.isoformat(timespec="seconds"),
    }


def _shown(key: AccessKey | UserCertificate) -> dict[str, Any]:
    """What may be shown of it: nothing that opens a door."""
    created = key.created_at
    return {
        "kind": "access key" if isinstance(key, AccessKey) else "certificate",
        "id": key.key,
        "is_active": key.is_active,
        "created_at": created and created.isoformat(timespec="seconds"),
    }
