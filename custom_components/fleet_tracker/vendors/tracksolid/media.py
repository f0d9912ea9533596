"""The cameras' files and live views, as the media browser and the entities want them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from ...contract.errors import CommandUnsupported, VehicleOffline
from ...contract.media import MediaFile, VendorMedia
from .api import media_records
from .api.client import TracksolidClient
from .api.errors import BusinessError
from .cameras import FRONT, INSIDE, Cameras
from .readers.photos import PhotoReader


class TracksolidMedia(VendorMedia):
    """The media of an account. Camera 1 looks to the front, camera 2 inside."""

    def __init__(
        self,
        client: TracksolidClient,
        cameras: Cameras,
        photos: PhotoReader,
        has_camera: Callable[[str], bool],
        is_offline: Callable[[str], Awaitable[bool]],
    ) -> None:
        """Initialize with the client, the cameras, their photos, and what is known of a vehicle."""
        self._client = client
        self._cameras = cameras
        self._photos = photos
        self._has_camera = has_camera
        self._is_offline = is_offline

    async def newest_photo(self, vehicle_id: str) -> MediaFile | None:
        """Return the newest photo that is known of (7.4)."""
        photo = self._photos.newest(vehicle_id)
        return None if photo is None else _file(photo)

    async def open_live(self, vehicle_id: str, camera: int) -> str:
        """Start a live stream and return its address (7.6), http-FLV as a rule."""
        channel = self._channel(vehicle_id, camera)
        try:
            return await self._cameras.open_live(vehicle_id, channel)
        except BusinessError as err:
            # The platform does not say why. That the vehicle is offline explains it.
            if await self._is_offline(vehicle_id):
                raise VehicleOffline("No live view") from err
            raise

    async def close_live(self, vehicle_id: str, camera: int) -> None:
        """Stop a live stream (7.10)."""
        await self._cameras.close_live(vehicle_id, self._channel(vehicle_id, camera))

    def _channel(self, vehicle_id: str, camera: int) -> int:
        """Return the channel of a camera: channels begin with 0 or 1, by the model."""
        channels = self._cameras.channels(vehicle_id)
        if not 1 <= camera <= len(channels):
            raise CommandUnsupported("No live view", key="tracksolid_camera_unknown")
        return channels[camera - 1]

    def cameras(self, vehicle_id: str) -> Sequence[int]:
        """Return the cameras: files are asked for by front and inside, whatever there is."""
        return (FRONT, INSIDE) if self._has_camera(vehicle_id) else ()

    async def files(
        self, vehicle_id: str, camera: int, begin: datetime, end: datetime
    ) -> Sequence[MediaFile]:
        """Return the photos and videos of a camera in the cloud (7.4)."""
        found = await self._client.media.files(
            vehicle_id, camera=camera, begin=begin, end=end
        )
        return [_file(file) for file in found]

    async def alarm_files(
        self, vehicle_id: str, begin: datetime, end: datetime
    ) -> Sequence[MediaFile]:
        """Return the recordings of alarms (7.5)."""
        batch = await self._client.media.alarm_files([vehicle_id], begin, end)
        if vehicle_id in batch.refused:
            raise batch.refused[vehicle_id]
        return [_file(file) for file in batch.found]


def _file(file: media_records.MediaFile) -> MediaFile:
    """Return a file in neutral terms; cameras count from 0 in answers."""
    return MediaFile(
        url=file.url,
        thumbnail_url=file.thumbnail or (file.url if file.is_photo else None),
        mime_type=file.mime_type,
        created_at=file.created_at,
        camera=None if file.camera is None else file.camera + 1,
        name=file.alarm_name,
    )
