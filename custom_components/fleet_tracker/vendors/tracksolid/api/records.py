"""Answers of the API as typed records: one unit per quantity, times aware UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
import math
from typing import Self

from ....model.json_values import Record, as_flag, as_text
from ....model.plausibility import possible
from ....model.record import record
from ....model.vehicle import FixKind, Reading, TimeSource
from .values import (
    Unit,
    as_altitude,
    as_count,
    as_course,
    as_kind,
    as_measure,
    as_number,
    as_obd_voltage,
    as_place,
    as_positive,
    as_speed,
    as_time,
)

_METRES_PER_KM = 1000
_VOLTS_AT_MOST = 5
_INEXACT = timedelta(minutes=10)
_LONGEST = timedelta(days=366)
"""Of what has not ended."""


@record(frozen=True, slots=True, kw_only=True)
class Device:
    """A row of the device list (4.1), or a device's details (4.2)."""

    imei: str
    name: str | None = None
    vehicle_name: str | None = None
    model: str | None = None
    account: str | None = None
    plate: str | None = None
    driver: str | None = None
    vin: str | None = None
    sim: str | None = None
    iccid: str | None = None
    expires_at: datetime | None = None
    activated_at: datetime | None = None
    enabled: bool | None = None
    odometer: float | None = None
    group: str | None = None

    @classmethod
    def from_row(cls, row: Record, account: str | None = None) -> Self | None:
        """Return the device of a row, None without an IMEI."""
        if (imei := as_text(row.get("imei"))) is None:
            return None
        return cls(
            imei=imei,
            name=as_text(row.get("deviceName")),
            vehicle_name=as_text(row.get("vehicleName")),
            model=as_text(row.get("mcType")),
            account=as_text(row.get("account")) or account,
            plate=as_text(row.get("vehicleNumber")),
            driver=as_text(row.get("driverName")),
            vin=as_text(row.get("carFrame"))
            or as_text(row.get("VIN"))
            or as_text(row.get("vin")),
            sim=as_text(row.get("sim")),
            iccid=as_text(row.get("iccid")),
            expires_at=as_time(row.get("expiration")),
            activated_at=as_time(row.get("activationTime")),
            enabled=as_flag(row.get("enabledFlag")),
            odometer=as_positive(row.get("currentMileage"), Unit.KILOMETRES),
            group=as_text(row.get("deviceGroup")),
        )


@record(frozen=True, slots=True, kw_only=True)
class Location:
    """A row of the locations (5.1, 5.2): km/h, degrees, km, V, %, °C."""

    imei: str
    latitude: float | None = None
    longitude: float | None = None
    fixed_at: datetime | None = None
    heard_at: datetime | None = None
    kind: FixKind | None = None
    online: bool | None = None
    ignition: bool | None = None
    expired: bool | None = None
    activated: bool | None = None
    speed: float | None = None
    course: float | None = None
    satellites: int | None = None
    signal_level: int | None = None
    odometer: float | None = None
    battery: float | None = None
    battery_voltage: float | None = None
    external_voltage: float | None = None
    temperature: float | None = None
    fuel: tuple[float, str] | None = None
    charging: bool | None = None
    address: str | None = None
    iccid: str | None = None
    confidence: int | None = None

    @classmethod
    def from_row(cls, row: Record) -> Self | None:
        """Return the location of a row, None without an IMEI."""
        if (imei := as_text(row.get("imei"))) is None:
            return None
        place = as_place(row)
        # Spelled electQuantity by the system and elecQuantity by the document.
        battery = as_positive(row.get("electQuantity"), Unit.PERCENT)
        if battery is None:
            battery = as_positive(row.get("elecQuantity"), Unit.PERCENT)
        # Volts in one table and per cent in another: where no unit says which, a battery
        # of a tracker has no more than 5 V.
        inner = row.get("batteryPowerVal")
        volts = as_positive(inner, Unit.VOLTS)
        if volts is not None and volts > _VOLTS_AT_MOST:
            volts = None
        if battery is None and volts is None:
            battery = as_positive(inner, Unit.PERCENT)
        # 1 means that it has not expired.
        in_time = as_flag(row.get("expireFlag"))
        odometer = as_positive(row.get("currentMileage"), Unit.KILOMETRES)
        old_odometer = as_positive(row.get("mileage"), Unit.METRES)
        if odometer is None and old_odometer is not None:
            odometer = old_odometer / _METRES_PER_KM
        return cls(
            imei=imei,
            latitude=place[0] if place else None,
            longitude=place[1] if place else None,
            fixed_at=as_time(row.get("gpsTime")),
            heard_at=as_time(row.get("hbTime")),
            kind=as_kind(row.get("posType")),
            online=as_flag(row.get("status")),
            ignition=as_flag(row.get("accStatus")),
            expired=None if in_time is None else not in_time,
            activated=as_flag(row.get("activationFlag")),
            speed=as_speed(row.get("speed")),
            course=as_course(row.get("direction")),
            satellites=as_count(row.get("gpsNum")),
            signal_level=as_count(row.get("gpsSignal")),
            odometer=odometer,
            battery=battery if battery is None or battery <= 100 else None,
            battery_voltage=volts or None,
            external_voltage=as_positive(row.get("powerValue"), Unit.VOLTS) or None,
            temperature=as_number(row.get("temperature"), Unit.CELSIUS),
            fuel=as_measure(row.get("trackerOil")),
            charging=as_flag(row.get("chargeStatus")),
            address=as_text(row.get("locDesc")),
            iccid=as_text(row.get("iccid")),
            confidence=as_count(row.get("confidence")),
        )


