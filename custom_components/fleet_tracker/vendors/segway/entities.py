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
from ...model.vehicle_kind import VehicleKind
from ...offer.descriptions import (
    BATTERY,
    REFRESH_BUTTON,
    FleetBinarySensorDescription,
    FleetButtonDescription,
    FleetEventDescription,
    FleetLockDescription,
    FleetSelectDescription,
    FleetSensorDescription,
    VendorEntities,
    releasing_button,
    stopping_button,
)
from .mapping import ALERTS, SPEED_MODES, Condition
from .vocabulary import RENTS, SegwayCapability, SegwayCommand, SegwayReading


def _button(
    key: str,
    capability: SegwayCapability,
    *,
    enabled: bool = False,
    category: EntityCategory | None = None,
    option: str | None = None,
) -> FleetButtonDescription:
    return FleetButtonDescription(
        key=key,
        capability=capability,
        entity_category=category,
        entity_registry_enabled_default=enabled,
        option=option,
    )


BUTTONS = (
    # Asks the vehicle itself where it is, which the common refresh button would not.
    FleetButtonDescription(
        key=REFRESH_BUTTON,
        command=SegwayCommand.REFRESH,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    # Beside the lock, for dashboards that want plain buttons.
    _button(SegwayCommand.LOCK, SegwayCapability.LOCK, enabled=True),
    _button(SegwayCommand.UNLOCK, SegwayCapability.LOCK, enabled=True),
    _button(SegwayCommand.OPEN_SADDLE, SegwayCapability.SADDLE),
    _button(SegwayCommand.OPEN_TAILBOX, SegwayCapability.TAILBOX),
    _button(SegwayCommand.OPEN_BATTERY_COVER, SegwayCapability.BATTERY_COVER),
    _button(SegwayCommand.SOUND_1, SegwayCapability.SOUND),
    _button(SegwayCommand.SOUND_2, SegwayCapability.SOUND, enabled=True),
    _button(SegwayCommand.SOUND_3, SegwayCapability.SOUND),
    # Nothing tells whether the throttle works.
    stopping_button(
        SegwayCommand.THROTTLE_OFF,
        SegwayCapability.THROTTLE,
        SegwayCommand.THROTTLE_OFF,
        enabled=False,
    ),
    releasing_button(
        SegwayCommand.THROTTLE_ON,
        SegwayCapability.THROTTLE,
        SegwayCommand.THROTTLE_ON,
        enabled=False,
    ),
    _button(SegwayCommand.START_RENTAL, SegwayCapability.RENTAL, option=RENTS),
    _button(SegwayCommand.END_RENTAL, SegwayCapability.RENTAL, option=RENTS),
)


def _part(
    key: str, device_class: BinarySensorDeviceClass | None = None
) -> FleetBinarySensorDescription:
    """Return what shows a part of a moped."""
    return FleetBinarySensorDescription(
        key=key,
        capability=SegwayCapability.EXTRA_STATUS,
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
    _alert(
        SegwayReading.ALERT_ILLEGAL_MOVEMENT,
        BinarySensorDeviceClass.SAFETY,
        enabled=True,
    ),
    _alert(SegwayReading.ALERT_FALLEN, BinarySensorDeviceClass.PROBLEM),
    _alert(SegwayReading.ALERT_TAMPERING, BinarySensorDeviceClass.TAMPER),
    _alert(SegwayReading.ALERT_BATTERY_REMOVED, BinarySensorDeviceClass.SAFETY),
    _alert(SegwayReading.ALERT_BATTERY_LOW, BinarySensorDeviceClass.BATTERY),
)


def _voltage(
    key: str, capability: SegwayCapability | None = None, *, decimals: int = 2
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
        capability=SegwayCapability.BATTERY_INFO,
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
        capability=SegwayCapability.EXTRA_STATUS,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
    )


SENSORS = (
    BATTERY,
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
        key=SegwayReading.SIGNAL,
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
    _voltage(SegwayReading.BATTERY_VOLTAGE, SegwayCapability.BATTERY_INFO, decimals=0),
    FleetSensorDescription(
        key=SegwayReading.CURRENT_POWER,
        capability=SegwayCapability.BATTERY_INFO,
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    _charge(SegwayReading.PACK_CHARGE),
    _voltage(SegwayReading.PACK_VOLTAGE, SegwayCapability.BATTERY_INFO, decimals=0),
    FleetSensorDescription(
        key=SegwayReading.PACK_CYCLES,
        capability=SegwayCapability.BATTERY_INFO,
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=SegwayReading.PACK_TEMPERATURE,
        capability=SegwayCapability.BATTERY_INFO,
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
)

ENTITIES = VendorEntities(
    # The cell of its module, beside the battery that drives it.
    disabled=frozenset(
        # *Activity* says the last ones too, and the lock whether it can be ridden.
        {
            Reading.TRACKER_BATTERY,
            Reading.IGNITION,
            Reading.MOVING,
            Reading.ONLINE,
        }
    ),
    kind=VehicleKind.MOPED,
    binary_sensors=BINARY_SENSORS,
    buttons=BUTTONS,
    sensors=SENSORS,
    locks=(
        FleetLockDescription(
            key=Reading.LOCKED,
            translation_key="vehicle",
            capability=SegwayCapability.LOCK,
            lock_command=SegwayCommand.LOCK,
            unlock_command=SegwayCommand.UNLOCK,
        ),
    ),
    selects=(
        FleetSelectDescription(
            key=SegwayReading.SPEED_MODE,
            capability=SegwayCapability.SPEED_MODE,
            command=SegwayCommand.SET_SPEED_MODE,
            entity_registry_enabled_default=False,
            options=list(SPEED_MODES),
        ),
    ),
    events=(
        FleetEventDescription(
            key=OccurrenceKind.ALARM,
            capability=SegwayCapability.EVENTS,
            types=frozenset(kind.type for kind in ALERTS.values())
            | {OccurrenceType.CLEARED},
        ),
        FleetEventDescription(
            key=OccurrenceKind.FAULT,
            capability=SegwayCapability.EVENTS,
            types=frozenset({OccurrenceType.TROUBLE_CODE, OccurrenceType.CLEARED}),
            entity_registry_enabled_default=False,
        ),
    ),
)
