"""Selects: settings of a vehicle with a few choices."""

from __future__ import annotations

from typing import override

from homeassistant.components.select import SelectEntity

from .entity import FleetEntity, by_capability, entities_of
from .offer.descriptions import FleetSelectDescription

PARALLEL_UPDATES = 0


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
        await self.async_carry_out(self.entity_description.command, {"option": option})


async_setup_entry = entities_of(
    FleetSelect, (), lambda offered: offered.selects, by_capability
)
