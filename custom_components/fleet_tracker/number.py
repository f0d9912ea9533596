"""Numbers: settings of a tracker with a range."""

from __future__ import annotations

from typing import override

from homeassistant.components.number import NumberEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account.coordinator import FleetConfigEntry
from .entity import FleetEntity, async_setup_entities, by_capability
from .offer.descriptions import FleetNumberDescription

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FleetConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the numbers of an entry."""
    await async_setup_entities(
        entry,
        async_add_entities,
        (),
        entry.runtime_data.vendor.entities.numbers,
        FleetNumber,
        by_capability,
    )


class FleetNumber(FleetEntity, NumberEntity):
    """A number that shows what the vehicle confirmed."""

    entity_description: FleetNumberDescription

    @property
    @override
    def native_value(self) -> float | None:
        """The reading, None before anything said so."""
        value = self.reading_value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)

    @property
    @override
    def assumed_state(self) -> bool:
        """Whether nothing reads it back."""
        return self.entity_description.assumed_state

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Set it and return when the vehicle confirmed it."""
        try:
            await self.async_execute(self.entity_description.command, {"value": value})
        finally:
            self.async_write_ha_state()
