"""Calendars of drives: of an account, and of each vehicle."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.fleet_tracker.const import CONF_KEEP_TRIPS
from custom_components.fleet_tracker.contract.errors import VehicleUnavailable
from custom_components.fleet_tracker.contract.history import Place, Trip
from custom_components.fleet_tracker.model.vehicle import VehicleDetails
from tests.account.trips.test_account import drive, news
from tests.common import START, cloud_entry, entity_id, set_up, state_of
from tests.neutral_vendor import Cloud, Clouds, Past

DAY = timedelta(days=1)
HOME, DEPOT = (52.0, 5.0), (52.02, 5.0)


@pytest.fixture
def cloud(hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return a cloud with two vans, between two zones."""
    freezer.move_to(START)
    for name, (latitude, longitude) in (("Home", HOME), ("Depot", DEPOT)):
        hass.states.async_set(
            f"zone.{name.lower()}",
            "0",
            {
                "latitude": latitude,
                "longitude": longitude,
                "radius": 100,
                "passive": False,
                "friendly_name": name,
            },
        )
    cloud = clouds["acme"]
    cloud.tell(
        *(
            replace(
                news(one, 52, 0, ignition=False),
                details=VehicleDetails(name=f"Van {one}"),
            )
            for one in "12"
        )
    )
    return cloud


async def events(
    hass: HomeAssistant, calendar: str | None, begin: datetime, end: datetime
) -> list[dict[str, Any]]:
    """Return what a calendar tells of a time, as users ask for it."""
    assert calendar is not None
    answer: Any = await hass.services.async_call(
        "calendar",
        "get_events",
        {"entity_id": calendar, "start_date_time": begin, "end_date_time": end},
        blocking=True,
        return_response=True,
    )
    found: list[dict[str, Any]] = answer[calendar]["events"]
    return found


def account_calendar(hass: HomeAssistant) -> str:
    """Return the calendar of the account."""
    (found,) = (
        one.entity_id
        for one in er.async_get(hass).entities.values()
        if one.domain == "calendar" and one.translation_key == "account_trips"
    )
    return found


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_drives_are_events(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    """With the name in the account's calendar, with those of zones, and once each."""
    await set_up(hass, cloud_entry())
    await drive(hass, cloud, freezer, "1")
    of_all = await events(hass, account_calendar(hass), START - DAY, START + DAY)
    (found,) = of_all
    assert found["summary"] == "Van 1: Home → Depot, 2.2 km"
    assert dt_util.parse_datetime(found["start"]) == START
    assert hass.states.get(account_calendar(hass)).name == "acme trips"  # type: ignore[union-attr]
    (own,) = await events(
        hass, entity_id(hass, "calendar", "trips"), START - DAY, START + DAY
    )
    assert own == {**found, "summary": "Home → Depot, 2.2 km"}
    trip = state_of(hass, "event", "trip").attributes
    assert trip["event_type"] == "trip_ended"
    assert (trip["begin_place"], trip["end_place"]) == ("Home", "Depot")
    assert "latitude" not in str(trip)
    # As the calendar panel asks.
    client = await hass_client()
    answer = await client.get(
        f"/api/calendars/{account_calendar(hass)}",
        params={
            "start": (START - DAY).isoformat(),
            "end": (START + DAY).isoformat(),
        },
    )
    (in_panel,) = await answer.json()
    assert in_panel["uid"] == trip["trip_id"]
    other = entity_id(hass, "calendar", "trips", "2")
    assert await events(hass, other, START - DAY, START + DAY) == []


async def test_drive_over_midnight_is_one_event_of_its_first_day(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Whoever asks day by day is told of it once."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    midnight = dt_util.start_of_local_day(START.date()) + DAY
    freezer.move_to(midnight - timedelta(minutes=2))
    await set_up(hass, cloud_entry())
    await drive(hass, cloud, freezer, "1")
    calendar = account_calendar(hass)
    (found,) = await events(hass, calendar, midnight - DAY, midnight)
    end = dt_util.parse_datetime(found["end"])
    assert end is not None
    assert end > midnight
    assert await events(hass, calendar, midnight, midnight + DAY) == []


async def test_state_is_written_when_a_drive_begins_and_ends(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """It is on while one is under way, and tells nothing of one that ended."""
    await set_up(hass, cloud_entry())
    calendar = account_calendar(hass)
    written = async_capture_events(hass, "state_changed")
    for _ in range(2):
        await drive(hass, cloud, freezer, "1")
        freezer.tick(600)
        cloud.push(news("1", 52, 0, ignition=False))
    states = [
        event.data["new_state"]
        for event in written
        if event.data["entity_id"] == calendar
    ]
    assert [one.state for one in states[:2]] == ["on", "off"]
    assert states[0].attributes["message"] == "Van 1: Home → …"
    assert "message" not in states[1].attributes


async def test_what_was_before_is_asked_from_the_vendor_once(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """A month at a time for all vehicles; a trip that is kept too is told once."""
    before = START - timedelta(hours=8)

    def made(begin: datetime) -> Trip:
        return Trip(
            begin=begin,
            end=begin + timedelta(minutes=30),
            distance=12.34,
            begin_place=Place(latitude=52.02, longitude=5),
            end_place=Place(latitude=53, longitude=5),
        )

    cloud.past["1"] = Past(trips=[made(before - 3 * DAY), made(before)])
    cloud.past_errors["2"] = VehicleUnavailable("Refused")
    await set_up(hass, cloud_entry())
    await drive(hass, cloud, freezer, "1")
    calendar = account_calendar(hass)
    queries = len(cloud.queries)
    for _ in range(3):
        found = await events(hass, calendar, START - DAY, START + DAY)
        assert [one["summary"] for one in found] == [
            "Van 1: Depot → …, 12.3 km",
            "Van 1: Home → Depot, 2.2 km",
        ]
    month = await events(hass, calendar, START - 5 * DAY, START + 5 * DAY)
    assert len(month) == 3
    assert len(cloud.queries) == queries + 1
    assert list(cloud.queries[-1].vehicle_ids) == ["1", "2"]
    # Later there is nothing to ask for.
    await events(hass, calendar, START + DAY, START + 30 * DAY)
    assert len(cloud.queries) == queries + 1
    # All of the past is not asked for: there is no end of it.
    found = await events(
        hass,
        calendar,
        datetime(1, 1, 2, tzinfo=UTC),
        datetime(9999, 12, 30, tzinfo=UTC),
    )
    assert len(found) == 3
    assert queries + 2 <= len(cloud.queries) <= queries + 12


async def test_what_is_remembered_is_shown_though_nothing_is_kept(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """With keeping off there are still the last drives, and how far one has come."""
    await set_up(hass, cloud_entry(options={CONF_KEEP_TRIPS: False}))
    await drive(hass, cloud, freezer, "1")
    freezer.tick(600)
    for step in range(10, 0, -1):
        freezer.tick(30)
        cloud.push(news("1", 52 + step * 0.002, 27, ignition=True))
    found = await events(hass, account_calendar(hass), START - DAY, START + DAY)
    assert [one["summary"] for one in found] == [
        "Van 1: Home → Depot, 2.2 km",
        "Van 1: Depot → …, 2.0 km",
    ]
