"""
Key pairs: the private half is made here, told once and forgotten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from attrs import define, frozen
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from euca_tw.api.ec2.keypairs import (
    CreateKeyPair,
    CreateKeyPairResponse,
    DeleteKeyPair,
    DeleteKeyPairResponse,
    DescribeKeyPairs,
    DescribeKeyPairsResponse,
)
from euca_tw.api.errors import DuplicateKeyPair, NoSuchKeyPair, ResourceLimitExceeded
from euca_tw.clc import views
from euca_tw.clc.checks import checked_text, unsupported
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.common.in_thread import InThread
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import KeyPair
from euca_tw.store.interfaces import Delete, IStore, Put


@frozen(kw_only=True)
class NewKey:
    """
    @ivar private: PEM, as EC2 has it (C{BEGIN RSA PRIVATE KEY}).
    @ivar public: algorithm and key, as in authorized_keys.
    @ivar fingerprint: as EC2 computes it for keys that it made: SHA-1 over
        the private key's PKCS#8 DER bytes.
    """

    private: str
    public: str
    fingerprint: str


def new_rsa_key() -> NewKey:
    """A new RSA key of 2048 bits; takes tens of milliseconds, or more."""
    return key_facts(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def key_facts(key: rsa.RSAPrivateKey) -> NewKey:
    """What is told and kept of a key."""
    pkcs8 = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    # EC2's choice; it protects nothing.
    digest = hashlib.sha1(pkcs8, usedforsecurity=False).hexdigest()
    return NewKey(
        private=pem.decode("ascii"),
        public=public.decode("ascii"),
        fingerprint=":".join(digest[n : n + 2] for n in range(0, len(digest), 2)),
    )


def find_key_pair(store: IStore, owner: str, name: str) -> KeyPair:
    """
    @raise NoSuchKeyPair: the account has none of that name.
    """
    found = store.get(KeyPair, f"{owner}/{name}")
    if found is None:
        raise NoSuchKeyPair(name)
    return found


_FILTERS: dict[str, Reads[KeyPair]] = {
    "fingerprint": one(lambda k: k.fingerprint),
    "key-name": one(lambda k: k.name),
}


@define(eq=False, kw_only=True)
class KeyPairs:
    """
    The operations on key pairs.

    @ivar in_thread: where keys are made.
    @ivar new_key: makes one.
    """

    store: IStore
    quotas: Quotas
    in_thread: InThread
    new_key: Callable[[], NewKey] = new_rsa_key

    async def create_key_pair(
        self, caller: Caller, request: CreateKeyPair
    ) -> CreateKeyPairResponse:
        unsupported("tags", request.tag_specifications)
        unsupported("keys other than rsa", request.key_type not in (None, "rsa"))
        unsupported("formats other than pem", request.key_format not in (None, "pem"))
        name = checked_text("keyName", request.key_name)
        self._refuse_if_taken(caller, name)
        made = await self.in_thread(self.new_key)
        self._refuse_if_taken(caller, name)  # meanwhile
        await self.store.commit(
            Put(
                KeyPair(
                    owner_id=AccountId(caller.account_id),
                    name=name,
                    fingerprint=made.fingerprint,
                    public_key=f"{made.public} {name}",
                )
            )
        )
        return CreateKeyPairResponse(
            key_name=name, key_fingerprint=made.fingerprint, key_material=made.private
        )

    def _refuse_if_taken(self, caller: Caller, name: str) -> None:
        if self.store.get(KeyPair, f"{caller.account_id}/{name}") is not None:
            raise DuplicateKeyPair(name)
        held = len(self.store.where(KeyPair, "owner_id", caller.account_id))
        if held >= self.quotas.key_pairs and not caller.is_admin:
            raise ResourceLimitExceeded("key pairs", self.quotas.key_pairs)

    async def delete_key_pair(
        self, caller: Caller, request: DeleteKeyPair
    ) -> DeleteKeyPairResponse:
        name = checked_text("keyName", request.key_name)
        await self.store.commit(Delete(KeyPair, f"{caller.account_id}/{name}"))
        return DeleteKeyPairResponse()

    async def describe_key_pairs(
        self, caller: Caller, request: DescribeKeyPairs
    ) -> DescribeKeyPairsResponse:
        names = dict.fromkeys(request.key_names)
        held = (
            [find_key_pair(self.store, caller.account_id, name) for name in names]
            if names
            else self.store.where(KeyPair, "owner_id", caller.account_id)
        )
        passes = chooser(_FILTERS, request.filters)
        return DescribeKeyPairsResponse(
            key_pairs=tuple(views.key_pair(each) for each in held if passes(each))
        )
