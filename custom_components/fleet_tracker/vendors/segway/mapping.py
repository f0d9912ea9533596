"""Maps Segway's records to the neutral words and units of the model.

The fields are those of chapters Query and Push of `segway-emoped`. Answers carry JSON
types, pushes carry texts: both are read alike. What is missing, a sentinel or out of
range is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from types import MappingProxyType

from ...model.clocks import believed, counts_as
from ...model.derive import MOVING_FIX_AGE
from ...model.evidence import told_speed
from ...model.json_values import Record, as_flag, as_kmh, as_text, as_unix_time
from ...model.rules import MOVING_SPEED_KMH
from ...model.vehicle import (
    FixKind,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    ReadingGroup,
    TimeSource,
    TrackerClock,
    Value,
    VehicleUpdate,
    accuracy_m,
    part_of,
)
from .faults import FAULTS
from .values import number, whole
from .vocabulary import SegwayReading


class Group(StrEnum):
    """The groups of readings that are measured together."""

    STATUS = "status"
    MOTION = "motion"
    """The speed in a status, which is true for a moment only."""
    EXTRA_STATUS = "extra_status"
    LOCATION = "location"
    BATTERY_INFO = "battery_info"
    CONDITION = "condition"
    FAULTS = "faults"


class Condition(StrEnum):
    """Whether Segway tells of a vehicle, or why not."""

    CONNECTED = "connected"
    OFFLINE = "offline"
    NO_ANSWER = "no_answer"
    INACTIVE = "inactive"
    NOT_FOUND = "not_found"


_SAME_MINUTE = timedelta(seconds=60)

SPEED_MODES: Mapping[str, int] = MappingProxyType({"low": 1, "medium": 2, "high": 3})
_SPEED_MODE_NAMES = {number: name for name, number in SPEED_MODES.items()}


@dataclass(frozen=True, slots=True)
class AlertKind:
    """The meaning of an alert code, and the binary sensor that shows it while it lasts."""

    type: OccurrenceType
    reading: str
    name: str


# Alert 4 is cleared as alert 2: both are the one sensor "fallen".
ALERTS: Mapping[str, AlertKind] = MappingProxyType(
    {
        "1": AlertKind(
            OccurrenceType.ILLEGAL_MOVEMENT,
            SegwayReading.ALERT_ILLEGAL_MOVEMENT,
            "Illegal moving",
        ),
        "2": AlertKind(
            OccurrenceType.FALLEN,
            SegwayReading.ALERT_FALLEN,
            "Vehicle fell down when locked",
        ),
        "3": AlertKind(
            OccurrenceType.TAMPERING,
            SegwayReading.ALERT_TAMPERING,
            "Illegal dismantling",
        ),
        "4": AlertKind(
            OccurrenceType.FALLEN,
            SegwayReading.ALERT_FALLEN,
            "Vehicle fell down when unlocked",
        ),
        "10": AlertKind(
            OccurrenceType.BATTERY_REMOVED,
            part_of(SegwayReading.ALERT_BATTERY_REMOVED, 1),
            "Battery 1 taken out",
        ),
        "11": AlertKind(
            OccurrenceType.BATTERY_REMOVED,
            part_of(SegwayReading.ALERT_BATTERY_REMOVED, 2),
            "Battery 2 taken out",
        ),
        "12": AlertKind(
            OccurrenceType.BATTERY_LOW, SegwayReading.ALERT_BATTERY_LOW, "Low power"
        ),
    }
)
ALERT_READINGS = frozenset(alert.reading for alert in ALERTS.values())


class Component(IntEnum):
    """The readings of a components push."""

    SADDLE = 1
    TAILBOX = 2
    TAILBOX_HELMET = 4


_COMPONENT_READINGS = {
    Component.SADDLE: SegwayReading.SADDLE_UNLOCKED,
    Component.TAILBOX: SegwayReading.TAILBOX_UNLOCKED,
}


def _scaled(value: float | None, factor: float) -> float | None:
    """Return a number in another unit, as exact as it was.

    An integer's maximum must not be rounded to something else.
    """
    return None if value is None else round(value * factor, 9)


def _negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def _present(readings: Mapping[str, Value | None]) -> dict[str, Value]:
    return {key: value for key, value in readings.items() if value is not None}


# --- queries and the pushes of the same fields ---


def map_status(
    imei: str,
    record: Record,
    now: datetime,
    clock: TrackerClock | None = None,
    *,
    pushed: bool = False,
) -> VehicleUpdate:
    """Return the news of a status query or push. A push may tell a few of the fields.

    `speed` has no unit in the document: km/h. `lockVoltage` is in 0.01 V, as the push's
    table has it (412 is 4.12 V; that of the query says mV, which its example contradicts),
    and `remainingRange`, which the examples call `remainderRange`, in 10 m. A vehicle that
    is unlocked counts as one with its ignition on. The network signal (2 to 32) is
    converted to %. ``clock`` is the known state of the vehicle's clock.
    """
    measured_at = as_unix_time(record.get("statusUtcTime"))
    locked = as_flag(record.get("locked"))
    online = as_flag(record.get("online"))
    remaining = record.get("remainingRange")
    if remaining in (None, ""):
        remaining = record.get("remainderRange")
    signal = number(record.get("networkSignal"), 2, 32)
    readings = _present(
        {
            Reading.ONLINE: online,
            Reading.LOCKED: locked,
            Reading.IGNITION: _negated(locked),
            Reading.CHARGING: as_flag(record.get("charging")),
            Reading.BATTERY: number(record.get("powerPercent"), 0, 100),
            Reading.ODOMETER: _scaled(number(record.get("odometer"), 0), 0.001),
            SegwayReading.SIGNAL: None
            if signal is None
            else round((signal - 2) / 30 * 100),
            SegwayReading.REMAINING_RANGE: _scaled(number(remaining, 0), 0.01),
            SegwayReading.RIDING_TIME: whole(record.get("totalRidingSecs"), 0, 10**10),
            SegwayReading.LOCK_VOLTAGE: _scaled(
                number(record.get("lockVoltage"), 1), 0.01
            ),
            SegwayReading.SPEED_MODE: _SPEED_MODE_NAMES.get(
                whole(record.get("speedMode"), 1, 3) or 0
            ),
        }
    )
    status = ReadingGroup(
        name=Group.STATUS,
        measured_at=measured_at or now,
        readings=readings,
        complete=not pushed,
        time_source=TimeSource.TRACKER if measured_at else TimeSource.OURS,
    )
    speed = number(as_kmh(record.get("speed")), 0, 300)
    motion = replace(
        status,
        name=Group.MOTION,
        readings=_present({Reading.SPEED: speed}),
        complete=True,
    )
    told = speed is not None or not pushed
    aged, as_evidence = age_motion(motion, now, clock), tuple[ReadingGroup, ...]()
    if Reading.SPEED not in aged.readings:
        # What is old by the moped's own clock may be news all the same.
        as_evidence = told_speed(speed, motion.measured_at, motion.time_source)
    return VehicleUpdate(
        vehicle_id=imei,
        groups=(status, aged, *as_evidence) if told else (status,),
        heard_at=measured_at if online else None,
    )


def age_motion(
    motion: ReadingGroup, now: datetime, clock: TrackerClock | None = None
) -> ReadingGroup:
    """Return a speed as it is to be read now: an old one says nothing of motion.

    Moving is a speed of 5 km/h or more, at most 3 minutes ago.
    """
    readings = dict(motion.readings)
    speed = readings.get(Reading.SPEED)
    if isinstance(speed, int | float):
        measured_at = motion.measured_at
        if motion.time_source is TimeSource.TRACKER:
            measured_at = counts_as(clock, measured_at, now)
        fresh = now - measured_at < MOVING_FIX_AGE
        fast = speed >= MOVING_SPEED_KMH
        readings[Reading.MOVING] = fast and fresh
        if fast and not fresh:
            del readings[Reading.SPEED]
    return replace(motion, readings=readings)


def motion_in(update: VehicleUpdate) -> ReadingGroup | None:
    """Return what an update tells of speed."""
    return next((group for group in update.groups if group.name == Group.MOTION), None)


def map_location(
    imei: str,
    record: Record,
    now: datetime,
    motion: ReadingGroup | None = None,
    clock: TrackerClock | None = None,
) -> VehicleUpdate | None:
    """Return the news of a location query or push, None where it holds no fix.

    The speed comes from a status of the same minute: locations carry none. The time is
    spelled `gpsUtcTime` or `gpsUTCTime`. A push says itself when its fix is invalid.
    """
    if record.get("locationStatus", "valid") not in ("valid", None, ""):
        return None
    fixed_at = as_unix_time(record.get("gpsUtcTime") or record.get("gpsUTCTime"))
    latitude = number(record.get("latitude"), -90, 90)
    longitude = number(record.get("longitude"), -180, 180)
    if fixed_at is None or latitude is None or longitude is None:
        return None
    if latitude == 0 and longitude == 0:
        return None
    hdop = number(record.get("hdop"), 0.01)
    speed = None
    found_at = counts_as(clock, fixed_at, now)
    if motion and abs(motion.measured_at - found_at) <= _SAME_MINUTE:
        speed = motion.readings.get(Reading.SPEED)
    return VehicleUpdate(
        vehicle_id=imei,
        position=Position(
            latitude=latitude,
            longitude=longitude,
            accuracy=accuracy_m(FixKind.SATELLITE, hdop=hdop),
            fixed_at=fixed_at,
            altitude=number(record.get("altitude"), -500, 9000),
            speed=float(speed) if isinstance(speed, int | float) else None,
        ),
        groups=(
            ReadingGroup(
                name=Group.LOCATION,
                measured_at=fixed_at,
                readings=_present(
                    {
                        Reading.SATELLITES: whole(
                            record.get("satelliteNumber"), 0, 100
                        ),
                        Reading.HDOP: hdop,
                    }
                ),
            ),
        ),
        heard_at=fixed_at,
    )


def map_extra_status(imei: str, record: Record, now: datetime) -> VehicleUpdate:
    """Return the news of an extra-status query. Locks say 0 unlocked, 1 locked."""
    return VehicleUpdate(
        vehicle_id=imei,
        groups=(
            ReadingGroup(
                name=Group.EXTRA_STATUS,
                measured_at=now,
                time_source=TimeSource.OURS,
                readings=_present(
                    {
                        SegwayReading.SEAT_CASK_HELMETS: whole(
                            record.get("seatCaskHelmet"), 0, 2
                        ),
                        SegwayReading.TAILBOX_HELMETS: whole(
                            record.get("tailboxHelmet"), 0, 2
                        ),
                        SegwayReading.RIDER_SEATED: as_flag(record.get("peopleSat")),
                        SegwayReading.CRUISE: as_flag(record.get("cruiseStatus")),
                        SegwayReading.SADDLE_UNLOCKED: _negated(
                            as_flag(record.get("saddleStatus"))
                        ),
                        SegwayReading.TAILBOX_UNLOCKED: _negated(
                            as_flag(record.get("tailboxStatus"))
                        ),
                        SegwayReading.HANDLEBAR_UNLOCKED: _negated(
                            as_flag(record.get("handlebarStatus"))
                        ),
                        SegwayReading.KICKSTAND_OPEN: as_flag(record.get("kickstand")),
                    }
                ),
            ),
        ),
    )


def map_battery_info(imei: str, record: Record, now: datetime) -> VehicleUpdate:
    """Return the news of a battery info query.

    `iotVoltage` is in 0.01 V, the other voltages in V. `charging` and `vehiclePercent`
    are left to the status, which tells the same more often.
    """
    readings: dict[str, Value | None] = {
        SegwayReading.BATTERY_VOLTAGE: number(record.get("drivingVoltage"), 0),
        SegwayReading.CURRENT_POWER: number(record.get("currentPower")),
        Reading.TRACKER_BATTERY: number(record.get("iotPercent"), 0, 100),
        Reading.TRACKER_VOLTAGE: _scaled(number(record.get("iotVoltage"), 1), 0.01),
    }
    batteries = record.get("batteryData")
    for battery in batteries if isinstance(batteries, list) else ():
        if not isinstance(battery, dict):
            continue
        port = whole(battery.get("batteryPort"), 1, 3)
        if port is None:
            continue
        # The document has this spelling.
        temperature = battery.get("temperatrue", battery.get("temperature"))
        readings |= {
            part_of(SegwayReading.PACK_CHARGE, port): number(
                battery.get("batteryPercent"), 0, 100
            ),
            part_of(SegwayReading.PACK_VOLTAGE, port): number(
                battery.get("batteryVoltage"), 0
            ),
            part_of(SegwayReading.PACK_CYCLES, port): whole(
                battery.get("cycleTimes"), 0, 10**6
            ),
            part_of(SegwayReading.PACK_TEMPERATURE, port): number(
                temperature, -100, 200
            ),
        }
    return VehicleUpdate(
        vehicle_id=imei,
        groups=(
            ReadingGroup(
                name=Group.BATTERY_INFO,
                measured_at=now,
                readings=_present(readings),
                time_source=TimeSource.OURS,
            ),
        ),
    )


# --- pushes of their own kind ---


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert or fault that was raised or has ended."""

    code: str
    raised: bool
    at: datetime
    """When it counts as raised or ended."""
    occurrence: Occurrence
    reading: str | None = None


