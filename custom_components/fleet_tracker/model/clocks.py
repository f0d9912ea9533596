"""What the times in news of a vehicle count for: clocks of trackers are often wrong.

Pure, and the same for every vendor. `merge` has every update judged here first: each time
that the tracker told by its own clock is held against the receipt, which is the moment we
got the news, by the clock of the vendor's server.

- A time up to 10 minutes past the receipt is cut to it, and still counts as measured.
- A time further ahead, or before 2020, is none: it counts as of the receipt at which it
  was first told. The same time told again changes nothing.
- A clock that is off by the same span all the time (a time zone, a rollover of the GPS
  week, a reset) is set right once three fixes in a row have shown by how much. Fixes that
  were kept for a while, as in a tunnel, never show that: their times and receipts do not
  move on alike. What is less than a day off, and fits no time zone, has to go on for a
  minute, and its times have to follow each other sooner than they are late: a poll may
  see a right time as late as that. It may still be late news (`TimeSource.GUESSED`).

What we put in ourselves is marked as such (`TimeSource.OURS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from operator import attrgetter, is_
from types import MappingProxyType

from .record import record, replace
from .vehicle import (
    ClockWatch,
    Occurrence,
    Position,
    ReadingGroup,
    Stamp,
    TimeSource,
    TrackerClock,
    Vehicle,
    VehicleUpdate,
)

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""What a clock shows before was never set: no such tracker is that old."""
FUTURE_TOLERANCE = timedelta(minutes=10)
"""By how much a clock may be ahead and still be believed."""

# A clock that is off by the same span
OFFSET_STEP = timedelta(minutes=15)
OFFSET_JITTER = timedelta(seconds=90)
"""How far a time may be from a multiple of the step: news is under way for a while."""
SUMMER_TIME = timedelta(hours=1)
LONGEST_OFFSET = timedelta(days=1)
"""Of a time zone. The larger offset of a reset clock depends on when it was reset."""
ROLLOVER = timedelta(weeks=1024)
"""Old receivers count weeks up to this, and begin again."""
ENOUGH_ALIKE = 3
ENOUGH_MISFITS = 3
_SHORTEST_WAIT = timedelta(seconds=5)
"""Times that come in closer together do not show whether they move on with ours."""
_UNSTEADY = timedelta(seconds=2)
_UNSTEADY_SHARE = 0.25
_LONG_WAIT = timedelta(seconds=30)
_UNSTEADY_SHARE_OF_LONG = 0.5
"""Between polls there are now one fix, now two; kept ones come in faster than that."""
_UNSTEADY_SHARE_OF_ALL = 0.3
"""Of what the first and the last of those times are apart."""
_LONG_ENOUGH = timedelta(minutes=1)
"""For how long times that fit no zone have to move on with ours."""

_UNDER_WAY = timedelta(minutes=3)
"""By how much a time may seem older than the receipt of the one before, and be newer."""
_LATE = -_UNDER_WAY
_REMEMBERED = 5
_FIX = "fix"
_HEARD = "heard"
_OF_VEHICLE = frozenset({_FIX, _HEARD})
_MEASURED_AT = attrgetter("measured_at")

NO_OFFSET = timedelta()


@record(frozen=True, slots=True)
class Judged:
    """An update with the times that count, and the state of the clock after it."""

    update: VehicleUpdate
    clock: TrackerClock


@record(frozen=True, slots=True)
class _Time:
    """What a time counts for, which clock that is by, and whether it made sense."""

    at: datetime
    source: TimeSource
    makes_sense: bool = True


@record(frozen=True, slots=True)
class Doubt:
    """Whether a tracker's clock may just have been set, so that its times are wrong.

    ``off_by``: by how much the times of this update are wrong if it was set; empty where no
    fix hints at that. ``settled``: by how much the times that were held back are wrong;
    empty if they are right, None while that is not known.
    """

    off_by: tuple[timedelta, ...] = ()
    settled: tuple[timedelta, ...] | None = ()


NO_DOUBT = Doubt()


