"""Maps pushes (chapter 10) to news of vehicles.

Fields that the model knows become readings and occurrences. The others come in the event
"device data", without coordinates, faces or RFID values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
import math
import re
from typing import NamedTuple

from ....model.clocks import believed
from ....model.evidence import most_kmh, speed_told_apart, told_speed
from ....model.json_values import Record, as_flag, as_text, can_be_told, is_record
from ....model.plausibility import possible
from ....model.record import replace
from ....model.vehicle import (
    ELECTRONICS,
    FixKind,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    ReadingGroup,
    TimeSource,
    Value,
    VehicleUpdate,
    accuracy_m,
    part_of,
)
from ..api.records import Alarm, TagLocation, Trip
from ..api.values import (
    Unit,
    as_altitude,
    as_count,
    as_course,
    as_kind,
    as_number,
    as_obd_voltage,
    as_place,
    as_positive,
    as_speed,
    as_time,
    from_text,
)
from ..mapping import FAULT_WINDOW, group, map_alarm, map_tag, map_trips
from ..vocabulary import TracksolidReading

type Mapper = Callable[[str, Record, datetime], VehicleUpdate]

LONGEST_TEXT = 1000
"""Texts in event data are cut off here."""
_BEST_SIGNAL = 4


# Oil levels come a hundred times as large, in one of four units (10.7).
_OIL_READINGS: Mapping[int, str] = {
    1: TracksolidReading.FUEL_SENSOR_HEIGHT,
    2: TracksolidReading.FUEL_SENSOR_LEVEL,
    3: TracksolidReading.FUEL_SENSOR_VOLTAGE,
    4: TracksolidReading.FUEL_SENSOR_VOLUME,
}
_OIL_SCALE = 100
_LAST_SENSOR = 255
"""No vehicle has more; each one gets an entity of its own."""

# The private fields, which the event "device data" never contains.
_PRIVATE = re.compile(
    r"(.*(imei|token|lat|lng|lon|latitude|longitude|mac|address|addr|cells?)"
    r"|vin|iccid|imsi|sim|lac|ci|wifi|lbsjson|celllist|wifilist|coordinates?)",
    re.IGNORECASE,
)
_PRIVATE_PAYLOADS: Mapping[str, frozenset[str]] = {
    "rfid": frozenset({"value"}),
    "pushFileContent": frozenset({"content"}),
}
# The types of items that are no alarms: the tracker tells its own data in them.
_IDENTITIES: Mapping[str, str] = {"ICCID": Reading.ICCID, "VIN": Reading.VIN}
_REMOVAL = "removeAlarmType"
"""The type of an alarm that ended, and the field that then holds the alarm's own type."""
_GATE_TIME = "gateTime"
"""When the platform got an item."""
_TIMES = (_GATE_TIME, "gpsTime", "postTime", "alarmTime")


def imei_of(item: Record) -> str | None:
    """Return the IMEI of an item."""
    for name in ("deviceImei", "imei", "_imei"):
        if (imei := as_text(item.get(name))) is not None:
            return imei
    return None


def map_push(path: str, item: Record, now: datetime) -> VehicleUpdate | None:
    """Return the news in an item that was pushed to a path, None if it names no device.

    The path is the last part of the URL (`pushgps`).
    """
    if (imei := imei_of(item)) is None:
        # Answers to commands come alone, or in a list with `data` around them (10.16).
        inner = from_text(item.get("data"))
        if not is_record(inner) or (imei := imei_of(inner)) is None:
            return None
        item = inner
    update = _MAPPERS.get(path, _map_other(path))(imei, item, now)
    return _with_speeds(update, item, now)


def map_tag_push(item: Record) -> VehicleUpdate | None:
    """Return the news in an item of a TAG push: times in milliseconds."""
    imei, tag = imei_of(item), TagLocation.from_row(item)
    return None if imei is None or tag is None else map_tag(imei, tag)


