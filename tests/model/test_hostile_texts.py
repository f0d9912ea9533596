"""Texts that would break Home Assistant, on every way into it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.json import json_dumps
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.common import START, cloud_entry, set_up, set_up_component, state_of
from tests.neutral_vendor import Cloud, Clouds, alarm, told

HOSTILE = {
    "half a pair": "\ud83d",
    "control characters": "\x00\x1b[31m\u2028",
    "too long": "x" * 100_000,
    "all at once": "\udfff\x00" * 100_000,
}


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account."""
    freezer.move_to(START)
    return clouds["acme"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_home_assistant_stands(
    text: str,
    hass: HomeAssistant,
    cloud: Cloud,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """States are told, what is known is kept, and the account can be unloaded."""
    await set_up_component(hass, "api")
    entry = cloud_entry()
    cloud.tell(told("1", START, name=f"Van {text}", address=f"Street {text}"))
    await set_up(hass, entry)
    cloud.push(
        told(
            "1",
            START,
            occurrences=(
                replace(
                    alarm(START, code=text), details={"place": text, text: "value"}
                ),
            ),
        )
    )
    cloud.push(told(text, START, name="Nobody"))
    await hass.async_block_till_done(wait_background_tasks=True)

    client = await hass_client()
    response = await client.get("/api/states")
    assert response.status == 200
    assert "Van" in await response.text()
    assert state_of(hass, "event", "alarm").attributes["event_type"] == "sos"
    assert all(len(state.state) <= 255 for state in hass.states.async_all())
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
        assert device.json_repr is not None
    for entity in er.async_get(hass).entities.values():
        assert entity.partial_json_repr is not None
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    json_dumps(hass_storage)
    assert "surrogates" not in caplog.text
    failed = {one.name for one in caplog.records if one.levelname == "ERROR"}
    # In a frozen time aiohttp cannot write its access log, and a machine may lack a library.
    assert failed <= {"aiohttp.access", "homeassistant.components.camera.img_util"}
