"""
Users, their access keys and certificates.

A user's private key is made here, given away once and kept nowhere: who lost
it gets new credentials.  The secret of an access key is kept sealed.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from attrs import Factory, define, evolve, field, frozen
from twisted.internet.interfaces import IReactorTime

from euca_tw.clc.certificate_index import CertificateIndex
from euca_tw.clc.sealing import Sealing
from euca_tw.common.certificates import (
    KeyAndCertificate,
    der_of,
    fingerprint,
    make_certificate,
    usable_certificate,
)
from euca_tw.common.clock import utc_now, wall_now
from euca_tw.common.in_thread import InThread
from euca_tw.model.identifiers import Minter
from euca_tw.model.quotas import LIMITS
from euca_tw.model.records import AccessKey, Limit, User, UserCertificate
from euca_tw.store.interfaces import Change, IStore, Put

#: The first user, whose credentials the cloud writes down at its first start.
ADMIN = "admin"

_KEY_LETTERS = string.ascii_uppercase + string.digits
_SECRET_LETTERS = string.ascii_letters + string.digits
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+=-]{0,63}\Z")
_CERTIFICATE_DAYS = 3650


@define
class AccountError(Exception):
    """An administrator's wish that cannot be; the text is for him."""

    text: ClassVar[str]
    name: str

    def __str__(self) -> str:
        return self.text.format(name=self.name)


class NoSuchUser(AccountError):
    text = "there is no user {name}"


class DuplicateUser(AccountError):
    text = "there is a user {name} already"


class InvalidUserName(AccountError):
    text = (
        "{name!r} cannot be a user's name: 1 to 64 letters, digits and _.@+=- are, "
        "beginning with a letter or digit"
    )


class NoSuchKey(AccountError):
    text = "there is no access key or certificate {name!r}"


class UnusableCertificate(AccountError):
    """@ivar name: what is wrong with it."""

    text = "the certificate is not taken: {name}"


class DuplicateCertificate(AccountError):
    text = "the certificate {name} is known already"


class NoSuchLimit(AccountError):
    text = f"there is no limit {{name!r}}; there are {', '.join(LIMITS)}"


class UnlimitedUser(AccountError):
    text = "{name} is an administrator: they have no limits"


class LastAdministrator(AccountError):
    text = "{name} is the last active administrator whose time is not limited"


@frozen(kw_only=True)
class Credentials:
    """What a user signs with; the only time that all of it is together."""

    user: User
    key: AccessKey
    secret: str = field(repr=False)
    identity: KeyAndCertificate = field(repr=False)


