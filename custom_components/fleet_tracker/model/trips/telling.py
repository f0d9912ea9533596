"""The occurrences of trips: what is new beside what was told before.

Pure. `fold` and `vendor_trips` say which trips were made, as far as is known now. The
identity of a trip outlives corrections.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..record import record, replace
from .spans import Spans, overlap
from .trip import FoundTrip, Trip
from .vendor_trips import COVERED, is_other_distance, is_shifted


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
            (shared, -one.begin, number, index)
            for index, trip in enumerate(found)
            for number, one in before_it.at(trip.begin, trip.until)
            if (shared := _shared(one.found, trip)) > 0
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
        or is_shifted(before.begin, after.begin)
        or is_shifted(before.until, after.until)
        or is_other_distance(before.distance_m, after.distance_m)
    )


def _shared(one: FoundTrip, other: FoundTrip) -> float:
    """Return for how many seconds two trips overlap, a moment at least where they touch.

    One that was told and not heard of may have been at any time of the silence.
    """
    begin = _since(one)
    if other.begin > one.until or begin > other.until:
        return 0.0
    return max(overlap(begin, one.until, other.begin, other.until), 0.001)


def _since(trip: FoundTrip) -> float:
    """Return when a trip can have begun."""
    return trip.begin if trip.unheard_since is None else trip.unheard_since
