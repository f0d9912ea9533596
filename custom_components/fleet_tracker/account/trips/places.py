"""The names of places where trips begin and end: zones only, never an address."""

from __future__ import annotations

from homeassistant.components.zone import async_active_zone
from homeassistant.core import HomeAssistant, callback


@callback
def place_name(
    hass: HomeAssistant, latitude: float | None, longitude: float | None
) -> str | None:
    """Return the name of the zone that a place is in, None outside of all."""
    if latitude is None or longitude is None:
        return None
    zone = async_active_zone(hass, latitude, longitude)
    return None if zone is None else zone.name
