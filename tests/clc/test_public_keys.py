"""
Keys that users log in with.  What was made by OpenSSH and OpenSSL is told as
they tell it.
"""

from __future__ import annotations

import base64
from time import process_time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import InvalidKeyFormat
from euca_tw.clc.public_keys import (
    LONGEST_MATERIAL,
    PublicKey,
    ed25519_facts,
    new_key,
    read_public_key,
    rsa_facts,
)

#: C{ssh-keygen -y} of a key that C{openssl genrsa 1024} made.
RSA_BLOB = (
    "AAAAB3NzaC1yc2EAAAADAQABAAAAgQC6t7DqzdH3jDkCD/lKhmjTX/OAeaEDjhVwhDGe9+kc9ugu"
    "ArAazRNcT/vqiiXT7dCr5d87/yFKqTaiIk4lM8ii8YillY6P2MnIR98d4Uy3Txj1Hhk9bva6GlMG"
    "PqZJxCD8ZFMMHcOPiUI/vGqJ+/iMqrvczqwOPB4+0P0nweDJyw=="
)
RSA_LINE = f"ssh-rsa {RSA_BLOB}"
#: C{openssl rsa -pubout -outform DER | openssl md5 -c}
RSA_MD5 = "0d:d3:9c:ad:fe:9d:13:de:98:cc:5c:52:05:28:fc:cd"
RSA_KEY = PublicKey(key_type="rsa", line=RSA_LINE, fingerprint=RSA_MD5)

#: C{ssh-keygen -e -m RFC4716}
RFC_4716 = f"""---- BEGIN SSH2 PUBLIC KEY ----
Comment: "1024-bit RSA, converted by al\\
ice@host from OpenSSH"
x-more: headers
{RSA_BLOB[:70]}
{RSA_BLOB[70:140]}
{RSA_BLOB[140:]}
---- END SSH2 PUBLIC KEY ----
"""

#: C{ssh-keygen -t ed25519}, and C{ssh-keygen -l}.
ED25519_LINE = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICm0MYAAxUSAFIb+hkC4dL/j9o3a8sk3OCc1WYiMgXK4"
)
ED25519_SHA256 = "uEx3SItAFwzIBLSOShjbwX/n84T7VZXDdyYM+mmZq58="

#: The key of L{RSA_LINE}, and C{openssl pkcs8 -topk8 -nocrypt -outform DER |
#: openssl sha1 -c} of it.
RSA_SHA1 = "71:2c:f0:93:ca:9e:90:c6:0c:1d:b3:15:24:7b:26:3e:db:32:63:5d"
RSA_PRIVATE = b"""-----BEGIN RSA PRIVATE KEY-----
MIICXwIBAAKBgQC6t7DqzdH3jDkCD/lKhmjTX/OAeaEDjhVwhDGe9+kc9uguArAa
zRNcT/vqiiXT7dCr5d87/yFKqTaiIk4lM8ii8YillY6P2MnIR98d4Uy3Txj1Hhk9
bva6GlMGPqZJxCD8ZFMMHcOPiUI/vGqJ+/iMqrvczqwOPB4+0P0nweDJywIDAQAB
AoGBAIr+RxLjmFPg7GceoQLbP5lqKggPgs70q/0QSyf9gGjxXDE0CwhIdQsY93zG
zhYPSHFOM3mkGJJNmL/lLar/+3AaifwrfAJGOty2OOY3RAP0nIFezbwV6RXHLo5c
P2MEJdT5h4+voMVyF0Y3UtAMcd3FOJxTN7YO0SsgSNQAMIShAkEA6Y6PAvm1rJwy
HdveQLdivrz59peDyg/6e2rB+Wvj+/Ejejo00h4927w7s1wL3iU7IDhy+jEkA2TW
uGm9gytsUwJBAMyo5YXJjvcprXT3/D08+oPeOMiTSfBv2Apvdplt6PWH0cgEfuQ0
3IpqISJlbKri/yP8zH4ePTDYwUNHi+gvvakCQQCUM6PH7ZA8kXizvbrQMg30npG2
yfoUlAMLoXiovq+SRTeP7bNqyUnTTyRK8dOOCO31yhwbamdByBEAQAjDXSCFAkEA
wo61U5AfJvwp945f7l9vz7iLxrGukrHgcVsxJf6EfhWV6k3Ly2otVjA6O5arzXBq
GG4UgLiCd1M3tpvndt0bsQJBAKBKgjZPvMdNQLQ89pk78PYCtQBU339hZmrZ1nnk
uvaKDuqNRWrFz5bVqN7eM9swtDq7YExHjak511+ncX+vSvk=
-----END RSA PRIVATE KEY-----
"""

SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PKCS1 = serialization.PublicFormat.PKCS1


def in_base64(material: str | bytes) -> str:
    data = material.encode() if isinstance(material, str) else material
    return base64.b64encode(data).decode()


class ReadTests(SynchronousTestCase):
    """Keys that users import."""

    def setUp(self) -> None:
        key = serialization.load_ssh_public_key(RSA_LINE.encode())
        assert isinstance(key, rsa.RSAPublicKey)
        self.key = key

    def refused(self, material: str | bytes) -> str:
        refusal = self.assertRaises(
            InvalidKeyFormat, read_public_key, in_base64(material)
        )
        self.assertEqual(refusal.code, "InvalidKey.Format")
        return refusal.message

    def test_openssh(self) -> None:
        """A line of OpenSSH is a key, whatever its comment."""
        for line in (
            RSA_LINE,
            f"{RSA_LINE}\n",
            f"{RSA_LINE} alice@host",
            f"{RSA_LINE} Käthe with a comment\n",
        ):
            self.assertEqual(read_public_key(in_base64(line)), RSA_KEY)

    def test_rfc_4716(self) -> None:
        """So is a file of RFC 4716, with whatever headers and ends of lines."""
        for text in RFC_4716, RFC_4716.replace("\n", "\r\n"):
            self.assertEqual(read_public_key(in_base64(text)), RSA_KEY)

    def test_der(self) -> None:
        """So are DER bytes, plain or in base64, in one line or many."""
        der = self.key.public_bytes(serialization.Encoding.DER, SPKI)
        for material in der, in_base64(der), base64.encodebytes(der):
            self.assertEqual(read_public_key(in_base64(material)), RSA_KEY)

    def test_pem(self) -> None:
        """So is PEM, of the key or of RSA's own form."""
        for form in SPKI, PKCS1:
            pem = self.key.public_bytes(serialization.Encoding.PEM, form)
            self.assertEqual(read_public_key(in_base64(pem)), RSA_KEY)

    def test_broken_lines(self) -> None:
        """The base64 around it may be in lines."""
        broken = base64.encodebytes(RSA_LINE.encode()).decode()
        self.assertEqual(read_public_key(broken), RSA_KEY)

    def test_ed25519(self) -> None:
        """An Ed25519 key is told by SHA-256, as OpenSSH tells it."""
        self.assertEqual(
            read_public_key(in_base64(f"{ED25519_LINE} alice@host")),
            PublicKey(
                key_type="ed25519", line=ED25519_LINE, fingerprint=ED25519_SHA256
            ),
        )

    def test_lengths(self) -> None:
        """RSA keys are of 1024, 2048 or 4096 bits."""
        # A modulus is as good as another, if nothing is signed.
        for bits in 1024, 2048, 4096:
            numbers = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1)
            line = numbers.public_key().public_bytes(
                serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
            )
            self.assertEqual(read_public_key(in_base64(line)).key_type, "rsa")
        for bits in 1023, 1536, 3072:
            numbers = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1)
            der = numbers.public_key().public_bytes(serialization.Encoding.DER, SPKI)
            self.assertIn(str(bits), self.refused(der))

    def test_other_types(self) -> None:
        """Keys of other types are refused."""
        for key in (
            ec.generate_private_key(ec.SECP256R1()),
            x25519.X25519PrivateKey.generate(),
        ):
            pem = key.public_key().public_bytes(serialization.Encoding.PEM, SPKI)
            self.assertIn("neither RSA nor Ed25519", self.refused(pem))

    def test_costly(self) -> None:
        """
        Keys of other algorithms are not read at all: to check one of Diffie and
        Hellman with numbers as large as these would take a quarter of a minute.
        """

        def element(tag: int, *inside: bytes) -> bytes:
            data = b"".join(inside)
            return bytes([tag, 0x82]) + len(data).to_bytes(2, "big") + data

        def number(value: int) -> bytes:
            return element(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))

        algorithm = bytes.fromhex("06072a8648ce3e0201")
        large = element(0x30, number(2**30000 + 1), number(2), number(2**20000 + 1))
        der = element(
            0x30,
            element(0x30, algorithm, large),
            element(3, b"\0", number(5)),
        )
        inside = base64.b64encode(der).decode()
        pem = f"-----BEGIN PUBLIC KEY-----\n{inside}\n-----END PUBLIC KEY-----\n"
        begun = process_time()
        for material in der, inside, pem:
            self.assertIn("neither RSA nor Ed25519", self.refused(material))
        self.assertLess(process_time() - begun, 1)

    def test_tokens(self) -> None:
        """
        A key of a security token is refused, though it has one of Ed25519 in it:
        whoever has the token could not log in by that.
        """
        algorithm = b"sk-ssh-ed25519@openssh.com"
        parts = (algorithm, bytes(range(32)), b"ssh:")
        blob = b"".join(len(each).to_bytes(4, "big") + each for each in parts)
        inside = base64.b64encode(blob).decode()
        line = f"{algorithm.decode()} {inside} alice"
        ssh2 = (
            f"---- BEGIN SSH2 PUBLIC KEY ----\n{inside}\n"
            "---- END SSH2 PUBLIC KEY ----\n"
        )
        for material in line, ssh2:
            self.assertIn("neither RSA nor Ed25519", self.refused(material))

    def test_no_keys(self) -> None:
        """What is no key is refused, and so is half of one, or a private one."""
        for material in (
            b"",
            b"\x00\xff" * 40,
            "ssh-rsa",
            "ssh-rsa AAAA",
            RSA_LINE[:-40],
            RSA_BLOB,
            "ssh-foo " + RSA_BLOB,
            RFC_4716.replace("END", "STOP"),
            "---- BEGIN SSH2 PUBLIC KEY ----\n---- END SSH2 PUBLIC KEY ----",
            RFC_4716.replace(RSA_BLOB[:70], ""),
            "---- BEGIN SSH2 PUBLIC KEY ----",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            RSA_PRIVATE,
            "ssh-rsa käse",
        ):
            self.refused(material)

    def test_no_base64(self) -> None:
        """What is not base64 is refused."""
        for material in RSA_LINE, "ä", "====":
            self.assertRaises(InvalidKeyFormat, read_public_key, material)

    def test_too_long(self) -> None:
        """What is longer than any key is not looked at."""
        refusal = self.assertRaises(
            InvalidKeyFormat, read_public_key, "A" * (LONGEST_MATERIAL + 1)
        )
        self.assertIn(str(LONGEST_MATERIAL), refusal.message)

    @given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_anything(self, material: bytes) -> None:
        """Nothing that is sent does more than to be refused."""
        after = RFC_4716.strip().encode() + b"x" + material
        for each in material, b"ssh-rsa " + material, after:
            self.assertRaises(InvalidKeyFormat, read_public_key, in_base64(each))


