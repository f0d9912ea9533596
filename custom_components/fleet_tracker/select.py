"""Selects: settings of a vehicle with a few choices."""

from __future__ import annotations

from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account.coordinator import FleetConfigEntry
from .entity import FleetEntity, async_setup_entities, by_capability
from .offer.descriptions import FleetSelectDescription

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FleetConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the selects of an entry."""
    await async_setup_entities(
        entry,
        async_add_entities,
        (),
        entry.runtime_data.vendor.entities.selects,
        FleetSelect,
        by_capability,
    )


class FleetSelect(FleetEntity, SelectEntity):
    """A select that shows what the vehicle confirmed."""

    entity_description: FleetSelectDescription

    @property
    @override
    def current_option(self) -> str | None:
        """The choice now, None if it is none of those known."""
        value = self.reading_value
        return value if isinstance(value, str) and value in self.options else None

    @override
    async def async_select_option(self, option: str) -> None:
        """Choose and return when the vehicle confirmed it."""
        try:
            await self.async_execute(
                self.entity_description.command, {"option": option}
            )
        finally:
            self.async_write_ha_state()
