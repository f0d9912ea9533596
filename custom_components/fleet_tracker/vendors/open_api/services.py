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
    circle,
)
from .client import FENCE_RADIUS_M, FenceAlarm
from .connection import OpenApiConnection
from .vocabulary import OpenApiCommand

type _Request = ActionRequest[OpenApiConnection]

ATTR_KILOMETERS = "kilometers"
ATTR_ACCOUNTS = "accounts"
ATTR_MESSAGE = "message"

FENCE_ALARMS: Mapping[str, FenceAlarm] = {
    LEAVING: FenceAlarm.OUT,
    ENTERING: FenceAlarm.IN,
    BOTH: FenceAlarm.BOTH,
}


async def _check_geofence(request: _Request) -> Mapping[str, VendorError]:
    """Refuse an invalid circle, and find the vehicles that the server refuses."""
    circle(request, FENCE_RADIUS_M)
    batch = await request.connection.client.track(request.vehicle_ids)
    if batch.error is not None:
        raise batch.error
    return batch.refused


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
    return Command(OpenApiCommand.SET_MILEAGE, {ATTR_KILOMETERS: data[ATTR_KILOMETERS]})


async def _send_message(request: _Request) -> None:
    """Send a message to accounts (2.13)."""
    await request.connection.client.send_message(
        request.data[ATTR_ACCOUNTS], request.data[ATTR_MESSAGE]
    )


ACTIONS = (
    VendorAction(
        name="create_geofence",
        effect=ActionEffect.CHANGES,
        fields={**CIRCLE, **ALARM_ON},
        handler=_create_geofence,
        check=_check_geofence,
        response=SupportsResponse.OPTIONAL,
    ),
    command_action(
        name="open_api_set_mileage",
        effect=ActionEffect.CHANGES,
        fields={
            vol.Required(ATTR_KILOMETERS): vol.All(
                vol.Coerce(float), vol.Range(min=0, max=9_999_999)
            )
        },
        command=_set_mileage,
        answer=lambda result: {"answer": result.text},
        response=SupportsResponse.OPTIONAL,
    ),
    VendorAction(
        name="open_api_send_message",
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
