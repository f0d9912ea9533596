"""The guard: what proves that a vehicle stands or crawls, and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.model.evidence import FRESHNESS, told_speed
from custom_components.fleet_tracker.model.guard import refusal
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    ReadingGroup,
    TimeSource,
    Value,
    Vehicle,
    VehicleUpdate,
)

NOW = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
LIMIT = 20
RULES = Rules(accuracy_limit=500)
S = timedelta(seconds=1)
OURS = TimeSource.OURS
SPEED_UNKNOWN = "engine_cut_speed_unknown"
TOO_FAST = "engine_cut_too_fast"


def fix(
    ago: float,
    speed: float | None,
    *,
    latitude: float = 52,
    accuracy: float = 10,
    source: TimeSource = TimeSource.TRACKER,
    kind: FixKind = FixKind.SATELLITE,
) -> VehicleUpdate:
    """Return a fix of so many seconds ago."""
    return VehicleUpdate(
        vehicle_id="1",
        position=Position(
            latitude=latitude,
            longitude=5 if latitude else 0,
            accuracy=accuracy,
            fixed_at=NOW - ago * S,
            kind=kind,
            speed=speed,
            time_source=source,
        ),
    )


def group(
    ago: float,
    readings: Mapping[str, Value],
    *,
    heard: float | None = None,
    source: TimeSource = TimeSource.TRACKER,
    name: str = "status",
) -> VehicleUpdate:
    """Return readings of so many seconds ago, told by a contact of the same time."""
    return VehicleUpdate(
        vehicle_id="1",
        heard_at=NOW - (ago if heard is None else heard) * S,
        groups=(
            ReadingGroup(
                name=name,
                measured_at=NOW - ago * S,
                readings=readings,
                time_source=source,
            ),
        ),
    )


def read(
    ago: float,
    *,
    heard: float | None = None,
    source: TimeSource = TimeSource.TRACKER,
    group_name: str = "status",
    **readings: Value,
) -> VehicleUpdate:
    """Return readings, as `group` does."""
    return group(ago, readings, heard=heard, source=source, name=group_name)


def told(ago: float, speed: float, source: TimeSource) -> VehicleUpdate:
    """Return a speed without a fix."""
    return VehicleUpdate(
        vehicle_id="1", groups=told_speed(speed, NOW - ago * S, source)
    )


def alarm(ago: float, speed: float) -> VehicleUpdate:
    """Return an alarm that tells a speed."""
    return VehicleUpdate(
        vehicle_id="1",
        occurrences=(
            Occurrence(
                kind=OccurrenceKind.ALARM,
                type=OccurrenceType.SPEEDING,
                occurred_at=NOW - ago * S,
                details={"speed": speed},
            ),
        ),
    )


def on(ago: float) -> VehicleUpdate:
    """Return that the ignition is on."""
    return read(ago, ignition=True)


def off(ago: float, **more: Value) -> VehicleUpdate:
    """Return that the ignition is off."""
    return group(ago, {Reading.IGNITION: False, **more})


def vehicle(*news: VehicleUpdate) -> Vehicle:
    """Return a vehicle of which this was heard, each as soon as it was measured.

    What was measured before the one ahead of it is heard with that one: late.
    """
    known: Vehicle | None = None
    now: datetime | None = None
    for update in news:
        times = [group.measured_at for group in update.groups]
        if update.position is not None:
            times.append(update.position.fixed_at)
        times += [one.occurred_at for one in update.occurrences]
        heard = min(max(times), NOW)
        now = heard if now is None else max(now, heard)
        known = merge(known, update, RULES, now).vehicle
    assert known is not None
    return merge(known, VehicleUpdate(vehicle_id="1"), RULES, NOW).vehicle


def judged(*news: VehicleUpdate, limit: float = LIMIT) -> str | None:
    """Return why the vehicle must not be stopped, None if it may."""
    found = refusal(vehicle(*news), limit, NOW)
    return None if found is None else found.key


# A car that was driven and parked an hour ago, of which heartbeats are heard since.
PARKED = (on(7200), fix(3700, 60), fix(3650, 3), off(3600), off(60))

ALLOWED: dict[str, Sequence[VehicleUpdate]] = {
    "a fresh slow fix": [fix(0, 19)],
    "a slow fix of 2 minutes ago": [fix(120, 3)],
    "a fresh slow fix, with the ignition on": [on(10), fix(5, 10)],
    "a fast fix of more than 2 minutes ago, and a slow one": [fix(121, 90), fix(1, 5)],
    "the vehicle's own status says slow": [read(5, speed=4.0)],
    "the speedometer says slow": [read(5, obd_speed=4.0)],
    "the speedometer says slow, at a time that we put in": [
        read(0, obd_speed=4.0, engine_speed=800.0, ignition=True, source=OURS)
    ],
    "a slow fix at a time that we put in, and the speedometer": [
        fix(0, 4, source=OURS),
        read(0, obd_speed=5.0, source=OURS),
    ],
    "a slow fix at a time that we put in, and the ignition off": [
        on(900),
        off(5),
        fix(0, 4, source=OURS),
    ],
    "parked in a garage, the last fix an hour old": PARKED,
    "parked in a garage, never a fix": [on(7200), off(3600), off(119)],
    "parked, and the last fast fix came late, more than 2 minutes ago": [
        *PARKED[:-1],
        read(121, battery=50, group_name="other"),
        fix(3601, 50),
        off(60),
    ],
    "parked, and a slow fix drifts": [*PARKED, fix(30, 3)],
    "the ignition off at a time that we put in, by a contact": [
        on(900),
        read(0, heard=20, source=OURS, ignition=False),
    ],
    "the ignition off, by a heartbeat of 2 minutes ago": [
        on(900),
        read(0, heard=120, ignition=False),
    ],
    "distrusted, seen on again, and off": [
        on(900),
        off(800),
        fix(700, 60),
        on(600),
        off(500),
        off(10),
    ],
}
REFUSED: dict[str, tuple[str, Sequence[VehicleUpdate]]] = {
    "a fresh fix at the limit": (TOO_FAST, [fix(0, 20)]),
    "a fast fix 2 minutes ago, and a slow one now": (
        TOO_FAST,
        [fix(120, 90), fix(0, 5)],
    ),
    "a newer fast fix that is inaccurate": (
        TOO_FAST,
        [fix(30, 0), fix(5, 90, accuracy=900)],
    ),
    "a newer fast fix at (0, 0)": (TOO_FAST, [fix(30, 0), fix(5, 90, latitude=0)]),
    "a fast fix from the future": (TOO_FAST, [fix(30, 0), fix(-60, 90)]),
    "an older fast fix that comes late": (TOO_FAST, [fix(5, 0), fix(60, 90)]),
    "a fast fix out of range": (TOO_FAST, [fix(30, 0), fix(5, 90, latitude=95)]),
    "the speedometer says fast, GNSS stands": (
        TOO_FAST,
        [fix(0, 0), read(0, obd_speed=70.0, source=OURS)],
    ),
    "the speedometer says fast, GNSS without a time": (
        TOO_FAST,
        [fix(0, 0, source=OURS), read(3, obd_speed=70.0)],
    ),
    "the vehicle's own status says fast": (TOO_FAST, [fix(0, 0), read(20, speed=50.0)]),
    "an alarm tells a fast speed": (TOO_FAST, [fix(0, 0), alarm(100, 90)]),
    "a speed without a fix is fast": (TOO_FAST, [fix(10, 0), told(0, 90, OURS)]),
    "a unit that is not proven may mean more": (
        TOO_FAST,
        [fix(0, 15), told(0, 15 * 1.852, TimeSource.TRACKER)],
    ),
    "parked, and a fast fix all the same": (TOO_FAST, [*PARKED, fix(10, 30)]),
    "parked, and another fast fix by a clock that is hours behind": (
        TOO_FAST,
        [*PARKED, fix(3 * 3600, 90)],
    ),
    "parked, and fast by OBD, by a clock that is hours behind": (
        TOO_FAST,
        [
            *PARKED,
            group(3 * 3600 + 60, {Reading.OBD_SPEED: 0}, name="obd"),
            group(3 * 3600, {Reading.OBD_SPEED: 90}, name="obd"),
        ],
    ),
    "parked, and fast without a place, by a clock that is hours behind": (
        TOO_FAST,
        [*PARKED, told(3 * 3600, 90, TimeSource.TRACKER)],
    ),
    "nothing but a contact": (SPEED_UNKNOWN, [read(0, battery=50)]),
    "a slow fix of more than 2 minutes ago": (SPEED_UNKNOWN, [fix(121, 0), on(0)]),
    "a slow fix at a time that we put in": (
        SPEED_UNKNOWN,
        [on(5), fix(0, 0, source=OURS)],
    ),
    "a slow fix by cells": (SPEED_UNKNOWN, [on(5), fix(0, 0, kind=FixKind.CELL)]),
    "a slow fix at (0, 0)": (SPEED_UNKNOWN, [on(5), fix(0, 0, latitude=0)]),
    "an alarm tells a slow speed": (SPEED_UNKNOWN, [on(5), alarm(2, 3)]),
    "a slow speed without a fix": (
        SPEED_UNKNOWN,
        [on(5), told(1, 3, TimeSource.TRACKER)],
    ),
    "the engine turns, and no speed": (
        SPEED_UNKNOWN,
        [on(5), read(3, engine_speed=800.0)],
    ),
    "off, and never seen on": (SPEED_UNKNOWN, [off(3600), off(5)]),
    "off, but seen driving": (SPEED_UNKNOWN, [on(900), off(800), fix(700, 60), off(5)]),
    "off, but drifting at 5 km/h or more": (SPEED_UNKNOWN, [*PARKED, fix(130, 7)]),
    "off, but the engine turns": (
        SPEED_UNKNOWN,
        [*PARKED, read(30, engine_speed=900.0, group_name="obd")],
    ),
    "off, but the vendor says that it moves": (
        SPEED_UNKNOWN,
        [*PARKED, off(10, moving=True)],
    ),
    "off, told more than 2 minutes ago": (
        SPEED_UNKNOWN,
        [*PARKED[:-1], off(121), read(5, battery=50, group_name="other")],
    ),
    "off, without a contact": (
        SPEED_UNKNOWN,
        [
            *PARKED[:-1],
            replace(read(0, ignition=False), heard_at=None),
            read(5, battery=50, group_name="other"),
        ],
    ),
    "off, by a heartbeat of more than 2 minutes ago": (
        "engine_cut_no_contact_usual",
        [*PARKED[:-1], read(0, heard=121, ignition=False)],
    ),
    "on again since": (SPEED_UNKNOWN, [*PARKED, on(10)]),
    "on and off told at once": (
        SPEED_UNKNOWN,
        [*PARKED, on(10), read(10, ignition=False, group_name="other")],
    ),
    "never heard of": ("engine_cut_never_heard", [fix(600, 0)]),
    "not heard of for 2 minutes": ("engine_cut_no_contact", [read(121, battery=50)]),
    "offline": ("vehicle_offline", [fix(0, 0), read(0, online=False)]),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_proofs_of_standing_or_crawling(case: str) -> None:
    """Either a fresh speed below the limit, or that it is parked."""
    assert judged(*ALLOWED[case]) is None


@pytest.mark.parametrize("case", REFUSED)
def test_no_proofs_of_standing(case: str) -> None:
    """Any fast speed of the last 2 minutes, whoever told it, and what proves nothing."""
    reason, news = REFUSED[case]
    assert judged(*news) == reason


@pytest.mark.parametrize(
    ("case", "soon"),
    [
        ("off, told more than 2 minutes ago", True),
        ("off, without a contact", True),
        ("off, by a heartbeat of more than 2 minutes ago", True),
        ("not heard of for 2 minutes", True),
        ("never heard of", True),
        ("a slow fix of more than 2 minutes ago", False),
        ("off, and never seen on", False),
        ("off, but the engine turns", False),
        ("off, but drifting at 5 km/h or more", False),
        ("a fresh fix at the limit", False),
    ],
)
def test_refusals_that_the_next_heartbeat_may_lift(case: str, soon: bool) -> None:
    """Only for such it is worth looking again within the same call."""
    found = refusal(vehicle(*REFUSED[case][1]), LIMIT, NOW)
    assert found is not None
    assert found.may_pass_soon is soon


def test_refusal_names_the_usual_interval_of_contacts() -> None:
    """So that the user knows whether it is worth trying again."""
    news = [read(ago, battery=50) for ago in (1100, 920, 740, 560, 380, 200)]
    found = refusal(vehicle(*news), LIMIT, NOW)
    assert found is not None
    assert (found.key, found.placeholders) == (
        "engine_cut_no_contact_usual",
        {"minutes": "3", "usual": "3.0"},
    )
    assert found.may_pass_soon


def test_refusal_names_the_fastest_speed() -> None:
    """Not the newest."""
    found = refusal(vehicle(fix(60, 90), fix(0, 30)), LIMIT, NOW)
    assert found is not None
    assert found.placeholders == {"speed": "90", "limit": "20"}


def test_evidence_of_a_flood_stays_small() -> None:
    """Of each second only the fastest speed is kept, whatever comes in between."""
    known = vehicle(*(fix(ago / 50, 60 - ago / 100) for ago in range(5_000, 0, -1)))
    assert len(known.evidence.speeds) <= FRESHNESS.total_seconds() + 2
    assert refusal(known, 59, NOW) is not None


NEWLY_TOLD: dict[str, Callable[[float, float], VehicleUpdate]] = {
    "a fix": fix,
    "an inaccurate fix": lambda ago, speed: fix(ago, speed, accuracy=900),
    "a fix at (0, 0)": lambda ago, speed: fix(ago, speed, latitude=0),
    "a fix that waits, since it is too far away": lambda ago, speed: fix(
        ago, speed, latitude=20
    ),
    "a fix by cells": lambda ago, speed: fix(ago, speed, kind=FixKind.CELL),
    "the vehicle's status": lambda ago, speed: read(ago, speed=speed, ignition=False),
    "the speedometer": lambda ago, speed: read(ago, group_name="obd", obd_speed=speed),
    "a speed without a fix": lambda ago, speed: told(ago, speed, TimeSource.TRACKER),
    "an event": alarm,
}
STAMPS = {
    "hours old": 3 * 3600,
    "more than 2 minutes old": 130,
    "from before 2020": 8 * 365 * 86400,
    "hours ahead": -3 * 3600,
}


@pytest.mark.parametrize("kind", NEWLY_TOLD)
@pytest.mark.parametrize("stamp", STAMPS)
def test_a_speed_newly_told_counts_for_two_minutes(kind: str, stamp: str) -> None:
    """Whatever its stamp says, also where a clock stands still; told again it says nothing."""
    tell, ago = NEWLY_TOLD[kind], STAMPS[stamp]
    known = vehicle(*PARKED[:-1])
    reasons: list[str | None] = []
    for minutes, news in (
        (0, tell(ago, 3)),
        (10, tell(ago, 90)),  # the same stamp, and now it drives
        (11, off(-60 * 11)),
        (13, tell(ago, 90)),  # nothing new
        (14, tell(ago, 40)),  # and it drives on
        (15, tell(ago, 90)),
    ):
        now = NOW + timedelta(minutes=minutes)
        known = merge(known, news, RULES, now).vehicle
        found = refusal(known, LIMIT, now)
        reasons.append(None if found is None else found.key)
    assert reasons[1:3] == [TOO_FAST, TOO_FAST]
    assert reasons[3] != TOO_FAST
    assert reasons[4:] == [TOO_FAST, TOO_FAST]


def test_a_fix_with_another_place_is_newly_told() -> None:
    """A clock may stand still while the vehicle drives at one speed."""
    known, reasons = vehicle(*PARKED), []
    for minutes, latitude in ((0, 52.0), (10, 52.0), (20, 52.1)):
        now = NOW + timedelta(minutes=minutes)
        news = fix(3 * 3600, 90, latitude=latitude)
        known = merge(known, news, RULES, now).vehicle
        found = refusal(known, LIMIT, now)
        reasons.append(found is not None and found.key == TOO_FAST)
    assert reasons == [True, False, True]


def test_a_speed_beside_its_fix_is_one_speed() -> None:
    """Told beside a fix, the same speed of the same time is no other evidence."""
    update = fix(2, 44)
    (group,) = told(2, 44, TimeSource.TRACKER).groups
    one = vehicle(update).evidence
    assert vehicle(replace(update, groups=(group,))).evidence == one
    for other in (
        told(2, 45, TimeSource.TRACKER),
        told(3, 44, TimeSource.TRACKER),
    ):
        beside = vehicle(replace(update, groups=other.groups)).evidence
        assert len(beside.speeds) == len(one.speeds) + 1


def test_events_that_are_told_again_say_nothing() -> None:
    """Each poll of alarms may tell the last few again."""
    known = vehicle(*PARKED)
    known = merge(known, alarm(500, 70), RULES, NOW).vehicle
    known = merge(known, alarm(400, 80), RULES, NOW).vehicle
    later = NOW + timedelta(minutes=5)
    for ago, speed in ((500, 70), (400, 80)):
        known = merge(known, alarm(ago, speed), RULES, later).vehicle
    found = refusal(known, LIMIT, later)
    assert found is not None
    assert found.key != TOO_FAST


AGES = st.integers(-900, 400)
"""Seconds; what is ahead is stamped by a clock that is wrong."""
SPEEDS = st.one_of(st.none(), st.integers(0, 130))
NEWS = st.one_of(
    st.builds(
        fix,
        AGES,
        SPEEDS,
        latitude=st.sampled_from((0.0, 52.0, 95.0)),
        accuracy=st.sampled_from((10.0, 900.0)),
        source=st.sampled_from((TimeSource.TRACKER, OURS)),
        kind=st.sampled_from(FixKind),
    ),
    st.builds(
        lambda ago, source, key, value: group(
            ago, {key: value}, source=source, name=key
        ),
        AGES,
        st.sampled_from((TimeSource.TRACKER, OURS)),
        st.sampled_from((Reading.OBD_SPEED, str(Reading.SPEED), Reading.ENGINE_SPEED)),
        st.integers(0, 130),
    ),
    st.builds(read, AGES, ignition=st.booleans()),
    st.builds(alarm, AGES, st.integers(0, 130)),
    st.builds(
        told, AGES, st.integers(0, 130), st.sampled_from((TimeSource.TRACKER, OURS))
    ),
)


def _speeds(update: VehicleUpdate) -> list[tuple[datetime, float]]:
    """Return the speeds in an update, with when they were measured."""
    found: list[tuple[datetime, float]] = []
    if update.position is not None and update.position.speed is not None:
        found.append((update.position.fixed_at, update.position.speed))
    for group in update.groups:
        found += (
            (group.measured_at, float(value))
            for key, value in group.readings.items()
            if key in (Reading.OBD_SPEED, Reading.SPEED)
            and isinstance(value, int | float)
        )
    found += (
        (one.occurred_at, float(speed))
        for one in update.occurrences
        if isinstance(speed := one.details.get("speed"), int | float)
    )
    return found


def _in_order(news: Sequence[VehicleUpdate]) -> list[VehicleUpdate]:
    """Return news as they may come: each when it was measured, the oldest first."""

    def time(update: VehicleUpdate) -> datetime:
        if update.position is not None:
            return update.position.fixed_at
        if update.groups:
            return update.groups[0].measured_at
        return update.occurrences[0].occurred_at

    return sorted(news, key=time)


@given(st.lists(NEWS, min_size=1, max_size=25), st.integers(5, 50))
def test_never_cut_with_a_fast_speed_heard(
    news: list[VehicleUpdate], limit: int
) -> None:
    """Whatever else is known, and by whomever it was told."""
    fast = any(
        NOW - time <= FRESHNESS and speed >= limit
        for update in news
        for time, speed in _speeds(update)
    )
    for order in (_in_order(news), news):
        if fast:
            assert judged(*order, limit=limit) is not None


@given(st.lists(NEWS, max_size=25), st.integers(5, 50))
def test_never_cut_without_a_proof(news: list[VehicleUpdate], limit: int) -> None:
    """Nothing measured in the last 2 minutes is no proof, however much was before."""
    old = [update for update in news if _is_old(update)]
    assert not old or judged(*_in_order(old), limit=limit) is not None


def _is_old(update: VehicleUpdate) -> bool:
    times = [group.measured_at for group in update.groups]
    times += [one.occurred_at for one in update.occurrences]
    if update.position is not None:
        times.append(update.position.fixed_at)
    return all(NOW - time > FRESHNESS for time in times)


@given(
    st.lists(NEWS, max_size=20),
    st.integers(5, 50),
    st.integers(0, 120),
    st.lists(st.integers(0, 4), max_size=3),
)
def test_a_car_in_a_garage_can_be_cut(
    drive: list[VehicleUpdate], limit: int, heard: int, drift: list[int]
) -> None:
    """Driven, switched on and off again, and since then heard of, at walking pace at most."""
    ago = 5000
    before = [_earlier(update, timedelta(seconds=ago)) for update in drive]
    parked = [on(1200), off(1000), *(fix(900 - n, v) for n, v in enumerate(drift))]
    assert judged(*_in_order(before), *parked, off(heard), limit=limit) is None


def _earlier(update: VehicleUpdate, by: timedelta) -> VehicleUpdate:
    position = update.position
    return replace(
        update,
        position=position and replace(position, fixed_at=position.fixed_at - by),
        heard_at=update.heard_at and update.heard_at - by,
        groups=tuple(
            replace(group, measured_at=group.measured_at - by)
            for group in update.groups
        ),
        occurrences=tuple(
            replace(one, occurred_at=one.occurred_at - by) for one in update.occurrences
        ),
    )
