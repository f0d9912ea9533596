"""The actions of the Open API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.commands import Command
from ...contract.errors import VendorError
from ...offer.action import (
    ActionEffect,
    ActionRequest,
    ActionTarget,
    Outcomes,
    VendorAction,
    command_action,
    for_each,
)
from ...offer.fields import (
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
from . import commands
from .client import FENCE_RADIUS_M, FenceAlarm, MileageReport
from .connection import OpenApiConnection
from .mapping import map_alarm

type _Request = ActionRequest[OpenApiConnection]

ATTR_KILOMETRES = "kilometres"
ATTR_ACCOUNTS = "accounts"
ATTR_MESSAGE = "message"

FENCE_ALARMS: Mapping[str, FenceAlarm] = {
    LEAVING: FenceAlarm.OUT,
    ENTERING: FenceAlarm.IN,
    BOTH: FenceAlarm.BOTH,
}


async def _get_route(request: _Request) -> Outcomes:
    """Return where vehicles were (2.3)."""
    begin, end = period(request)

    async def ask(vehicle_id: str) -> dict[str, Any]:
        points = await request.connection.client.playback(vehicle_id, begin, end)
        return {
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

    return await for_each(request, ask)


async def _get_alarms(request: _Request) -> Outcomes:
    """Return the alarms of vehicles (2.8, 2.17)."""
    begin, end = period(request)

    async def ask(vehicle_id: str) -> dict[str, Any]:
        alarms = await request.connection.client.alarms(vehicle_id, begin, end)
        return {"alarms": [alarm_as_json(map_alarm(alarm)) for alarm in alarms]}

    return await for_each(request, ask)


async def _get_distance(request: _Request) -> Outcomes:
    """Return how far vehicles drove, in kilometres (2.14)."""
    begin, end = period(request)
    report: MileageReport = await request.connection.client.mileage_report(
        request.vehicle_ids, begin, end
    )
    return {
        vehicle_id: report.refused.get(vehicle_id)
        or {
            "distance": report.found.get(vehicle_id),
            "begin": report.begin.isoformat(),
            "end": report.end.isoformat(),
        }
        for vehicle_id in request.vehicle_ids
    }


async def _check_geofence(request: _Request) -> dict[str, VendorError]:
    """Refuse a circle that cannot be."""
    circle(request, FENCE_RADIUS_M)
    return {}


async def _create_geofence(request: _Request) -> Outcomes:
    """Create a circle at the vendor that raises alarms (2.4)."""
    fence = circle(request, FENCE_RADIUS_M)

    async def create(vehicle_id: str) -> None:
        await request.connection.client.create_geofence(
            vehicle_id,
            fence.name,
            FENCE_ALARMS[request.data[ATTR_ALARM_ON]],
            fence.longitude,
            fence.latitude,
            round(fence.radius),
        )

    return await for_each(request, create)


def _set_mileage(data: Mapping[str, Any]) -> Command:
    """Set the odometer (2.5). That the vendor counts in kilometres is not confirmed."""
    return Command(commands.SET_MILEAGE, {ATTR_KILOMETRES: data[ATTR_KILOMETRES]})


async def _send_message(request: _Request) -> None:
    """Send a message to accounts (2.13)."""
    await request.connection.client.send_message(
        request.data[ATTR_ACCOUNTS], request.data[ATTR_MESSAGE]
    )


ACTIONS = (
    VendorAction(
        name="get_route",
        effect=ActionEffect.TELLS,
        fields=PERIOD,
        handler=_get_route,
        response=SupportsResponse.ONLY,
    ),
    VendorAction(
        name="get_alarms",
        effect=ActionEffect.TELLS,
        fields=PERIOD,
        handler=_get_alarms,
        response=SupportsResponse.ONLY,
    ),
    VendorAction(
        name="get_distance",
        effect=ActionEffect.TELLS,
        fields=PERIOD,
        handler=_get_distance,
        response=SupportsResponse.ONLY,
    ),
    VendorAction(
        name="create_geofence",
        effect=ActionEffect.CHANGES,
        fields={**CIRCLE, **ALARM_ON},
        handler=_create_geofence,
        check=_check_geofence,
        response=SupportsResponse.OPTIONAL,
    ),
    command_action(
        name="set_mileage",
        effect=ActionEffect.CHANGES,
        fields={
            vol.Required(ATTR_KILOMETRES): vol.All(
                vol.Coerce(float), vol.Range(min=0, max=9_999_999)
            )
        },
        command=_set_mileage,
        answer=lambda result: {"answer": result.text},
        response=SupportsResponse.OPTIONAL,
    ),
    VendorAction(
        name="send_message",
        effect=ActionEffect.CHANGES,
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
