"""What the user set for single vehicles: in the options of the account, by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..const import CONF_VEHICLES
from ..model.vehicle_kind import VehicleKind

KIND = "kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleSettings:
    """The settings of a vehicle. What is None is left to us."""

    kind: VehicleKind | None = None


def settings_of(options: Mapping[str, Any], vehicle_id: str) -> VehicleSettings:
    """Return the settings of a vehicle; what they cannot be counts as not set."""
    vehicles = options.get(CONF_VEHICLES)
    stored = vehicles.get(vehicle_id) if isinstance(vehicles, Mapping) else None
    if not isinstance(stored, Mapping):
        return VehicleSettings()
    kind = stored.get(KIND)
    return VehicleSettings(kind=VehicleKind(kind) if kind in set(VehicleKind) else None)


def with_settings(
    options: Mapping[str, Any], vehicle_id: str, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return options in which a vehicle has these settings, and no others."""
    vehicles = options.get(CONF_VEHICLES)
    changed = dict(vehicles) if isinstance(vehicles, Mapping) else {}
    changed.pop(vehicle_id, None)
    if settings:
        changed[vehicle_id] = dict(settings)
    return {**options, CONF_VEHICLES: changed}
