"""The vendor's records as news of vehicles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.evidence import TOLD_SPEED
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    OccurrenceKind,
    OccurrenceType,
    Reading,
    VehicleUpdate,
    part_of,
)
from custom_components.fleet_tracker.vendors.tracksolid import mapping
from custom_components.fleet_tracker.vendors.tracksolid.alarm_types import (
    KNOWN_CODES,
    alarm_type,
    state_of,
    what_ended,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.records import (
    Alarm,
    Device,
    Fault,
    Location,
    ObdReport,
    Stop,
    TagLocation,
    Trip,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.values import stamp
from custom_components.fleet_tracker.vendors.tracksolid.pushes.mapping import map_push
from custom_components.fleet_tracker.vendors.tracksolid.vocabulary import (
    TracksolidReading,
)

NOW = datetime(2026, 3, 26, 12, tzinfo=UTC)

# The manual's own example of a location row.
EXAMPLE: dict[str, object] = {
    "imei": "860121060369660",
    "deviceName": "VL802-69660",
    "mcType": "VL802",
    "icon": "other",
    "status": "1",
    "posType": "GPS",
    "lat": 22.576562,
    "lng": 113.943084,
    "hbTime": "2026-03-26 11:25:38",
    "accStatus": "1",
    "gpsSignal": "4",
    "powerValue": None,
    "batteryPowerVal": "0.06",
    "speed": "0",
    "gpsNum": "15",
    "gpsTime": "2026-03-18 10:20:37",
    "direction": "0",
    "activationFlag": "1",
    "expireFlag": "1",
    "electQuantity": "",
    "locDesc": None,
    "distance": "-1",
    "temperature": None,
    "trackerOil": "0.00L",
    "trackerOils": None,
    "currentMileage": "0.6481649691599485",
    "account": "FAETEST",
    "iccid": "898608401024C0669758",
    "chargeStatus": None,
    "confidence": None,
}


def location(**fields: object) -> Location:
    """Return the example with other fields."""
    found = Location.from_row(EXAMPLE | fields)
    assert found is not None
    return found


def readings(update: VehicleUpdate) -> dict[str, object]:
    """Return all readings of an update."""
    return {
        key: value for group in update.groups for key, value in group.readings.items()
    }


def test_example_of_the_manual() -> None:
    """A fix of eight days ago, a sign of life of half an hour ago, online now."""
    update = mapping.map_location(location(), NOW)
    assert readings(update) == {
        Reading.ONLINE: True,
        Reading.IGNITION: True,
        Reading.TRACKER_VOLTAGE: 0.06,
        Reading.ODOMETER: 0.6481649691599485,
        Reading.SATELLITES: 15,
        Reading.SPEED: 0,
        Reading.FIX_KIND: "satellite",
        Reading.ICCID: "898608401024C0669758",
        TracksolidReading.SIGNAL_LEVEL: 4,
        TracksolidReading.ACTIVATED: True,
        TracksolidReading.EXPIRED: False,
    }
    assert update.position is not None
    assert update.position.fixed_at == datetime(2026, 3, 18, 10, 20, 37, tzinfo=UTC)
    assert update.position.accuracy == 15
    assert update.position.course == 0
    assert update.heard_at == datetime(2026, 3, 26, 11, 25, 38, tzinfo=UTC)
    times = {group.name: group.measured_at for group in update.groups}
    assert times["online"] == NOW
    assert times["ignition"] == update.heard_at
    assert times["fix"] == update.position.fixed_at
    assert times[TOLD_SPEED] == update.position.fixed_at


@pytest.mark.parametrize(
    ("fields", "reading", "value"),
    [
        ({"trackerOil": "12.50L"}, Reading.FUEL, 12.5),
        ({"trackerOil": "50%"}, Reading.FUEL_LEVEL, 50),
        ({"trackerOil": "2.5V"}, TracksolidReading.FUEL_VOLTAGE, 2.5),
        ({"trackerOil": "12"}, Reading.FUEL, None),
        ({"temperature": "-4.5"}, Reading.TEMPERATURE, -4.5),
        ({"powerValue": "12.6"}, Reading.VEHICLE_VOLTAGE, 12.6),
        ({"powerValue": "12.6V"}, Reading.VEHICLE_VOLTAGE, 12.6),
        ({"powerValue": "98%"}, Reading.VEHICLE_VOLTAGE, None),
        ({"powerValue": "12600mV"}, Reading.VEHICLE_VOLTAGE, None),
        ({"batteryPowerVal": "4%"}, Reading.TRACKER_BATTERY, 4),
        ({"batteryPowerVal": "4%"}, Reading.TRACKER_VOLTAGE, None),
        ({"batteryPowerVal": "4.1 V"}, Reading.TRACKER_VOLTAGE, 4.1),
        ({"batteryPowerVal": "60V"}, Reading.TRACKER_BATTERY, None),
        ({"electQuantity": "98.30%"}, Reading.TRACKER_BATTERY, 98.3),
        ({"electQuantity": "4.1V"}, Reading.TRACKER_BATTERY, None),
        ({"temperature": "21.5°C"}, Reading.TEMPERATURE, 21.5),
        ({"temperature": "55%"}, Reading.TEMPERATURE, None),
        ({"currentMileage": "12.5km"}, Reading.ODOMETER, 12.5),
        ({"currentMileage": "12.5mi"}, Reading.ODOMETER, None),
        ({"gpsNum": "9%"}, Reading.SATELLITES, None),
        ({"chargeStatus": "1"}, Reading.TRACKER_CHARGING, True),
        ({"locDesc": "Dock 3"}, Reading.ADDRESS, "Dock 3"),
        ({"status": "0"}, Reading.ONLINE, False),
        ({"accStatus": ""}, Reading.IGNITION, None),
        ({"electQuantity": "86"}, Reading.TRACKER_BATTERY, 86),
        ({"elecQuantity": "98.30%"}, Reading.TRACKER_BATTERY, 98.3),
        ({"expireFlag": "0"}, TracksolidReading.EXPIRED, True),
        ({"expireFlag": None}, TracksolidReading.EXPIRED, None),
        ({"activationFlag": "0"}, TracksolidReading.ACTIVATED, False),
        ({"confidence": 7}, TracksolidReading.CONFIDENCE, 7),
    ],
)
def test_fields_of_a_location(
    fields: dict[str, object], reading: str, value: object
) -> None:
    """Each field has its reading, and what is unknown has none."""
    assert readings(mapping.map_location(location(**fields), NOW)).get(reading) == value


@pytest.mark.parametrize(
    ("field", "value", "reading"),
    [
        ("powerValue", "1e9", Reading.VEHICLE_VOLTAGE),
        ("currentMileage", "1e30", Reading.ODOMETER),
        ("temperature", "-300", Reading.TEMPERATURE),
        ("gpsNum", "1e12", Reading.SATELLITES),
        ("gpsSignal", "1e300", TracksolidReading.SIGNAL_LEVEL),
        ("trackerOil", "9999999L", Reading.FUEL),
        ("confidence", "1e30", TracksolidReading.CONFIDENCE),
    ],
)
def test_absurd_numbers(field: str, value: str, reading: str) -> None:
    """Values that no measurement can have are absent."""
    update = mapping.map_location(location(**{field: value}), NOW)
    assert reading not in readings(update)


@pytest.mark.parametrize(
    ("field", "value", "reading", "shown"),
    [
        ("temperature", "-273.16", Reading.TEMPERATURE, None),
        ("temperature", "-273.15", Reading.TEMPERATURE, -273.15),
        ("temperature", "1000", Reading.TEMPERATURE, 1000),
        ("temperature", "1000.1", Reading.TEMPERATURE, None),
        ("confidence", "-1", TracksolidReading.CONFIDENCE, None),
        ("confidence", "0", TracksolidReading.CONFIDENCE, 0),
        ("confidence", "4294967296", TracksolidReading.CONFIDENCE, 2**32),
        ("confidence", "4294967297", TracksolidReading.CONFIDENCE, None),
    ],
)
def test_bounds_of_measurements(
    field: str, value: str, reading: str, shown: float | None
) -> None:
    """A value on a bound counts, one beyond it does not."""
    update = mapping.map_location(location(**{field: value}), NOW)
    assert readings(update).get(reading) == shown


def test_absurd_speed() -> None:
    """No vehicle is faster than 1000 km/h."""
    position = mapping.map_location(location(speed="1e9"), NOW).position
    assert position is not None
    assert position.speed is None


@pytest.mark.parametrize(
    ("kind", "expected", "accuracy"),
    [
        ("GPS", FixKind.SATELLITE, 15),
        ("LBS", FixKind.CELL, 1500),
        ("WIFI", FixKind.WIFI, 100),
        ("BEACON", FixKind.BEACON, 30),
        (None, FixKind.SATELLITE, 15),
    ],
)
def test_kinds_of_fixes(kind: object, expected: FixKind, accuracy: float) -> None:
    """Each kind has its typical accuracy, never 0."""
    position = mapping.map_location(location(posType=kind), NOW).position
    assert position is not None
    assert (position.kind, position.accuracy) == (expected, accuracy)


@pytest.mark.parametrize(
    "fields",
    [
        {"lat": 0, "lng": 0},
        {"expireFlag": "0"},
        {"gpsTime": ""},
        {"lat": None},
        {"lng": "200"},
    ],
)
def test_positions_that_are_no_fix(fields: dict[str, object]) -> None:
    """Expired devices are at (0, 0); no fix has no position."""
    assert mapping.map_location(location(**fields), NOW).position is None


def test_location_without_times() -> None:
    """Before anything was heard, what the platform says is as of now."""
    update = mapping.map_location(location(gpsTime=None, hbTime=None), NOW)
    assert update.heard_at is None
    assert update.position is None
    assert {group.measured_at for group in update.groups} == {NOW}


def test_device() -> None:
    """The device list gives the device page and what the account knows."""
    device = Device(
        imei="1",
        name="Van",
        model="VL802",
        plate="FT-1",
        driver="Robin",
        vin="V1",
        sim="0123",
        expires_at=NOW,
        activated_at=NOW,
        enabled=False,
    )
    update = mapping.map_device(device, NOW)
    assert update.details is not None
    assert (update.details.name, update.details.model) == ("Van", "VL802")
    assert (update.details.plate, update.details.serial_number) == ("FT-1", "1")
    assert readings(update) == {
        Reading.SERVICE_EXPIRES: NOW,
        Reading.DRIVER_NAME: "Robin",
        Reading.SIM: "0123",
        Reading.VIN: "V1",
        TracksolidReading.ACTIVATED_AT: NOW,
        TracksolidReading.ENABLED: False,
    }


@pytest.mark.parametrize(
    ("device", "name"),
    [
        (Device(imei="1", name="1", vehicle_name="Truck", plate="P"), "Truck"),
        (Device(imei="1", name="1", plate="P"), "P"),
        (Device(imei="1", name="1"), "1"),
        (Device(imei="1"), "1"),
        (Device(imei="1", name="Van", vehicle_name="Truck"), "Van"),
    ],
)
def test_name_of_a_device(device: Device, name: str) -> None:
    """An IMEI is a name only where there is no better one."""
    details = mapping.map_device(device, NOW).details
    assert details is not None
    assert details.name == name


def test_tag() -> None:
    """A TAG is a position and a battery."""
    tag = TagLocation(
        latitude=1, longitude=2, fixed_at=NOW, kind=None, speed=None, battery=80
    )
    update = mapping.map_tag("1", tag)
    assert update.position is not None
    assert update.position.kind is FixKind.BEACON
    assert readings(update)[Reading.TRACKER_BATTERY] == 80


# --- alarms ---------------------------------------------------------------------------------

# The official table as our notes have it: numbers of devices, texts of the platform.
NUMBERS = [
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "9",
    "10",
    "11",
    "12",
    "13",
    "14",
    "15",
    "16",
    "17",
    "18",
    "19",
    "20",
    "21",
    "22",
    "24",
    "25",
    "28",
    "29",
    "35",
    "36",
    "39",
    "40",
    "41",
    "42",
    "43",
    "44",
    "45",
    "48",
    "50",
    "55",
    "58",
    "71",
    "76",
    "77",
    "78",
    "79",
    "80",
    "81",
    "82",
    "83",
    "86",
    "87",
    "89",
    "90",
    "91",
    "92",
    "100",
    "101",
    "113",
    "114",
    "115",
    "119",
    "120",
    "126",
    "127",
    "128",
    "135",
    "136",
    "138",
    "139",
    "140",
    "141",
    "142",
    "143",
    "144",
    "145",
    "146",
    "147",
    "148",
    "149",
    "150",
    "151",
    "154",
    "160",
    "163",
    "165",
    "168",
    "169",
    "170",
    "171",
    "172",
    "173",
    "191",
    "197",
    "198",
    "199",
    "202",
    "203",
    "204",
    "205",
    "206",
    "207",
    "208",
    "224",
    "227",
    "230",
    "231",
    "232",
    "233",
    "254",
    "256",
    "257",
    "258",
    "259",
    "260",
    "261",
    "262",
    "263",
    "266",
    "267",
    "268",
    "1001",
    "1002",
]
WORDS = [
    "ACC_ON",
    "ACC_OFF",
    "burglarStatus_0",
    "burglarStatus_1",
    "burglarStatus_2",
    "carFault",
    "displacementAlarm",
    "DMSAlert",
    "drivingBehaviorAlert",
    "fenceOverspeed",
    "geozone",
    "in",
    "out",
    "laneshift",
    "high_temp_alarm",
    "low_temp_alarm",
    "mileageAlarm",
    "obd",
    "offline",
    "other",
    "overSpeed",
    "sensitiveAreasFence",
    "stayAlert",
    "stayAlertOn",
    "stayTimeIn",
    "stayTimeOut",
    "statusTrunk_0",
    "statusTrunk_1",
    "ubiAcce",
    "ubiColl",
    "ubiDece",
    "ubiLane",
    "ubiRoll",
    "ubiSatt",
    "ubiStab",
    "ubiTurn",
]


def test_whole_table_is_known() -> None:
    """Every code of the official table was thought about, and no other is invented."""
    assert {*NUMBERS, *(word.lower() for word in WORDS)} == KNOWN_CODES


@pytest.mark.parametrize("code", [*NUMBERS, *WORDS])
def test_case_does_not_matter(code: str) -> None:
    """One client saw "overspeed" where the table says overSpeed."""
    kinds = {alarm_type(form) for form in (code, code.lower(), code.upper())}
    assert len(kinds) == 1


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("1", OccurrenceType.SOS),
        ("2", OccurrenceType.POWER_DISCONNECTED),
        ("3", OccurrenceType.VIBRATION),
        ("overspeed", OccurrenceType.SPEEDING),
        ("138", OccurrenceType.ENGINE_CUT),
        ("139", OccurrenceType.ENGINE_RESTORED),
        ("1001", OccurrenceType.IGNITION_OFF),
        ("1002", OccurrenceType.IGNITION_ON),
        ("statusLeftFrontDoors_1", OccurrenceType.DOOR_OPENED),
        ("statusRightRearDoors_0", OccurrenceType.DOOR_CLOSED),
        ("statusLeftRearWindows_1", OccurrenceType.WINDOW_OPENED),
        ("statusRightFrontWindows_0", OccurrenceType.WINDOW_CLOSED),
        ("101", OccurrenceType.CLEARED),
        ("4711", OccurrenceType.OTHER),
        ("brandNew", OccurrenceType.OTHER),
    ],
)
def test_types_of_alarms(code: str, expected: OccurrenceType) -> None:
    """Some that matter, and some that nobody knows."""
    assert alarm_type(code) is expected


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("28", ("door", True)),
        ("29", ("door", False)),
        ("80", ("door", False)),
        ("81", ("door", True)),
        ("138", (Reading.ENGINE_CUT, True)),
        ("ACC_OFF", (Reading.IGNITION, False)),
        ("burglarStatus_1", (Reading.ARMED, True)),
        ("87", (Reading.TRACKER_CHARGING, False)),
        ("statusTrunk_1", ("trunk", True)),
        ("statusLeftFrontDoors_1", ("door_left_front", True)),
        ("statusRightRearWindows_0", ("window_right_rear", False)),
        ("3", None),
        ("20", None),
    ],
)
def test_states_that_alarms_tell(code: str, state: object) -> None:
    """Doors, ignition, cut-off, charging and protection follow their alarms."""
    assert state_of(code) == state


def alarm(code: str = "3", **fields: object) -> Alarm:
    """Return an alarm."""
    return Alarm(
        imei="1",
        code=code,
        name="Vibration alert",
        occurred_at=NOW,
        **fields,  # type: ignore[arg-type]  # each test knows its fields
    )


def test_alarm() -> None:
    """An alarm has the vendor's code and name, and no coordinates."""
    update = mapping.map_alarm(alarm(speed=12.0, geofence="f1"))
    (occurrence,) = update.occurrences
    assert occurrence.kind is OccurrenceKind.ALARM
    assert occurrence.type is OccurrenceType.VIBRATION
    assert (occurrence.code, occurrence.name) == ("3", "Vibration alert")
    assert occurrence.details == {"speed": 12.0, "geofence": "f1"}
    assert not update.groups


