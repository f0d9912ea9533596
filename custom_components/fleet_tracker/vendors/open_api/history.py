"""The past of Open API vehicles: routes, alarms and distances."""

from __future__ import annotations

from collections.abc import Sequence

from ...contract.history import (
    Distance,
    Found,
    HistoryKind,
    HistoryQuery,
    RoutePoint,
    VendorHistory,
    one_by_one,
)
from ...model.plausibility import possible
from ...model.vehicle import Occurrence, Reading
from .client import MileageReport, OpenApiClient
from .mapping import map_alarm
from .records import Point


class OpenApiHistory(VendorHistory):
    """The past of an account's vehicles. The API has no trips and no stops."""

    offers = frozenset({HistoryKind.ROUTES, HistoryKind.ALARMS, HistoryKind.DISTANCES})

    def __init__(self, client: OpenApiClient) -> None:
        """Initialize with the API client."""
        self._client = client

    async def routes(self, query: HistoryQuery) -> Found[Sequence[RoutePoint]]:
        """Return where vehicles were (2.3)."""

        async def ask(vehicle_id: str) -> Sequence[RoutePoint]:
            points = await self._client.playback(
                vehicle_id, query.begin, query.end, most=query.limit
            )
            return [_route_point(point) for point in points]

        return await one_by_one(query, ask)

    async def alarms(self, query: HistoryQuery) -> Found[Sequence[Occurrence]]:
        """Return the alarms of vehicles (2.8, 2.17)."""

        async def ask(vehicle_id: str) -> Sequence[Occurrence]:
            alarms = await self._client.alarms(
                vehicle_id, query.begin, query.end, most=query.limit
            )
            return [map_alarm(alarm) for alarm in alarms]

        return await one_by_one(query, ask)

    async def distances(self, query: HistoryQuery) -> Found[Distance]:
        """Return how far vehicles drove, in the half hours that the vendor counts (2.14)."""
        report: MileageReport = await self._client.mileage_report(
            query.vehicle_ids, query.begin, query.end
        )
        return {
            vehicle_id: report.refused.get(vehicle_id)
            or Distance(
                begin=report.begin,
                end=report.end,
                distance=report.found.get(vehicle_id),
            )
            for vehicle_id in query.vehicle_ids
        }


def _route_point(point: Point) -> RoutePoint:
    return RoutePoint(
        time=point.gpstime,
        latitude=point.latitude,
        longitude=point.longitude,
        speed=possible(Reading.SPEED, point.speed),
        course=possible(Reading.COURSE, point.course),
    )
