"""The host of a connection without Home Assistant: news is merged and kept, no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, override

from custom_components.fleet_tracker.model.vehicle import VehicleUpdate
from tests.vendors.fake_host import FakeHost

from .measuring import Clock


class MemoryHost(FakeHost):
    """A host by the bench's clock."""

    def __init__(self, session: Any, clock: Clock) -> None:
        """Initialize with a session, which may be one in memory."""
        super().__init__(session)
        self._clock = clock

    @override
    def now(self) -> datetime:
        """Return the time."""
        return datetime.fromtimestamp(self._clock.time, UTC)

    @override
    async def sleep(self, seconds: float) -> None:
        """Give others their turn: the clock is moved by the bench alone."""
        await asyncio.sleep(0)

    @override
    def receive(self, updates: Iterable[VehicleUpdate]) -> None:
        """Merge news, and keep only what came of it."""
        self._now = self.now()
        super().receive(updates)
        self.updates.clear()
        self.occurrences.clear()
