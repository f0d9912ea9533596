"""What the tests of automations share."""

from __future__ import annotations

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from tests.automations.house import House
from tests.common import START
from tests.neutral_vendor import Clouds


@pytest.fixture
def house(hass: HomeAssistant, freezer: FrozenDateTimeFactory, clouds: Clouds) -> House:
    """Return a house with a van."""
    freezer.move_to(START)
    return House(hass, freezer, clouds["acme"])
