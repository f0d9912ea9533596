"""Odd days, with the trips that a person counts: by all news in order, and one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
import math

import pytest

from custom_components.fleet_tracker.model.trips.fold import TripSettings
from custom_components.fleet_tracker.model.trips.log import TripLog, at, take
from custom_components.fleet_tracker.model.trips.moments import NO_PLACE, Moment

from .drives import Day, Ways

MINUTE, HOUR = 60.0, 3600.0
STRAIGHT = Ways(interval=30, straight=1e9, corner=0, odometer=True)
NO_ODOMETER = replace(STRAIGHT, odometer=False)
DEGREE = 1e7


@dataclass
class Odd:
    """A day, and what a person counts of it: trips with km, and times of being towed."""

    day: Day
    trips: list[float] = field(default_factory=list)
    towed: int = 0
    moments: list[Moment] | None = None
    """In the order of receipt, if that is another one."""


def carried(day: Day, metres: float, minutes: float, every: float = 60) -> None:
    """Carry it to the east with the key off: its odometer stands."""
    steps = round(minutes * 60 / every)
    for _ in range(steps):
        day.now += every
        day.x += metres / steps
        day.tell(metres / minutes * 0.06)


def ferry() -> Odd:
    """Drive onto a ship, be carried with the key off, and drive off it."""
    day = Day(1, STRAIGHT)
    day.stand(HOUR)
    day.drive(12_000)
    day.stand(20 * MINUTE)
    carried(day, 40_000, 80)
    day.stand(10 * MINUTE)
    day.drive(9000)
    day.stand(HOUR)
    return Odd(day, [12, 9], towed=1)


def car_train() -> Odd:
    """Be carried by a train, without an odometer."""
    day = Day(2, NO_ODOMETER)
    day.stand(HOUR)
    day.drive(5000)
    day.stand(15 * MINUTE, every=60)
    carried(day, 18_000, 20, every=30)
    day.stand(4 * MINUTE, every=60)
    day.drive(5000)
    day.stand(HOUR)
    return Odd(day, [5, 5], towed=1)


def towed_at_night() -> Odd:
    """Be towed away with the key off."""
    day = Day(3, STRAIGHT)
    day.stand(6 * HOUR)
    carried(day, 7000, 15)
    day.stand(6 * HOUR)
    return Odd(day, [], towed=1)


def tunnel() -> Odd:
    """Drive ten minutes unheard."""
    day = Day(4, NO_ODOMETER)
    day.stand(HOUR)
    day.drive(30_000)
    day.stand(HOUR)
    begin = day.drives[0].begin
    heard = [it for it in day.moments if not begin + 600 < it.at < begin + 1200]
    return Odd(day, [30], moments=heard)


def battery_disconnected_where_it_stands() -> Odd:
    """Fall silent for a night, and stand where it stood."""
    day = Day(5, STRAIGHT)
    day.stand(HOUR)
    day.drive(8000)
    day.stand(HOUR)
    day.now += 9 * HOUR
    day.stand(HOUR)
    return Odd(day, [8])


def battery_disconnected_and_found_elsewhere() -> Odd:
    """Fall silent, and stand elsewhere; the odometer says that it drove."""
    day = Day(6, STRAIGHT)
    day.stand(2 * HOUR)
    day.now += 20 * HOUR
    day.x += 6000
    day.driven += 6300
    day.stand(2 * HOUR)
    return Odd(day, [6.3])


def over_midnight() -> Odd:
    """Drive into the next day."""
    day = Day(7, STRAIGHT, begin=1_772_400_000.0 // 86_400 * 86_400 + 86_400 - 2 * HOUR)
    day.stand(1.8 * HOUR)
    day.drive(40_000)
    day.stand(2 * HOUR)
    return Odd(day, [40])


def moved(day: Day, north: float, east: float) -> list[Moment]:
    """Return the moments of a day elsewhere on earth, by degrees."""
    found = []
    for one in day.moments:
        y, x = one.latitude / DEGREE - 52, (one.longitude / DEGREE - 13)
        x *= math.cos(math.radians(52)) / math.cos(math.radians(north))
        longitude = (east + x + 180) % 360 - 180
        found.append(
            one._replace(
                latitude=round((north + y) * DEGREE),
                longitude=round(longitude * DEGREE),
            )
        )
    return found


def date_line() -> Odd:
    """Drive from the east to the west."""
    day = Day(8, NO_ODOMETER)
    day.stand(HOUR)
    day.drive(20_000)
    day.stand(HOUR)
    return Odd(day, [20], moments=moved(day, -17, 179.95))


def near_the_pole() -> Odd:
    """Drive where degrees of longitude are short."""
    day = Day(9, NO_ODOMETER)
    day.stand(HOUR)
    day.drive(6000)
    day.stand(HOUR)
    return Odd(day, [6], moments=moved(day, 89.8, 20))


def petrol(seconds: float, *trips: float) -> Callable[[], Odd]:
    """Return a day with a stop of so many seconds with the key off."""

    def made() -> Odd:
        day = Day(10, replace(STRAIGHT, interval=10))
        day.stand(HOUR)
        day.drive(7000)
        day.stand(seconds, every=20)
        day.drive(4000)
        day.stand(HOUR)
        return Odd(day, list(trips))

    return made


def key_on_for_hours() -> Odd:
    """Leave the engine on between two drives."""
    day = Day(11, STRAIGHT)
    day.stand(HOUR)
    day.turn_key(on=True)
    day.roll(6000)
    day.stand(3 * HOUR, every=60)
    day.roll(7000)
    day.turn_key(on=False)
    day.stand(HOUR)
    return Odd(day, [6, 7])


def key_off_while_rolling() -> Odd:
    """Turn the key off, and roll on for 400 m."""
    day = Day(12, replace(STRAIGHT, interval=10))
    day.stand(HOUR)
    day.turn_key(on=True)
    day.roll(6000)
    day.turn_key(on=False)
    day.ways = replace(day.ways, kmh=25)
    day.roll(400)
    day.stand(HOUR, every=60)
    return Odd(day, [6.4])


def car_wash() -> Odd:
    """Turn the key on three times, and roll some metres each time."""
    day = Day(13, STRAIGHT)
    day.stand(HOUR)
    day.drive(5000)
    day.stand(4 * MINUTE, every=30)
    for _ in range(3):
        day.turn_key(on=True)
        day.x += 12
        day.driven += 12
        day.stand(20, every=10)
        day.turn_key(on=False)
        day.stand(4 * MINUTE, every=30)
    day.drive(5000)
    day.stand(HOUR)
    return Odd(day, [5, 5])


def tracker_reset_on_the_way() -> Odd:
    """Say for two minutes on the way that the key is off."""
    day = Day(14, STRAIGHT)
    day.stand(HOUR)
    day.drive(24_000)
    day.stand(HOUR)
    begin = day.drives[0].begin
    found = [
        replaced_key(it) if begin + 600 < it.at < begin + 720 else it
        for it in day.moments
    ]
    return Odd(day, [24], moments=found)


def replaced_key(one: Moment) -> Moment:
    """Return a moment with the key off."""
    return one._replace(told=1)


def clock_set_back_on_the_way() -> Odd:
    """Tell five minutes of the way as of two years before."""
    day = Day(15, STRAIGHT)
    day.stand(3 * HOUR)
    day.drive(30_000)
    day.stand(2 * HOUR)
    begin = day.drives[0].begin
    found = [
        it._replace(at_ms=it.at_ms - 63_072_000_000)
        if begin + 600 < it.at < begin + 900
        else it
        for it in day.moments
    ]
    return Odd(day, [30], moments=found)


def gap_of_thirty_hours() -> Odd:
    """Stand unheard for longer than the evidence is kept."""
    day = Day(16, STRAIGHT)
    day.stand(HOUR)
    day.drive(8000)
    day.stand(HOUR)
    day.now += 30 * HOUR
    day.drive(9000)
    day.stand(HOUR)
    return Odd(day, [8, 9])


def three_days() -> Day:
    """Return three days of two drives."""
    day = Day(17, replace(STRAIGHT, parked_interval=600))
    day.stand(HOUR)
    for _ in range(3):
        day.drive(8000)
        day.stand(8 * HOUR)
        day.drive(8000)
        day.stand(15 * HOUR)
    return day


def buffer_of_three_days() -> Odd:
    """Send three days in one go, in order."""
    return Odd(three_days(), [8] * 6)


def buffer_of_three_days_behind_what_is_new() -> Odd:
    """Send a buffer, and where it is now in between."""
    day = three_days()
    before, buffered = day.moments[:6], day.moments[6:]
    day.moments = []
    day.stand(20 * MINUTE, every=30)
    now = day.moments
    mixed = list(before)
    for number, one in enumerate(buffered):
        if number % 20 == 0 and now:
            mixed.append(now.pop(0))
        mixed.append(one)
    return Odd(day, [8] * 6, moments=[*mixed, *now])


def newest_first() -> Odd:
    """Send a buffer of half a day the wrong way round."""
    day = Day(18, STRAIGHT)
    day.stand(HOUR)
    for _ in range(3):
        day.drive(8000)
        day.stand(3 * HOUR)
    return Odd(day, [8] * 3, moments=day.moments[::-1])


def delivery_round() -> Odd:
    """Make twelve stops of two minutes with the key off, then a break."""
    day = Day(19, replace(STRAIGHT, interval=10))
    day.stand(HOUR)
    for _ in range(12):
        day.drive(900)
        day.stand(2 * MINUTE, every=20)
    day.stand(HOUR)
    return Odd(day, [10.8])


def school_run() -> Odd:
    """Drive there, wait five minutes with the engine on, and drive back."""
    day = Day(20, replace(STRAIGHT, interval=10))
    day.stand(HOUR)
    day.turn_key(on=True)
    day.roll(2500)
    day.stand(5 * MINUTE, every=20)
    day.heading += math.pi
    day.roll(2500)
    day.turn_key(on=False)
    day.stand(HOUR)
    return Odd(day, [5])


def trailer_that_is_pulled() -> Odd:
    """Have no ignition at all, and a fix every five minutes."""
    day = Day(21, Ways(interval=300, key=False, straight=1e9, corner=0, kmh=80))
    day.stand(3 * HOUR, every=3600)
    day.roll(120_000)
    day.stand(3 * HOUR, every=3600)
    return Odd(day, [120])


def drift_in_a_garage() -> Odd:
    """Stand where positions scatter by 60 m."""
    day = Day(22, replace(STRAIGHT, drift=60))
    day.stand(12 * HOUR, every=120)
    return Odd(day, [])


def arrives_unheard(key: bool, silence: float) -> Callable[[], Odd]:
    """Return a day on which nothing is heard of the last two kilometers of a drive."""

    def made() -> Odd:
        day = Day(23, replace(NO_ODOMETER, key=key))
        day.stand(HOUR)
        day.drive(9000)
        day.stand(3 * HOUR, every=30)
        end = day.drives[0].end
        heard = []
        for it in day.moments:
            if not end - 144 < it.at < end + silence:
                heard.append(it)
            elif key and it.at == end:
                # When the key was turned off is told behind.
                heard.append(it._replace(latitude=NO_PLACE, longitude=NO_PLACE))
        return Odd(day, [9], moments=heard)

    return made


ODD_DAYS: dict[str, Callable[[], Odd]] = {
    one.__name__: one
    for one in (
        ferry,
        car_train,
        towed_at_night,
        tunnel,
        battery_disconnected_where_it_stands,
        battery_disconnected_and_found_elsewhere,
        over_midnight,
        date_line,
        near_the_pole,
        key_on_for_hours,
        key_off_while_rolling,
        car_wash,
        tracker_reset_on_the_way,
        clock_set_back_on_the_way,
        gap_of_thirty_hours,
        buffer_of_three_days,
        buffer_of_three_days_behind_what_is_new,
        newest_first,
        delivery_round,
        school_run,
        trailer_that_is_pulled,
        drift_in_a_garage,
    )
} | {
    **{
        f"arrives unheard, silent for {minutes} minutes, key {key}": arrives_unheard(
            key, minutes * MINUTE
        )
        for minutes in (4, 15, 40)
        for key in (True, False)
    },
    "petrol stop of 2:59": petrol(179 - 1, 11),
    "petrol stop of 3:01": petrol(181 + 1, 7, 4),
}


@pytest.mark.parametrize("name", ODD_DAYS)
def test_odd_day(name: str) -> None:
    """Each trip once, as long as it was; an end is told once."""
    odd = ODD_DAYS[name]()
    log, ended, towed = TripLog(), [], 0
    now = 0.0
    for one in odd.moments if odd.moments is not None else odd.day.moments:
        now = max(now, one.at + 2)
        told = take(log, [one], now, TripSettings())
        log = told.log
        ended += [it.trip_id for it in told.news.ended]
        towed += len(told.towed)
    told = at(log, now + HOUR)
    ended += [it.trip_id for it in told.news.ended]
    towed += len(told.towed)
    found = [it.found.distance_m / 1000 for it in told.log.trips]
    assert found == pytest.approx(odd.trips, rel=0.04), name
    assert len(ended) == len(set(ended))
    assert towed == odd.towed
    for it in told.log.trips:
        assert sum(part for _, part in it.found.quarters) == pytest.approx(
            it.found.distance_m, rel=0.02
        )
