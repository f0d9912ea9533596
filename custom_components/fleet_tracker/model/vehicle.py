"""The neutral model that every vendor is mapped to.

One unit per quantity (degrees, m, km, km/h, V, %, °C, L), all times aware UTC, and what is
not known is absent: never 0, -1 or an empty text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
import math
from types import MappingProxyType
from typing import Final, Protocol

from .record import record
from .trips.log import TripLog
from .trips.trip import VendorTrip

type Value = bool | int | float | str | datetime

EMPTY: Mapping[str, Value] = MappingProxyType({})


class FixKind(StrEnum):
    """How a position was found."""

    SATELLITE = "satellite"
    WIFI = "wifi"
    CELL = "cell"
    BEACON = "beacon"


TYPICAL_ACCURACY_M: Mapping[FixKind, float] = MappingProxyType(
    {
        FixKind.SATELLITE: 15.0,
        FixKind.WIFI: 100.0,
        FixKind.BEACON: 30.0,
        FixKind.CELL: 1500.0,
    }
)
METRES_PER_HDOP = 5.0
NO_HDOP = 99.0
"""From here on receivers say that they have no fix, or do not know."""


def accuracy_m(
    kind: FixKind, *, reported: float | None = None, hdop: float | None = None
) -> float:
    """Return the accuracy of a fix in metres, which is never 0.

    The vendor's own figure comes first, then 5 m per unit of HDOP (at least 5 m), then
    one typical figure for the kind of fix.
    """
    if reported is not None and reported > 0:
        return reported
    if hdop is not None and 0 < hdop < NO_HDOP:
        return max(METRES_PER_HDOP, METRES_PER_HDOP * hdop)
    return TYPICAL_ACCURACY_M[kind]


EARTH_RADIUS_M = 6_371_008.8
ABSENCES_UNTIL_GONE = 2


class TimeSource(StrEnum):
    """The clock that a time is by."""

    TRACKER = "tracker"
    """The tracker's own clock, which may be wrong."""
    SERVER = "server"
    """The clock of the vendor's server, such as when news reached it."""
    OURS = "ours"
    """Our time: the receipt of the news, or the tracker's time set right."""
    ESTIMATED = "estimated"
    """Our time too: what the tracker's own clock will have shown then."""
    GUESSED = "guessed"
    """Our time too: set right by a span that no zone has, so that it may be late news."""

    @property
    def is_ours(self) -> bool:
        """Whether it is no time of a measurement, as far as is known."""
        return self not in (TimeSource.TRACKER, TimeSource.SERVER)


@record(frozen=True, slots=True, kw_only=True)
class Position:
    """A fix: WGS84 degrees, accuracy and altitude in m, course in degrees, speed in km/h.

    A vendor's mapping gives the time as it was told, however wrong; `clocks` makes of it
    the time that counts, and says then whether that is ours.
    """

    latitude: float
    longitude: float
    accuracy: float
    fixed_at: datetime
    kind: FixKind = FixKind.SATELLITE
    altitude: float | None = None
    course: float | None = None
    speed: float | None = None
    time_source: TimeSource = TimeSource.TRACKER

    @property
    def time_is_ours(self) -> bool:
        """Whether we put the time in, so that it makes no speed fresh."""
        return TimeSource(self.time_source).is_ours

    def distance_to(self, other: Position) -> float:
        """Return the great-circle distance to another fix in metres."""
        lat1, lat2 = math.radians(self.latitude), math.radians(other.latitude)
        half_lat = (lat2 - lat1) / 2
        half_lon = math.radians(other.longitude - self.longitude) / 2
        chord = (
            math.sin(half_lat) ** 2
            + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
        )
        return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


