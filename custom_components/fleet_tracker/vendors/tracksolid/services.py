"""The actions of Tracksolid Pro."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...action_fields import PERIOD, alarm_as_json, period
from ...const import DOMAIN
from ...vendor import Argument, Command, CommandResult, CommandUnsupported, VendorError
from ...vendor_action import ActionRequest, VendorAction
from . import commands
from .api_devices import VehicleChanges
from .cameras import FRONT, INSIDE
from .mapping import map_alarm
from .services_common import by_account, client_of, connection_of
from .services_geofence import GEOFENCE_ACTIONS

ATTR_COMMAND = "command"
ATTR_VALUES = "values"
ATTR_TEXT = "text"
ATTR_HEX = "hex"
ATTR_IDLING = "idling"
ATTR_CELLS = "cells"
ATTR_WIFI = "wifi"
ATTR_CAMERA = "camera"
ATTR_DAY = "day"
ATTR_TIME = "time"
ATTR_FILE = "file"

_CAMERA: Mapping[vol.Marker, Any] = {
    vol.Optional(ATTR_CAMERA, default=FRONT): vol.All(
        vol.Coerce(int), vol.In((FRONT, INSIDE))
    ),
}

# What `update_vehicle` calls the fields of `VehicleChanges`.
_CHANGES: Mapping[str, tuple[str, Any]] = {
    "name": ("device_name", cv.string),
    "vehicle": ("vehicle_name", cv.string),
    "model": ("vehicle_models", cv.string),
    "icon": ("vehicle_icon", cv.string),
    "plate": ("vehicle_number", cv.string),
    "driver": ("driver_name", cv.string),
    "driver_phone": ("driver_phone", cv.string),
    "sim": ("sim", cv.string),
    "remarks": ("remarks", cv.string),
    "enabled": ("enabled", cv.boolean),
    "group": ("group_id", cv.string),
    "fuel_consumption": (
        "fuel_per_100_km",
        vol.All(vol.Coerce(float), vol.Range(min=0, max=1000)),
    ),
    "odometer": ("odometer", vol.All(vol.Coerce(float), vol.Range(min=0, max=1e7))),
}


async def _get_trips(request: ActionRequest) -> dict[str, Any]:
    """Return the drives of vehicles (5.4)."""
    begin, end = period(request)
    batch = await client_of(request).reports.trips(request.vehicle_ids, begin, end)
    _raise_refused(request, batch.refused)
    return {
        vehicle_id: {
            "trips": [
                {
                    "begin": trip.started_at.isoformat(),
                    "end": trip.ended_at.isoformat(),
                    "distance": trip.distance,
                    "duration": trip.duration,
                    "average_speed": trip.average_speed,
                    "top_speed": trip.top_speed,
                    "idle_time": trip.idle_time,
                }
                for trip in batch.found
                if trip.imei == vehicle_id
            ]
        }
        for vehicle_id in request.vehicle_ids
    }


async def _get_route(request: ActionRequest) -> dict[str, Any]:
    """Return where vehicles were, one after the other (5.5)."""
    begin, end = period(request)
    routes = {}
    for vehicle_id in request.vehicle_ids:
        points = await client_of(request).tracking.track(vehicle_id, begin, end)
        routes[vehicle_id] = {
            "points": [
                {
                    "time": point.fixed_at.isoformat(),
                    "latitude": point.latitude,
                    "longitude": point.longitude,
                    "speed": point.speed,
                    "course": point.course,
                    "altitude": point.altitude,
                    "ignition": point.ignition,
                }
                for point in points
            ]
        }
    return routes


async def _get_stops(request: ActionRequest) -> dict[str, Any]:
    """Return when vehicles stood still, or idled (5.7)."""
    begin, end = period(request)
    answers: dict[str, Any] = {one: {"stops": []} for one in request.vehicle_ids}
    for account, vehicle_ids in by_account(request).items():
        batch = await client_of(request).reports.stops(
            account, vehicle_ids, begin, end, idling=request.data[ATTR_IDLING]
        )
        _raise_refused(request, batch.refused)
        for stop in batch.found:
            if stop.imei in answers:
                answers[stop.imei]["stops"].append(
                    {
                        "begin": stop.started_at.isoformat(),
                        "end": stop.ended_at and stop.ended_at.isoformat(),
                        "duration": stop.duration,
                        "latitude": stop.latitude,
                        "longitude": stop.longitude,
                        "address": stop.address,
                    }
                )
    return answers


async def _get_alarms(request: ActionRequest) -> dict[str, Any]:
    """Return the alarms of vehicles (6.1)."""
    begin, end = period(request)
    batch = await client_of(request).reports.alarms(request.vehicle_ids, begin, end)
    _raise_refused(request, batch.refused)
    return {
        vehicle_id: {
            "alarms": [
                alarm_as_json(occurrence)
                for alarm in batch.found
                if alarm.imei == vehicle_id
                for occurrence in map_alarm(alarm).occurrences
            ]
        }
        for vehicle_id in request.vehicle_ids
    }


async def _get_obd_history(request: ActionRequest) -> dict[str, Any]:
    """Return OBD reports and trouble codes of vehicles (the manual)."""
    begin, end = period(request)
    reports = client_of(request).reports
    answers: dict[str, Any] = {}
    for vehicle_id in request.vehicle_ids:
        account = connection_of(request).account_of(vehicle_id)
        read = await reports.obd(account, [vehicle_id], begin, end)
        faults = await reports.faults(account, [vehicle_id], begin, end)
        _raise_refused(request, {**read.refused, **faults.refused})
        answers[vehicle_id] = {
            "reports": [_as_json(asdict(report)) for report in read.found],
            "trouble_codes": [
                {
                    "time": fault.occurred_at.isoformat(),
                    "code": fault.code,
                    "name": fault.detail,
                }
                for fault in faults.found
            ],
        }
    return answers


async def _get_share_link(request: ActionRequest) -> dict[str, Any]:
    """Return links by which anybody can see where vehicles are (5.3)."""
    return {
        vehicle_id: {"link": await client_of(request).tracking.share_link(vehicle_id)}
        for vehicle_id in request.vehicle_ids
    }


async def _get_cell_position(request: ActionRequest) -> dict[str, Any]:
    """Return where cells or Wi-Fi networks are, which 10 times a day are told (5.6)."""
    if not request.data:
        raise _invalid("tracksolid_cells_or_wifi")
    answers = {}
    for vehicle_id in request.vehicle_ids:
        found = await client_of(request).tracking.resolve(
            vehicle_id,
            cells=request.data.get(ATTR_CELLS),
            wifi=request.data.get(ATTR_WIFI),
        )
        answers[vehicle_id] = asdict(found)
    return answers


async def _get_recordings(request: ActionRequest) -> dict[str, Any]:
    """Return what trackers keep of their cameras' pictures of a day (7.7, 7.8)."""
    connection = connection_of(request)
    answers = {}
    for vehicle_id in request.vehicle_ids:
        device = connection.fleet.devices.get(vehicle_id)
        if device is None or not connection.has_camera(vehicle_id):
            raise CommandUnsupported("No camera", key="tracksolid_camera_unknown")
        found = await connection.cameras.recordings(
            device, request.data[ATTR_CAMERA], request.data[ATTR_DAY]
        )
        answers[vehicle_id] = {
            "recordings": [
                {
                    "begin": one.begins_at.isoformat(),
                    "end": one.ends_at.isoformat(),
                    "size": one.size,
                    "file": one.file_name,
                }
                for one in found
            ]
        }
    return answers


