"""The guard before every command that can stop a vehicle. Pure, so that it reads as a rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .models import Reading, Vehicle
from .rules import MOVING_SPEED_KMH

FRESHNESS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is refused: a translation key, and what fills its text."""

    key: str
    placeholders: dict[str, str] = field(default_factory=dict)


def refusal(vehicle: Vehicle, limit: float, now: datetime) -> Refusal | None:
    """Return why a vehicle must not be stopped now, None if it surely stands or crawls.

    The vehicle is as a fresh look found it; the limit is in km/h. It must have been heard
    of within 2 minutes, and either its speed is as fresh and below the limit, or its
    ignition is off and it does not move.
    """
    if vehicle.readings.get(Reading.ONLINE) is False:
        return Refusal("vehicle_offline")
    if vehicle.heard_at is None or now - vehicle.heard_at > FRESHNESS:
        return Refusal("engine_cut_no_contact")
    fix = vehicle.latest_fix
    speed = None
    # When a fix was found whose time we put in is not known.
    if (
        fix is not None
        and not fix.time_is_ours
        and abs(now - fix.fixed_at) <= FRESHNESS
    ):
        speed = fix.speed
    if speed is not None and speed < limit:
        return None
    parked = (
        vehicle.readings.get(Reading.IGNITION) is False
        and vehicle.readings.get(Reading.MOVING) is False
    )
    if parked and (speed is None or speed < MOVING_SPEED_KMH):
        return None
    if speed is None:
        return Refusal("engine_cut_speed_unknown")
    return Refusal(
        "engine_cut_too_fast", {"speed": f"{speed:.0f}", "limit": f"{limit:.0f}"}
    )
