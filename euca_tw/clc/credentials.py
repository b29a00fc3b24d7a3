"""
The files that a user is given: C{eucarc} and what it names.

Pure: names and texts.  C{eucarc} finds its own directory, so that the
directory can be moved; shells other than bash and zsh cannot tell a sourced
script where it lies, and get the place where it was first written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from euca_tw.clc.accounts import Credentials

_EUCARC = """\
# Credentials of {user}; source me:  . {place}
if [ -n "${{BASH_SOURCE-}}" ]; then
    EUCA_KEY_DIR=${{BASH_SOURCE%/*}}
    [ "$EUCA_KEY_DIR" = "$BASH_SOURCE" ] && EUCA_KEY_DIR=.
elif [ -n "${{ZSH_VERSION-}}" ]; then
    eval 'EUCA_KEY_DIR=${{${{(%):-%x}}:a:h}}'
else
    EUCA_KEY_DIR={directory}
fi
EUCA_KEY_DIR=$(cd "$EUCA_KEY_DIR" && pwd -P)
export EUCA_KEY_DIR
"""


def credential_files(
    credentials: Credentials,
    directory: Path,
    *,
    cloud_url: str,
    region: str,
    cloud_certificate_pem: bytes,
) -> Mapping[str, bytes]:
    """
    Texts by file name; every file is for its owner's eyes only.

    @param directory: where they will lie at first.
    @param cloud_url: of the cloud controller, as users reach it.
    """
    names = ("cert.pem", "pk.pem", "cloud-cert.pem")
    certificate, private_key, cloud = (f'"$EUCA_KEY_DIR/{name}"' for name in names)
    base = cloud_url.rstrip("/")
    secret = quote(credentials.secret)
    exports = {
        "EC2_URL": quote(f"{base}/services/Eucalyptus"),
        "EC2_ACCESS_KEY": quote(credentials.key.key_id),
        "EC2_SECRET_KEY": secret,
        "EC2_CERT": certificate,
        "EC2_PRIVATE_KEY": private_key,
        "EC2_USER_ID": quote(credentials.user.account_id),
        "EUCALYPTUS_CERT": cloud,
        "AWS_ACCESS_KEY_ID": quote(credentials.key.key_id),
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": quote(region),
        "AWS_ENDPOINT_URL_EC2": quote(f"{base}/"),
    }
    eucarc = _EUCARC.format(
        user=credentials.user.name,
        place=quote(str(directory / "eucarc")),
        directory=quote(str(directory)),
    )
    eucarc += "".join(f"export {name}={value}\n" for name, value in exports.items())
    return {
        "eucarc": eucarc.encode(),
        "cert.pem": credentials.identity.certificate_pem,
        "pk.pem": credentials.identity.key_pem,
        "cloud-cert.pem": cloud_certificate_pem,
    }
