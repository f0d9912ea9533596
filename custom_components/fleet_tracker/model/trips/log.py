"""The log of a vehicle's trips: the evidence of 36 hours or more, and what was told of it.

Pure. News in the order of time is folded into the last state. Late news is put where it
belongs, and all that was measured after it is folded anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from ..record import record, replace
from .drive import MOVING_KMH
from .fold import HOLD_M, SILENCE_S, Fold, Towing, TripSettings
from .late import between, late_trips, places_of
from .moments import (
    LOCKED,
    NO_PLACE,
    OFF,
    SIZE,
    UNKNOWN,
    Moment,
    count,
    join,
    metres,
    pack,
    position_of,
    unpack,
    unpacked,
)
from .telling import News, corrections, tell
from .trip import LONGEST_S, QUARTER_S, FoundTrip, Trip, TripFlag, VendorTrip
from .vendor_trips import those_that_count, with_told, with_vendors

EVIDENCE_S = 36 * 3600
LATEST_S = 7 * 86_400
"""What comes later than that, such as by a wrong clock, is not believed to be of then."""
LEAST_MOMENTS = 1_000
"""So many are kept until they are too late to be corrected, also beyond 36 hours."""
MOST_MOMENTS = 10_000
MOST_TRIPS = 100
MOST_TOLD = 2 * MOST_TRIPS
MOST_GONE = 20
MOST_TOWINGS = 20
CHECKPOINT_EVERY = 64
FOLDED_AT_ONCE = 16
FOLDED_WITHIN_S = 120.0
WRONG_CLOCK_S = 600.0
DROPPED_AT_ONCE = 64
QUIET_S = 60.0
"""Seconds without a further change after which a correction is told."""


@record(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state before one of the moments."""

    index: int
    state: Fold


@record(frozen=True, slots=True, kw_only=True)
class Late:
    """News from before the evidence, and where it stood around it: folded on its own."""

    base: Fold = field(default_factory=Fold)
    base_at: float = 0.0
    moments: bytes = b""
    log: TripLog | None = field(
        default=None, compare=False, repr=False, metadata={"kept": False}
    )
    """The same, with the states that were made of it."""


@record(frozen=True, slots=True, kw_only=True)
class TripLog:
    """What is kept of a vehicle to find its trips. It changes by `take` and `at` alone."""

    base: Fold = field(default_factory=Fold)
    """The state before the oldest of the moments."""
    base_at: float = 0.0
    """The time of the last moment before these; older news is folded on its own."""
    moments: bytes = b""
    head: Fold = field(default_factory=Fold)
    """The state after all of them, but for the last few that only say that it drives on."""
    unfolded: int = 0
    """How many these are: folding some at once costs less."""
    settings: TripSettings = field(default_factory=TripSettings)
    """The settings that the states were made with."""
    vendors: tuple[VendorTrip, ...] = ()
    """The vendor's own trips that count."""
    told_by_vendor: tuple[VendorTrip, ...] = ()
    """All that it told of them, also what it corrected since."""
    trips: tuple[Trip, ...] = ()
    """The trips as they were told, oldest first."""
    gone: tuple[Trip, ...] = ()
    """Trips that were told and became none, which may be found again."""
    towings_told: tuple[Towing, ...] = ()
    untold: tuple[Trip, ...] = ()
    """Trips that changed after their ends were told, as they were told."""
    untold_at: float = 0.0
    """When one of them last changed."""
    doubtful: bytes = b""
    """Moments of a clock that may just have been set, which wait to be known."""
    doubtful_at: float = 0.0
    """Since when they wait."""
    late: Late | None = None
    """What came later than the evidence reaches back."""
    checkpoints: tuple[Checkpoint, ...] = field(
        default=(), compare=False, repr=False, metadata={"kept": False}
    )

    @property
    def running(self) -> Trip | None:
        """The trip that is under way."""
        last = self.trips[-1] if self.trips else None
        return last if last is not None and not last.is_ended else None

    @property
    def last_ended(self) -> Trip | None:
        """The last trip that ended."""
        return next((one for one in reversed(self.trips) if one.is_ended), None)