def map_alert(record: Record, now: datetime) -> Alert | None:
    """Return what an alert push tells, None if it has no code.

    `alertStatus` is 0 when an alert appears and 1 when it has disappeared; the
    document's example leaves it out.
    """
    code = as_text(record.get("code"))
    if code is None:
        return None
    raised = not as_flag(record.get("alertStatus"))
    kind = ALERTS.get(code)
    return _alert(
        OccurrenceKind.ALARM,
        code,
        kind.type if kind else OccurrenceType.OTHER,
        raised=raised,
        told_at=as_unix_time(record.get("statusUtcTime")),
        now=now,
        name=kind.name if kind else None,
        reading=kind.reading if kind else None,
    )


def map_fault(record: Record, now: datetime) -> Alert | None:
    """Return what a fault push tells, None if it has no code.

    `faultStatus` is 0 when a fault appears and 1 when it has disappeared.
    """
    code = as_text(record.get("code"))
    if code is None:
        return None
    code = code.upper()
    fault = FAULTS.get(code)
    return _alert(
        OccurrenceKind.FAULT,
        code,
        OccurrenceType.TROUBLE_CODE if fault else OccurrenceType.OTHER,
        raised=not as_flag(record.get("faultStatus")),
        told_at=as_unix_time(record.get("statusUtcTime")),
        now=now,
        name=fault.description if fault else None,
        details={"system": fault.system} if fault else {},
        reading=SegwayReading.PROBLEM,
    )