def doubt(before: TrackerClock, after: TrackerClock, receipt: datetime) -> Doubt:
    """Return what the fixes of an update say of how the clock went before it, and after.

    One fix that fits no zone, and that no other follows, was late.
    """
    watch = after.fixes
    off_by = _off_by(watch)
    if watch.offset != before.fixes.offset:
        return Doubt(off_by, _off_by(before.fixes))
    if not off_by or (
        watch.alike == 1
        and not _is_usual(watch.pointed)
        and watch.received is not None
        and receipt - watch.received >= _LONG_ENOUGH
    ):
        return NO_DOUBT
    goes_on = watch is before.fixes or watch.alike > 1
    return Doubt(off_by, None if goes_on else ())


def _off_by(watch: ClockWatch) -> tuple[timedelta, ...]:
    """Return what times are off by if the clock goes as the last fixes hint at.

    They count with the offset that is known, or without where that makes no sense.
    """
    offset = watch.offset or NO_OFFSET
    if watch.pointed == offset or not 0 < watch.alike < ENOUGH_ALIKE:
        return ()
    return tuple({watch.pointed - offset, watch.pointed} - {NO_OFFSET})


def judge(vehicle: Vehicle | None, update: VehicleUpdate, receipt: datetime) -> Judged:
    """Return an update with the times that count."""
    clock = vehicle.clock if vehicle else TrackerClock()
    if (after := _plainly(clock, update, receipt)) is not None:
        return Judged(update, after)
    return _judge(clock, update, receipt)


def _plainly(
    clock: TrackerClock, update: VehicleUpdate, receipt: datetime
) -> TrackerClock | None:
    """Return the state of a clock after an update of which each time counts as it is.

    None where that is not plain to see: `_judge` looks closer, and says the same of these.
    """
    stamps = clock.stamps
    if (
        clock.fixes.offset is not None
        or clock.contacts.offset is not None
        or update.occurrences
        or update.way
        or update.contacts
        or update.fix_stamp is not None
        or not stamps.keys() <= _OF_VEHICLE
    ):
        return None
    for group in update.groups:
        source = group.time_source
        if (
            source is not TimeSource.TRACKER and source is not TimeSource.SERVER
        ) or not EARLIEST <= group.measured_at <= receipt:
            return None
    fixes, contacts = clock.fixes, clock.contacts
    position, heard_at, fixed_at = update.position, update.heard_at, None
    news: dict[str, tuple[Stamp, ...]] = {}
    if position is not None:
        fixed_at = position.fixed_at
        if (
            position.time_source is not TimeSource.TRACKER
            or not EARLIEST <= fixed_at <= receipt
        ):
            return None
        if (
            seen := _seen_plainly(fixes, stamps.get(_FIX, ()), fixed_at, receipt)
        ) is None:
            return None
        if seen[1]:
            fixes, news[_FIX] = seen
    if heard_at is None:
        pass
    elif not EARLIEST <= heard_at <= receipt:
        return None
    elif update.heard_source is not TimeSource.TRACKER:
        source = update.heard_source
        if source is not TimeSource.SERVER and source is not TimeSource.OURS:
            return None
    elif heard_at != fixed_at:
        seen = _seen_plainly(contacts, stamps.get(_HEARD, ()), heard_at, receipt)
        if seen is None:
            return None
        if seen[1]:
            contacts, news[_HEARD] = seen
    if not news:
        return clock
    return TrackerClock(
        fixes=fixes, contacts=contacts, stamps=MappingProxyType({**stamps, **news})
    )


def _seen_plainly(
    watch: ClockWatch, held: tuple[Stamp, ...], stamp: datetime, receipt: datetime
) -> tuple[ClockWatch, tuple[Stamp, ...]] | None:
    """Return the state of a watch after a time, and the times told until then.

    Without any times where this one was told before. None where it may not count as it is:
    it counted as another one before, or is not later than the last, or the clock is in
    doubt.
    """
    if held:
        if stamp in (told := [one.told for one in held]):
            before = held[told.index(stamp)]
            is_plain = before.counts_as == stamp and before.source is TimeSource.TRACKER
            return (watch, ()) if is_plain else None
        if held[-1].told >= stamp or held[-1].counts_as > stamp:
            return None
    if stamp == watch.told:
        return None
    watch = _observed(watch, stamp, receipt)
    if watch.offset is not None or watch.misfits:
        return None
    plain = Stamp(told=stamp, counts_as=stamp, source=TimeSource.TRACKER)
    return watch, (*held[1 - _REMEMBERED :], plain)


