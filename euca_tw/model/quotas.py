"""Limits on what one account may hold."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, fields, frozen

from euca_tw.common.config import checked

#: In place of a limit.
UNLIMITED = -1


def check_limit(limit: int) -> None:
    """@raise ValueError: it is none; the text is for the operator."""
    if limit < UNLIMITED:
        raise ValueError(f"{limit} must be 0 or more, or {UNLIMITED} for no limit")


def check_size(size_bytes: int) -> None:
    """@raise ValueError: the same."""
    if size_bytes < 0:
        raise ValueError(f"{size_bytes} must be 0 or more")


@frozen(kw_only=True)
class Quotas:
    """
    What an account may hold, unless it has limits of its own; administrators are
    not limited.  L{UNLIMITED} is no limit.

    @ivar instances: that shall run, or start; so C{cores} and C{memory_mib} of
        them together.
    @ivar image_mib: of all its images together: one more may be registered while
        they are smaller than that.
    @ivar tags: on all that it has noted something on.
    @ivar user_data_bytes: of each instance, an administrator's too; the same for
        every account.
    """

    instances: int = checked(check_limit, 20)
    cores: int = checked(check_limit, UNLIMITED)
    memory_mib: int = checked(check_limit, UNLIMITED)
    addresses: int = checked(check_limit, 5)
    key_pairs: int = checked(check_limit, 500)
    security_groups: int = checked(check_limit, 500)
    permissions_per_group: int = checked(check_limit, 100)
    placement_groups: int = checked(check_limit, 50)
    images: int = checked(check_limit, 1000)
    image_mib: int = checked(check_limit, UNLIMITED)
    tags: int = checked(check_limit, UNLIMITED)
    user_data_bytes: int = checked(check_size, 16384)

    def but(self, limits: Mapping[str, int]) -> Quotas:
        """
        With limits of an account's own, by name; what is no limit that an account
        can have is left out.
        """
        own = {name: most for name, most in limits.items() if name in LIMITS}
        return evolve(self, **own)


#: What an account can have a limit of its own on, as it is told.
LIMITS: tuple[str, ...] = tuple(
    f.name for f in fields(Quotas) if f.name != "user_data_bytes"
)
NO_LIMITS = Quotas().but(dict.fromkeys(LIMITS, UNLIMITED))
