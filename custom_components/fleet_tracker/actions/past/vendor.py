"""What only the vendor knows of a vehicle's past, for what is made of our own knowledge.

An answer that fails leaves out what it would have told: the rest is told all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from ...account.coordinator import FleetCoordinator
from ...const import LOGGER
from ...contract.errors import VendorError
from ...contract.history import HistoryKind, HistoryQuery, RoutePoint
from .known_trip import KnownTrip, together

LONGEST_S = 240.0
"""For how long a vendor is asked for the ways of one file."""
MOST_POINTS = 10_000


class VendorKnowledge:
    """Asks the vendor for trips and ways of one vehicle that we do not know."""

    def __init__(self, coordinator: FleetCoordinator, vehicle_id: str) -> None:
        """Initialize with the vehicle. The time to ask runs from now on."""
        self._coordinator = coordinator
        self._vehicle_id = vehicle_id
        self._until = coordinator.hass.loop.time() + LONGEST_S

    async def async_completed(
        self, own: Sequence[KnownTrip], begin: datetime, end: datetime
    ) -> list[KnownTrip]:
        """Return the trips of a time with those from before any were kept."""
        if begin >= self._coordinator.trips_kept_since:
            return list(own)
        told = await self._coordinator.async_trips_before_kept(begin, end)
        return together(told.get(self._vehicle_id, ()), own)

    async def async_route(self, trip: KnownTrip) -> Sequence[RoutePoint]:
        """Return the way of a trip, nothing where the vendor does not tell it."""
        history = self._coordinator.connection.history
        if (
            history is None
            or HistoryKind.ROUTES not in history.offers
            or self._coordinator.why_closed() is not None
            or self._coordinator.hass.loop.time() >= self._until
        ):
            return ()
        query = HistoryQuery(
            vehicle_ids=[self._vehicle_id],
            begin=trip.begin,
            end=trip.end + timedelta(seconds=1),
            limit=MOST_POINTS,
            until=self._until,
        )
        try:
            async with asyncio.timeout_at(self._until):
                told = (await history.routes(query))[self._vehicle_id]
        except (TimeoutError, VendorError) as err:
            told = err if isinstance(err, VendorError) else ()
        if isinstance(told, VendorError):
            LOGGER.debug("The way of a trip is not told: %s", type(told).__name__)
            return ()
        return told
