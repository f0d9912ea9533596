"""Logbook: what happened to a vehicle, in words.

Of event entities Home Assistant 2025 writes only that they detected an event, later ones
the type of the event. What it writes is not written a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.components.event import ATTR_EVENT_TYPE
from homeassistant.components.logbook import (
    LazyEventPartialState,
    async_log_entry,
    const as logbook_const,
)
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_cached_translations

from .const import ATTR_KIND, DOMAIN, EVENT_OCCURRENCE
from .model.vehicle import OccurrenceKind, OccurrenceType

# What the vendor calls it is worth reading only where our own word is not enough.
_NAMED_KINDS = (OccurrenceKind.FAULT, OccurrenceKind.TROUBLE_CODE)


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[
        [str, str, Callable[[LazyEventPartialState], dict[str, Any]]], None
    ],
) -> None:
    """Write into the logbook what it does not say by itself.

    Events cannot be described one by one, so that each is written when it comes.
    """
    del async_describe_event

    @callback
    def write(event: Event[dict[str, Any]]) -> None:
        data = event.data
        if not _is_worth_telling(data[ATTR_KIND], data[ATTR_EVENT_TYPE]):
            return
        entity_id = data[ATTR_ENTITY_ID]
        state = hass.states.get(entity_id)
        async_log_entry(
            hass,
            state.name if state else entity_id,
            _message(hass, data),
            DOMAIN,
            entity_id,
            event.context,
        )

    hass.bus.async_listen(EVENT_OCCURRENCE, write)


def _is_worth_telling(kind: str, event_type: str) -> bool:
    """Tell whether the logbook itself says less than we can."""
    types_are_written = ATTR_EVENT_TYPE in getattr(
        logbook_const, "EXPOSED_STATE_ATTRIBUTES", ()
    )
    return not types_are_written or _has_more_words(kind, event_type)


def _has_more_words(kind: str, event_type: str) -> bool:
    """Tell whether the type alone does not say what happened, or what has ended."""
    return kind in _NAMED_KINDS or event_type in (
        OccurrenceType.OTHER,
        OccurrenceType.CLEARED,
    )


def _message(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return what happened, in Home Assistant's language."""
    kind, event_type = data[ATTR_KIND], data[ATTR_EVENT_TYPE]
    entry = er.async_get(hass).async_get(data[ATTR_ENTITY_ID])
    texts = async_get_cached_translations(hass, hass.config.language, "entity", DOMAIN)
    entity_key = (entry and entry.translation_key) or kind
    path = f"component.{DOMAIN}.entity.event.{entity_key}.state_attributes.event_type"

    def word(one: str) -> str:
        return texts.get(f"{path}.state.{one}", one)

    text = word(event_type)
    if not _has_more_words(kind, event_type):
        return text
    if kind not in _NAMED_KINDS and (ended := data.get("cleared")) is not None:
        return f"{text}: {word(ended)}"
    names = [str(data[name]) for name in ("code", "name") if data.get(name)]
    return f"{text}: {', '.join(names)}" if names else text
