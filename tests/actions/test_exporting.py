"""Files of trips: who gets them and how, what is in them, and what users say of trips."""

from __future__ import annotations

import csv
from datetime import timedelta
import io
import json
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import Unauthorized
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.fleet_tracker.actions.exports import export
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import VehicleUnavailable
from custom_components.fleet_tracker.contract.history import RoutePoint, Trip
from tests.common import START, elapse, set_up_component
from tests.neutral_vendor import Cloud, Clouds, Past

from .calls import call, refused, trackers
from .drives import drive
from .exports.gpx_rules import broken_rules, parsed

SPAN: dict[str, Any] = {"begin": START.isoformat()}
PRIVATE: dict[str, Any] = {"class": "private"}
NO_CLASS: dict[str, Any] = {"class": "none"}


@pytest.fixture
async def nine(
    hass: HomeAssistant,
    clouds: Clouds,
    port: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> str:
    """Return the tracker of a vehicle that made two trips, the first from home."""
    await hass.config.async_update(
        latitude=52.0, longitude=4.0, radius=100, location_name="Home"
    )
    await set_up_component(hass, "zone")
    for number in range(2):
        drive(clouds, freezer, START + timedelta(hours=1 + number), 60 * number)
        await hass.async_block_till_done()
    freezer.move_to(START + timedelta(hours=3))
    await elapse(hass, freezer, 60)
    (nine,) = trackers(hass, port, "9")
    return nine


async def trip_ids(hass: HomeAssistant, entity_id: str) -> list[str]:
    """Return the ids of the vehicle's trips."""
    answer = await call(hass, "get_trips", entity_id=entity_id, **SPAN)
    return [one["trip_id"] for one in answer[entity_id]["trips"]]


def table(text: str) -> list[dict[str, str]]:
    """Return the trips of a CSV file."""
    lines = text.removeprefix("\ufeff").split("\r\n\r\n")[0]
    return list(csv.DictReader(io.StringIO(lines, newline="")))


async def test_formats(hass: HomeAssistant, nine: str) -> None:
    """The same trips in each; the name of the file has neither a name nor a plate."""
    answers = {}
    for kind in ("gpx", "kml", "geojson", "csv"):
        answer = await call(hass, "export_trips", entity_id=nine, format=kind, **SPAN)
        answers[kind] = answer[nine]
        assert answer[nine]["file_name"] == f"trips-2025-10-09.{kind}"
        assert answer[nine]["trips"] == 2
    gpx = answers["gpx"]["content"]
    assert answers["gpx"]["mime_type"] == "application/gpx+xml"
    assert broken_rules(gpx) == []
    assert gpx.count("<trk>") == 2
    assert gpx.count("<trkpt") >= 4
    assert answers["kml"]["content"].count("<when>") >= 4
    features = json.loads(answers["geojson"]["content"])["features"]
    assert [one["geometry"]["type"] for one in features] == ["LineString"] * 2
    first, second = table(answers["csv"]["content"])
    assert (first["begin_place"], first["end_place"]) == ("Home", "")
    assert first["begin_time"] == "03:00:00"
    assert second["no"] == "2"


async def test_one_trip_and_trim(hass: HomeAssistant, nine: str) -> None:
    """What lies near home is left out, with its times; far from home nothing is."""
    first, second = await trip_ids(hass, nine)
    answers = {}
    for trip_id in (first, second):
        for trim in (0, 2000):
            answer = await call(
                hass,
                "export_trips",
                entity_id=nine,
                format="geojson",
                trip_id=trip_id,
                trim=trim,
            )
            (feature,) = json.loads(answer[nine]["content"])["features"]
            answers[trip_id, trim] = feature
    assert answers[second, 0] == answers[second, 2000]
    whole, trimmed = answers[first, 0], answers[first, 2000]
    assert whole["geometry"]["coordinates"][0] == [4, pytest.approx(52, abs=0.002)]
    assert whole["properties"]["begin"] < trimmed["properties"]["begin"]
    nearest = min(
        (latitude - 52) * 111_195 for _, latitude in trimmed["geometry"]["coordinates"]
    )
    assert 100 + 0.7 * 2000 <= nearest <= 100 + 1.3 * 2000 + 112


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"format": "pdf"}, "invalid_fields"),
        ({}, "invalid_fields"),
        ({"format": "gpx", "trim": 2001}, "invalid_fields"),
        ({"format": "csv", "separator": "|"}, "invalid_fields"),
        ({"format": "csv", "trim": 1}, "trim_without_way"),
        ({"format": "gpx", "trip_id": "1"}, "unknown_trip"),
        ({"format": "gpx", "trip_id": "1", **SPAN}, "trip_or_period"),
        ({"format": "gpx", "file": "/nowhere/at/all.gpx"}, "file_not_allowed"),
        ({"format": "gpx", "file": "trips.gpx"}, "file_not_allowed"),
    ],
)
async def test_fields_that_are_wrong(
    hass: HomeAssistant, port: MockConfigEntry, fields: dict[str, Any], key: str
) -> None:
    """Each is refused in words."""
    (nine,) = trackers(hass, port, "9")
    error = await refused(hass, "export_trips", entity_id=nine, **fields)
    assert error.translation_key == key


