"""The past of Tracksolid vehicles: everything that can be asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from ...contract.errors import VendorError
from ...contract.history import (
    Distance,
    Found,
    HistoryKind,
    HistoryQuery,
    Place,
    RoutePoint,
    Stop,
    Trip,
    VendorHistory,
    one_by_one,
)
from ...model.plausibility import possible_distance
from ...model.trips.trip import LONGEST_S
from ...model.vehicle import Occurrence
from .api import records
from .api.batches import Batch
from .api.client import TracksolidClient
from .mapping import map_alarm

_LONGEST = timedelta(seconds=LONGEST_S)

type AccountOf = Callable[[str], Awaitable[str]]


class TracksolidHistory(VendorHistory):
    """The past of an account's vehicles."""

    offers = frozenset(HistoryKind)

    def __init__(self, client: TracksolidClient, account_of: AccountOf) -> None:
        """Initialize with the client, and with the function that names a vehicle's account."""
        self._client = client
        self._account_of = account_of

    async def routes(self, query: HistoryQuery) -> Found[Sequence[RoutePoint]]:
        """Return where vehicles were, as slow as that is (5.5)."""

        async def ask(vehicle_id: str) -> Sequence[RoutePoint]:
            points = await self._client.tracking.track(
                vehicle_id, query.begin, query.end, most=query.limit
            )
            return [_route_point(point) for point in points]

        return await one_by_one(query, ask)

    async def trips(self, query: HistoryQuery) -> Found[Sequence[Trip]]:
        """Return the drives of vehicles (5.4)."""
        return _by_vehicle(
            await self._trips(query),
            query.vehicle_ids,
            lambda trips: list(map(_trip, trips[: query.limit])),
        )

    async def stops(
        self, query: HistoryQuery, *, idling: bool
    ) -> Found[Sequence[Stop]]:
        """Return when vehicles stood still, or idled (5.7), account by account."""
        found: dict[str, Sequence[Stop] | VendorError] = {}
        for account, vehicle_ids in (await self._by_account(query)).items():
            try:
                batch = await self._client.reports.stops(
                    account, vehicle_ids, query.begin, query.end, idling=idling
                )
            except VendorError as err:
                found.update(dict.fromkeys(vehicle_ids, err))
                continue
            found |= _by_vehicle(
                batch,
                vehicle_ids,
                lambda stops: list(map(_stop, stops[: query.limit])),
            )
        return found

    async def alarms(self, query: HistoryQuery) -> Found[Sequence[Occurrence]]:
        """Return the alarms of vehicles (6.1)."""
        batch = await self._client.reports.alarms(
            query.vehicle_ids, query.begin, query.end
        )
        return _by_vehicle(
            batch,
            query.vehicle_ids,
            lambda alarms: [
                occurrence
                for alarm in alarms[: query.limit]
                for occurrence in map_alarm(alarm).occurrences
            ],
        )

    async def distances(self, query: HistoryQuery) -> Found[Distance]:
        """Return how far vehicles drove: their drives (5.4) in all.

        Drives that began before the period or ended after it count as a whole.
        """
        return _by_vehicle(
            await self._trips(query),
            query.vehicle_ids,
            lambda trips: total_distance(trips, query.begin, query.end),
        )

    async def _trips(self, query: HistoryQuery) -> Batch[records.Trip]:
        batch = await self._client.reports.trips(
            query.vehicle_ids, query.begin, query.end
        )
        return replace(batch, found=list(filter(_is_trip, batch.found)))

    async def _by_account(self, query: HistoryQuery) -> dict[str, list[str]]:
        """Return the vehicles by the (sub-)accounts that they belong to."""
        found: dict[str, list[str]] = {}
        for vehicle_id in query.vehicle_ids:
            found.setdefault(await self._account_of(vehicle_id), []).append(vehicle_id)
        return found


class _OfVehicle(Protocol):
    """A record of a vehicle."""

    @property
    def imei(self) -> str:
        """The vehicle."""


def _by_vehicle[R: _OfVehicle, T](
    batch: Batch[R], vehicle_ids: Iterable[str], make: Callable[[Sequence[R]], T]
) -> dict[str, T | VendorError]:
    """Return what is made of each vehicle's records, or why it was refused."""
    found: defaultdict[str, list[R]] = defaultdict(list)
    for record in batch.found:
        found[record.imei].append(record)
    return {
        vehicle_id: batch.refused.get(vehicle_id) or make(found[vehicle_id])
        for vehicle_id in vehicle_ids
    }


def _route_point(point: records.Point) -> RoutePoint:
    return RoutePoint(
        time=point.fixed_at,
        latitude=point.latitude,
        longitude=point.longitude,
        speed=point.speed,
        course=point.course,
        altitude=point.altitude,
        kind=point.kind,
        ignition=point.ignition,
    )


def _trip(trip: records.Trip) -> Trip:
    return Trip(
        begin=trip.started_at,
        end=trip.ended_at,
        begin_place=_place(trip.started_in),
        end_place=_place(trip.ended_in),
        distance=_distance(trip),
        duration=trip.duration,
        average_speed=trip.average_speed,
        top_speed=trip.top_speed,
        idle_time=trip.idle_time,
        consumption=trip.consumption,
    )


def _is_trip(trip: records.Trip) -> bool:
    """Tell whether a trip took any time that a trip can take."""
    return timedelta() < trip.ended_at - trip.started_at <= _LONGEST


def _distance(trip: records.Trip) -> float | None:
    """Return the distance of a trip, unless nobody can have driven it in its time."""
    return possible_distance(trip.distance, trip.ended_at - trip.started_at)


def _place(place: tuple[float, float] | None) -> Place | None:
    return place and Place(latitude=place[0], longitude=place[1])


def _stop(stop: records.Stop) -> Stop:
    return Stop(
        begin=stop.started_at,
        end=stop.ended_at,
        duration=stop.duration,
        idling=stop.idling,
        place=Place(
            latitude=stop.latitude, longitude=stop.longitude, address=stop.address
        ),
    )


def total_distance(
    trips: Iterable[records.Trip], begin: datetime, end: datetime
) -> Distance:
    """Return how far all drives went, unknown where that of one of them is."""
    total: float | None = 0.0
    for trip in trips:
        begin, end = min(begin, trip.started_at), max(end, trip.ended_at)
        if total is not None:
            distance = _distance(trip)
            total = None if distance is None else total + distance
    return Distance(
        begin=begin, end=end, distance=None if total is None else round(total, 3)
    )
