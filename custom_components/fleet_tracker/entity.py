"""The base of all entities: their vehicle, when they exist, and how they send commands."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import replace
import math
import re
from typing import Any, Protocol, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import (
    AddConfigEntryEntitiesCallback,
    EntityPlatform,
    async_get_current_platform,
)

from .account.coordinator import FleetConfigEntry, FleetCoordinator
from .actions.targets import async_get_caller, may_control
from .const import DOMAIN
from .contract.commands import PART, Argument, Command, CommandResult
from .model.vehicle import Value, Vehicle, part_of, reading_parts
from .offer.descriptions import FleetDescription, VendorEntities

LONGEST_SET_UP = 5
"""Seconds after which the rest of the entities come behind the set-up of a platform.

Home Assistant warns after 10 and gives up after 60.
"""
ENTITIES_AT_ONCE = 30
"""How many entities are added before the event loop has its turn: about 5 ms."""


class FleetEntity(Entity):
    """An entity of a vehicle that shows one of its readings or capabilities.

    It listens to that reading. There are many thousands, so that none has a list of
    closures as Home Assistant's own entity of a coordinator has.
    """

    _attr_has_entity_name = True
    _attr_should_poll = False
    entity_description: FleetDescription

    def __init__(
        self,
        coordinator: FleetCoordinator,
        vehicle_id: str,
        description: FleetDescription,
        reading: str,
    ) -> None:
        """Initialize with the reading and its part, as the vehicle has it."""
        self.coordinator = coordinator
        self.entity_description = description
        self.vehicle_id = vehicle_id
        self.reading = reading
        _, self.part = reading_parts(reading)
        self._attr_unique_id = coordinator.devices.unique_id(vehicle_id, reading)
        self._attr_device_info = coordinator.devices.info(vehicle_id)
        name = description.translation_key or description.key
        if part := self.part:
            self._attr_translation_placeholders = {"part": part}
            if part in description.worded_parts:
                name = f"{name}_{part}"
            enabled = description.enabled_parts
            if enabled is not None and part.isdecimal():
                number = _place_of(coordinator.vehicle(vehicle_id), description, part)
                if number > enabled:
                    self._attr_entity_registry_enabled_default = False
        self._attr_translation_key = name
        if description.disabled_beside is not None and _has(
            coordinator.vehicle(vehicle_id), description.disabled_beside
        ):
            self._attr_entity_registry_enabled_default = False

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the reading."""
        await super().async_added_to_hass()
        self.coordinator.fleet.add_listener(
            self.vehicle_id, self.reading, self._on_change
        )

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Listen no longer."""
        self.coordinator.fleet.remove_listener(
            self.vehicle_id, self.reading, self._on_change
        )
        await super().async_will_remove_from_hass()

    @callback
    def _on_change(self) -> None:
        """Show the reading, or whether the vehicle is there."""
        self.async_write_ha_state()

    async def async_update(self) -> None:
        """Poll, since the user wants an update of the entity."""
        if self.enabled:
            await self.coordinator.async_request_refresh()

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

        The entity of a part gives the part in ``part``. Raises
        HomeAssistantError with a translated text.
        """
        part: dict[str, Argument] = {PART: self.part} if self.part else {}
        caller = await async_get_caller(self.hass, self._context)
        return await self.coordinator.async_execute(
            self.vehicle_id,
            Command(name, {**(arguments or {}), **part}),
            may_control(caller, self.entity_id),
        )

    async def async_carry_out(
        self, name: str, arguments: Mapping[str, Argument] | None = None
    ) -> None:
        """Send a command as `async_execute` does, and show what came of it.

        The front end shows what was asked for until the state is written again.
        """
        try:
            await self.async_execute(name, arguments)
        finally:
            self._on_carried_out()

    @callback
    def _on_carried_out(self) -> None:
        """Show what came of a command, confirmed or not."""
        self.async_write_ha_state()


def _has(vehicle: Vehicle | None, name: str) -> bool:
    """Tell whether a vehicle has shown a reading, or has a capability, of a name."""
    return vehicle is not None and any(
        reading_parts(one)[0] == name
        for one in vehicle.shown_readings | vehicle.capabilities
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
    ) -> FleetEntity:
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
                yield part_of(description.key, part) if part else description.key


def _may_have(vehicle: Vehicle, description: FleetDescription, part: str) -> bool:
    """Tell whether a vehicle is capable of what a description asks for, if anything.

    A capability of a part counts for that part, one of the vehicle for all parts.
    """
    capability = description.capability
    return (
        capability is None
        or capability in vehicle.capabilities
        or (bool(part) and part_of(capability, part) in vehicle.capabilities)
    )


type SetUpEntry = Callable[
    [HomeAssistant, FleetConfigEntry, AddConfigEntryEntitiesCallback],
    Coroutine[Any, Any, None],
]
type Matches = Callable[[Vehicle, Mapping[str, FleetDescription]], Iterable[str]]


def entities_of(
    factory: EntityFactory,
    common: Iterable[FleetDescription],
    vendors_own: Callable[[VendorEntities], Iterable[FleetDescription]],
    matches: Matches = by_reading,
    of_account: Callable[[FleetCoordinator], Iterable[Entity]] | None = None,
) -> SetUpEntry:
    """Return the `async_setup_entry` of a platform.

    It creates the entities of the common descriptions and of the vendor's own, and then
    those of the account itself.
    """

    async def async_setup_entry(
        hass: HomeAssistant,
        entry: FleetConfigEntry,
        async_add_entities: AddConfigEntryEntitiesCallback,
    ) -> None:
        """Set up the entities of an entry on the platform."""
        offered = entry.runtime_data.vendor.entities
        await _Entities(
            entry,
            async_get_current_platform(),
            _descriptions(entry, common, vendors_own(offered)),
            factory,
            matches,
        ).async_set_up()
        if of_account is not None:
            async_add_entities(of_account(entry.runtime_data))

    return async_setup_entry


