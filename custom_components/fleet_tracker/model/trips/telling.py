"""The occurrences of trips: a vendor's own ones win, identities outlive corrections.

Pure. `fold` says which trips were made, as far as is known now. This compares it with what
was told before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter

from ..record import record, replace
from .fold import spread
from .trip import QUARTER_S, DistanceSource, FoundTrip, Trip, TripSource, VendorTrip

COVERED = 0.5
FASTEST_MS = 200 / 3.6
SLOWEST_MS = 0.2 / 3.6
THOUSAND = 1000.0
WRONG_BY_A_THOUSAND = (300.0, 3000.0)
LEAST_GUESSED_MS = 5 / 3.6
"""Nobody knows that a distance is wrong by a thousand where it would be slower then."""
SAME_BEGIN_S = 60.0
AT_ONCE = 1.1
SHIFTED_S = 30.0
SHIFTED_M = 50.0
SHIFTED_PART = 0.01
_BEGIN = attrgetter("begin")
_END = attrgetter("end")


@record(frozen=True, slots=True, kw_only=True)
class News:
    """What is new: trips that began, ended, were corrected, or are gone.

    ``changed`` are trips whose end was told and that are others now, as they were before.
    """

    started: tuple[Trip, ...] = ()
    ended: tuple[Trip, ...] = ()
    corrected: tuple[Trip, ...] = ()
    removed: tuple[Trip, ...] = ()
    changed: tuple[Trip, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is new."""
        return bool(
            self.started or self.ended or self.corrected or self.removed or self.changed
        )


class Spans[T]:
    """Things that last for a while, by their times: which of them overlap a time."""

    def __init__(
        self, items: Iterable[T], span: Callable[[T], tuple[float, float]]
    ) -> None:
        """Initialize with things in the order of their begins, and how long each lasts."""
        self._items = [(*span(one), one) for one in items]
        self._begins = [begin for begin, _, _ in self._items]
        self._ends = list(accumulate((end for _, end, _ in self._items), max))

    def at(self, begin: float, end: float) -> Iterator[tuple[int, T]]:
        """Yield what overlaps or touches a time, with its number, the latest first."""
        number = bisect_right(self._begins, end) - 1
        while number >= 0 and self._ends[number] >= begin:
            _, until, item = self._items[number]
            if until >= begin:
                yield number, item
            number -= 1


def _spans_of(trips: Iterable[FoundTrip]) -> Spans[FoundTrip]:
    ordered = sorted(trips, key=lambda trip: (trip.begin, trip.until))
    return Spans(ordered, lambda trip: (trip.begin, trip.until))


# --- a vendor's own trips -----------------------------------------------------------------


def with_told(
    known: tuple[VendorTrip, ...], told: Iterable[VendorTrip]
) -> tuple[VendorTrip, ...]:
    """Return all that a vendor ever told of trips, with what is new, in the order of time.

    What was told before is a repeat, also after it was corrected.
    """
    by_content = {_content(one): one for one in (*told, *known)}
    if len(by_content) == len(known):
        return known
    return tuple(sorted(by_content.values(), key=_content))


def those_that_count(told: Iterable[VendorTrip]) -> tuple[VendorTrip, ...]:
    """Return of all that a vendor told the trips that count, in the order of time.

    Two that overlap by half are the same one, told twice: the one with a distance counts,
    then the one that was told last, then the longer. So the order makes no difference
    where they were told at once.
    """
    counted: list[VendorTrip] = []
    taken_back: list[float] = []
    for one in sorted(told, key=_worth, reverse=True):
        if any(abs(one.begin - begin) <= SAME_BEGIN_S for begin in taken_back):
            continue
        if _takes_back(one):
            taken_back.append(one.begin)
            continue
        # No two that count are the same, so that their ends are in order too.
        first = bisect_right(counted, one.begin, key=_END)
        behind = bisect_left(counted, one.end, first, key=_BEGIN)
        if not any(_are_same(other, one) for other in counted[first:behind]):
            counted.insert(bisect_right(counted, one.begin, key=_BEGIN), one)
    return tuple(counted)


def _takes_back(told: VendorTrip) -> bool:
    return told.end <= told.begin or told.distance_m == 0


def _content(trip: VendorTrip) -> tuple[float, ...]:
    values = (trip.distance_m, trip.idle_s, trip.top_speed, trip.consumption)
    return (trip.begin, trip.end, *(-1.0 if one is None else one for one in values))


def _worth(trip: VendorTrip) -> tuple[bool, float, float, tuple[float, ...]]:
    return (
        trip.distance_m is not None or _takes_back(trip),
        trip.told_at,
        trip.end - trip.begin,
        (-trip.begin, *_content(trip)[2:]),
    )


