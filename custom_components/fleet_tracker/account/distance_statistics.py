"""The driven distances of an account's vehicles as statistics, also of the time before it.

An hour has one source. Until the hour in which we began to look after a vehicle it is the
vendor, from then on it is the trips that were found. The vendor is asked once for the month
before, and for more where the user wants that.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..contract.connection import Connection, Memory
from ..contract.errors import OF_THE_ACCOUNT, VehicleUnavailable, VendorError
from ..contract.history import HistoryKind, HistoryQuery, VendorHistory, not_told
from ..model.hours import (
    Metres,
    first_hour_from,
    hour_of,
    metres_of_trips,
    rewritten,
    spread,
    within,
)
from ..model.json_values import Json
from ..model.trips.log import MOST_TRIPS
from ..model.trips.trip import FoundTrip
from ..model.vehicle import Occurrence, OccurrenceKind, OccurrenceType, Vehicle
from ..offer.texts import common_text
from .clock_times import async_each_day
from .occurrences import Subscriber
from .recorder_rows import RecorderRows, has_recorder
from .trips.own import OwnTrips

PAST = timedelta(days=30)
"""How much of the past is asked for when an account is new."""
PAUSE = 1.0
"""Seconds between two questions to the vendor: it is in no hurry."""
TRIPS_AT_ONCE = timedelta(days=7)
MOST_TRIPS_TOLD = 10_000
CORRECTIONS_WITHIN = 60
"""Seconds after which a correction is written, with those that came meanwhile."""
CORRECTED_FOR = timedelta(days=3)
"""For how long trips are written anew each day: late news may have changed them."""
CONTINUED_AFTER = timedelta(minutes=10)
"""How long after midnight the day before is written."""

# Keys of the memory
SINCE = "distances_since"
IMPORTED = "distances_imported"
UNTIL = "distances_until"


class Account(Protocol):
    """What is needed of the account."""

    @property
    def config_entry(self) -> ConfigEntry[Any]:
        """Its config entry."""

    @property
    def connection(self) -> Connection:
        """The connection to its vendor."""

    @property
    def own_memory(self) -> Memory:
        """Where small facts are kept."""

    @property
    def own_trips(self) -> OwnTrips:
        """The trips of its vehicles, kept and remembered."""

    @property
    def identity(self) -> str:
        """What its unique ids begin with."""

    def vehicle(self, vehicle_id: str) -> Vehicle | None:
        """Return what is known of a vehicle."""

    def vehicles(self) -> Mapping[str, Vehicle]:
        """Return what is known of all vehicles, by their ids."""

    def async_subscribe_occurrences(
        self,
        subscriber: Subscriber,
        vehicle_id: str | None = None,
        kind: OccurrenceKind | None = None,
    ) -> CALLBACK_TYPE:
        """Subscribe to occurrences of vehicles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What was imported of a vehicle: metres of hours, and where they are."""

    statistic_id: str
    hours: int
    metres: int


class DistanceStatistics:
    """Writes the statistics of an account, as far as there is a recorder."""

    def __init__(self, hass: HomeAssistant, account: Account) -> None:
        """Initialize with the account; `async_start` starts."""
        self._account = account
        self._hass = hass
        self._memory = account.own_memory
        self._rows = RecorderRows(hass, account.identity)
        self._lock = asyncio.Lock()
        self._corrected: dict[str, float] = {}
        """The vehicles with corrections that are not written yet, and from when these are."""
        self._cancel_correction: CALLBACK_TYPE | None = None
        self._is_ended = False

    async def async_start(self) -> None:
        """Note since when vehicles are looked after, and go on once automations run."""
        entry = self._account.config_entry
        entry.async_on_unload(self._end)
        await self._async_note_vehicles()

        @callback
        def on_started(hass: HomeAssistant) -> None:
            if not has_recorder(hass):
                return
            entry.async_on_unload(async_each_day(hass, self._run, CONTINUED_AFTER))
            entry.async_on_unload(
                self._account.async_subscribe_occurrences(
                    self._on_trip, kind=OccurrenceKind.TRIP
                )
            )
            entry.async_on_unload(self._cancel)
            self._run()

        entry.async_on_unload(async_at_started(self._hass, on_started))

    @callback
    def _end(self) -> None:
        self._is_ended = True

    def _require_running(self) -> None:
        """Raise VendorError once the account does not run, or was removed."""
        if self._is_ended:
            raise VendorError(
                "The account does not run any more",
                key="entry_not_loaded",
                placeholders={"account": self._account.config_entry.title},
            )

    @callback
    def _run(self) -> None:
        self._account.config_entry.async_create_background_task(
            self._hass, self._async_run(), f"{DOMAIN} statistics"
        )

    async def _async_run(self) -> None:
        """Write what is due: the days that are over, and the time before the account."""
        await self._async_note_vehicles()
        try:
            await self.async_continue()
            await self._async_import_past()
        except OSError as err:
            LOGGER.error("Kept trips cannot be read: %s", err.strerror or err)
        except VendorError as err:
            LOGGER.debug("Statistics are written later: %s", err)

    # --- since when --------------------------------------------------------------------------

    def _since(self) -> dict[str, int]:
        """Return the first hour of each vehicle that we count ourselves."""
        kept = self._memory.get(SINCE)
        return {
            vehicle_id: int(hour)
            for vehicle_id, hour in (kept.items() if isinstance(kept, Mapping) else ())
            if isinstance(hour, int | float)
        }

    async def _async_note_vehicles(self) -> None:
        """Note from when new vehicles are counted: from now, or from their first trip."""
        known, now = self._since(), hour_of(dt_util.utcnow().timestamp())
        new = {
            vehicle_id: min(now, _oldest_hour([one.found for one in ended]))
            if (ended := [one for one in vehicle.trips.trips if one.is_ended])
            else now
            for vehicle_id, vehicle in self._account.vehicles().items()
            if vehicle_id not in known
        }
        if new:
            await self._memory.put(SINCE, {**known, **new})

    async def async_forget(self, vehicle_ids: Iterable[str]) -> None:
        """Remove what was written of vehicles, and since when they were looked after."""
        gone = frozenset(vehicle_ids)
        async with self._lock:
            for one in gone:
                self._corrected.pop(one, None)
            since = self._since()
            if not gone.isdisjoint(since):
                kept: dict[str, Json] = {
                    one: hour for one, hour in since.items() if one not in gone
                }
                await self._memory.put(SINCE, kept)
            imported = self._memory.get(IMPORTED)
            if isinstance(imported, list):
                await self._memory.put(
                    IMPORTED, [one for one in imported if one not in gone]
                )
            if has_recorder(self._hass):
                await self._rows.async_clear(gone)

    # --- what we found -----------------------------------------------------------------------

    async def async_continue(self) -> None:
        """Write the hours of the days that ended since the last call."""
        until = _begin_of(dt_util.now().date())
        kept = self._memory.get(UNTIL)
        done = min(int(kept), until) if isinstance(kept, int | float) else until
        corrected, self._corrected = self._corrected, {}
        usual = done - round(CORRECTED_FOR.total_seconds())
        begin = min([usual, *map(hour_of, corrected.values())])
        async with self._lock:
            own = await self._async_own_trips(begin, until)
            for vehicle_id, trips in own.items():
                if vehicle_id in corrected or any(one.until > usual for one in trips):
                    await self._async_write_own(vehicle_id, trips, begin, until)
        await self._memory.put(UNTIL, until)

    async def _async_own_trips(
        self, begin: int, end: int
    ) -> dict[str, list[FoundTrip]]:
        """Return the trips of each vehicle that ended, the oldest first.

        They are all of a period, and others that are remembered. Raises OSError.
        """
        own = await self._account.own_trips.async_trips(
            datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC)
        )
        return {
            vehicle_id: [one.found for one in trips if not one.is_running]
            for vehicle_id, trips in own.items()
        }

    async def _async_write_own(
        self, vehicle_id: str, trips: Sequence[FoundTrip], begin: int, end: int
    ) -> Metres:
        """Write the hours of a period that is ours, and return them.

        What was before the oldest trip that is known stays as it was written then.
        """
        if not trips:
            return {}
        begin = max(begin, _oldest_hour(trips), self._since().get(vehicle_id, end))
        metres = metres_of_trips(trips, begin, end)
        if begin < end:
            await self._async_rewrite(vehicle_id, metres, begin, end)
        return metres

    @callback
    def _on_trip(self, vehicle_id: str, occurrence: Occurrence) -> None:
        """Write a trip that was corrected, or heard of, after its day was written."""
        begin = occurrence.details.get("begin")
        if not isinstance(begin, str):
            return
        began = datetime.fromisoformat(begin).timestamp()
        is_of_today = began >= _begin_of(dt_util.now().date())
        if occurrence.type is OccurrenceType.TRIP_ENDED and is_of_today:
            return
        self._corrected[vehicle_id] = min(began, self._corrected.get(vehicle_id, began))
        if self._cancel_correction is None and not is_of_today:
            self._cancel_correction = async_call_later(
                self._hass,
                CORRECTIONS_WITHIN,
                HassJob(self._on_corrections, cancel_on_shutdown=True),
            )

    @callback
    def _on_corrections(self, _now: datetime) -> None:
        self._cancel_correction = None
        self._run()

    @callback
    def _cancel(self) -> None:
        if self._cancel_correction is not None:
            self._cancel_correction()
            self._cancel_correction = None

    # --- what the vendor knows ---------------------------------------------------------------

    async def _async_import_past(self) -> None:
        """Ask the vendor once for the time before each vehicle was looked after."""
        history = self._account.connection.history
        if history is None or not _is_told(history):
            return
        kept = self._memory.get(IMPORTED)
        done = {str(one) for one in kept} if isinstance(kept, list) else set[str]()
        since = self._since()
        by_hour: defaultdict[int, list[str]] = defaultdict(list)
        for vehicle_id in self._account.vehicles():
            if vehicle_id not in done and vehicle_id in since:
                by_hour[since[vehicle_id]].append(vehicle_id)
        for hour, vehicle_ids in by_hour.items():
            end = datetime.fromtimestamp(hour, UTC)
            found = await self.async_import(vehicle_ids, end - PAST, end)
            failed = {
                one
                for one, imported in found.items()
                if isinstance(imported, OF_THE_ACCOUNT)
            }
            done |= (set(vehicle_ids) - failed) & self._account.vehicles().keys()
            now_done: list[Json] = [*sorted(done)]
            await self._memory.put(IMPORTED, now_done)
            if failed:
                # The rest is tried with the next day.
                LOGGER.info("The distances of the past are asked for later")
                return

    @callback
    def untold(
        self, vehicle_ids: Sequence[str], begin: datetime, end: datetime
    ) -> Mapping[str, VendorError]:
        """Return the vehicles of which nobody tells anything of a period, and the error."""
        history = self._account.connection.history
        if history is not None and _is_told(history):
            return {}
        _, last = _whole_days(begin, end)
        since = self._since()
        return {one: not_told() for one in vehicle_ids if since.get(one, last) >= last}

    async def async_import(
        self, vehicle_ids: Sequence[str], begin: datetime, end: datetime
    ) -> Mapping[str, Imported | VendorError]:
        """Write the days of a period, and return what came of it for each vehicle.

        A day that the period touches counts as a whole. Raises OSError, and VendorError
        where the account ended meanwhile.
        """
        first, last = _whole_days(begin, end)
        since = self._since()
        asked: defaultdict[int, list[str]] = defaultdict(list)
        found: dict[str, Metres | VendorError] = {}
        for vehicle_id in vehicle_ids:
            ours = since.get(vehicle_id, last)
            if first < min(ours, last):
                asked[min(ours, last)].append(vehicle_id)
            else:
                found[vehicle_id] = {}
        for until, those in asked.items():
            found |= await self._async_ask(those, first, until)
        async with self._lock:
            own = await self._async_own_trips(first, last)
            return {
                one: await self._async_write(
                    one, found[one], own.get(one, ()), first, last
                )
                for one in vehicle_ids
            }

    async def _async_write(
        self,
        vehicle_id: str,
        told: Metres | VendorError,
        trips: Sequence[FoundTrip],
        begin: int,
        end: int,
    ) -> Imported | VendorError:
        """Write what the vendor told of a vehicle, and what was found since.

        Nothing is written of one that was removed meanwhile.
        """
        if self._account.vehicle(vehicle_id) is None:
            return VehicleUnavailable("The vehicle was removed")
        ours = min(max(self._since().get(vehicle_id, end), begin), end)
        if isinstance(told, VendorError) and ours >= end:
            return told
        metres: dict[int, int] = {}
        if not isinstance(told, VendorError) and begin < ours:
            metres |= told
            await self._async_rewrite(vehicle_id, told, begin, ours)
        metres |= await self._async_write_own(vehicle_id, trips, ours, end)
        return Imported(
            statistic_id=await self._rows.async_id(vehicle_id, self._name(vehicle_id)),
            hours=len(metres),
            metres=sum(metres.values()),
        )

    async def _async_ask(
        self, vehicle_ids: Sequence[str], begin: int, end: int
    ) -> Mapping[str, Metres | VendorError]:
        """Ask the vendor, one question after the other."""
        history = self._account.connection.history
        if history is None or not _is_told(history):
            return dict.fromkeys(vehicle_ids, not_told())
        by_trips = HistoryKind.TRIPS in history.offers
        parts = _weeks(begin, end) if by_trips else _days(begin, end)
        metres: dict[str, dict[int, int]] = {one: {} for one in vehicle_ids}
        refused: dict[str, VendorError] = {}
        for number, (part_begin, part_end) in enumerate(parts):
            if number:
                await asyncio.sleep(PAUSE)
            self._require_running()
            left = [one for one in vehicle_ids if one not in refused]
            if not left:
                break
            query = HistoryQuery(
                vehicle_ids=left,
                begin=datetime.fromtimestamp(part_begin, UTC),
                end=datetime.fromtimestamp(part_end, UTC),
                limit=MOST_TRIPS_TOLD,
            )
            try:
                found = await (
                    _from_trips(history, query)
                    if by_trips
                    else _from_distances(history, query)
                )
            except VendorError as err:
                return {**metres, **dict.fromkeys(left, err)}
            for one in left:
                told = found[one]
                if isinstance(told, VendorError):
                    refused[one] = told
                else:
                    for hour, part in within(told, part_begin, part_end).items():
                        metres[one][hour] = metres[one].get(hour, 0) + part
        return {**metres, **refused}

    # --- the recorder ------------------------------------------------------------------------

    def _name(self, vehicle_id: str) -> str:
        vehicle = self._account.vehicle(vehicle_id)
        return vehicle_id if vehicle is None else vehicle.details.name

    async def _async_rewrite(
        self, vehicle_id: str, metres: Metres, begin: int, end: int
    ) -> None:
        """Replace the metres of a vehicle's period where they differ."""
        name = self._name(vehicle_id)
        statistic_id = await self._rows.async_id(vehicle_id, name)
        known, before = await self._rows.async_read(statistic_id, begin)
        changed = rewritten(known, before, metres, begin, end)
        self._require_running()
        if changed:
            title = common_text(self._hass, "distance_statistics", vehicle=name)
            self._rows.async_write(statistic_id, title, changed)


