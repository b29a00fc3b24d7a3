"""Tests for L{euca_tw.common.distinguished_names}."""

from __future__ import annotations

import contextlib
import time

from cryptography.x509 import Name, NameAttribute, ObjectIdentifier
from cryptography.x509 import RelativeDistinguishedName as Part
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.distinguished_names import LONGEST, name_of, parse_name

NAME = Name(
    [
        NameAttribute(NameOID.COUNTRY_NAME, "XX"),
        NameAttribute(NameOID.ORGANIZATION_NAME, "wsse interop, throwaway"),
        NameAttribute(NameOID.COMMON_NAME, "wsse-user"),
    ]
)


class SameTests(SynchronousTestCase):
    """What is the same name."""

    def test_orders_and_spaces(self) -> None:
        """Order, spaces, case, quoting and names of attributes do not matter."""
        for text in (
            r"CN=wsse-user,O=wsse interop\, throwaway,C=XX",
            r"C=XX, O=wsse interop\, throwaway, CN=wsse-user",
            ' cn = wsse-user ; o = "wsse interop, throwaway" ;\n c = XX ',
            r"CN=WSSE-User,O=WSSE  Interop\2c throwaway,C=xx",
            r"2.5.4.3=wsse-user,OID.2.5.4.10=wsse interop\2C throwaway,2.5.4.6=XX",
            r"commonName=wsse-user,organizationName=wsse interop\, throwaway,"
            r"countryName=XX",
            r"2.5.4.3=#0c09777373652d75736572,O=wsse interop\, throwaway,C=#13025858",
        ):
            self.assertEqual(parse_name(text), name_of(NAME), text)

    def test_others(self) -> None:
        """An attribute more, less, or of another value makes it another name."""
        for text in (
            r"CN=wsse-user,O=wsse interop\, throwaway",
            r"CN=wsse-user,O=wsse interop\, throwaway,C=XX,C=XX",
            r"CN=wsse-user+O=wsse interop\, throwaway,C=XX",
            r"CN=wsse-user2,O=wsse interop\, throwaway,C=XX",
            r"O=wsse-user,CN=wsse interop\, throwaway,C=XX",
            r"CN=wsseuser,O=wsse interop\, throwaway,C=XX",
            "",
        ):
            self.assertNotEqual(parse_name(text), name_of(NAME), text)

    def test_joined_attributes(self) -> None:
        """Attributes that are joined are so in any order."""
        name = Name(
            [
                Part(
                    [
                        NameAttribute(NameOID.COMMON_NAME, "a"),
                        NameAttribute(NameOID.USER_ID, "1"),
                    ]
                ),
                Part([NameAttribute(NameOID.DOMAIN_COMPONENT, "example")]),
            ]
        )
        for text in ("DC=example,CN=a+UID=1", "UID=1 + CN=a, DC=example"):
            self.assertEqual(parse_name(text), name_of(name))

    def test_characters(self) -> None:
        """Characters may be written by their bytes, or escaped one by one."""
        for value, text in (
            ("Lučić", r"CN=Lu\C4\8Di\C4\87"),
            ("Lučić", "CN=Lučić"),
            ('a"b\\c', r"CN=a\"b\\c"),
            ('a"b\\c', r'CN="a\"b\\c"'),
            ("#a=b", r"CN=\#a=b"),
            ("a", "CN=\\ a\\ "),
            ("<a>;+", r"CN=\<a\>\;\+"),
        ):
            name = Name([NameAttribute(NameOID.COMMON_NAME, value)])
            self.assertEqual(parse_name(text), name_of(name), text)

    def test_encoded(self) -> None:
        """A value may be written as its ASN.1, of any kind of text."""
        for der, value in (
            ("160561406578", None),
            ("1603614062", "a@b"),
            ("1e0400610062", "ab"),
            ("1c0400000061", "a"),
            ("1401e4", "ä"),
            ("0c8180" + "61" * 128, "a" * 128),
            ("0c82008061", None),
            ("0c", None),
            ("0c01", None),
            ("0c01ff", None),
            ("0c8", None),
            ("04016f", None),
            ("", None),
        ):
            text = f"1.2.840.113549.1.9.1=#{der}"
            if value is None:
                self.assertRaises(ValueError, parse_name, text)
            else:
                name = Name([NameAttribute(NameOID.EMAIL_ADDRESS, value)])
                self.assertEqual(parse_name(text), name_of(name))

    def test_bits(self) -> None:
        """A certificate's value that is no text is the name of none."""
        attribute = NameAttribute(
            ObjectIdentifier("2.5.4.45"), b"\x01", _ASN1Type.BitString
        )
        self.assertEqual(name_of(Name([attribute])), ((("2.5.4.45", "#01"),),))

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.USER_ID]
                ),
                st.text(
                    st.characters(exclude_categories=["Cs", "Cc"]),
                    min_size=1,
                    max_size=20,
                ),
            ),
            min_size=1,
            max_size=4,
        )
    )
    def test_rfc_4514(self, attributes: list[tuple[ObjectIdentifier, str]]) -> None:
        """What another writes by RFC 4514 is read as the certificate's name."""
        name = Name([NameAttribute(oid, value) for oid, value in attributes])
        self.assertEqual(parse_name(name.rfc4514_string()), name_of(name))


class NoNameTests(SynchronousTestCase):
    """What is no name."""

    def test_refused(self) -> None:
        """What cannot be read is refused."""
        for text in (
            "a",
            "=a",
            "CN",
            "CN=a,",
            ",CN=a",
            "CN=a,,C=b",
            'CN="a',
            'CN=a"b',
            'CN="a"b',
            "CN=a\\",
            r"CN=\ff",
            "CN=#0",
            "CN=#xx",
            "XYZ=a",
            "1=a",
            "CN=\ud800",
            "CN=" + "a" * LONGEST,
        ):
            self.assertRaises(ValueError, parse_name, text)

    def test_time(self) -> None:
        """It takes no longer than its length is worth, whatever is in it."""
        for filling in (" ", "\\", '"', "a", "=", "1.", "\\ ", "CN=a,", "+", "-"):
            text = (filling * LONGEST)[: LONGEST - 4]
            for whole in (text, f"CN={text}", f'CN="{text}', f"CN{text}"):
                begun = time.process_time()
                with contextlib.suppress(ValueError):
                    parse_name(whole)
                self.assertLess(time.process_time() - begun, 0.1)

    @given(st.text(st.sampled_from('CNO=,;+"\\# 1.af'), max_size=30) | st.text())
    def test_any_text(self, text: str) -> None:
        """Any text is a name, or is refused as none."""
        with contextlib.suppress(ValueError):
            parse_name(text)
