"""Accepted, dropped and derived news: the rules of merge.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.derive import activity_expires_at, expires_at
from custom_components.fleet_tracker.model.merge import Changes, Merged, merge, refresh
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    ELECTRONICS,
    FixKind,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
    accuracy_m,
)

NOW = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
RULES = Rules()
SECOND, MINUTE, HOUR = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
)
METRE = 1 / 111_195  # of latitude, in degrees


def fix(
    latitude: float = 52.0,
    longitude: float = 5.0,
    *,
    at: datetime = NOW,
    accuracy: float = 15,
    speed: float | None = None,
) -> Position:
    """Return a fix."""
    return Position(
        latitude=latitude,
        longitude=longitude,
        accuracy=accuracy,
        fixed_at=at,
        speed=speed,
    )


def group(
    readings: Mapping[Reading, Value] | None = None,
    /,
    *,
    at: datetime = NOW,
    complete: bool = True,
    **more: Value,
) -> ReadingGroup:
    """Return a group of readings."""
    return ReadingGroup(
        name="status",
        measured_at=at,
        readings={**{str(key): one for key, one in (readings or {}).items()}, **more},
        complete=complete,
    )


def news(
    *groups: ReadingGroup,
    position: Position | None = None,
    heard_at: datetime | None = None,
    odometer_set: bool = False,
    contact_interval: timedelta | None = None,
) -> VehicleUpdate:
    """Return news of the one vehicle that these tests know."""
    return VehicleUpdate(
        vehicle_id="1",
        groups=groups,
        position=position,
        heard_at=heard_at,
        odometer_set=odometer_set,
        contact_interval=contact_interval,
    )


class Story:
    """A vehicle to which one thing happens after the other."""

    def __init__(self, rules: Rules = RULES) -> None:
        """Start before anything is known."""
        self.rules = rules
        self.now = NOW
        self.vehicle: Vehicle | None = None
        self.last = Merged(
            vehicle=Vehicle(vehicle_id="1", details=VehicleDetails(name="1")),
            changes=Changes(),
        )

    @property
    def readings(self) -> Mapping[str, Value]:
        """The readings now."""
        return self.last.vehicle.readings

    @property
    def position(self) -> Position | None:
        """The position that is shown now."""
        return self.last.vehicle.position

    def tell(self, update: VehicleUpdate, *, after: timedelta = SECOND) -> Merged:
        """Let time pass and something happen."""
        self.now += after
        self.last = merge(self.vehicle, update, self.rules, self.now)
        self.vehicle = self.last.vehicle
        return self.last

    def wait(self, time: timedelta) -> Merged:
        """Let time pass, and nothing happen."""
        assert self.vehicle is not None
        self.now += time
        self.last = refresh(self.vehicle, self.rules, self.now)
        self.vehicle = self.last.vehicle
        return self.last


# --- strategies -----------------------------------------------------------------------------

times = st.datetimes(
    min_value=datetime(2025, 10, 9, 8, 0),
    max_value=datetime(2025, 10, 9, 9, 0),
    timezones=st.just(UTC),
)
values: st.SearchStrategy[Value] = st.one_of(
    st.booleans(), st.integers(0, 100), st.text(max_size=3), times
)
# The keys are none that anything is derived from.
group_sets = st.lists(
    st.builds(
        ReadingGroup,
        name=st.sampled_from("abc"),
        measured_at=times,
        readings=st.dictionaries(st.sampled_from("uvwxyz"), values, max_size=4),
    ),
    max_size=8,
    unique_by=lambda one: one.measured_at,
)
fixes = st.builds(
    Position,
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180).filter(bool),
    accuracy=st.floats(1, 2000),
    fixed_at=times,
    kind=st.sampled_from(FixKind),
    course=st.none() | st.floats(0, 360),
    altitude=st.none() | st.floats(-100, 5000),
    speed=st.none() | st.floats(0, 200),
)


def _nearby(position: Position) -> Position:
    """Return a fix where one can have driven to from all others of a minute."""
    return replace(
        position,
        latitude=52 + position.latitude / 10_000,
        longitude=5 + position.longitude / 10_000,
        kind=FixKind.SATELLITE,
    )


updates = st.builds(
    VehicleUpdate,
    vehicle_id=st.just("1"),
    details=st.none() | st.builds(VehicleDetails, name=st.text(max_size=3)),
    capabilities=st.none() | st.frozensets(st.sampled_from("lmn")),
    position=st.none() | fixes,
    groups=st.lists(
        st.builds(
            ReadingGroup,
            name=st.sampled_from("abc"),
            measured_at=times,
            readings=st.dictionaries(
                st.sampled_from([Reading.IGNITION, Reading.MOVING, Reading.ONLINE]),
                st.booleans(),
            )
            | st.dictionaries(
                st.sampled_from([Reading.SPEED, Reading.ODOMETER, Reading.BATTERY]),
                st.integers(-1, 1000),
            ),
            complete=st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    heard_at=st.none() | times,
    odometer_set=st.booleans(),
    contact_interval=st.none() | st.timedeltas(SECOND, HOUR),
)
rules = st.builds(
    Rules,
    hold_while_parked=st.booleans(),
    accuracy_limit=st.none() | st.floats(1, 2000),
)


# --- groups of readings ---------------------------------------------------------------------


@given(group_sets, st.randoms(use_true_random=False))
def test_newest_group_wins_in_whatever_order_they_come(
    groups: list[ReadingGroup], random: Random
) -> None:
    """Of each group the newest counts, and of all groups the newest has the last word."""
    shuffled = list(groups)
    random.shuffle(shuffled)
    story = Story()
    dropped = 0
    for one in shuffled:
        dropped += len(story.tell(news(one), after=SECOND).dropped)

    newest: dict[str, ReadingGroup] = {}
    for one in sorted(groups, key=lambda one: one.measured_at):
        newest[one.name] = one
    expected: dict[str, Value] = {}
    for one in sorted(newest.values(), key=lambda one: one.measured_at):
        expected.update(one.readings)
    assert dict(story.readings) == expected
    latest: dict[str, datetime] = {}
    older = 0
    for one in shuffled:
        if one.measured_at < latest.get(one.name, one.measured_at):
            older += 1
        else:
            latest[one.name] = one.measured_at
    assert dropped == older


def test_complete_group_forgets_and_partial_group_keeps() -> None:
    """A reading is gone when a complete group lacks it; a partial group only adds."""
    story = Story()
    story.tell(news(group(battery=80, fuel=40)))

    story.tell(news(group(battery=79, complete=False, at=NOW + SECOND)))
    assert dict(story.readings) == {"battery": 79, "fuel": 40}

    told = story.tell(news(group(battery=78, at=NOW + 2 * SECOND)))
    assert dict(story.readings) == {"battery": 78}
    assert told.changes == Changes(readings=frozenset({"battery", "fuel"}))


def test_voltage_that_two_measure_is_the_trackers() -> None:
    """Two measurements that take turns would never stand still."""
    story = Story()
    story.tell(news(replace(group(vehicle_voltage=13.9), name=ELECTRONICS)))
    assert story.readings[Reading.VEHICLE_VOLTAGE] == 13.9

    story.tell(news(group(vehicle_voltage=14.1, at=NOW + SECOND)))
    later = group(vehicle_voltage=13.8, at=NOW + 2 * SECOND)
    told = story.tell(news(replace(later, name=ELECTRONICS)))
    assert story.readings[Reading.VEHICLE_VOLTAGE] == 14.1
    assert not told.changes.readings


def test_older_group_is_dropped_and_counted() -> None:
    """What was measured before what is known says nothing any more."""
    story = Story()
    story.tell(news(group(door=True)))
    told = story.tell(news(group(door=False, at=NOW - SECOND)))
    assert (story.readings["door"], told.changes) == (True, Changes())
    assert told.dropped == ("older_readings",)


def test_clock_that_is_ahead_shuts_nothing_out() -> None:
    """Readings from the future count as of now: the next ones are taken."""
    story = Story()
    story.tell(news(group(battery=80, at=NOW + 24 * HOUR)))
    assert story.readings["battery"] == 80
    story.tell(news(group(battery=79, at=NOW + MINUTE)), after=MINUTE)
    assert story.readings["battery"] == 79


def test_group_of_the_same_time_replaces() -> None:
    """Of two groups of one time the later told wins: it may correct the first."""
    story = Story()
    story.tell(news(group(battery=80)))
    story.tell(news(group(battery=81)))
    assert story.readings["battery"] == 81


def test_counter_that_two_groups_tell() -> None:
    """It has one value that is believed, the newest; told again nothing changes."""
    story = Story()
    story.tell(news(group({Reading.ODOMETER: 1}, at=NOW - HOUR)))
    other = ReadingGroup(
        name="other", measured_at=NOW - HOUR, readings={Reading.ODOMETER: 2}
    )
    both = news(group({Reading.ODOMETER: 0}), other)
    story.tell(both)
    assert story.readings[Reading.ODOMETER] == 2
    assert not story.tell(both, after=timedelta()).changes
    story.tell(
        news(
            group({Reading.ODOMETER: 3}), replace(other, readings={Reading.ODOMETER: 4})
        )
    )
    assert story.readings[Reading.ODOMETER] == 3


# --- what changed ---------------------------------------------------------------------------


@given(st.lists(updates, max_size=5), rules, st.lists(st.timedeltas(SECOND, HOUR)))
def test_changes_are_the_differences(
    stories: list[VehicleUpdate], rules: Rules, waits: list[timedelta]
) -> None:
    """A change is told if and only if there is one, and the same news twice is none."""
    story = Story(rules)
    before: Vehicle | None = None
    for number, update in enumerate(stories):
        story.tell(update, after=waits[number] if number < len(waits) else SECOND)
        after, changes = story.last.vehicle, story.last.changes
        known = before.readings if before else {}
        differing = {
            key
            for key in known.keys() | after.readings.keys()
            if known.get(key) != after.readings.get(key)
            or (key in known) != (key in after.readings)
        }
        assert changes.readings == differing
        assert story.tell(update, after=timedelta()).changes == Changes()
        before = story.last.vehicle


def test_first_news_tell_everything() -> None:
    """A vehicle that was not known is new in all respects, and has a name."""
    story = Story()
    told = story.tell(news(group(battery=1)))
    assert told.changes == Changes(
        readings=frozenset({"battery"}), position=True, details=True, capabilities=True
    )
    assert told.vehicle.details.name == "1"


def test_details_and_capabilities_stay_until_replaced() -> None:
    """What is None is not news; what is empty is."""
    story = Story()
    details = VehicleDetails(name="Van")
    story.tell(
        VehicleUpdate(vehicle_id="1", details=details, capabilities=frozenset("l"))
    )
    assert story.tell(news()).changes == Changes()
    assert story.last.vehicle.details is details
    told = story.tell(VehicleUpdate(vehicle_id="1", capabilities=frozenset()))
    assert told.changes == Changes(capabilities=True)
    assert told.vehicle.capabilities == frozenset()


def test_first_occurrence_of_a_kind_is_a_change() -> None:
    """So that its event entity can be made; a second one is none."""
    alarm = Occurrence(
        kind=OccurrenceKind.ALARM, type=OccurrenceType.SOS, occurred_at=NOW
    )
    story = Story()
    story.tell(news())
    update = VehicleUpdate(vehicle_id="1", occurrences=(alarm,))
    assert story.tell(update).changes == Changes(capabilities=True)
    assert story.last.vehicle.occurrence_kinds == {OccurrenceKind.ALARM}
    assert story.tell(update).changes == Changes()


def test_shown_readings_are_remembered() -> None:
    """So that after a restart its entity is there, though the value is not known now."""
    story = Story()
    story.tell(news(group(rpm=800, fuel=40)))
    told = story.tell(news(group(fuel=40)))
    assert "rpm" not in told.vehicle.readings
    assert told.vehicle.shown_readings >= {"rpm", "fuel"}


# --- fixes ----------------------------------------------------------------------------------


@given(st.lists(fixes.map(_nearby), unique_by=lambda one: one.fixed_at), st.booleans())
def test_fixes_never_go_back_in_time(positions: list[Position], hold: bool) -> None:
    """The newest fix wins in whatever order they come; older ones are counted."""
    story = Story(Rules(hold_while_parked=hold))
    newest: Position | None = None
    for position in positions:
        told = story.tell(news(position=position))
        if newest is None or position.fixed_at > newest.fixed_at:
            newest = position
            assert told.dropped == ()
        else:
            assert told.dropped == ("older",)
        assert story.last.vehicle.latest_fix == newest


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (fix(0, 0), "zero"),
        (fix(90.1, 5), "out_of_range"),
        (fix(-90.1, 5), "out_of_range"),
        (fix(52, 180.1), "out_of_range"),
        (fix(52, -180.1), "out_of_range"),
        (fix(float("nan"), 5), "out_of_range"),
        (fix(52, float("inf")), "out_of_range"),
        (fix(accuracy=float("inf")), "out_of_range"),
        (fix(accuracy=float("nan")), "out_of_range"),
        (fix(at=NOW - SECOND), "older"),
        (fix(accuracy=100.5), "inaccurate"),
    ],
)
def test_position_that_is_no_fix_is_dropped_and_counted(
    bad: Position, reason: str
) -> None:
    """A position is taken only if it is one; the one before stays as it was."""
    story = Story(Rules(accuracy_limit=100, hold_while_parked=False))
    story.tell(news(position=fix(accuracy=100)))
    before = story.vehicle
    told = story.tell(news(position=bad))
    assert told.dropped == (reason,)
    assert told.changes == Changes()
    assert before is not None
    # The guard and the clock note every fix, whether it is believed or not, and a late one
    # is evidence for a trip.
    assert story.vehicle == replace(
        before,
        clock=told.vehicle.clock,
        evidence=told.vehicle.evidence,
        trips=told.vehicle.trips,
    )
    assert told.vehicle.trips.trips == before.trips.trips


@pytest.mark.parametrize(
    "good",
    [
        fix(0, 5),
        fix(52, 0),
        fix(-90, -180),
        fix(90, 180),
        fix(accuracy=1e6),
        fix(at=NOW + 10 * MINUTE),
    ],
)
def test_rare_fixes_are_accepted(good: Position) -> None:
    """The equator, the meridian of Greenwich, a clock a little ahead: all right."""
    story = Story()
    assert story.tell(news(position=good)).dropped == ()
    assert story.position == replace(good, fixed_at=min(good.fixed_at, story.now))


def test_accuracy_is_never_zero() -> None:
    """The vendor's own figure, else from the HDOP, else one figure for the kind of fix."""
    satellite = FixKind.SATELLITE
    assert accuracy_m(satellite, reported=3.5, hdop=2) == 3.5
    assert accuracy_m(satellite, reported=0, hdop=2) == 10
    assert accuracy_m(satellite, reported=-1, hdop=0.4) == 5
    assert accuracy_m(satellite, hdop=0) == 15
    assert accuracy_m(satellite, hdop=98) == 490
    for no_hdop in (99, 99.99, 65535):
        assert accuracy_m(satellite, hdop=no_hdop) == 15
    assert {kind: accuracy_m(kind) for kind in FixKind} == {
        FixKind.SATELLITE: 15,
        FixKind.WIFI: 100,
        FixKind.BEACON: 30,
        FixKind.CELL: 1500,
    }


