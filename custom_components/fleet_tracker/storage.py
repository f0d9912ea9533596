"""What outlives a restart: the last known vehicles, and the facts of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.json import json_dumps
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.json import json_loads_object

from .const import DOMAIN, LOGGER
from .models import (
    FixKind,
    OccurrenceKind,
    OdometerDrop,
    Position,
    ReadingGroup,
    Value,
    Vehicle,
    VehicleDetails,
)
from .vendor import Json, Memory

VERSION = 1
SAVE_INTERVAL = timedelta(minutes=5)
SLICE = 10
"""Vehicles that are read or written before the event loop gets its turn."""


class EntryMemory(Memory):
    """Tokens, quotas, cursors and learned refusals of a config entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file; `async_load` reads it."""
        self._store: Store[dict[str, Json]] = Store(
            hass, VERSION, f"{DOMAIN}.{entry_id}.memory", private=True
        )
        self._facts: dict[str, Json] = {}
        self._is_closed = False

    async def async_load(self) -> None:
        """Read what was kept."""
        self._facts = await self._store.async_load() or {}

    def get(self, key: str) -> Json:
        """Return what was put under the key, None before."""
        return self._facts.get(key)

    async def put(self, key: str, value: Json) -> None:
        """Keep a value; it is on disk when this returns."""
        if self._is_closed or self._facts.get(key) == value:
            return
        self._facts[key] = value
        await self._store.async_save(dict(self._facts))

    @callback
    def close(self) -> None:
        """Keep nothing from now on: the file belongs to the next one, or is removed."""
        self._is_closed = True


class VehicleStore:
    """The last known vehicles of a config entry, written at most every 5 minutes."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry_id: str,
        vehicles: Callable[[], Mapping[str, Vehicle]],
    ) -> None:
        """Take where to ask for the vehicles when it is time to write them."""
        self._hass = hass
        self._store: Store[dict[str, Any]] = Store(
            hass, VERSION, f"{DOMAIN}.{entry_id}.vehicles", private=True
        )
        self._vehicles = vehicles
        self._cancel_save: CALLBACK_TYPE | None = None
        self._writing = asyncio.Lock()

    async def async_load(self) -> list[Vehicle]:
        """Return the vehicles as they were when last written, a slice at a time."""
        stored = await self._store.async_load() or {}
        vehicles = []
        unreadable = 0
        for number, record in enumerate(stored.get("vehicles", ()), start=1):
            try:
                vehicles.append(vehicle_from_json(json_loads_object(record)))
            except (KeyError, TypeError, ValueError):
                unreadable += 1
            if number % SLICE == 0:
                await asyncio.sleep(0)
        if unreadable:
            LOGGER.warning(
                "What was kept of %d vehicles cannot be read and is forgotten",
                unreadable,
            )
        return vehicles

    @callback
    def async_schedule_save(self) -> None:
        """Write within 5 minutes, unless that is planned already."""
        if self._cancel_save is None:
            self._cancel_save = async_call_later(
                self._hass, SAVE_INTERVAL, HassJob(self._async_on_timer)
            )

    async def _async_on_timer(self, _now: datetime) -> None:
        self._cancel_save = None
        await self._async_save()

    async def async_save_pending(self) -> None:
        """Write now what would be written within 5 minutes.

        Nothing is being written any more when this returns: what comes next may be that
        the file is removed.
        """
        async with self._writing:
            pass
        if self._cancel_save is not None:
            self._cancel_save()
            self._cancel_save = None
            await self._async_save()

    async def _async_save(self) -> None:
        """Write the vehicles, a slice at a time."""
        async with self._writing:
            records = []
            for number, vehicle in enumerate(list(self._vehicles().values()), start=1):
                # As text, since Home Assistant makes one of the whole file in one go.
                records.append(json_dumps(vehicle_to_json(vehicle)))
                if number % SLICE == 0:
                    await asyncio.sleep(0)
            await self._store.async_save({"vehicles": records})


