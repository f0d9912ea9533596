"""Switches: what a vehicle can be told to turn on and off."""

from __future__ import annotations

from typing import Any, override

from homeassistant.components.switch import SwitchEntity

from .entity import FleetEntity, by_capability, entities_of
from .offer.descriptions import FleetSwitchDescription

PARALLEL_UPDATES = 0


class FleetSwitch(FleetEntity, SwitchEntity):
    """A switch that shows what the vehicle confirmed."""

    entity_description: FleetSwitchDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """The reading, None before anything said so."""
        return value if isinstance(value := self.reading_value, bool) else None

    @property
    @override
    def assumed_state(self) -> bool:
        """Whether nothing reads it back, at least not yet."""
        return self.entity_description.assumed_state or self.is_on is None

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn on and return when the vehicle confirmed it."""
        await self.async_carry_out(self.entity_description.on_command)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn off and return when the vehicle confirmed it."""
        await self.async_carry_out(self.entity_description.off_command)


async_setup_entry = entities_of(
    FleetSwitch, (), lambda offered: offered.switches, by_capability
)