def test_distance() -> None:
    """A degree of latitude is 111.2 km; the date line and the poles are no obstacle."""
    assert fix(52, 5).distance_to(fix(53, 5)) == pytest.approx(111_195, rel=1e-4)
    assert fix(0, 179.5).distance_to(fix(0, -179.5)) == pytest.approx(111_195, rel=1e-4)
    assert fix(90, 0).distance_to(fix(90, 120)) == pytest.approx(0, abs=1e-6)
    assert fix(0, 0).distance_to(fix(0, 180)) == pytest.approx(20_015_115, rel=1e-4)


# --- the position holds while parked --------------------------------------------------------


@given(
    metres=st.floats(0, 500),
    accuracy=st.floats(1, 400),
    ignition=st.none() | st.booleans(),
    moving=st.none() | st.booleans(),
    hold=st.booleans(),
)
def test_hold_while_parked(
    metres: float,
    accuracy: float,
    ignition: bool | None,
    moving: bool | None,
    hold: bool,
) -> None:
    """Parked is with the ignition off, or else not moving; then only true moves count."""
    story = Story(Rules(hold_while_parked=hold))
    readings = {Reading.IGNITION: ignition, Reading.MOVING: moving}
    known: dict[Reading, Value] = {
        key: value for key, value in readings.items() if value is not None
    }
    story.tell(news(group(known), position=fix()))
    drifted = fix(52 + metres * METRE, at=NOW + SECOND, accuracy=accuracy)
    distance = fix().distance_to(drifted)
    story.tell(news(position=drifted))

    parked = ignition is False or (ignition is None and moving is False)
    held = hold and parked and distance <= max(50, accuracy)
    assert story.position is not None
    assert story.position.latitude == (52 if held else drifted.latitude)
    # What holds is what is shown; that there was a newer fix is known.
    assert story.last.vehicle.latest_fix == drifted


