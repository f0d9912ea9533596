"""Trips as CSV, for a driver's logbook: columns with stable names, then sums.

UTF-8 with a byte order mark, lines that end as in DOS, numbers with a decimal point. Texts
that a spreadsheet would take for a formula begin with an apostrophe. No coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import csv
from datetime import datetime
from io import StringIO
from itertools import pairwise
import re

from ...account.trips.records import DashboardReading, TripClass
from .content import Content, ShownTrip

MIME_TYPE = "text/csv"
BYTE_ORDER_MARK = "\ufeff"
COLUMNS = (
    "no",
    "trip_id",
    "vehicle",
    "plate",
    "begin_date",
    "begin_time",
    "end_date",
    "end_time",
    "utc_offset",
    "odometer_begin_km",
    "odometer_end_km",
    "distance_km",
    "distance_source",
    "begin_place",
    "end_place",
    "route_note",
    "class",
    "purpose",
    "visited",
    "driver",
    "idle_min",
    "flags",
    "recorded_at",
    "marked_at",
    "marked_by",
    "changes",
)
OF_A_PRIVATE_TRIP = frozenset(
    {
        "no",
        "vehicle",
        "plate",
        "odometer_begin_km",
        "odometer_end_km",
        "distance_km",
        "distance_source",
        "class",
    }
)
"""The columns of a private trip where its kilometres alone are wanted."""
LEAST_GAP_KM = 0.1
LATE = "late"
_FORMULA = re.compile(r"(^|[,;\t\r\n])(?=[=+\-@\t\r＝＋－＠])")
"""Before a formula, also where a spreadsheet takes another separator than was wanted."""
_NO_CLASS = "none"

type _Row = Sequence[object]


def logbook(
    content: Content,
    *,
    separator: str = ",",
    private_kilometers_only: bool = False,
    history: bool = False,
) -> str:
    """Return trips as CSV. The history is that of their marks and corrections."""
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    hidden = {
        number
        for number, trip in enumerate(content.trips, start=1)
        if private_kilometers_only and is_private(trip)
    }
    for number, trip in enumerate(content.trips, start=1):
        row = _row(number, trip, content)
        if number in hidden:
            row = {key: row[key] for key in OF_A_PRIVATE_TRIP}
        writer.writerow([row.get(key, "") for key in COLUMNS])
    tables = [_sums(content.trips), _gaps(content.trips), _readings(content)]
    if history:
        tables.append(_history(content, hidden))
    for table in tables:
        rows = list(table)
        if len(rows) > 1:
            writer.writerow(())
            writer.writerows([_safe(one) for one in row] for row in rows)
    return BYTE_ORDER_MARK + text.getvalue()


def is_private(trip: ShownTrip) -> bool:
    """Tell whether a trip is marked as a private one."""
    return trip.trip.mark.class_ is TripClass.PRIVATE


def _row(number: int, shown: ShownTrip, content: Content) -> dict[str, object]:
    """Return the values of a trip by their columns."""
    trip, mark, kept = shown.trip, shown.trip.mark, shown.trip.kept
    begin = shown.begin.astimezone(content.time_zone)
    end = shown.end.astimezone(content.time_zone)
    flags = [one.value for one in sorted(trip.flags)]
    if kept is not None and kept.is_late:
        flags.append(LATE)
    values = {
        "no": number,
        "trip_id": trip.trip_id,
        "vehicle": content.vehicle,
        "plate": content.plate,
        "begin_date": f"{begin:%Y-%m-%d}",
        "begin_time": f"{begin:%H:%M:%S}",
        "end_date": f"{end:%Y-%m-%d}",
        "end_time": f"{end:%H:%M:%S}",
        # A leading sign would make a formula of it.
        "utc_offset": f"UTC{begin:%:z}",
        "odometer_begin_km": _km(trip.odometer_begin),
        "odometer_end_km": _km(trip.odometer_end),
        "distance_km": _km(trip.distance),
        "distance_source": trip.distance_source and trip.distance_source.value,
        "begin_place": shown.begin_place,
        "end_place": shown.end_place,
        "class": mark.class_.value if mark.class_ else _NO_CLASS,
        "purpose": mark.purpose,
        "visited": mark.visited,
        "driver": mark.driver,
        "idle_min": None if trip.idle_time is None else round(trip.idle_time / 60),
        "flags": " ".join(flags),
        "recorded_at": kept and _time(kept.recorded_at, content),
        "marked_at": mark.marked_at and _time(mark.marked_at, content),
        "marked_by": _user(mark.marked_by, content),
        "changes": len(kept.changes) if kept is not None else 0,
    }
    return {key: _safe(value) for key, value in values.items()}


def _sums(trips: Sequence[ShownTrip]) -> Iterator[_Row]:
    """Yield the kilometres of each class, as they stand in the rows."""
    yield ("sum", "class", "trips", "distance_km")
    classes: list[TripClass | None] = [*TripClass, None]
    for one in classes:
        of_class = [trip for trip in trips if trip.trip.mark.class_ is one]
        yield ("sum", one.value if one else _NO_CLASS, len(of_class), _total(of_class))
    yield ("sum", "all", len(trips), _total(trips))


def _total(trips: Sequence[ShownTrip]) -> str:
    return _km(sum(round(trip.trip.distance or 0, 2) for trip in trips)) or ""


def _gaps(trips: Sequence[ShownTrip]) -> Iterator[_Row]:
    """Yield the kilometres of the odometer that no trip explains."""
    yield ("gap", "after_no", "before_no", "odometer_from_km", "odometer_to_km", "km")
    for number, (before, after) in enumerate(pairwise(trips), start=1):
        begin, end = before.trip.odometer_end, after.trip.odometer_begin
        if begin is None or end is None or abs(end - begin) < LEAST_GAP_KM:
            continue
        yield ("gap", number, number + 1, _km(begin), _km(end), _km(end - begin))


def _readings(content: Content) -> Iterator[_Row]:
    """Yield the dashboard's odometer as it was read, and by how much ours differs."""
    yield (
        "reading",
        "read_at",
        "dashboard_km",
        "tracker_km",
        "difference_km",
        "noted_at",
        "noted_by",
    )
    for one in content.readings:
        tracker = _odometer_at(one, content.trips)
        yield (
            "reading",
            _time(one.at, content),
            _km(one.kilometres),
            _km(tracker),
            None if tracker is None else _km(tracker - one.kilometres),
            _time(one.noted_at, content),
            _user(one.by, content),
        )


