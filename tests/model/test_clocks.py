"""Trackers with wrong clocks are shown where they are and as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.account import codec
from custom_components.fleet_tracker.model.clocks import (
    EARLIEST,
    FUTURE_TOLERANCE,
    ROLLOVER,
    is_wrong,
)
from custom_components.fleet_tracker.model.merge import Merged, merge, refresh
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    ReadingGroup,
    TimeSource,
    Vehicle,
    VehicleUpdate,
)

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
RESET = datetime(2000, 1, 1, tzinfo=UTC)

WRONG_CLOCKS = [
    pytest.param(1 * HOUR, id="+1 h"),
    pytest.param(2 * HOUR, id="+2 h"),
    pytest.param(5.5 * HOUR, id="+5.5 h"),
    pytest.param(8 * HOUR, id="+8 h"),
    pytest.param(-3 * HOUR, id="-3 h"),
    pytest.param(-ROLLOVER, id="rollover"),
    pytest.param(2 * HOUR - ROLLOVER, id="rollover and +2 h"),
    pytest.param(datetime(2021, 1, 1, 0, 3, 41, tzinfo=UTC) - NOW, id="reset to 2021"),
    pytest.param(datetime(2024, 6, 1, 7, 8, 9, tzinfo=UTC) - NOW, id="reset to 2024"),
    pytest.param(timedelta(days=-100, seconds=1234), id="months back"),
    pytest.param(timedelta(days=-16, seconds=321), id="weeks back"),
    pytest.param(timedelta(days=-1, seconds=-700), id="a day back"),
    pytest.param(timedelta(days=3, seconds=777), id="days ahead"),
    pytest.param(RESET - NOW, id="reset to 2000"),
    pytest.param(datetime(2019, 12, 31, tzinfo=UTC) - NOW, id="reset to 2019"),
    pytest.param(timedelta(days=400), id="years ahead"),
]


class Drive:
    """A vehicle that drives north at 72 km/h, and what becomes known of it."""

    def __init__(self, vehicle: Vehicle | None = None) -> None:
        """Start now, before anything is known, or with what is."""
        self.now = NOW
        self.set_by = timedelta()
        self.vehicle = vehicle
        self.merged: Merged | None = None

    def fix(self, stamp: datetime, *, at: datetime | None = None) -> Position:
        """Return the fix of a moment, with the time that the tracker tells of it."""
        way_m = 20 * ((at or self.now) - self.set_by - NOW).total_seconds()
        return Position(
            latitude=50 + way_m / 111_195,
            longitude=5,
            accuracy=5,
            fixed_at=stamp,
            speed=72,
        )

    def tell(self, update: VehicleUpdate) -> Vehicle:
        """Let an update come in now."""
        self.merged = merge(self.vehicle, update, Rules(), self.now)
        self.vehicle = self.merged.vehicle
        return self.vehicle

    def set_our_clock(self, by: timedelta) -> None:
        """Set Home Assistant's clock, which the vehicle takes no notice of."""
        self.now += by
        self.set_by += by

    def drive(self, off_by: timedelta, *, after: timedelta = 10 * SECOND) -> Vehicle:
        """Drive on, and let the tracker tell of it by a clock that is off."""
        self.now += after
        stamp = self.now + off_by - 2 * SECOND
        return self.tell(
            VehicleUpdate(
                vehicle_id="1",
                position=self.fix(stamp),
                groups=(
                    ReadingGroup(
                        name="tracker",
                        measured_at=stamp,
                        readings={Reading.BATTERY: self.now.minute},
                    ),
                ),
                heard_at=stamp,
                contact_interval=MINUTE,
            )
        )

    def assert_current(self) -> None:
        """Hold that the vehicle is shown where and as it is."""
        vehicle = self.vehicle
        assert vehicle is not None
        assert vehicle.position is not None
        assert vehicle.heard_at is not None
        place = self.fix(self.now)
        assert vehicle.position.distance_to(place) < 1
        assert abs(self.now - vehicle.position.fixed_at) < MINUTE
        assert abs(self.now - vehicle.heard_at) < MINUTE
        assert vehicle.readings[Reading.MOVING] is True
        assert vehicle.readings[Reading.ONLINE] is True
        assert vehicle.readings[Reading.SPEED] == 72
        assert vehicle.readings[Reading.BATTERY] == self.now.minute
        assert abs(self.now - vehicle.groups["tracker"].measured_at) < MINUTE


# --- the rows of wrong clocks -------------------------------------------------------------