@pytest.mark.parametrize(("metres", "held"), [(49.9, True), (50.1, False)])
def test_parked_vehicle_is_moved_by_50_metres(metres: float, held: bool) -> None:
    """However good the fix is."""
    story = Story()
    story.tell(news(group(ignition=False), position=fix(accuracy=3)))
    moved = fix(52 + metres * METRE, at=NOW + SECOND, accuracy=3)
    assert (story.tell(news(position=moved)).vehicle.position != moved) is held


def test_same_place_of_a_moving_vehicle_is_no_change() -> None:
    """At a red light nothing but the time of the fix is new."""
    story = Story()
    story.tell(news(group(ignition=True), position=fix(speed=0)))
    told = story.tell(news(position=fix(at=NOW + SECOND, speed=0)), after=SECOND)
    assert told.changes == Changes()
    assert told.vehicle.position == fix(at=NOW + SECOND, speed=0)


def test_unmoved_vehicle_changes_nothing() -> None:
    """A new fix of a parked vehicle, a little aside and otherwise accurate: no change."""
    story = Story()
    story.tell(news(group(ignition=False), position=fix(speed=0)))
    told = story.tell(
        news(
            group(ignition=False, at=NOW + MINUTE),
            position=fix(52 + 20 * METRE, at=NOW + MINUTE, accuracy=25, speed=0),
        ),
        after=MINUTE,
    )
    assert told.changes == Changes()


