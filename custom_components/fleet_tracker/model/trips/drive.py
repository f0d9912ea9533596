"""A drive that is under way, and how its way is counted, also around corners."""

from __future__ import annotations

from dataclasses import dataclass
import math

from .moments import NO_ODOMETER, UNKNOWN, Moment, metres
from .trip import QUARTER_S, spread

MOVING_KMH = 5.0
LEAST_AWAY_M = 100.0
TOP_KMH = 250.0
STRAY_M = 200.0
"""A fix that is farther away than it can be, and the next one is not, says nothing."""
COUNTED_M = 25.0
"""A step counts from the last point that is so far away, or drift would count."""
DENSE_S = 10.0
"""Where fixes come so often, speeds tell a step better than places that scatter."""
LEAST_TURN = math.sin(math.radians(25))
MOST_AROUND = 2.0
TOWN_KMH = 50.0
TOWN_PART = 0.9
CORNERS = ((15.0, 0.85), (45.0, 0.85), (90.0, 0.8), (math.inf, 0.6))
"""How much of a way around corners counts, by the seconds between two fixes: the rarer
they are, the less the courses at both ends say of the way between."""
AGREES_M = 20.0
AGREES_PART = 0.1
_DEGREE = 1e-7


@dataclass(slots=True)
class Place:
    """Where it stands, or the last place of the way: since and until when it was there."""

    latitude: int
    longitude: int
    since: float
    until: float
    off_s: float = 0.0
    """For how long the key was off there, as far as it was turned on again."""
    is_counted: bool = False
    """Whether the place was counted as a long stand with the key on."""


@dataclass(slots=True)
class Drive:
    """What is under way since the last stop."""

    begin: float
    begin_latitude: int
    begin_longitude: int
    latitude: int
    longitude: int
    """The last point that the way counts from."""
    at: float
    is_estimated: bool = False
    unheard_since: float | None = None
    """When it was last heard of before a begin that is estimated."""
    unheard_m: float = 0.0
    """How far it was then from where it was first heard of on the way."""
    way: float = 0.0
    seen_at: float = 0.0
    seen_speed: int = UNKNOWN
    by_speed: float | None = 0.0
    """The way since the last point by the speeds alone; None where fixes are too rare."""
    course: int | None = None
    """The course at the last point."""
    pace: float | None = 0.0
    """The way since the last point by the speeds, however rare the fixes are."""
    away: float = 0.0
    idle_s: float = 0.0
    gap_s: float = 0.0
    gap_m: float = 0.0
    top_speed: int = 0
    was_fast: bool = False
    tells_speed: bool = False
    odometer: int = NO_ODOMETER
    """At the begin."""
    odometer_fell: bool = False
    quarter: int = 0
    quarter_m: float = 0.0
    quarters: tuple[tuple[int, float], ...] = ()
    carried_since: float | None = None
    """Since when it moves with the key off, and is carried unless more is heard."""
    carried_way: float = 0.0
    carried_fixes: int = 0
    carried_odometer: int = NO_ODOMETER
    carried_latitude: int = 0
    carried_longitude: int = 0
    stopped_at: float | None = None
    """When it stopped before it was carried."""
    is_towed: bool = False
    drives_with_key_off: bool = False

    def driven(self) -> tuple[tuple[int, float], ...]:
        """Return the metres of each quarter of an hour, without those of being carried."""
        quarters = self.quarters
        if self.quarter_m:
            quarters = (*quarters, (self.quarter, self.quarter_m))
        if self.carried_since is None:
            return quarters
        left, parts = self.carried_way, []
        for quarter, part in quarters:
            if left <= 0:
                break
            parts.append((quarter, min(part, left)))
            left -= part
        return tuple(parts)

    def stand_at(self, place: Place, fix: Moment) -> None:
        """Note that a place where it stands is told elsewhere now: no way lies between."""
        step = metres(self.latitude, self.longitude, place.latitude, place.longitude)
        if step:
            self.way += step
            _spread(self, self.at, place.since, step)
            self.at = place.since
        self.latitude, self.longitude = fix.latitude, fix.longitude

    def count(self, fix: Moment, at: float, step: float) -> None:
        """Count the step to a fix, in m from the last point that the way counts from."""
        speed, seen_speed = fix.speed, self.seen_speed
        is_fast = False
        if speed != UNKNOWN:
            is_fast = speed >= MOVING_KMH * 10
            self.tells_speed = True
            self.was_fast = self.was_fast or is_fast
            if self.top_speed < speed < TOP_KMH * 10:
                passed = at - self.at
                if passed > 0 and speed / 10 <= step / passed * 5.4 + 30:
                    self.top_speed = speed
        if self.carried_since is not None:
            self.carried_fixes += 1
        passed = at - self.seen_at
        if UNKNOWN in (speed, seen_speed):
            self.by_speed = None
            if self.pace is not None:
                self.pace = None if self.seen_at else 0.0
        else:
            way = (speed + seen_speed) / 72 * passed
            if self.by_speed is not None:
                self.by_speed = self.by_speed + way if passed <= DENSE_S else None
            if self.pace is not None:
                self.pace += way
        self.seen_at, self.seen_speed = at, speed
        took = at - self.at
        if step < COUNTED_M or (step > STRAY_M and step > took * TOP_KMH / 3.6):
            # Nobody drives so fast. Once it is elsewhere for good, the way there counts.
            return
        by_speed, pace = self.by_speed, self.pace
        self.by_speed = self.pace = 0.0
        course, fix_course = self.course, fix.course
        if is_fast:
            self.course = fix_course
        around = step
        if course is not None:
            around = _around_corners(self, fix, course, fix_course, step)
        if by_speed is not None and abs(by_speed - step) <= max(
            AGREES_M, AGREES_PART * step
        ):
            # Where it turned, the straight line is too short in any case.
            step = by_speed if around == step else max(step, by_speed)
        elif pace is not None and around > step:
            if took > DENSE_S and step < TOWN_KMH / 3.6 * took:
                # Two speeds say little of a way through a town.
                pace = max(pace, self.top_speed / 36 * TOWN_PART * took)
            part = next(part for most, part in CORNERS if took <= most)
            step += part * max(0.0, min(pace, around) - step)
        self.way += step
        _spread(self, self.at, at, step)
        self.latitude, self.longitude, self.at = fix.latitude, fix.longitude, at
        if self.away < LEAST_AWAY_M:
            self.away = max(
                self.away,
                metres(
                    self.begin_latitude,
                    self.begin_longitude,
                    fix.latitude,
                    fix.longitude,
                ),
            )