@record(frozen=True, slots=True, kw_only=True)
class Told:
    """A log after news, and what is new."""

    log: TripLog
    news: News = News()
    towed: tuple[Towing, ...] = ()


def take(
    log: TripLog,
    moments: Sequence[Moment],
    now: float,
    settings: TripSettings,
    vendors: Sequence[VendorTrip] = (),
) -> Told:
    """Return a log with news in it, and what follows at a time (Unix seconds)."""
    return at(put(log, moments, now, settings, vendors), now, log)


def put(
    log: TripLog,
    moments: Sequence[Moment],
    now: float,
    settings: TripSettings,
    vendors: Sequence[VendorTrip] = (),
) -> TripLog:
    """Return a log with news in it; `at` says what follows.

    The order of the moments makes no difference, nor whether they came before. What is
    older than the evidence changes no drive that was heard of.
    """
    if not vendors and len(moments) == 1 and _drives_on(log, moments[0], now, settings):
        return _with_moments(log, log.moments + pack(moments[0]), log.unfolded + 1)
    log = folded(log)
    if settings != log.settings:
        log = _refolded(replace(log, settings=settings), 0)
    if log.head.heard_at > now + WRONG_CLOCK_S:
        # The clock was set back: what was measured later than now was not.
        kept = position_of(log.moments, round(now * 1000))
        log = _refolded(replace(log, moments=log.moments[: kept * SIZE]), 0)
    believed = [one for one in moments if one.at >= now - LATEST_S]
    older = [one for one in believed if one.at <= log.base_at]
    log = _with_evidence(log, believed)
    if (size := count(log.moments)) > DROPPED_AT_ONCE:
        last_at = unpack(log.moments, size - 1).at
        if (drop := _needless(log.moments, last_at)) >= DROPPED_AT_ONCE:
            log = _shortened(log, drop, last_at)
    if older:
        log = _with_older(log, older, now)
    return _with_vendors_trips(log, vendors, now) if vendors else log


def _with_evidence(log: TripLog, moments: Sequence[Moment]) -> TripLog:
    """Return a log with moments in its evidence, those that are older left out."""
    if len(moments) > 1:
        log, moments = _with_late(log, moments)
    for moment in moments:
        log = _with_moment(log, moment)
    return log


def _with_older(log: TripLog, older: Sequence[Moment], now: float) -> TripLog:
    """Return a log with moments from before its evidence, where these may find trips."""
    news = between(older, log.trips)
    if not news:
        return log
    late = log.late or Late()
    before = late_log(log) or TripLog(settings=log.settings)
    times = [one.at for one in news]
    if before.moments:
        last = count(before.moments) - 1
        times += [unpack(before.moments, 0).at, unpack(before.moments, last).at]
    places = places_of(log.trips, min(times), max(times))
    after = _with_evidence(before, [*news, *places])
    if (drop := count(after.moments) - MOST_MOMENTS) > 0:
        after = _shortened(after, drop, now)
    if after.moments == late.moments:
        return log
    return replace(
        log,
        late=Late(
            base=after.base, base_at=after.base_at, moments=after.moments, log=after
        ),
    )


def late_log(log: TripLog) -> TripLog | None:
    """Return the evidence that came later than that of a log reaches back, if there is any."""
    late = log.late
    if late is None:
        return None
    if late.log is not None and late.log.settings == log.settings:
        return late.log
    remade = TripLog(
        base=late.base,
        base_at=late.base_at,
        moments=late.moments,
        settings=log.settings,
    )
    return _refolded(remade, 0)


def evidence_of(log: TripLog, found: FoundTrip) -> bytes:
    """Return the moments that a trip was found in."""
    late = log.late
    return late.moments if found.is_late and late is not None else log.moments


