"""Locks of vehicles."""

from __future__ import annotations

from typing import Any, override

from homeassistant.components.lock import LockEntity
from homeassistant.core import callback

from .entity import FleetEntity, by_capability, entities_of
from .offer.descriptions import FleetLockDescription

PARALLEL_UPDATES = 0


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
        await self.async_carry_out(self.entity_description.lock_command)

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Unlock, and show `unlocking` until the vehicle confirmed it or refused."""
        self._attr_is_unlocking = True
        self.async_write_ha_state()
        await self.async_carry_out(self.entity_description.unlock_command)

    @callback
    @override
    def _on_carried_out(self) -> None:
        """Show that it is neither locking nor unlocking any more."""
        self._attr_is_locking = self._attr_is_unlocking = False
        super()._on_carried_out()


async_setup_entry = entities_of(
    FleetLock, (), lambda offered: offered.locks, by_capability
)
