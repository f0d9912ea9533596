"""The entities of an Open API vehicle beside the common ones."""

from __future__ import annotations

from types import MappingProxyType

from homeassistant.components.button import ButtonDeviceClass
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import EntityCategory

from ...model.vehicle import Capability, OccurrenceKind, Reading
from ...offer.descriptions import (
    REFRESH_BUTTON,
    FleetButtonDescription,
    FleetEventDescription,
    FleetLockDescription,
    FleetSensorDescription,
    VendorEntities,
    engine_buttons,
)
from .mapping import ALARM_TYPES, ALL_STATUSES
from .vocabulary import OpenApiCapability, OpenApiCommand, OpenApiReading

ENTITIES = VendorEntities(
    disabled=frozenset(
        {
            Reading.ARMED,
            Reading.FUEL_SUPPLY,
            Reading.IGNITION_CHANGED_AT,
            # What *Activity* says too: that a vehicle moves, or is there.
            Reading.MOVING,
            Reading.ONLINE,
            # The next poll is never far.
            REFRESH_BUTTON,
        }
    ),
    # Further probes are rare, and 18 entities are enabled without them.
    enabled_parts=MappingProxyType({Reading.TEMPERATURE: 1}),
    sensors=(
        FleetSensorDescription(
            key=Reading.STATUS,
            translation_key="open_api_status",
            device_class=SensorDeviceClass.ENUM,
            options=list(ALL_STATUSES),
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
        FleetSensorDescription(
            key=OpenApiReading.FUEL_MEASURED_AT,
            device_class=SensorDeviceClass.TIMESTAMP,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
        FleetSensorDescription(
            key=OpenApiReading.TEMPERATURE_MEASURED_AT,
            device_class=SensorDeviceClass.TIMESTAMP,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
    ),
    locks=(
        FleetLockDescription(
            key=Reading.LOCKED,
            translation_key="door",
            capability=Capability.LOCK,
            lock_command=OpenApiCommand.LOCK,
            unlock_command=OpenApiCommand.UNLOCK,
            assumed_state=True,
            needs_contact=True,
            # Most trackers refuse the command.
            entity_registry_enabled_default=False,
        ),
    ),
    buttons=(
        *engine_buttons(OpenApiCommand.CUT_ENGINE, OpenApiCommand.RESTORE_ENGINE),
        FleetButtonDescription(
            key=OpenApiCommand.RESET,
            capability=OpenApiCapability.RESET,
            needs_contact=True,
            device_class=ButtonDeviceClass.RESTART,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
        ),
    ),
    events=(
        FleetEventDescription(
            key=OccurrenceKind.ALARM,
            capability=Capability.EVENTS,
            types=frozenset(kind for _, kind in ALARM_TYPES.values()),
        ),
    ),
)
