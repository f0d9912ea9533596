"""Counters on the way: they step, so that not every fix is a row of the recorder."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import pytest

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.account.devices import Devices
from custom_components.fleet_tracker.model.vehicle import (
    Activity,
    Reading,
    Vehicle,
    VehicleDetails,
)
from custom_components.fleet_tracker.offer.descriptions import FleetSensorDescription
from custom_components.fleet_tracker.sensor import FleetSensor

DRIVING, IDLING, PARKED = Activity.DRIVING, Activity.IDLING, Activity.PARKED


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        # The activity, the value told, the value shown
        ("odometer", [(DRIVING, 10.2, 10.2), (DRIVING, 11.1, 10.2), (DRIVING, 11.3, 11.3)]),
        ("odometer", [(DRIVING, 10.2, 10.2), (IDLING, 10.9, 10.2), (PARKED, 10.9, 10.9)]),
        ("odometer", [(PARKED, 10.2, 10.2), (PARKED, 10.3, 10.3), (None, 10.4, 10.4)]),
        ("distance_today", [(DRIVING, 80.4, 80.4), (DRIVING, 0.1, 0.1)]),
        ("odometer", [(DRIVING, 10.2, 10.2), (DRIVING, None, None), (DRIVING, 10.3, 10.2)]),
        ("engine_hours", [(IDLING, 7.01, 7.01), (IDLING, 7.1, 7.01), (IDLING, 7.12, 7.12)]),
        ("engine_run_time", [(DRIVING, 5, 5), (DRIVING, 64, 5), (DRIVING, 65, 65)]),
        # That of another trip is another value
        ("last_trip_distance", [(DRIVING, 2.2, 2.2), (DRIVING, 2.9, 2.9)]),
        # These do not only grow
        ("speed", [(DRIVING, 50.1, 50.1), (DRIVING, 50.2, 50.2)]),
        ("remaining_range", [(DRIVING, 99.1, 99.1), (DRIVING, 99.2, 99.2)]),
    ],
)  # fmt: skip
def test_steps(
    reading: str, told: list[tuple[Activity | None, float | None, float | None]]
) -> None:
    """A counter is exact while parked and whenever it fell, and steps on the way."""
    vehicle = Vehicle(vehicle_id="1", details=VehicleDetails(name="Van"))
    coordinator = Mock(spec=FleetCoordinator, devices=Mock(spec=Devices))
    coordinator.vehicle.side_effect = lambda _: vehicle
    sensor = FleetSensor(coordinator, "1", FleetSensorDescription(key=reading), reading)
    for activity, value, shown in told:
        readings = {Reading.ACTIVITY: activity, reading: value}
        vehicle = replace(
            vehicle,
            readings={key: one for key, one in readings.items() if one is not None},
        )
        assert sensor.native_value == shown
