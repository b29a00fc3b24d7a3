"""What a node and its cloud controller say of images: L{euca_tw.common.uploading}."""

from __future__ import annotations

import hashlib
import hmac

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.uploading import (
    Piece,
    is_signed,
    read_answer,
    read_piece,
    written_answer,
)

PIECE = Piece(image_id="emi-00000001", offset=5, size_bytes=12, sha256="ab" * 32)


class PieceTests(SynchronousTestCase):
    def test_headers(self) -> None:
        """What is written of a piece is read again."""
        headers = PIECE.headers("key", b"data")
        read = read_piece(PIECE.image_id, headers.get)
        self.assertEqual(read, (PIECE, PIECE.signature("key", b"data")))

    def test_signature(self) -> None:
        """The signature is the one that the documentation tells."""
        digest = hashlib.sha256(b"data").hexdigest()
        said = f"emi-00000001 5 12 {'ab' * 32} {digest}"
        expected = hmac.new(b"key", said.encode(), hashlib.sha256).hexdigest()
        self.assertEqual(PIECE.signature("key", b"data"), expected)

    def test_is_signed(self) -> None:
        """A signature is of all that there is, and of nothing else."""
        signature = PIECE.signature("key", b"data")
        self.assertTrue(is_signed(PIECE, "key", b"data", signature))
        self.assertFalse(is_signed(PIECE, "other", b"data", signature))
        self.assertFalse(is_signed(PIECE, "key", b"Data", signature))
        for change in (
            {"image_id": "emi-00000002"},
            {"offset": 6},
            {"size_bytes": 13},
            {"sha256": "ac" * 32},
        ):
            changed = evolve(PIECE, **change)
            self.assertFalse(is_signed(changed, "key", b"data", signature))

    def test_not_read(self) -> None:
        """What is not of that form is not read."""
        for name, wrong in (
            *(("X-Euca-Offset", each) for each in ("", "-1", "1.5", "x", "9" * 30)),
            *(("X-Euca-Size", each) for each in ("", "1e3", " 1")),
            *(("X-Euca-SHA256", each) for each in ("", "AB" * 32, "ab" * 31)),
            *(("X-Euca-Signature", each) for each in ("", "x" * 64, "ab" * 33)),
        ):
            headers = {**PIECE.headers("key", b"data"), name: wrong}
            self.assertIsNone(read_piece(PIECE.image_id, headers.get), (name, wrong))
        for name in PIECE.headers("key", b"data"):
            headers = dict(PIECE.headers("key", b"data"))
            del headers[name]
            is_needed = name.startswith("X-Euca")
            self.assertIs(read_piece("emi-1", headers.get) is None, is_needed)


class AnswerTests(SynchronousTestCase):
    def test_read(self) -> None:
        """What is answered is read again, and nothing else is."""
        self.assertEqual(read_answer(written_answer(7)), 7)
        for other in (
            *(b"", b"no", b"[]", b"7", b"null", b"\xff", b"{}"),
            *(b'{"received": -1}', b'{"received": true}', b'{"received": "7"}'),
            b'{"received": 1.5}',
        ):
            self.assertIsNone(read_answer(other), other)