def test_alarm_of_jt808_is_another_one() -> None:
    """The same number means something else: it is passed on with its number."""
    update = mapping.map_alarm(alarm("138", foreign=True))
    (occurrence,) = update.occurrences
    assert occurrence.type is OccurrenceType.OTHER
    assert occurrence.code == "138"
    assert not update.groups


def test_end_of_an_alarm() -> None:
    """An end is told as such, with what ended; it changes no state."""
    update = mapping.map_alarm(alarm("28", ended=True))
    (occurrence,) = update.occurrences
    assert occurrence.type is OccurrenceType.CLEARED
    assert occurrence.details == {"cleared": "door_opened"}
    assert not update.groups
    (occurrence,) = mapping.map_alarm(alarm("101")).occurrences
    assert occurrence.details == {"cleared": "collision"}
    assert what_ended("3") is None


def test_older_alarm_does_not_undo_the_ignition() -> None:
    """An ACC alarm that comes late loses against a younger heartbeat."""
    now = NOW
    on = mapping.map_location(location(hbTime="2026-03-26 11:59:00"), now)
    vehicle = merge(None, on, Rules(), now).vehicle
    late = mapping.map_alarm(
        Alarm(imei="1", code="1001", name=None, occurred_at=now - timedelta(hours=1))
    )
    assert merge(vehicle, late, Rules(), now).vehicle.readings[Reading.IGNITION]
    new = mapping.map_alarm(Alarm(imei="1", code="1001", name=None, occurred_at=now))
    after = merge(vehicle, new, Rules(), now).vehicle
    assert after.readings[Reading.IGNITION] is False


