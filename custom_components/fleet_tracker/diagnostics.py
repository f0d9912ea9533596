"""Diagnostics: the health of an account, without anything private."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .account.coordinator import FleetConfigEntry, FleetCoordinator
from .model.readings import kind_of
from .model.texts import clean_json
from .model.vehicle import Vehicle
from .offer.flow import accepted_vehicles

PUBLIC_SETTINGS = frozenset({"vendor"})
# What a connection tells may change: these keys never reach the diagnostics.
PRIVATE_KEYS = frozenset(
    {
        "access_token",
        "account",
        "address",
        "iccid",
        "imei",
        "latitude",
        "longitude",
        "password",
        "plate",
        "secret",
        "serial",
        "serial_number",
        "sim",
        "token",
        "vin",
    }
)


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: FleetConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of an account."""
    coordinator = entry.runtime_data
    vehicles = coordinator.vehicles().values()
    return await _async_without_secrets(
        {
            "vendor": coordinator.vendor.key,
            "settings": async_redact_data(
                dict(entry.data), set(entry.data) - PUBLIC_SETTINGS
            ),
            "options": _without_names(entry.options),
            "polling": {
                "last_update_success": coordinator.last_update_success,
                "reachable": coordinator.is_reachable,
                "interval": str(coordinator.update_interval),
            },
            "dropped": dict(coordinator.fleet.dropped),
            "connection": async_redact_data(
                dict(coordinator.connection.diagnostics()), PRIVATE_KEYS
            ),
            "vehicles": [_vehicle(coordinator, vehicle) for vehicle in vehicles],
        },
        coordinator,
    )


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: FleetConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of a vehicle."""
    coordinator = entry.runtime_data
    vehicle = coordinator.vehicle(
        coordinator.devices.vehicle_of(device.identifiers) or ""
    )
    return await _async_without_secrets(
        {"vehicle": vehicle and _vehicle(coordinator, vehicle)}, coordinator
    )


def _without_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they are, but of texts and lists only whether they are set."""
    return {
        key: value if isinstance(value, bool | int | float) else bool(value)
        for key, value in options.items()
    }


def _vehicle(coordinator: FleetCoordinator, vehicle: Vehicle) -> dict[str, Any]:
    vehicle = coordinator.fleet.with_unmerged(vehicle)
    position = vehicle.position
    return {
        "model": vehicle.details.model,
        "sw_version": vehicle.details.sw_version,
        "gone": vehicle.is_gone,
        "capabilities": sorted(vehicle.capabilities),
        "readings": {
            str(key): REDACTED if kind_of(key).private else _shown(value)
            for key, value in sorted(vehicle.readings.items())
        },
        "groups": {
            name: group.measured_at.isoformat()
            for name, group in sorted(vehicle.groups.items())
        },
        "position": position
        and {
            "kind": position.kind,
            "accuracy": position.accuracy,
            "fixed_at": position.fixed_at.isoformat(),
        },
        "heard_at": vehicle.heard_at and vehicle.heard_at.isoformat(),
        "clock": {
            "offset_of_fixes": _seconds(vehicle.clock.fixes.offset),
            "offset_of_contacts": _seconds(vehicle.clock.contacts.offset),
            # As the tracker told them, beside what they count for.
            "stamps": {
                kind: [
                    f"{stamp.told.isoformat()} = {stamp.counts_as.isoformat()}"
                    for stamp in stamps
                ]
                for kind, stamps in sorted(vehicle.clock.stamps.items())
            },
        },
    }


def _seconds(offset: timedelta | None) -> float | None:
    return None if offset is None else offset.total_seconds()


def _shown(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


async def _async_without_secrets(
    data: dict[str, Any], coordinator: FleetCoordinator
) -> dict[str, Any]:
    """Return the data with every private text cut out, wherever it may have got to.

    There may be thousands of texts, so it is done beside the event loop.
    """
    return await coordinator.hass.async_add_executor_job(
        without, _private_texts(coordinator), clean_json(data)
    )


def _private_texts(coordinator: FleetCoordinator) -> set[str]:
    entry = coordinator.config_entry
    private = set()
    for key, value in (*entry.data.items(), *entry.options.items()):
        if isinstance(value, str) and key not in PUBLIC_SETTINGS:
            private.add(value)
        elif isinstance(value, list):
            private.update(map(str, value))
    private.update(accepted_vehicles(entry))
    for vehicle_id, vehicle in coordinator.vehicles().items():
        private.update({vehicle_id, vehicle.details.name})
        private.update(
            str(value)
            for key, value in vehicle.readings.items()
            if kind_of(key).private
        )
        private.update(
            filter(None, (vehicle.details.serial_number, vehicle.details.plate))
        )
        for position in filter(None, (vehicle.position, vehicle.latest_fix)):
            private.update({str(position.latitude), str(position.longitude)})
    return private


def without(private: set[str], data: dict[str, Any]) -> dict[str, Any]:
    """Return data in which no private text is left, nor a number that is one."""
    # Very short texts would be cut out of words that have nothing to do with them.
    long_enough = {text for text in private if len(text) > 3}
    longest_first = sorted(long_enough, key=len, reverse=True)

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {clean(key): clean(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [clean(part) for part in value]
        if isinstance(value, str):
            for text in longest_first:
                value = value.replace(text, REDACTED)
        elif isinstance(value, int | float) and str(value) in long_enough:
            return REDACTED
        return value

    cleaned: dict[str, Any] = clean(data)
    return cleaned
