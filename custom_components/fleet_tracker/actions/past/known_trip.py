"""A trip as it is told: by the vendor, by what was found and kept, or by the recorder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum

from ...account.trips.records import KeptTrip, Mark
from ...contract.history import Place, Trip
from ...model.trips.trip import DistanceSource, FoundTrip, TripFlag, TripSource

RECORDED = "recorded-"
"""What the identity of a trip begins with that is found anew in the recorder each time."""
SAME_PART = 0.5
"""Two trips of which one covers so much of the shorter one are the same."""


class TripOrigin(StrEnum):
    """Where a trip is known from."""

    VENDOR = "vendor"
    DERIVED = "derived"
    RECORDER = "recorder"
    """Found in what Home Assistant recorded of the tracker. It is kept nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTrip(Trip):
    """A trip, and what is known of it beside what vendors tell: km.

    ``end`` is the last time that it was heard of, where it is under way. A trip that only
    the vendor knows has no ``trip_id``.
    """

    origin: TripOrigin
    trip_id: str | None = None
    is_running: bool = False
    distance_source: DistanceSource | None = None
    flags: frozenset[TripFlag] = frozenset()
    odometer_begin: float | None = None
    odometer_end: float | None = None
    found: FoundTrip | None = field(default=None, repr=False)
    """What was found, in its own units."""
    kept: KeptTrip | None = field(default=None, repr=False)
    """What is kept of it, with what users said of it."""

    @property
    def mark(self) -> Mark:
        """What a user said of it."""
        return Mark() if self.kept is None else self.kept.mark


def of_found(
    found: FoundTrip,
    *,
    trip_id: str | None = None,
    is_recorded: bool = False,
    is_running: bool = False,
    kept: KeptTrip | None = None,
) -> KnownTrip:
    """Return a trip that was found."""
    by_vendor = found.source is TripSource.VENDOR
    origin = TripOrigin.VENDOR if by_vendor else TripOrigin.DERIVED
    average = found.average_speed
    return KnownTrip(
        begin=_time(found.begin),
        end=_time(found.until),
        begin_place=_place(found.begin_latitude, found.begin_longitude),
        end_place=None
        if is_running
        else _place(found.end_latitude, found.end_longitude),
        distance=round(found.distance_m / 1000, 3),
        duration=round(found.until - found.begin),
        average_speed=None if average is None else round(average, 1),
        top_speed=found.top_speed,
        idle_time=round(found.idle_s),
        consumption=found.consumption,
        origin=TripOrigin.RECORDER if is_recorded else origin,
        trip_id=f"{RECORDED}{int(found.begin)}" if is_recorded else trip_id,
        is_running=is_running,
        distance_source=found.distance_source,
        flags=found.flags,
        odometer_begin=_km(found.odometer_begin_m),
        odometer_end=_km(found.odometer_end_m),
        found=found,
        kept=kept,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _km(metres: int | None) -> float | None:
    return None if metres is None else round(metres / 1000, 3)


def _place(latitude: float | None, longitude: float | None) -> Place | None:
    if latitude is None or longitude is None:
        return None
    return Place(latitude=round(latitude, 6), longitude=round(longitude, 6))


def of_vendor(trip: Trip) -> KnownTrip:
    """Return a trip as the vendor tells it."""
    told = {one.name: getattr(trip, one.name) for one in fields(Trip)}
    source = None if trip.distance is None else DistanceSource.VENDOR
    return KnownTrip(**told, origin=TripOrigin.VENDOR, distance_source=source)


def together(told: Iterable[Trip], own: Sequence[KnownTrip]) -> list[KnownTrip]:
    """Return the trips of a vendor and those beside them that were found here.

    One that is both is told as it was kept, for its identity and its marks; what only the
    vendor knows of it is added. The order is that of their begins.
    """
    left = list(own)
    trips: list[KnownTrip] = []
    for trip in told:
        same = max(left, key=lambda one: _overlap(one, trip), default=None)
        if same is None or not _are_same(same, trip):
            trips.append(of_vendor(trip))
            continue
        left.remove(same)
        trips.append(_completed(same, trip))
    return sorted((*trips, *left), key=lambda one: one.begin)


def _completed(own: KnownTrip, told: Trip) -> KnownTrip:
    """Return a trip with what only the vendor knows of it."""
    values = {one.name: getattr(own, one.name) for one in fields(KnownTrip)}
    for one in fields(Trip):
        if values[one.name] is None:
            values[one.name] = getattr(told, one.name)
    return KnownTrip(**values)


def _are_same(one: Trip, other: Trip) -> bool:
    shorter = min(one.end - one.begin, other.end - other.begin).total_seconds()
    return _overlap(one, other) > 0 and _overlap(one, other) >= SAME_PART * shorter


def _overlap(one: Trip, other: Trip) -> float:
    return (min(one.end, other.end) - max(one.begin, other.begin)).total_seconds()
