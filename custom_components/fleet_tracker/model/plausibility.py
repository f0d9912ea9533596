"""Which values and places are plausible: pure, and the same for every vendor.

What only grows may grow by what can have been driven, run or burnt since the last
accepted reading. A fix may be as far away as one can have driven since the last one. What
goes beyond waits for a later one that agrees, and at most for an hour. An integer's
maximum is no measurement, nor is what lies outside of the range of a quantity.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
import math
from types import MappingProxyType

from .json_values import can_be_told
from .readings import FASTEST_KMH, HOUR, GrowthLimit, kind_of
from .record import record, replace
from .rules import MOVING_SPEED_KMH, Rules, hold_distance, is_parked, why_no_fix
from .vehicle import (
    EMPTY,
    TYPICAL_ACCURACY_M,
    Growth,
    Position,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
    WaitingFix,
    reading_parts,
)

LONGEST_WAIT = timedelta(hours=1)
"""A waiting value is accepted after this, if nothing newer contradicts it."""
LEAST_TIME_BETWEEN_FIXES = timedelta(minutes=1)
MOST_WAITING_FIXES = 3
_DEGREES_NEAR = 0.03
"""Within so many degrees it is less than can be driven in the least time."""


# --- growing readings -----------------------------------------------------------------------

# Users name these values themselves: the meaning of small integers is not known.
_FREE = "custom"
_NO_NUMBERS = frozenset({bool, str, datetime})


def never_falls(reading: str) -> bool:
    """Tell whether a reading only grows, for as long as the vehicle lives."""
    growth = kind_of(reading).growth
    return growth is not None and not growth.resets


# --- integers that mean "not available" ---------------------------------------------------

_SCALES = (1.0, 0.5, 0.25, 0.125, 0.1, 0.05, 0.01, 0.001)
_GROWN_SCALES = tuple(
    scale / unit for scale in (1.0, 0.125, 0.1, 0.01, 0.001) for unit in (1, 1000)
)
_LARGE = (2**31 - 1, 2**32 - 1)
_SMALL = (2**16 - 1, 2**24 - 1)
_DAY = timedelta(days=1)


def _written(value: float) -> str:
    """Return a number in the one form that all equal numbers share."""
    return f"{value:.10g}"


def _scaled(numbers: Iterable[int], scales: Iterable[float]) -> frozenset[str]:
    scales = tuple(scales)
    products = (number * scale for number in numbers for scale in scales)
    return frozenset(_written(product) for product in products if product > 0.001)


_NEVER = _scaled(_LARGE, (*_SCALES, *_GROWN_SCALES))
"""These are no measurement, in metres or kilometres, tenths or eighths."""
_HARDLY = _scaled(_SMALL, _SCALES)
"""These are none where nothing grows there."""
_HARDLY_GROWN = _scaled(_SMALL, _GROWN_SCALES) | frozenset(
    _written(round(float(text), 3)) for text in _NEVER
)
"""The same for what grows, which may be told in thousandths of its unit and rounded."""


_LEAST_NOTHING = 0.999 * min(map(float, _NEVER | _HARDLY))
"""Every number below this is a measurement, which saves comparing most numbers as text."""


@record(frozen=True, slots=True)
class _Limits:
    """What is looked up of a reading to judge its numbers."""

    growth: GrowthLimit | None
    least: float
    most: float
    plain_below: float
    """What is between the least and this is plausible, and no further look is needed."""
    is_free: bool


@lru_cache(maxsize=4096)
def _limits_of(reading: str) -> _Limits:
    kind = kind_of(reading)
    return _Limits(
        growth=kind.growth,
        least=kind.least,
        most=kind.most,
        # All below is finite too, as far as there is a least.
        plain_below=-math.inf
        if kind.growth is not None or kind.least == -math.inf
        else min(kind.most, _LEAST_NOTHING),
        is_free=reading_parts(reading)[0] == _FREE,
    )


def is_never_available(value: float) -> bool:
    """Tell whether a number is the maximum of a long integer, whatever its scale."""
    return value > _LEAST_NOTHING and _written(value) in _NEVER


def _means_nothing(value: float) -> bool:
    """Tell whether a number that does not grow is the maximum of an integer."""
    if value < _LEAST_NOTHING:
        return False
    text = _written(value)
    return text in _NEVER or text in _HARDLY


def possible(reading: Reading, value: float | None) -> float | None:
    """Return a number that a reading can have, None for any other.

    Values beside the readings are judged so: of fixes, alarms, routes and trips.
    """
    if value is None or not can_be_told(value) or _means_nothing(value):
        return None
    kind = kind_of(reading)
    if kind.growth is not None and not 0 <= value <= kind.growth.most:
        return None
    return value if kind.can_be(value) else None


def possible_distance(kilometres: float | None, time: timedelta) -> float | None:
    """Return the distance of a time that can have been driven in it, None for any other."""
    limit = kind_of(Reading.LAST_TRIP_DISTANCE).growth
    distance = possible(Reading.LAST_TRIP_DISTANCE, kilometres)
    if distance is None or limit is None or not limit.allows(0, distance, time):
        return None
    return distance


def _as_number(value: Value | None) -> float | None:
    """Return a number as it is, None for "not available"."""
    # The first of the two is quick.
    if type(value) is float or (
        isinstance(value, int) and value is not True and value is not False
    ):
        return value
    return value if isinstance(value, float) else None


# --- readings -----------------------------------------------------------------------------


def believe_readings(
    news: ReadingGroup,
    held: ReadingGroup | None,
    growths: MutableMapping[str, Growth],
    now: datetime,
    *,
    was_set: bool,
) -> tuple[dict[str, Value], frozenset[str]]:
    """Return the readings of a group that count, and those that are not known.

    What only grows is replaced by the last accepted value where the told one is not
    plausible; ``growths`` is brought up to date. ``was_set`` says that the odometer was
    set by a command. The time of the group is not in the future.
    """
    taken = dict(news.readings)
    not_known = set(news.not_known)
    believed = EMPTY if held is None else held.readings
    for key, value in news.readings.items():
        limits = _limits_of(key)
        if type(value) is float:
            if limits.least <= value < limits.plain_below:
                continue
        elif limits.growth is None and value.__class__ in _NO_NUMBERS:
            continue
        if (
            limits.growth is None
            and (before_it := believed.get(key)) == value
            and type(before_it) is type(value)
        ):
            continue
        number = _as_number(value)
        if number is not None:
            if not can_be_told(number):
                del taken[key]
                not_known.add(key)
                continue
            if key == Reading.ODOMETER:
                number = float(number)
        if (limit := limits.growth) is not None:
            before = growths.get(key) or _held_growth(key, held)
            after = (
                before
                if number is None
                else _believe_growth(
                    limit,
                    before,
                    number,
                    news.measured_at,
                    now,
                    was_set=was_set and key == Reading.ODOMETER,
                )
            )
            if after is None:
                del taken[key]
            else:
                growths[key] = after
                taken[key] = after.value
        elif number is not None and (
            is_never_available(number)
            if limits.is_free
            else _means_nothing(number) or not limits.least <= number <= limits.most
        ):
            del taken[key]
            not_known.add(key)
        else:
            taken[key] = value
    return taken, frozenset(not_known)


def _held_growth(key: str, held: ReadingGroup | None) -> Growth | None:
    """Return the state of a reading that was accepted before it was ever judged."""
    value = _as_number(held.readings.get(key)) if held is not None else None
    if held is None or value is None or is_never_available(value):
        return None
    return Growth(value=value, measured_at=held.measured_at)


def _believe_growth(
    limit: GrowthLimit,
    held: Growth | None,
    told: float,
    measured_at: datetime,
    now: datetime,
    *,
    was_set: bool,
) -> Growth | None:
    """Return the accepted and the waiting value after a new one; None for nothing."""
    if (
        is_never_available(told)
        or not 0 <= told <= limit.most
        or (limit.never_zero and told == 0)
    ):
        return held
    accepted = Growth(value=told, measured_at=measured_at)
    if was_set:
        return accepted
    is_hardly_one = _written(told) in _HARDLY_GROWN
    if held is None:
        return None if is_hardly_one else accepted
    passed = measured_at - held.measured_at
    if passed < timedelta():
        return held
    if limit.allows(held.value, told, min(passed, _DAY) if is_hardly_one else passed):
        return accepted
    if is_hardly_one:
        return held
    if told < held.value:
        if limit.resets:
            return accepted
    elif (
        held.waiting is not None
        and held.waiting_measured_at is not None
        and measured_at > held.waiting_measured_at
        and limit.allows(held.waiting, told, measured_at - held.waiting_measured_at)
    ):
        return accepted
    since = held.waiting_since or now
    if now - since >= LONGEST_WAIT:
        return accepted
    return replace(
        held, waiting=told, waiting_measured_at=measured_at, waiting_since=since
    )


# --- fixes --------------------------------------------------------------------------------


@record(frozen=True, slots=True)
class BelievedFix:
    """The newest believed fix after a new one, and the waiting fixes."""

    fix: Position
    waiting: WaitingFix | None = None
    is_motion_confirmed: bool = False
    reason: str | None = None
    """Why the new fix is not accepted."""


def believed_way(fixes: Sequence[Position], rules: Rules) -> tuple[Position, ...]:
    """Return the fixes of a way in order, without those that neither neighbour agrees with."""
    way = sorted(
        (
            _without_impossible(one)
            for one in fixes
            if why_no_fix(one, None, rules) is None
        ),
        key=lambda one: one.fixed_at,
    )
    follows = [can_follow(one, other) for one, other in pairwise(way)]
    if not follows:
        return tuple(way)
    agrees = zip((False, *follows), (*follows, False), strict=True)
    return tuple(one for one, agreed in zip(way, agrees, strict=True) if any(agreed))


def believe_fix(
    before: Vehicle,
    told: Position,
    readings: Callable[[], Mapping[str, Value]],
    rules: Rules,
    now: datetime,
) -> BelievedFix:
    """Judge a fix that is not older than the last accepted one.

    ``readings`` returns what tells whether the vehicle is parked; it is seldom asked.
    """
    held, waiting = before.latest_fix, before.beliefs.waiting_fix
    told = _without_impossible(told)
    if held is None:
        return BelievedFix(told)
    is_coarse = _is_coarse_while_parked(before, told, readings, rules)
    if before.position is not None and is_coarse:
        is_plausible = _is_same_place(before.position, told)
    else:
        is_plausible = can_follow(held, told)
    taken = BelievedFix(told, is_motion_confirmed=_confirms_motion(before, held, told))
    if waiting is None:
        if is_plausible:
            return taken
        waiting = WaitingFix(fix=told, since=now, is_coarse=is_coarse)
    elif told.fixed_at < waiting.fix.fixed_at:
        if is_plausible:
            return replace(taken, waiting=waiting)
    elif is_plausible:
        return taken
    elif told.fixed_at == waiting.fix.fixed_at:
        if _has_waited(waiting, now):
            return taken
        waiting = replace(waiting, fix=told)
    else:
        in_a_row = waiting.in_a_row + 1
        if is_coarse:
            is_agreed = _is_same_place(waiting.fix, told)
        else:
            is_agreed = can_follow(waiting.fix, told) or in_a_row >= MOST_WAITING_FIXES
        if is_agreed:
            return taken
        waiting = WaitingFix(
            fix=told, since=now, in_a_row=in_a_row, is_coarse=is_coarse
        )
    return BelievedFix(
        held, waiting, before.beliefs.is_motion_confirmed, reason="implausible"
    )


def _has_waited(waiting: WaitingFix, now: datetime) -> bool:
    """Tell whether time alone accepts the newest fix; a fix of a coarser kind never is."""
    return not waiting.is_coarse and now - waiting.since >= LONGEST_WAIT


def can_follow(one: Position, other: Position) -> bool:
    """Tell whether a vehicle can have driven from one fix to the other."""
    if (
        abs(one.latitude - other.latitude) + abs(one.longitude - other.longitude)
        < _DEGREES_NEAR
    ):
        return True
    hours = max(other.fixed_at - one.fixed_at, LEAST_TIME_BETWEEN_FIXES) / HOUR
    return one.distance_to(other) <= FASTEST_KMH * 1000 * hours


_SPEED, _COURSE, _ALTITUDE = map(
    _limits_of, (Reading.SPEED, Reading.COURSE, Reading.ALTITUDE)
)


def _is_plain(limits: _Limits, value: float | None) -> bool:
    """Tell whether a number is surely a measurement, or none was told."""
    return value is None or limits.least <= value < limits.plain_below


def _without_impossible(fix: Position) -> Position:
    """Return a fix without values beside its place that mean "not available".

    An accuracy that is none is the typical one: a place that may be anywhere would hold for
    ever while parked.
    """

    if (
        fix.accuracy < _LEAST_NOTHING
        and _is_plain(_SPEED, fix.speed)
        and _is_plain(_COURSE, fix.course)
        and _is_plain(_ALTITUDE, fix.altitude)
    ):
        return fix
    altitude = possible(Reading.ALTITUDE, fix.altitude)
    course = possible(Reading.COURSE, fix.course)
    speed = possible(Reading.SPEED, fix.speed)
    accuracy = fix.accuracy
    if _means_nothing(accuracy):
        accuracy = TYPICAL_ACCURACY_M[fix.kind]
    if (
        accuracy is fix.accuracy
        and altitude is fix.altitude
        and course is fix.course
        and speed is fix.speed
    ):
        return fix
    return replace(
        fix, accuracy=accuracy, altitude=altitude, course=course, speed=speed
    )


def _is_coarse_while_parked(
    before: Vehicle,
    told: Position,
    readings: Callable[[], Mapping[str, Value]],
    rules: Rules,
) -> bool:
    """Tell whether a fix is of a coarser kind than the one that a parked vehicle shows."""
    shown = before.position
    return (
        shown is not None
        and TYPICAL_ACCURACY_M[told.kind] > TYPICAL_ACCURACY_M[shown.kind]
        and rules.hold_while_parked
        and is_parked(readings())
    )


def _is_same_place(one: Position, other: Position) -> bool:
    return one.distance_to(other) <= hold_distance(other)


def _confirms_motion(before: Vehicle, held: Position, told: Position) -> bool:
    """Tell whether a fast fix is more than the drift of one that stands.

    The fix before it was fast too, or it lies beyond the distance that holds.
    """
    if told.fixed_at == held.fixed_at:
        return before.beliefs.is_motion_confirmed
    return (held.speed or 0) >= MOVING_SPEED_KMH or (
        before.position is not None and not _is_same_place(before.position, told)
    )


# --- passing of time ------------------------------------------------------------------------


def settles_at(vehicle: Vehicle) -> datetime | None:
    """Return when the next waiting value is accepted by time alone; None for never."""
    times = [
        growth.waiting_since + LONGEST_WAIT
        for growth in vehicle.beliefs.growths.values()
        if growth.waiting_since is not None
    ]
    waiting = vehicle.beliefs.waiting_fix
    if waiting is not None and not waiting.is_coarse:
        times.append(waiting.since + LONGEST_WAIT)
    return min(times, default=None)


def settle(vehicle: Vehicle, now: datetime) -> Vehicle:
    """Accept values that waited for an hour, and correct values that were wrong before."""
    beliefs, groups = vehicle.beliefs, dict(vehicle.groups)
    growths = dict(beliefs.growths)
    for name, group in vehicle.groups.items():
        wrong = [
            key
            for key, value in group.readings.items()
            if (number := _as_number(value)) is not None and is_never_available(number)
        ]
        if wrong:
            groups[name] = _with_readings(group, {}, without=wrong)
    for key, growth in beliefs.growths.items():
        if is_never_available(growth.value):
            del growths[key]
        elif (
            growth.waiting is not None
            and growth.waiting_measured_at is not None
            and growth.waiting_since is not None
            and now - growth.waiting_since >= LONGEST_WAIT
        ):
            growths[key] = Growth(
                value=growth.waiting, measured_at=growth.waiting_measured_at
            )
            for name, group in groups.items():
                if key in group.readings:
                    groups[name] = _with_readings(group, {key: growth.waiting})
    fix, waiting = vehicle.latest_fix, beliefs.waiting_fix
    if waiting is not None and _has_waited(waiting, now):
        fix, waiting = waiting.fix, None
    return replace(
        vehicle,
        groups=MappingProxyType(groups),
        latest_fix=fix,
        beliefs=replace(
            beliefs, growths=MappingProxyType(growths), waiting_fix=waiting
        ),
    )


def _with_readings(
    group: ReadingGroup, readings: Mapping[str, Value], *, without: Iterable[str] = ()
) -> ReadingGroup:
    changed = {**group.readings, **readings}
    for key in without:
        del changed[key]
    return replace(group, readings=MappingProxyType(changed))
