"""The one way in for news of vehicles, and the one way out for commands.

Polled and pushed updates are merged here, compared with what is known, kept for the next
start, and told only to those who listen to a (vehicle, reading) that changed. Errors of a
vendor become Home Assistant's here and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import zip_longest
from typing import Any, override

from homeassistant.components import persistent_notification
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntry,
    ConfigEntryState,
)
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    ConfigEntryNotReady,
    HomeAssistantError,
)
from homeassistant.helpers import device_registry as dr, discovery_flow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.translation import async_get_exception_message
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_ACCURACY_LIMIT,
    CONF_ALLOW_ENGINE_CUT,
    CONF_DRIVING_INTERVAL,
    CONF_ENGINE_CUT_SPEED_LIMIT,
    CONF_EXCLUDED_VEHICLES,
    CONF_HOLD_WHILE_PARKED,
    CONF_IDENTITY,
    CONF_PARKED_INTERVAL,
    DEFAULT_DRIVING_INTERVAL,
    DEFAULT_ENGINE_CUT_SPEED_LIMIT,
    DEFAULT_PARKED_INTERVAL,
    DOMAIN,
    LEAST_ENGINE_CUT_SPEED_LIMIT,
    LOGGER,
)
from ..contract.commands import Clearance, Command, CommandResult
from ..contract.connection import PollResult, Settings
from ..contract.errors import AuthenticationFailed, RateLimited, VendorError
from ..model.clocks import is_wrong
from ..model.derive import expires_at, online_expires_at
from ..model.guard import Refusal, refusal
from ..model.merge import CAPABILITIES, DETAILS, merge, refresh
from ..model.rules import Rules
from ..model.texts import LONGEST_TOLD, clean_text, clean_update, is_vehicle_id
from ..model.vehicle import (
    ABSENCES_UNTIL_GONE,
    Occurrence,
    OccurrenceKind,
    Reading,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)
from ..offer.flow import accepted_vehicles
from ..offer.vendor import Vendor
from .availability import Availability
from .back_off import BackOff
from .clearances import JudgedClearance, StopClearance
from .expiries import Expiries
from .occurrence_journal import OccurrenceJournal, Receipt
from .occurrences import OccurrenceLog
from .problems import RATE_LIMITED, Problems
from .reachability import Reachability
from .reauthentication import async_end_reauthentication
from .sliced_work import SlicedWork
from .storage import SLICE, EntryMemory, VehicleStore
from .subentries import VehicleSubentries, discovery_unique_id

type FleetConfigEntry = ConfigEntry[FleetCoordinator]
type Context = tuple[str, str]
"""What an entity listens to: a vehicle and one of its readings."""

EXTRA_LOOK_DELAY = 20
"""Seconds after which vendors usually know what came of a stop or a command."""
LOOK_AGAIN_AFTER = 10
"""Seconds between the looks for a command that can stop a vehicle not heard of lately."""
MOST_LOOKS = 7
"""The first at once, the last a minute later."""
MOST_DISCOVERIES = 20
LONGEST_FIRST_WAIT = 9
"""Seconds that a set-up waits for the vendor, where vehicles are known without it.

