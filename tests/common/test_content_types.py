"""Tests for L{euca_tw.common.content_types}."""

from __future__ import annotations

from email.message import Message

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.content_types import LONGEST, ContentType, content_type_of

_TOKENS = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=9)
_NAMES = st.one_of(st.sampled_from(["charset", "Charset", "action"]), _TOKENS)
_SPACES = st.sampled_from(["", " ", "\t", "  "])


class ContentTypeTests(SynchronousTestCase):
    def check(self, header: str, kind: str, charset: str | None = None) -> None:
        self.assertEqual(content_type_of(header), ContentType(kind, charset), header)

    def refuse(self, header: str) -> None:
        self.assertIsNone(content_type_of(header), header)

    def test_kinds(self) -> None:
        """A type is in small letters, whatever is around it."""
        self.check("text/xml", "text/xml")
        self.check(" Text/XML\t", "text/xml")
        self.check("application/soap+xml", "application/soap+xml")

    def test_charsets(self) -> None:
        """The charset is that of the parameter, in any dress."""
        for header, charset in (
            ("text/xml;charset=utf-8", "utf-8"),
            ("text/xml ; Charset=UTF-8", "UTF-8"),
            ('text/xml; charset="utf-8"', "utf-8"),
            ('text/xml; charset="u\\tf\\-8"', "utf-8"),
            ('text/xml; action="urn:x;charset=a"; charset=b', "b"),
            ("text/xml; charset = utf-8", "utf-8"),
            ("text/xml;;charset=utf-8; ;", "utf-8"),
            ("text/xml; xcharset=a; charsets=b", None),
            ("text/xml; charset*=utf-8''a", None),
            ("text/xml; charset=utf-8; CHARSET=UTF-8", "utf-8"),
        ):
            self.check(header, "text/xml", charset)

    def test_none(self) -> None:
        """What is no type at all, says two things, or is too long, is not read."""
        for header in (
            *("", "text", "text/", "/xml", "text/xml/a", "text xml", "text/xml, a/b"),
            *("text/xml; a", "text/xml; a=", "text/xml; =a", "text/xml a=b", "é/x"),
            *('text/xml; a="b', 'text/xml; a="b\\"', 'text/xml; a="b"c', "a/b; é=x"),
            "text/xml; charset=utf-8; charset=utf-16",
            "text/xml;" + " " * LONGEST,
            "a/" + "b" * (LONGEST - 1),
        ):
            self.refuse(header)

    def test_longest(self) -> None:
        """What is not too long is."""
        self.check("a/" + "b" * (LONGEST - 2), "a/" + "b" * (LONGEST - 2))

    @given(
        st.lists(
            st.tuples(_SPACES, _NAMES, st.one_of(_TOKENS, st.text(max_size=9))),
            max_size=5,
        )
    )
    @example([("", "a", '"'), ("", "charset", "\\")])
    def test_parameters(self, parameters: list[tuple[str, str, str]]) -> None:
        """Whatever may be written is read as it was meant."""
        header, charsets = "text/xml", []
        for space, name, value in parameters:
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            header += f'{space};{space}{name}="{quoted}"'
            if name.lower() == "charset":
                charsets.append(value)
        if len(header) > LONGEST or len({each.lower() for each in charsets}) > 1:
            self.refuse(header)
        else:
            self.check(header, "text/xml", charsets[0] if charsets else None)

    @given(st.lists(st.tuples(_SPACES, _NAMES, _TOKENS), max_size=5))
    def test_oracle(self, parameters: list[tuple[str, str, str]]) -> None:
        """Of plain parameters, Python's own reader finds the same."""
        header = "text/xml" + "".join(
            f"{space};{space}{name}={value}" for space, name, value in parameters
        )
        message = Message()
        message["content-type"] = header
        found = content_type_of(header)
        if found is not None and not any("*" in name for _, name, _ in parameters):
            self.assertEqual(found.kind, message.get_content_type())
            self.assertEqual(found.charset, message.get_param("charset"))

    @given(st.text(st.sampled_from('a/;="\\ \t,é'), max_size=300))
    def test_any(self, header: str) -> None:
        """Nothing that is sent is more than not read."""
        found = content_type_of(header)
        self.assertTrue(found is None or "/" in found.kind)
