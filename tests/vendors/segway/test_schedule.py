"""When what is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.fleet_tracker.model.vehicle import Reading, Vehicle
from custom_components.fleet_tracker.vendors.segway.schedule import (
    Query,
    Schedule,
    State,
    UploadPeriods,
    push_period,
)
from custom_components.fleet_tracker.vendors.segway.vehicle import (
    AcceptedVehicle,
    FactsBook,
)
from custom_components.fleet_tracker.vendors.segway.vocabulary import SegwayCapability
from tests.vendors.fake_host import FakeMemory

NOW = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

RIDING = State(locked=False, moving=True)
STANDING = State(locked=False, moving=False)
PARKED = State(locked=True, moving=False)
UNKNOWN = State()

PERIODS = UploadPeriods(
    location_unlocked=20,
    location_locked=300,
    status_riding=30,
    status_standing=60,
    status_locked=600,
)


def make(standing: int = 60) -> Schedule:
    """Return a schedule of which everything was asked just now."""
    return Schedule(
        driving=15 * SECOND,
        standing=standing * SECOND,
        asked=dict.fromkeys(Query, NOW),
    )


def seconds(schedule: Schedule, query: Query, state: State, now: datetime = NOW) -> int:
    """Return in how many seconds something is due."""
    return round((schedule.due_at(query, state, now) - now).total_seconds())


def test_query_that_was_never_asked_is_due() -> None:
    """At the start everything is asked."""
    schedule = Schedule(driving=15 * SECOND, standing=60 * SECOND)
    assert {schedule.due_at(query, PARKED, NOW) for query in Query} == {NOW}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (RIDING, (15, 15, 60, 300)),
        (State(locked=True, moving=True), (15, 15, 60, 300)),
        (STANDING, (60, 60, 240, 300)),
        (PARKED, (900, 900, 3600, 3600)),
        (UNKNOWN, (900, 900, 3600, 3600)),
    ],
)
def test_pace(state: State, expected: tuple[int, ...]) -> None:
    """Quick while it moves, 15 minutes when parked, the rest less often."""
    assert tuple(seconds(make(), query, state) for query in Query) == expected


def test_the_users_slow_pace_counts_where_it_is_slower() -> None:
    """Parked is 15 minutes or what the user chose, whichever is slower."""
    assert seconds(make(1800), Query.STATUS, PARKED) == 1800
    assert seconds(make(1800), Query.STATUS, STANDING) == 1800


def test_quick_for_a_while() -> None:
    """After a command it is looked at closely for two minutes."""
    schedule = make()
    schedule.be_quick(NOW)
    assert seconds(schedule, Query.STATUS, PARKED) == 15
    later = NOW + 119 * SECOND
    schedule.asked[Query.STATUS] = later
    assert seconds(schedule, Query.STATUS, PARKED, later) == 15
    later += SECOND
    assert seconds(schedule, Query.STATUS, PARKED, later) == 899


def test_documented_periods() -> None:
    """Location 10 s unlocked and 900 s locked; status 10 s riding, else on change."""
    tens = timedelta(seconds=10)
    for state in (RIDING, STANDING, UNKNOWN):
        assert push_period(Query.LOCATION, state, None) == tens
    assert push_period(Query.LOCATION, PARKED, None) == 90 * tens
    assert push_period(Query.STATUS, RIDING, None) == tens
    for state in (STANDING, PARKED, UNKNOWN):
        assert push_period(Query.STATUS, state, None) is None
    assert push_period(Query.BATTERY_INFO, RIDING, PERIODS) is None


def test_configured_periods() -> None:
    """The upload interval that was set counts instead."""
    periods = [
        push_period(query, state, PERIODS)
        for query in (Query.LOCATION, Query.STATUS)
        for state in (RIDING, STANDING, PARKED)
    ]
    assert periods == [SECOND * n for n in (20, 20, 300, 30, 60, 600)]


def test_pushes_slow_down_and_stop() -> None:
    """Slow while they come; quick as soon as two periods passed without one."""
    schedule = make()
    later = NOW + 60 * SECOND
    for query in (Query.STATUS, Query.LOCATION):
        schedule.pushed[query] = later
        # Not before pushes count as stopped, 20 s after the last.
        assert seconds(schedule, query, RIDING, later) == 20
        assert schedule.interval(query, RIDING, later) == 900 * SECOND
        almost = later + 19.999 * SECOND
        assert schedule.due_at(query, RIDING, almost) > almost
        stopped = later + 20 * SECOND
        assert schedule.due_at(query, RIDING, stopped) <= stopped
        assert schedule.interval(query, RIDING, stopped) == 15 * SECOND


def test_each_kind_of_push_counts_for_itself() -> None:
    """Locations that come say nothing about statuses."""
    schedule = make()
    schedule.pushed[Query.LOCATION] = NOW
    assert seconds(schedule, Query.LOCATION, RIDING) == 20
    assert seconds(schedule, Query.STATUS, RIDING) == 15
    assert seconds(schedule, Query.EXTRA_STATUS, RIDING) == 60


def test_pushed_and_parked() -> None:
    """Locations are hardly asked for; statuses have no period: slow, but not slower."""
    schedule = make()
    schedule.pushed = {Query.LOCATION: NOW, Query.STATUS: NOW}
    assert schedule.interval(Query.LOCATION, PARKED, NOW) == 3600 * SECOND
    assert seconds(schedule, Query.LOCATION, PARKED) == 1800
    assert seconds(schedule, Query.STATUS, PARKED) == 900
    schedule.configured = PERIODS
    assert seconds(schedule, Query.STATUS, PARKED) == 1200
    assert schedule.interval(Query.STATUS, PARKED, NOW) == 3600 * SECOND


def test_failures_back_off() -> None:
    """Each failure doubles the wait, up to the parked pace; others are not affected."""
    schedule = make()
    waits = []
    for _ in range(8):
        schedule.failures[Query.STATUS] += 1
        waits.append(seconds(schedule, Query.STATUS, RIDING))
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert seconds(schedule, Query.LOCATION, RIDING) == 15
    assert seconds(schedule, Query.STATUS, PARKED) == 900


def test_lost_vehicles_are_asked_for_hourly() -> None:
    """A vehicle that the account does not have is asked for once an hour."""
    schedule = make()
    schedule.lost = True
    assert {seconds(schedule, query, RIDING) for query in Query} == {3600}


def test_starting_over() -> None:
    """A question that did not reach the vehicle is due again."""
    schedule = make()
    schedule.failures[Query.STATUS] = 3
    schedule.start_over()
    assert schedule.due_at(Query.STATUS, PARKED, NOW) == NOW
    assert not schedule.failures


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(days=400)], ids=str)
def test_clock_that_was_set_back(by: timedelta) -> None:
    """What was asked or pushed by the clock before keeps nobody waiting for so long."""
    schedule = make()
    schedule.be_quick(NOW)
    schedule.pushed = dict.fromkeys(Query, NOW)
    now = NOW - by
    assert {schedule.due_at(query, PARKED, now) for query in Query} == {now}
    schedule.asked = dict.fromkeys(Query, now)
    assert not schedule.is_pushed(Query.LOCATION, PARKED, now)
    assert seconds(schedule, Query.STATUS, PARKED, now) == 900


@given(
    state=st.builds(
        State,
        st.sampled_from([None, True, False]),
        st.sampled_from([None, True, False]),
    ),
    pushed=st.dictionaries(
        st.sampled_from([Query.STATUS, Query.LOCATION]), st.integers(0, 7200)
    ),
    quick=st.none() | st.integers(-300, 300),
    failures=st.dictionaries(st.sampled_from(Query), st.integers(0, 100)),
    periods=st.none() | st.just(PERIODS),
    later=st.integers(0, 7200),
)
def test_nothing_is_asked_too_often_or_never(
    state: State,
    pushed: dict[Query, int],
    quick: int | None,
    failures: dict[Query, int],
    periods: UploadPeriods | None,
    later: int,
) -> None:
    """Whatever happens: not before the quick pace is over, and within four hours."""
    schedule = make()
    schedule.configured = periods
    schedule.pushed = {query: NOW + s * SECOND for query, s in pushed.items()}
    schedule.failures.update(failures)
    if quick is not None:
        schedule.quick_until = NOW + quick * SECOND
    now = NOW + later * SECOND
    for query in Query:
        due = schedule.due_at(query, state, now)
        assert NOW + 15 * SECOND <= due <= NOW + 4 * 3600 * SECOND


# --- what is planned -----------------------------------------------------------------------


def accepted() -> AcceptedVehicle:
    """Return a vehicle of the model that has most."""
    return AcceptedVehicle.accept(
        "860000000000001",
        {},
        FactsBook(FakeMemory()),
        driving=15 * SECOND,
        standing=60 * SECOND,
    )


def known_as(locked: bool | None, moving: bool | None) -> Vehicle:
    """Return what decides on the pace of a vehicle."""
    readings = {Reading.LOCKED: locked, Reading.MOVING: moving}
    return cast("Vehicle", SimpleNamespace(readings=readings))


def judged_anew(vehicle: AcceptedVehicle, known: Vehicle, now: datetime) -> datetime:
    """Return when to ask a vehicle by its schedule alone."""
    schedule, state = vehicle._schedule, vehicle.state(known)
    return min(schedule.due_at(query, state, now) for query in vehicle.queries)


def happen(vehicle: AcceptedVehicle, what: str, query: Query, now: datetime) -> None:
    """Let something happen to a vehicle that its schedule depends on."""
    match what:
        case "asked":
            vehicle.schedule.asked[query] = now
        case "to be asked":
            vehicle.schedule.asked.pop(query, None)
        case "pushed":
            vehicle.schedule.pushed[query] = now
        case "quick":
            vehicle.schedule.be_quick(now)
        case "failed":
            vehicle.schedule.note_failure(now, query)
        case "worked":
            vehicle.schedule.failures[query] = 0
        case "lost":
            vehicle.schedule.lost = not vehicle.is_lost
        case "over":
            vehicle.schedule.start_over()
        case "set":
            vehicle.schedule.configured = PERIODS
        case "refused":
            vehicle.refuse(SegwayCapability.EXTRA_STATUS)
        case "model":
            vehicle.change_model("e_moped")


HAPPENINGS = (
    *("asked", "to be asked", "pushed", "quick", "failed", "worked", "lost", "over"),
    *("set", "refused", "model", "nothing", "nothing", "nothing", "nothing"),
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(HAPPENINGS),
            st.sampled_from(Query),
            st.integers(0, 40) | st.integers(-200, 2000),
            st.none() | st.tuples(st.booleans(), st.booleans()),
        ),
        max_size=40,
    )
)
@settings(max_examples=3 * settings().max_examples)
def test_what_is_planned_is_what_would_be_judged_anew(
    story: list[tuple[str, Query, int, tuple[bool, bool] | None]],
) -> None:
    """Whatever happens, and if the clock is put back: the same requests at the same time."""
    vehicle, known, now = accepted(), known_as(True, False), NOW
    for query in Query:
        vehicle.schedule.asked[query] = NOW
    for what, query, seconds, state in story:
        now += seconds * SECOND
        happen(vehicle, what, query, now)
        if state is not None:
            known = known_as(*state)
        due = judged_anew(vehicle, known, now)
        assert vehicle.next_due(known, now) == due
        assert bool(vehicle.due(known, now)) is (due <= now)


def test_a_plan_holds_until_its_time_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet that stands still is not judged in each poll."""
    vehicle, known = accepted(), known_as(True, False)
    for query in Query:
        vehicle.schedule.asked[query] = NOW
    assert vehicle.next_due(known, NOW) == NOW + 15 * 60 * SECOND
    with monkeypatch.context() as patch:
        patch.delattr(Schedule, "due_at")
        for seconds in range(0, 15 * 60, 15):
            assert vehicle.due(known, NOW + seconds * SECOND) == []
    assert vehicle.due(known, NOW + 15 * 60 * SECOND) != []
