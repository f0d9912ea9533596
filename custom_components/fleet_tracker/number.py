"""Numbers: settings of a tracker with a range."""

from __future__ import annotations

from typing import override

from homeassistant.components.number import NumberEntity

from .entity import FleetEntity, by_capability, entities_of
from .offer.descriptions import FleetNumberDescription

PARALLEL_UPDATES = 0


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
        await self.async_carry_out(self.entity_description.command, {"value": value})


async_setup_entry = entities_of(
    FleetNumber, (), lambda offered: offered.numbers, by_capability
)
