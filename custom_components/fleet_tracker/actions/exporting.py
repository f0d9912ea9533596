"""The action that makes files of trips, as text in its answer or on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.importlib import async_import_module
from homeassistant.util.file import WriteError, write_utf8_file_atomic
import voluptuous as vol

from ..account.coordinator import FleetCoordinator
from ..contract.errors import VendorError
from ..offer.action import ActionEffect, Outcomes, for_each
from ..offer.errors import invalid
from ..offer.fields import ATTR_BEGIN, ATTR_END, LONGEST_PERIOD, PERIOD, period
from .common_action import AccountRequest, CommonAction
from .exports.wanted import SEPARATORS, Export, ExportFormat

if TYPE_CHECKING:
    from .exports.export import Exported

ATTR_FORMAT = "format"
ATTR_TRIP_ID = "trip_id"
ATTR_TRIM = "trim"
ATTR_SEPARATOR = "separator"
ATTR_PRIVATE = "private_kilometers_only"
ATTR_HISTORY = "history"
ATTR_FILE = "file"

MOST_TRIM_M = 2_000
LONGEST_NAME = 255
"""Bytes of a file's name."""
EXPORT_FIELDS: Mapping[vol.Marker, Any] = {
    vol.Required(ATTR_FORMAT): vol.All(
        vol.In([one.value for one in ExportFormat]), vol.Coerce(ExportFormat)
    ),
    vol.Optional(ATTR_TRIP_ID): vol.All(vol.Coerce(str), vol.Length(min=1, max=32)),
    vol.Optional(ATTR_TRIM, default=0): vol.All(
        vol.Coerce(float), vol.Range(min=0, max=MOST_TRIM_M)
    ),
    vol.Optional(ATTR_SEPARATOR, default=SEPARATORS[0]): vol.In(SEPARATORS),
    vol.Optional(ATTR_PRIVATE, default=False): cv.boolean,
    vol.Optional(ATTR_HISTORY, default=False): cv.boolean,
}


def check_export(data: Mapping[str, Any]) -> None:
    """Refuse what does not go together. Raises ServiceValidationError."""
    if ATTR_TRIP_ID in data and (ATTR_BEGIN in data or ATTR_END in data):
        raise invalid("trip_or_period")
    if data[ATTR_TRIM] and data[ATTR_FORMAT] is ExportFormat.CSV:
        raise invalid("trim_without_way")


def wanted_of(data: Mapping[str, Any], begin: datetime, end: datetime) -> Export:
    """Return what is wanted by the fields of an export."""
    return Export(
        format=data[ATTR_FORMAT],
        begin=begin,
        end=end,
        trip_id=data.get(ATTR_TRIP_ID),
        trim=data[ATTR_TRIM],
        separator=data[ATTR_SEPARATOR],
        private_kilometers_only=data[ATTR_PRIVATE],
        history=data[ATTR_HISTORY],
    )


async def async_export(
    coordinator: FleetCoordinator, vehicle_id: str, wanted: Export
) -> Exported:
    """Return a file. Raises VendorError where there is too much, or no such trip.

    What makes files is imported by the first export, beside the event loop.
    """
    module = await async_import_module(
        coordinator.hass, f"{__package__}.exports.export"
    )
    exported: Exported = await module.async_export(coordinator, vehicle_id, wanted)
    return exported


async def _check(request: AccountRequest) -> Mapping[str, VendorError]:
    """Refuse fields that are wrong, and a file of one who is no administrator.

    An automation was made by an administrator.
    """
    check_export(request.data)
    period(request, LONGEST_PERIOD)
    file: str | None = request.data.get(ATTR_FILE)
    if file is None:
        if not request.returns_answer:
            raise invalid("export_without_file")
        return {}
    if request.caller is not None and not request.caller.is_admin:
        raise Unauthorized(user_id=request.caller.id)
    if request.vehicles_in_call > 1:
        raise invalid("file_of_one_vehicle")
    if not await request.hass.async_add_executor_job(_is_allowed, request.hass, file):
        raise invalid("file_not_allowed", file=file)
    return {}


def _is_allowed(hass: HomeAssistant, file: str) -> bool:
    """Tell whether a file is under an allowed path, in a folder that is there."""
    path = Path(file)
    try:
        return (
            path.is_absolute()
            and file.isprintable()
            and len(path.name.encode()) <= LONGEST_NAME
            and not path.is_dir()
            and path.parent.is_dir()
            and hass.config.is_allowed_path(file)
        )
    except OSError:
        # Such as of a path that is too long.
        return False


async def _export(request: AccountRequest) -> Outcomes:
    """Make a file of each vehicle."""
    data = request.data
    begin, end = period(request)
    wanted = wanted_of(data, begin, end)

    async def make(vehicle_id: str) -> Mapping[str, Any]:
        exported = await async_export(request.coordinator, vehicle_id, wanted)
        file: str | None = data.get(ATTR_FILE)
        if file is None:
            return asdict(exported)
        try:
            await request.hass.async_add_executor_job(
                write_utf8_file_atomic, str(Path(file)), exported.content
            )
        except WriteError as err:
            raise VendorError(
                "A file cannot be written", key="file_unwritable"
            ) from err
        return {ATTR_FILE: file, "trips": exported.trips}

    return await for_each(request, make)


EXPORT_ACTION = CommonAction(
    name="export_trips",
    effect=ActionEffect.TELLS,
    fields={**PERIOD, **EXPORT_FIELDS, vol.Optional(ATTR_FILE): cv.string},
    handler=_export,
    check=_check,
    response=SupportsResponse.OPTIONAL,
)
