"""Plausible values and places: the rules of plausibility.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
import math

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.json import json_dumps
from homeassistant.util import dt as dt_util
from homeassistant.util.json import json_loads
from hypothesis import assume, given, strategies as st
import pytest

from custom_components.fleet_tracker.account.codec import from_json, to_json
from custom_components.fleet_tracker.const import (
    CONF_DRIVING_INTERVAL,
    CONF_PARKED_INTERVAL,
)
from custom_components.fleet_tracker.model.derive import drives, expires_at
from custom_components.fleet_tracker.model.merge import Changes
from custom_components.fleet_tracker.model.plausibility import (
    possible,
    possible_distance,
)
from custom_components.fleet_tracker.model.readings import KINDS, kind_of
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    Activity,
    FixKind,
    Position,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
)
from custom_components.fleet_tracker.sensor import COMMON
from tests.common import cloud_entry, elapse, set_up, state_of, vendor_records
from tests.model.test_merge import (
    HOUR,
    METRE,
    MINUTE,
    NOW,
    SECOND,
    Story,
    fix,
    group,
    news,
)
from tests.neutral_vendor import Cloud, Clouds, told

NUMBERS = (2**32 - 1, 2**31 - 1, 2**24 - 1, 2**16 - 1)
SCALES = (1, 0.1, 0.125, 1 / 1000)
SPIKES = [
    number * scale * thousandth
    for number in NUMBERS
    for scale in SCALES
    for thousandth in (1, 1 / 1000)
    if number * scale * thousandth >= 1
]
"""An integer's maximum as vendors tell it, and as it is in kilometres for metres."""

# A value of each from which none of those can be reached in some hours.
GROWING = {key: kind.growth for key, kind in KINDS.items() if kind.growth is not None}
RANGES = {
    key: (kind.least, kind.most)
    for key, kind in KINDS.items()
    if math.isfinite(kind.least) and math.isfinite(kind.most)
}
HELD = dict.fromkeys(GROWING, 70_000.0) | {Reading.DISTANCE_TODAY: 7_000.0}

# Numbers that do not grow, of all vendors
MEASURED = (
    *("altitude", "vehicle_voltage", "tracker_voltage", "fuel", "temperature:1"),
    *("obd_speed", "engine_speed", "fuel_rate", "fuel_pressure", "intake_pressure"),
    *("remaining_range", "lock_voltage", "current_power", "pack_voltage:1"),
    *("fuel_height", "fuel_voltage", "fuel_sensor_volume:1", "last_trip_top_speed"),
)


class Counter(Story):
    """A story of a single reading, which is told with the time of each telling."""

    def __init__(self, reading: str) -> None:
        """Take the reading."""
        super().__init__()
        self.reading = reading

    def count(
        self, value: Value, *, after: timedelta = MINUTE, was_set: bool = False
    ) -> Value | None:
        """Tell a value that was measured now, and return the one that is shown."""
        at = self.now + after
        told_now = replace(group(at=at), readings={self.reading: value})
        self.tell(news(told_now, odometer_set=was_set), after=after)
        return self.shown

    @property
    def shown(self) -> Value | None:
        """The value that is shown."""
        return self.readings.get(self.reading)


# --- an integer's maximum -----------------------------------------------------------------


@pytest.mark.parametrize("reading", GROWING)
def test_maximum_of_an_integer_is_never_shown(reading: str) -> None:
    """Not as the first value, not after others, and not when it is told for hours."""
    for spike in SPIKES:
        story = Counter(reading)
        assert story.count(spike) is None, spike
        assert reading not in story.last.vehicle.shown_readings
        assert story.count(HELD[reading]) == HELD[reading]
        for _ in range(24):
            assert story.count(spike, after=15 * MINUTE) == HELD[reading], spike
            assert story.last.dropped == ("implausible_readings",)
        story.wait(2 * HOUR)
        assert story.shown == HELD[reading], spike
        assert story.count(HELD[reading]) == HELD[reading]


@pytest.mark.parametrize("reading", MEASURED)
def test_maximum_of_an_integer_is_no_measurement(reading: str) -> None:
    """What does not grow is not known when such a number is told, and known after it."""
    for number in NUMBERS:
        for scale in SCALES:
            story = Counter(reading)
            story.count(20.5)
            assert story.count(number * scale) is None
            assert story.count(21.5) == 21.5
            # A partial group does not keep the value from before.
            at = story.now + MINUTE
            partial = group(**{reading: number * scale}, at=at, complete=False)
            story.tell(news(partial), after=MINUTE)
            assert story.shown is None