def _judge(clock: TrackerClock, update: VehicleUpdate, receipt: datetime) -> Judged:
    """Return an update with the times that count, whatever they are."""
    judge_ = _Judge(clock, receipt)
    position = update.position
    if position is not None:
        fixed = judge_.fix(position.fixed_at, position.time_source)
        position = _timed_position(position, fixed)
        if update.fix_stamp is not None:
            judge_.watch(update.fix_stamp)
    heard_at, heard_source = update.heard_at, update.heard_source
    if heard_at is not None:
        # Late news, such as alarms, says nothing of how the clock goes.
        is_late = bool(update.occurrences or update.contacts)
        heard = judge_.heard(heard_at, heard_source, watch=not is_late)
        heard_at, heard_source = heard.at, heard.source
    groups = judge_.groups(update.groups)
    if (
        not update.occurrences
        and not update.way
        and position is update.position
        and heard_at == update.heard_at
        and heard_source is update.heard_source
        and groups is update.groups
    ):
        return Judged(update, judge_.clock)
    occurrences = tuple(
        judge_.occurrence(occurrence, pushed=update.pushed)
        for occurrence in update.occurrences
    )
    return Judged(
        replace(
            update,
            position=position,
            groups=groups,
            occurrences=occurrences,
            heard_at=heard_at,
            heard_source=heard_source,
            way=tuple(
                _timed_position(one, time)
                for one in update.way
                if (time := judge_.again(one.fixed_at)).makes_sense
            ),
        ),
        judge_.clock,
    )


def is_wrong(clock: TrackerClock) -> bool:
    """Tell whether a tracker's clock is surely wrong, so that the user should know."""
    fixes, contacts = clock.fixes, clock.contacts
    return (
        fixes.offset is not None
        or contacts.offset is not None
        or fixes.misfits >= ENOUGH_MISFITS
        or contacts.misfits >= ENOUGH_MISFITS
    )


def counts_as(
    clock: TrackerClock | None, stamp: datetime, receipt: datetime
) -> datetime:
    """Return what a time of readings or contacts will count for, as `judge` says later."""
    return _Judge(clock or TrackerClock(), receipt).again(stamp).at


def was_told(vehicle: Vehicle | None, stamp: datetime | None) -> bool:
    """Tell whether a vehicle's fix or contact was told with this time lately."""
    if vehicle is None:
        return False
    for kind in (_FIX, _HEARD):
        for one in vehicle.clock.stamps.get(kind, ()):
            if one.told == stamp:
                return True
    return False


def believed(stamp: datetime, receipt: datetime) -> datetime:
    """Return what a time counts for when the clock is not known."""
    return _plain(stamp, receipt).at