def test_drift_does_not_creep() -> None:
    """Many small steps count from where the vehicle was parked, not from the last one."""
    story = Story()
    story.tell(news(group(ignition=False), position=fix()))
    for step in range(1, 7):
        at = NOW + step * MINUTE
        story.tell(news(position=fix(52 + 9 * step * METRE, at=at)), after=MINUTE)
        assert story.position is not None
        moved = fix().distance_to(story.position)
        assert moved == (0 if 9 * step <= 50 else pytest.approx(54, rel=1e-3))


def test_position_follows_once_the_vehicle_leaves() -> None:
    """The hold ends when the ignition is turned on, even before the next fix."""
    story = Story()
    story.tell(news(group(ignition=False), position=fix()))
    drifted = fix(52 + 30 * METRE, at=NOW + SECOND)
    story.tell(news(position=drifted))
    assert story.position == fix()
    story.tell(news(group(ignition=True, at=NOW + 2 * SECOND)))
    assert story.position == drifted


# --- moving and speed -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("speed", "moving"), [(0, False), (4.9, False), (5, True), (120, True)]
)
def test_moving_follows_from_a_fresh_speed(speed: float, moving: bool) -> None:
    """From 5 km/h on a vehicle moves."""
    story = Story()
    story.tell(news(position=fix(speed=speed)))
    assert story.readings[Reading.MOVING] is moving
    assert story.readings[Reading.SPEED] == speed


