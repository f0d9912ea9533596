"""The services of vehicles: how often the user wants them, and when the last one was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..contract.connection import Memory
from ..model.json_values import as_number
from ..model.service import ServicePlan
from ..model.vehicle import Reading
from .fleet import Fleet
from .vehicle_settings import VehicleSettings

SERVICES = "services"
"""In the account's memory: the odometer in km and the time of each last service."""


class Maintenance:
    """The service plans of vehicles. A new plan counts from when it was made."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        memory: Memory,
        settings: Mapping[str, VehicleSettings],
        on_changed: Callable[[], None],
    ) -> None:
        """Initialize with the vehicles' settings, and the callback for a changed plan."""
        self._hass = hass
        self._entry = entry
        self._memory = memory
        self._settings = {
            vehicle_id: one
            for vehicle_id, one in settings.items()
            if one.service_distance is not None or one.service_months is not None
        }
        self._on_changed = on_changed
        self._fleet: Fleet | None = None
        self._waiting: dict[str, CALLBACK_TYPE] = {}

    def plan(self, vehicle_id: str) -> ServicePlan | None:
        """Return when a vehicle needs service, None if the user does not want to know."""
        if (settings := self._settings.get(vehicle_id)) is None:
            return None
        kilometres, done_at = self._last(vehicle_id)
        return ServicePlan(
            every_km=settings.service_distance,
            every_months=settings.service_months,
            done_km=kilometres,
            done_at=done_at,
        )

    def _last(self, vehicle_id: str) -> tuple[float | None, datetime | None]:
        stored = self._memory.get(SERVICES)
        last = stored.get(vehicle_id) if isinstance(stored, Mapping) else None
        if not isinstance(last, list | tuple) or len(last) != 2:
            return None, None
        kilometres, at = last
        done_at = dt_util.parse_datetime(at) if isinstance(at, str) else None
        return as_number(kilometres), done_at

    @callback
    def begin(self, fleet: Fleet) -> None:
        """Let plans that have no last service count from now, and from today's odometer."""
        self._fleet = fleet
        for vehicle_id in self._settings:
            kilometres, done_at = self._last(vehicle_id)
            if kilometres is None:
                listener = partial(self._on_odometer, vehicle_id)
                self._waiting[vehicle_id] = listener
                fleet.add_listener(vehicle_id, Reading.ODOMETER, listener)
                self._on_odometer(vehicle_id)
            if done_at is None:
                self._start(vehicle_id, kilometres, dt_util.utcnow())

    @callback
    def _on_odometer(self, vehicle_id: str) -> None:
        kilometres = self._odometer(vehicle_id)
        if kilometres is not None and vehicle_id in self._waiting:
            self._stop_waiting(vehicle_id)
            _, done_at = self._last(vehicle_id)
            self._start(vehicle_id, kilometres, done_at or dt_util.utcnow())

    def _start(
        self, vehicle_id: str, kilometres: float | None, done_at: datetime
    ) -> None:
        self._entry.async_create_background_task(
            self._hass,
            self._async_note(vehicle_id, kilometres, done_at),
            f"{DOMAIN} note service",
        )

    def _stop_waiting(self, vehicle_id: str) -> None:
        listener = self._waiting.pop(vehicle_id, None)
        if listener is not None and self._fleet is not None:
            self._fleet.remove_listener(vehicle_id, Reading.ODOMETER, listener)

    def _odometer(self, vehicle_id: str) -> float | None:
        vehicle = None if self._fleet is None else self._fleet.get(vehicle_id)
        odometer = None if vehicle is None else vehicle.readings.get(Reading.ODOMETER)
        return float(odometer) if isinstance(odometer, int | float) else None

    async def async_done(self, vehicle_id: str) -> None:
        """Note that a vehicle had its service now; it is stored when this returns."""
        self._stop_waiting(vehicle_id)
        kilometres = self._odometer(vehicle_id)
        await self._async_note(vehicle_id, kilometres, dt_util.utcnow())

    async def _async_note(
        self, vehicle_id: str, kilometres: float | None, done_at: datetime
    ) -> None:
        stored = self._memory.get(SERVICES)
        services = dict(stored) if isinstance(stored, Mapping) else {}
        held = self._last(vehicle_id)[0]
        services[vehicle_id] = [
            held if kilometres is None else kilometres,
            done_at.isoformat(),
        ]
        await self._memory.put(SERVICES, services)
        self._on_changed()
        if self._fleet is not None:
            self._fleet.refresh([vehicle_id])
