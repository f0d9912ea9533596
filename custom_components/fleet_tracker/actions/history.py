"""The actions that tell of the past, the same for every vendor.

What they answer is `contract.history` as JSON, in one format. They are offered for every
vehicle: what its vendor does not tell is known from what was kept of it, or recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..contract.errors import CommandUnsupported, VendorError
from ..contract.history import (
    Distance,
    Found,
    HistoryKind,
    HistoryQuery,
    Place,
    RoutePoint,
    Stop,
    VendorHistory,
    not_told,
    too_slow,
)
from ..model.vehicle import Occurrence
from ..offer.action import ActionEffect, Outcome, Outcomes
from ..offer.fields import LONGEST_PERIOD, PERIOD, period
from .common_action import AccountRequest, CommonAction
from .past.known_trip import KnownTrip, together
from .past.own import OwnPast
from .past.way import thinned_way
from .turns import in_turns

ATTR_IDLING = "idling"
ATTR_LIMIT = "limit"
ATTR_SIMPLIFY = "simplify"
TRUNCATED = "truncated"

MOST_SIMPLIFIED_M = 1_000
POINTS = (1_000, 10_000)
RECORDS = (500, 5_000)
"""How many are answered of each vehicle where nothing is said, and at most."""

MOST_TOLD = 20_000
"""How many records are answered of all vehicles of an account in one call."""
LONGEST_ANSWER_S = 300.0
"""For how long a vendor is waited for. Some need minutes for a long route."""
GRACE_S = 5.0
"""Seconds of grace beyond that, in which answers of some vehicles still arrive."""

type _Json = dict[str, Any]
type _AskVendor = Callable[
    [VendorHistory, HistoryQuery, Mapping[str, Any]], Awaitable[Found[Any]]
]
type _AskOwn = Callable[[OwnPast, HistoryQuery, Mapping[str, Any]], Awaitable[Any]]


# --- the format -----------------------------------------------------------------------------


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _where_known(**values: Any) -> _Json:
    """Return what is known of some values."""
    return {key: value for key, value in values.items() if value is not None}


def _place(place: Place | None) -> _Json | None:
    if place is None:
        return None
    return _where_known(
        latitude=place.latitude, longitude=place.longitude, address=place.address
    )


def point_as_json(point: RoutePoint) -> _Json:
    """Return a point of a route."""
    return {
        "time": _time(point.time),
        "latitude": point.latitude,
        "longitude": point.longitude,
        "speed": point.speed,
        "course": point.course,
        **_where_known(
            altitude=point.altitude,
            accuracy=point.accuracy,
            kind=point.kind and point.kind.value,
            ignition=point.ignition,
        ),
    }


def trip_as_json(trip: KnownTrip) -> _Json:
    """Return a drive. One that is under way has no end yet."""
    mark = trip.mark
    return {
        "trip_id": trip.trip_id,
        "begin": _time(trip.begin),
        "end": None if trip.is_running else _time(trip.end),
        "distance": trip.distance,
        "duration": trip.duration,
        "average_speed": trip.average_speed,
        "top_speed": trip.top_speed,
        "idle_time": trip.idle_time,
        "source": trip.origin.value,
        **_where_known(
            distance_source=trip.distance_source and trip.distance_source.value,
            flags=sorted(trip.flags) or None,
            purpose=mark.purpose,
            visited=mark.visited,
            driver=mark.driver,
            late=(trip.kept is not None and trip.kept.is_late) or None,
            begin_place=_place(trip.begin_place),
            end_place=_place(trip.end_place),
            consumption=trip.consumption,
            **{"class": mark.class_ and mark.class_.value},
        ),
    }


def stop_as_json(stop: Stop) -> _Json:
    """Return a time of standing still."""
    place = stop.place or Place()
    return {
        "begin": _time(stop.begin),
        "end": _time(stop.end),
        "duration": stop.duration,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "address": place.address,
        "idling": stop.idling,
    }


def alarm_as_json(alarm: Occurrence) -> _Json:
    """Return an alarm. The vendor's further details keep their own names."""
    common = {
        "time": _time(alarm.occurred_at),
        "type": alarm.type.value,
        "code": alarm.code,
        "name": alarm.name,
        "routine": alarm.is_routine,
    }
    details = {
        key: _time(value) if isinstance(value, datetime) else value
        for key, value in alarm.details.items()
    }
    return {**common, **details, **common}


def distance_as_json(distance: Distance) -> _Json:
    """Return how far a vehicle drove."""
    return {
        "distance": distance.distance,
        "begin": _time(distance.begin),
        "end": _time(distance.end),
    }


