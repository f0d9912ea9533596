"""The vendor's records as news of vehicles: the one place where its terms become ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from ...model.clocks import believed
from ...model.evidence import told_speed
from ...model.trips.trip import VendorTrip
from ...model.vehicle import (
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
    VehicleDetails,
    VehicleUpdate,
    accuracy_m,
    reading_parts,
)
from .alarm_types import alarm_type, state_of, what_ended
from .api.records import Alarm, Device, Fault, Location, ObdReport, TagLocation, Trip
from .vocabulary import TracksolidReading

MANUFACTURER = "Jimi IoT"

FAULT_WINDOW = timedelta(days=1)
"""How far back trouble codes count."""

_FUEL_READINGS: Mapping[str, str] = MappingProxyType(
    {
        "L": Reading.FUEL,
        "%": Reading.FUEL_LEVEL,
        "V": TracksolidReading.FUEL_VOLTAGE,
        "CM": TracksolidReading.FUEL_HEIGHT,
    }
)


# What lies outside of these is no measurement, whatever a field says.
_PERCENT = (0.0, 100.0)
_CELSIUS = (-273.15, 1000.0)
_VOLTS = (0.0, 1000.0)
_KM = (0.0, 1e7)
_KMH = (0.0, 1000.0)
_LITRES = (0.0, 1e6)
_SECONDS = (0.0, 366 * 86_400.0)
_NUMBER = (0.0, 2.0**32)
_LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        Reading.TRACKER_BATTERY: _PERCENT,
        Reading.TRACKER_VOLTAGE: _VOLTS,
        Reading.VEHICLE_VOLTAGE: _VOLTS,
        Reading.FUEL: _LITRES,
        Reading.FUEL_LEVEL: _PERCENT,
        Reading.HUMIDITY: _PERCENT,
        Reading.ODOMETER: _KM,
        Reading.SATELLITES: (0.0, 200.0),
        Reading.TEMPERATURE: _CELSIUS,
        Reading.TROUBLE_CODES: (0.0, 10_000.0),
        TracksolidReading.SIGNAL_LEVEL: (0.0, 4.0),
        TracksolidReading.FUEL_HEIGHT: (0.0, 10_000.0),
        TracksolidReading.FUEL_VOLTAGE: _VOLTS,
        TracksolidReading.FUEL_SENSOR_HEIGHT: (0.0, 10_000.0),
        TracksolidReading.FUEL_SENSOR_LEVEL: _PERCENT,
        TracksolidReading.FUEL_SENSOR_VOLTAGE: _VOLTS,
        TracksolidReading.FUEL_SENSOR_VOLUME: _LITRES,
        TracksolidReading.TRACKER_MILEAGE: _KM,
        Reading.COOLANT_TEMPERATURE: _CELSIUS,
        Reading.ENGINE_SPEED: (0.0, 30_000.0),
        Reading.ENGINE_LOAD: _PERCENT,
        Reading.INTAKE_PRESSURE: (0.0, 10_000.0),
        Reading.THROTTLE_POSITION: _PERCENT,
        TracksolidReading.OBD_ODOMETER: _KM,
        TracksolidReading.OBD_MILEAGE: _KM,
        Reading.OBD_SPEED: _KMH,
        Reading.VEHICLE_VOLTAGE: _VOLTS,
        TracksolidReading.CONFIDENCE: _NUMBER,
        TracksolidReading.FIX_STATUS: _NUMBER,
        TracksolidReading.UPLOAD_MODE: _NUMBER,
    }
)


_NO_NUMBERS = (str, datetime)


def known(readings: Mapping[str, Value | None]) -> dict[str, Value]:
    """Return the readings that have a possible value: what is not known is absent."""
    found: dict[str, Value] = {}
    for key, value in readings.items():
        if value is None:
            continue
        limits = _limits(key)
        if (
            limits is None
            or isinstance(value, _NO_NUMBERS)
            or limits[0] <= value <= limits[1]
        ):
            found[key] = value
    return found


@lru_cache(maxsize=1024)
def _limits(reading: str) -> tuple[float, float] | None:
    """Return the least and the greatest possible value of a reading, if it has any."""
    return _LIMITS.get(reading_parts(reading)[0])


def group(
    name: str,
    measured_at: datetime,
    readings: Mapping[str, Value | None],
    *,
    complete: bool = True,
    source: TimeSource = TimeSource.TRACKER,
) -> tuple[ReadingGroup, ...]:
    """Return a group of the readings that are known, none at all without any."""
    found = known(readings)
    if not found:
        return ()
    return (
        ReadingGroup(
            name=name,
            measured_at=measured_at,
            readings=found,
            complete=complete,
            time_source=source,
        ),
    )


def map_device(device: Device, now: datetime) -> VehicleUpdate:
    """Return what the account knows of a vehicle (4.1)."""
    name = device.name
    if name is None or name == device.imei:
        name = device.vehicle_name or device.plate or name or device.imei
    return VehicleUpdate(
        vehicle_id=device.imei,
        details=VehicleDetails(
            name=name,
            manufacturer=MANUFACTURER,
            model=device.model,
            plate=device.plate,
            serial_number=device.imei,
        ),
        groups=group(
            "account",
            now,
            {
                Reading.SERVICE_EXPIRES: device.expires_at,
                Reading.DRIVER_NAME: device.driver,
                Reading.SIM: device.sim,
                Reading.VIN: device.vin,
                TracksolidReading.ACTIVATED_AT: device.activated_at,
                TracksolidReading.ENABLED: device.enabled,
            },
            source=TimeSource.SERVER,
        ),
    )


def map_location(location: Location, now: datetime) -> VehicleUpdate:
    """Return the news in a location (5.1, 5.2).

    The device's own values are as old as its last sign of life, which may be days newer
    than its last fix. Whether it is online is the platform's word, and of now.
    """
    times = [time for time in (location.fixed_at, location.heard_at) if time]
    heard_at = max(times, default=None)
    measured_at = heard_at or now
    source = TimeSource.TRACKER if heard_at else TimeSource.OURS
    fuel = location.fuel
    readings: dict[str, Value | None] = {
        Reading.TRACKER_BATTERY: location.battery,
        Reading.TRACKER_VOLTAGE: location.battery_voltage,
        Reading.VEHICLE_VOLTAGE: location.external_voltage,
        Reading.TRACKER_CHARGING: location.charging,
        Reading.TEMPERATURE: location.temperature,
        Reading.ICCID: location.iccid,
        TracksolidReading.SIGNAL_LEVEL: location.signal_level,
    }
    # Trackers without a sensor report "0.00L"; a number without a unit is a voltage in
    # one table and a volume in the other.
    if fuel is not None and fuel[0] > 0 and fuel[1] in _FUEL_READINGS:
        readings[_FUEL_READINGS[fuel[1]]] = fuel[0]
    return VehicleUpdate(
        vehicle_id=location.imei,
        position=map_position(location),
        groups=(
            *group(
                "online",
                now,
                {Reading.ONLINE: location.online},
                source=TimeSource.SERVER,
            ),
            *group(
                "subscription",
                now,
                {
                    TracksolidReading.ACTIVATED: location.activated,
                    TracksolidReading.EXPIRED: location.expired,
                },
                source=TimeSource.SERVER,
            ),
            *group(
                "ignition",
                measured_at,
                {Reading.IGNITION: location.ignition},
                source=source,
            ),
            *group("tracker", measured_at, readings, source=source),
            *group(
                "odometer",
                measured_at,
                {Reading.ODOMETER: location.odometer},
                source=source,
            ),
            *group(
                "fix",
                location.fixed_at or measured_at,
                {
                    Reading.SATELLITES: location.satellites,
                    Reading.FIX_KIND: location.kind and location.kind.value,
                    Reading.ADDRESS: location.address,
                    TracksolidReading.CONFIDENCE: location.confidence,
                },
                source=source,
            ),
            # It may drive where it has no fix, or a fix without a time.
            *told_speed(
                location.speed,
                location.fixed_at or now,
                TimeSource.TRACKER if location.fixed_at else TimeSource.OURS,
            ),
        ),
        heard_at=heard_at,
    )


def map_nothing(imei: str, now: datetime) -> VehicleUpdate:
    """Return that nothing is told of a vehicle any more: it may be online or not."""
    online = ReadingGroup(
        name="online", measured_at=now, readings={}, time_source=TimeSource.SERVER
    )
    return VehicleUpdate(vehicle_id=imei, groups=(online,))


def map_position(location: Location) -> Position | None:
    """Return the fix of a location, None if there is none."""
    if (
        location.latitude is None
        or location.longitude is None
        or location.fixed_at is None
        or location.expired
    ):
        return None
    kind = location.kind or FixKind.SATELLITE
    return Position(
        latitude=location.latitude,
        longitude=location.longitude,
        accuracy=accuracy_m(kind),
        fixed_at=location.fixed_at,
        kind=kind,
        course=location.course,
        speed=location.speed,
    )


def map_tag(imei: str, tag: TagLocation) -> VehicleUpdate:
    """Return the news in a TAG's position (5.8, and its push)."""
    kind = tag.kind or FixKind.BEACON
    return VehicleUpdate(
        vehicle_id=imei,
        position=Position(
            latitude=tag.latitude,
            longitude=tag.longitude,
            accuracy=accuracy_m(kind),
            fixed_at=tag.fixed_at,
            kind=kind,
            speed=tag.speed,
        ),
        groups=(
            *group("fix", tag.fixed_at, {Reading.FIX_KIND: kind.value}),
            *group("tag", tag.fixed_at, {Reading.TRACKER_BATTERY: tag.battery}),
        ),
        heard_at=tag.fixed_at,
    )


