"""What a vehicle consumes, by the level of its tank since it was last refuelled. Pure.

A level is believed while the vehicle stands: fuel moves in the tank. How much was used is
the difference from one stand to the next, and a rise by far is a refuelling. A level in
coarse steps tells a consumption after a long way only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import gcd
from statistics import median

from .record import replace
from .trips.fold import Fold
from .vehicle import FuelLog, Reading, ReadingGroup, Value

SETTLES_S = 60.0
"""Seconds after a drive for which the level is not believed."""
READ_FOR_S = 300.0
"""The first level of a stand is the median of so many seconds, as is the last one."""
MOST_LEVELS = 5
REFUELLED_L = 5.0
REFUELLED_PART = 0.08
STEPS = 20
"""A way over so many steps of the level tells the consumption to about a tenth."""
EXPECTED_L_PER_KM = 0.07
LEAST_KM = 30.0
CENTILITRES = 100
LEAST_L, MOST_L = 1.0, 60.0
"""No vehicle consumes less or more on 100 km."""


def with_level(
    fuel: FuelLog, groups: Mapping[str, ReadingGroup], state: Fold, odometer: object
) -> FuelLog:
    """Return what is known of a tank with the newest level in it."""
    told = _newest(groups)
    if told is None or not isinstance(odometer, int | float):
        return fuel
    level, at = told
    place = state.place
    if state.drive is not None or place is None:
        return _left(fuel, float(odometer)) if fuel.first else fuel
    if at <= fuel.measured_at or at < place.since + SETTLES_S:
        return fuel
    first = fuel.first
    begins = not first
    if begins or (len(first) < MOST_LEVELS and at - fuel.stands_since <= READ_FOR_S):
        first = (*first, level)
    return replace(
        fuel,
        measured_at=at,
        stands_since=at if begins else fuel.stands_since,
        first=first,
        last=(*fuel.last, level)[-MOST_LEVELS:],
        highest=max(fuel.highest, level),
        centilitres=gcd(fuel.centilitres, round(level * CENTILITRES)),
    )


def _newest(groups: Mapping[str, ReadingGroup]) -> tuple[float, float] | None:
    """Return the level that was measured last in litres, and when."""
    told: tuple[float, datetime] | None = None
    for group in groups.values():
        level = group.readings.get(Reading.FUEL)
        if (
            isinstance(level, int | float)
            and not isinstance(level, bool)
            and (told is None or group.measured_at > told[1])
        ):
            told = float(level), group.measured_at
    return None if told is None else (told[0], told[1].timestamp())


def _left(fuel: FuelLog, odometer: float) -> FuelLog:
    """Return what is known of a tank once the vehicle leaves where it stood."""
    came, leaves = median(fuel.first), median(fuel.last)
    used, since_km = fuel.used, fuel.since_km
    least = max(REFUELLED_L, REFUELLED_PART * fuel.highest)
    if leaves - came >= least or (
        fuel.level is not None and came - fuel.level >= least
    ):
        used, since_km = 0.0, odometer
    elif fuel.level is not None:
        # What is gone while it stood was stolen, or leaked: it was not consumed.
        used += fuel.level - came
    return replace(fuel, first=(), last=(), level=leaves, used=used, since_km=since_km)


def consumption(fuel: FuelLog, odometer: object) -> Value | None:
    """Return the litres on 100 km since it was refuelled, None where nobody knows."""
    if fuel.since_km is None or not isinstance(odometer, int | float):
        return None
    used = fuel.used
    if fuel.first and fuel.level is not None:
        used += fuel.level - median(fuel.first)
    way = odometer - fuel.since_km
    step = fuel.centilitres / CENTILITRES
    if way < max(LEAST_KM, STEPS * step / EXPECTED_L_PER_KM):
        return None
    per_100_km = used / way * 100
    return round(per_100_km, 1) if LEAST_L <= per_100_km <= MOST_L else None
