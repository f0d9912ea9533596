"""Binary sensors: the readings that several vendors share, and those the vendor adds."""

from __future__ import annotations

from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
)
from homeassistant.const import EntityCategory

from .entity import FleetEntity, entities_of
from .model.vehicle import Reading
from .offer.descriptions import FleetBinarySensorDescription

PARALLEL_UPDATES = 0


COMMON = (
    FleetBinarySensorDescription(
        key=Reading.IGNITION, device_class=BinarySensorDeviceClass.RUNNING
    ),
    FleetBinarySensorDescription(
        key=Reading.MOVING, device_class=BinarySensorDeviceClass.MOVING
    ),
    FleetBinarySensorDescription(
        key=Reading.ONLINE,
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    FleetBinarySensorDescription(
        key=Reading.DOOR, device_class=BinarySensorDeviceClass.DOOR
    ),
    FleetBinarySensorDescription(
        key=Reading.CHARGING, device_class=BinarySensorDeviceClass.BATTERY_CHARGING
    ),
    FleetBinarySensorDescription(
        key=Reading.TRACKER_CHARGING,
        device_class=BinarySensorDeviceClass.BATTERY_CHARGING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetBinarySensorDescription(
        key=Reading.FUEL_SUPPLY, device_class=BinarySensorDeviceClass.POWER
    ),
    FleetBinarySensorDescription(key=Reading.ARMED),
    FleetBinarySensorDescription(key=Reading.ENGINE_CUT),
)


class FleetBinarySensor(FleetEntity, BinarySensorEntity):
    """A binary sensor that shows a reading."""

    entity_description: FleetBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """The reading."""
        if not isinstance(value := self.reading_value, bool):
            return None
        return value is not self.entity_description.inverted


async_setup_entry = entities_of(
    FleetBinarySensor, COMMON, lambda offered: offered.binary_sensors
)
