"""Calling actions as automations and users do."""

from __future__ import annotations

from typing import Any

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.fleet_tracker.const import DOMAIN
from tests.common import tracker_of


async def call(
    hass: HomeAssistant,
    action: str,
    *,
    wants_response: bool = True,
    context: Context | None = None,
    **data: Any,
) -> Any:
    """Call an action."""
    return await hass.services.async_call(
        DOMAIN,
        action,
        data,
        blocking=True,
        context=context,
        return_response=wants_response,
    )


async def refused(hass: HomeAssistant, action: str, **data: Any) -> HomeAssistantError:
    """Return the error that an action ends with."""
    with pytest.raises(HomeAssistantError) as caught:
        await call(hass, action, **data)
    return caught.value


def trackers(hass: HomeAssistant, entry: MockConfigEntry, *vehicles: str) -> list[str]:
    """Return the entity ids of vehicles' trackers."""
    return [tracker_of(hass, entry.runtime_data, vehicle) for vehicle in vehicles]