any_number = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), *SPIKES]),
)


@given(
    st.sampled_from([*GROWING, *RANGES]),
    st.lists(st.tuples(any_number, st.timedeltas(SECOND, HOUR)), max_size=6),
)
def test_any_number_of_any_reading(
    reading: str, told_numbers: list[tuple[float, timedelta]]
) -> None:
    """Nothing is shown that cannot be or not be kept, and the next right value is."""
    least, most = RANGES.get(reading, (0, 0))
    if reading in GROWING:
        most = GROWING[reading].most
    right = least + 12.0
    story = Counter(f"{reading}:2")
    assert story.count(right) == right
    for number, after in told_numbers:
        shown = story.count(number, after=after)
        assert shown is None or (
            isinstance(shown, int | float) and math.isfinite(shown)
        )
        assert shown is None or least <= shown <= most
        json_dumps(to_json(story.last.vehicle))
    story.count(right)
    story.wait(HOUR)
    assert story.shown == right


@given(st.lists(any_number, min_size=6, max_size=6))
def test_any_number_in_a_fix(numbers: list[float]) -> None:
    """It is no fix, or one of a place that there is."""
    latitude, longitude, accuracy, altitude, course, speed = numbers
    wild = replace(
        fix(latitude, longitude, accuracy=accuracy, speed=speed),
        altitude=altitude,
        course=course,
    )
    story = Story()
    for position in (wild, replace(wild, latitude=1, longitude=1, accuracy=5)):
        story.tell(news(position=position))
        shown = story.position
        assert shown is None or (
            abs(shown.latitude) <= 90
            and abs(shown.longitude) <= 180
            and 0 <= shown.accuracy < math.inf
        )
        for reading in (Reading.ALTITUDE, Reading.COURSE, Reading.SPEED):
            value = story.readings.get(reading)
            assert value is None or (
                isinstance(value, int | float) and kind_of(reading).can_be(value)
            )
        json_dumps(to_json(story.last.vehicle))
    assert story.position is not None


def test_every_number_of_every_vendor_has_a_range() -> None:
    """Or is known to grow. What users name may be anything."""
    sensors = [
        *COMMON,
        *(
            sensor
            for vendor in vendor_records().values()
            for sensor in vendor.entities.sensors
        ),
    ]
    numbers = {
        str(sensor.key)
        for sensor in sensors
        if sensor.native_unit_of_measurement or sensor.state_class
    }
    assert numbers - RANGES.keys() - GROWING.keys() == set()


def test_every_vendor_tells_a_reading_in_its_unit() -> None:
    """One name is one thing in one unit, whoever tells it."""
    sensors = [
        *COMMON,
        *(
            sensor
            for vendor in vendor_records().values()
            for sensor in vendor.entities.sensors
        ),
    ]
    told = {
        (str(sensor.key), sensor.native_unit_of_measurement)
        for sensor in sensors
        if str(sensor.key) in KINDS
    }
    assert told == {(key, kind_of(key).unit) for key, _ in told}


def test_fix_without_a_measured_altitude() -> None:
    """A place counts though what was told beside it cannot be."""
    story = Story()
    story.tell(news(position=replace(fix(), altitude=6553.5, course=655.35)))
    assert story.position == fix()


def test_value_that_a_user_named_may_be_a_small_maximum() -> None:
    """What it means is not known; the large ones mean nothing anywhere."""
    story = Counter("custom:userdata.flags")
    assert story.count(65535) == 65535
    assert story.count(2**32 - 1) is None


def test_odometer_may_pass_the_maximum_of_a_short_integer() -> None:
    """65,535 km is an odometer where it grew there, or was set there."""
    story = Counter(Reading.ODOMETER)
    assert [story.count(km) for km in (65530, 65535, 65536)] == [65530, 65535, 65536]
    story = Counter(Reading.ODOMETER)
    story.count(12)
    assert story.count(65535, was_set=True) == 65535
    assert story.count(2**32 - 1, was_set=True) == 65535


