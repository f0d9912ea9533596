"""Live streams as a media server sends them: http-FLV, another picture each second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
import secrets


class LiveStream:
    """What a device sends since its camera was opened under a session."""

    def __init__(self, session: str) -> None:
        """Begin, with a first second of film."""
        self.session = session
        self.secret = secrets.token_hex(4)
        self.ended = False
        self.readers = 0
        self.sent = 0
        self.seconds = 1
        """How much film there is, where a test says so and not the clock."""
        self._changed = asyncio.Event()

    def end(self) -> None:
        """Stop sending."""
        self.ended = True
        self._wake()

    def film(self, seconds: int) -> None:
        """Have so much more film."""
        self.seconds += seconds
        self._wake()

    def film_on(self) -> None:
        """Have another second of film if all that there is was sent."""
        if self.sent >= self.seconds:
            self.film(1)

    def count_reader(self, change: int) -> None:
        """Note that a reader came, or left."""
        self.readers += change
        self._wake()

    async def until(self, condition: Callable[[], object]) -> None:
        """Return when something is so."""
        while not condition():
            await self._changed.wait()

    async def next_second(self, shown: int, pause: float | None) -> None:
        """Return when there is more film, or none any more.

        It is there after a pause, or without one when the test says so.
        """
        if pause is None:
            await self.until(lambda: self.ended or self.seconds > shown)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self.until(lambda: self.ended)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
