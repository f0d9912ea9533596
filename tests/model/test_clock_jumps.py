"""Clocks of trackers that jump: from any offset to any other, and how long it shows.

A vehicle freezes while its fixes count for times before the last one that was known. The
bound of that is `BOUND`, whatever the clock showed before and shows now.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from custom_components.fleet_tracker.account import codec
from custom_components.fleet_tracker.model.clocks import ROLLOVER, is_wrong, judge
from custom_components.fleet_tracker.model.guard import refusal
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.record import replace
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    Position,
    Reading,
    ReadingGroup,
    TimeSource,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)

from .test_clocks import HOUR, MINUTE, NOW, SECOND, Drive

BOUND = MINUTE
"""For so long a vehicle may freeze, or for two of its intervals if that is longer.

News may be under way for 3 minutes: a clock that is behind by less counts as right, and
its vehicle freezes by just that.
"""

ZONES = sorted(
    {
        offset
        for name in (
            *(f"Etc/GMT{hours:+}" for hours in range(-14, 13)),
            *("Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Asia/Kabul"),
            *("America/St_Johns", "Pacific/Marquesas", "Pacific/Chatham"),
            *("Australia/Adelaide", "Australia/Eucla", "Asia/Yangon"),
            "Australia/Lord_Howe",
        )
        for day in (1, 182)
        if (
            offset := (NOW + timedelta(days=day)).astimezone(ZoneInfo(name)).utcoffset()
        )
        is not None
    }
)
# None is a whole number of minutes from another, so that no time is told twice.
ODD = [
    *(
        sign * timedelta(minutes=minutes, seconds=minutes + sign)
        for sign in (1, -1)
        for minutes in (2, 4, 9, 11, 20)
    ),
    *(sign * (13.5 * MINUTE + 1 * SECOND) for sign in (1, -1)),
    *(sign * (16.5 * MINUTE + 3 * SECOND) for sign in (1, -1)),
    *(
        sign * (hours * HOUR + 23 * MINUTE)
        for sign in (1, -1)
        for hours in (0, 5, 13, 23)
    ),
]
RESETS = [
    -ROLLOVER,
    2 * HOUR - ROLLOVER,
    *(
        datetime(year, 1, 1, 0, 3, 41, tzinfo=UTC) - NOW
        for year in (1970, 1980, 2000, 2006, 2019, 2021, 2024)
    ),
    *(timedelta(days=days, seconds=1234) for days in (-30, -2, 2, 400)),
]


def counted(
    clock_of: Vehicle, off_by: timedelta, now: datetime
) -> tuple[Vehicle, datetime]:
    """Return what a fix counts for that has just been found, and the clock after it."""
    fix = Position(
        latitude=50, longitude=5, accuracy=5, fixed_at=now + off_by - 2 * SECOND
    )
    judged = judge(clock_of, VehicleUpdate(vehicle_id="1", position=fix), now)
    assert judged.update.position is not None
    return replace(clock_of, clock=judged.clock), judged.update.position.fixed_at


@pytest.mark.parametrize("interval", [10 * SECOND, 60 * SECOND], ids=str)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(ZONES, ZONES, id="zone to zone"),
        pytest.param(ZONES, ODD, id="zone to odd"),
        pytest.param(ODD, ZONES, id="odd to zone"),
        pytest.param(ODD, ODD, id="odd to odd"),
        pytest.param(ZONES, RESETS, id="reset"),
        pytest.param(RESETS, [*ZONES, *ODD, *RESETS], id="set again"),
    ],
)
def test_no_jump_freezes_for_long(
    before: list[timedelta], after: list[timedelta], interval: timedelta
) -> None:
    """From each offset to each other a fix soon counts as of now again."""
    bound = max(BOUND, 2 * interval)
    learned: dict[timedelta, tuple[Vehicle, datetime, datetime]] = {}
    for old in before:
        vehicle = Vehicle(vehicle_id="1", details=VehicleDetails(name="1"))
        now = newest = NOW
        for _ in range(10):
            now += interval
            vehicle, newest = counted(vehicle, old, now)
        learned[old] = vehicle, now, newest
    too_long = []
    for old, new in product(before, after):
        vehicle, jumped, newest = learned[old]
        now = jumped
        frozen_until = jumped + bound
        if timedelta() < -new < 3 * MINUTE:
            frozen_until -= new
        while now < frozen_until + 2 * interval:
            now += interval
            vehicle, at = counted(vehicle, new, now)
            is_current = at > newest and timedelta() <= now - at <= 3 * MINUTE
            if not is_current and now > frozen_until:
                too_long.append((str(old), str(new), str(now - jumped)))
            newest = max(newest, at)
    assert not too_long


SOME = {
    "0": timedelta(),
    "+8 h": 8 * HOUR,
    "-3 h": -3 * HOUR,
    "+20 min": 20 * MINUTE + 7 * SECOND,
    "-20 min": -20 * MINUTE - 7 * SECOND,
    "-5 min": -5 * MINUTE - 7 * SECOND,
    "-7 h 40": -7 * HOUR - 40 * MINUTE,
    "reset": timedelta(days=-1500, seconds=1234),
}


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarts"])
@pytest.mark.parametrize("new", SOME)
@pytest.mark.parametrize("old", SOME)
def test_jump_in_mid_drive(old: str, new: str, *, restarts: bool) -> None:
    """The vehicle is where it is, moves and is online, and its clock is told of."""
    drive = Drive()
    for _ in range(9):
        drive.drive(SOME[old])
    drive.assert_current()
    jumped = drive.now
    while drive.now < jumped + BOUND + 30 * SECOND:
        if restarts:
            assert drive.vehicle is not None
            drive.vehicle = codec.from_json(Vehicle, codec.to_json(drive.vehicle))
        drive.drive(SOME[new])
        if drive.now >= jumped + BOUND + 10 * SECOND:
            drive.assert_current()
    assert drive.vehicle is not None
    assert is_wrong(drive.vehicle.clock) is (new != "0")


@pytest.mark.parametrize("new", SOME)
def test_jump_while_parked(new: str) -> None:
    """Hours later, without any news in between, the next drive is shown as it is."""
    drive = Drive()
    for _ in range(9):
        drive.drive(timedelta())
    drive.set_our_clock(9 * HOUR)
    started = drive.now
    while drive.now < started + BOUND + 30 * SECOND:
        vehicle = drive.drive(SOME[new])
        fix = vehicle.latest_fix
        assert fix is not None
        # Before a clock that was reset is known, its times seem to be older.
        assert new == "reset" or fix.distance_to(drive.fix(drive.now)) < 1
    drive.assert_current()


@pytest.mark.parametrize("old", SOME)
@pytest.mark.parametrize(
    "by", [sign * by for sign in (1, -1) for by in (HOUR, 37 * MINUTE, 72 * HOUR)]
)
def test_clock_of_the_server_is_learned_beside(old: str, by: timedelta) -> None:
    """All receipts jump with it, also those of a tracker whose own clock is wrong."""
    drive = Drive()
    for _ in range(9):
        drive.drive(SOME[old])
    drive.set_our_clock(by)
    for _ in range(9):
        drive.drive(SOME[old] - by)
    drive.assert_current()


@pytest.mark.parametrize("a_day", [-20, 20])
def test_clock_that_drifts(a_day: int) -> None:
    """Whatever it has come to, no vehicle freezes, and moving fails for a minute at most."""
    drive = Drive()
    for day in range(1, 90):
        drive.set_our_clock(timedelta(days=1))
        for _ in range(5):
            vehicle = drive.drive(timedelta(seconds=a_day * day), after=20 * SECOND)
            fix = vehicle.latest_fix
            assert fix is not None
            assert fix.distance_to(drive.fix(drive.now)) < 1
        assert vehicle.readings[Reading.MOVING] is True
        assert vehicle.readings[Reading.ONLINE] is True


@pytest.mark.parametrize("seen_after", [4, 9, 12, 20])
def test_what_a_poll_sees_late_is_no_offset(seen_after: int) -> None:
    """Where news comes as seldom as it is late, its clock is believed."""
    drive = Drive()
    for _ in range(8):
        vehicle = drive.drive(
            -seen_after * MINUTE - 7 * SECOND, after=(seen_after + 1) * MINUTE
        )
        fix = vehicle.latest_fix
        assert fix is not None
        assert fix.fixed_at == drive.now - seen_after * MINUTE - 9 * SECOND
        assert not is_wrong(vehicle.clock)


@pytest.mark.parametrize("pace", [1.5, 2, 5])
@pytest.mark.parametrize("every_s", [1, 10, 30])
@pytest.mark.parametrize("minutes", [6, 20, 40, 333])
def test_kept_fixes_that_come_one_by_one(
    minutes: int, every_s: int, pace: float
) -> None:
    """They come in faster than they were made, so that they are seen to be old."""
    drive = Drive()
    for _ in range(5):
        drive.drive(timedelta())
    kept = drive.now
    drive.now += minutes * MINUTE
    while (late := drive.now - kept) > 4 * MINUTE and late > (minutes - 5) * MINUTE:
        kept += every_s * SECOND
        drive.now += every_s * SECOND / pace
        vehicle = drive.tell(
            VehicleUpdate(vehicle_id="1", position=drive.fix(kept, at=kept))
        )
        fix = vehicle.latest_fix
        assert fix is not None
        assert fix.fixed_at == kept
    drive.drive(timedelta())
    drive.assert_current()


def test_time_that_may_be_late_does_not_prove_that_a_vehicle_is_parked() -> None:
    """News that is always late by 20 minutes looks like a clock that is behind."""
    vehicle: Vehicle | None = None
    now = NOW
    for off_by, count in ((timedelta(), 3), (-20 * MINUTE, 8)):
        for number in range(count):
            now += 20 * SECOND
            at = now + off_by
            ignition = ReadingGroup(
                name="io", measured_at=at, readings={Reading.IGNITION: number < 1}
            )
            obd = ReadingGroup(
                name="obd", measured_at=at, readings={Reading.OBD_SPEED: 0}
            )
            update = VehicleUpdate(
                vehicle_id="1",
                position=replace(Drive().fix(at), speed=0),
                groups=(ignition, obd),
                heard_at=at,
            )
            vehicle = merge(vehicle, update, Rules(), now).vehicle
        assert vehicle is not None
        refused = refusal(vehicle, 20, now)
        assert (refused is None) is (off_by == timedelta())
    assert vehicle is not None
    assert vehicle.heard_at == now
    assert vehicle.groups["io"].time_source is TimeSource.GUESSED