def _with_vendors_trips(
    log: TripLog, vendors: Sequence[VendorTrip], now: float
) -> TripLog:
    """Return a log with what the vendor tells of trips, if that is new."""
    oldest = max(log.base_at, now - LATEST_S)
    told = with_told(
        log.told_by_vendor or log.vendors,
        (
            replace(one, told_at=now)
            for one in vendors
            if oldest < max(one.begin, one.end) <= now + WRONG_CLOCK_S
            # It would be spread over each quarter of an hour of it.
            and one.end - one.begin <= LONGEST_S
            and (one.distance_m is None or one.distance_m >= 0)
        ),
    )
    if told is log.told_by_vendor:
        return log
    told = told[-MOST_TOLD:]
    return replace(
        log, told_by_vendor=told, vendors=those_that_count(told)[-MOST_TRIPS:]
    )


def _drives_on(
    log: TripLog, moment: Moment, now: float, settings: TripSettings
) -> bool:
    """Tell whether a moment says only that the trip that is told goes on."""
    head = log.head
    drive = head.drive
    if (
        drive is None
        or drive.carried_since is not None
        or head.key is False
        or head.locked is True
        or head.is_key_doubtful
        or log.unfolded >= FOLDED_AT_ONCE
        or log.running is None
        or settings != log.settings
    ):
        return False
    last_ms = unpack(log.moments, count(log.moments) - 1).at_ms
    return (
        moment.latitude != NO_PLACE
        and MOVING_KMH * 10 <= moment.speed != UNKNOWN
        and not moment.told & (OFF | LOCKED)
        and moment.at_ms > last_ms
        and moment.at - head.heard_at < FOLDED_WITHIN_S
        and now - moment.at < FOLDED_WITHIN_S
    )


def folded(log: TripLog) -> TripLog:
    """Return a log with all of its moments in its state."""
    if not log.unfolded:
        return log
    start = count(log.moments) - log.unfolded
    head, checkpoints = log.head, log.checkpoints
    if start // CHECKPOINT_EVERY != (count(log.moments) - 1) // CHECKPOINT_EVERY:
        checkpoints = (*checkpoints, Checkpoint(index=start, state=head))
    head = head.copy()
    for moment in unpacked(log.moments, start):
        head.add(moment, log.settings)
    return replace(log, head=head, unfolded=0, checkpoints=checkpoints)


def _with_moments(log: TripLog, moments: bytes, unfolded: int) -> TripLog:
    return TripLog(
        base=log.base,
        base_at=log.base_at,
        moments=moments,
        head=log.head,
        unfolded=unfolded,
        settings=log.settings,
        vendors=log.vendors,
        told_by_vendor=log.told_by_vendor,
        trips=log.trips,
        gone=log.gone,
        towings_told=log.towings_told,
        untold=log.untold,
        untold_at=log.untold_at,
        doubtful=log.doubtful,
        doubtful_at=log.doubtful_at,
        late=log.late,
        checkpoints=log.checkpoints,
    )


def at(log: TripLog, now: float, before: TripLog | None = None) -> Told:
    """Return what follows at a time, also from its passing alone.

    ``before`` is the log before the last news, to look only where something may be new.
    """
    told = _without_corrections(log, now, before)
    log, changed = told.log, told.news.changed
    if changed:
        waiting = {one.trip_id: one for one in (*changed, *log.untold)}
        log = replace(log, untold=tuple(waiting.values()), untold_at=now)
    # A clock may have been set back.
    elif not log.untold or 0 <= now - log.untold_at < QUIET_S:
        return told
    else:
        trips, corrected = corrections(log.trips, log.untold)
        log = replace(log, trips=trips, untold=())
        told = replace(told, news=replace(told.news, corrected=corrected))
    return replace(told, log=log)