def test_ignition_never_follows_from_a_speed() -> None:
    """A vehicle on a trailer is fast, too."""
    story = Story()
    for number in range(10):
        at = NOW + number * MINUTE
        there = fix(52 + number * 0.01, at=at, speed=90)
        story.tell(news(position=there), after=MINUTE)
    assert story.readings[Reading.MOVING] is True
    assert Reading.IGNITION not in story.readings
    story.tell(news(group(ignition=False, at=story.now), position=there))
    assert story.readings[Reading.IGNITION] is False


def test_moving_is_unknown_without_a_speed_and_a_word_of_the_vendor() -> None:
    """Ignition says nothing of moving, and moving nothing of ignition."""
    story = Story()
    story.tell(news(group(ignition=True), position=fix()))
    assert Reading.MOVING not in story.readings
    assert Reading.SPEED not in story.readings
    story.tell(news(position=fix(speed=50, at=NOW + SECOND)))
    assert story.readings[Reading.MOVING] is True
    assert story.readings[Reading.IGNITION] is True


def test_vendors_own_motion_flag_wins() -> None:
    """A vendor that senses motion knows better than a speed."""
    story = Story()
    story.tell(news(group(moving=True), position=fix(speed=0)))
    assert story.readings[Reading.MOVING] is True
    story.tell(
        news(group(moving=False, at=NOW + SECOND), position=fix(speed=50, at=story.now))
    )
    assert story.readings[Reading.MOVING] is False