async def _upload_recording(request: ActionRequest) -> None:
    """Let trackers upload what they recorded at a time, or a file (7.3).

    It can be seen in the media browser once it came.
    """
    time, file_name = request.data.get(ATTR_TIME), request.data.get(ATTR_FILE)
    if (time is None) == (file_name is None):
        raise _invalid("tracksolid_time_or_file")
    for vehicle_id in request.vehicle_ids:
        await client_of(request).media.upload_recording(
            vehicle_id,
            request.data[ATTR_CAMERA],
            file_name=file_name,
            around=time and dt_util.as_utc(time),
        )


async def _list_commands(request: ActionRequest) -> dict[str, Any]:
    """Return the commands that vehicles know (8.1)."""
    return {
        vehicle_id: {
            "commands": [
                {
                    "command": one.id,
                    "name": one.name,
                    "template": one.template,
                    "description": one.explanation,
                    "may_wait": one.may_wait,
                }
                for one in await connection_of(request).instructions(vehicle_id)
            ]
        }
        for vehicle_id in request.vehicle_ids
    }


async def _send_command(request: ActionRequest) -> dict[str, Any]:
    """Send a command of the vehicle's list, or a text (8.2, 8.3)."""
    data = request.data
    if (ATTR_COMMAND in data) == (ATTR_TEXT in data):
        raise _invalid("tracksolid_command_or_text")
    if ATTR_TEXT in data:
        command = Command(commands.SEND_TEXT, {commands.ARGUMENT_TEXT: data[ATTR_TEXT]})
    else:
        values: dict[str, Argument] = {
            str(place): value for place, value in enumerate(data[ATTR_VALUES])
        }
        command = Command(
            commands.SEND_INSTRUCTION,
            {commands.ARGUMENT_ID: data[ATTR_COMMAND], **values},
        )
    return await _execute(request, command)


