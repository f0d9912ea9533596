"""Which occurrences have fired, and who is told of new ones: each once, and in order."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from .models import Occurrence, OccurrenceKind
from .rules import FUTURE_TOLERANCE
from .vendor import Memory

OLDEST_AFTER_START = timedelta(minutes=15)
MOST_UNDELIVERED = 100
# Of a vehicle: far more than any has, since not every vendor's vehicles prove who they are.
MOST_REMEMBERED = 500
MOST_OF_A_MOMENT = 100
MEMORY_KEY = "occurrences"

type Listener = Callable[[Occurrence], None]
type _Address = tuple[str, OccurrenceKind]


class OccurrenceLog:
    """Lets replays pass in silence, over restarts too.

    What happened more than 15 minutes before the start is never fired. What nobody listens
    to yet waits for its listener.
    """

    def __init__(self, memory: Memory, started_at: datetime) -> None:
        """Read when what was fired last, by vehicle and by what makes a replay."""
        self._memory = memory
        self._oldest = started_at - OLDEST_AFTER_START
        self._fired: dict[str, dict[str, str]] = {}
        self._of_last_moment: dict[str, dict[str, list[Occurrence]]] = {}
        self._listeners: dict[_Address, Listener] = {}
        self._undelivered: defaultdict[_Address, deque[Occurrence]] = defaultdict(
            lambda: deque(maxlen=MOST_UNDELIVERED)
        )
        self.unsaved = False
        stored = memory.get(MEMORY_KEY)
        if isinstance(stored, Mapping):
            self._fired = {
                vehicle_id: {str(key): str(time) for key, time in times.items()}
                for vehicle_id, times in stored.items()
                if isinstance(times, Mapping)
            }

    def fire(
        self, vehicle_id: str, occurrences: tuple[Occurrence, ...], now: datetime
    ) -> None:
        """Tell of what is new. `unsaved` says whether there is something to save then."""
        if not occurrences:
            return
        fired = self._fired.setdefault(vehicle_id, {})
        of_last_moment = self._of_last_moment.setdefault(vehicle_id, {})
        for occurrence in sorted(occurrences, key=lambda one: one.occurred_at):
            time = occurrence.occurred_at.isoformat()
            key = occurrence.key
            if occurrence.occurred_at > now + FUTURE_TOLERANCE:
                # A clock that is ahead must not silence all that comes after it.
                key += "/from_the_future"
            last = fired.get(key, "")
            if time < last:
                continue
            if time > last:
                of_last_moment[key] = []
            # Two geofences may be left in one second. What fired then before a restart is
            # not known any more, and is taken for the same.
            moment = of_last_moment.get(key)
            if (
                moment is None
                or occurrence in moment
                or len(moment) >= MOST_OF_A_MOMENT
            ):
                continue
            moment.append(occurrence)
            fired[key] = time
            if len(fired) > MOST_REMEMBERED:
                oldest = min(fired, key=fired.__getitem__)
                del fired[oldest]
                of_last_moment.pop(oldest, None)
            self.unsaved = True
            if occurrence.occurred_at >= self._oldest:
                self._deliver((vehicle_id, occurrence.kind), occurrence)

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
        self._of_last_moment.pop(vehicle_id, None)
        for kind in OccurrenceKind:
            self._undelivered.pop((vehicle_id, kind), None)
        if self._fired.pop(vehicle_id, None) is not None:
            self.unsaved = True

    async def async_save(self) -> None:
        """Keep what was fired."""
        self.unsaved = False
        await self._memory.put(
            MEMORY_KEY, {key: dict(times) for key, times in self._fired.items()}
        )