def test_old_speed_is_not_known_and_does_not_move() -> None:
    """After 3 minutes without a fix nobody knows how fast it is; it counts as standing."""
    story = Story()
    story.tell(news(position=fix(speed=50, at=NOW)), after=timedelta())
    assert expires_at(story.last.vehicle) == NOW + 3 * MINUTE
    assert story.wait(3 * MINUTE - SECOND).changes == Changes()
    assert story.wait(SECOND).changes == Changes(
        readings=frozenset({Reading.ACTIVITY, Reading.MOVING, Reading.SPEED})
    )
    assert story.readings[Reading.MOVING] is False
    assert Reading.SPEED not in story.readings
    assert expires_at(story.last.vehicle) is None


def test_old_standstill_stays_known() -> None:
    """A parked vehicle has the speed 0, however long ago it told so."""
    story = Story()
    story.tell(news(position=fix(speed=0)))
    assert expires_at(story.last.vehicle) is None
    assert story.wait(24 * HOUR).changes == Changes()
    assert story.readings[Reading.SPEED] == 0


def test_readings_of_a_fix() -> None:
    """Course and altitude are readings too, unless the vendor measures them otherwise."""
    story = Story()
    position = replace(fix(speed=30), course=270.0, altitude=12.0)
    story.tell(news(group(speed=31), position=position))
    assert story.readings[Reading.COURSE] == 270
    assert story.readings[Reading.ALTITUDE] == 12
    assert story.readings[Reading.SPEED] == 31
    # What the next one does not say is not known any more, and no reading of nothing.
    story.tell(news(position=fix(at=NOW + SECOND, speed=30)))
    assert not {Reading.COURSE, Reading.ALTITUDE} & story.readings.keys()


