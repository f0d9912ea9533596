"""What users say of trips, and the odometer as they read it from the dashboard.

Nothing is overwritten: each is kept with who said it and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..account.trips.records import MARKS, TripClass
from ..contract.errors import InvalidArgument, VendorError
from ..model.texts import LONGEST_SHOWN, clean_text
from ..offer.action import ActionEffect, Outcomes, for_each
from ..offer.errors import invalid
from ..offer.fields import TIME
from .common_action import AccountRequest, CommonAction
from .history import trip_as_json
from .past.own import OwnPast, readable

ATTR_TRIP_ID = "trip_id"
ATTR_CLASS = "class"
ATTR_KILOMETERS = "kilometers"
ATTR_AT = "at"
NO_CLASS = "none"

_TEXT = vol.All(cv.string, lambda text: clean_text(text, LONGEST_SHOWN))


async def _check_trip(request: AccountRequest) -> Mapping[str, VendorError]:
    """Refuse a mark that says nothing, and find the vehicles without that trip."""
    if not any(name in request.data for name in MARKS):
        raise invalid("nothing_to_mark")
    found: dict[str, VendorError] = {}
    for vehicle_id in request.vehicle_ids:
        with readable():
            trip = await request.coordinator.kept_trips.async_trip(
                vehicle_id, request.data[ATTR_TRIP_ID]
            )
        if trip is None:
            found[vehicle_id] = InvalidArgument("No such trip", key="unknown_trip")
    return found


async def _mark_trip(request: AccountRequest) -> Outcomes:
    """Mark a trip of each vehicle, and return it."""
    said: dict[str, str | None] = {
        name: request.data[name] or None for name in MARKS if name in request.data
    }
    if said.get(ATTR_CLASS) == NO_CLASS:
        said[ATTR_CLASS] = None
    trip_id = request.data[ATTR_TRIP_ID]
    kept_trips = request.coordinator.kept_trips

    async def mark(vehicle_id: str) -> Mapping[str, Any]:
        try:
            await kept_trips.async_mark(vehicle_id, trip_id, said, _caller(request))
        except KeyError as err:
            raise InvalidArgument("No such trip", key="unknown_trip") from err
        except OSError as err:
            raise _not_written() from err
        trip = await OwnPast(request.coordinator, vehicle_id).async_trip(trip_id)
        return {} if trip is None else trip_as_json(trip)

    return await for_each(request, mark)


async def _check_reading(request: AccountRequest) -> Mapping[str, VendorError]:
    """Refuse a reading of the future, and one that would not be kept."""
    at = request.data.get(ATTR_AT)
    if at is not None and dt_util.as_utc(at) > dt_util.utcnow():
        raise invalid("reading_of_the_future")
    kept_from = request.coordinator.kept_trips.kept_from
    if at is not None and dt_util.as_utc(at) < kept_from:
        raise invalid("reading_too_old", since=kept_from.date().isoformat())
    return {}


async def _note_reading(request: AccountRequest) -> Outcomes:
    """Note the odometer of each vehicle as it was read."""
    at = dt_util.as_utc(request.data.get(ATTR_AT) or dt_util.utcnow())
    kilometers: float = request.data[ATTR_KILOMETERS]

    async def note(vehicle_id: str) -> Mapping[str, Any]:
        try:
            await request.coordinator.kept_trips.async_note_reading(
                vehicle_id, kilometers, at, _caller(request)
            )
        except OSError as err:
            raise _not_written() from err
        return {ATTR_KILOMETERS: kilometers, ATTR_AT: at.isoformat()}

    return await for_each(request, note)


def _caller(request: AccountRequest) -> str | None:
    return None if request.caller is None else request.caller.id


def _not_written() -> VendorError:
    return VendorError("Kept trips cannot be written", key="trips_unwritable")


MARKING_ACTIONS: tuple[CommonAction, ...] = (
    CommonAction(
        name="mark_trip",
        effect=ActionEffect.CHANGES,
        fields={
            vol.Required(ATTR_TRIP_ID): vol.All(
                vol.Coerce(str), vol.Length(min=1, max=32)
            ),
            vol.Optional(ATTR_CLASS): vol.In(
                [*(one.value for one in TripClass), NO_CLASS]
            ),
            **{vol.Optional(name): _TEXT for name in MARKS if name != ATTR_CLASS},
        },
        handler=_mark_trip,
        check=_check_trip,
        response=SupportsResponse.OPTIONAL,
    ),
    CommonAction(
        name="set_dashboard_reading",
        effect=ActionEffect.CHANGES,
        fields={
            vol.Required(ATTR_KILOMETERS): vol.All(
                vol.Coerce(float), vol.Range(min=0, max=9_999_999)
            ),
            vol.Optional(ATTR_AT): TIME,
        },
        handler=_note_reading,
        check=_check_reading,
        response=SupportsResponse.OPTIONAL,
    ),
)
