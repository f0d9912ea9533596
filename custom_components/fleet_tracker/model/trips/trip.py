"""Trips, as they are found and as a vendor tells them."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from ..record import record


class TripSource(StrEnum):
    """Who says that a trip was made."""

    DERIVED = "derived"
    VENDOR = "vendor"


class DistanceSource(StrEnum):
    """Where the distance of a trip is from."""

    VENDOR = "vendor"
    ODOMETER = "odometer"
    WAY = "way"
    """The way along the fixes, which reads a little short."""


class TripFlag(StrEnum):
    """What to know of a trip beside its values."""

    BEGIN_ESTIMATED = "begin_estimated"
    """It was first heard of on its way."""
    ESTIMATED = "estimated"
    """Nothing was heard on the way: it was parked here, then there."""


QUARTER_S = 900
LONGEST_S = 7 * 86_400
"""What is longer is no trip of anybody, but a time that was never set."""


@record(frozen=True, slots=True, kw_only=True)
class FoundTrip:
    """A drive as the evidence shows it: Unix seconds, metres, seconds, km/h.

    ``end`` is None while it goes on. ``quarters`` are the metres of each quarter of an hour
    since 1970 in which it moved, for the distance of a day or an hour.
    """

    begin: float
    end: float | None
    distance_m: float
    idle_s: float = 0.0
    gap_s: float = 0.0
    """For how long it drove unheard."""
    top_speed: float | None = None
    source: TripSource = TripSource.DERIVED
    distance_source: DistanceSource = DistanceSource.WAY
    flags: frozenset[TripFlag] = frozenset()
    odometer_begin_m: int | None = None
    odometer_end_m: int | None = None
    begin_latitude: float | None = None
    begin_longitude: float | None = None
    end_latitude: float | None = None
    end_longitude: float | None = None
    consumption: float | None = None
    """Litres, where the vendor tells them."""
    quarters: tuple[tuple[int, float], ...] = field(default=(), compare=False)
    unheard_since: float | None = field(default=None, compare=False)
    """Of a trip most of which nobody heard of: when it was last heard of before it."""
    is_late: bool = field(default=False, compare=False)
    """Whether it was found in news that was older than the evidence."""
    last: float = 0.0
    """The last time that it was heard of, which is its end once it ended."""

    @property
    def until(self) -> float:
        """The end, or the last time that it was heard of."""
        return self.last if self.end is None else self.end

    @property
    def average_speed(self) -> float | None:
        """The speed without the time of standing, in km/h."""
        seconds = self.until - self.begin - self.idle_s
        return self.distance_m / seconds * 3.6 if seconds >= 1 else None


@record(frozen=True, slots=True, kw_only=True)
class Trip:
    """A trip that was told, with an identity that outlives corrections."""

    trip_id: str
    found: FoundTrip
    is_ended: bool = False
    """Whether its end was told."""
    parents: tuple[str, ...] = ()
    """The trips that it was split from or merged of."""
    revision: int = 0

    @property
    def begin(self) -> float:
        """The begin, in Unix seconds."""
        return self.found.begin

    @property
    def end(self) -> float | None:
        """The end, in Unix seconds; None while it goes on."""
        return self.found.end


@record(frozen=True, slots=True, kw_only=True, order=True)
class VendorTrip:
    """A trip that the vendor tells: Unix seconds, metres, seconds, km/h, litres.

    One without a metre, or that ends before it begins, takes back what was told of a trip
    with that begin, or of one that it covers by half.
    """

    begin: float
    end: float
    distance_m: float | None = field(default=None, compare=False)
    idle_s: float | None = field(default=None, compare=False)
    top_speed: float | None = field(default=None, compare=False)
    consumption: float | None = field(default=None, compare=False)
    begin_place: tuple[float, float] | None = field(default=None, compare=False)
    end_place: tuple[float, float] | None = field(default=None, compare=False)
    """Latitude and longitude, in degrees."""
    told_at: float = field(default=0.0, compare=False)
    """When the vendor first said so."""
    listed_at: float | None = field(default=None, compare=False)
    """When a list of the vendor showed it for the first time, or again after it had said
    something else. None of one that it told by itself."""


def spread(begin: float, end: float, way: float) -> tuple[tuple[int, float], ...]:
    """Return metres by the quarters of an hour in which they were driven, evenly."""
    first, last = int(begin // QUARTER_S), int(end // QUARTER_S)
    if first >= last or end <= begin:
        return ((last, way),)
    parts = []
    for quarter in range(first, last + 1):
        since = max(begin, quarter * QUARTER_S)
        until = min(end, (quarter + 1) * QUARTER_S)
        if until > since:
            parts.append((quarter, way * (until - since) / (end - begin)))
    return tuple(parts)