# --- online and last contact ----------------------------------------------------------------


def test_online_as_the_vendor_says() -> None:
    """However long ago the vehicle was heard of."""
    story = Story()
    story.tell(news(group(online=True), heard_at=NOW - HOUR, contact_interval=MINUTE))
    assert story.readings[Reading.ONLINE] is True
    assert expires_at(story.last.vehicle) is None


def test_online_follows_from_the_contact_otherwise() -> None:
    """Within three times the expected interval a vehicle is online."""
    story = Story()
    story.tell(news(heard_at=NOW, contact_interval=MINUTE), after=timedelta())
    assert story.readings[Reading.ONLINE] is True
    assert expires_at(story.last.vehicle) == NOW + 3 * MINUTE
    story.wait(3 * MINUTE - SECOND)
    assert story.readings[Reading.ONLINE] is True
    assert story.wait(SECOND).changes == Changes(
        readings=frozenset({Reading.ACTIVITY, Reading.ONLINE})
    )
    assert story.readings[Reading.ONLINE] is False
    assert expires_at(story.last.vehicle) is None
    story.tell(news(heard_at=story.now))
    assert story.readings[Reading.ONLINE] is True


def test_online_is_unknown_before_anything_says_so() -> None:
    """No interval, no word of the vendor: nothing to say. Never heard of: offline."""
    story = Story()
    story.tell(news(heard_at=NOW))
    assert Reading.ONLINE not in story.readings
    story = Story()
    story.tell(news(contact_interval=MINUTE))
    assert story.readings[Reading.ONLINE] is False


@given(st.lists(times, min_size=1), st.timedeltas(-HOUR, HOUR))
def test_contact_is_never_in_the_future_and_never_falls(
    heard: list[datetime], offset: timedelta
) -> None:
    """A clock that is ahead, from the first word on, must not hide a later silence."""
    story = Story()
    seen: list[datetime] = []
    for time in heard:
        story.tell(news(heard_at=time + offset + HOUR))
        heard_at = story.last.vehicle.heard_at
        assert heard_at is not None
        assert heard_at <= story.now
        seen.append(heard_at)
    assert seen == sorted(seen)


def test_contact_from_the_future_counts_once() -> None:
    """A server that repeats what it last heard has not heard anything new."""
    story = Story()
    ahead = NOW + HOUR
    story.tell(news(heard_at=ahead))
    first = story.now
    story.tell(news(heard_at=ahead), after=30 * MINUTE)
    assert story.last.vehicle.heard_at == first
    story.tell(news(heard_at=ahead + SECOND), after=MINUTE)
    assert story.last.vehicle.heard_at == story.now


def test_last_contact_steps_every_15_minutes() -> None:
    """More often it would fill the history with nothing."""
    story = Story()
    shown = []
    for minute in range(32):
        story.tell(news(heard_at=NOW + minute * MINUTE), after=MINUTE)
        shown.append(story.readings[Reading.LAST_CONTACT])
    assert sorted(set(shown)) == [NOW, NOW + 15 * MINUTE, NOW + 30 * MINUTE]


@pytest.mark.parametrize("said", [True, False])
def test_last_contact_is_exact_once_offline(said: bool) -> None:
    """A vehicle that went offline shows when it was really heard of last."""
    story = Story()
    first = news(heard_at=NOW, contact_interval=MINUTE)
    online = (group(online=True),) if said else ()
    story.tell(replace(first, groups=online))
    story.tell(news(heard_at=NOW + 2 * MINUTE), after=2 * MINUTE)
    assert story.readings[Reading.LAST_CONTACT] == NOW
    if said:
        story.tell(news(group(online=False, at=story.now)), after=MINUTE)
    else:
        story.wait(HOUR)
    assert story.readings[Reading.ONLINE] is False
    assert story.readings[Reading.LAST_CONTACT] == NOW + 2 * MINUTE


