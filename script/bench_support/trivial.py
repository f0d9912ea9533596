"""The floor: an integration that does nothing but show values that it is handed.

It has as many entities as ours, of the same kinds and with the same descriptions, and adds
them all at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.button import ButtonEntity
from homeassistant.components.device_tracker import TrackerEntity
from homeassistant.components.event import EventEntity
from homeassistant.components.sensor import SensorEntity
from homeassistant.config_entries import HANDLERS, ConfigEntry, ConfigFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import (
    AddEntitiesCallback,
    async_get_platforms,
)
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockPlatform,
    mock_integration,
    mock_platform,
)

DOMAIN = "bench_floor"

_BASES: Mapping[str, type[Entity]] = {
    "binary_sensor": BinarySensorEntity,
    "button": ButtonEntity,
    "device_tracker": TrackerEntity,
    "event": EventEntity,
    "sensor": SensorEntity,
}
# What an entity of ours shows, and under which name a trivial one holds it
_SHOWN: Mapping[str, Sequence[str]] = {
    "binary_sensor": ("is_on",),
    "device_tracker": ("latitude", "longitude", "location_accuracy"),
    "sensor": ("native_value",),
}


class _Flow(ConfigFlow):
    """Nobody is ever asked: Home Assistant wants to know the version of entries."""

    VERSION = 1


@dataclass(frozen=True, slots=True)
class Twin:
    """An entity of another integration, of which there is to be a trivial one."""

    domain: str
    unique_id: str
    device: str
    original: Entity | None
    """None where it is disabled."""


def twins_of(hass: HomeAssistant, entry: ConfigEntry) -> list[Twin]:
    """Return all entities of an entry that is loaded, enabled or not."""
    entities = {
        entity.entity_id: entity
        for platform in async_get_platforms(hass, entry.domain)
        if platform.config_entry is entry
        for entity in platform.entities.values()
    }
    return [
        Twin(
            one.domain, one.unique_id, one.device_id or "", entities.get(one.entity_id)
        )
        for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    ]


class Trivial:
    """An account of the trivial integration."""

    def __init__(self, hass: HomeAssistant, twins: Iterable[Twin]) -> None:
        """Initialize with the entities that it is to have."""
        self.hass = hass
        self.by_domain: dict[str, list[Twin]] = defaultdict(list)
        self.set_twins(twins)
        devices = dr.async_get(hass)
        self._names = {
            twin.device: device.name or ""
            for ours in self.by_domain.values()
            for twin in ours
            if (device := devices.async_get(twin.device)) is not None
        }
        self.entities: dict[str, Entity] = {}
        self.entry = MockConfigEntry(domain=DOMAIN, title="Floor")
        self.entry.add_to_hass(hass)
        HANDLERS[DOMAIN] = _Flow
        mock_integration(
            hass,
            MockModule(
                DOMAIN,
                async_setup_entry=self._set_up_entry,
                async_unload_entry=self._unload_entry,
            ),
        )
        mock_platform(hass, f"{DOMAIN}.config_flow", MockPlatform())
        for domain in self.by_domain:
            mock_platform(
                hass,
                f"{DOMAIN}.{domain}",
                MockPlatform(async_setup_entry=self._set_up_platform(domain)),
            )

    def set_twins(self, twins: Iterable[Twin]) -> None:
        """Set the entities that it has, whose originals were set up."""
        self.by_domain.clear()
        for twin in twins:
            self.by_domain[twin.domain].append(twin)

    async def _set_up_entry(self, hass: HomeAssistant, entry: ConfigEntry) -> bool:
        await hass.config_entries.async_forward_entry_setups(entry, self.by_domain)
        return True

    async def _unload_entry(self, hass: HomeAssistant, entry: ConfigEntry) -> bool:
        return await hass.config_entries.async_unload_platforms(entry, self.by_domain)

    def _set_up_platform(self, domain: str) -> Any:
        async def set_up(
            _hass: HomeAssistant, _entry: ConfigEntry, add: AddEntitiesCallback
        ) -> None:
            made = [self._make(twin) for twin in self.by_domain[domain]]
            add(made)

        return set_up

    def _make(self, twin: Twin) -> Entity:
        entity = _class_of(twin.domain)()
        original = twin.original
        name = self._names.get(twin.device, "")
        entity._attr_unique_id = twin.unique_id  # noqa: SLF001  so do all entities
        entity._attr_device_info = DeviceInfo(  # noqa: SLF001
            identifiers={(DOMAIN, twin.device)},
            name=name,
            manufacturer="Floor",
            serial_number=name,
        )
        if twin.domain == "event":
            entity._attr_event_types = ["other"]  # type: ignore[attr-defined]  # noqa: SLF001
        if original is None:
            entity._attr_entity_registry_enabled_default = False  # noqa: SLF001
            entity._attr_name = twin.unique_id  # noqa: SLF001
        else:
            entity._attr_name = twin.unique_id  # noqa: SLF001
            if hasattr(original, "entity_description"):
                entity.entity_description = original.entity_description
                entity._attr_name = original.entity_description.key  # noqa: SLF001
            self.entities[original.entity_id] = entity
            _copy(original, entity, twin.domain)
        return entity

    def writes_of(self, changed: Iterable[str]) -> list[Entity]:
        """Return the entities that write what ours wrote, with their values, in that order.

        Those of a vehicle stand beside each other.
        """
        writes: dict[str, list[Entity]] = defaultdict(list)
        registry = er.async_get(self.hass)
        originals = {
            twin.original.entity_id: twin.original
            for ours in self.by_domain.values()
            for twin in ours
            if twin.original is not None
        }
        for entity_id in changed:
            twin = self.entities[entity_id]
            _copy(originals[entity_id], twin, entity_id.partition(".")[0])
            registered = registry.async_get(entity_id)
            writes[(registered and registered.device_id) or ""].append(twin)
        return [entity for vehicle in writes.values() for entity in vehicle]


class _Trivial(Entity):
    """An entity that shows what it is handed."""

    _attr_should_poll = False
    _attr_has_entity_name = True


_classes: dict[str, type[Entity]] = {}


def _class_of(domain: str) -> type[Entity]:
    if domain not in _classes:
        bases = (_Trivial, _BASES[domain]) if domain in _BASES else (_Trivial,)
        _classes[domain] = type(f"Trivial_{domain}", bases, {})
    return _classes[domain]


def _copy(original: Entity, entity: Entity, domain: str) -> None:
    for name in _SHOWN.get(domain, ()):
        setattr(entity, f"_attr_{name}", getattr(original, name))
