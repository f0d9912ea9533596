"""Merges news of a vehicle into its record: pure, and the same for all vendors.

What its times count for is decided in `clocks`. For each group of readings the newer time
wins. What news is believed is decided in `rules`, what follows from it in `derive`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import compress
from operator import ne

from .clocks import doubt, judge, not_after
from .derive import derive, flat_readings
from .evidence import TOLD_SPEED, note
from .journeys import check_trips, with_news
from .plausibility import (
    believe_fix,
    believe_readings,
    believed_way,
    never_falls,
    settle,
)
from .record import record, replace
from .rules import Rules, why_no_fix
from .vehicle import (
    Growth,
    Occurrence,
    Position,
    Reading,
    ReadingGroup,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)

_LONG_AFTER = timedelta(days=2)
"""By then time has changed all that time alone changes."""


@record(frozen=True, slots=True, kw_only=True)
class Changes:
    """The differences of a vehicle before and after. False when there are none."""

    readings: frozenset[str] = frozenset()
    position: bool = False
    """Whether the shown place or its accuracy differs."""
    details: bool = False
    capabilities: bool = False
    """Whether the capabilities or the kinds of occurrences differ."""

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.readings or self.position or self.details or self.capabilities)

    @property
    def shown(self) -> frozenset[str]:
        """Readings that other readings' entities show, `Reading.POSITION` among them."""
        return self.readings | {Reading.POSITION} if self.position else self.readings


