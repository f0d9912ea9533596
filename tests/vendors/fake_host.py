"""The host of a connection in tests: without Home Assistant, with a clock of its own.

News is merged by the integration's own `merge`, so that connections find what they
would find in Home Assistant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
import json

import aiohttp

from custom_components.fleet_tracker.contract.commands import Clearance
from custom_components.fleet_tracker.contract.connection import Memory
from custom_components.fleet_tracker.contract.errors import CommandWithdrawn
from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    KnownRecord,
    Occurrence,
    Reading,
    Vehicle,
    VehicleUpdate,
)

START = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)


class Cleared(Clearance):
    """A clearance for what can stop a vehicle, which notes when it is asked.

    It refuses from the moment on that `refuses` is set, or after so many checks.
    """

    stops = True

    def __init__(self, *, allowed: int | None = None) -> None:
        """Initialize with the number of allowed commands; None allows all."""
        self.checks = 0
        self.refuses = False
        self._allowed = allowed

    def check(self) -> None:
        """Note that something is about to be sent."""
        self.checks += 1
        if self.refuses or (self._allowed is not None and self.checks > self._allowed):
            raise CommandWithdrawn("Refused by the test")


class FakeMemory(Memory):
    """A memory of which `stored` is what would be on disk."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.stored: dict[str, str] = {}

    def get(self, key: str) -> Json:
        """Return what was put under the key, as it comes back from a disk."""
        found: Json = json.loads(self.stored.get(key, "null"))
        return found

    async def put(self, key: str, value: Json) -> None:
        """Keep a value, which must be one that JSON can hold."""
        self.stored[key] = json.dumps(value)


class FakeHost:
    """A host that records what a connection says, in a time that stands still.

    `sleep` moves the clock on and returns at once; when `patient` is set, it returns only
    when the clock was moved that far by `advance`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        memory: FakeMemory | None = None,
        now: datetime = START,
    ) -> None:
        """Initialize with the session, and with an earlier host's memory after a restart."""
        self.session = session
        self.memory: Memory = memory or FakeMemory()
        self.rules = Rules()
        self.patient = False
        self.known: dict[str, Vehicle] = {}
        self.updates: list[VehicleUpdate] = []
        self.occurrences: list[tuple[str, Occurrence]] = []
        self.discovered: list[tuple[str, str | None]] = []
        self.problems: dict[str, dict[str, str]] = {}
        self.polls_asked_for: list[float] = []
        self.refusals = 0
        self.slept: list[float] = []
        self._now = now
        self._news = asyncio.Event()
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    # --- what a test does ---

    def clock(self) -> float:
        """Return the time in UNIX seconds, for a simulator."""
        return self._now.timestamp()

    def advance(self, seconds: float) -> None:
        """Move the clock on and wake the sleepers that have slept enough."""
        self._now += timedelta(seconds=seconds)
        for until, sleeper in self._sleepers:
            if until <= self._now and not sleeper.done():
                sleeper.set_result(None)
        self._sleepers = [
            (until, sleeper) for until, sleeper in self._sleepers if not sleeper.done()
        ]

    def reading(self, vehicle_id: str, key: str) -> object:
        """Return a reading of a vehicle, None if it is not known."""
        return self.known[vehicle_id].readings.get(key)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until news has made something true."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    # --- what a connection may ask ---

    def now(self) -> datetime:
        """Return the time."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait, or pretend to."""
        self.slept.append(seconds)
        if not self.patient:
            self.advance(seconds)
            await asyncio.sleep(0)
            return
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + timedelta(seconds=seconds), sleeper))
        await sleeper

    def vehicle(self, vehicle_id: str) -> Vehicle | None:
        """Return what is known of a vehicle."""
        return self.known.get(vehicle_id)

    def vehicles(self) -> Mapping[str, Vehicle]:
        """Return what is known of all vehicles."""
        return self.known

    def with_ignition_on(self) -> frozenset[str]:
        """Return the vehicles whose ignition is on."""
        return self._those(Reading.IGNITION)

    def moving(self) -> frozenset[str]:
        """Return the vehicles that move."""
        return self._those(Reading.MOVING)

    def _those(self, reading: Reading) -> frozenset[str]:
        return frozenset(
            one for one in self.known if self.reading(one, reading) is True
        )

    def known_records(self) -> Mapping[str, KnownRecord]:
        """Return none: to these hosts everything is news."""
        return {}

    def receive(self, updates: Iterable[VehicleUpdate]) -> None:
        """Record and merge news."""
        for update in updates:
            self.updates.append(update)
            self.occurrences += (
                (update.vehicle_id, occurrence) for occurrence in update.occurrences
            )
            before = self.known.get(update.vehicle_id)
            merged = merge(before, update, self.rules, self._now)
            self.known[update.vehicle_id] = merged.vehicle
            self._news.set()

    def discover(self, vehicle_id: str, model: str | None = None) -> None:
        """Record a discovered vehicle."""
        self.discovered.append((vehicle_id, model))

    def raise_problem(
        self, cause: str, *, vehicles: Collection[str] = (), **placeholders: str
    ) -> None:
        """Record a problem, with the ids of the vehicles instead of their names."""
        if vehicles:
            placeholders["vehicles"] = ", ".join(sorted(vehicles))
        self.problems[cause] = placeholders

    def clear_problem(self, cause: str) -> None:
        """Forget a problem."""
        self.problems.pop(cause, None)

    def credentials_refused(self) -> None:
        """Count how often new credentials were asked for."""
        self.refusals += 1

    def poll_soon(self, seconds: float = 0) -> None:
        """Record the wish."""
        self.polls_asked_for.append(seconds)
