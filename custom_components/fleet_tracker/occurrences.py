"""Which occurrences have fired, and who is told of new ones: each once, and in order."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from .models import Occurrence, OccurrenceKind
from .vendor import Json, Memory

OLDEST_AFTER_START = timedelta(minutes=15)
MOST_UNDELIVERED = 100
# Of a vehicle: far more than any has, since not every vendor's vehicles prove who they are.
MOST_REMEMBERED = 500
MOST_OF_A_MOMENT = 100
REMEMBERED_FOR = timedelta(days=2)
"""How long what fired is known by its content: longer than vendors are asked back."""
MEMORY_KEY = "occurrences"

type Listener = Callable[[Occurrence], None]
type _Address = tuple[str, OccurrenceKind]
type _Moment = tuple[str, str]
"""A key of occurrences, and their time as it was told, however wrong."""


@dataclass(frozen=True, slots=True)
class _Fired:
    """One that fired: whether it was pushed, when it occurred, and when it fired."""

    pushed: bool
    occurred_at: str
    fired_at: str


class _Past:
    """What fired of one vehicle."""

    def __init__(self) -> None:
        self._fired: dict[_Moment, dict[str, _Fired]] = {}
        self._count = 0
        self._until: dict[str, str] = {}
        """By key: until when what is asked for has fired, of what is no longer known."""

    def is_replay(self, occurrence: Occurrence) -> bool:
        """Tell whether it fired before, in this way or in another.

        Replays have the same time and content. What was pushed and is read as well may
        differ in the content; two geofences may be left in one second.
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
        """Note that it fires now."""
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
        self._fired.setdefault(moment, {})[content] = fired
        self._count += 1

    def _forget(self, moment: _Moment) -> None:
        """Know of what fired longest ago only until when it did."""
        forgotten = self._fired.pop(moment)
        self._count -= len(forgotten)
        key = moment[0]
        latest = max(one.occurred_at for one in forgotten.values())
        self._until[key] = max(latest, self._until.pop(key, ""))
        if len(self._until) > MOST_REMEMBERED:
            del self._until[next(iter(self._until))]

    def as_json(self) -> Json:
        """Return what `from_json` makes the past of."""
        return {
            "fired": [
                [*moment, content, one.pushed, one.occurred_at, one.fired_at]
                for moment, of_moment in self._fired.items()
                for content, one in of_moment.items()
            ],
            "until": dict(self._until),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> _Past:
        """Return what was kept. Before, only the last time of each key was."""
        past = cls()
        fired, until = stored.get("fired"), stored.get("until", stored)
        if isinstance(until, Mapping):
            past._until = {
                key: time for key, time in until.items() if isinstance(time, str)
            }
        for one in fired if isinstance(fired, list) else ():
            match one:
                case [
                    str() as key,
                    str() as stamp,
                    str() as content,
                    bool() as pushed,
                    str() as occurred_at,
                    str() as fired_at,
                ]:
                    past._put(
                        (key, stamp), content, _Fired(pushed, occurred_at, fired_at)
                    )
        return past


class OccurrenceLog:
    """Lets replays pass in silence, over restarts too.

    What is asked for and happened more than 15 minutes before the start is never fired.
    What nobody listens to yet waits for its listener.
    """

    def __init__(self, memory: Memory, started_at: datetime) -> None:
        """Read what fired before, by vehicle."""
        self._memory = memory
        self._oldest = started_at - OLDEST_AFTER_START
        self._past: dict[str, _Past] = {}
        self._listeners: dict[_Address, Listener] = {}
        self._undelivered: defaultdict[_Address, deque[Occurrence]] = defaultdict(
            lambda: deque(maxlen=MOST_UNDELIVERED)
        )
        self.unsaved = False
        stored = memory.get(MEMORY_KEY)
        if isinstance(stored, Mapping):
            self._past = {
                vehicle_id: _Past.from_json(past)
                for vehicle_id, past in stored.items()
                if isinstance(past, Mapping)
            }

    def fire(
        self, vehicle_id: str, occurrences: tuple[Occurrence, ...], now: datetime
    ) -> None:
        """Tell of what is new. `unsaved` says whether there is something to save then."""
        if not occurrences:
            return
        past = self._past.setdefault(vehicle_id, _Past())
        for occurrence in sorted(occurrences, key=lambda one: one.occurred_at):
            if past.is_replay(occurrence):
                continue
            past.add(occurrence, now)
            self.unsaved = True
            if occurrence.pushed or self._is_recent(occurrence):
                self._deliver((vehicle_id, occurrence.kind), occurrence)

    def _is_recent(self, occurrence: Occurrence) -> bool:
        """Tell whether something happened since the start, or shortly before."""
        return (occurrence.received_at or occurrence.occurred_at) >= self._oldest

    def _deliver(self, address: _Address, occurrence: Occurrence) -> None:
        if (listener := self._listeners.get(address)) is not None:
            listener(occurrence)
        else:
            self._undelivered[address].append(occurrence)

    def add_listener(
        self, vehicle_id: str, kind: OccurrenceKind, listener: Listener
    ) -> Callable[[], None]:
        """Tell a listener of what is new from now on, and of what waited for it.

        Returns what ends it.
        """
        address = (vehicle_id, kind)
        self._listeners[address] = listener
        for occurrence in self._undelivered.pop(address, ()):
            listener(occurrence)

        def remove() -> None:
            # The entity may have been made again meanwhile.
            if self._listeners.get(address) is listener:
                del self._listeners[address]

        return remove

    def forget(self, vehicle_id: str) -> None:
        """Forget what happened to a vehicle that is gone, told or not."""
        for kind in OccurrenceKind:
            self._undelivered.pop((vehicle_id, kind), None)
        if self._past.pop(vehicle_id, None) is not None:
            self.unsaved = True

    async def async_save(self) -> None:
        """Keep what was fired."""
        self.unsaved = False
        await self._memory.put(
            MEMORY_KEY,
            {vehicle_id: past.as_json() for vehicle_id, past in self._past.items()},
        )


def _moment(occurrence: Occurrence) -> _Moment:
    stamp = occurrence.reported_at or occurrence.occurred_at
    return occurrence.key.lower(), stamp.isoformat()


def _content(occurrence: Occurrence) -> str:
    """Return what tells occurrences of one moment apart, in few letters."""
    told = sorted((key, str(value)) for key, value in occurrence.details.items())
    text = repr((occurrence.name, told))
    return blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()
