"""Days on which the vendor tells trips of its own, late, overlapping, and other ones later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest

from custom_components.fleet_tracker.account.codec import from_json, to_json
from custom_components.fleet_tracker.model.trips.fold import TripSettings
from custom_components.fleet_tracker.model.trips.log import (
    Told,
    TripLog,
    at,
    metres_since,
    take,
)
from custom_components.fleet_tracker.model.trips.moments import Moment
from custom_components.fleet_tracker.model.trips.trip import (
    QUARTER_S,
    TripSource,
    VendorTrip,
)
from custom_components.fleet_tracker.model.trips.vendor_trips import (
    missing_in_list,
    news_of_list,
    taken_back,
)

from .drives import Day, Ways

HOUR, MINUTE = 3600.0, 60.0
BEGIN = 1_772_400_000.0 // QUARTER_S * QUARTER_S
DERIVED, VENDOR = TripSource.DERIVED, TripSource.VENDOR


def a_day() -> Day:
    """Return a day with drives of 12 minutes and 10 km at 1:00, 1:32 and 3:00."""
    ways = Ways(interval=60, straight=1e9, corner=0, odometer=True, noise=0, drift=0)
    day = Day(1, ways, begin=BEGIN)
    for until in (60, 92, 180, 300):
        day.stand(BEGIN + until * MINUTE - day.now, every=240)
        if until < 300:
            day.drive(10_000)
    return day


DAY = a_day()

type Span = tuple[float, float, float | None]
"""Minutes since the begin of the day, and km."""


def trip(begin: float, end: float, km: float | None) -> VendorTrip:
    """Return a trip of the vendor."""
    return VendorTrip(
        begin=BEGIN + begin * MINUTE,
        end=BEGIN + end * MINUTE,
        distance_m=None if km is None else km * 1000,
    )


@dataclass(frozen=True)
class Answer:
    """What the vendor tells at once, some minutes after the begin of the day."""

    at: float
    trips: tuple[Span, ...]


FIRST, SECOND, THIRD = (
    (60, 72, 10, DERIVED),
    (92, 104, 10, DERIVED),
    (180, 192, 10, DERIVED),
)

DAYS: dict[
    str, tuple[Sequence[Answer], Sequence[tuple[float, float, float, TripSource]]]
] = {
    "covers two of ours": (
        [Answer(130, ((59, 105, 20.6),))],
        [(59, 105, 20.6, VENDOR), THIRD],
    ),
    "covers two of ours, told between them": (
        [Answer(80, ((59, 72, 10.2),)), Answer(130, ((59, 105, 20.6),))],
        [(59, 105, 20.6, VENDOR), THIRD],
    ),
    "covers two of ours, then each of them": (
        [
            Answer(130, ((59, 105, 20.6),)),
            Answer(140, ((60, 72, 10.2), (92, 104, 10.3))),
        ],
        [(60, 72, 10.2, VENDOR), (92, 104, 10.3, VENDOR), THIRD],
    ),
    "began at a time that was never set": (
        [
            Answer(130, ((-60 * 24 * 365 * 20, 105, 300_000),)),
            Answer(140, ((-60 * 24 * 8, 105, 5_000),)),
        ],
        [FIRST, SECOND, THIRD],
    ),
    "covers a small part of one of ours": (
        [Answer(130, ((60, 63, 2.5),))],
        [FIRST, SECOND, THIRD],
    ),
    "covers most of one of ours": (
        [Answer(130, ((60, 69, 7.5),))],
        [(60, 69, 7.5, VENDOR), SECOND, THIRD],
    ),
    "begins before one of ours and ends within it": (
        [Answer(130, ((52, 65, 5),))],
        [(52, 65, 5, VENDOR), (65, 72, 5.83, DERIVED), SECOND, THIRD],
    ),
    "begins within one of ours and ends after it": (
        [Answer(130, ((99, 112, 6),))],
        [FIRST, (92, 99, 5.83, DERIVED), (99, 112, 6, VENDOR), THIRD],
    ),
    "reaches from one of ours into the next": (
        [Answer(130, ((67, 97, 9),))],
        [
            (60, 67, 5.83, DERIVED),
            (67, 97, 9, VENDOR),
            (97, 104, 5.83, DERIVED),
            THIRD,
        ],
    ),
    "two that overlap, with more metres than were driven": (
        [Answer(130, ((59, 69, 8), (66, 73, 8)))],
        [(59, 69, 8, VENDOR), (69, 73, 8 * 4 / 7, VENDOR), SECOND, THIRD],
    ),
    "two that overlap, whose metres are right": (
        [Answer(130, ((59, 69, 5), (66, 73, 5)))],
        [(59, 69, 5, VENDOR), (69, 73, 5, VENDOR), SECOND, THIRD],
    ),
    "two that overlap where nothing of ours is": (
        [Answer(170, ((120, 140, 10), (135, 155, 10)))],
        [
            FIRST,
            SECOND,
            (120, 140, 10, VENDOR),
            (140, 155, 7.5, VENDOR),
            THIRD,
        ],
    ),
    "three in a row that overlap": (
        [Answer(170, ((110, 130, 10), (125, 145, 10), (140, 160, 10)))],
        [
            FIRST,
            SECOND,
            (110, 130, 10, VENDOR),
            (130, 145, 7.5, VENDOR),
            (145, 160, 7.5, VENDOR),
            THIRD,
        ],
    ),
    "overlaps a later drive, which is covered in full": (
        [Answer(200, ((100, 120, 12), (118, 193, 30)))],
        [
            FIRST,
            (92, 100, 6.67, DERIVED),
            (100, 120, 12, VENDOR),
            (120, 193, 30, VENDOR),
        ],
    ),
    "told a day late": (
        [Answer(1600, ((60, 72, 10.2), (92, 104, 10.3)))],
        [(60, 72, 10.2, VENDOR), (92, 104, 10.3, VENDOR), THIRD],
    ),
    "corrected: ends later": (
        [Answer(80, ((60, 70, 9),)), Answer(200, ((60, 73, 10.4),))],
        [(60, 73, 10.4, VENDOR), SECOND, THIRD],
    ),
    "corrected: ends earlier": (
        [Answer(80, ((60, 80, 11),)), Answer(200, ((60, 72, 10.2),))],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "corrected: begins later": (
        [Answer(80, ((40, 72, 11),)), Answer(200, ((60, 72, 10.2),))],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "corrected: another distance alone": (
        [Answer(80, ((60, 72, 10.9),)), Answer(200, ((60, 72, 9.9),))],
        [(60, 72, 9.9, VENDOR), SECOND, THIRD],
    ),
    "corrected, and the first version is told again": (
        [
            Answer(80, ((60, 80, 11),)),
            Answer(200, ((60, 72, 10.2),)),
            Answer(210, ((60, 80, 11),)),
        ],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "corrected without a distance": (
        [Answer(80, ((60, 72, 10.2),)), Answer(200, ((60, 73, None),))],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "corrected: merged into one": (
        [
            Answer(120, ((60, 72, 10.2), (92, 104, 10.3))),
            Answer(200, ((60, 104, 20.4),)),
        ],
        [(60, 104, 20.4, VENDOR), THIRD],
    ),
    "taken back, by no metre": (
        [Answer(80, ((60, 72, 10.2),)), Answer(200, ((60, 72, 0),))],
        [FIRST, SECOND, THIRD],
    ),
    "taken back, by an end at its begin": (
        [Answer(80, ((60, 72, 10.2),)), Answer(200, ((60, 60, None),))],
        [FIRST, SECOND, THIRD],
    ),
    "taken back, and told anew": (
        [
            Answer(80, ((60, 72, 10.2),)),
            Answer(120, ((60, 60, 0),)),
            Answer(200, ((60, 73, 10.3),)),
        ],
        [(60, 73, 10.3, VENDOR), SECOND, THIRD],
    ),
    "taken back, with the begin of its correction": (
        [
            Answer(80, ((60, 74, 11),)),
            Answer(120, ((57, 73, 10.4),)),
            Answer(200, ((57, 73, 0),)),
        ],
        [FIRST, SECOND, THIRD],
    ),
    "one of no metre within another": (
        [Answer(80, ((60, 72, 10.2),)), Answer(200, ((66, 70, 0),))],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "covers two of ours, and is taken back": (
        [Answer(130, ((59, 105, 20.6),)), Answer(200, ((59, 105, 0),))],
        [FIRST, SECOND, THIRD],
    ),
    "one where nothing was driven is taken back": (
        [Answer(140, ((120, 140, 10),)), Answer(200, ((120, 140, 0),))],
        [FIRST, SECOND, THIRD],
    ),
    "one of no metre and no length": (
        [Answer(200, ((65, 65, 0), (66, 70, 0), (120, 121, 0)))],
        [FIRST, SECOND, THIRD],
    ),
    "corrected to what cannot be": (
        [Answer(80, ((60, 72, 10.2),)), Answer(200, ((60, 72, -1),))],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "nobody drives 900 km in an hour": (
        [Answer(178, ((110, 170, 900),))],
        [FIRST, SECOND, THIRD],
    ),
    "told on the way": (
        [Answer(66, ((60, 65, 4),))],
        [FIRST, SECOND, THIRD],
    ),
    "told as it arrives, in parts": (
        [Answer(68, ((60, 67, 5.8),)), Answer(74, ((67, 72, 4.1),))],
        [(60, 67, 5.8, VENDOR), (67, 72, 4.1, VENDOR), SECOND, THIRD],
    ),
    "told before what we heard": (
        [Answer(0, ()), Answer(110, ((60, 72, 10.2), (92, 104, 10.3)))],
        [(60, 72, 10.2, VENDOR), (92, 104, 10.3, VENDOR), THIRD],
    ),
}
EVERY_DAY = pytest.mark.parametrize("name", DAYS)

type News = tuple[float, Moment | VendorTrip]


def news_of(name: str) -> list[News]:
    """Return what is heard on a day, with the time of receipt."""
    buffered = "before what we heard" in name
    news: list[News] = [
        (max(one.at + 1, BEGIN + 120 * MINUTE) if buffered else one.at + 1, one)
        for one in DAY.moments
    ]
    for told in DAYS[name][0]:
        news += [(BEGIN + told.at * MINUTE, trip(*it)) for it in told.trips]
    return sorted(news, key=lambda one: one[0])


class Heard:
    """What was told while news came in."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.log = TripLog()
        self.told: Counter[tuple[str, str]] = Counter()

    def hear(self, now: float, news: Sequence[Moment | VendorTrip]) -> None:
        """Take news in."""
        self._note(
            take(
                self.log,
                [one for one in news if isinstance(one, Moment)],
                now,
                TripSettings(),
                [one for one in news if isinstance(one, VendorTrip)],
            )
        )

    def wait(self, now: float) -> None:
        """Let time pass."""
        self._note(at(self.log, now))

    def _note(self, told: Told) -> None:
        self.log = told.log
        for kind in ("started", "ended", "corrected", "removed"):
            for one in getattr(told.news, kind):
                self.told[kind, one.trip_id] += 1
        assert not told.towed
        trips = self.log.trips
        for before, after in pairwise(trips):
            assert before.found.until <= after.begin
        assert len({one.trip_id for one in trips}) == len(trips)


