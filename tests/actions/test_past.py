"""The past of vehicles whose vendor does not tell it: what was found, and the recorder."""

from __future__ import annotations

from datetime import datetime, timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.fleet_tracker.const import DOMAIN
from tests.common import START, listener_entry, set_up
from tests.neutral_vendor import Clouds, told

from .calls import call, refused, trackers
from .drives import drive, way


async def test_what_was_found(
    hass: HomeAssistant,
    clouds: Clouds,
    port: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Trips, the stops between them, the route and the distance, without a recorder."""
    (nine,) = trackers(hass, port, "9")
    for number in range(2):
        drive(clouds, freezer, START + timedelta(hours=1 + number), 60 * number)
        await hass.async_block_till_done()
    begin = START.isoformat()
    freezer.move_to(START + timedelta(hours=3))

    trips = (await call(hass, "get_trips", entity_id=nine, begin=begin))[nine]["trips"]
    assert [(one["begin"], one["end"]) for one in trips] == [
        ("2025-10-09T10:00:00+00:00", "2025-10-09T10:10:00+00:00"),
        ("2025-10-09T11:00:00+00:00", "2025-10-09T11:10:00+00:00"),
    ]
    first = trips[0]
    assert first["trip_id"]
    assert (first["source"], first["distance_source"]) == ("derived", "way")
    assert first["distance"] == pytest.approx(6.56, abs=0.15)
    assert first["begin_place"]["latitude"] == pytest.approx(52, abs=0.002)

    stops = (await call(hass, "get_stops", entity_id=nine, begin=begin))[nine]["stops"]
    assert [(one["begin"], one["end"], one["duration"]) for one in stops] == [
        ("2025-10-09T10:10:00+00:00", "2025-10-09T11:00:00+00:00", 3000),
        ("2025-10-09T11:10:00+00:00", None, None),
    ]
    assert stops[0]["latitude"] == pytest.approx(52.059)

    answer = await call(
        hass, "get_route", entity_id=nine, begin="2025-10-09T10:30:00+00:00", limit=5
    )
    points = answer[nine]["points"]
    assert [one["time"][11:19] for one in points] == [
        "11:00:00",
        "11:00:10",
        "11:00:20",
        "11:00:30",
        "11:00:40",
    ]
    assert points[1]["speed"] == 40
    assert answer[nine]["truncated"]

    driven = (await call(hass, "get_distance", entity_id=nine, begin=begin))[nine]
    assert driven["distance"] == pytest.approx(13.1, abs=0.3)
    half = await call(
        hass,
        "get_distance",
        entity_id=nine,
        begin="2025-10-09T10:30:00+00:00",
    )
    assert half[nine]["distance"] == pytest.approx(6.56, abs=0.15)

    error = await refused(hass, "get_stops", entity_id=nine, idling=True)
    assert error.translation_key == "history_not_recorded"


def record(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    time: datetime,
    entity_id: str,
    state: str,
    **attributes: Any,
) -> None:
    """Write a state as it was at a time."""
    freezer.move_to(time)
    hass.states.async_set(entity_id, state, attributes)


async def test_what_was_recorded(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
) -> None:
    """From before trips were kept: found in the recorder's history of the tracker."""
    freezer.move_to(START)
    port = listener_entry("port", "9")
    await set_up(hass, port)
    clouds["port"].push(told("9", START))
    await hass.async_block_till_done()
    (nine,) = trackers(hass, port, "9")
    registry = er.async_get(hass)
    ids = {}
    for platform, reading in (
        ("sensor", "speed"),
        ("sensor", "activity"),
        ("binary_sensor", "ignition"),
        ("event", "alarm"),
    ):
        unique_id = port.runtime_data.devices.unique_id("9", reading)
        ids[reading] = registry.async_get_or_create(
            platform, DOMAIN, unique_id, config_entry=port
        ).entity_id
    day = START - timedelta(days=3)
    record(hass, freezer, day, nine, "not_home", latitude=52.0, longitude=4.0)
    record(hass, freezer, day, ids["ignition"], "off")
    record(hass, freezer, day, ids["activity"], "parked")
    begin = day + timedelta(hours=1)
    for time, latitude, speed in way(begin):
        record(hass, freezer, time, ids["speed"], str(speed))
        record(
            hass,
            freezer,
            time,
            nine,
            "not_home",
            latitude=latitude,
            longitude=4.0,
            gps_accuracy=5,
        )
        record(hass, freezer, time, ids["ignition"], "on" if speed else "off")
    for minutes, state in ((2, "driving"), (4, "idling"), (5, "driving")):
        time = begin + timedelta(minutes=minutes)
        record(hass, freezer, time, ids["activity"], state)
    for minutes, code in ((3, "7"), (8, "8")):
        time = begin + timedelta(minutes=minutes)
        happened = (time - timedelta(seconds=5)).isoformat()
        for _ in range(2):
            # A restart writes it again.
            record(hass, freezer, time, ids["alarm"], "unavailable")
            record(
                hass,
                freezer,
                time,
                ids["alarm"],
                time.isoformat(timespec="milliseconds"),
                event_type="sos",
                event_types=["sos"],
                occurred_at=happened,
                code=code,
                speed=40,
                friendly_name="Van Alarm",
            )
    freezer.move_to(START)
    await async_wait_recording_done(hass)
    span: dict[str, Any] = {
        "begin": day.isoformat(),
        "end": (day + timedelta(hours=5)).isoformat(),
    }

    answer = await call(hass, "get_trips", entity_id=nine, **span)
    (trip,) = answer[nine]["trips"]
    assert (trip["begin"][:19], trip["end"][:19]) == (
        "2025-10-06T10:00:00",
        "2025-10-06T10:10:00",
    )
    assert trip["source"] == "recorder"
    answer = await call(
        hass,
        "export_trips",
        entity_id=nine,
        format="geojson",
        trip_id=trip["trip_id"],
    )
    (feature,) = json.loads(answer[nine]["content"])["features"]
    assert feature["properties"]["distance_km"] == trip["distance"]
    assert len(feature["geometry"]["coordinates"]) >= 2
    for wrong in ("recorded-", "recorded-99", "recorded-x", f"recorded-{'9' * 20}"):
        error = await refused(
            hass, "export_trips", entity_id=nine, format="csv", trip_id=wrong
        )
        assert error.translation_key == "unknown_trip"
    assert trip["distance"] == pytest.approx(6.56, abs=0.15)
    driven = await call(hass, "get_distance", entity_id=nine, **span)
    assert driven[nine]["distance"] == trip["distance"]

    answer = await call(hass, "get_route", entity_id=nine, **span)
    points = answer[nine]["points"]
    assert len(points) == 61
    assert points[30]["latitude"] == pytest.approx(52.029)
    assert (points[30]["speed"], points[30]["ignition"]) == (40, True)
    limited = await call(hass, "get_route", entity_id=nine, limit=10, **span)
    assert limited[nine] == {"points": points[:10], "truncated": True}

    answer = await call(hass, "get_stops", entity_id=nine, idling=True, **span)
    (stop,) = answer[nine]["stops"]
    assert (stop["begin"][11:19], stop["duration"]) == ("10:04:00", 60)
    assert stop["latitude"] == pytest.approx(52.024)

    alarms = (await call(hass, "get_alarms", entity_id=nine, **span))[nine]["alarms"]
    assert alarms[0] == {
        "time": "2025-10-06T10:02:55+00:00",
        "type": "sos",
        "code": "7",
        "name": None,
        "routine": False,
        "speed": 40,
    }
    assert [one["code"] for one in alarms] == ["7", "8"]