def map_message(kind: str, content: Record, now: datetime) -> VehicleUpdate | None:
    """Return the news in a notification of the Open API (`msgType` and `data`)."""
    if (imei := imei_of(content)) is None:
        return None
    if kind == "jimi.push.device.alarm":
        update = _map_alarm(imei, content, now)
    else:
        update = _device_data(kind.rpartition("jimi.")[2], imei, content, now)
    return _with_speeds(update, content, now)


def _with_speeds(update: VehicleUpdate, item: Record, now: datetime) -> VehicleUpdate:
    """Return an update with the speed that an item tells where no mapping expects one."""
    speed = max(_speeds(item), default=None)
    if speed is None or speed <= most_kmh(update):
        return update
    said_at = _told_at(item.get("gpsTime"), item, now)
    told = told_speed(speed, said_at.at, said_at.source)
    return replace(update, groups=(*update.groups, *told))


def _speeds(item: Record, depth: int = 2) -> Iterator[float]:
    """Yield the speeds in an item, and in the objects inside of it (as JSON too)."""
    if (speed := speed_told_apart(item)) is not None:
        yield speed
    for value in item.values() if depth else ():
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = from_text(value)
        if is_record(value):
            yield from _speeds(value, depth - 1)


class _Said(NamedTuple):
    """When an item was told, and by which clock."""

    at: datetime
    source: TimeSource


def _said_at(item: Record, now: datetime) -> _Said:
    """Return when an item was told: as the platform got it, else by the tracker's clock."""
    for name in _TIMES:
        if (time := as_time(item.get(name))) is not None:
            by_platform = name == _GATE_TIME
            return _Said(time, TimeSource.SERVER if by_platform else TimeSource.TRACKER)
    return _Said(now, TimeSource.OURS)


def _told_at(value: object, item: Record, now: datetime) -> _Said:
    """Return a time of the tracker's own, where there is one, else when it was said."""
    time = as_time(value)
    return _said_at(item, now) if time is None else _Said(time, TimeSource.TRACKER)


def _group(
    name: str,
    said: _Said,
    readings: Mapping[str, Value | None],
    *,
    complete: bool = True,
) -> tuple[ReadingGroup, ...]:
    """Return a group of the readings that are known, none at all without any."""
    return group(name, said.at, readings, complete=complete, source=said.source)