@record(frozen=True, slots=True, kw_only=True)
class Merged:
    """The vehicle after an update, what changed, and what was dropped."""

    vehicle: Vehicle
    changes: Changes
    dropped: tuple[str, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    """What was told that happened, with the times that count."""
    derived: tuple[Occurrence, ...] = ()
    """What follows that happened."""


def merge(
    vehicle: Vehicle | None, update: VehicleUpdate, rules: Rules, now: datetime
) -> Merged:
    """Merge an update into what is known of a vehicle (None: not known before).

    ``now`` is when the update was received, by the clock of the vendor's server.
    """
    known_before = None if vehicle is None else not_after(vehicle, now)
    judged = judge(known_before, update, now)
    told, update = update, judged.update
    before = known_before or Vehicle(
        vehicle_id=update.vehicle_id,
        details=VehicleDetails(name=update.vehicle_id),
    )
    evidence = note(before.evidence, told, update, before.heard_at, now)
    dropped: list[str] = []
    groups, growths = _merge_groups(before, update, now, dropped)
    fix, beliefs = before.latest_fix, before.beliefs
    waiting, is_motion_confirmed = beliefs.waiting_fix, beliefs.is_motion_confirmed
    trip_fix: Position | None = None
    if update.position is not None:
        if reason := why_no_fix(update.position, fix, rules):
            dropped.append(reason)
            if why_no_fix(update.position, None, rules) is None:
                # It is late, and belongs to a trip all the same.
                trip_fix = update.position
        else:
            believed = believe_fix(
                before,
                update.position,
                lambda: {**before.readings, **flat_readings(groups)},
                rules,
                now,
            )
            fix = believed.fix
            waiting, is_motion_confirmed = (
                believed.waiting,
                believed.is_motion_confirmed,
            )
            if believed.reason is not None:
                dropped.append(believed.reason)
            else:
                trip_fix = believed.fix
    beliefs = replace(
        beliefs,
        growths=growths,
        waiting_fix=waiting,
        is_motion_confirmed=is_motion_confirmed,
    )
    heard_at = before.heard_at
    if update.heard_at is not None and (heard_at is None or update.heard_at > heard_at):
        heard_at = update.heard_at
    known = replace(
        before,
        details=update.details or before.details,
        capabilities=before.capabilities
        if update.capabilities is None
        else update.capabilities,
        groups=groups,
        latest_fix=fix,
        heard_at=heard_at,
        clock=judged.clock,
        contact_interval=update.contact_interval or before.contact_interval,
        beliefs=beliefs,
        evidence=evidence,
        trips=with_news(
            before.trips,
            replace(update, way=believed_way(update.way, rules))
            if update.way
            else update,
            trip_fix,
            beliefs,
            rules,
            now,
            doubt(before.clock, judged.clock, now),
        ),
        occurrence_kinds=before.occurrence_kinds.union(
            occurrence.kind for occurrence in update.occurrences
        )
        if update.occurrences
        else before.occurrence_kinds,
    )
    derived = derive(before, known, rules, now)
    return Merged(
        vehicle=derived.vehicle,
        changes=_changes(vehicle, derived.vehicle),
        dropped=tuple(dropped),
        occurrences=update.occurrences,
        derived=derived.occurrences,
    )


def refresh(vehicle: Vehicle, rules: Rules, now: datetime) -> Merged:
    """Derive anew what depends on the time alone: moving, online, what has waited."""
    known = settle(not_after(vehicle, now), now)
    derived = derive(vehicle, known, rules, now)
    return Merged(
        vehicle=derived.vehicle,
        changes=_changes(vehicle, derived.vehicle),
        derived=derived.occurrences,
    )


def check(vehicle: Vehicle, rules: Rules, now: datetime) -> None:
    """Raise an error of any kind if no news could be merged into a vehicle.

    One that was kept may hold values that are of the right type and make no sense. It is
    tried what comes next: a fix and a contact, nothing at all for two days, and news of
    each trip.
    """
    check_trips(vehicle.trips, now)
    fix = replace(vehicle.latest_fix, fixed_at=now) if vehicle.latest_fix else None
    update = VehicleUpdate(
        vehicle_id=vehicle.vehicle_id,
        position=fix,
        groups=tuple(
            replace(group, measured_at=now) for group in vehicle.groups.values()
        ),
        heard_at=now,
    )
    refresh(vehicle, rules, now)
    refresh(vehicle, rules, now + _LONG_AFTER)
    # What follows by now is derived with the news.
    refresh(merge(vehicle, update, rules, now).vehicle, rules, now + _LONG_AFTER)


def _merge_groups(
    before: Vehicle, update: VehicleUpdate, now: datetime, dropped: list[str]
) -> tuple[Mapping[str, ReadingGroup], Mapping[str, Growth]]:
    """Return the newest of each group, and what is accepted of readings that only grow."""
    if not update.groups:
        return before.groups, before.beliefs.growths
    groups, growths = dict(before.groups), dict(before.beliefs.growths)
    for news in update.groups:
        if news.name == TOLD_SPEED:
            continue
        held = groups.get(news.name)
        if held is not None and news.measured_at < held.measured_at:
            dropped.append("older_readings")
            continue
        if (
            held is not None
            and news.readings == held.readings
            and not news.not_known
            and growths.keys().isdisjoint(news.readings)
        ):
            # The same was believed before.
            groups[news.name] = news
            continue
        readings, not_known = believe_readings(
            news, held, growths, now, was_set=update.odometer_set
        )
        if readings != news.readings:
            dropped.append("implausible_readings")
        if held is not None and not news.complete:
            kept = {k: v for k, v in held.readings.items() if k not in not_known}
            readings = {**kept, **readings}
        elif held is not None:
            # Forgotten while it is not told, a counter could come back lower.
            for key in held.readings.keys() - readings.keys():
                if never_falls(key):
                    readings[key] = held.readings[key]
        groups[news.name] = ReadingGroup(
            name=news.name,
            measured_at=news.measured_at,
            readings=readings,
            complete=news.complete,
            time_source=news.time_source,
        )
    # A counter that several groups tell has one value that is believed.
    grown = before.beliefs.growths
    for key, growth in growths.items():
        if growth is grown.get(key):
            continue
        for name, group in groups.items():
            if key in group.readings and group.readings[key] != growth.value:
                believed = {**group.readings, key: growth.value}
                groups[name] = replace(group, readings=believed)
    return groups, growths


def _changes(before: Vehicle | None, after: Vehicle) -> Changes:
    """Return what differs between a vehicle before and after."""
    if before is None:
        return Changes(
            readings=frozenset(after.readings),
            position=True,
            details=True,
            capabilities=True,
        )
    old, new = before.readings, after.readings
    # No reading is None: what was not there before differs too.
    changed = set(compress(new, map(ne, new.values(), map(old.get, new))))
    if len(old) != len(new) or not old.keys() <= new.keys():
        changed.update(old.keys() - new.keys())
    return Changes(
        readings=frozenset(changed),
        position=not _same_place(before.position, after.position),
        details=before.details is not after.details and before.details != after.details,
        capabilities=before.capabilities != after.capabilities
        or before.occurrence_kinds != after.occurrence_kinds,
    )


def _same_place(one: Position | None, other: Position | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or (
        one.latitude == other.latitude
        and one.longitude == other.longitude
        and one.accuracy == other.accuracy
    )