def _without_corrections(log: TripLog, now: float, before: TripLog | None) -> Told:
    if before is not None and log.unfolded > before.unfolded:
        return Told(log=log)
    log = folded(log)
    head = log.head
    towed = _new_towings(log, now)
    if towed:
        log = replace(log, towings_told=(*log.towings_told, *towed)[-MOST_TOWINGS:])
    if before is not None and _goes_on(log, before, now):
        return Told(log=log, towed=towed)
    current = head.current(now, log.settings)
    if before is not None and _says_nothing_new(log, before, current):
        return Told(log=log, towed=towed)
    found = list(head.closed)
    if current is not None:
        found.append(current)
    if (late := late_log(log)) is not None:
        found += late_trips(late.head, found, log.trips, now, log.settings)
        found.sort(key=lambda one: (one.begin, one.until))
    if log.vendors:
        found = with_vendors(found, log.vendors)
    # What is older than the evidence stays as it was told. A trip whose end only what was
    # measured later makes certain is found once more.
    past: list[Trip] = []
    open_to_news: list[Trip] = []
    for one in log.trips:
        is_past = (
            one.is_ended
            and one.found.until <= log.base_at
            and not (late is not None and _is_open_to(late, one.found))
            and not any(
                it.begin < one.found.until and one.begin < it.until for it in found
            )
        )
        (past if is_past else open_to_news).append(one)
    trips, news = tell(tuple(open_to_news), found, log.gone)
    trips = (*past, *trips)
    if late is not None:
        trips = tuple(sorted(trips, key=lambda one: (one.begin, one.trip_id)))
    if trips != log.trips:
        log = replace(log, trips=trips)
    if news.removed or log.gone:
        shown = {one.trip_id for one in trips}
        gone = tuple(
            one
            for one in (*log.gone, *news.removed)
            if one.trip_id not in shown
            and (
                one.found.until > log.base_at
                or (late is not None and _is_open_to(late, one.found))
            )
        )
        if gone != log.gone:
            log = replace(log, gone=gone[-MOST_GONE:])
    return Told(log=log, news=news, towed=towed)


def _is_open_to(late: TripLog, told: FoundTrip) -> bool:
    """Tell whether late news says anew what a trip was: they found it, or nobody heard it."""
    if told.is_late:
        return told.until > late.base_at
    if TripFlag.ESTIMATED not in told.flags:
        return False
    since = told.begin if told.unheard_since is None else told.unheard_since
    first = position_of(late.moments, round(since * 1000) + 1)
    return first < position_of(late.moments, round(told.until * 1000))


def _goes_on(log: TripLog, before: TripLog, now: float) -> bool:
    """Tell whether it plainly stands as before, or drives as before."""
    head, earlier = log.head, before.head
    if (
        head.closed is not earlier.closed
        or log.vendors is not before.vendors
        or log.late is not before.late
    ):
        return False
    if head.drive is None:
        return earlier.drive is None
    running = log.running
    return (
        running is not None
        and not _reaches_into(log, running)
        and earlier.drive is not None
        and head.drive.begin == earlier.drive.begin == running.begin
        and head.drive.carried_since is None
        and head.key is not False
        and not head.locked
        and now - head.heard_at < SILENCE_S
    )


def _says_nothing_new(log: TripLog, before: TripLog, current: FoundTrip | None) -> bool:
    """Tell whether the same trips ended as before, and the same one is under way."""
    if (
        log.head.closed is not before.head.closed
        or log.vendors is not before.vendors
        or log.late is not before.late
    ):
        return False
    running = log.running
    if current is None:
        return running is None and not log.head.drive
    return (
        running is not None
        and current.end is None
        and not _reaches_into(log, running)
        and running.begin == current.begin
    )


def _reaches_into(log: TripLog, running: Trip) -> bool:
    """Tell whether a trip of the vendor reaches into the one that is under way."""
    return bool(log.vendors) and log.vendors[-1].end > running.begin