def _alert(
    kind: OccurrenceKind,
    code: str,
    occurrence_type: OccurrenceType,
    *,
    raised: bool,
    told_at: datetime | None,
    now: datetime,
    name: str | None,
    reading: str | None,
    details: Mapping[str, Value] = MappingProxyType({}),
) -> Alert:
    if not raised:
        details = {**details, "cleared": occurrence_type.value}
    occurrence = Occurrence(
        kind=kind,
        type=occurrence_type if raised else OccurrenceType.CLEARED,
        occurred_at=told_at or now,
        code=code,
        name=name,
        details=details,
        time_source=TimeSource.TRACKER if told_at else TimeSource.OURS,
    )
    at = believed(told_at or now, now)
    return Alert(code, raised, at, occurrence, reading)


def map_components(imei: str, record: Record, now: datetime) -> VehicleUpdate | None:
    """Return the news of a components push on saddle or tail box, None on any other.

    The status is 2 for locked and 1 for unlocked: not the numbers of the extra-status.
    """
    status = whole(record.get("status"), 1, 2)
    component = whole(record.get("type"), 1, 4)
    reading = next(
        (key for part, key in _COMPONENT_READINGS.items() if part == component), None
    )
    if status is None or reading is None:
        return None
    told_at = as_unix_time(record.get("statusUtcTime"))
    source = TimeSource.TRACKER if told_at else TimeSource.OURS
    return VehicleUpdate(
        vehicle_id=imei,
        groups=(
            ReadingGroup(
                name=Group.EXTRA_STATUS,
                measured_at=told_at or now,
                readings={reading: status == 1},
                complete=False,
                time_source=source,
            ),
        ),
        heard_at=told_at or now,
        heard_source=source,
    )
