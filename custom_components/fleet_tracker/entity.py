"""The base of all entities: their vehicle, when they exist, and how they send commands."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
import math
import re
from typing import Protocol, override

from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import (
    AddConfigEntryEntitiesCallback,
    async_get_current_platform,
)
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .account.coordinator import FleetConfigEntry, FleetCoordinator
from .const import DOMAIN
from .contract.commands import Argument, Command, CommandResult
from .model.vehicle import Value, Vehicle, reading_parts
from .offer.descriptions import FleetDescription

LONGEST_SET_UP = 5
"""Seconds after which the rest of the entities come behind the set-up of a platform.

Home Assistant warns after 10 and gives up after 60.
"""


class FleetEntity(CoordinatorEntity[FleetCoordinator]):
    """An entity of a vehicle that shows one of its readings or capabilities."""

    _attr_has_entity_name = True
    entity_description: FleetDescription

    def __init__(
        self,
        coordinator: FleetCoordinator,
        vehicle_id: str,
        description: FleetDescription,
        reading: str,
    ) -> None:
        """Initialize with the reading and its part, as the vehicle has it."""
        super().__init__(coordinator, context=(vehicle_id, reading))
        self.entity_description = description
        self.vehicle_id = vehicle_id
        self.reading = reading
        _, self.part = reading_parts(reading)
        self._attr_unique_id = coordinator.unique_id(vehicle_id, reading)
        self._attr_device_info = DeviceInfo(
            identifiers={coordinator.device_identifier(vehicle_id)}
        )
        if description.translation_key is None:
            self._attr_translation_key = description.key
        if part := self.part:
            self._attr_translation_placeholders = {"part": part}
            enabled = description.enabled_parts
            if enabled is not None and part.isdecimal():
                number = _place_of(coordinator.vehicle(vehicle_id), description, part)
                if number > enabled:
                    self._attr_entity_registry_enabled_default = False

    @property
    def vehicle(self) -> Vehicle:
        """The record of the vehicle."""
        return self.coordinator.vehicles()[self.vehicle_id]

    @property
    def reading_value(self) -> Value | None:
        """The reading now, None if it is not known or the vehicle was just removed."""
        vehicle = self.coordinator.vehicle(self.vehicle_id)
        return None if vehicle is None else vehicle.readings.get(self.reading)

    @property
    @override
    def available(self) -> bool:
        """Whether the account can be reached and still has the vehicle."""
        if self.coordinator.is_gone(self.vehicle_id):
            return False
        return self.entity_description.always_available or self.coordinator.is_reachable

    async def async_execute(
        self, name: str, arguments: Mapping[str, Argument] | None = None
    ) -> CommandResult:
        """Send a command to the vehicle and return when it is confirmed.

        The entity of a part says in ``part`` which one is meant. Raises
        HomeAssistantError with a translated text.
        """
        part: dict[str, Argument] = {"part": self.part} if self.part else {}
        return await self.coordinator.async_execute(
            self.vehicle_id, Command(name, {**(arguments or {}), **part})
        )


def _place_of(vehicle: Vehicle | None, description: FleetDescription, part: str) -> int:
    """Return which of the vehicle's numbered parts one is, the lowest being 1."""
    if vehicle is None or description.capability is None:
        return int(part)
    parts = (reading_parts(one) for one in vehicle.capabilities)
    return sum(
        1
        for name, other in parts
        if name == description.capability
        and other.isdecimal()
        and int(other) <= int(part)
    )


class EntityFactory(Protocol):
    """Makes an entity of a vehicle for a reading that matches a description."""

    def __call__(
        self,
        coordinator: FleetCoordinator,
        vehicle_id: str,
        description: FleetDescription,
        reading: str,
        /,
    ) -> Entity:
        """Return the entity, not yet added."""


def by_reading(
    vehicle: Vehicle, descriptions: Mapping[str, FleetDescription]
) -> Iterable[str]:
    """Yield the readings that make entities: those that the vehicle has shown."""
    for reading in sorted(vehicle.shown_readings):
        key, part = reading_parts(reading)
        description = descriptions.get(key)
        if description is not None and _may_have(vehicle, description, part):
            yield reading


def by_capability(
    vehicle: Vehicle, descriptions: Mapping[str, FleetDescription]
) -> Iterable[str]:
    """Yield the keys of the descriptions whose capability the vehicle has.

    A capability written ``capability:part`` makes one entity for each part.
    """
    for description in descriptions.values():
        if description.needs_contact and vehicle.heard_at is None:
            continue
        for capability in vehicle.capabilities:
            name, part = reading_parts(capability)
            if name == description.capability:
                yield f"{description.key}:{part}" if part else description.key


