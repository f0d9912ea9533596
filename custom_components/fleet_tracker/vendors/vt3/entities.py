"""The entities of a VT3 tracker beside the common ones.

Enabled are what an ordinary vehicle needs, 18 with all of them: the common ones, three
values of the vehicle, the malfunction light, the first output, what cuts the engine, alarms
and trouble codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass, NumberMode
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    DEGREE,
    PERCENTAGE,
    REVOLUTIONS_PER_MINUTE,
    SIGNAL_STRENGTH_DECIBELS,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    EntityCategory,
    UnitOfElectricPotential,
    UnitOfLength,
    UnitOfPressure,
    UnitOfSpeed,
    UnitOfTemperature,
    UnitOfTime,
)

from ...model.vehicle import OccurrenceKind, OccurrenceType, Reading
from ...offer.descriptions import (
    FleetBinarySensorDescription,
    FleetButtonDescription,
    FleetEventDescription,
    FleetNumberDescription,
    FleetSensorDescription,
    FleetSwitchDescription,
    VendorEntities,
    engine_buttons,
)
from . import commands
from .events import IGNITION_TYPES, TYPES
from .parameters import (
    ACCELERATION,
    ANALOG_INPUT,
    CUSTOM,
    DIGITAL_INPUT,
    ENGINE_SPEED,
    FIXES,
    GNSS_FIX,
    MALFUNCTION_INDICATOR,
    NETWORKS,
    OBD_SPEED,
    OUTPUT,
    PDOP,
    PITCH,
    REGISTRATIONS,
    ROLL,
    ROTATION,
    UPLOAD_INTERVAL,
    YAW,
)
from .tracker import EVENTS

STANDARD_GRAVITY = "g"
DEGREES_PER_SECOND = "°/s"
NEWTON_METRES = "Nm"
LITRES_PER_HOUR = "L/h"
KILOMETRES_PER_LITRE = "km/L"
ARBITRARY_STRENGTH_UNIT = "asu"


def _measurements(
    unit: str | None,
    *keys: str,
    device_class: SensorDeviceClass | None = None,
    category: EntityCategory | None = None,
    precision: int | None = None,
) -> Iterable[FleetSensorDescription]:
    """Yield sensors of a kind, all disabled by default."""
    for key in keys:
        yield FleetSensorDescription(
            key=key,
            device_class=device_class,
            native_unit_of_measurement=unit,
            state_class=SensorStateClass.MEASUREMENT,
            suggested_display_precision=precision,
            entity_category=category,
            entity_registry_enabled_default=False,
        )


def _facts(*keys: str, options: Iterable[str] = ()) -> Iterable[FleetSensorDescription]:
    """Yield sensors of texts, or of a few choices, all disabled by default."""
    choices = list(options)
    for key in keys:
        yield FleetSensorDescription(
            key=key,
            device_class=SensorDeviceClass.ENUM if choices else None,
            options=choices or None,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        )


_VEHICLE_SENSORS = (
    FleetSensorDescription(
        key=OBD_SPEED,
        device_class=SensorDeviceClass.SPEED,
        native_unit_of_measurement=UnitOfSpeed.KILOMETERS_PER_HOUR,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key="coolant_temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    # The vehicle's own battery, which is the main one here.
    FleetSensorDescription(
        key=Reading.BATTERY_VOLTAGE,
        device_class=SensorDeviceClass.VOLTAGE,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
    ),
)

_SENSORS = (
    *_VEHICLE_SENSORS,
    # GNSS and motion
    *_facts(GNSS_FIX, options=FIXES.values()),
    *_measurements(None, PDOP, category=EntityCategory.DIAGNOSTIC, precision=1),
    *_measurements(STANDARD_GRAVITY, ACCELERATION, precision=2),
    *_measurements(DEGREES_PER_SECOND, ROTATION, precision=1),
    *_measurements(DEGREE, ROLL, PITCH, YAW, precision=1),
    # inputs
    *_measurements(
        UnitOfElectricPotential.VOLT,
        ANALOG_INPUT,
        device_class=SensorDeviceClass.VOLTAGE,
        precision=2,
    ),
    # OBD and J1939
    *_measurements(REVOLUTIONS_PER_MINUTE, ENGINE_SPEED, precision=0),
    *_measurements(
        PERCENTAGE,
        *("engine_load", "throttle_position", "accelerator_position"),
        *("friction_torque", "available_torque", "engine_torque"),
        *("exhaust_fluid_level", "exhaust_fluid_tank_level"),
        precision=0,
    ),
    *_measurements(NEWTON_METRES, "reference_torque", precision=0),
    *_measurements(LITRES_PER_HOUR, "fuel_rate", precision=1),
    *_measurements(KILOMETRES_PER_LITRE, "fuel_economy", precision=1),
    *_measurements(DEGREE, "steering_wheel_angle", precision=0),
    *_measurements(
        UnitOfTemperature.CELSIUS,
        *("ambient_temperature", "oil_temperature", "intake_temperature"),
        device_class=SensorDeviceClass.TEMPERATURE,
        precision=0,
    ),
    *_measurements(
        UnitOfPressure.KPA,
        *("fuel_pressure", "fuel_rail_pressure", "intake_pressure", "brake_pressure"),
        device_class=SensorDeviceClass.PRESSURE,
        precision=0,
    ),
    *_measurements(
        UnitOfPressure.KPA,
        "barometric_pressure",
        device_class=SensorDeviceClass.ATMOSPHERIC_PRESSURE,
        precision=0,
    ),
    *_measurements(
        UnitOfTime.SECONDS,
        "engine_run_time",
        device_class=SensorDeviceClass.DURATION,
        precision=0,
    ),
    *_measurements(
        UnitOfTime.MINUTES,
        *("time_with_malfunction", "time_since_cleared"),
        device_class=SensorDeviceClass.DURATION,
        precision=0,
    ),
    *_measurements(
        UnitOfLength.KILOMETERS,
        *("trip_distance", "distance_with_malfunction", "distance_since_cleared"),
        device_class=SensorDeviceClass.DISTANCE,
        precision=1,
    ),
    FleetSensorDescription(
        key="engine_hours",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.HOURS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    *_facts("obd_status"),
    # reception
    *_measurements(
        ARBITRARY_STRENGTH_UNIT, "signal_strength", category=EntityCategory.DIAGNOSTIC
    ),
    *_measurements(
        SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
        *("rssi", "rsrp"),
        device_class=SensorDeviceClass.SIGNAL_STRENGTH,
        category=EntityCategory.DIAGNOSTIC,
    ),
    *_measurements(
        SIGNAL_STRENGTH_DECIBELS,
        *("rsrq", "sinr"),
        device_class=SensorDeviceClass.SIGNAL_STRENGTH,
        category=EntityCategory.DIAGNOSTIC,
    ),
    *_facts("network_registration", options=REGISTRATIONS.values()),
    *_facts("network_type", options=NETWORKS.values()),
    *_facts("network_operator", "active_sim"),
    # what custom groups upload and the document does not know, named by its key
    FleetSensorDescription(key=CUSTOM, entity_registry_enabled_default=False),
)

ENTITIES = VendorEntities(
    # Newer firmware tells of other batteries beside the vehicle's own. Trouble codes are
    # events, and light the malfunction indicator.
    disabled=frozenset(
        {Reading.BATTERY, Reading.EXTERNAL_VOLTAGE, Reading.TROUBLE_CODES}
    ),
    sensors=_SENSORS,
    binary_sensors=(
        FleetBinarySensorDescription(
            key=MALFUNCTION_INDICATOR, device_class=BinarySensorDeviceClass.PROBLEM
        ),
        FleetBinarySensorDescription(
            key=Reading.ENGINE_CUT,
            translation_key="engine_cut_output",
            capability=commands.CAN_RESTORE,
            enabled_parts=1,
        ),
        FleetBinarySensorDescription(
            key=DIGITAL_INPUT, entity_registry_enabled_default=False
        ),
        FleetBinarySensorDescription(
            key="brake", entity_registry_enabled_default=False
        ),
        FleetBinarySensorDescription(
            key="parking_brake", entity_registry_enabled_default=False
        ),
    ),
    switches=(
        FleetSwitchDescription(
            key=OUTPUT,
            capability=OUTPUT,
            on_command=commands.TURN_ON_OUTPUT,
            off_command=commands.TURN_OFF_OUTPUT,
            # Nobody knows what is connected: areas and voice do not reach it.
            entity_category=EntityCategory.CONFIG,
            enabled_parts=1,
        ),
    ),
    numbers=(
        FleetNumberDescription(
            key=UPLOAD_INTERVAL,
            capability=UPLOAD_INTERVAL,
            command=commands.SET_UPLOAD_INTERVAL,
            # The document knows no way to read it.
            assumed_state=True,
            device_class=NumberDeviceClass.DURATION,
            native_unit_of_measurement=UnitOfTime.SECONDS,
            native_min_value=0,
            native_max_value=commands.LONGEST_INTERVAL,
            native_step=1,
            mode=NumberMode.BOX,
            entity_category=EntityCategory.CONFIG,
            entity_registry_enabled_default=False,
        ),
    ),
    buttons=(
        # An output that the user marked has these in place of its switch.
        *(
            replace(button, translation_key=f"{button.key}_output", enabled_parts=1)
            for button in engine_buttons(
                commands.TURN_ON_OUTPUT, commands.TURN_OFF_OUTPUT
            )
        ),
        FleetButtonDescription(
            key=commands.REFRESH_GROUP,
            capability=commands.REFRESH_GROUP,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
    ),
    events=(
        FleetEventDescription(
            key=OccurrenceKind.TROUBLE_CODE,
            capability=EVENTS,
            types=frozenset({OccurrenceType.TROUBLE_CODE, OccurrenceType.CLEARED}),
        ),
        FleetEventDescription(
            key=OccurrenceKind.ALARM,
            capability=EVENTS,
            types=frozenset({*TYPES.values(), OccurrenceType.CLEARED}),
        ),
        # The binary sensor says the same.
        FleetEventDescription(
            key=OccurrenceKind.IGNITION,
            capability=EVENTS,
            types=frozenset({*IGNITION_TYPES.values(), OccurrenceType.CLEARED}),
            entity_registry_enabled_default=False,
        ),
    ),
)
