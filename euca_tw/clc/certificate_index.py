"""
The users' certificates by what stands for them in a message.

Kept beside the store and brought up to date when it is asked: a certificate is
read once, since its bytes never change; whether it is in force is read from the
store each time.  To ask for one that there is takes as long as for one that there
is not, or strangers could tell by the time which there are.
"""

from __future__ import annotations

from attrs import Factory, define

from euca_tw.common.certificate_identifiers import CertificateIdentifier, identifiers_of
from euca_tw.common.certificates import der_of
from euca_tw.model.records import UserCertificate
from euca_tw.store.interfaces import IStore


@define(eq=False)
class CertificateIndex:
    """
    @ivar _current: what the store had when it was last looked through.
    @ivar _identifiers: by the fingerprints of all that were read.
    @ivar _ders: likewise; not of what is no certificate.
    @ivar _fingerprints: of those that are called so.
    """

    _store: IStore
    _current: tuple[UserCertificate, ...] = ()
    _identifiers: dict[str, tuple[CertificateIdentifier, ...]] = Factory(dict)
    _ders: dict[str, bytes] = Factory(dict)
    _fingerprints: dict[CertificateIdentifier, set[str]] = Factory(dict)

    def find(self, identifier: CertificateIdentifier) -> bytes | None:
        """The one certificate (DER) in force that is called so."""
        # A look at which there are: some nanoseconds for each.
        if tuple(self._store.all(UserCertificate)) != self._current:
            self.refresh()
        found = self._in_force(identifier)
        return self._ders[found[0].fingerprint] if len(found) == 1 else None

    def refresh(self) -> None:
        """
        Learn what came, forget what went.  Takes some 20 microseconds for each
        certificate that came, and next to nothing for those that did not.
        """
        self._current = tuple(self._store.all(UserCertificate))
        kept = {each.fingerprint: each for each in self._current}
        for fingerprint in self._identifiers.keys() - kept.keys():
            self._forget(fingerprint)
        for fingerprint in kept.keys() - self._identifiers.keys():
            self._learn(kept[fingerprint])

    def _learn(self, record: UserCertificate) -> None:
        try:
            der = der_of(record.pem.encode())
            identifiers = identifiers_of(der)
        except ValueError:
            # It is no certificate, so nothing stands for it.
            identifiers = ()
        else:
            self._ders[record.fingerprint] = der
        self._identifiers[record.fingerprint] = identifiers
        for each in identifiers:
            self._fingerprints.setdefault(each, set()).add(record.fingerprint)

    def _forget(self, fingerprint: str) -> None:
        self._ders.pop(fingerprint, None)
        for each in self._identifiers.pop(fingerprint):
            called = self._fingerprints[each]
            called.discard(fingerprint)
            if not called:
                del self._fingerprints[each]

    def _in_force(self, identifier: CertificateIdentifier) -> list[UserCertificate]:
        found = (
            self._store.get(UserCertificate, each)
            for each in self._fingerprints.get(identifier, ())
        )
        return [each for each in found if each is not None and each.is_active]
