"""Locks of vehicles."""

from __future__ import annotations

from typing import Any, override

from homeassistant.components.lock import LockEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account.coordinator import FleetConfigEntry
from .entity import FleetEntity, async_setup_entities, by_capability
from .offer.descriptions import FleetLockDescription

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FleetConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the locks of an entry."""
    await async_setup_entities(
        entry,
        async_add_entities,
        (),
        entry.runtime_data.vendor.entities.locks,
        FleetLock,
        by_capability,
    )


class FleetLock(FleetEntity, LockEntity):
    """A lock that shows what it is doing, and what the vehicle confirmed."""

    entity_description: FleetLockDescription

    @property
    @override
    def is_locked(self) -> bool | None:
        """Whether it is locked, None before anything said so."""
        return value if isinstance(value := self.reading_value, bool) else None

    @property
    @override
    def assumed_state(self) -> bool:
        """Whether nothing reads the lock back."""
        return self.entity_description.assumed_state

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Lock, and show `locking` until the vehicle confirmed it or refused."""
        self._attr_is_locking = True
        self.async_write_ha_state()
        try:
            await self.async_execute(self.entity_description.lock_command)
        finally:
            self._attr_is_locking = False
            self.async_write_ha_state()

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Unlock, and show `unlocking` until the vehicle confirmed it or refused."""
        self._attr_is_unlocking = True
        self.async_write_ha_state()
        try:
            await self.async_execute(self.entity_description.unlock_command)
        finally:
            self._attr_is_unlocking = False
            self.async_write_ha_state()
