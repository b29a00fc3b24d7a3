"""PuTTY's own files, as C{puttygen -O private --ppk-param version=2} writes them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.putty_keys import putty_key
from tests.clc.test_public_keys import ED25519_LINE, RSA_LINE, RSA_PRIVATE

OF_RSA = """PuTTY-User-Key-File-2: ssh-rsa
Encryption: none
Comment: mycomment
Public-Lines: 4
AAAAB3NzaC1yc2EAAAADAQABAAAAgQC6t7DqzdH3jDkCD/lKhmjTX/OAeaEDjhVw
hDGe9+kc9uguArAazRNcT/vqiiXT7dCr5d87/yFKqTaiIk4lM8ii8YillY6P2MnI
R98d4Uy3Txj1Hhk9bva6GlMGPqZJxCD8ZFMMHcOPiUI/vGqJ+/iMqrvczqwOPB4+
0P0nweDJyw==
Private-Lines: 8
AAAAgQCK/kcS45hT4OxnHqEC2z+ZaioID4LO9Kv9EEsn/YBo8VwxNAsISHULGPd8
xs4WD0hxTjN5pBiSTZi/5S2q//twGon8K3wCRjrctjjmN0QD9JyBXs28FekVxy6O
XD9jBCXU+YePr6DFchdGN1LQDHHdxTicUze2DtErIEjUADCEoQAAAEEA6Y6PAvm1
rJwyHdveQLdivrz59peDyg/6e2rB+Wvj+/Ejejo00h4927w7s1wL3iU7IDhy+jEk
A2TWuGm9gytsUwAAAEEAzKjlhcmO9ymtdPf8PTz6g944yJNJ8G/YCm92mW3o9YfR
yAR+5DTcimohImVsquL/I/zMfh49MNjBQ0eL6C+9qQAAAEEAoEqCNk+8x01AtDz2
mTvw9gK1AFTff2FmatnWeeS69ooO6o1FasXPltWo3t4z2zC0OrtgTEeNqTnXX6dx
f69K+Q==
Private-MAC: dafa5b3e1c36bae57f2826f1e6f0ee4d6db6eb8f
"""

ED25519_PRIVATE = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACAptDGAAMVEgBSG/oZAuHS/4/aN2vLJNzgnNVmIjIFyuAAAAJDL4ehIy+Ho
SAAAAAtzc2gtZWQyNTUxOQAAACAptDGAAMVEgBSG/oZAuHS/4/aN2vLJNzgnNVmIjIFyuA
AAAECIyTJ7rCLUG5s1CRNBlzmH7CwTiqE4e18yC3YnONcpCCm0MYAAxUSAFIb+hkC4dL/j
9o3a8sk3OCc1WYiMgXK4AAAACmFsaWNlQGhvc3QBAgM=
-----END OPENSSH PRIVATE KEY-----
"""
OF_ED25519 = """PuTTY-User-Key-File-2: ssh-ed25519
Encryption: none
Comment: alice@host
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAICm0MYAAxUSAFIb+hkC4dL/j9o3a8sk3OCc1WYiM
gXK4
Private-Lines: 1
AAAAIIjJMnusItQbmzUJE0GXOYfsLBOKoTh7XzILdic41ykI
Private-MAC: 98b946181599e04f03668f14c15738656740ede5
"""


class PuttyKeyTests(SynchronousTestCase):
    def test_rsa(self) -> None:
        """An RSA key is what PuTTY makes of it."""
        told = putty_key(RSA_PRIVATE.decode(), RSA_LINE, "mycomment")
        self.assertEqual(told, OF_RSA)

    def test_ed25519(self) -> None:
        """So is an Ed25519 key."""
        told = putty_key(ED25519_PRIVATE, ED25519_LINE, "alice@host")
        self.assertEqual(told, OF_ED25519)
