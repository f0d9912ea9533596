"""Records of `track` (2.2) that say nothing new, so that nothing is made of them.

Most vehicles are parked most of the time. Their records are the same from poll to poll,
but for the times that the server puts in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Self, override

from ...model.json_values import as_unix_time
from ...model.vehicle import (
    KnownRecord,
    Reading,
    TimeSource,
    Vehicle,
    VehicleUpdate,
    reading_parts,
)
from .mapping import FUEL, OLDEST_REPORTED, TEMPERATURE, map_track
from .vocabulary import OpenApiReading

SERVER_TIME = "servertime"
SECONDS_SINCE_SWITCH = "acctime"
RECEIVED_AT = "systemtime"
SERVERS_OWN = (SERVER_TIME, SECONDS_SINCE_SWITCH, RECEIVED_AT)
"""The fields that move on by themselves. Every other field counts, mapped or not."""

_LATEST = 7_258_118_400
"""From here on a number is milliseconds; see `as_unix_time`."""


class KnownTrack(KnownRecord):
    """A record of `track` that was merged, and until when it says the same."""

    def __init__(self, record: dict[str, object], server_time: int, until: int) -> None:
        """Initialize with a record that nobody else holds, and with times of the server."""
        self._record = record
        self._server_time = server_time
        self._until = until
        self._has_left_out = False

    @classmethod
    def of(cls, record: Mapping[str, object], update: VehicleUpdate) -> Self | None:
        """Return a record to hold later ones against, None where later ones may be news.

        That is so where a time is missing that we would put in, each time anew, and where
        something is too old to be shown by the server's time.
        """
        server_time = record.get(SERVER_TIME)
        if (
            type(server_time) is not int
            or as_unix_time(server_time) is None
            or server_time >= _LATEST
            or update.heard_at is None
            or any(group.time_source is TimeSource.OURS for group in update.groups)
        ):
            return None
        return cls(dict(record), server_time, _shown_until(update))

    @override
    def covers(self, record: Mapping[str, object]) -> bool:
        """Tell whether a later record says nothing new.

        Going back, the server's time says something new too.
        """
        known, server_time = self._record, record.get(SERVER_TIME)
        if (
            type(server_time) is not int
            or not self._server_time <= server_time < self._until
        ):
            return False
        old, new = known.get(SECONDS_SINCE_SWITCH), record.get(SECONDS_SINCE_SWITCH)
        if old != new:
            if (
                type(old) is not int
                or type(new) is not int
                # Without an ignition wire they are the server's time itself.
                or (0 <= old < self._server_time) is not (0 <= new < server_time)
            ):
                return False
            known[SECONDS_SINCE_SWITCH] = new
        old, new = known.get(RECEIVED_AT), record.get(RECEIVED_AT)
        if old != new:
            if (as_unix_time(old) is None) is not (as_unix_time(new) is None):
                return False
            known[RECEIVED_AT] = new
        known[SERVER_TIME] = self._server_time = server_time
        if known != record:
            return False
        self._has_left_out = True
        return True

    @override
    def left_out(self, vehicle: Vehicle) -> VehicleUpdate | None:
        """Return the news in the last record that was covered, None if none was."""
        if not self._has_left_out:
            return None
        told_at = datetime.fromtimestamp(self._server_time, UTC)
        return map_track(self._record, vehicle, told_at)


def _shown_until(update: VehicleUpdate) -> int:
    """Return up to when fuel and temperature are not too old to be shown."""
    until = float(_LATEST)
    for group in update.groups:
        measured_at = {
            FUEL: OpenApiReading.FUEL_MEASURED_AT,
            TEMPERATURE: OpenApiReading.TEMPERATURE_MEASURED_AT,
        }.get(group.name)
        is_shown = any(
            reading_parts(reading)[0] in (Reading.FUEL, Reading.TEMPERATURE)
            for reading in group.readings
        )
        if measured_at is not None and is_shown:
            time = group.readings[measured_at]
            assert isinstance(time, datetime)
            until = min(until, (time.astimezone(UTC) + OLDEST_REPORTED).timestamp())
    return int(until)
