"""What a target fails by."""

from __future__ import annotations


class Broken(Exception):
    """Something came through that must not."""