def _new_towings(log: TripLog, now: float) -> tuple[Towing, ...]:
    """Return the times of being carried that were not told. One is told once."""
    known = log.towings_told
    return tuple(
        one
        for one in log.head.towed_by(now)
        if not any(
            abs(one.begin - told.begin) < 3600
            and one.begin <= told.told_at
            or one.begin == told.begin
            for told in known
        )
    )


def _with_moment(log: TripLog, moment: Moment) -> TripLog:
    """Return a log with a moment in it."""
    moment_at = moment.at_ms / 1000
    if moment_at <= log.base_at:
        return log
    size = count(log.moments)
    last_ms = unpack(log.moments, size - 1).at_ms if size else 0
    if moment.at_ms > last_ms:
        return _appended(log, moment, size)
    index = position_of(log.moments, moment.at_ms)
    there = unpack(log.moments, index)
    if there.at_ms == moment.at_ms:
        joined = join(there, moment)
        if joined == there:
            return log
        packed = (
            log.moments[: index * SIZE]
            + pack(joined)
            + log.moments[(index + 1) * SIZE :]
        )
    else:
        packed = (
            log.moments[: index * SIZE] + pack(moment) + log.moments[index * SIZE :]
        )
    return _refolded(replace(log, moments=packed), index)


def _with_late(log: TripLog, moments: Sequence[Moment]) -> tuple[TripLog, list[Moment]]:
    """Return a log with those of some moments that are late, and the others in order."""
    size = count(log.moments)
    last_ms = unpack(log.moments, size - 1).at_ms if size else 0
    ordered = sorted(moments)
    late = [one for one in ordered if log.base_at < one.at and one.at_ms <= last_ms]
    later = [one for one in ordered if one.at_ms > last_ms]
    if not late:
        return log, later
    index = position_of(log.moments, late[0].at_ms)
    known = {one.at_ms: one for one in unpacked(log.moments, index)}
    for one in late:
        there = known.get(one.at_ms)
        known[one.at_ms] = one if there is None else join(there, one)
    packed = log.moments[: index * SIZE] + b"".join(
        pack(known[at_ms]) for at_ms in sorted(known)
    )
    if packed == log.moments:
        return log, later
    return _refolded(replace(log, moments=packed), index), later


def _appended(log: TripLog, moment: Moment, size: int) -> TripLog:
    """Return a log with a moment that is later than all others."""
    checkpoints, moments = log.checkpoints, log.moments
    if _stands_as_before(log, moment, size):
        moments = moments[:-SIZE]
        checkpoints = tuple(one for one in checkpoints if one.index < size)
    elif not size % CHECKPOINT_EVERY:
        checkpoints = (*checkpoints, Checkpoint(index=size, state=log.head))
    head = log.head.copy()
    head.add(moment, log.settings)
    moments += pack(moment)
    return TripLog(
        base=log.base,
        base_at=log.base_at,
        moments=moments,
        head=head,
        settings=log.settings,
        vendors=log.vendors,
        told_by_vendor=log.told_by_vendor,
        trips=log.trips,
        gone=log.gone,
        towings_told=log.towings_told,
        untold=log.untold,
        untold_at=log.untold_at,
        doubtful=log.doubtful,
        doubtful_at=log.doubtful_at,
        late=log.late,
        checkpoints=checkpoints,
    )


def _needless(moments: bytes, now: float) -> int:
    """Return how many of the oldest moments are too old or too many."""
    size = count(moments)
    if unpack(moments, 0).at >= now - EVIDENCE_S and size <= MOST_MOMENTS:
        return 0
    too_late = position_of(moments, round((now - LATEST_S) * 1000))
    old = position_of(moments, round((now - EVIDENCE_S) * 1000))
    needless = max(too_late, min(old, size - LEAST_MOMENTS), size - MOST_MOMENTS)
    return max(0, min(needless, size - 1))


