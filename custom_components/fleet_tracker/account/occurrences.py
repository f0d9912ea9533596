"""Occurrences of an account: each fires once, in order, to all subscribers.

An occurrence is also delivered to the event entity of its vehicle and kind, and waits for
it while it is not there yet.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import product

from ..const import LOGGER
from ..contract.connection import Memory
from ..model.json_values import Json, as_unix_time
from ..model.trips.log import TripLog
from ..model.vehicle import Occurrence, OccurrenceKind, OccurrenceType
from .occurrence_journal import OccurrenceJournal, Receipt

OLDEST_AFTER_START = timedelta(minutes=15)
MOST_UNDELIVERED = 1000
MOST_EARLY = 10_000
# The limits of one vehicle. They are far above any real one: some vendors' vehicles do
# not prove who they are, and may send anything.
MOST_REMEMBERED = 1000
MOST_OF_A_MOMENT = 1000
ONCE_A_TRIP = frozenset({OccurrenceType.TRIP_STARTED, OccurrenceType.TRIP_ENDED})
"""The news that fires once of a trip, whatever its begin, end and values become."""
REMEMBERED_FOR = timedelta(days=2)
"""How long a fired occurrence is remembered: longer than vendors are asked back."""
MEMORY_KEY = "occurrences"
SINCE_KEY = "occurrences_since"
"""When the account was first set up. Polled occurrences from before never fire."""

type Listener = Callable[[Occurrence], None]
type Subscriber = Callable[[str, Occurrence], None]
"""Is called with a vehicle's id and an occurrence."""
type _Address = tuple[str, OccurrenceKind]
type _Moment = tuple[str, str]
"""A key of occurrences, and their time as it was told, however wrong."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An occurrence that is delivered, now or later."""

    occurrence: Occurrence
    receipt: Receipt | None
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class _Fired:
    """An occurrence that fired: whether it was pushed, when it occurred, and when it fired."""

    pushed: bool
    occurred_at: str
    fired_at: str


