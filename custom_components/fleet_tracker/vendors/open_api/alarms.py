"""Reads the alarms of many vehicles one by one, without a burst."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
import logging

from ...json_values import as_unix_time
from ...models import VehicleUpdate
from ...vendor import Host, VehicleUnavailable, VendorError
from .client import OpenApiClient
from .mapping import map_alarm

_LOGGER = logging.getLogger(__name__)

LOOK_BACK = timedelta(minutes=15)
"""What is older would not be fired any more."""
QUIET_INTERVAL = timedelta(minutes=5)
"""How often a vehicle is asked for that has not been heard of."""

# Key of the memory
ALARMS_SINCE = "alarms_since"


class AlarmReader:
    """Reads alarms with a cursor per vehicle, those with news first.

    The client takes its time: a call a second for the whole account. An alarm that is read
    twice does no harm, for what was fired is remembered with its time, across restarts too;
    so that a restart reads from a quarter of an hour ago. What happened before the account
    was added is never read.
    """

    def __init__(self, client: OpenApiClient, host: Host) -> None:
        """Take whom to ask and whom to tell."""
        self._client = client
        self._host = host
        self._since = host.now()
        self._cursors: dict[str, datetime] = {}
        self._asked_at: dict[str, datetime] = {}
        self._due: dict[str, datetime] = {}
        self._with_news: set[str] = set()
        self._task: asyncio.Task[None] | None = None

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

    def read_soon(self, vehicle_ids: Sequence[str], with_news: set[str]) -> None:
        """Read the alarms of those vehicles that have news, or were not asked for long."""
        now = self._host.now()
        there = set(vehicle_ids)
        for vehicle_id in self._due.keys() - there:
            del self._due[vehicle_id]
        for vehicle_id in vehicle_ids:
            asked_at = self._asked_at.get(vehicle_id)
            if (
                vehicle_id in with_news
                or asked_at is None
                or now - asked_at >= QUIET_INTERVAL
            ):
                self._due.setdefault(vehicle_id, now)
        self._with_news = (self._with_news | with_news) & self._due.keys()
        if self._due and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        while self._due:
            vehicle_id = self._next()
            del self._due[vehicle_id]
            had_news = vehicle_id in self._with_news
            self._with_news.discard(vehicle_id)
            try:
                await self._read_one(vehicle_id)
            except VehicleUnavailable as err:
                # The poll says so on the vehicle itself.
                _LOGGER.debug("Alarms of a vehicle are refused: %s", err)
            except VendorError as err:
                # The next poll asks again, for this vehicle last.
                _LOGGER.debug("Alarms cannot be read now: %s", err)
                self._due[vehicle_id] = self._host.now()
                if had_news:
                    self._with_news.add(vehicle_id)
                return

    def _next(self) -> str:
        """Return who has waited longest of those with news, then of the others.

        Who has waited very long counts as one with news: there may always be some.
        """
        long_ago = self._host.now() - QUIET_INTERVAL
        return min(
            self._due,
            key=lambda vehicle_id: (
                vehicle_id not in self._with_news and self._due[vehicle_id] > long_ago,
                self._due[vehicle_id],
            ),
        )

    async def _read_one(self, vehicle_id: str) -> None:
        now = self._host.now()
        begin = max(self._cursors.get(vehicle_id, self._since), now - LOOK_BACK)
        alarms = await self._client.alarms(vehicle_id, min(begin, now), now)
        self._asked_at[vehicle_id] = now
        if not alarms:
            return
        self._cursors[vehicle_id] = max(alarm.systemtime for alarm in alarms)
        self._host.receive(
            [
                VehicleUpdate(
                    vehicle_id=vehicle_id,
                    occurrences=tuple(map_alarm(alarm) for alarm in alarms),
                )
            ]
        )
