"""Kept trips, and the lines that they are kept in: pure.

Nothing is overwritten. Each version of a trip, each mark and each reading of a dashboard is
a line of its own, with when it came and whose it is; read one after the other they make the
trips of today, and their changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from homeassistant.helpers.json import json_dumps
from homeassistant.util.json import json_loads_array

from ...model.trips.trip import DistanceSource, FoundTrip, Trip, TripFlag, TripSource

LATE_AFTER = timedelta(days=7)
"""A mark that comes later is flagged: offices want it soon."""
EARLIEST, LATEST = 0.0, datetime(2200, 1, 1, tzinfo=UTC).timestamp()
"""Nothing that was kept is from another time."""
FARTHEST_M = 1e8
SAME_PART = 0.5
"""A trip that covers so much of another one, which is not known any more, is the same."""

_TRIP, _GONE, _MARK, _READING, _FORGOTTEN = (
    "trip",
    "gone",
    "mark",
    "odometer",
    "forgotten",
)


class TripClass(StrEnum):
    """What a trip was made for."""

    BUSINESS = "business"
    PRIVATE = "private"
    COMMUTE = "commute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a user says of a trip."""

    class_: TripClass | None = None
    purpose: str | None = None
    visited: str | None = None
    driver: str | None = None
    marked_at: datetime | None = None
    marked_by: str | None = None
    """The id of the user, None for an automation."""

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return any(getattr(self, key) is not None for key in NAMES_IN_MARK.values())


NAMES_IN_MARK: Mapping[str, str] = MappingProxyType(
    {"class": "class_", "purpose": "purpose", "visited": "visited", "driver": "driver"}
)
"""What can be said of a trip, and under which names a mark holds it."""
MARKS = tuple(NAMES_IN_MARK)
"""The names of what can be said of a trip."""

