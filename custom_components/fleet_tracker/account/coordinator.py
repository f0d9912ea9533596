"""One account: it polls the vendor, and is the host of the vendor's connection.

It holds the fleet, which takes the news, and the commands, which know nothing of it. Here
it is decided when to poll, when the account counts as reachable, and what ends a set-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
    Set as AbstractSet,
)
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.components import persistent_notification
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import (
    CALLBACK_TYPE,
    CoreState,
    HassJob,
    HomeAssistant,
    callback,
)
from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    ConfigEntryNotReady,
    HomeAssistantError,
)
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_ACCURACY_LIMIT,
    CONF_EXCLUDED_VEHICLES,
    CONF_HOLD_WHILE_PARKED,
    CONF_IDENTITY,
    CONF_KEEP_TRIPS,
    CONF_KEEP_TRIPS_YEARS,
    DEFAULT_KEEP_TRIPS_YEARS,
    DOMAIN,
    LOGGER,
)
from ..contract.commands import Command, CommandResult
from ..contract.connection import Memory, PollResult, Settings
from ..contract.errors import (
    AuthenticationFailed,
    InvalidAnswer,
    RateLimited,
    VendorError,
)
from ..contract.history import Trip
from ..model.guard import Refusal
from ..model.json_values import as_unix_time
from ..model.rules import Rules
from ..model.trips.log import TripLog
from ..model.vehicle import (
    KnownRecord,
    Occurrence,
    OccurrenceKind,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)
from ..model.vehicle_kind import VehicleKind, guess_kind
from ..offer.errors import of_vendor, told
from ..offer.flow import accepted_vehicles
from ..offer.texts import error_text
from ..offer.vendor import Vendor
from .availability import Availability
from .back_off import BackOff
from .commands import EXTRA_LOOK_DELAY, Commands, May, anybody
from .devices import Devices
from .discovery import show_card
from .distance_statistics import DistanceStatistics
from .fleet import Fleet
from .maintenance import Maintenance
from .occurrence_journal import OccurrenceJournal
from .occurrences import OccurrenceLog, Subscriber
from .pace import Pace, async_forget_old_pace, async_keep_pace, current_pace
from .problems import RATE_LIMITED, Problems
from .reachability import Reachability
from .reauthentication import async_end_reauthentication
from .storage import SLICE, EntryMemory, VehicleStore
from .trip_ways import TripWays
from .trips.kept import KeptTrips
from .trips.own import OwnTrips
from .trips.past import VendorPast
from .vehicle_settings import VehicleSettings, all_settings, settings_of

type FleetConfigEntry = ConfigEntry[FleetCoordinator]

LONGEST_FIRST_WAIT = 9
"""Seconds that a set-up waits for the vendor, where vehicles are known without it.

A start is to cost no more than 10 for a server that accepts and never answers.
"""
TRIPS_KEPT_SINCE = "trips_kept_since"
POLLS_TELL = "polls_tell"
"""In the account's memory."""
FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(minutes=5)
"""How long to wait after a poll that failed, while none has succeeded since the start."""
REFUSED_RETRY = timedelta(hours=1)
"""How often to try credentials that were refused: they may be allowed again."""
TRIGGERS_BEGIN_WITHIN = 5
"""Seconds after a start within which Home Assistant begins with the triggers."""