@pytest.mark.parametrize("history", [False, True], ids=["fresh start", "with history"])
@pytest.mark.parametrize("off_by", WRONG_CLOCKS)
def test_wrong_clock(off_by: timedelta, history: bool) -> None:
    """It is on the map as of now, moves and is online; and the user is told."""
    drive = Drive()
    if history:
        for _ in range(5):
            drive.drive(timedelta())
        drive.assert_current()
        assert drive.vehicle is not None
        assert not is_wrong(drive.vehicle.clock)
    for number in range(1, 31):
        vehicle = drive.drive(off_by)
        # A clock that is behind may as well be one that kept its fixes, at first.
        if number >= 3 or not EARLIEST <= NOW + off_by <= NOW:
            drive.assert_current()
        assert vehicle.position is not None
        if number >= 3:
            assert is_wrong(vehicle.clock)
            assert vehicle.position.time_is_ours
            assert vehicle.groups["tracker"].time_is_ours


@pytest.mark.parametrize("off_by", WRONG_CLOCKS)
def test_constant_offset_is_learned_and_forgotten(off_by: timedelta) -> None:
    """After three fixes; and after three again when the clock was set right."""
    drive = Drive()
    for _ in range(3):
        drive.drive(off_by)
    assert drive.vehicle is not None
    learned = drive.vehicle.clock.fixes.offset
    assert learned is not None
    assert abs(learned - off_by) <= 2 * SECOND
    for _ in range(3):
        drive.drive(timedelta())
    assert drive.vehicle.clock.fixes.offset is None
    drive.drive(timedelta())
    drive.assert_current()
    assert drive.vehicle.position is not None
    assert not drive.vehicle.position.time_is_ours
    assert not is_wrong(drive.vehicle.clock)


@pytest.mark.parametrize("stored", [False, True], ids=["running", "with reloads"])
@pytest.mark.parametrize(
    "by", [5 * MINUTE, HOUR, timedelta(days=1), timedelta(days=400)], ids=str
)
def test_our_clock_is_set_back(by: timedelta, stored: bool) -> None:
    """What came before has times of the future then, which shut nothing out."""
    drive = Drive()
    for _ in range(3):
        drive.drive(timedelta())
    drive.set_our_clock(-by)
    for _ in range(5):
        if stored and drive.vehicle is not None:
            drive.vehicle = codec.from_json(Vehicle, codec.to_json(drive.vehicle))
        drive.drive(by)
        drive.assert_current()
    assert drive.vehicle is not None
    drive.set_our_clock(-by)
    vehicle = refresh(drive.vehicle, Rules(), drive.now).vehicle
    assert vehicle.position is not None
    assert vehicle.position.fixed_at == vehicle.heard_at == drive.now


@pytest.mark.parametrize("by", [timedelta(days=60), timedelta(days=400)], ids=str)
def test_our_clock_is_set_forward(by: timedelta) -> None:
    """As at the start of a computer without one: what it said before is forgotten."""
    drive = Drive()
    drive.set_our_clock(-by)
    for _ in range(5):
        drive.drive(by)
        drive.assert_current()
    drive.set_our_clock(by)
    for _ in range(5):
        drive.drive(timedelta())
        drive.assert_current()
    assert drive.vehicle is not None
    assert not is_wrong(drive.vehicle.clock)


def test_end_of_summer_time() -> None:
    """A clock that goes back an hour is followed: refused fixes count too."""
    drive = Drive()
    for _ in range(5):
        drive.drive(2 * HOUR)
    for _ in range(3):
        drive.drive(HOUR)
    drive.assert_current()
    assert drive.vehicle is not None
    assert drive.vehicle.clock.fixes.offset == HOUR


def test_clock_that_is_reset_again_and_again() -> None:
    """Each time it begins at the same moment, as without a battery of its own."""
    drive = Drive()
    drive.drive(timedelta())
    for uptime in (timedelta(hours=3), timedelta(minutes=7), timedelta(days=2)):
        started = drive.now
        for _ in range(6):
            vehicle = drive.drive(RESET.replace(year=2021) - started)
        drive.assert_current()
        assert is_wrong(vehicle.clock)
        drive.now = started + uptime
        drive.drive(RESET.replace(year=2021) - started)
        drive.assert_current()


def test_rollover_that_leads_to_a_likely_time() -> None:
    """From 2040 on weeks that were not counted lead to times after 2020."""
    drive = Drive()
    drive.set_our_clock(timedelta(days=365 * 15))
    drive.drive(timedelta())
    for _ in range(3):
        drive.drive(-ROLLOVER)
    drive.assert_current()


