"""What cameras show: the newest photo, live streams, recordings, the media of a day.

Which vehicles have a live stream is learned by one try while they drive. URLs of files
and streams are private: they are handed to whoever shows them and kept nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ...json_values import is_record
from ...models import Reading, VehicleUpdate
from ...vendor import (
    AuthenticationFailed,
    CannotConnect,
    Json,
    RateLimited,
    VehicleOffline,
    VendorError,
)
from .api_media import MediaKind, StreamKind, new_session
from .client import TracksolidClient
from .mapping import group
from .media_records import MediaFile, Recording
from .records import Device
from .values import as_count, as_time

PHOTOS_EVERY = timedelta(hours=1)
AFTER_COMMAND = timedelta(seconds=15)
"""How long a device gets to take a photo and to upload it."""
PHOTO_TRIES = 6
PHOTOS_PER_POLL = 5
TRY_LIVE_AGAIN = timedelta(days=7)
PHOTO_AGE = timedelta(days=30)

FRONT, INSIDE = 1, 2
LIVE = "live"
PHOTO = "photo"

_KEY = "live"
# Devices of the vendor's own protocol count channels from 0, those of JT808 from 1.
_FROM_ZERO = ("JC261", "JC400", "JC100", "JC200")


@dataclass(slots=True)
class _Live:
    """What is known of a vehicle's live streams: no channels means that none works."""

    channels: tuple[int, ...]
    tried_at: datetime