def map_alarm(alarm: Alarm) -> VehicleUpdate:
    """Return an alarm as an occurrence, with the state that it tells (6.1, 10.4)."""
    groups: tuple[ReadingGroup, ...] = ()
    details: dict[str, Value] = {}
    if alarm.speed is not None:
        details["speed"] = alarm.speed
    if alarm.geofence is not None:
        details["geofence"] = alarm.geofence
    kind = OccurrenceType.OTHER if alarm.foreign else alarm_type(alarm.code)
    ended = None if alarm.foreign else what_ended(alarm.code)
    if alarm.ended:
        ended, kind = kind, OccurrenceType.CLEARED
    elif not alarm.foreign and (state := state_of(alarm.code)):
        reading, value = state
        # Locations and heartbeats have the ignition too; the newest counts.
        groups = group(
            reading, alarm.occurred_at, {reading: value}, source=alarm.time_source
        )
    if ended is not None:
        details["cleared"] = ended.value
    return VehicleUpdate(
        vehicle_id=alarm.imei,
        groups=groups,
        occurrences=(
            Occurrence(
                kind=OccurrenceKind.ALARM,
                type=kind,
                occurred_at=alarm.occurred_at,
                code=alarm.code,
                name=alarm.name,
                details=details,
                time_source=alarm.time_source,
                received_at=alarm.received_at,
            ),
        ),
        heard_at=alarm.occurred_at,
        heard_source=alarm.time_source,
    )