def test_clock_that_is_reset_while_parked() -> None:
    """The contacts tell it before there is a fix; what the fixes tell counts as well."""
    drive = Drive()
    drive.drive(timedelta())
    off_by = RESET.replace(year=2021) - drive.now
    for _ in range(4):
        drive.now += 3 * MINUTE
        drive.tell(VehicleUpdate(vehicle_id="1", heard_at=drive.now + off_by))
    assert drive.vehicle is not None
    assert drive.vehicle.heard_at == drive.now
    for _ in range(3):
        drive.drive(off_by)
    drive.assert_current()


def test_clock_of_a_parked_tracker() -> None:
    """Its contacts show how its clock goes, when there are no new fixes."""
    drive = Drive()
    for _ in range(4):
        drive.now += MINUTE
        drive.tell(
            VehicleUpdate(vehicle_id="1", heard_at=drive.now - 3 * HOUR - SECOND)
        )
    assert drive.vehicle is not None
    assert drive.vehicle.heard_at == drive.now - SECOND
    assert is_wrong(drive.vehicle.clock)


def test_right_contacts_beside_wrong_fixes() -> None:
    """The server may tell the contacts: they are not set by the clock of the fixes."""
    drive = Drive()
    for _ in range(6):
        drive.now += MINUTE
        drive.tell(
            VehicleUpdate(
                vehicle_id="1",
                position=drive.fix(drive.now + 8 * HOUR),
                heard_at=drive.now - 5 * SECOND,
            )
        )
        assert drive.vehicle is not None
        assert drive.vehicle.heard_at == drive.now - 5 * SECOND
        assert drive.vehicle.latest_fix is not None
        assert drive.vehicle.latest_fix.fixed_at == drive.now


# --- the same time again, or one a little ahead ------------------------------------------------


@pytest.mark.parametrize("off_by", [8 * HOUR, RESET - NOW, 5 * MINUTE])
def test_repeated_time_changes_nothing(off_by: timedelta) -> None:
    """It counts as of when it was first told, over a restart too."""
    drive = Drive()
    vehicle = drive.drive(off_by)
    first = drive.now
    update = VehicleUpdate(
        vehicle_id="1",
        position=drive.fix(first + off_by - 2 * SECOND),
        groups=(
            ReadingGroup(
                name="tracker",
                measured_at=first + off_by - 2 * SECOND,
                readings={Reading.BATTERY: drive.now.minute},
            ),
        ),
        heard_at=first + off_by - 2 * SECOND,
    )
    drive.vehicle = codec.from_json(Vehicle, codec.to_json(vehicle))
    for _ in range(3):
        drive.now += HOUR
        again = drive.tell(update)
        assert again.latest_fix is not None
        assert again.latest_fix.fixed_at == first
        assert again.heard_at == first
        assert again.groups["tracker"].measured_at == first
        assert again.readings[Reading.MOVING] is False
        assert again.clock == vehicle.clock


def test_one_fix_a_little_ahead_does_not_shut_out_right_ones() -> None:
    """It counts as of its receipt, and the next ones follow."""
    drive = Drive()
    drive.drive(timedelta())
    vehicle = drive.drive(9 * MINUTE)
    drive.assert_current()
    assert vehicle.position is not None
    assert not vehicle.position.time_is_ours
    for _ in range(5):
        drive.drive(timedelta(), after=SECOND)
        drive.assert_current()
        assert drive.merged is not None
        assert drive.merged.dropped == ()


def test_fix_from_far_ahead_has_a_time_of_ours() -> None:
    """Nobody knows how old its speed is."""
    vehicle = Drive().drive(FUTURE_TOLERANCE + MINUTE)
    assert vehicle.position is not None
    assert vehicle.position.time_is_ours
    assert vehicle.groups["tracker"].time_source is TimeSource.OURS


def test_one_wild_time_is_no_wrong_clock() -> None:
    """The user is told only of what lasts."""
    drive = Drive()
    for off_by in (timedelta(), timedelta(days=3), timedelta(), RESET - NOW):
        vehicle = drive.drive(off_by)
        drive.assert_current()
        assert not is_wrong(vehicle.clock)


# --- fixes that were kept -------------------------------------------------------------------


