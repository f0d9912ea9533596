"""Ages by our clock, which may have been set back since. Pure.

A time noted by a clock that was ahead would count for as long as that was ahead: an account
would not be asked for an hour, or for years.
"""

from __future__ import annotations

from datetime import datetime, timedelta


def is_within(since: datetime | None, period: timedelta, now: datetime) -> bool:
    """Tell whether a time is less than a period ago. A future time is not."""
    return since is not None and timedelta() <= now - since < period


def left(until: datetime | None, longest: timedelta, now: datetime) -> timedelta:
    """Return the rest of a wait, given its greatest length."""
    if until is None or until - now > longest:
        return timedelta()
    return max(until - now, timedelta())
