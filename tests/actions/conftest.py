"""Accounts whose vehicles actions are called on."""

from __future__ import annotations

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.common import START, cloud_entry, listener_entry, set_up
from tests.neutral_vendor import Cloud, Clouds, told


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account, with two vehicles."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.tell(told("1", START, name="One"), told("2", START, name="Two"))
    return cloud


@pytest.fixture
async def acme(hass: HomeAssistant, cloud: Cloud) -> MockConfigEntry:
    """Return the account of two vehicles, set up."""
    entry = cloud_entry()
    await set_up(hass, entry)
    return entry


@pytest.fixture
async def port(
    hass: HomeAssistant, clouds: Clouds, acme: MockConfigEntry
) -> MockConfigEntry:
    """Return an account of a vendor that offers less, with a vehicle."""
    entry = listener_entry("port", "9")
    await set_up(hass, entry)
    clouds["port"].push(told("9", START))
    await hass.async_block_till_done()
    return entry
