"""
What accounts have used and hold, as an operator is told of it.

Looks at everything that was kept of an account; nobody else waits for it long: a
month has one record of each machine type.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import Any

from euca_tw.clc.limits import HELD, limits_of
from euca_tw.model.quotas import LIMITS, UNLIMITED, Quotas
from euca_tw.model.records import User
from euca_tw.model.usage import UsageMeter, UsageMonth, time_by_day
from euca_tw.store.interfaces import IStore

_MS_PER_HOUR = 3_600_000


def instance_hours(
    store: IStore, account_id: str, now: datetime, since: date | None
) -> dict[str, float]:
    """
    How long an account's instances ran until now, by machine type.

    @param since: the first day (of UTC) that counts; None: all.
    """
    counted: Counter[str] = Counter()

    def count(kind: str, day: date, milliseconds: int) -> None:
        if since is None or day >= since:
            counted[kind] += milliseconds

    for month in store.where(UsageMonth, "owner_id", account_id):
        for day, milliseconds in month.days():
            count(month.instance_type, day, milliseconds)
    for meter in store.where(UsageMeter, "owner_id", account_id):
        for day, milliseconds in time_by_day(meter, now):
            count(meter.instance_type, day, milliseconds)
    return {
        kind: round(milliseconds / _MS_PER_HOUR, 4)
        for kind, milliseconds in sorted(counted.items())
        if milliseconds
    }


def usage(
    store: IStore, quotas: Quotas, user: User, now: datetime, since: date | None
) -> dict[str, Any]:
    """
    A user's, as values of JSON: C{instance_hours} by machine type, what he has
    running, and by the name of each limit what he holds (see L{HELD}) and how much
    he may: None for any number.
    """
    limits = limits_of(store, quotas, user.account_id)
    running = {
        meter.instance_type: meter.running
        for meter in store.where(UsageMeter, "owner_id", user.account_id)
        if meter.running
    }
    return {
        "name": user.name,
        "account_id": user.account_id,
        "since": since and since.isoformat(),
        "until": now.isoformat(timespec="seconds"),
        "instance_hours": instance_hours(store, user.account_id, now, since),
        "running": dict(sorted(running.items())),
        "held": {of: count(store, user.account_id) for of, count in HELD.items()},
        "limits": told_limits(limits),
    }


def told_limits(limits: Quotas) -> dict[str, int | None]:
    """By name; None for no limit."""
    found = {of: getattr(limits, of) for of in LIMITS}
    return {of: None if most == UNLIMITED else most for of, most in found.items()}