A start is to cost no more than 10 for a server that accepts and never answers.
"""
FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(minutes=5)
"""How long to wait after a poll that failed, while none has succeeded since the start."""
REFUSED_RETRY = timedelta(hours=1)
"""How often to try credentials that were refused: they may be allowed again."""
_WITHDRAWN = Refusal("engine_cut_withdrawn")


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
        """Take what the user entered and where facts are kept; `async_open` starts."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=vendor.name,
            always_update=False,
        )
        self.vendor = vendor
        self.memory = memory
        self.session = async_get_clientsession(hass)
        self.identity: str = entry.data[CONF_IDENTITY]
        self.excluded: frozenset[str] = frozenset(
            entry.options.get(CONF_EXCLUDED_VEHICLES, ())
        )
        self.dropped: Counter[str] = Counter()
        self._rules = Rules(
            hold_while_parked=entry.options.get(CONF_HOLD_WHILE_PARKED, True),
            accuracy_limit=entry.options.get(CONF_ACCURACY_LIMIT) or None,
        )
        self._vehicles: dict[str, Vehicle] = {}
        self.data = self._vehicles
        self._store = VehicleStore(hass, entry.entry_id, self.vehicles)
        self._shown_entry = _without_vehicles(entry)
        self._closed = False
        self._is_stopping = False
        self._adding: set[asyncio.Task[None]] = set()
        self._work = SlicedWork(self.name)
        self._listeners_of: defaultdict[str, defaultdict[str, list[CALLBACK_TYPE]]] = (
            defaultdict(lambda: defaultdict(list))
        )
        self._newcomer_listeners: list[Callable[[str], None]] = []
        self._occurrences = OccurrenceLog(
            OccurrenceJournal(hass, entry.entry_id),
            memory,
            started_at=dt_util.utcnow(),
        )
        self._subentries = VehicleSubentries(entry)
        self._problems = Problems(hass, entry, vendor.fixable_problems)
        self._expiries = Expiries(hass, self._on_expired)
        self._cancel_early_poll: CALLBACK_TYPE | None = None
        self._early_poll_at = 0.0
        self._poll_lock = asyncio.Lock()
        self._command_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stops: dict[str, StopClearance] = {}
        self._restoring: Counter[str] = Counter()
        self._guarded: dict[asyncio.Task[CommandResult], StopClearance] = {}
        self._unmerged: defaultdict[str, deque[VehicleUpdate]] = defaultdict(deque)
        self._back_off = BackOff(memory, self.now())
        self._availability = Availability(
            hass,
            Reachability(self.now()),
            self._on_reachable,
            self._on_polls_count,
        )
        self._has_polled = False
        self._is_refused = False
        self._retry_wait = timedelta()
        self._takes_pushes = False
        self._partly_failing = False
        self._wrong_clocks: set[str] = set()
        self._saving_occurrences = False
        self._is_disk_failing = False
        self.connection = vendor.connect(self._settings(entry), self)

    @staticmethod
    def _settings(entry: FleetConfigEntry) -> Settings:
        options = entry.options
        return Settings(
            data=entry.data,
            options=options,
            vehicles=accepted_vehicles(entry),
            driving_interval=timedelta(
                seconds=options.get(
                    CONF_DRIVING_INTERVAL, DEFAULT_DRIVING_INTERVAL.total_seconds()
                )
            ),
            parked_interval=timedelta(
                seconds=options.get(
                    CONF_PARKED_INTERVAL, DEFAULT_PARKED_INTERVAL.total_seconds()
                )
            ),
        )

    # --- life -------------------------------------------------------------------------------

    async def async_open(self) -> None:
        """Show what was known at the last stop, and open the connection.

        Raises what ends a set-up where it cannot be opened, or not yet.
        """
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
        """Whether there is something to show without the vendor."""
        return any(vehicle.shown_readings for vehicle in self._vehicles.values())

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
        """Whether pushes find their vehicles here."""
        return self._takes_pushes and not self._is_stopping

    @callback
    def note_push(self) -> None:
        """Note that a push came in that was verified to be the account's."""
        if not self._is_stopping:
            self._availability.note_push()

    @property
    def is_reachable(self) -> bool:
        """Whether what is shown of the account counts."""
        return self._availability.is_reachable

    async def _async_recall(self) -> None:
        """Take the vehicles as they were at the last stop."""
        for number, vehicle in enumerate(await self._store.async_load(), start=1):
            if self._is_wanted(vehicle.vehicle_id):
                self._keep(refresh(vehicle, self._rules_now(), self.receipt()).vehicle)
            if number % SLICE == 0:
                await asyncio.sleep(0)
        self._problems.note_tracker_clocks(len(self._wrong_clocks))
        receipts = await self._occurrences.async_load()
        self._problems.note_set_aside(
            [
                *self.memory.set_aside,
                *self._store.set_aside,
                *self._occurrences.set_aside,
            ]
        )
        if self._occurrences.set_aside:
            await self._async_save_occurrences()
        for receipt in receipts:
            update = VehicleUpdate(
                vehicle_id=receipt.vehicle_id,
                occurrences=(receipt.occurrence,),
                pushed=True,
            )
            self._unmerged[receipt.vehicle_id].append(update)
            self._work.add([partial(self._absorb_next, receipt.vehicle_id, (receipt,))])

    @property
    def is_stopping(self) -> bool:
        """Whether nothing is taken any more: the account is being unloaded."""
        return self._is_stopping

    async def async_stop(self) -> None:
        """Take nothing more, and bring what waits to the entities, which still live.

        An entity that is added while its platform is unloaded would stay behind, dead.
        """
        self._is_stopping = True
        for stop in self._stops.values():
            stop.withdraw(
                Refusal("entry_not_loaded", {"account": self.config_entry.title})
            )
        await self.connection.stop_receiving()
        await self._work.async_done()
        await self.async_entities_added()
        # An event entity listens a turn after it was added.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await self._work.async_done()

    @callback
    def async_drop_undelivered(
        self, will_listen: Callable[[str, OccurrenceKind], bool]
    ) -> None:
        """Wait for no event entity from now on of which it is told that it is disabled."""
        self._occurrences.will_listen = will_listen
        self._occurrences.drop_undelivered()

    async def async_close(self) -> None:
        """Stop everything and keep what is known."""
        await self.async_stop()
        self._closed = True
        self._expiries.cancel()
        self._availability.cancel()
        if self._cancel_early_poll is not None:
            self._cancel_early_poll()
            self._cancel_early_poll = None
        await self.async_shutdown()
        await self.connection.close()
        await self._async_end_guarded()
        await self._store.async_save_pending()
        await self._async_save_occurrences()
        self.memory.close()

    async def _async_end_guarded(self) -> None:
        """End what was withdrawn and still waits; what may be on its way has its answer."""
        withdrawn = [
            work
            for work, clearance in self._guarded.items()
            if not clearance.may_be_sent
        ]
        for work in withdrawn:
            work.cancel()
        await asyncio.gather(*withdrawn, return_exceptions=True)

    async def async_entry_changed(self) -> None:
        """Take what the user changed: vehicles at once, all else by a reload."""
        if self._shown_entry != _without_vehicles(self.config_entry):
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
        else:
            await self.async_vehicles_changed()

    async def async_vehicles_changed(self) -> None:
        """Take the vehicles that were added, removed or changed one by one."""
        if self.vendor.flow.vehicles is None:
            return
        accepted = accepted_vehicles(self.config_entry)
        for vehicle_id in [known for known in self._vehicles if known not in accepted]:
            self.async_forget(vehicle_id)
        await self.connection.vehicles_changed(accepted)
        self.poll_soon()

    def _is_wanted(self, vehicle_id: str) -> bool:
        """Tell whether the user wants a vehicle: not left out, or added one by one."""
        if self.vendor.flow.vehicles is not None:
            return self.subentry_id(vehicle_id) is not None
        return vehicle_id not in self.excluded

    @callback
    def async_forget(self, vehicle_id: str) -> None:
        """Forget a vehicle whose device is gone."""
        self._vehicles.pop(vehicle_id, None)
        self._note_clock(vehicle_id, wrong=False)
        self._occurrences.forget(vehicle_id)
        self._tell_platforms(vehicle_id)
        self._store.async_schedule_save()

    # --- what a connection may ask (Host) ---------------------------------------------------

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return dt_util.utcnow()

    def receipt(self) -> datetime:
        """Return the time by which ages are judged: ours, set by the vendor's server."""
        return self.connection.receipt()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def vehicle(self, vehicle_id: str) -> Vehicle | None:
        """Return what is known of a vehicle."""
        return self._vehicles.get(vehicle_id)

    def vehicles(self) -> Mapping[str, Vehicle]:
        """Return what is known of all vehicles, by their ids."""
        return self._vehicles

    @callback
    def receive(self, updates: Iterable[VehicleUpdate]) -> None:
        """Take news, polled or pushed."""
        if self._is_stopping:
            return
        jobs = []
        for update in updates:
            receipts: tuple[Receipt, ...] = ()
            if (
                update.pushed
                and update.occurrences
                and is_vehicle_id(update.vehicle_id)
                and self._is_wanted(update.vehicle_id)
            ):
                update = clean_update(update)
                receipts = tuple(
                    self._occurrences.receive(
                        update.vehicle_id, replace(one, told_at=self.receipt())
                    )
                    for one in update.occurrences
                )
            self._unmerged[update.vehicle_id].append(update)
            jobs.append(partial(self._absorb_next, update.vehicle_id, receipts))
        self._work.add(jobs)

    async def async_keep_received(self) -> bool:
        """Tell whether all that came in is known for good, or at least on disk.

        Only then may a sender be told so, who will not tell it again.
        """
        return await self._async_save_occurrences() and not self._is_stopping

    @callback
    def discover(self, vehicle_id: str, model: str | None = None) -> None:
        """Show the user a vehicle that is not accepted yet, as a discovery card."""
        if not is_vehicle_id(vehicle_id):
            return
        unique_id = discovery_unique_id(self.config_entry, vehicle_id)
        entries = self.hass.config_entries
        ignored = any(
            entry.source == SOURCE_IGNORE and entry.unique_id == unique_id
            for entry in entries.async_entries(DOMAIN, include_ignore=True)
        )
        shown = entries.flow.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
        )
        if ignored or len(shown) >= MOST_DISCOVERIES:
            return
        discovery_flow.async_create_flow(
            self.hass,
            DOMAIN,
            context={"source": SOURCE_INTEGRATION_DISCOVERY},
            data={
                "entry_id": self.config_entry.entry_id,
                "vehicle_id": vehicle_id,
                "model": None if model is None else clean_text(model),
            },
            discovery_key=discovery_flow.DiscoveryKey(
                domain=DOMAIN, key=unique_id, version=1
            ),
        )

    @callback
    def raise_problem(self, cause: str, **placeholders: str) -> None:
        """Show a repair issue until it is cleared, or until the user lets it be solved."""
        self._problems.show(cause, **placeholders)

    @callback
    def clear_problem(self, cause: str) -> None:
        """Take the repair issue away."""
        self._problems.clear(cause)

    async def async_solve(self, cause: str) -> None:
        """Solve a problem, now that the user agreed. Raises VendorError when that fails."""
        options = await self.connection.solve(cause)
        self.clear_problem(cause)
        self.hass.config_entries.async_update_entry(
            self.config_entry, options={**self.config_entry.options, **options}
        )

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
        """Poll since a user asked for it, unless the vendor has asked to be left alone."""
        if not self._back_off.is_going_on:
            await super().async_request_refresh()

    @override
    async def _async_update_data(self) -> Mapping[str, Vehicle]:
        # An early poll and a planned one may meet; the base class does not mind in 2025.
        async with self._poll_lock:
            # One that is due while the account is unloaded would be cancelled halfway.
            if self._is_stopping:
                return self._vehicles
            try:
                return await self._async_poll()
            except HomeAssistantError:
                # What fails because the account is being unloaded is no failure.
                if self._is_stopping:
                    return self._vehicles
                raise

    async def _async_poll(self) -> Mapping[str, Vehicle]:
        try:
            try:
                result = await self.connection.poll()
            finally:
                self._problems.note_server_clock(self.connection.clock_offset)
            if result.error is not None and (
                not result.updates or isinstance(result.error, AuthenticationFailed)
            ):
                raise result.error
        except VendorError as err:
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
        await self._back_off.async_save(self.now(), None)
        self._problems.note_access(None)
        self._log_part(result)
        if result.roster is not None:
            self._take_roster(result.roster)
        self.receive(result.updates)
        await self._work.async_done()
        if result.roster is not None:
            self._problems.note_subscriptions(self._vehicles.values(), self.receipt())
        self.update_interval = self._interval_after(result.error)
        self._availability.state.plan(self.connection.poll_interval())
        return self._vehicles

    @override
    @callback
    def _async_refresh_finished(self) -> None:
        """Tell what came of a poll: that the account is reachable, at once."""
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
        """Return when to poll again: later each time that it was too often."""
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
        # What has a text of its own is told by the vendor.
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

    @callback
    def _take_roster(self, roster: frozenset[str]) -> None:
        """Note which vehicles the account still has. An empty list says nothing."""
        if not roster:
            return
        for vehicle_id, before in list(self._vehicles.items()):
            absences = 0
            if vehicle_id not in roster:
                absences = min(before.absences + 1, ABSENCES_UNTIL_GONE)
            if absences == before.absences:
                continue
            after = self._vehicles[vehicle_id] = replace(before, absences=absences)
            self._store.async_schedule_save()
            if after.is_gone != before.is_gone:
                self._notify(vehicle_id)
        self._work.start()

    def is_gone(self, vehicle_id: str) -> bool:
        """Tell whether a vehicle is no longer in the account."""
        vehicle = self._vehicles.get(vehicle_id)
        return vehicle is None or vehicle.is_gone

    @callback
    def _absorb_next(self, vehicle_id: str, receipts: tuple[Receipt, ...]) -> None:
        """Merge what came first of a vehicle."""
        waiting = self._unmerged[vehicle_id]
        update = waiting.popleft()
        if not waiting:
            del self._unmerged[vehicle_id]
        self._absorb(update, receipts)

    @callback
    def _absorb(
        self, update: VehicleUpdate, receipts: tuple[Receipt, ...] = ()
    ) -> None:
        """Merge one update and tell those whom it concerns."""
        vehicle_id = update.vehicle_id
        # A look may end after the entry was unloaded: nothing may be planned any more.
        if self._closed:
            return
        if not self._is_wanted(vehicle_id):
            for receipt in receipts:
                self._occurrences.dismiss(receipt)
            return
        if not is_vehicle_id(vehicle_id):
            self.dropped["vehicle_id"] += 1
            for receipt in receipts:
                self._occurrences.dismiss(receipt)
            return
        update = clean_update(update)
        before = self._vehicles.get(vehicle_id)
        if before is None and update.details is None:
            # A push may come first. Its serial number must not name device and entities.
            update = replace(update, details=self._first_details(vehicle_id))
        merged = merge(before, update, self._rules_now(), self.receipt())
        self.dropped.update(merged.dropped)
        if merged.changed or before is None or merged.vehicle != before:
            self._keep(merged.vehicle)
            self._store.async_schedule_save()
        if merged.changed:
            self._tell(before, merged.vehicle, merged.changed)
        if merged.occurrences:
            # After the states that came with them: who is told of an alarm may look there.
            pairs = zip_longest(merged.occurrences, receipts)
            self._work.add_urgent(
                partial(self._fire, vehicle_id, occurrence, receipt)
                for occurrence, receipt in sorted(
                    pairs, key=lambda pair: pair[0].occurred_at
                )
            )

    @callback
    def _fire(
        self, vehicle_id: str, occurrence: Occurrence, receipt: Receipt | None
    ) -> None:
        """Tell of what happened to a vehicle, once."""
        ahead = self.connection.clock_offset
        self._occurrences.fire(
            vehicle_id, occurrence, self.receipt(), receipt, ahead=ahead
        )
        if not self._occurrences.is_saved and not self._saving_occurrences:
            self._save_occurrences()

    @callback
    def _tell(
        self, before: Vehicle | None, after: Vehicle, changed: frozenset[str]
    ) -> None:
        """Tell platforms of what is new, and entities of what changed."""
        if (
            before is None
            or not changed.isdisjoint((CAPABILITIES, DETAILS))
            or after.shown_readings != before.shown_readings
        ):
            self._tell_platforms(after.vehicle_id)
        self._notify(after.vehicle_id, changed)
        if (
            before is not None
            and before.readings.get(Reading.IGNITION) is True
            and after.readings.get(Reading.IGNITION) is False
        ):
            self.poll_soon(EXTRA_LOOK_DELAY)

    @callback
    def _note_clock(self, vehicle_id: str, *, wrong: bool) -> None:
        """Note whether a tracker's clock is wrong, and tell of all of them."""
        if wrong == (vehicle_id in self._wrong_clocks):
            return
        if wrong:
            self._wrong_clocks.add(vehicle_id)
        else:
            self._wrong_clocks.discard(vehicle_id)
        self._problems.note_tracker_clocks(len(self._wrong_clocks))

    @callback
    def _keep(self, vehicle: Vehicle) -> None:
        self._vehicles[vehicle.vehicle_id] = vehicle
        self._note_clock(vehicle.vehicle_id, wrong=is_wrong(vehicle.clock))
        for expiry in (
            expires_at(vehicle),
            online_expires_at(vehicle, self._rules_now(), self.receipt()),
        ):
            if expiry is not None:
                # A timer runs by our clock.
                self._expiries.add(
                    vehicle.vehicle_id, expiry - self.connection.clock_offset
                )

    def _rules_now(self) -> Rules:
        """Return what is believed now: what polls have told does not count for ever."""
        state = self._availability.state
        if not state.fails:
            return self._rules
        return replace(
            self._rules,
            polled_at=state.polled_at + self.connection.clock_offset,
            news_last=state.lasts,
        )

    @callback
    def _on_expired(self, vehicle_ids: Iterable[str]) -> None:
        """Derive anew what the passing of time alone has changed."""
        self._work.add_urgent(
            partial(self._refresh_vehicle, vehicle_id) for vehicle_id in vehicle_ids
        )
        self._work.start()

    @callback
    def _refresh_vehicle(self, vehicle_id: str) -> None:
        if (before := self._vehicles.get(vehicle_id)) is None:
            return
        merged = refresh(before, self._rules_now(), self.receipt())
        # There may be another reading that time will change later.
        self._keep(merged.vehicle)
        self._tell(before, merged.vehicle, merged.changed)

    @callback
    def _save_occurrences(self) -> None:
        """Keep what was fired, at once, but once for all that came together."""
        self._saving_occurrences = True
        self.config_entry.async_create_background_task(
            self.hass,
            self._async_save_occurrences(),
            f"{DOMAIN} save occurrences",
            eager_start=False,
        )

    async def _async_save_occurrences(self) -> bool:
        """Tell whether it is on disk. What is not is tried again with what comes next."""
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
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Any = None
    ) -> Callable[[], None]:
        """Listen to one (vehicle, reading); without a context only to the polls."""
        remove_from_base = super().async_add_listener(update_callback, context)
        if context is None:
            return remove_from_base
        vehicle_id, reading = context
        listeners = self._listeners_of[vehicle_id][reading]
        listeners.append(update_callback)

        @callback
        def remove() -> None:
            listeners.remove(update_callback)
            remove_from_base()

        return remove

    @override
    @callback
    def async_update_listeners(self) -> None:
        """Tell nobody that a poll failed, or succeeded again: that alone changes nothing."""

    @callback
    def _on_reachable(self) -> None:
        """Tell everybody: the account became reachable or unreachable."""
        self._work.add_urgent(
            partial(self._notify, vehicle_id) for vehicle_id in self._vehicles
        )
        self._work.start()

    @callback
    def _on_polls_count(self) -> None:
        """Derive anew what follows from whether polls tell anything."""
        self._on_expired(list(self._vehicles))

    @callback
    def _notify(self, vehicle_id: str, changed: frozenset[str] | None = None) -> None:
        """Have those told who listen to one of the readings, or to any if None is given.

        They are told by the work that goes on, or that the caller is to start.
        """
        if (by_reading := self._listeners_of.get(vehicle_id)) is None:
            return
        for reading in list(by_reading) if changed is None else changed:
            if reading in by_reading:
                self._work.add_urgent(by_reading[reading])

    @callback
    def async_add_occurrence_listener(
        self,
        vehicle_id: str,
        kind: OccurrenceKind,
        listener: Callable[[Occurrence], None],
    ) -> CALLBACK_TYPE:
        """Tell a listener of every new occurrence, and of those that waited for it."""
        return self._occurrences.add_listener(vehicle_id, kind, listener)

    @callback
    def _tell_platforms(self, vehicle_id: str) -> None:
        for listener in list(self._newcomer_listeners):
            listener(vehicle_id)

    @callback
    def async_add_newcomer_listener(
        self, listener: Callable[[str], None]
    ) -> CALLBACK_TYPE:
        """Tell a listener of each vehicle that is new, shows something new, or is gone."""
        self._newcomer_listeners.append(listener)
        return lambda: self._newcomer_listeners.remove(listener)

    @callback
    def async_add_entities(self, adding: Coroutine[Any, Any, None]) -> None:
        """Have entities added to their platform, and know when that is done."""
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
        """Take one fresh look at a vehicle. Raises HomeAssistantError when that fails."""
        try:
            update = await self.connection.look(vehicle_id)
        except VendorError as err:
            raise self.home_assistant_error(err) from err
        self.receive([update])
        await self._work.async_done()

    async def async_execute(self, vehicle_id: str, command: Command) -> CommandResult:
        """Carry out a command and return when the vehicle confirmed it.

        What can stop a vehicle is guarded, and judged again where its bytes leave. What
        lets it drive again withdraws that, and waits for nothing.

        Raises HomeAssistantError with a translated text when the guard refuses it, or when
        it failed or is not confirmed.
        """
        if self.connection.can_stop(vehicle_id, command):
            result = await self._async_stop(vehicle_id, command)
        elif self.connection.restores(vehicle_id, command):
            result = await self._async_restore(vehicle_id, command)
        else:
            async with self._command_locks[vehicle_id]:
                result = await self._async_carry_out(
                    vehicle_id, command, self._clearance(vehicle_id, command)
                )
        if result.update is not None:
            self.receive([result.update])
            await self._work.async_done()
        vehicle = self._vehicles.get(vehicle_id)
        if result.warning is not None and vehicle is not None:
            self._show_warning(vehicle, result.warning)
        return result

    async def _async_carry_out(
        self, vehicle_id: str, command: Command, clearance: Clearance
    ) -> CommandResult:
        try:
            return await self.connection.execute(vehicle_id, command, clearance)
        except VendorError as err:
            raise self.home_assistant_error(err) from err
        finally:
            self.poll_soon(EXTRA_LOOK_DELAY)

    def _clearance(self, vehicle_id: str, command: Command) -> JudgedClearance:
        """Return the clearance of a command that cannot stop a vehicle as it is set up now."""

        def why_not() -> Refusal | None:
            if (closed := self._why_closed()) is not None:
                return closed
            if self.connection.can_stop(vehicle_id, command):
                return Refusal("engine_cut_not_cleared")
            return None

        return JudgedClearance(why_not)

    async def _async_restore(self, vehicle_id: str, command: Command) -> CommandResult:
        """Let a vehicle drive again. What is about to stop it is not sent any more."""
        stop = self._stops.get(vehicle_id)
        if stop is not None:
            stop.withdraw(_WITHDRAWN)
        self._restoring[vehicle_id] += 1
        try:
            return await self._async_carry_out(
                vehicle_id, command, self._clearance(vehicle_id, command)
            )
        finally:
            self._restoring[vehicle_id] -= 1

    async def _async_stop(self, vehicle_id: str, command: Command) -> CommandResult:
        """Carry out what can stop a vehicle, unless that is refused or withdrawn.

        Raises HomeAssistantError with the reason.
        """
        lock = self._command_locks[vehicle_id]
        if lock.locked() or self._restoring[vehicle_id]:
            # After a wait it would come when nobody expects it any more.
            raise _refusal(Refusal("engine_cut_busy"))
        clearance = StopClearance(partial(self._why_not_stop, vehicle_id))
        async with lock:
            self._stops[vehicle_id] = clearance
            # It goes on when its caller was told that it is withdrawn: a token that is
            # asked for at that moment would be lost.
            work = self.hass.async_create_background_task(
                self._async_guarded(vehicle_id, command, clearance),
                f"{DOMAIN} guarded command",
            )
            self._guarded[work] = clearance
            work.add_done_callback(self._end_guarded)
            over = self.hass.async_create_background_task(
                clearance.over.wait(), f"{DOMAIN} withdrawn command"
            )
            try:
                await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                over.cancel()
                if not work.done():
                    # Nobody waits for it any more.
                    clearance.withdraw(_WITHDRAWN)
                del self._stops[vehicle_id]
        # It may have failed by what it was withdrawn for, an unload say: that counts more.
        if clearance.is_unsent or work.cancelled():
            raise _refusal(clearance.withdrawn or _WITHDRAWN)
        result = work.result()
        if clearance.withdrawn == _WITHDRAWN:
            # It was on its way already: the restore counts more than its answer.
            raise _refusal(Refusal("engine_cut_overtaken"))
        return result

    @callback
    def _end_guarded(self, work: asyncio.Task[CommandResult]) -> None:
        del self._guarded[work]
        if not work.cancelled():
            work.exception()  # told by the caller, unless it was told already

    async def _async_guarded(
        self, vehicle_id: str, command: Command, clearance: StopClearance
    ) -> CommandResult:
        """Look at a vehicle and carry out what can stop it, if it surely stands or crawls.

        Of one that was not heard of for a while, it is looked again for a minute: many
        trackers send their heartbeat every 3 minutes.
        """
        if (found := self._why_forbidden()) is not None:
            raise _refusal(found)
        for look in range(MOST_LOOKS):
            if look:
                await self.sleep(LOOK_AGAIN_AFTER)
            await self.async_look(vehicle_id)
            found = clearance.why_not()
            if found is None or not found.may_pass_soon:
                break
        if found is not None:
            raise _refusal(found)
        return await self._async_carry_out(vehicle_id, command, clearance)

    def _why_closed(self) -> Refusal | None:
        """Return that the account is not running, if so."""
        entry = self.config_entry
        if (
            self._is_stopping
            or entry.state is not ConfigEntryState.LOADED
            or self.hass.config_entries.async_get_entry(entry.entry_id) is not entry
        ):
            return Refusal("entry_not_loaded", {"account": entry.title})
        return None

    def _why_forbidden(self) -> Refusal | None:
        """Return why no vehicle of the account may be stopped now."""
        if (closed := self._why_closed()) is not None:
            return closed
        if not self.config_entry.options.get(CONF_ALLOW_ENGINE_CUT, False):
            return Refusal("engine_cut_not_enabled")
        return None

    def _why_not_stop(self, vehicle_id: str) -> Refusal | None:
        """Return why a vehicle must not be stopped now, as everything is at this moment."""
        if (forbidden := self._why_forbidden()) is not None:
            return forbidden
        vehicle = self._vehicles.get(vehicle_id)
        if vehicle is None or vehicle.is_gone or not self._is_wanted(vehicle_id):
            return Refusal("vehicle_unavailable")
        now = self.receipt()
        for update in self._unmerged.get(vehicle_id, ()):
            vehicle = merge(vehicle, update, self._rules, now).vehicle
        limit = self.config_entry.options.get(
            CONF_ENGINE_CUT_SPEED_LIMIT, DEFAULT_ENGINE_CUT_SPEED_LIMIT
        )
        return refusal(vehicle, max(limit, LEAST_ENGINE_CUT_SPEED_LIMIT), now)

    def home_assistant_error(self, err: VendorError) -> HomeAssistantError:
        """Return a vendor's error as what the user is told. Wrong credentials ask for new."""
        if isinstance(err, AuthenticationFailed):
            self.config_entry.async_start_reauth(self.hass)
        return _translated(err, HomeAssistantError)

    @callback
    def _show_warning(self, vehicle: Vehicle, key: str) -> None:
        """Show what is to be said of a command that was carried out all the same."""
        persistent_notification.async_create(
            self.hass,
            async_get_exception_message(DOMAIN, key),
            title=vehicle.details.name,
            notification_id=f"{DOMAIN}_{self.identity}_{vehicle.vehicle_id}_{key}",
        )

    # --- devices ----------------------------------------------------------------------------

    def device_identifier(self, vehicle_id: str) -> tuple[str, str]:
        """Return what names a vehicle's device in the registry."""
        return (DOMAIN, f"{self.identity}_{vehicle_id}")

    def unique_id(self, vehicle_id: str, reading: str) -> str:
        """Return what names an entity of a vehicle in the registry."""
        return f"{self.identity}_{vehicle_id}_{reading.replace(':', '_')}"

    def vehicle_of(self, identifiers: Iterable[tuple[str, str]]) -> str | None:
        """Return the vehicle of a device's identifiers, None if none is known."""
        for identifier in identifiers:
            # Those of other integrations may have more than two parts.
            if identifier[0] != DOMAIN:
                continue
            vehicle_id = identifier[1].removeprefix(f"{self.identity}_")
            if vehicle_id in self._vehicles:
                return vehicle_id
        return None

    def _first_details(self, vehicle_id: str) -> VehicleDetails | None:
        """Return the name that the user gave a vehicle that was added one by one."""
        subentry = self._subentries.get(vehicle_id)
        return None if subentry is None else VehicleDetails(name=subentry.title)

    def subentry_id(self, vehicle_id: str) -> str | None:
        """Return the config subentry that a vehicle was added by, if it was one by one."""
        subentry = self._subentries.get(vehicle_id)
        return None if subentry is None else subentry.subentry_id