class Reading(StrEnum):
    """The readings that several vendors share.

    A vendor's own are in its `vocabulary`. A reading of which a vehicle has several is
    written ``key:part`` (``temperature:2``).
    """

    # derived for every vendor alike, see `derive`
    POSITION = "position"
    LAST_FIX = "last_fix"
    LAST_CONTACT = "last_contact"
    # derived where the vendor does not say it
    ONLINE = "online"
    MOVING = "moving"
    SPEED = "speed"
    COURSE = "course"
    ALTITUDE = "altitude"
    # what the vehicle's own electronics tell
    OBD_SPEED = "obd_speed"
    ENGINE_SPEED = "engine_speed"
    ENGINE_LOAD = "engine_load"
    COOLANT_TEMPERATURE = "coolant_temperature"
    INTAKE_PRESSURE = "intake_pressure"
    THROTTLE_POSITION = "throttle_position"
    # driving
    ACTIVITY = "activity"
    IGNITION = "ignition"
    IGNITION_CHANGED_AT = "ignition_changed_at"
    ODOMETER = "odometer"
    DISTANCE_TODAY = "distance_today"
    # the last trip that ended
    LAST_TRIP_DISTANCE = "last_trip_distance"
    LAST_TRIP_DURATION = "last_trip_duration"
    LAST_TRIP_IDLE_TIME = "last_trip_idle_time"
    LAST_TRIP_AVERAGE_SPEED = "last_trip_average_speed"
    LAST_TRIP_TOP_SPEED = "last_trip_top_speed"
    LAST_TRIP_CONSUMPTION = "last_trip_consumption"
    LAST_TRIP_ENDED = "last_trip_ended"
    CONSUMPTION_SINCE_REFUEL = "consumption_since_refuel"
    # power and fuel
    BATTERY = "battery"
    """What drives the vehicle."""
    TRACKER_BATTERY = "tracker_battery"
    """The cell in the tracker, for when the vehicle gives it no power."""
    TRACKER_VOLTAGE = "tracker_voltage"
    """Of that cell."""
    VEHICLE_VOLTAGE = "vehicle_voltage"
    """Of the vehicle's electrical system, whoever measures it."""
    CHARGING = "charging"
    """Of the battery that drives the vehicle."""
    TRACKER_CHARGING = "tracker_charging"
    """Of the cell in the tracker."""
    FUEL = "fuel"
    FUEL_LEVEL = "fuel_level"
    FUEL_SUPPLY = "fuel_supply"
    # doors, locks, protection
    DOOR = "door"
    LOCKED = "locked"
    ARMED = "armed"
    ENGINE_CUT = "engine_cut"
    # environment
    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    # reception
    SATELLITES = "satellites"
    HDOP = "hdop"
    FIX_KIND = "fix_kind"
    # cameras
    PHOTO_TAKEN = "photo_taken"
    # maintenance and subscription
    STATUS = "status"
    TROUBLE_CODES = "trouble_codes"
    DISTANCE_TO_SERVICE = "distance_to_service"
    NEXT_SERVICE = "next_service"
    SERVICE_EXPIRES = "service_expires"
    DRIVER_NAME = "driver_name"
    ADDRESS = "address"
    VIN = "vin"
    SIM = "sim"
    ICCID = "iccid"


class Capability(StrEnum):
    """The capabilities that several vendors share, see `Vehicle.capabilities`.

    A vendor's own are in its `vocabulary`. A capability that a vehicle has several times is
    written ``capability:part`` (``live_view:2``).
    """

    EVENTS = "events"
    """It tells of alarms, faults and the like."""
    CUT_ENGINE = "cut_engine"
    RESTORE_ENGINE = "restore_engine"
    LOCK = "lock"
    LIVE_VIEW = "live_view"
    KEYLESS = "keyless"
    """Its ignition is on as long as it is unlocked, and it has no engine that idles."""


class Activity(StrEnum):
    """What a vehicle does, in one word.

    *Idling* stands with its ignition on. A vehicle without a key is parked then, locked or
    not: nothing of it runs.
    """

    DRIVING = "driving"
    IDLING = "idling"
    PARKED = "parked"
    TOWED = "towed"
    OFFLINE = "offline"


class OccurrenceKind(StrEnum):
    """Which event entity of a vehicle shows an occurrence."""

    ALARM = "alarm"
    FAULT = "fault"
    IGNITION = "ignition"
    TROUBLE_CODE = "trouble_code"
    TRIP = "trip"
    DEVICE_DATA = "device_data"


