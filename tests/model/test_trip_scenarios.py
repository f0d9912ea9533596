"""Made-up days with the trips that a person counts, heard in every order and with restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
import json
import math
from pathlib import Path
from random import Random
from typing import Any

import pytest

from custom_components.fleet_tracker.account.codec import from_json, to_json
from custom_components.fleet_tracker.model.trips.fold import Fold, TripSettings
from custom_components.fleet_tracker.model.trips.log import TripLog, at, take
from custom_components.fleet_tracker.model.trips.moments import Moment, moment, unpacked
from custom_components.fleet_tracker.model.trips.trip import Trip, VendorTrip

type Event = dict[str, Any]
type Scenario = dict[str, Any]

SCENARIOS: list[Scenario] = json.loads(
    (Path(__file__).parent / "trip_scenarios.json").read_text()
)["scenarios"]
EVERY_SCENARIO = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=[one["id"] for one in SCENARIOS]
)
LATITUDE, LONGITUDE = 52.0, 13.0
METRES_PER_DEGREE = 111_195.0
HOUR = 3600.0


def seconds(text: str) -> float:
    """Return a time of the file in Unix seconds."""
    return datetime.fromisoformat(text).timestamp()


def moment_of(event: Event) -> Moment:
    """Return what an event of the file says; other than satellite fixes have no place."""
    is_fix = event.get("kind", "satellite") == "satellite"
    shrink = math.cos(math.radians(LATITUDE))
    return moment(
        seconds(event["t"]),
        latitude=LATITUDE + event["y"] / METRES_PER_DEGREE if is_fix else None,
        longitude=LONGITUDE + event["x"] / (METRES_PER_DEGREE * shrink),
        accuracy=event.get("acc", 15),
        speed=event.get("v") if is_fix else None,
        ignition=event.get("ign"),
        locked=None if "unlocked" not in event else not event["unlocked"],
        odometer=event.get("odo_m"),
    )


def receipt(event: Event) -> float:
    """Return when an event came in."""
    return seconds(event["rx"] if "rx" in event else event["t"])


def settings_of(scenario: Scenario) -> TripSettings:
    """Return how often the tracker of a scenario sends; all else is learned."""
    return TripSettings(interval_s=scenario["vehicle"]["interval_s"])


def restarted(log: TripLog) -> TripLog:
    """Return a log as it is after a restart."""
    return from_json(TripLog, json.loads(json.dumps(to_json(log))))


@dataclass
class Heard:
    """What was told while events came in."""

    log: TripLog = field(default_factory=TripLog)
    now: float = 0.0
    started: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    corrected: int = 0
    towed: int = 0

    def hear(self, event: Event, settings: TripSettings) -> None:
        """Take one event in."""
        self.now = max(self.now, receipt(event))
        vendors = []
        if trip := event.get("vendor_trip"):
            vendors.append(
                VendorTrip(
                    begin=seconds(trip["begin"]),
                    end=seconds(trip["end"]),
                    distance_m=trip["distance_m"],
                    idle_s=trip["idle_s"],
                )
            )
        moments = [moment_of(event)] if "t" in event else []
        self._note(take(self.log, moments, self.now, settings, vendors))

    def wait(self, passed: float = HOUR) -> None:
        """Let time pass."""
        self.now += passed
        self._note(at(self.log, self.now))

    def _note(self, told: Any) -> None:
        self.log = told.log
        self.started += [trip.trip_id for trip in told.news.started]
        self.ended += [trip.trip_id for trip in told.news.ended]
        self.corrected += len(told.news.corrected)
        self.towed += len(told.towed)


def heard(
    events: Iterable[Event],
    settings: TripSettings,
    between: Callable[[TripLog], TripLog] = lambda log: log,
) -> Heard:
    """Return the occurrences of events, with something done between any two."""
    result = Heard()
    for event in events:
        result.hear(event, settings)
        result.log = between(result.log)
    result.wait()
    return result


def values(trips: Iterable[Trip]) -> list[tuple[float, ...]]:
    """Return what must be the same, however the events came."""
    return [
        (
            round(trip.begin, 3),
            round(trip.found.until, 3),
            round(trip.found.distance_m, 3),
            round(trip.found.idle_s, 3),
        )
        for trip in trips
    ]


@EVERY_SCENARIO
def test_a_person_counts_the_same(scenario: Scenario) -> None:
    """The trips are those that a person counts, and each is told once."""
    told = heard(scenario["events"], settings_of(scenario))
    expected = scenario["expected"]
    trips = told.log.trips
    assert len(trips) == len(expected["trips"])
    for trip, wanted in zip(trips, expected["trips"], strict=True):
        tolerance = wanted["tol"]
        found = trip.found
        assert trip.is_ended
        assert found.begin == pytest.approx(
            seconds(wanted["begin"]), abs=tolerance["begin_s"]
        )
        assert found.end == pytest.approx(
            seconds(wanted["end"]), abs=tolerance["end_s"]
        )
        assert found.distance_m == pytest.approx(
            wanted["distance_m"], abs=tolerance["distance_m"]
        )
        assert found.idle_s == pytest.approx(wanted["idle_s"], abs=tolerance["idle_s"])
        assert found.source == wanted["source"]
        assert sorted(found.flags) == sorted(wanted.get("flags", []))
    assert told.towed == len(expected["occurrences"])
    assert len(told.ended) == len(set(told.ended))
    assert set(told.ended) == set(told.started)
    assert {trip.trip_id for trip in trips} <= set(told.ended)
    if "vendor" not in scenario["tags"]:
        assert len(told.ended) == len(trips)


@EVERY_SCENARIO
def test_order_and_repeats_make_no_difference(scenario: Scenario) -> None:
    """Events of one receipt in any order, all of them in any order, and twice."""
    random = Random(scenario["id"])
    settings = settings_of(scenario)
    events: list[Event] = scenario["events"]
    once = values(heard(events, settings).log.trips)
    for times in (1, 2):
        mixed = [
            event
            for time in sorted({receipt(event) for event in events})
            for event in _shuffled(
                [one for one in events if receipt(one) == time] * times, random
            )
        ]
        assert values(heard(mixed, settings).log.trips) == once
    assert values(heard(_shuffled(events * 2, random), settings).log.trips) == once


def _shuffled(events: Sequence[Event], random: Random) -> list[Event]:
    mixed = list(events)
    random.shuffle(mixed)
    return mixed


@EVERY_SCENARIO
def test_restart_between_any_two_events_makes_no_difference(scenario: Scenario) -> None:
    """What is kept over a restart is all that is needed."""
    settings = settings_of(scenario)
    events = scenario["events"]
    without = heard(events, settings)
    told = heard(events, settings, restarted)
    assert values(told.log.trips) == values(without.log.trips)
    assert (told.started, told.ended, told.corrected, told.towed) == (
        without.started,
        without.ended,
        without.corrected,
        without.towed,
    )


@EVERY_SCENARIO
def test_cut_at_any_event_nothing_is_counted_twice(scenario: Scenario) -> None:
    """After each event the trips do not overlap, and the last state is that of one fold."""
    settings = settings_of(scenario)
    told = Heard()
    for event in scenario["events"]:
        told.hear(event, settings)
        trips = told.log.trips
        for before, after in zip(trips, trips[1:], strict=False):
            assert before.found.until <= after.begin
        for wrong in scenario["expected"]["not_trips"]:
            begin, end = seconds(wrong["from"]), seconds(wrong["to"])
            assert not any(
                trip.begin < end and trip.found.until > begin for trip in trips
            )
        then = Heard(log=told.log, now=told.now)
        then.wait()
        assert len(then.ended) == len(set(then.ended))
        assert not set(then.ended) & set(told.ended)
    whole = Fold()
    for one in unpacked(told.log.moments):
        whole.add(one, settings)
    assert told.log.head.closed == whole.closed


@EVERY_SCENARIO
def test_counted_without_knowing_the_interval(scenario: Scenario) -> None:
    """How often a tracker sends is learned where nobody says it."""
    told = heard(scenario["events"], TripSettings())
    assert len(told.log.trips) == len(scenario["expected"]["trips"])


def test_day_is_cut_at_local_midnight() -> None:
    """A trip over midnight is one, and its metres belong to two days."""
    scenario = next(one for one in SCENARIOS if one["id"] == "S18")
    trip = heard(scenario["events"], settings_of(scenario)).log.trips[0]
    midnight = seconds("2026-03-09T23:00:00Z") // 900
    before = sum(part for quarter, part in trip.found.quarters if quarter < midnight)
    by_day = scenario["expected"]["distance_by_local_day"]
    assert before == pytest.approx(by_day["2026-03-09"], abs=404)
    assert trip.found.distance_m - before == pytest.approx(
        by_day["2026-03-10"], abs=404
    )
