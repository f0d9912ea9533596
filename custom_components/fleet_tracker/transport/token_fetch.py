"""A token that is fetched once for all waiting calls, and kept if none waits any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from .http_client import AccountClosed

LAST_FETCH_S = 5.0
"""Seconds for which an account that is closed waits for a token that is being issued."""


class TokenFetch[T]:
    """Gets a token, one at a time.

    A fetch goes on when its caller stops waiting: an issued token would be lost, and
    vendors limit how many they issue.
    """

    def __init__(self) -> None:
        """Start with nothing going on."""
        self._task: asyncio.Task[T] | None = None

    @property
    def is_going_on(self) -> bool:
        """Whether a token is being got."""
        return self._task is not None and not self._task.done()

    async def run(self, get: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return or raise what `get` does, or join the fetch that is going on.

        Raises AccountClosed when it takes longer than `close` waits.
        """
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(get())
            self._task.add_done_callback(_note_failure)
        await asyncio.wait([task := self._task])
        if task.cancelled():
            raise AccountClosed("The account is closed")
        return task.result()

    async def ended(self) -> None:
        """Wait until nothing is going on."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Wait for a token that is being issued, but not for long."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=LAST_FETCH_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _note_failure(task: asyncio.Task[Any]) -> None:
    """Note the error of a fetch that nobody may wait for any more."""
    if not task.cancelled():
        task.exception()