def not_after(vehicle: Vehicle, receipt: datetime) -> Vehicle:
    """Return a vehicle with no time later than a receipt.

    A later time is from before our clock, or the offset to the server's, was set back.
    It would shut out all news until it is reached again.
    """
    if not _holds_later(vehicle, receipt):
        return vehicle
    clock, beliefs, waiting = (
        vehicle.clock,
        vehicle.beliefs,
        vehicle.beliefs.waiting_fix,
    )
    return replace(
        vehicle,
        position=_fix_not_after(vehicle.position, receipt),
        latest_fix=_fix_not_after(vehicle.latest_fix, receipt),
        heard_at=_not_after(vehicle.heard_at, receipt),
        stood_since=_not_after(vehicle.stood_since, receipt),
        groups=MappingProxyType(
            {
                name: replace(group, measured_at=min(group.measured_at, receipt))
                for name, group in vehicle.groups.items()
            }
        ),
        beliefs=replace(
            beliefs,
            growths=MappingProxyType(
                {
                    key: replace(
                        growth,
                        measured_at=min(growth.measured_at, receipt),
                        waiting_measured_at=_not_after(
                            growth.waiting_measured_at, receipt
                        ),
                        waiting_since=_not_after(growth.waiting_since, receipt),
                    )
                    for key, growth in beliefs.growths.items()
                }
            ),
            waiting_fix=waiting
            and replace(
                waiting,
                fix=replace(waiting.fix, fixed_at=min(waiting.fix.fixed_at, receipt)),
                since=min(waiting.since, receipt),
            ),
        ),
        clock=replace(
            clock,
            stamps=MappingProxyType(
                {
                    kind: tuple(
                        replace(stamp, counts_as=min(stamp.counts_as, receipt))
                        for stamp in stamps
                    )
                    for kind, stamps in clock.stamps.items()
                }
            ),
        ),
    )


def _holds_later(vehicle: Vehicle, receipt: datetime) -> bool:
    """Tell whether the newest news of any kind is later than a receipt."""
    fix, heard_at = vehicle.latest_fix, vehicle.heard_at
    if (fix is not None and fix.fixed_at > receipt) or (
        heard_at is not None and heard_at > receipt
    ):
        return True
    times = map(_MEASURED_AT, vehicle.groups.values())
    if max(times, default=receipt) > receipt:
        return True
    waiting = vehicle.beliefs.waiting_fix
    return waiting is not None and waiting.since > receipt


def _not_after(time: datetime | None, receipt: datetime) -> datetime | None:
    return None if time is None else min(time, receipt)


def _fix_not_after(fix: Position | None, receipt: datetime) -> Position | None:
    return None if fix is None else replace(fix, fixed_at=min(fix.fixed_at, receipt))


def _timed_position(position: Position, time: _Time) -> Position:
    if position.fixed_at == time.at and position.time_source == time.source:
        return position
    return replace(position, fixed_at=time.at, time_source=time.source)


def _timed_group(group: ReadingGroup, time: _Time) -> ReadingGroup:
    if group.measured_at == time.at and group.time_source == time.source:
        return group
    return replace(group, measured_at=time.at, time_source=time.source)


