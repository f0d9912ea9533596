"""An ignition that tells nothing is told once, by the vehicle's name, until it works."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.model.vehicle import VehicleDetails
from tests.common import START, cloud_entry, set_up
from tests.neutral_vendor import Cloud, Clouds

from .trips.test_account import news


def issue(hass: HomeAssistant) -> ir.IssueEntry | None:
    """Return the repair."""
    issues = ir.async_get(hass).issues
    return next(
        (one for key, one in issues.items() if key[1].startswith("ignition_unusable")),
        None,
    )


class Van:
    """A van that drives to and fro, some hours apart."""

    def __init__(self, cloud: Cloud, freezer: FrozenDateTimeFactory) -> None:
        """Begin at home."""
        self._cloud = cloud
        self._freezer = freezer
        self._latitude = 52.0
        self._way = 0.004

    def drive(self) -> None:
        """Drive for ten minutes."""
        for _ in range(20):
            self._freezer.tick(30)
            self._latitude += self._way
            self._tell(50, ignition=True)
        self._way = -self._way

    def stand(self, *, ignition: bool) -> None:
        """Stand for three hours."""
        for _ in range(36):
            self._freezer.tick(timedelta(minutes=5))
            self._tell(0, ignition=ignition)

    def _tell(self, speed: float, *, ignition: bool) -> None:
        told = news("1", self._latitude, speed, ignition=ignition)
        self._cloud.push(replace(told, details=VehicleDetails(name="Old van")))


async def test_ignition_that_tells_nothing(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """It is shown after two long stands, over a reload, until three clean cycles."""
    freezer.move_to(START)
    cloud, entry = clouds["acme"], cloud_entry()
    cloud.tell(news("1", 52, 0, ignition=True), news("2", 52, 0, ignition=False))
    await set_up(hass, entry)
    van = Van(cloud, freezer)
    for _ in range(2):
        assert issue(hass) is None
        van.drive()
        van.stand(ignition=True)
    found = issue(hass)
    assert found is not None
    assert found.translation_placeholders == {"account": "acme", "vehicles": "Old van"}
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert issue(hass) is not None
    for _ in range(4):
        van.drive()
        van.stand(ignition=False)
    assert issue(hass) is None
    assert (DOMAIN, f"ignition_unusable_{entry.entry_id}") not in ir.async_get(
        hass
    ).issues
