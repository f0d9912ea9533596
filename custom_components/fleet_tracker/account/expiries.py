"""When time alone will change a reading: one timer for all vehicles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
import heapq

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

NEVER = datetime.max.replace(tzinfo=UTC)


class Expiries:
    """The next time of each vehicle, with a timer for the earliest."""

    def __init__(
        self, hass: HomeAssistant, on_expired: Callable[[Iterable[str]], None]
    ) -> None:
        """Initialize with the callback for vehicles whose time has come."""
        self._hass = hass
        self._on_expired = on_expired
        self._queue: list[tuple[datetime, str]] = []
        self._next: dict[str, datetime] = {}
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._set_at = NEVER

    @callback
    def add(self, vehicle_id: str, when: datetime | None) -> None:
        """Plan a look at a vehicle, unless an earlier one is planned."""
        if when is None or when >= self._next.get(vehicle_id, NEVER):
            return
        self._next[vehicle_id] = when
        heapq.heappush(self._queue, (when, vehicle_id))
        if self._queue[0][0] == when:
            self._set_timer()

    @callback
    def cancel(self) -> None:
        """Cancel everything planned."""
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    @callback
    def _set_timer(self) -> None:
        self.cancel()
        self._set_at = dt_util.utcnow()
        delay = (self._queue[0][0] - self._set_at).total_seconds()
        self._cancel_timer = async_call_later(
            self._hass, max(delay, 0), HassJob(self._on_timer, cancel_on_shutdown=True)
        )

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self._cancel_timer = None
        now = dt_util.utcnow()
        if now < self._set_at:
            # The clock was set back: these times may not come for years.
            now = NEVER
        expired = []
        while self._queue and self._queue[0][0] <= now:
            when, vehicle_id = heapq.heappop(self._queue)
            if self._next.get(vehicle_id) == when:
                del self._next[vehicle_id]
                expired.append(vehicle_id)
        if self._queue:
            self._set_timer()
        self._on_expired(expired)
