"""Logbook: what happened to a vehicle, in words.

Home Assistant itself writes of event entities only that they detected an event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.components.event import ATTR_EVENT_TYPE
from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
    LazyEventPartialState,
)
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN, EVENT_OCCURRENCE
from .models import OccurrenceKind, OccurrenceType

# What the vendor calls it is worth reading only where our own word is not enough.
_NAMED_KINDS = (OccurrenceKind.FAULT, OccurrenceKind.TROUBLE_CODE)


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[
        [str, str, Callable[[LazyEventPartialState], dict[str, Any]]], None
    ],
) -> None:
    """Tell the logbook how to write of occurrences."""

    @callback
    def describe(event: LazyEventPartialState) -> dict[str, Any]:
        data = event.data
        entity_id = data[ATTR_ENTITY_ID]
        state = hass.states.get(entity_id)
        return {
            LOGBOOK_ENTRY_NAME: state.name if state else entity_id,
            LOGBOOK_ENTRY_MESSAGE: _message(hass, data),
            LOGBOOK_ENTRY_ENTITY_ID: entity_id,
        }

    async_describe_event(DOMAIN, EVENT_OCCURRENCE, describe)


def _message(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return what happened, in Home Assistant's language."""
    kind, event_type = data["kind"], data[ATTR_EVENT_TYPE]
    entry = er.async_get(hass).async_get(data[ATTR_ENTITY_ID])
    texts = async_get_cached_translations(hass, hass.config.language, "entity", DOMAIN)
    entity_key = (entry and entry.translation_key) or kind
    key = f"entity.event.{entity_key}.state_attributes.event_type.state.{event_type}"
    text = texts.get(f"component.{DOMAIN}.{key}", str(event_type))
    if kind not in _NAMED_KINDS and event_type != OccurrenceType.OTHER:
        return text
    names = [str(data[name]) for name in ("code", "name") if data.get(name)]
    return f"{text}: {', '.join(names)}" if names else text
