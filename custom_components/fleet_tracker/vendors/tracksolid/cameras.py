"""Cameras: commands to them, live streams and recorded files.

Which vehicles have a live stream is learned by one try while they drive. URLs of files
and streams are private: they are handed to whoever shows them and kept nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ...contract.commands import HARMLESS, Clearance
from ...contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    CommandUnsupported,
    InvalidAnswer,
    RateLimited,
    VehicleUnavailable,
    VendorError,
)
from ...model.json_values import Json, is_record
from ...transport.http_client import NoAnswer
from .api.client import TracksolidClient
from .api.errors import BusinessError, CommandPending, MethodUnknown, ParameterRefused
from .api.media import MediaKind, StreamKind, new_session
from .api.media_records import Recording
from .api.records import Device
from .api.values import as_count, as_time

TRY_LIVE_AGAIN = timedelta(days=7)
TRY_LIVE_SOON = timedelta(minutes=15)
"""The wait after a try that told nothing: the vehicle was busy, or did not answer."""

FRONT, INSIDE = 1, 2

_KEY = "live"
_PERHAPS_STARTED = (CommandPending, InvalidAnswer, NoAnswer)
_NO_LIVE_VIEW = (
    AccessDenied,
    BusinessError,
    CommandUnsupported,
    InvalidAnswer,
    MethodUnknown,
    ParameterRefused,
    VehicleUnavailable,
)
# Devices of the vendor's own protocol count channels from 0, those of JT808 from 1.
_FROM_ZERO = ("JC261", "JC400", "JC100", "JC200")


@dataclass(slots=True)
class _Live:
    """A vehicle's working channels, and whether all were tried."""

    channels: tuple[int, ...]
    tried_at: datetime
    settled: bool = True


class Cameras:
    """The cameras of an account's vehicles."""

    def __init__(self, client: TracksolidClient) -> None:
        """Initialize with the client; its memory keeps what was learned."""
        self._client = client
        self._memory = client.transport.memory
        self._live: dict[str, _Live] = {}
        self._sessions: dict[tuple[str, int], str] = {}
        self._load()

    # --- commands ---

    async def take_photo(
        self, imei: str, camera: int, clearance: Clearance = HARMLESS
    ) -> None:
        """Let a camera (1 front, 2 inside) take a photo (7.2)."""
        await self._client.media.capture(imei, camera, clearance=clearance)

    async def record_video(
        self, imei: str, camera: int, seconds: int, clearance: Clearance = HARMLESS
    ) -> None:
        """Let a camera record a video of 3 to 10 s (7.2)."""
        await self._client.media.capture(
            imei, camera, MediaKind.VIDEO, seconds=seconds, clearance=clearance
        )

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
        """Return the channels with a working live stream."""
        known = self._live.get(imei)
        return known.channels if known else ()

    def wants_trying(self, imei: str) -> bool:
        """Tell whether it is still unknown which channels have a live stream."""
        known = self._live.get(imei)
        if known is None:
            return True
        age = self._client.transport.now() - known.tried_at
        if not known.settled:
            return age >= TRY_LIVE_SOON
        return not known.channels and age >= TRY_LIVE_AGAIN

    async def try_live(self, device: Device) -> None:
        """Find out by one try of each which channels have a live stream.

        What says nothing of the camera (offline, busy, no answer) is tried again later.
        Raises AuthenticationFailed and RateLimited.
        """
        working = list(self.channels(device.imei))
        settled = True
        first = first_channel(device)
        for channel in (first, first + 1):
            if channel in working:
                continue
            try:
                await self.open_live(device.imei, channel)
            except (AuthenticationFailed, RateLimited):
                raise
            except _NO_LIVE_VIEW:
                break  # this channel is none, nor are those behind it
            except VendorError:
                settled = False
                break
            finally:
                await self.close_live(device.imei, channel)
            working.append(channel)
        self._live[device.imei] = _Live(
            tuple(working), self._client.transport.now(), settled
        )
        await self._save()

    async def open_live(self, imei: str, channel: int) -> str:
        """Start a live stream and return its address (7.6), http-FLV as a rule."""
        is_new = (imei, channel) not in self._sessions
        session = self._session(imei, channel)
        try:
            return await self._client.media.live_stream(imei, channel, session)
        except VendorError as err:
            # Where it may have started all the same, closing it needs the session.
            if is_new and not isinstance(err, _PERHAPS_STARTED):
                self._sessions.pop((imei, channel), None)
            raise

    async def close_live(self, imei: str, channel: int) -> None:
        """Stop a live stream (7.10). A stream that cannot be stopped ends by itself."""
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
                "settled": live.settled,
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
            settled = kept.get("settled") is not False
            self._live[imei] = _Live(numbers, tried_at, settled)


def first_channel(device: Device) -> int:
    """Return the number of a device's first channel, which depends on its protocol."""
    return 0 if (device.model or "").upper().startswith(_FROM_ZERO) else 1
