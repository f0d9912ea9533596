"""Asks each vehicle at its own pace, and keeps those that do not answer out of the way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
import logging
from time import monotonic

from ...contract.connection import Host
from ...contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
    InvalidAnswer,
    RateLimited,
    VehicleOffline,
    VehicleUnavailable,
    VendorError,
)
from ...model.clocks import counts_as
from ...model.elapsed import is_within
from ...model.vehicle import (
    Reading,
    ReadingGroup,
    TimeSource,
    TrackerClock,
    Vehicle,
    VehicleUpdate,
)
from ...transport.http_client import Unreachable
from .client import SegwayClient
from .errors import (
    DeviceInactive,
    DeviceNotFound,
    EndpointMissing,
    LocationUnknown,
    NoAnswer,
    ServerError,
)
from .mapping import (
    Condition,
    Group,
    age_motion,
    map_battery_info,
    map_extra_status,
    map_location,
    map_status,
    motion_in,
)
from .schedule import PARKED, Query
from .vehicle import QUERY_CAPABILITIES, AcceptedVehicle, FactsBook, stop_asking
from .vocabulary import SegwayCapability

_LOGGER = logging.getLogger(__name__)

NOT_FOUND_PROBLEM = "segway_vehicles_not_found"

POLLS_AT_ONCE = 3
"""One of the four requests at a time is left to commands."""
WITNESS_PAUSE = timedelta(minutes=5)
LONGEST_HOLD = 0.004
"""Seconds of looking at vehicles after which the event loop gets its turn."""
LOOKED_AT_ONCE = 16
PATIENCE = 5
"""Seconds after which a poll no longer waits for vehicles that do not answer."""

# Errors of the server or the account, not of a single vehicle.
_SERVER_ERRORS = (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
    InvalidAnswer,
    RateLimited,
)
# Of these, errors that a single vehicle may cause all the same.
_DOUBTFUL_ERRORS = (NoAnswer, ServerError, InvalidAnswer)


class _Waiting:
    """Waits for vehicles: each is looked at when it was asked, and not again and again."""

    def __init__(self, patience: asyncio.Future[None]) -> None:
        """Initialize with what is done when it need not wait for all any more."""
        self._busy = 0
        self._has_answer = False
        self._nobody_listens = False
        self._patience = patience
        self._news = asyncio.Event()
        patience.add_done_callback(lambda _: self._news.set())

    def add(self, vehicle: AcceptedVehicle) -> None:
        """Wait for a vehicle too, if it is being asked."""
        if vehicle.task is None or not vehicle.busy:
            self._take(vehicle)
            return
        self._busy += 1
        vehicle.task.add_done_callback(partial(self._on_done, vehicle))

    def _on_done(self, vehicle: AcceptedVehicle, _task: asyncio.Task[None]) -> None:
        self._busy -= 1
        self._take(vehicle)

    def _take(self, vehicle: AcceptedVehicle) -> None:
        if vehicle.error is None:
            self._has_answer = True
        elif isinstance(vehicle.error, Unreachable):
            self._nobody_listens = True
        self._news.set()

    async def wait(self) -> None:
        """Wait for all, with patience for as long as there is any, then for one."""
        while (
            self._busy
            and not self._nobody_listens
            and not (self._patience.done() and self._has_answer)
        ):
            self._news.clear()
            await self._news.wait()


class Poller:
    """Polls the vehicles of an account and hands on what comes, as it comes."""

    def __init__(
        self,
        client: SegwayClient,
        host: Host,
        book: FactsBook,
        vehicles: Mapping[str, AcceptedVehicle],
        retry: timedelta,
    ) -> None:
        """Initialize with the client, the vehicles, the host, and the wait after an outage."""
        self.counters: Counter[str] = Counter()
        self._client = client
        self._host = host
        self._book = book
        self._vehicles = vehicles
        self._retry = retry
        self._polls = asyncio.Semaphore(POLLS_AT_ONCE)
        self._is_stopped = False
        self._down: timedelta | None = None
        self._probed = 0
        self._answered_at: datetime | None = None
        """When the server last answered for one vehicle, after it did not for others."""
        self._lost: set[str] | None = None
        """The vehicles that the user was told are not found; None after a reload."""
        self._planned: datetime | None = None
        self._failing: set[Query] = set()
        """The queries that failed lately: they are asked last."""

    def stop(self) -> None:
        """Begin to ask no vehicle any more."""
        self._is_stopped = True

    # --- a poll ---

    async def poll(self) -> None:
        """Ask the due vehicles for news.

        A vehicle that does not answer keeps no other waiting: it is asked in the
        background. While the account is down, one vehicle at a time finds out
        whether it still is. Raises VendorError when the account cannot be read.
        """
        self._planned = None
        now = self._host.now()
        for vehicle in self._vehicles.values():
            if vehicle.raised or not vehicle.introduced:
                self._tell_what_time_brings(vehicle, now)
        try:
            # Without a token no vehicle can be asked, and each would ask for one.
            await self._client.authorize()
        except VendorError as err:
            self._down = self._pause_after(err)
            raise
        if self._down is not None and self._vehicles:
            vehicle = list(self._vehicles.values())[self._probed % len(self._vehicles)]
            self._probed += 1
            vehicle.schedule.start_over()
            await self._ask_all([vehicle], with_witness=False)
            if vehicle.error is not None:
                vehicle.schedule.start_over()
                raise vehicle.error
        self._down = None
        await self._ask_all(self._vehicles.values())
        self._tell_of_lost_vehicles()

    async def _ask_all(
        self, vehicles: Iterable[AcceptedVehicle], *, with_witness: bool = True
    ) -> None:
        """Ask vehicles for what is due. Raises what concerns the whole account."""
        now = self._host.now()
        asked = []
        until = monotonic() + LONGEST_HOLD
        for some in batched(list(vehicles), LOOKED_AT_ONCE, strict=False):
            if monotonic() >= until:
                await asyncio.sleep(0)
                until = monotonic() + LONGEST_HOLD
            if self._is_stopped:
                # The account was unloaded meanwhile.
                break
            accepted, known_of = self._vehicles.get, self._host.vehicles().get
            for vehicle in some:
                if accepted(vehicle.imei) is not vehicle:
                    # It was removed meanwhile.
                    continue
                due = vehicle.due(known_of(vehicle.imei), now)
                if due and not vehicle.busy:
                    vehicle.task = asyncio.create_task(self._read(vehicle, due))
                    asked.append(vehicle)
        await self._wait_for(asked)
        reason = self._suspicion([vehicle for vehicle in asked if not vehicle.busy])
        if isinstance(reason, _DOUBTFUL_ERRORS) and (
            not with_witness or await self._somebody_answers(asked)
        ):
            reason = None
        if reason is None:
            return
        self._down = self._pause_after(reason)
        for vehicle in self._vehicles.values():
            if vehicle.error is not None or vehicle.busy:
                vehicle.schedule.start_over()
        await stop_asking(self._vehicles.values())
        raise reason

    async def _wait_for(self, vehicles: list[AcceptedVehicle]) -> None:
        """Wait until all were asked; after a while, until at least one has answered.

        Where nobody listens, there is nothing to wait for.
        """
        patience = asyncio.ensure_future(self._host.sleep(PATIENCE))
        waiting = _Waiting(patience)
        for vehicle in vehicles:
            waiting.add(vehicle)
        try:
            await waiting.wait()
        finally:
            patience.cancel()
            await asyncio.wait([patience])

    def _suspicion(self, asked: list[AcceptedVehicle]) -> VendorError | None:
        """Return the error that may keep the whole account from being read, if any.

        There is none once the server has answered for one of the vehicles. Vehicles may
        cause one of the doubtful errors themselves.
        """
        for vehicle in asked:
            if vehicle.task is not None and not vehicle.task.cancelled():
                vehicle.task.result()
        errors = [vehicle.error for vehicle in asked if vehicle.error is not None]
        refusals = [err for err in errors if isinstance(err, AuthenticationFailed)]
        if refusals:
            return refusals[0]
        if not errors or len(errors) < len(asked):
            return None
        certain = [err for err in errors if not isinstance(err, _DOUBTFUL_ERRORS)]
        return (certain or errors)[0]

    async def _somebody_answers(self, failed: list[AcceptedVehicle]) -> bool:
        """Tell whether the server answers anything beside what failed.

        The other vehicle that was asked longest ago is asked how and where it is, which may
        reach it: not again soon while a vehicle goes on failing alone. Where there is none,
        one of those that failed is asked what the server did not fail at. Where all others
        are being asked already, the last answers count.
        """
        now = self._host.now()
        others = [v for v in self._vehicles.values() if v not in failed]
        idle = [vehicle for vehicle in others if not vehicle.busy]
        if not others:
            idle = [vehicle for vehicle in failed if not vehicle.busy]
        if not idle:
            return any(vehicle.error is None for vehicle in others)
        if is_within(self._answered_at, WITNESS_PAUSE, now):
            return True
        self.counters["witnesses"] += 1
        witness = min(idle, key=lambda vehicle: vehicle.asked_at)
        queries = [Query.STATUS, Query.LOCATION]
        if not others and not (
            queries := [q for q in queries if q not in self._failing]
        ):
            return False
        witness.task = asyncio.create_task(
            self._read(witness, queries, until_answer=True)
        )
        await self._wait_for([witness])
        if self._suspicion([witness]) is not None:
            return False
        self._answered_at = now
        return True

    def _pause_after(self, err: VendorError) -> timedelta:
        """Return how long to leave an account alone that cannot be read."""
        return PARKED if isinstance(err, AuthenticationFailed) else self._retry

    def _tell_what_time_brings(self, vehicle: AcceptedVehicle, now: datetime) -> None:
        if not vehicle.introduced:
            vehicle.introduced = True
            known = self._host.vehicle(vehicle.imei)
            self._host.receive([vehicle.introduction(known, now)])
        if vehicle.raised and (ended := vehicle.end_old_alerts(now)) is not None:
            self._host.receive([ended])

    def _tell_of_lost_vehicles(self) -> None:
        lost = {imei for imei, vehicle in self._vehicles.items() if vehicle.is_lost}
        if lost == self._lost:
            return
        self._lost = lost
        if lost:
            self._host.raise_problem(NOT_FOUND_PROBLEM, vehicles=lost)
        else:
            self._host.clear_problem(NOT_FOUND_PROBLEM)

    # --- when ---

    def pace(self) -> timedelta:
        """Return the shortest time between two questions for a vehicle's status."""
        now = self._host.now()
        return min(
            (
                vehicle.pace(self._host.vehicle(vehicle.imei), now)
                for vehicle in self._vehicles.values()
            ),
            default=PARKED,
        )

    def interval(self) -> timedelta:
        """Return how long until the next vehicle's time comes."""
        now = self._host.now()
        due = min(
            (
                vehicle.next_due(self._host.vehicle(vehicle.imei), now)
                for vehicle in self._vehicles.values()
                if not vehicle.busy
            ),
            default=now + PARKED,
        )
        interval = max(due - now, timedelta(seconds=1))
        interval = self._down or min(interval, PARKED)
        self._planned = now + interval
        return interval

    def poll_sooner(self, vehicle: AcceptedVehicle) -> None:
        """Ask for an earlier poll if a vehicle's news makes one due before the planned.

        Not while the account is down, which pushes may go on through. The times of all
        other vehicles are planned already: a fleet pushes many times a second.
        """
        if self._down is not None or self._planned is None or vehicle.busy:
            return
        now = self._host.now()
        due = max(vehicle.next_due(self._host.vehicle(vehicle.imei), now), now)
        if due < self._planned - timedelta(seconds=1):
            self._planned = due
            self._host.poll_soon((due - now).total_seconds())

    # --- one vehicle ---

    async def _read(
        self,
        vehicle: AcceptedVehicle,
        queries: list[Query],
        *,
        until_answer: bool = False,
    ) -> None:
        """Ask a vehicle one query after the other, and hand on the answers.

        Once the server has answered one query, its failure at another is no sign that the
        account cannot be read. Queries that failed lately come last. After two failures
        without an answer no more are asked.
        """
        answered = False
        errors: list[VendorError] = []
        queries.sort(key=lambda query: query in self._failing)
        async with self._polls:
            while queries and not (until_answer and answered):
                query = queries.pop(0)
                try:
                    await self.read(vehicle, query)
                except _SERVER_ERRORS as err:
                    errors.append(err)
                    self._failing.add(query)
                    self.counters[f"{query}: {err.translation_key}"] += 1
                    vehicle.schedule.note_failure(self._host.now(), query)
                    if (
                        not isinstance(err, _DOUBTFUL_ERRORS)
                        or isinstance(err, NoAnswer)
                        or (not answered and len(errors) > 1)
                    ):
                        vehicle.schedule.note_failure(self._host.now(), *queries)
                        break
                except VendorError as err:
                    answered = True
                    self._failing.discard(query)
                    self.counters[f"{query}: {err.translation_key}"] += 1
                    if query is Query.STATUS or isinstance(err, VehicleUnavailable):
                        self._tell_refusal(vehicle, err)
                        vehicle.schedule.note_failure(self._host.now(), query, *queries)
                        break
                    vehicle.schedule.note_failure(self._host.now(), query)
                else:
                    answered = True
                    self._failing.discard(query)
                    vehicle.schedule.failures[query] = 0
        vehicle.error = _reason(errors, answered=answered)
        vehicle.task = None
        self.poll_sooner(vehicle)

    async def read(self, vehicle: AcceptedVehicle, query: Query) -> None:
        """Hand on the answer to one query, or learn that the vehicle has none.

        Raises VendorError when the query fails.
        """
        capability = QUERY_CAPABILITIES.get(query)
        try:
            update = await self.ask(vehicle, query)
        except VendorError as err:
            if capability is None or not vehicle.lacks(capability, err):
                if isinstance(err, EndpointMissing):
                    # It was there before: the server fails, and this is no answer.
                    raise InvalidAnswer(str(err)) from err
                raise
            await self.learn_refusal(vehicle, capability)
            return
        if capability is not None:
            await self.learn_proof(vehicle, capability)
        if query is Query.STATUS:
            self.take_status(vehicle, update)
        else:
            self._host.receive([update])

    async def ask(
        self,
        vehicle: AcceptedVehicle,
        query: Query,
        *,
        real_time: bool = False,
        motion: ReadingGroup | None = None,
    ) -> VehicleUpdate:
        """Return the answer to one query, without news where it holds no fix.

        The location takes its speed from `motion`, or from the known motion if it is None.
        Raises VendorError when the query fails.
        """
        imei, now = vehicle.imei, self._host.now
        vehicle.schedule.asked[query] = now()
        if query is Query.STATUS:
            record = await self._client.status(imei)
            return map_status(imei, record, now(), self._clock_of(imei))
        if query is Query.EXTRA_STATUS:
            return map_extra_status(imei, await self._client.extra_status(imei), now())
        if query is Query.BATTERY_INFO:
            return map_battery_info(imei, await self._client.battery_info(imei), now())
        known = self._host.vehicle(imei)
        if motion is None and known is not None:
            motion = known.groups.get(Group.MOTION)
        try:
            record = await self._client.location(imei, real_time=real_time)
        except LocationUnknown:
            record = {}
        update = map_location(imei, record, now(), motion, self._clock_of(imei))
        self.counters["locations without a fix"] += update is None
        return update or VehicleUpdate(vehicle_id=imei)

    def _clock_of(self, imei: str) -> TrackerClock | None:
        known = self._host.vehicle(imei)
        return known.clock if known is not None else None

    def take_status(self, vehicle: AcceptedVehicle, update: VehicleUpdate) -> None:
        """Hand on a status that was asked for or pushed.

        A vehicle that moves, or was just locked or unlocked, is looked at closely.
        """
        now = self._host.now()
        known = self._host.vehicle(vehicle.imei)
        was_locked = vehicle.state(known).locked
        vehicle.schedule.lost = False
        self._host.receive([update])
        if (motion := motion_in(update)) is None and known is not None:
            self._host.receive(_aged(known, now))
        # The host may merge it later: what follows is read from the status itself.
        status = update.groups[0]
        held = known.groups.get(status.name) if known else None
        clock = known.clock if known else None
        if held is not None and held.measured_at > counts_as(
            clock, status.measured_at, now
        ):
            return
        locked = status.readings.get(Reading.LOCKED)
        relocked = None not in (was_locked, locked) and locked is not was_locked
        if (motion and motion.readings.get(Reading.MOVING)) or relocked:
            vehicle.schedule.be_quick(now)
        online = status.readings.get(Reading.ONLINE)
        if online is None and vehicle.condition is Condition.OFFLINE:
            # A push that does not say so changes nothing of it.
            return
        offline = online is False
        condition = Condition.OFFLINE if offline else Condition.CONNECTED
        if condition is not vehicle.condition:
            self._host.receive([vehicle.in_condition(condition, now)])

    def _tell_refusal(self, vehicle: AcceptedVehicle, err: VendorError) -> None:
        """Show why there is nothing new of a vehicle; what it said last grows old."""
        now = self._host.now()
        offline = isinstance(err, VehicleOffline | VehicleUnavailable)
        vehicle.schedule.lost = isinstance(err, DeviceNotFound)
        if isinstance(err, DeviceNotFound):
            condition = Condition.NOT_FOUND
        elif isinstance(err, DeviceInactive):
            condition = Condition.INACTIVE
        elif offline:
            condition = Condition.OFFLINE
        else:
            condition = Condition.NO_ANSWER
        self._host.receive([vehicle.in_condition(condition, now)])
        known = self._host.vehicle(vehicle.imei)
        if known is None:
            return
        self._host.receive(_aged(known, now))
        if offline and (status := known.groups.get(Group.STATUS)) is not None:
            offline_now = replace(
                _judged(status),
                readings={**status.readings, Reading.ONLINE: False},
            )
            self._host.receive(
                [VehicleUpdate(vehicle_id=vehicle.imei, groups=(offline_now,))]
            )

    async def learn_proof(
        self, vehicle: AcceptedVehicle, capability: SegwayCapability
    ) -> None:
        """Remember that a vehicle has a capability."""
        if capability not in vehicle.facts.proven:
            vehicle.facts.proven.add(capability)
            await self._book.save(vehicle.imei)

    async def learn_refusal(
        self, vehicle: AcceptedVehicle, capability: SegwayCapability
    ) -> None:
        """Offer no longer what a vehicle turned out not to have."""
        _LOGGER.info(
            "A Segway vehicle does not support %s, which is no longer offered for it",
            capability,
        )
        vehicle.refuse(capability)
        await self._book.save(vehicle.imei)
        self._host.receive(
            [VehicleUpdate(vehicle_id=vehicle.imei, capabilities=vehicle.capabilities)]
        )


def _reason(errors: list[VendorError], *, answered: bool) -> VendorError | None:
    """Return why the account may not be readable, as far as one vehicle tells."""
    certain = [err for err in errors if not isinstance(err, _DOUBTFUL_ERRORS)]
    if certain:
        return certain[0]
    return None if answered else next(iter(errors), None)


def _aged(known: Vehicle, now: datetime) -> list[VehicleUpdate]:
    """Return what a speed that a vehicle told before says of it now."""
    if (motion := known.groups.get(Group.MOTION)) is None:
        return []
    aged = age_motion(_judged(motion), now)
    return [VehicleUpdate(vehicle_id=known.vehicle_id, groups=(aged,))]


def _judged(group: ReadingGroup) -> ReadingGroup:
    """Return a group with the time that was judged when it came."""
    judged = TimeSource.OURS if group.time_is_ours else TimeSource.SERVER
    return replace(group, time_source=judged)