class OccurrenceType(StrEnum):
    """The type of an occurrence, in one vocabulary for all vendors."""

    ARMED = "armed"
    BATTERY_FULL = "battery_full"
    BATTERY_LOW = "battery_low"
    BATTERY_REMOVED = "battery_removed"
    CHARGING_STARTED = "charging_started"
    CHARGING_STOPPED = "charging_stopped"
    CLEARED = "cleared"
    COLLISION = "collision"
    COVER_MOVED = "cover_moved"
    DISARMED = "disarmed"
    DOOR_CLOSED = "door_closed"
    DOOR_OPENED = "door_opened"
    DRIVER_BEHAVIOR = "driver_behavior"
    DUMP_SWITCH_OFF = "dump_switch_off"
    DUMP_SWITCH_ON = "dump_switch_on"
    ENGINE_CUT = "engine_cut"
    ENGINE_FAILURE = "engine_failure"
    ENGINE_RESTORED = "engine_restored"
    EXTERNAL_POWER_LOW = "external_power_low"
    FALLEN = "fallen"
    FATIGUE = "fatigue"
    FUEL_LEAK = "fuel_leak"
    FUEL_LOW = "fuel_low"
    FUEL_RISE = "fuel_rise"
    FUEL_THEFT = "fuel_theft"
    GEOFENCE_DWELL = "geofence_dwell"
    GEOFENCE_ENTERED = "geofence_entered"
    GEOFENCE_LEFT = "geofence_left"
    GPS_LOST = "gps_lost"
    GPS_RECOVERED = "gps_recovered"
    HARSH_ACCELERATION = "harsh_acceleration"
    HARSH_BRAKING = "harsh_braking"
    HUMIDITY_HIGH = "humidity_high"
    HUMIDITY_LOW = "humidity_low"
    IDLING = "idling"
    IDLING_ENDED = "idling_ended"
    IGNITION_OFF = "ignition_off"
    IGNITION_ON = "ignition_on"
    ILLEGAL_MOVEMENT = "illegal_movement"
    INPUT_CHANGED = "input_changed"
    JAMMING = "jamming"
    LANE_DEPARTURE = "lane_departure"
    MAINTENANCE = "maintenance"
    MOTION_STARTED = "motion_started"
    MOTION_STOPPED = "motion_stopped"
    OFFLINE = "offline"
    OTHER = "other"
    PARKED_LONG = "parked_long"
    POWERED_OFF = "powered_off"
    POWERED_ON = "powered_on"
    POWER_CONNECTED = "power_connected"
    POWER_DISCONNECTED = "power_disconnected"
    REST_MISSING = "rest_missing"
    RESTRICTED_DRIVING = "restricted_driving"
    ROLLOVER = "rollover"
    ROUTE_LEFT = "route_left"
    SHARP_TURN = "sharp_turn"
    SIM_CHANGED = "sim_changed"
    SLEEP = "sleep"
    SOS = "sos"
    SPEEDING = "speeding"
    TAMPERING = "tampering"
    TEMPERATURE_HIGH = "temperature_high"
    TEMPERATURE_LOW = "temperature_low"
    TIRE_LEAK = "tire_leak"
    TIRE_PRESSURE_HIGH = "tire_pressure_high"
    TIRE_PRESSURE_LOW = "tire_pressure_low"
    TIRE_TEMPERATURE = "tire_temperature"
    TOWED = "towed"
    TRIP_CORRECTED = "trip_corrected"
    TRIP_ENDED = "trip_ended"
    TRIP_STARTED = "trip_started"
    TROUBLE_CODE = "trouble_code"
    VIBRATION = "vibration"
    WAKE_UP = "wake_up"
    WINDOW_CLOSED = "window_closed"
    WINDOW_OPENED = "window_opened"


ROUTINE_TYPES: Final = frozenset(
    {
        OccurrenceType.ARMED,
        OccurrenceType.BATTERY_FULL,
        OccurrenceType.CHARGING_STARTED,
        OccurrenceType.CHARGING_STOPPED,
        OccurrenceType.DISARMED,
        OccurrenceType.DOOR_CLOSED,
        OccurrenceType.DOOR_OPENED,
        OccurrenceType.DUMP_SWITCH_OFF,
        OccurrenceType.DUMP_SWITCH_ON,
        OccurrenceType.ENGINE_RESTORED,
        OccurrenceType.GPS_RECOVERED,
        OccurrenceType.IDLING_ENDED,
        OccurrenceType.IGNITION_OFF,
        OccurrenceType.IGNITION_ON,
        OccurrenceType.INPUT_CHANGED,
        OccurrenceType.MOTION_STARTED,
        OccurrenceType.MOTION_STOPPED,
        OccurrenceType.POWERED_ON,
        OccurrenceType.POWER_CONNECTED,
        OccurrenceType.SLEEP,
        OccurrenceType.TRIP_CORRECTED,
        OccurrenceType.TRIP_ENDED,
        OccurrenceType.TRIP_STARTED,
        OccurrenceType.WAKE_UP,
        OccurrenceType.WINDOW_CLOSED,
        OccurrenceType.WINDOW_OPENED,
    }
)
"""What a vehicle in its daily use does: vendors tell it as alarms, but nothing is wrong."""