def _are_same(one: VendorTrip, other: VendorTrip) -> bool:
    shorter = min(one.end - one.begin, other.end - other.begin)
    return _overlap(one.begin, one.end, other.begin, other.end) >= COVERED * shorter


def with_vendors(
    derived: Sequence[FoundTrip], told: Iterable[VendorTrip]
) -> list[FoundTrip]:
    """Return trips with those of the vendor in place of what they cover.

    A derived trip gives way where the vendor's cover half of it. What is left of one that
    they cover less stays, and begins or ends where theirs does. A trip of the vendor that
    lies within a longer derived one says nothing beside it. Of two that overlap the later
    one begins where the other ends.
    """
    spans = _spans_of(derived)
    believed = [
        (one, distance)
        for one in sorted(told)
        if (distance := _believed_distance(one, spans)) is not None
    ]
    vendors = Spans(believed, lambda one: (one[0].begin, one[0].end))
    kept: list[FoundTrip] = []
    covered_in: list[FoundTrip] = []
    for trip in derived:
        covered = sum(
            _overlap(trip.begin, trip.until, one.begin, one.end)
            for _, (one, _) in vendors.at(trip.begin, trip.until)
        )
        # Of one that nobody heard of, the vendor knows when it was.
        is_told = trip.unheard_since is not None and any(
            min(one.end, trip.until) - max(one.begin, trip.unheard_since)
            >= COVERED * (one.end - one.begin)
            for _, (one, _) in vendors.at(trip.unheard_since, trip.until)
        )
        if is_told or covered >= COVERED * max(trip.until - trip.begin, 1.0):
            covered_in.append(trip)
        else:
            kept.append(trip)
    stays, gives_way = _spans_of(kept), _spans_of(covered_in)
    trips: list[FoundTrip] = []
    for one, distance in believed:
        length = one.end - one.begin
        replaced = [
            trip
            for _, trip in gives_way.at(one.begin, one.end)
            if _overlap(trip.begin, trip.until, one.begin, one.end) > 0
        ]
        if not replaced and any(
            _overlap(trip.begin, trip.until, one.begin, one.end) >= COVERED * length
            for _, trip in stays.at(one.begin, one.end)
        ):
            continue
        trips.append(_of_vendor(one, distance, replaced[::-1]))
    trips = _one_after_the_other(trips, spans)
    of_vendor = _spans_of(trips)
    for trip in kept:
        others = [one for _, one in of_vendor.at(trip.begin, trip.until)]
        cut = _outside_of(trip, others[::-1])
        if cut is not None:
            trips.append(cut)
    return sorted(trips, key=lambda trip: (trip.begin, trip.until))


def _believed_distance(told: VendorTrip, derived: Spans[FoundTrip]) -> float | None:
    """Return the distance of a vendor's trip in metres, None for one that cannot be.

    Vendors mistake kilometres for metres. Where that is so, the distance is right after a
    step of a thousand.
    """
    seconds = told.end - told.begin
    found = sum(
        trip.distance_m
        for _, trip in derived.at(told.begin, told.end)
        if _overlap(trip.begin, trip.until, told.begin, told.end)
        >= COVERED * max(trip.until - trip.begin, 1.0)
    )
    distance = told.distance_m
    if distance is None:
        return found or None
    if distance <= 0:
        return None
    low, high = WRONG_BY_A_THOUSAND
    if found and low <= distance / found <= high:
        distance /= THOUSAND
    elif found and low <= found / distance <= high:
        distance *= THOUSAND
    elif not found and distance > FASTEST_MS * seconds:
        distance /= THOUSAND
        if distance < LEAST_GUESSED_MS * seconds:
            return None
    if not SLOWEST_MS * seconds < distance <= FASTEST_MS * seconds:
        return None
    return distance


def _of_vendor(
    told: VendorTrip, distance: float, inside: Sequence[FoundTrip]
) -> FoundTrip:
    """Return a vendor's trip, with what the ones that it replaces know beside."""
    first, last = (inside[0], inside[-1]) if inside else (None, None)
    idle = told.idle_s
    if idle is None:
        idle = sum(trip.idle_s for trip in inside)
    parts = [part for trip in inside for part in trip.quarters]
    way = sum(metres for _, metres in parts)
    return FoundTrip(
        begin=told.begin,
        end=told.end,
        last=told.end,
        distance_m=distance,
        idle_s=min(idle, told.end - told.begin),
        top_speed=told.top_speed
        or max((trip.top_speed or 0 for trip in inside), default=0)
        or None,
        source=TripSource.VENDOR,
        distance_source=DistanceSource.VENDOR
        if told.distance_m is not None
        else DistanceSource.WAY,
        odometer_begin_m=first.odometer_begin_m if first else None,
        odometer_end_m=last.odometer_end_m if last else None,
        begin_latitude=first.begin_latitude if first else None,
        begin_longitude=first.begin_longitude if first else None,
        end_latitude=last.end_latitude if last else None,
        end_longitude=last.end_longitude if last else None,
        consumption=told.consumption,
        quarters=tuple((one, part * distance / way) for one, part in parts)
        if way
        else spread(told.begin, told.end, distance),
    )


