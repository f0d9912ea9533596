"""The trips of an account's vehicles as we know them: those that are kept, and those remembered.

A vehicle remembers its last trips, also where none are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from homeassistant.util import dt as dt_util

from ...model.record import replace
from ...model.trips.log import TripLog, folded
from ...model.trips.trip import Trip
from ...model.vehicle import Vehicle
from .kept import KeptTrips
from .records import KeptTrip, TripOfVehicle


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTrip(TripOfVehicle):
    """A trip of a vehicle, and what is kept of it, if anything is."""

    kept: KeptTrip | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is under way."""
        return not self.trip.is_ended


class OwnTrips:
    """The trips of an account's vehicles, wherever they are known from."""

    def __init__(self, kept: KeptTrips, vehicles: Mapping[str, Vehicle]) -> None:
        """Initialize with the kept trips, and the vehicles as they change."""
        self._kept = kept
        self._vehicles = vehicles

    async def async_trips(
        self,
        begin: datetime,
        end: datetime,
        vehicle_ids: Iterable[str] | None = None,
    ) -> dict[str, list[OwnTrip]]:
        """Return the trips of vehicles that are there, oldest first, by their ids.

        They are all that overlap a time, and others that are remembered. Of a trip that is
        kept and remembered, what is remembered counts: it is as new, or newer where no
        trips are kept any more. What the running one took in is no trip beside it. Raises
        OSError.
        """
        wanted = None if vehicle_ids is None else frozenset(vehicle_ids)
        kept = await self._kept.async_all_trips(begin, end, wanted)
        found: dict[str, list[OwnTrip]] = {}
        for vehicle_id, vehicle in self._vehicles.items():
            if wanted is not None and vehicle_id not in wanted:
                continue
            running = vehicle.trips.running
            taken_in = () if running is None else running.parents
            trips = {
                one.trip_id: OwnTrip(vehicle_id=vehicle_id, trip=one.trip, kept=one)
                for one in kept.get(vehicle_id, ())
                if one.trip_id not in taken_in
            }
            for trip in vehicle.trips.trips:
                held = trips.get(trip.trip_id)
                trips[trip.trip_id] = OwnTrip(
                    vehicle_id=vehicle_id,
                    trip=_so_far(vehicle.trips, trip),
                    kept=None if held is None else held.kept,
                )
            if trips:
                found[vehicle_id] = sorted(
                    trips.values(), key=lambda one: (one.found.begin, one.trip_id)
                )
        return found

    async def async_trip(self, vehicle_id: str, trip_id: str | None) -> OwnTrip | None:
        """Return a trip by its identity; without one that under way, else the last one.

        None if there is no such trip. Raises OSError.
        """
        vehicle = self._vehicles.get(vehicle_id)
        remembered = () if vehicle is None else vehicle.trips.trips
        if trip_id is None and remembered:
            trip_id = remembered[-1].trip_id
        if trip_id is None:
            last = await self._kept.async_last(vehicle_id)
            if last is None:
                return None
            trip_id = last.trip_id
        kept = await self._kept.async_trip(vehicle_id, trip_id)
        trip = next((one for one in remembered if one.trip_id == trip_id), None)
        if trip is not None and vehicle is not None:
            trip = _so_far(vehicle.trips, trip)
        elif kept is not None:
            trip = kept.trip
        if trip is None:
            return None
        return OwnTrip(vehicle_id=vehicle_id, trip=trip, kept=kept)


def _so_far(log: TripLog, trip: Trip) -> Trip:
    """Return a trip; if it is under way, with how far it has come."""
    if trip.is_ended:
        return trip
    log = folded(log)
    current = log.head.current(dt_util.utcnow().timestamp(), log.settings)
    if current is None or current.begin != trip.begin:
        return trip
    return replace(trip, found=current)
