"""The media browser: what vehicles' cameras recorded, by vehicle, camera and day.

Files are read through Home Assistant, so that their addresses at the vendor stay private.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import override

import aiohttp
from aiohttp import web
from homeassistant.components.http import HomeAssistantView
from homeassistant.components.media_player import BrowseError, MediaClass, MediaType
from homeassistant.components.media_source import (
    BrowseMediaSource,
    MediaSource,
    MediaSourceItem,
    PlayMedia,
    Unresolvable,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER
from .coordinator import FleetCoordinator, find_vehicle
from .vendor import VendorError
from .vendor_media import MediaFile, VendorMedia

MEDIA_PATH = f"/api/{DOMAIN}/media"
NAME = "Fleet Tracker"
ALARMS = "alarms"
DAYS = 30
"""How many days back can be browsed."""
READ_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
PASSED_ON = ("Content-Length", "Content-Range", "Accept-Ranges", "Last-Modified")


async def async_get_media_source(hass: HomeAssistant) -> MediaSource:
    """Return the media source, and open the door that its files come by."""
    hass.http.register_view(MediaView(hass))
    return FleetMediaSource(hass)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the media browser: a vehicle, a folder, a day, a file, each below."""

    device_id: str | None = None
    folder: str | None = None
    day: date | None = None
    file: str | None = None

    @classmethod
    def parse(cls, identifier: str) -> Place:
        """Return the place of an identifier. Raises ValueError where it is none."""
        device_id, folder, day, file, *rest = [*identifier.split("/"), "", "", "", ""]
        if any(rest) or (folder and folder != ALARMS and not folder.isdecimal()):
            raise ValueError("No such place")
        return cls(
            device_id=device_id or None,
            folder=folder or None,
            day=date.fromisoformat(day) if day else None,
            file=file or None,
        )

    def __str__(self) -> str:
        """Return the identifier of the place."""
        parts = (self.device_id, self.folder, self.day, self.file)
        return "/".join(str(part) for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle with cameras: who reads it, its id there, and its media."""

    coordinator: FleetCoordinator
    vehicle_id: str
    media: VendorMedia

    async def files(self, folder: str, day: date) -> Sequence[MediaFile]:
        """Return the files of a folder on a day of Home Assistant's time zone."""
        begin = dt_util.start_of_local_day(day)
        end = dt_util.start_of_local_day(day + timedelta(days=1))
        if folder == ALARMS:
            return await self.media.alarm_files(self.vehicle_id, begin, end)
        return await self.media.files(self.vehicle_id, int(folder), begin, end)

    async def find(self, place: Place) -> MediaFile | None:
        """Return the file of a place, with the address that it has now."""
        if place.folder is None or place.day is None:
            return None
        for file in await self.files(place.folder, place.day):
            if _name(file) == place.file:
                return file
        return None


def _vehicle(hass: HomeAssistant, device_id: str) -> Vehicle | None:
    """Return the vehicle of a device, None if it is none, or has no cameras."""
    if (found := find_vehicle(hass, device_id)) is None:
        return None
    coordinator, vehicle_id = found
    media = coordinator.connection.media
    if media is None or not media.cameras(vehicle_id):
        return None
    return Vehicle(coordinator, vehicle_id, media)


def _name(file: MediaFile) -> str:
    """Return what names a file among those of its day; no address is in it."""
    kind = file.mime_type.partition("/")[0]
    return f"{int(file.created_at.timestamp())}-{file.camera}-{kind}"


class FleetMediaSource(MediaSource):
    """The vehicles whose cameras' files can be browsed."""

    name = NAME

    def __init__(self, hass: HomeAssistant) -> None:
        """Take where the vehicles are."""
        super().__init__(DOMAIN)
        self.hass = hass

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return where a file is to be read: here, by a path that is signed."""
        try:
            place = Place.parse(item.identifier)
            vehicle = _vehicle(self.hass, place.device_id or "")
            file = vehicle and await vehicle.find(place)
        except (ValueError, VendorError) as err:
            raise Unresolvable("The file cannot be read") from err
        if not file:
            raise Unresolvable("There is no such file")
        return PlayMedia(f"{MEDIA_PATH}/{place}", file.mime_type)

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Return what is at a place."""
        try:
            place = Place.parse(item.identifier or "")
        except ValueError as err:
            raise BrowseError("There is no such folder") from err
        if place.device_id is None:
            return _folder(place, NAME, self._vehicles())
        if (vehicle := _vehicle(self.hass, place.device_id)) is None:
            raise BrowseError("This is no vehicle with cameras")
        title = vehicle.coordinator.vehicles()[vehicle.vehicle_id].details.name
        if place.folder is None:
            return _folder(place, title, _folders(place, vehicle))
        title = f"{title}, {_title(place.folder)}"
        if place.day is None:
            return _folder(place, title, _days(place))
        try:
            files = await vehicle.files(place.folder, place.day)
        except VendorError as err:
            # What the user is told is the translated text of the error.
            raise BrowseError(
                str(vehicle.coordinator.home_assistant_error(err))
            ) from err
        return _folder(
            place,
            f"{title}, {place.day.isoformat()}",
            [_shown_file(place, file) for file in files],
        )

    def _vehicles(self) -> list[BrowseMediaSource]:
        found = []
        for entry in self.hass.config_entries.async_loaded_entries(DOMAIN):
            for device in dr.async_entries_for_config_entry(
                dr.async_get(self.hass), entry.entry_id
            ):
                if _vehicle(self.hass, device.id) is not None:
                    title = device.name_by_user or device.name or ""
                    found.append(_folder(Place(device_id=device.id), title))
        return sorted(found, key=lambda folder: folder.title)


def _folders(place: Place, vehicle: Vehicle) -> list[BrowseMediaSource]:
    numbers = vehicle.media.cameras(vehicle.vehicle_id)
    return [
        _folder(replace(place, folder=folder), _title(folder))
        for folder in (*map(str, numbers), ALARMS)
    ]


def _title(folder: str) -> str:
    return "Alarms" if folder == ALARMS else f"Camera {folder}"


def _days(place: Place) -> list[BrowseMediaSource]:
    today = dt_util.now().date()
    days = (today - timedelta(days=age) for age in range(DAYS))
    return [_folder(replace(place, day=day), day.isoformat()) for day in days]


def _folder(
    place: Place, title: str, children: Sequence[BrowseMediaSource] | None = None
) -> BrowseMediaSource:
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=str(place) or None,
        media_class=MediaClass.DIRECTORY,
        media_content_type=MediaType.IMAGE,
        title=title,
        can_play=False,
        can_expand=True,
        children=None if children is None else list(children),
        children_media_class=MediaClass.DIRECTORY,
    )