# --- OBD, faults, trips ---------------------------------------------------------------------


def test_obd() -> None:
    """An OBD report in our units."""
    report = ObdReport.from_row(
        {
            "imei": "158511020000028",
            "dataReportTime": "2024-05-09 10:25:00",
            "odometerReading": "2049.6",
            "deviceAccumulatedMileage": "142.9",
            "remainingFuel": None,
            "remainingFuelPercentage": "58",
            "coolantTemperature": "77",
            "vehicleBatterVoltage": "118",
            "currentRPM": "5016",
            "currentSpeed": "88.5",
            "vin": "LC0CG4CF1H0029191",
        }
    )
    assert report is not None
    assert readings(mapping.map_obd(report)) == {
        TracksolidReading.OBD_ODOMETER: 2049.6,
        TracksolidReading.OBD_MILEAGE: 142.9,
        Reading.OBD_SPEED: 88.5,
        Reading.VEHICLE_VOLTAGE: 11.8,
        Reading.ENGINE_SPEED: 5016,
        Reading.COOLANT_TEMPERATURE: 77,
        Reading.FUEL_LEVEL: 58,
        Reading.VIN: "LC0CG4CF1H0029191",
    }


def test_faults() -> None:
    """Each code counts once, and only for a day."""
    faults = [
        Fault(imei="1", code="P0301", detail="Misfire", occurred_at=NOW),
        Fault(imei="1", code="P0301", detail=None, occurred_at=NOW),
        Fault(
            imei="1", code="U0464", detail=None, occurred_at=NOW - timedelta(hours=25)
        ),
    ]
    update = mapping.map_faults("1", faults, NOW)
    assert readings(update) == {Reading.TROUBLE_CODES: 1}
    assert [one.code for one in update.occurrences] == ["P0301", "P0301"]
    assert update.occurrences[0].name == "Misfire"
    assert update.groups[0].measured_at == NOW
    assert readings(mapping.map_faults("1", [], NOW)) == {Reading.TROUBLE_CODES: 0}


