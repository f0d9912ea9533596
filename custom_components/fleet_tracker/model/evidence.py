"""Evidence for the guard: how fast a vehicle was lately, and whether it is parked.

Pure, and the same for every vendor. `merge` has every update noted here before anything of
it is dropped: a fix that is none for the map, because it is inaccurate, waits or has no
place, may all the same say that the vehicle drives.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
import math
from operator import attrgetter
import re
from statistics import median

from .json_values import as_kmh
from .record import replace
from .vehicle import (
    Evidence,
    HeardSpeed,
    OccurrenceType,
    Reading,
    ReadingGroup,
    SpeedSource,
    TimeSource,
    ToldSpeed,
    Value,
    VehicleUpdate,
)

FRESHNESS = timedelta(minutes=2)
"""How old evidence may be when a command that can stop a vehicle goes out."""
MOVED_KMH = 5
DRIVEN_KMH = 20
"""From this speed on the ignition is on, whatever its wire says."""

TOLD_SPEED = "told_speed"
"""The group of a speed that came apart from a fix: evidence, and no reading."""
_SPEED_OF_OCCURRENCES = "speed"
REMEMBERED_GAPS = 5
"""Of so many times it is remembered how long it was from one contact to the next."""
_FIX = "fix"
_EVENT = "event:"
_EVENTS = 10
"""How many speeds of events are remembered: polls tell the last few again."""
_NO_TIME = timedelta()
_AT_ONCE = timedelta(seconds=1)
"""News that comes so soon after it was measured counts long enough by its own time."""
_MEASURED_AT = attrgetter("measured_at")
_SOURCES = {Reading.SPEED: SpeedSource.VEHICLE, Reading.OBD_SPEED: SpeedSource.OBD}
_EVIDENCE = frozenset({*_SOURCES, Reading.IGNITION, Reading.ENGINE_SPEED})
"""The readings that are evidence."""
# No speed of an engine, no average and no limit.
_SPEED_NAME = re.compile(
    r"(?:\w+\.)?(?:gps|gnss|obd|can|car|vehicle|current)?_?(?:speed|spd|velocity)",
    re.IGNORECASE,
)
_FASTEST_KMH = 1000
_SPEEDING_KMH = 50.0
"""An alarm of speeding that tells no speed counts as the highest limit of the guard."""
_OF_ENGINE = frozenset({Reading.IGNITION, Reading.ENGINE_SPEED})
_OF_SPEED = frozenset(_SOURCES)


def told_speed(
    speed: float | None,
    measured_at: datetime,
    time_source: TimeSource = TimeSource.TRACKER,
) -> tuple[ReadingGroup, ...]:
    """Return a group with a speed in km/h for the guard alone, empty for None.

    It is for a speed without a place, and for the highest possible meaning of a speed
    with an unproven unit.
    """
    if speed is None:
        return ()
    return (
        ReadingGroup(
            name=TOLD_SPEED,
            measured_at=measured_at,
            readings={Reading.SPEED: speed},
            time_source=time_source,
        ),
    )


def speed_told_apart(values: Mapping[str, object]) -> float | None:
    """Return the highest speed in km/h among values of which only the names are known.

    Vendors send more than their documents name. Such a speed is no reading, and it speaks
    against stopping a vehicle all the same.
    """
    speeds = [
        speed
        for name, value in values.items()
        if _SPEED_NAME.fullmatch(name)
        and (speed := as_kmh(value)) is not None
        and 0 <= speed <= _FASTEST_KMH
    ]
    return max(speeds, default=None)


def most_kmh(update: VehicleUpdate) -> float:
    """Return the highest speed in an update as evidence, -1 without any."""
    found = _speeds_in(update, update, datetime.max.replace(tzinfo=UTC))
    return max((heard.speed for heard, _ in found), default=-1)


def note(
    evidence: Evidence,
    told: VehicleUpdate,
    update: VehicleUpdate,
    heard_at: datetime | None,
    receipt: datetime,
) -> Evidence:
    """Return the evidence with an update added, as it was told and with its times judged.

    ``heard_at`` is when the vehicle was heard of before the update.
    """
    if (
        update.position is not None
        or update.occurrences
        or not all(_EVIDENCE.isdisjoint(group.readings) for group in update.groups)
    ):
        evidence = _with_told(evidence, told, update, receipt)
    if heard_at is not None and update.heard_at is not None:
        if update.contacts:
            times = [heard_at, *update.contacts]
            gaps = [later - time for time, later in pairwise(times) if later > time]
        else:
            gap = update.heard_at - heard_at
            gaps = [gap] if gap > _NO_TIME else []
        if gaps:
            kept = tuple([*evidence.contact_gaps, *gaps][-REMEMBERED_GAPS:])
            if kept != evidence.contact_gaps:
                evidence = replace(evidence, contact_gaps=kept)
    return evidence


def _with_told(
    evidence: Evidence, told: VehicleUpdate, update: VehicleUpdate, receipt: datetime
) -> Evidence:
    """Return the evidence with the speeds, the ignition and the engine in an update."""
    speeds = _speeds_in(told, update, receipt)
    if evidence.told and update.occurrences:
        # Polls tell the last events again.
        speeds = [
            (heard, one)
            for heard, one in speeds
            if not _is_of_event(one.by) or one not in evidence.told
        ]
    if speeds:
        evidence = _with_speeds(evidence, speeds, receipt)
    for group in update.groups:
        readings = group.readings
        if _OF_ENGINE.isdisjoint(readings):
            continue
        at = group.measured_at
        on = readings.get(Reading.IGNITION)
        if on is True or on is False:
            # Where the vehicle was not in contact, as far as that is told, there is none.
            contact_at = update.heard_at and min(at, update.heard_at)
            if TimeSource.GUESSED in (group.time_source, update.heard_source):
                # It may as well be of minutes ago, and the vehicle drive by now.
                contact_at = None
            evidence = _with_ignition(evidence, at, contact_at, on=on)
        rpm = readings.get(Reading.ENGINE_SPEED)
        if rpm is not None and (_number(rpm) or 0) > 0:
            ran_at = _later(evidence.engine_ran_at, at)
            evidence = replace(evidence, engine_ran_at=ran_at)
    for occurrence in update.occurrences:
        if occurrence.type is OccurrenceType.IGNITION_ON:
            evidence = _with_ignition(evidence, occurrence.occurred_at, None, on=True)
    return _with_motion(evidence)


def is_fresh(time: datetime, now: datetime) -> bool:
    """Tell whether something was measured at most 2 minutes ago."""
    return abs(now - time) <= FRESHNESS


def usual_contact(evidence: Evidence) -> timedelta | None:
    """Return how often a vehicle is usually in contact, as far as that is known."""
    gaps = evidence.contact_gaps
    if not gaps:
        return None
    return timedelta(seconds=median(gap.total_seconds() for gap in gaps))


def _speeds_in(
    told: VehicleUpdate, update: VehicleUpdate, receipt: datetime
) -> list[tuple[HeardSpeed, ToldSpeed]]:
    """Return the speeds in an update: with their times judged, and as they were told."""
    speeds: list[tuple[HeardSpeed, ToldSpeed]] = []
    position, told_position = update.position, told.position
    if position is not None and told_position is not None:
        speed = _number(position.speed)
        if speed is not None:
            heard = HeardSpeed(
                speed=speed,
                measured_at=position.fixed_at,
                source=_proof(SpeedSource.FIX, position.time_source),
                time_is_ours=position.time_is_ours,
            )
            one = ToldSpeed(
                by=_FIX,
                stamp=told_position.fixed_at,
                speed=speed,
                latitude=_number(position.latitude),
                longitude=_number(position.longitude),
            )
            speeds.append((heard, one))
    for group, told_group in zip(update.groups, told.groups, strict=True):
        readings = group.readings
        if _OF_SPEED.isdisjoint(readings):
            continue
        if (
            group.name == TOLD_SPEED
            and position is not None
            and told_position is not None
            and readings.get(Reading.SPEED) == position.speed
            and group.measured_at == position.fixed_at
            and told_group.measured_at == told_position.fixed_at
        ):
            # The fix says the same.
            continue
        for key, source in _SOURCES.items():
            if key not in readings or (speed := _number(readings[key])) is None:
                continue
            heard = HeardSpeed(
                speed=speed,
                measured_at=group.measured_at,
                source=_proof(
                    SpeedSource.TOLD if group.name == TOLD_SPEED else source,
                    group.time_source,
                ),
                time_is_ours=group.time_is_ours,
            )
            one = ToldSpeed(
                by=f"{group.name}:{key}", stamp=told_group.measured_at, speed=speed
            )
            speeds.append((heard, one))
    for occurrence, told_one in zip(update.occurrences, told.occurrences, strict=True):
        speed = _number(occurrence.details.get(_SPEED_OF_OCCURRENCES))
        if speed is None and occurrence.type is OccurrenceType.SPEEDING:
            speed = _SPEEDING_KMH
        if speed is not None:
            heard = HeardSpeed(
                speed=speed,
                measured_at=min(occurrence.occurred_at, receipt),
                source=SpeedSource.TOLD,
            )
            one = ToldSpeed(
                by=f"{_EVENT}{told_one.kind}:{told_one.type}",
                stamp=told_one.occurred_at,
                speed=speed,
            )
            speeds.append((heard, one))
    return speeds


def _proof(source: SpeedSource, time_source: TimeSource) -> SpeedSource:
    """Return the source of a speed. One that may be late speaks only against a command."""
    return SpeedSource.TOLD if time_source is TimeSource.GUESSED else source


def _with_speeds(
    evidence: Evidence,
    speeds: Iterable[tuple[HeardSpeed, ToldSpeed]],
    receipt: datetime,
) -> Evidence:
    """Add speeds, and keep only the fastest of each second and source.

    A speed that is newly told counts as heard now too, however old its stamp says it is:
    the clock of the tracker may be wrong or stand still, and nobody may have found out
    yet. That only speaks against a command; the same that is told again says nothing.
    """
    moved_at, driven_at = evidence.moved_at, evidence.driven_at
    fresh_since = receipt - FRESHNESS
    # They are in the order of time.
    kept = list(evidence.speeds)
    if kept and kept[0].measured_at < fresh_since:
        del kept[: bisect_left(kept, fresh_since, key=_MEASURED_AT)]
    is_news = False
    others = {one.by: one for one in evidence.told}
    events: list[ToldSpeed] = []
    if any(map(_is_of_event, others)):
        events = [one for one in evidence.told if _is_of_event(one.by)]
        others = {by: one for by, one in others.items() if not _is_of_event(by)}
    late_kmh = 0.0
    for heard, told in speeds:
        measured_at, speed = heard.measured_at, heard.speed
        if speed >= 0:
            is_news = True
            if speed >= MOVED_KMH and (moved_at is None or measured_at > moved_at):
                moved_at = measured_at
            if speed >= DRIVEN_KMH and (driven_at is None or measured_at > driven_at):
                driven_at = measured_at
            if measured_at >= fresh_since:
                _add_speed(kept, heard)
        if others.get(told.by) != told and receipt - measured_at > _AT_ONCE:
            late_kmh = max(late_kmh, speed)
        if _is_of_event(told.by):
            events.append(told)
        else:
            others[told.by] = told
    if not is_news:
        kept = list(evidence.speeds)
    if late_kmh >= MOVED_KMH:
        late = HeardSpeed(
            speed=late_kmh,
            measured_at=receipt,
            source=SpeedSource.TOLD,
            time_is_ours=True,
        )
        _add_speed(kept, late)
    return replace(
        evidence,
        speeds=tuple(kept),
        moved_at=moved_at,
        driven_at=driven_at,
        told=(*others.values(), *events[-_EVENTS:]),
    )


def _is_of_event(by: str) -> bool:
    return by.startswith(_EVENT)


def _add_speed(speeds: list[HeardSpeed], news: HeardSpeed) -> None:
    """Add a speed in the order of time, unless a faster one of its second is there."""
    at = news.measured_at
    if not speeds or at - speeds[-1].measured_at >= _AT_ONCE:
        # It is of a later second than all others.
        speeds.append(news)
        return
    second = at.replace(microsecond=0)
    for number in range(len(speeds) - 1, -1, -1):
        one = speeds[number]
        if one.measured_at < second:
            break
        if (
            one.source is news.source
            and one.measured_at.replace(microsecond=0) == second
        ):
            if (news.speed, at) < (one.speed, one.measured_at):
                return
            del speeds[number]
    insort(speeds, news, key=_MEASURED_AT)


def _with_ignition(
    evidence: Evidence, at: datetime, contact_at: datetime | None, *, on: bool
) -> Evidence:
    """Note whether the ignition is on. Of two states at one time, on counts."""
    if on and not evidence.ignition_seen_on:
        evidence = replace(evidence, ignition_seen_on=True)
    told_at = evidence.ignition_told_at
    if told_at is not None and (
        at < told_at or (at == told_at and evidence.ignition is True)
    ):
        return evidence
    if on:
        distrusted_at = evidence.ignition_distrusted_at
        return replace(
            evidence,
            ignition=True,
            ignition_told_at=at,
            ignition_contact_at=contact_at,
            ignition_off_since=None,
            ignition_distrusted_at=None
            if distrusted_at is None or at > distrusted_at
            else distrusted_at,
        )
    return replace(
        evidence,
        ignition=False,
        ignition_told_at=at,
        ignition_contact_at=contact_at,
        ignition_off_since=evidence.ignition_off_since or at,
    )


def _with_motion(evidence: Evidence) -> Evidence:
    """Note that the vehicle drives with its ignition off."""
    off_since, driven_at = evidence.ignition_off_since, evidence.driven_at
    if off_since is None or driven_at is None or driven_at <= off_since:
        return evidence
    if driven_at == evidence.ignition_distrusted_at:
        return evidence
    return replace(evidence, ignition_distrusted_at=driven_at)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _number(value: Value | None) -> float | None:
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