@pytest.mark.parametrize("spike", [2**32 - 1, 2**31 - 1, (2**32 - 1) / 10_000])
def test_maximum_that_was_stored_before_is_forgotten(spike: float) -> None:
    """By the first look at the vehicle after a start, before anything is shown."""
    story = Counter(Reading.ODOMETER)
    story.count(12345)
    vehicle = story.last.vehicle
    stored = replace(
        vehicle,
        groups={
            "status": replace(vehicle.groups["status"], readings={"odometer": spike})
        },
        beliefs=replace(vehicle.beliefs, growths={}),
    )
    story.vehicle = from_json(Vehicle, json_loads(json_dumps(to_json(stored))))
    story.wait(SECOND)
    assert story.shown is None
    assert story.count(12345) == 12345


# --- what only grows ------------------------------------------------------------------------


@given(
    st.integers(1, 400_000).map(lambda km: km + 0.0007),
    st.lists(
        st.tuples(st.floats(0, 300), st.timedeltas(SECOND, 48 * HOUR)), max_size=12
    ),
    st.sampled_from([None, 3, 1, 0]),
)
def test_growth_by_driving_is_never_held_back(
    first: float, legs: list[tuple[float, timedelta]], digits: int | None
) -> None:
    """However fast, however rarely told, and in whatever steps."""
    story = Counter(Reading.ODOMETER)
    true = first
    for speed, time in [(0.0, SECOND), *legs]:
        true += speed * (time / HOUR)
        said = max(true if digits is None else round(true, digits), 0.001)
        # What may be an integer's maximum is not taken as the first value.
        assert story.count(said, after=time) == said or said in SPIKES


@given(st.lists(st.timedeltas(SECOND, 30 * HOUR), max_size=12))
def test_hours_that_truly_passed_are_never_held_back(times: list[timedelta]) -> None:
    """A counter of whole hours may have been about to step."""
    story = Counter("engine_hours")
    story.count(100)
    run = timedelta()
    for passed in times:
        run += passed
        hours = 100 + int(run / HOUR)
        assert story.count(hours, after=passed) == hours


@given(
    driven=st.lists(st.floats(0, 5), min_size=3, max_size=10),
    where=st.integers(0, 9),
    spike=st.floats(0, 1e12),
    reading=st.sampled_from([Reading.ODOMETER, "obd_odometer", "tracker_mileage"]),
)
def test_single_spike_is_never_shown(
    driven: list[float], where: int, spike: float, reading: str
) -> None:
    """Neither up nor down, wherever it comes between true values."""
    story = Counter(reading)
    true = 12345.0
    story.count(true)
    for number, kilometres in enumerate(driven):
        if number == where % len(driven):
            # What can have been driven cannot be told from what was.
            assume(not true <= spike <= true + 15)
            assert story.count(spike) == true
        true += kilometres
        assert story.count(true) == true


@given(
    wrong=st.integers(1, 9_000_000).map(lambda km: km + 0.7),
    true=st.integers(1, 60_000).map(lambda km: km + 0.3),
    tellings=st.lists(st.timedeltas(SECOND, 20 * MINUTE), max_size=8),
    speed=st.floats(0, 150),
)
def test_true_value_is_never_lost_for_longer_than_an_hour(
    wrong: float, true: float, tellings: list[timedelta], speed: float
) -> None:
    """Whatever was stored, on the way or parked: time alone brings the last told one."""
    story = Counter(Reading.ODOMETER)
    story.count(wrong)
    story.count(true)
    first = story.now
    for after in tellings:
        true += speed * (after / HOUR)
        story.count(true, after=after)
    story.wait(max(first + HOUR - story.now, timedelta()))
    assert story.shown == true


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        *((scale * number, 15) for number in NUMBERS for scale in SCALES),
        (3.5, 3.5),
        (66, 66),
        (1500, 1500),
    ],
)
def test_maximum_of_an_integer_is_no_accuracy(told: float, shown: float) -> None:
    """A place that may be anywhere would hold for ever while parked."""
    story = Story()
    story.tell(news(position=fix(accuracy=told)))
    assert story.position is not None
    assert story.position.accuracy == shown


def told_of(reading: str, value: float) -> ReadingGroup:
    """Return a group with a reading of whatever name."""
    return replace(group(), readings={reading: value})


