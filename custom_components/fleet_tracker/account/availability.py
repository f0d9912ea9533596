"""Notifies of an account that becomes reachable or unreachable, at that moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .reachability import Reachability


class Availability:
    """The reachability of an account, with a timer of its own.

    Home Assistant's coordinator tells its listeners when a poll fails for the first time,
    and never again. An account becomes unreachable later than that, and pushes keep it
    reachable.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        state: Reachability,
        on_reachable: Callable[[], None],
        on_polls_count: Callable[[], None],
    ) -> None:
        """Initialize with the callbacks for a change of the account's reachability.

        `on_polls_count` is called when polled data stops counting, or counts again.
        """
        self.state = state
        self._hass = hass
        self._on_reachable = on_reachable
        self._on_polls_count = on_polls_count
        self._told = (True, True)
        self._cancel_timer: CALLBACK_TYPE | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether the account is reachable now."""
        return self.state.is_reachable(dt_util.utcnow())

    @callback
    def note_push(self) -> None:
        """Note a push of the account, and tell at once if that makes it reachable."""
        self.state.note_push(dt_util.utcnow())
        if not self._told[0]:
            self.review()

    @callback
    def review(self) -> None:
        """Notify of a change, and look again when time alone will change it."""
        self.cancel()
        now, state = dt_util.utcnow(), self.state
        before = self._told
        self._told = (state.is_reachable(now), state.polls_count(now))
        if self._told[1] != before[1]:
            self._on_polls_count()
        if self._told[0] != before[0]:
            self._on_reachable()
        times = [
            time for time in (state.ends_at, state.polled_until) if time and time > now
        ]
        if times:
            self._cancel_timer = async_call_later(
                self._hass,
                (min(times) - now).total_seconds(),
                HassJob(self._on_timer, cancel_on_shutdown=True),
            )

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self._cancel_timer = None
        self.review()

    @callback
    def cancel(self) -> None:
        """Stop looking."""
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