class _Judge:
    """Judges the times of one update. Equal times count the same."""

    def __init__(self, clock: TrackerClock, receipt: datetime) -> None:
        self._before = clock
        self._receipt = receipt
        self._fixes = clock.fixes
        self._contacts = clock.contacts
        self._stamps: Mapping[str, tuple[Stamp, ...]] = clock.stamps
        self._judged: dict[datetime, _Time] = {}

    @property
    def clock(self) -> TrackerClock:
        """The state of the clock after the update."""
        before = self._before
        if (
            self._fixes is before.fixes
            and self._contacts is before.contacts
            and self._stamps is before.stamps
        ):
            return before
        after = TrackerClock(
            fixes=self._fixes, contacts=self._contacts, stamps=self._stamps
        )
        return before if after == before else after

    def fix(self, stamp: datetime, source: TimeSource) -> _Time:
        """Judge the time of a fix, which shows how the clock goes."""
        if source is not TimeSource.TRACKER:
            return self._not_by_its_clock(stamp, source)
        if (known := self._known(_FIX, stamp)) is not None:
            return known
        self.watch(stamp)
        time = _with_offset(stamp, self._fixes.offset, self._receipt)
        return self._remember(_FIX, stamp, time, most=_REMEMBERED)

    def watch(self, stamp: datetime) -> None:
        """See how the clock goes by the time of a fix that is known in another way."""
        if stamp == self._fixes.told:
            return
        watch = _observed(self._fixes, stamp, self._receipt)
        time = _with_offset(stamp, watch.offset, self._receipt)
        self._fixes = _counted(watch, makes_sense=time.makes_sense)

    def heard(self, stamp: datetime, source: TimeSource, *, watch: bool) -> _Time:
        """Judge the time of a contact, which may be by another clock than that of fixes."""
        if source is not TimeSource.TRACKER:
            return self._not_by_its_clock(stamp, source)
        if (same := self._judged.get(stamp)) is not None:
            return same
        if (known := self._known(_HEARD, stamp)) is not None:
            return known
        if watch:
            self._contacts = _observed(self._contacts, stamp, self._receipt)
        time = self._other(stamp)
        if watch:
            self._contacts = _counted(self._contacts, makes_sense=time.makes_sense)
        return self._remember(_HEARD, stamp, time, most=_REMEMBERED)

    def groups(self, told: tuple[ReadingGroup, ...]) -> tuple[ReadingGroup, ...]:
        """Judge the times of groups of readings. It is the same tuple if all count."""
        groups = [one if self._counts(one) else self._timed(one) for one in told]
        return told if all(map(is_, groups, told)) else tuple(groups)

    def _counts(self, group: ReadingGroup) -> bool:
        """Tell whether the time of a group plainly counts as it is.

        So it is with a clock that has no offset, for a time that is past and was not put
        in by us. `reading` says the same, and takes longer.
        """
        stamp, source = group.measured_at, group.time_source
        if source is TimeSource.TRACKER:
            if (same := self._judged.get(stamp)) is not None:
                return same.source is source and same.at == stamp
            if (
                self._fixes.offset is not None
                or self._contacts.offset is not None
                or f"group:{group.name}" in self._stamps
            ):
                return False
        elif source is not TimeSource.SERVER:
            return False
        return EARLIEST <= stamp <= self._receipt

    def _timed(self, group: ReadingGroup) -> ReadingGroup:
        time = self.reading(group.name, group.measured_at, group.time_source)
        return _timed_group(group, time)

    def reading(self, name: str, stamp: datetime, source: TimeSource) -> _Time:
        """Judge the time of a group of readings."""
        if source is not TimeSource.TRACKER:
            return self._not_by_its_clock(stamp, source)
        if (same := self._judged.get(stamp)) is not None:
            return same
        kind = f"group:{name}"
        if (known := self._known(kind, stamp)) is not None:
            return known
        time = self._other(stamp)
        if time.at == stamp:
            self._forget(kind)
            return time
        return self._remember(kind, stamp, time, most=1)

    def occurrence(self, occurrence: Occurrence, *, pushed: bool) -> Occurrence:
        """Judge when something happened: never after we were told."""
        # One that waited on disk over a restart was received before it.
        receipt, told = occurrence.told_at or self._receipt, occurrence.occurred_at
        at = told
        if occurrence.time_source is TimeSource.TRACKER:
            watch = self._fixes if self._fixes.offset else self._contacts
            at = _occurred_by(watch, told, receipt)
        if at < EARLIEST <= receipt or at > receipt:
            at = receipt
        received_at = occurrence.received_at
        return replace(
            occurrence,
            occurred_at=at,
            reported_at=None if occurrence.time_source.is_ours else told,
            received_at=None if received_at is None else believed(received_at, receipt),
            told_at=receipt,
            pushed=pushed,
        )

    def again(self, stamp: datetime) -> _Time:
        """Judge a time that is judged again later, without learning from it."""
        for kind in (_FIX, _HEARD):
            if (known := self._known(kind, stamp)) is not None:
                return known
        return self._other(stamp)

    def _known(self, kind: str, stamp: datetime) -> _Time | None:
        """Return what a time counted for when it was told before."""
        for one in self._stamps.get(kind, ()):
            if one.told == stamp:
                known = _Time(one.counts_as, TimeSource(one.source))
                self._judged[stamp] = known
                return known
        return None

    def _remember(self, kind: str, stamp: datetime, time: _Time, *, most: int) -> _Time:
        stamps = self._stamps.get(kind, ())
        if stamps and (at := _in_order(stamp, time.at, stamps[-1])) != time.at:
            time = replace(time, at=at)
        stamps += (Stamp(told=stamp, counts_as=time.at, source=time.source),)
        self._stamps = MappingProxyType({**self._stamps, kind: stamps[-most:]})
        self._judged[stamp] = time
        return time

    def _forget(self, kind: str) -> None:
        if kind in self._stamps:
            self._stamps = MappingProxyType(
                {one: stamps for one, stamps in self._stamps.items() if one != kind}
            )

    def _other(self, stamp: datetime) -> _Time:
        """Judge a time that may be by the clock of the fixes, or by a right one.

        The offset of a clock that is behind is taken off where that does not lead into the
        future, that of one that is ahead where the time would lie there without.
        """
        plain = _plain(stamp, self._receipt)
        for watch in (self._contacts, self._fixes):
            offset = watch.offset
            if offset is None or (offset > NO_OFFSET and plain.makes_sense):
                continue
            time = _with_offset(stamp, offset, self._receipt)
            if time.source.is_ours and time.makes_sense:
                return time
        return plain

    def _not_by_its_clock(self, stamp: datetime, source: TimeSource) -> _Time:
        receipt = self._receipt
        if source is TimeSource.SERVER:
            time = _plain(stamp, receipt)
            return time if time.source.is_ours else _Time(time.at, source)
        is_about_now = abs(stamp - receipt) <= FUTURE_TOLERANCE
        if source is TimeSource.ESTIMATED and not is_about_now:
            return replace(self._other(stamp), source=TimeSource.OURS)
        return _Time(min(stamp, receipt), TimeSource.OURS)


