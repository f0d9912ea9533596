"""How long ago something was, by our clock: it may have been set back since.

Pure. What was noted by a clock that was ahead would count for as long as that was ahead:
an account would not be asked for an hour, or for years.
"""

from __future__ import annotations

from datetime import datetime, timedelta


def is_within(since: datetime | None, period: timedelta, now: datetime) -> bool:
    """Tell whether something was less than a period ago; never what is to come."""
    return since is not None and timedelta() <= now - since < period


def left(until: datetime | None, longest: timedelta, now: datetime) -> timedelta:
    """Return what is left of a wait that is known to be no longer than so long."""
    if until is None or until - now > longest:
        return timedelta()
    return max(until - now, timedelta())
