"""Thinning a route: what stays, and how far the rest is beside it."""

from __future__ import annotations

import math

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.fleet_tracker.model.trips.moments import METRES_PER_DEGREE
from custom_components.fleet_tracker.model.trips.thinning import thin

LATITUDE, LONGITUDE = 52.0, 179.999


def place(east: float, north: float) -> tuple[float, float]:
    """Return a place so many metres from a point beside the date line."""
    shrink = math.cos(math.radians(LATITUDE))
    longitude = LONGITUDE + east / METRES_PER_DEGREE / shrink
    return LATITUDE + north / METRES_PER_DEGREE, (longitude + 540) % 360 - 180


def beside(
    point: tuple[float, float], begin: tuple[float, float], end: tuple[float, float]
) -> float:
    """Return how far a point is from the line between two others, all in metres."""
    along = (end[0] - begin[0], end[1] - begin[1])
    off = (point[0] - begin[0], point[1] - begin[1])
    length = along[0] ** 2 + along[1] ** 2
    share = 0.0
    if length:
        share = min(1, max(0, (off[0] * along[0] + off[1] * along[1]) / length))
    return math.hypot(off[0] - share * along[0], off[1] - share * along[1])


@pytest.mark.parametrize(
    ("metres_apart", "tolerance", "kept"),
    [
        ([], 10, []),
        ([(0, 0)], 10, [0]),
        ([(0, 0), (0, 0)], 10, [0, 1]),
        # A straight road needs its ends alone, a bend its corner, a way back its turn.
        ([(0, 0), (50, 1), (100, 0)], 10, [0, 2]),
        ([(0, 0), (100, 0), (100, 100)], 10, [0, 1, 2]),
        ([(0, 0), (100, 0), (0, 0)], 10, [0, 1, 2]),
        ([(0, 0), (50, 9), (100, 0)], 10, [0, 2]),
        ([(0, 0), (50, 11), (100, 0)], 10, [0, 1, 2]),
        ([(0, 0)] * 5, 0, [0, 4]),
    ],
)
def test_kept(
    metres_apart: list[tuple[float, float]], tolerance: float, kept: list[int]
) -> None:
    """The first and the last always stay."""
    places = [place(east, north) for east, north in metres_apart]
    assert thin(places, tolerance) == kept


def test_fixed_and_most() -> None:
    """What is fixed stays, and of too many the corners that matter most do."""
    flat = [(0, 0), (50, 0), (100, 30), (150, 0), (200, 300), (250, 0), (300, 0)]
    places = [place(east, north) for east, north in flat]
    assert thin(places, 400, fixed=(1,)) == [0, 1, 6]
    assert thin(places, 10, most=3) == [0, 4, 6]
    assert thin(places, 10, most=1, fixed=(1,)) == [0]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), max_size=60),
    st.integers(0, 500),
)
def test_nothing_left_out_is_far_beside(
    flat: list[tuple[int, int]], tolerance: int
) -> None:
    """Whatever the route: the line of what stays passes all that does not."""
    kept = thin([place(*one) for one in flat], tolerance)
    for begin, end in zip(kept, kept[1:], strict=False):
        for number in range(begin, end):
            assert beside(flat[number], flat[begin], flat[end]) <= tolerance + 0.5


def test_a_long_route_is_thinned_soon() -> None:
    """A spiral of 10,000 points is no work of hours."""
    places = [place(n * math.cos(n / 20), n * math.sin(n / 20)) for n in range(10_000)]
    kept = thin(places, 10, most=500)
    assert len(kept) == 500
    assert kept[0] == 0
    assert kept[-1] == 9_999
