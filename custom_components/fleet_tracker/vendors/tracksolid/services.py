"""The actions of Tracksolid Pro."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...contract.commands import Argument, Command, CommandResult
from ...contract.errors import CommandUnsupported, VendorError
from ...offer.action import (
    ActionEffect,
    Outcomes,
    VendorAction,
    command_action,
    for_each,
)
from ...offer.errors import invalid
from ...offer.fields import DAY, PERIOD, TIME, period
from . import commands
from .actions.common import Request
from .actions.geofences import GEOFENCE_ACTIONS
from .api.devices import VehicleChanges
from .cameras import FRONT, INSIDE
from .vocabulary import TracksolidCommand

ATTR_COMMAND = "command"
ATTR_VALUES = "values"
ATTR_TEXT = "text"
ATTR_HEX = "hex"
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

# What `tracksolid_update_vehicle` calls the fields of `VehicleChanges`.
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


async def _get_obd_history(request: Request) -> Outcomes:
    """Return OBD reports and trouble codes of vehicles (the manual)."""
    begin, end = period(request)
    reports = request.connection.client.reports

    async def ask(vehicle_id: str) -> dict[str, Any]:
        account = await request.connection.account_of(vehicle_id)
        read = await reports.obd(account, [vehicle_id], begin, end)
        faults = await reports.faults(account, [vehicle_id], begin, end)
        for batch in (read, faults):
            if vehicle_id in batch.refused:
                raise batch.refused[vehicle_id]
        return {
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

    return await for_each(request, ask)


async def _get_share_link(request: Request) -> Outcomes:
    """Return links by which anybody can see where vehicles are (5.3)."""

    async def ask(vehicle_id: str) -> dict[str, Any]:
        return {"link": await request.connection.client.tracking.share_link(vehicle_id)}

    return await for_each(request, ask)


async def _get_cell_position(request: Request) -> Outcomes:
    """Return the position of cells or Wi-Fi networks, at most 10 times a day (5.6)."""
    if not request.data:
        raise invalid("tracksolid_cells_or_wifi")

    async def ask(vehicle_id: str) -> dict[str, Any]:
        found = await request.connection.client.tracking.resolve(
            vehicle_id,
            cells=request.data.get(ATTR_CELLS),
            wifi=request.data.get(ATTR_WIFI),
        )
        return asdict(found)

    return await for_each(request, ask)


async def _check_cameras(request: Request) -> dict[str, VendorError]:
    """Find the vehicles without a camera."""
    connection = request.connection
    return {
        vehicle_id: CommandUnsupported("No camera", key="tracksolid_camera_unknown")
        for vehicle_id in request.vehicle_ids
        if not connection.has_camera(vehicle_id)
    }


async def _get_recordings(request: Request) -> Outcomes:
    """Return what trackers keep of their cameras' pictures of a day (7.7, 7.8)."""
    connection = request.connection

    async def ask(vehicle_id: str) -> dict[str, Any]:
        found = await connection.cameras.recordings(
            connection.device(vehicle_id),
            request.data[ATTR_CAMERA],
            request.data[ATTR_DAY],
        )
        return {
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

    return await for_each(request, ask)


async def _check_upload(request: Request) -> dict[str, VendorError]:
    """Refuse what names no recording, and find the vehicles without a camera."""
    if (ATTR_TIME in request.data) == (ATTR_FILE in request.data):
        raise invalid("tracksolid_time_or_file")
    return await _check_cameras(request)


async def _upload_recording(request: Request) -> Outcomes:
    """Let trackers upload what they recorded at a time, or a file (7.3).

    It can be seen in the media browser once it came.
    """
    time = request.data.get(ATTR_TIME)

    async def upload(vehicle_id: str) -> None:
        await request.connection.client.media.upload_recording(
            vehicle_id,
            request.data[ATTR_CAMERA],
            file_name=request.data.get(ATTR_FILE),
            around=time and dt_util.as_utc(time),
        )

    return await for_each(request, upload)


async def _list_commands(request: Request) -> Outcomes:
    """Return the commands that vehicles know (8.1)."""

    async def ask(vehicle_id: str) -> dict[str, Any]:
        return {
            "commands": [
                {
                    "command": one.id,
                    "name": one.name,
                    "template": one.template,
                    "description": one.explanation,
                    "may_wait": one.may_wait,
                }
                for one in await request.connection.instructions(vehicle_id)
            ]
        }

    return await for_each(request, ask)


def _send_command(data: Mapping[str, Any]) -> Command:
    """Send a command of the vehicle's list, or a text (8.2, 8.3)."""
    if (ATTR_COMMAND in data) == (ATTR_TEXT in data):
        raise invalid("tracksolid_command_or_text")
    if ATTR_TEXT in data:
        return Command(
            TracksolidCommand.SEND_TEXT, {commands.ARGUMENT_TEXT: data[ATTR_TEXT]}
        )
    values: dict[str, Argument] = {
        str(place): value for place, value in enumerate(data[ATTR_VALUES])
    }
    return Command(
        TracksolidCommand.SEND_INSTRUCTION,
        {commands.ARGUMENT_ID: data[ATTR_COMMAND], **values},
    )


def _send_raw_command(data: Mapping[str, Any]) -> Command:
    """Send bytes to vehicles (8.4)."""
    return Command(TracksolidCommand.SEND_RAW, {commands.ARGUMENT_HEX: data[ATTR_HEX]})


def _words(result: CommandResult) -> dict[str, Any]:
    return {"answer": result.text, "queued": _is_queued(result)}


def _is_queued(result: CommandResult) -> bool:
    """Tell whether a command waits for the vehicle, which is offline."""
    return result.warning == commands.QUEUED


async def _update_vehicle(request: Request) -> Outcomes:
    """Change what the platform knows of a vehicle (4.4)."""
    changes = VehicleChanges(
        **{_CHANGES[name][0]: value for name, value in request.data.items()}
    )

    async def update(vehicle_id: str) -> None:
        await request.connection.client.devices.update(vehicle_id, changes)
        if changes.odometer is not None:
            request.connection.fleet.note_odometer_set(vehicle_id)

    outcomes = await for_each(request, update)
    request.connection.fleet.list_again()
    request.poll_soon()
    return outcomes


def _as_json(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record for an answer about a known vehicle."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in record.items()
        if key != "imei"
    }


_ANSWERS = SupportsResponse.ONLY

ACTIONS = (
    VendorAction(
        name="tracksolid_get_obd_history",
        effect=ActionEffect.TELLS,
        fields=PERIOD,
        handler=_get_obd_history,
        response=_ANSWERS,
    ),
    VendorAction(
        name="tracksolid_get_share_link",
        effect=ActionEffect.TELLS,
        fields={},
        handler=_get_share_link,
        response=_ANSWERS,
        administrators_only=True,
    ),
    VendorAction(
        name="tracksolid_get_cell_position",
        effect=ActionEffect.TELLS,
        fields={
            vol.Optional(ATTR_CELLS): cv.string,
            vol.Optional(ATTR_WIFI): cv.string,
        },
        handler=_get_cell_position,
        response=_ANSWERS,
    ),
    VendorAction(
        name="tracksolid_get_recordings",
        effect=ActionEffect.TELLS,
        fields={**_CAMERA, vol.Required(ATTR_DAY): DAY},
        handler=_get_recordings,
        check=_check_cameras,
        response=_ANSWERS,
    ),
    VendorAction(
        name="tracksolid_upload_recording",
        effect=ActionEffect.CHANGES,
        fields={
            **_CAMERA,
            vol.Optional(ATTR_TIME): TIME,
            vol.Optional(ATTR_FILE): cv.string,
        },
        handler=_upload_recording,
        check=_check_upload,
    ),
    VendorAction(
        name="tracksolid_list_commands",
        effect=ActionEffect.TELLS,
        fields={},
        handler=_list_commands,
        response=_ANSWERS,
    ),
    command_action(
        name="tracksolid_send_command",
        effect=ActionEffect.CHANGES,
        fields={
            vol.Optional(ATTR_COMMAND): cv.string,
            vol.Optional(ATTR_VALUES, default=list): vol.All(
                cv.ensure_list, [cv.string]
            ),
            vol.Optional(ATTR_TEXT): vol.All(cv.string, vol.Length(min=1, max=500)),
        },
        command=_send_command,
        answer=_words,
        response=SupportsResponse.OPTIONAL,
    ),
    command_action(
        name="tracksolid_send_raw_command",
        effect=ActionEffect.CHANGES,
        fields={vol.Required(ATTR_HEX): cv.string},
        command=_send_raw_command,
        answer=_words,
        response=SupportsResponse.OPTIONAL,
        administrators_only=True,
    ),
    VendorAction(
        name="tracksolid_update_vehicle",
        effect=ActionEffect.CHANGES,
        fields={vol.Optional(name): check for name, (_, check) in _CHANGES.items()},
        handler=_update_vehicle,
    ),
    *GEOFENCE_ACTIONS,
)
