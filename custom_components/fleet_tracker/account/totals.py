"""What an account's vehicles do in all, kept as they change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from ..model.vehicle import (
    Activity,
    Occurrence,
    OccurrenceKind,
    Reading,
    Value,
    Vehicle,
)

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class _Share(NamedTuple):
    """What one vehicle adds to the totals, and the readings that say so."""

    here: bool = False
    activity: Value | None = None
    driven: Value | None = None
    metres: int = 0
    """Since midnight."""

    @property
    def driving(self) -> bool:
        """Whether it drives."""
        return self.activity == Activity.DRIVING

    @property
    def offline(self) -> bool:
        """Whether it is silent."""
        return self.activity == Activity.OFFLINE


_NOTHING = _Share()


class Totals:
    """The totals of an account: no vehicle is looked at but the one that changed."""

    def __init__(self, day_began: datetime) -> None:
        """Initialize without vehicles, with the last local midnight."""
        self.day_began = day_began
        self.vehicles = 0
        self.driving = 0
        self.offline = 0
        self.metres = 0
        """How far all vehicles drove since midnight."""
        self.alarms = 0
        """How many alarms there were since midnight."""
        self._shares: dict[str, _Share] = {}
        self._listeners: list[Callable[[], None]] = []
        self._is_told_soon = False

    def note(self, vehicle_id: str, vehicle: Vehicle | None) -> None:
        """Note a vehicle as it is now, None if it was forgotten."""
        before = self._shares.get(vehicle_id, _NOTHING)
        if vehicle is None or vehicle.is_gone:
            share = _NOTHING
        else:
            activity = vehicle.readings.get(Reading.ACTIVITY)
            driven = vehicle.readings.get(Reading.DISTANCE_TODAY)
            if (
                before.here
                and activity == before.activity
                and driven == before.driven
                # A distance of another day may be told anew for today, with the same value.
                and (before.metres or not driven)
            ):
                return
            metres = 0
            if (
                isinstance(driven, int | float)
                and driven
                # What counted once counts until midnight: no newer news was measured before.
                and (before.metres or _counted_at(vehicle) >= self.day_began)
            ):
                metres = round(driven * 1000)
            share = _Share(True, activity, driven, metres)
        if share == before:
            return
        if share.here:
            self._shares[vehicle_id] = share
        else:
            del self._shares[vehicle_id]
        self.vehicles += share.here - before.here
        self.driving += share.driving - before.driving
        self.offline += share.offline - before.offline
        self.metres += share.metres - before.metres
        self._tell()

    def note_alarm(self, _vehicle_id: str, occurrence: Occurrence) -> None:
        """Count an alarm, unless it is of another day or nothing is wrong."""
        if (
            occurrence.kind is OccurrenceKind.ALARM
            and not occurrence.is_routine
            and occurrence.occurred_at >= self.day_began
        ):
            self.alarms += 1
            self._tell()

    def recall_alarms(self, count: int, day_began: datetime) -> None:
        """Add the alarms from before a restart, if they are of today."""
        if day_began == self.day_began:
            self.alarms += count

    def begin_day(self, day_began: datetime, vehicles: Iterable[Vehicle]) -> None:
        """Begin a day: alarms count from zero, and distances of the day before no more."""
        self.day_began = day_began
        self.alarms = 0
        self.vehicles = self.driving = self.offline = self.metres = 0
        self._shares.clear()
        for vehicle in vehicles:
            self.note(vehicle.vehicle_id, vehicle)
        self._tell()

    def add_listener(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Tell a listener of changes, once for all of a turn. Returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        """Tell the listeners when the running turn of the event loop is over."""
        if self._listeners and not self._is_told_soon:
            self._is_told_soon = True
            asyncio.get_running_loop().call_soon(self._tell_now)

    def _tell_now(self) -> None:
        self._is_told_soon = False
        for listener in list(self._listeners):
            listener()


def _counted_at(vehicle: Vehicle) -> datetime:
    """Return when the distance of a vehicle's day was counted, by the vendor or by us."""
    told_at = (
        group.measured_at
        for group in vehicle.groups.values()
        if Reading.DISTANCE_TODAY in group.readings
    )
    return max(*told_at, vehicle.distance_today_at or _LONG_AGO, _LONG_AGO)
