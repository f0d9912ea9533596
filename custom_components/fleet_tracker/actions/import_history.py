"""The action that imports the driven distances of the past as statistics."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from homeassistant.core import SupportsResponse
import voluptuous as vol

from ..account.distance_statistics import Imported
from ..account.recorder_rows import has_recorder
from ..contract.errors import VendorError
from ..offer.action import ActionEffect, Outcomes
from ..offer.errors import invalid
from ..offer.fields import ATTR_BEGIN, ATTR_END, TIME, period
from .common_action import AccountRequest, CommonAction
from .past.own import readable

LONGEST_PERIOD = timedelta(days=3 * 366)


async def _async_check(request: AccountRequest) -> Mapping[str, VendorError]:
    """Refuse a wrong period, a call without a recorder, and what nobody tells."""
    if not has_recorder(request.hass):
        raise invalid("no_recorder")
    begin, end = period(request, LONGEST_PERIOD)
    return request.coordinator.statistics.untold(request.vehicle_ids, begin, end)


async def _async_import(request: AccountRequest) -> Outcomes:
    """Import the days of the period, and return how far each vehicle drove."""
    begin, end = period(request)
    with readable():
        found = await request.coordinator.statistics.async_import(
            request.vehicle_ids, begin, end
        )
    return {
        vehicle_id: _as_json(imported) if isinstance(imported, Imported) else imported
        for vehicle_id, imported in found.items()
    }


def _as_json(imported: Imported) -> dict[str, Any]:
    return {
        "statistic_id": imported.statistic_id,
        "distance": imported.metres / 1000,
        "hours": imported.hours,
    }


IMPORT_HISTORY = CommonAction(
    name="import_history",
    effect=ActionEffect.CHANGES,
    fields={
        vol.Required(ATTR_BEGIN): TIME,
        vol.Optional(ATTR_END): TIME,
    },
    handler=_async_import,
    check=_async_check,
    response=SupportsResponse.OPTIONAL,
)
