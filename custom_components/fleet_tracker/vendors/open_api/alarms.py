"""Reads the alarms of many vehicles one by one, without a burst."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
import logging
from typing import override

from ...contract.commands import Clearance
from ...contract.connection import Host
from ...contract.errors import RateLimited, VehicleUnavailable, VendorError
from ...model.json_values import as_unix_time
from ...model.vehicle import VehicleUpdate
from .client import OpenApiClient
from .mapping import map_alarm

_LOGGER = logging.getLogger(__name__)

LOOK_BACK = timedelta(minutes=15)
"""How far before the last read is read again: lists are filled late, and clocks differ."""
LOOK_AHEAD = timedelta(minutes=10)
"""How far beyond our time is read: by the server's clock it may be later."""
MOST_CAUGHT_UP = timedelta(days=1)
"""How far back is read after a time without the server. What is older is history."""
QUIET_INTERVAL = timedelta(minutes=5)
"""How often a vehicle is asked for that has not been heard of."""
NEWS_INTERVAL = timedelta(seconds=30)
"""How long ago a vehicle with news must have been asked for, to be asked for first."""
TURNS = 3
"""Of so many calls one is for the vehicle that waits longest, the rest for those with news."""

# Key of the memory
ALARMS_SINCE = "alarms_since"


class _WhileThere(Clearance):
    """The clearance to ask for a vehicle's alarms, while the vehicle is asked for."""

    def __init__(self, is_there: Callable[[], bool]) -> None:
        """Initialize with the function that tells whether the vehicle is asked for."""
        self._is_there = is_there

    @override
    def check(self) -> None:
        """Raise VehicleUnavailable when the vehicle left the account, or is refused."""
        if not self._is_there():
            raise VehicleUnavailable("The vehicle is not asked for any more")


