"""Discovery cards: vehicles that an account tells of and that the user has not accepted."""

from __future__ import annotations

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntry,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import discovery_flow

from ..const import DOMAIN
from ..model.texts import clean_text, is_vehicle_id
from .subentries import discovery_unique_id

MOST_CARDS = 20
"""Cards of all accounts that are shown at one time."""


@callback
def show_card(
    hass: HomeAssistant, entry: ConfigEntry, vehicle_id: str, model: str | None
) -> None:
    """Show a discovery card for a vehicle, unless the user ignores it or too many are shown."""
    if not is_vehicle_id(vehicle_id):
        return
    unique_id = discovery_unique_id(entry, vehicle_id)
    entries = hass.config_entries
    ignored = any(
        one.source == SOURCE_IGNORE and one.unique_id == unique_id
        for one in entries.async_entries(DOMAIN, include_ignore=True)
    )
    shown = entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
    )
    if ignored or len(shown) >= MOST_CARDS:
        return
    discovery_flow.async_create_flow(
        hass,
        DOMAIN,
        context={"source": SOURCE_INTEGRATION_DISCOVERY},
        data={
            "entry_id": entry.entry_id,
            "vehicle_id": vehicle_id,
            "model": None if model is None else clean_text(model),
        },
        discovery_key=discovery_flow.DiscoveryKey(
            domain=DOMAIN, key=unique_id, version=1
        ),
    )
