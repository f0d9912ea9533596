"""Readings that time alone changes are looked at in time, whatever is done to our clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.fleet_tracker.account.expiries import Expiries

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


async def test_due_vehicles_are_looked_at_again(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """By a clock that was set back its time might not come for years."""
    freezer.move_to(NOW)
    expired: list[str] = []
    expiries = Expiries(hass, expired.extend)
    expiries.add("1", NOW + 3 * SECOND)
    expiries.add("2", NOW + 2 * HOUR)
    freezer.move_to(NOW - 10_000 * HOUR)
    async_fire_time_changed(hass, NOW + 4 * SECOND)
    assert sorted(expired) == ["1", "2"]
    expiries.add("2", NOW - 10_000 * HOUR + SECOND)
    freezer.tick(2 * SECOND)
    async_fire_time_changed(hass, NOW + 8 * SECOND)
    assert expired[2:] == ["2"]
    expiries.cancel()
