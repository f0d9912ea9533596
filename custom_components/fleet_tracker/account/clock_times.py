"""What is done once a day, at a time of the local day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util


@callback
def async_each_day(
    hass: HomeAssistant,
    action: Callable[[], None],
    after_midnight: timedelta = timedelta(),
) -> CALLBACK_TYPE:
    """Call a function each day, so long after local midnight. Returns what ends it.

    Nobody waits for it when Home Assistant stops.
    """
    cancel: CALLBACK_TYPE | None = None
    due = dt_util.utcnow()

    @callback
    def plan() -> None:
        nonlocal cancel
        wait = (due - dt_util.utcnow()).total_seconds()
        cancel = async_call_later(
            hass, max(wait, 0), HassJob(on_timer, cancel_on_shutdown=True)
        )

    @callback
    def on_timer(_now: datetime) -> None:
        nonlocal due
        # A timer may be a little early by the clock.
        is_due = dt_util.utcnow() >= due
        if is_due:
            due = _next(after_midnight)
        plan()
        if is_due:
            action()

    due = _next(after_midnight)
    plan()

    @callback
    def stop() -> None:
        if cancel is not None:
            cancel()

    return stop


def _next(after_midnight: timedelta) -> datetime:
    """Return the next time that is so long after a local midnight."""
    now = dt_util.utcnow()
    today = dt_util.as_local(now).date()
    times = (
        dt_util.as_utc(dt_util.start_of_local_day(today + timedelta(days=days)))
        + after_midnight
        for days in (0, 1)
    )
    return next(time for time in times if time > now)