def _one_after_the_other(
    trips: Iterable[FoundTrip], derived: Spans[FoundTrip]
) -> list[FoundTrip]:
    """Return a vendor's trips without the time that two of them share.

    The metres of that time count once, unless both together are no more than what it drove.
    """
    apart: list[FoundTrip] = []
    for trip in trips:
        before = apart[-1] if apart else None
        cut = trip if before is None else _outside_of(trip, (before,))
        if cut is None:
            continue
        if before is not None and cut is not trip:
            both = before.distance_m + trip.distance_m
            driven = sum(
                one.distance_m
                * _overlap(one.begin, one.until, before.begin, trip.until)
                / max(one.until - one.begin, 1.0)
                for _, one in derived.at(before.begin, trip.until)
            )
            if both <= AT_ONCE * driven:
                more = trip.distance_m / cut.distance_m
                cut = replace(
                    cut,
                    distance_m=trip.distance_m,
                    quarters=tuple((one, part * more) for one, part in cut.quarters),
                )
        apart.append(cut)
    return apart


def _outside_of(trip: FoundTrip, others: Iterable[FoundTrip]) -> FoundTrip | None:
    """Return what of a trip lies outside of others, None if nothing does."""
    begin, until = trip.begin, trip.until
    for other in others:
        if other.begin <= begin < other.until:
            begin = other.until
        elif begin < other.begin < until <= other.until:
            until = other.begin
    if until <= begin:
        return None
    if (begin, until) == (trip.begin, trip.until):
        return trip
    quarters = _between(trip, begin, until)
    share = (until - begin) / (trip.until - trip.begin)
    if (whole := sum(part for _, part in trip.quarters)) > 0:
        share = sum(part for _, part in quarters) / whole
    if share <= 0:
        return None
    is_from_begin, is_to_end = begin == trip.begin, until == trip.until
    return replace(
        trip,
        begin=begin,
        end=None if trip.end is None else until,
        last=until,
        distance_m=trip.distance_m * share,
        idle_s=min(trip.idle_s, until - begin),
        quarters=quarters,
        odometer_begin_m=trip.odometer_begin_m if is_from_begin else None,
        odometer_end_m=trip.odometer_end_m if is_to_end else None,
        begin_latitude=trip.begin_latitude if is_from_begin else None,
        begin_longitude=trip.begin_longitude if is_from_begin else None,
        end_latitude=trip.end_latitude if is_to_end else None,
        end_longitude=trip.end_longitude if is_to_end else None,
    )


def _between(
    trip: FoundTrip, begin: float, until: float
) -> tuple[tuple[int, float], ...]:
    """Return the metres of a trip in the quarters of an hour between two times."""
    parts = []
    for quarter, part in trip.quarters:
        since = max(trip.begin, quarter * QUARTER_S)
        end = min(trip.until, (quarter + 1) * QUARTER_S)
        of_it = _overlap(since, end, begin, until) / max(end - since, 1e-3)
        if of_it > 0:
            parts.append((quarter, part * of_it))
    return tuple(parts)


# --- identities, and what is new -----------------------------------------------------------