class _Past:
    """The occurrences of one vehicle that fired."""

    def __init__(self) -> None:
        self._fired: dict[_Moment, dict[str, _Fired]] = {}
        self._count = 0
        self._until: dict[str, str] = {}
        """By key: up to when polled occurrences fired that are not remembered one by one."""
        self.unreadable = 0
        """How many stored occurrences make no sense."""

    @property
    def count(self) -> int:
        """How many fired occurrences are remembered."""
        return self._count

    def is_replay(self, occurrence: Occurrence) -> bool:
        """Tell whether an occurrence fired before, pushed or polled.

        Replays have the same time and content. A pushed occurrence may differ in
        its content from the same one polled; two geofences may be left in one
        second.
        """
        key, stamp = _moment(occurrence)
        if not occurrence.pushed and (
            occurrence.occurred_at.isoformat() <= self._until.get(key, "")
        ):
            return True
        of_moment = self._fired.get((key, stamp), {})
        return (
            _content(occurrence) in of_moment
            or len(of_moment) >= MOST_OF_A_MOMENT
            or any(one.pushed is not occurrence.pushed for one in of_moment.values())
        )

    def add(self, occurrence: Occurrence, now: datetime) -> None:
        """Note that an occurrence fires now."""
        self._put(
            _moment(occurrence),
            _content(occurrence),
            _Fired(
                occurrence.pushed,
                occurrence.occurred_at.isoformat(),
                now.isoformat(),
            ),
        )
        long_ago = (now - REMEMBERED_FOR).isoformat()
        while self._fired:
            moment = next(iter(self._fired))
            oldest = self._fired[moment]
            last_fired_at = max(one.fired_at for one in oldest.values())
            if self._count <= MOST_REMEMBERED and last_fired_at >= long_ago:
                break
            self._forget(moment)

    def _put(self, moment: _Moment, content: str, fired: _Fired) -> None:
        of_moment = self._fired.setdefault(moment, {})
        self._count += content not in of_moment
        of_moment[content] = fired

    def _forget(self, moment: _Moment) -> None:
        """Forget the oldest fired occurrences, but for the time until which all fired."""
        forgotten = self._fired.pop(moment)
        self._count -= len(forgotten)
        key = moment[0]
        latest = max(one.occurred_at for one in forgotten.values())
        self._until[key] = max(latest, self._until.pop(key, ""))
        if len(self._until) > MOST_REMEMBERED:
            del self._until[next(iter(self._until))]

    def as_json(self, waiting: Container[tuple[_Moment, str]] = ()) -> Json:
        """Return the data that `from_json` reads, without what still waits for a listener."""
        return {
            "fired": [
                [*moment, content, one.pushed, one.occurred_at, one.fired_at]
                for moment, of_moment in self._fired.items()
                for content, one in of_moment.items()
                if (moment, content) not in waiting
            ],
            "until": dict(self._until),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> _Past:
        """Return the stored past. Older files hold only the last time of each key."""
        past = cls()
        fired, until = stored.get("fired"), stored.get("until", stored)
        if isinstance(until, Mapping):
            past._until = {
                key: time for key, time in until.items() if isinstance(time, str)
            }
        for row in fired if isinstance(fired, list) else ():
            past.unreadable += not past.recall(row)
        return past

    def recall(self, row: Json) -> bool:
        """Restore a fired occurrence. Returns False if the row makes no sense."""
        match row:
            case [
                str() as key,
                str() as stamp,
                str() as content,
                bool() as pushed,
                str() as occurred_at,
                str() as fired_at,
            ]:
                self._put((key, stamp), content, _Fired(pushed, occurred_at, fired_at))
                return True
        return False


class OccurrenceLog:
    """Lets replays pass in silence, over restarts too, and loses none that was received.

    What is asked for and happened more than 15 minutes before the start is never fired, nor
    is what happened before the account was set up for the first time. An occurrence waits
    for its event entity. What a disabled one missed does not fire when the user enables it
    again.
    """

    def __init__(
        self, journal: OccurrenceJournal, memory: Memory, started_at: datetime
    ) -> None:
        """Initialize with the file of occurrences; `async_load` reads it."""
        self.will_listen: Callable[[str, OccurrenceKind], bool] = lambda *_: True
        """Whether an event entity of a vehicle and kind is there or may still come."""
        self._journal = journal
        self._memory = memory
        self._started_at = started_at
        self._oldest = started_at - OLDEST_AFTER_START
        self._past: dict[str, _Past] = {}
        self._takers: dict[_Address, Listener] = {}
        self._subscribers: defaultdict[
            tuple[str | None, OccurrenceKind | None], list[Subscriber]
        ] = defaultdict(list)
        self._is_open = True
        self._early: deque[tuple[str, _Waiting]] = deque()
        self._undelivered: defaultdict[_Address, deque[_Waiting]] = defaultdict(deque)

    async def async_load(self) -> list[Receipt]:
        """Read what fired before, and return what was received and has not fired."""
        since = as_unix_time(self._memory.get(SINCE_KEY))
        if since is None:
            since = self._started_at
            await self._memory.put(SINCE_KEY, since.timestamp())
        self._oldest = max(self._oldest, since)
        # Where it was kept before there was a file of its own.
        stored = self._memory.get(MEMORY_KEY)
        for vehicle_id, past in stored.items() if isinstance(stored, Mapping) else ():
            if isinstance(past, Mapping):
                self._past[vehicle_id] = _Past.from_json(past)
        receipts = await self._journal.async_load(
            self._recall_past, self._recall_fired, self._recall_forgotten
        )
        if stored is not None:
            for vehicle_id, kept in self._past.items():
                self._journal.add_past(vehicle_id, kept.as_json())
            try:
                await self.async_save()
            except OSError:
                # It stays where it was, and is read there after the next start as well.
                return receipts
            await self._memory.put(MEMORY_KEY, None)
        return receipts

    @property
    def set_aside(self) -> list[str]:
        """The copy of a file that could not be read as a whole."""
        return self._journal.set_aside

    def _recall_past(self, vehicle_id: str, past: Mapping[str, Json]) -> None:
        recalled = self._past[vehicle_id] = _Past.from_json(past)
        if recalled.unreadable:
            raise ValueError("what fired makes no sense")

    def _recall_fired(self, vehicle_id: str, row: Sequence[Json]) -> None:
        if not self._past.setdefault(vehicle_id, _Past()).recall(row):
            raise ValueError("what fired makes no sense")

    def _recall_forgotten(self, vehicle_id: str) -> None:
        self._past.pop(vehicle_id, None)

    def receive(self, vehicle_id: str, occurrence: Occurrence) -> Receipt:
        """Note an occurrence before its sender gets the answer.

        It is on disk once `async_save` has returned.
        """
        return self._journal.add_received(vehicle_id, occurrence)

    def derive(
        self, vehicle_id: str, occurrences: Sequence[Occurrence], trips: TripLog
    ) -> list[Receipt]:
        """Note what follows that happened, and the trips that say that it was told.

        All of it is written together, before the vehicle is stored: after a crash it is
        either told, or follows anew.
        """
        self._journal.add_trips(vehicle_id, trips)
        return [
            self._journal.add_received(vehicle_id, one, is_derived=True)
            for one in occurrences
        ]

    def trips(self, vehicle_id: str) -> TripLog | None:
        """Return trips of a vehicle that it was not stored with, None if there are none.

        Raises an error of any kind for what cannot be read.
        """
        return self._journal.trips(vehicle_id)

    def dismiss(self, receipt: Receipt) -> None:
        """Note that an occurrence never has to fire."""
        self._journal.note_done(receipt)

    def fire(
        self,
        vehicle_id: str,
        occurrence: Occurrence,
        now: datetime,
        receipt: Receipt | None = None,
        *,
        ahead: timedelta = timedelta(),
    ) -> None:
        """Tell of an occurrence, if it is new.

        ``now`` is by the server's clock, and ``ahead`` by how much that is ahead of ours.
        """
        past = self._past.setdefault(vehicle_id, _Past())
        # Also one that was received before the start: it may have been a replay then.
        if past.is_replay(occurrence):
            self._journal.note_done(receipt)
            return
        past.add(occurrence, now)
        waiting = _Waiting(occurrence, receipt, now)
        if not (occurrence.pushed or self._is_recent(occurrence, ahead)):
            self._note_fired(vehicle_id, waiting)
        elif self._is_open:
            self._tell(vehicle_id, waiting)
        else:
            self._early.append((vehicle_id, waiting))
            if len(self._early) > MOST_EARLY:
                self._tell(*self._early.popleft())

    def _tell(self, vehicle_id: str, waiting: _Waiting) -> None:
        """Deliver an occurrence to its event entity, then tell the subscribers."""
        occurrence = waiting.occurrence
        if taker := self._takers.get((vehicle_id, occurrence.kind)):
            self._note_fired(vehicle_id, waiting)
            _call(taker, occurrence)
        else:
            self._keep_waiting(vehicle_id, waiting)
        for address in product((vehicle_id, None), (occurrence.kind, None)):
            for subscriber in list(self._subscribers.get(address, ())):
                _call(subscriber, vehicle_id, occurrence)

    def hold(self) -> None:
        """Hold occurrences back until `release`: their listeners are not there yet."""
        self._is_open = False

    def release(self) -> None:
        """Fire the occurrences held back, in order, and each further one as it comes."""
        self._is_open = True
        while self._early:
            self._tell(*self._early.popleft())

    def _is_recent(self, occurrence: Occurrence, ahead: timedelta) -> bool:
        """Tell whether something happened since the start, or shortly before."""
        happened_at = occurrence.received_at or occurrence.occurred_at
        return happened_at >= self._oldest + ahead

    def _note_fired(self, vehicle_id: str, waiting: _Waiting) -> None:
        self._journal.add_fired(
            vehicle_id, _row(waiting.occurrence, waiting.fired_at.isoformat())
        )
        self._journal.note_done(waiting.receipt)

    def _keep_waiting(self, vehicle_id: str, waiting: _Waiting) -> None:
        if not self.will_listen(vehicle_id, waiting.occurrence.kind):
            self._note_fired(vehicle_id, waiting)
            return
        queue = self._undelivered[vehicle_id, waiting.occurrence.kind]
        queue.append(waiting)
        if len(queue) > MOST_UNDELIVERED:
            self._note_fired(vehicle_id, queue.popleft())

    def subscribe(
        self,
        subscriber: Subscriber,
        vehicle_id: str | None = None,
        kind: OccurrenceKind | None = None,
    ) -> Callable[[], None]:
        """Tell a subscriber of what fires from now on: of a vehicle, of a kind, or of all.

        Returns what ends it.
        """
        subscribers = self._subscribers[vehicle_id, kind]
        subscribers.append(subscriber)
        return lambda: subscribers.remove(subscriber)

    def deliver_to(
        self, vehicle_id: str, kind: OccurrenceKind, listener: Listener
    ) -> Callable[[], None]:
        """Deliver to an event entity what is new from now on, and what waited for it.

        Returns what ends it.
        """
        address = (vehicle_id, kind)
        self._takers[address] = listener
        for waiting in self._undelivered.pop(address, ()):
            self._note_fired(vehicle_id, waiting)
            _call(listener, waiting.occurrence)

        def remove() -> None:
            # The entity may have been made again meanwhile.
            if self._takers.get(address) is listener:
                del self._takers[address]

        return remove

    def drop_undelivered(self) -> None:
        """Stop waiting for event entities that will never come."""
        for address in list(self._undelivered):
            if not self.will_listen(*address):
                for waiting in self._undelivered.pop(address):
                    self._note_fired(address[0], waiting)

    def forget(self, vehicle_id: str) -> None:
        """Forget what happened to a vehicle that is gone, told or not."""
        self._early = deque(one for one in self._early if one[0] != vehicle_id)
        for kind in OccurrenceKind:
            self._undelivered.pop((vehicle_id, kind), None)
        self._past.pop(vehicle_id, None)
        self._journal.add_forgotten(vehicle_id)

    @property
    def is_saved(self) -> bool:
        """Whether everything is on disk."""
        return self._journal.is_saved

    async def async_save(self) -> None:
        """Write to disk what was received and what fired. Raises OSError."""
        await self._journal.async_write()
        if self._early:
            # What is held back has neither fired nor an entity to wait for.
            return
        await self._journal.async_tidy(
            self._pasts, sum(past.count for past in self._past.values())
        )

    def _pasts(self) -> Iterator[tuple[str, Json]]:
        """Yield what fired, by vehicle. What waits did not: its receipt is kept instead."""
        for vehicle_id, past in list(self._past.items()):
            waiting = {
                _identity(one.occurrence)
                for kind in OccurrenceKind
                for one in self._undelivered.get((vehicle_id, kind), ())
            }
            yield vehicle_id, past.as_json(waiting)


def _call[**P](listener: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call a listener. The error of one must not keep occurrences from all others."""
    try:
        listener(*args, **kwargs)
    except Exception:  # noqa: BLE001  it is logged, and all other listeners are called
        LOGGER.exception("Error in a listener to occurrences")


def _row(occurrence: Occurrence, fired_at: str) -> list[Json]:
    """Return what is kept of a fired occurrence; `_Past.recall` reads it."""
    return [
        *_moment(occurrence),
        _content(occurrence),
        occurrence.pushed,
        occurrence.occurred_at.isoformat(),
        fired_at,
    ]


def _trip_id(occurrence: Occurrence) -> str | None:
    """Return the identity of the trip of news that is told once of it."""
    if occurrence.type not in ONCE_A_TRIP:
        return None
    trip_id = occurrence.details.get("trip_id")
    return trip_id if isinstance(trip_id, str) else None


def _moment(occurrence: Occurrence) -> _Moment:
    if (trip_id := _trip_id(occurrence)) is not None:
        return occurrence.key.lower(), trip_id
    stamp = occurrence.reported_at or occurrence.occurred_at
    return occurrence.key.lower(), stamp.isoformat()


def _identity(occurrence: Occurrence) -> tuple[_Moment, str]:
    return _moment(occurrence), _content(occurrence)


def _content(occurrence: Occurrence) -> str:
    """Return what tells occurrences of one moment apart, in few letters."""
    if _trip_id(occurrence) is not None:
        return ""
    told = sorted((key, str(value)) for key, value in occurrence.details.items())
    text = repr((occurrence.name, told))
    return blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()
