"""A clock of the event loop that goes on only while nothing happens.

Limits such as "the answer must begin within 30 s" are tested as they are, without waiting for
them: while anything is at work, no time passes, however busy the machine is. When everything
waits, the clock jumps to what is due next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from selectors import BaseSelector, SelectorKey
from typing import Any, cast
from unittest.mock import patch

from tests.turns import in_threads

GRACE_S = 0.002
"""Real seconds for which a system may put off what one socket sent to another."""
RESOLUTION_S = 5e-7
"""What is due within this time is due now. The loop's own nanosecond is less than a float can
tell where the seconds are many, as on a machine that began to run months ago: its timers
would never be due by a clock that stands."""


class IdleClock:
    """Tells the event loop its time, and how long to wait for sockets."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, begin: float | None = None
    ) -> None:
        """Begin with the loop's own time, or with another one."""
        self._now = loop.time() if begin is None else begin
        self._selector = cast("BaseSelector", cast("Any", loop)._selector)
        self._wait_for_sockets = self._selector.select

    def time(self) -> float:
        """Return the time in seconds, as the event loop's function of this name."""
        return self._now

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Return the sockets that are ready, instead of what the loop's selector does.

        Nobody waits in real time, unless for a thread, or for what no timer ends.
        """
        if timeout is None or timeout <= 0:
            return self._wait_for_sockets(timeout)
        if in_threads():
            return self._wait_for_sockets(None)
        ready = self._wait_for_sockets(GRACE_S)
        if not ready:
            self._now += timeout
        return ready

    @contextmanager
    def installed(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Let the loop go by this clock for a while."""
        with (
            patch.object(loop, "time", self.time),
            patch.object(loop, "_clock_resolution", RESOLUTION_S),
            patch.object(self._selector, "select", self.select),
        ):
            yield
