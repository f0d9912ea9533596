"""Drives of the vehicle of a vendor that tells nothing of the past."""

from __future__ import annotations

from datetime import datetime, timedelta

from freezegun.api import FrozenDateTimeFactory

from custom_components.fleet_tracker.model.vehicle import Position, VehicleUpdate
from tests.neutral_vendor import Clouds, told

STEP = 0.001
"""Of latitude, 111 m: in 10 s, 40 km/h."""


def way(begin: datetime, first: int = 0) -> list[tuple[datetime, float, float]]:
    """Return a drive of ten minutes, and three of standing: time, latitude, speed."""
    drive = [
        (begin + timedelta(seconds=10 * n), 52 + STEP * (first + n), 40.0)
        for n in range(60)
    ]
    last = drive[-1][1]
    stand = [(begin + timedelta(seconds=600 + 60 * n), last, 0.0) for n in range(4)]
    return [*drive, *stand]


def at(time: datetime, latitude: float, speed: float) -> VehicleUpdate:
    """Return what the vehicle tells of where it is."""
    position = Position(
        latitude=latitude, longitude=4.0, accuracy=5, fixed_at=time, speed=speed
    )
    return told("9", time, position=position, ignition=bool(speed), speed=speed)


def drive(
    clouds: Clouds, freezer: FrozenDateTimeFactory, begin: datetime, first: int = 0
) -> None:
    """Let the vehicle tell a drive as it goes, with the key on until it stands."""
    for time, latitude, speed in way(begin, first):
        freezer.move_to(time)
        clouds["port"].push(at(time, latitude, speed))
