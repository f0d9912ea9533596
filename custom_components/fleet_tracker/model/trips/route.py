"""The way of a trip: its fixes, thinned so that the line stays on its road.

Pure. Douglas-Peucker keeps every fix within a distance of the line. The first and the last
fix stay, and those on both sides of a silence and of a stand, so that the times stay true.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import accumulate, pairwise
import math
from typing import NamedTuple

from .fold import GAP_INTERVALS, GAP_S
from .moments import METRES_PER_DEGREE, NO_PLACE, position_of, unpacked
from .trip import FoundTrip

TOLERANCE_M = 10.0
MOST_POINTS = 500
STAND_M = 30.0
STAND_S = 60.0
LATEST = 7_258_118_400
"""The year 2200: no route is from later."""
_ROUNDED = 100_000
"""Five decimals of a degree, which is 1.1 m."""
_DEGREE = 1e-7


class WayPoint(NamedTuple):
    """A point of a way: Unix seconds, WGS84 degrees, km/h.

    ``after_gap`` says that nothing was heard on the way to it.
    """

    at: float
    latitude: float
    longitude: float
    after_gap: bool = False
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """The way of a trip. It does not show its places."""

    points: tuple[WayPoint, ...] = field(repr=False)


def route_of(
    moments: bytes,
    found: FoundTrip,
    *,
    tolerance_m: float = TOLERANCE_M,
    most: int = MOST_POINTS,
) -> Route:
    """Return the thinned way of a trip as the evidence shows it, from place to place.

    ``most`` is how many points it has at most, two at least.
    """
    fixes = [
        WayPoint(one.at, one.latitude * _DEGREE, one.longitude * _DEGREE, speed=one.kmh)
        for one in unpacked(moments, position_of(moments, math.ceil(found.begin * 1e3)))
        if one.latitude != NO_PLACE and one.at <= found.until
    ]
    return Route(thinned(_with_ends(fixes, found), tolerance_m=tolerance_m, most=most))


def _with_ends(fixes: list[WayPoint], found: FoundTrip) -> list[WayPoint]:
    """Return fixes that begin and end where and when the trip does."""
    ends = (
        (found.begin, found.begin_latitude, found.begin_longitude),
        (found.until, found.end_latitude, found.end_longitude),
    )
    begin, end = (
        [WayPoint(at, latitude, longitude)]
        if latitude is not None and longitude is not None
        else []
        for at, latitude, longitude in ends
    )
    if fixes and begin and fixes[0].at <= begin[0].at:
        begin = []
    if fixes and end and fixes[-1].at >= end[0].at:
        end = []
    return [*begin, *fixes, *end]


def thinned(
    points: Sequence[WayPoint],
    *,
    tolerance_m: float = TOLERANCE_M,
    most: int = MOST_POINTS,
) -> tuple[WayPoint, ...]:
    """Return the points of a way that say where it went, in the order of time.

    Every point that is left out lies within the tolerance of the line, unless there are
    more than ``most`` such: then the line is coarser.
    """
    if len(points) < 3:
        return tuple(points)
    marked, fixed = _with_marks(points)
    kept = _douglas_peucker(_plane(marked), fixed, tolerance_m, most)
    if len(kept) > most:
        step = (len(kept) - 1) / (max(most, 2) - 1)
        kept = [kept[round(number * step)] for number in range(max(most, 2))]
    return tuple(marked[index] for index in kept)


def _with_marks(points: Sequence[WayPoint]) -> tuple[list[WayPoint], list[int]]:
    """Return points with silences marked, and which of them stay whatever the line."""
    steps = sorted(b.at - a.at for a, b in zip(points, points[1:], strict=False))
    longest = max(GAP_S, GAP_INTERVALS * steps[len(steps) // 2])
    marked = [points[0]]
    fixed = {0, len(points) - 1}
    stand = 0
    for number in range(1, len(points)):
        before, point = points[number - 1], points[number]
        is_gap = point.at - before.at > longest
        marked.append(point._replace(after_gap=is_gap))
        if is_gap:
            fixed |= {number - 1, number}
        if _metres(points[stand], point) > STAND_M:
            if before.at - points[stand].at >= STAND_S:
                fixed |= {stand, number - 1}
            stand = number
    return marked, sorted(fixed)


def _metres(one: WayPoint, other: WayPoint) -> float:
    east = (other.longitude - one.longitude + 180) % 360 - 180
    return METRES_PER_DEGREE * math.hypot(
        other.latitude - one.latitude, east * math.cos(math.radians(one.latitude))
    )


def _plane(points: Sequence[WayPoint]) -> list[tuple[float, float]]:
    """Return points in metres east and north of the first."""
    first = points[0]
    shrink = math.cos(math.radians(first.latitude))
    return [
        (
            ((one.longitude - first.longitude + 180) % 360 - 180)
            * METRES_PER_DEGREE
            * shrink,
            (one.latitude - first.latitude) * METRES_PER_DEGREE,
        )
        for one in points
    ]


def _douglas_peucker(
    plane: Sequence[tuple[float, float]],
    fixed: Sequence[int],
    tolerance: float,
    most: int,
) -> list[int]:
    """Return the indexes of the points that are needed between those that stay.

    The one that is farthest off comes first, so that no way costs more than its length
    times ``most``, however wild it is.
    """
    kept = list(fixed)
    parts: list[tuple[float, int, int, int]] = []

    def add(first: int, last: int) -> None:
        x0, y0 = plane[first]
        dx, dy = plane[last][0] - x0, plane[last][1] - y0
        length = dx * dx + dy * dy
        farthest, away = 0, tolerance * tolerance
        for index in range(first + 1, last):
            x, y = plane[index][0] - x0, plane[index][1] - y0
            along = 0.0 if not length else (x * dx + y * dy) / length
            along = min(1.0, max(0.0, along))
            square = (x - along * dx) ** 2 + (y - along * dy) ** 2
            if square > away:
                farthest, away = index, square
        if farthest:
            heappush(parts, (-away, farthest, first, last))

    for first, last in pairwise(fixed):
        add(first, last)
    while parts and len(kept) < most:
        _, farthest, first, last = heappop(parts)
        kept.append(farthest)
        add(first, farthest)
        add(farthest, last)
    return sorted(kept)


# --- in few letters -----------------------------------------------------------------------


def packed(route: Route) -> tuple[str, str, list[int], str]:
    """Return a route in letters: its line, its times, which points follow a silence, speeds.

    The line is an encoded polyline with five decimals, the times are the seconds from
    point to point in the same letters. So are the speeds, in whole km/h and one more: no
    speed is zero.
    """
    line: list[int] = []
    times: list[int] = []
    latitude = longitude = at = 0
    for point in route.points:
        now = round(point.at)
        north, east = (
            round(point.latitude * _ROUNDED),
            round(point.longitude * _ROUNDED),
        )
        line += (north - latitude, east - longitude)
        times.append(now - at)
        latitude, longitude, at = north, east, now
    gaps = [number for number, one in enumerate(route.points) if one.after_gap]
    known = [0 if one.speed is None else 1 + round(one.speed) for one in route.points]
    steps = [after - before for before, after in pairwise((0, *known))]
    return _letters(line), _letters(times), gaps, _letters(steps) if any(known) else ""


def unpacked_route(
    line: str, times: str, gaps: Iterable[int], speeds: str = ""
) -> Route:
    """Return the route that was packed, also before speeds were kept.

    Raises ValueError for what is none.
    """
    after_gap = frozenset(gaps)
    places, seconds = _numbers(line), _numbers(times)
    if len(places) != 2 * len(seconds):
        raise ValueError("a route with other times than places")
    known = [*accumulate(_numbers(speeds))] or [0] * len(seconds)
    if len(known) != len(seconds) or min(known, default=0) < 0:
        raise ValueError("a route with other speeds than places")
    points = []
    latitude = longitude = at = 0
    for number, passed in enumerate(seconds):
        latitude += places[2 * number]
        longitude += places[2 * number + 1]
        at += passed
        if (
            abs(latitude) > 90 * _ROUNDED
            or abs(longitude) > 180 * _ROUNDED
            or not 0 <= at <= LATEST
        ):
            raise ValueError("a route of no place or time")
        points.append(
            WayPoint(
                float(at),
                latitude / _ROUNDED,
                longitude / _ROUNDED,
                number in after_gap,
                float(known[number] - 1) if known[number] else None,
            )
        )
    return Route(tuple(points))


def _letters(numbers: Iterable[int]) -> str:
    letters = []
    for number in numbers:
        rest = ~(number << 1) if number < 0 else number << 1
        while rest >= 0x20:
            letters.append(chr((0x20 | rest & 0x1F) + 63))
            rest >>= 5
        letters.append(chr(rest + 63))
    return "".join(letters)


def _numbers(letters: str) -> list[int]:
    numbers = []
    value = shift = 0
    for letter in letters:
        part = ord(letter) - 63
        if not 0 <= part < 64:
            raise ValueError("no polyline")
        value |= (part & 0x1F) << shift
        shift += 5
        if part < 0x20:
            numbers.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift:
        raise ValueError("a polyline that is cut off")
    return numbers
