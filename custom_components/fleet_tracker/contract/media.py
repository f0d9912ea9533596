"""The cameras of a vendor: photos, live views and recordings.

Addresses of files and streams are private. They are asked for when somebody looks, handed
to whoever shows them, and kept for minutes at most.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A photo or a video at the vendor. ``name`` is its caption, if it has any.

    ``thumbnail_url`` is where a small JPEG of it is, or a photo itself.
    """

    url: str
    thumbnail_url: str | None = None
    mime_type: str
    created_at: datetime
    camera: int | None = None
    name: str | None = None

    @property
    def is_photo(self) -> bool:
        """Whether it is a photo; otherwise it is a video."""
        return self.mime_type.startswith("image/")


class VendorMedia(ABC):
    """The cameras of an account's vehicles, numbered from 1.

    Every method may raise VendorError. A vehicle with a live view has the capability
    ``live:{camera}`` for each camera that works; the reading ``photo_taken`` tells that
    there is a photo, and its time.
    """

    @abstractmethod
    async def newest_photo(self, vehicle_id: str) -> MediaFile | None:
        """Return the photo of the time in the reading ``photo_taken``."""

    @abstractmethod
    async def open_live(self, vehicle_id: str, camera: int) -> str:
        """Start a live view and return its address, which FFmpeg understands."""

    @abstractmethod
    async def close_live(self, vehicle_id: str, camera: int) -> None:
        """End a live view. Ending one that is not open does nothing."""

    @abstractmethod
    def cameras(self, vehicle_id: str) -> Sequence[int]:
        """Return the cameras of a vehicle with files to browse."""

    @abstractmethod
    async def files(
        self, vehicle_id: str, camera: int, begin: datetime, end: datetime
    ) -> Sequence[MediaFile]:
        """Return the photos and videos of a camera in a period, the newest first."""

    @abstractmethod
    async def alarm_files(
        self, vehicle_id: str, begin: datetime, end: datetime
    ) -> Sequence[MediaFile]:
        """Return what was recorded of alarms in a period, the newest first."""
