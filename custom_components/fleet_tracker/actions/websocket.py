"""What dashboards ask for: the trips of a day, and the way of a trip.

Both tell of one vehicle, and only users who may read its tracker. No vendor is asked.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from homeassistant.components import websocket_api
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..const import DOMAIN
from ..offer.texts import error_text
from .history import trip_as_json
from .past.known_trip import KnownTrip
from .past.own import OwnPast
from .past.way import Way
from .targets import LostVehicle, TargetVehicle, find_readable

TRIPS = f"{DOMAIN}/trips"
ROUTE = f"{DOMAIN}/route"

NOT_FOUND = websocket_api.ERR_NOT_FOUND
NOT_LOADED = "not_loaded"
MOST_TRIPS = 500

type _Json = dict[str, Any]

# What is always there for the browser, also where it is not known.
_BLANK: _Json = {"flags": [], "distance_source": None}


@callback
def async_register_websocket(hass: HomeAssistant) -> None:
    """Register the commands."""
    websocket_api.async_register_command(hass, _handle_trips)
    websocket_api.async_register_command(hass, _handle_route)


@websocket_api.websocket_command(
    {
        vol.Required("type"): TRIPS,
        vol.Required("entity_id"): cv.entity_id,
        vol.Optional("date"): cv.date,
    }
)
@websocket_api.async_response
async def _handle_trips(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    message: dict[str, Any],
) -> None:
    if (vehicle := _vehicle(hass, connection, message)) is None:
        return
    day: date = message.get("date") or dt_util.now().date()
    begin = dt_util.as_utc(dt_util.start_of_local_day(day))
    end = dt_util.as_utc(dt_util.start_of_local_day(day + timedelta(days=1)))
    own = OwnPast(vehicle.coordinator, vehicle.vehicle_id)
    trips = [
        trip
        for trip in await own.async_trips(begin, end)
        if begin <= trip.begin or trip.is_running
    ][:MOST_TRIPS]
    connection.send_result(
        message["id"],
        {
            "entity_id": vehicle.entity_id,
            "date": day.isoformat(),
            "time_zone": hass.config.time_zone,
            "distance": round(sum(trip.distance or 0 for trip in trips), 3),
            "trips": [_trip(trip) for trip in trips],
        },
    )


@websocket_api.websocket_command(
    {
        vol.Required("type"): ROUTE,
        vol.Required("entity_id"): cv.entity_id,
        vol.Optional("trip_id"): cv.string,
    }
)
@websocket_api.async_response
async def _handle_route(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    message: dict[str, Any],
) -> None:
    if (vehicle := _vehicle(hass, connection, message)) is None:
        return
    own = OwnPast(vehicle.coordinator, vehicle.vehicle_id)
    trip = await own.async_trip(message.get("trip_id"))
    if trip is None and "trip_id" in message:
        connection.send_error(message["id"], NOT_FOUND, "There is no such trip")
        return
    way = Way() if trip is None else await own.async_way(trip)
    connection.send_result(
        message["id"],
        {
            "entity_id": vehicle.entity_id,
            "trip": None if trip is None else _trip(trip),
            "points": [
                [
                    round(one.time.timestamp(), 3),
                    one.latitude,
                    one.longitude,
                    one.speed,
                ]
                for one in way.points
            ],
            "gaps": sorted(way.gaps),
        },
    )


def _vehicle(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    message: dict[str, Any],
) -> TargetVehicle | None:
    """Return the vehicle of a command, None where the answer is an error that was sent."""
    entity_id: str = message["entity_id"]
    found = find_readable(hass, connection.user, entity_id)
    if isinstance(found, LostVehicle):
        is_gone = found.error.translation_key == "vehicle_gone"
        code = NOT_FOUND if is_gone else NOT_LOADED
        connection.send_error(message["id"], code, error_text(hass, found.error))
        return None
    if found is None:
        connection.send_error(
            message["id"], NOT_FOUND, "This is not a vehicle of Fleet Tracker"
        )
    return found


def _trip(trip: KnownTrip) -> _Json:
    """Return a trip as the browser wants it."""
    return {**_BLANK, **trip_as_json(trip), "running": trip.is_running}
