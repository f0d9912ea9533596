"""News that is older than the evidence: folded on its own, between the trips that were told.

Pure. What was told of a drive that was heard of stays. Where it stood, or where nobody knew
how it drove, late news may find trips.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..record import replace
from .fold import LEAST_WAY_M, Fold, TripSettings
from .moments import Moment, moment
from .spans import overlap
from .trip import FoundTrip, Trip, TripFlag
from .vendor_trips import outside_of, spans_of


def between(late: Iterable[Moment], trips: Sequence[Trip]) -> list[Moment]:
    """Return those of late moments that belong to none of the trips that were told.

    Only so many trips are remembered. A moment from before these may be of one that was
    told and forgotten.
    """
    if not trips:
        return []
    known_since = trips[0].found.until
    settled = spans_of(one.found for one in trips if _is_settled(one))
    return [
        one
        for one in late
        if one.at > known_since and next(settled.at(one.at, one.at), None) is None
    ]


def places_of(trips: Iterable[Trip], begin: float, end: float) -> list[Moment]:
    """Return where trips began and ended: those of a period, and one before and behind it."""
    first: Moment | None = None
    last: Moment | None = None
    found: list[Moment] = []
    for trip in trips:
        one = trip.found
        if one.is_late:
            continue
        began = one.begin if one.unheard_since is None else one.unheard_since
        left = moment(began, latitude=one.begin_latitude, longitude=one.begin_longitude)
        reached = moment(
            one.until, latitude=one.end_latitude, longitude=one.end_longitude
        )
        for place, is_known in ((left, True), (reached, trip.is_ended)):
            if not place.has_place or not is_known:
                continue
            if place.at < begin:
                first = place if first is None else max(first, place)
            elif place.at > end:
                last = place if last is None else min(last, place)
            else:
                found.append(place)
    around = (one for one in (first, last) if one is not None)
    return [*found, *around]


def late_trips(
    state: Fold,
    found: Sequence[FoundTrip],
    told: Iterable[Trip],
    now: float,
    settings: TripSettings,
) -> list[FoundTrip]:
    """Return what was driven by the state of late news, beside all else.

    ``found`` are the trips of the evidence, ``told`` those that were told.
    """
    then = state.copy()
    then.let_pass(now, settings, is_silent=True)
    others = spans_of([*found, *(one.found for one in told if _is_settled(one))])
    late: list[FoundTrip] = []
    for trip in then.closed:
        around = [one for _, one in others.at(trip.begin, trip.until)][::-1]
        cut = outside_of(trip, around)
        if (
            cut is not None
            and cut.distance_m >= LEAST_WAY_M
            and not any(
                overlap(cut.begin, cut.until, one.begin, one.until) > 0
                for one in around
            )
        ):
            late.append(replace(cut, is_late=True))
    return late


def _is_settled(trip: Trip) -> bool:
    """Tell whether a trip was heard of when it was made, so that late news adds nothing."""
    return not trip.found.is_late and TripFlag.ESTIMATED not in trip.found.flags
