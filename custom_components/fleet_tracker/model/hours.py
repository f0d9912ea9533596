"""Driven metres by the hour, and the rows of running sums that they become.

Pure. An hour is known by the Unix time of its begin; sums are exact, in whole metres.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .trips.trip import QUARTER_S, FoundTrip

HOUR_S = 3600

type Metres = Mapping[int, int]
"""The metres of each hour in which there were any."""


class Row(NamedTuple):
    """An hour, the metres of it, and those of all hours until its end."""

    hour: int
    metres: int
    total: int


def hour_of(time: float) -> int:
    """Return the hour of a Unix time."""
    return int(time // HOUR_S) * HOUR_S


def first_hour_from(time: float) -> int:
    """Return the first hour that begins at a Unix time or later."""
    return -int(-time // HOUR_S) * HOUR_S


def metres_of_trips(trips: Iterable[FoundTrip], begin: int, end: int) -> Metres:
    """Return the metres of the hours of a period, by the quarters in which they were driven.

    A trip that has no quarters is spread evenly over its time.
    """
    metres: Counter[int] = Counter()
    for trip in trips:
        if trip.quarters:
            for quarter, part in _scaled(trip):
                metres[hour_of(quarter * QUARTER_S)] += part
        else:
            metres.update(spread(trip.begin, trip.until, round(trip.distance_m)))
    return within(metres, begin, end)


def _scaled(trip: FoundTrip) -> Iterable[tuple[int, int]]:
    """Yield the metres of a trip's quarters, scaled so that they add up to its distance.

    The quarters are measured along the fixes, the distance may be the odometer's.
    """
    way = sum(part for _, part in trip.quarters)
    wanted = round(trip.distance_m)
    told = 0
    passed = 0.0
    for quarter, part in trip.quarters:
        passed += part
        until = round(wanted * passed / way) if way else 0
        yield quarter, until - told
        told = until


def spread(begin: float, end: float, metres: int) -> Metres:
    """Return metres that are spread evenly over a time."""
    if end <= begin:
        return {hour_of(begin): metres} if metres else {}
    spent: dict[int, int] = {}
    told = 0
    for hour in range(hour_of(begin), first_hour_from(end), HOUR_S):
        until = round(metres * (min(end, hour + HOUR_S) - begin) / (end - begin))
        if until - told:
            spent[hour] = until - told
        told = until
    return spent


def within(metres: Metres, begin: int, end: int) -> Metres:
    """Return the hours of a period that have metres."""
    return {hour: part for hour, part in metres.items() if begin <= hour < end and part}


def rewritten(
    known: Sequence[Row], before: int, metres: Metres, begin: int, end: int
) -> list[Row]:
    """Return the rows that change when a period gets other metres, in order.

    ``known`` are all rows from the begin of the period on, also those behind it, and
    ``before`` is the total until then. Hours of the period that are not in ``metres`` have
    none. Where nothing changes, nothing is returned.
    """
    old = {row.hour: row for row in known}
    new = {row.hour: row.metres for row in known}
    new |= {hour: 0 for hour in new if begin <= hour < end}
    new |= within(metres, begin, end)
    total, changed = before, []
    for hour in sorted(new):
        total += new[hour]
        row = Row(hour, new[hour], total)
        if row != old.get(hour):
            changed.append(row)
    return changed
