"""A vehicle's news as evidence for its trips, and its trips as readings and occurrences.

Pure, and the same for every vendor. `trips` finds the trips.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from .clocks import NO_DOUBT, NO_OFFSET, OFFSET_JITTER, Doubt
from .record import replace
from .rules import Rules
from .trips.log import Told, TripLog, at, changes_at, metres_since, put
from .trips.moments import (
    LOCKED,
    OFF,
    ON,
    UNLOCKED,
    Moment,
    join,
    moment,
    pack,
    unpacked,
)
from .trips.trip import Trip
from .vehicle import (
    EMPTY,
    Activity,
    Beliefs,
    Capability,
    FixKind,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    TimeSource,
    Value,
    Vehicle,
    VehicleUpdate,
)

DAY_SHOWN_EVERY = timedelta(minutes=5)
"""How often the distance of a day is shown anew while it grows."""
LEAST_FALL = 0.9
MOST_DOUBTFUL = 32
DOUBTFUL_FOR_S = 1800.0
"""Seconds after which doubtful times count as right, if no fix has settled the doubt."""
_JOINED_MS = 2000
"""What was measured so shortly before or after a fix belongs to it."""


def with_news(
    log: TripLog,
    update: VehicleUpdate,
    fix: Position | None,
    beliefs: Beliefs,
    rules: Rules,
    now: datetime,
    doubt: Doubt = NO_DOUBT,
) -> TripLog:
    """Return a vehicle's trips with what an update says of them.

    ``fix`` is the position of the update if it is believed, also when it is late. While the
    clock may just have been set, what seems to be late waits for the fixes that show it.
    """
    moments = _moments(log, update, fix, beliefs)
    if update.way:
        moments += [_of_fix(one) for one in update.way if one.kind is FixKind.SATELLITE]
    if doubt is not NO_DOUBT or log.doubtful:
        log, moments = _without_doubtful(log, moments, doubt, now)
    if not moments and not update.trips and rules.trips == log.settings:
        return log
    return put(log, moments, now.timestamp(), rules.trips, update.trips)


def _moments(
    log: TripLog, update: VehicleUpdate, fix: Position | None, beliefs: Beliefs
) -> list[Moment]:
    """Return what an update says of a vehicle's motion, by the times of measurement."""
    found: dict[int, Moment] = {}
    fix_ms, told, odometer = None, 0, None
    if fix is not None and fix.kind is FixKind.SATELLITE:
        fix_ms = round(fix.fixed_at.timestamp() * 1000)
    beside = _told_beside(log, update, beliefs, has_fix=fix_ms is not None)
    for at_ms, news, metres in beside:
        if fix_ms is not None and abs(at_ms - fix_ms) <= _JOINED_MS:
            told |= news
            odometer = metres if odometer is None else max(odometer, metres or 0)
            continue
        one = moment(at_ms / 1000, odometer=metres)._replace(at_ms=at_ms, told=news)
        held = found.get(at_ms)
        found[at_ms] = one if held is None else join(held, one)
    moments = list(found.values())
    if fix is not None and fix_ms is not None:
        moments.insert(0, _of_fix(fix, told=told, odometer=odometer))
    return moments


def _without_doubtful(
    log: TripLog, moments: list[Moment], doubt: Doubt, now: datetime
) -> tuple[TripLog, list[Moment]]:
    """Return a log that holds what is in doubt, and the moments that are not any more."""
    held, sure = list(unpacked(log.doubtful)), list[Moment]()
    if doubt.settled is not None:
        for one in held:
            off_by = min(doubt.settled, key=partial(_off, one, now), default=NO_OFFSET)
            off_ms = round(off_by.total_seconds() * 1000)
            sure.append(one._replace(at_ms=one.at_ms - off_ms))
        held = []
    for one in moments:
        is_doubtful = one.at < log.head.heard_at and any(
            _off(one, now, off_by) <= OFFSET_JITTER for off_by in doubt.off_by
        )
        if not is_doubtful:
            sure.append(one)
        elif one not in held:
            held.append(one)
    at = now.timestamp()
    begins = not log.doubtful or doubt.settled is not None
    since = at if begins else log.doubtful_at
    if len(held) > MOST_DOUBTFUL or not 0 <= at - since < DOUBTFUL_FOR_S:
        sure, held = [*held, *sure], []
    doubtful = b"".join(map(pack, held))
    if doubtful != log.doubtful:
        log = replace(log, doubtful=doubtful, doubtful_at=since)
    return log, sure


