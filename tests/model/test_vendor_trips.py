"""A vendor's own trips, told one after the other, and told again."""

from __future__ import annotations

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.trips import telling
from custom_components.fleet_tracker.model.trips.telling import with_vendor_trip
from custom_components.fleet_tracker.model.trips.trip import VendorTrip


def overlap(one: VendorTrip, other: VendorTrip) -> float:
    """Return for how many seconds two trips overlap."""
    return max(0, min(one.end, other.end) - max(one.begin, other.begin))


def worth(trip: VendorTrip) -> tuple[bool, float, float, float]:
    """Return by what the better of two is found."""
    length = trip.end - trip.begin
    return trip.distance_m is not None, length, -trip.begin, trip.distance_m or 0


def of_all(known: tuple[VendorTrip, ...], told: VendorTrip) -> tuple[VendorTrip, ...]:
    """Return the trips with another one, which is held against every known one."""
    if told.end <= told.begin:
        return known
    length = told.end - told.begin
    same = [
        one
        for one in known
        if overlap(one, told) >= min(one.end - one.begin, length) / 2
    ]
    best = max((*same, told), key=worth)
    return tuple(sorted((*(one for one in known if one not in same), best)))


TRIPS = st.builds(
    lambda begin, length, metres, idle: VendorTrip(
        begin=begin, end=begin + length, distance_m=metres, idle_s=idle
    ),
    st.integers(0, 60).map(float),
    st.integers(-1, 15).map(float),
    st.none() | st.sampled_from((0.0, 500.0, 900.0)),
    st.sampled_from((None, 1.0)),
)


@given(st.lists(TRIPS, max_size=40))
def test_those_that_do_not_overlap_make_no_difference(told: list[VendorTrip]) -> None:
    """Whatever is told in whatever order, all trips are as if each was held against all."""
    known: tuple[VendorTrip, ...] = ()
    for one in told:
        expected = of_all(known, one)
        known = with_vendor_trip(known, one)
        assert [repr(trip) for trip in known] == [repr(trip) for trip in expected]


def test_only_what_overlaps_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A past of a thousand trips is told, and told again, and compared a trip with a trip."""
    compared: list[VendorTrip] = []
    are_same = telling._are_same

    def compare(one: VendorTrip, other: VendorTrip) -> bool:
        compared.append(one)
        return are_same(one, other)

    monkeypatch.setattr(telling, "_are_same", compare)
    past = [
        VendorTrip(begin=1000.0 * number, end=1000.0 * number + 900, distance_m=5000)
        for number in range(1000)
    ]
    known: tuple[VendorTrip, ...] = ()
    for one in past:
        known = with_vendor_trip(known, one)
    assert not compared
    for one in past:
        known = with_vendor_trip(known, one)
    assert compared == past
    assert known == tuple(past)
