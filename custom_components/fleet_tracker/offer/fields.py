"""Fields of actions that mean the same for every vendor: periods, and places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
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

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Times outside are of no vehicle, and may not exist in another time zone."""


def _in_our_time[T: date](time: T) -> T:
    """Return a time of a field. Raises vol.Invalid for one that no vehicle has."""
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise vol.Invalid(f"the year must be {FIRST_YEAR} to {LAST_YEAR}")
    return time


TIME = vol.All(cv.datetime, _in_our_time)
DAY = vol.All(cv.date, _in_our_time)

DEFAULT_PERIOD = timedelta(days=1)
LONGEST_PERIOD = timedelta(days=366)
"""Of what is looked up day by day."""
PERIOD: Mapping[vol.Marker, Any] = {
    vol.Optional(ATTR_BEGIN): TIME,
    vol.Optional(ATTR_END): TIME,
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


def period(
    request: ActionRequest[Any], longest: timedelta | None = None
) -> tuple[datetime, datetime]:
    """Return the period of the fields: the last day unless they give another.

    Raises ServiceValidationError when it ends before it begins, is too long, or is to come.
    """
    return period_of(request.data, longest)


def period_of(
    data: Mapping[str, Any], longest: timedelta | None = None
) -> tuple[datetime, datetime]:
    """Return the period of fields, as `period` does."""
    now = dt_util.utcnow()
    end = _utc(data.get(ATTR_END)) or now
    begin = _utc(data.get(ATTR_BEGIN)) or end - DEFAULT_PERIOD
    if begin > now and (end > begin or data.get(ATTR_END) is None):
        raise invalid("period_in_future")
    if begin >= end:
        raise invalid("period_reversed")
    if longest is not None and end - begin > longest:
        raise invalid("period_too_long", days=str(longest.days))
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
