"""What is done in a short way gives what the long way gives."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
import random

import pytest

from custom_components.fleet_tracker.model import clocks, merge, plausibility, texts
from custom_components.fleet_tracker.model.evidence import _add_speed
from custom_components.fleet_tracker.model.record import replace
from custom_components.fleet_tracker.model.record_values import RecordValues
from custom_components.fleet_tracker.model.texts import clean_text, clean_update
from custom_components.fleet_tracker.model.vehicle import (
    ClockWatch,
    Evidence,
    FixKind,
    HeardSpeed,
    Position,
    Reading,
    ReadingGroup,
    SpeedSource,
    Stamp,
    TimeSource,
    TrackerClock,
    Value,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SEEDS = range(300)
VALUES: tuple[Value, ...] = (
    True,
    False,
    0,
    1,
    1.0,
    65.5,
    2147483647.0,
    float("nan"),
    float("inf"),
    "on",
    "two\nlines",
    NOW,
)
KEYS = (
    Reading.IGNITION,
    Reading.SPEED,
    Reading.VEHICLE_VOLTAGE,
    Reading.STATUS,
    "temperature:1",
    "custom:2",
)


def readings_by(dice: random.Random) -> dict[str, Value]:
    """Return some readings, senseless ones among them."""
    return {key: dice.choice(VALUES) for key in KEYS if dice.random() < 0.7}


def some_time(dice: random.Random) -> datetime:
    """Return a time now, in the past, the future, or from before there were trackers."""
    seconds = dice.choice((0, -1, -30, -4000, 30, 500, 900, 5000, -9_000_000_000))
    return NOW + timedelta(seconds=seconds)


def some_group(dice: random.Random, name: str = "tracker") -> ReadingGroup:
    """Return a group of readings."""
    return ReadingGroup(
        name=name,
        measured_at=some_time(dice),
        readings=readings_by(dice),
        time_source=dice.choice(list(TimeSource)),
    )


@pytest.mark.parametrize("batch", range(3))
def test_times_of_groups(batch: int) -> None:
    """A time that plainly counts need not be judged, whatever is known of the clock."""
    for seed in SEEDS:
        dice = random.Random(1000 * batch + seed)
        offset = dice.choice((None, None, timedelta(hours=2), -timedelta(hours=1)))
        stamp = Stamp(told=some_time(dice), counts_as=NOW, source=TimeSource.OURS)
        clock = TrackerClock(
            fixes=ClockWatch(offset=offset if dice.random() < 0.5 else None),
            contacts=ClockWatch(offset=offset if dice.random() < 0.5 else None),
            stamps={dice.choice(("group:tracker", "heard", "fix")): (stamp,)},
        )
        told = tuple(some_group(dice, name) for name in ("tracker", "fuel"))
        short, long = clocks._Judge(clock, NOW), clocks._Judge(clock, NOW)
        if dice.random() < 0.5:
            stamp_of_fix = dice.choice((told[0].measured_at, some_time(dice)))
            for judge in (short, long):
                judge.fix(stamp_of_fix, TimeSource.TRACKER)
        assert repr(short.groups(told)) == repr(tuple(map(long._timed, told)))
        assert short.clock == long.clock


def usual_time(dice: random.Random) -> datetime:
    """Return a time of one of the last polls, seldom another."""
    if dice.random() < 0.05:
        return some_time(dice)
    return NOW - timedelta(seconds=dice.choice((0, 2, 15, 17, 30, 32)))


def usual_update(dice: random.Random) -> VehicleUpdate:
    """Return an update as most are, with times that may be told again."""
    fixed_at, heard_at = usual_time(dice), usual_time(dice)
    sources = (*[TimeSource.TRACKER] * 20, *TimeSource)
    return VehicleUpdate(
        vehicle_id="1",
        position=Position(
            latitude=52.0,
            longitude=5.0,
            accuracy=15.0,
            fixed_at=fixed_at,
            time_source=dice.choice(sources),
        )
        if dice.random() < 0.8
        else None,
        fix_stamp=usual_time(dice) if dice.random() < 0.05 else None,
        groups=tuple(
            ReadingGroup(
                name=name,
                measured_at=dice.choice((fixed_at, heard_at, usual_time(dice))),
                readings={},
                time_source=dice.choice((*sources, TimeSource.SERVER)),
            )
            for name in ("tracker", "platform")
        ),
        heard_at=dice.choice((fixed_at, heard_at, None)),
        heard_source=dice.choice(sources),
        contacts=(heard_at,) if dice.random() < 0.05 else (),
    )


def test_times_that_plainly_count() -> None:
    """An update whose times count as they are is judged as any other one is."""
    plain = 0
    for seed in range(400):
        dice = random.Random(seed)
        clock = TrackerClock()
        for number in range(6):
            receipt = NOW + timedelta(seconds=15 * number - dice.choice((0, 0, 0, 20)))
            update = usual_update(dice)
            short = clocks._plainly(clock, update, receipt)
            long = clocks._judge(clock, update, receipt)
            if short is not None:
                plain += 1
                assert (update, short) == (long.update, long.clock)
            clock = long.clock
    assert plain > 400


def test_readings_that_were_believed_before() -> None:
    """They are not judged again, which gives what judging gives."""
    for seed in SEEDS:
        dice = random.Random(seed)
        told = some_group(dice)
        held_readings, _ = plausibility.believe_readings(
            some_group(dice), None, {}, NOW, was_set=False
        )
        held = replace(told, readings=held_readings)
        short = plausibility.believe_readings(told, held, {}, NOW, was_set=False)
        long = plausibility.believe_readings(told, None, {}, NOW, was_set=False)
        assert repr(short) == repr(long)


def test_changes() -> None:
    """They are what differs, is new, or is gone."""
    for seed in SEEDS:
        dice = random.Random(seed)
        old, new = readings_by(dice), readings_by(dice)
        before = Vehicle(vehicle_id="1", details=VehicleDetails(name="1"), readings=old)
        found = merge._changes(before, replace(before, readings=new)).readings
        assert found == {
            key
            for key in old.keys() | new.keys()
            if key not in old or key not in new or old[key] != new[key]
        }


def test_clean_texts() -> None:
    """Every key and text is clean, and what is clean stays the same object."""
    for seed in SEEDS:
        dice = random.Random(seed)
        group = some_group(dice)
        update = VehicleUpdate(vehicle_id="1", groups=(group,))
        cleaned = clean_update(update)
        readings = {
            clean_text(key): clean_text(one) if isinstance(one, str) else one
            for key, one in group.readings.items()
        }
        assert repr(cleaned.groups[0].readings) in (
            repr(readings),
            f"mappingproxy({readings!r})",
        )
        assert (cleaned is update) is ("two\nlines" not in group.readings.values())


def test_records_are_copied_as_dataclasses_are() -> None:
    """A copy has all values but the changed ones, and leaves the other as it was."""
    vehicle = Vehicle(vehicle_id="1", details=VehicleDetails(name="1"))
    for changes in ({}, {"absences": 2}, {"heard_at": NOW, "evidence": Evidence()}):
        before = repr(vehicle)
        copied = replace(vehicle, **changes)
        assert copied is not vehicle
        assert copied == dataclasses.replace(vehicle, **changes)
        assert repr(vehicle) == before
    with pytest.raises(TypeError, match="has no speed"):
        replace(vehicle, speed=5)  # type: ignore[call-arg]
    fix = Position(latitude=1.0, longitude=2.0, accuracy=3.0, fixed_at=NOW)
    assert replace(fix, kind=FixKind.CELL).kind is FixKind.CELL


def test_names_of_readings_stay_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that were seen before are not looked at again, and not kept for ever."""
    monkeypatch.setattr(texts, "_CLEAN_NAMES", known := set[str]())
    monkeypatch.setattr(texts, "_MOST_NAMES", 3)
    for names in (("a", "b"), ("a",), ("c", "d"), ("two\nlines",)):
        group = ReadingGroup(
            name="io", measured_at=NOW, readings=dict.fromkeys(names, 1)
        )
        cleaned = texts.clean_update(VehicleUpdate(vehicle_id="1", groups=(group,)))
        assert all(map(str.isprintable, cleaned.groups[0].readings))
    assert known == {"c", "d"}


