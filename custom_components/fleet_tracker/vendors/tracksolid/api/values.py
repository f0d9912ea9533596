"""The API's loosely typed values as numbers, texts, times and places.

The real system writes numbers as strings, and unknown ones as null, "" or -1; all of
these are None here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
import math
import re

from ....contract.errors import InvalidAnswer
from ....model.json_values import (
    Json,
    Record,
    as_integer,
    as_kmh,
    as_text,
    as_unix_time,
)
from ....model.vehicle import FixKind
from ....transport.http_client import read_json_text

_CALENDAR = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.\d+)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?"
)
_MEASURE = re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*([^\d\s]*)")
_DOCUMENTED = len("2026-01-01 00:00:00")
_FIRST_YEAR, _LAST_YEAR = 1980, 2199
_LONGEST_TIME = 10**15


class Unit(Enum):
    """The units in which fields are, and how they may be written behind the number."""

    CELSIUS = ("°C", "℃", "C")
    DEGREES = ("°", "DEG")
    KILOMETRES = ("KM",)
    KMH = ("KM/H", "KMH", "KPH")
    KILOPASCALS = ("KPA",)
    LITRES = ("L",)
    METRES = ("M",)
    NONE = ()
    PERCENT = ("%",)
    RPM = ("RPM", "R/MIN")
    SECONDS = ("S", "SEC")
    VOLTS = ("V",)


_KINDS: Mapping[str, FixKind] = {
    "GPS": FixKind.SATELLITE,
    "1": FixKind.SATELLITE,
    "LBS": FixKind.CELL,
    "2": FixKind.CELL,
    "WIFI": FixKind.WIFI,
    "WI-FI": FixKind.WIFI,
    "3": FixKind.WIFI,
    "BEACON": FixKind.BEACON,
    "5": FixKind.BEACON,
}


def as_json(value: object) -> Json:
    """Return a value that was read from JSON as the type that it has."""
    if isinstance(value, dict):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"No JSON: {type(value).__name__}")


def from_text(value: object) -> object:
    """Return what a text of JSON says, None where it is broken, and all else as it is.

    In forms objects and lists come as texts, and inside of them once more as often as not.
    """
    if not isinstance(value, str):
        return value
    try:
        return read_json_text(value)
    except InvalidAnswer:
        return None


def as_measure(value: object) -> tuple[float, str] | None:
    """Return a number and its unit, which may be "": "98.30%", "0.00L", 4.1, "12"."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _measure_in(value)
    if type(value) is float or isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return (number, "") if math.isfinite(number) else None
    return None


def _measure_in(text: str) -> tuple[float, str] | None:
    if not (found := _MEASURE.fullmatch(text.strip())):
        return None
    number = float(found[1])
    return (number, found[2].upper()) if math.isfinite(number) else None


_known_measure = lru_cache(maxsize=4096)(_measure_in)
"""Vehicles send the same texts again and again, so that each is read once. Long texts are not kept."""
_LONGEST_KNOWN = 24


def as_number(value: object, unit: Unit = Unit.NONE) -> float | None:
    """Return a number of a field, however it is typed.

    The field's own unit may stand behind it. With any other it is something else: "98%"
    is no voltage.
    """
    if value is None:
        return None
    if type(value) is str and len(value) <= _LONGEST_KNOWN:
        measure = _known_measure(value)
    else:
        measure = as_measure(value)
    if measure is None or (measure[1] and measure[1] not in unit.value):
        return None
    return measure[0]


def as_count(value: object, unit: Unit = Unit.NONE) -> int | None:
    """Return a whole number that is not negative; -1 means unknown."""
    number = as_number(value, unit)
    return None if number is None or number < 0 else as_integer(math.floor(number))


def as_positive(value: object, unit: Unit = Unit.NONE) -> float | None:
    """Return a number that is not negative; -1 means unknown."""
    number = as_number(value, unit)
    return None if number is None or number < 0 else number


