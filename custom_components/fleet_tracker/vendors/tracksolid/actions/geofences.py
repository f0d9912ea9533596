"""The actions for geofences: circles in a tracker, and on the platform (chapter 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ....contract.errors import VendorError
from ....offer.action import ActionEffect, Outcomes, VendorAction, for_each
from ....offer.fields import (
    ALARM_ON,
    ATTR_ALARM_ON,
    BOTH,
    CIRCLE,
    ENTERING,
    LEAVING,
    Circle,
    circle,
)
from ..api.fences import (
    DEVICE_RADIUS_M,
    PLATFORM_RADIUS_M,
    FenceAlert,
    check_device_radius,
)
from .common import Request, by_account, for_each_account

ATTR_GEOFENCE = "geofence"
ATTR_STORED_IN = "stored_in"
ATTR_DAYS_NOT_ENTERED = "days_not_entered"
ATTR_DAYS_NOT_LEFT = "days_not_left"

PLATFORM = "platform"
TRACKER = "tracker"

_STORED_IN: Mapping[vol.Marker, Any] = {
    vol.Optional(ATTR_STORED_IN, default=PLATFORM): vol.In((PLATFORM, TRACKER)),
}
_ALERTS: Mapping[str, frozenset[FenceAlert]] = {
    ENTERING: frozenset({FenceAlert.ENTERED}),
    LEAVING: frozenset({FenceAlert.LEFT}),
    BOTH: frozenset({FenceAlert.ENTERED, FenceAlert.LEFT}),
}
_DAYS = vol.All(vol.Coerce(int), vol.Range(min=1, max=365))


async def _check_geofence(request: Request) -> Mapping[str, VendorError]:
    """Refuse an invalid circle, and find the vehicles that the platform refuses.

    Which account each is in is known then, too.
    """
    _circle(request)
    await by_account(request)
    tracking = request.connection.client.tracking
    return (await tracking.location_rows_of(request.vehicle_ids)).refused


def _circle(request: Request) -> Circle:
    if request.data[ATTR_STORED_IN] == PLATFORM:
        return circle(request, PLATFORM_RADIUS_M)
    fence = circle(request, DEVICE_RADIUS_M)
    check_device_radius(round(fence.radius))
    return fence


async def _create_geofence(request: Request) -> Outcomes:
    """Create a circle that raises alarms, for all of the vehicles.

    Each tracker holds one of its own (9.1); on the platform vehicles of one account share
    it (9.3), and are bound to it (9.5).
    """
    fence = _circle(request)
    if request.data[ATTR_STORED_IN] == TRACKER:
        return await _create_in_trackers(request, fence)
    fences = request.connection.client.fences

    async def create(account: str, vehicle_ids: Sequence[str]) -> Outcomes:
        number = await fences.create_circle(
            account,
            fence.name,
            (fence.latitude, fence.longitude),
            round(fence.radius),
        )
        try:
            await fences.bind(number, vehicle_ids, _ALERTS[request.data[ATTR_ALARM_ON]])
        except VendorError:
            # A geofence without vehicles would only be in the way of the next try.
            await fences.delete(account, number)
            raise
        return dict.fromkeys(vehicle_ids, {ATTR_GEOFENCE: number})

    return await for_each_account(request, create)


async def _create_in_trackers(request: Request, fence: Circle) -> Outcomes:
    alarm_on = request.data[ATTR_ALARM_ON]

    async def create(vehicle_id: str) -> dict[str, Any]:
        number = await request.connection.client.fences.create_in_device(
            vehicle_id,
            fence.name,
            (fence.latitude, fence.longitude),
            round(fence.radius),
            entering=alarm_on != LEAVING,
            leaving=alarm_on != ENTERING,
        )
        return {ATTR_GEOFENCE: number}

    return await for_each(request, create)


async def _delete_geofence(request: Request) -> Outcomes:
    """Delete a geofence, in each tracker (9.2) or on the platform (9.4)."""
    fences, number = request.connection.client.fences, request.data[ATTR_GEOFENCE]

    async def delete_in_tracker(vehicle_id: str) -> None:
        await fences.delete_in_device(vehicle_id, number)

    async def delete(account: str, vehicle_ids: Sequence[str]) -> Outcomes:
        await fences.delete(account, number)
        return dict.fromkeys(vehicle_ids)

    if request.data[ATTR_STORED_IN] == TRACKER:
        return await for_each(request, delete_in_tracker)
    return await for_each_account(request, delete)


async def _bind_geofence(request: Request) -> Outcomes:
    """Let a geofence of the platform watch these vehicles instead of others (9.5)."""
    data = request.data
    alerts = set(_ALERTS[data[ATTR_ALARM_ON]])
    not_entered = data.get(ATTR_DAYS_NOT_ENTERED)
    not_left = data.get(ATTR_DAYS_NOT_LEFT)
    if not_entered is not None:
        alerts.add(FenceAlert.NOT_ENTERED_FOR_DAYS)
    if not_left is not None:
        alerts.add(FenceAlert.NOT_LEFT_FOR_DAYS)
    count = await request.connection.client.fences.bind(
        data[ATTR_GEOFENCE],
        request.vehicle_ids,
        alerts,
        days_not_entered=not_entered,
        days_not_left=not_left,
    )
    return {vehicle_id: {"bound": count} for vehicle_id in request.vehicle_ids}


GEOFENCE_ACTIONS = (
    VendorAction(
        name="create_geofence",
        effect=ActionEffect.CHANGES,
        fields={**CIRCLE, **ALARM_ON, **_STORED_IN},
        handler=_create_geofence,
        check=_check_geofence,
        response=SupportsResponse.OPTIONAL,
    ),
    VendorAction(
        name="tracksolid_delete_geofence",
        effect=ActionEffect.CHANGES,
        fields={vol.Required(ATTR_GEOFENCE): cv.string, **_STORED_IN},
        handler=_delete_geofence,
    ),
    VendorAction(
        name="tracksolid_bind_geofence",
        effect=ActionEffect.CHANGES,
        fields={
            vol.Required(ATTR_GEOFENCE): cv.string,
            **ALARM_ON,
            vol.Optional(ATTR_DAYS_NOT_ENTERED): _DAYS,
            vol.Optional(ATTR_DAYS_NOT_LEFT): _DAYS,
        },
        handler=_bind_geofence,
        response=SupportsResponse.OPTIONAL,
    ),
)
