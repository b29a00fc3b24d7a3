"""
Verifies one signed message by zeep and by signxml, and prints the microseconds
of CPU time that each takes, as JSON.  Run by L{bench.verification}, in the peers'
own venv: C{python peers_verify.py MESSAGE CERTIFICATE CALLS}.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

from lxml import etree
from signxml import (  # type: ignore[import-not-found]
    CanonicalizationMethod,
    SignatureConfiguration,
    XMLVerifier,
)
from zeep.wsse.signature import verify_envelope


def by_zeep(document: bytes, certificate: Path) -> None:
    """As zeep verifies an answer: it reads the certificate each time."""
    verify_envelope(etree.fromstring(document), str(certificate))


def by_signxml(document: bytes, pem: str, expected: SignatureConfiguration) -> None:
    XMLVerifier().verify(
        document,
        x509_cert=pem,
        id_attribute="Id",
        expect_config=expected,
        validate_schema=False,
    )


def cost_us(call: Callable[[], Any], calls: int) -> float:
    """The tenth percentile: what it takes when nothing comes in between."""
    found = []
    for _ in range(calls):
        started = process_time()
        call()
        found.append(process_time() - started)
    return sorted(found)[calls // 10] * 1e6


def main() -> None:
    message, certificate, calls = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    document, pem = message.read_bytes(), certificate.read_text()
    expected = SignatureConfiguration(
        location=".//",
        expect_references=2,
        default_reference_c14n_method=(
            CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
        ),
    )
    costs = {
        "zeep": cost_us(lambda: by_zeep(document, certificate), calls),
        "signxml": cost_us(lambda: by_signxml(document, pem, expected), calls),
    }
    print(json.dumps(costs))


if __name__ == "__main__":
    main()
