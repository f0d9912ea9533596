"""Sensors: the readings that several vendors share, and those that the vendor adds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.const import (
    DEGREE,
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

from .account.coordinator import FleetCoordinator
from .account_sensors import account_sensors
from .const import ATTR_LAST_ACTIVITY
from .entity import FleetEntity, entities_of
from .model.readings import kind_of
from .model.vehicle import Activity, FixKind, Reading
from .offer.descriptions import FleetDescription, FleetSensorDescription

PARALLEL_UPDATES = 0

ON_THE_WAY = frozenset({Activity.DRIVING, Activity.IDLING, Activity.TOWED})


LITERS_PER_100_KM = "L/100 km"

COMMON = (
    FleetSensorDescription(
        key=Reading.SPEED,
        device_class=SensorDeviceClass.SPEED,
        native_unit_of_measurement=UnitOfSpeed.KILOMETERS_PER_HOUR,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
    ),
    FleetSensorDescription(
        key=Reading.COURSE,
        state_class=SensorStateClass.MEASUREMENT_ANGLE,
        native_unit_of_measurement=DEGREE,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.ALTITUDE,
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.METERS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.ODOMETER,
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.KILOMETERS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
    ),
    FleetSensorDescription(
        key=Reading.DISTANCE_TODAY,
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.KILOMETERS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=1,
    ),
    FleetSensorDescription(
        key=Reading.ACTIVITY,
        device_class=SensorDeviceClass.ENUM,
        options=[one.value for one in Activity],
    ),
    FleetSensorDescription(
        key=Reading.LAST_TRIP_DISTANCE,
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.KILOMETERS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
    ),
    *(
        FleetSensorDescription(
            key=key,
            device_class=SensorDeviceClass.DURATION,
            native_unit_of_measurement=UnitOfTime.SECONDS,
            suggested_unit_of_measurement=UnitOfTime.MINUTES,
            state_class=SensorStateClass.MEASUREMENT,
            suggested_display_precision=1,
            entity_registry_enabled_default=False,
        )
        for key in (Reading.LAST_TRIP_DURATION, Reading.LAST_TRIP_IDLE_TIME)
    ),
    *(
        FleetSensorDescription(
            key=key,
            device_class=SensorDeviceClass.SPEED,
            native_unit_of_measurement=UnitOfSpeed.KILOMETERS_PER_HOUR,
            state_class=SensorStateClass.MEASUREMENT,
            suggested_display_precision=0,
            entity_registry_enabled_default=False,
        )
        for key in (Reading.LAST_TRIP_AVERAGE_SPEED, Reading.LAST_TRIP_TOP_SPEED)
    ),
    FleetSensorDescription(
        key=Reading.LAST_TRIP_CONSUMPTION,
        native_unit_of_measurement=UnitOfVolume.LITERS,
        device_class=SensorDeviceClass.VOLUME,
        suggested_display_precision=1,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.CONSUMPTION_SINCE_REFUEL,
        native_unit_of_measurement=LITERS_PER_100_KM,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.LAST_TRIP_ENDED,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.VEHICLE_VOLTAGE,
        device_class=SensorDeviceClass.VOLTAGE,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
    ),
    FleetSensorDescription(
        key=Reading.TRACKER_BATTERY,
        # Lists of batteries would be full of cells that the vehicle charges.
        disabled_beside=Reading.VEHICLE_VOLTAGE,
        device_class=SensorDeviceClass.BATTERY,
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    FleetSensorDescription(
        key=Reading.TRACKER_VOLTAGE,
        device_class=SensorDeviceClass.VOLTAGE,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.FUEL,
        device_class=SensorDeviceClass.VOLUME_STORAGE,
        native_unit_of_measurement=UnitOfVolume.LITERS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
    ),
    FleetSensorDescription(
        key=Reading.FUEL_LEVEL,
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
    ),
    FleetSensorDescription(
        key=Reading.TEMPERATURE,
        enabled_parts=2,
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
    ),
    FleetSensorDescription(
        key=Reading.HUMIDITY,
        device_class=SensorDeviceClass.HUMIDITY,
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
    ),
    FleetSensorDescription(
        key=Reading.OBD_SPEED,
        device_class=SensorDeviceClass.SPEED,
        native_unit_of_measurement=UnitOfSpeed.KILOMETERS_PER_HOUR,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.ENGINE_SPEED,
        native_unit_of_measurement=REVOLUTIONS_PER_MINUTE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    *(
        FleetSensorDescription(
            key=key,
            native_unit_of_measurement=PERCENTAGE,
            state_class=SensorStateClass.MEASUREMENT,
            suggested_display_precision=0,
            entity_registry_enabled_default=False,
        )
        for key in (Reading.ENGINE_LOAD, Reading.THROTTLE_POSITION)
    ),
    FleetSensorDescription(
        key=Reading.COOLANT_TEMPERATURE,
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.INTAKE_PRESSURE,
        device_class=SensorDeviceClass.PRESSURE,
        native_unit_of_measurement=UnitOfPressure.KPA,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.SATELLITES,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.HDOP,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.FIX_KIND,
        device_class=SensorDeviceClass.ENUM,
        options=[kind.value for kind in FixKind],
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.TROUBLE_CODES,
        state_class=SensorStateClass.MEASUREMENT,
    ),
    FleetSensorDescription(
        key=Reading.IGNITION_CHANGED_AT,
        device_class=SensorDeviceClass.TIMESTAMP,
    ),
    FleetSensorDescription(
        key=Reading.LAST_FIX,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    FleetSensorDescription(
        key=Reading.LAST_CONTACT,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    FleetSensorDescription(
        key=Reading.DISTANCE_TO_SERVICE,
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.KILOMETERS,
        suggested_display_precision=0,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.NEXT_SERVICE,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.SERVICE_EXPIRES,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.DRIVER_NAME, entity_registry_enabled_default=False
    ),
    FleetSensorDescription(key=Reading.ADDRESS, entity_registry_enabled_default=False),
    FleetSensorDescription(
        key=Reading.VIN,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.SIM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    FleetSensorDescription(
        key=Reading.ICCID,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
)


class FleetSensor(FleetEntity, SensorEntity):
    """A sensor that shows a reading."""

    entity_description: FleetSensorDescription

    @override
    def __init__(
        self,
        coordinator: FleetCoordinator,
        vehicle_id: str,
        description: FleetDescription,
        reading: str,
    ) -> None:
        """Initialize with the reading and how exactly it is measured."""
        super().__init__(coordinator, vehicle_id, description, reading)
        kind = kind_of(reading)
        self._decimals = kind.decimals
        self._step = kind.step
        self._shown: float | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the reading, and to when the vehicle is no longer on the way."""
        await super().async_added_to_hass()
        if self._step:
            self.coordinator.fleet.add_listener(
                self.vehicle_id, Reading.ACTIVITY, self._on_change
            )

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Listen no longer."""
        if self._step:
            self.coordinator.fleet.remove_listener(
                self.vehicle_id, Reading.ACTIVITY, self._on_change
            )
        await super().async_will_remove_from_hass()

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, str] | None:
        """What an offline vehicle did when it was last heard of, beside its activity.

        Triggers tell by it whether it drives again or drove all the time.
        """
        if self.reading != Reading.ACTIVITY or self.native_value != Activity.OFFLINE:
            return None
        last = self.vehicle.last_activity
        return None if last is None else {ATTR_LAST_ACTIVITY: last.value}

    @property
    @override
    def native_value(self) -> int | float | str | datetime | None:
        """The reading in the native unit, as exactly as it was measured.

        On the way a counter steps; as soon as the vehicle is parked it is exact.
        """
        value = self.reading_value
        if isinstance(value, float):
            value = round(value, self._decimals)
        if not self._step or not isinstance(value, int | float):
            return value
        shown = self._shown
        if shown is None or not (
            0 <= value - shown < self._step and self._is_on_the_way
        ):
            shown = self._shown = value
        return shown

    @property
    def _is_on_the_way(self) -> bool:
        vehicle = self.coordinator.vehicle(self.vehicle_id)
        return (
            vehicle is not None and vehicle.readings.get(Reading.ACTIVITY) in ON_THE_WAY
        )


async_setup_entry = entities_of(
    FleetSensor,
    COMMON,
    lambda offered: offered.sensors,
    of_account=account_sensors,
)
