"""The vehicles of an account: their data, and the listeners to changes of it.

It knows neither the vendor's connection nor Home Assistant's coordinator. Polled and pushed
news comes in here, and occurrences and changes go out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Set as AbstractSet,
)
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import zip_longest
from typing import Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..model.clocks import is_wrong
from ..model.derive import activity_expires_at, expires_at, online_expires_at
from ..model.evidence import TOLD_SPEED
from ..model.merge import Changes, Merged, check, merge, refresh
from ..model.record import replace
from ..model.rules import Rules
from ..model.texts import clean_update, is_vehicle_id
from ..model.trips.log import TripLog, with_past_trip
from ..model.trips.trip import Trip
from ..model.vehicle import (
    ABSENCES_UNTIL_GONE,
    KnownRecord,
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
from .totals import Totals

ABSORBED_AT_ONCE = 20
"""The number of vehicles whose news is merged before their entities are written."""


class FleetKeeper(Protocol):
    """What the fleet needs of its owner."""

    @property
    def clock_offset(self) -> timedelta:
        """By how much the clock of the vendor's server is ahead of ours."""

    def receipt(self) -> datetime:
        """Return the time by which ages are judged: that of the vendor's server."""

    def rules(self, vehicle_id: str) -> Rules:
        """Return what is believed of a vehicle now."""

    def is_wanted(self, vehicle_id: str) -> bool:
        """Tell whether the user wants a vehicle."""

    def first_details(self, vehicle_id: str) -> VehicleDetails | None:
        """Return the name of a vehicle without news, None if it has none."""

    def on_vehicles_kept(self) -> None:
        """Handle a change of a vehicle that must survive a restart."""

    def on_wrong_clocks(self, vehicles: AbstractSet[str]) -> None:
        """Handle that other vehicles have trackers with wrong clocks now."""

    def on_unusable_ignitions(self, vehicles: AbstractSet[str]) -> None:
        """Handle that other vehicles have ignitions that tell nothing now."""

    def on_new_vehicle(self, vehicle_id: str) -> None:
        """Handle a vehicle that was not known before."""

    def on_trips(self, vehicle_id: str, before: TripLog | None, after: TripLog) -> None:
        """Handle that trips of a vehicle began, ended, were corrected, or are none."""

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
        self.totals = Totals(dt_util.start_of_local_day())
        self._name = name
        self._keeper = keeper
        self._occurrences = occurrences
        self._vehicles: dict[str, Vehicle] = {}
        self._unmerged: defaultdict[str, list[VehicleUpdate]] = defaultdict(list)
        self._work = SlicedWork(name)
        self._ignition_on: set[str] = set()
        self._moving: set[str] = set()
        self._records: dict[str, KnownRecord] = {}
        self._replaced: dict[str, KnownRecord] = {}
        self._records_at = datetime.min.replace(tzinfo=UTC)
        self._records_ahead = timedelta()
        self._listeners_of: dict[str, dict[str, list[CALLBACK_TYPE]]] = {}
        self._newcomer_listeners: list[Callable[[str], None]] = []
        self._expiries = Expiries(hass, self.refresh)
        self._wrong_clocks: set[str] = set()
        self._unusable_ignitions: set[str] = set()
        self._has_newcomer = False
        self._takes_news = True
        self._is_closed = False
        self.dropped: Counter[str] = Counter()
        """How often something was not believed, by the reason."""

    @property
    def wrong_clocks(self) -> AbstractSet[str]:
        """The vehicles whose tracker's clock is wrong."""
        return self._wrong_clocks

    @property
    def unusable_ignitions(self) -> AbstractSet[str]:
        """The vehicles whose ignition was found to tell nothing, see `model.trips.fold`."""
        return self._unusable_ignitions

    # --- the vehicles -----------------------------------------------------------------------

    @property
    def vehicles(self) -> Mapping[str, Vehicle]:
        """The records of all vehicles, by their ids."""
        return self._vehicles

    def get(self, vehicle_id: str) -> Vehicle | None:
        """Return what is known of a vehicle."""
        return self._vehicles.get(vehicle_id)

    @property
    def with_ignition_on(self) -> AbstractSet[str]:
        """The vehicles of which it was last told that their ignition is on."""
        return self._ignition_on

    @property
    def moving(self) -> AbstractSet[str]:
        """The vehicles of which it was last told that they move."""
        return self._moving

    def is_gone(self, vehicle_id: str) -> bool:
        """Tell whether a vehicle is no longer in the account."""
        vehicle = self._vehicles.get(vehicle_id)
        return vehicle is None or vehicle.is_gone

    def with_unmerged(self, vehicle: Vehicle) -> Vehicle:
        """Return a vehicle with the news that is received or left out, but not merged yet."""
        now = self._keeper.receipt()
        # After a clock was set back it would be judged as told now.
        left_out = self._left_out(vehicle) if now >= self._records_at else ()
        rules = self._keeper.rules(vehicle.vehicle_id)
        for update in (*left_out, *self._unmerged.get(vehicle.vehicle_id, ())):
            vehicle = merge(vehicle, update, rules, now).vehicle
        return vehicle

    def _left_out(self, vehicle: Vehicle) -> Iterator[VehicleUpdate]:
        """Yield the news that was left out of a vehicle."""
        for records in (self._replaced, self._records):
            if (record := records.get(vehicle.vehicle_id)) is not None:
                if (update := record.left_out(vehicle)) is not None:
                    yield clean_update(update)

    def check(self, vehicle: Vehicle) -> None:
        """Raise an error of any kind if a vehicle that was kept cannot be restored."""
        rules, now = self._keeper.rules(vehicle.vehicle_id), self._keeper.receipt()
        check(vehicle, rules, now)

    @callback
    def recall(self, vehicle: Vehicle) -> None:
        """Restore a vehicle as it was at the last stop."""
        rules, now = self._keeper.rules(vehicle.vehicle_id), self._keeper.receipt()
        merged = refresh(vehicle, rules, now)
        self._keep(merged.vehicle, rules, now)
        self._add_derived(merged)

    @callback
    def recall_trip(self, vehicle_id: str, trip: Trip) -> None:
        """Restore the last trip of a vehicle that does not remember one."""
        if (vehicle := self._vehicles.get(vehicle_id)) is None:
            return
        self._touch(vehicle_id)
        self._put(replace(vehicle, trips=with_past_trip(vehicle.trips, trip)))
        self.refresh([vehicle_id])

    @callback
    def recall_receipt(self, receipt: Receipt) -> None:
        """Restore an occurrence that was received before the last stop and has not fired."""
        vehicle_id = receipt.vehicle_id
        if receipt.is_derived:
            # Its times are ours, and it fires however old it is, as what was pushed.
            occurrence = replace(receipt.occurrence, pushed=True)
            self._work.add([partial(self._fire, vehicle_id, occurrence, receipt)])
            return
        update = VehicleUpdate(
            vehicle_id=vehicle_id, occurrences=(receipt.occurrence,), pushed=True
        )
        self._unmerged[vehicle_id].append(update)
        self._work.add([partial(self._absorb_some, [(vehicle_id, (receipt,))])])

    @callback
    def forget(self, vehicle_id: str) -> None:
        """Forget a vehicle after its device was removed."""
        self._vehicles.pop(vehicle_id, None)
        self._records.pop(vehicle_id, None)
        self._replaced.pop(vehicle_id, None)
        self._sort(vehicle_id, None)
        self._note_clock(vehicle_id, wrong=False)
        self._note_ignition(vehicle_id, unusable=False)
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
            self._touch(vehicle_id)
            after = replace(self._vehicles[vehicle_id], absences=absences)
            self._put(after)
            self._keeper.on_vehicles_kept()
            if after.is_gone != before.is_gone:
                self._notify(vehicle_id)
        self._work.start()

    # --- records that are no news -----------------------------------------------------------

    def known_records(self) -> Mapping[str, KnownRecord]:
        """Return the record that was merged last of each vehicle that nothing touched since.

        There is none where a clock was set meanwhile: all times are judged anew then.
        """
        now, ahead = self._keeper.receipt(), self._keeper.clock_offset
        if now < self._records_at or ahead != self._records_ahead:
            self.forget_records()
        self._records_at, self._records_ahead = now, ahead
        return self._records

    @callback
    def forget_records(self) -> None:
        """Take every record for news, whatever was merged before."""
        self._work.add_urgent([partial(self._touch, one) for one in self._records])
        self._work.start()

    @callback
    def _touch(self, vehicle_id: str) -> None:
        """Forget the record of a vehicle to which something else is about to happen.

        Whatever that is comes by here first. What was left out is merged before.
        """
        if (vehicle := self._vehicles.get(vehicle_id)) is not None:
            left_out = list(self._left_out(vehicle))
            self._replaced.pop(vehicle_id, None)
            self._records.pop(vehicle_id, None)
            for update in left_out:
                self._absorb(update, ())

    @callback
    def _sort(self, vehicle_id: str, vehicle: Vehicle | None) -> None:
        """Note what a vehicle does: whether it moves, and whether its ignition is on."""
        self.totals.note(vehicle_id, vehicle)
        readings = {} if vehicle is None else vehicle.readings
        for those, reading in (
            (self._ignition_on, Reading.IGNITION),
            (self._moving, Reading.MOVING),
        ):
            if readings.get(reading) is True:
                those.add(vehicle_id)
            else:
                those.discard(vehicle_id)

    @callback
    def _put(self, vehicle: Vehicle) -> None:
        self._vehicles[vehicle.vehicle_id] = vehicle
        self._sort(vehicle.vehicle_id, vehicle)

    @callback
    def _keep_record(self, update: VehicleUpdate, merged: Merged) -> None:
        """Keep the record of news that is merged, where another like it would do nothing.

        What is not believed may be later, when it is told again, and what others contradict
        may be shown again.
        """
        vehicle_id = update.vehicle_id
        beliefs = merged.vehicle.beliefs
        if (
            update.record is None
            or merged.dropped
            or vehicle_id in self._unmerged
            or beliefs.waiting_fix is not None
            or any(one.waiting_since for one in beliefs.growths.values())
            or not _shows(merged.vehicle, update)
        ):
            self._records.pop(vehicle_id, None)
        else:
            update.record.begin(merged.vehicle)
            self._records[vehicle_id] = update.record

    # --- news -------------------------------------------------------------------------------

    @callback
    def receive(self, updates: Iterable[VehicleUpdate]) -> None:
        """Receive news, polled or pushed. It is merged a few milliseconds at a time."""
        if not self._takes_news:
            return
        began = self._work.time()
        received: list[tuple[str, tuple[Receipt, ...]]] = []
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
            if update.record is None:
                self._touch(update.vehicle_id)
            else:
                # It replaces the one before, and what that left out, but for contacts.
                before = self._records.pop(update.vehicle_id, None)
                if before is not None and before.has_contacts:
                    self._replaced[update.vehicle_id] = before
            self._unmerged[update.vehicle_id].append(update)
            received.append((update.vehicle_id, receipts))
        jobs = [
            partial(self._absorb_some, received[start : start + ABSORBED_AT_ONCE])
            for start in range(0, len(received), ABSORBED_AT_ONCE)
        ]
        # Handing over the news of hundreds takes a good part of a turn of the event loop.
        self._work.add(jobs, began if len(jobs) > 1 else None)

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
    def begin_day(self) -> None:
        """Begin a day of the totals, at local midnight."""
        self.totals.begin_day(dt_util.start_of_local_day(), self._vehicles.values())

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
    def _absorb_some(self, received: Sequence[tuple[str, tuple[Receipt, ...]]]) -> None:
        """Merge news of some vehicles, and tell of it when all of it is merged.

        It takes fewer vehicles where merging takes long, and one that is new by itself, since
        its entities are made then. Of news of one vehicle each is shown.
        """
        absorbed: set[str] = set()
        for number, (vehicle_id, receipts) in enumerate(received):
            if number and (
                vehicle_id in absorbed or self._has_newcomer or not self._work.has_time
            ):
                self._has_newcomer = False
                self._work.add_urgent([partial(self._absorb_some, received[number:])])
                return
            absorbed.add(vehicle_id)
            try:
                self._absorb_next(vehicle_id, receipts)
            except Exception:  # noqa: BLE001  one broken vehicle must not silence all others
                LOGGER.exception("Error while merging news from %s", self._name)
        self._has_newcomer = False

    @callback
    def _absorb_next(self, vehicle_id: str, receipts: tuple[Receipt, ...]) -> None:
        """Merge what came first of a vehicle, after the contacts before it."""
        if vehicle_id in self._replaced:
            self._touch(vehicle_id)
        waiting = self._unmerged[vehicle_id]
        update = waiting.pop(0)
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
        rules, now = self._keeper.rules(vehicle_id), self._keeper.receipt()
        try:
            merged = merge(before, update, rules, now)
        except Exception:
            # Any error may come of what is known of a vehicle and makes no sense. If it came
            # of the news, it comes again below and is raised.
            if before is None:
                raise
            anew = replace(update, details=update.details or before.details)
            merged = merge(None, anew, rules, now)
            LOGGER.exception(
                "What was known of a vehicle of %s makes no sense; it begins anew",
                self._name,
            )
        if merged.dropped:
            self.dropped.update(merged.dropped)
        if merged.changes or merged.vehicle != before:
            self._keep(merged.vehicle, rules, now)
            self._keeper.on_vehicles_kept()
        self._keep_record(update, merged)
        self._tell_trips(before, merged.vehicle)
        if before is None:
            self._keeper.on_new_vehicle(vehicle_id)
        if merged.changes:
            self._tell(before, merged.vehicle, merged.changes)
        if merged.occurrences:
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
    def _tell_trips(self, before: Vehicle | None, after: Vehicle) -> None:
        known = None if before is None else before.trips
        if after.trips.trips is not (() if known is None else known.trips) or (
            known is not None and after.trips.untold is not known.untold
        ):
            self._keeper.on_trips(after.vehicle_id, known, after.trips)

    @callback
    def _refresh_one(self, vehicle_id: str) -> None:
        self._touch(vehicle_id)
        if (before := self._vehicles.get(vehicle_id)) is None:
            return
        rules, now = self._keeper.rules(vehicle_id), self._keeper.receipt()
        merged = refresh(before, rules, now)
        # There may be another reading that time will change later.
        self._keep(merged.vehicle, rules, now)
        self._tell_trips(before, merged.vehicle)
        self._tell(before, merged.vehicle, merged.changes)
        self._add_derived(merged)

    @callback
    def _add_derived(self, merged: Merged) -> None:
        """Fire what follows that happened, after the states that came with it."""
        if merged.derived:
            vehicle = merged.vehicle
            receipts = self._occurrences.derive(
                vehicle.vehicle_id, merged.derived, vehicle.trips
            )
            self._work.add_urgent(
                partial(self._fire, vehicle.vehicle_id, occurrence, receipt)
                for occurrence, receipt in zip(merged.derived, receipts, strict=True)
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
    def _keep(self, vehicle: Vehicle, rules: Rules, now: datetime) -> None:
        """Keep a vehicle as it is by some rules now, until time alone changes it."""
        self._put(vehicle)
        self._note_clock(vehicle.vehicle_id, wrong=is_wrong(vehicle.clock))
        self._note_ignition(
            vehicle.vehicle_id, unusable=vehicle.trips.head.is_key_unusable
        )
        earliest = expires_at(vehicle)
        for expiry in (
            activity_expires_at(vehicle, rules, now),
            None if rules.polled_at is None else online_expires_at(vehicle, rules, now),
        ):
            if expiry is not None and (earliest is None or expiry < earliest):
                earliest = expiry
        if earliest is not None:
            # A timer runs by our clock.
            self._expiries.add(vehicle.vehicle_id, earliest - self._keeper.clock_offset)

    @callback
    def _note_clock(self, vehicle_id: str, *, wrong: bool) -> None:
        """Note whether a tracker's clock is wrong, and tell of all of them."""
        if wrong == (vehicle_id in self._wrong_clocks):
            return
        if wrong:
            self._wrong_clocks.add(vehicle_id)
        else:
            self._wrong_clocks.discard(vehicle_id)
        self._keeper.on_wrong_clocks(self._wrong_clocks)

    @callback
    def _note_ignition(self, vehicle_id: str, *, unusable: bool) -> None:
        """Note whether a vehicle's ignition tells nothing, and tell of all of them."""
        if unusable == (vehicle_id in self._unusable_ignitions):
            return
        if unusable:
            self._unusable_ignitions.add(vehicle_id)
        else:
            self._unusable_ignitions.discard(vehicle_id)
        self._keeper.on_unusable_ignitions(self._unusable_ignitions)

    # --- listeners --------------------------------------------------------------------------

    @callback
    def add_listener(
        self, vehicle_id: str, reading: str, listener: CALLBACK_TYPE
    ) -> None:
        """Tell a listener when a reading of a vehicle changes."""
        by_reading = self._listeners_of.setdefault(vehicle_id, {})
        by_reading.setdefault(reading, []).append(listener)

    @callback
    def remove_listener(
        self, vehicle_id: str, reading: str, listener: CALLBACK_TYPE
    ) -> None:
        """Tell a listener nothing any more."""
        by_reading = self._listeners_of[vehicle_id]
        by_reading[reading].remove(listener)
        if not by_reading[reading]:
            del by_reading[reading]
        if not by_reading:
            del self._listeners_of[vehicle_id]

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
        readings = by_reading if changed is None else by_reading.keys() & changed
        self._work.add_urgent([one for key in readings for one in by_reading[key]])

    @callback
    def _tell_newcomer(self, vehicle_id: str) -> None:
        self._has_newcomer = True
        for listener in list(self._newcomer_listeners):
            listener(vehicle_id)


def _shows(vehicle: Vehicle, update: VehicleUpdate) -> bool:
    """Tell whether a vehicle shows all readings of an update."""
    shown = vehicle.readings.items()
    for group in update.groups:
        if group.name != TOLD_SPEED and not group.readings.items() <= shown:
            return False
    return True
