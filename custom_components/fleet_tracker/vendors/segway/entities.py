"""The entities of a Segway vehicle beside the common ones.

At most 18 entities of a vehicle are enabled, so that what is rarely looked at is not.
"""

from __future__ import annotations

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfElectricPotential,
    UnitOfLength,
    UnitOfPower,
    UnitOfTemperature,
    UnitOfTime,
)

from ...model.vehicle import OccurrenceKind, OccurrenceType, Reading
from ...offer.descriptions import (
    FleetBinarySensorDescription,
    FleetButtonDescription,
    FleetEventDescription,
    FleetLockDescription,
    FleetSelectDescription,
    FleetSensorDescription,
    FleetTrackerDescription,
    VendorEntities,
    releasing_button,
    stopping_button,
)
from . import commands
from .commands import Capability
from .mapping import ALERTS, SPEED_MODES, Condition, SegwayReading


def _button(
    key: str,
    capability: Capability,
    *,
    enabled: bool = False,
    category: EntityCategory | None = None,
) -> FleetButtonDescription:
    return FleetButtonDescription(
        key=key,
        capability=capability,
        entity_category=category,
        entity_registry_enabled_default=enabled,
    )


BUTTONS = (
    # Asks the vehicle itself where it is, which the common refresh button would not.
    FleetButtonDescription(
        key="refresh",
        command=commands.REFRESH,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    # Beside the lock, for dashboards that want plain buttons.
    _button(commands.LOCK, Capability.LOCK, enabled=True),
    _button(commands.UNLOCK, Capability.LOCK, enabled=True),
    _button(commands.OPEN_SADDLE, Capability.SADDLE, enabled=True),
    _button(commands.OPEN_TAILBOX, Capability.TAILBOX),
    _button(commands.OPEN_BATTERY_COVER, Capability.BATTERY_COVER),
    _button(commands.SOUND_1, Capability.SOUND),
    _button(commands.SOUND_2, Capability.SOUND, enabled=True),
    _button(commands.SOUND_3, Capability.SOUND),
    # Nothing tells whether the throttle works.
    stopping_button(
        commands.THROTTLE_OFF,
        Capability.THROTTLE,
        commands.THROTTLE_OFF,
        enabled=False,
    ),
    releasing_button(
        commands.THROTTLE_ON, Capability.THROTTLE, commands.THROTTLE_ON, enabled=False
    ),
    _button(commands.START_RENTAL, Capability.RENTAL),
    _button(commands.END_RENTAL, Capability.RENTAL),
)


def _part(
    key: str, device_class: BinarySensorDeviceClass | None = None
) -> FleetBinarySensorDescription:
    """Return what shows a part of a moped."""
    return FleetBinarySensorDescription(
        key=key,
        capability=Capability.EXTRA_STATUS,
        device_class=device_class,
        entity_registry_enabled_default=False,
    )


def _alert(
    key: str, device_class: BinarySensorDeviceClass, *, enabled: bool = False
) -> FleetBinarySensorDescription:
    """Return what shows an alert, from the first time that it was raised."""
    return FleetBinarySensorDescription(
        key=key,
        device_class=device_class,
        entity_registry_enabled_default=enabled,
    )


BINARY_SENSORS = (
    _part(SegwayReading.RIDER_SEATED, BinarySensorDeviceClass.OCCUPANCY),
    _part(SegwayReading.CRUISE),
    _part(SegwayReading.SADDLE_UNLOCKED, BinarySensorDeviceClass.LOCK),
    _part(SegwayReading.TAILBOX_UNLOCKED, BinarySensorDeviceClass.LOCK),
    _part(SegwayReading.HANDLEBAR_UNLOCKED, BinarySensorDeviceClass.LOCK),
    _part(SegwayReading.KICKSTAND_OPEN, BinarySensorDeviceClass.OPENING),
    FleetBinarySensorDescription(
        key=SegwayReading.PROBLEM, device_class=BinarySensorDeviceClass.PROBLEM
    ),
    _alert("alert_illegal_movement", BinarySensorDeviceClass.PROBLEM, enabled=True),
    _alert("alert_fallen", BinarySensorDeviceClass.PROBLEM),
    _alert("alert_tampering", BinarySensorDeviceClass.TAMPER),
    _alert("alert_battery_removed", BinarySensorDeviceClass.PROBLEM),
    _alert("alert_battery_low", BinarySensorDeviceClass.BATTERY),
)


def _voltage(
    key: str, capability: Capability | None = None, *, decimals: int = 2
) -> FleetSensorDescription:
    return FleetSensorDescription(
        key=key,
        capability=capability,
        device_class=SensorDeviceClass.VOLTAGE,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=decimals,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    )


def _charge(key: str) -> FleetSensorDescription:
    return FleetSensorDescription(
        key=key,
        capability=Capability.BATTERY_INFO,
        device_class=SensorDeviceClass.BATTERY,
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    )


def _helmets(key: str) -> FleetSensorDescription:
    return FleetSensorDescription(
        key=key,
        capability=Capability.EXTRA_STATUS,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
    )


SENSORS = (
    FleetSensorDescription(
        key=SegwayReading.REMAINING_RANGE,
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.KILOMETERS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
    ),
    FleetSensorDescription(
        key=SegwayReading.RIDING_TIME,
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=1,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.SIGNAL,
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=SegwayReading.CONDITION,
        device_class=SensorDeviceClass.ENUM,
        options=[condition.value for condition in Condition],
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    _helmets(SegwayReading.SEAT_CASK_HELMETS),
    _helmets(SegwayReading.TAILBOX_HELMETS),
    _voltage(SegwayReading.LOCK_VOLTAGE),
    _voltage(SegwayReading.DRIVING_VOLTAGE, Capability.BATTERY_INFO, decimals=0),
    FleetSensorDescription(
        key=SegwayReading.CURRENT_POWER,
        capability=Capability.BATTERY_INFO,
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    _charge(SegwayReading.IOT_BATTERY),
    _voltage(SegwayReading.IOT_VOLTAGE, Capability.BATTERY_INFO),
    _charge(SegwayReading.PACK_CHARGE),
    _voltage(SegwayReading.PACK_VOLTAGE, Capability.BATTERY_INFO, decimals=0),
    FleetSensorDescription(
        key=SegwayReading.PACK_CYCLES,
        capability=Capability.BATTERY_INFO,
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=SegwayReading.PACK_TEMPERATURE,
        capability=Capability.BATTERY_INFO,
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
)

ENTITIES = VendorEntities(
    disabled=frozenset({Reading.CHARGING, Reading.SPEED}),
    binary_sensors=BINARY_SENSORS,
    buttons=BUTTONS,
    sensors=SENSORS,
    trackers=(FleetTrackerDescription(key=Reading.POSITION, translation_key="moped"),),
    locks=(
        FleetLockDescription(
            key=Reading.LOCKED,
            translation_key="vehicle",
            capability=Capability.LOCK,
            lock_command=commands.LOCK,
            unlock_command=commands.UNLOCK,
        ),
    ),
    selects=(
        FleetSelectDescription(
            key=SegwayReading.SPEED_MODE,
            capability=Capability.SPEED_MODE,
            command=commands.SET_SPEED_MODE,
            options=list(SPEED_MODES),
        ),
    ),
    events=(
        FleetEventDescription(
            key=OccurrenceKind.ALARM,
            capability=Capability.EVENTS,
            types=frozenset(kind.type for kind in ALERTS.values())
            | {OccurrenceType.CLEARED},
        ),
        FleetEventDescription(
            key=OccurrenceKind.FAULT,
            capability=Capability.EVENTS,
            types=frozenset({OccurrenceType.TROUBLE_CODE, OccurrenceType.CLEARED}),
            entity_registry_enabled_default=False,
        ),
    ),
)