def tell(
    told: tuple[Trip, ...], found: Sequence[FoundTrip], gone: Sequence[Trip] = ()
) -> tuple[tuple[Trip, ...], News]:
    """Return the trips that are shown from now on, and the changes to fire events for.

    The trip that overlaps one most keeps its identity. An end is told once, whatever is
    corrected later. ``gone`` are trips that were told and became none: one that is found
    again is not new.
    """
    # The end that was told of the running one may be long ago.
    told = tuple(sorted(told, key=lambda one: _since(one.found)))
    before_it = Spans(told, lambda one: (_since(one.found), one.found.until))
    pairs = sorted(
        (
            (overlap, -one.begin, number, index)
            for index, trip in enumerate(found)
            for number, one in before_it.at(trip.begin, trip.until)
            if (overlap := _shared(one.found, trip)) > 0
        ),
        reverse=True,
    )
    old_of: dict[int, Trip] = {}
    taken: set[int] = set()
    touching: dict[int, list[Trip]] = {}
    for _, _, number, index in pairs:
        touching.setdefault(index, []).append(told[number])
        if index not in old_of and number not in taken:
            old_of[index] = told[number]
            taken.add(number)
    kept = {one.trip_id for one in old_of.values()}
    now: list[Trip] = []
    started, ended, changed = [], [], []
    ids = {one.trip_id for one in (*told, *gone)}
    forgotten = [one for one in gone if one.trip_id not in {it.trip_id for it in told}]
    for index, trip in enumerate(found):
        before = old_of.get(index)
        if before is None and (before := _found_again(trip, forgotten)) is not None:
            forgotten.remove(before)
        others = tuple(
            one.trip_id
            for one in touching.get(index, ())
            if before is None or one.trip_id != before.trip_id
        )
        is_ended = trip.end is not None
        if before is None:
            after = Trip(
                trip_id=_new_id(trip, ids),
                found=trip,
                is_ended=is_ended,
                parents=others,
            )
            ids.add(after.trip_id)
            started.append(after)
            if is_ended:
                ended.append(after)
        elif not others and is_ended == before.is_ended and trip == before.found:
            after = before
        else:
            absorbed = tuple(
                one for one in others if one not in before.parents and one not in kept
            )
            after = replace(
                before,
                found=trip,
                is_ended=before.is_ended or is_ended,
                parents=(*before.parents, *absorbed),
            )
            if is_ended and not before.is_ended:
                ended.append(after)
            elif is_ended:
                changed.append(before)
            elif before.is_ended and not is_ended:
                # It goes on after all. Until it ends, its end is the one that was told.
                after = replace(before, parents=after.parents)
        now.append(after)
    removed = tuple(one for number, one in enumerate(told) if number not in taken)
    now.sort(key=lambda trip: (trip.begin, trip.trip_id))
    return tuple(now), News(
        started=tuple(started),
        ended=tuple(ended),
        removed=removed,
        changed=tuple(changed),
    )


def _found_again(found: FoundTrip, gone: Iterable[Trip]) -> Trip | None:
    """Return the trip that was told, became none, and is the same as one that is found."""
    shared = {
        one.trip_id: (_shared(one.found, found), one)
        for one in gone
        if _shared(one.found, found)
        >= COVERED * min(found.until - found.begin, one.found.until - _since(one.found))
    }
    return max(shared.values(), key=lambda it: it[0])[1] if shared else None


def corrections(
    trips: tuple[Trip, ...], told: Iterable[Trip]
) -> tuple[tuple[Trip, ...], tuple[Trip, ...]]:
    """Return trips with new revisions where they differ from what was told, and these."""
    before = {one.trip_id: one for one in told}
    now: list[Trip] = []
    corrected: list[Trip] = []
    for trip in trips:
        one = before.get(trip.trip_id)
        if one is not None and (
            one.parents != trip.parents or _is_corrected(one.found, trip.found)
        ):
            trip = replace(trip, revision=trip.revision + 1)
            corrected.append(trip)
        now.append(trip)
    return tuple(now), tuple(corrected)


def _new_id(trip: FoundTrip, taken: set[str]) -> str:
    """Return an identity that the vehicle's other trips do not have: the time of its begin."""
    second = int(trip.begin)
    while str(second) in taken:
        second += 1
    return str(second)


def _is_corrected(before: FoundTrip, after: FoundTrip) -> bool:
    """Tell whether a trip that was told differs by enough to be told again."""
    return (
        before.source != after.source
        or abs(before.begin - after.begin) >= SHIFTED_S
        or abs(before.until - after.until) >= SHIFTED_S
        or abs(before.distance_m - after.distance_m)
        >= max(SHIFTED_M, SHIFTED_PART * before.distance_m)
    )


def _shared(one: FoundTrip, other: FoundTrip) -> float:
    """Return for how many seconds two trips overlap, a moment at least where they touch.

    One that was told and not heard of may have been at any time of the silence.
    """
    begin = _since(one)
    if other.begin > one.until or begin > other.until:
        return 0.0
    return max(_overlap(begin, one.until, other.begin, other.until), 0.001)


def _since(trip: FoundTrip) -> float:
    """Return when a trip can have begun."""
    return trip.begin if trip.unheard_since is None else trip.unheard_since


def _overlap(begin: float, end: float, other_begin: float, other_end: float) -> float:
    return max(0.0, min(end, other_end) - max(begin, other_begin))
