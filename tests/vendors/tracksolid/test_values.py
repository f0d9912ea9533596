"""Loosely typed values: whatever comes, what is unknown is None and times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
import math

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.json_values import as_flag, as_text
from custom_components.fleet_tracker.model.vehicle import FixKind
from custom_components.fleet_tracker.vendors.tracksolid.api.media_records import (
    MediaFile,
    Recording,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.records import (
    Alarm,
    Device,
    Fault,
    Instruction,
    Location,
    ObdReport,
    Point,
    SentCommand,
    Stop,
    TagLocation,
    Trip,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.values import (
    as_altitude,
    as_count,
    as_course,
    as_json,
    as_kind,
    as_measure,
    as_number,
    as_obd_voltage,
    as_place,
    as_positive,
    as_speed,
    as_time,
    stamp,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        ["-1", "", "null", "0.00L", "98.30%", "1e999", "2024-05-09 1:27:23", "ON"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-18 10:20:37", datetime(2026, 3, 18, 10, 20, 37, tzinfo=UTC)),
        ("2024-05-09 1:27:23", datetime(2024, 5, 9, 1, 27, 23, tzinfo=UTC)),
        ("2022-12-10T01:05:33.000Z", datetime(2022, 12, 10, 1, 5, 33, tzinfo=UTC)),
        ("2022-12-10T01:05:33+08:00", datetime(2022, 12, 9, 17, 5, 33, tzinfo=UTC)),
        ("2022-12-10T01:05:33-0330", datetime(2022, 12, 10, 4, 35, 33, tzinfo=UTC)),
        ("2019-01-01", datetime(2019, 1, 1, tzinfo=UTC)),
        (1734593340, datetime(2024, 12, 19, 7, 29, tzinfo=UTC)),
        ("1734593340", datetime(2024, 12, 19, 7, 29, tzinfo=UTC)),
        (1734593340000, datetime(2024, 12, 19, 7, 29, tzinfo=UTC)),
        ("1734593340000", datetime(2024, 12, 19, 7, 29, tzinfo=UTC)),
        ("251009090000", datetime(2025, 10, 9, 9, tzinfo=UTC)),
        ("20251009090000", datetime(2025, 10, 9, 9, tzinfo=UTC)),
        (251009090000, datetime(2025, 10, 9, 9, tzinfo=UTC)),
        (20251009090000, datetime(2025, 10, 9, 9, tzinfo=UTC)),
        ("2037-04-01 23:59:59", datetime(2037, 4, 1, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_by_shape(value: object, expected: datetime) -> None:
    """All shapes that occur."""
    assert as_time(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        0,
        -1,
        True,
        math.nan,
        math.inf,
        "0",
        "1970-01-01 00:00:00",
        "0000-00-00 00:00:00",
        "2025-02-30 00:00:00",
        "251309090000",
        "soon",
        10**30,
        "9" * 40,
        [],
    ],
)
def test_texts_that_are_no_time(value: object) -> None:
    """Zero, 1970 and rubbish are unknown."""
    assert as_time(value) is None


@given(st.datetimes(datetime(2000, 1, 1), datetime(2199, 12, 31)))
def test_times_survive_being_written(time: datetime) -> None:
    """A time that we write is read back as the same."""
    time = time.replace(microsecond=0, tzinfo=UTC)
    assert as_time(stamp(time)) == time
    assert as_time(time.strftime("%Y-%m-%dT%H:%M:%SZ")) == time
    assert as_time(int(time.timestamp())) == time


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("98.30%", (98.3, "%")),
        ("0.00L", (0.0, "L")),
        ("12 cm", (12.0, "CM")),
        (4.14, (4.14, "")),
        ("4.14", (4.14, "")),
        ("-1", (-1.0, "")),
        ("", None),
        (None, None),
        (True, None),
        ("abc", None),
        ("1e999", None),
        (10**400, None),
        (math.nan, None),
    ],
)
def test_measures(value: object, expected: tuple[float, str] | None) -> None:
    """A number and its unit, however it is typed."""
    assert as_measure(value) == expected


def test_sentinels() -> None:
    """-1, "" and null are unknown where they cannot be values."""
    assert as_positive("-1") is None
    assert as_count(-1) is None
    assert as_course("-1") is None
    assert as_course("361") is None
    assert as_course("360") == 360
    assert as_number("-5") == -5
    assert as_text(" null ") is None
    assert as_text(5) == "5"
    assert as_text(False) is None
    assert as_kind("wifi") is FixKind.WIFI
    assert as_kind(5) is FixKind.BEACON
    assert as_kind("moon") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", True),
        (1, True),
        ("ON", True),
        ("off", False),
        (0, False),
        (0.0, False),
        (True, True),
        (None, None),
        ("2", None),
    ],
)
def test_flags(value: object, expected: bool | None) -> None:
    """0 and 1 in any type, ON and OFF."""
    assert as_flag(value) is expected


@pytest.mark.parametrize(
    ("lat", "lng", "expected"),
    [
        (52.3, 4.9, (52.3, 4.9)),
        ("52.3", "4.9", (52.3, 4.9)),
        (0, 0, None),
        (0.0, 4.9, (0.0, 4.9)),
        (91, 0, None),
        (0, 181, None),
        (None, 1, None),
    ],
)
def test_places(lat: object, lng: object, expected: tuple[float, float] | None) -> None:
    """(0, 0) is what expired devices have."""
    assert as_place({"lat": lat, "lng": lng}) == expected


def test_speeds_and_altitudes() -> None:
    """Within what vehicles do."""
    assert as_speed("88.5") == 88.5
    assert as_speed("1001") is None
    assert as_altitude("-3") == -3
    assert as_altitude(30_000) is None


def test_json_is_passed_on() -> None:
    """What was read from JSON is JSON; nothing else is."""
    value = {"a": [1, 2.5, None, True, {"b": "c"}]}
    assert as_json(value) == value
    with pytest.raises(TypeError):
        as_json({"a": object()})


@pytest.mark.parametrize(
    ("value", "expected"),
    [("118", 11.8), ("280", 28.0), ("13.8", 13.8), ("28", 28.0), ("0", None)],
)
def test_obd_voltage(value: str, expected: float | None) -> None:
    """The manual's 118 are 11.8 V; a truck has 28 V."""
    assert as_obd_voltage(value) == expected


