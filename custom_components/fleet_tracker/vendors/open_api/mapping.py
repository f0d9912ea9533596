"""The Open API's records as news of vehicles (open-api-classic and open-api-2025)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from ...model.clocks import believed, was_told
from ...model.evidence import told_speed
from ...model.json_values import as_integer, as_kmh, as_number, as_text, as_unix_time
from ...model.plausibility import possible
from ...model.vehicle import (
    FixKind,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    ReadingGroup,
    TimeSource,
    Value,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
    accuracy_m,
    part_of,
)
from .records import Alarm, as_coordinates
from .vocabulary import OpenApiReading

OLDEST_REPORTED = timedelta(days=1)
"""Fuel and temperature that are older say nothing about now."""
IGNITION_JITTER = timedelta(minutes=2)
"""By how much the seconds since the last switch of the ignition may be off."""

# Groups of readings that were measured together; the last two are fields as well
TRACKER = "tracker"
PLATFORM = "platform"
FUEL = "fuel"
TEMPERATURE = "temperature"

# What is beyond these is no measurement, whatever the field says.
MOST_KMH = 1000
MOST_DEGREES = 360
MOST_METRES = 1e10
MOST_LITRES = 1e6
MOST_VOLTS = 1000
CELSIUS_RANGE = (-273.15, 1000)
MOST_PROBES = 64

# datastatus (2.2)
STATUS_NEVER_ONLINE = "never_online"
STATUS_OK = "ok"
STATUS_EXPIRED = "expired"
STATUS_OFFLINE = "offline"
STATUS_BLOCKED = "blocked"
# why a single vehicle was refused (chapter 3)
STATUS_NOT_AUTHORIZED = "not_authorized"
STATUS_UNKNOWN = "unknown_target"
STATUSES: Mapping[int, str] = MappingProxyType(
    {
        1: STATUS_NEVER_ONLINE,
        2: STATUS_OK,
        3: STATUS_EXPIRED,
        4: STATUS_OFFLINE,
        5: STATUS_BLOCKED,
    }
)
ALL_STATUSES = (*STATUSES.values(), STATUS_NOT_AUTHORIZED, STATUS_UNKNOWN)

# Alarm types (4.1): 1 to 27 of both documents, 28 to 44 of the newer one.
ALARM_TYPES: Mapping[int, tuple[str, OccurrenceType]] = MappingProxyType(
    {
        1: ("sosAlarm", OccurrenceType.SOS),
        2: ("lowBatteryAlarm", OccurrenceType.BATTERY_LOW),
        3: ("powerDisconnectAlarm", OccurrenceType.POWER_DISCONNECTED),
        4: ("vibrationAlarm", OccurrenceType.VIBRATION),
        5: ("geoFenceInAlarm", OccurrenceType.GEOFENCE_ENTERED),
        6: ("geoFenceOutAlarm", OccurrenceType.GEOFENCE_LEFT),
        7: ("speedingAlarm", OccurrenceType.SPEEDING),
        8: ("carMoveAlarm", OccurrenceType.TOWED),
        9: ("engineOn", OccurrenceType.IGNITION_ON),
        10: ("engineOff", OccurrenceType.IGNITION_OFF),
        11: ("tireTemperatureAlarm", OccurrenceType.TIRE_TEMPERATURE),
        12: ("tireLeakPressureAlarm", OccurrenceType.TIRE_LEAK),
        13: ("tireLowPressureAlarm", OccurrenceType.TIRE_PRESSURE_LOW),
        14: ("tireHighPressureAlarm", OccurrenceType.TIRE_PRESSURE_HIGH),
        15: ("gpsDeadZoneInAlarm", OccurrenceType.GPS_LOST),
        16: ("gpsDeadZoneOutAlarm", OccurrenceType.GPS_RECOVERED),
        17: ("obdDtcAlarm", OccurrenceType.TROUBLE_CODE),
        18: ("disassembleAlarm", OccurrenceType.TAMPERING),
        19: ("powerOffAlarm", OccurrenceType.POWERED_OFF),
        20: ("collisionAlarm", OccurrenceType.COLLISION),
        21: ("dropAlarm", OccurrenceType.FALLEN),
        22: ("routeAlarm", OccurrenceType.ROUTE_LEFT),
        23: ("rapidAccelerationAlarm", OccurrenceType.HARSH_ACCELERATION),
        24: ("rapidDecelerationAlarm", OccurrenceType.HARSH_BRAKING),
        25: ("sharpTurnAlarm", OccurrenceType.SHARP_TURN),
        26: ("dooropenAlarm", OccurrenceType.DOOR_OPENED),
        27: ("doorcloseAlarm", OccurrenceType.DOOR_CLOSED),
        28: ("offlineAlarm", OccurrenceType.OFFLINE),
        29: ("engineIdleAlarm", OccurrenceType.IDLING),
        30: ("parkingAlarm", OccurrenceType.PARKED_LONG),
        31: ("oilLeakAlertAlarm", OccurrenceType.FUEL_LEAK),
        32: ("oilTheftAlertAlarm", OccurrenceType.FUEL_THEFT),
        33: ("jammingAlarm", OccurrenceType.JAMMING),
        34: ("restrictedDrivingAlarm", OccurrenceType.RESTRICTED_DRIVING),
        35: ("lowTemperatureAlarm", OccurrenceType.TEMPERATURE_LOW),
        36: ("highTemperatureAlarm", OccurrenceType.TEMPERATURE_HIGH),
        37: ("dumpSwitchOnAlarm", OccurrenceType.DUMP_SWITCH_ON),
        38: ("dumpSwitchOffAlarm", OccurrenceType.DUMP_SWITCH_OFF),
        39: ("armAlarm", OccurrenceType.ARMED),
        40: ("rolloverAlarm", OccurrenceType.ROLLOVER),
        41: ("fatigueDrivingAlarm", OccurrenceType.FATIGUE),
        42: ("lackBreakFatigueDrivingAlarm", OccurrenceType.REST_MISSING),
        43: ("lowOilAlarm", OccurrenceType.FUEL_LOW),
        44: ("lowExternalBatteryAlarm", OccurrenceType.EXTERNAL_POWER_LOW),
    }
)


def map_track(
    record: Mapping[str, object], known: Vehicle | None, now: datetime
) -> VehicleUpdate | None:
    """Return the news in a record of `track` (2.2), None if it names no vehicle.

    The record tells when the ignition was switched as seconds before an instant, which
    jitters. The time in ``known`` is kept as long as it fits.
    """
    imei = as_text(record.get("imei"))
    if imei is None:
        return None
    server_time = as_unix_time(record.get("servertime")) or now
    heard_at = as_unix_time(record.get("hearttime"))
    fixed_at = as_unix_time(record.get("gpstime"))
    speed = _up_to(MOST_KMH, as_kmh(record.get("speed")))
    told_at = heard_at or fixed_at
    groups = [
        ReadingGroup(
            name=TRACKER,
            measured_at=told_at or _last_measured(known, TRACKER) or server_time,
            readings=_tracker_readings(record, known, server_time, heard_at),
            time_source=TimeSource.TRACKER if told_at else TimeSource.SERVER,
        ),
        ReadingGroup(
            name=PLATFORM,
            measured_at=server_time,
            readings=_platform_readings(record),
            time_source=TimeSource.SERVER,
        ),
    ]
    groups += told_speed(
        speed,
        fixed_at or now,
        TimeSource.TRACKER if fixed_at else TimeSource.OURS,
    )
    for name, readings, time in (
        (FUEL, _fuel(record, server_time), OpenApiReading.FUEL_MEASURED_AT),
        (
            TEMPERATURE,
            _temperatures(record, server_time),
            OpenApiReading.TEMPERATURE_MEASURED_AT,
        ),
    ):
        is_told = time in readings
        measured_at = readings[time] if is_told else _last_measured(known, name)
        # A vehicle has no group of values that it never measured.
        if name in record and isinstance(measured_at, datetime):
            groups.append(
                ReadingGroup(
                    name=name,
                    measured_at=measured_at,
                    readings=readings,
                    time_source=TimeSource.TRACKER if is_told else TimeSource.SERVER,
                )
            )
    return VehicleUpdate(
        vehicle_id=imei,
        position=_position(record, fixed_at, speed),
        groups=tuple(groups),
        heard_at=heard_at,
    )


def map_device(
    record: Mapping[str, object], platform: str, now: datetime
) -> VehicleUpdate | None:
    """Return what a record of the device list (2.7) or detail (2.12) says of a vehicle."""
    imei = as_text(record.get("imei"))
    if imei is None:
        return None
    readings: dict[str, Value] = {}
    due_times = [
        time
        for name in ("platformduetime", "userduetime")
        if (time := as_unix_time(record.get(name))) is not None
    ]
    if due_times:
        readings[Reading.SERVICE_EXPIRES] = min(due_times)
    if sim := as_text(record.get("simcard")):
        readings[Reading.SIM] = sim
    if iccid := as_text(record.get("iccid")):
        readings[Reading.ICCID] = iccid
    for field, reading in (
        ("onlinetime", OpenApiReading.FIRST_ONLINE_AT),
        ("activatedtime", OpenApiReading.ACTIVATED_AT),
    ):
        if (time := as_unix_time(record.get(field))) is not None:
            readings[reading] = time
    plate = as_text(record.get("platenumber"))
    model = as_text(record.get("devicetype"))
    return VehicleUpdate(
        vehicle_id=imei,
        details=VehicleDetails(
            name=as_text(record.get("devicename")) or plate or model or platform,
            model=model,
            plate=plate,
            serial_number=imei,
        ),
        groups=(
            ReadingGroup(
                name="device",
                measured_at=now,
                readings=readings,
                time_source=TimeSource.SERVER,
            ),
        ),
    )


def is_lapsed(update: VehicleUpdate, now: datetime) -> bool:
    """Tell whether a vehicle's time is up by the device list (2.7: the due times)."""
    return any(
        isinstance(due := group.readings.get(Reading.SERVICE_EXPIRES), datetime)
        and due <= now
        for group in update.groups
    )


