"""What Segway says, in the words and units of the model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
import math

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.evidence import TOLD_SPEED
from custom_components.fleet_tracker.model.json_values import Json, Record
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    OccurrenceKind,
    OccurrenceType,
    Position,
    ReadingGroup,
    VehicleUpdate,
)
from custom_components.fleet_tracker.vendors.segway.faults import FAULTS
from custom_components.fleet_tracker.vendors.segway.mapping import (
    ALERTS,
    age_motion,
    map_alert,
    map_battery_info,
    map_components,
    map_extra_status,
    map_fault,
    map_location,
    map_status,
    motion_in,
)
from custom_components.fleet_tracker.vendors.segway.values import number, whole

IMEI = "861477038719116"
NOW = datetime(2020, 6, 2, 3, 15, 20, tzinfo=UTC)
AT = datetime(2020, 6, 2, 3, 15, 19, tzinfo=UTC)

# The examples of the document, with what makes them true.
STATUS: Record = {
    "iotCode": IMEI,
    "online": True,
    "locked": True,
    "lockVoltage": 342,
    "networkSignal": 22,
    "charging": True,
    "powerPercent": 10,
    "speedMode": 1,
    "speed": 20,
    "odometer": 9000,
    "remainderRange": 3000,
    "totalRidingSecs": 110,
    "statusUtcTime": 1591067719,
}
LOCATION: Record = {
    "iotCode": IMEI,
    "latitude": 22.634228,
    "longitude": 114.125962,
    "satelliteNumber": 6,
    "hdop": 1.38,
    "altitude": 10.1,
    "gpsUtcTime": "1591067719",
}


def as_push(record: Record) -> dict[str, Json]:
    """Return a record as it is pushed: all texts."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in record.items()
    }


def readings(update: VehicleUpdate | None) -> dict[str, object]:
    """Return the readings of an update."""
    assert update is not None
    return {
        key: value
        for group in update.groups
        if group.name != TOLD_SPEED
        for key, value in group.readings.items()
    }


@pytest.mark.parametrize("record", [STATUS, as_push(STATUS)])
def test_status(record: Record) -> None:
    """All fields, in our units, whether they are numbers or texts."""
    update = map_status(IMEI, record, NOW)
    assert readings(update) == {
        "online": True,
        "locked": True,
        "ignition": False,
        "charging": True,
        "battery": 10,
        "odometer": 9.0,
        "signal": 67,
        "remaining_range": 30.0,
        "riding_time": 110,
        "lock_voltage": 3.42,
        "speed_mode": "low",
        "speed": 20,
        "moving": True,
    }
    assert update.groups[0].measured_at == update.heard_at == AT


def test_status_with_unknown_values() -> None:
    """Sentinels, nothing and nonsense are absent, never 0."""
    record = dict.fromkeys(STATUS, -1) | {
        "lockVoltage": 0,
        "charging": "",
        "speedMode": 0,
        "networkSignal": 99,
        "odometer": None,
        "statusUtcTime": 0,
        "speed": "fast",
    }
    update = map_status(IMEI, record, NOW)
    assert readings(update) == {}
    assert update.groups[0].measured_at == NOW
    assert update.heard_at is None


@pytest.mark.parametrize("empty", [None, ""])
def test_both_names_of_the_range(empty: Json) -> None:
    """The tables say remainingRange, the examples remainderRange."""
    record = {"remainingRange": 1230, "remainderRange": empty}
    assert readings(map_status(IMEI, record, NOW))["remaining_range"] == 12.3
    record = {"remainingRange": empty, "remainderRange": "1230"}
    assert readings(map_status(IMEI, record, NOW))["remaining_range"] == 12.3


def test_moving_is_a_fresh_speed() -> None:
    """5 km/h are moving, for 3 minutes; afterwards the speed is not known any more."""
    slow = readings(map_status(IMEI, {**STATUS, "speed": 4.9}, NOW))
    assert (slow["speed"], slow["moving"]) == (4.9, False)
    fast: Record = {**STATUS, "speed": 5}
    fresh = readings(map_status(IMEI, fast, AT + timedelta(seconds=179)))
    assert (fresh["speed"], fresh["moving"]) == (5, True)
    old = readings(map_status(IMEI, fast, AT + timedelta(seconds=180)))
    assert "speed" not in old
    assert old["moving"] is False
    nothing = age_motion(ReadingGroup(name="motion", measured_at=AT, readings={}), NOW)
    assert nothing.readings == {}
    told = motion_in(map_status(IMEI, fast, AT))
    assert told is not None
    aged = age_motion(told, NOW + timedelta(minutes=3))
    assert aged.readings == {"moving": False}
    assert aged.measured_at == AT


