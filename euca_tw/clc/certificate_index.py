"""
The users' certificates by what stands for them in a message, and by their keys.

Kept beside the store and brought up to date when it is asked: a certificate is
read once, since its bytes never change; whether it is in force is read from the
store each time.  To ask for one that there is takes as long as for one that there
is not, or strangers could tell by the time which there are.
"""

from __future__ import annotations

from attrs import Factory, define, frozen

from euca_tw.common.certificate_identifiers import (
    CertificateIdentifier,
    IssuerSerial,
    SubjectKeyIdentifier,
    Thumbprint,
    identifiers_of,
)
from euca_tw.common.certificates import der_of, key_fingerprint_of
from euca_tw.model.identifiers import AccountId
from euca_tw.model.records import User, UserCertificate
from euca_tw.store.interfaces import IStore


@frozen
class KeyFingerprint:
    """
    SHA-256 over the key.  No message calls a certificate so, but whoever has the
    key may name any certificate of it.
    """

    value: bytes


#: By what a certificate may be taken for another; in an operator's words.
Likeness = KeyFingerprint | CertificateIdentifier

_WORDS = {
    KeyFingerprint: "public key",
    IssuerSerial: "issuer and serial number",
    SubjectKeyIdentifier: "subject key identifier",
    Thumbprint: "SHA-1 thumbprint",
}


def likenesses_of(certificate_der: bytes) -> tuple[Likeness, ...]:
    """
    All by which a certificate may be taken for another.

    @raise ValueError: it is none, or that cannot be read.
    """
    key = KeyFingerprint(key_fingerprint_of(certificate_der))
    return (key, *identifiers_of(certificate_der))


@define(eq=False)
class CertificateIndex:
    """
    @ivar _current: what the store had when it was last looked through.
    @ivar _likenesses: by the fingerprints of all that were read.
    @ivar _ders: likewise; not of what is no certificate.
    @ivar _fingerprints: of those that are called so.
    """

    _store: IStore
    _current: tuple[UserCertificate, ...] = ()
    _likenesses: dict[str, tuple[Likeness, ...]] = Factory(dict)
    _ders: dict[str, bytes] = Factory(dict)
    _fingerprints: dict[Likeness, set[str]] = Factory(dict)

    def find(self, identifier: CertificateIdentifier) -> bytes | None:
        """The one certificate (DER) in force that is called so."""
        self._look()
        found = [each for each in self._like(identifier) if each.is_active]
        return self._ders[found[0].fingerprint] if len(found) == 1 else None

    def objection(self, certificate_der: bytes, account_id: AccountId) -> str:
        """
        Why a certificate shall not be a user's, in an operator's words: it may be
        taken for another user's, in force or not.  Empty if there is nothing
        against it.
        """
        try:
            likenesses = likenesses_of(certificate_der)
        except ValueError as error:
            return f"its names and extensions cannot be read ({error})"
        self._look()
        for likeness in likenesses:
            for each in self._like(likeness):
                if each.account_id != account_id:
                    return (
                        f"its {_WORDS[type(likeness)]} is that of a certificate of "
                        f"{self._name_of(each)} ({each.fingerprint})"
                    )
        return ""

    def _name_of(self, certificate: UserCertificate) -> str:
        user: User | None = self._store.get(User, certificate.account_id)
        return certificate.account_id if user is None else user.name

    def _look(self) -> None:
        """At which there are: some nanoseconds for each."""
        if tuple(self._store.all(UserCertificate)) != self._current:
            self.refresh()

    def refresh(self) -> None:
        """
        Learn what came, forget what went.  Takes some 20 microseconds for each
        certificate that came, and next to nothing for those that did not.
        """
        self._current = tuple(self._store.all(UserCertificate))
        kept = {each.fingerprint: each for each in self._current}
        for fingerprint in self._likenesses.keys() - kept.keys():
            self._forget(fingerprint)
        for fingerprint in kept.keys() - self._likenesses.keys():
            self._learn(kept[fingerprint])

    def _learn(self, record: UserCertificate) -> None:
        try:
            der = der_of(record.pem.encode())
            likenesses = likenesses_of(der)
        except ValueError:
            # It is no certificate, so nothing stands for it.
            likenesses = ()
        else:
            self._ders[record.fingerprint] = der
        self._likenesses[record.fingerprint] = likenesses
        for each in likenesses:
            self._fingerprints.setdefault(each, set()).add(record.fingerprint)

    def _forget(self, fingerprint: str) -> None:
        self._ders.pop(fingerprint, None)
        for each in self._likenesses.pop(fingerprint):
            called = self._fingerprints[each]
            called.discard(fingerprint)
            if not called:
                del self._fingerprints[each]

    def _like(self, likeness: Likeness) -> list[UserCertificate]:
        found = (
            self._store.get(UserCertificate, each)
            for each in self._fingerprints.get(likeness, ())
        )
        return [each for each in found if each is not None]
