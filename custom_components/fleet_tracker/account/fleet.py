"""The vehicles of an account: their data, and the listeners to changes of it.

It knows neither the vendor's connection nor Home Assistant's coordinator. Polled and pushed
news comes in here, and occurrences and changes go out.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import zip_longest
from typing import Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from ..model.clocks import is_wrong
from ..model.derive import expires_at, online_expires_at
from ..model.merge import Changes, Merged, merge, refresh
from ..model.rules import Rules
from ..model.texts import clean_update, is_vehicle_id
from ..model.vehicle import (
    ABSENCES_UNTIL_GONE,
    Occurrence,
    Reading,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)
from .expiries import Expiries
from .occurrence_journal import Receipt
from .occurrences import OccurrenceLog
from .sliced_work import SlicedWork


class FleetKeeper(Protocol):
    """What the fleet needs of its owner."""

    @property
    def clock_offset(self) -> timedelta:
        """By how much the clock of the vendor's server is ahead of ours."""

    def receipt(self) -> datetime:
        """Return the time by which ages are judged: that of the vendor's server."""

    def rules(self) -> Rules:
        """Return what is believed now."""

    def is_wanted(self, vehicle_id: str) -> bool:
        """Tell whether the user wants a vehicle."""

    def first_details(self, vehicle_id: str) -> VehicleDetails | None:
        """Return the name of a vehicle without news, None if it has none."""

    def on_vehicles_kept(self) -> None:
        """Handle a change of a vehicle that must survive a restart."""

    def on_wrong_clocks(self, count: int) -> None:
        """Handle a new number of trackers with wrong clocks."""

    def on_stop(self, vehicle_id: str) -> None:
        """Handle that a vehicle's ignition was turned off."""

    def on_occurrence(self) -> None:
        """Handle an occurrence that fired and must be stored."""


