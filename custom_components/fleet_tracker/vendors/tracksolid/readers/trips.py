"""The last trip: asked for when a vehicle has stopped, for all that have in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from typing import override

from ....model.elapsed import is_within
from ....model.json_values import is_record
from ....model.trips.log import TripLog
from ....model.trips.trip import VendorTrip
from ....model.trips.vendor_trips import missing_in_list, news_of_list, taken_back
from ....model.vehicle import Reading, VehicleUpdate
from ..api.client import TracksolidClient
from ..api.records import Trip
from ..api.reports import ROWS_PER_PAGE
from ..api.values import as_time
from ..mapping import vendor_trip
from ..pushes.door import Push
from .reader import Reader, Situation

EVERY = timedelta(hours=1)
"""How often all vehicles are asked for, in case a stop was missed."""
AFTER_STOP = timedelta(minutes=2)
"""How long the platform gets to finish a trip."""
BACK = timedelta(days=1)
SHIFTED_MOST_S = 1800.0
"""By how many seconds the platform may correct a begin. By more, it is another trip."""

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
        self._missing: dict[str, dict[float, datetime]] = {}
        """Since when the platform does not show trips any more, by their begins."""

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
        """Return the trips of vehicles that are new, at first only the last ones.

        A trip that was returned before is returned again if the platform corrected it or took
        it back since then.
        """
        now = self._client.transport.present
        begin = self._window(imeis, situation, now)
        batch = await self._client.reports.trips(imeis, begin, now)
        rows: dict[str, list[Trip]] = {imei: [] for imei in imeis}
        for trip in batch.found:
            if trip.imei in rows:
                rows[trip.imei].append(trip)
        before, news = dict(self._ended), list[VehicleUpdate]()
        for imei, trips in rows.items():
            self._stopped.pop(imei, None)
            self._waiting.pop(imei, None)
            vehicle = situation.vehicles.get(imei)
            log = TripLog() if vehicle is None else vehicle.trips
            told = self._news(imei, trips, log, now)
            if imei not in batch.refused:
                told += self._taken_back(imei, trips, log, begin, now)
            if told:
                news.append(VehicleUpdate(vehicle_id=imei, trips=tuple(told)))
        if self._ended != before:
            await self._save()
        return news

    def _window(
        self, imeis: Sequence[str], situation: Situation, now: datetime
    ) -> datetime:
        """Return from when on to ask: from the end of the last known trip.

        From before its begin where what is known since then fits into one answer, so that
        it is seen when the platform corrects it.
        """
        oldest = now - BACK
        begin = max(oldest, min(now, *(self._ended.get(i, oldest) for i in imeis)))
        known = [
            vehicle.trips.vendors
            for imei in imeis
            if (vehicle := situation.vehicles.get(imei)) is not None
        ]
        began = [one[-1].begin for one in known if one]
        wider = max(oldest.timestamp(), min(began, default=inf) - SHIFTED_MOST_S)
        shown = sum(one.end > wider for trips in known for one in trips)
        if wider < begin.timestamp() and shown + len(imeis) <= ROWS_PER_PAGE:
            return datetime.fromtimestamp(wider, UTC)
        return begin

    def _news(
        self, imei: str, trips: Sequence[Trip], log: TripLog, now: datetime
    ) -> list[VendorTrip]:
        """Return what is new or other of a vehicle's trips, and note the last end."""
        known = self._ended.get(imei)
        ended = [trip for trip in trips if not self._goes_on(trip, now)]
        if known is None:
            ended = ended[-1:]
        if not ended:
            return []
        # What ended before the first trip that was told is of the time before the vehicle.
        told = log.vendors or log.told_by_vendor
        first = min((one.begin for one in told), default=inf)
        listed = [
            vendor_trip(trip)
            for trip in ended
            if known is None
            or trip.started_at >= known
            or trip.ended_at.timestamp() > max(first, log.base_at)
        ]
        latest = max(trip.ended_at for trip in ended)
        if known is None or known < latest:
            self._ended[imei] = latest
        return news_of_list(log.vendors, listed, now.timestamp())

    def _taken_back(
        self,
        imei: str,
        trips: Iterable[Trip],
        log: TripLog,
        begin: datetime,
        now: datetime,
    ) -> list[VendorTrip]:
        """Return the trips that the platform does not show any more for an hour."""
        gone = missing_in_list(
            log.vendors,
            map(vendor_trip, trips),
            max(begin.timestamp() + SHIFTED_MOST_S, log.base_at),
            (now - AFTER_STOP).timestamp(),
        )
        before = self._missing.pop(imei, {})
        missing = {one.begin: before.get(one.begin, now) for one in gone}
        if missing:
            self._missing[imei] = missing
        return [
            taken_back(one, now.timestamp())
            for one in gone
            if not is_within(missing[one.begin], EVERY, now)
        ]

    async def _save(self) -> None:
        await self._memory.put(
            _KEY, {imei: end.timestamp() for imei, end in self._ended.items()}
        )

    def _goes_on(self, trip: Trip, now: datetime) -> bool:
        """Tell whether the row of a drive ends now only because it goes on."""
        just_ended = now - trip.ended_at < AFTER_STOP
        return just_ended and trip.imei in self._ignition_on
