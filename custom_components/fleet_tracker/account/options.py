"""The options of an account: those that all vendors share, and the vendor's, in sections."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from ..const import (
    CONF_ACCURACY_LIMIT,
    CONF_ALLOW_ENGINE_CUT,
    CONF_DRIVING_INTERVAL,
    CONF_ENGINE_CUT_SPEED_LIMIT,
    CONF_EXCLUDED_VEHICLES,
    CONF_HOLD_WHILE_PARKED,
    CONF_KEEP_TRIPS,
    CONF_KEEP_TRIPS_YEARS,
    CONF_PARKED_INTERVAL,
    DEFAULT_DRIVING_INTERVAL,
    DEFAULT_ENGINE_CUT_SPEED_LIMIT,
    DEFAULT_KEEP_TRIPS_YEARS,
    DEFAULT_PARKED_INTERVAL,
    DRIVING_INTERVAL_LIMITS,
    LEAST_ENGINE_CUT_SPEED_LIMIT,
    MOST_KEEP_TRIPS_YEARS,
    PARKED_INTERVAL_LIMITS,
)
from ..offer.flow import OptionSection
from ..offer.form_input import WholeNumber
from ..offer.vendor import Vendor
from .coordinator import FleetCoordinator

# Key of the memory
NAMES_OF_EXCLUDED = "names_of_excluded"

type Fields = Mapping[OptionSection, Mapping[vol.Marker, Any]]


def option_fields(entry: ConfigEntry, vendor: Vendor) -> Fields:
    """Return the options of an entry that make sense, by section."""
    common = _common(entry, vendor)
    own = vendor.flow.options_form(entry)
    fields = {one: {**common.get(one, {}), **own.get(one, {})} for one in OptionSection}
    return {one: found for one, found in fields.items() if found}


def options_schema(
    fields: Fields, options: Mapping[str, Any], opened: Collection[OptionSection]
) -> vol.Schema:
    """Return the form that asks for options, filled in, with some sections opened."""
    return vol.Schema(
        {
            vol.Required(name.value): section(
                vol.Schema(_filled_in(asked, options)),
                {"collapsed": name not in opened},
            )
            for name, asked in fields.items()
        }
    )


def flat(user_input: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was entered in all sections: options know no sections."""
    return {
        key: value for entered in user_input.values() for key, value in entered.items()
    }


def section_of(fields: Fields, key: str) -> OptionSection:
    """Return the section that asks for an option."""
    return next(name for name, asked in fields.items() if key in asked)


async def async_keep_names(entry: ConfigEntry, excluded: Iterable[str]) -> None:
    """Keep the names of vehicles that are left out: no news brings them any more."""
    if entry.state is not ConfigEntryState.LOADED:
        return
    coordinator: FleetCoordinator = entry.runtime_data
    names = _vehicle_names(entry)
    kept = {one: names[one] for one in excluded if one in names}
    await coordinator.own_memory.put(NAMES_OF_EXCLUDED, kept or None)


def vehicle_choices(entry: ConfigEntry) -> dict[str, str]:
    """Return the names of the vehicles that are shown, by their ids."""
    if entry.state is not ConfigEntryState.LOADED:
        return {}
    coordinator: FleetCoordinator = entry.runtime_data
    return {
        vehicle_id: vehicle.details.name
        for vehicle_id, vehicle in coordinator.vehicles().items()
    }


