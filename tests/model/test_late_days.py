"""Days of which news comes so late that the evidence does not reach back to them.

The evidence is cut to a few moments here, as that of a busy vehicle is to a thousand.
"""

# The first line of a day says what happens.
# ruff: noqa: D401

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from random import Random

import pytest

from custom_components.fleet_tracker.model.record import replace
from custom_components.fleet_tracker.model.trips import log as log_module
from custom_components.fleet_tracker.model.trips.fold import TripSettings
from custom_components.fleet_tracker.model.trips.log import evidence_of
from custom_components.fleet_tracker.model.trips.moments import count
from custom_components.fleet_tracker.model.trips.route import route_of

from .strangers import MINUTE, Counted, StrangeDay, Stranger
from .test_strangers_days import assert_counted
from .test_trip_scenarios import Event, Heard, heard, receipt, restarted, values

DAY = 24 * 60
SETTINGS = TripSettings()


@pytest.fixture(autouse=True, scope="module")
def few_moments() -> Iterator[None]:
    """Keep no more evidence than 36 hours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_module, "LEAST_MOMENTS", 0)
        patch.setattr(log_module, "DROPPED_AT_ONCE", 1)
        yield


def usual_days(it: Stranger, trips: list[Counted], days: int) -> None:
    """Have it drive out and home again, day by day."""
    for _ in range(days):
        it.turn(1, 0)
        trips.append(it.drive(6))
        it.stand(4 * 60, every=30)
        it.turn(-1, 0)
        trips.append(it.drive(6))
        it.stand(DAY - 4 * 60 - 15, every=60)


def begun(*, odometer: bool = True) -> tuple[Stranger, list[Counted]]:
    """Return a vehicle that was heard of for two days."""
    it, trips = Stranger(odometer=odometer, every=2), list[Counted]()
    it.stand(30)
    usual_days(it, trips, 2)
    return it, trips


DAYS: dict[str, Callable[[], StrangeDay]] = {}


def late_day(made: Callable[[], StrangeDay]) -> Callable[[], StrangeDay]:
    """Note a day."""
    DAYS[made.__name__] = made
    return made


@late_day
def round_while_it_seemed_parked() -> StrangeDay:
    """Out and back to where it was heard of next."""
    it, trips = begun(odometer=False)
    with it.late() as at:
        it.turn(0, 1)
        trips.append(it.drive(9))
        it.stand(60, every=10)
        it.turn(0, -1)
        trips.append(it.drive(9))
        it.stand(60, every=10)
    it.stand(6 * 60, every=60)
    usual_days(it, trips, 3)
    at.append(it.now + 1)
    it.stand(60)
    return StrangeDay(it, trips)


@late_day
def holiday_abroad() -> StrangeDay:
    """Two days without a network; at home again, all of it comes when it was used for days."""
    it, trips = begun()
    it.turn(0, 1)
    with it.late() as at:
        trips.append(it.drive(60, 90))
        it.stand(20, every=5)
        trips.append(it.drive(30, 90))
        it.stand(DAY, every=60)
        it.turn(0, -1)
        trips.append(it.drive(90, 90))
        it.stand(60, every=30)
    it.stand(12 * 60, every=60)
    usual_days(it, trips, 2)
    at.append(it.now + 1)
    it.stand(120)
    return StrangeDay(it, trips)


@late_day
def unheard_on_the_way_elsewhere() -> StrangeDay:
    """It was a trip that is estimated, until the tracker tells of two."""
    it, trips = begun()
    it.turn(0, 1)
    with it.late() as at:
        trips.append(it.drive(20))
        it.stand(60, every=10)
        trips.append(it.drive(10))
        it.stand(6 * 60, every=60)
    it.stand(60)
    usual_days(it, trips, 3)
    at.append(it.now + 1)
    it.stand(60)
    return StrangeDay(it, trips)


@late_day
def told_again_after_days() -> StrangeDay:
    """All of a day comes once more, and is not news."""
    it = Stranger(every=2)
    it.stand(30)
    trips = [it.drive(5)]
    it.stand(60)
    first = len(it.events)
    usual_days(it, trips, 1)
    again = [{**event} for event in it.events[first:]]
    usual_days(it, trips, 3)
    it.events += again
    it.buffers.append((again, [it.now + 1]))
    it.stand(60)
    return StrangeDay(it, trips)


@late_day
def between_live_news() -> StrangeDay:
    """The oldest first, one every five minutes, while it drives and stands."""
    it, trips = begun(odometer=False)
    with it.late() as at:
        it.turn(0, 1)
        trips.append(it.drive(5))
        it.stand(20, every=5)
        it.turn(0, -1)
        trips.append(it.drive(5))
        it.stand(20, every=5)
    buffered, _ = it.buffers.pop()
    usual_days(it, trips, 3)
    for number, event in enumerate(buffered):
        it.buffers.append(([event], [it.now + number * 5 * MINUTE + 1]))
    usual_days(it, trips, 1)
    del at
    return StrangeDay(it, trips)


@late_day
def out_one_day_and_back_another() -> StrangeDay:
    """Two buffers, with trips that were heard of between them; the later one comes first."""
    it, trips = begun(odometer=False)
    ats = []
    for _ in range(2):
        with it.late() as at:
            it.turn(0, 1)
            trips.append(it.drive(5))
            it.stand(40, every=10)
        ats.append(at)
        it.stand(3 * 60, every=30)
        it.turn(1, 0)
        trips.append(it.drive(7))
        it.stand(3 * 60, every=30)
    usual_days(it, trips, 2)
    for number, at in enumerate(reversed(ats)):
        at.append(it.now + 1 + number * 600)
    it.stand(60)
    return StrangeDay(it, trips)


EVERY_DAY = pytest.mark.parametrize("name", DAYS)


@dataclass(frozen=True)
class Made:
    """A day, and what followed from it."""

    strange: StrangeDay
    events: list[Event]
    told: Heard


@pytest.fixture
def made(name: str) -> Made:
    """Return a day, and what follows in the order of receipt."""
    return made_of(name)


@cache
def made_of(name: str) -> Made:
    """Return a day, and what follows of it, once for all tests."""
    strange = DAYS[name]()
    return Made(strange, strange.events, heard(strange.events, SETTINGS))


@EVERY_DAY
def test_a_person_counts_the_same(made: Made) -> None:
    """Each trip once, and told once to have ended, however late that is."""
    log = made.told.log
    assert_counted(made.strange, log.trips)
    assert len(made.told.ended) == len(set(made.told.ended))
    assert {trip.trip_id for trip in log.trips} <= set(made.told.ended)
    for trip in log.trips:
        if trip.found.is_late:
            assert count(evidence_of(log, trip.found))
            assert len(route_of(evidence_of(log, trip.found), trip.found).points) > 1


@EVERY_DAY
def test_order_repeats_and_restarts_make_no_difference(made: Made, name: str) -> None:
    """Also of what came too late for the evidence."""
    counted = values(made.told.log.trips)
    random = Random(name)
    late = [event for event in made.events if "rx" in event]
    by_receipt: dict[float, list[Event]] = {}
    for event in late:
        by_receipt.setdefault(receipt(event), []).append(event)
    for change in (list[Event].reverse, random.shuffle):
        mixed = [event for event in made.events if "rx" not in event]
        for those in by_receipt.values():
            several = those * 2
            change(several)
            mixed += several
        mixed.sort(key=receipt)
        again = heard(mixed, SETTINGS)
        assert values(again.log.trips) == counted
        assert len(again.ended) == len(set(again.ended))
    again = heard(made.events, SETTINGS, restarted)
    assert values(again.log.trips) == counted
    assert (again.started, again.ended, again.corrected) == (
        made.told.started,
        made.told.ended,
        made.told.corrected,
    )


@EVERY_DAY
def test_cut_anywhere_nothing_overlaps(made: Made) -> None:
    """Nothing is counted twice, and nothing is told twice."""
    told = Heard()
    for event in made.events:
        told.hear(event, SETTINGS)
        for before, after in pairwise(told.log.trips):
            assert before.found.until <= after.begin
    assert len(told.ended) == len(set(told.ended))


def test_late_news_is_forgotten_after_a_week() -> None:
    """It takes no memory for ever."""
    strange = DAYS["round_while_it_seemed_parked"]()
    told = heard(strange.events, SETTINGS)
    late = told.log.late
    assert late is not None
    it, trips = strange.told, list(strange.trips)
    it.now += 8 * DAY * MINUTE
    first = len(it.events)
    usual_days(it, trips, 2)
    for event in it.events[first:]:
        told.hear(event, SETTINGS)
    assert told.log.late is None
    assert len(told.log.trips) == len(trips)


def test_what_may_be_of_a_forgotten_trip_is_left_out() -> None:
    """Nothing is found in a time whose trips are not remembered."""
    strange = DAYS["round_while_it_seemed_parked"]()
    told = Heard()
    for event in strange.events:
        if "rx" in event and len(told.log.trips) > 1:
            told.log = replace(told.log, trips=told.log.trips[-1:])
        told.hear(event, SETTINGS)
    assert told.log.late is None
    assert len(told.log.trips) == 1
