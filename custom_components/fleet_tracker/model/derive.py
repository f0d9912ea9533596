"""Derived readings of a vehicle: moving, online, last position, last contact.

Pure, and the same for every vendor. Some of it changes with the passing of time alone.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter

from .fuel import consumption, with_level
from .journeys import (
    activity,
    distance_today,
    last_trip_readings,
    occurrences,
    tell,
    trip_expires_at,
)
from .plausibility import settles_at
from .record import record, replace
from .rules import MOVING_SPEED_KMH, Rules, hold, hold_distance
from .service import SERVICE_READINGS, service_readings
from .vehicle import (
    ELECTRONICS,
    Activity,
    Occurrence,
    OccurrenceKind,
    Position,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
)

_MEASURED_AT = attrgetter("measured_at")
MOVING_FIX_AGE = timedelta(minutes=3)
# By how much a time must be newer to be shown: each step is a state that is written.
SHOWN_TIME_STEP = timedelta(minutes=15)
ONLINE_INTERVALS = 3
IDLES_AFTER = timedelta(minutes=3)
_TRIPS = frozenset({OccurrenceKind.TRIP})
PARKED_AFTER = timedelta(minutes=10)
"""After so long without moving an ignition that is on may be wired to permanent plus."""
_LENGTHS_OF_DAYS = tuple(timedelta(hours=hours) for hours in (23, 24, 25))


@record(frozen=True, slots=True, kw_only=True)
class Derived:
    """A vehicle with its derived readings, and the occurrences that follow."""

    vehicle: Vehicle
    occurrences: tuple[Occurrence, ...] = ()


def derive(before: Vehicle, known: Vehicle, rules: Rules, now: datetime) -> Derived:
    """Return the vehicle with the flat view of its readings rebuilt."""
    readings = flat_readings(known.groups)
    fix = known.latest_fix
    if Reading.MOVING not in readings and fix is not None and fix.speed is not None:
        readings[Reading.MOVING] = (
            fix.speed >= MOVING_SPEED_KMH
            and now - fix.fixed_at < MOVING_FIX_AGE
            # With the ignition off a single fast fix may be drift.
            and (
                readings.get(Reading.IGNITION) is not False
                or known.beliefs.is_motion_confirmed
            )
        )
    told_until = _online_told_until(known, rules)
    if told_until is not None and now >= told_until:
        readings.pop(Reading.ONLINE, None)
    contact_lasts = _contact_lasts(known, rules)
    if Reading.ONLINE not in readings and contact_lasts is not None:
        readings[Reading.ONLINE] = (
            known.heard_at is not None and now - known.heard_at < contact_lasts
        )
    position = hold(before, fix, readings, rules)
    # How long it has stood, parked or been silent is told to the second.
    step = timedelta() if _came_to_rest(before, readings) else SHOWN_TIME_STEP
    if fix is not None:
        _add_fix(readings, fix, now)
        readings[Reading.LAST_FIX] = _shown_time(
            before.readings.get(Reading.LAST_FIX), fix.fixed_at, step
        )
    if known.heard_at is not None:
        readings[Reading.LAST_CONTACT] = _shown_time(
            before.readings.get(Reading.LAST_CONTACT), known.heard_at, step
        )
    stood_since = _stood_since(before, readings, fix, position, now)
    told = tell(before.trips, known.trips, now)
    readings.update(last_trip_readings(before, told.log, readings))
    today_at = before.distance_today_at
    if Reading.DISTANCE_TODAY in readings and _is_of_another_day(known, rules):
        readings.pop(Reading.DISTANCE_TODAY, None)
    if Reading.DISTANCE_TODAY not in readings:
        today, today_at = distance_today(before, told.log, rules, now)
        if today is not None:
            readings[Reading.DISTANCE_TODAY] = today
    doing = activity(
        told.log,
        known,
        readings,
        idles=_idles(stood_since, fix, now),
    )
    if doing is not None:
        readings[Reading.ACTIVITY] = doing.value
    fuel = known.fuel
    if Reading.FUEL in readings:
        odometer = readings.get(Reading.ODOMETER)
        fuel = with_level(fuel, known.groups, told.log.head, odometer)
        if (consumed := consumption(fuel, odometer)) is not None:
            readings[Reading.CONSUMPTION_SINCE_REFUEL] = consumed
    shown = known.shown_readings
    if rules.service is not None:
        readings.update(service_readings(rules.service, readings))
    elif not shown.isdisjoint(SERVICE_READINGS):
        shown -= SERVICE_READINGS
    return Derived(
        vehicle=replace(
            known,
            readings=readings,
            position=position,
            stood_since=stood_since,
            trips=told.log,
            distance_today_at=today_at,
            fuel=fuel,
            last_activity=known.last_activity
            if doing is None or doing is Activity.OFFLINE
            else doing,
            occurrence_kinds=known.occurrence_kinds
            if told.log.head.last is None or known.occurrence_kinds >= _TRIPS
            else known.occurrence_kinds | _TRIPS,
            shown_readings=shown
            if shown.issuperset(readings)
            else shown.union(readings),
        ),
        occurrences=occurrences(told, now) if told.news or told.towed else (),
    )


def _is_of_another_day(vehicle: Vehicle, rules: Rules) -> bool:
    """Tell whether the vendor last told the distance of a day before today."""
    if (began := rules.day_began) is None:
        return False
    for group in vehicle.groups.values():
        if group.measured_at >= began and Reading.DISTANCE_TODAY in group.readings:
            return False
    return True


def _came_to_rest(before: Vehicle, readings: Mapping[str, Value]) -> bool:
    """Tell whether a vehicle stopped, was parked, or fell silent."""
    for one in _RESTS:
        if readings.get(one) is False and before.readings.get(one) is True:
            return True
    return False


_RESTS = (Reading.MOVING, Reading.IGNITION, Reading.ONLINE)


def flat_readings(groups: Mapping[str, ReadingGroup]) -> dict[str, Value]:
    """Return the readings of all groups, the newest of each.

    Where both the tracker and the vehicle's electronics measure the vehicle's voltage, the
    tracker's counts: two that take turns would never stand still.
    """
    readings: dict[str, Value] = {}
    for group in sorted(groups.values(), key=_MEASURED_AT):
        readings.update(group.readings)
    if ELECTRONICS in groups and Reading.VEHICLE_VOLTAGE in readings:
        for name, group in groups.items():
            if name != ELECTRONICS and Reading.VEHICLE_VOLTAGE in group.readings:
                readings[Reading.VEHICLE_VOLTAGE] = group.readings[
                    Reading.VEHICLE_VOLTAGE
                ]
    return readings


def drives(vehicle: Vehicle, now: datetime) -> bool:
    """Tell whether a vehicle drives, or may start to.

    The last news of a vehicle that is offline or gone may be months old.
    """
    readings = vehicle.readings
    if vehicle.is_gone or readings.get(Reading.ONLINE) is False:
        return False
    if readings.get(Reading.MOVING):
        return True
    return readings.get(Reading.IGNITION) is True and (
        vehicle.stood_since is None or now - vehicle.stood_since < PARKED_AFTER
    )


def _stood_since(
    before: Vehicle,
    readings: Mapping[str, Value],
    fix: Position | None,
    position: Position | None,
    now: datetime,
) -> datetime | None:
    """Return since when a vehicle with its ignition on has not moved."""
    moving = readings.get(Reading.MOVING)
    if readings.get(Reading.IGNITION) is not True or moving is True:
        return None
    if (
        moving is None
        and position is not None
        and before.position is not None
        and before.position.distance_to(position) > hold_distance(position)
    ):
        return now
    if before.stood_since is not None:
        return before.stood_since
    if fix is not None and (fix.speed or 0) >= MOVING_SPEED_KMH:
        return min(fix.fixed_at, now)
    return now


def _idles(stood_since: datetime | None, fix: Position | None, now: datetime) -> bool:
    """Tell whether a vehicle with its ignition on has stood for long enough to idle.

    A vehicle that was last heard of at speed may stand by now, or not.
    """
    return (
        stood_since is not None
        and now - stood_since >= IDLES_AFTER
        and (fix is None or (fix.speed or 0) < MOVING_SPEED_KMH)
    )


def expires_at(vehicle: Vehicle) -> datetime | None:
    """Return when time alone may change a reading next, None if it never will."""
    settled = settles_at(vehicle)
    times = [] if settled is None else [settled]
    fix = vehicle.latest_fix
    if (
        fix is not None
        and (fix.speed or 0) >= MOVING_SPEED_KMH
        and (
            _is_derived(vehicle, Reading.SPEED)
            or (
                vehicle.readings.get(Reading.MOVING)
                and _is_derived(vehicle, Reading.MOVING)
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


def activity_expires_at(
    vehicle: Vehicle, rules: Rules, now: datetime
) -> datetime | None:
    """Return when time alone may change trips, activity or the distance of the day."""
    times = []
    if (trip_changes := trip_expires_at(vehicle, now)) is not None:
        times.append(trip_changes)
    if vehicle.stood_since is not None:
        times.append(vehicle.stood_since + IDLES_AFTER)
    if rules.day_began is not None and vehicle.readings.get(Reading.DISTANCE_TODAY):
        # A look too early changes nothing.
        ends = (rules.day_began + length for length in _LENGTHS_OF_DAYS)
        times.extend(islice((end for end in ends if end > now), 1))
    times = [time for time in times if time > now]
    return min(times) if times else None


def online_expires_at(vehicle: Vehicle, rules: Rules, now: datetime) -> datetime | None:
    """Return when the vendor's word on *online* stops counting, while polls fail."""
    told_until = _online_told_until(vehicle, rules)
    if told_until is None or now < told_until:
        return told_until
    contact_lasts = _contact_lasts(vehicle, rules)
    if vehicle.heard_at is None or contact_lasts is None:
        return None
    silent_at = vehicle.heard_at + contact_lasts
    return silent_at if silent_at > now else None


