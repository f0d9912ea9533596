"""Buttons: refresh for every vehicle, and the commands that a vendor offers.

What can stop a vehicle has the category CONFIG, which areas and voice do not reach, and is
offered only where the user allowed it. What undoes it is always there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.const import EntityCategory

from .entity import FleetEntity, by_capability, entities_of
from .model.service import SERVICE_READINGS
from .model.vehicle import Vehicle
from .offer.descriptions import (
    REFRESH_BUTTON,
    SERVICE_DONE_BUTTON,
    FleetButtonDescription,
    FleetDescription,
)

PARALLEL_UPDATES = 0


REFRESH = FleetButtonDescription(
    key=REFRESH_BUTTON, entity_category=EntityCategory.DIAGNOSTIC
)


SERVICE_DONE = FleetButtonDescription(
    key=SERVICE_DONE_BUTTON,
    entity_category=EntityCategory.CONFIG,
    entity_registry_enabled_default=False,
    always_available=True,
)


def _refresh_and_capable(
    vehicle: Vehicle, descriptions: Mapping[str, FleetDescription]
) -> Iterable[str]:
    """Yield the refresh button for every vehicle, and the others by capability."""
    yield REFRESH.key
    if not vehicle.shown_readings.isdisjoint(SERVICE_READINGS):
        yield SERVICE_DONE.key
    yield from by_capability(vehicle, descriptions)


class FleetButton(FleetEntity, ButtonEntity):
    """A button that sends a command."""

    entity_description: FleetButtonDescription

    @override
    async def async_press(self) -> None:
        """Send the command, or take a fresh look."""
        if self.entity_description.key == SERVICE_DONE.key:
            await self.coordinator.async_service_done(self.vehicle_id)
            return
        key, command = self.entity_description.key, self.entity_description.command
        if command is None and key == REFRESH.key:
            await self.coordinator.async_look(self.vehicle_id)
            return
        await self.async_execute(command or key)


async_setup_entry = entities_of(
    FleetButton,
    (REFRESH, SERVICE_DONE),
    lambda offered: offered.buttons,
    _refresh_and_capable,
)