async def async_remove_stored(hass: HomeAssistant, entry_id: str) -> None:
    """Forget everything that was kept of a config entry."""
    for what in ("memory", "vehicles"):
        store: Store[dict[str, Any]] = Store(
            hass, VERSION, f"{DOMAIN}.{entry_id}.{what}"
        )
        await store.async_remove()


def vehicle_to_json(vehicle: Vehicle) -> dict[str, Any]:
    """Return a vehicle as JSON can hold it."""
    details = vehicle.details
    drop = vehicle.odometer_drop
    interval = vehicle.contact_interval
    return {
        "vehicle_id": vehicle.vehicle_id,
        "details": {name: getattr(details, name) for name in VehicleDetails.__slots__},
        "capabilities": sorted(vehicle.capabilities),
        "occurrence_kinds": sorted(vehicle.occurrence_kinds),
        "readings": _values_to_json(vehicle.readings),
        "shown_readings": sorted(vehicle.shown_readings),
        "groups": [
            {
                "name": group.name,
                "measured_at": group.measured_at.isoformat(),
                "readings": _values_to_json(group.readings),
                "complete": group.complete,
            }
            for group in vehicle.groups.values()
        ],
        "position": _position_to_json(vehicle.position),
        "latest_fix": _position_to_json(vehicle.latest_fix),
        "heard_at": vehicle.heard_at and vehicle.heard_at.isoformat(),
        "heard_claim": vehicle.heard_claim and vehicle.heard_claim.isoformat(),
        "contact_interval": None if interval is None else interval.total_seconds(),
        "odometer_drop": drop
        and {"first": drop.first, "since": drop.since.isoformat()},
        "absences": vehicle.absences,
    }


def vehicle_from_json(record: Mapping[str, Any]) -> Vehicle:
    """Return the vehicle that was written by `vehicle_to_json`."""
    drop = record["odometer_drop"]
    interval = record["contact_interval"]
    groups = (
        ReadingGroup(
            name=group["name"],
            measured_at=_time(group["measured_at"]),
            readings=MappingProxyType(_values_from_json(group["readings"])),
            complete=group["complete"],
        )
        for group in record["groups"]
    )
    return Vehicle(
        vehicle_id=record["vehicle_id"],
        details=VehicleDetails(**record["details"]),
        capabilities=frozenset(record["capabilities"]),
        occurrence_kinds=frozenset(map(OccurrenceKind, record["occurrence_kinds"])),
        readings=MappingProxyType(_values_from_json(record["readings"])),
        shown_readings=frozenset(record["shown_readings"]),
        groups=MappingProxyType({group.name: group for group in groups}),
        position=_position_from_json(record["position"]),
        latest_fix=_position_from_json(record["latest_fix"]),
        heard_at=record["heard_at"] and _time(record["heard_at"]),
        heard_claim=record["heard_claim"] and _time(record["heard_claim"]),
        contact_interval=None if interval is None else timedelta(seconds=interval),
        odometer_drop=drop
        and OdometerDrop(first=drop["first"], since=_time(drop["since"])),
        absences=record["absences"],
    )


def _values_to_json(values: Mapping[str, Value]) -> dict[str, Any]:
    return {
        str(key): {"time": value.isoformat()} if isinstance(value, datetime) else value
        for key, value in values.items()
    }


def _values_from_json(values: Mapping[str, Any]) -> dict[str, Value]:
    return {
        key: _time(value["time"]) if isinstance(value, dict) else value
        for key, value in values.items()
    }


def _position_to_json(position: Position | None) -> dict[str, Any] | None:
    if position is None:
        return None
    record = {name: getattr(position, name) for name in Position.__slots__}
    return {**record, "fixed_at": position.fixed_at.isoformat()}


def _position_from_json(record: Mapping[str, Any] | None) -> Position | None:
    if record is None:
        return None
    return Position(
        **{
            **record,
            "fixed_at": _time(record["fixed_at"]),
            "kind": FixKind(record["kind"]),
        }
    )


def _time(text: str) -> datetime:
    """Return an aware time; what was written was one, so that anything else is an error."""
    return dt_util.as_utc(datetime.fromisoformat(text))