def _common(entry: ConfigEntry, vendor: Vendor) -> Fields:
    """Return the options that all vendors share, where they make sense."""
    fields: dict[OptionSection, dict[vol.Marker, Any]] = {
        OptionSection.POSITION: {
            _with_default(CONF_HOLD_WHILE_PARKED, True): BooleanSelector(),
            vol.Optional(CONF_ACCURACY_LIMIT): WholeNumber(0, 5000, "m"),
        },
        OptionSection.TRIPS: {
            _with_default(CONF_KEEP_TRIPS, True): BooleanSelector(),
            _with_default(CONF_KEEP_TRIPS_YEARS, DEFAULT_KEEP_TRIPS_YEARS): WholeNumber(
                1, MOST_KEEP_TRIPS_YEARS
            ),
        },
        OptionSection.SAFETY: {
            _with_default(CONF_ALLOW_ENGINE_CUT, False): BooleanSelector(),
            _with_default(
                CONF_ENGINE_CUT_SPEED_LIMIT, DEFAULT_ENGINE_CUT_SPEED_LIMIT
            ): WholeNumber(LEAST_ENGINE_CUT_SPEED_LIMIT, 50, "km/h"),
        },
    }
    if vendor.polls:
        fields[OptionSection.PACE] = {
            _with_default(
                CONF_DRIVING_INTERVAL, DEFAULT_DRIVING_INTERVAL.seconds
            ): WholeNumber(*DRIVING_INTERVAL_LIMITS, "s"),
            _with_default(
                CONF_PARKED_INTERVAL, DEFAULT_PARKED_INTERVAL.seconds
            ): WholeNumber(*PARKED_INTERVAL_LIMITS, "s"),
        }
    if vendor.flow.vehicles is None:
        fields[OptionSection.VEHICLES] = {
            vol.Optional(CONF_EXCLUDED_VEHICLES, default=list): SelectSelector(
                SelectSelectorConfig(
                    options=_vehicle_choices(entry),
                    multiple=True,
                    mode=SelectSelectorMode.DROPDOWN,
                )
            )
        }
    return fields


def as_shown(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored options as the form takes them: a limit of 0 counts as the least."""
    shown = dict(options)
    if (limit := shown.get(CONF_ENGINE_CUT_SPEED_LIMIT)) is not None:
        shown[CONF_ENGINE_CUT_SPEED_LIMIT] = max(limit, LEAST_ENGINE_CUT_SPEED_LIMIT)
    return shown


def _filled_in(
    asked: Mapping[vol.Marker, Any], shown: Mapping[str, Any]
) -> dict[vol.Marker, Any]:
    """Return fields with their values as suggestions, which can be emptied."""
    filled: dict[vol.Marker, Any] = {}
    for marker, selector in asked.items():
        field = copy(marker)
        if (key := str(marker)) in shown:
            field.description = {"suggested_value": shown[key]}
        filled[field] = selector
    return filled


def _with_default(key: str, default: object) -> vol.Marker:
    return vol.Required(key, default=default)


def _vehicle_choices(entry: ConfigEntry) -> list[SelectOptionDict]:
    """Return the vehicles that can be left out, and those that are."""
    names = _vehicle_names(entry)
    excluded = entry.options.get(CONF_EXCLUDED_VEHICLES, ())
    choices = {vehicle_id: names.get(vehicle_id, vehicle_id) for vehicle_id in excluded}
    if entry.state is ConfigEntryState.LOADED:
        coordinator: FleetCoordinator = entry.runtime_data
        choices |= {
            vehicle_id: names[vehicle_id] for vehicle_id in coordinator.vehicles()
        }
    return [
        SelectOptionDict(value=vehicle_id, label=name)
        for vehicle_id, name in sorted(choices.items(), key=lambda item: item[1])
    ]


def _vehicle_names(entry: ConfigEntry) -> dict[str, str]:
    """Return what vehicles are called, those that were left out too, as far as known."""
    if entry.state is not ConfigEntryState.LOADED:
        return {}
    coordinator: FleetCoordinator = entry.runtime_data
    kept = coordinator.own_memory.get(NAMES_OF_EXCLUDED)
    names = {}
    if isinstance(kept, Mapping):
        names = {vehicle_id: str(name) for vehicle_id, name in kept.items()}
    for vehicle_id, vehicle in coordinator.vehicles().items():
        names[vehicle_id] = vehicle.details.name
    return names