@pytest.mark.parametrize(
    ("hours", "polled", "shown"),
    [
        (1, (), 2),  # polling does not know what is pushed
        (1, (5,), 2),  # nor that it is newer than what it knows
        (1, (0.5,), 1),  # a newer code is the newest news
        (25, (), 0),  # after a day they do not count any more
    ],
)
def test_polled_faults_beside_pushed_ones(
    hours: float, polled: tuple[float, ...], shown: int
) -> None:
    """Pushed trouble codes count for a day, whatever polling finds less of."""
    pushed_at = NOW - timedelta(hours=hours)
    item = {
        "deviceImei": "1",
        "eventTime": stamp(pushed_at),
        "faultCodeList": ["P0301", "P0420"],
    }
    pushed = map_push("pushfaultinfo", item, pushed_at)
    assert pushed is not None
    vehicle = merge(None, pushed, Rules(), pushed_at).vehicle
    faults = [
        Fault(
            imei="1", code="U0464", detail=None, occurred_at=NOW - timedelta(hours=ago)
        )
        for ago in polled
    ]
    merged = merge(vehicle, mapping.map_faults("1", faults, NOW), Rules(), NOW)
    assert merged.vehicle.readings[Reading.TROUBLE_CODES] == shown


def test_trip() -> None:
    """A trip is the vendor's own: it wins over what is derived for the same time."""
    trip = Trip(
        imei="1",
        started_at=NOW - timedelta(minutes=30),
        ended_at=NOW,
        distance=30.0,
        duration=1800,
        average_speed=60,
        top_speed=101,
        idle_time=35,
        consumption=1.4,
    )
    update = mapping.map_trips(trip.imei, [trip])
    (told,) = update.trips
    assert (told.begin, told.end) == (NOW.timestamp() - 1800, NOW.timestamp())
    assert told.distance_m == 30_000
    assert (told.idle_s, told.top_speed, told.consumption) == (35, 101, 1.4)
    assert not update.groups
    assert not update.occurrences


