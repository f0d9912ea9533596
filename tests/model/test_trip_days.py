"""Days of driving with curves, drift and outages: every trip is counted once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

from custom_components.fleet_tracker.account.codec import from_json, to_json
from custom_components.fleet_tracker.model.trips import log as trip_log
from custom_components.fleet_tracker.model.trips.fold import TripSettings
from custom_components.fleet_tracker.model.trips.log import (
    QUIET_S,
    Told,
    TripLog,
    at,
    take,
)
from custom_components.fleet_tracker.model.trips.moments import Moment, count, moment
from custom_components.fleet_tracker.model.trips.trip import (
    TripFlag,
    TripSource,
    VendorTrip,
)

from .drives import Day, Drive, Ways, spread_out

SETTINGS = TripSettings()
HOUR = 3600.0


def heard(moments: Iterable[Moment], log: TripLog | None = None) -> list[Told]:
    """Return the occurrences of moments, one after the other, and an hour later."""
    log = log or TripLog()
    told: list[Told] = []
    now = 0.0
    for one in moments:
        now = max(now, one.at)
        told.append(take(log, [one], now, SETTINGS))
        log = told[-1].log
    told.append(at(log, now + HOUR))
    return told


def assert_counted(told: list[Told], drives: list[Drive]) -> None:
    """Check that each drive is a trip, which was told to begin and to end once."""
    trips = told[-1].log.trips
    assert len(trips) == len(drives)
    assert sum(len(one.news.started) for one in told) == len(drives)
    assert sum(len(one.news.ended) for one in told) == len(drives)
    for trip, drive in zip(trips, drives, strict=True):
        assert trip.begin == pytest.approx(drive.begin, abs=90)
        assert trip.found.until == pytest.approx(drive.end, abs=90)


@pytest.mark.parametrize("key", [True, False, None], ids=["wired", "none", "plus"])
@pytest.mark.parametrize("interval", [5, 10, 30, 60])
def test_every_trip_of_a_day(interval: float, key: bool | None) -> None:
    """Deliveries with short lights between, and a night with drift."""
    day = Day(7, Ways(interval=interval, key=key, straight=800))
    day.stand(HOUR)
    for metres in (4000, 9000, 2500, 12_000):
        day.drive(metres, 1500)
        day.stand(1500, every=60)
    day.stand(8 * HOUR)
    day.drive(20_000)
    day.stand(HOUR)
    assert_counted(heard(day.moments), day.drives)


@pytest.mark.parametrize(
    ("interval", "short"), [(2, 2), (10, 2), (30, 5), (60, 8), (300, 15)]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_distance_without_an_odometer(interval: float, short: float, seed: int) -> None:
    """The way along the fixes is a little short, and never long by more than 1 %."""
    ways = Ways(interval=interval, kmh=60, straight=700, corner=40, radius=100, noise=3)
    day = Day(seed, ways)
    day.stand(HOUR)
    day.drive(20_000 if interval < 300 else 60_000, 5000)
    day.stand(HOUR, every=30)
    told = heard(day.moments)
    assert_counted_loosely(told, 1)
    trip = told[-1].log.trips[0].found
    assert -short <= (trip.distance_m / day.drives[0].metres - 1) * 100 <= 1
    assert sum(part for _, part in trip.quarters) == pytest.approx(
        trip.distance_m, abs=30
    )


def assert_counted_loosely(told: list[Told], number: int) -> None:
    """Check the number of trips alone."""
    assert len(told[-1].log.trips) == number


@pytest.mark.parametrize(("interval", "short"), [(10, 2), (30, 5), (60, 8), (300, 15)])
@pytest.mark.parametrize(("straight", "kmh"), [(300, 30), (300, 50), (700, 50)])
def test_distance_around_corners_without_an_odometer(
    interval: float, short: float, straight: float, kmh: float
) -> None:
    """Streets that turn by 90 degrees are not cut short, as the courses tell of them."""
    found = driven = 0.0
    for seed in (2, 3, 4):
        ways = Ways(interval=interval, kmh=kmh, straight=straight)
        day = Day(seed, ways)
        day.stand(HOUR)
        legs = [2000.0] * 6 if interval < 300 else [8000.0] * 5
        day.drive(*legs)
        day.stand(HOUR, every=30)
        trips = heard(day.moments)[-1].log.trips
        found += sum(trip.found.distance_m for trip in trips)
        driven += sum(one.metres for one in day.drives)
    assert -short <= (found / driven - 1) * 100 <= 1


def test_courses_add_nothing_on_a_straight_road() -> None:
    """Whatever they scatter, with lights or without."""
    for interval in (10, 30, 60, 300):
        day = Day(1, Ways(interval=interval, straight=1e6, corner=0))
        day.stand(HOUR)
        day.drive(10_000, 10_000, 10_000)
        day.stand(HOUR, every=30)
        trip = heard(day.moments)[-1].log.trips[0].found
        assert trip.distance_m == pytest.approx(day.drives[0].metres, rel=0.01)


@pytest.mark.parametrize("seed", [1, 2])
def test_distance_with_an_odometer(seed: int) -> None:
    """An odometer in metres is right within 1 %, however rare the fixes are."""
    day = Day(seed, Ways(interval=60, odometer=True, straight=800))
    day.stand(HOUR)
    day.drive(15_000, 3000)
    day.stand(HOUR)
    trip = heard(day.moments)[-1].log.trips[0].found
    assert trip.distance_m == pytest.approx(day.drives[0].metres, rel=0.01)


def test_standing_adds_no_metre() -> None:
    """Forty hours of drift are no trip, and what is kept of them is little."""
    day = Day(3, Ways(key=False, drift=12))
    day.stand(40 * HOUR, every=60)
    told = heard(day.moments)
    assert not told[-1].log.trips
    assert count(told[-1].log.moments) < 1500


def test_late_and_doubled_news_make_no_difference() -> None:
    """News that comes up to ten minutes late, in any order, gives the same trips."""
    day = Day(5, Ways(interval=30))
    day.stand(HOUR)
    for metres in (4000, 9000):
        day.drive(metres)
        day.stand(2000, every=60)
    told = heard(day.moments)
    late = heard(spread_out(5, day.moments))
    assert [trip.found for trip in late[-1].log.trips] == [
        trip.found for trip in told[-1].log.trips
    ]
    ended = [trip.trip_id for one in late for trip in one.news.ended]
    assert len(ended) == len(set(ended))


def test_ignition_wired_to_permanent_plus_is_found_out() -> None:
    """After two long stands with the key on it counts as none, and is trusted again."""
    day = Day(9, Ways(key=None))
    for _ in range(2):
        day.stand(3 * HOUR)
        day.drive(5000)
    day.stand(3 * HOUR)
    log = heard(day.moments)[-1].log
    assert log.head.is_key_unusable
    mended = Day(9, Ways(key=True), begin=day.now + 60)
    mended.x, mended.y = day.x, day.y
    for _ in range(4):
        mended.drive(5000)
        mended.stand(1200)
    told = heard(mended.moments, log)
    assert not told[-1].log.head.is_key_unusable
    assert len(told[-1].log.trips) == 6


def test_ignition_that_is_never_on_is_found_out() -> None:
    """Drives on three days with the key told off, while the odometer grows, prove it."""
    day = Day(4, Ways(odometer=True))
    day.ways = replace(day.ways, key=True)
    for _ in range(3):
        day.key_on = False
        day.stand(HOUR)
        begin = day.now
        day.roll(5000)
        day.drives.append(Drive(begin, day.now, 5000))
        day.stand(23 * HOUR, every=600)
    told = heard(day.moments)
    assert told[-1].log.head.is_key_unusable
    assert sum(len(one.news.ended) for one in told) == 3
    assert not any(one.towed for one in told)


def test_towed_is_told_once() -> None:
    """Whatever is carried with the key off is told once, and is no trip."""
    day = Day(2, Ways(interval=60, odometer=True))
    day.key_on = False
    day.stand(HOUR)
    before = day.driven
    for _ in range(5):
        day.roll(3000)
        day.driven = before
        day.stand(100, every=20)
    day.stand(HOUR)
    day.moments = [one._replace(odometer=45_000_000) for one in day.moments]
    told = heard(day.moments)
    assert not told[-1].log.trips
    assert sum(len(one.towed) for one in told) == 1


def test_key_that_is_told_late_makes_a_trip_of_it() -> None:
    """The key is told on within two minutes of the start."""
    day = Day(2, Ways(interval=30))
    day.stand(HOUR)
    begin = day.now
    day.roll(1200)
    day.key_on = True
    day.roll(4000)
    day.drives.append(Drive(begin, day.now, 5200))
    day.turn_key(on=False)
    day.stand(HOUR)
    told = heard(day.moments)
    assert_counted(told, day.drives)
    assert not any(one.towed for one in told)


def test_silent_drive_ends_after_half_an_hour_and_may_go_on() -> None:
    """A long tunnel may end a trip for a while; it is never told to end twice."""
    day = Day(6, Ways(interval=30))
    day.stand(HOUR)
    day.drive(30_000)
    begin, end = day.drives[0].begin, day.drives[0].end
    day.stand(HOUR)
    silent = [one for one in day.moments if not begin + 300 < one.at < end - 300]
    log = TripLog()
    told: list[Told] = []
    for one in silent:
        told.append(take(log, [one], one.at, SETTINGS))
        log = told[-1].log
        if one.at <= begin + 300:
            told.append(at(log, one.at + 1))
    assert_counted_loosely(told, 1)
    cut = at(next(one.log for one in told if one.news.started), begin + 300 + HOUR)
    assert [trip.is_ended for trip in cut.log.trips] == [True]
    again = heard([one for one in silent if one.at > begin + 300], cut.log)
    assert len(again[-1].log.trips) == 1
    assert not any(one.news.ended or one.news.started for one in again)
    assert sum(len(one.news.corrected) for one in again) == 1


def test_vendors_trips_win_for_what_they_cover() -> None:
    """One vendor's trip of three is known: it counts in place of the second."""
    day = Day(8, Ways(interval=30))
    day.stand(HOUR)
    for metres in (4000, 9000, 5000):
        day.drive(metres)
        day.stand(2000, every=60)
    log = heard(day.moments)[-1].log
    second = day.drives[1]
    told_by_vendor = VendorTrip(
        begin=second.begin - 40, end=second.end + 40, distance_m=9100
    )
    now = day.now + 2 * HOUR
    told = take(log, (), now, SETTINGS, [told_by_vendor])
    assert [trip.found.source for trip in told.log.trips] == [
        TripSource.DERIVED,
        TripSource.VENDOR,
        TripSource.DERIVED,
    ]
    assert [trip.trip_id for trip in told.log.trips] == [
        trip.trip_id for trip in log.trips
    ]
    assert not told.news.corrected
    assert not told.news.started
    assert not told.news.ended
    assert len(at(told.log, now + QUIET_S).news.corrected) == 1
    again = take(told.log, (), now, SETTINGS, [told_by_vendor])
    assert not again.news


