"""The formats of files, as strict readers want them."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import io
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.fleet_tracker.account.trips.records import (
    Change,
    DashboardReading,
    KeptTrip,
    Mark,
    TripClass,
)
from custom_components.fleet_tracker.actions.exports.content import (
    Circle,
    Content,
    ShownTrip,
    cut,
)
from custom_components.fleet_tracker.actions.exports.geojson import geojson
from custom_components.fleet_tracker.actions.exports.gpx import gpx
from custom_components.fleet_tracker.actions.exports.kml import kml
from custom_components.fleet_tracker.actions.exports.logbook import (
    COLUMNS,
    _safe,
    logbook,
)
from custom_components.fleet_tracker.actions.past.known_trip import of_found
from custom_components.fleet_tracker.actions.past.way import Way
from custom_components.fleet_tracker.contract.history import RoutePoint
from custom_components.fleet_tracker.model.trips.trip import FoundTrip, Trip, TripFlag

from .gpx_rules import NAMESPACE, broken_rules, parsed

BEGIN = datetime(2025, 10, 9, 6, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
KML = "{http://www.opengis.net/kml/2.2}"
GX = "{http://www.google.com/kml/ext/2.2}"


def point(minutes: float, latitude: float, longitude: float, **more: Any) -> RoutePoint:
    """Return a point of a way."""
    time = BEGIN + timedelta(minutes=minutes)
    return RoutePoint(time=time, latitude=latitude, longitude=longitude, **more)


WAY = Way(
    points=(
        point(0, 52, 4, speed=36.0, course=360.0, altitude=-3.0),
        point(1, 52.000001, -1e-7, speed=0),
        point(20, 90, 180),
        point(21, -90, 179.9999999),
        point(30, 0, 0),
    ),
    gaps=frozenset({2}),
)


def shown(
    number: int = 0, *, way: Way | None = None, mark: Mark | None = None, **found: Any
) -> ShownTrip:
    """Return a trip of half an hour and 25.5 km, one an hour."""
    begin = BEGIN.timestamp() + 3600 * number
    values: dict[str, Any] = {
        "begin": begin,
        "end": begin + 1800,
        "distance_m": 25_500.0,
        "idle_s": 130.0,
        "odometer_begin_m": 1_000_000 + 25_500 * number,
        "odometer_end_m": 1_025_500 + 25_500 * number,
        **found,
    }
    trip = Trip(trip_id=str(int(begin)), found=FoundTrip(**values), is_ended=True)
    kept = KeptTrip(vehicle_id="1", trip=trip, recorded_at=BEGIN, mark=mark or Mark())
    known = of_found(trip.found, trip_id=trip.trip_id, kept=kept)
    return ShownTrip(trip=known, begin=known.begin, end=known.end, way=way or Way())


def content(*trips: ShownTrip, **more: Any) -> Content:
    """Return what a file shows."""
    return Content(trips=trips, time_zone=BERLIN, made_at=BEGIN, **more)


EVERYTHING = content(
    replace(shown(way=WAY), begin_place="A & B <\x0b\ufffe>", end_place="]]>"),
    shown(1),
    shown(2, way=Way(points=WAY.points[:1])),
)


# --- GPX ------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [EVERYTHING, content()])
def test_gpx_breaks_no_rule(told: Content) -> None:
    """Elements, their order, and values: the east end of the world is its west end."""
    assert broken_rules(gpx(told)) == []


def test_gpx() -> None:
    """A track for each trip, a segment for each part, speeds in m/s, times in UTC."""
    root = parsed(gpx(EVERYTHING))
    names = {
        "g": NAMESPACE,
        "x": "http://www.garmin.com/xmlschemas/TrackPointExtension/v2",
    }
    first, second, third = root.findall("g:trk", names)
    assert first.findtext("g:name", None, names) == "2025-10-09 08:00 - 08:30"
    assert first.findtext("g:desc", None, names) == "A & B <> - ]]>, 25.5 km"
    segments = first.findall("g:trkseg", names)
    assert [len(one) for one in segments] == [2, 3]
    assert not second.findall("g:trkseg", names)
    assert [len(one) for one in third.findall("g:trkseg", names)] == [1]
    place = segments[0][0]
    assert place.attrib == {"lat": "52", "lon": "4"}
    assert place.findtext("g:time", None, names) == "2025-10-09T06:00:00Z"
    assert place.findtext(".//x:speed", None, names) == "10.00"
    assert place.findtext(".//x:course", None, names) == "0.00"
    assert segments[0][1].attrib["lon"] in ("0", "-0")
    assert segments[1][0].attrib == {"lat": "90", "lon": "-180"}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('lon="4"', 'lon="180"'),
        ('lat="52"', 'lat="5.2e1"'),
        ("<ele>-3.0</ele><time>2025-10-09T06:00:00Z</time>", "<time/><ele>1</ele>"),
        ("<number>1</number>", "<number>-1</number>"),
        ("<metadata>", "<metadata><speed>1</speed>"),
        (NAMESPACE, f"{NAMESPACE}/"),
        ('version="1.1"', 'version="1.0"'),
        ("<trkseg>", "<trkseg>1"),
    ],
)
def test_rules_find_what_is_wrong(right: str, wrong: str) -> None:
    """The rules that files are held to would find each of these."""
    text = gpx(EVERYTHING)
    assert right in text
    assert broken_rules(text.replace(right, wrong)) != []


# --- KML and GeoJSON ------------------------------------------------------------------------


def test_kml() -> None:
    """Lines first, then tracks that are not visible: all times, then as many places."""
    root = parsed(kml(EVERYTHING))
    lines, tracks = root.findall(f"{KML}Document/{KML}Folder")
    assert lines.find(f"{KML}visibility") is None
    assert tracks.findtext(f"{KML}visibility") == "0"
    assert len(lines.findall(f"{KML}Placemark")) == 3
    assert len(tracks.findall(f"{KML}Placemark")) == 2
    first = lines.findall(f"{KML}Placemark")[0]
    assert [one.tag.rpartition("}")[2] for one in first] == [
        "name",
        "description",
        "TimeSpan",
        "MultiGeometry",
    ]
    drawn = first.findall(f".//{KML}LineString")
    assert [one.findtext(f"{KML}tessellate") for one in drawn] == ["1", "1"]
    assert drawn[0].findtext(f"{KML}coordinates") == "4,52 -0,52.000001"
    track = tracks.findall(f".//{GX}Track")[1]
    assert [one.tag.rpartition("}")[2] for one in track] == [
        *["when"] * 3,
        *["coord"] * 3,
        "ExtendedData",
    ]
    assert track[0].text == "2025-10-09T06:20:00Z"
    assert track[3].text == "180 90 0.0"


def speeds(file: str) -> list[list[str | None]]:
    """Return the speeds of each track of a file, of which there are as many as times."""
    told = []
    for track in parsed(file).findall(f".//{GX}Track"):
        values = [one.text for one in track.findall(f".//{GX}value")]
        assert len(values) in (0, len(track.findall(f"{KML}when")))
        told.append(values)
    return told


def test_speeds_in_kml() -> None:
    """A value for each point, an empty one where it is not known; none where none is."""
    assert speeds(kml(EVERYTHING)) == [["36.0", "0.0"], [None] * 3, ["36.0"]]
    assert speeds(kml(content(shown(way=straight(0, 50))))) == [[]]
    fast = tuple(
        replace(one, speed=None if number % 3 else 10.0 + number)
        for number, one in enumerate(straight(0, 3000).points)
    )
    trimmed = cut(shown(way=Way(points=fast)), HOME, 500, "1")
    assert trimmed is not None
    (told,) = speeds(kml(content(trimmed)))
    assert told == [
        None if one.speed is None else f"{one.speed:.1f}" for one in trimmed.way.points
    ]
    assert 30 < len(told) < 290


def test_geojson() -> None:
    """A time and a speed for each point, nested as they are; fewer than two are no line."""
    told = json.loads(geojson(EVERYTHING))
    first, second, third = told["features"]
    assert first["geometry"]["type"] == "MultiLineString"
    times = first["properties"]["coordTimes"]
    assert [len(one) for one in times] == [2, 3]
    assert [len(one) for one in first["geometry"]["coordinates"]] == [2, 3]
    assert first["geometry"]["coordinates"][0][0] == [4, 52]
    speeds = first["properties"]["speeds"]
    assert speeds == [[36, 0], [None] * 3]
    assert first["properties"]["coordinateProperties"] == {
        "times": times,
        "speeds": speeds,
    }
    assert second["geometry"] is None
    assert third["geometry"] == {"type": "Point", "coordinates": [4, 52]}
    plain = shown(way=Way(points=WAY.points[:2]))
    (line,) = json.loads(geojson(content(plain)))["features"]
    assert line["geometry"]["type"] == "LineString"
    assert line["properties"] == {
        "begin": "2025-10-09T06:00:00Z",
        "end": "2025-10-09T06:30:00Z",
        "trip_id": "1759989600",
        "distance_km": 25.5,
        "coordTimes": ["2025-10-09T06:00:00Z", "2025-10-09T06:01:00Z"],
        "speeds": [36, 0],
        "coordinateProperties": {
            "times": ["2025-10-09T06:00:00Z", "2025-10-09T06:01:00Z"],
            "speeds": [36, 0],
        },
    }


# --- cutting what is near home --------------------------------------------------------------

HOME = Circle(latitude=52, longitude=4, radius=100)


def straight(first_m: int, last_m: int, step_m: int = 10) -> Way:
    """Return a way to the north, which begins so many metres south or north of home."""
    return Way(
        points=tuple(
            point(number, 52 + metres / 111_195, 4)
            for number, metres in enumerate(range(first_m, last_m, step_m))
        )
    )


def away(one: RoutePoint) -> float:
    """Return how many metres a point is from home."""
    return abs(one.latitude - 52) * 111_195


def test_trim() -> None:
    """The radius, and the distance more or less by 30 %, the same for the same trip."""
    trip = shown(way=straight(0, 3000))
    found = set()
    for number in range(200):
        trimmed = cut(trip, HOME, 1000, f"entry/1/{number}")
        assert trimmed is not None
        assert trimmed == cut(trip, HOME, 1000, f"entry/1/{number}")
        assert trimmed.begin == trimmed.way.points[0].time > trip.begin
        assert trimmed.end == trimmed.way.points[-1].time
        found.add(round(away(trimmed.way.points[0])))
    assert 800 <= min(found) < 850
    assert 1350 < max(found) <= 1410
    assert len(found) > 40
    assert trimmed is not None
    file = gpx(content(trimmed))
    assert "25.5 km" not in file
    assert "06:00:00Z</time></trkpt>" not in file


def test_trim_in_the_middle_and_of_all() -> None:
    """A drive past home falls in two; one that stays near is left out."""
    passing = cut(shown(way=straight(-3000, 3000)), HOME, 500, "1")
    assert passing is not None
    south, north = passing.way.parts()
    assert all(one.latitude < 52 for one in south)
    assert all(one.latitude > 52 for one in north)
    assert cut(shown(way=straight(-300, 300)), HOME, 500, "1") is None
    assert cut(shown(), HOME, 500, "1") is None
    far = shown(way=straight(5000, 6000))
    assert cut(far, HOME, 2000, "1") is far


# --- CSV ------------------------------------------------------------------------------------


def rows(text: str, separator: str = ",") -> list[list[str]]:
    """Return the rows of a file that a spreadsheet opens."""
    assert text.startswith("\ufeff")
    assert "\n" not in text.replace("\r\n", "")
    return list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=separator))


def test_columns_and_sums() -> None:
    """A row for each trip, sums by class, what no trip explains, and readings."""
    marked_at = BEGIN + timedelta(days=8)
    mark = Mark(
        class_=TripClass.BUSINESS,
        purpose='=HYPERLINK("x")',
        visited='Smith, Ltd; "Inc"',
        driver="+Ann",
        marked_at=marked_at,
        marked_by="user-1",
    )
    first = replace(shown(mark=mark), begin_place="Home", end_place="-Depot")
    second = shown(
        1,
        mark=Mark(class_=TripClass.PRIVATE),
        odometer_begin_m=1_032_500,
        odometer_end_m=1_058_000,
        flags=frozenset({TripFlag.ESTIMATED}),
    )
    told = content(
        first,
        second,
        shown(2, odometer_begin_m=1_058_000, odometer_end_m=None),
        vehicle="@Van",
        plate="B-XY 1",
        users={"user-1": "Ann"},
        readings=[
            DashboardReading(
                at=BEGIN + timedelta(hours=1),
                kilometres=1030.0,
                noted_at=BEGIN + timedelta(hours=2),
                by=None,
            )
        ],
    )
    table = rows(logbook(told))
    assert tuple(table[0]) == COLUMNS
    row = dict(zip(COLUMNS, table[1], strict=True))
    assert row == {
        "no": "1",
        "trip_id": "1759989600",
        "vehicle": "'@Van",
        "plate": "B-XY 1",
        "begin_date": "2025-10-09",
        "begin_time": "08:00:00",
        "end_date": "2025-10-09",
        "end_time": "08:30:00",
        "utc_offset": "UTC+02:00",
        "odometer_begin_km": "1000.00",
        "odometer_end_km": "1025.50",
        "distance_km": "25.50",
        "distance_source": "way",
        "begin_place": "Home",
        "end_place": "'-Depot",
        "route_note": "",
        "class": "business",
        "purpose": '\'=HYPERLINK("x")',
        "visited": 'Smith, Ltd; "Inc"',
        "driver": "'+Ann",
        "idle_min": "2",
        "flags": "late",
        "recorded_at": "2025-10-09T08:00:00+02:00",
        "marked_at": "2025-10-17T08:00:00+02:00",
        "marked_by": "Ann",
        "changes": "0",
    }
    assert table[4:] == [
        [],
        ["sum", "class", "trips", "distance_km"],
        ["sum", "business", "1", "25.50"],
        ["sum", "private", "1", "25.50"],
        ["sum", "commute", "0", "0.00"],
        ["sum", "none", "1", "25.50"],
        ["sum", "all", "3", "76.50"],
        [],
        ["gap", "after_no", "before_no", "odometer_from_km", "odometer_to_km", "km"],
        ["gap", "1", "2", "1025.50", "1032.50", "7.00"],
        [],
        [
            "reading",
            "read_at",
            "dashboard_km",
            "tracker_km",
            "difference_km",
            "noted_at",
            "noted_by",
        ],
        [
            "reading",
            "2025-10-09T09:00:00+02:00",
            "1030.00",
            "1025.50",
            "-4.50",
            "2025-10-09T10:00:00+02:00",
            "",
        ],
    ]
    assert rows(logbook(told, separator=";"), ";") == table


def test_private_trips_and_history() -> None:
    """Of a private trip the kilometres alone, where that is wanted, and no word of when."""
    change = Change(
        at=BEGIN + timedelta(hours=2),
        by="derived",
        what={"distance": (1.0, 2.0), "purpose": (None, "=1+1")},
    )
    trips = [
        shown(one, mark=Mark(class_=kind, driver="Ann"))
        for one, kind in enumerate((TripClass.PRIVATE, TripClass.COMMUTE))
    ]
    trips = [
        replace(
            one, trip=replace(one.trip, kept=replace(one.trip.kept, changes=(change,)))
        )
        for one in trips
        if one.trip.kept is not None
    ]
    told = content(*trips, vehicle="Van")
    text = logbook(told, private_kilometers_only=True, history=True)
    table = rows(text)
    private = dict(zip(COLUMNS, table[1], strict=True))
    assert {key: value for key, value in private.items() if value} == {
        "no": "1",
        "vehicle": "Van",
        "odometer_begin_km": "1000.00",
        "odometer_end_km": "1025.50",
        "distance_km": "25.50",
        "distance_source": "way",
        "class": "private",
    }
    commute = dict(zip(COLUMNS, table[2], strict=True))
    assert commute["driver"] == "Ann"
    assert commute["changes"] == "1"
    assert table[-2:] == [
        [
            "change",
            "2",
            "2025-10-09T10:00:00+02:00",
            "derived",
            "distance",
            "1.0",
            "2.0",
        ],
        ["change", "2", "2025-10-09T10:00:00+02:00", "derived", "purpose", "", "'=1+1"],
    ]
    everything = rows(logbook(told, history=True))
    assert dict(zip(COLUMNS, everything[1], strict=True))["driver"] == "Ann"
    assert sum(row[:1] == ["change"] for row in everything) == 5


def test_records_do_not_show_where_it_was() -> None:
    """Nor whose it is: a record may be logged with an error."""
    told = content(
        shown(way=WAY, begin_latitude=52.123, begin_longitude=4.567),
        vehicle="Van of Ann",
        plate="B-XY 1",
    )
    for private in ("52.123", "4.567", "52.000001", "Van of Ann", "B-XY"):
        assert private not in repr(told)
        assert private not in repr(HOME)


def test_clocks_that_are_set_back() -> None:
    """The night that summer time ends has its own offset before and after."""
    found = datetime(2025, 10, 25, 23, 30, tzinfo=UTC).timestamp()
    trips = [
        shown(begin=found + 3600 * number, end=found + 3600 * number + 60)
        for number in (1, 2)
    ]
    table = rows(logbook(content(*trips)))
    told = [dict(zip(COLUMNS, row, strict=True)) for row in table[1:3]]
    assert [(one["begin_time"], one["utc_offset"]) for one in told] == [
        ("02:30:00", "UTC+02:00"),
        ("02:30:00", "UTC+01:00"),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("＝1+1", "'＝1+1"),
        ("\t=1", "'\t'=1"),
        # Where the spreadsheet takes the other separator, a new cell begins here.
        ("a;=cmd|' /C calc'!A0", "a;'=cmd|' /C calc'!A0"),
        ("a,@SUM(1)", "a,'@SUM(1)"),
        ("A - B, +49 30", "A - B, +49 30"),
        ("-12.50", "-12.50"),
        ("12=13", "12=13"),
    ],
)
def test_no_text_is_a_formula(text: str, shown: str) -> None:
    """Whatever separator the spreadsheet takes."""
    assert _safe(text) == shown