def test_offline_vehicle_was_not_heard_of() -> None:
    """The cloud notices that a vehicle is gone; that is no contact."""
    assert map_status(IMEI, {**STATUS, "online": False}, NOW).heard_at is None


@pytest.mark.parametrize(
    "record",
    [
        LOCATION,
        as_push(LOCATION) | {"locationStatus": "valid"},
        {**LOCATION, "gpsUtcTime": None, "gpsUTCTime": 1591067719000},
    ],
)
def test_location(record: Record) -> None:
    """Place, accuracy by HDOP, time in s or ms, number or text, in both spellings."""
    update = map_location(IMEI, record, NOW)
    assert update is not None
    assert update.position == Position(
        latitude=22.634228,
        longitude=114.125962,
        accuracy=5 * 1.38,
        fixed_at=AT,
        altitude=10.1,
    )
    assert readings(update) == {"satellites": 6, "hdop": 1.38}
    assert update.heard_at == AT


def test_speed_of_a_fix_is_that_of_a_status_nearby() -> None:
    """Locations carry no speed; a status of the same minute does."""
    motion = motion_in(map_status(IMEI, STATUS, NOW))
    update = map_location(IMEI, LOCATION, NOW, motion)
    assert update is not None
    assert update.position is not None
    assert update.position.speed == 20
    receipt = NOW + timedelta(hours=1)
    later = map_location(IMEI, {**LOCATION, "gpsUtcTime": 1591067780}, receipt, motion)
    assert later is not None
    assert later.position is not None
    assert later.position.speed is None


@pytest.mark.parametrize(
    "change",
    [
        {"locationStatus": "invalid"},
        {"latitude": 0, "longitude": "0.0"},
        {"latitude": 91},
        {"longitude": "east"},
        {"latitude": None},
        {"gpsUtcTime": 0},
        {"gpsUtcTime": ""},
    ],
)
def test_positions_that_are_no_fix(change: Record) -> None:
    """Invalid, null island, out of range, without a time."""
    assert map_location(IMEI, {**LOCATION, **change}, NOW) is None


def test_fix_without_hdop_has_a_typical_accuracy() -> None:
    """The accuracy is never 0."""
    update = map_location(IMEI, {**LOCATION, "hdop": 0, "altitude": ""}, NOW)
    assert update is not None
    assert update.position is not None
    assert update.position.accuracy == 15
    assert update.position.altitude is None
    assert readings(update) == {"satellites": 6}


def test_extra_status() -> None:
    """The document's example: locks say 0 unlocked, 1 locked."""
    update = map_extra_status(
        IMEI,
        {
            "iotCode": IMEI,
            "seatCaskHelmet": 2,
            "tailboxHelmet": 0,
            "peopleSat": 0,
            "cruiseStatus": 0,
            "saddleStatus": 0,
            "tailboxStatus": 1,
            "handlebarStatus": 0,
            "kickstand": 1,
        },
        NOW,
    )
    assert readings(update) == {
        "seat_cask_helmets": 2,
        "tailbox_helmets": 0,
        "rider_seated": False,
        "cruise": False,
        "saddle_unlocked": True,
        "tailbox_unlocked": False,
        "handlebar_unlocked": True,
        "kickstand_open": True,
    }
    sentinels = {"seatCaskHelmet": 3, "peopleSat": 2, "saddleStatus": None}
    assert readings(map_extra_status(IMEI, sentinels, NOW)) == {}


def test_battery_info() -> None:
    """The document's example; one that was pulled out is not there."""
    update = map_battery_info(
        IMEI,
        {
            "iotCode": IMEI,
            "charging": True,
            "vehiclePercent": 80,
            "batteryCount": 2,
            "drivingVoltage": 80,
            "currentPower": 260,
            "iotPercent": 100,
            "iotVoltage": 412,
            "batteryData": [
                {
                    "batteryPort": 1,
                    "batteryPercent": 52,
                    "batteryVoltage": 48,
                    "cycleTimes": 23,
                    "temperatrue": -25,
                },
                {"batteryPort": 3, "batteryPercent": 255, "temperature": 20},
                {"batteryPort": 4, "batteryPercent": 52},
                "nothing",
            ],
        },
        NOW,
    )
    assert readings(update) == {
        "battery_voltage": 80,
        "current_power": 260,
        "tracker_battery": 100,
        "tracker_voltage": 4.12,
        "pack_charge:1": 52,
        "pack_voltage:1": 48,
        "pack_cycles:1": 23,
        "pack_temperature:1": -25,
        "pack_temperature:3": 20,
    }
    assert readings(map_battery_info(IMEI, {"batteryData": None}, NOW)) == {}


