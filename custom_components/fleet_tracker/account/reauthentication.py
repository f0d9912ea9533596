"""Ends a request for credentials once the known ones work again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import DOMAIN as HOMEASSISTANT_DOMAIN, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

_CHECKING: HassKey[set[str]] = HassKey(f"{DOMAIN}_checking")


@contextmanager
def checking(hass: HomeAssistant, flow_id: str) -> Iterator[None]:
    """Say that a flow checks what was entered, and reloads its entry if that is good.

    It ends by itself. Aborted meanwhile, the user would be told that it is unknown.
    """
    flows = hass.data.setdefault(_CHECKING, set())
    flows.add(flow_id)
    try:
        yield
    finally:
        flows.discard(flow_id)


@callback
def async_end_reauthentication(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """End the request for an entry's credentials, unless the user has just entered some."""
    busy = hass.data.get(_CHECKING, ())
    for flow in list(entry.async_get_active_flows(hass, {SOURCE_REAUTH})):
        if flow["flow_id"] in busy:
            continue
        hass.config_entries.flow.async_abort(flow["flow_id"])
        # Home Assistant 2025 leaves it behind.
        ir.async_delete_issue(
            hass,
            HOMEASSISTANT_DOMAIN,
            f"config_entry_reauth_{DOMAIN}_{entry.entry_id}",
        )