def test_speeds_are_kept_in_order() -> None:
    """One that is later than all others needs no search for those of its second."""
    for seed in SEEDS:
        dice = random.Random(seed)
        speeds: list[HeardSpeed] = []
        for _ in range(12):
            at = NOW + timedelta(milliseconds=dice.randrange(0, 6000, 250))
            source = dice.choice((SpeedSource.FIX, SpeedSource.OBD))
            one = HeardSpeed(speed=dice.randrange(90), measured_at=at, source=source)
            same = [
                other
                for other in (*speeds, one)
                if other.source is source
                and other.measured_at.replace(microsecond=0)
                == at.replace(microsecond=0)
            ]
            fastest = max(same, key=lambda it: (it.speed, it.measured_at))
            others = [other for other in speeds if other not in same]
            _add_speed(speeds, one)
            assert sorted(speeds, key=repr) == sorted([*others, fastest], key=repr)
            assert speeds == sorted(speeds, key=lambda it: it.measured_at)


def test_values_of_a_record_that_moves_on() -> None:
    """They are all but those of the given names; a record without one is another one."""
    record = {"imei": "1", "time": 5, "speed": 7}
    values = RecordValues(record, frozenset({"time"}))
    assert values.are_in(record)
    assert values.are_in({**record, "time": 6})
    assert not values.are_in({**record, "speed": 8})
    assert not values.are_in({"imei": "1", "time": 5})
    assert not values.are_in({**record, "more": None})
    assert not values.are_in({"imei": "1", "time": 5, "fuel": 7})
