"""A vendor's own trips: those that count, in place of what they cover of the found ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter

from ..record import replace
from .spans import Spans, overlap
from .trip import QUARTER_S, DistanceSource, FoundTrip, TripSource, VendorTrip, spread

COVERED = 0.5
"""Trips that share so much of the shorter one's time are the same."""
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
"""A begin, an end or a distance that differs by less is the same."""
_BEGIN = attrgetter("begin")
_END = attrgetter("end")


def spans_of(trips: Iterable[FoundTrip]) -> Spans[FoundTrip]:
    """Return trips by their times."""
    ordered = sorted(trips, key=lambda trip: (trip.begin, trip.until))
    return Spans(ordered, lambda trip: (trip.begin, trip.until))


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
    backs: list[VendorTrip] = []
    for one in sorted(told, key=_worth, reverse=True):
        if any(_is_taken_back(one, back) for back in backs):
            continue
        if _takes_back(one):
            backs.append(one)
            continue
        # No two that count are the same, so that their ends are in order too.
        first = bisect_right(counted, one.begin, key=_END)
        behind = bisect_left(counted, one.end, first, key=_BEGIN)
        if not any(_are_same(other, one) for other in counted[first:behind]):
            counted.insert(bisect_right(counted, one.begin, key=_BEGIN), one)
    return tuple(counted)


def _takes_back(told: VendorTrip) -> bool:
    return told.end <= told.begin or told.distance_m == 0


def _is_taken_back(told: VendorTrip, back: VendorTrip) -> bool:
    """Tell whether what takes a trip back is about one that was told before."""
    if abs(told.begin - back.begin) <= SAME_BEGIN_S:
        return True
    shared = overlap(told.begin, told.end, back.begin, back.end)
    return shared > 0 and shared >= COVERED * (told.end - told.begin)


def _content(trip: VendorTrip) -> tuple[float, ...]:
    values = (
        trip.distance_m,
        trip.idle_s,
        trip.top_speed,
        trip.consumption,
        trip.listed_at,
    )
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
    return overlap(one.begin, one.end, other.begin, other.end) >= COVERED * shorter


def is_shifted(before: float, after: float) -> bool:
    """Tell whether a begin or an end is another one."""
    return abs(before - after) >= SHIFTED_S


def is_other_distance(before: float, after: float) -> bool:
    """Tell whether a distance in metres is another one."""
    return abs(before - after) >= max(SHIFTED_M, SHIFTED_PART * before)


def news_of_list(
    counted: Sequence[VendorTrip], listed: Iterable[VendorTrip], now: float
) -> list[VendorTrip]:
    """Return what of a vendor's list differs from those of its trips that count.

    What it told by itself and lists now too is news once: from then on it can be missing.
    """
    news: list[VendorTrip] = []
    for one in those_that_count(listed):
        known = _same_as(one, counted)
        if known is None or (
            is_shifted(known.begin, one.begin)
            or is_shifted(known.end, one.end)
            or (
                one.distance_m is not None
                and (
                    known.distance_m is None
                    or is_other_distance(known.distance_m, one.distance_m)
                )
            )
        ):
            news.append(replace(one, listed_at=now))
        elif known.listed_at is None:
            news.append(replace(known, listed_at=now))
    return news


def missing_in_list(
    counted: Iterable[VendorTrip],
    listed: Iterable[VendorTrip],
    begin: float,
    end: float,
) -> list[VendorTrip]:
    """Return trips of a period that a vendor listed once, and that its list has no more."""
    shown = those_that_count(listed)
    return [
        one
        for one in counted
        if one.listed_at is not None
        and begin <= one.begin
        and one.end <= end
        and _same_as(one, shown) is None
    ]


def taken_back(trip: VendorTrip, now: float) -> VendorTrip:
    """Return what says that a trip was none."""
    return VendorTrip(begin=trip.begin, end=trip.end, distance_m=0, listed_at=now)


def _same_as(one: VendorTrip, others: Iterable[VendorTrip]) -> VendorTrip | None:
    """Return the trip that is the same as one and shares the most time with it."""
    same = [other for other in others if _are_same(one, other)]
    return max(
        same,
        key=lambda other: overlap(one.begin, one.end, other.begin, other.end),
        default=None,
    )


