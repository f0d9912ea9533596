"""The sensors of an account's own device: what its vehicles do in all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import UnitOfLength
from homeassistant.core import CALLBACK_TYPE, HassJob, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.restore_state import RestoredExtraData, RestoreEntity
from homeassistant.util import dt as dt_util

from .account.clock_times import async_each_day
from .account.coordinator import FleetCoordinator
from .account.totals import Totals
from .account_entity import AccountDescription, AccountEntity

# Of all vehicles of an account
DISTANCE_OF_VEHICLES = "vehicles_distance_today"
ALARMS_OF_VEHICLES = "alarms_today"


@dataclass(frozen=True, kw_only=True)
class AccountSensorDescription(AccountDescription, SensorEntityDescription):
    """A sensor of an account, and how often it is written at most."""

    total: Callable[[Totals], float]
    step: timedelta = timedelta(minutes=1)


def _of_vehicles(key: str, total: Callable[[Totals], int]) -> AccountSensorDescription:
    return AccountSensorDescription(
        key=key, total=total, state_class=SensorStateClass.MEASUREMENT
    )


DESCRIPTIONS = (
    _of_vehicles("vehicles", lambda totals: totals.vehicles),
    _of_vehicles("vehicles_driving", lambda totals: totals.driving),
    _of_vehicles("vehicles_offline", lambda totals: totals.offline),
    AccountSensorDescription(
        key=DISTANCE_OF_VEHICLES,
        total=lambda totals: totals.metres / 1000,
        step=timedelta(minutes=5),
        device_class=SensorDeviceClass.DISTANCE,
        native_unit_of_measurement=UnitOfLength.KILOMETERS,
        # A correction, or a vehicle that is removed, makes the total smaller.
        state_class=SensorStateClass.TOTAL,
        suggested_display_precision=1,
    ),
)
ALARMS_TODAY = AccountSensorDescription(
    key=ALARMS_OF_VEHICLES,
    total=lambda totals: totals.alarms,
    step=timedelta(seconds=10),
    state_class=SensorStateClass.TOTAL,
)


class AccountSensor(AccountEntity, SensorEntity):
    """A sensor that shows a total of an account.

    A change is shown at once, and those that follow soon after it when its step is over.
    """

    entity_description: AccountSensorDescription

    def __init__(
        self, coordinator: FleetCoordinator, description: AccountSensorDescription
    ) -> None:
        """Initialize, not yet shown."""
        super().__init__(coordinator, description)
        self._totals = coordinator.fleet.totals
        self._written_at = dt_util.utcnow()
        self._shown_day = self._totals.day_began
        self._cancel_write: CALLBACK_TYPE | None = None

    @property
    @override
    def native_value(self) -> float:
        """The total now."""
        return self.entity_description.total(self._totals)

    @property
    @override
    def last_reset(self) -> datetime | None:
        """The last local midnight, for a total of the day."""
        if self.entity_description.state_class is SensorStateClass.TOTAL:
            return self._totals.day_began
        return None

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the totals."""
        await super().async_added_to_hass()
        self._attr_native_value = self.native_value
        self._written_at = dt_util.utcnow()
        self.async_on_remove(self._totals.add_listener(self._on_change))
        self.async_on_remove(self._cancel)

    @callback
    def _on_change(self) -> None:
        """Show a change, now or when the step is over. Midnight is shown at once."""
        if self._totals.day_began != self._shown_day:
            self._write()
        elif (
            self._cancel_write is None and self.native_value != self._attr_native_value
        ):
            step = self.entity_description.step
            since = dt_util.utcnow() - self._written_at
            if not timedelta() <= since < step:
                self._write()
                return
            self._cancel_write = async_call_later(
                self.hass,
                (step - since).total_seconds(),
                HassJob(self._on_timer, cancel_on_shutdown=True),
            )

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self._cancel_write = None
        self._write()

    @callback
    def _write(self) -> None:
        self._cancel()
        self._written_at = dt_util.utcnow()
        self._shown_day = self._totals.day_began
        self._attr_native_value = self.native_value
        self.async_write_ha_state()

    @callback
    def _cancel(self) -> None:
        if self._cancel_write is not None:
            self._cancel_write()
            self._cancel_write = None


class AlarmsToday(AccountSensor, RestoreEntity):
    """How many alarms there were today, those before a restart among them."""

    @property
    @override
    def extra_restore_state_data(self) -> RestoredExtraData:
        """What is kept over a restart."""
        totals = self._totals
        return RestoredExtraData(
            {"count": totals.alarms, "day_began": totals.day_began.isoformat()}
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Count on from where it was."""
        if (kept := await self.async_get_last_extra_data()) is not None:
            match kept.as_dict():
                case {"count": int() as count, "day_began": str() as day_began}:
                    began = dt_util.parse_datetime(day_began)
                    if began is not None:
                        self._totals.recall_alarms(count, began)
        await super().async_added_to_hass()


@callback
def account_sensors(coordinator: FleetCoordinator) -> list[AccountSensor]:
    """Return the sensors of an account, not yet added. They begin a day at midnight."""
    coordinator.config_entry.async_on_unload(
        async_each_day(coordinator.hass, coordinator.fleet.begin_day)
    )
    return [
        *(AccountSensor(coordinator, one) for one in DESCRIPTIONS),
        AlarmsToday(coordinator, ALARMS_TODAY),
    ]