class AlarmReader:
    """Reads alarms with a cursor per vehicle, those with news first.

    The client takes its time: a call a second for the whole account. Two of three calls are
    for vehicles with news, so that 40 of these are asked for within a minute however many
    others wait.

    An alarm that is read twice does no harm: alarms that fired are remembered with their
    times, across restarts too. After a restart the last quarter of an hour is read, since
    older alarms would not fire. Alarms that come while the server is down are read once it
    is up again. Those from before the account was added are never read.
    """

    def __init__(
        self, client: OpenApiClient, host: Host, now: Callable[[], datetime]
    ) -> None:
        """Initialize with the client, the host and the server's clock."""
        self._client = client
        self._host = host
        self._now = now
        self._since = now()
        self._started_at = now()
        self._cursors: dict[str, datetime] = {}
        self._read_at: dict[str, datetime] = {}
        self._asked_at: dict[str, datetime] = {}
        self._there: frozenset[str] = frozenset()
        self._due: dict[str, datetime] = {}
        """The waiting vehicles and since when they wait, the longest first."""
        self._with_news: dict[str, None] = {}
        """The waiting vehicles with news, in the order of asking."""
        self._turns_of_news = 0
        self._rest_began_at = self._started_at
        self._rest = timedelta()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        """Recall when the account was added."""
        memory = self._host.memory
        if (since := as_unix_time(memory.get(ALARMS_SINCE))) is None:
            await memory.put(ALARMS_SINCE, self._since.timestamp())
        else:
            self._since = since

    @property
    def waiting(self) -> int:
        """How many vehicles are waiting to be asked for."""
        return len(self._due)

    def keep(self, vehicle_ids: Collection[str]) -> None:
        """Ask for no other vehicles any more: they left, or are refused."""
        if len(self._there) == len(vehicle_ids) and self._there.issuperset(vehicle_ids):
            return
        self._there = frozenset(vehicle_ids)
        for vehicle_id in self._due.keys() - self._there:
            del self._due[vehicle_id]
            self._with_news.pop(vehicle_id, None)
        for vehicle_id in self._asked_at.keys() - self._there:
            del self._asked_at[vehicle_id]

    def read_soon(
        self,
        vehicle_ids: Sequence[str],
        with_news: Collection[str],
        only_heard: Collection[str] = (),
    ) -> None:
        """Read the alarms of vehicles that have news, or were not asked for a long time.

        Those that were only heard of have no news, but may have alarms.
        """
        if self._closed:
            # A poll may end after that.
            return
        now = self._now()
        self.keep(vehicle_ids)
        due = {*with_news, *only_heard, *self._not_asked_for_long(now)} & self._there
        if len(due - self._due.keys()) > 0:
            for vehicle_id in vehicle_ids:
                if vehicle_id in due:
                    self._due.setdefault(vehicle_id, now)
        first = [
            one for one in with_news if one in due and self._may_be_first(one, now)
        ]
        for vehicle_id in sorted(first, key=lambda one: (self._due[one], one)):
            self._with_news.setdefault(vehicle_id)
        if self._due and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._read())

    def _not_asked_for_long(self, now: datetime) -> Collection[str]:
        """Return the vehicles that were never asked for, or not for a while."""
        found = set(self._there - self._asked_at.keys())
        latest = next(reversed(self._asked_at.values()), now)
        if latest > now:
            # The clock was set back.
            return self._there
        for vehicle_id, asked_at in self._asked_at.items():
            if now - asked_at < QUIET_INTERVAL:
                break
            found.add(vehicle_id)
        return found

    def _may_be_first(self, vehicle_id: str, now: datetime) -> bool:
        asked_at = self._asked_at.get(vehicle_id)
        return asked_at is None or not timedelta() <= now - asked_at < NEWS_INTERVAL

    def _note_asked(self, vehicle_id: str, now: datetime) -> None:
        """Note when a vehicle was asked for, behind those asked for before."""
        self._asked_at.pop(vehicle_id, None)
        self._asked_at[vehicle_id] = now

    def rest(self, pause: timedelta) -> None:
        """Ask for nothing for a while: the server is asked too much."""
        self._rest_began_at = self._now()
        self._rest = pause

    def _is_resting(self) -> bool:
        return timedelta() <= self._now() - self._rest_began_at < self._rest

    async def close(self) -> None:
        """Stop reading."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        while self._due and not self._is_resting():
            vehicle_id = self._next()
            del self._due[vehicle_id]
            had_news = vehicle_id in self._with_news
            self._with_news.pop(vehicle_id, None)
            try:
                await self._read_one(vehicle_id)
            except VehicleUnavailable as err:
                # The poll says so on the vehicle itself.
                _LOGGER.debug("Alarms of a vehicle are refused: %s", err)
                if vehicle_id in self._there:
                    self._note_asked(vehicle_id, self._now())
            except VendorError as err:
                # The next poll asks again, for this vehicle last.
                _LOGGER.debug("Alarms cannot be read now: %s", err)
                if isinstance(err, RateLimited) and err.retry_after:
                    self.rest(err.retry_after)
                if vehicle_id in self._there:
                    self._due[vehicle_id] = self._now()
                    if had_news:
                        self._with_news[vehicle_id] = None
                return

    def _next(self) -> str:
        """Return the next vehicle: one with news, or now and then the longest waiting."""
        longest = next(iter(self._due))
        newest = next(iter(self._with_news), longest)
        self._turns_of_news += 1
        if newest == longest or self._turns_of_news >= TURNS:
            self._turns_of_news = 0
            return longest
        return newest

    async def _read_one(self, vehicle_id: str) -> None:
        now = self._now()
        end = now + LOOK_AHEAD
        begin = min(self._begin(vehicle_id, now), end)
        alarms = await self._client.alarms(
            vehicle_id, begin, end, _WhileThere(lambda: vehicle_id in self._there)
        )
        self._note_asked(vehicle_id, now)
        self._read_at[vehicle_id] = now
        if not alarms:
            return
        times = [alarm.systemtime for alarm in alarms if alarm.systemtime <= end]
        self._cursors[vehicle_id] = max(times, default=begin)
        self._host.receive(
            [
                VehicleUpdate(
                    vehicle_id=vehicle_id,
                    occurrences=tuple(map_alarm(alarm) for alarm in alarms),
                )
            ]
        )

    def _begin(self, vehicle_id: str, now: datetime) -> datetime:
        """Return from when on a vehicle's alarms are still to be read."""
        read_at = min(self._read_at.get(vehicle_id, self._started_at), now)
        begin = max(read_at - LOOK_BACK, now - MOST_CAUGHT_UP)
        # The time may be by our clock, from before it was known how far the server's is
        # behind.
        if self._since <= now:
            begin = max(begin, self._since)
        return max(begin, self._cursors.get(vehicle_id, begin))