class FleetCoordinator(DataUpdateCoordinator[Mapping[str, Vehicle]]):
    """The vehicles of one config entry. It is the `Host` of the vendor's connection."""

    config_entry: FleetConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: FleetConfigEntry,
        vendor: Vendor,
        memory: EntryMemory,
    ) -> None:
        """Initialize with the config entry and its stored facts; `async_open` starts."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=vendor.name,
            always_update=False,
        )
        self.vendor = vendor
        self._memory = memory
        self.session = async_get_clientsession(
            hass, verify_ssl=entry.data.get(CONF_VERIFY_SSL, True)
        )
        self.identity: str = entry.data[CONF_IDENTITY]
        self.excluded: frozenset[str] = frozenset(
            entry.options.get(CONF_EXCLUDED_VEHICLES, ())
        )
        self._rules = Rules(
            hold_while_parked=entry.options.get(CONF_HOLD_WHILE_PARKED, True),
            accuracy_limit=entry.options.get(CONF_ACCURACY_LIMIT) or None,
        )
        self._day_ends = dt_util.utc_from_timestamp(0)
        journal = OccurrenceJournal(hass, entry.entry_id)
        self._store = VehicleStore(hass, entry.entry_id, self.vehicles, journal)
        self._shown_entry = _without_vehicles(entry)
        self._is_stopping = False
        self._adding: set[asyncio.Task[None]] = set()
        self._occurrences = OccurrenceLog(
            journal, memory.core, started_at=dt_util.utcnow()
        )
        self.devices = Devices(hass, entry, self.vehicles)
        self._vehicle_settings = all_settings(entry.options)
        self._own_rules: dict[str, tuple[Rules, Rules]] = {}
        self.maintenance = Maintenance(
            hass, entry, memory.core, self._vehicle_settings, self._own_rules.clear
        )
        self._problems = Problems(
            hass, entry, vendor.fixable_problems, self.devices.names
        )
        self._trips_set_aside: list[str] = []
        self.trips_kept_since = dt_util.utcnow()
        self._vendor_past = VendorPast(self.vehicles)
        self.kept_trips = KeptTrips(
            hass,
            entry.entry_id,
            keeps=entry.options.get(CONF_KEEP_TRIPS, True),
            years=round(
                entry.options.get(CONF_KEEP_TRIPS_YEARS, DEFAULT_KEEP_TRIPS_YEARS)
            ),
            on_set_aside=self._on_trips_set_aside,
        )
        self.fleet = Fleet(hass, self.name, self, self._occurrences)
        self.data = self.fleet.vehicles
        self.own_trips = OwnTrips(self.kept_trips, self.fleet.vehicles)
        self._occurrences.subscribe(
            self.fleet.totals.note_alarm, kind=OccurrenceKind.ALARM
        )
        self._cancel_early_poll: CALLBACK_TYPE | None = None
        self._early_poll_at = 0.0
        self._poll_lock = asyncio.Lock()
        self._back_off = BackOff(memory.core, self.now())
        self._availability = Availability(
            hass,
            Reachability(self.now()),
            self.fleet.tell_all,
            self.fleet.refresh,
        )
        self._has_polled = False
        self._is_refused = False
        self._retry_wait = timedelta()
        self._takes_pushes = False
        self._partly_failing = False
        self._saving_occurrences = False
        self._is_disk_failing = False
        self.pace = current_pace(entry.options, memory.core)
        self.connection = vendor.connect(self._settings(entry, self.pace), self)
        self.statistics = DistanceStatistics(hass, self)
        self.trip_ways = TripWays(hass, self)
        self._commands = Commands(
            hass, self.connection, self.fleet, self, self._show_warning
        )

    @staticmethod
    def _settings(entry: FleetConfigEntry, pace: Pace) -> Settings:
        return Settings(
            data=entry.data,
            options=entry.options,
            vehicles=accepted_vehicles(entry),
            driving_interval=pace.driving,
            parked_interval=pace.parked,
        )

    # --- life -------------------------------------------------------------------------------

    async def async_open(self) -> None:
        """Show what was known at the last stop, and open the connection.

        Raises ConfigEntryAuthFailed or ConfigEntryNotReady where it cannot be opened now.
        """
        await async_forget_old_pace(self.options, self.own_memory)
        try:
            await self._async_recall()
            wait = self._back_off.left(self.now())
            if wait and not self._knows_vehicles:
                raise RateLimited("Not yet", retry_after=wait)
            await self.connection.open()
        except VendorError as err:
            raise _ended_by(err, ConfigEntryNotReady) from err

    @property
    def _knows_vehicles(self) -> bool:
        """Whether there are vehicles to show without an answer of the vendor."""
        return any(vehicle.shown_readings for vehicle in self.fleet.vehicles.values())

    async def async_poll_first(self) -> None:
        """Poll for the first time, waiting for the answer no longer than needed.

        Where vehicles are known, they are shown whatever the vendor answers and when; a
        poll that takes long goes on, and one that failed is tried again. Raises what ends
        a set-up where nothing is known.
        """
        if not self._knows_vehicles:
            await self.async_config_entry_first_refresh()
            self._takes_pushes = True
            return
        self._takes_pushes = True
        if wait := self._back_off.left(self.now()):
            self._availability.state.note_failure(self.now())
            self._availability.review()
            self._poll_in(wait.total_seconds())
            return
        # Not cancelled when the wait is over: a token that is being issued would be lost.
        poll = self.config_entry.async_create_background_task(
            self.hass, self.async_refresh(), f"{DOMAIN} first poll"
        )
        await asyncio.wait([poll], timeout=LONGEST_FIRST_WAIT)

    @property
    def takes_pushes(self) -> bool:
        """Whether the account takes pushes: its vehicles are loaded and stay so."""
        return self._takes_pushes and not self._is_stopping

    @callback
    def note_push(self) -> None:
        """Note that a push came in that was verified to be the account's."""
        if not self._is_stopping:
            self._availability.note_push()

    @property
    def is_reachable(self) -> bool:
        """Whether the account is reachable, so that what its entities show counts."""
        return self._availability.is_reachable

    async def _async_recall(self) -> None:
        """Restore the vehicles as they were at the last stop.

        The occurrences that fired are restored first: a restored vehicle may fire what time
        alone made of it meanwhile, such as the end of its trip.
        """
        receipts = await self._occurrences.async_load()
        if self._occurrences.set_aside:
            await self._async_save_occurrences()
        self._hold_until_started()
        unwanted: list[str] = []
        stored = await self._store.async_load(self.fleet.check)
        for number, vehicle in enumerate(stored, start=1):
            if self.is_wanted(vehicle.vehicle_id):
                self.fleet.recall(self._with_told_trips(vehicle))
            else:
                unwanted.append(vehicle.vehicle_id)
            if number % SLICE == 0:
                await asyncio.sleep(0)
        last_trips = await self.kept_trips.async_open(self.fleet.vehicles)
        await self._async_note_kept_since()
        for vehicle_id, trip in last_trips.items():
            self.fleet.recall_trip(vehicle_id, trip)
        if unwanted:
            await self._async_forget_past(unwanted)
            self.on_vehicles_kept()
        self.maintenance.begin(self.fleet)
        # A repair may be shown from before a reload.
        self._problems.note_tracker_clocks(self.fleet.wrong_clocks)
        self._problems.note_unusable_ignitions(self.fleet.unusable_ignitions)
        self._show_set_aside()
        for receipt in receipts:
            self.fleet.recall_receipt(receipt)

    def _with_told_trips(self, vehicle: Vehicle) -> Vehicle:
        """Return a vehicle with what was told of its trips since it was stored."""
        try:
            trips = self._occurrences.trips(vehicle.vehicle_id)
            if trips is None:
                return vehicle
            known = replace(vehicle, trips=trips)
            self.fleet.check(known)
        # What is on disk may be unreadable or senseless in any way. The account must load,
        # and the trips that are stored with the vehicle are good ones.
        except Exception as err:  # noqa: BLE001  it is logged
            LOGGER.warning("Noted trips cannot be used: %s", type(err).__name__)
            return vehicle
        return known

    async def _async_note_kept_since(self) -> None:
        """Note since when trips are kept: before, only the vendor may know them."""
        since = as_unix_time(self.own_memory.get(TRIPS_KEPT_SINCE))
        if self.options.get(CONF_KEEP_TRIPS, True):
            if since is None:
                since = self.now()
                await self.own_memory.put(TRIPS_KEPT_SINCE, since.timestamp())
            self.trips_kept_since = since
        else:
            await self.own_memory.put(TRIPS_KEPT_SINCE, None)

    @property
    def may_ask(self) -> bool:
        """Whether the vendor may be asked for what is not urgent."""
        return self.why_closed() is None and not self._back_off.is_going_on

    async def async_trips_before_kept(
        self, begin: datetime, end: datetime
    ) -> dict[str, list[Trip]]:
        """Return the vendor's trips of a period before trips were kept, by vehicle."""
        if not self.may_ask:
            return {}
        return await self._vendor_past.async_trips(
            self.connection.history, begin, end, self.trips_kept_since
        )

    @callback
    def _on_trips_set_aside(self, copy: str) -> None:
        self._trips_set_aside.append(copy)
        self._show_set_aside()

    @callback
    def _show_set_aside(self) -> None:
        """Show which stored files could not be used."""
        self._problems.note_set_aside(
            [
                *self._memory.set_aside,
                *self._store.set_aside,
                *self._occurrences.set_aside,
                *self._trips_set_aside,
            ]
        )

    @callback
    def _hold_until_started(self) -> None:
        """Hold occurrences back until automations run, a few seconds after a start.

        Home Assistant begins with their triggers when it has started.
        """
        if self.hass.state is CoreState.running:
            return
        self._occurrences.hold()

        @callback
        def on_started(_hass: HomeAssistant) -> None:
            self.config_entry.async_on_unload(
                async_call_later(self.hass, TRIGGERS_BEGIN_WITHIN, on_triggers)
            )

        @callback
        def on_triggers(_now: datetime) -> None:
            self._occurrences.release()
            self.on_occurrence()

        self.config_entry.async_on_unload(async_at_started(self.hass, on_started))

    @property
    def is_stopping(self) -> bool:
        """Whether the account is being unloaded, so that it takes no news any more."""
        return self._is_stopping

    async def async_stop(self) -> None:
        """Refuse further updates, and give the entities the updates that wait.

        The entities still live. One that is added while its platform is unloaded
        would stay behind, dead.
        """
        self._is_stopping = True
        self.fleet.stop_receiving()
        self._commands.withdraw(
            Refusal("entry_not_loaded", {"account": self.config_entry.title})
        )
        await self.connection.stop_receiving()
        await self.fleet.async_done()
        await self.async_entities_added()
        # An event entity listens a turn after it was added.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await self.fleet.async_done()

    @callback
    def async_drop_undelivered(
        self, will_listen: Callable[[str, OccurrenceKind], bool]
    ) -> None:
        """Stop waiting for event entities that turn out to be disabled."""
        self._occurrences.will_listen = will_listen
        self._occurrences.drop_undelivered()

    async def async_close(self) -> None:
        """Stop everything and keep what is known."""
        await self.async_stop()
        self.fleet.close()
        self._availability.cancel()
        if self._cancel_early_poll is not None:
            self._cancel_early_poll()
            self._cancel_early_poll = None
        await self.async_shutdown()
        await self.connection.close()
        await self._commands.async_end()
        await self.kept_trips.async_close()
        await self._store.async_save_pending()
        await self._async_save_occurrences()
        self._memory.close()

    async def async_entry_changed(self) -> None:
        """Apply changes by the user: vehicles at once, all else by a reload."""
        if self._shown_entry != _without_vehicles(self.config_entry):
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
        else:
            await self.async_vehicles_changed()

    async def async_vehicles_changed(self) -> None:
        """Apply vehicles that were added, removed or changed one by one."""
        if self.vendor.flow.vehicles is None:
            return
        accepted = accepted_vehicles(self.config_entry)
        for vehicle_id in [
            known for known in self.fleet.vehicles if known not in accepted
        ]:
            self.async_forget(vehicle_id)
        await self.connection.vehicles_changed(accepted)
        self.poll_soon()

    def is_wanted(self, vehicle_id: str) -> bool:
        """Tell whether the user wants a vehicle: not left out, or added one by one."""
        if self.vendor.flow.vehicles is not None:
            return self.devices.subentry_id(vehicle_id) is not None
        return vehicle_id not in self.excluded

    @callback
    def async_forget(self, vehicle_id: str) -> None:
        """Forget a vehicle after its device was removed."""
        self.fleet.forget(vehicle_id)
        self.devices.forget(vehicle_id)
        self.config_entry.async_create_task(
            self.hass,
            self._async_forget_past([vehicle_id]),
            f"{DOMAIN} forget trips",
        )

    async def _async_forget_past(self, vehicle_ids: Collection[str]) -> None:
        """Remove the trips and the statistics of vehicles."""
        await self.kept_trips.async_forget(vehicle_ids)
        await self.statistics.async_forget(vehicle_ids)

    # --- what the fleet needs ---------------------------------------------------------------

    @property
    def options(self) -> Mapping[str, Any]:
        """What the user chose, as of now."""
        return self.config_entry.options

    @property
    def clock_offset(self) -> timedelta:
        """By how much the clock of the vendor's server is ahead of ours."""
        return self.connection.clock_offset

    def rules(self, vehicle_id: str) -> Rules:
        """Return the rules for what is believed of a vehicle now."""
        rules = self._rules_of_all()
        if (settings := self._vehicle_settings.get(vehicle_id)) is None:
            return rules
        held = self._own_rules.get(vehicle_id)
        if held is None or held[0] is not rules:
            trips = rules.trips
            if settings.stop_minutes is not None:
                trips = replace(trips, min_stop_s=settings.stop_minutes * 60.0)
            plan = self.maintenance.plan(vehicle_id)
            held = self._own_rules[vehicle_id] = (
                rules,
                replace(rules, trips=trips, service=plan),
            )
        return held[1]

    async def async_service_done(self, vehicle_id: str) -> None:
        """Note that a vehicle had its service now."""
        await self.maintenance.async_done(vehicle_id)

    def _rules_of_all(self) -> Rules:
        """Return the rules of all vehicles. Polled data does not count for ever."""
        now = dt_util.utcnow()
        if now >= self._day_ends or now < (self._rules.day_began or now):
            day_began = dt_util.as_utc(dt_util.start_of_local_day())
            tomorrow = dt_util.now().date() + timedelta(days=1)
            self._day_ends = dt_util.as_utc(dt_util.start_of_local_day(tomorrow))
            self._rules = replace(self._rules, day_began=day_began)
        state = self._availability.state
        if not state.fails:
            return self._rules
        return replace(
            self._rules,
            polled_at=state.polled_at + self.clock_offset,
            news_last=state.lasts,
        )

    def first_details(self, vehicle_id: str) -> VehicleDetails | None:
        """Return the name that the user gave a vehicle that was added one by one."""
        return self.devices.first_details(vehicle_id)

    @callback
    def on_vehicles_kept(self) -> None:
        """Store the vehicles within 5 minutes."""
        self._store.async_schedule_save()

    @callback
    def on_wrong_clocks(self, vehicles: AbstractSet[str]) -> None:
        """Show which vehicles have trackers with wrong clocks."""
        self._problems.note_tracker_clocks(vehicles)

    @callback
    def on_unusable_ignitions(self, vehicles: AbstractSet[str]) -> None:
        """Show which vehicles have ignitions that tell nothing."""
        self._problems.note_unusable_ignitions(vehicles)

    @callback
    def on_new_vehicle(self, vehicle_id: str) -> None:
        """Restore the last kept trip of a vehicle that is new, or that came back."""
        if self.kept_trips.oldest is not None:
            self.config_entry.async_create_background_task(
                self.hass,
                self._async_recall_trip(vehicle_id),
                f"{DOMAIN} recall trip",
            )

    async def _async_recall_trip(self, vehicle_id: str) -> None:
        try:
            trip = await self.kept_trips.async_last(vehicle_id)
        except OSError as err:
            LOGGER.warning("Kept trips cannot be read: %s", type(err).__name__)
            return
        if trip is not None:
            self.fleet.recall_trip(vehicle_id, trip)

    @callback
    def on_trips(self, vehicle_id: str, before: TripLog | None, after: TripLog) -> None:
        """Keep the trips that ended or were corrected."""
        self.kept_trips.take(vehicle_id, before, after)

    @callback
    def on_stop(self, vehicle_id: str) -> None:
        """Poll once more, since vendors soon know more of a vehicle that stopped."""
        del vehicle_id
        self.poll_soon(EXTRA_LOOK_DELAY)

    @callback
    def on_occurrence(self) -> None:
        """Store fired occurrences at once, with one write for all that came together."""
        if self._occurrences.is_saved or self._saving_occurrences:
            return
        self._saving_occurrences = True
        self.config_entry.async_create_background_task(
            self.hass,
            self._async_save_occurrences(),
            f"{DOMAIN} save occurrences",
            eager_start=False,
        )

    # --- the vendor's host (Host) -----------------------------------------------------------

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return dt_util.utcnow()

    def receipt(self) -> datetime:
        """Return the time by which ages are judged: ours, set by the vendor's server."""
        return self.connection.receipt()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    @property
    def memory(self) -> Memory:
        """Where the connection keeps small facts."""
        return self._memory.vendor

    @property
    def own_memory(self) -> Memory:
        """Where the account itself keeps small facts."""
        return self._memory.core

    def vehicle(self, vehicle_id: str) -> Vehicle | None:
        """Return the record of a vehicle."""
        return self.fleet.get(vehicle_id)

    def vehicles(self) -> Mapping[str, Vehicle]:
        """Return the records of all vehicles, by their ids."""
        return self.fleet.vehicles

    def with_ignition_on(self) -> AbstractSet[str]:
        """Return the vehicles of which it was last told that their ignition is on."""
        return self.fleet.with_ignition_on

    def moving(self) -> AbstractSet[str]:
        """Return the vehicles of which it was last told that they move."""
        return self.fleet.moving

    def known_records(self) -> Mapping[str, KnownRecord]:
        """Return the record that was merged last of each vehicle that nothing touched since."""
        return self.fleet.known_records()

    def is_gone(self, vehicle_id: str) -> bool:
        """Tell whether a vehicle is no longer in the account."""
        return self.fleet.is_gone(vehicle_id)

    @callback
    def receive(self, updates: Iterable[VehicleUpdate]) -> None:
        """Merge news, polled or pushed."""
        self.fleet.receive(updates)

    async def async_keep_received(self) -> bool:
        """Tell whether everything received is known for good, or at least on disk.

        Only then may a sender be told so, since it will not send it again.
        """
        return await self._async_save_occurrences() and not self._is_stopping

    @callback
    def discover(self, vehicle_id: str, model: str | None = None) -> None:
        """Show the user a vehicle that is not accepted yet, as a discovery card."""
        show_card(self.hass, self.config_entry, vehicle_id, model)

    @callback
    def raise_problem(
        self, cause: str, *, vehicles: Collection[str] = (), **placeholders: str
    ) -> None:
        """Show a repair issue until it is cleared, or until the user lets it be solved."""
        self._problems.show(cause, vehicles=vehicles, **placeholders)

    @callback
    def credentials_refused(self) -> None:
        """Ask the user for new credentials, unless he is being asked."""
        if not self._is_stopping:
            self.config_entry.async_start_reauth(self.hass)

    @callback
    def clear_problem(self, cause: str) -> None:
        """Remove the repair issue, if there is one."""
        self._problems.clear(cause)

    async def async_solve(self, cause: str) -> None:
        """Solve a problem, now that the user agreed. Raises VendorError when that fails."""
        options = await self.connection.solve(cause)
        self.clear_problem(cause)
        self.hass.config_entries.async_update_entry(
            self.config_entry, options={**self.config_entry.options, **options}
        )

    async def async_set_pace(self, pace: Pace) -> None:
        """Poll at another pace from now on, until that of the options changes."""
        await async_keep_pace(self.options, self.own_memory, pace)
        self.pace = pace
        self.connection.change_pace(pace.driving, pace.parked)
        self.poll_soon()

    @callback
    def poll_soon(self, seconds: float = 0) -> None:
        """Poll earlier than planned, once however often it is asked for.

        Not while the vendor has asked to be left alone.
        """
        if not (self._is_stopping or self._back_off.is_going_on or self._is_refused):
            self._poll_in(seconds)

    @callback
    def _poll_in(self, seconds: float) -> None:
        when = self.hass.loop.time() + seconds
        if self._cancel_early_poll is not None:
            if self._early_poll_at <= when:
                return
            self._cancel_early_poll()
        self._early_poll_at = when
        self._cancel_early_poll = async_call_later(
            self.hass, seconds, HassJob(self._async_early_poll, cancel_on_shutdown=True)
        )

    async def _async_early_poll(self, _now: datetime) -> None:
        self._cancel_early_poll = None
        await self.async_refresh()

    # --- news -------------------------------------------------------------------------------

    @override
    async def async_request_refresh(self) -> None:
        """Poll at the user's request, unless the vendor has asked to be left alone."""
        if not self._back_off.is_going_on:
            await super().async_request_refresh()

    @override
    async def _async_update_data(self) -> Mapping[str, Vehicle]:
        # An early poll and a planned one may meet; the base class does not mind in 2025.
        async with self._poll_lock:
            # One that is due while the account is unloaded would be cancelled halfway.
            if self._is_stopping:
                return self.fleet.vehicles
            try:
                return await self._async_poll()
            except HomeAssistantError:
                # A failure because the account is being unloaded does not count.
                if self._is_stopping:
                    return self.fleet.vehicles
                raise

    async def _async_poll(self) -> Mapping[str, Vehicle]:
        try:
            try:
                result = await self.connection.poll()
            finally:
                self._problems.note_server_clock(self.connection.clock_offset)
            if (error := self._failure(result)) is not None:
                # A list of vehicles that was read counts all the same.
                await self._async_take(result)
                raise error
        except VendorError as err:
            self.fleet.forget_records()
            self.update_interval = self._interval_after(err)
            self._is_refused = isinstance(err, AuthenticationFailed)
            if isinstance(err, RateLimited):
                await self._back_off.async_save(self.now(), self.update_interval)
            self._problems.note_access(err)
            raise _ended_by(err, UpdateFailed) from err
        self._availability.state.note_success(self.now())
        # A card may be open from before a reload.
        async_end_reauthentication(self.hass, self.config_entry)
        self._is_refused = False
        self._has_polled = True
        if result.tells and (result.updates or result.unchanged):
            await self.own_memory.put(POLLS_TELL, True)
        await self._back_off.async_save(self.now(), None)
        self._problems.note_access(None)
        self._log_part(result)
        await self._async_take(result)
        self.update_interval = self._interval_after(result.error)
        self._availability.state.plan(self.connection.pace())
        return self.fleet.vehicles

    def _failure(self, result: PollResult) -> VendorError | None:
        """Return why a poll has failed, None for one that is a sign of life."""
        if result.error is not None and (
            not (result.answered and (result.updates or result.unchanged))
            or isinstance(result.error, AuthenticationFailed)
        ):
            return result.error
        if not result.tells and self._was_told_of:
            return InvalidAnswer("The answers tell of no vehicle")
        return None

    @property
    def _was_told_of(self) -> bool:
        """Whether polls brought news of vehicles before, and one of these is still there.

        Some vendors send news only by pushes: there, a poll without news is no failure.
        """
        return self.own_memory.get(POLLS_TELL) is True and any(
            (vehicle.latest_fix or vehicle.heard_at) and not vehicle.is_gone
            for vehicle in self.fleet.vehicles.values()
        )

    async def _async_take(self, result: PollResult) -> None:
        """Take the news of a poll, and which vehicles there are."""
        if result.roster is not None:
            self.fleet.take_roster(result.roster)
        # Handing over the news of thousands takes a turn of the loop of its own.
        await asyncio.sleep(0)
        self.receive(result.updates)
        await self.fleet.async_done()
        if result.roster is not None:
            self._problems.note_subscriptions(
                self.fleet.vehicles.values(), self.receipt()
            )

    @override
    @callback
    def _async_refresh_finished(self) -> None:
        """Note the outcome of a poll, and show at once that the account is reachable."""
        if self._is_stopping:
            return
        if not self.last_update_success:
            self._availability.state.note_failure(self.now())
        self._availability.review()
        # The base class plans no poll after credentials were refused, and none at all
        # where the user turned polling off. The first one must succeed at some time.
        if self._is_refused:
            self._poll_in(REFUSED_RETRY.total_seconds())
        elif (
            not self._has_polled
            and not self.last_update_success
            and self.config_entry.pref_disable_polling
        ):
            self._poll_in((self.update_interval or LONGEST_RETRY).total_seconds())

    def _interval_after(self, err: VendorError | None) -> timedelta | None:
        """Return when to poll again: later each time that the vendor says too often."""
        if not isinstance(err, RateLimited):
            self._back_off.end()
            self._problems.clear(RATE_LIMITED)
            if err is None or self._has_polled:
                return self.connection.poll_interval()
            self._retry_wait = min(
                max(2 * self._retry_wait, FIRST_RETRY), LONGEST_RETRY
            )
            return self._retry_wait
        interval = self._back_off.lengthen(err)
        # The vendor shows problems that have a text of their own.
        if self._back_off.is_stubborn and err.translation_key == RateLimited.key:
            self._problems.show(RATE_LIMITED)
        return interval

    def _log_part(self, result: PollResult) -> None:
        if (failing := result.error is not None) != self._partly_failing:
            self._partly_failing = failing
            if failing:
                LOGGER.warning(
                    "Some %s vehicles cannot be read: %s", self.name, result.error
                )
            else:
                LOGGER.info("All %s vehicles can be read again", self.name)

    async def _async_save_occurrences(self) -> bool:
        """Write fired occurrences, and tell whether all are on disk."""
        self._saving_occurrences = False
        try:
            await self._occurrences.async_save()
        except OSError as err:
            if not self._is_disk_failing:
                LOGGER.error("Alarms cannot be kept on disk: %s", err.strerror or err)
            self._is_disk_failing = True
            return False
        self._is_disk_failing = False
        return True

    # --- listeners --------------------------------------------------------------------------

    @override
    @callback
    def async_update_listeners(self) -> None:
        """Notify nobody of a failed or a first good poll: that alone changes no state."""

    @callback
    def async_deliver_occurrences(
        self,
        vehicle_id: str,
        kind: OccurrenceKind,
        listener: Callable[[Occurrence], None],
    ) -> CALLBACK_TYPE:
        """Deliver every new occurrence to an event entity, and those that waited for it."""
        return self._occurrences.deliver_to(vehicle_id, kind, listener)

    @callback
    def async_subscribe_occurrences(
        self,
        subscriber: Subscriber,
        vehicle_id: str | None = None,
        kind: OccurrenceKind | None = None,
    ) -> CALLBACK_TYPE:
        """Subscribe to occurrences: of a vehicle, of a kind, or all."""
        return self._occurrences.subscribe(subscriber, vehicle_id, kind)

    @callback
    def async_add_newcomer_listener(
        self, listener: Callable[[str], None]
    ) -> CALLBACK_TYPE:
        """Subscribe to vehicles that are new, show something new, or are gone."""
        return self.fleet.add_newcomer_listener(listener)

    @callback
    def async_add_entities(self, adding: Coroutine[Any, Any, None]) -> None:
        """Add entities to their platform; `async_entities_added` waits for it."""
        task = self.config_entry.async_create_task(
            self.hass, adding, f"{DOMAIN} add entities", eager_start=True
        )
        if not task.done():
            self._adding.add(task)
            task.add_done_callback(self._adding.discard)

    async def async_entities_added(self) -> None:
        """Wait for entities that are being added."""
        while self._adding:
            await asyncio.wait(self._adding)

    # --- commands ---------------------------------------------------------------------------

    async def async_look(self, vehicle_id: str) -> None:
        """Read a vehicle once, now. Raises HomeAssistantError when that fails."""
        await self._commands.async_look(vehicle_id)

    async def async_execute(
        self, vehicle_id: str, command: Command, may: May = anybody
    ) -> CommandResult:
        """Carry out a command, see `Commands.async_execute`.

        Raises HomeAssistantError with a translated text.
        """
        return await self._commands.async_execute(vehicle_id, command, may)

    def why_closed(self) -> Refusal | None:
        """Return why the account takes no commands, None if it is running."""
        entry = self.config_entry
        if (
            self._is_stopping
            or entry.state is not ConfigEntryState.LOADED
            or self.hass.config_entries.async_get_entry(entry.entry_id) is not entry
        ):
            return Refusal("entry_not_loaded", {"account": entry.title})
        return None

    def home_assistant_error(self, err: VendorError) -> HomeAssistantError:
        """Return the error that the user is shown for a vendor's error."""
        if isinstance(err, AuthenticationFailed):
            self.credentials_refused()
        return of_vendor(err, HomeAssistantError)

    @callback
    def _show_warning(self, vehicle_id: str, key: str) -> None:
        """Show the warning of a command that was carried out."""
        vehicle = self.fleet.vehicles[vehicle_id]
        persistent_notification.async_create(
            self.hass,
            error_text(self.hass, told(HomeAssistantError, key)),
            title=vehicle.details.name,
            notification_id=f"{DOMAIN}_{self.identity}_{vehicle_id}_{key}",
        )

    # --- what the user says of a vehicle ------------------------------------------------------

    def vehicle_kind(self, vehicle_id: str) -> VehicleKind:
        """Return what kind of vehicle one is: as the user says, else as it seems."""
        if (kind := self.vehicle_settings(vehicle_id).kind) is not None:
            return kind
        vehicle = self.vehicle(vehicle_id)
        texts = (vehicle.details.model, vehicle.details.name) if vehicle else ()
        return guess_kind(*texts, default=self.vendor.entities.kind)

    def vehicle_settings(self, vehicle_id: str) -> VehicleSettings:
        """Return what the user set for one vehicle."""
        return settings_of(self.config_entry.options, vehicle_id)


def find_vehicle(
    hass: HomeAssistant, device_id: str
) -> tuple[FleetCoordinator, str] | None:
    """Return the account and the id of a device's vehicle, None if there is none."""
    device = dr.async_get(hass).async_get(device_id)
    if device is None:
        return None
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        coordinator: FleetCoordinator = entry.runtime_data
        if vehicle_id := coordinator.devices.vehicle_of(device.identifiers):
            return coordinator, vehicle_id
    return None


def _without_vehicles(entry: ConfigEntry) -> tuple[object, ...]:
    """Return the settings of an entry without its vehicles: a change needs a reload."""
    return (entry.title, entry.unique_id, dict(entry.data), dict(entry.options))


def _ended_by(err: VendorError, kind: type[HomeAssistantError]) -> HomeAssistantError:
    """Return the error that ends a poll or a set-up for a vendor's error."""
    if isinstance(err, AuthenticationFailed):
        kind = ConfigEntryAuthFailed
    return of_vendor(err, kind)
