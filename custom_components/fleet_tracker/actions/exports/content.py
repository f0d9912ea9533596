"""What a file shows: trips with their ways, in the user's time zone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
import hashlib
import re

from ...account.trips.records import DashboardReading
from ...contract.history import RoutePoint
from ...model.trips.moments import metres
from ..past.known_trip import KnownTrip
from ..past.way import Way

CREATOR = "Fleet Tracker for Home Assistant"
SHIFTED = 0.3
"""By which part of itself the distance to cut differs from trip to trip, at most."""

# Valid Unicode that XML 1.0 cannot hold.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTrip:
    """A trip in a file, from when to when it is shown, and its way."""

    trip: KnownTrip
    begin: datetime
    end: datetime
    way: Way = Way()
    begin_place: str | None = None
    end_place: str | None = None
    is_cut: bool = False
    """Whether its begin or end is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a file of one vehicle shows.

    ``users`` are the names of those who said something of trips, by their ids.
    """

    trips: Sequence[ShownTrip]
    time_zone: tzinfo
    made_at: datetime
    vehicle: str = field(default="", repr=False)
    plate: str | None = field(default=None, repr=False)
    readings: Sequence[DashboardReading] = ()
    users: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A place on the map: degrees (WGS84), and a radius in metres."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    radius: float

    def holds(self, point: RoutePoint, more: float) -> bool:
        """Tell whether a point lies in the circle with so many metres around it."""
        away = metres(
            round(self.latitude * 1e7),
            round(self.longitude * 1e7),
            round(point.latitude * 1e7),
            round(point.longitude * 1e7),
        )
        return away <= self.radius + more


def cut(trip: ShownTrip, home: Circle, trim: float, key: str) -> ShownTrip | None:
    """Return a trip without what lies near home, None if nothing is left of it.

    ``trim`` is the distance from the circle in metres. It differs from trip to trip, since
    the ends of many would show where the centre is; for one trip (``key``) it is always
    the same, since the ends of many files of it would, too. Times go with the places.
    """
    digest = hashlib.sha256(key.encode()).digest()
    share = int.from_bytes(digest[:8]) / 2**64
    more = trim * (1 + SHIFTED * (2 * share - 1))
    points: list[RoutePoint] = []
    gaps: set[int] = set()
    is_cut = False
    after_gap = False
    for number, point in enumerate(trip.way.points):
        after_gap = after_gap or number in trip.way.gaps
        if home.holds(point, more):
            after_gap = is_cut = True
            continue
        if after_gap and points:
            gaps.add(len(points))
        points.append(point)
        after_gap = False
    if not points:
        return None
    if not is_cut:
        return trip
    return replace(
        trip,
        begin=points[0].time,
        end=points[-1].time,
        way=Way(points=tuple(points), gaps=frozenset(gaps)),
        is_cut=True,
    )


def title(trip: ShownTrip, time_zone: tzinfo) -> str:
    """Return how a trip is called in a file: by its local times alone."""
    begin, end = trip.begin.astimezone(time_zone), trip.end.astimezone(time_zone)
    return f"{begin:%Y-%m-%d %H:%M} - {end:%H:%M}"


def summary(trip: ShownTrip) -> str | None:
    """Return how far a trip went and from where to where, unless its ends are cut off."""
    if trip.is_cut:
        return None
    places = [one for one in (trip.begin_place, trip.end_place) if one]
    told = [" - ".join(places)] if places else []
    if trip.trip.distance is not None:
        told.append(f"{trip.trip.distance:.1f} km")
    return ", ".join(told) or None


def utc(time: datetime) -> str:
    """Return a time as these formats want it: UTC with a Z, to the second."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def degrees(value: float) -> str:
    """Return degrees to 0.1 m, never in powers of ten."""
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"


def longitude(value: float) -> str:
    """Return a longitude, which GPX wants below 180 degrees."""
    text = degrees(value)
    return "-180" if text == "180" else text


def xml_text(text: str) -> str:
    """Return a text for the content of an element."""
    text = _NOT_IN_XML.sub("", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
