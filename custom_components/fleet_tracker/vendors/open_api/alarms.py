"""Reads the alarms of many vehicles one by one, without a burst."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
import logging

from ...models import VehicleUpdate
from ...vendor import Host, VehicleUnavailable, VendorError
from .client import OpenApiClient
from .mapping import map_alarm

_LOGGER = logging.getLogger(__name__)

SPACING_S = 1
"""The API takes about one alarm call a second of an account."""
LOOK_BACK = timedelta(minutes=15)
"""What is older at the start would not be fired any more."""
OVERLAP = timedelta(minutes=2)
QUIET_INTERVAL = timedelta(minutes=5)
"""How often a vehicle is asked for that has not been heard of."""


class AlarmReader:
    """Reads alarms with a cursor per vehicle, those with news first.

    An alarm that is read twice does no harm: what was fired is known by its time.
    """

    def __init__(self, client: OpenApiClient, host: Host) -> None:
        """Take whom to ask and whom to tell."""
        self._client = client
        self._host = host
        self._cursors: dict[str, datetime] = {}
        self._asked_at: dict[str, datetime] = {}
        self._due: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many vehicles are waiting to be asked for."""
        return len(self._due)

    def read_soon(self, vehicle_ids: Iterable[str], with_news: set[str]) -> None:
        """Read the alarms of those vehicles that have news, or were not asked for long."""
        now = self._host.now()
        for vehicle_id in vehicle_ids:
            asked_at = self._asked_at.get(vehicle_id)
            if (
                vehicle_id in with_news
                or asked_at is None
                or now - asked_at >= QUIET_INTERVAL
            ):
                self._due.setdefault(vehicle_id)
        # Those with news go first; the sort leaves all else as it was.
        self._due = dict.fromkeys(
            sorted(self._due, key=lambda vehicle_id: vehicle_id not in with_news)
        )
        if self._due and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        while self._due:
            vehicle_id = next(iter(self._due))
            del self._due[vehicle_id]
            try:
                await self._read_one(vehicle_id)
                await self._host.sleep(SPACING_S)
            except VehicleUnavailable:
                # The poll says so on the vehicle itself.
                await self._host.sleep(SPACING_S)
            except VendorError as err:
                # The next poll asks again for those that wait.
                _LOGGER.debug("Alarms cannot be read now: %s", err)
                self._due.clear()
                return

    async def _read_one(self, vehicle_id: str) -> None:
        now = self._host.now()
        begin = self._cursors.get(vehicle_id, now - LOOK_BACK)
        alarms = await self._client.alarms(vehicle_id, begin, now)
        self._asked_at[vehicle_id] = now
        last = max((alarm.systemtime for alarm in alarms), default=begin)
        self._cursors[vehicle_id] = max(last, now - OVERLAP)
        if alarms:
            self._host.receive(
                [
                    VehicleUpdate(
                        vehicle_id=vehicle_id,
                        occurrences=tuple(map_alarm(alarm) for alarm in alarms),
                    )
                ]
            )
