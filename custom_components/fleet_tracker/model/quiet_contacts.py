"""Contacts of a vehicle that show nothing new, noted until something else happens to it."""

from __future__ import annotations

from datetime import UTC, datetime

from .clocks import FUTURE_TOLERANCE, NO_OFFSET
from .derive import SHOWN_TIME_STEP
from .evidence import REMEMBERED_GAPS
from .vehicle import Reading, Vehicle

_LONGEST_AGO = FUTURE_TOLERANCE.total_seconds()
_REMEMBERED = REMEMBERED_GAPS + 1


class QuietContacts:
    """The contacts of one vehicle since its record was merged, in Unix seconds.

    A parked vehicle is heard of again and again. As long as *last contact* shows the same
    time, that is only for the guard, and for what decides what else is newer.
    """

    __slots__ = ("_last", "_times", "_until")

    def __init__(self) -> None:
        """Initialize without contacts; before `begin` none is quiet."""
        self._last = self._until = 0.0
        self._times: list[float] = []

    def __bool__(self) -> bool:
        """Whether there was a contact."""
        return bool(self._times)

    def begin(self, vehicle: Vehicle) -> None:
        """Begin with a vehicle as it is after the record was merged.

        Where its clock is wrong, or contacts decide whether it is online, each is news.
        """
        shown = vehicle.readings.get(Reading.LAST_CONTACT)
        if (
            vehicle.heard_at is None
            or not isinstance(shown, datetime)
            or vehicle.contact_interval is not None
        ):
            return
        for watch in (vehicle.clock.fixes, vehicle.clock.contacts):
            if watch.misfits or (watch.offset or NO_OFFSET) != NO_OFFSET:
                return
        self._last = vehicle.heard_at.timestamp()
        self._until = (shown + SHOWN_TIME_STEP).timestamp()

    def take(self, contact: float, now: float) -> bool:
        """Note a later contact if it shows nothing new, and tell whether that is so.

        Times are by the server's clock.
        """
        if not (
            self._last < contact < self._until and 0 <= now - contact <= _LONGEST_AGO
        ):
            return False
        self._last = contact
        times = self._times
        times.append(contact)
        if len(times) > _REMEMBERED:
            del times[0]
        return True

    @property
    def times(self) -> tuple[datetime, ...]:
        """When the vehicle was heard of, the last few times."""
        return tuple(datetime.fromtimestamp(time, UTC) for time in self._times)