@pytest.mark.parametrize(
    ("code", "occurrence", "reading"),
    [
        ("1", OccurrenceType.ILLEGAL_MOVEMENT, "alert_illegal_movement"),
        ("2", OccurrenceType.FALLEN, "alert_fallen"),
        ("3", OccurrenceType.TAMPERING, "alert_tampering"),
        ("4", OccurrenceType.FALLEN, "alert_fallen"),
        ("10", OccurrenceType.BATTERY_REMOVED, "alert_battery_removed:1"),
        ("11", OccurrenceType.BATTERY_REMOVED, "alert_battery_removed:2"),
        ("12", OccurrenceType.BATTERY_LOW, "alert_battery_low"),
        ("99", OccurrenceType.OTHER, None),
    ],
)
def test_alerts(code: str, occurrence: OccurrenceType, reading: str | None) -> None:
    """Each code, when it appears (0, or not said) and disappears (1)."""
    for status in ("0", "", None):
        alert = map_alert(
            {"code": code, "alertStatus": status, "statusUtcTime": "1591067719"}, NOW
        )
        assert alert is not None
        assert (alert.raised, alert.reading, alert.at) == (True, reading, AT)
        assert alert.occurrence.type is occurrence
        assert alert.occurrence.kind is OccurrenceKind.ALARM
        assert alert.occurrence.code == code
        assert alert.occurrence.details == {}
    cleared = map_alert({"code": int(code), "alertStatus": "1"}, NOW)
    assert cleared is not None
    assert (cleared.raised, cleared.reading, cleared.at) == (False, reading, NOW)
    assert cleared.occurrence.type is OccurrenceType.CLEARED
    assert cleared.occurrence.details == {"cleared": occurrence}


def test_alert_codes_are_those_of_the_document() -> None:
    """1 to 4 and 10 to 12."""
    assert ALERTS.keys() == {"1", "2", "3", "4", "10", "11", "12"}


def test_fault_codes_are_those_of_the_document() -> None:
    """E0 to E9 and 10 to 47; 12 of them are reserved."""
    expected = {f"E{number}" for number in range(10)}
    expected |= {str(number) for number in range(10, 48)}
    assert FAULTS.keys() == expected
    reserved = {code for code, fault in FAULTS.items() if "Reserved" in fault}
    assert reserved == {
        "18",
        *["27", "28", "29", "30", "36", "37", "40", "43", "44", "45", "46"],
    }
    assert {fault.system for fault in FAULTS.values()} == {
        "IoT",
        "centralControl",
        "drive",
        "BMS",
    }


def test_faults() -> None:
    """A fault says its system; the end of one is a clearance; unknown ones pass."""
    fault = map_fault(
        {"code": "e4", "faultStatus": 0, "statusUtcTime": 1591067719}, NOW
    )
    assert fault is not None
    assert fault.raised
    assert fault.occurrence.kind is OccurrenceKind.FAULT
    assert fault.occurrence.type is OccurrenceType.TROUBLE_CODE
    assert fault.occurrence.code == "E4"
    assert fault.occurrence.name == "I2C communication error"
    assert fault.occurrence.details == {"system": "IoT"}
    cleared = map_fault({"code": 42, "faultStatus": "1"}, NOW)
    assert cleared is not None
    assert not cleared.raised
    assert cleared.occurrence.type is OccurrenceType.CLEARED
    assert cleared.occurrence.details == {
        "system": "centralControl",
        "cleared": "trouble_code",
    }
    unknown = map_fault({"code": "77"}, NOW)
    assert unknown is not None
    assert unknown.occurrence.type is OccurrenceType.OTHER
    assert unknown.occurrence.name is None


@pytest.mark.parametrize("code", [None, "", " ", True, [1]])
def test_nothing_without_a_code(code: Json) -> None:
    """A fault without a code is no occurrence."""
    assert map_alert({"code": code}, NOW) is None
    assert map_fault({"code": code}, NOW) is None


