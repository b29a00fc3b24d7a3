"""Who signed: what the doors ask of the cloud's accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from attrs import Factory, frozen
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from euca_tw.clc.certificate_index import CertificateIndex
from euca_tw.clc.sealing import Sealing
from euca_tw.common.certificate_identifiers import CertificateIdentifier
from euca_tw.common.certificates import validity
from euca_tw.common.clock import wall_now
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId
from euca_tw.model.records import AccessKey, User, UserCertificate
from euca_tw.query.interfaces import IAccessKeys
from euca_tw.soap.interfaces import ICertificates
from euca_tw.store.interfaces import IStore

#: Who has the keys that there are not, and when they are good.
_NOBODY = AccountId("")
_NEVER = (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


def _active_user(
    store: IStore, account_id: AccountId, clock: IReactorTime
) -> User | None:
    user: User | None = store.get(User, account_id)
    if user is None or not user.is_active:
        return None
    if user.expires_at is not None and user.expires_at <= wall_now(clock):
        return None
    return user


def _caller(user: User, request_id: str) -> Caller:
    return Caller(
        account_id=user.account_id,
        user_name=user.name,
        is_admin=user.is_admin,
        request_id=request_id,
    )


@implementer(IAccessKeys)
@frozen(eq=False)
class StoredAccessKeys:
    """The access keys in a store, whose secrets are sealed there."""

    _store: IStore
    _sealing: Sealing
    _clock: IReactorTime

    def secret_of(self, key_id: str) -> str | None:
        key: AccessKey | None = self._store.get(AccessKey, key_id)
        account_id = _NOBODY if key is None else key.account_id
        user = _active_user(self._store, account_id, self._clock)
        if key is None or user is None or not key.is_active:
            self._sealing.open_decoy()
            return None
        return self._sealing.open(key_id, key.sealed_secret)

    def caller_of(self, key_id: str, request_id: str) -> Caller:
        key: AccessKey | None = self._store.get(AccessKey, key_id)
        assert key is not None, "only a key with a secret has a caller"
        user: User | None = self._store.get(User, key.account_id)
        assert user is not None, "users are never deleted"
        return _caller(user, request_id)


@implementer(ICertificates)
@frozen(eq=False)
class StoredCertificates:
    """
    The users' certificates in a store.

    @ivar index: may be refreshed before anybody asks, or is when one does.
    """

    _store: IStore
    _clock: IReactorTime
    index: CertificateIndex = Factory(
        lambda self: CertificateIndex(self._store), takes_self=True
    )

    def caller_of(self, certificate_der: bytes, request_id: str) -> Caller | None:
        fingerprint = sha256(certificate_der).hexdigest()
        found: UserCertificate | None = self._store.get(UserCertificate, fingerprint)
        # The same steps for each, so that none is known by its time.
        account_id = _NOBODY if found is None else found.account_id
        times = _NEVER if found is None else validity(certificate_der)
        is_good = times[0] <= wall_now(self._clock) <= times[1]
        user = _active_user(self._store, account_id, self._clock)
        if found is None or user is None or not found.is_active or not is_good:
            return None
        return _caller(user, request_id)

    def certificate_of(self, identifier: CertificateIdentifier) -> bytes | None:
        return self.index.find(identifier)
