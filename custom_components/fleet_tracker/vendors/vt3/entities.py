"""The entities of a VT3 tracker beside the common ones.

At most 18 are enabled: the common ones, three values of the vehicle, the check engine light,
the first output, the buttons that cut and restore the engine, alarms and trouble codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass, NumberMode
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    DEGREE,
    PERCENTAGE,
    SIGNAL_STRENGTH_DECIBELS,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    EntityCategory,
    UnitOfElectricPotential,
    UnitOfLength,
    UnitOfPressure,
    UnitOfTemperature,
    UnitOfTime,
)

from ...model.vehicle import Capability, OccurrenceKind, OccurrenceType, Reading
from ...offer.descriptions import (
    REFRESH_BUTTON,
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
from .parameters import FIXES, NETWORKS, REGISTRATIONS, SYSINFO, UPLOADED_GROUPS
from .vocabulary import Vt3Capability, Vt3Command, Vt3Reading

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


_SENSORS = (
    # GNSS and motion
    *_facts(Vt3Reading.GNSS_FIX, options=FIXES.values()),
    *_measurements(
        None, Vt3Reading.PDOP, category=EntityCategory.DIAGNOSTIC, precision=1
    ),
    *_measurements(STANDARD_GRAVITY, Vt3Reading.ACCELERATION, precision=2),
    *_measurements(DEGREES_PER_SECOND, Vt3Reading.ROTATION, precision=1),
    *_measurements(
        DEGREE, Vt3Reading.ROLL, Vt3Reading.PITCH, Vt3Reading.YAW, precision=1
    ),
    # inputs
    *_measurements(
        UnitOfElectricPotential.VOLT,
        Vt3Reading.ANALOG_INPUT,
        device_class=SensorDeviceClass.VOLTAGE,
        precision=2,
    ),
    # OBD and J1939
    *_measurements(
        PERCENTAGE,
        Vt3Reading.ACCELERATOR_POSITION,
        *(
            Vt3Reading.FRICTION_TORQUE,
            Vt3Reading.AVAILABLE_TORQUE,
            Vt3Reading.ENGINE_TORQUE,
        ),
        *(Vt3Reading.EXHAUST_FLUID_LEVEL, Vt3Reading.EXHAUST_FLUID_TANK_LEVEL),
        precision=0,
    ),
    *_measurements(NEWTON_METRES, Vt3Reading.REFERENCE_TORQUE, precision=0),
    *_measurements(LITRES_PER_HOUR, Vt3Reading.FUEL_RATE, precision=1),
    *_measurements(KILOMETRES_PER_LITRE, Vt3Reading.FUEL_ECONOMY, precision=1),
    *_measurements(DEGREE, Vt3Reading.STEERING_WHEEL_ANGLE, precision=0),
    *_measurements(
        UnitOfTemperature.CELSIUS,
        *(
            Vt3Reading.AMBIENT_TEMPERATURE,
            Vt3Reading.OIL_TEMPERATURE,
            Vt3Reading.INTAKE_TEMPERATURE,
        ),
        device_class=SensorDeviceClass.TEMPERATURE,
        precision=0,
    ),
    *_measurements(
        UnitOfPressure.KPA,
        *(
            Vt3Reading.FUEL_PRESSURE,
            Vt3Reading.FUEL_RAIL_PRESSURE,
            Vt3Reading.BRAKE_PRESSURE,
        ),
        device_class=SensorDeviceClass.PRESSURE,
        precision=0,
    ),
    *_measurements(
        UnitOfPressure.KPA,
        Vt3Reading.BAROMETRIC_PRESSURE,
        device_class=SensorDeviceClass.ATMOSPHERIC_PRESSURE,
        precision=0,
    ),
    *_measurements(
        UnitOfTime.SECONDS,
        Vt3Reading.ENGINE_RUN_TIME,
        device_class=SensorDeviceClass.DURATION,
        precision=0,
    ),
    *_measurements(
        UnitOfTime.MINUTES,
        *(Vt3Reading.TIME_WITH_MALFUNCTION, Vt3Reading.TIME_SINCE_CLEARED),
        device_class=SensorDeviceClass.DURATION,
        precision=0,
    ),
    *_measurements(
        UnitOfLength.KILOMETERS,
        *(
            Vt3Reading.TRIP_METER,
            Vt3Reading.DISTANCE_WITH_MALFUNCTION,
            Vt3Reading.DISTANCE_SINCE_CLEARED,
        ),
        device_class=SensorDeviceClass.DISTANCE,
        precision=1,
    ),
    FleetSensorDescription(
        key=Vt3Reading.ENGINE_HOURS,
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.HOURS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    *_facts(Vt3Reading.OBD_STATUS),
    # reception
    *_measurements(
        ARBITRARY_STRENGTH_UNIT,
        Vt3Reading.SIGNAL_STRENGTH,
        category=EntityCategory.DIAGNOSTIC,
    ),
    *_measurements(
        SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
        *(Vt3Reading.RSSI, Vt3Reading.RSRP),
        device_class=SensorDeviceClass.SIGNAL_STRENGTH,
        category=EntityCategory.DIAGNOSTIC,
    ),
    *_measurements(
        SIGNAL_STRENGTH_DECIBELS,
        *(Vt3Reading.RSRQ, Vt3Reading.SINR),
        device_class=SensorDeviceClass.SIGNAL_STRENGTH,
        category=EntityCategory.DIAGNOSTIC,
    ),
    *_facts(Vt3Reading.NETWORK_REGISTRATION, options=REGISTRATIONS.values()),
    *_facts(Vt3Reading.NETWORK_TYPE, options=NETWORKS.values()),
    *_facts(Vt3Reading.NETWORK_OPERATOR, Vt3Reading.ACTIVE_SIM),
    # what custom groups upload and the document does not know, named by its key
    FleetSensorDescription(
        key=Vt3Reading.CUSTOM, entity_registry_enabled_default=False
    ),
)

ENTITIES = VendorEntities(
    # Newer firmware tells of other batteries beside the vehicle's own. Trouble codes are
    # events, and light the malfunction indicator.
    enabled=frozenset({Reading.OBD_SPEED}),
    disabled_beside=MappingProxyType({Reading.OBD_SPEED: Reading.SPEED}),
    disabled=frozenset(
        {
            REFRESH_BUTTON,
            Reading.TRACKER_BATTERY,
            Reading.TROUBLE_CODES,
            # What *Activity* says too.
            Reading.MOVING,
        }
    ),
    sensors=_SENSORS,
    binary_sensors=(
        FleetBinarySensorDescription(
            key=Vt3Reading.MALFUNCTION_INDICATOR,
            device_class=BinarySensorDeviceClass.PROBLEM,
        ),
        FleetBinarySensorDescription(
            key=Reading.ENGINE_CUT,
            translation_key="engine_cut_output",
            capability=Capability.RESTORE_ENGINE,
            enabled_parts=1,
        ),
        FleetBinarySensorDescription(
            key=Vt3Reading.DIGITAL_INPUT, entity_registry_enabled_default=False
        ),
        FleetBinarySensorDescription(
            key=Vt3Reading.BRAKE, entity_registry_enabled_default=False
        ),
        FleetBinarySensorDescription(
            key=Vt3Reading.PARKING_BRAKE, entity_registry_enabled_default=False
        ),
    ),
    switches=(
        FleetSwitchDescription(
            key=Vt3Reading.OUTPUT,
            capability=Vt3Capability.OUTPUT,
            on_command=Vt3Command.TURN_ON_OUTPUT,
            off_command=Vt3Command.TURN_OFF_OUTPUT,
            # Nobody knows what is connected: areas and voice do not reach it.
            entity_category=EntityCategory.CONFIG,
            enabled_parts=1,
            disabled_beside=Capability.CUT_ENGINE,
        ),
    ),
    numbers=(
        FleetNumberDescription(
            key=Vt3Reading.UPLOAD_INTERVAL,
            capability=Vt3Capability.UPLOAD_INTERVAL,
            worded_parts=frozenset(UPLOADED_GROUPS),
            command=Vt3Command.SET_UPLOAD_INTERVAL,
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
                Vt3Command.TURN_ON_OUTPUT, Vt3Command.TURN_OFF_OUTPUT
            )
        ),
        FleetButtonDescription(
            key=Vt3Command.REFRESH_GROUP,
            capability=Vt3Capability.REFRESH_GROUP,
            worded_parts=frozenset({*UPLOADED_GROUPS, SYSINFO}),
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
    ),
    events=(
        FleetEventDescription(
            key=OccurrenceKind.TROUBLE_CODE,
            capability=Capability.EVENTS,
            types=frozenset({OccurrenceType.TROUBLE_CODE, OccurrenceType.CLEARED}),
        ),
        FleetEventDescription(
            key=OccurrenceKind.ALARM,
            capability=Capability.EVENTS,
            types=frozenset({*TYPES.values(), OccurrenceType.CLEARED}),
        ),
        # The binary sensor says the same.
        FleetEventDescription(
            key=OccurrenceKind.IGNITION,
            capability=Capability.EVENTS,
            types=frozenset({*IGNITION_TYPES.values(), OccurrenceType.CLEARED}),
            entity_registry_enabled_default=False,
        ),
    ),
)
