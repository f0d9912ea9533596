"""What an account's vehicles do in all, kept as they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from ..model.vehicle import Activity, Occurrence, OccurrenceKind, Reading, Vehicle

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class _Share(NamedTuple):
    """What one vehicle adds to the totals."""

    here: bool = False
    driving: bool = False
    offline: bool = False
    metres: int = 0
    """Since midnight."""


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

    def note(self, vehicle_id: str, vehicle: Vehicle | None) -> None:
        """Note a vehicle as it is now, None if it was forgotten."""
        before = self._shares.get(vehicle_id, _NOTHING)
        share = self._share(vehicle)
        if share == before:
            return
        self._shares[vehicle_id] = share
        self.vehicles += share.here - before.here
        self.driving += share.driving - before.driving
        self.offline += share.offline - before.offline
        self.metres += share.metres - before.metres
        self._tell()

    def note_alarm(self, _vehicle_id: str, occurrence: Occurrence) -> None:
        """Count an alarm, unless it is of another day."""
        if (
            occurrence.kind is OccurrenceKind.ALARM
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
        for vehicle in vehicles:
            self.note(vehicle.vehicle_id, vehicle)
        self._tell()

    def add_listener(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Tell a listener of every change. Returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _share(self, vehicle: Vehicle | None) -> _Share:
        if vehicle is None or vehicle.is_gone:
            return _NOTHING
        readings = vehicle.readings
        activity = readings.get(Reading.ACTIVITY)
        driven = readings.get(Reading.DISTANCE_TODAY)
        return _Share(
            here=True,
            driving=activity == Activity.DRIVING,
            offline=activity == Activity.OFFLINE,
            metres=round(driven * 1000)
            if isinstance(driven, int | float)
            and driven
            and _counted_at(vehicle) >= self.day_began
            else 0,
        )


def _counted_at(vehicle: Vehicle) -> datetime:
    """Return when the distance of a vehicle's day was counted, by the vendor or by us."""
    told_at = (
        group.measured_at
        for group in vehicle.groups.values()
        if Reading.DISTANCE_TODAY in group.readings
    )
    return max(told_at, default=vehicle.distance_today_at or _LONG_AGO)
