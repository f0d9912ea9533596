"""What is known of a vehicle's past without asking its vendor.

First what was kept and found: trips, their routes, and the evidence of the last 36 hours.
What is older than that, or from before it was kept, is looked up in the recorder.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

from homeassistant.util import dt as dt_util

from ...account.coordinator import FleetCoordinator
from ...account.trips.own import OwnTrip
from ...contract.errors import CommandUnsupported, VendorError
from ...contract.history import Distance, Place, RoutePoint, Stop, not_told
from ...model.trips.log import TripLog
from ...model.trips.moments import (
    OFF,
    ON,
    UNKNOWN,
    Moment,
    count,
    position_of,
    unpack,
    unpacked,
)
from ...model.trips.trip import QUARTER_S, FoundTrip
from ...model.vehicle import FixKind, Occurrence
from .known_trip import RECORDED, KnownTrip, of_found
from .recorded import MOST_STATES, RecordedPast
from .way import Way, thinned_way, way_of

BEFORE = timedelta(days=7)
"""How far before a time one looks for the trip that ended where a vehicle stands."""
AROUND = timedelta(days=1)
"""How far around its begin one looks for a trip in the recorder."""
SHIFTED = timedelta(minutes=10)
"""By how much the begin of a trip that is found there may differ."""
LONGEST_TIME = 10
_DEGREE = 1e-7


class OwnPast:
    """The past of one vehicle as we know it ourselves."""

    def __init__(self, coordinator: FleetCoordinator, vehicle_id: str) -> None:
        """Initialize with the vehicle."""
        self._coordinator = coordinator
        self._vehicle_id = vehicle_id
        self._recorded = RecordedPast(coordinator, vehicle_id)

    @property
    def _log(self) -> TripLog:
        vehicle = self._coordinator.vehicle(self._vehicle_id)
        return TripLog() if vehicle is None else vehicle.trips

    # --- trips ------------------------------------------------------------------------------

    async def async_trips(self, begin: datetime, end: datetime) -> list[KnownTrip]:
        """Return the trips of a time, the earliest first; the last one may be under way."""
        log, own_trips = self._log, self._coordinator.own_trips
        with readable():
            own = await own_trips.async_trips(begin, end, (self._vehicle_id,))
        ordered = [of_own(one) for one in own.get(self._vehicle_id, ())]
        since = min((_known_since(log), *(one.begin for one in ordered)))
        found = [one for one in ordered if begin < one.end and one.begin < end]
        if begin < since:
            recorded = await self._recorded.async_trips(
                begin, min(since, end), log.settings
            )
            found[:0] = [of_found(one, is_recorded=True) for one in recorded]
        return found

    async def async_trip(self, trip_id: str | None) -> KnownTrip | None:
        """Return a trip by its identity; without one, the running or else the last trip."""
        if trip_id is not None and trip_id.startswith(RECORDED):
            return await self._async_recorded_trip(trip_id)
        with readable():
            found = await self._coordinator.own_trips.async_trip(
                self._vehicle_id, trip_id
            )
        return None if found is None else of_own(found)

    async def _async_recorded_trip(self, trip_id: str) -> KnownTrip | None:
        """Return a trip that is found again in the recorder."""
        seconds = trip_id.removeprefix(RECORDED)
        if not seconds.isdecimal() or len(seconds) > LONGEST_TIME:
            return None
        began = _time(float(seconds))
        found = await self._recorded.async_trips(
            began - AROUND, began + AROUND, self._log.settings
        )
        trips = [of_found(one, is_recorded=True) for one in found]
        near = [one for one in trips if abs(one.begin - began) <= SHIFTED]
        return min(near, key=lambda one: abs(one.begin - began), default=None)

    async def async_way(self, trip: KnownTrip, *, is_thinned: bool = True) -> Way:
        """Return the way of a trip: by the evidence with its speeds, else as it was kept.

        Where it was not kept, it is as recorded. One that was kept is always thinned.
        """
        if trip.kept is not None and trip.begin < _known_since(self._log):
            with readable():
                route = await self._coordinator.kept_trips.async_route(
                    self._vehicle_id, trip.kept.trip_id
                )
            if route is not None:
                return way_of(route)
        end = trip.end + timedelta(seconds=1)
        points = await self.async_route(trip.begin, end, MOST_STATES)
        return await self._coordinator.hass.async_add_executor_job(
            partial(thinned_way, points)
            if is_thinned
            else partial(thinned_way, points, tolerance_m=0.0, most=MOST_STATES)
        )

    async def async_distance(self, begin: datetime, end: datetime) -> Distance:
        """Return how far it drove, to a quarter of an hour; None if nothing is known."""
        trips = await self.async_trips(begin, end)
        metres = sum(
            _metres_within(one.found, begin, end) for one in trips if one.found
        )
        knows = bool(trips) or _known_since(self._log) < end
        return Distance(
            begin=begin,
            end=end,
            distance=round(metres / 1000, 3) if knows else None,
        )

    # --- stops ------------------------------------------------------------------------------

    async def async_stops(
        self, begin: datetime, end: datetime, *, idling: bool
    ) -> list[Stop]:
        """Return when and where it stood between trips, or with its ignition on.

        Raises CommandUnsupported where idling was not recorded.
        """
        if idling:
            if not self._recorded.is_there:
                raise not_recorded()
            return await self._recorded.async_idling(begin, end)
        trips = await self.async_trips(begin - BEFORE, end)
        return [
            stop
            for stop in _between(trips, self._log)
            if stop.begin < end and (stop.end is None or stop.end > begin)
        ]

    # --- routes -----------------------------------------------------------------------------

    async def async_route(
        self, begin: datetime, end: datetime, most: int
    ) -> list[RoutePoint]:
        """Return where it was, the earliest first, at most so many points."""
        log = self._log
        since = _known_since(log)
        points: list[RoutePoint] = []
        if begin < since:
            points = await self._async_past_route(begin, min(since, end), most)
        points += _fixes(log, max(begin, since), end)
        return points[:most]

    async def _async_past_route(
        self, begin: datetime, end: datetime, most: int
    ) -> list[RoutePoint]:
        """Return where it was before the evidence: as recorded, else as trips were kept."""
        points = await self._recorded.async_route(begin, end, most)
        times = [one.time for one in points]
        kept_trips = self._coordinator.kept_trips
        with readable():
            for trip in await kept_trips.async_trips(self._vehicle_id, begin, end):
                if bisect_right(times, trip.end) - bisect_left(times, trip.begin) > 2:
                    continue
                route = await kept_trips.async_route(self._vehicle_id, trip.trip_id)
                if route is not None:
                    points += way_of(route).points
        points = [one for one in points if begin <= one.time < end]
        return sorted(points, key=lambda one: one.time)[:most]

    # --- alarms -----------------------------------------------------------------------------

    async def async_alarms(
        self, begin: datetime, end: datetime, most: int
    ) -> list[Occurrence]:
        """Return the alarms that were recorded. Raises CommandUnsupported if none is."""
        if not self._recorded.is_there:
            raise not_recorded()
        return await self._recorded.async_alarms(begin, end, most)


@contextmanager
def readable() -> Iterator[None]:
    """Raise VendorError where the disk cannot be read."""
    try:
        yield
    except OSError as err:
        raise VendorError("Kept trips cannot be read", key="trips_unreadable") from err


def not_recorded() -> CommandUnsupported:
    """Return the error of what neither the vendor nor the recorder remembers."""
    error = not_told()
    return CommandUnsupported(str(error), key="history_not_recorded")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def of_own(own: OwnTrip) -> KnownTrip:
    """Return a trip that we know ourselves."""
    return of_found(
        own.found, trip_id=own.trip_id, is_running=own.is_running, kept=own.kept
    )


def _known_since(log: TripLog) -> datetime:
    """Return since when there is evidence, which is now if there is none."""
    if not count(log.moments):
        return dt_util.utcnow()
    return _time(unpack(log.moments, 0).at)


def _fixes(log: TripLog, begin: datetime, end: datetime) -> Iterator[RoutePoint]:
    """Yield the places of the evidence."""
    first = position_of(log.moments, round(begin.timestamp() * 1000))
    for one in unpacked(log.moments, first):
        if one.at >= end.timestamp():
            return
        if one.has_place:
            yield _route_point(one)


def _route_point(one: Moment) -> RoutePoint:
    return RoutePoint(
        time=_time(one.at),
        latitude=round(one.latitude * _DEGREE, 6),
        longitude=round(one.longitude * _DEGREE, 6),
        speed=one.kmh,
        accuracy=None if one.accuracy == UNKNOWN else one.accuracy,
        kind=FixKind.SATELLITE,
        ignition=True if one.told & ON else False if one.told & OFF else None,
    )


def _metres_within(found: FoundTrip, begin: datetime, end: datetime) -> float:
    """Return how far a trip went within a time, by its quarters of an hour."""
    if begin.timestamp() <= found.begin and found.until <= end.timestamp():
        return found.distance_m
    if not found.quarters:
        within = min(found.until, end.timestamp()) - max(found.begin, begin.timestamp())
        length = found.until - found.begin
        return found.distance_m * max(0.0, within) / length if length > 0 else 0.0
    return sum(
        metres * _share(quarter * QUARTER_S, begin.timestamp(), end.timestamp())
        for quarter, metres in found.quarters
    )


def _share(quarter_begin: float, begin: float, end: float) -> float:
    """Return which part of a quarter of an hour lies within a time."""
    within = min(quarter_begin + QUARTER_S, end) - max(quarter_begin, begin)
    return min(1.0, max(0.0, within / QUARTER_S))


def _between(trips: Iterable[KnownTrip], log: TripLog) -> Iterator[Stop]:
    """Yield the times between trips, the last of which may go on."""
    trips = list(trips)
    for before, after in pairwise(trips):
        if before.end < after.begin:
            yield _stop(before.end, after.begin, before.end_place)
    if trips and not trips[-1].is_running:
        yield _stop(trips[-1].end, None, trips[-1].end_place)
    place = log.head.place
    if not trips and place is not None and log.head.drive is None:
        yield _stop(
            _time(place.since),
            None,
            Place(
                latitude=round(place.latitude * _DEGREE, 6),
                longitude=round(place.longitude * _DEGREE, 6),
            ),
        )


def _stop(begin: datetime, end: datetime | None, place: Place | None) -> Stop:
    return Stop(
        begin=begin,
        end=end,
        duration=None if end is None else round((end - begin).total_seconds()),
        place=place,
        idling=False,
    )
