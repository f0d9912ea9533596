"""Buttons: refresh for every vehicle, and the harmless commands that a vendor offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import FleetConfigEntry
from .entity import FleetDescription, FleetEntity, async_setup_entities, by_capability
from .models import Vehicle

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class FleetButtonDescription(FleetDescription, ButtonEntityDescription):
    """A button. Without a command of its own it sends its key, with the part if any.

    The refresh button takes a fresh look, unless the vendor has a command for that.
    """

    command: str | None = None


REFRESH = FleetButtonDescription(
    key="refresh", entity_category=EntityCategory.DIAGNOSTIC
)


def _refresh_and_capable(
    vehicle: Vehicle, descriptions: Mapping[str, FleetDescription]
) -> Iterable[str]:
    """Yield the refresh button for every vehicle, and the others by capability."""
    yield REFRESH.key
    yield from by_capability(vehicle, descriptions)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FleetConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of an entry."""
    await async_setup_entities(
        entry,
        async_add_entities,
        (REFRESH,),
        entry.runtime_data.vendor.entities.buttons,
        FleetButton,
        _refresh_and_capable,
    )


class FleetButton(FleetEntity, ButtonEntity):
    """A button that sends a command."""

    entity_description: FleetButtonDescription

    @override
    async def async_press(self) -> None:
        """Send the command, or take a fresh look."""
        key, command = self.entity_description.key, self.entity_description.command
        if command is None and key == REFRESH.key:
            await self.coordinator.async_look(self.vehicle_id)
            return
        await self.async_execute(command or key)
