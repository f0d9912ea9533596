"""How long a vendor is left alone after it said that it was asked too often."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeIs

from .vendor import Json, Memory, RateLimited

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=30)
STUBBORN_WAIT = timedelta(minutes=8)
MEMORY_KEY = "back_off"


class BackOff:
    """Waits longer each time in a row, and goes on waiting over a restart.

    A set-up that failed is tried again within seconds, by an object that knows nothing of
    the one before: without a memory it would ask, and be refused, again and again.
    """

    def __init__(self, memory: Memory, now: datetime) -> None:
        """Recall what was said last, unless that is long ago."""
        self._memory = memory
        self._wait = timedelta()
        self._until: datetime | None = None
        stored = memory.get(MEMORY_KEY)
        if not isinstance(stored, Mapping):
            return
        since, until, wait = map(stored.get, ("since", "until", "wait"))
        if not (_is_number(since) and _is_number(until) and _is_number(wait)):
            return
        told_until = datetime.fromtimestamp(until, UTC)
        # By a clock that was set back, the wait could last for years.
        told = datetime.fromtimestamp(since, UTC) <= now
        if told and now < told_until + LONGEST_WAIT:
            self._wait, self._until = timedelta(seconds=wait), told_until

    @property
    def is_going_on(self) -> bool:
        """Whether the vendor has asked to be left alone, and has not answered since."""
        return bool(self._wait)

    @property
    def is_stubborn(self) -> bool:
        """Whether waiting has not helped several times in a row."""
        return self._wait >= STUBBORN_WAIT

    def check(self, now: datetime) -> None:
        """Raise RateLimited while the vendor wants to be left alone."""
        if self._until is not None and now < self._until:
            raise RateLimited("Not yet", retry_after=self._until - now)

    def lengthen(self, err: RateLimited) -> timedelta:
        """Return how long to wait now: longer each time, and as long as the vendor says."""
        self._wait = min(max(2 * self._wait, FIRST_WAIT), LONGEST_WAIT)
        return max(self._wait, err.retry_after or timedelta())

    def end(self) -> None:
        """Note that the vendor answers again."""
        self._wait = timedelta()

    async def async_save(self, now: datetime, interval: timedelta | None) -> None:
        """Keep how long the vendor is to be left alone; None: it need not be."""
        kept: Json = None
        if interval is not None:
            kept = {
                "since": now.timestamp(),
                "until": (now + interval).timestamp(),
                "wait": self._wait.total_seconds(),
            }
        await self._memory.put(MEMORY_KEY, kept)


def _is_number(value: object) -> TypeIs[int | float]:
    return isinstance(value, int | float)