# The fields of all rows.
FIELDS = [
    "imei",
    "lat",
    "lng",
    "gpsTime",
    "hbTime",
    "speed",
    "direction",
    "gpsNum",
    "gpsSignal",
    "accStatus",
    "status",
    "electQuantity",
    "elecQuantity",
    "batteryPowerVal",
    "powerValue",
    "currentMileage",
    "mileage",
    "temperature",
    "trackerOil",
    "posType",
    "expireFlag",
    "chargeStatus",
    "locDesc",
    "confidence",
    "startTime",
    "endTime",
    "runTimeSecond",
    "elapsed",
    "distance",
    "avgSpeed",
    "maxSpeed",
    "idleSecond",
    "durSecond",
    "stopSecond",
    "addr",
    "alertTypeId",
    "alarmTypeName",
    "alertTime",
    "geoid",
    "dataReportTime",
    "odometerReading",
    "remainingFuel",
    "vehicleBatterVoltage",
    "currentRPM",
    "faultCode",
    "eventTime",
    "file_URL",
    "create_time",
    "mime_type",
    "media_type",
    "channel",
    "beginTime",
    "id",
    "orderContent",
    "isOffLine",
    "isExecute",
    "sendTime",
    "expiration",
    "altitude",
    "positionType",
    "battery",
]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_row_breaks_a_record(row: dict[str, object]) -> None:
    """Wrong types in any field give records without these fields, or none at all."""
    for read in (
        Device.from_row,
        Location.from_row,
        TagLocation.from_row,
        Point.from_row,
        Trip.from_row,
        Alarm.from_row,
        ObdReport.from_row,
        Fault.from_row,
        MediaFile.from_row,
        Recording.from_row,
        Instruction.from_row,
        SentCommand.from_row,
    ):
        read(row)
    Stop.from_row(row, idling=False)
    location = Location.from_row(row)
    if location is not None and location.latitude is not None:
        assert abs(location.latitude) <= 90


def test_battery_is_told_by_its_value() -> None:
    """Volts in one table, per cent in another, and two spellings of the other field."""
    row: dict[str, object] = {"imei": "1", "batteryPowerVal": "4.14"}
    location = Location.from_row(row | {"electQuantity": ""})
    assert location is not None
    assert (location.battery, location.battery_voltage) == (None, 4.14)
    location = Location.from_row({"imei": "1", "batteryPowerVal": "87"})
    assert location is not None
    assert (location.battery, location.battery_voltage) == (87, None)
    location = Location.from_row(row | {"elecQuantity": "98.30%"})
    assert location is not None
    assert location.battery == 98.3
    location = Location.from_row({"imei": "1", "electQuantity": "250"})
    assert location is not None
    assert location.battery is None


