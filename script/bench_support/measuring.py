"""How it is measured: CPU time of the event loop's thread, with the garbage left alone."""

from __future__ import annotations

from asyncio.events import Handle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
import gc
import statistics
import time

from homeassistant.util import dt as dt_util

_passes = 5
_OTHER_THINGS = bytes(64 * 1024 * 1024)
"""More than the caches of the processor hold."""


def passes() -> int:
    """Return how often everything is measured in a process."""
    return _passes


def set_passes(number: int) -> None:
    """Measure everything so often."""
    global _passes  # noqa: PLW0603  set once, by the command line of a process
    _passes = number


def _cool() -> None:
    """Fill the caches of the processor with other things."""
    _OTHER_THINGS.find(b"x")


@dataclass(slots=True)
class Cost:
    """CPU time in seconds, and the longest time that the event loop was held."""

    cpu: float = 0.0
    longest_hold: float = 0.0


class Clock:
    """Home Assistant's clock, which stands still until it is moved.

    What Home Assistant plans by the event loop's own clock goes on in real time.
    """

    def __init__(self) -> None:
        """Begin with the time as it is, in whole seconds."""
        self.time = int(time.time())
        self.advance(0)

    def advance(self, seconds: int) -> None:
        """Move the time on."""
        self.time += seconds
        now = partial(datetime.fromtimestamp, self.time, UTC)
        dt_util.utcnow = now  # type: ignore[assignment, unused-ignore]


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure what is done inside, cold: what it needs was long not needed."""
    cost = Cost()
    gc.disable()
    _cool()
    begin = time.thread_time()
    try:
        yield cost
    finally:
        cost.cpu = time.thread_time() - begin
        gc.enable()


@contextmanager
def measured_holds() -> Iterator[Cost]:
    """Measure for how long each call of the event loop holds it.

    Looking at each call takes time of its own: `cpu` is not told.
    """
    cost = Cost()
    run = Handle._run  # noqa: SLF001  there is no other place

    def measure(handle: Handle) -> None:
        begin = time.thread_time()
        run(handle)
        cost.longest_hold = max(cost.longest_hold, time.thread_time() - begin)

    gc.disable()
    _cool()
    Handle._run = measure  # type: ignore[method-assign, assignment]  # noqa: SLF001
    try:
        yield cost
    finally:
        Handle._run = run  # type: ignore[method-assign]  # noqa: SLF001
        gc.enable()


@dataclass(slots=True)
class Passes:
    """The same thing measured several times, ours and the floor's."""

    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    events: list[int] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times the floor ours is, each at its least: others only add to it."""
        return min(self.ours) / min(self.floor)


def median(numbers: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(numbers)
