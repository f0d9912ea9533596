"""What dashboards ask for: the trips of a day, and the way of a trip."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import (
    MockHAClientWebSocket,
    WebSocketGenerator,
)

from custom_components.fleet_tracker.const import DOMAIN
from tests.common import START
from tests.neutral_vendor import Clouds

from .calls import trackers
from .drives import STEP, at, drive, way


async def ask(client: MockHAClientWebSocket, command: str, **fields: Any) -> Any:
    """Return what a command answers, or the code of its error."""
    await client.send_json_auto_id({"type": f"{DOMAIN}/{command}", **fields})
    answer = await client.receive_json()
    return answer["result"] if answer["success"] else answer["error"]["code"]


async def test_trips_and_their_ways(
    hass: HomeAssistant,
    clouds: Clouds,
    port: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Of a day, filed under the day of their begin; the last one may be under way."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    (nine,) = trackers(hass, port, "9")
    client = await hass_ws_client(hass)
    assert (await ask(client, "route", entity_id=nine)) == {
        "entity_id": nine,
        "trip": None,
        "points": [],
        "gaps": [],
    }
    # 23:55 in Berlin: it ends on the next day.
    midnight = START.replace(hour=21, minute=55)
    drive(clouds, freezer, midnight)
    later = midnight + timedelta(hours=1)
    for time, latitude, speed in way(later, 60)[:20]:
        freezer.move_to(time)
        clouds["port"].push(at(time, latitude, speed))
    await hass.async_block_till_done()

    first = await ask(client, "trips", entity_id=nine, date="2025-10-09")
    assert first["date"] == "2025-10-09"
    assert first["time_zone"] == "Europe/Berlin"
    (ended,) = first["trips"]
    assert (ended["begin"][11:19], ended["end"][11:19]) == ("21:55:00", "22:05:00")
    assert not ended["running"]
    assert ended["flags"] == []
    assert first["distance"] == ended["distance"] == pytest.approx(6.56, abs=0.15)

    today = await ask(client, "trips", entity_id=nine)
    assert today["date"] == "2025-10-10"
    (running,) = today["trips"]
    assert running["running"]
    assert running["end"] is None
    assert running["distance"] == pytest.approx(2.1, abs=0.15)

    answer = await ask(client, "route", entity_id=nine)
    assert answer["trip"] == running
    (begin, *_, end) = answer["points"]
    assert end == [
        (later + timedelta(seconds=190)).timestamp(),
        pytest.approx(52 + 79 * STEP),
        4.0,
        40.0,
    ]
    assert begin[1] == pytest.approx(52 + 60 * STEP, abs=STEP)
    answer = await ask(client, "route", entity_id=nine, trip_id=ended["trip_id"])
    assert answer["trip"] == ended
    # A straight road at one speed needs no more than its ends, and where it stood.
    assert 2 <= len(answer["points"]) <= 5
    assert answer["gaps"] == []


async def test_refusals(
    hass: HomeAssistant,
    port: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: MockUser,
) -> None:
    """In words of the protocol, and no word about what a user may not read."""
    (nine,) = trackers(hass, port, "9")
    client = await hass_ws_client(hass)
    for command in ("trips", "route"):
        assert await ask(client, command, entity_id="light.lamp") == "not_found"
        assert await ask(client, command, entity_id="no entity") == "invalid_format"
    assert await ask(client, "route", entity_id=nine, trip_id="1") == "not_found"
    assert await ask(client, "trips", entity_id=nine, date="soon") == "invalid_format"

    hass_admin_user.groups = []
    hass_admin_user.mock_policy({"entities": {"entity_ids": {"light.lamp": True}}})
    for command in ("trips", "route"):
        for entity_id in (nine, "device_tracker.nobody"):
            assert await ask(client, command, entity_id=entity_id) == "unauthorized"
    hass_admin_user.mock_policy({"entities": {"entity_ids": {nine: {"read": True}}}})
    for command in ("trips", "route"):
        assert isinstance(await ask(client, command, entity_id=nine), dict)

    await hass.config_entries.async_unload(port.entry_id)
    assert await ask(client, "trips", entity_id=nine) == "not_loaded"
