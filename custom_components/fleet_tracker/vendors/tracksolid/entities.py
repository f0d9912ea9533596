"""The entities of a Tracksolid vehicle beside the common ones.

At most 18 entities of a vehicle are enabled. Those that few users need are there, disabled.
"""

from __future__ import annotations

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.button import ButtonDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfElectricPotential,
    UnitOfLength,
    UnitOfTemperature,
    UnitOfVolume,
)

from ...model.vehicle import Capability, OccurrenceKind, OccurrenceType, Reading
from ...offer.descriptions import (
    FleetBinarySensorDescription,
    FleetButtonDescription,
    FleetEventDescription,
    FleetSensorDescription,
    VendorEntities,
    engine_buttons,
)
from . import alarm_types
from .vocabulary import TracksolidCapability, TracksolidCommand, TracksolidReading

_DIAGNOSTIC = EntityCategory.DIAGNOSTIC


def _measurement(
    key: str,
    unit: str | None,
    device_class: SensorDeviceClass | None = None,
    *,
    precision: int = 0,
    enabled: bool = False,
    translation_key: str | None = None,
    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT,
    shown_unit: str | None = None,
    category: EntityCategory | None = None,
) -> FleetSensorDescription:
    return FleetSensorDescription(
        key=key,
        translation_key=translation_key,
        native_unit_of_measurement=unit,
        suggested_unit_of_measurement=shown_unit,
        device_class=device_class,
        state_class=state_class,
        suggested_display_precision=precision,
        entity_registry_enabled_default=enabled,
        entity_category=category,
    )


_FUEL_SENSORS = (
    _measurement(
        TracksolidReading.FUEL_SENSOR_VOLUME,
        UnitOfVolume.LITERS,
        SensorDeviceClass.VOLUME_STORAGE,
        precision=1,
    ),
    _measurement(TracksolidReading.FUEL_SENSOR_LEVEL, PERCENTAGE),
    _measurement(
        TracksolidReading.FUEL_SENSOR_HEIGHT,
        UnitOfLength.CENTIMETERS,
        SensorDeviceClass.DISTANCE,
        precision=1,
    ),
    _measurement(
        TracksolidReading.FUEL_SENSOR_VOLTAGE,
        UnitOfElectricPotential.VOLT,
        SensorDeviceClass.VOLTAGE,
        precision=2,
    ),
    _measurement(
        TracksolidReading.FUEL_HEIGHT,
        UnitOfLength.CENTIMETERS,
        SensorDeviceClass.DISTANCE,
        precision=1,
    ),
    _measurement(
        TracksolidReading.FUEL_VOLTAGE,
        UnitOfElectricPotential.VOLT,
        SensorDeviceClass.VOLTAGE,
        precision=2,
    ),
)

_OBD_SENSORS = (
    *(
        _measurement(
            key,
            UnitOfLength.KILOMETERS,
            SensorDeviceClass.DISTANCE,
            state_class=SensorStateClass.TOTAL_INCREASING,
        )
        for key in (
            TracksolidReading.OBD_ODOMETER,
            TracksolidReading.OBD_MILEAGE,
            TracksolidReading.TRACKER_MILEAGE,
        )
    ),
    _measurement(Reading.TROUBLE_CODES, None),
)


def _opening(
    key: TracksolidReading, device_class: BinarySensorDeviceClass
) -> FleetBinarySensorDescription:
    return FleetBinarySensorDescription(
        key=key, device_class=device_class, entity_registry_enabled_default=False
    )


_DOORS = (
    TracksolidReading.DOOR_LEFT_FRONT,
    TracksolidReading.DOOR_LEFT_REAR,
    TracksolidReading.DOOR_RIGHT_FRONT,
    TracksolidReading.DOOR_RIGHT_REAR,
    TracksolidReading.TRUNK,
)
_WINDOWS = (
    TracksolidReading.WINDOW_LEFT_FRONT,
    TracksolidReading.WINDOW_LEFT_REAR,
    TracksolidReading.WINDOW_RIGHT_FRONT,
    TracksolidReading.WINDOW_RIGHT_REAR,
)
_OPENINGS = (
    *(_opening(key, BinarySensorDeviceClass.DOOR) for key in _DOORS),
    *(_opening(key, BinarySensorDeviceClass.WINDOW) for key in _WINDOWS),
)

ENTITIES = VendorEntities(
    cameras=True,
    disabled=frozenset(
        {
            Reading.ARMED,
            Reading.DOOR,
            Reading.FUEL,
            Reading.FUEL_LEVEL,
            Reading.HUMIDITY,
            # What *Activity* says too.
            Reading.MOVING,
            Reading.ONLINE,
        }
    ),
    binary_sensors=_OPENINGS,
    sensors=(
        _measurement(
            Reading.TEMPERATURE,
            UnitOfTemperature.CELSIUS,
            SensorDeviceClass.TEMPERATURE,
            precision=1,
            enabled=True,
            translation_key="air_temperature",
        ),
        _measurement(TracksolidReading.SIGNAL_LEVEL, None, category=_DIAGNOSTIC),
        *_FUEL_SENSORS,
        *_OBD_SENSORS,
    ),
    buttons=(
        *engine_buttons(TracksolidCommand.CUT_ENGINE, TracksolidCommand.RESTORE_ENGINE),
        FleetButtonDescription(
            key=TracksolidCommand.LOCATE,
            capability=TracksolidCapability.LOCATE,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
        ),
        FleetButtonDescription(
            key=TracksolidCommand.REBOOT,
            capability=TracksolidCapability.REBOOT,
            translation_key="reset",
            device_class=ButtonDeviceClass.RESTART,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
        ),
        FleetButtonDescription(
            key=TracksolidCommand.TAKE_PHOTO,
            capability=TracksolidCapability.TAKE_PHOTO,
            entity_registry_enabled_default=False,
        ),
    ),
    events=(
        FleetEventDescription(
            key=OccurrenceKind.ALARM,
            capability=Capability.EVENTS,
            types=alarm_types.TYPES,
        ),
        FleetEventDescription(
            key=OccurrenceKind.TROUBLE_CODE,
            types=frozenset({OccurrenceType.TROUBLE_CODE}),
            entity_registry_enabled_default=False,
        ),
        FleetEventDescription(
            key=OccurrenceKind.DEVICE_DATA,
            types=frozenset(),
            entity_category=_DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
    ),
)
