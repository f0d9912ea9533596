"""The base of the entities of an account's own device."""

from __future__ import annotations

from dataclasses import dataclass

from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription

from .account.coordinator import FleetCoordinator


@dataclass(frozen=True, kw_only=True)
class AccountDescription(EntityDescription):
    """The description of an entity of an account. ``key`` is its translation key."""


class AccountEntity(Entity):
    """An entity of an account. It is there while the account is loaded, reached or not."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(
        self, coordinator: FleetCoordinator, description: AccountDescription
    ) -> None:
        """Initialize with the account and what the entity shows of it."""
        self.coordinator = coordinator
        self.entity_description = description
        self._attr_translation_key = description.key
        self._attr_unique_id = coordinator.devices.account_unique_id(description.key)
        self._attr_device_info = DeviceInfo(
            identifiers={coordinator.devices.account_identifier}
        )
