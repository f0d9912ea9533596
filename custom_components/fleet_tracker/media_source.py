"""The media browser: what vehicles' cameras recorded, by vehicle, camera and day.

Files are read through Home Assistant, so that their addresses at the vendor stay private.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import override

import aiohttp
from aiohttp import web
from homeassistant.auth.models import User
from homeassistant.components.http import KEY_HASS_USER, HomeAssistantView
from homeassistant.components.media_player import BrowseError, MediaClass, MediaType
from homeassistant.components.media_source import (
    BrowseMediaSource,
    MediaSource,
    MediaSourceItem,
    PlayMedia,
    Unresolvable,
)
from homeassistant.components.websocket_api import current_connection
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from .account.coordinator import FleetCoordinator, find_vehicle
from .actions.targets import may_read_device
from .const import DOMAIN, LOGGER
from .contract.errors import VendorError
from .contract.media import MediaFile, VendorMedia
from .model.texts import clean_text
from .offer.errors import told
from .offer.texts import common_text, error_text, in_language
from .transport.http_client import open_file

MEDIA_PATH = f"/api/{DOMAIN}/media"
THUMBNAIL_PATH = f"/api/{DOMAIN}/thumbnail"
NAME = "Fleet Tracker"
ALARMS = "alarms"
DAYS = 30
"""How many days back can be browsed."""
FOLDER_KEPT = timedelta(minutes=5)
"""How long what is in a folder is known: each of its pictures asks for it."""
READ_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
PASSED_ON = (
    "Accept-Ranges",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Last-Modified",
)


async def async_get_media_source(hass: HomeAssistant) -> MediaSource:
    """Return the media source, and open the door that its files come by."""
    folders = Folders()
    hass.http.register_view(MediaView(hass, folders))
    return FleetMediaSource(hass, folders)


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
    """A vehicle with cameras: its account, its id there, and its media."""

    coordinator: FleetCoordinator
    vehicle_id: str
    media: VendorMedia

    async def files(self, folder: str, first: date, last: date) -> Sequence[MediaFile]:
        """Return the files of a folder on days of Home Assistant's time zone."""
        begin = dt_util.start_of_local_day(first)
        end = dt_util.start_of_local_day(last + timedelta(days=1))
        if folder == ALARMS:
            return await self.media.alarm_files(self.vehicle_id, begin, end)
        return await self.media.files(self.vehicle_id, int(folder), begin, end)


@dataclass(slots=True)
class _Folder:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    read_at: datetime | None = None
    files: Mapping[str, MediaFile] = field(default_factory=dict)


class Folders:
    """The content of the folders that were opened last."""

    def __init__(self) -> None:
        """Start with none."""
        self._folders: dict[Place, _Folder] = {}

    async def read(
        self, vehicle: Vehicle, place: Place, *, anew: bool = False
    ) -> Mapping[str, MediaFile]:
        """Return the files on a day of a folder by their names, the newest first.

        Raises VendorError when they cannot be read.
        """
        if place.folder is None or place.day is None:
            return {}
        now = vehicle.coordinator.now()
        self._forget(now - FOLDER_KEPT)
        folder = self._folders.setdefault(replace(place, file=None), _Folder())
        async with folder.lock:
            if anew or folder.read_at is None:
                found = await vehicle.files(place.folder, place.day, place.day)
                folder.files = _by_name(
                    sorted(found, key=lambda one: one.created_at, reverse=True)
                )
                folder.read_at = now
            return folder.files

    def _forget(self, limit: datetime) -> None:
        for place, folder in list(self._folders.items()):
            if not folder.lock.locked() and (
                folder.read_at is None or folder.read_at < limit
            ):
                del self._folders[place]


def _by_name(files: Iterable[MediaFile]) -> Mapping[str, MediaFile]:
    """Return files by what names them among those of their day; no address is in it."""
    found: dict[str, MediaFile] = {}
    for file in files:
        kind = file.mime_type.partition("/")[0]
        name = stem = f"{int(file.created_at.timestamp())}-{file.camera}-{kind}"
        number = 1
        while name in found:
            number += 1
            name = f"{stem}-{number}"
        found[name] = file
    return found