@given(
    minutes=st.one_of(st.integers(5, 360), st.integers(1440, 3000)),
    every_s=st.integers(1, 60),
    apart_ms=st.integers(0, 500),
    off_by=st.sampled_from(
        [timedelta(), 8 * HOUR, -3 * HOUR, RESET.replace(year=2021) - NOW, RESET - NOW]
    ),
)
def test_fixes_of_a_tunnel_stay_old(
    minutes: int, every_s: int, apart_ms: int, off_by: timedelta
) -> None:
    """They are taken in order, teach no offset and are not shown as current."""
    drive = Drive()
    for _ in range(5):
        known = drive.drive(off_by)
    offset = known.clock.fixes.offset
    entered = drive.now
    drive.now += minutes * MINUTE
    arrival = drive.now
    last = known.latest_fix
    kept = entered + timedelta(seconds=every_s)
    for _ in range(40):
        if kept >= arrival - 4 * MINUTE:
            break
        vehicle = drive.tell(
            VehicleUpdate(vehicle_id="1", position=drive.fix(kept + off_by, at=kept))
        )
        fix = vehicle.latest_fix
        assert fix is not None
        assert last is not None
        assert abs(fix.fixed_at - kept) <= 2 * SECOND
        assert fix.fixed_at > last.fixed_at
        assert vehicle.readings[Reading.MOVING] is False
        assert vehicle.clock.fixes.offset == offset
        last = fix
        kept += timedelta(seconds=every_s)
        drive.now += timedelta(milliseconds=apart_ms)
    drive.drive(off_by)
    drive.assert_current()


@given(
    st.lists(
        st.tuples(
            st.datetimes().map(lambda time: time.replace(tzinfo=UTC)),
            st.timedeltas(timedelta(), timedelta(days=2)),
        ),
        max_size=12,
    )
)
def test_no_time_counts_for_the_future(told: list[tuple[datetime, timedelta]]) -> None:
    """Nor for a time before there were such trackers; whatever a clock shows."""
    drive = Drive()
    for stamp, passed in told:
        drive.now += passed
        vehicle = drive.tell(
            VehicleUpdate(vehicle_id="1", position=drive.fix(stamp), heard_at=stamp)
        )
        assert vehicle.heard_at is not None
        assert EARLIEST <= vehicle.heard_at <= drive.now
        if vehicle.latest_fix is not None:
            assert EARLIEST <= vehicle.latest_fix.fixed_at <= drive.now


# --- the clock of a time ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "told", "counts_as", "is_ours"),
    [
        (TimeSource.SERVER, -HOUR, -HOUR, False),
        (TimeSource.SERVER, MINUTE, timedelta(), False),
        (TimeSource.SERVER, HOUR, timedelta(), True),
        (TimeSource.OURS, timedelta(), timedelta(), True),
        (TimeSource.OURS, SECOND, timedelta(), True),
        (TimeSource.ESTIMATED, timedelta(), timedelta(), True),
        (TimeSource.ESTIMATED, -3 * HOUR, timedelta(), True),
    ],
)
def test_times_by_other_clocks(
    source: TimeSource, told: timedelta, counts_as: timedelta, is_ours: bool
) -> None:
    """Only what is by the tracker's clock is set by what was learned of that."""
    drive = Drive()
    for _ in range(3):
        drive.drive(-3 * HOUR)
    group = ReadingGroup(
        name="other", measured_at=drive.now + told, readings={}, time_source=source
    )
    vehicle = drive.tell(VehicleUpdate(vehicle_id="1", groups=(group,)))
    assert vehicle.groups["other"].measured_at == drive.now + counts_as
    assert vehicle.groups["other"].time_is_ours is is_ours


# --- occurrences ----------------------------------------------------------------------------


def _alarm(stamp: datetime) -> Occurrence:
    return Occurrence(
        kind=OccurrenceKind.ALARM, type=OccurrenceType.SOS, occurred_at=stamp, code="1"
    )


@pytest.mark.parametrize(
    ("learned", "told", "occurred"),
    [
        (timedelta(), -5 * MINUTE, -5 * MINUTE),
        (timedelta(), MINUTE, timedelta()),
        (timedelta(), -ROLLOVER, timedelta()),
        (timedelta(), timedelta(days=400), timedelta()),
        (8 * HOUR, 8 * HOUR - MINUTE, -MINUTE),
        (8 * HOUR, 9 * HOUR, timedelta()),
        (-3 * HOUR, -3 * HOUR - MINUTE, -MINUTE),
        (-ROLLOVER, -ROLLOVER - MINUTE, -MINUTE),
    ],
)
def test_when_something_occurred(
    learned: timedelta, told: timedelta, occurred: timedelta
) -> None:
    """At its time less the learned offset, where that can be; else when we were told."""
    drive = Drive()
    for _ in range(3):
        drive.drive(learned)
    alarm = _alarm(drive.now + told)
    drive.tell(VehicleUpdate(vehicle_id="1", occurrences=(alarm,), pushed=True))
    assert drive.merged is not None
    (judged,) = drive.merged.occurrences
    assert judged.occurred_at == drive.now + occurred
    assert judged.reported_at == alarm.occurred_at
    assert judged.told_at == drive.now
    assert judged.pushed
    assert replace(judged, occurred_at=alarm.occurred_at) == alarm
