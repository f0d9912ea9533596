"""Days on which the clock of a tracker jumps, with the trips that a person counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.model.clocks import ROLLOVER
from custom_components.fleet_tracker.model.merge import merge, refresh
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.trips.moments import ON, Moment
from custom_components.fleet_tracker.model.vehicle import (
    Position,
    Reading,
    ReadingGroup,
    Vehicle,
    VehicleUpdate,
)

from .drives import Day, Ways

HOUR, MINUTE = 3600.0, 60.0
DEGREE = 1e7


def updates(one: Moment, ahead: timedelta, *, apart: bool) -> list[VehicleUpdate]:
    """Return what a tracker tells with a clock that is ahead, in one record or in two."""
    at = dt_util.utc_from_timestamp(one.at) + ahead
    position = Position(
        latitude=one.latitude / DEGREE,
        longitude=one.longitude / DEGREE,
        accuracy=15,
        fixed_at=at,
        speed=one.kmh,
        course=one.course,
    )
    key = ReadingGroup(
        name="io",
        measured_at=at,
        readings={Reading.IGNITION: bool(one.told & ON)},
    )
    if apart:
        return [
            VehicleUpdate(vehicle_id="1", position=position),
            VehicleUpdate(vehicle_id="1", groups=(key,)),
        ]
    return [VehicleUpdate(vehicle_id="1", position=position, groups=(key,))]


def day_of(interval: float) -> Day:
    """Return a day with three drives of 10 km."""
    day = Day(1, Ways(interval=interval, straight=1e9, corner=0))
    day.stand(2 * HOUR)
    for _ in range(3):
        day.drive(10_000)
        day.stand(3 * HOUR)
    return day


def jumps(ahead: timedelta, begin: float, end: float) -> Callable[[float], timedelta]:
    """Return by how much a clock is ahead that jumps, and jumps back."""
    return lambda at: ahead if begin < at < end else timedelta()


HOURS = {f"{hours:+} h": timedelta(hours=hours) for hours in (1, -1, 8, -8, 5.5, -0.25)}
ODD = {
    f"{minutes:+} min": timedelta(minutes=minutes) for minutes in (-5, -20, 20, -460)
}
JUMPS = {**HOURS, **ODD, "rollover": -ROLLOVER, "reset": timedelta(days=-1500)}


@pytest.mark.parametrize(
    ("until", "interval", "apart"),
    [(5 * MINUTE, 20.0, False), (2 * HOUR, 30.0, True), (50 * HOUR, 30.0, False)],
)
@pytest.mark.parametrize("jump", JUMPS)
def test_clock_that_jumps_on_the_way(
    jump: str, until: float, interval: float, apart: bool
) -> None:
    """Right in the middle of the second drive; it may be set right on the way, or later."""
    day = day_of(interval)
    middle = (day.drives[1].begin + day.drives[1].end) / 2
    assert_counted(day, jumps(JUMPS[jump], middle, middle + until), apart=apart)


@pytest.mark.parametrize("hours", [1, -1])
@pytest.mark.parametrize("zone", [0, 1, -5])
def test_night_of_daylight_saving(hours: int, zone: int) -> None:
    """A tracker tells local time, which is set on the way."""
    day = day_of(30)
    middle = (day.drives[1].begin + day.drives[1].end) / 2
    assert_counted(
        day, lambda at: timedelta(hours=zone + (hours if at > middle else 0))
    )


def assert_counted(
    day: Day, ahead: Callable[[float], timedelta], *, apart: bool = False
) -> None:
    """Check that each drive is one trip, told once, and as long as it was."""
    vehicle: Vehicle | None = None
    told = Counter[str]()
    now = dt_util.utc_from_timestamp(0)
    for one in day.moments:
        now = dt_util.utc_from_timestamp(one.at + 2)
        if vehicle is not None:
            merged = refresh(vehicle, Rules(), now)
            vehicle = merged.vehicle
            told.update(it.type for it in merged.derived)
        for update in updates(one, ahead(one.at), apart=apart):
            merged = merge(vehicle, update, Rules(), now)
            vehicle = merged.vehicle
            told.update(it.type for it in merged.derived)
    assert vehicle is not None
    merged = refresh(vehicle, Rules(), now + timedelta(hours=1))
    told.update(it.type for it in merged.derived)
    trips = merged.vehicle.trips.trips
    assert [one.found.distance_m / 1000 for one in trips] == pytest.approx(
        [10, 10, 10], rel=0.05
    )
    for trip, drive in zip(trips, day.drives, strict=True):
        assert trip.begin == pytest.approx(drive.begin, abs=90)
        assert trip.found.until == pytest.approx(drive.end, abs=90)
    assert told == {"trip_started": 3, "trip_ended": 3}
