"""Reading files from where a vendor keeps them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

from ..const import LOGGER
from ..contract.errors import CannotConnect, VendorError
from ..transport.http_client import CONNECT_S, open_file, read_body

if TYPE_CHECKING:
    from ..account.coordinator import FleetCoordinator
    from ..contract.media import MediaFile

LARGEST_PHOTO = 20 * 1024 * 1024
WHOLE_PHOTO_S = 30.0
TIMEOUT = aiohttp.ClientTimeout(total=None, connect=CONNECT_S)


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that was read, and what kind of file it is."""

    content: bytes
    mime_type: str


class NewestPhoto:
    """The newest photo of a vehicle, read when somebody looks at it and then kept."""

    def __init__(
        self, coordinator: FleetCoordinator, vehicle_id: str, camera: int | None = None
    ) -> None:
        """Initialize with the vehicle, and with the camera if only its photos count."""
        self._coordinator = coordinator
        self._vehicle_id = vehicle_id
        self._camera = camera
        self._kept: tuple[MediaFile, Photo] | None = None

    async def async_get(self) -> Photo | None:
        """Return the photo, None where there is none or it cannot be had."""
        try:
            return await self._async_read()
        except VendorError as err:
            LOGGER.debug("A photo cannot be read: %s", err)
            return None

    async def _async_read(self) -> Photo | None:
        media = self._coordinator.connection.media
        file = media and await media.newest_photo(self._vehicle_id)
        if not file or (self._camera and file.camera not in (None, self._camera)):
            return None
        if self._kept is not None and self._kept[0].created_at == file.created_at:
            return self._kept[1]
        content = await async_read(self._coordinator.session, file.url)
        photo = Photo(content, file.mime_type)
        self._kept = file, photo
        return photo


async def async_read(session: aiohttp.ClientSession, url: str) -> bytes:
    """Return a small file.

    Raises CannotConnect when it cannot be had, and InvalidAnswer when it is too large, also
    after decompression. Neither tells the address.
    """
    try:
        async with (
            asyncio.timeout(WHOLE_PHOTO_S),
            open_file(session, url, TIMEOUT) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise CannotConnect(f"HTTP status {response.status}")
            return await read_body(response, LARGEST_PHOTO)
    except (aiohttp.ClientError, TimeoutError) as err:
        # The cause is not chained: its text may hold the address.
        raise CannotConnect(f"No file ({type(err).__name__})") from None
