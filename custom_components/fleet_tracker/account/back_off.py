"""How long a vendor is left alone after it said that it was asked too often."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ..contract.connection import Memory
from ..contract.errors import RateLimited
from ..model.json_values import Json, as_number, as_unix_time

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=30)
LONGEST_TOLD = timedelta(minutes=15)
"""The longest wait that a vendor can ask for, except for a daily quota."""
LONGEST_QUOTA = timedelta(hours=3)
"""How long a used-up quota keeps us away at a time."""
STUBBORN_WAIT = timedelta(minutes=8)
MEMORY_KEY = "back_off"


class BackOff:
    """Waits longer each time in a row, and goes on waiting over a restart.

    A set-up that failed is tried again within seconds, by an object that knows nothing of
    the one before: without a memory it would ask, and be refused, again and again.
    """

    def __init__(self, memory: Memory, now: datetime) -> None:
        """Read the last wait, unless that is long ago."""
        self._memory = memory
        self._wait = timedelta()
        self._until: datetime | None = None
        stored = memory.get(MEMORY_KEY)
        if not isinstance(stored, Mapping):
            return
        since = as_unix_time(stored.get("since"))
        until = as_unix_time(stored.get("until"))
        wait = as_number(stored.get("wait"))
        # After the clock was set back, the wait could last for years.
        if since is None or until is None or wait is None or since > now:
            return
        until = min(until, since + LONGEST_QUOTA)
        if now < until + LONGEST_WAIT:
            longest = LONGEST_WAIT.total_seconds()
            self._wait = timedelta(seconds=min(max(wait, 0), longest))
            self._until = until

    @property
    def is_going_on(self) -> bool:
        """Whether the vendor has asked to be left alone, and has not answered since."""
        return bool(self._wait)

    @property
    def is_stubborn(self) -> bool:
        """Whether waiting has not helped several times in a row."""
        return self._wait >= STUBBORN_WAIT

    def left(self, now: datetime) -> timedelta:
        """Return for how long the vendor still wants to be left alone, since a restart."""
        return max(self._until - now, timedelta()) if self._until else timedelta()

    def lengthen(self, err: RateLimited) -> timedelta:
        """Return how long to wait now: longer each time, and as long as the vendor says.

        The vendor's wait is bounded, so that a wrong one ends by itself.
        """
        self._wait = min(max(2 * self._wait, FIRST_WAIT), LONGEST_WAIT)
        longest = LONGEST_QUOTA if err.is_quota else LONGEST_TOLD
        return max(self._wait, min(err.retry_after or timedelta(), longest))

    def end(self) -> None:
        """Note that the vendor answers again."""
        self._wait = timedelta()

    async def async_save(self, now: datetime, interval: timedelta | None) -> None:
        """Store how long the vendor is to be left alone; None ends it."""
        kept: Json = None
        if interval is not None:
            kept = {
                "since": now.timestamp(),
                "until": (now + interval).timestamp(),
                "wait": self._wait.total_seconds(),
            }
        await self._memory.put(MEMORY_KEY, kept)
