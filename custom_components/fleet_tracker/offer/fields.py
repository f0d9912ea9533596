"""Fields of actions that mean the same for every vendor: periods, and places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.zone import DOMAIN as ZONE_DOMAIN
from homeassistant.const import (
    ATTR_LATITUDE,
    ATTR_LONGITUDE,
    CONF_NAME,
    CONF_RADIUS,
    CONF_ZONE,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .action import ActionRequest
from .errors import invalid

ATTR_BEGIN = "begin"
ATTR_END = "end"
ATTR_ALARM_ON = "alarm_on"

ENTERING = "entering"
LEAVING = "leaving"
BOTH = "both"

DEFAULT_PERIOD = timedelta(days=1)
PERIOD: Mapping[vol.Marker, Any] = {
    vol.Optional(ATTR_BEGIN): cv.datetime,
    vol.Optional(ATTR_END): cv.datetime,
}
CIRCLE: Mapping[vol.Marker, Any] = {
    vol.Optional(CONF_NAME): cv.string,
    vol.Optional(CONF_ZONE): cv.entity_domain(ZONE_DOMAIN),
    vol.Optional(ATTR_LATITUDE): cv.latitude,
    vol.Optional(ATTR_LONGITUDE): cv.longitude,
    vol.Optional(CONF_RADIUS): vol.All(vol.Coerce(float), vol.Range(min=1)),
}
ALARM_ON: Mapping[vol.Marker, Any] = {
    vol.Optional(ATTR_ALARM_ON, default=BOTH): vol.In((ENTERING, LEAVING, BOTH)),
}


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle on the map: degrees (WGS84), and the radius in metres."""

    name: str
    latitude: float
    longitude: float
    radius: float


def period(request: ActionRequest[Any]) -> tuple[datetime, datetime]:
    """Return the period of the fields: the last day unless they give another.

    Raises ServiceValidationError when it ends before it begins.
    """
    end = _utc(request.data.get(ATTR_END)) or dt_util.utcnow()
    begin = _utc(request.data.get(ATTR_BEGIN)) or end - DEFAULT_PERIOD
    if begin >= end:
        raise invalid("period_reversed")
    return begin, end


def _utc(time: datetime | None) -> datetime | None:
    """Return a time as UTC; one without a zone is in Home Assistant's."""
    return time and dt_util.as_utc(time)


def circle(request: ActionRequest[Any], radius_m: tuple[float, float]) -> Circle:
    """Return the circle of a zone, or that of what was entered.

    Raises ServiceValidationError when it is not complete, or its radius is out of range.
    """
    data = request.data
    if (zone_id := data.get(CONF_ZONE)) is None:
        if any(
            key not in data
            for key in (ATTR_LATITUDE, ATTR_LONGITUDE, CONF_RADIUS, CONF_NAME)
        ):
            raise invalid("zone_or_place")
        name, place = data[CONF_NAME], data
    else:
        zone = request.hass.states.get(zone_id)
        if zone is None:
            raise invalid("unknown_zone", entity_id=zone_id)
        name, place = data.get(CONF_NAME, zone.name), zone.attributes
    radius = data.get(CONF_RADIUS, place[CONF_RADIUS])
    least, most = radius_m
    if not least <= radius <= most:
        raise invalid("radius_out_of_range", least=f"{least:.0f}", most=f"{most:.0f}")
    return Circle(name, place[ATTR_LATITUDE], place[ATTR_LONGITUDE], radius)
