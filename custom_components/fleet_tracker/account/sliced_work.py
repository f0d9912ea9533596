"""Work that is done a few milliseconds at a time: the event loop is shared with a house."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic

from ..const import LOGGER

LONGEST_HOLD = 0.005
"""Seconds of work after which the event loop gets its turn."""

type Job = Callable[[], None]


class SlicedWork:
    """Jobs that are done in order, and those that a job adds before all others."""

    def __init__(self, name: str) -> None:
        """Initialize with the owner's name, for the log."""
        self._name = name
        self._jobs: deque[Job] = deque()
        self._urgent: deque[Job] = deque()
        self._going_on = False
        self._until = 0.0
        self._done: asyncio.Future[None] | None = None

    def add(self, jobs: Iterable[Job], began: float | None = None) -> None:
        """Add jobs, and begin with them at once if nothing is being done.

        ``began`` is since when this turn of the event loop is used already.
        """
        self._jobs.extend(jobs)
        self.start(began)

    def add_urgent(self, jobs: Iterable[Job]) -> None:
        """Add jobs that come before all others; `start` begins with them."""
        self._urgent.extend(jobs)

    def start(self, began: float | None = None) -> None:
        """Begin, unless it has begun."""
        if not self._going_on:
            self._going_on = True
            self._go_on(began)

    @staticmethod
    def time() -> float:
        """Return the time by which slices are measured, in seconds."""
        return monotonic()

    @property
    def has_time(self) -> bool:
        """Whether a job that is being done may go on, or should add its rest as a job."""
        return monotonic() < self._until

    def _go_on(self, began: float | None = None) -> None:
        self._until = (monotonic() if began is None else began) + LONGEST_HOLD
        try:
            self._do_some()
        finally:
            # Whatever ends a job, such as an interrupt, the others are done.
            if self._urgent or self._jobs:
                asyncio.get_running_loop().call_soon(self._go_on)
            else:
                self._end()

    def _do_some(self) -> None:
        urgent, jobs = self._urgent, self._jobs
        while urgent or jobs:
            if monotonic() >= self._until:
                return
            try:
                (urgent or jobs).popleft()()
            # One broken entity must not silence all others, nor one that looks at the
            # result of a task that was cancelled.
            except (Exception, asyncio.CancelledError):  # noqa: BLE001
                LOGGER.exception("Error while telling of news from %s", self._name)

    def _end(self) -> None:
        self._going_on = False
        if self._done is not None:
            self._done.set_result(None)
            self._done = None

    async def async_done(self) -> None:
        """Wait until everything is done."""
        if self._going_on:
            if self._done is None:
                self._done = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._done)