def _around_corners(
    since: Drive, fix: Moment, course: int, fix_course: int | None, step: float
) -> float:
    """Return how far it is to a fix along streets, by the courses at both ends.

    Where it turned, that is the way over the corner; else to the side and back.
    """
    middle = math.radians((since.latitude + fix.latitude) / 2 * _DEGREE)
    north = float(fix.latitude - since.latitude)
    east = (fix.longitude - since.longitude) * math.cos(middle)
    towards = math.atan2(east, north)
    begin = math.radians(course) - towards
    along, aside = math.cos(begin), math.sin(begin)
    if -LEAST_TURN < aside < LEAST_TURN and along > 0:
        end = 0.0 if fix_course is None else math.radians(fix_course) - towards
        if abs(math.sin(end)) < LEAST_TURN:
            return step
    around = step * (abs(along) + abs(aside))
    if fix_course is not None:
        turn = math.radians(fix_course) - towards - begin
        if abs(math.sin(turn)) > LEAST_TURN:
            # Along the first course, then along the second.
            first = math.sin(turn + begin) / math.sin(turn)
            second = -aside / math.sin(turn)
            if first >= 0 and second >= 0:
                around = step * min(first + second, MOST_AROUND)
    return around


def _spread(drive: Drive, begin: float, end: float, way: float) -> None:
    """Count metres in the quarters of an hour between two times."""
    quarter = int(end // QUARTER_S)
    if quarter == drive.quarter and begin >= quarter * QUARTER_S:
        drive.quarter_m += way
        return
    for one, part in spread(begin, end, way):
        if one != drive.quarter:
            if drive.quarter_m:
                drive.quarters = (*drive.quarters, (drive.quarter, drive.quarter_m))
            drive.quarter, drive.quarter_m = one, 0.0
        drive.quarter_m += part
