"""What is believed of the news of a vehicle: fixes, the odometer, the place of a parked one.

Pure, and the same for every vendor. `merge` asks which news counts, `derive` which place
to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import math

from .models import OdometerDrop, Position, Reading, Value, Vehicle

FUTURE_TOLERANCE = timedelta(minutes=10)
HOLD_DISTANCE_M = 50
ODOMETER_RESET_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the user decided about positions. The accuracy limit is in metres."""

    hold_while_parked: bool = True
    accuracy_limit: float | None = None


def check_odometer(
    shown: float | None,
    read: float | None,
    drop: OdometerDrop | None,
    now: datetime,
    *,
    was_set: bool,
) -> tuple[float | None, OdometerDrop | None]:
    """Return the odometer to show, and the lower one that is being watched.

    It never falls, and is never 0: a lower value counts as a reset once it has held and
    risen for an hour, or when it was set by a command.
    """
    if read is None or read <= 0:
        return shown, drop
    if shown is None or read >= shown or was_set:
        return read, None
    if drop is None or read < drop.first:
        return shown, OdometerDrop(first=read, since=now)
    if read > drop.first and now - drop.since >= ODOMETER_RESET_AFTER:
        return read, None
    return shown, drop


def why_no_fix(
    fix: Position, held: Position | None, rules: Rules, now: datetime
) -> str | None:
    """Return why a position is not taken, None if it is a fix."""
    if not all(map(math.isfinite, (fix.latitude, fix.longitude, fix.accuracy))):
        return "out_of_range"
    if abs(fix.latitude) > 90 or abs(fix.longitude) > 180:
        return "out_of_range"
    if fix.latitude == 0 and fix.longitude == 0:
        return "zero"
    if fix.fixed_at > now + FUTURE_TOLERANCE:
        return "from_the_future"
    if held is not None and fix.fixed_at < held.fixed_at:
        return "older"
    if rules.accuracy_limit is not None and fix.accuracy > rules.accuracy_limit:
        return "inaccurate"
    return None


def hold(
    before: Vehicle, fix: Position | None, readings: Mapping[str, Value], rules: Rules
) -> Position | None:
    """Return the position to show: while parked it holds still, whatever the drift."""
    shown = before.position
    if fix is None or shown is None or not rules.hold_while_parked:
        return fix
    ignition, moving = readings.get(Reading.IGNITION), readings.get(Reading.MOVING)
    parked = not ignition and not moving and (ignition is False or moving is False)
    if parked and shown.distance_to(fix) <= max(HOLD_DISTANCE_M, fix.accuracy):
        return shown
    return fix