def counted(log: TripLog) -> list[tuple[float, float, float, TripSource]]:
    """Return trips as a person notes them: minutes, minutes, km."""
    return [
        (
            round((one.begin - BEGIN) / MINUTE, 3),
            round((one.found.until - BEGIN) / MINUTE, 3),
            round(one.found.distance_m / 1000, 4),
            one.found.source,
        )
        for one in log.trips
    ]


def heard(news: Sequence[News], *, restarts: bool = False) -> Heard:
    """Return what follows from news, one after the other, and from the time after it."""
    result = Heard()
    now = 0.0
    for received, one in news:
        now = max(now, received)
        result.hear(now, [one])
        if restarts:
            result.log = from_json(TripLog, to_json(result.log))
    result.wait(now + HOUR)
    result.wait(now + 2 * HOUR)
    return result


@EVERY_DAY
def test_a_person_counts_the_same(name: str) -> None:
    """Each trip once: its begin and its end, and what is another one now as a correction."""
    expected = DAYS[name][1]
    result = heard(news_of(name))
    found = counted(result.log)
    assert [one[3] for one in found] == [one[3] for one in expected]
    for one, wanted in zip(found, expected, strict=True):
        assert one[:2] == pytest.approx(wanted[:2], abs=1.1)
        assert one[2] == pytest.approx(wanted[2], rel=0.02)
    for kind in ("started", "ended", "removed"):
        assert all(result.told[kind, trip_id] <= 1 for _, trip_id in result.told)
    assert all(result.told["ended", one.trip_id] == 1 for one in result.log.trips)
    gone = {it for kind, it in result.told if kind == "removed"}
    assert gone.isdisjoint(one.trip_id for one in result.log.trips)