@record(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An alarm, fault, trip or other event of a vehicle: something that happened once.

    ``code`` and ``name`` are the vendor's own; ``details`` is further event data and never
    holds coordinates. The end of something that was raised before is of the type
    ``cleared``, with the type that ended in ``details["cleared"]``.

    ``occurred_at`` is as it was told until `clocks` made of it the time that counts.
    """

    kind: OccurrenceKind
    type: OccurrenceType
    occurred_at: datetime
    code: str | None = None
    name: str | None = None
    details: Mapping[str, Value] = field(default_factory=lambda: EMPTY)
    time_source: TimeSource = field(default=TimeSource.TRACKER, compare=False)
    received_at: datetime | None = field(default=None, compare=False)
    """When the vendor got it, by the vendor's clock, where the vendor tells that."""
    reported_at: datetime | None = field(default=None, compare=False)
    """When it occurred as it was told, however wrong. Set by `clocks`."""
    told_at: datetime | None = field(default=None, compare=False)
    """When we received it. Set by `clocks`."""
    pushed: bool = field(default=False, compare=False)
    """Whether it came in by itself. Set by `clocks` from the update."""

    @property
    def key(self) -> str:
        """The identity that a replay of this occurrence shares."""
        return f"{self.kind}/{self.type}/{self.code or ''}"

    @property
    def is_routine(self) -> bool:
        """Whether nothing is wrong: daily use of the vehicle, or the end of an alarm."""
        return self.type in ROUTINE_TYPES or self.type is OccurrenceType.CLEARED


@record(frozen=True, slots=True, kw_only=True)
class VehicleDetails:
    """The facts of a vehicle and its tracker on the device page."""

    name: str
    manufacturer: str | None = None
    model: str | None = None
    plate: str | None = None
    serial_number: str | None = None
    sw_version: str | None = None
    hw_version: str | None = None


ELECTRONICS = "obd"
"""The group of readings that the vehicle's own electronics tell, of all vendors."""


@record(frozen=True, slots=True, kw_only=True)
class ReadingGroup:
    """Readings that were measured together, so that one time decides which are newer.

    ``complete`` says that the group lists all that is known of it: a reading that it held
    before and no longer holds is gone. A partial group only adds and replaces. As with a
    `Position`, the time is as it was told until `clocks` made of it the one that counts.
    """

    name: str
    measured_at: datetime
    readings: Mapping[str, Value]
    complete: bool = True
    time_source: TimeSource = TimeSource.TRACKER
    not_known: frozenset[str] = frozenset()
    """The readings that the vendor says it does not know, for a partial group to forget."""

    @property
    def time_is_ours(self) -> bool:
        """Whether we put the time in, so that it makes no speed fresh."""
        return TimeSource(self.time_source).is_ours


class KnownRecord(Protocol):
    """A vendor's record that was merged: a later one may say nothing beyond it."""

    @property
    def has_contacts(self) -> bool:
        """Whether the vehicle was heard of in records that were covered."""

    def begin(self, vehicle: Vehicle) -> None:
        """Note a vehicle as it is after the record was merged, which others follow."""

    def covers(self, record: Mapping[str, object], now: float) -> bool:
        """Tell whether merging a later record would change nothing that is shown.

        ``now`` is by the server's clock, in Unix seconds. The caller knows that nothing has
        touched the vehicle since. What is covered is left out, until something does.
        """

    def left_out(self, vehicle: Vehicle) -> VehicleUpdate | None:
        """Return the news in the last record that was covered, None if none was.

        It is only how long the same was said, which decides what else is newer, and when
        the vehicle was heard of.
        """


@record(frozen=True, slots=True, kw_only=True)
class VehicleUpdate:
    """News of one vehicle, polled or pushed. None and empty fields say nothing."""

    vehicle_id: str
    details: VehicleDetails | None = None
    capabilities: frozenset[str] | None = None
    position: Position | None = None
    fix_stamp: datetime | None = None
    """What the tracker's own clock says of the position, where its time is by another."""
    groups: tuple[ReadingGroup, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    heard_at: datetime | None = None
    """When the vehicle itself (not the cloud) was last heard of."""
    heard_source: TimeSource = TimeSource.TRACKER
    """The clock of that time."""
    pushed: bool = False
    """Whether the news came in by itself, as it happened, rather than on a request."""
    odometer_set: bool = False
    """The odometer was set by a command, so that a lower value is right."""
    contact_interval: timedelta | None = None
    """How often it should be heard of, where the vendor does not say whether it is online."""
    contacts: tuple[datetime, ...] = ()
    """When it was heard of since, where that was left out; the last is `heard_at`."""
    trips: tuple[VendorTrip, ...] = ()
    """Trips that ended, as the vendor counts them."""
    way: tuple[Position, ...] = ()
    """Fixes of a trip that ended, which the vendor was asked for: they say nothing else."""
    record: KnownRecord | None = field(default=None, compare=False, repr=False)
    """The vendor's record that it was mapped from, where later records may be compared."""


@record(frozen=True, slots=True, kw_only=True)
class Growth:
    """The last accepted value of a reading that only grows, and another one that waits."""

    value: float
    measured_at: datetime
    waiting: float | None = None
    waiting_measured_at: datetime | None = None
    waiting_since: datetime | None = None
    """When values first came that do not agree with the accepted one, by our clock."""


@record(frozen=True, slots=True, kw_only=True)
class WaitingFix:
    """A fix that is not believed yet, and how many such fixes came in a row."""

    fix: Position
    since: datetime
    """When the fix was first told, by our clock."""
    in_a_row: int = 1
    is_coarse: bool = False
    """It waits since it is of a coarser kind than the place of a parked vehicle."""


@record(frozen=True, slots=True, kw_only=True)
class Beliefs:
    """The memory of a vehicle's news by which plausibility is judged."""

    growths: Mapping[str, Growth] = field(default_factory=lambda: MappingProxyType({}))
    """By reading, of those that only grow."""
    waiting_fix: WaitingFix | None = None
    is_motion_confirmed: bool = False
    """Whether more than a single fast fix says that the vehicle moves."""


class SpeedSource(StrEnum):
    """The source of a speed."""

    FIX = "fix"
    VEHICLE = "vehicle"
    """The vehicle's status."""
    OBD = "obd"
    """The vehicle's own speedometer."""
    TOLD = "told"
    """An event, or a speed without a fix: it proves only that a vehicle drives."""


@record(frozen=True, slots=True, kw_only=True)
class HeardSpeed:
    """A speed in km/h, and when it was measured."""

    speed: float
    measured_at: datetime
    source: SpeedSource
    time_is_ours: bool = False


@record(frozen=True, slots=True, kw_only=True)
class ToldSpeed:
    """A speed as it was told last, by which one that is told again is known.

    ``by`` names what told it, ``stamp`` is its time by the clock of that.
    """

    by: str
    stamp: datetime
    speed: float
    latitude: float | None = None
    longitude: float | None = None


@record(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence of a vehicle's motion for the guard beside its readings, see `evidence`."""

    speeds: tuple[HeardSpeed, ...] = ()
    """Those of the last 2 minutes, the fastest of each second and source."""
    moved_at: datetime | None = None
    """When a speed of 5 km/h or more was last measured."""
    driven_at: datetime | None = None
    """When a speed of 20 km/h or more was last measured."""
    engine_ran_at: datetime | None = None
    """When the engine last turned."""
    ignition: bool | None = None
    ignition_told_at: datetime | None = None
    ignition_contact_at: datetime | None = None
    """When the vehicle was in contact that told it; None where nobody knows."""
    ignition_off_since: datetime | None = None
    ignition_seen_on: bool = False
    ignition_distrusted_at: datetime | None = None
    """When it was seen driving with the ignition off; None since it was seen on again."""
    contact_gaps: tuple[timedelta, ...] = ()
    """How long it was from one contact to the next, the last few times."""
    told: tuple[ToldSpeed, ...] = ()
    """The last speed of each that tells some, and those of the last few events."""


@record(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time as a tracker told it, the time that it counts for, and the clock of that."""

    told: datetime
    counts_as: datetime
    source: TimeSource


@record(frozen=True, slots=True, kw_only=True)
class ClockWatch:
    """What one kind of a tracker's times (of its fixes, of its contacts) says of its clock.

    ``offset`` is by how much they are ahead of the true time, once that was learned.
    """

    offset: timedelta | None = None
    pointed: timedelta = timedelta()
    """The offset that the last times point to."""
    alike: int = 0
    """How many in a row did, while they moved on as the receipts did."""
    told: datetime | None = None
    received: datetime | None = None
    """The last of those, and its receipt."""
    since: datetime | None = None
    """The receipt of the first of those."""
    first: timedelta | None = None
    """By how much the first of those was ahead of its receipt."""
    misfits: int = 0
    """How many times in a row made no sense, also with the offset."""


@record(frozen=True, slots=True, kw_only=True)
class TrackerClock:
    """The state of the clock of a vehicle's tracker, see `clocks`."""

    fixes: ClockWatch = field(default_factory=ClockWatch)
    contacts: ClockWatch = field(default_factory=ClockWatch)
    stamps: Mapping[str, tuple[Stamp, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """The last times of each kind, so that one that is told again counts as before."""


@record(frozen=True, slots=True, kw_only=True)
class FuelLog:
    """What is known of a tank, in litres, km and Unix seconds, see `fuel`."""

    measured_at: float = 0.0
    stands_since: float = 0.0
    first: tuple[float, ...] = ()
    last: tuple[float, ...] = ()
    """The first and the last levels of the stand that goes on."""
    level: float | None = None
    """The last level of the stand before."""
    used: float = 0.0
    """How much was used since it was refuelled."""
    since_km: float | None = None
    """The odometer then."""
    highest: float = 0.0
    centilitres: int = 0
    """What divides all levels: the step that they come in."""


@record(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """The record of one vehicle.

    ``readings`` is the flat view that entities read: the newest reading groups and the
    derived readings. ``position`` is the one shown, which holds still while parked;
    ``latest_fix`` is the newest accepted fix.
    """

    vehicle_id: str
    details: VehicleDetails
    capabilities: frozenset[str] = frozenset()
    readings: Mapping[str, Value] = field(default_factory=lambda: EMPTY)
    groups: Mapping[str, ReadingGroup] = field(
        default_factory=lambda: MappingProxyType({})
    )
    position: Position | None = None
    latest_fix: Position | None = None
    heard_at: datetime | None = None
    clock: TrackerClock = field(default_factory=TrackerClock)
    contact_interval: timedelta | None = None
    beliefs: Beliefs = field(default_factory=Beliefs)
    stood_since: datetime | None = None
    """Since when it has not moved, with the ignition on; None while it moves or is off."""
    evidence: Evidence = field(default_factory=Evidence)
    trips: TripLog = field(default_factory=TripLog)
    distance_today_at: datetime | None = None
    """When the distance of the day was last shown anew."""
    fuel: FuelLog = field(default_factory=FuelLog)
    last_activity: Activity | None = None
    """What it did when it was last heard of: its activity, and never *offline*."""
    occurrence_kinds: frozenset[OccurrenceKind] = frozenset()
    """The kinds of occurrences that this vehicle has shown so far."""
    shown_readings: frozenset[str] = frozenset()
    """The readings that it has shown so far, those that are not known now included."""
    absences: int = 0
    """How many complete lists of the account it was missing from lately, in a row."""

    @property
    def is_gone(self) -> bool:
        """Whether it is no longer in the account."""
        return self.absences >= ABSENCES_UNTIL_GONE


PART_MARK = ":"


def part_of(key: str, part: object) -> str:
    """Return the reading or capability of one part, such as ``temperature:2``."""
    return f"{key}{PART_MARK}{part}"


def reading_parts(reading: str) -> tuple[str, str]:
    """Return the key of a reading or capability, and its part (empty if it has none)."""
    key, _, part = reading.partition(PART_MARK)
    return key, part
