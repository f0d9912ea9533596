"""How news of a vehicle are merged into what is known of it: pure, and the same for all.

For each group of readings the newer time wins. A fix counts only if it is one. What every
vendor shows alike (moving, online, last fix, last contact) is derived here, once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import math
from types import MappingProxyType

from .models import (
    OdometerDrop,
    Position,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)

FUTURE_TOLERANCE = timedelta(minutes=10)
MOVING_SPEED_KMH = 5
MOVING_FIX_AGE = timedelta(minutes=3)
HOLD_DISTANCE_M = 50
# How much newer a time must be to be shown: each step is a state that is written.
SHOWN_TIME_STEP = timedelta(minutes=5)
SHOWN_TIME_STEP_ON_THE_MOVE = timedelta(minutes=1)
ODOMETER_RESET_AFTER = timedelta(hours=1)
ONLINE_INTERVALS = 3

# Changes that are not readings, for those who listen to them.
DETAILS = "details"
CAPABILITIES = "capabilities"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the user decided about positions. The accuracy limit is in metres."""

    hold_while_parked: bool = True
    accuracy_limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The vehicle after an update, which readings changed, and why fixes were dropped."""

    vehicle: Vehicle
    changed: frozenset[str]
    dropped: tuple[str, ...] = ()


def merge(
    vehicle: Vehicle | None, update: VehicleUpdate, rules: Rules, now: datetime
) -> Merged:
    """Merge an update into what is known of a vehicle (None: not known before)."""
    before = vehicle or Vehicle(
        vehicle_id=update.vehicle_id,
        details=VehicleDetails(name=update.vehicle_id),
    )
    dropped: list[str] = []
    groups, odometer_drop = _merge_groups(before, update, now, dropped)
    fix = before.latest_fix
    if update.position is not None:
        if reason := _why_no_fix(update.position, fix, rules, now):
            dropped.append(reason)
        else:
            fix = update.position
    heard_at, heard_claim = before.heard_at, before.heard_claim
    if update.heard_at is not None and update.heard_at != heard_claim:
        # By a clock that is ahead, a vehicle was heard when that was first told: the same
        # time told again must not make a silent one look as if it was just heard.
        heard_claim = update.heard_at
        heard = min(heard_claim, now)
        heard_at = heard if heard_at is None else max(heard, heard_at)
    known = replace(
        before,
        details=update.details or before.details,
        capabilities=before.capabilities
        if update.capabilities is None
        else update.capabilities,
        groups=groups,
        latest_fix=fix,
        heard_at=heard_at,
        heard_claim=heard_claim,
        contact_interval=update.contact_interval or before.contact_interval,
        odometer_drop=odometer_drop,
        occurrence_kinds=before.occurrence_kinds.union(
            occurrence.kind for occurrence in update.occurrences
        ),
    )
    after = _derive(before, known, rules, now)
    return Merged(
        vehicle=after, changed=_changes(vehicle, after), dropped=tuple(dropped)
    )


def refresh(vehicle: Vehicle, rules: Rules, now: datetime) -> Merged:
    """Derive anew what depends on the time alone (moving, online, the age of a speed)."""
    after = _derive(vehicle, vehicle, rules, now)
    return Merged(vehicle=after, changed=_changes(vehicle, after))


def expires_at(vehicle: Vehicle) -> datetime | None:
    """Return when time alone may change a reading next, None if it never will."""
    times = []
    fix = vehicle.latest_fix
    if (
        fix is not None
        and (fix.speed or 0) >= MOVING_SPEED_KMH
        and (
            _is_derived(vehicle, Reading.SPEED)
            or (
                _is_derived(vehicle, Reading.MOVING)
                and vehicle.readings[Reading.MOVING]
            )
        )
    ):
        times.append(fix.fixed_at + MOVING_FIX_AGE)
    if (
        vehicle.heard_at is not None
        and vehicle.contact_interval is not None
        and _is_derived(vehicle, Reading.ONLINE)
        and vehicle.readings[Reading.ONLINE]
    ):
        times.append(vehicle.heard_at + ONLINE_INTERVALS * vehicle.contact_interval)
    return min(times, default=None)


def _merge_groups(
    before: Vehicle, update: VehicleUpdate, now: datetime, dropped: list[str]
) -> tuple[Mapping[str, ReadingGroup], OdometerDrop | None]:
    """Return the newest of each group, and the odometer that may have been reset."""
    if not update.groups:
        return before.groups, before.odometer_drop
    groups = dict(before.groups)
    odometer_drop = before.odometer_drop
    for news in update.groups:
        # A clock that is ahead must not shut out what comes after it.
        measured_at = min(news.measured_at, now)
        held = groups.get(news.name)
        if held is not None and measured_at < held.measured_at:
            dropped.append("older_readings")
            continue
        readings = dict(news.readings)
        if held is not None and not news.complete:
            readings = {**held.readings, **readings}
        elif held is not None and Reading.ODOMETER in held.readings:
            # Forgotten while it is not told, it could come back lower.
            readings.setdefault(Reading.ODOMETER, held.readings[Reading.ODOMETER])
        if Reading.ODOMETER in news.readings:
            accepted, odometer_drop = _check_odometer(
                _number(before.readings.get(Reading.ODOMETER)),
                _number(news.readings[Reading.ODOMETER]),
                odometer_drop,
                now,
                was_set=update.odometer_set,
            )
            if accepted != news.readings[Reading.ODOMETER]:
                dropped.append("odometer")
            if accepted is None:
                readings.pop(Reading.ODOMETER)
            else:
                readings[Reading.ODOMETER] = accepted
        groups[news.name] = ReadingGroup(
            name=news.name,
            measured_at=measured_at,
            readings=MappingProxyType(readings),
            complete=news.complete,
        )
    return MappingProxyType(groups), odometer_drop


def _check_odometer(
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


def _why_no_fix(
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


def _derive(before: Vehicle, known: Vehicle, rules: Rules, now: datetime) -> Vehicle:
    """Return the vehicle with the flat view of its readings made anew."""
    readings: dict[str, Value] = {}
    for group in sorted(known.groups.values(), key=lambda group: group.measured_at):
        readings.update(group.readings)
    fix = known.latest_fix
    if Reading.MOVING not in readings and fix is not None and fix.speed is not None:
        readings[Reading.MOVING] = (
            fix.speed >= MOVING_SPEED_KMH and now - fix.fixed_at < MOVING_FIX_AGE
        )
    if Reading.ONLINE not in readings and known.contact_interval is not None:
        readings[Reading.ONLINE] = (
            known.heard_at is not None
            and now - known.heard_at < ONLINE_INTERVALS * known.contact_interval
        )
    position = _hold(before, fix, readings, rules)
    if fix is not None:
        _add_fix(readings, fix, now)
        readings[Reading.LAST_FIX] = _shown_time(
            before.readings.get(Reading.LAST_FIX),
            fix.fixed_at,
            SHOWN_TIME_STEP
            if position is before.position
            else SHOWN_TIME_STEP_ON_THE_MOVE,
        )
    if known.heard_at is not None:
        went_offline = (
            before.readings.get(Reading.ONLINE) is True
            and readings.get(Reading.ONLINE) is False
        )
        readings[Reading.LAST_CONTACT] = _shown_time(
            before.readings.get(Reading.LAST_CONTACT),
            known.heard_at,
            timedelta() if went_offline else SHOWN_TIME_STEP,
        )
    shown = known.shown_readings
    return replace(
        known,
        readings=MappingProxyType(readings),
        position=position,
        shown_readings=shown if shown.issuperset(readings) else shown.union(readings),
    )


def _add_fix(readings: dict[str, Value], fix: Position, now: datetime) -> None:
    """Add what a fix says beside its place. An old speed above walking pace is not known."""
    if fix.speed is not None and (
        fix.speed < MOVING_SPEED_KMH or now - fix.fixed_at < MOVING_FIX_AGE
    ):
        readings.setdefault(Reading.SPEED, fix.speed)
    if fix.course is not None:
        readings.setdefault(Reading.COURSE, fix.course)
    if fix.altitude is not None:
        readings.setdefault(Reading.ALTITUDE, fix.altitude)


def _hold(
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


def _shown_time(shown: Value | None, true: datetime, step: timedelta) -> datetime:
    """Return the time to show: the one shown until the true one is a step newer."""
    if isinstance(shown, datetime) and true - shown < step:
        return min(shown, true)
    return true


def _changes(before: Vehicle | None, after: Vehicle) -> frozenset[str]:
    """Return which readings differ, with `position`, `details` and `capabilities`."""
    old = before.readings if before is not None else {}
    changed = {
        key
        for key, value in after.readings.items()
        if key not in old or old[key] != value
    }
    changed.update(key for key in old if key not in after.readings)
    if before is None or not _same_place(before.position, after.position):
        changed.add(Reading.POSITION)
    if before is None or before.details != after.details:
        changed.add(DETAILS)
    if (
        before is None
        or before.capabilities != after.capabilities
        or before.occurrence_kinds != after.occurrence_kinds
    ):
        changed.add(CAPABILITIES)
    return frozenset(changed)


def _same_place(one: Position | None, other: Position | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.latitude, one.longitude, one.accuracy) == (
        other.latitude,
        other.longitude,
        other.accuracy,
    )


def _is_derived(vehicle: Vehicle, reading: str) -> bool:
    """Tell whether a vehicle has a reading that the vendor did not say itself."""
    return reading in vehicle.readings and not any(
        reading in group.readings for group in vehicle.groups.values()
    )


def _number(value: Value | None) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
