"""
The keys with which the tiers sign, as files.

A daemon whose configuration names none makes its own at first start, in its
state directory; C{euca-tw keys new} makes them beforehand, to be handed out.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from euca_tw.common.certificates import KeyAndCertificate, der_of, make_certificate
from euca_tw.common.config import ConfigError
from euca_tw.common.files import locked, write_private_files

_DAYS = 3650


def file_names(name: str) -> tuple[str, str]:
    """Of the key and of the certificate."""
    return f"{name}-pk.pem", f"{name}-cert.pem"


def new_identity(directory: Path, name: str, now: datetime) -> KeyAndCertificate:
    """
    Make a key and its certificate, and write both down.

    @raise OSError: they cannot be written.
    """
    made = make_certificate(name, now, _DAYS)
    key_name, certificate_name = file_names(name)
    files = {key_name: made.key_pem, certificate_name: made.certificate_pem}
    write_private_files(directory, files)
    return made


def own_identity(
    directory: Path,
    name: str,
    key: Path | None,
    certificate: Path | None,
    now: datetime,
) -> KeyAndCertificate:
    """
    A daemon's own: what its configuration names, else what lies in
    C{directory}, made if it is not there.

    @raise ConfigError: a file cannot be read, or is no certificate.
    """
    key_name, certificate_name = file_names(name)
    key = key or directory / key_name
    certificate = certificate or directory / certificate_name
    is_made_here = key.parent == certificate.parent == directory
    if is_made_here and not (key.exists() and certificate.exists()):
        with locked(directory):  # another may make it at this moment
            if not (key.exists() and certificate.exists()):
                return new_identity(directory, name, now)
    return KeyAndCertificate(
        key_pem=_read(key), certificate_pem=read_certificate(certificate)
    )


def read_certificate(path: Path) -> bytes:
    """
    A certificate's PEM text.

    @raise ConfigError: it cannot be read, or is no certificate.
    """
    pem = _read(path)
    try:
        der_of(pem)
    except ValueError as error:
        reason = "is not a certificate in PEM; `euca-tw keys new` makes one"
        raise ConfigError(str(path), "", "", reason) from error
    return pem


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = f"{error.strerror}; `euca-tw keys new` makes keys and certificates"
        raise ConfigError(str(path), "", "", reason) from error
