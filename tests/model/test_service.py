"""When a vehicle needs its next service."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from custom_components.fleet_tracker.model.service import (
    ServicePlan,
    months_after,
    service_readings,
)
from custom_components.fleet_tracker.model.vehicle import Reading, Value

DONE = datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("months", "day"),
    [(1, "2026-02-28"), (12, "2027-01-31"), (11, "2026-12-31"), (25, "2028-02-29")],
)
def test_months_end_where_the_day_is_missing(months: int, day: str) -> None:
    """In a shorter month on its last day."""
    assert months_after(DONE, months).date().isoformat() == day


@pytest.mark.parametrize(
    ("plan", "odometer", "expected"),
    [
        (ServicePlan(every_km=15_000, done_km=40_000), 40_100.4, 14_900),
        (ServicePlan(every_km=15_000, done_km=40_000), 55_200, -200),
        (ServicePlan(every_km=15_000, done_km=40_000), None, None),
        (ServicePlan(every_km=15_000), 40_000, None),
        (ServicePlan(every_months=12, done_at=DONE), 40_000, None),
    ],
)
def test_distance_to_service(
    plan: ServicePlan, odometer: float | None, expected: int | None
) -> None:
    """It falls as the odometer grows, below 0 when the service is overdue."""
    told: dict[str, Value] = {} if odometer is None else {Reading.ODOMETER: odometer}
    found = service_readings(plan, told)
    assert found.get(Reading.DISTANCE_TO_SERVICE) == expected
    assert (Reading.NEXT_SERVICE in found) is (plan.every_months is not None)