def _off(one: Moment, now: datetime, off_by: timedelta) -> timedelta:
    """Return how far a moment is from now if it is off by a span."""
    return abs(_time(one.at) - off_by - now)


def _of_fix(fix: Position, *, told: int = 0, odometer: float | None = None) -> Moment:
    return moment(
        fix.fixed_at.timestamp(),
        latitude=fix.latitude,
        longitude=fix.longitude,
        accuracy=fix.accuracy,
        speed=fix.speed,
        course=fix.course,
        odometer=odometer,
        told=told,
    )


_OF_MOTION = frozenset(
    {Reading.ODOMETER, Reading.IGNITION, Reading.LOCKED, Reading.ENGINE_SPEED}
)


def _told_beside(
    log: TripLog, update: VehicleUpdate, beliefs: Beliefs, *, has_fix: bool
) -> list[tuple[int, int, int | None]]:
    """Return the news beside a position: of the key, the lock and the odometer.

    Each is a time in Unix ms, what was told as the bits of a `Moment`, and metres.
    """
    beside: list[tuple[int, int, int | None]] = []
    head = log.head
    for group in update.groups:
        readings = group.readings
        if _OF_MOTION.isdisjoint(readings):
            continue
        at = group.measured_at.timestamp()
        at_ms = round(at * 1000)
        ignition = readings.get(Reading.IGNITION)
        if not isinstance(ignition, bool):
            speed = readings.get(Reading.ENGINE_SPEED)
            runs = isinstance(speed, int | float) and speed > 0
            ignition = True if runs and not head.key else None
        if ignition is not None and (ignition != head.key or at < head.key_since):
            beside.append((at_ms, ON if ignition else OFF, None))
        locked = readings.get(Reading.LOCKED)
        if isinstance(locked, bool) and (
            locked != head.locked or at < head.locked_since
        ):
            beside.append((at_ms, LOCKED if locked else UNLOCKED, None))
        if Reading.ODOMETER in readings:
            growth = beliefs.growths.get(Reading.ODOMETER)
            if growth is not None:
                metres = round(growth.value * 1000)
                if has_fix or metres != head.odometer:
                    beside.append((at_ms, 0, metres))
    for one in update.occurrences:
        if one.type is OccurrenceType.IGNITION_ON and not head.key:
            at_ms = round(one.occurred_at.timestamp() * 1000)
            beside.append((at_ms, ON, None))
        elif one.type is OccurrenceType.IGNITION_OFF and head.key is not False:
            at_ms = round(one.occurred_at.timestamp() * 1000)
            beside.append((at_ms, OFF, None))
    return beside


def tell(before: TripLog, log: TripLog, now: datetime) -> Told:
    """Return what follows of trips by now. The log before the last news saves the look."""
    if log is before and log.head.drive is None and not log.untold:
        return Told(log=log)
    return at(log, now.timestamp(), before)


def occurrences(told: Told, now: datetime) -> tuple[Occurrence, ...]:
    """Return what happened: a correction at most once a time."""
    news = told.news
    happened = [
        *(
            _occurrence(OccurrenceType.TRIP_STARTED, one, one.begin, now)
            for one in news.started
        ),
        *(
            _occurrence(OccurrenceType.TRIP_ENDED, one, one.found.until, now)
            for one in news.ended
        ),
        *(
            _occurrence(OccurrenceType.TRIP_CORRECTED, one, one.found.until, now)
            for one in news.corrected[:1]
        ),
        *(
            Occurrence(
                kind=OccurrenceKind.TRIP,
                type=OccurrenceType.TOWED,
                occurred_at=_time(one.begin),
                time_source=TimeSource.OURS,
                told_at=now,
            )
            for one in told.towed
        ),
    ]
    return tuple(sorted(happened, key=lambda one: one.occurred_at))


def check_trips(log: TripLog, now: datetime) -> None:
    """Raise an error of any kind if one of the trips of a log could not be told."""
    told = [one.found for one in (*log.trips, *log.untold, *log.gone)]
    for found in (*told, *log.base.closed, *log.head.closed):
        trip = Trip(trip_id="", found=found)
        _occurrence(OccurrenceType.TRIP_ENDED, trip, found.until, now)


