"""Alarms that are polled: with a cursor, an overlap for late ones, each only once.

While alarms are pushed, polling them goes on slowly as a safety net; what was pushed is
not told a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from ...models import VehicleUpdate
from .client import TracksolidClient
from .mapping import map_alarm
from .records import Alarm
from .values import as_time

EVERY = timedelta(minutes=1)
EVERY_WHILE_PUSHED = timedelta(minutes=10)
PUSHED_FOR = timedelta(hours=6)
"""How long after the last pushed alarm alarms count as pushed."""
OVERLAP = timedelta(minutes=15)
LONGEST_BACK = timedelta(days=1)

_CURSOR = "alarms_read_until"
_SAVE_CURSOR_EVERY = timedelta(minutes=5)
_SAME_ALARM = timedelta(seconds=90)

type _Times = dict[tuple[str, str], dict[datetime, datetime]]
"""By vehicle and code: when alarms were raised, and when we were told."""


class AlarmReader:
    """Reads alarms that are new."""

    def __init__(self, client: TracksolidClient) -> None:
        """Take what carries the calls; the cursor is in its memory."""
        self._client = client
        self._memory = client.transport.memory
        self._read_until = as_time(self._memory.get(_CURSOR))
        self._saved_until = self._read_until
        self._asked_at: datetime | None = None
        self._pushed_at: datetime | None = None
        self._polled: _Times = {}
        self._pushed: _Times = {}

    def is_due(self, now: datetime) -> bool:
        """Tell whether alarms are to be read with this poll."""
        every = EVERY_WHILE_PUSHED if self.are_pushed(now) else EVERY
        return self._asked_at is None or now - self._asked_at >= every

    def are_pushed(self, now: datetime) -> bool:
        """Tell whether alarms truly come by push."""
        return self._pushed_at is not None and now - self._pushed_at < PUSHED_FOR

    def take_pushed(self, update: VehicleUpdate, now: datetime) -> VehicleUpdate:
        """Note alarms that were pushed, and leave out those that were polled before."""
        fresh = []
        for occurrence in update.occurrences:
            key = (update.vehicle_id, (occurrence.code or "").lower())
            self._pushed_at = now
            self._pushed.setdefault(key, {})[occurrence.occurred_at] = now
            if not _is_near(self._polled.get(key, ()), occurrence.occurred_at):
                fresh.append(occurrence)
        return replace(update, occurrences=tuple(fresh))

    async def read(self, imeis: Iterable[str]) -> list[VehicleUpdate]:
        """Return the alarms since the last reading that were not told yet.

        Before the first reading ever nothing is told: only what is new.
        """
        now = self._client.transport.now()
        self._asked_at = now
        if self._read_until is None:
            await self._move_cursor(now)
            return []
        begin = max(self._read_until - OVERLAP, now - LONGEST_BACK)
        batch = await self._client.reports.alarms(imeis, begin, now)
        self._forget(now)
        updates = [
            map_alarm(alarm) for alarm in batch.found if self._is_new(alarm, now)
        ]
        await self._move_cursor(now, at_once=bool(updates))
        return updates

    def _is_new(self, alarm: Alarm, now: datetime) -> bool:
        """Tell whether an alarm was neither polled nor pushed yet, and note it."""
        key = (alarm.imei, alarm.code.lower())
        polled = self._polled.setdefault(key, {})
        if alarm.occurred_at in polled:
            return False
        polled[alarm.occurred_at] = now
        return not _is_near(self._pushed.get(key, ()), alarm.occurred_at)

    def _forget(self, now: datetime) -> None:
        """Forget what the overlap can no longer bring again."""
        oldest = now - OVERLAP - 2 * EVERY_WHILE_PUSHED
        for known in (self._polled, self._pushed):
            for key, times in list(known.items()):
                kept = {time: at for time, at in times.items() if at >= oldest}
                if kept:
                    known[key] = kept
                else:
                    del known[key]

    async def _move_cursor(self, now: datetime, *, at_once: bool = True) -> None:
        self._read_until = now
        saved = self._saved_until
        if at_once or saved is None or now - saved >= _SAVE_CURSOR_EVERY:
            self._saved_until = now
            await self._memory.put(_CURSOR, now.timestamp())


def _is_near(times: Iterable[datetime], time: datetime) -> bool:
    """Tell whether an alarm that came the other way is the same one."""
    return any(abs(other - time) <= _SAME_ALARM for other in times)
