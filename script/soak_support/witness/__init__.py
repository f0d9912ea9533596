"""Writes down what Home Assistant shows, so that a kill does not lose it.

Each alarm that an event entity fires is a line of ``fired.jsonl``, written before anything
else happens. Each second is a line of ``health.jsonl``: how late the event loop was, and
how much memory is in use.
"""

from __future__ import annotations

import asyncio
import json
import os
import time

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.typing import ConfigType

STEP = 0.05
WRITE_EVERY = 20


def _open(hass: HomeAssistant, name: str) -> int:
    return os.open(
        hass.config.path(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Begin to watch."""
    fired = await hass.async_add_executor_job(_open, hass, "fired.jsonl")
    health = await hass.async_add_executor_job(_open, hass, "health.jsonl")

    @callback
    def on_change(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if (
            state is None
            or state.domain != "event"
            or state.state in ("unknown", "unavailable")
        ):
            return
        line = {
            "time": time.time(),
            "entity": state.entity_id,
            "state": state.state,
            "code": str(state.attributes.get("code")),
        }
        # A few bytes into the page cache: they outlive the process at once.
        os.write(fired, json.dumps(line).encode() + b"\n")

    async def watch() -> None:
        lags: list[float] = []
        while True:
            begin = time.monotonic()
            await asyncio.sleep(STEP)
            lags.append(time.monotonic() - begin - STEP)
            if len(lags) == WRITE_EVERY:
                resident = int(os.pread(statm, 100, 0).split()[1])
                line = {
                    "time": time.time(),
                    "lag": max(lags),
                    "memory": resident * os.sysconf("SC_PAGE_SIZE"),
                }
                os.write(health, json.dumps(line).encode() + b"\n")
                lags.clear()

    statm = await hass.async_add_executor_job(os.open, "/proc/self/statm", os.O_RDONLY)
    hass.bus.async_listen(EVENT_STATE_CHANGED, on_change)
    hass.async_create_background_task(watch(), "soak watch")
    return True
