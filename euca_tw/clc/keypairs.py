"""
Key pairs: the private half is made here, told once and forgotten, or is the
user's, and never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import define
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.common import TagSpecification
from euca_tw.api.ec2.keypairs import (
    CreateKeyPair,
    CreateKeyPairResponse,
    DeleteKeyPair,
    DeleteKeyPairResponse,
    DescribeKeyPairs,
    DescribeKeyPairsResponse,
    ImportKeyPair,
    ImportKeyPairResponse,
)
from euca_tw.api.errors import (
    DuplicateKeyPair,
    InvalidParameterValue,
    MissingParameter,
    NoSuchKeyPair,
)
from euca_tw.clc import views
from euca_tw.clc.checks import checked_text
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.clc.limits import need
from euca_tw.clc.public_keys import ED25519, RSA, NewKey, new_key, read_public_key
from euca_tw.clc.putty_keys import putty_key
from euca_tw.clc.tags import tags_for, tags_of, with_tags, without_tags
from euca_tw.common.clock import utc_now
from euca_tw.common.in_thread import InThread
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId, Minter
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import KeyPair
from euca_tw.store.interfaces import Delete, IStore, Put

RESOURCE_TYPE = "key-pair"

#: The formats of a private key.
_PEM, _PPK = "pem", "ppk"


def find_key_pair(store: IStore, owner: str, name: str) -> KeyPair:
    """
    @raise NoSuchKeyPair: the account has none of that name.
    """
    found = store.get(KeyPair, f"{owner}/{name}")
    if found is None:
        raise NoSuchKeyPair(name)
    return found


def key_pair_with_id(store: IStore, caller: Caller, key_pair_id: str) -> KeyPair:
    """
    @raise NoSuchKeyPair: the caller has none.
    """
    for found in store.where(KeyPair, "key_pair_id", key_pair_id):
        if found.owner_id == caller.account_id:
            return found
    raise NoSuchKeyPair(key_pair_id)


_FILTERS: dict[str, Reads[KeyPair]] = {
    "fingerprint": one(lambda k: k.fingerprint),
    "key-name": one(lambda k: k.name),
    "key-pair-id": one(lambda k: k.key_pair_id),
    "key-type": one(lambda k: k.key_type),
}


@define(eq=False, kw_only=True)
class KeyPairs:
    """
    The operations on key pairs.

    @ivar in_thread: where keys are made.
    @ivar new_key: makes one, of a type.
    """

    store: IStore
    clock: IReactorTime
    minter: Minter
    quotas: Quotas
    in_thread: InThread
    new_key: Callable[[str], NewKey] = new_key

    async def create_key_pair(
        self, caller: Caller, request: CreateKeyPair
    ) -> CreateKeyPairResponse:
        name = checked_text("keyName", request.key_name)
        key_type = request.key_type or RSA
        if key_type not in (RSA, ED25519):
            raise InvalidParameterValue(
                "keyType", key_type, f"It is {RSA} or {ED25519}."
            )
        key_format = request.key_format or _PEM
        if key_format not in (_PEM, _PPK):
            raise InvalidParameterValue(
                "keyFormat", key_format, f"It is {_PEM} or {_PPK}."
            )
        tags = self._checked(caller, name, request.tag_specifications)

        def make() -> tuple[NewKey, str]:
            made = self.new_key(key_type)
            if key_format == _PEM:
                return made, made.private
            return made, putty_key(made.private, made.public, name)

        made, material = await self.in_thread(make)
        self._refuse_if_taken(caller, name, tags)  # meanwhile
        pair = self._pair(caller, name, key_type, made.public, made.fingerprint)
        await self._keep(pair, tags)
        return CreateKeyPairResponse(
            key_name=name,
            key_fingerprint=made.fingerprint,
            key_material=material,
            key_pair_id=pair.key_pair_id,
            tags=views.tag_set(sorted(tags.items())),
        )

    async def import_key_pair(
        self, caller: Caller, request: ImportKeyPair
    ) -> ImportKeyPairResponse:
        name = checked_text("keyName", request.key_name)
        key = read_public_key(request.public_key_material)
        tags = self._checked(caller, name, request.tag_specifications)
        pair = self._pair(caller, name, key.key_type, key.line, key.fingerprint)
        await self._keep(pair, tags)
        return ImportKeyPairResponse(
            key_name=name,
            key_fingerprint=key.fingerprint,
            key_pair_id=pair.key_pair_id,
            tags=views.tag_set(sorted(tags.items())),
        )

    def _checked(
        self,
        caller: Caller,
        name: str,
        specifications: Iterable[TagSpecification],
    ) -> Mapping[str, str]:
        """The tags of a new key pair, which there may be."""
        tags = tags_for(specifications, RESOURCE_TYPE)[RESOURCE_TYPE]
        self._refuse_if_taken(caller, name, tags)
        return tags

    def _refuse_if_taken(
        self, caller: Caller, name: str, tags: Mapping[str, str]
    ) -> None:
        """Or if he may not have one more, with these tags."""
        if self.store.get(KeyPair, f"{caller.account_id}/{name}") is not None:
            raise DuplicateKeyPair(name)
        need(self.store, self.quotas, caller, "key_pairs")
        need(self.store, self.quotas, caller, "tags", len(tags))

    def _pair(
        self, caller: Caller, name: str, key_type: str, public: str, fingerprint: str
    ) -> KeyPair:
        def is_taken(made: str) -> bool:
            return bool(self.store.where(KeyPair, "key_pair_id", made))

        return KeyPair(
            owner_id=AccountId(caller.account_id),
            name=name,
            fingerprint=fingerprint,
            public_key=f"{public} {name}",
            key_type=key_type,
            created_at=utc_now(self.clock),
            key_pair_id=self.minter.mint("key", is_taken),
        )

    async def _keep(self, pair: KeyPair, tags: Mapping[str, str]) -> None:
        tagged = with_tags(pair.owner_id, RESOURCE_TYPE, pair.key_pair_id, tags)
        await self.store.commit(Put(pair), *tagged)

    async def delete_key_pair(
        self, caller: Caller, request: DeleteKeyPair
    ) -> DeleteKeyPairResponse:
        """By a name that there is not: nothing happens."""
        if request.key_pair_id:
            pair = key_pair_with_id(self.store, caller, request.key_pair_id)
        else:
            if not request.key_name:
                raise MissingParameter("keyName")
            name = checked_text("keyName", request.key_name)
            found = self.store.get(KeyPair, f"{caller.account_id}/{name}")
            if found is None:
                return DeleteKeyPairResponse()
            pair = found
        await self.store.commit(
            Delete(KeyPair, pair.key), *without_tags(self.store, pair.key_pair_id)
        )
        return DeleteKeyPairResponse(key_pair_id=pair.key_pair_id)

    async def describe_key_pairs(
        self, caller: Caller, request: DescribeKeyPairs
    ) -> DescribeKeyPairsResponse:
        def tagged(pair: KeyPair) -> views.Pairs:
            return tags_of(self.store, caller.account_id, pair.key_pair_id)

        passes = chooser(_FILTERS, request.filters, tagged)
        return DescribeKeyPairsResponse(
            key_pairs=tuple(
                views.key_pair(
                    each, tagged(each), with_public_key=bool(request.include_public_key)
                )
                for each in self._named(caller, request)
                if passes(each)
            )
        )

    def _named(self, caller: Caller, request: DescribeKeyPairs) -> Iterable[KeyPair]:
        """Those that are named, each once; all, if none is."""
        store = self.store
        if not (request.key_names or request.key_pair_ids):
            return store.where(KeyPair, "owner_id", caller.account_id)
        named = [
            *(
                find_key_pair(store, caller.account_id, name)
                for name in request.key_names
            ),
            *(key_pair_with_id(store, caller, each) for each in request.key_pair_ids),
        ]
        return {pair.key: pair for pair in named}.values()