def _occurrence(
    kind: OccurrenceType, trip: Trip, occurred_at: float, now: datetime
) -> Occurrence:
    details: dict[str, Value] = {"trip_id": trip.trip_id}
    if kind is not OccurrenceType.TRIP_STARTED:
        found = trip.found
        details |= {
            "begin": _time(found.begin).isoformat(),
            "end": _time(found.until).isoformat(),
            "source": found.source.value,
            "distance_source": found.distance_source.value,
            **{
                key.removeprefix("last_trip_"): value
                for key, value in _values(trip).items()
                if not isinstance(value, datetime)
            },
        }
        if found.flags:
            details["flags"] = ", ".join(sorted(found.flags))
        if trip.revision:
            details["revision"] = trip.revision
    return Occurrence(
        kind=OccurrenceKind.TRIP,
        type=kind,
        occurred_at=_time(occurred_at),
        details=details,
        told_at=now,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _values(trip: Trip) -> dict[str, Value]:
    """Return the values of a trip as readings, without what is not known."""
    found = trip.found
    values: dict[str, Value | None] = {
        Reading.LAST_TRIP_DISTANCE: round(found.distance_m / 1000, 3),
        Reading.LAST_TRIP_DURATION: round(found.until - found.begin),
        Reading.LAST_TRIP_IDLE_TIME: round(found.idle_s),
        Reading.LAST_TRIP_AVERAGE_SPEED: None
        if found.average_speed is None
        else round(found.average_speed, 1),
        Reading.LAST_TRIP_TOP_SPEED: found.top_speed,
        Reading.LAST_TRIP_CONSUMPTION: found.consumption,
        Reading.LAST_TRIP_ENDED: _time(found.until).replace(microsecond=0),
    }
    return {key: value for key, value in values.items() if value is not None}


def last_trip_readings(
    before: Vehicle, log: TripLog, readings: Mapping[str, Value]
) -> Mapping[str, Value]:
    """Return the readings of the last trip that ended."""
    if log.trips is before.trips.trips and Reading.LAST_TRIP_ENDED in before.readings:
        return {
            key: before.readings[key]
            for key in _LAST_TRIP
            if key in before.readings and key not in readings
        }
    trip = log.last_ended
    return EMPTY if trip is None else _values(trip)


_LAST_TRIP = (
    Reading.LAST_TRIP_DISTANCE,
    Reading.LAST_TRIP_DURATION,
    Reading.LAST_TRIP_IDLE_TIME,
    Reading.LAST_TRIP_AVERAGE_SPEED,
    Reading.LAST_TRIP_TOP_SPEED,
    Reading.LAST_TRIP_CONSUMPTION,
    Reading.LAST_TRIP_ENDED,
)


def distance_today(
    before: Vehicle, log: TripLog, rules: Rules, now: datetime
) -> tuple[float | None, datetime | None]:
    """Return how far it drove since local midnight in km, and since when that is shown.

    It is shown anew every 5 minutes while it grows, at the end of a trip, and at midnight.
    """
    if rules.day_began is None or log.head.last is None:
        return None, None
    shown, since = before.readings.get(Reading.DISTANCE_TODAY), before.distance_today_at
    if (
        isinstance(shown, int | float)
        and since is not None
        and rules.day_began <= since
        and (
            log is before.trips
            or (log.trips is before.trips.trips and now - since < DAY_SHOWN_EVERY)
        )
    ):
        return shown, since
    driven = round(metres_since(log, rules.day_began.timestamp()) / 1000, 3)
    if (
        isinstance(shown, int | float)
        and since is not None
        and rules.day_began <= since
        and LEAST_FALL * shown < driven < shown
    ):
        # What is summed up must not fall a little.
        driven = shown
    return driven, now


def activity(
    log: TripLog, vehicle: Vehicle, readings: Mapping[str, Value], *, idles: bool
) -> Activity | None:
    """Return what a vehicle does, None where nothing says it.

    ``idles`` says that it stands with its ignition on for long enough.
    """
    drive = log.head.drive
    if readings.get(Reading.ONLINE) is False:
        return Activity.OFFLINE
    if drive is not None and drive.is_towed:
        return Activity.TOWED
    ignition = readings.get(Reading.IGNITION)
    if log.head.is_key_unusable:
        ignition = None
    if readings.get(Reading.MOVING) is True:
        return Activity.DRIVING
    if idles and ignition is True:
        is_keyless = Capability.KEYLESS in vehicle.capabilities
        return Activity.PARKED if is_keyless else Activity.IDLING
    running = log.running
    if running is not None and ignition is not False:
        return Activity.DRIVING
    if vehicle.latest_fix is None and ignition is None:
        return None
    return Activity.PARKED


def trip_expires_at(vehicle: Vehicle, now: datetime) -> datetime | None:
    """Return when time alone may change the vehicle's trips, None if it cannot."""
    if vehicle.trips.head.drive is None and not vehicle.trips.untold:
        return None
    time = changes_at(vehicle.trips, now.timestamp())
    return None if time is None else _time(time)