def _online_told_until(vehicle: Vehicle, rules: Rules) -> datetime | None:
    """Return until when the vendor's word on *online* counts.

    None: as long as polls succeed, or the vendor says nothing.
    """
    if rules.polled_at is None:
        return None
    told_at = [
        group.measured_at
        for group in vehicle.groups.values()
        if Reading.ONLINE in group.readings
    ]
    return max(*told_at, rules.polled_at) + rules.news_last if told_at else None


def _contact_lasts(vehicle: Vehicle, rules: Rules) -> timedelta | None:
    """Return for how long after a contact a vehicle counts as online.

    None: contacts say nothing, since the vendor tells whether it is online.
    """
    if vehicle.contact_interval is not None:
        return ONLINE_INTERVALS * vehicle.contact_interval
    return None if _online_told_until(vehicle, rules) is None else rules.news_last


def _add_fix(readings: dict[str, Value], fix: Position, now: datetime) -> None:
    """Add the readings of a fix. An old speed above walking pace is left out."""
    if fix.speed is not None and (
        fix.speed < MOVING_SPEED_KMH or now - fix.fixed_at < MOVING_FIX_AGE
    ):
        readings.setdefault(Reading.SPEED, fix.speed)
    if fix.course is not None:
        readings.setdefault(Reading.COURSE, fix.course)
    if fix.altitude is not None:
        readings.setdefault(Reading.ALTITUDE, fix.altitude)


def _shown_time(shown: Value | None, true: datetime, step: timedelta) -> datetime:
    """Return the time to show: the one shown until the true one is a step newer."""
    if isinstance(shown, datetime) and true - shown < step:
        return min(shown, true)
    return true


def _is_derived(vehicle: Vehicle, reading: str) -> bool:
    """Tell whether a vehicle has a reading that the vendor did not say itself."""
    if reading not in vehicle.readings:
        return False
    for group in vehicle.groups.values():  # noqa: SIM110  it is quicker than a generator
        if reading in group.readings:
            return False
    return True