async def test_too_many_trips(
    hass: HomeAssistant, nine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that lacks some would be no logbook: it is refused."""
    monkeypatch.setattr(export, "MOST_ROWS", 1)
    error = await refused(hass, "export_trips", entity_id=nine, format="csv", **SPAN)
    assert error.translation_key == "too_many_trips"


async def test_file_on_disk(
    hass: HomeAssistant, acme: MockConfigEntry, nine: str, tmp_path: Path
) -> None:
    """An administrator or an automation may name one, of one vehicle, where it is allowed."""
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    for folder in (allowed, other):
        folder.mkdir()
    hass.config.allowlist_external_dirs = {str(allowed)}
    file = allowed / "trips.gpx"
    fields: dict[str, Any] = {"format": "gpx", "file": str(file), **SPAN}
    answer = await call(hass, "export_trips", entity_id=nine, **fields)
    assert answer == {nine: {"file": str(file), "trips": 2}}
    assert broken_rules(file.read_text(encoding="utf-8")) == []
    await call(
        hass,
        "export_trips",
        wants_response=False,
        entity_id=nine,
        **{**fields, "format": "csv"},
    )
    assert file.read_bytes().startswith(b"\xef\xbb\xbfno,")
    assert b"\r\n" in file.read_bytes()

    for wrong in (other / "trips.gpx", allowed / ".." / "other" / "x", allowed):
        error = await refused(
            hass, "export_trips", entity_id=nine, **{**fields, "file": str(wrong)}
        )
        assert error.translation_key == "file_not_allowed"
    assert list(other.iterdir()) == []
    (one,) = trackers(hass, acme, "1")
    error = await refused(hass, "export_trips", entity_id=[nine, one], **fields)
    assert error.translation_key == "file_of_one_vehicle"

    reader = MockUser(groups=[]).add_to_hass(hass)
    reader.mock_policy({"entities": {"entity_ids": {nine: {"read": True}}}})
    context = Context(user_id=reader.id)
    with pytest.raises(Unauthorized):
        await call(hass, "export_trips", entity_id=nine, context=context, **fields)
    del fields["file"]
    assert await call(hass, "export_trips", entity_id=nine, context=context, **fields)


async def test_no_answer_and_no_file(hass: HomeAssistant, nine: str) -> None:
    """A file that nobody gets is not made."""
    error = await refused(
        hass, "export_trips", wants_response=False, entity_id=nine, format="gpx"
    )
    assert error.translation_key == "export_without_file"


async def test_marks(
    hass: HomeAssistant, nine: str, freezer: FrozenDateTimeFactory
) -> None:
    """What users say of trips is told with them, and who said it; late ones say so."""
    first, second = await trip_ids(hass, nine)
    ann = MockUser(name="Ann").add_to_hass(hass)
    ann.mock_policy({"entities": True})
    context = Context(user_id=ann.id)
    fields: dict[str, Any] = {
        "class": "business",
        "purpose": "Delivery\x00",
        "driver": "Ann",
    }
    answer = await call(
        hass,
        "mark_trip",
        entity_id=nine,
        trip_id=first,
        context=context,
        **fields,
    )
    assert answer[nine]["class"] == "business"
    assert answer[nine]["purpose"] == "Delivery"
    await call(hass, "mark_trip", entity_id=nine, trip_id=first, purpose="")
    freezer.tick(timedelta(days=8))
    late = await call(
        hass,
        "mark_trip",
        entity_id=nine,
        trip_id=int(second),
        **PRIVATE,
    )
    assert late[nine]["late"]
    await call(
        hass,
        "set_dashboard_reading",
        entity_id=nine,
        kilometers=52_498.5,
        at=(START + timedelta(hours=2)).isoformat(),
        context=context,
    )
    trips = (await call(hass, "get_trips", entity_id=nine, **SPAN))[nine]["trips"]
    assert [one.get("class") for one in trips] == ["business", "private"]
    assert "purpose" not in trips[0]
    answer = await call(hass, "export_trips", entity_id=nine, format="csv", **SPAN)
    text = answer[nine]["content"]
    row, other = table(text)
    assert (row["class"], row["driver"], row["changes"]) == ("business", "Ann", "2")
    assert other["flags"].endswith("late")
    assert "reading,2025-10-09T04:00:00-07:00,52498.50," in text
    answer = await call(
        hass,
        "export_trips",
        entity_id=nine,
        format="gpx",
        private_kilometers_only=True,
        **SPAN,
    )
    assert len(parsed(answer[nine]["content"]).findall("{*}trk")) == 1

    await call(hass, "mark_trip", entity_id=nine, trip_id=second, **NO_CLASS)
    trips = (await call(hass, "get_trips", entity_id=nine, **SPAN))[nine]["trips"]
    assert "class" not in trips[1]


async def test_marks_that_cannot_be(
    hass: HomeAssistant, acme: MockConfigEntry, nine: str
) -> None:
    """All vehicles are looked at before the first trip is marked."""
    (first, _) = await trip_ids(hass, nine)
    (one,) = trackers(hass, acme, "1")
    for fields, key in (
        ({"trip_id": first}, "nothing_to_mark"),
        ({"trip_id": first, "class": "holiday"}, "invalid_fields"),
        ({"trip_id": "1", "purpose": "x"}, "unknown_trip"),
        ({"purpose": "x"}, "invalid_fields"),
    ):
        error = await refused(hass, "mark_trip", entity_id=nine, **fields)
        assert error.translation_key == key
    error = await refused(
        hass, "mark_trip", entity_id=[nine, one], trip_id=first, purpose="x"
    )
    assert error.translation_key == "unknown_trip"
    trips = (await call(hass, "get_trips", entity_id=nine, **SPAN))[nine]["trips"]
    assert "purpose" not in trips[0]
    later = (START + timedelta(days=9)).isoformat()
    for reading, key in (
        ({"kilometers": -1}, "invalid_fields"),
        ({}, "invalid_fields"),
        ({"kilometers": 5, "at": later}, "reading_of_the_future"),
        ({"kilometers": 5, "at": "2022-09-30T00:00:00"}, "reading_too_old"),
    ):
        error = await refused(hass, "set_dashboard_reading", entity_id=nine, **reading)
        assert error.translation_key == key


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("mark_trip", {"trip_id": "1", "purpose": "x"}),
    ("set_dashboard_reading", {"kilometers": 1}),
]


@pytest.mark.parametrize(("action", "fields"), CHANGES)
async def test_marking_wants_control(
    hass: HomeAssistant, port: MockConfigEntry, action: str, fields: dict[str, Any]
) -> None:
    """Who may only read a tracker may not write into its logbook."""
    (nine,) = trackers(hass, port, "9")
    caller = MockUser(groups=[]).add_to_hass(hass)
    caller.mock_policy({"entities": {"entity_ids": {nine: {"read": True}}}})
    with pytest.raises(Unauthorized) as caught:
        await call(
            hass, action, entity_id=nine, context=Context(user_id=caller.id), **fields
        )
    assert (caught.value.entity_id, caught.value.permission) == (nine, "control")


async def test_download(
    hass: HomeAssistant, nine: str, hass_ws_client: WebSocketGenerator
) -> None:
    """A dashboard gets the same file for a day, a time or a trip."""
    first, _ = await trip_ids(hass, nine)
    client = await hass_ws_client(hass)

    async def ask(**fields: Any) -> Any:
        await client.send_json_auto_id(
            {"type": f"{DOMAIN}/export", "entity_id": nine, **fields}
        )
        answer = await client.receive_json()
        return answer["result"] if answer["success"] else answer["error"]["code"]

    answer = await call(hass, "export_trips", entity_id=nine, format="gpx", **SPAN)
    assert await ask(format="gpx", date="2025-10-09") == answer[nine]
    assert await ask(format="gpx") == answer[nine]
    assert await ask(format="gpx", **SPAN) == answer[nine]
    assert (await ask(format="csv", trip_id=first))["trips"] == 1
    assert (await ask(format="csv", date="2025-10-08"))["trips"] == 0
    assert await ask(format="pdf") == "invalid_format"
    assert await ask(format="gpx", trip_id="1") == "not_found"
    assert await ask(format="csv", trim=10) == "failed"


async def test_what_is_not_known_is_asked_from_the_vendor(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry
) -> None:
    """Trips from before they were kept, with their ways; a vendor that fails costs those."""
    begin = START - timedelta(days=3)
    cloud.past["1"] = Past(
        trips=[Trip(begin=begin, end=begin + timedelta(minutes=30), distance=12.3)],
        route=[
            RoutePoint(
                time=begin + timedelta(minutes=10 * number),
                latitude=52.1 + 0.01 * number,
                longitude=4.2 + 0.01 * (number % 2),
                speed=36,
            )
            for number in range(4)
        ],
    )
    (one,) = trackers(hass, acme, "1")
    wanted: dict[str, Any] = {
        "entity_id": one,
        "begin": begin.isoformat(),
        "end": START.isoformat(),
    }
    gpx = (await call(hass, "export_trips", format="gpx", **wanted))[one]
    assert gpx["trips"] == 1
    assert broken_rules(gpx["content"]) == []
    assert gpx["content"].count("<trkpt") == 4
    assert gpx["content"].count("<gpxtpx:speed>10.00<") == 4
    book = (await call(hass, "export_trips", format="csv", **wanted))[one]
    (row,) = table(book["content"])
    assert (row["distance_km"], row["distance_source"]) == ("12.30", "vendor")
    cloud.past_errors["1"] = VehicleUnavailable("Refused")
    gpx = (await call(hass, "export_trips", format="gpx", **wanted))[one]
    assert gpx["trips"] == 1
    assert "<trkpt" not in gpx["content"]
    # What is kept is not asked for.
    asked = len(cloud.queries)
    since: dict[str, Any] = {
        "begin": START.isoformat(),
        "end": (START + timedelta(hours=1)).isoformat(),
    }
    await call(hass, "export_trips", entity_id=one, format="csv", **since)
    assert len(cloud.queries) == asked
