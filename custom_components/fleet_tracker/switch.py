"""Switches: what a vehicle can be told to turn on and off."""

from __future__ import annotations

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account.coordinator import FleetConfigEntry
from .entity import FleetEntity, async_setup_entities, by_capability
from .offer.descriptions import FleetSwitchDescription

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FleetConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of an entry."""
    await async_setup_entities(
        entry,
        async_add_entities,
        (),
        entry.runtime_data.vendor.entities.switches,
        FleetSwitch,
        by_capability,
    )


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
        await self._async_send(self.entity_description.on_command)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn off and return when the vehicle confirmed it."""
        await self._async_send(self.entity_description.off_command)

    async def _async_send(self, command: str) -> None:
        try:
            await self.async_execute(command)
        finally:
            # The front end shows what was asked for until the state is written again.
            self.async_write_ha_state()
