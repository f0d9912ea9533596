"""The records of the Open API's lists, checked where they come in.

Fields keep the vendor's names. A row that makes no sense is left out, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...model.json_values import (
    Record,
    as_integer,
    as_kmh,
    as_number,
    as_text,
    as_unix_time,
)


@dataclass(frozen=True, slots=True)
class Point:
    """A fix of a playback: WGS84 degrees, speed in km/h, course in degrees."""

    longitude: float
    latitude: float
    gpstime: datetime
    speed: float
    course: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm; `systemtime` is when the server got it, by which lists are ordered.

    Where the tracker had no fix, `longitude`, `latitude` and `gpstime` are None. Geofence
    alarms (types 5 and 6) have a `geofenceid`, and from list2 a `geofencename`.
    """

    alarmtype: int
    systemtime: datetime
    gpstime: datetime | None = None
    longitude: float | None = None
    latitude: float | None = None
    speed: float | None = None
    course: float | None = None
    geofenceid: int | None = None
    geofencename: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """An account. `roletype`: 1 distributor, 2 end user, 3 virtual account."""

    account: str
    username: str | None = None
    email: str | None = None
    mobile: str | None = None
    telephone: str | None = None
    createtime: datetime | None = None
    roletype: int | None = None
    blocked: bool | None = None


def parse_point(text: str) -> Point | None:
    """Return the fix in a group of a playback (open-api-classic 2.3), None if none."""
    fields = text.split(",")
    if len(fields) != 5:
        return None
    longitude, latitude = as_coordinates(fields[0], fields[1])
    time = as_unix_time(fields[2])
    speed, course = as_number(fields[3]), as_number(fields[4])
    if longitude is None or latitude is None or time is None:
        return None
    if speed is None or course is None:
        return None
    return Point(longitude, latitude, time, speed, course)


def parse_alarm_text(text: str) -> Alarm | None:
    """Return the alarm in a group of the old list (open-api-classic 2.8)."""
    fields = text.split(",")
    if len(fields) != 8:
        return None
    names = (
        "alarmtype",
        "longitude",
        "latitude",
        "gpstime",
        "systemtime",
        "speed",
        "course",
        "geofenceid",
    )
    return parse_alarm(dict(zip(names, fields, strict=True)))


def parse_alarm(record: Record) -> Alarm | None:
    """Return the alarm in a record of list2 (open-api-2025 2.17), None if none."""
    kind = as_integer(record.get("alarmtype"))
    time = as_unix_time(record.get("systemtime"))
    if kind is None or time is None:
        return None
    longitude, latitude = as_coordinates(
        record.get("longitude"), record.get("latitude")
    )
    return Alarm(
        kind,
        time,
        as_unix_time(record.get("gpstime")),
        longitude,
        latitude,
        as_kmh(record.get("speed")),
        as_number(record.get("course")),
        as_integer(record.get("geofenceid")) or None,
        as_text(record.get("geofencename")),
    )


def parse_user(record: Record) -> User | None:
    """Return the account in a record (open-api-classic 2.11), None if it has no name."""
    account = as_text(record.get("account"))
    if account is None:
        return None
    block = as_integer(record.get("blockstatus"))
    return User(
        account,
        as_text(record.get("username")),
        as_text(record.get("email")),
        as_text(record.get("mobile")),
        as_text(record.get("telephone")),
        as_unix_time(record.get("createtime")),
        as_integer(record.get("roletype")),
        {0: True, 1: False}.get(block) if block is not None else None,
    )


def as_coordinates(
    longitude: object, latitude: object
) -> tuple[float | None, float | None]:
    """Return degrees in range; both are None when either makes no sense, or at (0, 0)."""
    east, north = as_number(longitude), as_number(latitude)
    if east is None or north is None or (east == 0 and north == 0):
        return None, None
    if abs(east) > 180 or abs(north) > 90:
        return None, None
    return east, north
