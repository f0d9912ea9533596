"""The rows of the Open API's lists as records."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.vendors.open_api.history import _route_point
from custom_components.fleet_tracker.vendors.open_api.records import (
    Alarm,
    Point,
    User,
    parse_alarm,
    parse_alarm_text,
    parse_point,
    parse_user,
)

seconds = st.integers(946_684_800, 4_102_444_799)
degrees = st.tuples(
    st.floats(-180, 180).map(lambda value: round(value, 6)),
    st.floats(-90, 90).map(lambda value: round(value, 6)),
).filter(lambda pair: pair != (0, 0))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def utc(time: int) -> datetime:
    """Return UNIX seconds as a time."""
    return datetime.fromtimestamp(time, UTC)


def test_point_of_the_document() -> None:
    """The example of 2.3: longitude first."""
    assert parse_point("113.97196,22.568616,1406858664,0,228") == Point(
        113.97196, 22.568616, utc(1_406_858_664), 0, 228
    )


@given(degrees, seconds, st.integers(0, 250), st.integers(0, 360))
def test_points_come_back(
    place: tuple[float, float], time: int, speed: int, course: int
) -> None:
    """Whatever a server can mean by a group is read as that."""
    text = f"{place[0]},{place[1]},{time},{speed},{course}"
    assert parse_point(text) == Point(*place, utc(time), speed, course)


@given(st.text() | st.lists(st.text(max_size=8), min_size=4, max_size=6).map(",".join))
def test_any_text_is_a_point_or_none(text: str) -> None:
    """No text breaks the parser, and what passes is a place on earth."""
    point = parse_point(text)
    if point is not None:
        assert abs(point.longitude) <= 180
        assert abs(point.latitude) <= 90
        assert point.gpstime.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "0,0,1406858664,0,228",
        "181,1,1406858664,0,228",
        "1,91,1406858664,0,228",
        "1,1,0,0,228",
        "1,1,99999999999,0,228",
        "1,1,1406858664,,228",
        "1,1,1406858664,0,nan",
        "1,1,1406858664,0",
        "1,,1406858664,0,1",
    ],
)
def test_groups_that_are_no_point(text: str) -> None:
    """A group without a place, time, speed or course is left out."""
    assert parse_point(text) is None


def test_alarms_of_the_documents() -> None:
    """The examples of 2.8 and 2.17."""
    assert parse_alarm_text(
        "27,113.885888,22.580592,1541575497,1541575507,40,40,0"
    ) == (
        Alarm(
            alarmtype=27,
            systemtime=utc(1_541_575_507),
            gpstime=utc(1_541_575_497),
            longitude=113.885888,
            latitude=22.580592,
            speed=40,
            course=40,
        )
    )
    assert parse_alarm(
        {
            "alarmtype": 5,
            "latitude": -23.53668,
            "longitude": -49.246362,
            "gpstime": 1541575598,
            "systemtime": 1541575617,
            "speed": 45,
            "course": 93,
            "geofenceid": 1075558,
            "geofencename": "test-geofence",
        }
    ) == Alarm(
        alarmtype=5,
        systemtime=utc(1_541_575_617),
        gpstime=utc(1_541_575_598),
        longitude=-49.246362,
        latitude=-23.53668,
        speed=45,
        course=93,
        geofenceid=1_075_558,
        geofencename="test-geofence",
    )


@given(
    st.integers(1, 44),
    degrees,
    seconds,
    seconds,
    st.integers(0, 250),
    st.integers(0, 360),
    st.integers(0, 10**9),
)
def test_alarms_come_back(
    kind: int,
    place: tuple[float, float],
    gps: int,
    system: int,
    speed: int,
    course: int,
    fence: int,
) -> None:
    """Both forms of a row are read alike."""
    text = f"{kind},{place[0]},{place[1]},{gps},{system},{speed},{course},{fence}"
    expected = Alarm(kind, utc(system), utc(gps), *place, speed, course, fence or None)
    assert parse_alarm_text(text) == expected
    record = {
        "alarmtype": kind,
        "longitude": place[0],
        "latitude": place[1],
        "gpstime": gps,
        "systemtime": system,
        "speed": speed,
        "course": course,
        "geofenceid": fence,
        "geofencename": "",
    }
    assert parse_alarm(record) == expected


@given(
    st.dictionaries(
        st.sampled_from(["alarmtype", "systemtime", "gpstime", "longitude", "course"])
        | st.text(max_size=5),
        json_values,
    )
)
def test_any_record_is_an_alarm_or_none(record: dict[str, object]) -> None:
    """No type in any field breaks the parser; an alarm has a type and a time."""
    alarm = parse_alarm(record)
    if alarm is not None:
        assert isinstance(alarm.alarmtype, int)
        assert alarm.systemtime.tzinfo is UTC


@given(st.text() | st.lists(st.text(max_size=8), min_size=7, max_size=9).map(",".join))
def test_any_text_is_an_alarm_or_none(text: str) -> None:
    """No text breaks the parser."""
    alarm = parse_alarm_text(text)
    assert alarm is None or isinstance(alarm, Alarm)


def test_an_alarm_without_a_fix() -> None:
    """An alarm needs a type and a system time, and no position."""
    assert parse_alarm_text("1,0,0,0,1541575507,0,0,0") == Alarm(
        1, utc(1_541_575_507), speed=0, course=0
    )
    assert parse_alarm_text("1,0,0,0,0,0,0,0") is None
    assert parse_alarm({"systemtime": 1541575507}) is None


def test_users() -> None:
    """The example of 2.11; blockstatus 0 is blocked."""
    record: dict[str, object] = {
        "createtime": 1562570435,
        "mobile": "",
        "telephone": "",
        "roletype": 1,
        "account": "demo",
        "email": "openapidemo@gmail.com",
        "blockstatus": 1,
        "username": "openapidemo",
    }
    assert parse_user(record) == User(
        account="demo",
        username="openapidemo",
        email="openapidemo@gmail.com",
        createtime=utc(1_562_570_435),
        roletype=1,
        blocked=False,
    )
    for status, blocked in ((0, True), ("0", True), (2, None), (None, None)):
        user = parse_user(record | {"blockstatus": status})
        assert user is not None
        assert user.blocked is blocked
    assert parse_user({"username": "nobody"}) is None


@pytest.mark.parametrize(
    ("speed", "course", "expected"),
    [
        ("60", "90", (60, 90)),
        ("-1", "-1", (None, None)),
        ("6553.5", "360.5", (None, None)),
        ("4294967295", "1e300", (None, None)),
    ],
)
def test_absurd_values_of_a_route(
    speed: str, course: str, expected: tuple[float | None, float | None]
) -> None:
    """A point stays where it is, without them."""
    point = parse_point(f"4.9,52.4,1406858664,{speed},{course}")
    assert point is not None
    told = _route_point(point)
    assert (told.speed, told.course) == expected