@pytest.mark.parametrize(
    ("share", "source"), [(0.3, TripSource.DERIVED), (0.7, TripSource.VENDOR)]
)
def test_vendors_trip_that_covers_a_part(share: float, source: TripSource) -> None:
    """Half of a trip decides; either way it counts once."""
    day = Day(8, Ways(interval=30))
    day.stand(HOUR)
    day.drive(20_000)
    day.stand(HOUR)
    log = heard(day.moments)[-1].log
    drive = day.drives[0]
    part = VendorTrip(
        begin=drive.begin,
        end=drive.begin + share * (drive.end - drive.begin),
        distance_m=share * drive.metres,
    )
    told = take(log, (), day.now + HOUR, SETTINGS, [part])
    assert [trip.found.source for trip in told.log.trips] == [source]


@pytest.mark.parametrize("factor", [0.001, 1, 1000])
def test_vendors_distance_in_the_wrong_unit(factor: float) -> None:
    """Kilometres that were told as metres, and the other way round."""
    day = Day(8, Ways(interval=30))
    day.stand(HOUR)
    day.drive(20_000)
    day.stand(HOUR)
    log = heard(day.moments)[-1].log
    drive = day.drives[0]
    wrong = VendorTrip(begin=drive.begin, end=drive.end, distance_m=20_400 * factor)
    told = take(log, (), day.now + HOUR, SETTINGS, [wrong])
    assert told.log.trips[0].found.distance_m == pytest.approx(20_400)


