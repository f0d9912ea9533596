"""Periods that are asked for: in the past, not too long, cut into what a call takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ....contract.errors import InvalidArgument


def check_period(
    begin: datetime, end: datetime, now: datetime, *, days: int, back: int | None = None
) -> tuple[datetime, datetime]:
    """Return a period that ends now at the latest.

    Raises InvalidArgument when it is empty, longer than so many days, or begins earlier
    than `back` days ago.
    """
    end = min(end, now)
    too_old = back is not None and begin < now - timedelta(days=back)
    if begin >= end or end - begin > timedelta(days=days) or too_old:
        raise InvalidArgument(
            "A period that cannot be asked for",
            key="tracksolid_time_range",
            placeholders={"days": str(days)},
        )
    return begin, end


def spans(
    begin: datetime, end: datetime, longest: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Yield a period in parts of a length that a call takes, in order."""
    while begin < end:
        until = min(end, begin + longest)
        yield begin, until
        begin = until
