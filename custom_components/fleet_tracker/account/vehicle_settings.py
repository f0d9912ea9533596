"""What the user set for single vehicles: in the options of the account, by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from ..const import CONF_VEHICLES
from ..model.json_values import as_number
from ..model.vehicle_kind import VehicleKind
from ..offer.form_input import WholeNumber

VEHICLE = "vehicle"
"""The field that picks a vehicle."""
KIND = "kind"
STOP_MINUTES = "stop_minutes"
SERVICE_DISTANCE = "service_distance"
SERVICE_MONTHS = "service_months"
_BOUNDS = {
    STOP_MINUTES: (1, 60),
    SERVICE_DISTANCE: (1, 1_000_000),
    SERVICE_MONTHS: (1, 120),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleSettings:
    """The settings of a vehicle. What is None is left to us."""

    kind: VehicleKind | None = None
    stop_minutes: int | None = None
    """For how long it stands with the key off until its trip has ended."""
    service_distance: int | None = None
    """How many km after a service it needs the next."""
    service_months: int | None = None


def vehicle_form(choices: Mapping[str, str]) -> vol.Schema:
    """Return the form that picks one of the vehicles, which are named by their ids."""
    options = [
        SelectOptionDict(value=vehicle_id, label=name)
        for vehicle_id, name in sorted(choices.items(), key=lambda one: one[1])
    ]
    return vol.Schema({vol.Required(VEHICLE): _select(options)})


def settings_form() -> vol.Schema:
    """Return the form of a vehicle's settings: each field can be left to us."""
    kinds = SelectSelector(
        SelectSelectorConfig(
            options=[kind.value for kind in VehicleKind],
            translation_key="vehicle_kind",
            mode=SelectSelectorMode.DROPDOWN,
        )
    )
    return vol.Schema(
        {
            vol.Optional(KIND): kinds,
            vol.Optional(STOP_MINUTES): WholeNumber(*_BOUNDS[STOP_MINUTES], "min"),
            vol.Optional(SERVICE_DISTANCE): WholeNumber(
                *_BOUNDS[SERVICE_DISTANCE], "km"
            ),
            vol.Optional(SERVICE_MONTHS): WholeNumber(*_BOUNDS[SERVICE_MONTHS]),
        }
    )


def _select(options: list[SelectOptionDict]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN)
    )


def stored_settings(options: Mapping[str, Any], vehicle_id: str) -> Mapping[str, Any]:
    """Return a vehicle's settings as they are stored, none if they cannot be that."""
    vehicles = options.get(CONF_VEHICLES)
    stored = vehicles.get(vehicle_id) if isinstance(vehicles, Mapping) else None
    return stored if isinstance(stored, Mapping) else {}


def settings_of(options: Mapping[str, Any], vehicle_id: str) -> VehicleSettings:
    """Return the settings of a vehicle; what they cannot be counts as not set."""
    stored = stored_settings(options, vehicle_id)
    kind = stored.get(KIND)
    return VehicleSettings(
        kind=VehicleKind(kind) if kind in set(VehicleKind) else None,
        stop_minutes=_whole(stored, STOP_MINUTES),
        service_distance=_whole(stored, SERVICE_DISTANCE),
        service_months=_whole(stored, SERVICE_MONTHS),
    )


def _whole(stored: Mapping[str, Any], key: str) -> int | None:
    """Return a whole number of a vehicle's settings, None if it cannot be that."""
    number = as_number(stored.get(key))
    least, most = _BOUNDS[key]
    return round(number) if number is not None and least <= number <= most else None


def all_settings(options: Mapping[str, Any]) -> dict[str, VehicleSettings]:
    """Return the settings of all vehicles that have any, by their ids."""
    vehicles = options.get(CONF_VEHICLES)
    if not isinstance(vehicles, Mapping):
        return {}
    return {str(one): settings_of(options, one) for one in vehicles}


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


def with_all_settings(
    options: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    """Return options with the vehicles' settings of those before."""
    kept = {CONF_VEHICLES: before[CONF_VEHICLES]} if CONF_VEHICLES in before else {}
    return {**options, **kept}
