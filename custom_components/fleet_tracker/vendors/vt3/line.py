"""The line to an accepted tracker: its connection, and how closely requests may follow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from .session import Session

# 2.3: the least seconds between two requests to a device.
REQUEST_SPACING = 3
CONTROL_SPACING = 5


@dataclass(slots=True)
class Lane:
    """Requests of one kind to one tracker, which must not follow too closely."""

    spacing: float
    last: datetime
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_free(self, now: datetime) -> bool:
        """Tell whether a request could be sent at once."""
        passed = (now - self.last).total_seconds()
        return not self.lock.locked() and not 0 <= passed < self.spacing


class Line:
    """The line to an accepted tracker. It outlives connections, and so does the spacing."""

    def __init__(self, serial: str, asked_at: datetime) -> None:
        """Initialize with the serial number as the user wrote it, without a connection.

        ``asked_at`` is when something may have been asked before: by an earlier listener.
        """
        self.serial = serial
        self.requests = Lane(REQUEST_SPACING, asked_at)
        self.controls = Lane(CONTROL_SPACING, asked_at)
        self.session: Session | None = None
        self.contested = False
        """Whether another connection waits to learn if this one is alive."""
        self.proved_at: datetime | None = None
        """When its connection answered a probe."""