# --- what is asked --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Question:
    """An action that tells of the past.

    ``ask`` asks the vendor, ``know`` looks up what we know ourselves. ``records`` is what
    the answer calls the records of a vehicle, each made by ``as_json``; without it the
    answer is one record. ``limits`` are the default and the most of them.
    """

    action: str
    kind: HistoryKind
    ask: _AskVendor
    know: _AskOwn
    as_json: Callable[[Any], _Json]
    records: str | None = None
    limits: tuple[int, int] = RECORDS
    fields: Mapping[vol.Marker, Any] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def offered(self) -> CommonAction:
        """Return the action."""
        fields: dict[vol.Marker, Any] = {**PERIOD, **self.fields}
        if self.records is not None:
            usual, most = self.limits
            fields[vol.Optional(ATTR_LIMIT, default=usual)] = vol.All(
                vol.Coerce(int), vol.Range(min=1, max=most)
            )
        return CommonAction(
            name=self.action,
            effect=ActionEffect.TELLS,
            fields=fields,
            handler=self._async_answer,
            check=self._async_check,
            response=SupportsResponse.ONLY,
        )

    async def _async_check(self, request: AccountRequest) -> Mapping[str, VendorError]:
        """Refuse a wrong period."""
        period(request, LONGEST_PERIOD)
        return {}

    async def _async_answer(self, request: AccountRequest) -> Outcomes:
        begin, end = period(request)
        limit: int = min(
            request.data.get(ATTR_LIMIT, 1),
            max(1, MOST_TOLD // len(request.vehicle_ids)),
        )
        query = HistoryQuery(
            vehicle_ids=request.vehicle_ids,
            begin=begin,
            end=end,
            # One record more than wanted says that there are more.
            limit=1 + (self.limits[1] if ATTR_SIMPLIFY in request.data else limit),
            until=request.hass.loop.time() + LONGEST_ANSWER_S,
        )
        found = await self._async_told(request, query)
        outcomes: dict[str, Outcome] = {}
        for vehicle_id in request.vehicle_ids:
            told = found[vehicle_id]
            if not isinstance(told, VendorError) or isinstance(
                told, CommandUnsupported
            ):
                told = await self._async_completed(request, query, vehicle_id, told)
            outcomes[vehicle_id] = await self._async_outcome(
                request, told, limit, query.limit
            )
        return outcomes

    async def _async_told(
        self, request: AccountRequest, query: HistoryQuery
    ) -> Found[Any]:
        """Return what the vendor tells, CommandUnsupported where it does not."""
        history = request.connection.history
        if history is None or self.kind not in history.offers:
            return dict.fromkeys(query.vehicle_ids, not_told())
        try:
            async with asyncio.timeout(LONGEST_ANSWER_S + GRACE_S):
                return await self.ask(history, query, request.data)
        except TimeoutError:
            return dict.fromkeys(query.vehicle_ids, too_slow())

    async def _async_completed(
        self,
        request: AccountRequest,
        query: HistoryQuery,
        vehicle_id: str,
        told: Any,
    ) -> Any:
        """Return what we know where the vendor tells nothing, and the trips of both."""
        is_told = not isinstance(told, VendorError)
        if is_told and self.kind is not HistoryKind.TRIPS:
            return told
        own = OwnPast(request.coordinator, vehicle_id)
        try:
            known = await self.know(own, query, request.data)
        except VendorError as err:
            return err
        if self.kind is HistoryKind.TRIPS:
            return together(told if is_told else (), known)
        return known

    async def _async_outcome(
        self, request: AccountRequest, found: Any, limit: int, most: int
    ) -> Outcome:
        """Return the answer of a vehicle; ``most`` is how many records were asked for."""
        if isinstance(found, VendorError):
            return found
        if self.records is None:
            return self.as_json(found)
        records: Sequence[Any] = found
        is_cut = len(records) >= most
        if (metres := request.data.get(ATTR_SIMPLIFY)) is not None:
            records = await request.hass.async_add_executor_job(
                _simplified, records[: most - 1], metres
            )
        told = [one async for one in in_turns(self.as_json, records[:limit])]
        answer: _Json = {self.records: told}
        if is_cut or len(records) > limit:
            answer[TRUNCATED] = True
        return answer


def _simplified(points: Sequence[RoutePoint], metres: float) -> Sequence[RoutePoint]:
    """Return the points that say where a route went, to so many metres."""
    return thinned_way(points, tolerance_m=metres, most=max(2, len(points))).points


async def _ended_trips(
    own: OwnPast, query: HistoryQuery, _data: object
) -> list[KnownTrip]:
    """Return the trips that ended: one that is under way is a trip when it ends."""
    trips = await own.async_trips(query.begin, query.end)
    return [one for one in trips if not one.is_running]


HISTORY_ACTIONS: Mapping[HistoryKind, CommonAction] = MappingProxyType(
    {
        question.kind: question.offered()
        for question in (
            _Question(
                action="get_route",
                kind=HistoryKind.ROUTES,
                ask=lambda history, query, _: history.routes(query),
                know=lambda own, query, _: own.async_route(
                    query.begin, query.end, query.limit
                ),
                as_json=point_as_json,
                records="points",
                limits=POINTS,
                fields={
                    vol.Optional(ATTR_SIMPLIFY): vol.All(
                        vol.Coerce(float), vol.Range(min=1, max=MOST_SIMPLIFIED_M)
                    )
                },
            ),
            _Question(
                action="get_trips",
                kind=HistoryKind.TRIPS,
                ask=lambda history, query, _: history.trips(query),
                know=_ended_trips,
                as_json=trip_as_json,
                records="trips",
            ),
            _Question(
                action="get_stops",
                kind=HistoryKind.STOPS,
                ask=lambda history, query, data: history.stops(
                    query, idling=data[ATTR_IDLING]
                ),
                know=lambda own, query, data: own.async_stops(
                    query.begin, query.end, idling=data[ATTR_IDLING]
                ),
                as_json=stop_as_json,
                records="stops",
                fields={vol.Optional(ATTR_IDLING, default=False): cv.boolean},
            ),
            _Question(
                action="get_alarms",
                kind=HistoryKind.ALARMS,
                ask=lambda history, query, _: history.alarms(query),
                know=lambda own, query, _: own.async_alarms(
                    query.begin, query.end, query.limit
                ),
                as_json=alarm_as_json,
                records="alarms",
            ),
            _Question(
                action="get_distance",
                kind=HistoryKind.DISTANCES,
                ask=lambda history, query, _: history.distances(query),
                know=lambda own, query, _: own.async_distance(query.begin, query.end),
                as_json=distance_as_json,
            ),
        )
    }
)
"""The actions, by what they tell."""
