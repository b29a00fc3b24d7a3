"""
The secrets of access keys, sealed: what the store keeps of them.

A secret is needed in clear to verify a signature, so it is not hashed but
encrypted, with AES-256-GCM, under one key in a file beside the store.  The
identifier of the access key is authenticated with it: a sealed secret that is
moved to another access key does not open there.  To open one takes about a
microsecond; so none is kept in clear.

The file is made when the first secret is sealed.  Who has the store without
the file has no secret, and who lost the file has lost them all.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, field
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from euca_tw.common.files import locked, write_private_files
from euca_tw.model.records import AccessKey
from euca_tw.store.interfaces import StoreUnusable

_KEY_BYTES = 32
_NONCE_BYTES = 12

#: As long as a real secret and its key's identifier; kept in memory alone, and
#: always the same, so that its nonce is used for nothing else.
_DECOY, _DECOY_ID, _DECOY_NONCE = b"0" * 40, "0" * 20, bytes(_NONCE_BYTES)


class SealingKeyUnusable(StoreUnusable):
    """The text says what to do; nothing secret is in it."""


@define(eq=False)
class Sealing:
    """
    Seals secrets, and opens them.

    @ivar path: of the file with the key: 64 hex digits, for its owner alone.
    @ivar random: C{random.SystemRandom()}, except in tests.
    """

    path: Path
    _random: Random = field(repr=False)
    _cipher: AESGCM | None = field(init=False, repr=False, default=None)
    _decoy: bytes | None = field(init=False, repr=False, default=None)

    def seal(self, key_id: str, secret: str) -> bytes:
        """
        @raise SealingKeyUnusable:
        """
        cipher = self._kept() or self._made()
        nonce = self._random.randbytes(_NONCE_BYTES)
        return nonce + cipher.encrypt(nonce, secret.encode(), key_id.encode())

    def open(self, key_id: str, sealed: bytes) -> str:
        """
        @raise SealingKeyUnusable: or it was not sealed for that access key.
        """
        cipher = self._kept()
        if cipher is None:
            raise SealingKeyUnusable(_MISSING.format(path=self.path))
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, rest, key_id.encode()).decode()
        except (InvalidTag, ValueError):
            raise SealingKeyUnusable(
                _WRONG.format(path=self.path, key_id=key_id)
            ) from None

    def open_decoy(self) -> None:
        """
        Takes as long as L{open}, and gives nothing: for who asks of an access
        key that there is not, and is not to find that out by the time it takes.
        """
        if self._decoy is None:
            cipher = self._kept()
            if cipher is None:
                return
            sealed = cipher.encrypt(_DECOY_NONCE, _DECOY, _DECOY_ID.encode())
            self._decoy = _DECOY_NONCE + sealed
        self.open(_DECOY_ID, self._decoy)

    def check(self, keys: Iterable[AccessKey]) -> None:
        """
        See that every secret opens.

        @raise SealingKeyUnusable:
        """
        self._kept()
        for key in keys:
            self.open(key.key_id, key.sealed_secret)

    def seal_body(self, body: dict[str, Any]) -> dict[str, Any]:
        """
        The upgrade C{seal_secret} of L{AccessKey}.

        @raise SealingKeyUnusable:
        """
        rest = {name: value for name, value in body.items() if name != "secret"}
        sealed = self.seal(body["key_id"], body["secret"])
        return {**rest, "sealed_secret": b64encode(sealed).decode()}

    def _kept(self) -> AESGCM | None:
        """The cipher with the key of the file; None if there is no file."""
        if self._cipher is None:
            try:
                text = self.path.read_bytes()
                mode = self.path.stat().st_mode
            except FileNotFoundError:
                return None
            except OSError as error:
                raise self._unusable(error) from error
            if mode & 0o077:
                raise SealingKeyUnusable(_OPEN.format(path=self.path))
            self._cipher = AESGCM(self._key(text))
        return self._cipher

    def _key(self, text: bytes) -> bytes:
        try:
            key = bytes.fromhex(text.decode("ascii"))
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise SealingKeyUnusable(_NO_KEY.format(path=self.path))
        return key

    def _made(self) -> AESGCM:
        key = self._random.randbytes(_KEY_BYTES)
        directory, name = self.path.parent, self.path.name
        try:
            with locked(directory):  # another may make it at this moment
                if (made := self._kept()) is not None:
                    return made
                write_private_files(directory, {name: key.hex().encode()})
        except OSError as error:
            raise self._unusable(error) from error
        self._cipher = AESGCM(key)
        return self._cipher

    def _unusable(self, error: OSError) -> SealingKeyUnusable:
        return SealingKeyUnusable(
            _UNREADABLE.format(path=self.path, reason=error.strerror or error)
        )


_PUT_BACK = (
    "put the file back that belongs to this store, from a backup; the chapter State "
    "of the operating manual says what to do where there is none"
)
_MISSING = (
    "{path} is missing, and without it no secret of the store opens: " + _PUT_BACK
)
_WRONG = "the secret of access key {key_id} does not open with {path}: " + _PUT_BACK
_NO_KEY = "{path} is no key (64 hex digits): " + _PUT_BACK
_OPEN = "{path} is open to others: close it (chmod 600)"
_UNREADABLE = (
    "{path}: {reason}: the daemon's user must have the right to read and write it"
)