def _oldest_hour(trips: Sequence[FoundTrip]) -> int:
    """Return the hour from which on all trips are known."""
    is_cut = len(trips) >= MOST_TRIPS
    return (first_hour_from if is_cut else hour_of)(trips[0].begin)


def _is_told(history: VendorHistory) -> bool:
    return not history.offers.isdisjoint((HistoryKind.TRIPS, HistoryKind.DISTANCES))


async def _from_trips(
    history: VendorHistory, query: HistoryQuery
) -> Mapping[str, Metres | VendorError]:
    """Return the metres of hours by the trips that the vendor tells.

    A trip that began before the period counts whole, also in the hours before it.
    """
    told = await history.trips(query)
    found: dict[str, Metres | VendorError] = {}
    for vehicle_id in query.vehicle_ids:
        trips = told[vehicle_id]
        if isinstance(trips, VendorError):
            found[vehicle_id] = trips
            continue
        metres: dict[int, int] = {}
        for trip in {trip.begin: trip for trip in trips}.values():
            spent = spread(
                trip.begin.timestamp(),
                trip.end.timestamp(),
                round((trip.distance or 0) * 1000),
            )
            for hour, part in spent.items():
                metres[hour] = metres.get(hour, 0) + part
        found[vehicle_id] = metres
    return found


