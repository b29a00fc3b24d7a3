"""
What it costs to verify a signed request of 2 KB.

Against the sum of what no verifier can avoid (libxml2's parse, the exclusive
canonicalizations of Body and SignedInfo, one bare RSA-2048 verification), and
against zeep's and signxml's own verification of the same message.  CPU time; ours
and the bare work take turns call by call, in rounds between those of the peers.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from bench.servers import HERE, cores, peers_python
from euca_tw.common.certificates import make_certificate
from euca_tw.soap.envelope import SOAP_11, read
from euca_tw.soap.keys import load_identity, public_key
from euca_tw.soap.signing import SHA256, signed
from euca_tw.soap.wsse import DS, OF_USERS, check_signature, read_claim

LIMIT, PEERS_LIMIT = 1.4, 5
ROUNDS, CALLS = 3, 1000

BODY, INFO = f"{{{SOAP_11}}}Body", f"{{{DS}}}SignedInfo"
DATA = b64encode(random.Random(1).randbytes(1000)).decode()
ENTRY = (
    '<RunInstances xmlns="http://ec2.amazonaws.com/doc/2010-08-31/">'
    "<imageId>emi-12345678</imageId><minCount>1</minCount><maxCount>2</maxCount>"
    "<keyName>mykey</keyName><groupSet><item><groupId>default</groupId></item>"
    "<item><groupId>web</groupId></item></groupSet><additionalInfo/>"
    f'<userData version="1.0" encoding="base64"><data>{DATA}</data></userData>'
    "<instanceType>m1.small</instanceType><placement><availabilityZone>cluster1"
    "</availabilityZone></placement><monitoring><enabled>false</enabled>"
    "</monitoring></RunInstances>"
)


def low(found: list[float]) -> float:
    """The tenth percentile: what it takes when nothing comes in between."""
    return sorted(found)[len(found) // 10] * 1e6


def take_turns(works: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(CALLS):
        for name, call in works.items():
            started = process_time()
            call()
            found[name].append(process_time() - started)
    return found


def main() -> None:
    now = datetime.now(UTC)
    pems = make_certificate("bench", now, 1)
    identity = load_identity(pems.key_pem, pems.certificate_pem)
    document = signed(SOAP_11, [], ENTRY, identity, now, suite=SHA256)
    key = public_key(identity.certificate)
    claim = read_claim(read(document))
    value, info = claim.signature, claim.signed_info.canonical
    pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()

    def ours() -> None:
        check_signature(read_claim(read(document), forms=OF_USERS))

    def bare() -> None:
        root = etree.fromstring(document)
        for tag in (BODY, INFO):
            etree.tostring(next(root.iter(tag)), method="c14n", exclusive=True)
        key.verify(value, info, pkcs1, sha256)  # type: ignore[call-arg,arg-type]

    # One core for all of it, for a core's state is a part of the price.
    os.sched_setaffinity(0, cores()[0])
    print(f"the message has {len(document)} bytes, its request {len(ENTRY)}")
    works = {"ours": ours, "bare": bare}
    costs: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        message, certificate = Path(directory, "message"), Path(directory, "cert.pem")
        message.write_bytes(document)
        certificate.write_bytes(pems.certificate_pem)
        command = [peers_python(), str(HERE / "peers_verify.py")]
        command += [str(message), str(certificate), str(CALLS // 5)]
        for _ in range(ROUNDS):
            for name, times in take_turns(works).items():
                costs.setdefault(name, []).append(low(times))
            said = subprocess.run(command, check=True, capture_output=True).stdout
            for name, cost in json.loads(said).items():
                costs.setdefault(name, []).append(cost)
    best = {name: min(each) for name, each in costs.items()}
    for name, what in (
        ("bare", "parse, two canonicalizations, one bare RSA verification"),
        ("ours", "read, every check, digests and signature"),
        ("zeep", "zeep's verify_envelope"),
        ("signxml", "signxml's XMLVerifier"),
    ):
        print(f"{best[name]:8.0f} us  {what}")
    print(f"ours: {best['ours'] / best['bare']:.2f} x bare   required: <= {LIMIT}")
    for name in ("zeep", "signxml"):
        ratio = best[name] / best["ours"]
        print(f"{name}: {ratio:.1f} x ours   required: >= {PEERS_LIMIT}")


if __name__ == "__main__":
    main()
