"""
What a client's SignedInfo has the same in each message.

A client that signs twice says the same twice, but for two things: where each
reference leads, and its digest.  What is left when these are cut out of the
canonical bytes is the template.  What a template means is worked out once, from
the elements (L{euca_tw.soap.signed_info}), and remembered once a known key has
signed such a message; what another message of the same template says besides is
then read from its canonical bytes, which are what is signed.
"""

# Note [Same template, same structure]
#
# In canonical XML an attribute's value has no '"', and a text no '<' and no '>'.
# So what is cut out ends where the value ends, and two SignedInfos with one
# template and as many pieces have the same elements, attributes and texts, but
# for the pieces.  A template is remembered only if the pieces that were cut out
# of it are those of the references' elements, one by one: not an attribute
# elsewhere that is called URI too, and not a text that looks like one.  A text
# may have '"', so a digest can hide what looks like an attribute; then there is
# a piece too many.

from __future__ import annotations

import re
from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

_cut_uris = re.compile(b' URI="([^"]*)"').split
_cut_digests = re.compile(b"DigestValue>([^<>]*)</[^<>]*>").split
#: Stand for what was cut out; XML has no such characters.
_URI, _DIGEST = b"\0", b"\1"

#: More ways to sign than clients that anybody has, and longer than any.
MOST = 256
LONGEST = 16384


class Cut(NamedTuple):
    """
    @ivar template: what is left.
    @ivar uris, digests: what was cut out, in the order of the references.
    """

    template: bytes
    uris: Sequence[bytes]
    digests: Sequence[bytes]


def cut(canonical: bytes) -> Cut:
    """@param canonical: a SignedInfo, canonicalized without comments."""
    by_uri = _cut_uris(canonical)
    by_digest = _cut_digests(_URI.join(by_uri[::2]))
    return Cut(_DIGEST.join(by_digest[::2]), by_uri[1::2], by_digest[1::2])


class Templates:
    """
    Those that are known, and what they mean.  The oldest goes when there are
    too many, and is worked out again when it is seen again.
    """

    def __init__(self) -> None:
        self._meanings: dict[bytes, Any] = {}
        self._changing = Lock()

    def meaning(self, template: bytes) -> Any | None:
        """What it means, if it is known."""
        return self._meanings.get(template)

    def remember(self, template: bytes, meaning: Any) -> None:
        """Unless it is too long.  May be called in any thread."""
        if len(template) > LONGEST:
            return
        with self._changing:
            if len(self._meanings) >= MOST:
                del self._meanings[next(iter(self._meanings))]
            self._meanings[template] = meaning
