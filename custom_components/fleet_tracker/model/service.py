"""When a vehicle needs its next service: by distance, by time, or by both. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .vehicle import Reading, Value

SERVICE_READINGS = frozenset({Reading.DISTANCE_TO_SERVICE, Reading.NEXT_SERVICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """How often a vehicle needs service, in km and months, and when it had its last.

    The odometer then, in km, is not known before it was told.
    """

    every_km: float | None = None
    every_months: int | None = None
    done_km: float | None = None
    done_at: datetime | None = None


def service_readings(
    plan: ServicePlan, readings: Mapping[str, Value]
) -> dict[str, Value]:
    """Return what is left until the next service: in whole km, and the day."""
    found: dict[str, Value] = {}
    odometer = readings.get(Reading.ODOMETER)
    if (
        plan.every_km is not None
        and plan.done_km is not None
        and isinstance(odometer, int | float)
    ):
        found[Reading.DISTANCE_TO_SERVICE] = round(
            plan.done_km + plan.every_km - odometer
        )
    if plan.every_months is not None and plan.done_at is not None:
        found[Reading.NEXT_SERVICE] = months_after(plan.done_at, plan.every_months)
    return found


def months_after(time: datetime, months: int) -> datetime:
    """Return the same day some months later, or the last of a shorter month."""
    number = time.year * 12 + time.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return time.replace(
        year=year, month=month, day=min(time.day, monthrange(year, month)[1])
    )
