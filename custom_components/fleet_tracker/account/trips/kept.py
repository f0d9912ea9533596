"""The kept trips of an account: its months and its routes.

Trips are private: they are in no log and in no diagnostics, and a record does not show its
places. A month is read when it is asked for, and written to whenever a trip ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util import dt as dt_util

from ...const import DOMAIN, LOGGER
from ...model.texts import LONGEST_TOLD, clean_text
from ...model.trips.log import TripLog, evidence_of
from ...model.trips.route import Route, route_of
from ...model.trips.trip import FoundTrip, Trip
from ...model.vehicle import Vehicle
from ..line_file import path_of
from .month import MonthFile
from .records import (
    MARKS,
    NAMES_IN_MARK,
    DashboardReading,
    KeptTrip,
    Records,
    TripClass,
    are_same,
    are_same_version,
    gone_line,
    mark_line,
    month_of,
    month_of_trip,
    reading_line,
    trip_line,
    with_mark,
)
from .routes import RouteFile

SAVED_AFTER = timedelta(seconds=10)
"""One write serves all trips that ended meanwhile."""
SAVED_AGAIN_AFTER = timedelta(minutes=1)
TIDIED_EVERY = timedelta(days=1)
TIDIED_FIRST_AFTER = timedelta(minutes=10)
MOST_OF_A_VEHICLE = 20_000
LEAST_BYTES_OF_A_TRIP = 100
MOST_IN_MEMORY = 10_000
"""Trips of months that were asked for; those of the oldest are read again."""
LONGEST_TRIP = timedelta(days=3)
"""A trip is found in the month in which it began, so long before the time asked for."""
RECENT = timedelta(days=2)
ROUTES = "routes"


@dataclass(frozen=True, slots=True)
class _Way:
    """The evidence from which the route of a trip is made, once there is time for it."""

    vehicle_id: str
    trip_id: str
    moments: bytes
    found: FoundTrip


@dataclass(frozen=True, slots=True)
class _Move:
    """A trip that became part of one of another month."""

    vehicle_id: str
    trip_id: str
    heir_id: str
    at: datetime


class KeptTrips:
    """The trips of one config entry that ended, for years, and the ways of the last ones."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry_id: str,
        *,
        keeps: bool,
        years: int,
        on_set_aside: Callable[[str], None],
    ) -> None:
        """Initialize with whether new trips are kept, and for how many years.

        ``on_set_aside`` is told of copies of files that could not be read.
        """
        self._hass = hass
        self._folder = folder_name(entry_id)
        self._keeps = keeps
        self._years = years
        self._on_set_aside = on_set_aside
        self._months: dict[str, MonthFile] = {}
        """By their names, the one that was asked for last at the end."""
        self._routes = RouteFile(hass, f"{self._folder}/{ROUTES}")
        self._ways: list[_Way] = []
        self._moves: list[_Move] = []
        self._absorbed: dict[tuple[str, str], tuple[Trip, ...]] = {}
        """Trips that one took in which goes on, by the vehicle and that one."""
        self._cancel_save: CALLBACK_TYPE | None = None
        self._cancel_tidy: CALLBACK_TYPE | None = None
        self._is_disk_failing = False
        self._is_closed = False
        self._forgetting = asyncio.Lock()

    # --- life -------------------------------------------------------------------------------

    async def async_open(self, vehicles: Mapping[str, Vehicle]) -> dict[str, Trip]:
        """Read what is there, and keep the trips that a crash kept from being written.

        Returns the last kept trip of each vehicle of which none is remembered.
        """
        try:
            for name in await self._hass.async_add_executor_job(self._names_on_disk):
                self._month(name)
            await self._routes.async_load()
            last = await self._async_compare(vehicles)
        except OSError as err:
            LOGGER.warning("Kept trips cannot be read: %s", type(err).__name__)
            last = {}
        self._unload_months()
        self._cancel_tidy = async_call_later(
            self._hass, TIDIED_FIRST_AFTER, HassJob(self._async_begin_tidying)
        )
        return last

    async def _async_compare(self, vehicles: Mapping[str, Vehicle]) -> dict[str, Trip]:
        """Compare what is kept with what vehicles remember; each may know more."""
        since = (dt_util.utcnow() - RECENT).timestamp() if self._months else 0.0
        last: dict[str, Trip] = {}
        months = sorted(self._months)
        for vehicle_id, vehicle in vehicles.items():
            known = vehicle.trips
            if known.last_ended is None:
                for name in months[:-3:-1]:
                    records = await self._months[name].async_records()
                    trips = records.trips.get(vehicle_id, {})
                    if trips:
                        newest = max(trips.values(), key=lambda one: one.found.until)
                        last[vehicle_id] = newest.trip
                        break
                continue
            for trip in known.trips:
                if not trip.is_ended or trip.found.until < since:
                    continue
                records = await self._month(month_of_trip(trip)).async_records()
                held = records.trips.get(vehicle_id, {}).get(trip.trip_id)
                if held is None or (
                    trip.revision >= held.trip.revision
                    and not are_same_version(trip, held.trip)
                ):
                    self._keep(vehicle_id, trip, known, dt_util.utcnow())
            await self._async_drop_merged(vehicle_id, known)
        return last

    async def _async_drop_merged(self, vehicle_id: str, known: TripLog) -> None:
        """Drop kept trips that a vehicle remembers as parts of others.

        A crash may come between the two.
        """
        ids = {one.trip_id for one in known.trips}
        ended = [one for one in known.trips if one.is_ended]
        for name in sorted({month_of_trip(one) for one in ended} & self._months.keys()):
            records = await self._month(name).async_records()
            for held in list(records.trips.get(vehicle_id, {}).values()):
                if (
                    held.trip_id not in ids
                    and held.found.until > known.base_at
                    and any(are_same(one.found, held.found) for one in ended)
                ):
                    self._drop(vehicle_id, held.trip, known, dt_util.utcnow())

    async def async_last(self, vehicle_id: str) -> Trip | None:
        """Return the last kept trip of a vehicle of the last two months. Raises OSError."""
        for name in sorted(self._months)[:-3:-1]:
            trips = (await self._async_month(name)).trips.get(vehicle_id)
            if trips:
                return max(trips.values(), key=lambda one: one.found.until).trip
        return None

    def _names_on_disk(self) -> list[str]:
        path = path_of(self._hass, self._folder)
        try:
            names = [one.name for one in path.iterdir() if one.is_file()]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if _is_month(name))

    async def async_close(self) -> None:
        """Write what is not on disk yet, and write and plan nothing any more.

        Whoever still waits for something to be written gets OSError: after a reload
        another one writes the same files.
        """
        for cancel in (self._cancel_save, self._cancel_tidy):
            if cancel is not None:
                cancel()
        self._cancel_save = self._cancel_tidy = None
        await self._async_save()
        if self._cancel_save is not None:
            self._cancel_save()
            self._cancel_save = None
        # A vehicle that was removed before has to be gone.
        async with self._forgetting:
            self._is_closed = True
        for month in list(self._months.values()):
            await month.async_close()
        await self._routes.async_close()

    def _require_open(self) -> None:
        """Raise OSError where nothing is written any more."""
        if self._is_closed:
            raise OSError("The account does not run any more")

    # --- news -------------------------------------------------------------------------------

    @callback
    def take(self, vehicle_id: str, before: TripLog | None, after: TripLog) -> None:
        """Take the trips of a vehicle that changed: ended, were corrected, or are none.

        One that still changes is kept once its correction is told, unless it took others in:
        what was said of these moves to it. What a trip that goes on took in stays until that
        ends.
        """
        known = {} if before is None else {one.trip_id: one for one in before.trips}
        gone = known.keys() - {one.trip_id for one in after.trips}
        changing = {one.trip_id for one in after.untold}
        settled = {one.trip_id for one in before.untold} if before else set()
        changed: list[Trip] = []
        for trip in after.trips:
            held = known.pop(trip.trip_id, None)
            if not trip.is_ended:
                continue
            takes_in = not gone.isdisjoint(trip.parents)
            if trip.trip_id in changing and not takes_in:
                continue
            if (
                takes_in
                or trip.trip_id in settled
                or (held is not trip and held != trip)
            ):
                changed.append(trip)
        # What is older than the evidence is only not remembered any more.
        removed = [
            one
            for one in known.values()
            if one.is_ended and one.found.until > after.base_at
        ]
        if not self._keeps or self._is_closed or not (changed or removed):
            return
        now = dt_util.utcnow()
        for trip in changed:
            self._keep(vehicle_id, trip, after, now)
            waiting = self._absorbed.pop((vehicle_id, trip.trip_id), ())
            removed += [one for one in waiting if one.trip_id in trip.parents]
        for trip in removed:
            heirs = [one for one in after.trips if trip.trip_id in one.parents]
            if heirs and not any(one.is_ended for one in heirs):
                key = (vehicle_id, heirs[0].trip_id)
                self._absorbed[key] = (*self._absorbed.get(key, ()), trip)
            else:
                self._drop(vehicle_id, trip, after, now)
        self._schedule_save(SAVED_AFTER)

    def _keep(self, vehicle_id: str, trip: Trip, log: TripLog, now: datetime) -> None:
        if not self._keeps:
            return
        self._month(month_of_trip(trip)).add(trip_line(vehicle_id, trip, now))
        if log.base_at <= trip.begin or trip.found.is_late:
            moments = evidence_of(log, trip.found)
            self._ways.append(_Way(vehicle_id, trip.trip_id, moments, trip.found))
        self._schedule_save(SAVED_AFTER)

    def _drop(self, vehicle_id: str, trip: Trip, after: TripLog, now: datetime) -> None:
        """Note that there is no such trip any more.

        What was said of it goes over to the trip that took its place, which is in the file
        of the month or, later, moved to that of another one.
        """
        name = month_of_trip(trip)
        heirs = [one for one in after.trips if trip.trip_id in one.parents]
        elsewhere = [one for one in heirs if month_of_trip(one) != name]
        if elsewhere and len(elsewhere) == len(heirs):
            self._moves.append(
                _Move(vehicle_id, trip.trip_id, elsewhere[0].trip_id, now)
            )
        else:
            self._month(name).add(gone_line(vehicle_id, trip.trip_id, now))
        self._routes.add_gone(vehicle_id, trip.trip_id)

    async def _async_move_marks(self) -> None:
        """Move what was said of trips that are none any more to another month."""
        while self._moves:
            move = self._moves[0]
            before = self._month(month_of(float(move.trip_id)))
            held = (await before.async_records()).trips.get(move.vehicle_id, {})
            heirs = self._month(month_of(float(move.heir_id)))
            heir = (await heirs.async_records()).trips.get(move.vehicle_id, {})
            if not self._moves or self._moves[0] is not move:
                continue
            del self._moves[0]
            gone, to = held.get(move.trip_id), heir.get(move.heir_id)
            if gone is not None and gone.mark and to is not None and not to.mark:
                said = {
                    one: getattr(gone.mark, name)
                    for one, name in NAMES_IN_MARK.items()
                    if getattr(gone.mark, name) is not None
                }
                heirs.add(
                    mark_line(
                        move.vehicle_id,
                        move.heir_id,
                        gone.mark.marked_at or move.at,
                        gone.mark.marked_by,
                        said,
                    )
                )
            before.add(gone_line(move.vehicle_id, move.trip_id, move.at))

    # --- what users say ---------------------------------------------------------------------

    async def async_mark(
        self,
        vehicle_id: str,
        trip_id: str,
        said: Mapping[str, str | None],
        user_id: str | None,
    ) -> KeptTrip:
        """Note what a user says of a trip, by the names in `MARKS`; None empties.

        It is on disk when this returns. Raises KeyError where no such trip is kept,
        ValueError for an unknown name or class, and OSError.
        """
        if unknown := set(said) - set(MARKS):
            raise ValueError(
                f"nothing to mark a trip with: {', '.join(sorted(unknown))}"
            )
        cleaned = {
            key: clean_text(value, LONGEST_TOLD) if value else None
            for key, value in said.items()
        }
        if class_ := cleaned.get("class"):
            TripClass(class_)
        name = await self._async_month_of(vehicle_id, trip_id)
        held = await self.async_trip(vehicle_id, trip_id)
        if name is None or held is None:
            raise KeyError(trip_id)
        self._require_open()
        now = dt_util.utcnow()
        if with_mark(held, cleaned, now, user_id) is held:
            return held
        month = self._month(name)
        month.add(mark_line(vehicle_id, trip_id, now, user_id, cleaned))
        await self._async_save_now(month)
        return (await self.async_trip(vehicle_id, trip_id)) or held

    async def async_note_reading(
        self, vehicle_id: str, kilometres: float, at: datetime, user_id: str | None
    ) -> None:
        """Note an odometer as a user read it; it is on disk then. Raises OSError."""
        self._require_open()
        month = self._month(month_of(at.timestamp()))
        month.add(reading_line(vehicle_id, at, kilometres, dt_util.utcnow(), user_id))
        await self._async_save_now(month)

    async def _async_save_now(self, month: MonthFile) -> None:
        """Have a month on disk. Raises OSError where it is tried again in a minute."""
        try:
            await month.async_save()
        except OSError:
            self._schedule_save(SAVED_AGAIN_AFTER)
            raise

    # --- what is asked ----------------------------------------------------------------------

    @property
    def kept_from(self) -> datetime:
        """From when on something is kept: what is older is removed within a day."""
        now = dt_util.utcnow()
        return datetime(now.year - self._years, now.month, 1, tzinfo=UTC)

    @property
    def oldest(self) -> datetime | None:
        """The begin of the oldest month in which something is kept."""
        if not self._months:
            return None
        return datetime.strptime(min(self._months), "%Y-%m").replace(tzinfo=UTC)

    async def async_trips(
        self, vehicle_id: str, begin: datetime, end: datetime
    ) -> list[KeptTrip]:
        """Return the trips of a vehicle that overlap a time, oldest first. Raises OSError."""
        found = await self.async_all_trips(begin, end, {vehicle_id})
        return found.get(vehicle_id, [])

    async def async_all_trips(
        self,
        begin: datetime,
        end: datetime,
        vehicle_ids: Iterable[str] | None = None,
    ) -> dict[str, list[KeptTrip]]:
        """Return the trips that overlap a time, by vehicles, oldest first. Raises OSError."""
        await self._async_move_marks()
        wanted = None if vehicle_ids is None else frozenset(vehicle_ids)
        found: defaultdict[str, list[KeptTrip]] = defaultdict(list)
        first = begin.timestamp() - LONGEST_TRIP.total_seconds()
        for name in self._names(first, end.timestamp()):
            records = await self._async_month(name)
            for vehicle_id, trips in records.trips.items():
                if wanted is not None and vehicle_id not in wanted:
                    continue
                found[vehicle_id] += [
                    one
                    for one in trips.values()
                    if one.found.begin < end.timestamp()
                    and one.found.until > begin.timestamp()
                ]
        for trips_of_one in found.values():
            trips_of_one.sort(key=lambda one: (one.found.begin, one.trip_id))
        return {vehicle_id: trips for vehicle_id, trips in found.items() if trips}

    async def async_trip(self, vehicle_id: str, trip_id: str) -> KeptTrip | None:
        """Return a trip of a vehicle, None if it is not kept. Raises OSError."""
        await self._async_move_marks()
        name = await self._async_month_of(vehicle_id, trip_id)
        if name is None:
            return None
        records = await self._async_month(name)
        return records.trips.get(vehicle_id, {}).get(trip_id)

    async def _async_month_of(self, vehicle_id: str, trip_id: str) -> str | None:
        """Return the month that keeps a trip: the identity of most says it."""
        if not trip_id.isdecimal() or len(trip_id) > 11:
            return None
        name = month_of(float(trip_id))
        if name not in self._months:
            return None
        records = await self._async_month(name)
        return name if trip_id in records.trips.get(vehicle_id, {}) else None

    async def async_readings(
        self, vehicle_id: str, begin: datetime, end: datetime
    ) -> list[DashboardReading]:
        """Return the odometers that users read in a time, oldest first. Raises OSError."""
        found: list[DashboardReading] = []
        for name in self._names(begin.timestamp(), end.timestamp()):
            records = await self._async_month(name)
            found += [
                one
                for one in records.readings.get(vehicle_id, ())
                if begin <= one.at < end
            ]
        return sorted(found, key=lambda one: one.at)

    async def async_route(self, vehicle_id: str, trip_id: str) -> Route | None:
        """Return the way of a trip, None if none is kept. Raises OSError."""
        await self._async_add_ways()
        return await self._routes.async_route(vehicle_id, trip_id)

    async def async_way(self, log: TripLog, found: FoundTrip) -> Route:
        """Return the way of a trip from a vehicle's evidence, such as of the running one."""
        moments = evidence_of(log, found)
        return await self._hass.async_add_executor_job(route_of, moments, found)

    def _names(self, begin: float, end: float) -> list[str]:
        first, last = month_of(max(begin, 0)), month_of(max(end, 0))
        return sorted(name for name in self._months if first <= name <= last)

    def _month(self, name: str) -> MonthFile:
        """Return a month, which is now the one that was asked for last."""
        month = self._months.pop(name, None) or MonthFile(
            self._hass, f"{self._folder}/{name}", self._on_set_aside
        )
        self._months[name] = month
        return month

    async def _async_month(self, name: str) -> Records:
        records = await self._month(name).async_records()
        self._unload_months()
        return records

    def _unload_months(self) -> None:
        """Leave the months in memory that were asked for last, as far as there is room."""
        room = MOST_IN_MEMORY
        for number, month in enumerate(reversed(self._months.values())):
            room -= month.count
            if room < 0 and number:
                month.unload()

    # --- on disk ----------------------------------------------------------------------------

    @callback
    def _schedule_save(self, after: timedelta) -> None:
        if self._cancel_save is None and not self._is_closed:
            self._cancel_save = async_call_later(
                self._hass, after, HassJob(self._async_on_timer)
            )

    async def _async_on_timer(self, _now: datetime) -> None:
        self._cancel_save = None
        await self._async_save()

    async def _async_add_ways(self) -> None:
        while self._ways:
            way = self._ways[0]
            route = await self._hass.async_add_executor_job(
                route_of, way.moments, way.found
            )
            if self._ways and self._ways[0] is way:
                del self._ways[0]
                self._routes.add(way.vehicle_id, way.trip_id, route)

    async def _async_save(self) -> None:
        """Write what is new. What the disk does not take is tried again in a minute."""
        await self._async_add_ways()
        try:
            await self._async_move_marks()
            for month in list(self._months.values()):
                if not month.is_saved:
                    await month.async_save()
            if not self._routes.is_saved:
                await self._routes.async_save()
        except OSError as err:
            if not self._is_disk_failing:
                LOGGER.warning("Trips cannot be kept: %s", type(err).__name__)
            self._is_disk_failing = True
            self._schedule_save(SAVED_AGAIN_AFTER)
        else:
            self._is_disk_failing = False

    async def async_forget(self, vehicle_ids: Iterable[str]) -> None:
        """Remove all that is kept of vehicles."""
        try:
            async with self._forgetting:
                await self._async_forget(frozenset(vehicle_ids))
        except OSError as err:
            LOGGER.warning("Trips cannot be removed: %s", type(err).__name__)

    async def _async_forget(self, gone: frozenset[str]) -> None:
        self._require_open()
        self._ways = [one for one in self._ways if one.vehicle_id not in gone]
        self._moves = [one for one in self._moves if one.vehicle_id not in gone]
        for key in [one for one in self._absorbed if one[0] in gone]:
            del self._absorbed[key]
        for month in list(self._months.values()):
            await month.async_forget(gone)
        await self._routes.async_forget(gone)

    async def _async_begin_tidying(self, now: datetime) -> None:
        self._cancel_tidy = async_track_time_interval(
            self._hass, self._async_tidy, TIDIED_EVERY, cancel_on_shutdown=True
        )
        await self._async_tidy(now)

    async def _async_tidy(self, _now: datetime) -> None:
        try:
            await self.async_tidy()
        except OSError as err:
            LOGGER.warning("Old trips cannot be removed: %s", type(err).__name__)

    async def async_tidy(self, most_of_a_vehicle: int = MOST_OF_A_VEHICLE) -> None:
        """Remove the months that are too old, and the oldest trips of too many.

        Raises OSError when that failed.
        """
        self._require_open()
        oldest = month_of(self.kept_from.timestamp())
        for name in sorted(self._months):
            if name < oldest:
                await self._months[name].async_remove()
                del self._months[name]
        counts: Counter[str] = Counter()
        sizes = await self._hass.async_add_executor_job(self._size_on_disk)
        if sizes < most_of_a_vehicle * LEAST_BYTES_OF_A_TRIP:
            return
        for name in sorted(self._months, reverse=True):
            records = await self._async_month(name)
            counts.update({one: len(trips) for one, trips in records.trips.items()})
            full = frozenset(
                one for one in records.trips if counts[one] > most_of_a_vehicle
            )
            if full:
                await self._months[name].async_forget(full)

    def _size_on_disk(self) -> int:
        path = path_of(self._hass, self._folder)
        return sum(one.stat().st_size for one in path.glob("????-??"))


def folder_name(entry_id: str) -> str:
    """Return the name of the folder of a config entry's trips."""
    return f"{DOMAIN}.{entry_id}.trips"


def _is_month(name: str) -> bool:
    try:
        datetime.strptime(name, "%Y-%m")
    except ValueError:
        return False
    return len(name) == len("2026-11")