@pytest.mark.parametrize(
    "value", [2**63, -(2**63), 10**30, 10**400, math.nan, math.inf]
)
@pytest.mark.parametrize("reading", ["fix_status", "custom:x", "upload_interval:obd"])
def test_number_that_cannot_be_told_is_not_known(reading: str, value: float) -> None:
    """Of whatever reading: it could be neither shown nor stored."""
    story = Story()
    story.tell(news(told_of(reading, 5)))
    story.tell(news(told_of(reading, value)))
    assert reading not in story.readings


@pytest.mark.parametrize(
    ("told", "shown"), [(0, 0), (3600, 3600), (3601, None), (-1, None)]
)
def test_upload_interval(told: int, shown: int | None) -> None:
    """Trackers know intervals of up to an hour."""
    story = Story()
    story.tell(news(told_of("upload_interval:obd", told)))
    assert story.readings.get("upload_interval:obd") == shown


@pytest.mark.parametrize(
    ("reading", "value", "expected"),
    [
        (Reading.SPEED, 88.0, 88.0),
        (Reading.SPEED, -1.0, None),
        (Reading.SPEED, 6553.5, None),
        (Reading.SPEED, (2**32 - 1) * 0.1, None),
        (Reading.SPEED, math.nan, None),
        (Reading.SPEED, None, None),
        (Reading.COURSE, 361.0, None),
        (Reading.LAST_TRIP_DISTANCE, 12.5, 12.5),
        (Reading.LAST_TRIP_DISTANCE, 1e8, None),
        (Reading.LAST_TRIP_DISTANCE, -0.1, None),
        (Reading.LAST_TRIP_CONSUMPTION, 1e30, None),
    ],
)
def test_possible_values_beside_the_readings(
    reading: Reading, value: float | None, expected: float | None
) -> None:
    """Those of alarms, routes and trips are judged by the same table."""
    assert possible(reading, value) == expected


def test_greater_rise_waits_for_a_later_reading_that_agrees() -> None:
    """The same reading told again by the next poll is no other."""
    story = Counter(Reading.ODOMETER)
    story.count(1000)
    assert story.count(5000) == 1000
    assert story.last.dropped == ("implausible_readings",)
    assert story.count(5000, after=timedelta()) == 1000
    assert story.count(5001) == 5001
    assert not story.last.dropped


def test_stored_value_heals_while_parked() -> None:
    """Nothing more is told than once; a timer takes it after an hour."""
    story = Counter(Reading.ODOMETER)
    story.count(429_000)
    assert story.count(12_345) == 429_000
    assert expires_at(story.last.vehicle) == story.now + HOUR
    # Over a reload, too.
    record = json_loads(json_dumps(to_json(story.last.vehicle)))
    story.vehicle = from_json(Vehicle, record)
    assert story.wait(HOUR - SECOND).changes == Changes()
    assert story.wait(SECOND).changes == Changes(readings=frozenset({Reading.ODOMETER}))
    assert story.shown == 12_345
    assert expires_at(story.last.vehicle) is None
    assert story.count(12_346) == 12_346


@pytest.mark.parametrize("reading", [Reading.ODOMETER, "engine_hours"])
def test_counter_of_zero_heals_nothing(reading: str) -> None:
    """Trackers tell it while the engine is off, for as long as that is."""
    story = Counter(reading)
    story.count(4210)
    for _ in range(20):
        story.count(0, after=10 * MINUTE)
        assert story.shown == 4210


def test_lower_value_waits_for_an_hour_and_no_longer() -> None:
    """It counts when it was told for exactly an hour, not a second before."""
    story = Counter(Reading.ODOMETER)
    assert story.count(70_000.0) == 70_000
    assert story.count(900.0) == 70_000
    assert story.count(900.0, after=HOUR - SECOND) == 70_000
    assert story.count(900.0, after=SECOND) == 900


def test_repeated_value_agrees_with_nothing() -> None:
    """A waiting value needs a later measurement, not the same one a second time."""
    story = Counter(Reading.ODOMETER)
    assert story.count(70_000.0) == 70_000
    assert story.count(90_000.0) == 70_000
    at = story.now
    for _ in range(3):
        again = replace(group(at=at), readings={Reading.ODOMETER: 90_001.0})
        story.tell(news(again), after=MINUTE)
        assert story.shown == 70_000
    assert story.count(90_001.0) == 90_001


