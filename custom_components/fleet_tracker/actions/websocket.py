"""What dashboards ask for: the trips of a day, the way of a trip, and files of trips.

Each tells of one vehicle, and only users who may read its tracker. No vendor is asked, but
for files of trips that are not known here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from homeassistant.components import websocket_api
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..account.trips.places import place_name
from ..account.trips.records import MARKS
from ..const import DOMAIN
from ..contract.errors import InvalidArgument, VendorError
from ..offer.errors import invalid, of_vendor
from ..offer.fields import ATTR_BEGIN, ATTR_END, DAY, LONGEST_PERIOD, PERIOD, period_of
from ..offer.texts import error_text
from .exporting import (
    ATTR_TRIP_ID,
    EXPORT_FIELDS,
    async_export,
    check_export,
    wanted_of,
)
from .history import trip_as_json
from .past.known_trip import KnownTrip
from .past.own import OwnPast
from .past.way import Way
from .targets import LostVehicle, TargetVehicle, find_readable

TRIPS = f"{DOMAIN}/trips"
ROUTE = f"{DOMAIN}/route"
EXPORT = f"{DOMAIN}/export"

ATTR_ENTITY_ID = "entity_id"
ATTR_DATE = "date"

NOT_FOUND = websocket_api.ERR_NOT_FOUND
NOT_LOADED = "not_loaded"
FAILED = "failed"
_CODES = {
    "vehicle_gone": NOT_FOUND,
    "unknown_vehicle": NOT_FOUND,
    "unknown_trip": NOT_FOUND,
    "entry_not_loaded": NOT_LOADED,
    "entry_setting_up": NOT_LOADED,
}
"""The codes of errors, by the keys of their texts. The others have failed."""

MOST_TRIPS = 500

type _Json = dict[str, Any]

# What is always there for the browser, also where it is not known.
_BLANK: _Json = {
    "flags": [],
    **dict.fromkeys(("distance_source", *MARKS)),
}

_EXPORT_FIELDS: dict[str | vol.Marker, Any] = {
    vol.Required("type"): EXPORT,
    vol.Required(ATTR_ENTITY_ID): cv.entity_id,
    vol.Optional(ATTR_DATE): DAY,
    **{marker: PERIOD[marker] for marker in PERIOD},
    **{marker: EXPORT_FIELDS[marker] for marker in EXPORT_FIELDS},
}


@callback
def async_register_websocket(hass: HomeAssistant) -> None:
    """Register the commands."""
    for handler in (_handle_trips, _handle_route, _handle_export):
        websocket_api.async_register_command(hass, handler)


@websocket_api.websocket_command(
    {
        vol.Required("type"): TRIPS,
        vol.Required(ATTR_ENTITY_ID): cv.entity_id,
        vol.Optional(ATTR_DATE): DAY,
    }
)
@websocket_api.async_response
async def _handle_trips(
    hass: HomeAssistant, connection: websocket_api.ActiveConnection, message: _Json
) -> None:
    async def tell(vehicle: TargetVehicle) -> _Json:
        day: date = message.get(ATTR_DATE) or dt_util.now().date()
        begin, end = _times_of(day)
        trips = [
            trip
            for trip in await _own(vehicle).async_trips(begin, end)
            if begin <= trip.begin or trip.is_running
        ][:MOST_TRIPS]
        return {
            ATTR_ENTITY_ID: vehicle.entity_id,
            ATTR_DATE: day.isoformat(),
            "time_zone": hass.config.time_zone,
            "distance": round(sum(trip.distance or 0 for trip in trips), 3),
            "trips": [_trip(hass, trip) for trip in trips],
        }

    await _async_answer(hass, connection, message, tell)


@websocket_api.websocket_command(
    {
        vol.Required("type"): ROUTE,
        vol.Required(ATTR_ENTITY_ID): cv.entity_id,
        vol.Optional(ATTR_TRIP_ID): cv.string,
    }
)
@websocket_api.async_response
async def _handle_route(
    hass: HomeAssistant, connection: websocket_api.ActiveConnection, message: _Json
) -> None:
    async def tell(vehicle: TargetVehicle) -> _Json:
        own = _own(vehicle)
        trip = await own.async_trip(message.get(ATTR_TRIP_ID))
        if trip is None and ATTR_TRIP_ID in message:
            raise InvalidArgument("No such trip", key="unknown_trip")
        way = Way() if trip is None else await own.async_way(trip)
        return {
            ATTR_ENTITY_ID: vehicle.entity_id,
            "trip": None if trip is None else _trip(hass, trip),
            "points": [
                [round(one.time.timestamp(), 3), one.latitude, one.longitude, one.speed]
                for one in way.points
            ],
            "gaps": sorted(way.gaps),
        }

    await _async_answer(hass, connection, message, tell)


@websocket_api.websocket_command(_EXPORT_FIELDS)
@websocket_api.async_response
async def _handle_export(
    hass: HomeAssistant, connection: websocket_api.ActiveConnection, message: _Json
) -> None:
    async def tell(vehicle: TargetVehicle) -> _Json:
        check_export(message)
        begin, end = _times_of(message.get(ATTR_DATE) or dt_util.now().date())
        if ATTR_BEGIN in message or ATTR_END in message:
            begin, end = period_of(message, LONGEST_PERIOD)
        exported = await async_export(
            vehicle.coordinator, vehicle.vehicle_id, wanted_of(message, begin, end)
        )
        return asdict(exported)

    await _async_answer(hass, connection, message, tell)


def _times_of(day: date) -> tuple[datetime, datetime]:
    """Return when a local day begins and ends."""
    begin = dt_util.start_of_local_day(day)
    end = dt_util.start_of_local_day(day + timedelta(days=1))
    return dt_util.as_utc(begin), dt_util.as_utc(end)


def _own(vehicle: TargetVehicle) -> OwnPast:
    return OwnPast(vehicle.coordinator, vehicle.vehicle_id)


async def _async_answer(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    message: _Json,
    tell: Callable[[TargetVehicle], Awaitable[_Json]],
) -> None:
    """Send the answer about a vehicle, or the error."""
    try:
        found = find_readable(hass, connection.user, message[ATTR_ENTITY_ID])
        if isinstance(found, LostVehicle):
            raise found.error
        if found is None:
            raise invalid("unknown_vehicle", target=message[ATTR_ENTITY_ID])
        result = await tell(found)
    except Unauthorized:
        raise
    except (VendorError, HomeAssistantError) as err:
        error = (
            of_vendor(err, HomeAssistantError) if isinstance(err, VendorError) else err
        )
        code = _CODES.get(error.translation_key or "", FAILED)
        connection.send_error(message["id"], code, error_text(hass, error))
        return
    connection.send_result(message["id"], result)


def _trip(hass: HomeAssistant, trip: KnownTrip) -> _Json:
    """Return a trip as the browser wants it, with the zones that it began and ended in."""
    told = {**_BLANK, **trip_as_json(trip), "running": trip.is_running}
    for key in ("begin_place", "end_place"):
        if (place := told.get(key)) is not None:
            zone = place_name(hass, place.get("latitude"), place.get("longitude"))
            told[key] = {**place, "zone": zone}
    return told
