"""The actions of the Open API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.zone import DOMAIN as ZONE_DOMAIN
from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_LATITUDE,
    ATTR_LONGITUDE,
    CONF_NAME,
    CONF_RADIUS,
    CONF_ZONE,
)
from homeassistant.core import SupportsResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...const import DOMAIN
from ...vendor import Command
from ...vendor_action import ActionRequest, ActionTarget, VendorAction
from . import commands
from .client import FENCE_RADIUS_M, FenceAlarm, MileageReport, OpenApiClient
from .connection import OpenApiConnection
from .mapping import map_alarm

ATTR_BEGIN = "begin"
ATTR_END = "end"
ATTR_KILOMETRES = "kilometres"
ATTR_ACCOUNTS = "accounts"
ATTR_MESSAGE = "message"
ATTR_ALARM_ON = "alarm_on"

FENCE_ALARMS: Mapping[str, FenceAlarm] = {
    "leaving": FenceAlarm.OUT,
    "entering": FenceAlarm.IN,
    "both": FenceAlarm.BOTH,
}
PERIOD: Mapping[vol.Marker, Any] = {
    vol.Optional(ATTR_BEGIN): cv.datetime,
    vol.Optional(ATTR_END): cv.datetime,
}
DEFAULT_PERIOD = timedelta(days=1)


async def _get_route(request: ActionRequest) -> dict[str, Any]:
    """Return where vehicles were (2.3)."""
    begin, end = _period(request)
    routes = {}
    for vehicle_id in request.vehicle_ids:
        points = await _client(request).playback(vehicle_id, begin, end)
        routes[vehicle_id] = {
            "points": [
                {
                    "time": point.gpstime.isoformat(),
                    "latitude": point.latitude,
                    "longitude": point.longitude,
                    "speed": point.speed,
                    "course": point.course,
                }
                for point in points
            ]
        }
    return routes


async def _get_alarms(request: ActionRequest) -> dict[str, Any]:
    """Return the alarms of vehicles (2.8, 2.17)."""
    begin, end = _period(request)
    answers = {}
    for vehicle_id in request.vehicle_ids:
        alarms = await _client(request).alarms(vehicle_id, begin, end)
        occurrences = [map_alarm(alarm) for alarm in alarms]
        answers[vehicle_id] = {
            "alarms": [
                {
                    "time": occurrence.occurred_at.isoformat(),
                    "type": occurrence.type,
                    "code": occurrence.code,
                    "name": occurrence.name,
                    **occurrence.details,
                }
                for occurrence in occurrences
            ]
        }
    return answers


async def _get_distance(request: ActionRequest) -> dict[str, Any]:
    """Return how far vehicles drove, in kilometres (2.14)."""
    begin, end = _period(request)
    report: MileageReport = await _client(request).mileage_report(
        request.vehicle_ids, begin, end
    )
    return {
        vehicle_id: {
            "distance": report.found.get(vehicle_id),
            "begin": report.begin.isoformat(),
            "end": report.end.isoformat(),
        }
        for vehicle_id in request.vehicle_ids
    }


async def _create_geofence(request: ActionRequest) -> None:
    """Create a circle at the vendor that raises alarms (2.4)."""
    data = request.data
    name, latitude, longitude, radius = _circle(request)
    for vehicle_id in request.vehicle_ids:
        await _client(request).create_geofence(
            vehicle_id,
            name,
            FENCE_ALARMS[data[ATTR_ALARM_ON]],
            longitude,
            latitude,
            round(radius),
        )


async def _set_mileage(request: ActionRequest) -> dict[str, Any]:
    """Set the odometer (2.5). That the vendor counts in kilometres is not confirmed."""
    command = Command(
        commands.SET_MILEAGE, {ATTR_KILOMETRES: request.data[ATTR_KILOMETRES]}
    )
    answers = {}
    for vehicle_id in request.vehicle_ids:
        result = await request.coordinator.async_execute(vehicle_id, command)
        answers[vehicle_id] = {"answer": result.text}
    return answers


async def _send_message(request: ActionRequest) -> None:
    """Send a message to accounts (2.13)."""
    await _client(request).send_message(
        request.data[ATTR_ACCOUNTS], request.data[ATTR_MESSAGE]
    )


def _client(request: ActionRequest) -> OpenApiClient:
    connection = request.coordinator.connection
    assert isinstance(connection, OpenApiConnection)
    return connection.client


def _period(request: ActionRequest) -> tuple[datetime, datetime]:
    """Return the period that is meant: the last day unless something else was said."""
    end = _utc(request.data.get(ATTR_END)) or dt_util.utcnow()
    begin = _utc(request.data.get(ATTR_BEGIN)) or end - DEFAULT_PERIOD
    if begin >= end:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="period_reversed"
        )
    return begin, end


def _utc(time: datetime | None) -> datetime | None:
    """Return a time as UTC; one without a zone is meant in Home Assistant's."""
    return time and dt_util.as_utc(time)


