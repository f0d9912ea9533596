"""The actions that tell of the past, the same for every vendor.

What they answer is `contract.history` as JSON, in one format. They are offered for every
vehicle; a vendor that does not tell something says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..contract.errors import VendorError
from ..contract.history import (
    Distance,
    Found,
    HistoryKind,
    HistoryQuery,
    Place,
    RoutePoint,
    Stop,
    Trip,
    VendorHistory,
    not_told,
)
from ..model.vehicle import Occurrence
from ..offer.action import ActionEffect, ActionRequest, Outcome, Outcomes, VendorAction
from ..offer.errors import invalid
from ..offer.fields import PERIOD, period
from .turns import in_turns

ATTR_IDLING = "idling"
ATTR_LIMIT = "limit"
TRUNCATED = "truncated"

LONGEST_PERIOD = timedelta(days=366)

POINTS = (1_000, 10_000)
RECORDS = (500, 5_000)
"""How many are answered of each vehicle where nothing is said, and at most."""

type _Json = dict[str, Any]
type _Ask = Callable[
    [VendorHistory, HistoryQuery, Mapping[str, Any]], Awaitable[Found[Any]]
]


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


def trip_as_json(trip: Trip) -> _Json:
    """Return a drive."""
    return {
        "begin": _time(trip.begin),
        "end": _time(trip.end),
        "distance": trip.distance,
        "duration": trip.duration,
        "average_speed": trip.average_speed,
        "top_speed": trip.top_speed,
        "idle_time": trip.idle_time,
        **_where_known(
            begin_place=_place(trip.begin_place),
            end_place=_place(trip.end_place),
            consumption=trip.consumption,
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

    ``records`` is what the answer calls the records of a vehicle, each made by
    ``as_json``; without it the answer is one record. ``limits`` are the default and the
    most of them.
    """

    action: str
    kind: HistoryKind
    ask: _Ask
    as_json: Callable[[Any], _Json]
    records: str | None = None
    limits: tuple[int, int] = RECORDS
    fields: Mapping[vol.Marker, Any] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def offered(self) -> VendorAction:
        """Return the action."""
        fields: dict[vol.Marker, Any] = {**PERIOD, **self.fields}
        if self.records is not None:
            usual, most = self.limits
            fields[vol.Optional(ATTR_LIMIT, default=usual)] = vol.All(
                vol.Coerce(int), vol.Range(min=1, max=most)
            )
        return VendorAction(
            name=self.action,
            effect=ActionEffect.TELLS,
            fields=fields,
            handler=self._async_answer,
            check=self._async_check,
            response=SupportsResponse.ONLY,
        )

    async def _async_check(self, request: ActionRequest) -> Mapping[str, VendorError]:
        """Find the vehicles whose vendor does not tell this, and refuse a wrong period."""
        begin, end = period(request)
        if end - begin > LONGEST_PERIOD:
            raise invalid("period_too_long", days=str(LONGEST_PERIOD.days))
        history = request.connection.history
        if history is not None and self.kind in history.offers:
            return {}
        return dict.fromkeys(request.vehicle_ids, not_told())

    async def _async_answer(self, request: ActionRequest) -> Outcomes:
        history = request.connection.history
        if history is None:
            raise not_told()
        begin, end = period(request)
        limit: int = request.data.get(ATTR_LIMIT, 1)
        query = HistoryQuery(
            vehicle_ids=request.vehicle_ids,
            begin=begin,
            end=end,
            # One more says that there are more.
            limit=limit + 1,
        )
        found = await self.ask(history, query, request.data)
        return {
            vehicle_id: await self._async_outcome(found[vehicle_id], limit)
            for vehicle_id in request.vehicle_ids
        }

    async def _async_outcome(self, found: Any, limit: int) -> Outcome:
        if isinstance(found, VendorError):
            return found
        if self.records is None:
            return self.as_json(found)
        records: Sequence[Any] = found
        told = [one async for one in in_turns(self.as_json, records[:limit])]
        answer: _Json = {self.records: told}
        if len(records) > limit:
            answer[TRUNCATED] = True
        return answer


HISTORY_ACTIONS: Mapping[HistoryKind, VendorAction] = MappingProxyType(
    {
        question.kind: question.offered()
        for question in (
            _Question(
                action="get_route",
                kind=HistoryKind.ROUTES,
                ask=lambda history, query, _: history.routes(query),
                as_json=point_as_json,
                records="points",
                limits=POINTS,
            ),
            _Question(
                action="get_trips",
                kind=HistoryKind.TRIPS,
                ask=lambda history, query, _: history.trips(query),
                as_json=trip_as_json,
                records="trips",
            ),
            _Question(
                action="get_stops",
                kind=HistoryKind.STOPS,
                ask=lambda history, query, data: history.stops(
                    query, idling=data[ATTR_IDLING]
                ),
                as_json=stop_as_json,
                records="stops",
                fields={vol.Optional(ATTR_IDLING, default=False): cv.boolean},
            ),
            _Question(
                action="get_alarms",
                kind=HistoryKind.ALARMS,
                ask=lambda history, query, _: history.alarms(query),
                as_json=alarm_as_json,
                records="alarms",
            ),
            _Question(
                action="get_distance",
                kind=HistoryKind.DISTANCES,
                ask=lambda history, query, _: history.distances(query),
                as_json=distance_as_json,
            ),
        )
    }
)
"""The actions, by what they tell."""