def _may_have(vehicle: Vehicle, description: FleetDescription, part: str) -> bool:
    """Tell whether a vehicle is capable of what a description asks for, if anything.

    A capability of a part is asked for by that part, one of the whole by all.
    """
    capability = description.capability
    return (
        capability is None
        or capability in vehicle.capabilities
        or (bool(part) and f"{capability}:{part}" in vehicle.capabilities)
    )


async def async_setup_entities(
    entry: FleetConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    common: Iterable[FleetDescription],
    vendors_own: Iterable[FleetDescription],
    factory: EntityFactory,
    matches: Callable[
        [Vehicle, Mapping[str, FleetDescription]], Iterable[str]
    ] = by_reading,
) -> None:
    """Create a platform's entities: each the first time that its vehicle shows it.

    One disappears, enabled or not, once the vehicle turned out not to be capable of it.
    """
    coordinator = entry.runtime_data
    offered = coordinator.vendor.entities
    descriptions = {
        description.key: replace(
            description,
            entity_registry_enabled_default=description.entity_registry_enabled_default
            and description.key not in offered.disabled,
            enabled_parts=offered.enabled_parts.get(
                description.key, description.enabled_parts
            ),
        )
        for description in common
    }
    descriptions |= {description.key: description for description in vendors_own}
    descriptions = {
        key: description
        for key, description in descriptions.items()
        if description.option is None or entry.options.get(description.option)
    }
    created: dict[str, set[str]] = {}
    platform = async_get_current_platform()
    domain = platform.domain
    registry = er.async_get(coordinator.hass)
    _forget_others(registry, coordinator, domain, descriptions)

    @callback
    def on_newcomer(vehicle_id: str) -> None:
        vehicle = coordinator.vehicle(vehicle_id)
        if vehicle is None:
            created.pop(vehicle_id, None)
            return
        known = created.setdefault(vehicle_id, set())
        wanted = list(matches(vehicle, descriptions))
        # What disappeared may come back: a command after a firmware update. A reading
        # that is only not known for a while keeps its entity.
        lost = set()
        for key in known.difference(wanted):
            name, part = reading_parts(key)
            if not _may_have(vehicle, descriptions[name], part):
                lost.add(key)
        known -= lost
        for key in lost:
            entity_id = registry.async_get_entity_id(
                domain, DOMAIN, coordinator.unique_id(vehicle_id, key)
            )
            if entity_id is not None:
                registry.async_remove(entity_id)
        new = [key for key in wanted if key not in known]
        if not new or coordinator.is_stopping:
            return
        known.update(new)
        coordinator.async_add_entities(
            platform.async_add_entities(
                [
                    factory(
                        coordinator,
                        vehicle_id,
                        descriptions[reading_parts(key)[0]],
                        key,
                    )
                    for key in new
                ],
                config_subentry_id=coordinator.subentry_id(vehicle_id),
            )
        )

    async def add(vehicle_ids: deque[str], until: float) -> None:
        while vehicle_ids and coordinator.hass.loop.time() < until:
            if coordinator.is_stopping:
                return
            on_newcomer(vehicle_ids.popleft())
            await asyncio.sleep(0)

    # Before the first yield, or what comes up meanwhile would be missed.
    entry.async_on_unload(coordinator.async_add_newcomer_listener(on_newcomer))
    vehicle_ids = deque(coordinator.vehicles())
    await add(vehicle_ids, coordinator.hass.loop.time() + LONGEST_SET_UP)
    await coordinator.async_entities_added()
    if vehicle_ids:
        entry.async_create_background_task(
            coordinator.hass, add(vehicle_ids, math.inf), f"{DOMAIN} add entities"
        )


@callback
def _forget_others(
    registry: er.EntityRegistry,
    coordinator: FleetCoordinator,
    domain: str,
    descriptions: Mapping[str, FleetDescription],
) -> None:
    """Remove what an entry no longer offers on a platform, whatever it was before."""
    offered = re.compile(
        rf"{re.escape(coordinator.identity)}_.+_({'|'.join(map(re.escape, descriptions))})"
        r"(_.+)?"
    )
    for one in er.async_entries_for_config_entry(
        registry, coordinator.config_entry.entry_id
    ):
        if one.domain == domain and (
            not descriptions or not offered.fullmatch(one.unique_id)
        ):
            registry.async_remove(one.entity_id)
