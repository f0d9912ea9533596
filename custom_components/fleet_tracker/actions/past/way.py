"""The way of a trip: the points of a route, and where nothing was heard between two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...contract.history import RoutePoint
from ...model.trips.route import MOST_POINTS, TOLERANCE_M, Route, WayPoint, thinned


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Points in the order of time, and the numbers of those that follow a silence."""

    points: tuple[RoutePoint, ...] = field(default=(), repr=False)
    gaps: frozenset[int] = frozenset()

    def parts(self) -> Iterator[tuple[RoutePoint, ...]]:
        """Yield what lies between two silences, each one point at least."""
        ends = sorted({0, len(self.points), *self.gaps})
        for begin, end in zip(ends, ends[1:], strict=False):
            yield self.points[begin:end]


def thinned_way(
    points: Sequence[RoutePoint],
    *,
    tolerance_m: float = TOLERANCE_M,
    most: int = MOST_POINTS,
) -> Way:
    """Return a way with the points alone that say where it went, at most so many."""
    told = {one.time.timestamp(): one for one in points}
    kept = thinned(
        [WayPoint(at, one.latitude, one.longitude) for at, one in told.items()],
        tolerance_m=tolerance_m,
        most=most,
    )
    return Way(points=tuple(told[one.at] for one in kept), gaps=_gaps(kept))


def thinned_parts(way: Way) -> Way:
    """Return a way whose parts are thinned, each for itself."""
    points: list[RoutePoint] = []
    gaps: set[int] = set()
    for part in way.parts():
        if points:
            gaps.add(len(points))
        thin = thinned_way(part)
        gaps |= {len(points) + number for number in thin.gaps}
        points += thin.points
    return Way(points=tuple(points), gaps=frozenset(gaps))


def way_of(route: Route) -> Way:
    """Return the way of a route that was kept."""
    return Way(
        points=tuple(
            RoutePoint(
                time=datetime.fromtimestamp(one.at, UTC),
                latitude=one.latitude,
                longitude=one.longitude,
                speed=one.speed,
            )
            for one in route.points
        ),
        gaps=_gaps(route.points),
    )


def _gaps(points: Sequence[WayPoint]) -> frozenset[int]:
    return frozenset(number for number, one in enumerate(points) if one.after_gap)