@pytest.mark.parametrize(
    ("component", "status", "expected"),
    [
        ("1", "2", {"saddle_unlocked": False}),
        ("1", "1", {"saddle_unlocked": True}),
        ("2", "2", {"tailbox_unlocked": False}),
        ("4", "1", None),
        ("3", "2", None),
        ("1", "0", None),
        ("1", "", None),
    ],
)
def test_components(
    component: str, status: str, expected: dict[str, object] | None
) -> None:
    """1 is unlocked and 2 locked here, unlike in the extra-status."""
    update = map_components(
        IMEI,
        {"type": component, "status": status, "statusUtcTime": "1591067719"},
        NOW,
    )
    if expected is None:
        assert update is None
        return
    assert readings(update) == expected
    assert update is not None
    (group,) = update.groups
    assert (group.name, group.complete, group.measured_at) == (
        "extra_status",
        False,
        AT,
    )


def test_values() -> None:
    """Numbers, truths and times, however they are written."""
    assert number("48.5") == 48.5
    assert number(" 7 ") == 7
    assert number("1e400") is None
    assert number(10**400) is None
    assert number("nan") is None
    assert number(True) is None
    assert number([1]) is None
    assert whole("2", 0, 3) == 2
    assert whole(2.5, 0, 3) is None


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["-1", "0", "1", "2", "true", "1591067719", "valid", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["batteryPort", "batteryPercent", "temperatrue"]), inner
        )
    ),
    max_leaves=6,
)
names = st.sampled_from(
    [
        *STATUS,
        *LOCATION,
        "remainingRange",
        "batteryData",
        "drivingVoltage",
        "code",
        "type",
        "status",
        "alertStatus",
        "locationStatus",
        "peopleSat",
    ]
)


@given(st.dictionaries(names, values, max_size=8))
def test_nothing_breaks_the_mapping(record: dict[str, Json]) -> None:
    """Whatever comes, it is mapped to sound values or left out."""
    updates = [
        map_status(IMEI, record, NOW),
        map_extra_status(IMEI, record, NOW),
        map_battery_info(IMEI, record, NOW),
        map_location(IMEI, record, NOW),
        map_components(IMEI, record, NOW),
    ]
    map_alert(record, NOW)
    map_fault(record, NOW)
    for update in updates:
        if update is None:
            continue
        for group in update.groups:
            for value in group.readings.values():
                assert value is not None
                assert not isinstance(value, float) or math.isfinite(value)
        if (position := update.position) is not None:
            assert abs(position.latitude) <= 90
            assert abs(position.longitude) <= 180
            assert position.accuracy > 0


@pytest.mark.parametrize(
    ("told", "expected"),
    [(-1, None), (0, 0), (1, 1), (100, 100), (101, None), (2.5, None)],
)
def test_satellites(told: float, expected: int | None) -> None:
    """None at all is a number of satellites too; 101 are none of this world."""
    found = readings(map_location(IMEI, {**LOCATION, "satelliteNumber": told}, NOW))
    assert found.get("satellites") == expected


@pytest.mark.parametrize(
    ("field", "told", "reading", "expected"),
    [
        ("drivingVoltage", 0, "battery_voltage", 0),
        ("drivingVoltage", 0.5, "battery_voltage", 0.5),
        ("drivingVoltage", -1, "battery_voltage", None),
        ("iotVoltage", 0, "tracker_voltage", None),
        ("iotVoltage", 1, "tracker_voltage", 0.01),
        ("iotVoltage", 417, "tracker_voltage", 4.17),
        ("iotPercent", 0, "tracker_battery", 0),
        ("iotPercent", 100, "tracker_battery", 100),
        ("iotPercent", 101, "tracker_battery", None),
        ("iotPercent", -1, "tracker_battery", None),
        ("currentPower", -30, "current_power", -30),
    ],
)
def test_bounds_of_the_battery_info(
    field: str, told: float, reading: str, expected: float | None
) -> None:
    """A motor that is off has 0 V; a tracker that is on has more."""
    assert readings(map_battery_info(IMEI, {field: told}, NOW)).get(reading) == expected


@pytest.mark.parametrize("maximum", [2**16 - 1, (2**16 - 1) / 10, 2**32 - 1])
def test_maximum_of_an_integer_is_not_rounded_to_something_else(maximum: float) -> None:
    """Of no voltage and no range: the maximum is known by its digits."""
    status = {"lockVoltage": maximum, "remainingRange": maximum, "statusUtcTime": 1}
    for update in (
        map_status(IMEI, status, NOW),
        map_battery_info(IMEI, {"iotVoltage": maximum}, NOW),
    ):
        shown = merge(None, update, Rules(), NOW).vehicle.readings
        assert not {"lock_voltage", "remaining_range", "tracker_voltage"} & shown.keys()