def test_vendors_trip_that_cannot_be_is_passed_over() -> None:
    """Nobody drives 900 km in an hour."""
    impossible = VendorTrip(begin=1000.0, end=4600.0, distance_m=900_000)
    told = take(TripLog(), (), 5000.0, SETTINGS, [replace(impossible, distance_m=-1)])
    assert not told.log.trips


def test_evidence_is_bounded_and_forgets_no_drive() -> None:
    """A drive of two days is one trip, of which the last 36 hours are kept."""
    day = Day(1, Ways(interval=120, straight=4000, corner=40, radius=100, kmh=60))
    day.stand(HOUR)
    day.drive(48 * 60_000)
    day.stand(HOUR)
    told = heard(day.moments)
    assert_counted(told, day.drives)
    assert count(told[-1].log.moments) <= 36 * 30 + 200
    assert told[-1].log.trips[0].found.distance_m == pytest.approx(
        day.drives[0].metres, rel=0.05
    )


def test_most_moments_are_kept_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracker that sends every second cannot fill the memory."""
    monkeypatch.setattr(trip_log, "MOST_MOMENTS", 500)
    day = Day(1, Ways(interval=1))
    day.drive(12_000)
    day.stand(HOUR)
    told = heard(day.moments)
    assert_counted(told, day.drives)
    assert max(count(one.log.moments) for one in told) <= 600


def test_unheard_drive_between_two_parked_places() -> None:
    """Parked here, then there, with nothing between: one trip, marked as estimated."""
    log = TripLog()
    moments = [
        moment(
            1000.0 + HOUR * hour,
            latitude=52.0 + (0.2 if hour > 2 else 0.0),
            longitude=13.0,
            speed=0.0,
            ignition=False,
        )
        for hour in range(6)
    ]
    trips = heard(moments, log)[-1].log.trips
    assert [trip.found.flags for trip in trips] == [frozenset({TripFlag.ESTIMATED})]


def test_vendor_knows_when_an_unheard_drive_was() -> None:
    """It is one trip, which keeps its identity, however early in the silence it was."""
    moments = [
        moment(
            1000.0 + at,
            latitude=52.0 + (0.05 if at > HOUR else 0.0),
            longitude=13.0,
            speed=0.0,
            ignition=False,
        )
        for at in (0.0, 600.0, 1200.0, 5000.0, 5600.0, 6200.0)
    ]
    log = heard(moments)[-1].log
    (estimated,) = log.trips
    assert estimated.begin > 3000
    told_by_vendor = VendorTrip(begin=2300.0, end=2900.0, distance_m=6100)
    told = take(log, (), 20_000.0, SETTINGS, [told_by_vendor])
    (trip,) = told.log.trips
    assert (trip.begin, trip.end, trip.found.distance_m) == (2300, 2900, 6100)
    assert trip.trip_id == estimated.trip_id
    assert at(told.log, 20_000 + QUIET_S).news.corrected == (replace(trip, revision=1),)
    assert not (told.news.started or told.news.ended or told.news.removed)


@pytest.mark.parametrize("every", [1.0, 10.0, 50.0])
def test_buffer_that_comes_one_by_one_is_one_correction(every: float) -> None:
    """Told a minute after the last of it, with a restart between any two."""
    day = Day(6, Ways(interval=10))
    day.stand(HOUR)
    day.drive(6000)
    day.stand(HOUR, every=60)
    begin = day.drives[0].begin
    late = [one for one in day.moments if begin + 60 < one.at < begin + 400]
    told = heard([one for one in day.moments if one not in late])
    assert sum(len(one.news.ended) for one in told) == 1
    log, now = told[-1].log, day.now + 2 * HOUR
    before = log.trips[0].found.distance_m
    for one in late:
        now += every
        told_now = take(log, [one], now, SETTINGS)
        assert not told_now.news.corrected
        log = from_json(TripLog, to_json(told_now.log))
        assert not at(log, now + QUIET_S - 1).news
    assert log.trips[0].found.distance_m > 1.02 * before
    last = at(log, now + QUIET_S)
    (corrected,) = last.news.corrected
    assert (corrected.revision, last.log.trips) == (1, (corrected,))
    assert not at(last.log, now + HOUR).news
    # The same in one go.
    whole = take(told[-1].log, late, day.now + 2 * HOUR, SETTINGS)
    assert whole.log.trips[0].found == corrected.found
    assert whole.log.moments == last.log.moments


def test_log_is_kept_whole() -> None:
    """What is written is what is read, but for the states that are made anew."""
    day = Day(5, Ways(interval=30))
    day.stand(HOUR)
    day.drive(4000)
    log = heard(day.moments)[-1].log
    assert from_json(TripLog, to_json(log)) == log
    assert from_json(TripLog, {}) == TripLog()


@pytest.mark.parametrize(("before", "after", "number"), [(180, 900, 2), (900, 180, 3)])
def test_option_that_changes_on_the_way(
    before: float, after: float, number: int
) -> None:
    """What is remembered is counted by the new one; no end is told twice."""
    day = Day(3, Ways(interval=30))
    day.stand(HOUR)
    for stand in (HOUR, 400, HOUR):
        day.drive(6000)
        day.stand(stand, every=30)
    middle = (day.drives[2].begin + day.drives[2].end) / 2
    log, ended = TripLog(), list[str]()
    for one in day.moments:
        settings = TripSettings(min_stop_s=before if one.at < middle else after)
        told = take(log, [one], one.at, settings)
        log = told.log
        ended += [trip.trip_id for trip in told.news.ended]
        for first, second in pairwise(log.trips):
            assert first.found.until <= second.begin
    told = at(log, day.now + HOUR)
    ended += [trip.trip_id for trip in told.news.ended]
    assert len(told.log.trips) == number
    assert len(ended) == len(set(ended))
    assert {trip.trip_id for trip in told.log.trips} <= set(ended)