class NewTests(SynchronousTestCase):
    """Keys that are made here."""

    def test_rsa(self) -> None:
        """An RSA key is of 2048 bits, and another each time."""
        made = new_key("rsa")
        key = serialization.load_pem_private_key(made.private.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.assertEqual(key.key_size, 2048)
        self.assertTrue(made.private.startswith("-----BEGIN RSA PRIVATE KEY-----\n"))
        public = serialization.load_ssh_public_key(made.public.encode())
        assert isinstance(public, rsa.RSAPublicKey)
        self.assertEqual(key.public_key().public_numbers(), public.public_numbers())
        self.assertNotEqual(new_key("rsa"), made)

    def test_rsa_fingerprint(self) -> None:
        """It is told by SHA-1 over the private key, as OpenSSL tells it."""
        key = serialization.load_pem_private_key(RSA_PRIVATE, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        told = rsa_facts(key)
        self.assertEqual(told.fingerprint, RSA_SHA1)
        self.assertEqual(told.public, RSA_LINE)
        self.assertEqual(told.private, RSA_PRIVATE.decode())

    def test_ed25519(self) -> None:
        """An Ed25519 key is told as OpenSSH writes it, and as if imported."""
        made = new_key("ed25519")
        self.assertTrue(
            made.private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
        )
        key = serialization.load_ssh_private_key(made.private.encode(), None)
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        self.assertEqual(ed25519_facts(key).fingerprint, made.fingerprint)
        imported = read_public_key(in_base64(made.public))
        self.assertEqual(imported.fingerprint, made.fingerprint)
