"""The entities of a Tracksolid vehicle beside the common ones.

At most 18 entities of a vehicle are enabled, whatever its tracker can do; what only some
need is there, disabled.
"""

from __future__ import annotations

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.button import ButtonDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    PERCENTAGE,
    REVOLUTIONS_PER_MINUTE,
    EntityCategory,
    UnitOfElectricPotential,
    UnitOfLength,
    UnitOfPressure,
    UnitOfSpeed,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolume,
)

from ...model.vehicle import OccurrenceKind, OccurrenceType, Reading
from ...offer.descriptions import (
    FleetBinarySensorDescription,
    FleetButtonDescription,
    FleetEventDescription,
    FleetSensorDescription,
    VendorEntities,
    engine_buttons,
)
from . import alarm_types, commands, mapping
from .cameras import PHOTO

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
        mapping.FUEL_SENSOR_VOLUME,
        UnitOfVolume.LITERS,
        SensorDeviceClass.VOLUME_STORAGE,
        precision=1,
    ),
    _measurement(mapping.FUEL_SENSOR_LEVEL, PERCENTAGE),
    _measurement(
        mapping.FUEL_SENSOR_HEIGHT,
        UnitOfLength.CENTIMETERS,
        SensorDeviceClass.DISTANCE,
        precision=1,
    ),
    _measurement(
        mapping.FUEL_SENSOR_VOLTAGE,
        UnitOfElectricPotential.VOLT,
        SensorDeviceClass.VOLTAGE,
        precision=2,
    ),
    _measurement(
        mapping.FUEL_HEIGHT,
        UnitOfLength.CENTIMETERS,
        SensorDeviceClass.DISTANCE,
        precision=1,
    ),
    _measurement(
        mapping.FUEL_VOLTAGE,
        UnitOfElectricPotential.VOLT,
        SensorDeviceClass.VOLTAGE,
        precision=2,
    ),
)

_OBD_SENSORS = (
    _measurement(
        mapping.COOLANT_TEMPERATURE,
        UnitOfTemperature.CELSIUS,
        SensorDeviceClass.TEMPERATURE,
    ),
    _measurement(mapping.ENGINE_SPEED, REVOLUTIONS_PER_MINUTE),
    _measurement(mapping.ENGINE_LOAD, PERCENTAGE),
    _measurement(mapping.THROTTLE, PERCENTAGE, translation_key="throttle_position"),
    _measurement(
        mapping.INTAKE_PRESSURE, UnitOfPressure.KPA, SensorDeviceClass.PRESSURE
    ),
    _measurement(
        mapping.OBD_SPEED, UnitOfSpeed.KILOMETERS_PER_HOUR, SensorDeviceClass.SPEED
    ),
    _measurement(
        mapping.OBD_VOLTAGE,
        UnitOfElectricPotential.VOLT,
        SensorDeviceClass.VOLTAGE,
        precision=1,
    ),
    *(
        _measurement(
            key,
            UnitOfLength.KILOMETERS,
            SensorDeviceClass.DISTANCE,
            state_class=SensorStateClass.TOTAL_INCREASING,
        )
        for key in (
            mapping.OBD_ODOMETER,
            mapping.OBD_MILEAGE,
            mapping.TRACKER_MILEAGE,
        )
    ),
    _measurement(Reading.TROUBLE_CODES, None),
)

# They tell of a drive that is over, so that there is no state class: each drive's values
# stand for themselves.
_TRIP_SENSORS = (
    _measurement(
        mapping.TRIP_DISTANCE,
        UnitOfLength.KILOMETERS,
        SensorDeviceClass.DISTANCE,
        precision=1,
        translation_key="last_trip_distance",
        state_class=None,
    ),
    *(
        _measurement(
            key,
            UnitOfTime.SECONDS,
            SensorDeviceClass.DURATION,
            precision=1,
            translation_key=f"last_{key}",
            state_class=None,
            shown_unit=UnitOfTime.MINUTES,
        )
        for key in (mapping.TRIP_DURATION, mapping.TRIP_IDLE_TIME)
    ),
    *(
        _measurement(
            key,
            UnitOfSpeed.KILOMETERS_PER_HOUR,
            SensorDeviceClass.SPEED,
            translation_key=f"last_{key}",
            state_class=None,
        )
        for key in (mapping.TRIP_AVERAGE_SPEED, mapping.TRIP_TOP_SPEED)
    ),
    _measurement(
        mapping.TRIP_CONSUMPTION,
        UnitOfVolume.LITERS,
        SensorDeviceClass.VOLUME,
        precision=1,
        translation_key="last_trip_consumption",
        state_class=None,
    ),
    FleetSensorDescription(
        key=mapping.TRIP_ENDED,
        translation_key="last_trip_ended",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
    ),
)

_OPENINGS = tuple(
    FleetBinarySensorDescription(
        key=key,
        device_class=BinarySensorDeviceClass.WINDOW
        if key.startswith(alarm_types.WINDOW)
        else BinarySensorDeviceClass.DOOR,
        entity_registry_enabled_default=False,
    )
    for key in alarm_types.OPENINGS
)

ENTITIES = VendorEntities(
    cameras=True,
    disabled=frozenset(
        {
            Reading.ARMED,
            Reading.CHARGING,
            Reading.DOOR,
            Reading.FUEL,
            Reading.FUEL_LEVEL,
            Reading.HUMIDITY,
        }
    ),
    binary_sensors=_OPENINGS,
    sensors=(
        _measurement(
            Reading.TEMPERATURE,
            UnitOfTemperature.CELSIUS,
            SensorDeviceClass.TEMPERATURE,
            precision=1,
            translation_key="air_temperature",
        ),
        _measurement(mapping.SIGNAL_LEVEL, None, category=_DIAGNOSTIC),
        *_FUEL_SENSORS,
        *_OBD_SENSORS,
        *_TRIP_SENSORS,
    ),
    buttons=(
        *engine_buttons(commands.ENGINE_CUT, commands.ENGINE_RESTORE),
        FleetButtonDescription(
            key=commands.LOCATE,
            capability=commands.LOCATE,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
        ),
        FleetButtonDescription(
            key=commands.REBOOT,
            capability=commands.REBOOT,
            translation_key="reset",
            device_class=ButtonDeviceClass.RESTART,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
        ),
        FleetButtonDescription(
            key=commands.TAKE_PHOTO,
            capability=PHOTO,
            entity_registry_enabled_default=False,
        ),
    ),
    events=(
        FleetEventDescription(
            key=OccurrenceKind.ALARM,
            capability=alarm_types.ALARMS,
            types=alarm_types.TYPES,
        ),
        FleetEventDescription(
            key=OccurrenceKind.TRIP,
            types=frozenset({OccurrenceType.TRIP_STARTED, OccurrenceType.TRIP_ENDED}),
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
