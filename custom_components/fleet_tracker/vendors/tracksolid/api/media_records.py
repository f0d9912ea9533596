"""Answers of the API about photos, videos and streams, as typed records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from ....model.json_values import Record, as_text
from .values import as_count, as_time


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A photo or a video in the vendor's cloud (7.4, 7.5). Its URLs are private."""

    url: str
    thumbnail: str | None
    mime_type: str
    created_at: datetime
    camera: int | None
    size: int | None
    alarm_at: datetime | None = None
    alarm_code: str | None = None
    alarm_name: str | None = None

    @property
    def is_photo(self) -> bool:
        """Whether it is a photo; otherwise it is a video."""
        return self.mime_type.startswith("image/")

    @classmethod
    def from_row(cls, row: Record, event: Record | None = None) -> Self | None:
        """Return the file of a row, of an alarm or not; None without URL or time."""
        around = event or {}
        url = as_text(row.get("file_URL"))
        alarm_at = as_time(row.get("alarm_time") or around.get("alarm_time"))
        # The document's table of files of alarms (7.5) has no other time than the alarm's.
        created_at = (
            as_time(row.get("create_time"))
            or as_time(around.get("create_time"))
            or alarm_at
        )
        if url is None or created_at is None:
            return None
        kind = as_text(row.get("media_type"))
        return cls(
            url=url,
            thumbnail=as_text(row.get("thumb_URL")),
            mime_type=as_text(row.get("mime_type"))
            or ("image/jpeg" if kind == "1" else "video/mp4"),
            created_at=created_at,
            camera=as_count(row.get("camera")),
            size=as_count(row.get("file_size")),
            alarm_at=alarm_at,
            alarm_code=as_text(around.get("event_type_id")),
            alarm_name=as_text(around.get("event_type")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording on a device's own storage (7.8)."""

    channel: int
    begins_at: datetime
    ends_at: datetime
    size: int | None
    file_name: str | None

    @classmethod
    def from_row(cls, row: Record) -> Self | None:
        """Return the recording of a row, None without its channel or times."""
        channel = as_count(row.get("channel"))
        begins_at, ends_at = as_time(row.get("beginTime")), as_time(row.get("endTime"))
        if channel is None or begins_at is None or ends_at is None:
            return None
        return cls(
            channel=channel,
            begins_at=begins_at,
            ends_at=ends_at,
            size=as_count(row.get("fileSize")),
            file_name=as_text(row.get("fileName")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePage:
    """The page of a live stream (7.1). Its URL is private."""

    url: str
    plate: str | None
