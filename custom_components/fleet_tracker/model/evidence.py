"""Evidence for the guard: how fast a vehicle was lately, and whether it is parked.

Pure, and the same for every vendor. `merge` has every update noted here before anything of
it is dropped: a fix that is none for the map, because it is inaccurate, waits or has no
place, may all the same say that the vehicle drives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
import math
from statistics import median

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
_AT_ONCE = timedelta(seconds=1)
"""News that comes so soon after it was measured counts long enough by its own time."""
_SOURCES = {Reading.SPEED: SpeedSource.VEHICLE, Reading.OBD_SPEED: SpeedSource.OBD}


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
    speeds = [
        (heard, one)
        for heard, one in zip(
            _speeds_in(update, receipt), _told_speeds_in(told), strict=True
        )
        # Polls tell the last events again.
        if not one.by.startswith(_EVENT) or one not in evidence.told
    ]
    if speeds:
        evidence = _with_speeds(evidence, [heard for heard, _ in speeds], receipt)
        evidence = _with_late_speed(evidence, speeds, receipt)
    for at, contact_at, on in _ignitions_in(update):
        evidence = _with_ignition(evidence, at, contact_at, on=on)
    for group in update.groups:
        rpm = _number(group.readings.get(Reading.ENGINE_SPEED))
        if rpm is not None and rpm > 0:
            evidence = replace(
                evidence,
                engine_ran_at=_later(evidence.engine_ran_at, group.measured_at),
            )
    evidence = _with_motion(evidence)
    if heard_at is not None and update.heard_at is not None:
        times = [heard_at, *(update.contacts or (update.heard_at,))]
        gaps = [later - time for time, later in pairwise(times) if later > time]
        if gaps:
            gaps = [*evidence.contact_gaps, *gaps][-REMEMBERED_GAPS:]
            evidence = replace(evidence, contact_gaps=tuple(gaps))
    return evidence


def is_fresh(time: datetime, now: datetime) -> bool:
    """Tell whether something was measured at most 2 minutes ago."""
    return abs(now - time) <= FRESHNESS


def usual_contact(evidence: Evidence) -> timedelta | None:
    """Return how often a vehicle is usually in contact, as far as that is known."""
    gaps = evidence.contact_gaps
    if not gaps:
        return None
    return timedelta(seconds=median(gap.total_seconds() for gap in gaps))


def _speeds_in(update: VehicleUpdate, receipt: datetime) -> Iterator[HeardSpeed]:
    position = update.position
    speed = None if position is None else _number(position.speed)
    if position is not None and speed is not None:
        yield HeardSpeed(
            speed=speed,
            measured_at=position.fixed_at,
            source=SpeedSource.FIX,
            time_is_ours=position.time_is_ours,
        )
    for group in update.groups:
        for key, source in _SOURCES.items():
            speed = _number(group.readings.get(key))
            if speed is not None:
                yield HeardSpeed(
                    speed=speed,
                    measured_at=group.measured_at,
                    source=SpeedSource.TOLD if group.name == TOLD_SPEED else source,
                    time_is_ours=group.time_is_ours,
                )
    for occurrence in update.occurrences:
        speed = _number(occurrence.details.get(_SPEED_OF_OCCURRENCES))
        if speed is not None:
            yield HeardSpeed(
                speed=speed,
                measured_at=min(occurrence.occurred_at, receipt),
                source=SpeedSource.TOLD,
            )


def _ignitions_in(
    update: VehicleUpdate,
) -> Iterator[tuple[datetime, datetime | None, bool]]:
    """Yield when the ignition was told, by a contact of when, and whether it was on.

    Where the vehicle was not in contact, as far as that is told, there is none.
    """
    for group in update.groups:
        on = group.readings.get(Reading.IGNITION)
        if isinstance(on, bool):
            at, contact_at = group.measured_at, update.heard_at
            yield at, contact_at and min(at, contact_at), on
    for occurrence in update.occurrences:
        if occurrence.type is OccurrenceType.IGNITION_ON:
            yield occurrence.occurred_at, None, True


def _with_speeds(
    evidence: Evidence, heard: Iterable[HeardSpeed], receipt: datetime
) -> Evidence:
    """Add speeds, and keep only the fastest of each second and source."""
    news = [one for one in heard if one.speed >= 0]
    if not news:
        return evidence
    moved_at = max(
        (one.measured_at for one in news if one.speed >= MOVED_KMH), default=None
    )
    driven_at = max(
        (one.measured_at for one in news if one.speed >= DRIVEN_KMH), default=None
    )
    kept: dict[tuple[int, SpeedSource], HeardSpeed] = {}
    for one in (*evidence.speeds, *news):
        if receipt - one.measured_at > FRESHNESS:
            continue
        key = (int(one.measured_at.timestamp()), one.source)
        before = kept.get(key)
        if before is None or (one.speed, one.measured_at) >= (
            before.speed,
            before.measured_at,
        ):
            kept[key] = one
    return replace(
        evidence,
        speeds=tuple(sorted(kept.values(), key=lambda one: one.measured_at)),
        moved_at=_later(evidence.moved_at, moved_at),
        driven_at=_later(evidence.driven_at, driven_at),
    )


def _told_speeds_in(told: VehicleUpdate) -> Iterator[ToldSpeed]:
    """Yield the speeds in an update with their stamps, in the order of `_speeds_in`."""
    position = told.position
    speed = None if position is None else _number(position.speed)
    if position is not None and speed is not None:
        yield ToldSpeed(
            by=_FIX,
            stamp=position.fixed_at,
            speed=speed,
            latitude=_number(position.latitude),
            longitude=_number(position.longitude),
        )
    for group in told.groups:
        for key in _SOURCES:
            speed = _number(group.readings.get(key))
            if speed is not None:
                yield ToldSpeed(
                    by=f"{group.name}:{key}", stamp=group.measured_at, speed=speed
                )
    for occurrence in told.occurrences:
        speed = _number(occurrence.details.get(_SPEED_OF_OCCURRENCES))
        if speed is not None:
            yield ToldSpeed(
                by=f"{_EVENT}{occurrence.kind}:{occurrence.type}",
                stamp=occurrence.occurred_at,
                speed=speed,
            )


def _with_late_speed(
    evidence: Evidence,
    speeds: Iterable[tuple[HeardSpeed, ToldSpeed]],
    receipt: datetime,
) -> Evidence:
    """Count a speed that is newly told as heard now, however old its stamp says it is.

    The clock of the tracker may be wrong or stand still, and nobody may have found out yet.
    It only speaks against a command; the same that is told again says nothing.
    """
    events = [one for one in evidence.told if one.by.startswith(_EVENT)]
    others = {one.by: one for one in evidence.told if not one.by.startswith(_EVENT)}
    fastest = 0.0
    for heard, one in speeds:
        if others.get(one.by) != one and receipt - heard.measured_at > _AT_ONCE:
            fastest = max(fastest, heard.speed)
        if one.by.startswith(_EVENT):
            events.append(one)
        else:
            others[one.by] = one
    told = (*others.values(), *events[-_EVENTS:])
    if told != evidence.told:
        evidence = replace(evidence, told=told)
    if fastest < MOVED_KMH:
        return evidence
    late_speed = HeardSpeed(
        speed=fastest,
        measured_at=receipt,
        source=SpeedSource.TOLD,
        time_is_ours=True,
    )
    return replace(evidence, speeds=(*evidence.speeds, late_speed))


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
    times = [time for time in (one, other) if time is not None]
    return max(times, default=None)


def _number(value: Value | None) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