def map_obd(report: ObdReport) -> VehicleUpdate:
    """Return the news in an OBD report."""
    return VehicleUpdate(
        vehicle_id=report.imei,
        groups=group(
            ELECTRONICS,
            report.reported_at,
            {
                TracksolidReading.OBD_ODOMETER: report.odometer,
                TracksolidReading.OBD_MILEAGE: report.tracker_mileage,
                Reading.OBD_SPEED: report.speed,
                Reading.VEHICLE_VOLTAGE: report.voltage,
                Reading.ENGINE_SPEED: report.engine_speed,
                Reading.COOLANT_TEMPERATURE: report.coolant_temperature,
                Reading.FUEL: report.fuel,
                Reading.FUEL_LEVEL: report.fuel_level,
                Reading.VIN: report.vin,
            },
        ),
        heard_at=report.reported_at,
    )


def map_faults(imei: str, faults: Iterable[Fault], now: datetime) -> VehicleUpdate:
    """Return how many trouble codes a vehicle reported in a day, and each of them.

    The count is as old as the newest of them. Where there is none it says nothing of codes
    that were pushed within the day and that polling does not know.
    """
    recent = {
        fault: told_at
        for fault in faults
        if now - (told_at := believed(fault.occurred_at, now)) <= FAULT_WINDOW
    }
    return VehicleUpdate(
        vehicle_id=imei,
        groups=group(
            "faults",
            max(recent.values(), default=now - FAULT_WINDOW),
            {Reading.TROUBLE_CODES: len({fault.code for fault in recent})},
            source=TimeSource.SERVER,
        ),
        occurrences=tuple(map_fault(fault) for fault in recent),
    )


def map_fault(fault: Fault) -> Occurrence:
    """Return a trouble code as an occurrence."""
    return Occurrence(
        kind=OccurrenceKind.TROUBLE_CODE,
        type=OccurrenceType.TROUBLE_CODE,
        occurred_at=fault.occurred_at,
        code=fault.code,
        name=fault.detail,
    )


def map_trips(imei: str, trips: Iterable[Trip]) -> VehicleUpdate:
    """Return drives of a vehicle that ended (5.4, 10.22) as the vendor's own trips."""
    return VehicleUpdate(vehicle_id=imei, trips=tuple(map(vendor_trip, trips)))


def vendor_trip(trip: Trip) -> VendorTrip:
    """Return a drive that ended as a trip of the vendor."""
    return VendorTrip(
        begin=trip.started_at.timestamp(),
        end=trip.ended_at.timestamp(),
        distance_m=None if trip.distance is None else trip.distance * 1000,
        idle_s=trip.idle_time,
        top_speed=trip.top_speed,
        consumption=trip.consumption,
        begin_place=trip.started_in,
        end_place=trip.ended_in,
    )