async def _from_distances(
    history: VendorHistory, query: HistoryQuery
) -> Mapping[str, Metres | VendorError]:
    """Return the metres of a day, as if they were driven in its first hour."""
    told = await history.distances(query)
    hour = first_hour_from(query.begin.timestamp())
    found: dict[str, Metres | VendorError] = {}
    for vehicle_id in query.vehicle_ids:
        driven = told[vehicle_id]
        if isinstance(driven, VendorError):
            found[vehicle_id] = driven
        else:
            found[vehicle_id] = {hour: round((driven.distance or 0) * 1000)}
    return found


def _begin_of(day: date) -> int:
    """Return the first hour that begins on a local day."""
    return first_hour_from(dt_util.start_of_local_day(day).timestamp())


def _whole_days(begin: datetime, end: datetime) -> tuple[int, int]:
    """Return the hours from which on and until which days that a period touches last.

    The last one ends with the last hour that is over.
    """
    last_day = dt_util.as_local(end - timedelta(seconds=1)).date()
    return _begin_of(dt_util.as_local(begin).date()), min(
        _begin_of(last_day + timedelta(days=1)),
        hour_of(dt_util.utcnow().timestamp()),
    )


def _days(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the local days of a period, the last one as far as it goes."""
    day = dt_util.as_local(datetime.fromtimestamp(begin, UTC)).date()
    while (first := max(begin, _begin_of(day))) < end:
        day += timedelta(days=1)
        yield first, min(end, _begin_of(day))


def _weeks(begin: int, end: int) -> Iterable[tuple[int, int]]:
    """Return a period in parts of a week."""
    step = round(TRIPS_AT_ONCE.total_seconds())
    return [(first, min(end, first + step)) for first in range(begin, end, step)]