def _map_gps(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.3."""
    fixed_at, heard_at = as_time(item.get("gpsTime")), _said_at(item, now)
    place = as_place(item)
    kind = as_kind(item.get("postType")) or FixKind.SATELLITE
    altitude = as_altitude(item.get("altitude"))
    position = None
    if place is not None and fixed_at is not None:
        position = Position(
            latitude=place[0],
            longitude=place[1],
            accuracy=accuracy_m(kind),
            fixed_at=fixed_at,
            kind=kind,
            altitude=altitude,
            course=as_course(item.get("direction")),
            speed=as_speed(item.get("gpsSpeed")),
        )
    measured_at = _Said(fixed_at, TimeSource.TRACKER) if fixed_at else heard_at
    metres = as_positive(item.get("distance"), Unit.METRES)
    return VehicleUpdate(
        vehicle_id=imei,
        position=position,
        groups=(
            *_group("online", heard_at, {Reading.ONLINE: True}),
            *_group(
                "ignition", measured_at, {Reading.IGNITION: as_flag(item.get("acc"))}
            ),
            *_group(
                "fix",
                measured_at,
                {
                    Reading.SATELLITES: as_count(item.get("satelliteNum")),
                    Reading.FIX_KIND: kind.value,
                    TracksolidReading.FIX_STATUS: as_count(item.get("status")),
                    TracksolidReading.UPLOAD_MODE: as_count(item.get("postMethod")),
                },
            ),
            # Positions that are polled have none, and must not take it away.
            *_group("altitude", measured_at, {Reading.ALTITUDE: altitude}),
            *_group(
                "tracker_mileage",
                measured_at,
                {TracksolidReading.TRACKER_MILEAGE: metres / 1000 if metres else None},
            ),
            *told_speed(
                as_speed(item.get("gpsSpeed")),
                fixed_at or now,
                TimeSource.TRACKER if fixed_at else TimeSource.OURS,
            ),
        ),
        heard_at=heard_at.at,
        heard_source=heard_at.source,
    )


def _map_heartbeat(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.2."""
    heard_at = _said_at(item, now)
    return VehicleUpdate(
        vehicle_id=imei,
        groups=(
            *_group("online", heard_at, {Reading.ONLINE: True}),
            *_group("ignition", heard_at, {Reading.IGNITION: as_flag(item.get("acc"))}),
            *_group(
                "heartbeat",
                heard_at,
                {
                    Reading.TRACKER_BATTERY: as_positive(
                        item.get("powerLevel"), Unit.PERCENT
                    ),
                    TracksolidReading.SIGNAL_LEVEL: _signal_level(
                        as_count(item.get("gsmSign"), Unit.PERCENT)
                    ),
                },
            ),
            *_group(
                Reading.TRACKER_CHARGING,
                heard_at,
                {Reading.TRACKER_CHARGING: as_flag(item.get("powerStatus"))},
            ),
            *_group(
                Reading.ARMED, heard_at, {Reading.ARMED: as_flag(item.get("fortify"))}
            ),
        ),
        heard_at=heard_at.at,
        heard_source=heard_at.source,
    )


def _signal_level(told: int | None) -> int | None:
    """Return a signal of 0 to 4. Its scale is not documented: more can only be per cent."""
    if told is None or told <= _BEST_SIGNAL:
        return told
    return math.ceil(min(told, 100) * _BEST_SIGNAL / 100)


def _map_login(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.1."""
    said_at = _said_at(item, now)
    online = {"LOGIN": True, "LOGOUT": False}.get(as_text(item.get("type")) or "")
    return VehicleUpdate(
        vehicle_id=imei,
        groups=(
            *_group("online", said_at, {Reading.ONLINE: online}),
            *_group(
                "time_zone",
                said_at,
                {TracksolidReading.TIME_ZONE: as_text(item.get("timezone"))},
            ),
        ),
        heard_at=said_at.at if online else None,
        heard_source=said_at.source,
    )


def _map_alarm(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.4, in its flat form and in that of the IoT hub, and the notification."""
    message = from_text(item.get("msg"))
    inner: Record = message if is_record(message) else item
    if learned := _identity_of(item, inner):
        said_at = _said_at(item, now)
        return VehicleUpdate(
            vehicle_id=imei,
            groups=_group("identity", said_at, learned),
            heard_at=said_at.at,
            heard_source=said_at.source,
        )
    foreign = as_count(item.get("msgClass")) == 1
    code = _alarm_code(inner, foreign=foreign)
    ended = code is None or code.lower() == _REMOVAL.lower()
    if ended and (code := as_text(inner.get(_REMOVAL))) is None:
        return _device_data("pushalarm", imei, item, now)
    assert code is not None
    occurred = _told_at(inner.get("alarmTime"), item, now)
    return map_alarm(
        Alarm(
            imei=imei,
            code=code,
            name=as_text(inner.get("alarmName")) or as_text(inner.get("alertName")),
            occurred_at=occurred.at,
            time_source=occurred.source,
            received_at=as_time(item.get(_GATE_TIME)),
            speed=as_speed(inner.get("gpsSpeed")),
            geofence=as_text(inner.get("geoid")),
            foreign=foreign,
            ended=ended,
        )
    )


def _alarm_code(message: Record, *, foreign: bool) -> str | None:
    """Return the type of an alarm; JT808 has subtypes of some (264-4)."""
    alert, alarm = as_text(message.get("alertType")), as_text(message.get("alarmType"))
    if foreign and alert is not None and alarm is not None and alert != alarm:
        return f"{alert}-{alarm}"
    return alert or alarm or as_text(message.get("alertTypeId"))


def _identity_of(item: Record, message: Record) -> dict[str, Value | None]:
    """Return readings that a tracker pushes as alarms (10.4)."""
    kind = as_text(item.get("type")) or ""
    if (reading := _IDENTITIES.get(kind)) is None:
        return {}
    return {
        reading: as_text(message.get(kind)) or as_text(message.get(kind.lower())),
    }


def _map_oil(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.7: each sensor has a number, which is the reading's part."""
    said_at = _said_at(item, now)
    value = as_positive(item.get("value"))
    reading = _OIL_READINGS.get(as_count(item.get("unit")) or 0)
    sensor = as_count(item.get("path")) or 0
    groups: tuple[ReadingGroup, ...] = ()
    if value is not None and reading is not None and sensor <= _LAST_SENSOR:
        groups = _group(
            f"oil:{sensor}", said_at, {part_of(reading, sensor): value / _OIL_SCALE}
        )
    return VehicleUpdate(
        vehicle_id=imei,
        groups=groups,
        heard_at=said_at.at,
        heard_source=said_at.source,
    )


def _map_temperature(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.9."""
    said_at = _said_at(item, now)
    return VehicleUpdate(
        vehicle_id=imei,
        groups=_group(
            "climate",
            said_at,
            {
                Reading.TEMPERATURE: as_number(item.get("tem"), Unit.CELSIUS),
                Reading.HUMIDITY: as_positive(item.get("hum"), Unit.PERCENT),
            },
        ),
        heard_at=said_at.at,
        heard_source=said_at.source,
    )


def _map_cells(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.10: cells tell where it is, but only the vendor's own look-up can say it."""
    return _device_data("pushlbs", imei, item, now)


def _map_obd(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.20: what `dataIDn` mean is documented nowhere, so they are passed on."""
    content = from_text(item.get("obdJson"))
    report: Record = content if is_record(content) else item
    measured_at = _told_at(
        report.get("event_time") or report.get("push_time"), item, now
    )
    readings: dict[str, Value | None] = {
        Reading.ENGINE_SPEED: as_positive(report.get("engine_rpm"), Unit.RPM),
        Reading.COOLANT_TEMPERATURE: as_number(
            report.get("coolant_temp_c"), Unit.CELSIUS
        ),
        Reading.FUEL_LEVEL: as_positive(report.get("fuel_level_pct"), Unit.PERCENT),
        Reading.VEHICLE_VOLTAGE: as_obd_voltage(report.get("battery_voltage")),
        Reading.OBD_SPEED: as_speed(report.get("vehicle_speed")),
        Reading.INTAKE_PRESSURE: as_positive(
            report.get("intake_pressure"), Unit.KILOPASCALS
        ),
        Reading.THROTTLE_POSITION: as_positive(
            report.get("throttle_pct"), Unit.PERCENT
        ),
        Reading.ENGINE_LOAD: as_positive(report.get("engine_load_pct"), Unit.PERCENT),
    }
    numbered = {
        key: value
        for key, value in report.items()
        if key.lower().startswith("dataid") or key in {"car_type", "statusFlags"}
    }
    occurrences: tuple[Occurrence, ...] = ()
    if numbered:
        data = _device_data("pushobd", imei, numbered, now, at=measured_at)
        occurrences = data.occurrences
    return VehicleUpdate(
        vehicle_id=imei,
        groups=(
            *_group(
                "ignition",
                measured_at,
                {Reading.IGNITION: as_flag(report.get("AccState"))},
            ),
            *_group(ELECTRONICS, measured_at, readings, complete=False),
        ),
        occurrences=occurrences,
        heard_at=measured_at.at,
        heard_source=measured_at.source,
    )


def _map_faults(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.21."""
    reported = _told_at(item.get("eventTime"), item, now)
    heard = _said_at(item, now)
    listed = from_text(item.get("faultCodeList"))
    codes = [
        code
        for code in map(as_text, listed if isinstance(listed, list) else ())
        if code is not None
    ]
    count = as_count(item.get("faultNum")) if not codes else len(set(codes))
    return VehicleUpdate(
        vehicle_id=imei,
        groups=_group(
            "faults",
            reported,
            {
                Reading.TROUBLE_CODES: count
                if now - believed(reported.at, now) <= FAULT_WINDOW
                else None
            },
        ),
        occurrences=tuple(
            Occurrence(
                kind=OccurrenceKind.TROUBLE_CODE,
                type=OccurrenceType.TROUBLE_CODE,
                occurred_at=reported.at,
                code=code,
                time_source=reported.source,
                received_at=as_time(item.get(_GATE_TIME)),
            )
            for code in dict.fromkeys(codes)
        ),
        heard_at=heard.at,
        heard_source=heard.source,
    )


def _map_trip(imei: str, item: Record, now: datetime) -> VehicleUpdate:
    """10.22: its times are BCD (yyMMddHHmmss), taken as UTC."""
    started_at = as_time(item.get("beginTime"))
    heard = _said_at(item, now)
    if as_count(item.get("properties")) == 1:
        # A begin: its fixes tell of the trip as soon as it is one.
        return VehicleUpdate(
            vehicle_id=imei, heard_at=heard.at, heard_source=heard.source
        )
    ended_at = _told_at(item.get("endTime"), item, now).at
    if started_at is None or started_at > ended_at:
        return _device_data("pushtripreport", imei, item, now)
    seconds = int((ended_at - started_at).total_seconds())
    distance = possible(
        Reading.LAST_TRIP_DISTANCE, as_positive(item.get("miles"), Unit.KILOMETRES)
    )
    trip = Trip(
        imei=imei,
        started_at=started_at,
        ended_at=ended_at,
        distance=distance,
        duration=seconds,
        average_speed=round(distance / seconds * 3600, 1)
        if distance is not None and seconds
        else None,
        idle_time=as_count(item.get("idleTimes"), Unit.SECONDS),
        consumption=possible(
            Reading.LAST_TRIP_CONSUMPTION, as_positive(item.get("oils"), Unit.LITRES)
        ),
        started_in=as_place(item, "beginLat", "beginLng"),
        ended_in=as_place(item, "endLat", "endLng"),
    )
    return map_trips(imei, (trip,))


def _map_other(path: str) -> Mapper:
    def map_other(imei: str, item: Record, now: datetime) -> VehicleUpdate:
        return _device_data(path, imei, item, now)

    return map_other


def _device_data(
    name: str, imei: str, item: Record, now: datetime, *, at: _Said | None = None
) -> VehicleUpdate:
    """Return an item as it is, as an event, without what is private."""
    said_at = at or _said_at(item, now)
    details = dict(_scalars(item, _PRIVATE_PAYLOADS.get(name, frozenset())))
    return VehicleUpdate(
        vehicle_id=imei,
        occurrences=(
            Occurrence(
                kind=OccurrenceKind.DEVICE_DATA,
                type=OccurrenceType.OTHER,
                occurred_at=said_at.at,
                code=name,
                details=details,
                time_source=said_at.source,
                received_at=as_time(item.get(_GATE_TIME)),
            ),
        ),
        heard_at=None if name in _FROM_THE_CLOUD else said_at.at,
        heard_source=said_at.source,
    )


def _scalars(
    item: Record, private: frozenset[str], prefix: str = "", depth: int = 2
) -> Iterator[tuple[str, Value]]:
    """Yield what may be told of an item, objects inside of it (as JSON too) flattened."""
    for key, value in item.items():
        if key in private or key in _TIMES or _PRIVATE.fullmatch(key):
            continue
        name = f"{prefix}{key}"
        if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
            value = from_text(value)  # if it is broken, nobody knows what is in there
        if is_record(value):
            if depth:
                yield from _scalars(value, private, f"{name}_", depth - 1)
        elif isinstance(value, list):
            yield f"{name}_count", len(value)
        elif isinstance(value, str):
            yield name, value[:LONGEST_TEXT]
        elif isinstance(value, bool | int | float) and can_be_told(value):
            yield name, value


# An item of the cloud itself is no sign of life of the device.
_FROM_THE_CLOUD = frozenset({"pushftpfileupload", "uploadCallback", "pushIothubEvent"})

_MAPPERS: Mapping[str, Mapper] = {
    "pushgps": _map_gps,
    "pushhb": _map_heartbeat,
    "pushevent": _map_login,
    "pushalarm": _map_alarm,
    "pushoil": _map_oil,
    "pushtem": _map_temperature,
    "pushlbs": _map_cells,
    "pushobd": _map_obd,
    "pushfaultinfo": _map_faults,
    "pushtripreport": _map_trip,
}