def test_values_of_one_moment() -> None:
    """A little more counts at once, as in two groups of one second; much more waits."""
    story = Counter(Reading.ODOMETER)
    assert story.count(70_000.0) == 70_000
    for kilometres, shown in ((70_000.4, 70_000.4), (90_000.0, 70_000.4)):
        again = replace(group(at=NOW + MINUTE), readings={Reading.ODOMETER: kilometres})
        story.tell(news(again), after=SECOND)
        assert story.shown == shown


def test_reading_that_agrees_ends_the_wait() -> None:
    """A blip is forgotten by the next right value."""
    story = Counter(Reading.ODOMETER)
    for kilometres, shown in [(5000, 5000), (10, 5000), (5001, 5001), (11, 5001)]:
        assert story.count(kilometres, after=50 * MINUTE) == shown
    story.count(5002)
    story.wait(2 * HOUR)
    assert story.shown == 5002


def test_odometer_set_by_a_command_counts_at_once_both_ways() -> None:
    """The user set it by a command; other counters are not meant."""
    story = Counter(Reading.ODOMETER)
    assert [story.count(km, was_set=True) for km in (5000, 30, 90_000)] == [
        *(5000, 30, 90_000)
    ]
    story = Counter("engine_hours")
    story.count(5000)
    assert story.count(9000, was_set=True) == 5000


@pytest.mark.parametrize("reading", [Reading.ODOMETER, "engine_hours", "riding_time"])
def test_missing_counter_stays(reading: str) -> None:
    """Of a drive or a day, too, nothing is known then."""
    story = Counter(reading)
    story.count(5000)
    story.tell(news(group(battery=50, at=story.now)))
    assert story.shown == 5000
    story = Counter(Reading.DISTANCE_TODAY)
    story.count(50)
    story.tell(news(group(battery=50, at=story.now)))
    assert story.shown is None


def test_counter_of_a_day_begins_anew_at_midnight() -> None:
    """It falls at once, and rises by what can have been driven."""
    story = Counter(Reading.DISTANCE_TODAY)
    assert [story.count(km) for km in (120.5, 0, 3.5)] == [120.5, 0, 3.5]
    assert story.count(800.5) == 3.5
    assert story.count(4.5) == 4.5
    # A vehicle cannot have driven more in a day, however long it was not heard of.
    assert story.count(7300.5, after=100 * HOUR) == 4.5


@pytest.mark.parametrize(
    ("reading", "most"),
    [
        ("engine_hours", 1 + 1 / 6),
        ("riding_time", 3600 + 600),
        ("time_since_cleared", 60 + 10),
        ("last_trip_consumption", 200 + 50),
        (Reading.DISTANCE_TODAY, 300 + 10),
        ("distance_since_cleared", 300 + 10),
    ],
)
def test_limits_of_an_hour(reading: str, most: float) -> None:
    """In the unit of each reading."""
    story = Counter(reading)
    story.count(1000.5)
    assert story.count(1000.5 + most * 1.001, after=HOUR) == 1000.5
    story = Counter(reading)
    story.count(1000.5)
    assert story.count(1000.5 + most * 0.999, after=HOUR) == 1000.5 + most * 0.999


# --- places ---------------------------------------------------------------------------------


def test_impossible_jump_waits_and_is_forgotten() -> None:
    """A single fix 9,000 km off, told again by each poll, is never shown."""
    story = Story()
    story.tell(news(position=fix()))
    far = fix(-30, 20, at=NOW + MINUTE)
    for _ in range(20):
        assert story.tell(news(position=far), after=MINUTE).dropped == ("implausible",)
        assert story.position == fix()
    right = fix(52.01, at=NOW + 21 * MINUTE)
    story.tell(news(position=right), after=MINUTE)
    assert story.position == right
    story.wait(2 * HOUR)
    assert story.position == right


def test_jump_that_the_next_fix_agrees_with_is_taken() -> None:
    """A tracker that was carried away while it was off."""
    story = Story()
    story.tell(news(position=fix()))
    story.tell(news(position=fix(-30, 20, at=NOW + MINUTE)), after=MINUTE)
    assert story.position == fix()
    agreed = fix(-30.01, 20, at=NOW + 2 * MINUTE)
    assert story.tell(news(position=agreed), after=MINUTE).dropped == ()
    assert story.position == agreed


