"""How often an account is polled: as the options say, or as was set since without a reload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..const import (
    CONF_DRIVING_INTERVAL,
    CONF_PARKED_INTERVAL,
    DEFAULT_DRIVING_INTERVAL,
    DEFAULT_PARKED_INTERVAL,
)
from ..contract.connection import Memory
from ..model.json_values import Json

# Key of the memory
PACE = "pace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to wait between polls while a vehicle drives, and while all are parked."""

    driving: timedelta
    parked: timedelta

    def as_json(self) -> list[Json]:
        """Return both in seconds."""
        return [self.driving.total_seconds(), self.parked.total_seconds()]


def pace_of(options: Mapping[str, Any]) -> Pace:
    """Return the pace of an account's options."""
    return Pace(
        driving=timedelta(
            seconds=options.get(
                CONF_DRIVING_INTERVAL, DEFAULT_DRIVING_INTERVAL.total_seconds()
            )
        ),
        parked=timedelta(
            seconds=options.get(
                CONF_PARKED_INTERVAL, DEFAULT_PARKED_INTERVAL.total_seconds()
            )
        ),
    )


def current_pace(options: Mapping[str, Any], memory: Memory) -> Pace:
    """Return the pace that was set last: by the options, or since by the numbers."""
    chosen = pace_of(options)
    match memory.get(PACE):
        case {"options": options_then, "set": [int() | float() as driving, parked]} if (
            options_then == chosen.as_json() and isinstance(parked, int | float)
        ):
            return Pace(
                driving=timedelta(seconds=driving), parked=timedelta(seconds=parked)
            )
    return chosen


async def async_forget_old_pace(options: Mapping[str, Any], memory: Memory) -> None:
    """Forget a pace that was set before that of the options changed."""
    if memory.get(PACE) is not None and (
        current_pace(options, memory) == pace_of(options)
    ):
        await memory.put(PACE, None)


async def async_keep_pace(
    options: Mapping[str, Any], memory: Memory, pace: Pace
) -> None:
    """Keep a pace until that of the options changes."""
    await memory.put(
        PACE, {"options": pace_of(options).as_json(), "set": pace.as_json()}
    )
