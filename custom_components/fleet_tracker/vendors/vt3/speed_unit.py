"""Finding out whether a tracker tells its GNSS speed in km/h or in knots.

The document says km/h, newer ones of the vendor say knots. The way between two fixes and
the vehicle's own speedometer tell which it is.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from ...model.vehicle import Position
from .mapping import KMH_PER_KNOT

_LEAST_KMH = 25
_LEAST_WAY_M = 100
_LONGEST_WAY = timedelta(minutes=1)
_STEADY = 0.15
"""The share by which two speeds may differ and still count as equal."""
_SAME_MOMENT = timedelta(seconds=3)
_VOTES = 20
_ENOUGH_VOTES = 10
_MAJORITY = 0.8


class SpeedUnitWatch:
    """Compares the GNSS speeds of one tracker, in the assumed unit, with better speeds."""

    def __init__(self, *, knots: bool) -> None:
        """Initialize with the unit in which speeds are read."""
        self._other = 1 / KMH_PER_KNOT if knots else KMH_PER_KNOT
        self._votes: deque[bool] = deque(maxlen=_VOTES)
        self._fix: Position | None = None
        self._speedometer: tuple[datetime, float] | None = None

    @property
    def is_wrong(self) -> bool | None:
        """Whether the other unit is right; None while that is not clear."""
        if len(self._votes) < _ENOUGH_VOTES:
            return None
        share = sum(self._votes) / len(self._votes)
        if share >= _MAJORITY:
            return True
        return False if share <= 1 - _MAJORITY else None

    def take_speedometer(self, measured_at: datetime, speed: float) -> None:
        """Note the vehicle's own speed in km/h."""
        self._speedometer = (measured_at, speed)
        if self._fix is not None:
            self._compare_speedometer(self._fix)

    def take_fix(self, fix: Position) -> None:
        """Note a fix with its speed."""
        before, self._fix = self._fix, fix
        self._compare_speedometer(fix)
        if before is None or before.speed is None or fix.speed is None:
            return
        passed = fix.fixed_at - before.fixed_at
        if not timedelta() < passed <= _LONGEST_WAY:
            return
        way = before.distance_to(fix)
        if way >= _LEAST_WAY_M and _is_about(before.speed, fix.speed):
            self._vote(way / passed.total_seconds() * 3.6, fix.speed)

    def _compare_speedometer(self, fix: Position) -> None:
        if self._speedometer is None or fix.speed is None:
            return
        measured_at, speed = self._speedometer
        if abs(measured_at - fix.fixed_at) <= _SAME_MOMENT:
            self._speedometer = None
            self._vote(speed, fix.speed)

    def _vote(self, true: float, told: float) -> None:
        if true < _LEAST_KMH:
            return
        if _is_about(told * self._other, true):
            self._votes.append(True)
        elif _is_about(told, true):
            self._votes.append(False)


def _is_about(one: float, other: float) -> bool:
    return abs(one - other) <= _STEADY * other