def test_third_waiting_fix_in_a_row_is_taken() -> None:
    """In an aircraft no fix agrees with the one before."""
    story = Story()
    story.tell(news(position=fix()))
    shown = []
    for minute in range(1, 7):
        # 900 km/h
        flown = fix(52 - minute * 15_000 * METRE, at=NOW + minute * MINUTE)
        story.tell(news(position=flown), after=MINUTE)
        shown.append(story.position == flown)
    assert shown == [False, False, True, False, False, True]


def test_jump_that_is_the_newest_for_an_hour_is_taken() -> None:
    """A parked tracker sends no other. A timer takes it, over a reload too."""
    story = Story()
    story.tell(news(group(ignition=False), position=fix()))
    far = fix(-30, 20, at=NOW + SECOND)
    story.tell(news(position=far))
    assert expires_at(story.last.vehicle) == story.now + HOUR
    record = json_loads(json_dumps(to_json(story.last.vehicle)))
    story.vehicle = from_json(Vehicle, record)
    story.wait(HOUR - SECOND)
    assert story.position == fix()
    assert story.wait(SECOND).changes.position
    assert story.position == far
    assert expires_at(story.last.vehicle) is None


@pytest.mark.parametrize(("seconds", "metres"), [(1, 5000), (60, 5000), (600, 50_000)])
def test_300_km_an_hour_are_possible(seconds: int, metres: int) -> None:
    """At least a minute is counted: clocks and fixes are not exact."""
    for distance, can_be in ((metres * 0.999, True), (metres * 1.001, False)):
        story = Story()
        story.tell(news(position=fix()))
        there = fix(52 + distance * METRE, at=NOW + seconds * SECOND)
        story.tell(news(position=there), after=seconds * SECOND)
        assert (story.position == there) is can_be


def test_fix_from_before_the_waiting_one() -> None:
    """It counts if it is plausible, and the waiting one goes on waiting."""
    story = Story()
    story.tell(news(position=fix()))
    far = fix(-30, 20, at=NOW + 2 * MINUTE)
    story.tell(news(position=far), after=2 * MINUTE)
    late = fix(52.01, at=NOW + MINUTE)
    story.tell(news(position=late))
    assert story.position == late
    agreed = fix(-30.01, 20, at=NOW + 3 * MINUTE)
    story.tell(news(position=agreed), after=MINUTE)
    assert story.position == agreed


# --- parked ---------------------------------------------------------------------------------


def rough(metres: float, minutes: float, kind: FixKind = FixKind.CELL) -> Position:
    """Return a fix of a coarser kind, so far away."""
    accuracy = {FixKind.CELL: 1500.0, FixKind.WIFI: 100.0}[kind]
    moved = fix(52 + metres * METRE, at=NOW + minutes * MINUTE, accuracy=accuracy)
    return replace(moved, kind=kind)


@pytest.mark.parametrize("kind", [FixKind.CELL, FixKind.WIFI])
def test_coarser_fix_does_not_move_a_parked_vehicle(kind: FixKind) -> None:
    """In a garage a cell 2.2 km off is found; not even an hour later does it count."""
    story = Story()
    story.tell(news(group(ignition=False), position=fix()))
    story.tell(news(position=rough(2200, 1, kind)), after=MINUTE)
    assert story.position == fix()
    assert expires_at(story.last.vehicle) is None
    story.wait(5 * HOUR)
    story.tell(news(position=rough(2200, 1, kind)))
    assert story.position == fix()
    # One that agrees with the place, and another cell: still not two that agree.
    story.tell(news(position=rough(0, 301, kind)))
    story.tell(news(position=rough(-2200, 302, kind)))
    story.tell(news(position=rough(2200, 303, kind)))
    assert story.position == fix()


def test_two_coarser_fixes_that_agree_move_a_parked_vehicle() -> None:
    """It was towed while no satellite was in sight."""
    story = Story()
    story.tell(news(group(ignition=False), position=fix()))
    story.tell(news(position=rough(8000, 10)), after=10 * MINUTE)
    assert story.position == fix()
    story.tell(news(position=rough(8100, 20)), after=10 * MINUTE)
    assert story.position == rough(8100, 20)


def test_coarser_fix_counts_on_the_way() -> None:
    """In a tunnel it is better than none; and so it is where nothing is held."""
    for ignition, rules in ((True, Rules()), (False, Rules(hold_while_parked=False))):
        story = Story(rules)
        story.tell(news(group(ignition=ignition), position=fix()))
        story.tell(news(position=rough(2200, 1)), after=MINUTE)
        assert story.position == rough(2200, 1)