@record(frozen=True, slots=True, kw_only=True)
class TagLocation:
    """Where a TAG is (5.8, and its push)."""

    latitude: float
    longitude: float
    fixed_at: datetime
    kind: FixKind | None
    speed: float | None
    battery: float | None = None

    @classmethod
    def from_row(cls, row: Record) -> Self | None:
        """Return the location of a row, None where there is none."""
        place, fixed_at = as_place(row), as_time(row.get("gpsTime"))
        if place is None or fixed_at is None:
            return None
        return cls(
            latitude=place[0],
            longitude=place[1],
            fixed_at=fixed_at,
            kind=as_kind(row.get("positionType")),
            speed=as_speed(row.get("gpsSpeed")),
            battery=as_positive(row.get("battery"), Unit.PERCENT),
        )


@record(frozen=True, slots=True, kw_only=True)
class CellLocation:
    """The position of cells and Wi-Fi networks (5.6); the accuracy in metres."""

    latitude: float
    longitude: float
    accuracy: float | None


@record(frozen=True, slots=True, kw_only=True)
class Point:
    """A waypoint of a track (5.5): km/h, degrees, m."""

    latitude: float
    longitude: float
    fixed_at: datetime
    speed: float | None
    course: float | None
    altitude: float | None
    ignition: bool | None
    kind: FixKind | None
    satellites: int | None

    @classmethod
    def from_row(cls, row: Record) -> Self | None:
        """Return the waypoint of a row, None where it has no place or time."""
        place, fixed_at = as_place(row), as_time(row.get("gpsTime"))
        if place is None or fixed_at is None:
            return None
        ignition = as_flag(row.get("accStatus"))
        return cls(
            latitude=place[0],
            longitude=place[1],
            fixed_at=fixed_at,
            speed=as_speed(row.get("gpsSpeed")),
            course=as_course(row.get("direction")),
            altitude=as_altitude(row.get("altitude")),
            ignition=as_flag(row.get("ignition")) if ignition is None else ignition,
            kind=as_kind(row.get("posType")),
            satellites=as_count(row.get("satellite")),
        )


