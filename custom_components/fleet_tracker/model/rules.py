"""Rules for what is believed: which position is a fix, and where a parked vehicle stands.

Pure, and the same for every vendor. `merge` asks which news counts, `derive` which place
to show.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
import math

from .record import record
from .service import ServicePlan
from .trips.fold import TripSettings
from .vehicle import Position, Reading, Value, Vehicle

HOLD_DISTANCE_M = 50
MOVING_SPEED_KMH = 5


@record(frozen=True, slots=True, kw_only=True)
class Rules:
    """The user's rules for positions, and whether polled data counts.

    The accuracy limit is in metres. `polled_at` is the last successful poll while polls
    fail, else None; `news_last` is for how long news counts then.
    """

    hold_while_parked: bool = True
    accuracy_limit: float | None = None
    polled_at: datetime | None = None
    news_last: timedelta = timedelta(minutes=10)
    trips: TripSettings = TripSettings()
    service: ServicePlan | None = None
    day_began: datetime | None = None
    """The last local midnight, where the distance of a day is wanted."""


def why_no_fix(fix: Position, held: Position | None, rules: Rules) -> str | None:
    """Return why a position is not accepted, None if it is a fix."""
    # NaN is in no range.
    if not (abs(fix.latitude) <= 90 and abs(fix.longitude) <= 180):
        return "out_of_range"
    if not 0 <= fix.accuracy < math.inf:
        return "out_of_range"
    if fix.latitude == 0 and fix.longitude == 0:
        return "zero"
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
    if is_parked(readings) and shown.distance_to(fix) <= hold_distance(fix):
        return shown
    return fix


def is_parked(readings: Mapping[str, Value]) -> bool:
    """Tell whether a vehicle stands: the ignition is known to be off, or it does not move.

    With the ignition off not even two fast fixes in a row make drift a new place.
    """
    ignition = readings.get(Reading.IGNITION)
    return ignition is False or (
        ignition is None and readings.get(Reading.MOVING) is False
    )


def hold_distance(fix: Position) -> float:
    """Return within how many metres a fix may still be of the same place."""
    return max(HOLD_DISTANCE_M, fix.accuracy)