@frozen(kw_only=True, eq=False)
class Accounts:
    """
    The users of a cloud.

    @ivar index: of their certificates; may be that of others who look there.
    """

    store: IStore
    clock: IReactorTime
    minter: Minter
    in_thread: InThread
    sealing: Sealing
    index: CertificateIndex = Factory(
        lambda self: CertificateIndex(self.store), takes_self=True
    )

    def users(self) -> list[User]:
        """All of them, oldest first."""
        return list(self.store.all(User))

    def named(self, name: str) -> User:
        """
        @raise NoSuchUser:
        """
        for user in self.store.where(User, "name", name):
            found: User = user
            return found
        raise NoSuchUser(name)

    def has(self, name: str) -> bool:
        """Whether there is a user of that name."""
        return bool(self.store.where(User, "name", name))

    async def draft(self, name: str, is_admin: bool = False) -> Credentials:
        """
        Credentials for a user to be, of which nothing is kept yet.

        @raise InvalidUserName:
        @raise DuplicateUser:
        """
        if _NAME.match(name) is None:
            raise InvalidUserName(name)
        if self.has(name):
            raise DuplicateUser(name)
        user = User(
            account_id=self.minter.account(
                lambda account: self.store.get(User, account) is not None
            ),
            name=name,
            is_admin=is_admin,
            created_at=utc_now(self.clock),
        )
        return await self._credentials(user)

    async def _credentials(self, user: User) -> Credentials:
        now = utc_now(self.clock)
        identity = await self.in_thread(
            lambda: make_certificate(user.name, now, _CERTIFICATE_DAYS)
        )
        key_id = self._letters(_KEY_LETTERS, 20)
        while self.store.get(AccessKey, key_id) is not None:
            key_id = self._letters(_KEY_LETTERS, 20)
        secret = self._letters(_SECRET_LETTERS, 40)
        key = AccessKey(
            key_id=key_id,
            sealed_secret=self.sealing.seal(key_id, secret),
            account_id=user.account_id,
            created_at=now,
        )
        return Credentials(user=user, key=key, secret=secret, identity=identity)

    def _letters(self, alphabet: str, count: int) -> str:
        return "".join(self.minter.random.choices(alphabet, k=count))

    async def add(self, drafted: Credentials) -> None:
        """
        Make the drafted user known.

        @raise DuplicateUser: one was added meanwhile.
        """
        if self.has(drafted.user.name):
            raise DuplicateUser(drafted.user.name)
        await self.store.commit(Put(drafted.user), *_known(drafted))

    async def create(self, name: str, is_admin: bool = False) -> Credentials:
        """
        Make a user.

        @raise InvalidUserName:
        @raise DuplicateUser:
        """
        drafted = await self.draft(name, is_admin)
        await self.add(drafted)
        return drafted

    async def renew(self, name: str, is_replacing: bool) -> Credentials:
        """
        Further credentials for a user; those that he had end if
        C{is_replacing}.

        @raise NoSuchUser:
        """
        made = await self._credentials(self.named(name))
        ended: list[Change] = []
        if is_replacing:
            mine = ("account_id", made.user.account_id)
            for key in self.store.where(AccessKey, *mine):
                ended.append(Put(evolve(key, is_active=False)))
            for certificate in self.store.where(UserCertificate, *mine):
                ended.append(Put(evolve(certificate, is_active=False)))
        await self.store.commit(*ended, *_known(made))
        return made

    def keys_of(self, name: str) -> list[AccessKey | UserCertificate]:
        """
        A user's access keys, then his certificates, each oldest first.

        @raise NoSuchUser:
        """
        mine = ("account_id", self.named(name).account_id)
        return [
            *self.store.where(AccessKey, *mine),
            *self.store.where(UserCertificate, *mine),
        ]

    async def activate_key(self, key_id: str, is_active: bool) -> None:
        """
        Let a user in with an access key or a certificate, or no more.

        @param key_id: of the access key; or the certificate's fingerprint, with
            colons or without.
        @raise NoSuchKey:
        """
        found: AccessKey | UserCertificate | None = self.store.get(AccessKey, key_id)
        if found is None:
            fingerprint_ = key_id.replace(":", "").lower()
            found = self.store.get(UserCertificate, fingerprint_)
        if found is None:
            raise NoSuchKey(key_id)
        await self.store.commit(Put(evolve(found, is_active=is_active)))

    async def activate(self, name: str, is_active: bool) -> User:
        """
        Let a user in, or no more; what is his goes on.

        @raise NoSuchUser:
        @raise LastAdministrator: nobody would be left who is let in for ever.
        """
        return await self._change(evolve(self.named(name), is_active=is_active))

    async def expire(self, name: str, at: datetime | None) -> User:
        """
        Let a user in until a moment, and no more from then on; None: for ever.

        @raise NoSuchUser:
        @raise LastAdministrator: nobody would be left who is let in for ever.
        """
        return await self._change(evolve(self.named(name), expires_at=at))

    async def limit(self, name: str, limits: Mapping[str, int | None]) -> User:
        """
        Give a user limits of his own.

        @param limits: by name; None: what all users have.
        @raise NoSuchUser:
        @raise NoSuchLimit:
        @raise UnlimitedUser: he is an administrator.
        """
        user = self.named(name)
        for of in limits:
            if of not in LIMITS:
                raise NoSuchLimit(of)
        if user.is_admin:
            raise UnlimitedUser(name)
        own = {**{each.of: each.most for each in user.limits}, **limits}
        kept = ((of, own[of]) for of in LIMITS if of in own)
        changed = evolve(
            user,
            limits=tuple(Limit(of=of, most=n) for of, n in kept if n is not None),
        )
        await self.store.commit(Put(changed))
        return changed

    async def _change(self, user: User) -> User:
        if not _is_lasting(user) and self._is_last_administrator(user):
            raise LastAdministrator(user.name)
        await self.store.commit(Put(user))
        return user

    def _is_last_administrator(self, user: User) -> bool:
        """Of those who are let in for ever."""
        lasting = [u.key for u in self.users() if u.is_admin and _is_lasting(u)]
        return lasting == [user.key]

    async def add_certificate(self, name: str, pem: bytes) -> UserCertificate:
        """
        Let a user in with a certificate of his own, whose key he alone has.

        @param pem: of a key that L{is taken<euca_tw.common.certificates.is_taken>}.
        @raise NoSuchUser:
        @raise UnusableCertificate: it is of another kind, or nobody could be let
            in with it now; or it may be taken for another user's, which would then
            be good for this one, or not be found any more.
        @raise DuplicateCertificate:
        """
        user = self.named(name)
        now = utc_now(self.clock)
        try:
            certificate_pem = usable_certificate(pem, wall_now(self.clock))
        except ValueError as error:
            raise UnusableCertificate(str(error)) from None
        record = _certificate(user, certificate_pem, now)
        if self.store.get(UserCertificate, record.key) is not None:
            raise DuplicateCertificate(record.key)
        der = der_of(certificate_pem)
        if objection := self.index.objection(der, user.account_id):
            raise UnusableCertificate(objection)
        await self.store.commit(Put(record))
        return record


def _is_lasting(user: User) -> bool:
    return user.is_active and user.expires_at is None


def _known(credentials: Credentials) -> tuple[Change, ...]:
    """What the cloud keeps of credentials: all but the private key."""
    certificate = _certificate(
        credentials.user,
        credentials.identity.certificate_pem,
        credentials.key.created_at,
    )
    return Put(credentials.key), Put(certificate)


def _certificate(
    user: User, pem: bytes, created_at: datetime | None
) -> UserCertificate:
    return UserCertificate(
        fingerprint=fingerprint(der_of(pem)),
        pem=pem.decode("ascii"),
        account_id=user.account_id,
        created_at=created_at,
    )