def map_alarm(alarm: Alarm) -> Occurrence:
    """Return an alarm (2.8, 2.17) as an occurrence. Unknown types are ``other``."""
    name, kind = ALARM_TYPES.get(alarm.alarmtype, (None, OccurrenceType.OTHER))
    details: dict[str, Value] = {}
    if (speed := possible(Reading.SPEED, alarm.speed)) is not None:
        details["speed"] = speed
    # The older list knows a geofence by its number alone.
    if alarm.geofenceid is not None:
        details["geofence_id"] = alarm.geofenceid
    if alarm.geofencename is not None:
        details["geofence"] = alarm.geofencename
    return Occurrence(
        kind=OccurrenceKind.ALARM,
        type=kind,
        occurred_at=alarm.systemtime,
        time_source=TimeSource.SERVER,
        received_at=alarm.systemtime,
        code=str(alarm.alarmtype),
        name=name,
        details=details,
    )


def status_update(
    vehicle_id: str, status: str | None, *, known: Vehicle | None, now: datetime
) -> VehicleUpdate:
    """Return the update of a vehicle that the vendor tells nothing of.

    With a status it is refused for that reason; without one, the vendor said nothing.
    """
    readings: dict[str, Value] = {}
    if status is not None:
        readings = {Reading.STATUS: status, Reading.ONLINE: False}
    return VehicleUpdate(
        vehicle_id=vehicle_id,
        groups=(
            ReadingGroup(
                name=PLATFORM,
                # A time by our clock might shut out later news, which has the server's
                # time.
                measured_at=_last_measured(known, PLATFORM) or now,
                readings=readings,
                time_source=TimeSource.SERVER,
            ),
        ),
    )