@given(
    st.lists(st.tuples(st.floats(-30, 30), st.floats(0, 12)), max_size=15),
    st.booleans(),
)
def test_drift_never_becomes_the_new_place(
    drifts: list[tuple[float, float]], known: bool
) -> None:
    """With the ignition off: however fast, and however often in a row."""
    story = Story()
    story.tell(news(group(ignition=False), position=fix(speed=0 if known else None)))
    for minute, (metres, speed) in enumerate(drifts, start=1):
        at = NOW + minute * MINUTE
        drifted = fix(52 + metres * METRE, at=at, speed=speed)
        story.tell(news(position=drifted), after=MINUTE)
        assert story.position is not None
        assert story.position.latitude == 52


def test_one_drifting_fix_does_not_make_it_move() -> None:
    """7 km/h, told again by each poll; with the ignition on it is believed at once."""
    for ignition in (False, True):
        story = Story()
        story.tell(news(group(ignition=ignition), position=fix(speed=0)))
        drifted = fix(52 + 20 * METRE, at=NOW + SECOND, speed=7)
        for _ in range(3):
            story.tell(news(position=drifted))
            assert story.readings[Reading.MOVING] is ignition


def test_two_fast_fixes_or_another_place_make_it_move() -> None:
    """A vehicle that is towed moves though its ignition is off."""
    story = Story()
    story.tell(news(group(ignition=False), position=fix(speed=0)))
    story.tell(news(position=fix(52 + 10 * METRE, at=NOW + SECOND, speed=7)))
    assert story.readings[Reading.MOVING] is False
    story.tell(news(position=fix(52 + 14 * METRE, at=NOW + 2 * SECOND, speed=7)))
    assert story.readings[Reading.MOVING] is True

    story = Story()
    story.tell(news(group(ignition=False), position=fix(speed=0)))
    towed = fix(52 + 60 * METRE, at=NOW + SECOND, speed=7)
    story.tell(news(position=towed))
    assert story.readings[Reading.MOVING] is True
    assert story.position == towed
    assert story.wait(SECOND).changes == Changes()


# --- the ignition wired to permanent plus -------------------------------------------------


def test_idling_and_then_parked() -> None:
    """After 3 minutes without moving it idles, after 10 it need not be watched."""
    story = Story()
    story.tell(news(group(ignition=True), position=fix(speed=50)))
    assert drives(story.last.vehicle, story.now)
    stopped = story.now + SECOND
    story.tell(news(position=fix(at=stopped, speed=0)))
    facts = []
    for minute in (2, 3, 9, 10, 60):
        story.now = stopped + minute * MINUTE - SECOND
        at = stopped + minute * MINUTE
        story.tell(news(group(ignition=True, at=at), position=fix(at=at, speed=1)))
        vehicle = story.last.vehicle
        facts.append(
            (
                story.readings[Reading.ACTIVITY] == Activity.IDLING,
                drives(vehicle, story.now),
            )
        )
    assert facts == [
        *[(False, True), (True, True), (True, True)],
        *[(True, False), (True, False)],
    ]
    at = story.now + SECOND
    story.tell(news(position=fix(at=at, speed=20)))
    assert story.readings[Reading.ACTIVITY] != Activity.IDLING
    assert drives(story.last.vehicle, story.now)


@pytest.mark.parametrize(
    ("capabilities", "does"),
    [({"lock"}, "idling"), ({"lock", "keyless"}, "parked")],
    ids=["a key", "no key"],
)
def test_only_what_has_a_key_idles(capabilities: set[str], does: str) -> None:
    """A moped that stands unlocked for 3 minutes is parked: nothing of it runs."""
    story = Story()
    unlocked = news(group(ignition=True, locked=False), position=fix(speed=30))
    story.tell(replace(unlocked, capabilities=frozenset(capabilities)))
    for _ in range(4):
        story.now = at = story.now + MINUTE
        standing = group(ignition=True, locked=False, at=at)
        story.tell(news(standing, position=fix(at=at, speed=0)))
    assert story.readings["activity"] == does


