"""A vendor's own trips, told one after the other, and told again."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from random import Random

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.trips import vendor_trips
from custom_components.fleet_tracker.model.trips.trip import VendorTrip
from custom_components.fleet_tracker.model.trips.vendor_trips import (
    those_that_count,
    with_told,
)


def overlap(one: VendorTrip, other: VendorTrip) -> float:
    """Return for how many seconds two trips overlap."""
    return max(0, min(one.end, other.end) - max(one.begin, other.begin))


def are_same(one: VendorTrip, other: VendorTrip) -> bool:
    """Tell whether two trips overlap by half."""
    shorter = min(one.end - one.begin, other.end - other.begin)
    return overlap(one, other) >= shorter / 2


TRIPS = st.builds(
    lambda begin, length, metres, idle: VendorTrip(
        begin=begin, end=begin + length, distance_m=metres, idle_s=idle
    ),
    st.integers(0, 60).map(lambda minutes: minutes * 100.0),
    st.integers(-1, 15).map(lambda minutes: minutes * 100.0),
    st.none() | st.sampled_from((0.0, 500.0, 900.0)),
    st.sampled_from((None, 1.0)),
)


@given(st.lists(TRIPS, max_size=20))
def test_each_trip_counts_once(told: list[VendorTrip]) -> None:
    """Each trip that was told counts once or was taken back, in whatever order it was told."""
    counting = those_that_count(with_told((), told))
    assert list(counting) == sorted(counting)
    for one, other in combinations(counting, 2):
        assert not are_same(one, other)
    for one in told:
        if one.end > one.begin and one.distance_m != 0:
            assert any(
                are_same(one, other) or one.begin == other.begin
                for other in (*counting, *taken_back(told))
            )
    known: tuple[VendorTrip, ...] = ()
    for one in Random(1).sample(told * 2, 2 * len(told)):
        known = with_told(known, [one])
    assert repr(those_that_count(known)) == repr(counting)


def taken_back(told: list[VendorTrip]) -> list[VendorTrip]:
    """Return what says that there was no trip."""
    return [one for one in told if one.end <= one.begin or one.distance_m == 0]


@given(st.lists(TRIPS, max_size=20), TRIPS)
def test_what_is_told_last_counts(told: list[VendorTrip], last: VendorTrip) -> None:
    """Unless it has no distance; what was told before then says nothing new."""
    known = with_told((), told)
    last = replace(last, end=last.begin + 400, distance_m=700.0, told_at=5.0)
    known = with_told(known, [last])
    assert last in those_that_count(known)
    assert with_told(known, told) is known


def test_only_what_overlaps_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A past of a thousand trips is compared a trip with a trip."""
    compared: list[VendorTrip] = []
    are_same = vendor_trips._are_same

    def compare(one: VendorTrip, other: VendorTrip) -> bool:
        compared.append(one)
        return are_same(one, other)

    monkeypatch.setattr(vendor_trips, "_are_same", compare)
    past = [
        VendorTrip(begin=1000.0 * number, end=1000.0 * number + 900, distance_m=5000)
        for number in range(1000)
    ]
    assert those_that_count(past) == tuple(past)
    assert not compared
    again = [replace(one, end=one.end + 10, told_at=1.0) for one in past]
    assert those_that_count((*past, *again)) == tuple(again)
    assert len(compared) == 1000
