"""Records of `track` (2.2) that say nothing new, so that nothing is made of them.

Most vehicles are parked most of the time. Their records are the same from poll to poll,
but for the times that the server puts in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Self, override

from ...model.json_values import as_unix_time
from ...model.quiet_contacts import QuietContacts
from ...model.record import replace
from ...model.vehicle import (
    KnownRecord,
    Reading,
    TimeSource,
    Vehicle,
    VehicleUpdate,
    reading_parts,
)
from .mapping import FUEL, IGNITION_JITTER, OLDEST_REPORTED, TEMPERATURE, map_track
from .vocabulary import OpenApiReading

SERVER_TIME = "servertime"
SECONDS_SINCE_SWITCH = "acctime"
RECEIVED_AT = "systemtime"
HEARD_AT = "hearttime"
SERVERS_OWN = (SERVER_TIME, SECONDS_SINCE_SWITCH, RECEIVED_AT)
"""The fields that move on by themselves. Every other field counts, mapped or not."""
_JITTER_S = IGNITION_JITTER.total_seconds()

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
        self._contacts = QuietContacts()
        self._switched_at: float | None = None
        self.was_heard = False
        """Whether the record that was covered last told of a contact."""

    @property
    @override
    def has_contacts(self) -> bool:
        """Whether the vehicle was heard of in records that were covered."""
        return bool(self._contacts)

    @override
    def begin(self, vehicle: Vehicle) -> None:
        """Note a vehicle as it is after the record was merged."""
        if vehicle.heard_at == as_unix_time(self._record.get(HEARD_AT)):
            self._contacts.begin(vehicle)
        switched_at = vehicle.readings.get(Reading.IGNITION_CHANGED_AT)
        if isinstance(switched_at, datetime):
            self._switched_at = switched_at.timestamp()

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
    def covers(self, record: Mapping[str, object], now: float) -> bool:
        """Tell whether a later record says nothing new.

        Going back, the server's time says something new too.
        """
        known, server_time = self._record, record.get(SERVER_TIME)
        if (
            type(server_time) is not int
            or not self._server_time <= server_time < self._until
        ):
            return False
        self.was_heard = False
        heard, heard_before = record.get(HEARD_AT), known.get(HEARD_AT)
        is_heard = heard != heard_before
        if is_heard and not (
            type(heard) is int
            and self._contacts.is_quiet(heard, now)
            and self._is_switched_as_before(record, heard, server_time)
        ):
            return False
        seconds, seconds_before = (
            record.get(SECONDS_SINCE_SWITCH),
            known.get(SECONDS_SINCE_SWITCH),
        )
        if seconds != seconds_before:
            if (
                type(seconds_before) is not int
                or type(seconds) is not int
                # Without an ignition wire they are the server's time itself.
                or (0 <= seconds_before < self._server_time)
                is not (0 <= seconds < server_time)
            ):
                return False
            known[SECONDS_SINCE_SWITCH] = seconds
        received_at, received_before = record.get(RECEIVED_AT), known.get(RECEIVED_AT)
        if received_at != received_before:
            known[RECEIVED_AT] = received_at
        known[SERVER_TIME] = server_time
        if is_heard:
            known[HEARD_AT] = heard
        if known != record or (
            received_at != received_before
            and (as_unix_time(received_at) is None)
            is not (as_unix_time(received_before) is None)
        ):
            # What was left out is still as it was told.
            known[SERVER_TIME] = self._server_time
            for name, value in (
                (SECONDS_SINCE_SWITCH, seconds_before),
                (RECEIVED_AT, received_before),
                (HEARD_AT, heard_before),
            ):
                if name in known:
                    known[name] = value
            return False
        self._server_time = server_time
        self._has_left_out = True
        if is_heard and type(heard) is int:
            self._contacts.add(heard)
            self.was_heard = True
        return True

    def _is_switched_as_before(
        self, record: Mapping[str, object], heard: int, server_time: int
    ) -> bool:
        """Tell whether the ignition is told to be switched when it was, to a jitter."""
        seconds = record.get(SECONDS_SINCE_SWITCH)
        if self._switched_at is None:
            return seconds == self._record.get(SECONDS_SINCE_SWITCH)
        return type(seconds) is int and any(
            abs(time - seconds - self._switched_at) <= _JITTER_S
            for time in (server_time, heard)
        )

    @override
    def left_out(self, vehicle: Vehicle) -> VehicleUpdate | None:
        """Return the news in the last record that was covered, None if none was."""
        if not self._has_left_out:
            return None
        told_at = datetime.fromtimestamp(self._server_time, UTC)
        update = map_track(self._record, vehicle, told_at)
        return update and replace(update, contacts=self._contacts.times)


_MEASURED_AT = {
    FUEL: OpenApiReading.FUEL_MEASURED_AT,
    TEMPERATURE: OpenApiReading.TEMPERATURE_MEASURED_AT,
}


def _shown_until(update: VehicleUpdate) -> int:
    """Return up to when fuel and temperature are not too old to be shown."""
    until = float(_LATEST)
    for group in update.groups:
        measured_at = _MEASURED_AT.get(group.name)
        if measured_at is not None and any(
            reading_parts(reading)[0] in (Reading.FUEL, Reading.TEMPERATURE)
            for reading in group.readings
        ):
            time = group.readings[measured_at]
            assert isinstance(time, datetime)
            until = min(until, (time.astimezone(UTC) + OLDEST_REPORTED).timestamp())
    return int(until)
