"""Shared by the flows of accounts, of their options and of vehicles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig
import voluptuous as vol

from .account.coordinator import FleetCoordinator
from .const import CONF_VENDOR, LOGGER
from .contract.connection import Connection
from .contract.errors import VendorError
from .offer.flow import NO_PUSH_FORM, PUSH_FORM, Input, VehicleFlow
from .offer.servers import OTHER, OWN_SERVER, SERVER
from .offer.vendor import Vendor
from .vendors import async_load_vendor

PUSH_ADDRESS = "push_address"


def connection_of(entry: ConfigEntry) -> Connection | None:
    """Return the connection of an account, None if it is not loaded."""
    if entry.state is not ConfigEntryState.LOADED:
        return None
    coordinator: FleetCoordinator = entry.runtime_data
    return coordinator.connection


async def async_vendor(hass: HomeAssistant, entry: ConfigEntry) -> Vendor:
    """Return the record of the vendor of an account."""
    return await async_load_vendor(hass, entry.data[CONF_VENDOR])


async def async_vehicle_flow(
    hass: HomeAssistant, entry: ConfigEntry
) -> VehicleFlow[Any]:
    """Return how vehicles of an account are added one by one.

    Raises TypeError where the vendor lists its vehicles: no flow begins there.
    """
    vehicles = (await async_vendor(hass, entry)).flow.vehicles
    if vehicles is None:
        raise TypeError("this vendor lists its vehicles")
    return vehicles


def is_added(entry: ConfigEntry, vehicle_id: str) -> bool:
    """Tell whether a vehicle is in an account already."""
    return any(one.unique_id == vehicle_id for one in entry.subentries.values())


def push_step(vendor: Vendor, url: str | None) -> str:
    """Return the step that shows the push address, or says why there is none."""
    return f"{vendor.key}_{PUSH_FORM if url else NO_PUSH_FORM}"


def push_fields(url: str | None) -> dict[vol.Marker, Any]:
    """Return the field that holds the address: it can be marked and copied whole."""
    if not url:
        return {}
    shown = vol.Optional(PUSH_ADDRESS, description={"suggested_value": url})
    return {shown: TextSelector(TextSelectorConfig(multiline=True))}


def push_placeholders(url: str | None) -> dict[str, str]:
    """Return what the texts of the push step name: the address, if there is one."""
    return {"push_url": url} if url else {}


def folded(form: vol.Schema, errors: Mapping[str, str]) -> vol.Schema:
    """Return a form without sections that would push an error elsewhere out of sight."""
    if not errors:
        return form
    return vol.Schema(
        {
            name: section(asked.schema, {"collapsed": str(name) not in errors})
            if isinstance(asked, section)
            else asked
            for name, asked in form.schema.items()
        }
    )


def refusal(
    err: VendorError,
    form: vol.Schema | None,
    entered: Input,
    error_fields: Mapping[str, str],
) -> dict[str, str]:
    """Return the text to show in a form for an error of the vendor, by the field.

    The front end shows an error of the whole form at its top, which is out of sight on a
    phone. So an error stands at the field that it concerns, else at the server, which is
    asked last. Only a form that asks for no server shows it at the top.
    """
    LOGGER.debug("Refused while checking what was entered: %s", err)
    fields = {str(name) for name in form.schema} if form else set()
    field = error_fields.get(err.translation_key)
    if field not in fields:
        field = OWN_SERVER if entered.get(SERVER) == OTHER else SERVER
    return {field if field in fields else "base": err.translation_key}