class Cameras:
    """The cameras of an account's vehicles."""

    def __init__(self, client: TracksolidClient) -> None:
        """Take what carries the calls; what was learned is in its memory."""
        self._client = client
        self._memory = client.transport.memory
        self._live: dict[str, _Live] = {}
        self._sessions: dict[tuple[str, int], str] = {}
        self._photos: dict[str, MediaFile] = {}
        self._photos_due: dict[str, datetime] = {}
        self._tries: dict[str, int] = {}
        self._load()

    # --- photos ---

    def newest_photo(self, imei: str) -> MediaFile | None:
        """Return the newest photo that is known of, None without one."""
        return self._photos.get(imei)

    def expect_photo(self, imei: str) -> None:
        """Look for a new photo soon: one was taken, or a file came in."""
        self._photos_due[imei] = self._client.transport.now() + AFTER_COMMAND
        self._tries[imei] = PHOTO_TRIES

    async def read_photos(self, imeis: Iterable[str]) -> list[VehicleUpdate]:
        """Return the vehicles whose newest photo is a new one."""
        now = self._client.transport.now()
        updates = []
        due = [imei for imei in imeis if self._photos_due.get(imei, now) <= now]
        due.sort(key=lambda imei: self._tries.get(imei, 0) == 0)
        for imei in due[:PHOTOS_PER_POLL]:
            self._photos_due[imei] = now + PHOTOS_EVERY
            files = await self._client.media.files(
                imei, kind=MediaKind.PHOTO, begin=now - PHOTO_AGE, end=now, most=1
            )
            before = self._photos.get(imei)
            if files and (before is None or files[0].created_at > before.created_at):
                self._photos[imei] = files[0]
                self._tries.pop(imei, None)
                updates.append(
                    VehicleUpdate(
                        vehicle_id=imei,
                        groups=group(
                            "photo", now, {Reading.PHOTO_TAKEN: files[0].created_at}
                        ),
                    )
                )
            elif self._tries.get(imei, 0) > 0:
                self._tries[imei] -= 1
                self._photos_due[imei] = now + AFTER_COMMAND
        return updates

    def photo_wait(self) -> float | None:
        """Return in how many seconds an expected photo is to be looked for."""
        now = self._client.transport.now()
        waits = [
            (self._photos_due[imei] - now).total_seconds()
            for imei, tries in self._tries.items()
            if tries > 0
        ]
        return max(0.0, min(waits)) if waits else None

    async def take_photo(self, imei: str, camera: int) -> None:
        """Let a camera (1 front, 2 inside) take a photo (7.2)."""
        await self._client.media.capture(imei, camera)
        self.expect_photo(imei)

    async def record_video(self, imei: str, camera: int, seconds: int) -> None:
        """Let a camera record a video of 3 to 10 s (7.2)."""
        await self._client.media.capture(imei, camera, MediaKind.VIDEO, seconds=seconds)

    # --- recordings ---

    async def recordings(
        self, device: Device, camera: int, day: date
    ) -> list[Recording]:
        """Return what a device keeps of a camera's pictures of a day (7.7, 7.8)."""
        channel = first_channel(device) + camera - 1
        return await self._client.media.recordings(
            device.imei, channel, day, new_session()
        )

    # --- live ---

    def channels(self, imei: str) -> tuple[int, ...]:
        """Return the channels whose live stream works."""
        known = self._live.get(imei)
        return known.channels if known else ()

    def wants_trying(self, imei: str) -> bool:
        """Tell whether it is not known if live works."""
        known = self._live.get(imei)
        if known is None:
            return True
        age = self._client.transport.now() - known.tried_at
        return not known.channels and age >= TRY_LIVE_AGAIN

    async def try_live(self, device: Device) -> None:
        """Find out by one try which channels have a live stream.

        Raises what says nothing of the camera: RateLimited, CannotConnect,
        AuthenticationFailed and VehicleOffline.
        """
        working = []
        first = first_channel(device)
        for channel in (first, first + 1):
            try:
                await self.open_live(device.imei, channel)
            except (
                AuthenticationFailed,
                CannotConnect,
                RateLimited,
                VehicleOffline,
            ):
                raise
            except VendorError:
                break  # this channel is none, nor are those behind it
            working.append(channel)
            await self.close_live(device.imei, channel)
        self._live[device.imei] = _Live(tuple(working), self._client.transport.now())
        await self._save()

    async def open_live(self, imei: str, channel: int) -> str:
        """Start a live stream and return its http-FLV address (7.6)."""
        session = self._session(imei, channel)
        return await self._client.media.live_stream(imei, channel, session)

    async def close_live(self, imei: str, channel: int) -> None:
        """Stop a live stream (7.10). What cannot be stopped stops by itself."""
        session = self._sessions.pop((imei, channel), None)
        if session is None:
            return
        try:
            await self._client.media.close_stream(
                imei, channel, session, StreamKind.LIVE
            )
        except VendorError:
            self._client.transport.counters["streams_not_closed"] += 1

    async def close_all(self) -> None:
        """Stop every stream that was started."""
        for imei, channel in list(self._sessions):
            await self.close_live(imei, channel)

    def _session(self, imei: str, channel: int) -> str:
        """Return the session of a stream: one id while it lasts."""
        return self._sessions.setdefault((imei, channel), new_session())

    # --- memory ---

    async def _save(self) -> None:
        stored: dict[str, Json] = {
            imei: {
                "channels": list(live.channels),
                "tried_at": live.tried_at.timestamp(),
            }
            for imei, live in self._live.items()
        }
        await self._memory.put(_KEY, stored)

    def _load(self) -> None:
        stored = self._memory.get(_KEY)
        for imei, kept in (stored if is_record(stored) else {}).items():
            if (
                not is_record(kept)
                or (tried_at := as_time(kept.get("tried_at"))) is None
            ):
                continue
            channels = kept.get("channels")
            found = (
                as_count(channel)
                for channel in (channels if isinstance(channels, list) else ())
            )
            numbers = tuple(channel for channel in found if channel is not None)
            self._live[imei] = _Live(numbers, tried_at)


def first_channel(device: Device) -> int:
    """Return the number of a device's first channel, which depends on its protocol."""
    return 0 if (device.model or "").upper().startswith(_FROM_ZERO) else 1
