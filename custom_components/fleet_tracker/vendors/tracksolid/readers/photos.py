"""Reads the newest photo of each vehicle with a camera (7.4).

URLs of files are private: they are handed to whoever shows them and kept nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import override

from ....contract.errors import AuthenticationFailed, RateLimited, VendorError
from ....model.vehicle import Reading, VehicleUpdate
from ..api.client import TracksolidClient
from ..api.media import MediaKind
from ..api.media_records import MediaFile
from ..instruction_lists import InstructionLists
from ..mapping import group
from ..pushes.door import Push
from .reader import Reader, Situation

EVERY = timedelta(hours=1)
AFTER_COMMAND = timedelta(seconds=15)
"""How long a device gets to take a photo and to upload it."""
TRIES = 6
CALLS_PER_POLL = 5
PHOTO_AGE = timedelta(days=30)

_UPLOADS = frozenset({"uploadCallback", "pushfileupload"})


class PhotoReader(Reader):
    """Reads new photos, and those soon that were just taken."""

    def __init__(
        self,
        client: TracksolidClient,
        lists: InstructionLists,
        poll_soon: Callable[[float], None],
    ) -> None:
        """Initialize with the client, the command lists, and how to ask for an early poll."""
        self._client = client
        self._lists = lists
        self._poll_soon = poll_soon
        self._newest: dict[str, MediaFile] = {}
        self._due: dict[str, datetime] = {}
        self._tries: dict[str, int] = {}

    def newest(self, imei: str) -> MediaFile | None:
        """Return the newest photo that is known of, None without one."""
        return self._newest.get(imei)

    def expect(self, imei: str) -> None:
        """Look for a new photo soon: one was taken, or a file came in."""
        self._due[imei] = self._client.transport.now() + AFTER_COMMAND
        self._tries[imei] = TRIES
        self._poll_soon(self.wait() or 0)

    @override
    async def take_push(self, push: Push, update: VehicleUpdate) -> VehicleUpdate:
        """Expect a photo where a device has uploaded a file."""
        if push.path in _UPLOADS:
            self.expect(update.vehicle_id)
        return update

    @override
    def due(self, situation: Situation) -> Sequence[str]:
        """Return the vehicles with a photo to look for: first those that took one."""
        now = situation.now
        with_camera = self._lists.with_camera(situation.by_model)
        due = [imei for imei in with_camera if self._due.get(imei, now) <= now]
        due.sort(key=lambda imei: self._tries.get(imei, 0) == 0)
        return due[:CALLS_PER_POLL]

    @override
    async def read(
        self, imeis: Sequence[str], situation: Situation
    ) -> Sequence[VehicleUpdate]:
        """Return updates for vehicles with a new newest photo.

        One vehicle's error does not keep the others back; raises it if there is no news.
        """
        now = situation.now
        present = self._client.transport.present
        updates: list[VehicleUpdate] = []
        failure: VendorError | None = None
        for imei in imeis:
            files: list[MediaFile] = []
            try:
                files = await self._client.media.files(
                    imei,
                    kind=MediaKind.PHOTO,
                    begin=present - PHOTO_AGE,
                    end=present,
                    most=1,
                )
            except (AuthenticationFailed, RateLimited) as err:
                failure = err
                break
            except VendorError as err:
                self._client.transport.counters["photos_not_read"] += 1
                failure = err
            self._due[imei] = now + EVERY
            if files and self._is_news(imei, files[0]):
                self._tries.pop(imei, None)
                taken = group(
                    "photo", present, {Reading.PHOTO_TAKEN: files[0].created_at}
                )
                updates.append(VehicleUpdate(vehicle_id=imei, groups=taken))
            elif self._tries.get(imei, 0) > 0:
                self._tries[imei] -= 1
                self._due[imei] = now + AFTER_COMMAND
        if failure is not None and not updates:
            raise failure
        return updates

    def _is_news(self, imei: str, photo: MediaFile) -> bool:
        """Keep the newest photo with the address that it has now; tell if it is new."""
        before = self._newest.get(imei)
        self._newest[imei] = photo
        return before is None or photo.created_at > before.created_at

    def wait(self) -> float | None:
        """Return in how many seconds an expected photo is to be looked for, None without."""
        now = self._client.transport.now()
        waits = [
            (self._due[imei] - now).total_seconds()
            for imei, tries in self._tries.items()
            if tries > 0
        ]
        return max(0.0, min(waits)) if waits else None
