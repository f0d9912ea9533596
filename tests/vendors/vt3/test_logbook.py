"""What the logbook tells of trackers."""

from __future__ import annotations

from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from .conftest import SERIAL
from .home import START, Home


async def messages(
    home: Home, hass_ws_client: WebSocketGenerator, **target: list[str]
) -> list[tuple[str, str]]:
    """Return what the logbook writes, by whom and what."""
    await async_wait_recording_done(home.hass)
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {"type": "logbook/get_events", "start_time": START.isoformat(), **target}
    )
    answer: dict[str, Any] = await client.receive_json()
    assert answer["success"]
    return [
        (entry["name"], entry["message"])
        for entry in answer["result"]
        if "message" in entry
    ]


async def test_raised_and_cleared(
    recorder_mock: Recorder, home: Home, hass_ws_client: WebSocketGenerator
) -> None:
    """Each says in words what happened, a trouble code which one it is."""
    home.hass.config.components.add("frontend")  # whose pages no test needs
    assert await async_setup_component(home.hass, "logbook", {})
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    await tracker.raise_trouble_code("P070F", "Transmission Fluid Level Too Low")
    await home.elapse(90)
    await tracker.clear_trouble_code("P070F")
    await home.elapse(10)
    await tracker.raise_j1939(173, 3)
    await home.elapse(10)
    await tracker.raise_event("COLLISION", level=4)
    await home.elapse(10)
    await tracker.raise_event("SOMETHING_NEW")
    await home.settle()
    await home.elapse(10)
    codes = [
        ("Van 01 Trouble code", "Raised: P070F, Transmission Fluid Level Too Low"),
        ("Van 01 Trouble code", "Cleared: P070F"),
        ("Van 01 Trouble code", "Raised: SPN 173 FMI 3"),
    ]
    alarms = [
        ("Van 01 Alarm", "Collision"),
        ("Van 01 Alarm", "Other: SOMETHING_NEW"),
    ]
    device = home.device(SERIAL)
    assert device is not None
    found = await messages(home, hass_ws_client, device_ids=[device.id])
    assert found == codes + alarms
    entity_id = home.entity_id("event", "trouble_code", SERIAL)
    assert await messages(home, hass_ws_client, entity_ids=[entity_id]) == codes
