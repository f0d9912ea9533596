"""Kept trips as lines: nothing is overwritten, and today's trips follow from all lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.fleet_tracker.account.trips.records import (
    KeptTrip,
    Records,
    TripClass,
    gone_line,
    mark_line,
    month_of_trip,
    reading_line,
    trip_line,
    vehicle_of,
)
from custom_components.fleet_tracker.model.trips.trip import (
    DistanceSource,
    FoundTrip,
    Trip,
    TripFlag,
    TripSource,
)

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
BEGIN = 1_793_880_000.0
"""5 November 2026, 12:00 UTC."""


def trip(
    trip_id: str = "1793880000",
    begin: float = 0,
    end: float = 1800,
    *,
    metres: float = 20_000,
    parents: tuple[str, ...] = (),
    source: TripSource = TripSource.DERIVED,
    revision: int = 0,
) -> Trip:
    """Return a trip, with its times in seconds after the begin of all."""
    return Trip(
        trip_id=trip_id,
        found=FoundTrip(
            begin=BEGIN + begin,
            end=BEGIN + end,
            last=BEGIN + end,
            distance_m=metres,
            source=source,
        ),
        is_ended=True,
        parents=parents,
        revision=revision,
    )


def taken(*lines: str) -> Records:
    """Return what lines say."""
    records = Records()
    assert records.take(lines) == []
    return records


def only(records: Records, vehicle_id: str = "1") -> KeptTrip:
    """Return the only trip of a vehicle."""
    (found,) = records.trips[vehicle_id].values()
    return found


def test_trip_comes_back_as_it_was() -> None:
    """With all that is known of it."""
    told = Trip(
        trip_id="1793880000",
        found=FoundTrip(
            begin=BEGIN,
            end=BEGIN + 1234,
            last=BEGIN + 1234,
            distance_m=12_345.6,
            idle_s=61,
            gap_s=200,
            top_speed=98.5,
            source=TripSource.VENDOR,
            distance_source=DistanceSource.ODOMETER,
            flags=frozenset(TripFlag),
            odometer_begin_m=1000,
            odometer_end_m=13_346,
            begin_latitude=52.12345,
            begin_longitude=0.0,
            end_latitude=-0.00001,
            end_longitude=13.5,
            consumption=1.25,
            quarters=((10, 1000.0), (12, 345.0)),
        ),
        is_ended=True,
        parents=("17",),
        revision=2,
    )
    kept = only(taken(trip_line("1", told, NOW)))
    assert kept.trip == told
    assert kept.found.quarters == told.found.quarters
    assert (kept.recorded_at, kept.changes, bool(kept.mark)) == (NOW, (), False)
    assert (kept.begin.timestamp(), kept.end.timestamp()) == (BEGIN, BEGIN + 1234)


def test_correction_is_listed_with_what_was_and_who_said_so() -> None:
    """The trip keeps its identity and when it was first recorded."""
    later = NOW + timedelta(hours=1)
    kept = only(
        taken(
            trip_line("1", trip(), NOW),
            trip_line("1", trip(metres=21_500, source=TripSource.VENDOR), later),
            # The same once more is no change.
            trip_line("1", trip(metres=21_500, source=TripSource.VENDOR), later),
        )
    )
    assert kept.recorded_at == NOW
    (change,) = kept.changes
    assert (change.at, change.by) == (later, "vendor")
    assert change.what == {"distance": (20.0, 21.5), "source": ("derived", "vendor")}


def test_marks_are_listed_with_what_was_and_who_said_so() -> None:
    """The last word counts; what is not said stays; an empty text takes back."""
    kept = only(
        taken(
            trip_line("1", trip(), NOW),
            mark_line(
                "1", "1793880000", NOW, "ann", {"class": "business", "purpose": "Visit"}
            ),
            mark_line(
                "1", "1793880000", NOW, None, {"class": "private", "purpose": ""}
            ),
        )
    )
    assert (kept.mark.class_, kept.mark.purpose) == (TripClass.PRIVATE, None)
    assert kept.mark.marked_by is None
    assert [(one.by, dict(one.what)) for one in kept.changes] == [
        ("ann", {"class": (None, "business"), "purpose": (None, "Visit")}),
        (None, {"class": ("business", "private"), "purpose": ("Visit", None)}),
    ]


@pytest.mark.parametrize(("days", "late"), [(7, False), (7.03, True)])
def test_mark_later_than_7_days_is_late(days: float, late: bool) -> None:
    """Counted from the end of the trip."""
    at = datetime.fromtimestamp(BEGIN + 1800, UTC) + timedelta(days=days)
    kept = only(
        taken(
            trip_line("1", trip(), NOW),
            mark_line("1", "1793880000", at, None, {"class": "business"}),
        )
    )
    assert kept.is_late is late


def test_merged_trip_hands_its_mark_on() -> None:
    """To the one that took it in, unless that has its own."""
    first, second = trip("1793880000", 0, 900), trip("1793881000", 1000, 1800)
    lines = [
        trip_line("1", first, NOW),
        trip_line("1", second, NOW),
        mark_line("1", second.trip_id, NOW, "ann", {"class": "business"}),
        trip_line("1", trip("1793880000", 0, 1800, parents=(second.trip_id,)), NOW),
        gone_line("1", second.trip_id, NOW),
    ]
    kept = only(taken(*lines))
    assert (kept.trip_id, kept.mark.class_) == ("1793880000", "business")
    own = mark_line("1", "1793880000", NOW, "bob", {"class": "private"})
    assert only(taken(lines[0], own, *lines[1:])).mark.class_ == "private"


def test_split_trip_keeps_its_mark_and_the_other_part_has_none() -> None:
    """Both are there, once."""
    records = taken(
        trip_line("1", trip("1793880000", 0, 1800), NOW),
        mark_line("1", "1793880000", NOW, "ann", {"class": "business"}),
        trip_line("1", trip("1793880000", 0, 1000), NOW),
        trip_line("1", trip("1793881100", 1100, 1800, parents=("1793880000",)), NOW),
    )
    marks = {key: one.mark.class_ for key, one in records.trips["1"].items()}
    assert marks == {"1793880000": "business", "1793881100": None}


def test_trip_that_is_found_again_after_a_crash_is_there_once() -> None:
    """With another begin it has another identity; the mark moves along."""
    records = taken(
        trip_line("1", trip("1793880000", 0, 1800), NOW),
        mark_line("1", "1793880000", NOW, "ann", {"class": "business"}),
        trip_line("1", trip("1793880060", 60, 1900), NOW),
        # Another vehicle's trip of the same time is another one.
        trip_line("2", trip("1793880000", 0, 1800), NOW),
    )
    assert only(records).trip_id == "1793880060"
    assert only(records).mark.class_ == "business"
    assert only(records, "2").trip_id == "1793880000"


def test_readings_of_the_dashboard_are_kept() -> None:
    """With the time that they are of, when they were noted, and the user who did."""
    records = taken(reading_line("1", NOW, 12_345.0, NOW + timedelta(days=1), "ann"))
    (reading,) = records.readings["1"]
    assert (reading.at, reading.kilometres, reading.by) == (NOW, 12_345.0, "ann")
    assert reading.noted_at == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[]",
        "nonsense",
        '["trip","1","2",3]',
        '["trip","1","2",3,{"b":"x","e":1,"m":1,"d":"way"}]',
        '["trip","1","2",1e300,{"b":1,"e":1,"m":1,"d":"way"}]',
        '["trip",1,"2",3,{}]',
        '["trip","1","2",3,{"b":-1e300,"e":1e300,"m":1,"d":"way"}]',
        '["trip","1","2",3,{"b":2,"e":1,"m":1,"d":"way"}]',
        '["trip","1","2",3,{"b":1,"e":1e11,"m":1,"d":"way"}]',
        '["trip","1","2",3,{"b":1,"e":2,"m":1,"d":"way","o":["x",null]}]',
        '["mark","1","1793880000",3,null,{"class":"holiday"}]',
        '["trip","1","2",3,{"b":1,"e":2,"m":1,"d":"way","i":"nan"}]',
        '["trip","1","2",3,{"b":1,"e":2,"m":1e300,"d":"way"}]',
        '["trip","1","2",3,{"b":1,"e":2,"m":1,"d":"way","p":[1e9,1,1,1]}]',
        '["trip","1","2",3,{"b":1,"e":2,"m":1,"d":"way","q":["x",1]}]',
        '["odometer","1","3",3,null,"nan"]',
        '["mark","1","1793880000",3,["ann"],{"class":"private"}]',
        '["mark","1","1793880000",3,null,{"purpose":{"a":1}}]',
        '["odometer","1","3",3,{"ann":1},5]',
        '["odometer","1","noon",3,null,5]',
    ],
)
def test_line_that_cannot_be_read_is_told(line: str) -> None:
    """And changes nothing."""
    good = trip_line("1", trip(), NOW)
    records = Records()
    assert records.take([good, line]) == [line]
    assert only(records).trip == trip()


def test_line_of_a_newer_version_is_passed_over() -> None:
    """It may say what is not known yet."""
    assert taken('["colour","1","2",3,"red"]').trips == {}


def test_trip_stays_in_the_month_of_its_first_version() -> None:
    """Whatever its begin is corrected to."""
    first = trip("1793487599", begin=1_793_487_599 - BEGIN)
    later = replace(first, found=replace(first.found, begin=BEGIN))
    assert month_of_trip(first) == month_of_trip(later) == "2026-10"


def test_line_says_whose_it_is() -> None:
    """Also with an identity that JSON writes otherwise."""
    assert vehicle_of(trip_line('a"b', trip(), NOW)) == 'a"b'
    assert vehicle_of("nonsense") is None
