"""The actions of the Open API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...action_fields import (
    ALARM_ON,
    ATTR_ALARM_ON,
    BOTH,
    CIRCLE,
    ENTERING,
    LEAVING,
    PERIOD,
    alarm_as_json,
    circle,
    period,
)
from ...vendor import Command
from ...vendor_action import ActionRequest, ActionTarget, VendorAction
from . import commands
from .client import FENCE_RADIUS_M, FenceAlarm, MileageReport, OpenApiClient
from .connection import OpenApiConnection
from .mapping import map_alarm

ATTR_KILOMETRES = "kilometres"
ATTR_ACCOUNTS = "accounts"
ATTR_MESSAGE = "message"

FENCE_ALARMS: Mapping[str, FenceAlarm] = {
    LEAVING: FenceAlarm.OUT,
    ENTERING: FenceAlarm.IN,
    BOTH: FenceAlarm.BOTH,
}


async def _get_route(request: ActionRequest) -> dict[str, Any]:
    """Return where vehicles were (2.3)."""
    begin, end = period(request)
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
    begin, end = period(request)
    answers = {}
    for vehicle_id in request.vehicle_ids:
        alarms = await _client(request).alarms(vehicle_id, begin, end)
        answers[vehicle_id] = {
            "alarms": [alarm_as_json(map_alarm(alarm)) for alarm in alarms]
        }
    return answers


async def _get_distance(request: ActionRequest) -> dict[str, Any]:
    """Return how far vehicles drove, in kilometres (2.14)."""
    begin, end = period(request)
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
    fence = circle(request, FENCE_RADIUS_M)
    for vehicle_id in request.vehicle_ids:
        await _client(request).create_geofence(
            vehicle_id,
            fence.name,
            FENCE_ALARMS[request.data[ATTR_ALARM_ON]],
            fence.longitude,
            fence.latitude,
            round(fence.radius),
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
        fields={**CIRCLE, **ALARM_ON},
        handler=_create_geofence,
        response=SupportsResponse.OPTIONAL,
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