@record(frozen=True, slots=True, kw_only=True)
class Trip:
    """A drive (5.4, and the pushed report): km, seconds, km/h, litres."""

    imei: str
    started_at: datetime
    ended_at: datetime
    distance: float | None
    duration: int
    average_speed: float | None = None
    top_speed: float | None = None
    idle_time: int | None = None
    consumption: float | None = None
    started_in: tuple[float, float] | None = None
    ended_in: tuple[float, float] | None = None
    """Latitude and longitude, in degrees."""

    @classmethod
    def from_row(cls, row: Record) -> Self | None:
        """Return the drive of a row of the mileage report, None without its times.

        The distance is in metres, as the manual says and two live clients use it. Where
        it contradicts the average speed by a factor of about 1000, it was kilometres, as
        the document says.
        """
        imei = as_text(row.get("imei"))
        started_at, ended_at = (
            as_time(row.get("startTime")),
            as_time(row.get("endTime")),
        )
        if imei is None or started_at is None or ended_at is None:
            return None
        seconds = _seconds_of(row.get("runTimeSecond"), started_at, ended_at)
        if seconds is None:
            seconds = _seconds_of(row.get("elapsed"), started_at, ended_at)
        if seconds is None:
            seconds = max(0, int((ended_at - started_at).total_seconds()))
        average = as_speed(row.get("avgSpeed"))
        distance = as_positive(row.get("distance"), Unit.METRES)
        if distance is not None and not _is_km(distance, average, seconds):
            distance /= _METRES_PER_KM
        return cls(
            imei=imei,
            started_at=started_at,
            ended_at=ended_at,
            distance=possible(Reading.LAST_TRIP_DISTANCE, distance),
            duration=seconds,
            average_speed=average,
            top_speed=as_speed(row.get("maxSpeed")),
            idle_time=_seconds_of(row.get("idleSecond"), started_at, ended_at),
            started_in=as_place(row, "startLat", "startLng"),
            ended_in=as_place(row, "endLat", "endLng"),
        )


def _seconds_of(
    told: object, started_at: datetime, ended_at: datetime | None
) -> int | None:
    """Return for how many seconds of a time something was so, None if far longer than that.

    The manual's own example lasts a little longer than its times say.
    """
    seconds = as_count(told, Unit.SECONDS)
    longest = _LONGEST if ended_at is None else 2 * (ended_at - started_at) + _INEXACT
    if seconds is None or seconds > longest.total_seconds():
        return None
    return seconds


def _is_km(distance: float, average_kmh: float | None, seconds: int) -> bool:
    """Tell whether a distance fits its average speed as kilometres, not as metres."""
    if not average_kmh or not seconds:
        return False
    expected_km = average_kmh * seconds / 3600
    return distance < expected_km * math.sqrt(_METRES_PER_KM)


@record(frozen=True, slots=True, kw_only=True)
class Stop:
    """A time of standing still (5.7), idling if the ignition was on."""

    imei: str
    started_at: datetime
    ended_at: datetime | None
    duration: int | None
    idling: bool
    address: str | None
    latitude: float | None
    longitude: float | None

    @classmethod
    def from_row(cls, row: Record, *, idling: bool) -> Self | None:
        """Return the stop of a row, None without its beginning."""
        imei, started_at = as_text(row.get("imei")), as_time(row.get("startTime"))
        if imei is None or started_at is None:
            return None
        ended_at = as_time(row.get("endTime"))
        duration = _seconds_of(row.get("durSecond"), started_at, ended_at)
        place = as_place(row)
        return cls(
            imei=imei,
            started_at=started_at,
            ended_at=ended_at,
            duration=_seconds_of(row.get("stopSecond"), started_at, ended_at)
            if duration is None
            else duration,
            idling=idling,
            address=as_text(row.get("addr")),
            latitude=place[0] if place else None,
            longitude=place[1] if place else None,
        )