@EVERY_DAY
def test_nothing_is_counted_twice(name: str) -> None:
    """The sums of a day, of an hour and of the trips are the same."""
    log = heard(news_of(name)).log
    whole = sum(one.found.distance_m for one in log.trips)
    assert metres_since(log, BEGIN) == pytest.approx(whole, rel=1e-6)
    for one in log.trips:
        for quarter, part in one.found.quarters:
            assert part >= 0
            assert one.begin < (quarter + 1) * QUARTER_S
            assert quarter * QUARTER_S <= one.found.until


@EVERY_DAY
def test_order_of_one_receipt_repeats_and_restarts_make_no_difference(
    name: str,
) -> None:
    """Nor whether all of one receipt comes in one go."""
    news = news_of(name)
    whole = heard(news)
    random = Random(name)
    by_time = {time: [one for at, one in news if at == time] for time, _ in news}
    for times in (1, 2):
        mixed: list[News] = []
        for time, those in by_time.items():
            several = those * times
            random.shuffle(several)
            mixed += [(time, one) for one in several]
        assert counted(heard(mixed).log) == counted(whole.log)
    again = heard(news, restarts=True)
    assert (counted(again.log), again.told) == (counted(whole.log), whole.told)
    together = Heard()
    for time, those in by_time.items():
        together.hear(time, those)
    last = max(by_time)
    together.wait(last + HOUR)
    assert counted(together.log) == counted(whole.log)
    # What was told before, at any time after, says nothing new.
    for _, one in news:
        if isinstance(one, VendorTrip):
            together.hear(last + 2 * HOUR, [one])
    together.wait(last + 3 * HOUR)
    assert counted(together.log) == counted(whole.log)