def _odometer_at(reading: DashboardReading, trips: Sequence[ShownTrip]) -> float | None:
    """Return what the tracker counted at the end of the last trip before a reading."""
    ended = [trip for trip in trips if trip.trip.end <= reading.at]
    return ended[-1].trip.odometer_end if ended else None


def _history(content: Content, hidden: set[int]) -> Iterator[_Row]:
    """Yield the changes to trips.

    A private trip shows only its kilometers, so its changes are left out.
    """
    yield ("change", "no", "changed_at", "changed_by", "what", "before", "after")
    for number, trip in enumerate(content.trips, start=1):
        kept = trip.trip.kept
        if kept is None or number in hidden:
            continue
        for change in kept.changes:
            by = _user(change.by, content)
            for name, (before, after) in sorted(change.what.items()):
                at = _time(change.at, content)
                yield ("change", number, at, by, name, before, after)


def _user(user_id: str | None, content: Content) -> str | None:
    return None if user_id is None else content.users.get(user_id, user_id)


def _time(time: datetime, content: Content) -> str:
    return time.astimezone(content.time_zone).isoformat(timespec="seconds")


def _km(kilometres: float | None) -> str | None:
    return None if kilometres is None else f"{kilometres:.2f}"


def _safe(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    if not isinstance(value, str) or _is_number(value):
        return "" if value is None else value
    return _FORMULA.sub(r"\1'", value)


def _is_number(text: str) -> bool:
    """Tell whether a text is a plain number, such as a difference below zero."""
    return text.removeprefix("-").replace(".", "", 1).isdecimal() and text.isascii()
