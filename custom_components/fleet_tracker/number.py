"""Numbers: settings of a tracker with a range, and how often an account is polled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
import math
from typing import override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.const import EntityCategory, UnitOfTime

from .account.coordinator import FleetCoordinator
from .account.pace import Pace
from .account_entity import AccountDescription, AccountEntity
from .const import (
    CONF_DRIVING_INTERVAL,
    CONF_PARKED_INTERVAL,
    DRIVING_INTERVAL_LIMITS,
    PARKED_INTERVAL_LIMITS,
)
from .entity import FleetEntity, by_capability, entities_of
from .offer.descriptions import FleetNumberDescription
from .offer.errors import invalid

PARALLEL_UPDATES = 0


def _require_number(value: float) -> None:
    """Refuse NaN, which passes Home Assistant's check of the limits."""
    if math.isnan(value):
        raise invalid("invalid_fields", error=str(value))


class FleetNumber(FleetEntity, NumberEntity):
    """A number that shows what the vehicle confirmed."""

    entity_description: FleetNumberDescription

    @property
    @override
    def native_value(self) -> float | None:
        """The reading, None before anything said so."""
        value = self.reading_value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)

    @property
    @override
    def assumed_state(self) -> bool:
        """Whether nothing reads it back."""
        return self.entity_description.assumed_state

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Set it and return when the vehicle confirmed it."""
        _require_number(value)
        await self.async_carry_out(self.entity_description.command, {"value": value})


@dataclass(frozen=True, kw_only=True)
class PaceDescription(AccountDescription, NumberEntityDescription):
    """A number for one of the update intervals, in seconds."""

    seconds: Callable[[Pace], timedelta]
    changed: Callable[[Pace, timedelta], Pace]


def _interval(
    key: str,
    limits: tuple[int, int],
    seconds: Callable[[Pace], timedelta],
    changed: Callable[[Pace, timedelta], Pace],
) -> PaceDescription:
    lowest, highest = limits
    return PaceDescription(
        key=key,
        seconds=seconds,
        changed=changed,
        device_class=NumberDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        native_min_value=lowest,
        native_max_value=highest,
        native_step=1,
        mode=NumberMode.BOX,
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
    )


UPDATE_INTERVALS = (
    _interval(
        CONF_DRIVING_INTERVAL,
        DRIVING_INTERVAL_LIMITS,
        lambda pace: pace.driving,
        lambda pace, wanted: replace(pace, driving=wanted),
    ),
    _interval(
        CONF_PARKED_INTERVAL,
        PARKED_INTERVAL_LIMITS,
        lambda pace: pace.parked,
        lambda pace, wanted: replace(pace, parked=wanted),
    ),
)


class UpdateInterval(AccountEntity, NumberEntity):
    """An update interval that an automation can set: nothing is loaded anew.

    It holds until the intervals in the options change.
    """

    entity_description: PaceDescription

    @property
    @override
    def native_value(self) -> float:
        """The interval in seconds."""
        return self.entity_description.seconds(self.coordinator.pace).total_seconds()

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Poll at this pace from now on."""
        _require_number(value)
        await self.coordinator.async_set_pace(
            self.entity_description.changed(
                self.coordinator.pace, timedelta(seconds=value)
            )
        )
        self.async_write_ha_state()


def _update_intervals(coordinator: FleetCoordinator) -> list[UpdateInterval]:
    """Return the update intervals of an account, none where it is not polled."""
    if not coordinator.vendor.polls:
        return []
    return [UpdateInterval(coordinator, one) for one in UPDATE_INTERVALS]


async_setup_entry = entities_of(
    FleetNumber,
    (),
    lambda offered: offered.numbers,
    by_capability,
    of_account=_update_intervals,
)
