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


async def entries(
    home: Home, hass_ws_client: WebSocketGenerator, **target: list[str]
) -> list[dict[str, Any]]:
    """Return what the logbook holds of devices or entities."""
    await async_wait_recording_done(home.hass)
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {"type": "logbook/get_events", "start_time": START.isoformat(), **target}
    )
    answer: dict[str, Any] = await client.receive_json()
    assert answer["success"]
    found: list[dict[str, Any]] = answer["result"]
    return found


def messages(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the lines of the integration: the name and the message of each."""
    return [(one["name"], one["message"]) for one in found if "message" in one]


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
    alarm = home.entity_id("event", "alarm", SERIAL)
    trouble_code = home.entity_id("event", "trouble_code", SERIAL)
    # So asks the page of the device.
    found = await entries(
        home,
        hass_ws_client,
        device_ids=[device.id],
        entity_ids=[alarm, trouble_code],
    )
    types = [one["attributes"]["event_type"] for one in found if "attributes" in one]
    if types:
        # Home Assistant writes the type itself, so that we do not write it again.
        assert types.count("collision") == 1
        del alarms[0]
    assert messages(found) == codes + alarms
    found = await entries(home, hass_ws_client, entity_ids=[trouble_code])
    assert messages(found) == codes