def _plain(stamp: datetime, receipt: datetime) -> _Time:
    """Judge a time without further knowledge."""
    if EARLIEST <= stamp <= receipt:
        return _Time(stamp, TimeSource.TRACKER)
    was_never_set = stamp < EARLIEST <= receipt
    if was_never_set or stamp > receipt + FUTURE_TOLERANCE:
        return _Time(receipt, TimeSource.OURS, makes_sense=False)
    return _Time(min(stamp, receipt), TimeSource.TRACKER)


def _with_offset(stamp: datetime, offset: timedelta | None, receipt: datetime) -> _Time:
    """Judge a time by a clock with a known offset.

    Where that leads into the future, the clock may have been set meanwhile.
    """
    plain = _plain(stamp, receipt)
    if offset is None:
        return plain
    is_about_now = plain.makes_sense and receipt - stamp <= FUTURE_TOLERANCE
    if is_about_now and offset > LONGEST_OFFSET:
        # Our clock may have been wrong. That is likelier than a fix that was kept for days.
        return replace(plain, makes_sense=False)
    time = _plain(_less(stamp, offset), receipt)
    if time.makes_sense:
        may_be_late = offset < NO_OFFSET and not _is_usual(offset)
        source = TimeSource.GUESSED if may_be_late else TimeSource.OURS
        return replace(time, source=source)
    return replace(plain, makes_sense=False)


def _occurred_by(watch: ClockWatch, stamp: datetime, receipt: datetime) -> datetime:
    """Return when something happened by a clock whose offset may just have changed.

    A tracker with local time falls an hour back at the end of summer time. Before its fixes
    have shown that, what happens now seems to have happened an hour ago.
    """
    if watch.offset is None:
        return stamp
    at = _less(stamp, watch.offset)
    without = at + SUMMER_TIME
    if abs(receipt - without) <= OFFSET_JITTER:
        return without
    is_changing = watch.pointed == watch.offset - SUMMER_TIME
    if is_changing and NO_OFFSET <= receipt - without <= FUTURE_TOLERANCE:
        return without
    return at


def _less(stamp: datetime, offset: timedelta) -> datetime:
    """Return a time less an offset, limited to the first and last possible time."""
    try:
        return stamp - offset
    except OverflowError:
        extreme = datetime.max if offset < NO_OFFSET else datetime.min
        return extreme.replace(tzinfo=UTC)


