"""The guard hears every speed that a vendor tells, wherever and however it is written.

In each trial the vehicle is parked by all that is known, so that it could be stopped; then
one record says that it drives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
import math

import pytest

from custom_components.fleet_tracker.model.guard import refusal
from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    Reading,
    ReadingGroup,
    Vehicle,
    VehicleUpdate,
)
from custom_components.fleet_tracker.vendors.open_api.mapping import (
    map_alarm as map_open_api_alarm,
    map_track,
)
from custom_components.fleet_tracker.vendors.open_api.records import (
    Alarm as OpenApiAlarm,
    parse_alarm,
    parse_alarm_text,
)
from custom_components.fleet_tracker.vendors.segway.mapping import map_status
from custom_components.fleet_tracker.vendors.tracksolid.api.records import (
    Alarm as TracksolidAlarm,
    Location,
    ObdReport,
    TagLocation,
)
from custom_components.fleet_tracker.vendors.tracksolid.mapping import (
    map_alarm as map_tracksolid_alarm,
    map_location,
    map_obd,
    map_tag,
)
from custom_components.fleet_tracker.vendors.tracksolid.pushes.mapping import (
    map_message,
    map_push,
)
from custom_components.fleet_tracker.vendors.vt3.events import (
    map_event,
    values_of_event,
)
from custom_components.fleet_tracker.vendors.vt3.mapping import Mapper

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMIT = 20

type Told = VehicleUpdate | Occurrence | None
type Tell = Callable[[Json, datetime], Told]
"""Returns the news of a record with a speed and a stamp."""


def text(stamp: datetime) -> str:
    """Return a time as Tracksolid writes it."""
    return stamp.strftime("%Y-%m-%d %H:%M:%S")


def unix(stamp: datetime) -> int:
    """Return a time in UNIX seconds."""
    return int(stamp.timestamp())


def track(speed: Json, stamp: datetime) -> Told:
    """2.2 of the Open API."""
    record = {
        "imei": "1",
        "latitude": 52.0,
        "longitude": 5.0,
        "course": 0,
        "speed": speed,
        "gpstime": unix(stamp),
        "hearttime": unix(stamp),
        "servertime": unix(NOW),
        "accstatus": 0,
        "datastatus": 2,
    }
    return map_track(record, None, NOW)


def track_without_place(speed: Json, stamp: datetime) -> Told:
    """2.2 of the Open API, at (0, 0) and without a time of the fix."""
    record = {
        "imei": "1",
        "latitude": 0,
        "longitude": 0,
        "speed": speed,
        "gpstime": 0,
        "hearttime": unix(stamp),
        "servertime": unix(NOW),
    }
    return map_track(record, None, NOW)


def open_api_alarm(speed: Json, stamp: datetime) -> Told:
    """2.17 of the Open API."""
    alarm = parse_alarm(
        {"alarmtype": 7, "systemtime": unix(stamp), "speed": speed, "course": 0}
    )
    return None if alarm is None else map_open_api_alarm(alarm)


def open_api_alarm_text(speed: Json, stamp: datetime) -> Told:
    """2.8 of the Open API."""
    at = unix(stamp)
    alarm = parse_alarm_text(f"7,5.0,52.0,{at},{at},{speed},0,0")
    return None if alarm is None else map_open_api_alarm(alarm)


def location(speed: Json, stamp: datetime) -> Told:
    """5.1 of Tracksolid."""
    row = Location.from_row(
        {
            "imei": "1",
            "lat": 52.0,
            "lng": 5.0,
            "speed": speed,
            "gpsTime": text(stamp),
            "hbTime": text(stamp),
            "posType": "GPS",
            "status": "1",
            "accStatus": "0",
            "expireFlag": "1",
        }
    )
    return None if row is None else map_location(row, NOW)


def tag(speed: Json, stamp: datetime) -> Told:
    """5.8 of Tracksolid."""
    row = TagLocation.from_row(
        {
            "imei": "1",
            "lat": 52.0,
            "lng": 5.0,
            "gpsSpeed": speed,
            "gpsTime": unix(stamp),
            "posType": "GPS",
        }
    )
    return None if row is None else map_tag("1", row)


def polled_alarm(speed: Json, stamp: datetime) -> Told:
    """6.1 of Tracksolid."""
    row = TracksolidAlarm.from_row(
        {
            "imei": "1",
            "alertTypeId": "3",
            "alarmTypeName": "Vibration",
            "alertTime": text(stamp),
            "speed": speed,
        }
    )
    return None if row is None else map_tracksolid_alarm(row)


def polled_obd(speed: Json, stamp: datetime) -> Told:
    """Return a row of the OBD list of Tracksolid."""
    row = ObdReport.from_row(
        {"imei": "1", "dataReportTime": text(stamp), "currentSpeed": speed}
    )
    return None if row is None else map_obd(row)


def pushed(path: str, name: str, **more: Json) -> Tell:
    """Return how an item that is pushed to a path tells a speed in a field."""

    def tell(speed: Json, stamp: datetime) -> Told:
        item = {
            "deviceImei": "1",
            "gateTime": text(stamp),
            "gpsTime": text(stamp),
            **more,
            name: speed,
        }
        return map_push(path, item, NOW)

    return tell


def pushed_inside(path: str, outer: str, name: str) -> Tell:
    """Return how an item tells a speed in an object inside of it."""

    def tell(speed: Json, stamp: datetime) -> Told:
        inner = {"alarmTime": text(stamp), "alarmType": "3", name: speed}
        item = {"imei": "1", "gateTime": text(stamp), "type": "DEVICE", outer: inner}
        return map_push(path, item, NOW)

    return tell


def notified(speed: Json, stamp: datetime) -> Told:
    """Return the notification of an alarm."""
    content = {"imei": "1", "alarmType": "3", "alarmTime": text(stamp), "speed": speed}
    return map_message("jimi.push.device.alarm", content, NOW)


def moped(speed: Json, stamp: datetime) -> Told:
    """Return the status of a moped."""
    record = {"speed": speed, "statusUtcTime": unix(stamp), "online": True}
    return map_status("1", record, NOW, pushed=True)


def frame(group: str, name: str, **more: Json) -> Tell:
    """Return how a frame of a VT3 tells a speed under a name."""

    def tell(speed: Json, stamp: datetime) -> Told:
        stamps = {f"{group}.ts": unix(stamp)}
        mapper = Mapper("1")
        return mapper.map_values(group, {**stamps, **more, name: speed}, NOW)

    return tell


def vt3_event(name: str) -> Tell:
    """Return how an event of a VT3 tells a speed under a name."""

    def tell(speed: Json, stamp: datetime) -> Told:
        payload: dict[str, Json] = {
            "type": "HARSH_BRAKING",
            "status": "raise",
            "starts_at": text(stamp),
            name: speed,
        }
        event = map_event(payload, NOW)
        assert event is not None
        update = Mapper("1").map_values(
            "event", values_of_event(payload), NOW, measured_at=stamp
        )
        return VehicleUpdate(
            vehicle_id="1",
            position=update.position,
            groups=update.groups,
            heard_at=update.heard_at,
            occurrences=(event,),
            pushed=True,
        )

    return tell


PLACE: Mapping[str, Json] = {"gnss.latitude": 52.0, "gnss.longitude": 5.0}
WAYS: Mapping[str, Tell] = {
    "open_api track": track,
    "open_api track without place": track_without_place,
    "open_api alarm": open_api_alarm,
    "open_api alarm as text": open_api_alarm_text,
    "tracksolid location": location,
    "tracksolid tag": tag,
    "tracksolid alarm": polled_alarm,
    "tracksolid OBD": polled_obd,
    "tracksolid /pushgps": pushed("pushgps", "gpsSpeed", lat=52.0, lng=5.0),
    "tracksolid /pushgps without place": pushed("pushgps", "gpsSpeed"),
    "tracksolid /pushgps, other name": pushed("pushgps", "speed", lat=52.0, lng=5.0),
    "tracksolid /pushalarm": pushed("pushalarm", "gpsSpeed", alarmType="3"),
    "tracksolid /pushalarm, other name": pushed("pushalarm", "speed", alarmType="3"),
    "tracksolid /pushalarm of the hub": pushed_inside("pushalarm", "msg", "gpsSpeed"),
    "tracksolid /pushobd": pushed("pushobd", "vehicle_speed"),
    "tracksolid /pushobd inside": pushed_inside("pushobd", "obdJson", "vehicle_speed"),
    "tracksolid /pushobd, other name": pushed_inside("pushobd", "obdJson", "speed"),
    "tracksolid /pushhb": pushed("pushhb", "gpsSpeed", acc=0),
    "tracksolid /pushlbs": pushed("pushlbs", "gpsSpeed"),
    "tracksolid /pushextendedkks": pushed_inside("pushextendedkks", "gps", "gpsSpeed"),
    "tracksolid /rfid": pushed("rfid", "gpsSpeed"),
    "tracksolid notification": notified,
    "segway status": moped,
    "vt3 gnss": frame("gnss", "gnss.speed", **PLACE),
    "vt3 gnss without fix": frame("gnss", "gnss.speed", **{**PLACE, "gnss.fix": 0}),
    "vt3 gnss without place": frame("gnss", "gnss.speed"),
    "vt3 obd": frame("obd", "obd.speed"),
    "vt3 summary": frame("summary", "obd.speed"),
    "vt3 custom group": frame("mine", "gnss.speed"),
    "vt3 foreign name": frame("obd", "speed"),
    "vt3 event, gnss": vt3_event("gnss.speed"),
    "vt3 event, obd": vt3_event("obd.speed"),
}
FORMS: Mapping[str, Json] = {
    "number": 60,
    "decimal": 60.5,
    "text": "60",
    "with unit": "60 km/h",
    "with unit, joined": "60km/h",
    "with other unit": "60 mph",
    "in knots": "40 knots",
    "comma": "60,5",
    "blanks": " 60 ",
    "integer's": 255,
}


@cache
def parked(now: datetime) -> Vehicle:
    """Return a vehicle that is parked by all that is known."""
    vehicle: Vehicle | None = None
    for ago, ignition in ((3600, True), (1800, False), (5, False)):
        at = now - ago * SECOND
        group = ReadingGroup(
            name="ignition", measured_at=at, readings={Reading.IGNITION: ignition}
        )
        update = VehicleUpdate(vehicle_id="1", groups=(group,), heard_at=at)
        vehicle = merge(vehicle, update, Rules(), at).vehicle
    assert vehicle is not None
    assert refusal(vehicle, LIMIT, now) is None
    return vehicle


def hear(vehicle: Vehicle, told: Iterable[Told]) -> Vehicle:
    """Return a vehicle with news merged."""
    for one in told:
        assert one is not None, "nothing is told"
        if isinstance(one, Occurrence):
            one = VehicleUpdate(vehicle_id="1", occurrences=(one,))
        vehicle = merge(vehicle, one, Rules(), NOW).vehicle
    return vehicle


@pytest.mark.parametrize("ago", [0, -3600, 3 * 3600])
@pytest.mark.parametrize("way", WAYS)
def test_it_is_heard(way: str, ago: int) -> None:
    """Fresh, and from a clock that is wrong: what is newly told counts as heard now."""
    fell = []
    for form, speed in FORMS.items():
        if form == "comma" and way == "open_api alarm as text":
            continue  # commas separate its fields
        vehicle = hear(parked(NOW), [WAYS[way](speed, NOW - ago * SECOND)])
        found = refusal(vehicle, LIMIT, NOW + SECOND)
        if found is None or found.key != "engine_cut_too_fast":
            fell.append((form, found and found.key))
    assert not fell


@pytest.mark.parametrize(
    "alarm",
    [
        map_open_api_alarm(OpenApiAlarm(7, NOW)),
        *map_tracksolid_alarm(
            TracksolidAlarm(imei="1", code="overSpeed", name=None, occurred_at=NOW)
        ).occurrences,
        map_event({"type": "OVERSPEED", "status": "raise"}, NOW),
    ],
)
def test_alarm_of_speeding_needs_no_speed(alarm: Occurrence) -> None:
    """Whoever is told to drive too fast drives faster than any limit of the guard."""
    found = refusal(hear(parked(NOW), [alarm]), 50, NOW + SECOND)
    assert found is not None
    assert found.key == "engine_cut_too_fast"


SENSELESS: Sequence[Json] = (
    *(None, "", "null", "fast", "km/h", -1, "-1", -90, "-0.1 km/h", math.nan, math.inf),
    *(
        True,
        False,
        [],
        [0],
        {},
        {"km/h": 0},
        "1e400",
        10**400,
        -(10**400),
        1e300,
        "0x0",
    ),
    *("0 furlongs", "0;0", "\x00", "\ud800"),
)


@pytest.mark.parametrize("way", WAYS)
def test_no_speed_is_no_proof(way: str) -> None:
    """Of a vehicle with its ignition on nothing senseless says that it stands."""
    for speed in SENSELESS:
        at = NOW - SECOND
        group = ReadingGroup(
            name="ignition", measured_at=at, readings={Reading.IGNITION: True}
        )
        update = VehicleUpdate(vehicle_id="1", groups=(group,), heard_at=at)
        vehicle = merge(parked(NOW), update, Rules(), at).vehicle
        told = WAYS[way](speed, NOW - 5 * SECOND)
        if told is not None:
            vehicle = hear(vehicle, [told])
        assert refusal(vehicle, LIMIT, NOW) is not None, speed