def _circle(request: ActionRequest) -> tuple[str, float, float, float]:
    """Return name, latitude, longitude and radius (m) of a zone or of what was entered."""
    data = request.data
    if (zone_id := data.get(CONF_ZONE)) is None:
        missing = [
            key
            for key in (ATTR_LATITUDE, ATTR_LONGITUDE, CONF_RADIUS, CONF_NAME)
            if key not in data
        ]
        if missing:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="zone_or_place"
            )
        return (
            data[CONF_NAME],
            data[ATTR_LATITUDE],
            data[ATTR_LONGITUDE],
            data[CONF_RADIUS],
        )
    zone = request.coordinator.hass.states.get(zone_id)
    if zone is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="unknown_zone",
            translation_placeholders={ATTR_ENTITY_ID: zone_id},
        )
    radius = data.get(CONF_RADIUS, zone.attributes[CONF_RADIUS])
    least, most = FENCE_RADIUS_M
    if not least <= radius <= most:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="radius_out_of_range",
            translation_placeholders={"least": str(least), "most": str(most)},
        )
    return (
        data.get(CONF_NAME, zone.name),
        zone.attributes[ATTR_LATITUDE],
        zone.attributes[ATTR_LONGITUDE],
        radius,
    )


ACTIONS = (
    VendorAction(
        name="get_route",
        fields=PERIOD,
        handler=_get_route,
        response=SupportsResponse.ONLY,
    ),
    VendorAction(
        name="get_alarms",
        fields=PERIOD,
        handler=_get_alarms,
        response=SupportsResponse.ONLY,
    ),
    VendorAction(
        name="get_distance",
        fields=PERIOD,
        handler=_get_distance,
        response=SupportsResponse.ONLY,
    ),
    VendorAction(
        name="create_geofence",
        fields={
            vol.Optional(CONF_NAME): cv.string,
            vol.Optional(CONF_ZONE): cv.entity_domain(ZONE_DOMAIN),
            vol.Optional(ATTR_LATITUDE): cv.latitude,
            vol.Optional(ATTR_LONGITUDE): cv.longitude,
            vol.Optional(CONF_RADIUS): vol.All(
                vol.Coerce(float), vol.Range(*FENCE_RADIUS_M)
            ),
            vol.Optional(ATTR_ALARM_ON, default="both"): vol.In(FENCE_ALARMS),
        },
        handler=_create_geofence,
    ),
    VendorAction(
        name="set_mileage",
        fields={
            vol.Required(ATTR_KILOMETRES): vol.All(
                vol.Coerce(float), vol.Range(min=0, max=9_999_999)
            )
        },
        handler=_set_mileage,
        response=SupportsResponse.OPTIONAL,
    ),
    VendorAction(
        name="send_message",
        target=ActionTarget.ACCOUNT,
        fields={
            vol.Required(ATTR_ACCOUNTS): vol.All(
                cv.ensure_list, [cv.string], vol.Length(min=1, max=200)
            ),
            vol.Required(ATTR_MESSAGE): vol.All(cv.string, vol.Length(min=1, max=300)),
        },
        handler=_send_message,
    ),
)
