"""What the logbook tells of mopeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from .rig import PARKED, START, Clients, Door, Rig, open_door

pytestmark = pytest.mark.freeze_time(START)


@pytest.fixture
async def logging_door(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    rig: Rig,
    hass_client_no_auth: Clients,
) -> AsyncIterator[Door]:
    """Return Segway at the door, with the logbook and the event of faults."""
    hass.config.components.add("frontend")  # whose pages no test needs
    for component in ("logbook", "websocket_api"):
        assert await async_setup_component(hass, component, {})
    await rig.enable("event", PARKED, "fault")
    async with open_door(rig, hass_client_no_auth) as door:
        yield door


async def test_raised_and_cleared(
    logging_door: Door, hass_ws_client: WebSocketGenerator
) -> None:
    """An end says what has ended, a fault what it is."""
    door, rig = logging_door, logging_door.rig
    for cleared in (False, True):
        await rig.advance(10)
        await door.alert(PARKED, 1, cleared=cleared)
        await rig.advance(10)
        await door.fault(PARKED, "47", cleared=cleared)
    await rig.advance(10)
    await async_wait_recording_done(rig.hass)
    client = await hass_ws_client()
    entities = [rig.entity_id("event", PARKED, kind) for kind in ("alarm", "fault")]
    await client.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": START.isoformat(),
            "entity_ids": entities,
        }
    )
    answer: dict[str, Any] = await client.receive_json()
    assert answer["success"]
    found = answer["result"]
    expected = [
        ("Parked Alarm", "Illegal movement"),
        ("Parked Fault", "Trouble code: 47, Battery compartment is unlocked"),
        ("Parked Alarm", "Cleared: Illegal movement"),
        ("Parked Fault", "Cleared: 47, Battery compartment is unlocked"),
    ]
    if any("attributes" in one for one in found):
        # Home Assistant writes the type itself, so that we do not write it again.
        del expected[0]
    assert [
        (one["name"], one["message"]) for one in found if "message" in one
    ] == expected