MEASURED: list[News] = [(one.at + 1, one) for one in DAY.moments]


def test_of_one_drive_that_are_several_of_the_vendor() -> None:
    """Only the first knows how it began, and only the last how it ended."""
    parts = [(60, 63, 2.5), (63.5, 66, 2.0), (66, 69, 2.5), (69.5, 72.2, 2.4)]
    result = heard(
        sorted(
            [
                *MEASURED,
                *((BEGIN + 200 * MINUTE, trip(*part)) for part in parts),
            ],
            key=lambda one: one[0],
        )
    )
    trips = [one.found for one in result.log.trips][:4]
    assert [one.source for one in trips] == [VENDOR] * 4
    whole = heard(MEASURED).log.trips[0].found
    assert [one.odometer_begin_m for one in trips] == [
        whole.odometer_begin_m,
        *[None] * 3,
    ]
    assert [one.odometer_end_m for one in trips] == [*[None] * 3, whole.odometer_end_m]
    assert [one.begin_latitude for one in trips] == [
        whole.begin_latitude,
        *[None] * 3,
    ]
    assert [one.end_longitude for one in trips] == [*[None] * 3, whole.end_longitude]


def test_places_that_the_vendor_tells_count() -> None:
    """It knows where its trips began and ended, whatever was heard."""
    told = VendorTrip(
        begin=BEGIN + 63 * MINUTE,
        end=BEGIN + 72 * MINUTE,
        distance_m=9000,
        begin_place=(52.5, 13.5),
        end_place=(52.6, 13.6),
    )
    found = (
        heard(
            sorted(
                [*MEASURED, (BEGIN + 200 * MINUTE, told)],
                key=lambda one: one[0],
            )
        )
        .log.trips[0]
        .found
    )
    assert found.source is VENDOR
    assert (found.begin_latitude, found.begin_longitude) == (52.5, 13.5)
    assert (found.end_latitude, found.end_longitude) == (52.6, 13.6)