def _stands_as_before(log: TripLog, moment: Moment, size: int) -> bool:
    """Tell whether a moment says of a parked vehicle what the last two said.

    The one in the middle says nothing beside them then, and is left out.
    """
    place = log.head.place
    if place is None or log.head.drive is not None or size < 2 or log.head.outside:
        return False
    last, one_before = unpack(log.moments, size - 1), unpack(log.moments, size - 2)
    return (
        moment.told == last.told == one_before.told
        and moment.odometer == last.odometer == one_before.odometer
        and one_before.at >= place.since
        and all(
            one.has_place
            and one.speed < MOVING_KMH * 10
            and metres(place.latitude, place.longitude, one.latitude, one.longitude)
            <= HOLD_M
            for one in (moment, last, one_before)
        )
    )


def _shortened(log: TripLog, drop: int, now: float) -> TripLog:
    """Return a log without the oldest moments, which are too old or too many.

    The trip that is under way stays whole: what it was so far is in the state.
    """
    base = log.base.copy()
    for moment in unpacked(log.moments[: drop * SIZE]):
        base.add(moment, log.settings)
    base_at = unpack(log.moments, drop - 1).at
    # A trip that reaches into what is kept may still be corrected.
    base.closed = tuple(one for one in base.closed if one.until > base_at)
    base.towings = ()
    return _refolded(
        replace(
            log,
            base=base,
            base_at=base_at,
            moments=log.moments[drop * SIZE :],
            vendors=tuple(one for one in log.vendors if one.end > base_at),
            told_by_vendor=tuple(
                one for one in log.told_by_vendor if max(one.begin, one.end) > base_at
            ),
            trips=log.trips[-MOST_TRIPS:],
            late=_late_within(log.late, now),
        ),
        0,
    )


def _late_within(late: Late | None, now: float) -> Late | None:
    """Return late news as long as any of it is not too old to be corrected."""
    if late is None or not late.moments:
        return None
    last = unpack(late.moments, count(late.moments) - 1).at
    return late if last >= now - LATEST_S else None


def _refolded(log: TripLog, index: int) -> TripLog:
    """Return a log with the states made anew from a moment on."""
    kept = [one for one in log.checkpoints if one.index <= index] if index else []
    start = kept[-1] if kept else Checkpoint(index=0, state=log.base)
    if not kept:
        kept = [start]
    state = start.state.copy()
    number = start.index
    for moment in unpacked(log.moments, number):
        if not number % CHECKPOINT_EVERY and number > start.index:
            kept.append(Checkpoint(index=number, state=state.copy()))
        state.add(moment, log.settings)
        number += 1
    return replace(log, head=state, checkpoints=tuple(kept))


def with_past_trip(log: TripLog, trip: Trip) -> TripLog:
    """Return a log that remembers a trip from before all that it knows, where it has none."""
    if log.last_ended is not None:
        return log
    begins = [unpack(log.moments, 0).at] if log.moments else []
    if any(trip.found.until > begin for begin in begins):
        return log
    return replace(
        log, trips=(trip, *log.trips), base_at=max(log.base_at, trip.found.until)
    )


def changes_at(log: TripLog, now: float) -> float | None:
    """Return when time alone may change something next, None if it cannot."""
    times = [log.head.changes_at(log.settings, now)]
    if log.untold:
        times.append(log.untold_at + QUIET_S)
    return min((one for one in times if one is not None), default=None)


def metres_since(log: TripLog, begin: float) -> float:
    """Return how far it drove since a time at the begin of a quarter of an hour."""
    first = int(begin // QUARTER_S)
    driven = sum(
        part
        for trip in log.trips
        if trip.found.until > begin and trip.found.end is not None
        for quarter, part in trip.found.quarters
        if quarter >= first
    )
    running = log.running
    drive = log.head.drive
    if running is not None and drive is not None:
        driven += sum(part for quarter, part in drive.driven() if quarter >= first)
    return driven