def _vehicle(hass: HomeAssistant, device_id: str, user: User | None) -> Vehicle | None:
    """Return the vehicle of a device, None if it is none, or has no cameras.

    A user who may not read its tracker gets None too. ``user`` is None for a caller
    without one, such as an automation.
    """
    if (found := find_vehicle(hass, device_id)) is None:
        return None
    if user is not None and not may_read_device(hass, user, device_id):
        return None
    coordinator, vehicle_id = found
    media = coordinator.connection.media
    if media is None or not media.cameras(vehicle_id):
        return None
    return Vehicle(coordinator, vehicle_id, media)


def _caller() -> User | None:
    """Return the user whose browser asks, None if no browser does."""
    connection = current_connection.get()
    return None if connection is None else connection.user


class FleetMediaSource(MediaSource):
    """The media source of the vehicles' cameras."""

    name = NAME

    def __init__(self, hass: HomeAssistant, folders: Folders) -> None:
        """Initialize with the folders that were read before."""
        super().__init__(DOMAIN)
        self.hass = hass
        self._folders = folders

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return where a file is to be read: here, by a path that is signed."""
        try:
            place = Place.parse(item.identifier)
            file = await _async_find(self.hass, self._folders, place, _caller())
        except (ValueError, VendorError) as err:
            raise self._refused(Unresolvable, "media_unreadable") from err
        if file is None:
            raise self._refused(Unresolvable, "media_no_file")
        return PlayMedia(f"{MEDIA_PATH}/{place}", file.found.mime_type)

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Return what is at a place."""
        try:
            place = Place.parse(item.identifier or "")
        except ValueError as err:
            raise self._refused(BrowseError, "media_no_folder") from err
        if place.device_id is None:
            return _folder(place, NAME, self._vehicles())
        if (vehicle := _vehicle(self.hass, place.device_id, _caller())) is None:
            raise self._refused(BrowseError, "media_no_cameras")
        title = vehicle.coordinator.vehicles()[vehicle.vehicle_id].details.name
        if place.folder is None:
            return _folder(place, title, self._folders_of(place, vehicle))
        title = f"{title}, {self._title(place.folder)}"
        try:
            if place.day is None:
                return _folder(place, title, await _days(vehicle, place))
            files = await self._folders.read(vehicle, place, anew=True)
        except VendorError as err:
            error = vehicle.coordinator.home_assistant_error(err)
            raise BrowseError(error_text(self.hass, error)) from err
        return _folder(
            place,
            f"{title}, {place.day.isoformat()}",
            [
                _shown_file(replace(place, file=name), file)
                for name, file in files.items()
            ],
        )

    def _refused[E: HomeAssistantError](self, kind: type[E], key: str) -> E:
        """Return why a place cannot be shown. Home Assistant passes on only the text."""
        return in_language(self.hass, told(kind, key))

    def _title(self, folder: str) -> str:
        if folder == ALARMS:
            return common_text(self.hass, "media_alarms")
        return common_text(self.hass, "media_camera", number=folder)

    def _folders_of(self, place: Place, vehicle: Vehicle) -> list[BrowseMediaSource]:
        numbers = vehicle.media.cameras(vehicle.vehicle_id)
        return [
            _folder(replace(place, folder=folder), self._title(folder))
            for folder in (*map(str, numbers), ALARMS)
        ]

    def _vehicles(self) -> list[BrowseMediaSource]:
        found = []
        user = _caller()
        for entry in self.hass.config_entries.async_loaded_entries(DOMAIN):
            for device in dr.async_entries_for_config_entry(
                dr.async_get(self.hass), entry.entry_id
            ):
                if _vehicle(self.hass, device.id, user) is not None:
                    title = device.name_by_user or device.name or ""
                    found.append(_folder(Place(device_id=device.id), title))
        return sorted(found, key=lambda folder: folder.title)


