"""Which values and places are plausible: pure, and the same for every vendor.

What only grows may grow by what can have been driven, run or burnt since the last
accepted reading. A fix may be as far away as one can have driven since the last one. What
goes beyond waits for a later one that agrees, and at most for an hour. An integer's
maximum is no measurement, nor is what lies outside of the range of a quantity.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import math
from types import MappingProxyType

from .rules import MOVING_SPEED_KMH, Rules, hold_distance, is_parked
from .vehicle import (
    ENGINE_SPEED,
    OBD_SPEED,
    TYPICAL_ACCURACY_M,
    Growth,
    Position,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
    WaitingFix,
)

LONGEST_WAIT = timedelta(hours=1)
"""After it what waits is taken, as long as nothing newer contradicts it."""
FASTEST_KMH = 300.0
LEAST_TIME_BETWEEN_FIXES = timedelta(minutes=1)
MOST_WAITING_FIXES = 3
HOUR = timedelta(hours=1)


# --- what only grows ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GrowthLimit:
    """How much a reading can grow, in its own unit: per hour, and once on top of it.

    ``most`` is what no vehicle reaches. ``resets`` says that it falls by itself: counters
    of a day, a drive, or since something. 0 of a counter that is ``never_zero`` is sent by
    trackers that do not know it.
    """

    per_hour: float
    slack: float
    most: float
    resets: bool = False
    never_zero: bool = False

    def allows(self, before: float, after: float, time: timedelta) -> bool:
        """Tell whether a value can have followed another one after a time."""
        slack = self.slack
        if before == int(before) and after == int(after):
            # A counter of whole units may have been about to step.
            slack = max(slack, 1.0)
        most = self.per_hour * max(time, timedelta()) / HOUR + slack
        return before <= after <= before + most


_KM = GrowthLimit(FASTEST_KMH, 10, most=1e7, never_zero=True)
_KM_SINCE = replace(_KM, resets=True, never_zero=False)
_KM_OF_A_DAY = replace(_KM_SINCE, most=24 * FASTEST_KMH + 10)
_HOURS = GrowthLimit(1, 1 / 6, most=1e6)
_MINUTES_SINCE = GrowthLimit(60, 10, most=6e7, resets=True)
_SECONDS = GrowthLimit(3600, 600, most=3.6e9)
_SECONDS_SINCE = replace(_SECONDS, resets=True)
_LITRES_SINCE = GrowthLimit(200, 50, most=1e6, resets=True)
_CYCLES = GrowthLimit(1, 5, most=1e5, resets=True)

# Of all vendors, by the reading without its part. No vendor tells a consumption but that
# of a drive.
GROWING: Mapping[str, GrowthLimit] = MappingProxyType(
    {
        Reading.ODOMETER: _KM,
        "obd_odometer": _KM,
        "obd_mileage": _KM,
        "tracker_mileage": _KM,
        "engine_hours": _HOURS,
        "riding_time": _SECONDS,
        # of a day
        Reading.DISTANCE_TODAY: _KM_OF_A_DAY,
        # of a drive: it began after the one before had ended
        "trip_distance": _KM_SINCE,
        "trip_duration": _SECONDS_SINCE,
        "trip_idle_time": _SECONDS_SINCE,
        "trip_consumption": _LITRES_SINCE,
        # since the engine was started, or a lamp went on or off
        "engine_run_time": _SECONDS_SINCE,
        "distance_with_malfunction": _KM_SINCE,
        "distance_since_cleared": _KM_SINCE,
        "time_with_malfunction": _MINUTES_SINCE,
        "time_since_cleared": _MINUTES_SINCE,
        # of a battery that can be swapped
        "pack_cycles": _CYCLES,
    }
)
# Names that users give to values: what their small integers mean is not known.
_FREE = "custom"


def never_falls(reading: str) -> bool:
    """Tell whether a reading only grows, for as long as the vehicle lives."""
    limit = GROWING.get(reading.partition(":")[0])
    return limit is not None and not limit.resets


# --- integers that mean "not available" ---------------------------------------------------

_SCALES = (1.0, 0.5, 0.25, 0.125, 0.1, 0.05, 0.01, 0.001)
_GROWN_SCALES = tuple(
    scale / unit for scale in (1.0, 0.125, 0.1, 0.01, 0.001) for unit in (1, 1000)
)
_LARGE = (2**31 - 1, 2**32 - 1)
_SMALL = (2**16 - 1, 2**24 - 1)
_DAY = timedelta(days=1)


def _written(value: float) -> str:
    """Return a number as all who mean the same write it."""
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


def is_never_available(value: float) -> bool:
    """Tell whether a number is the maximum of a long integer, whatever its scale."""
    return _written(value) in _NEVER


def _means_nothing(value: float) -> bool:
    """Tell whether a number that does not grow is the maximum of an integer."""
    text = _written(value)
    return text in _NEVER or text in _HARDLY


def _as_number(value: Value | None) -> float | None:
    """Return a number as it is, None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def _is_finite(value: float) -> bool:
    """Tell whether a number is one, and no integer that is larger than any float."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


# --- what does not grow ---------------------------------------------------------------------

# Wider than any vehicle needs, and narrower than nonsense. The unit is that of the reading.
_PERCENT = (0.0, 100.0)
_TORQUE_PERCENT = (-250.0, 250.0)
_VOLTS = (0.0, 1_000.0)
_CELSIUS = (-273.15, 1_500.0)
_KMH = (0.0, 1_000.0)
_RPM = (0.0, 30_000.0)
_KILOPASCALS = (0.0, 1_000_000.0)
_LITRES = (0.0, 1_000_000.0)
_CENTIMETRES = (0.0, 10_000.0)
_DECIBELS = (-300.0, 300.0)
_COUNT = (0.0, 1_000.0)
_DILUTION = (0.0, 1_000.0)
_ANGLE = (-36_000.0, 36_000.0)
_ALTITUDE_M = (-1_000.0, 100_000.0)
_COURSE = (0.0, 360.0)

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *(Reading.BATTERY, Reading.FUEL_LEVEL, Reading.HUMIDITY),
                *(Reading.SIGNAL, "iot_battery", "pack_charge", "fuel_sensor_level"),
                *("throttle", "throttle_position", "accelerator_position"),
                *("exhaust_fluid_level", "exhaust_fluid_tank_level"),
            ),
            _PERCENT,
        ),
        **dict.fromkeys(
            ("engine_load", "friction_torque", "available_torque", "engine_torque"),
            _TORQUE_PERCENT,
        ),
        **dict.fromkeys(
            (
                *(Reading.BATTERY_VOLTAGE, Reading.EXTERNAL_VOLTAGE, "obd_voltage"),
                *("lock_voltage", "driving_voltage", "iot_voltage", "pack_voltage"),
                *("fuel_sensor_voltage", "fuel_voltage", "analog_input"),
            ),
            _VOLTS,
        ),
        **dict.fromkeys(
            (
                *(Reading.TEMPERATURE, "coolant_temperature", "ambient_temperature"),
                *("oil_temperature", "intake_temperature", "pack_temperature"),
            ),
            _CELSIUS,
        ),
        **dict.fromkeys(
            (Reading.SPEED, OBD_SPEED, "trip_average_speed", "trip_top_speed"), _KMH
        ),
        **dict.fromkeys(
            (
                *("intake_pressure", "fuel_pressure", "fuel_rail_pressure"),
                *("brake_pressure", "barometric_pressure"),
            ),
            _KILOPASCALS,
        ),
        **dict.fromkeys((Reading.FUEL, "fuel_sensor_volume"), _LITRES),
        **dict.fromkeys(("fuel_height", "fuel_sensor_height"), _CENTIMETRES),
        **dict.fromkeys(("rssi", "rsrp", "rsrq", "sinr"), _DECIBELS),
        **dict.fromkeys(
            (
                *(Reading.SATELLITES, Reading.TROUBLE_CODES, "signal_level"),
                *("seat_cask_helmets", "tailbox_helmets"),
            ),
            _COUNT,
        ),
        **dict.fromkeys((Reading.HDOP, "pdop"), _DILUTION),
        **dict.fromkeys(("roll", "pitch", "yaw", "steering_wheel_angle"), _ANGLE),
        Reading.ALTITUDE: _ALTITUDE_M,
        Reading.COURSE: _COURSE,
        ENGINE_SPEED: _RPM,
        "remaining_range": (0.0, 10_000.0),
        "current_power": (-1_000_000.0, 1_000_000.0),
        "acceleration": (-1_000.0, 1_000.0),
        "rotation": (-100_000.0, 100_000.0),
        "reference_torque": (0.0, 1_000_000.0),
        "fuel_rate": (0.0, 10_000.0),
        "fuel_economy": (0.0, 1_000.0),
    }
)
"""What can be of readings that do not grow, of all vendors, by the reading without its part."""


def is_in_range(reading: str, value: float) -> bool:
    """Tell whether a number can be what a reading says, as far as that is known."""
    least, most = RANGES.get(reading.partition(":")[0], (-math.inf, math.inf))
    return least <= value <= most


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
    taken: dict[str, Value] = {}
    not_known = set(news.not_known)
    for key, value in news.readings.items():
        name = key.partition(":")[0]
        number = _as_number(value)
        if number is not None and not _is_finite(number):
            not_known.add(key)
            continue
        if number is not None and key == Reading.ODOMETER:
            number = float(number)
        if (limit := GROWING.get(name)) is not None:
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
            if after is not None:
                growths[key] = after
                taken[key] = after.value
        elif number is not None and (
            is_never_available(number)
            if name == _FREE
            else _means_nothing(number) or not is_in_range(name, number)
        ):
            not_known.add(key)
        else:
            taken[key] = value
    return taken, frozenset(not_known)


def _held_growth(key: str, held: ReadingGroup | None) -> Growth | None:
    """Return what is known of a reading that was accepted before anybody judged it."""
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
    """Return what is accepted and what waits after a value was told, None for nothing."""
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


@dataclass(frozen=True, slots=True)
class BelievedFix:
    """The newest fix that is believed after one was told, and what waits."""

    fix: Position
    waiting: WaitingFix | None = None
    is_motion_confirmed: bool = False
    reason: str | None = None
    """Why the told one is not taken."""


def believe_fix(
    before: Vehicle,
    told: Position,
    readings: Mapping[str, Value],
    rules: Rules,
    now: datetime,
) -> BelievedFix:
    """Judge a fix that is not older than the last accepted one.

    ``readings`` tell whether the vehicle is parked.
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
    """Tell whether a fix is taken that is still the newest: none of a coarser kind is."""
    return not waiting.is_coarse and now - waiting.since >= LONGEST_WAIT


