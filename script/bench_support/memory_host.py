"""The host of a connection without Home Assistant: news is merged and kept, no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, override

from custom_components.fleet_tracker.contract.connection import Memory
from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.model.vehicle import VehicleUpdate
from tests.vendors.fake_host import FakeHost

from .measuring import Clock


class Facts(Memory):
    """Small facts, kept as they are: writing them anew each time is not what is measured."""

    def __init__(self) -> None:
        """Begin with none."""
        self._facts: dict[str, Json] = {}

    @override
    def get(self, key: str) -> Json:
        """Return what was put under the key."""
        return self._facts.get(key)

    @override
    async def put(self, key: str, value: Json) -> None:
        """Keep a value."""
        self._facts[key] = value


class MemoryHost(FakeHost):
    """A host by the bench's clock."""

    def __init__(self, session: Any, clock: Clock) -> None:
        """Initialize with a session, which may be one in memory."""
        super().__init__(session)
        self.memory = Facts()
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