def test_idling_in_a_tunnel_is_unknown() -> None:
    """It was last heard of at speed; after 10 minutes it is not watched either."""
    story = Story()
    story.tell(news(group(ignition=True), position=fix(speed=50)))
    story.wait(9 * MINUTE)
    assert story.readings[Reading.ACTIVITY] != Activity.IDLING
    assert drives(story.last.vehicle, story.now)
    story.wait(MINUTE)
    assert not drives(story.last.vehicle, story.now)


def test_place_tells_of_moving_where_no_speed_does() -> None:
    """With the ignition on, and steps that are longer than drift."""
    story = Story()
    story.tell(news(group(ignition=True), position=fix()))
    for minute in range(1, 30):
        at = NOW + minute * MINUTE
        story.tell(news(position=fix(52 + minute * 100 * METRE, at=at)), after=MINUTE)
        assert drives(story.last.vehicle, story.now)
    story.wait(10 * MINUTE)
    assert not drives(story.last.vehicle, story.now)


# --- in Home Assistant ----------------------------------------------------------------------


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account, at a time that stands still."""
    freezer.move_to(NOW)
    return clouds["acme"]


async def test_ignition_on_permanent_plus_is_polled_slowly(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Quickly for 10 minutes without moving, then as if parked, until it moves."""

    def tell(speed: float, after: timedelta = timedelta()) -> None:
        at = dt_util.utcnow() + after
        cloud.tell(told("1", at, position=fix(at=at, speed=speed), ignition=True))

    options = {CONF_DRIVING_INTERVAL: 60, CONF_PARKED_INTERVAL: 600}
    tell(0)
    coordinator = await set_up(hass, cloud_entry(options=options))
    waits = []
    for _ in range(12):
        assert coordinator.update_interval is not None
        waits.append(int(coordinator.update_interval.total_seconds()))
        tell(0)
        await elapse(hass, freezer, coordinator.update_interval + SECOND)
    assert waits == [60] * 10 + [600] * 2
    tell(30, 9 * MINUTE)
    await elapse(hass, freezer, 601)
    assert coordinator.update_interval == MINUTE


async def test_spike_of_a_parked_car_over_a_reload(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """It is told for hours, and no state ever holds it: no statistics can."""
    shown: set[str] = set()

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) and "odometer" in state.entity_id:
            shown.add(state.state)

    hass.bus.async_listen("state_changed", note)

    def tell(kilometres: float) -> None:
        now = dt_util.utcnow()
        cloud.tell(told("1", now, ignition=False, odometer=kilometres))

    tell(12345)
    coordinator = await set_up(hass, cloud_entry())
    for _ in range(8):
        tell(429_496_729.5)
        await elapse(hass, freezer, 15 * MINUTE)
    await hass.config_entries.async_reload(coordinator.config_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await elapse(hass, freezer, 2 * HOUR)
    assert state_of(hass, "sensor", "odometer").state == "12345.0"
    assert shown <= {"12345.0", "unavailable", "unknown"}


async def test_timer_heals_an_odometer(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Nothing is polled or pushed any more when its hour has come."""
    cloud.tell(told("1", dt_util.utcnow(), ignition=False, odometer=429_000))
    coordinator = await set_up(
        hass, cloud_entry(options={CONF_PARKED_INTERVAL: 86_400})
    )
    freezer.tick(MINUTE)
    cloud.push(told("1", dt_util.utcnow(), ignition=False, odometer=12345))
    polls = cloud.polls
    assert state_of(hass, "sensor", "odometer").state == "429000.0"
    await elapse(hass, freezer, HOUR + SECOND)
    assert state_of(hass, "sensor", "odometer").state == "12345.0"
    assert cloud.polls == polls
    assert coordinator.vehicles()["1"].beliefs.growths["odometer"].waiting is None


@pytest.mark.parametrize(
    ("kilometres", "time", "expected"),
    [
        (None, HOUR, None),
        (300.0, HOUR, 300.0),
        (310.0, HOUR, 310.0),
        (311.5, HOUR, None),
        (4_294_967.295, 7 * 24 * HOUR, None),
        (-1.0, HOUR, None),
        (10.0, -HOUR, 10.0),
        (math.inf, HOUR, None),
    ],
)
def test_distance_that_can_be_driven(
    kilometres: float | None, time: timedelta, expected: float | None
) -> None:
    """A vendor's distances of the past go into statistics for ever."""
    assert possible_distance(kilometres, time) == expected