def _last_measured(known: Vehicle | None, group: str) -> datetime | None:
    """Return the time of a group that is known.

    A group without a time of its own takes this one. It is never newer than one with a time.
    """
    held = known.groups.get(group) if known is not None else None
    return held.measured_at if held is not None else None


def _position(
    record: Mapping[str, object], fixed_at: datetime | None, speed: float | None
) -> Position | None:
    longitude, latitude = as_coordinates(
        record.get("longitude"), record.get("latitude")
    )
    if longitude is None or latitude is None or fixed_at is None:
        return None
    return Position(
        latitude=latitude,
        longitude=longitude,
        accuracy=accuracy_m(FixKind.SATELLITE),
        fixed_at=fixed_at,
        course=_up_to(MOST_DEGREES, record.get("course")),
        speed=speed,
    )


def _tracker_readings(
    record: Mapping[str, object],
    known: Vehicle | None,
    server_time: datetime,
    heard_at: datetime | None,
) -> dict[str, Value]:
    """Return what the tracker itself last told. -1, "" and 0 times mean: no such thing."""
    readings: dict[str, Value] = {}
    for field, reading in (
        ("accstatus", Reading.IGNITION),
        ("doorstatus", Reading.DOOR),
        ("chargestatus", Reading.TRACKER_CHARGING),
        ("oilpowerstatus", Reading.FUEL_SUPPLY),
        ("defencestatus", Reading.ARMED),
    ):
        value = record.get(field)
        flag = value if type(value) is int else as_integer(value)
        if flag in (0, 1):
            readings[reading] = flag == 1
    if Reading.FUEL_SUPPLY in readings:
        readings[Reading.ENGINE_CUT] = not readings[Reading.FUEL_SUPPLY]
    if (percent := _up_to(100, record.get("battery"))) is not None:
        readings[Reading.TRACKER_BATTERY] = percent
    for field in ("mileage", "odometer"):
        if (metres := _up_to(MOST_METRES, record.get(field))) is not None:
            readings[Reading.ODOMETER] = metres / 1000
            break
    if (metres := _up_to(MOST_METRES, record.get("todaymileage"))) is not None:
        readings[Reading.DISTANCE_TODAY] = metres / 1000
    volts = as_number(record.get("externalpower"))
    if volts is not None and abs(volts) <= MOST_VOLTS:
        readings[Reading.VEHICLE_VOLTAGE] = abs(volts)
    if Reading.IGNITION in readings:
        changed_at = _ignition_changed_at(
            record, readings[Reading.IGNITION], known, server_time, heard_at
        )
        if changed_at is not None:
            readings[Reading.IGNITION_CHANGED_AT] = changed_at
    if (received_at := as_unix_time(record.get("systemtime"))) is not None:
        readings[OpenApiReading.POSITION_RECEIVED_AT] = received_at
    return readings


