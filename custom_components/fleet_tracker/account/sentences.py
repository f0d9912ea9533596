"""The sentence of an occurrence: what happened to which vehicle, where, and how fast.

It is in the language of Home Assistant: automations have no user whose language counts.
"""

from __future__ import annotations

from datetime import timedelta

from homeassistant.components.zone import async_active_zone
from homeassistant.const import UnitOfSpeed
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.util.unit_conversion import SpeedConverter
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM

from ..const import DOMAIN
from ..model.vehicle import Occurrence, OccurrenceKind, OccurrenceType, Reading, Vehicle
from ..offer.texts import common_text

FIX_AGE = timedelta(minutes=2)
"""How far a moving vehicle's fix may be from the occurrence to say where it was."""

# What the vendor calls it is worth reading only where our own word is not enough.
_NAMED_KINDS = (OccurrenceKind.FAULT, OccurrenceKind.TROUBLE_CODE)


@callback
def sentence(
    hass: HomeAssistant,
    vehicle: Vehicle,
    name: str,
    occurrence: Occurrence,
    event_type: OccurrenceType,
    texts_key: str,
) -> str:
    """Return what happened, in one sentence without coordinates.

    ``name`` is what the user calls the vehicle; ``texts_key`` the event entity's key of the
    texts, whose word for ``event_type`` is used.
    """
    parts = [_what(hass, occurrence, event_type, texts_key)]
    if place := _place(hass, vehicle, occurrence):
        parts.append(place)
    if speed := _speed(hass, occurrence):
        parts.append(speed)
    return common_text(hass, "occurrence", vehicle=name, what=", ".join(parts))


def _what(
    hass: HomeAssistant,
    occurrence: Occurrence,
    event_type: OccurrenceType,
    texts_key: str,
) -> str:
    """Return the type in words, with what has ended or what the vendor calls it."""
    texts = async_get_cached_translations(hass, hass.config.language, "entity", DOMAIN)
    path = f"component.{DOMAIN}.entity.event.{texts_key}.state_attributes.event_type"

    def word(one: str) -> str:
        return texts.get(f"{path}.state.{one}", one)

    text = word(event_type)
    ended = occurrence.details.get("cleared")
    if occurrence.kind not in _NAMED_KINDS and isinstance(ended, str):
        return f"{text}: {word(ended)}"
    if occurrence.kind in _NAMED_KINDS or event_type is OccurrenceType.OTHER:
        names = [one for one in (occurrence.code, occurrence.name) if one]
        return f"{text}: {', '.join(names)}" if names else text
    return text


def _place(hass: HomeAssistant, vehicle: Vehicle, occurrence: Occurrence) -> str | None:
    """Return the vendor's geofence or else the zone where it happened, if any is known."""
    fence = occurrence.details.get("geofence")
    if isinstance(fence, str):
        return fence
    position = vehicle.position
    if position is None or (
        vehicle.readings.get(Reading.MOVING) is not False
        and abs(position.fixed_at - occurrence.occurred_at) > FIX_AGE
    ):
        return None
    zone = async_active_zone(hass, position.latitude, position.longitude)
    return None if zone is None else zone.name


def _speed(hass: HomeAssistant, occurrence: Occurrence) -> str | None:
    """Return the speed in the unit that Home Assistant shows, None if it stood."""
    speed = occurrence.details.get(Reading.SPEED)
    if isinstance(speed, bool) or not isinstance(speed, int | float) or speed <= 0:
        return None
    unit = UnitOfSpeed.KILOMETERS_PER_HOUR
    if hass.config.units is US_CUSTOMARY_SYSTEM:
        unit = UnitOfSpeed.MILES_PER_HOUR
    shown = SpeedConverter.convert(speed, UnitOfSpeed.KILOMETERS_PER_HOUR, unit)
    return f"{round(shown)} {unit}"