@record(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm (6.1, 10.4). The code is a number of the device or a text."""

    imei: str
    code: str
    name: str | None
    occurred_at: datetime
    speed: float | None = None
    geofence: str | None = None
    foreign: bool = False
    """Numbered in another way (JT808), so that the number says nothing to us."""
    ended: bool = False
    """It is the end of an alarm that was raised before."""
    time_source: TimeSource = TimeSource.TRACKER
    received_at: datetime | None = None
    """When the platform got it, where it tells that."""

    @classmethod
    def from_row(cls, row: Record) -> Self | None:
        """Return the alarm of a row of the list, None without code or time."""
        imei, code = as_text(row.get("imei")), as_text(row.get("alertTypeId"))
        occurred_at = as_time(row.get("alertTime"))
        if imei is None or code is None or occurred_at is None:
            return None
        return cls(
            imei=imei,
            code=code,
            # The manual's table calls it alertTypeName, its example as the system does.
            name=as_text(row.get("alarmTypeName")) or as_text(row.get("alertTypeName")),
            occurred_at=occurred_at,
            speed=as_speed(row.get("speed")),
            geofence=as_text(row.get("geoid")),
        )


@record(frozen=True, slots=True, kw_only=True)
class ObdReport:
    """The readings of an OBD tracker: km, L, %, °C, V, rpm, km/h."""

    imei: str
    reported_at: datetime
    odometer: float | None
    tracker_mileage: float | None
    fuel: float | None
    fuel_level: float | None
    coolant_temperature: float | None
    voltage: float | None
    engine_speed: float | None
    speed: float | None
    vin: str | None

    @classmethod
    def from_row(cls, row: Record) -> Self | None:
        """Return the report of a row, None without its time."""
        imei = as_text(row.get("imei"))
        reported_at = as_time(row.get("dataReportTime"))
        if imei is None or reported_at is None:
            return None
        return cls(
            imei=imei,
            reported_at=reported_at,
            odometer=as_positive(row.get("odometerReading"), Unit.KILOMETRES),
            tracker_mileage=as_positive(
                row.get("deviceAccumulatedMileage"), Unit.KILOMETRES
            ),
            fuel=as_positive(row.get("remainingFuel"), Unit.LITRES),
            fuel_level=as_positive(row.get("remainingFuelPercentage"), Unit.PERCENT),
            coolant_temperature=as_number(row.get("coolantTemperature"), Unit.CELSIUS),
            voltage=as_obd_voltage(row.get("vehicleBatterVoltage")),
            engine_speed=as_positive(row.get("currentRPM"), Unit.RPM),
            speed=as_speed(row.get("currentSpeed")),
            vin=as_text(row.get("vin")),
        )


@record(frozen=True, slots=True, kw_only=True)
class Fault:
    """A trouble code that a vehicle reported."""

    imei: str
    code: str
    detail: str | None
    occurred_at: datetime

    @classmethod
    def from_row(cls, row: Record) -> Self | None:
        """Return the fault of a row, None without code or time."""
        imei, code = as_text(row.get("imei")), as_text(row.get("faultCode"))
        occurred_at = as_time(row.get("eventTime"))
        if imei is None or code is None or occurred_at is None:
            return None
        detail = as_text(row.get("faultDetail"))
        return cls(imei=imei, code=code, detail=detail, occurred_at=occurred_at)


@record(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A command that a model knows (8.1); its template has places {0}, {1} and on."""

    id: str
    name: str
    template: str
    explanation: str | None
    may_wait: bool
    """Whether it is kept for a device that is offline."""

    @classmethod
    def from_row(cls, row: Record) -> Self | None:
        """Return the command of a row, None without id or template."""
        entry_id, template = as_text(row.get("id")), as_text(row.get("orderContent"))
        if entry_id is None or template is None:
            return None
        return cls(
            id=entry_id,
            name=as_text(row.get("orderName")) or template,
            template=template,
            explanation=as_text(row.get("orderExplain"))
            or as_text(row.get("orderMsg")),
            may_wait=as_flag(row.get("isOffLine")) is True,
        )


def _execution(value: object) -> str | None:
    """Return what came of a command, as one of the system's numbers.

    The system writes them as texts or numbers. The document (8.3) says boolean: true is
    done, and false is not done yet.
    """
    if str(value).strip().lower() in ("true", "false"):
        return "1" if as_flag(value) else "3"
    number = as_number(value)
    return f"{number:.0f}" if number is not None else None


@record(frozen=True, slots=True, kw_only=True)
class SentCommand:
    """A command that was sent, and what came of it (8.3)."""

    id: str | None
    text: str | None
    answer: str | None
    state: str | None
    """0 failed, 1 done, 3 waiting, 4 cancelled; None is not known."""
    sent_at: datetime | None
    offline: bool

    @classmethod
    def from_row(cls, row: Record) -> Self:
        """Return the command of a row."""
        return cls(
            id=as_text(row.get("codeId")),
            text=as_text(row.get("code")),
            answer=as_text(row.get("content")),
            state=_execution(row.get("isExecute")),
            sent_at=as_time(row.get("sendTime")),
            offline=as_flag(row.get("isOffLine")) is True,
        )


@record(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of devices (4.11)."""

    id: str
    name: str


@record(frozen=True, slots=True, kw_only=True)
class UpdateResult:
    """The outcome of changing one device of several (4.3)."""

    imei: str
    done: bool
    message: str | None
