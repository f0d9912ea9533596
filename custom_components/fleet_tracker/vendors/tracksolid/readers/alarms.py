"""Polled alarms: with a cursor, an overlap for late ones, each only once.

While alarms are pushed, polling them goes on slowly as a safety net; what was pushed is
not told a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import override

from ....model.elapsed import is_within
from ....model.vehicle import OccurrenceKind, VehicleUpdate
from ..api.client import TracksolidClient
from ..api.records import Alarm
from ..api.values import as_time
from ..mapping import map_alarm
from ..pushes.door import Push
from .reader import Reader, Situation

EVERY = timedelta(minutes=1)
EVERY_WHILE_PUSHED = timedelta(minutes=10)
PUSHED_FOR = timedelta(hours=6)
"""How long after the last pushed alarm alarms count as pushed."""
OVERLAP = timedelta(minutes=15)
LONGEST_BACK = timedelta(days=1)

_PUSHED = "pushalarm"
_NOTIFIED = "jimi.push.device.alarm"
_CURSOR = "alarms_read_until"
_SAVE_CURSOR_EVERY = timedelta(minutes=5)
_SAME_ALARM = timedelta(seconds=30)
"""By how much the times of an alarm that came in two ways may differ."""


class Way(Enum):
    """How we come to know of an alarm."""

    POLLED = auto()
    PUSHED = auto()
    NOTIFIED = auto()
    """Pushed too, but by the other family: `msgType` and `data`."""


@dataclass(slots=True, eq=False)
class _Told:
    """An alarm that was told: its time in each way in which it came, and when it came."""

    times: dict[Way, datetime]
    noted_at: datetime


class _ToldAlarms:
    """The alarms of one vehicle and kind that were told.

    Most came in one way only, which may be thousands in a day: one that comes again in the
    same way is looked up by its time.
    """

    def __init__(self, alarms: Iterable[_Told] = ()) -> None:
        """Initialize with what was told already."""
        self._alarms: list[_Told] = []
        self._by_time: dict[tuple[Way, datetime], _Told] = {}
        self._not_in: dict[Way, list[_Told]] = {way: [] for way in Way}
        for alarm in alarms:
            self._add(alarm)

    def note(self, way: Way, at: datetime, now: datetime) -> bool:
        """Note an alarm that came in a way. Return whether it came in no other before.

        Two of a kind that come in one way at one time are two.
        """
        alarm = self._by_time.get((way, at)) or self._nearest(way, at)
        if alarm is None:
            alarm = _Told({way: at}, now)
            self._add(alarm)
        elif way not in alarm.times:
            alarm.times[way] = at
            self._by_time[way, at] = alarm
            self._not_in[way].remove(alarm)
        alarm.noted_at = now
        return len(alarm.times) == 1

    def since(self, oldest: datetime) -> _ToldAlarms | None:
        """Return those that came since a time, None where there are none."""
        kept = [one for one in self._alarms if one.noted_at >= oldest]
        if len(kept) == len(self._alarms):
            return self
        return _ToldAlarms(kept) if kept else None

    def _add(self, alarm: _Told) -> None:
        self._alarms.append(alarm)
        for way, at in alarm.times.items():
            self._by_time[way, at] = alarm
        for way in Way:
            if way not in alarm.times:
                self._not_in[way].append(alarm)

    def _nearest(self, way: Way, at: datetime) -> _Told | None:
        """Return the alarm of about this time that came in other ways only."""
        nearest, distance = None, _SAME_ALARM
        for one in self._not_in[way]:
            apart = min(abs(time - at) for time in one.times.values())
            if apart <= distance:
                nearest, distance = one, apart
        return nearest


class AlarmReader(Reader):
    """Reads alarms that are new, and knows which were told already in another way."""

    def __init__(self, client: TracksolidClient) -> None:
        """Initialize with the client; its memory keeps the cursor."""
        self._client = client
        self._memory = client.transport.memory
        self._read_until = as_time(self._memory.get(_CURSOR))
        self._saved_until = self._read_until
        self._asked_at: datetime | None = None
        self._pushed_at: datetime | None = None
        self._read: dict[Alarm, datetime] = {}
        self._told: dict[tuple[str, str], _ToldAlarms] = {}

    @override
    def due(self, situation: Situation) -> Sequence[str]:
        """Return all vehicles, when their alarms are to be read with this poll."""
        now = situation.now
        every = EVERY_WHILE_PUSHED if self.are_pushed(now) else EVERY
        return () if is_within(self._asked_at, every, now) else [*situation.devices]

    def are_pushed(self, now: datetime) -> bool:
        """Tell whether alarms truly come by push."""
        return is_within(self._pushed_at, PUSHED_FOR, now)

    @override
    async def take_push(self, push: Push, update: VehicleUpdate) -> VehicleUpdate:
        """Note alarms that were pushed, and leave out those that were told before."""
        if push.message is not None:
            way = Way.NOTIFIED if push.message == _NOTIFIED else None
        else:
            way = Way.PUSHED if push.path == _PUSHED else None
        if way is None:
            return update
        now = self._client.transport.now()
        if any(one.kind is OccurrenceKind.ALARM for one in update.occurrences):
            self._pushed_at = now
        return self._untold(update, way, now)

    @override
    async def read(
        self, imeis: Sequence[str], situation: Situation
    ) -> Sequence[VehicleUpdate]:
        """Return the alarms since the last reading that were not told yet.

        Before the first reading ever nothing is told: only what is new.
        """
        now = situation.now
        self._asked_at = now
        end = self._client.transport.present
        if self._read_until is None:
            await self._move_cursor(end)
            return []
        begin = max(min(self._read_until, end) - OVERLAP, end - LONGEST_BACK)
        batch = await self._client.reports.alarms(imeis, begin, end)
        self._forget(now)
        fresh = [alarm for alarm in batch.found if alarm not in self._read]
        self._read.update(dict.fromkeys(fresh, now))
        updates = [self._untold(map_alarm(alarm), Way.POLLED, now) for alarm in fresh]
        await self._move_cursor(end, at_once=bool(updates))
        return updates

    def _untold(self, update: VehicleUpdate, way: Way, now: datetime) -> VehicleUpdate:
        """Note the alarms of an update, and leave out those that came in another way before.

        The two may differ a little in the time. Each that came is one alarm: a second one
        soon after it is another.
        """
        fresh = []
        for occurrence in update.occurrences:
            key, at = occurrence.key.lower(), occurrence.occurred_at
            told = self._told.setdefault((update.vehicle_id, key), _ToldAlarms())
            if told.note(way, at, now):
                fresh.append(occurrence)
        return replace(update, occurrences=tuple(fresh))

    def _forget(self, now: datetime) -> None:
        """Forget what the overlap can no longer bring again."""
        oldest = now - OVERLAP - 2 * EVERY_WHILE_PUSHED
        self._read = {row: at for row, at in self._read.items() if at >= oldest}
        for key, told in list(self._told.items()):
            if kept := told.since(oldest):
                self._told[key] = kept
            else:
                del self._told[key]

    async def _move_cursor(self, now: datetime, *, at_once: bool = True) -> None:
        self._read_until = now
        saved = self._saved_until
        if at_once or not is_within(saved, _SAVE_CURSOR_EVERY, now):
            self._saved_until = now
            await self._memory.put(_CURSOR, now.timestamp())