def find_vehicle(
    hass: HomeAssistant, device_id: str
) -> tuple[FleetCoordinator, str] | None:
    """Return whose vehicle a device is, and the vehicle's id; None if it is none."""
    device = dr.async_get(hass).async_get(device_id)
    if device is None:
        return None
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        coordinator: FleetCoordinator = entry.runtime_data
        if vehicle_id := coordinator.vehicle_of(device.identifiers):
            return coordinator, vehicle_id
    return None


def _without_vehicles(entry: ConfigEntry) -> tuple[object, ...]:
    """Return what an entry says beside its vehicles: a change of it needs a reload."""
    return (entry.title, entry.unique_id, dict(entry.data), dict(entry.options))


def _translated[E: HomeAssistantError](err: VendorError, kind: type[E]) -> E:
    return kind(
        translation_domain=DOMAIN,
        translation_key=err.translation_key,
        translation_placeholders={
            key: clean_text(text, LONGEST_TOLD)
            for key, text in err.placeholders.items()
        },
    )


def _ended_by(err: VendorError, kind: type[HomeAssistantError]) -> HomeAssistantError:
    """Return a vendor's error as what ends a poll or a set-up."""
    if isinstance(err, AuthenticationFailed):
        kind = ConfigEntryAuthFailed
    return _translated(err, kind)


def _refusal(refused: Refusal) -> HomeAssistantError:
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=refused.key,
        translation_placeholders=refused.placeholders,
    )
