"""The last trip: asked for when a vehicle has stopped, for all that have in one call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import override

from ....model.elapsed import is_within
from ....model.json_values import is_record
from ....model.vehicle import Reading, VehicleUpdate
from ..api.client import TracksolidClient
from ..api.records import Trip
from ..api.values import as_time
from ..mapping import map_trips
from ..pushes.door import Push
from .reader import Reader, Situation

EVERY = timedelta(hours=1)
"""How often all vehicles are asked for, in case a stop was missed."""
AFTER_STOP = timedelta(minutes=2)
"""How long the platform gets to finish a trip."""
BACK = timedelta(days=1)

_PUSHED = "pushtripreport"
_KEY = "last_trips"


class TripReader(Reader):
    """Reads drives that have ended."""

    def __init__(self, client: TracksolidClient) -> None:
        """Initialize with the client; its memory keeps the ends of the last trips."""
        self._client = client
        self._memory = client.transport.memory
        stored = self._memory.get(_KEY)
        self._ended: dict[str, datetime] = {
            imei: time
            for imei, value in (stored if is_record(stored) else {}).items()
            if (time := as_time(value)) is not None
        }
        self._ignition_on: set[str] = set()
        self._stopped: dict[str, datetime] = {}
        self._all_at: datetime | None = None
        self._waiting: dict[str, None] = {}

    @override
    def due(self, situation: Situation) -> Sequence[str]:
        """Return the vehicles to ask for now: those that have stopped, and some others."""
        now = situation.now
        self._note_stops(situation)
        if not is_within(self._all_at, EVERY, now):
            self._all_at = now
            self._waiting |= dict.fromkeys(situation.devices)
        stopped = [
            imei
            for imei, at in self._stopped.items()
            if not is_within(at, AFTER_STOP, now)
        ]
        asked = [i for i in (*stopped, *self._waiting) if i in situation.devices]
        return list(dict.fromkeys(asked))[: self._client.batches.limit]

    def _note_stops(self, situation: Situation) -> None:
        """Note which vehicles have stopped since the last poll."""
        for imei in self._ignition_on - situation.with_ignition_on:
            vehicle = situation.vehicles.get(imei)
            # The ignition may be unknown now, which is no stop.
            if vehicle and vehicle.readings.get(Reading.IGNITION) is False:
                self._stopped.setdefault(imei, situation.now)
                self._ignition_on.discard(imei)
        self._ignition_on |= situation.with_ignition_on

    @override
    async def take_push(self, push: Push, update: VehicleUpdate) -> VehicleUpdate:
        """Note a stop, and the end of a pushed trip, so that it is not asked for again."""
        self._note_pushed_ignition(update)
        if push.path == _PUSHED:
            for trip in update.trips:
                self._ended[update.vehicle_id] = datetime.fromtimestamp(trip.end, UTC)
                await self._save()
        return update

    def _note_pushed_ignition(self, update: VehicleUpdate) -> None:
        """Note a start or a stop that came in between two polls."""
        imei = update.vehicle_id
        for group in update.groups:
            ignition = group.readings.get(Reading.IGNITION)
            if ignition is True:
                self._ignition_on.add(imei)
            elif ignition is False and imei in self._ignition_on:
                self._ignition_on.discard(imei)
                self._stopped.setdefault(imei, self._client.transport.present)

    @override
    async def read(
        self, imeis: Sequence[str], situation: Situation
    ) -> Sequence[VehicleUpdate]:
        """Return the trips of vehicles that are new; at first only the last ones."""
        now = self._client.transport.present
        oldest = now - BACK
        begin = min(now, *(self._ended.get(imei, oldest) for imei in imeis))
        batch = await self._client.reports.trips(imeis, max(begin, oldest), now)
        for imei in imeis:
            self._stopped.pop(imei, None)
            self._waiting.pop(imei, None)
        before = dict(self._ended)
        news: dict[str, list[Trip]] = {}
        for trip in batch.found:
            known = before.get(trip.imei)
            # A trip that began before the known end is the same drive, pushed or polled.
            if known is not None and trip.started_at < known:
                continue
            if self._goes_on(trip, now):
                continue
            self._ended[trip.imei] = trip.ended_at
            if known is None:
                news[trip.imei] = [trip]
            else:
                news.setdefault(trip.imei, []).append(trip)
        if news:
            await self._save()
        return [map_trips(imei, trips) for imei, trips in news.items()]

    async def _save(self) -> None:
        await self._memory.put(
            _KEY, {imei: end.timestamp() for imei, end in self._ended.items()}
        )

    def _goes_on(self, trip: Trip, now: datetime) -> bool:
        """Tell whether the row of a drive ends now only because it goes on."""
        just_ended = now - trip.ended_at < AFTER_STOP
        return just_ended and trip.imei in self._ignition_on
