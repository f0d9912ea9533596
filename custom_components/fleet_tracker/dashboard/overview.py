"""The command by which the browser learns which vehicles there are, and their entities.

It tells of the vehicles that the user may read, with the exact times that entities show in
steps. What entities show is not repeated: the browser has their states already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import batched
from typing import Any

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.components import websocket_api
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry, ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
import voluptuous as vol

from ..account.coordinator import FleetCoordinator
from ..account.recorder_rows import id_ending
from ..const import CONF_ALLOW_ENGINE_CUT, CONF_VENDOR, DOMAIN
from ..model.vehicle import ROUTINE_TYPES, Activity, Reading, Vehicle
from .modules import MODULES_PATH

OVERVIEW = f"{DOMAIN}/overview"
CONTROLS = (
    Platform.BUTTON,
    Platform.LOCK,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SWITCH,
)
"""The domains of entities that change something."""
DEVICES_PER_TURN = 20
"""The devices that are described at a time. It takes a few milliseconds; then the event loop
gets its turn."""

type _Json = dict[str, Any]


@callback
def async_register_overview(hass: HomeAssistant) -> None:
    """Register the command."""
    websocket_api.async_register_command(hass, _handle_overview)


@websocket_api.websocket_command({vol.Required("type"): OVERVIEW})
@websocket_api.async_response
async def _handle_overview(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    message: dict[str, Any],
) -> None:
    connection.send_result(message["id"], await overview(hass, connection.user))


async def overview(hass: HomeAssistant, user: User) -> _Json:
    """Return the accounts, and the vehicles that a user may read.

    An account is told without vehicles too, so that the browser can say why there are none,
    but its title only to users who may read one of the vehicles, and to administrators.
    """
    path = hass.data[MODULES_PATH]
    entries = [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.source != SOURCE_IGNORE
    ]
    vehicles = []
    for entry in entries:
        if entry.state is not ConfigEntryState.LOADED:
            continue
        coordinator = entry.runtime_data
        devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
        for part in batched(devices, DEVICES_PER_TURN, strict=False):
            # Meanwhile it may have been unloaded: then the front end asks again.
            if entry.state is not ConfigEntryState.LOADED:
                break
            vehicles += [
                told
                for device in part
                if (told := _vehicle(hass, coordinator, device, user))
            ]
            await asyncio.sleep(0)
    readable = {vehicle["account"] for vehicle in vehicles}
    return {
        "version": path.rpartition("/")[2].rpartition("-")[0],
        "path": path,
        "routine": sorted(ROUTINE_TYPES),
        "accounts": [
            _account(entry, is_named=user.is_admin or entry.entry_id in readable)
            for entry in entries
        ],
        "vehicles": vehicles,
    }


def _account(entry: ConfigEntry, *, is_named: bool) -> _Json:
    is_loaded = entry.state is ConfigEntryState.LOADED
    return {
        "id": entry.entry_id,
        "title": entry.title if is_named else None,
        "vendor": entry.data.get(CONF_VENDOR),
        "state": "disabled" if entry.disabled_by else entry.state.value,
        "reachable": is_loaded and entry.runtime_data.is_reachable,
    }


def _vehicle(
    hass: HomeAssistant,
    coordinator: FleetCoordinator,
    device: dr.DeviceEntry,
    user: User,
) -> _Json | None:
    """Return a vehicle, by its device; None if it is gone or the user may not read it."""
    vehicle_id = coordinator.devices.vehicle_of(device.identifiers)
    vehicle = vehicle_id and coordinator.vehicle(vehicle_id)
    if not vehicle or vehicle.is_gone:
        return None
    told = _entities(
        coordinator,
        vehicle,
        er.async_entries_for_device(
            er.async_get(hass), device.id, include_disabled_entities=True
        ),
    )
    tracker = told.get(Platform.DEVICE_TRACKER, {}).get(Reading.POSITION)
    # A user who may not read the tracker may not know of the vehicle.
    if tracker is None or not user.permissions.check_entity(
        tracker.entity_id, POLICY_READ
    ):
        return None
    shown = _enabled(told, user)
    return {
        "id": device.id,
        "name": device.name_by_user or device.name or vehicle.details.name,
        "account": coordinator.config_entry.entry_id,
        "vendor": coordinator.vendor.key,
        "kind": coordinator.vehicle_kind(vehicle.vehicle_id).value,
        "model": vehicle.details.model,
        "plate": vehicle.details.plate,
        "area": device.area_id,
        "tracker": tracker.entity_id,
        "entities": shown,
        "statistics": id_ending(coordinator.identity, vehicle.vehicle_id),
        "stopping": _stopping(coordinator, shown.get(Platform.BUTTON, {})),
        "controls": [
            entity_id
            for domain in CONTROLS
            for entity_id in shown.get(domain, {}).values()
            if user.permissions.check_entity(entity_id, POLICY_CONTROL)
        ],
        "times": _times(vehicle),
    }


def _entities(
    coordinator: FleetCoordinator,
    vehicle: Vehicle,
    entries: list[er.RegistryEntry],
) -> Mapping[str, Mapping[str, er.RegistryEntry]]:
    """Return the entities of a vehicle by their domains and readings.

    A reading of a part is written as in the model, ``door:driver``.
    """
    prefix = coordinator.devices.unique_id(vehicle.vehicle_id, "")
    readings = {one.replace(":", "_"): one for one in vehicle.shown_readings}
    found: dict[str, dict[str, er.RegistryEntry]] = {}
    for entry in entries:
        if entry.platform == DOMAIN and entry.unique_id.startswith(prefix):
            key = entry.unique_id.removeprefix(prefix)
            found.setdefault(entry.domain, {})[readings.get(key, key)] = entry
    return found


def _enabled(
    told: Mapping[str, Mapping[str, er.RegistryEntry]], user: User
) -> Mapping[str, Mapping[str, str]]:
    """Return the ids of the entities that have states which a user may read.

    Hidden entities are on no dashboard that is made by itself. A vehicle whose tracker is hidden is
    shown all the same, and so is its place.
    """
    return {
        domain: {
            reading: entry.entity_id
            for reading, entry in by_reading.items()
            if entry.disabled_by is None
            and (entry.hidden_by is None or domain == Platform.DEVICE_TRACKER)
            and user.permissions.check_entity(entry.entity_id, POLICY_READ)
        }
        for domain, by_reading in told.items()
    }


def _stopping(coordinator: FleetCoordinator, buttons: Mapping[str, str]) -> list[str]:
    """Return the buttons that stop the vehicle: nobody presses one without being asked."""
    keys = {
        description.key
        for description in coordinator.vendor.entities.buttons
        if description.option == CONF_ALLOW_ENGINE_CUT
    }
    return [
        entity_id
        for reading, entity_id in buttons.items()
        if any(reading == key or reading.startswith(f"{key}_") for key in keys)
    ]


def _times(vehicle: Vehicle) -> _Json:
    """Return when a vehicle was where it is shown, was heard of, and began what it does."""
    activity = vehicle.readings.get(Reading.ACTIVITY)
    position, fix = vehicle.position, vehicle.latest_fix or vehicle.position
    return {
        "position": None if position is None else position.fixed_at.isoformat(),
        "fix": None if fix is None else fix.fixed_at.isoformat(),
        "contact": _text(vehicle.heard_at),
        "activity": activity if isinstance(activity, str) else None,
        "since": _text(_since(vehicle)),
    }


def _since(vehicle: Vehicle) -> datetime | None:
    """Return when a vehicle began to drive, to idle or to stand, where that is known."""
    running, ended = vehicle.trips.running, vehicle.trips.last_ended
    match vehicle.readings.get(Reading.ACTIVITY):
        case Activity.DRIVING | Activity.TOWED:
            return None if running is None else _time(running.begin)
        case Activity.IDLING:
            return vehicle.stood_since
        case _:
            if running is not None or ended is None or ended.end is None:
                return None
            return _time(ended.end)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), UTC)


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