class Fleet:
    """The vehicles of an account, and the one way in for their news."""

    def __init__(
        self,
        hass: HomeAssistant,
        name: str,
        keeper: FleetKeeper,
        occurrences: OccurrenceLog,
    ) -> None:
        """Initialize without vehicles. The name is for the log."""
        self._keeper = keeper
        self._occurrences = occurrences
        self._vehicles: dict[str, Vehicle] = {}
        self._unmerged: defaultdict[str, deque[VehicleUpdate]] = defaultdict(deque)
        self._work = SlicedWork(name)
        self._listeners_of: defaultdict[str, defaultdict[str, list[CALLBACK_TYPE]]] = (
            defaultdict(lambda: defaultdict(list))
        )
        self._newcomer_listeners: list[Callable[[str], None]] = []
        self._expiries = Expiries(hass, self.refresh)
        self._wrong_clocks: set[str] = set()
        self._takes_news = True
        self._is_closed = False
        self.dropped: Counter[str] = Counter()
        """How often something was not believed, by the reason."""

    @property
    def wrong_clocks(self) -> int:
        """Of how many vehicles the tracker's clock is wrong."""
        return len(self._wrong_clocks)

    # --- the vehicles -----------------------------------------------------------------------

    @property
    def vehicles(self) -> Mapping[str, Vehicle]:
        """The records of all vehicles, by their ids."""
        return self._vehicles

    def get(self, vehicle_id: str) -> Vehicle | None:
        """Return what is known of a vehicle."""
        return self._vehicles.get(vehicle_id)

    def is_gone(self, vehicle_id: str) -> bool:
        """Tell whether a vehicle is no longer in the account."""
        vehicle = self._vehicles.get(vehicle_id)
        return vehicle is None or vehicle.is_gone

    def with_unmerged(self, vehicle: Vehicle) -> Vehicle:
        """Return a vehicle with the news that is received, but not merged yet."""
        now = self._keeper.receipt()
        for update in self._unmerged.get(vehicle.vehicle_id, ()):
            vehicle = merge(vehicle, update, self._keeper.rules(), now).vehicle
        return vehicle

    @callback
    def recall(self, vehicle: Vehicle) -> None:
        """Restore a vehicle as it was at the last stop."""
        merged = refresh(vehicle, self._keeper.rules(), self._keeper.receipt())
        self._keep(merged.vehicle)
        self._add_derived(merged)

    @callback
    def recall_receipt(self, receipt: Receipt) -> None:
        """Restore an occurrence that was received before the last stop and has not fired."""
        vehicle_id = receipt.vehicle_id
        update = VehicleUpdate(
            vehicle_id=vehicle_id, occurrences=(receipt.occurrence,), pushed=True
        )
        self._unmerged[vehicle_id].append(update)
        self._work.add([partial(self._absorb_next, vehicle_id, (receipt,))])

    @callback
    def forget(self, vehicle_id: str) -> None:
        """Forget a vehicle after its device was removed."""
        self._vehicles.pop(vehicle_id, None)
        self._note_clock(vehicle_id, wrong=False)
        self._occurrences.forget(vehicle_id)
        self._tell_newcomer(vehicle_id)
        self._keeper.on_vehicles_kept()

    @callback
    def take_roster(self, roster: frozenset[str]) -> None:
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
            self._keeper.on_vehicles_kept()
            if after.is_gone != before.is_gone:
                self._notify(vehicle_id)
        self._work.start()

    # --- news -------------------------------------------------------------------------------

    @callback
    def receive(self, updates: Iterable[VehicleUpdate]) -> None:
        """Receive news, polled or pushed. It is merged a few milliseconds at a time."""
        if not self._takes_news:
            return
        jobs = []
        for update in updates:
            receipts: tuple[Receipt, ...] = ()
            if (
                update.pushed
                and update.occurrences
                and is_vehicle_id(update.vehicle_id)
                and self._keeper.is_wanted(update.vehicle_id)
            ):
                update = clean_update(update)
                receipts = tuple(
                    self._occurrences.receive(
                        update.vehicle_id, replace(one, told_at=self._keeper.receipt())
                    )
                    for one in update.occurrences
                )
            self._unmerged[update.vehicle_id].append(update)
            jobs.append(partial(self._absorb_next, update.vehicle_id, receipts))
        self._work.add(jobs)

    @callback
    def refresh(self, vehicle_ids: Iterable[str] | None = None) -> None:
        """Derive anew what time alone has changed, of some vehicles or of all."""
        ids = list(self._vehicles) if vehicle_ids is None else vehicle_ids
        self._work.add_urgent(partial(self._refresh_one, one) for one in ids)
        self._work.start()

    async def async_done(self) -> None:
        """Wait until all that was received is merged and told."""
        await self._work.async_done()

    @callback
    def stop_receiving(self) -> None:
        """Receive nothing more. What was received is still merged."""
        self._takes_news = False

    @callback
    def close(self) -> None:
        """Plan nothing any more. News that is still on its way is lost."""
        self._is_closed = True
        self._expiries.cancel()

    @callback
    def _absorb_next(self, vehicle_id: str, receipts: tuple[Receipt, ...]) -> None:
        """Merge what came first of a vehicle."""
        waiting = self._unmerged[vehicle_id]
        update = waiting.popleft()
        if not waiting:
            del self._unmerged[vehicle_id]
        self._absorb(update, receipts)

    @callback
    def _absorb(self, update: VehicleUpdate, receipts: tuple[Receipt, ...]) -> None:
        """Merge one update and notify the listeners of its changes."""
        vehicle_id = update.vehicle_id
        # A look may end after the entry was unloaded: nothing may be planned any more.
        if self._is_closed:
            return
        wanted = self._keeper.is_wanted(vehicle_id)
        if not (wanted and is_vehicle_id(vehicle_id)):
            if wanted:
                self.dropped["vehicle_id"] += 1
            for receipt in receipts:
                self._occurrences.dismiss(receipt)
            return
        update = clean_update(update)
        before = self._vehicles.get(vehicle_id)
        if before is None and update.details is None:
            # A push may come first. Its serial number must not name device and entities.
            update = replace(update, details=self._keeper.first_details(vehicle_id))
        merged = merge(before, update, self._keeper.rules(), self._keeper.receipt())
        self.dropped.update(merged.dropped)
        if merged.changes or merged.vehicle != before:
            self._keep(merged.vehicle)
            self._keeper.on_vehicles_kept()
        if merged.changes:
            self._tell(before, merged.vehicle, merged.changes)
        # After the states that came with them: a listener to an alarm may look there.
        pairs = zip_longest(merged.occurrences, receipts)
        self._work.add_urgent(
            partial(self._fire, vehicle_id, occurrence, receipt)
            for occurrence, receipt in sorted(
                pairs, key=lambda pair: pair[0].occurred_at
            )
        )
        self._add_derived(merged)

    @callback
    def _refresh_one(self, vehicle_id: str) -> None:
        if (before := self._vehicles.get(vehicle_id)) is None:
            return
        merged = refresh(before, self._keeper.rules(), self._keeper.receipt())
        # There may be another reading that time will change later.
        self._keep(merged.vehicle)
        self._tell(before, merged.vehicle, merged.changes)
        self._add_derived(merged)

    @callback
    def _add_derived(self, merged: Merged) -> None:
        """Fire what follows that happened, after the states that came with it."""
        self._work.add_urgent(
            partial(self._fire, merged.vehicle.vehicle_id, occurrence, None)
            for occurrence in merged.derived
        )
        self._work.start()

    @callback
    def _fire(
        self, vehicle_id: str, occurrence: Occurrence, receipt: Receipt | None
    ) -> None:
        """Tell of what happened to a vehicle, once."""
        keeper = self._keeper
        self._occurrences.fire(
            vehicle_id,
            occurrence,
            keeper.receipt(),
            receipt,
            ahead=keeper.clock_offset,
        )
        keeper.on_occurrence()

    @callback
    def _keep(self, vehicle: Vehicle) -> None:
        keeper = self._keeper
        self._vehicles[vehicle.vehicle_id] = vehicle
        self._note_clock(vehicle.vehicle_id, wrong=is_wrong(vehicle.clock))
        for expiry in (
            expires_at(vehicle),
            online_expires_at(vehicle, keeper.rules(), keeper.receipt()),
        ):
            if expiry is not None:
                # A timer runs by our clock.
                self._expiries.add(vehicle.vehicle_id, expiry - keeper.clock_offset)

    @callback
    def _note_clock(self, vehicle_id: str, *, wrong: bool) -> None:
        """Note whether a tracker's clock is wrong, and tell of all of them."""
        if wrong == (vehicle_id in self._wrong_clocks):
            return
        if wrong:
            self._wrong_clocks.add(vehicle_id)
        else:
            self._wrong_clocks.discard(vehicle_id)
        self._keeper.on_wrong_clocks(len(self._wrong_clocks))

    # --- listeners --------------------------------------------------------------------------

    @callback
    def add_listener(
        self, vehicle_id: str, reading: str, listener: CALLBACK_TYPE
    ) -> CALLBACK_TYPE:
        """Tell a listener when a reading of a vehicle changes. Returns what ends it."""
        listeners = self._listeners_of[vehicle_id][reading]
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    @callback
    def add_newcomer_listener(self, listener: Callable[[str], None]) -> CALLBACK_TYPE:
        """Tell a listener of each vehicle that is new, shows something new, or is gone."""
        self._newcomer_listeners.append(listener)
        return lambda: self._newcomer_listeners.remove(listener)

    @callback
    def tell_all(self) -> None:
        """Tell the listeners of all vehicles, whatever they listen to."""
        self._work.add_urgent(partial(self._notify, one) for one in self._vehicles)
        self._work.start()

    @callback
    def _tell(self, before: Vehicle | None, after: Vehicle, changes: Changes) -> None:
        """Tell platforms of what is new, and entities of what changed."""
        if (
            before is None
            or changes.capabilities
            or changes.details
            or after.shown_readings != before.shown_readings
        ):
            self._tell_newcomer(after.vehicle_id)
        self._notify(after.vehicle_id, changes.shown)
        if (
            before is not None
            and before.readings.get(Reading.IGNITION) is True
            and after.readings.get(Reading.IGNITION) is False
        ):
            self._keeper.on_stop(after.vehicle_id)

    @callback
    def _notify(self, vehicle_id: str, changed: frozenset[str] | None = None) -> None:
        """Notify the listeners of some readings, or of all if None is given.

        The running work notifies them, or the work that the caller has to start.
        """
        if (by_reading := self._listeners_of.get(vehicle_id)) is None:
            return
        for reading in list(by_reading) if changed is None else changed:
            if reading in by_reading:
                self._work.add_urgent(by_reading[reading])

    @callback
    def _tell_newcomer(self, vehicle_id: str) -> None:
        for listener in list(self._newcomer_listeners):
            listener(vehicle_id)