def test_odometer_of_old_records_is_in_metres() -> None:
    """CurrentMileage is in km, mileage in m."""
    location = Location.from_row({"imei": "1", "mileage": "1500"})
    assert location is not None
    assert location.odometer == 1.5


def trip(**fields: object) -> Trip:
    """Return a trip of half an hour at 60 km/h."""
    row: dict[str, object] = {
        "imei": "1",
        "startTime": "2025-10-09 08:00:00",
        "endTime": "2025-10-09 08:30:00",
        "runTimeSecond": "1800",
        "avgSpeed": "60",
    }
    found = Trip.from_row(row | fields)
    assert found is not None
    return found


def test_distance_is_metres_unless_it_cannot_be() -> None:
    """Metres by default, kilometres where metres contradict the average speed."""
    assert trip(distance=30_000).distance == 30
    assert trip(distance="30.0").distance == 30
    assert trip(distance=25_000, avgSpeed=None).distance == 25
    assert trip(distance=29).distance == 29
    assert trip(distance=None).distance is None
    # the manual's example: 25 km in 2130 s at "90 km/h"
    assert trip(distance=25_000, avgSpeed=90, runTimeSecond=2130).distance == 25


@given(st.floats(1, 130), st.integers(60, 36_000), st.floats(0.5, 2))
def test_distance_in_either_unit(speed: float, seconds: int, error: float) -> None:
    """Whatever the speed, and even if it is off by a factor of two."""
    km = speed * seconds / 3600 * error
    fields = {"avgSpeed": speed, "runTimeSecond": seconds}
    assert trip(distance=km * 1000, **fields).distance == pytest.approx(km)
    assert trip(distance=km, **fields).distance == pytest.approx(km)


def test_duration_has_two_names() -> None:
    """Documented as runTimeSecond, elapsed in the example, else from the times."""
    assert trip(runTimeSecond=None, elapsed=2130).duration == 2130
    assert trip(runTimeSecond=None).duration == 1800
    start = datetime(2025, 10, 9, 8, tzinfo=UTC)
    assert trip().ended_at - start == timedelta(minutes=30)


def test_old_name_of_the_alarm() -> None:
    """The manual's table has another name than its example."""
    alarm = Alarm.from_row(
        {
            "imei": "1",
            "alertTypeId": 3,
            "alertTypeName": "Vibration",
            "alertTime": "2025-10-09 08:00:00",
        }
    )
    assert alarm is not None
    assert (alarm.code, alarm.name) == ("3", "Vibration")


def test_file_of_an_alarm_is_as_old_as_the_alarm() -> None:
    """The document's table (7.5) has `alarm_time` alone; a time of its own is better."""
    row: dict[str, object] = {"file_URL": "https://media.example/1.jpg"}
    event: dict[str, object] = {"alarm_time": "2026-03-26 11:59:00"}
    for told in ({}, {"create_time": ""}, {"create_time": 0}):
        found = MediaFile.from_row(row | told, event | told)
        assert found is not None
        assert found.created_at == found.alarm_at
        assert found.created_at == datetime(2026, 3, 26, 11, 59, tzinfo=UTC)
    own = MediaFile.from_row(row | {"create_time": "2026-03-26 11:59:30"}, event)
    assert own is not None
    assert own.created_at == datetime(2026, 3, 26, 11, 59, 30, tzinfo=UTC)
    assert MediaFile.from_row(row) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-04 10:00:00",
        "2026-05-04 23:59:60",
        "2026-05-04 24:00:00",
        "2026-02-30 10:00:00",
        "1970-01-01 00:00:00",
        "2300-01-01 00:00:00",
        "2026-W19-1 10:00:00",
        "2026-05-04T10:00:00",
        "2026-05-04 10:00+02",
        "2026-05-04 10:0٠:00",
        "20260504 10:00:00  ",
        "2026-05-04 1:00:000",
    ],
)
def test_time_of_the_documents_form(text: str) -> None:
    """It is read in a short way, which says what the long way says with spaces around it."""
    assert as_time(text) == as_time(f" {text}")