@pytest.mark.parametrize("absurd", ["4294967295", "-1", "1e300", "1001", "x"])
def test_absurd_numbers_of_a_trip(absurd: str) -> None:
    """They are unknown, and the trip is told all the same."""
    row = {
        "imei": "1",
        "startTime": "2026-01-01 10:00:00",
        "endTime": "2026-01-01 10:30:00",
        "runTimeSecond": "1e300",
        "idleSecond": "1e300",
        "avgSpeed": absurd,
        "maxSpeed": absurd,
        "distance": "1e300",
    }
    trip = Trip.from_row(row)
    assert trip is not None
    assert trip.duration == 1800
    assert (trip.average_speed, trip.top_speed) == (None, None)
    assert (trip.distance, trip.idle_time) == (None, None)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("1500", 1500),
        ("4200", 4200),
        ("4201", None),
        ("4294967295", None),
        ("-1", None),
    ],
)
def test_seconds_of_a_time(told: str, expected: int | None) -> None:
    """Nothing lasts far longer than what it is a part of."""
    times = {"startTime": "2026-01-01 10:00:00", "endTime": "2026-01-01 10:30:00"}
    row = {"imei": "1", **times}
    trip = Trip.from_row({**row, "runTimeSecond": told, "idleSecond": told})
    assert trip is not None
    assert (trip.duration, trip.idle_time) == (expected or 1800, expected)
    stop = Stop.from_row({**row, "durSecond": told}, idling=False)
    assert stop is not None
    assert stop.duration == expected
    del row["endTime"]
    still = Stop.from_row({**row, "stopSecond": "4294967295"}, idling=True)
    assert still is not None
    assert still.duration is None


