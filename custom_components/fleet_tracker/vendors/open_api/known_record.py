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
from ...model.record_values import RecordValues
from ...model.vehicle import KnownRecord, Reading, TimeSource, Vehicle, VehicleUpdate
from .mapping import FUEL, IGNITION_JITTER, OLDEST_REPORTED, TEMPERATURE, map_track
from .vocabulary import OpenApiReading

SERVER_TIME = "servertime"
SECONDS_SINCE_SWITCH = "acctime"
RECEIVED_AT = "systemtime"
HEARD_AT = "hearttime"
SERVERS_OWN = (SERVER_TIME, SECONDS_SINCE_SWITCH, RECEIVED_AT)
"""The fields that move on by themselves. Every other field counts, mapped or not."""
_JITTER_S = IGNITION_JITTER.total_seconds()
_OLDEST_S = OLDEST_REPORTED.total_seconds()

_LATEST = 7_258_118_400
"""From here on a number is milliseconds; see `as_unix_time`."""


_MOVE_ON = frozenset({*SERVERS_OWN, HEARD_AT})


class KnownTrack(KnownRecord):
    """A record of `track` that was merged, and until when it says the same."""

    __slots__ = (
        "_contacts",
        "_heard",
        "_has_left_out",
        "_heard_at",
        "_received_at",
        "_record",
        "_seconds",
        "_server_time",
        "_switched_at",
        "_until",
        "_values",
        "_vehicle_id",
    )

    def __init__(
        self,
        record: Mapping[str, object],
        vehicle_id: str,
        server_time: int,
        until: int,
        heard: set[str],
    ) -> None:
        """Initialize with a record that nobody changes, and with times of the server."""
        self._record = record
        self._vehicle_id = vehicle_id
        self._heard = heard
        self._values = RecordValues(record, _MOVE_ON)
        self._server_time = server_time
        self._seconds = record.get(SECONDS_SINCE_SWITCH)
        self._received_at = record.get(RECEIVED_AT)
        self._heard_at = record.get(HEARD_AT)
        self._until = until
        self._has_left_out = False
        self._contacts = QuietContacts()
        self._switched_at: float | None = None

    @property
    @override
    def has_contacts(self) -> bool:
        """Whether the vehicle was heard of in records that were covered."""
        return bool(self._contacts)

    @override
    def begin(self, vehicle: Vehicle) -> None:
        """Note a vehicle as it is after the record was merged."""
        if vehicle.heard_at == as_unix_time(self._heard_at):
            self._contacts.begin(vehicle)
        switched_at = vehicle.readings.get(Reading.IGNITION_CHANGED_AT)
        if isinstance(switched_at, datetime):
            self._switched_at = switched_at.timestamp()

    @classmethod
    def of(
        cls, record: Mapping[str, object], update: VehicleUpdate, heard: set[str]
    ) -> Self | None:
        """Return a record to hold later ones against, None where later ones may be news.

        The vehicle is added to those heard of when a covered record tells of a contact.
        That is so where a time is missing that we would put in, each time anew, and where
        something is too old to be shown by the server's time.
        """
        server_time = record.get(SERVER_TIME)
        if (
            type(server_time) is not int
            or as_unix_time(server_time) is None
            or server_time >= _LATEST
            or update.heard_at is None
        ):
            return None
        for group in update.groups:
            if group.time_source is TimeSource.OURS:
                return None
        until = _shown_until(update)
        return cls(record, update.vehicle_id, server_time, until, heard)

    @override
    def covers(self, record: Mapping[str, object], now: float) -> bool:
        """Tell whether a later record says nothing new.

        Going back, the server's time says something new too.
        """
        # It is done for each vehicle with each poll, so what is usual has a short way.
        value_of = record.get
        server_time = value_of(SERVER_TIME)
        if (
            type(server_time) is not int
            or not self._server_time <= server_time < self._until
            or not self._values.are_in(record)
        ):
            return False
        seconds, before = value_of(SECONDS_SINCE_SWITCH), self._seconds
        if seconds != before and (
            type(before) is not int
            or type(seconds) is not int
            # Without an ignition wire they are the server's time itself.
            or (0 <= before < self._server_time) is not (0 <= seconds < server_time)
        ):
            return False
        received_at = value_of(RECEIVED_AT)
        if received_at != self._received_at and (
            (as_unix_time(received_at) is None)
            is not (as_unix_time(self._received_at) is None)
        ):
            return False
        heard = value_of(HEARD_AT)
        if heard != self._heard_at:
            if not (
                type(heard) is int
                and self._is_switched_as_before(seconds, heard, server_time)
                and self._contacts.take(heard, now)
            ):
                return False
            self._heard_at = heard
            self._heard.add(self._vehicle_id)
        self._server_time, self._seconds = server_time, seconds
        self._received_at = received_at
        self._has_left_out = True
        return True

    def _is_switched_as_before(
        self, seconds: object, heard: int, server_time: int
    ) -> bool:
        """Tell whether the ignition is told to be switched when it was, to a jitter."""
        switched_at = self._switched_at
        if switched_at is None:
            return seconds == self._seconds
        return type(seconds) is int and (
            abs(server_time - seconds - switched_at) <= _JITTER_S
            or abs(heard - seconds - switched_at) <= _JITTER_S
        )

    @override
    def left_out(self, vehicle: Vehicle) -> VehicleUpdate | None:
        """Return the news in the last record that was covered, None if none was."""
        if not self._has_left_out:
            return None
        told_at = datetime.fromtimestamp(self._server_time, UTC)
        moved_on = {
            SERVER_TIME: self._server_time,
            SECONDS_SINCE_SWITCH: self._seconds,
            RECEIVED_AT: self._received_at,
            HEARD_AT: self._heard_at,
        }
        record = {name: moved_on.get(name, it) for name, it in self._record.items()}
        update = map_track(record, vehicle, told_at)
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
        # A group of which only the time is left shows nothing.
        if measured_at is not None and len(group.readings) > 1:
            time = group.readings[measured_at]
            assert isinstance(time, datetime)
            until = min(until, time.timestamp() + _OLDEST_S)
    return int(until)
