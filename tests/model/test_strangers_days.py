"""Days that strangers make up, heard in every order, twice, cut, and with restarts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import cache
from itertools import groupby, pairwise
import math
from random import Random

from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.model.merge import merge, refresh
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.trips.fold import TripSettings
from custom_components.fleet_tracker.model.trips.trip import (
    DistanceSource,
    Trip,
    VendorTrip,
)
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Position,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
    VehicleUpdate,
)

from .odd_strangers import ALL_DAYS as DAYS
from .strangers import MINUTE, StrangeDay
from .test_trip_scenarios import (
    HOUR,
    LATITUDE,
    LONGITUDE,
    METRES_PER_DEGREE,
    Event,
    Heard,
    heard,
    receipt,
    restarted,
    seconds,
    values,
)

KINDS = {"satellite": FixKind.SATELLITE, "cell": FixKind.CELL}
MOST_IN_ANY_ORDER = 60
"""Late news is folded anew each time, which takes long with many events."""
EVERY_DAY = pytest.mark.parametrize("name", DAYS)


@cache
def made(name: str) -> tuple[StrangeDay, list[Event], TripSettings, Heard]:
    """Return a day, its events, its settings, and what follows in the order of receipt."""
    day = DAYS[name]()
    settings = TripSettings(interval_s=day.interval_s)
    return day, day.events, settings, heard(day.events, settings)


def assert_counted(day: StrangeDay, trips: tuple[Trip, ...]) -> None:
    """Check that the trips are those that a person counts."""
    assert len(trips) == len(day.trips)
    for number, (trip, (begin, end, km)) in enumerate(
        zip(trips, day.trips, strict=True)
    ):
        found = trip.found
        assert found.begin == pytest.approx(begin, abs=65)
        assert found.end == pytest.approx(end, abs=65)
        assert found.distance_m / 1000 == pytest.approx(km, rel=0.03, abs=0.05)
        if number in day.idle_min:
            idle = day.idle_min[number] * MINUTE
            assert found.idle_s == pytest.approx(idle, abs=65)
        parts = sum(part for _, part in found.quarters)
        assert parts == pytest.approx(found.distance_m, rel=0.001)


@EVERY_DAY
def test_a_person_counts_the_same(name: str) -> None:
    """Each trip is told to begin and to end once."""
    day, _, _, told = made(name)
    assert_counted(day, told.log.trips)
    flags = {
        number: ", ".join(sorted(trip.found.flags))
        for number, trip in enumerate(told.log.trips)
        if trip.found.flags
    }
    assert flags == day.flags
    assert told.towed == day.towed
    assert len(told.ended) == len(set(told.ended))
    assert {trip.trip_id for trip in told.log.trips} <= set(told.ended)
    if not day.told.buffers:
        assert told.ended == [trip.trip_id for trip in told.log.trips]


def test_first_metres_of_a_short_drive_count() -> None:
    """Also those within which it still counts as parked."""
    day, _, _, told = made("to_the_baker_and_back")
    for trip, (_, _, km) in zip(told.log.trips, day.trips, strict=True):
        assert trip.found.distance_source is DistanceSource.ODOMETER
        assert trip.found.distance_m / 1000 == pytest.approx(km, rel=0.01)


@EVERY_DAY
def test_order_repeats_and_restarts_make_no_difference(name: str) -> None:
    """Events of one receipt in any order, all of them in any order twice, restarts."""
    _, events, settings, told = made(name)
    random = Random(name)
    counted = values(told.log.trips)
    mixed = []
    for _, those in groupby(events, receipt):
        several = list(those) * 2
        mixed += random.sample(several, len(several))
    again = heard(mixed, settings)
    assert (values(again.log.trips), again.towed) == (counted, told.towed)
    assert len(again.ended) == len(set(again.ended))
    if len(events) <= MOST_IN_ANY_ORDER:
        again = heard(random.sample(events * 2, 2 * len(events)), settings)
        assert values(again.log.trips) == counted
        assert len(again.ended) == len(set(again.ended))
    again = heard(events, settings, restarted)
    assert values(again.log.trips) == counted
    assert (again.started, again.ended, again.corrected, again.towed) == (
        told.started,
        told.ended,
        told.corrected,
        told.towed,
    )


@EVERY_DAY
def test_cut_anywhere_nothing_is_counted_twice(name: str) -> None:
    """Nothing overlaps, and what was told is not told again when it stays silent then."""
    _, events, settings, _ = made(name)
    told = Heard()
    for event in events:
        told.hear(event, settings)
        then = Heard(log=told.log, now=told.now)
        then.wait()
        for one in (told, then):
            for before, after in pairwise(one.log.trips):
                assert before.found.until <= after.begin
        assert not set(then.ended) & set(told.ended)


def update_of(event: Event) -> VehicleUpdate:
    """Return what a vendor makes of an event of the file."""
    if trip := event.get("vendor_trip"):
        own = VendorTrip(
            begin=seconds(trip["begin"]),
            end=seconds(trip["end"]),
            distance_m=trip["distance_m"],
        )
        return VehicleUpdate(vehicle_id="1", trips=(own,))
    at = dt_util.utc_from_timestamp(seconds(event["t"]))
    kind = KINDS.get(event.get("kind", "satellite"))
    shrink = METRES_PER_DEGREE * math.cos(math.radians(LATITUDE))
    position = kind and Position(
        latitude=LATITUDE + event["y"] / METRES_PER_DEGREE,
        longitude=LONGITUDE + event["x"] / shrink,
        accuracy=event.get("acc", 15),
        fixed_at=at,
        speed=event.get("v"),
        kind=kind,
    )
    readings: dict[str, Value] = {}
    if "ign" in event:
        readings[Reading.IGNITION] = event["ign"]
    if "unlocked" in event:
        readings[Reading.LOCKED] = not event["unlocked"]
    if "odo_m" in event:
        readings[Reading.ODOMETER] = event["odo_m"] / 1000
    group = ReadingGroup(name="io", measured_at=at, readings=readings)
    return VehicleUpdate(
        vehicle_id="1",
        position=position or None,
        groups=(group,) if readings else (),
        heard_at=at,
    )


@EVERY_DAY
def test_the_same_by_what_is_believed(name: str) -> None:
    """Through the one way in: clocks and plausibility judge all of it first."""
    day, events, settings, _ = made(name)
    rules = Rules(trips=settings)
    vehicle: Vehicle | None = None
    told = Counter[str]()
    now = dt_util.utc_from_timestamp(0)
    for event in events:
        now = max(now, dt_util.utc_from_timestamp(receipt(event) + 2))
        merged = merge(vehicle, update_of(event), rules, now)
        vehicle = merged.vehicle
        told.update(it.type for it in merged.derived)
    assert vehicle is not None
    for _ in range(2):
        now += timedelta(seconds=HOUR)
        merged = refresh(vehicle, rules, now)
        vehicle = merged.vehicle
        told.update(it.type for it in merged.derived)
    assert_counted(day, vehicle.trips.trips)
    assert told["towed"] == day.towed
    if not day.told.buffers:
        assert told["trip_started"] == told["trip_ended"] == len(day.trips)