def with_vendors(
    derived: Sequence[FoundTrip], told: Iterable[VendorTrip]
) -> list[FoundTrip]:
    """Return trips with those of the vendor in place of what they cover.

    A derived trip gives way where the vendor's cover half of it. What is left of one that
    they cover less stays, and begins or ends where theirs does. A trip of the vendor that
    lies within a longer derived one says nothing beside it. Of two that overlap the later
    one begins where the other ends.
    """
    spans = spans_of(derived)
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
            overlap(trip.begin, trip.until, one.begin, one.end)
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
    stays, gives_way = spans_of(kept), spans_of(covered_in)
    trips: list[FoundTrip] = []
    for one, distance in believed:
        length = one.end - one.begin
        replaced = [
            trip
            for _, trip in gives_way.at(one.begin, one.end)
            if overlap(trip.begin, trip.until, one.begin, one.end) > 0
        ]
        if not replaced and any(
            overlap(trip.begin, trip.until, one.begin, one.end) >= COVERED * length
            for _, trip in stays.at(one.begin, one.end)
        ):
            continue
        around = vendors.at(
            min([one.begin, *(trip.begin for trip in replaced)]),
            max([one.end, *(trip.until for trip in replaced)]),
        )
        beside = [other for _, (other, _) in around if other is not one]
        trips.append(_of_vendor(one, distance, replaced[::-1], beside))
    trips = _one_after_the_other(trips, spans)
    of_vendor = spans_of(trips)
    for trip in kept:
        others = [one for _, one in of_vendor.at(trip.begin, trip.until)]
        cut = outside_of(trip, others[::-1])
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
        if overlap(trip.begin, trip.until, told.begin, told.end)
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
    told: VendorTrip,
    distance: float,
    inside: Sequence[FoundTrip],
    others: Sequence[VendorTrip],
) -> FoundTrip:
    """Return a vendor's trip, with what the ones that it replaces know beside.

    ``others`` are the vendor's trips around it. Of a drive that the vendor takes for several
    only the first knows how it began, and only the last how it ended.
    """
    first, last = (inside[0], inside[-1]) if inside else (None, None)
    if first is not None and (
        first.begin < told.begin - SAME_BEGIN_S
        or any(first.begin < one.end <= told.begin for one in others)
    ):
        first = None
    if last is not None and (
        last.until > told.end + SAME_BEGIN_S
        or any(told.end <= one.begin < last.until for one in others)
    ):
        last = None
    begin_place, end_place = told.begin_place, told.end_place
    if begin_place is None and first is not None:
        begin_place = _place(first.begin_latitude, first.begin_longitude)
    if end_place is None and last is not None:
        end_place = _place(last.end_latitude, last.end_longitude)
    idle = told.idle_s
    if idle is None:
        idle = sum(trip.idle_s for trip in inside)
    parts = [part for trip in inside for part in _between(trip, told.begin, told.end)]
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
        begin_latitude=begin_place[0] if begin_place else None,
        begin_longitude=begin_place[1] if begin_place else None,
        end_latitude=end_place[0] if end_place else None,
        end_longitude=end_place[1] if end_place else None,
        consumption=told.consumption,
        quarters=tuple((one, part * distance / way) for one, part in parts)
        if way
        else spread(told.begin, told.end, distance),
    )


def _place(
    latitude: float | None, longitude: float | None
) -> tuple[float, float] | None:
    return None if latitude is None or longitude is None else (latitude, longitude)


def _one_after_the_other(
    trips: Iterable[FoundTrip], derived: Spans[FoundTrip]
) -> list[FoundTrip]:
    """Return a vendor's trips without the time that two of them share.

    The metres of that time count once, unless both together are no more than what it drove.
    """
    apart: list[FoundTrip] = []
    for trip in trips:
        before = apart[-1] if apart else None
        cut = trip if before is None else outside_of(trip, (before,))
        if cut is None:
            continue
        if before is not None and cut is not trip:
            both = before.distance_m + trip.distance_m
            driven = sum(
                one.distance_m
                * overlap(one.begin, one.until, before.begin, trip.until)
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


def outside_of(trip: FoundTrip, others: Iterable[FoundTrip]) -> FoundTrip | None:
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
        of_it = overlap(since, end, begin, until) / max(end - since, 1e-3)
        if of_it > 0:
            parts.append((quarter, part * of_it))
    return tuple(parts)