ANY = st.none() | st.integers() | st.floats() | st.text(max_size=20) | st.booleans()


@given(
    st.fixed_dictionaries({key: st.just(value) | ANY for key, value in EXAMPLE.items()})
)
def test_any_location_can_be_merged(row: dict[str, object]) -> None:
    """Whatever types the fields have, no sentinel gets past the mapping."""
    found = Location.from_row(row)
    if found is None:
        return
    update = mapping.map_location(found, NOW)
    vehicle = merge(None, update, Rules(), NOW).vehicle
    assert all(value is not None for value in vehicle.readings.values())
    for reading in (Reading.TRACKER_BATTERY, Reading.ODOMETER, Reading.VEHICLE_VOLTAGE):
        value = vehicle.readings.get(reading, 1)
        assert isinstance(value, float | int)
        assert value >= 0
    if vehicle.position is not None:
        assert vehicle.position.accuracy > 0
        assert (vehicle.position.latitude, vehicle.position.longitude) != (0, 0)


@pytest.mark.parametrize(
    ("reading", "lowest", "highest"),
    [
        (Reading.TRACKER_BATTERY, 0, 100),
        (Reading.TRACKER_VOLTAGE, 0, 1000),
        (Reading.FUEL, 0, 1_000_000),
        (Reading.ODOMETER, 0, 10_000_000),
        (Reading.SATELLITES, 0, 200),
        (Reading.TEMPERATURE, -273.15, 1000),
        (Reading.TROUBLE_CODES, 0, 10_000),
        (Reading.COOLANT_TEMPERATURE, -273.15, 1000),
        (TracksolidReading.CONFIDENCE, 0, 2**32),
        (TracksolidReading.FIX_STATUS, 0, 2**32),
        (TracksolidReading.UPLOAD_MODE, 0, 2**32),
        (Reading.ENGINE_SPEED, 0, 30_000),
        (Reading.OBD_SPEED, 0, 1000),
        (TracksolidReading.SIGNAL_LEVEL, 0, 4),
        (TracksolidReading.FUEL_HEIGHT, 0, 10_000),
        (part_of(TracksolidReading.FUEL_SENSOR_LEVEL, 2), 0, 100),
    ],
)
def test_limits(reading: str, lowest: float, highest: float) -> None:
    """The least and the most of a reading are still measurements; beyond them is none."""
    for value in (lowest, highest):
        assert mapping.known({reading: value}) == {reading: value}
    for value in (lowest - 0.01, highest + 0.01):
        assert mapping.known({reading: value}) == {}
