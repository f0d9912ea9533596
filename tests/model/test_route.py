"""The way of a trip, thinned: the line stays on its road, the times stay true."""

from __future__ import annotations

import math

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.trips.moments import pack
from custom_components.fleet_tracker.model.trips.route import (
    Route,
    WayPoint,
    _letters,
    packed,
    route_of,
    thinned,
    unpacked_route,
)
from custom_components.fleet_tracker.model.trips.trip import FoundTrip

from .drives import METRES_PER_DEGREE, Day, Ways

BEGIN = 1_772_400_000.0


def way(*steps: tuple[float, float, float]) -> list[WayPoint]:
    """Return points at seconds after the begin, and metres east and north."""
    shrink = math.cos(math.radians(52))
    return [
        WayPoint(
            BEGIN + seconds,
            52 + y / METRES_PER_DEGREE,
            13 + x / METRES_PER_DEGREE / shrink,
        )
        for seconds, x, y in steps
    ]


def off_the_line(point: WayPoint, line: tuple[WayPoint, ...]) -> float:
    """Return how far a point is from a line, in metres."""
    shrink = math.cos(math.radians(52))

    def plane(one: WayPoint) -> complex:
        return complex(
            (one.longitude - 13) * METRES_PER_DEGREE * shrink,
            (one.latitude - 52) * METRES_PER_DEGREE,
        )

    here, ends = plane(point), [plane(one) for one in line]
    least = math.inf
    for begin, end in zip(ends, ends[1:], strict=False):
        along = end - begin
        part = (
            ((here - begin) * along.conjugate()).real / abs(along) ** 2 if along else 0
        )
        least = min(least, abs(here - begin - min(1, max(0, part)) * along))
    return least


def test_straight_road_is_a_line_and_a_corner_a_point() -> None:
    """A point a second, straight on and round a corner: three remain."""
    steps = [(n, n * 10.0, 0.0) for n in range(60)] + [
        (60 + n, 600.0, n * 10.0) for n in range(60)
    ]
    kept = thinned(way(*steps))
    assert [one.at - BEGIN for one in kept] == [0, 60, 119]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_fix_is_within_10_m_of_the_line(seed: int) -> None:
    """With curves, scatter, lights and stands."""
    day = Day(seed, Ways(interval=5, corner=40))
    day.drive(9_000, 3_000)
    fixes = [
        WayPoint(one.at, one.latitude / 1e7, one.longitude / 1e7) for one in day.moments
    ]
    kept = thinned(fixes)
    assert len(kept) < len(fixes) / 2
    assert kept[0].at == fixes[0].at
    assert kept[-1].at == fixes[-1].at
    assert max(off_the_line(one, kept) for one in fixes) <= 10.1


def test_silences_and_stands_keep_both_of_their_ends() -> None:
    """However straight the road is."""
    steps = [(n * 10, n * 100.0, 0.0) for n in range(10)]
    stand = [(100 + n * 10, 1000.0, 0.0) for n in range(12)]
    on = [(220 + n * 10, 1100 + n * 100.0, 0.0) for n in range(5)]
    after_silence = [(900 + n * 10, 9000 + n * 100.0, 0.0) for n in range(5)]
    kept = thinned(way(*steps, *stand, *on, *after_silence))
    assert [one.at - BEGIN for one in kept] == [0, 100, 210, 260, 900, 940]
    assert [one.at - BEGIN for one in kept if one.after_gap] == [900]


def test_no_route_has_more_points_than_are_kept() -> None:
    """Whatever the way was: the line gets coarser, its ends stay."""
    wild = way(*((n, n * 40.0, 500.0 * (n % 2)) for n in range(3000)))
    kept = thinned(wild)
    assert len(kept) <= 500
    assert (kept[0].at, kept[-1].at) == (wild[0].at, wild[-1].at)
    silent = way(*((n * 1000, n * 900.0, 0.0) for n in range(1200)))
    assert len(thinned(silent, most=40)) <= 40


def test_route_is_that_of_its_trip() -> None:
    """From place to place and from begin to end, without what was before and after."""
    day = Day(3, Ways(interval=10))
    day.stand(3600)
    day.drive(4_000)
    day.stand(3600)
    drive = day.drives[0]
    found = FoundTrip(
        begin=drive.begin,
        end=drive.end,
        distance_m=drive.metres,
        begin_latitude=52.0,
        begin_longitude=13.0,
    )
    moments = b"".join(map(pack, day.moments))
    points = route_of(moments, found).points
    assert points[0].at >= drive.begin - 0.001
    assert points[-1].at == pytest.approx(drive.end, abs=0.001)
    assert len(points) > 10


points = st.builds(
    WayPoint,
    st.floats(0, 4e9),
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.booleans(),
    st.none() | st.floats(0, 400),
)


@given(st.lists(points, max_size=30))
def test_route_comes_back_with_five_decimals(told: list[WayPoint]) -> None:
    """And whole seconds, from few letters."""
    route = Route(tuple(told))
    again = unpacked_route(*packed(route)).points
    assert [one.after_gap for one in again] == [one.after_gap for one in told]
    for one, other in zip(again, told, strict=True):
        assert one[:3] == pytest.approx(
            (round(other.at), round(other.latitude, 5), round(other.longitude, 5)),
            abs=1.1e-5,
        )
    assert [one.speed for one in again] == [
        one.speed if one.speed is None else round(one.speed) for one in told
    ]


def test_thinned_route_keeps_the_speeds_of_what_is_left() -> None:
    """One from before speeds were kept is still a route."""
    day = Day(5, Ways(interval=10))
    day.drive(4000)
    drive = day.drives[0]
    route = route_of(
        b"".join(map(pack, day.moments)),
        FoundTrip(begin=drive.begin, end=drive.end, distance_m=drive.metres),
    )
    speeds = {one.at: one.kmh for one in day.moments}
    assert 5 < len(route.points) < len(day.moments)
    assert all(one.speed == speeds[one.at] for one in route.points)
    line, times, gaps, told = packed(route)
    assert len(told) < 2 * len(route.points)
    old = unpacked_route(line, times, gaps)
    assert {one.speed for one in old.points} == {None}
    with pytest.raises(ValueError, match="speeds"):
        unpacked_route(line, times, gaps, _letters([1]))


@pytest.mark.parametrize("damaged", ["_", "a b", "\x01", "_p~iF"])
def test_damaged_letters_are_no_route(damaged: str) -> None:
    """They raise an error rather than show another place."""
    with pytest.raises(ValueError, match=r"polyline|times"):
        unpacked_route(damaged, "??", [])


@pytest.mark.parametrize(
    ("latitude", "longitude", "at"),
    [(91, 0, 1), (0, 181, 1), (10**400, 0, 1), (0, 0, -1), (0, 0, 10**400)],
)
def test_what_lies_nowhere_is_no_route(latitude: int, longitude: int, at: int) -> None:
    """Such as of a file that somebody else wrote."""
    line = _letters([latitude * 100_000, longitude * 100_000])
    with pytest.raises(ValueError, match="place or time"):
        unpacked_route(line, _letters([at]), [])


def test_route_does_not_show_its_places() -> None:
    """Not in a log line that holds one."""
    assert "52" not in repr(Route((WayPoint(BEGIN, 52.123, 13.456),)))