def _shown_file(place: Place, file: MediaFile) -> BrowseMediaSource:
    here = replace(place, file=_name(file))
    time: datetime = dt_util.as_local(file.created_at)
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=str(here),
        media_class=MediaClass.IMAGE if file.is_photo else MediaClass.VIDEO,
        media_content_type=file.mime_type,
        title=" ".join(filter(None, (time.strftime("%H:%M:%S"), file.name))),
        can_play=True,
        can_expand=False,
        thumbnail=f"{MEDIA_PATH}/{here}" if file.is_photo else None,
    )


class MediaView(HomeAssistantView):
    """The door by which a browser reads a file, with a login or by a signed path."""

    url = f"{MEDIA_PATH}/{{place:.+}}"
    name = f"api:{DOMAIN}:media"

    def __init__(self, hass: HomeAssistant) -> None:
        """Take where the vehicles are."""
        self._hass = hass

    async def get(self, request: web.Request, place: str) -> web.StreamResponse:
        """Pass a file on, or the part of it that is asked for."""
        try:
            where = Place.parse(place)
            vehicle = _vehicle(self._hass, where.device_id or "")
            file = vehicle and await vehicle.find(where)
        except ValueError:
            raise web.HTTPNotFound from None
        except VendorError as err:
            LOGGER.debug("A file cannot be read: %s", err)
            raise web.HTTPBadGateway from err
        if vehicle is None or not file:
            raise web.HTTPNotFound
        return await _async_pass_on(request, vehicle.coordinator.session, file)


async def _async_pass_on(
    request: web.Request, session: aiohttp.ClientSession, file: MediaFile
) -> web.StreamResponse:
    asked = {"Range": request.headers["Range"]} if "Range" in request.headers else {}
    answer: web.StreamResponse | None = None
    try:
        async with session.get(
            file.url, headers=asked, timeout=READ_TIMEOUT
        ) as response:
            if response.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                raise web.HTTPBadGateway
            headers = {
                name: response.headers[name]
                for name in PASSED_ON
                if name in response.headers
            }
            answer = web.StreamResponse(
                status=response.status,
                headers={**headers, "Content-Type": file.mime_type},
            )
            await answer.prepare(request)
            async for chunk in response.content.iter_any():
                await answer.write(chunk)
            await answer.write_eof()
    except (aiohttp.ClientError, TimeoutError) as err:
        LOGGER.debug("A file was not passed on: %s", type(err).__name__)
        if answer is None:
            raise web.HTTPBadGateway from None
        # The browser sees that it is not complete.
        if request.transport is not None:
            request.transport.abort()
    return answer