def can_follow(one: Position, other: Position) -> bool:
    """Tell whether a vehicle can have come from one fix to the other."""
    hours = max(other.fixed_at - one.fixed_at, LEAST_TIME_BETWEEN_FIXES) / HOUR
    return one.distance_to(other) <= FASTEST_KMH * 1000 * hours


def _without_impossible(fix: Position) -> Position:
    """Return a fix without values beside its place that mean "not available"."""

    def possible(reading: Reading, value: float | None) -> float | None:
        if value is None or not _is_finite(value) or _means_nothing(value):
            return None
        return value if is_in_range(reading, value) else None

    return replace(
        fix,
        altitude=possible(Reading.ALTITUDE, fix.altitude),
        course=possible(Reading.COURSE, fix.course),
        speed=possible(Reading.SPEED, fix.speed),
    )


def _is_coarse_while_parked(
    before: Vehicle, told: Position, readings: Mapping[str, Value], rules: Rules
) -> bool:
    """Tell whether a fix is of a coarser kind than the one that a parked vehicle shows."""
    shown = before.position
    return (
        shown is not None
        and TYPICAL_ACCURACY_M[told.kind] > TYPICAL_ACCURACY_M[shown.kind]
        and rules.hold_while_parked
        and is_parked(readings)
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


# --- what time alone does -----------------------------------------------------------------


def settles_at(vehicle: Vehicle) -> datetime | None:
    """Return when the next of what waits is taken by time alone, None for nothing."""
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