async def _days(vehicle: Vehicle, place: Place) -> list[BrowseMediaSource]:
    """Return the days of a folder that have files, the newest first, with their number.

    Raises VendorError when they cannot be read.
    """
    today = dt_util.now().date()
    first = today - timedelta(days=DAYS - 1)
    files = await vehicle.files(place.folder or "", first, today)
    counts = Counter(dt_util.as_local(file.created_at).date() for file in files)
    return [
        _folder(replace(place, day=day), f"{day.isoformat()} ({count})")
        for day, count in sorted(counts.items(), reverse=True)
    ]


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
    time: datetime = dt_util.as_local(file.created_at)
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=str(place),
        media_class=MediaClass.IMAGE if file.is_photo else MediaClass.VIDEO,
        media_content_type=file.mime_type,
        title=clean_text(
            " ".join(filter(None, (time.strftime("%H:%M:%S"), file.name)))
        ),
        can_play=True,
        can_expand=False,
        thumbnail=f"{THUMBNAIL_PATH}/{place}" if file.thumbnail_url else None,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A file and its account."""

    coordinator: FleetCoordinator
    found: MediaFile


async def _async_find(
    hass: HomeAssistant, folders: Folders, place: Place, user: User | None
) -> _Found | None:
    """Return the file of a place, None where there is none. May raise VendorError."""
    vehicle = _vehicle(hass, place.device_id or "", user)
    if vehicle is None:
        return None
    file = (await folders.read(vehicle, place)).get(place.file or "")
    return None if file is None else _Found(vehicle.coordinator, file)


class MediaView(HomeAssistantView):
    """The door by which a browser reads a file, with a login or by a signed path."""

    url = f"{MEDIA_PATH}/{{place:.+}}"
    extra_urls = [f"{THUMBNAIL_PATH}/{{place:.+}}"]
    name = f"api:{DOMAIN}:media"

    def __init__(self, hass: HomeAssistant, folders: Folders) -> None:
        """Initialize with the folders that were read before."""
        self._hass = hass
        self._folders = folders

    async def get(self, request: web.Request, place: str) -> web.StreamResponse:
        """Pass a file or its thumbnail on, or the part of it that is asked for.

        A user who may not read the vehicle's tracker is told that there is none.
        """
        user: User = request[KEY_HASS_USER]
        try:
            file = await _async_find(
                self._hass, self._folders, Place.parse(place), user
            )
        except ValueError:
            raise web.HTTPNotFound from None
        except VendorError as err:
            LOGGER.debug("A file cannot be read: %s", err)
            raise web.HTTPBadGateway from err
        if file is None:
            raise web.HTTPNotFound
        url: str | None = file.found.url
        mime_type = file.found.mime_type
        if request.path.startswith(THUMBNAIL_PATH):
            url, mime_type = file.found.thumbnail_url, "image/jpeg"
        if url is None:
            raise web.HTTPNotFound
        return await _async_pass_on(request, file.coordinator.session, url, mime_type)


async def _async_pass_on(
    request: web.Request, session: aiohttp.ClientSession, url: str, mime_type: str
) -> web.StreamResponse:
    asked = {"Range": request.headers["Range"]} if "Range" in request.headers else {}
    answer: web.StreamResponse | None = None
    try:
        async with open_file(session, url, READ_TIMEOUT, asked) as response:
            if response.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                raise web.HTTPBadGateway
            headers = {
                name: response.headers[name]
                for name in PASSED_ON
                if name in response.headers
            }
            answer = web.StreamResponse(
                status=response.status,
                headers={**headers, "Content-Type": mime_type},
            )
            await answer.prepare(request)
            async for chunk in response.content.iter_any():
                await answer.write(chunk)
            await answer.write_eof()
    except (aiohttp.ClientError, TimeoutError, VendorError) as err:
        LOGGER.debug("A file was not passed on: %s", type(err).__name__)
        if answer is None:
            raise web.HTTPBadGateway from None
        # The browser sees that it is not complete.
        if request.transport is not None:
            request.transport.abort()
    return answer
