"""Driven metres by the hour, and the sums that they become."""

from __future__ import annotations

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.hours import (
    HOUR_S,
    Row,
    first_hour_from,
    hour_of,
    metres_of_trips,
    rewritten,
    spread,
)
from custom_components.fleet_tracker.model.trips.trip import QUARTER_S, FoundTrip

H = 1_778_000_400  # an hour
assert H % HOUR_S == 0


def quarters(*parts: float, first: int = 0) -> tuple[tuple[int, float], ...]:
    """Return metres of quarters of an hour, one after the other."""
    return tuple((H // QUARTER_S + first + at, part) for at, part in enumerate(parts))


def trip(
    begin: float, end: float, metres: float, *of_quarters: float, first: int = 0
) -> FoundTrip:
    """Return a trip that began and ended so many seconds after the hour."""
    return FoundTrip(
        begin=H + begin,
        end=H + end,
        distance_m=metres,
        quarters=quarters(*of_quarters, first=first),
    )


@pytest.mark.parametrize(
    ("time", "its_hour", "next_hour"),
    [(H, H, H), (H + 1, H, H + HOUR_S), (H - 0.5, H - HOUR_S, H)],
)
def test_hours(time: float, its_hour: int, next_hour: int) -> None:
    """At the begin of an hour both are this hour."""
    assert (hour_of(time), first_hour_from(time)) == (its_hour, next_hour)


@pytest.mark.parametrize(
    ("trips", "expected"),
    [
        ([], {}),
        ([trip(0, 900, 500, 500)], {0: 500}),
        # By quarters, over the end of the hour.
        ([trip(2700, 4500, 3000, 1000, 2000, first=3)], {0: 1000, 1: 2000}),
        # The odometer says more than the fixes: each quarter has its share.
        ([trip(2700, 4500, 3300, 1000, 2000, first=3)], {0: 1100, 1: 2200}),
        # Without quarters: evenly.
        ([trip(1800, 5400, 1001)], {0: 500, 1: 501}),
        # A vendor's trip of no time.
        ([trip(10, 10, 70)], {0: 70}),
        # Two of one hour.
        ([trip(0, 900, 500, 500), trip(1800, 2700, 250, 250, first=2)], {0: 750}),
        # What is outside of the period is not looked at.
        ([trip(-900, 900, 500, 200, 300, first=-1)], {0: 300}),
        ([trip(0, 900, 0)], {}),
    ],
)
def test_metres_of_trips(trips: list[FoundTrip], expected: dict[int, int]) -> None:
    """They are in the hours in which they were driven."""
    found = metres_of_trips(trips, H, H + 24 * HOUR_S)
    assert found == {H + hour * HOUR_S: metres for hour, metres in expected.items()}


@given(st.floats(H, H + 9e4), st.floats(0, 9e4), st.integers(0, 5_000_000))
def test_nothing_is_lost_when_it_is_spread(
    begin: float, lasts: float, metres: int
) -> None:
    """All hours together have what was driven, and none is outside of it."""
    spent = spread(begin, begin + lasts, metres)
    assert sum(spent.values()) == metres
    assert all(hour_of(begin) <= hour <= begin + lasts for hour in spent)


def rows(**metres: int) -> list[Row]:
    """Return the rows of hours that are called ``h3``."""
    total, found = 0, []
    for name, part in metres.items():
        total += part
        found.append(Row(int(name[1:]) * HOUR_S, part, total))
    return found


@pytest.mark.parametrize(
    ("known", "before", "metres", "period", "changed"),
    [
        # the first import
        ([], 0, {0: 5, 2: 7}, (0, 24), rows(h0=5, h2=7)),
        # the same again
        (rows(h0=5, h2=7), 0, {0: 5, 2: 7}, (0, 24), []),
        # a correction: the hours before it stay
        (
            rows(h0=5, h2=7, h9=1),
            0,
            {0: 5, 2: 8},
            (0, 5),
            [Row(2 * HOUR_S, 8, 13), Row(9 * HOUR_S, 1, 14)],
        ),
        # what was moved to another hour changes no later sum
        (
            rows(h0=5, h2=7, h9=1),
            0,
            {0: 5, 3: 7},
            (0, 5),
            [Row(2 * HOUR_S, 0, 5), Row(3 * HOUR_S, 7, 12)],
        ),
        # something earlier
        (
            [Row(9 * HOUR_S, 1, 1)],
            0,
            {0: 5},
            (0, 5),
            [Row(0, 5, 5), Row(9 * HOUR_S, 1, 6)],
        ),
        # continued
        ([], 12, {9: 1}, (9, 24), [Row(9 * HOUR_S, 1, 13)]),
        # hours outside of the period are not taken
        ([], 0, {0: 5, 9: 3}, (9, 24), [Row(9 * HOUR_S, 3, 3)]),
        # nothing was driven, and nothing is written
        ([], 12, {}, (0, 24), []),
    ],
)
def test_rewritten(
    known: list[Row],
    before: int,
    metres: dict[int, int],
    period: tuple[int, int],
    changed: list[Row],
) -> None:
    """Only what changes is written, and each sum is that of all hours until then."""
    begin, end = period
    assert (
        rewritten(
            known,
            before,
            {hour * HOUR_S: part for hour, part in metres.items()},
            begin * HOUR_S,
            end * HOUR_S,
        )
        == changed
    )


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20),
            st.integers(1, 12),
            st.dictionaries(st.integers(0, 30), st.integers(0, 9_000)),
        ),
        max_size=8,
    )
)
def test_sums_are_right_whatever_is_rewritten(
    imports: list[tuple[int, int, dict[int, int]]],
) -> None:
    """Periods in any order: the table is that of the last word on each hour."""
    table: dict[int, Row] = {}
    hours: dict[int, int] = {}
    for first, length, metres in imports:
        begin, end = first * HOUR_S, (first + length) * HOUR_S
        told = {hour * HOUR_S: part for hour, part in metres.items()}
        known = [row for hour, row in sorted(table.items()) if hour >= begin]
        earlier = [row.total for hour, row in sorted(table.items()) if hour < begin]
        before = earlier[-1] if earlier else 0
        for row in rewritten(known, before, told, begin, end):
            table[row.hour] = row
        hours = {hour: part for hour, part in hours.items() if not begin <= hour < end}
        hours |= {hour: part for hour, part in told.items() if begin <= hour < end}
    total = 0
    for hour, row in sorted(table.items()):
        total += hours.get(hour, 0)
        assert row == Row(hour, hours.get(hour, 0), total)