type _Told = str | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a kept trip: what it was and is, by the names of the values.

    ``by`` is the id of a user, None for an automation, and who corrected a trip: the
    value of a `TripSource`.
    """

    at: datetime
    by: str | None
    what: Mapping[str, tuple[_Told, _Told]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TripOfVehicle:
    """A trip, and whose it is."""

    vehicle_id: str
    trip: Trip

    @property
    def trip_id(self) -> str:
        """The identity among the vehicle's trips."""
        return self.trip.trip_id

    @property
    def found(self) -> FoundTrip:
        """The drive: Unix seconds, metres, km/h."""
        return self.trip.found

    @property
    def begin(self) -> datetime:
        """When it began, in UTC."""
        return _time(self.trip.found.begin)

    @property
    def end(self) -> datetime:
        """When it ended, or was last heard of, in UTC."""
        return _time(self.trip.found.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTrip(TripOfVehicle):
    """A trip that ended, with what was said of it."""

    recorded_at: datetime
    mark: Mark = field(default_factory=Mark)
    changes: tuple[Change, ...] = ()

    @property
    def is_late(self) -> bool:
        """Whether it was marked later than offices want."""
        at = self.mark.marked_at
        return at is not None and at > self.end + LATE_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardReading:
    """An odometer as a user read it, in km, with when it was noted, and the user who did."""

    at: datetime
    kilometres: float
    noted_at: datetime
    by: str | None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def month_of(seconds: float) -> str:
    """Return the month of a time in UTC, such as ``2026-11``."""
    return f"{_time(seconds):%Y-%m}"


def month_of_trip(trip: Trip) -> str:
    """Return the month that a trip is kept in: that of its first version, for good."""
    return month_of(float(trip.trip_id) if trip.trip_id.isdecimal() else trip.begin)


# --- lines --------------------------------------------------------------------------------


def trip_line(vehicle_id: str, trip: Trip, now: datetime) -> str:
    """Return the line of a version of a trip."""
    return _line(_TRIP, vehicle_id, trip.trip_id, now, _as_told(trip))


def gone_line(vehicle_id: str, trip_id: str, now: datetime) -> str:
    """Return the line of a trip that turned out to be none, or part of another one."""
    return _line(_GONE, vehicle_id, trip_id, now)


def mark_line(
    vehicle_id: str,
    trip_id: str,
    now: datetime,
    by: str | None,
    said: Mapping[str, str | None],
) -> str:
    """Return the line of what a user says of a trip, by the names in `MARKS`."""
    return _line(_MARK, vehicle_id, trip_id, now, by, dict(said))


def reading_line(
    vehicle_id: str, at: datetime, kilometres: float, now: datetime, by: str | None
) -> str:
    """Return the line of an odometer that was read."""
    return _line(_READING, vehicle_id, str(at.timestamp()), now, by, kilometres)


def _line(what: str, vehicle_id: str, key: str, now: datetime, *rest: object) -> str:
    return json_dumps([what, vehicle_id, key, round(now.timestamp(), 1), *rest])


def _as_told(trip: Trip) -> dict[str, Any]:
    """Return a trip by short names, without what is not known."""
    found = trip.found
    told: dict[str, Any] = {
        "b": round(found.begin, 1),
        "e": round(found.until, 1),
        "m": round(found.distance_m, 1),
        "i": round(found.idle_s) or None,
        "g": round(found.gap_s) or None,
        "v": found.top_speed,
        "s": None if found.source is TripSource.DERIVED else found.source.value,
        "d": found.distance_source.value,
        "f": sorted(found.flags) or None,
        "o": [found.odometer_begin_m, found.odometer_end_m],
        "p": [
            None if one is None else round(one, 5)
            for one in (
                found.begin_latitude,
                found.begin_longitude,
                found.end_latitude,
                found.end_longitude,
            )
        ],
        "c": found.consumption,
        "q": _packed_quarters(found.quarters),
        "r": trip.revision or None,
        "a": list(trip.parents) or None,
    }
    return {
        key: value
        for key, value in told.items()
        if value is not None and not (isinstance(value, list) and set(value) <= {None})
    }


def are_same_version(one: Trip, other: Trip) -> bool:
    """Tell whether two versions of a trip are kept alike."""
    return _as_told(one) == _as_told(other)


def _packed_quarters(quarters: Iterable[tuple[int, float]]) -> list[int] | None:
    """Return the first quarter of an hour, and the metres of each from it on."""
    metres = {quarter: round(part) for quarter, part in quarters}
    if not metres:
        return None
    first = min(metres)
    return [first, *(metres.get(one, 0) for one in range(first, max(metres) + 1))]


def _as_trip(trip_id: str, told: Mapping[str, Any]) -> Trip:
    """Return the trip that was told. Raises what is wrong with one that cannot be read."""
    begin, end, metres_in_all = _float(told["b"]), _float(told["e"]), _float(told["m"])
    if not EARLIEST <= begin <= end <= LATEST or not 0 <= metres_in_all <= FARTHEST_M:
        raise ValueError("no trip")
    odometers = told.get("o") or (None, None)
    places = told.get("p") or (None, None, None, None)
    first, *metres = told.get("q") or (0,)
    found = FoundTrip(
        begin=begin,
        end=end,
        last=end,
        distance_m=metres_in_all,
        idle_s=_float(told.get("i", 0)),
        gap_s=_float(told.get("g", 0)),
        top_speed=_number(told.get("v")),
        source=TripSource(told.get("s", TripSource.DERIVED)),
        distance_source=DistanceSource(told["d"]),
        flags=frozenset(map(TripFlag, told.get("f", ()))),
        odometer_begin_m=_metres(odometers[0]),
        odometer_end_m=_metres(odometers[1]),
        begin_latitude=_degrees(places[0], 90),
        begin_longitude=_degrees(places[1], 180),
        end_latitude=_degrees(places[2], 90),
        end_longitude=_degrees(places[3], 180),
        consumption=_number(told.get("c")),
        quarters=tuple(
            (int(first) + number, _float(part))
            for number, part in enumerate(metres)
            if part
        ),
    )
    return Trip(
        trip_id=trip_id,
        found=found,
        is_ended=True,
        parents=tuple(map(str, told.get("a", ()))),
        revision=int(told.get("r", 0)),
    )


def _number(value: Any) -> float | None:
    return None if value is None else _float(value)


def _float(value: Any) -> float:
    """Return a number. Raises TypeError for what is none, such as a text of one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise TypeError("no number")


def _degrees(value: Any, most: int) -> float | None:
    degrees = _number(value)
    if degrees is not None and abs(degrees) > most:
        raise ValueError("no place")
    return degrees


def _metres(value: Any) -> int | None:
    return None if value is None else int(_float(value))


def _text(value: object) -> str | None:
    """Return a text, such as the id of a user. Raises TypeError for anything else."""
    if value is None or isinstance(value, str):
        return value
    raise TypeError("no text")


# --- the records of a month ---------------------------------------------------------------


class Records:
    """What lines say, read one after the other."""

    def __init__(self) -> None:
        """Initialize without any."""
        self.trips: dict[str, dict[str, KeptTrip]] = {}
        """By vehicle and trip, in no order."""
        self.readings: dict[str, list[DashboardReading]] = {}

    @property
    def count(self) -> int:
        """How many trips there are."""
        return sum(map(len, self.trips.values()))

    def take(self, lines: Iterable[str]) -> list[str]:
        """Take further lines, and return those that cannot be read."""
        return [line for line in lines if not self.take_one(line)]

    def take_one(self, line: str) -> bool:
        """Take a line, and tell whether it can be read. What is unknown is passed over."""
        try:
            what, vehicle_id, key, at, *rest = json_loads_array(line)
            if not (isinstance(vehicle_id, str) and isinstance(key, str)):
                return False
            now = _time(_float(at))
            self._take(str(what), vehicle_id, key, now, rest)
        except (
            ArithmeticError,
            LookupError,
            OSError,
            TypeError,
            ValueError,
            AttributeError,
        ):
            return False
        return True

    def _take(
        self, what: str, vehicle_id: str, key: str, now: datetime, rest: Sequence[Any]
    ) -> None:
        if what == _TRIP:
            self._take_trip(vehicle_id, key, now, rest)
        elif what == _GONE:
            self._take_gone(vehicle_id, key)
        elif what == _MARK:
            self._take_mark(vehicle_id, key, now, rest)
        elif what == _READING:
            self._take_reading(vehicle_id, key, now, rest)

    def _take_trip(
        self, vehicle_id: str, trip_id: str, now: datetime, rest: Sequence[Any]
    ) -> None:
        trip = _as_trip(trip_id, rest[0])
        trips = self.trips.setdefault(vehicle_id, {})
        held = trips.get(trip_id)
        if held is None:
            held = KeptTrip(vehicle_id=vehicle_id, trip=trip, recorded_at=now)
            trips[trip_id] = held
            for other in list(trips.values()):
                if other.trip_id != trip_id and are_same(other.found, trip.found):
                    # Told before a crash, and found again with another begin.
                    self._leave_to(vehicle_id, other.trip_id, (trip_id,))
            return
        what = {
            name: (before, after)
            for name, before, after in zip(
                _SHOWN, _shown(held.found), _shown(trip.found), strict=True
            )
            if before != after
        }
        changes = held.changes
        if what:
            changes = (*changes, Change(at=now, by=trip.found.source.value, what=what))
        trips[trip_id] = replace(held, trip=trip, changes=changes)

    def _take_gone(self, vehicle_id: str, trip_id: str) -> None:
        children = [
            one.trip_id
            for one in self.trips.get(vehicle_id, {}).values()
            if trip_id in one.trip.parents
        ]
        self._leave_to(vehicle_id, trip_id, children)

    def _leave_to(self, vehicle_id: str, trip_id: str, heirs: Sequence[str]) -> None:
        """Remove a trip; what was said of it goes over to the first that took its place."""
        trips = self.trips.get(vehicle_id, {})
        gone = trips.pop(trip_id, None)
        if gone is None or not heirs or not gone.mark:
            return
        heir = trips[heirs[0]]
        if not heir.mark:
            trips[heir.trip_id] = replace(
                heir, mark=gone.mark, changes=(*gone.changes, *heir.changes)
            )

    def _take_mark(
        self, vehicle_id: str, trip_id: str, now: datetime, rest: Sequence[Any]
    ) -> None:
        by, told = rest
        said = {name: _text(told[name]) for name in MARKS if name in told}
        trips = self.trips.get(vehicle_id, {})
        if (held := trips.get(trip_id)) is not None:
            trips[trip_id] = with_mark(held, said, now, _text(by))

    def _take_reading(
        self, vehicle_id: str, key: str, now: datetime, rest: Sequence[Any]
    ) -> None:
        by, kilometres = rest
        self.readings.setdefault(vehicle_id, []).append(
            DashboardReading(
                at=_time(float(key)),
                kilometres=_float(kilometres),
                noted_at=now,
                by=_text(by),
            )
        )


_SHOWN = ("begin", "end", "distance", "source")


def _shown(found: FoundTrip) -> tuple[_Told, ...]:
    """Return what a correction is told of: times to the second, km to the ten metres."""
    return (
        _time(round(found.begin)).isoformat(),
        _time(round(found.until)).isoformat(),
        round(found.distance_m / 1000, 2),
        found.source.value,
    )


def with_mark(
    held: KeptTrip, said: Mapping[str, str | None], now: datetime, by: str | None
) -> KeptTrip:
    """Return a trip with what a user says of it. Raises ValueError for an unknown class."""
    mark = held.mark
    what: dict[str, tuple[_Told, _Told]] = {}
    values: dict[str, Any] = {}
    for key, name in NAMES_IN_MARK.items():
        if key not in said:
            continue
        before, after = getattr(mark, name), said[key] or None
        if name == "class_" and after is not None:
            after = TripClass(after)
        if before != after:
            what[key] = (before, after)
            values[name] = after
    if not what:
        return held
    return replace(
        held,
        mark=replace(mark, **values, marked_at=now, marked_by=by),
        changes=(*held.changes, Change(at=now, by=by, what=what)),
    )


def are_same(one: FoundTrip, other: FoundTrip) -> bool:
    """Tell whether two drives overlap by so much that they are one."""
    both = min(one.until, other.until) - max(one.begin, other.begin)
    return both > 0 and both >= SAME_PART * min(
        one.until - one.begin, other.until - other.begin
    )


def vehicle_of(line: str) -> str | None:
    """Return whose line it is, None if that cannot be read."""
    try:
        vehicle_id = json_loads_array(line)[1]
    except (LookupError, ValueError):
        return None
    return vehicle_id if isinstance(vehicle_id, str) else None