def _in_order(stamp: datetime, at: datetime, before: Stamp) -> datetime:
    """Return what a time counts for, not older than the one told before it.

    One that was put in by us, or cut, may be a little younger than is true.
    """
    is_later = stamp > before.told
    was_cut = before.source == TimeSource.TRACKER and before.counts_as < before.told
    if (is_later or was_cut) and at < before.counts_as <= at + _UNDER_WAY:
        return before.counts_as
    return at


def _counted(watch: ClockWatch, *, makes_sense: bool) -> ClockWatch:
    """Return a watch that has counted a time, and forgets an offset that fits no more."""
    misfits = 0 if makes_sense else min(watch.misfits + 1, ENOUGH_MISFITS)
    offset = None if misfits == ENOUGH_MISFITS else watch.offset
    if (misfits, offset) == (watch.misfits, watch.offset):
        return watch
    return replace(watch, misfits=misfits, offset=offset)


def _observed(watch: ClockWatch, stamp: datetime, receipt: datetime) -> ClockWatch:
    """Return a watch that has seen one more time, and may have learned the offset."""
    ahead = stamp - receipt
    if (
        watch.offset is None
        and not watch.pointed
        and _LATE <= ahead <= FUTURE_TOLERANCE
    ):
        # The clock goes right, as it did: there is nothing to learn.
        return ClockWatch(told=stamp, received=receipt, misfits=watch.misfits)
    pointed, since, first = _pointed(ahead), receipt, ahead
    alike, offset = 1, watch.offset
    if (
        watch.told is not None
        and watch.received is not None
        and (pointed == watch.pointed or abs(ahead - watch.pointed) <= OFFSET_JITTER)
    ):
        by_theirs, by_ours = stamp - watch.told, receipt - watch.received
        is_long = by_ours >= _LONG_WAIT
        share = _UNSTEADY_SHARE_OF_LONG if is_long else _UNSTEADY_SHARE
        unsteady = _UNSTEADY + share * by_ours
        if by_theirs > NO_OFFSET and abs(by_theirs - by_ours) <= unsteady:
            if by_ours < _SHORTEST_WAIT:
                return watch
            # All are held against the first, so that none leads away step by step.
            pointed, since = watch.pointed, watch.since or watch.received
            first = watch.told - watch.received if watch.first is None else watch.first
            alike = min(watch.alike + 1, ENOUGH_ALIKE)
            lasted = receipt - since
            is_short = lasted < _LONG_ENOUGH and not _is_usual(pointed)
            unsteady = _UNSTEADY + _UNSTEADY_SHARE_OF_ALL * lasted
            if is_short or abs(ahead - first) > unsteady:
                alike = min(alike, ENOUGH_ALIKE - 1)
            if alike == ENOUGH_ALIKE and offset != pointed:
                may_be_seen_late = not _is_usual(pointed) and -pointed <= by_ours
                offset = None if may_be_seen_late else pointed or None
    return ClockWatch(
        offset=offset,
        pointed=pointed,
        alike=alike,
        told=stamp,
        received=receipt,
        since=since,
        first=first,
        misfits=watch.misfits,
    )


def _pointed(ahead: timedelta) -> timedelta:
    """Return the offset that a time points to.

    It is a multiple of the step if the time is near one. A time that is a little late, or
    ahead by no more than what is believed, points to none.
    """
    if _LATE <= ahead <= FUTURE_TOLERANCE:
        return NO_OFFSET
    offset = round(ahead / OFFSET_STEP) * OFFSET_STEP
    is_near = abs(ahead - offset) <= OFFSET_JITTER
    return offset if is_near and offset and _is_zone(offset) else ahead


def _is_usual(offset: timedelta) -> bool:
    """Tell whether clocks are often off by this: by nothing, a zone, or a reset.

    A clock that was reset is off by any span. So may fixes be that were kept, but such of
    more than a day ago come in faster than they were made.
    """
    return abs(offset) > LONGEST_OFFSET or (
        offset % OFFSET_STEP == NO_OFFSET and _is_zone(offset)
    )


def _is_zone(offset: timedelta) -> bool:
    return min(abs(offset), abs(offset + ROLLOVER)) <= LONGEST_OFFSET