def _ignition_changed_at(
    record: Mapping[str, object],
    ignition: Value,
    known: Vehicle | None,
    server_time: datetime,
    heard_at: datetime | None,
) -> datetime | None:
    """Return when the ignition was last switched, the same time in each poll.

    The seconds since (``acctime``, 2.2) end at the server's time or, as in the documents'
    example, when the tracker was last heard of: neither document says which. Of a tracker
    that is offline these are far apart.
    """
    # Without an ignition wire it is the server's time itself.
    seconds = _up_to(server_time.timestamp() - 1, record.get("acctime"))
    if seconds is None:
        return None
    since = timedelta(seconds=seconds)
    candidates = [server_time - since]
    if heard_at is not None:
        candidates.append(heard_at - since)
    if known is not None and known.readings.get(Reading.IGNITION) == ignition:
        before = known.readings.get(Reading.IGNITION_CHANGED_AT)
        if isinstance(before, datetime) and (
            abs(candidates[0] - before) <= IGNITION_JITTER
            or abs(candidates[-1] - before) <= IGNITION_JITTER
            or (heard_at is not None and was_told(known, heard_at))
        ):
            return before
    # The ignition was not switched after the tracker was last heard of.
    return next(
        (time for time in candidates if heard_at is None or time <= heard_at),
        candidates[-1],
    )


def _platform_readings(record: Mapping[str, object]) -> dict[str, Value]:
    """Return what the platform says of the tracker."""
    status = STATUSES.get(as_integer(record.get("datastatus")) or 0)
    if status is None:
        return {}
    return {Reading.STATUS: status, Reading.ONLINE: status == STATUS_OK}


def _fuel(record: Mapping[str, object], server_time: datetime) -> dict[str, Value]:
    """Return the fuel, unless it is old, and when it was measured."""
    measured_at = as_unix_time(record.get("fueltime"))
    litres = _up_to(MOST_LITRES, record.get("fuel"))
    if measured_at is None or litres is None:
        return {}
    readings: dict[str, Value] = {OpenApiReading.FUEL_MEASURED_AT: measured_at}
    if server_time - believed(measured_at, server_time) <= OLDEST_REPORTED:
        readings[Reading.FUEL] = litres
    return readings


def _temperatures(
    record: Mapping[str, object], server_time: datetime
) -> dict[str, Value]:
    """Return what the probes say, unless it is old, and when it was measured."""
    measured_at = as_unix_time(record.get("temperaturetime"))
    probes = record.get("temperature")
    if measured_at is None or not isinstance(probes, list) or not probes:
        return {}
    readings: dict[str, Value] = {OpenApiReading.TEMPERATURE_MEASURED_AT: measured_at}
    if server_time - believed(measured_at, server_time) <= OLDEST_REPORTED:
        coldest, hottest = CELSIUS_RANGE
        for number, value in enumerate(probes[:MOST_PROBES], start=1):
            celsius = as_number(value)
            if celsius is not None and coldest <= celsius <= hottest:
                readings[part_of(Reading.TEMPERATURE, number)] = celsius
    return readings


def _up_to(most: float, value: object) -> float | None:
    """Return a number from 0 on up to a limit; -1 means that there is no such thing."""
    # JSON tells most of them as numbers, which need no further look.
    number = value if type(value) is float or type(value) is int else as_number(value)
    return float(number) if number is not None and 0 <= number <= most else None