def test_last_fix_steps_every_15_minutes_and_is_exact_at_a_stop() -> None:
    """It says how old the position is, and need not be exact for that while it drives."""
    story = Story()
    shown = []
    for minute in range(32):
        moved = fix(52 + minute / 100, speed=40, at=NOW + minute * MINUTE)
        story.tell(news(group(ignition=True), position=moved), after=MINUTE)
        shown.append(story.readings[Reading.LAST_FIX])
    assert sorted(set(shown)) == [NOW, NOW + 15 * MINUTE, NOW + 30 * MINUTE]

    stopped = NOW + 32 * MINUTE
    at_the_kerb = fix(52.31, speed=0, at=stopped)
    story.tell(news(position=at_the_kerb, heard_at=stopped), after=MINUTE)
    assert story.readings[Reading.MOVING] is False
    assert story.readings[Reading.LAST_FIX] == stopped

    parked = stopped + 2 * MINUTE
    off = group(ignition=False, at=parked)
    still = fix(52.31, speed=0, at=parked)
    story.tell(news(off, position=still, heard_at=parked), after=2 * MINUTE)
    assert story.readings[Reading.LAST_FIX] == parked
    assert story.readings[Reading.LAST_CONTACT] == parked


# --- the odometer ---------------------------------------------------------------------------


def test_odometer_that_was_set_counts_at_once() -> None:
    """The user set it by a command."""
    story = Story()
    assert story.tell(news(group(odometer=5000))).dropped == ()
    story.tell(news(group(odometer=30), odometer_set=True))
    assert story.readings[Reading.ODOMETER] == 30


@pytest.mark.parametrize("nothing", [0, -1, "", True])
def test_odometer_of_zero_is_none(nothing: Value) -> None:
    """What says nothing changes nothing, and makes no sensor."""
    story = Story()
    story.tell(news(group(odometer=nothing)))
    assert Reading.ODOMETER not in story.readings
    story.tell(news(group(odometer=5000)))
    story.tell(news(group(odometer=nothing)))
    assert story.readings[Reading.ODOMETER] == 5000


def test_missing_odometer_stays() -> None:
    """A complete group without it would else let it come back lower."""
    story = Story()
    story.tell(news(group(odometer=5000)))
    story.tell(news(group(battery=50)))
    assert story.readings[Reading.ODOMETER] == 5000
    story.tell(news(group(odometer=10)))
    assert story.readings[Reading.ODOMETER] == 5000


# --- time alone -----------------------------------------------------------------------------


@given(
    st.lists(updates, min_size=1, max_size=4),
    rules,
    st.timedeltas(timedelta(), 2 * HOUR),
)
def test_expiry_tells_exactly_when_time_alone_changes_something(
    stories: list[VehicleUpdate], rules: Rules, wait: timedelta
) -> None:
    """Before it nothing changes; at it something may; after it there is a later one."""
    story = Story(rules)
    for update in stories:
        story.tell(update)
    vehicle = story.last.vehicle
    assert refresh(vehicle, rules, story.now).changes == Changes()
    of_readings = expires_at(vehicle)
    when = _earliest(of_readings, activity_expires_at(vehicle, rules, story.now))
    later = story.now + wait
    if when is None or later < when:
        assert refresh(vehicle, rules, later).changes == Changes()
        return
    # A look at the activity may show that nothing else is told of it.
    assert when != of_readings or refresh(vehicle, rules, when).vehicle != vehicle
    refreshed = refresh(vehicle, rules, later).vehicle
    following = _earliest(
        expires_at(refreshed), activity_expires_at(refreshed, rules, later)
    )
    assert following is None or following > later


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)