LISTS: dict[
    str, tuple[Sequence[Answer], Sequence[tuple[float, float, float, TripSource]]]
] = {
    "another distance": (
        [Answer(80, ((60, 72, 10.2),)), Answer(200, ((60, 72, 9.9),))],
        [(60, 72, 9.9, VENDOR), SECOND, THIRD],
    ),
    "and back again": (
        [
            Answer(80, ((60, 72, 10.2),)),
            Answer(120, ((60, 72, 9.9),)),
            Answer(200, ((60, 72, 10.2),)),
        ],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "hardly another distance, and hardly another end": (
        [Answer(80, ((60, 72, 10.2),)), Answer(200, ((60, 72.4, 10.22),))],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "another begin and end": (
        [Answer(80, ((60, 66, 5),)), Answer(200, ((59, 73, 10.4),))],
        [(59, 73, 10.4, VENDOR), SECOND, THIRD],
    ),
    "without a distance": (
        [Answer(80, ((60, 72, 10.2),)), Answer(200, ((60, 72, None),))],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "merged": (
        [
            Answer(130, ((60, 72, 10.2), (92, 104, 10.3))),
            Answer(200, ((60, 104, 20.4),)),
        ],
        [(60, 104, 20.4, VENDOR), THIRD],
    ),
    "split": (
        [
            Answer(130, ((60, 104, 20.4),)),
            Answer(200, ((60, 72, 10.2), (92, 104, 10.3))),
        ],
        [(60, 72, 10.2, VENDOR), (92, 104, 10.3, VENDOR), THIRD],
    ),
    "listed late, between two": (
        [
            Answer(200, ((60, 72, 10.2), (180, 192, 10.2))),
            Answer(210, ((60, 72, 10.2), (120, 140, 9), (180, 192, 10.2))),
        ],
        [
            (60, 72, 10.2, VENDOR),
            SECOND,
            (120, 140, 9, VENDOR),
            (180, 192, 10.2, VENDOR),
        ],
    ),
    "not listed any more": (
        [
            Answer(130, ((60, 72, 10.2), (92, 104, 10.3))),
            Answer(140, ((92, 104, 10.3),)),
        ],
        [FIRST, (92, 104, 10.3, VENDOR), THIRD],
    ),
    "corrected, then not listed any more": (
        [
            Answer(80, ((60, 74, 11),)),
            Answer(120, ((57, 73, 10.4),)),
            Answer(200, ()),
        ],
        [FIRST, SECOND, THIRD],
    ),
    "not listed, and listed again": (
        [
            Answer(80, ((60, 72, 10.2),)),
            Answer(120, ()),
            Answer(200, ((60, 72, 10.2),)),
        ],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "the same one twice": (
        [Answer(80, ((60, 72, 10.2), (61, 71, 9)))],
        [(60, 72, 10.2, VENDOR), SECOND, THIRD],
    ),
    "of no metre": (
        [Answer(80, ((60, 72, 10.2),)), Answer(200, ((60, 72, 0),))],
        [FIRST, SECOND, THIRD],
    ),
}


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("name", LISTS)
def test_lists_that_come_again(name: str, restarts: bool) -> None:
    """What the last list shows counts. A list that says the same is no news."""
    lists, expected = LISTS[name]
    events: list[tuple[float, Moment | Answer]] = [
        (one.at + 1, one) for one in DAY.moments
    ]
    events += [(BEGIN + one.at * MINUTE, one) for one in lists]
    result = Heard()
    for now, one in sorted(events, key=lambda it: it[0]):
        if isinstance(one, Moment):
            result.hear(now, [one])
            continue
        listed = [trip(*it) for it in one.trips]
        gone = missing_in_list(result.log.vendors, listed, BEGIN, now)
        news = news_of_list(result.log.vendors, listed, now)
        result.hear(now, [*news, *(taken_back(it, now) for it in gone)])
        if restarts:
            result.log = from_json(TripLog, to_json(result.log))
        assert not news_of_list(result.log.vendors, listed, now + 1)
        assert not missing_in_list(result.log.vendors, listed, BEGIN, now)
    result.wait(now + HOUR)
    result.wait(now + 2 * HOUR)
    found = counted(result.log)
    assert [one[3] for one in found] == [one[3] for one in expected]
    for found_one, wanted in zip(found, expected, strict=True):
        assert found_one[:2] == pytest.approx(wanted[:2], abs=1.1)
        assert found_one[2] == pytest.approx(wanted[2], rel=0.02)
    assert all(result.told["ended", one.trip_id] == 1 for one in result.log.trips)


def test_what_the_vendor_told_by_itself_is_not_missing() -> None:
    """Some push trips and list none. What it lists too may be missing later."""
    pushed = trip(60, 72, 10.2)
    assert not missing_in_list([pushed], [], BEGIN, BEGIN + 24 * HOUR)
    (listed,) = news_of_list([pushed], [trip(60, 72, 10.21)], BEGIN + HOUR)
    assert listed.distance_m == pushed.distance_m
    assert missing_in_list([listed], [], BEGIN, BEGIN + 24 * HOUR) == [listed]
    # It is about a time that the list does not show, or does not show yet.
    assert not missing_in_list([listed], [], listed.begin + 1, BEGIN + 24 * HOUR)
    assert not missing_in_list([listed], [], BEGIN, listed.end - 1)