async def _send_raw_command(request: ActionRequest) -> dict[str, Any]:
    """Send bytes to vehicles (8.4)."""
    return await _execute(
        request,
        Command(commands.SEND_RAW, {commands.ARGUMENT_HEX: request.data[ATTR_HEX]}),
    )


async def _execute(request: ActionRequest, command: Command) -> dict[str, Any]:
    answers = {}
    for vehicle_id in request.vehicle_ids:
        result = await request.coordinator.async_execute(vehicle_id, command)
        answers[vehicle_id] = {"answer": result.text, "queued": _is_queued(result)}
    return answers


def _is_queued(result: CommandResult) -> bool:
    """Tell whether a command waits for the vehicle, which is offline."""
    return result.warning == commands.QUEUED


async def _update_vehicle(request: ActionRequest) -> None:
    """Change what the platform knows of a vehicle (4.4)."""
    changes = VehicleChanges(
        **{_CHANGES[name][0]: value for name, value in request.data.items()}
    )
    for vehicle_id in request.vehicle_ids:
        await client_of(request).devices.update(vehicle_id, changes)
    connection_of(request).fleet.list_again()
    request.coordinator.poll_soon()


def _invalid(key: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)


def _raise_refused(request: ActionRequest, refused: Mapping[str, VendorError]) -> None:
    """Raise why a vehicle that was asked for was refused, if one was."""
    for vehicle_id in request.vehicle_ids:
        if vehicle_id in refused:
            raise refused[vehicle_id]


def _as_json(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record for an answer, whose vehicle is known."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in record.items()
        if key != "imei"
    }


_ANSWERS = SupportsResponse.ONLY

ACTIONS = (
    VendorAction(
        name="get_trips", fields=PERIOD, handler=_get_trips, response=_ANSWERS
    ),
    VendorAction(
        name="get_route", fields=PERIOD, handler=_get_route, response=_ANSWERS
    ),
    VendorAction(
        name="get_stops",
        fields={**PERIOD, vol.Optional(ATTR_IDLING, default=False): cv.boolean},
        handler=_get_stops,
        response=_ANSWERS,
    ),
    VendorAction(
        name="get_alarms", fields=PERIOD, handler=_get_alarms, response=_ANSWERS
    ),
    VendorAction(
        name="get_obd_history",
        fields=PERIOD,
        handler=_get_obd_history,
        response=_ANSWERS,
    ),
    VendorAction(
        name="get_share_link",
        fields={},
        handler=_get_share_link,
        response=_ANSWERS,
        administrators_only=True,
    ),
    VendorAction(
        name="get_cell_position",
        fields={
            vol.Optional(ATTR_CELLS): cv.string,
            vol.Optional(ATTR_WIFI): cv.string,
        },
        handler=_get_cell_position,
        response=_ANSWERS,
    ),
    VendorAction(
        name="get_recordings",
        fields={**_CAMERA, vol.Required(ATTR_DAY): cv.date},
        handler=_get_recordings,
        response=_ANSWERS,
    ),
    VendorAction(
        name="upload_recording",
        fields={
            **_CAMERA,
            vol.Optional(ATTR_TIME): cv.datetime,
            vol.Optional(ATTR_FILE): cv.string,
        },
        handler=_upload_recording,
    ),
    VendorAction(
        name="list_commands", fields={}, handler=_list_commands, response=_ANSWERS
    ),
    VendorAction(
        name="send_command",
        fields={
            vol.Optional(ATTR_COMMAND): cv.string,
            vol.Optional(ATTR_VALUES, default=list): vol.All(
                cv.ensure_list, [cv.string]
            ),
            vol.Optional(ATTR_TEXT): vol.All(cv.string, vol.Length(min=1, max=500)),
        },
        handler=_send_command,
        response=SupportsResponse.OPTIONAL,
    ),
    VendorAction(
        name="send_raw_command",
        fields={vol.Required(ATTR_HEX): cv.string},
        handler=_send_raw_command,
        response=SupportsResponse.OPTIONAL,
        administrators_only=True,
    ),
    VendorAction(
        name="update_vehicle",
        fields={vol.Optional(name): check for name, (_, check) in _CHANGES.items()},
        handler=_update_vehicle,
    ),
    *GEOFENCE_ACTIONS,
)