def _descriptions(
    entry: FleetConfigEntry,
    common: Iterable[FleetDescription],
    vendors_own: Iterable[FleetDescription],
) -> Mapping[str, FleetDescription]:
    """Return what an entry offers on a platform, by key."""
    offered = entry.runtime_data.vendor.entities
    descriptions = {
        description.key: replace(
            description,
            entity_registry_enabled_default=description.key in offered.enabled
            or (
                description.entity_registry_enabled_default
                and description.key not in offered.disabled
            ),
            disabled_beside=offered.disabled_beside.get(
                description.key, description.disabled_beside
            ),
            enabled_parts=offered.enabled_parts.get(
                description.key, description.enabled_parts
            ),
        )
        for description in common
    }
    descriptions |= {description.key: description for description in vendors_own}
    return {
        key: description
        for key, description in descriptions.items()
        if description.option is None or entry.options.get(description.option)
    }


class _Entities:
    """The entities of an entry on a platform: each from when its vehicle first shows it.

    One disappears, enabled or not, once the vehicle turned out not to be capable of it.
    """

    def __init__(
        self,
        entry: FleetConfigEntry,
        platform: EntityPlatform,
        descriptions: Mapping[str, FleetDescription],
        factory: EntityFactory,
        matches: Matches,
    ) -> None:
        """Initialize without entities."""
        self._entry = entry
        self._coordinator = entry.runtime_data
        self._platform = platform
        self._descriptions = descriptions
        self._factory = factory
        self._matches = matches
        self._created: dict[str, set[str]] = {}
        self._registry = er.async_get(self._coordinator.hass)

    async def async_set_up(self) -> None:
        """Add the entities of all vehicles, and from now on those that come later."""
        coordinator, loop = self._coordinator, self._coordinator.hass.loop
        _forget_others(
            self._registry, coordinator, self._platform.domain, self._descriptions
        )
        # The listener comes before the first `await`, or vehicles that come up
        # meanwhile would be missed.
        self._entry.async_on_unload(
            coordinator.async_add_newcomer_listener(self._on_newcomer)
        )
        vehicle_ids = deque(coordinator.vehicles())
        await self._add_all(vehicle_ids, loop.time() + LONGEST_SET_UP)
        await coordinator.async_entities_added()
        if vehicle_ids:
            self._entry.async_create_background_task(
                coordinator.hass,
                self._add_all(vehicle_ids, math.inf),
                f"{DOMAIN} add entities",
            )

    async def _add_all(self, vehicle_ids: deque[str], until: float) -> None:
        """Add the entities of vehicles, some vehicles at a time, until a time."""
        loop = self._coordinator.hass.loop
        while vehicle_ids and loop.time() < until:
            if self._coordinator.is_stopping:
                return
            entities: list[FleetEntity] = []
            while vehicle_ids and len(entities) < ENTITIES_AT_ONCE:
                entities += self._new_entities(vehicle_ids.popleft())
            self._add(entities)
            await asyncio.sleep(0)

    @callback
    def _on_newcomer(self, vehicle_id: str) -> None:
        """Add what a vehicle shows for the first time."""
        self._add(list(self._new_entities(vehicle_id)))

    @callback
    def _add(self, entities: Iterable[FleetEntity]) -> None:
        """Add entities by one call for each subentry that they belong to."""
        coordinator = self._coordinator
        by_subentry: defaultdict[str | None, list[FleetEntity]] = defaultdict(list)
        for entity in entities:
            by_subentry[coordinator.devices.subentry_id(entity.vehicle_id)].append(
                entity
            )
        for subentry_id, those in by_subentry.items():
            coordinator.async_add_entities(
                self._platform.async_add_entities(those, config_subentry_id=subentry_id)
            )

    def _new_entities(self, vehicle_id: str) -> Iterator[FleetEntity]:
        """Yield new entities for what a vehicle shows, and remove what it has no longer."""
        coordinator = self._coordinator
        vehicle = coordinator.vehicle(vehicle_id)
        if vehicle is None:
            self._created.pop(vehicle_id, None)
            return
        known = self._created.setdefault(vehicle_id, set())
        wanted = list(self._matches(vehicle, self._descriptions))
        self._remove_lost(vehicle, known, wanted)
        if coordinator.is_stopping:
            return
        for key in wanted:
            if key not in known:
                known.add(key)
                description = self._descriptions[reading_parts(key)[0]]
                yield self._factory(coordinator, vehicle_id, description, key)

    @callback
    def _remove_lost(
        self, vehicle: Vehicle, known: set[str], wanted: Iterable[str]
    ) -> None:
        """Remove the entities of what a vehicle turned out not to be capable of.

        What disappeared may come back: a command after a firmware update. A reading that is
        only not known for a while keeps its entity.
        """
        for key in known.difference(wanted):
            name, part = reading_parts(key)
            if _may_have(vehicle, self._descriptions[name], part):
                continue
            known.discard(key)
            entity_id = self._registry.async_get_entity_id(
                self._platform.domain,
                DOMAIN,
                self._coordinator.devices.unique_id(vehicle.vehicle_id, key),
            )
            if entity_id is not None:
                self._registry.async_remove(entity_id)


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
        if (
            one.domain == domain
            and not one.unique_id.startswith(coordinator.devices.account_unique_id(""))
            and (not descriptions or not offered.fullmatch(one.unique_id))
        ):
            registry.async_remove(one.entity_id)