def as_time(value: object) -> datetime | None:
    """Return a time by its shape, as aware UTC.

    Understood are "yyyy-MM-dd HH:mm:ss" (UTC, chapter 1), dates, ISO 8601, UNIX seconds
    and milliseconds, and yyMMddHHmmss (the BCD of trip reports). What lies outside of
    1980 to 2199 is no time: systems write 0 or 1970 for "unknown".
    """
    if value is None or isinstance(value, bool):
        return None
    if (
        type(value) is str
        and len(value) == _DOCUMENTED
        and (time := _as_documented(value)) is not None
    ):
        return time
    if isinstance(value, float):
        return as_unix_time(value)
    if isinstance(value, int):
        # The digits of a calendar are a number in JSON as often as not.
        value = str(value) if abs(value) < _LONGEST_TIME else ""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        if len(text) == 12:
            return _from_parts("20" + text)
        if len(text) == 14:
            return _from_parts(text)
        return as_unix_time(text)
    found = _CALENDAR.fullmatch(text)
    if found is None:
        return None
    parts = [int(part or 0) for part in found.groups()[:6]]
    return _checked(parts, _offset(found[7]))


@lru_cache(maxsize=1024)
def _as_documented(text: str) -> datetime | None:
    """Return a time in the form of the documents (chapter 1), None for any other.

    `as_time` says the same, and takes longer. One row tells the same time more than once.
    """
    if text[4] + text[7] + text[10] + text[13] != "-- :":
        return None
    try:
        time = datetime.fromisoformat(f"{text}+00:00")
    except ValueError:
        return None
    # Python 3.14 takes 24:00 for midnight.
    is_told = _FIRST_YEAR <= time.year <= _LAST_YEAR and not text.startswith("24", 11)
    return time if is_told else None


def _from_parts(text: str) -> datetime | None:
    parts = [int(text[:4]), *(int(text[i : i + 2]) for i in range(4, 14, 2))]
    return _checked(parts, timedelta())


def _checked(parts: list[int], offset: timedelta) -> datetime | None:
    if not _FIRST_YEAR <= parts[0] <= _LAST_YEAR:
        return None
    year, month, day, hour, minute, second = parts
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC) - offset
    except ValueError:
        return None


def _offset(text: str | None) -> timedelta:
    if text is None or text == "Z":
        return timedelta()
    size = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -size if text[0] == "-" else size


def as_kind(value: object) -> FixKind | None:
    """Return how a position was found: GPS, LBS, WIFI, BEACON, or their numbers."""
    return _KINDS.get((as_text(value) or "").upper())


def as_place(
    row: Record, latitude_in: str = "lat", longitude_in: str = "lng"
) -> tuple[float, float] | None:
    """Return latitude and longitude; (0, 0) is what expired devices have."""
    latitude = as_number(row.get(latitude_in), Unit.DEGREES)
    longitude = as_number(row.get(longitude_in), Unit.DEGREES)
    if latitude is None or longitude is None:
        return None
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    if latitude == 0 and longitude == 0:
        return None
    return latitude, longitude


def as_speed(value: object) -> float | None:
    """Return a speed in km/h; -1 means unknown, and no vehicle is faster than 1000."""
    speed = as_kmh(value)
    return speed if speed is not None and 0 <= speed <= 1000 else None


def as_altitude(value: object) -> float | None:
    """Return an altitude in m; beyond 20 km there are no vehicles."""
    altitude = as_number(value, Unit.METRES)
    return altitude if altitude is not None and abs(altitude) <= 20_000 else None


def as_course(value: object) -> float | None:
    """Return a course of 0 to 360 degrees; -1 means unknown."""
    course = as_number(value, Unit.DEGREES)
    return course if course is not None and 0 <= course <= 360 else None


def as_obd_voltage(value: object) -> float | None:
    """Return the vehicle's voltage. The manual's example is "118", which is 11.8 V."""
    volts = as_positive(value, Unit.VOLTS)
    if not volts:
        return None
    return volts / 10 if volts > 60 else volts


def stamp(time: datetime) -> str:
    """Return a time as the API takes it: UTC, yyyy-MM-dd HH:mm:ss (chapter 1)."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
