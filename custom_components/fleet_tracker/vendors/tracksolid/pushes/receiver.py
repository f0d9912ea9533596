"""Processes pushes between the door and the vehicles: once each, in order.

A push is answered after its news was handed on, so no acknowledged news is lost. Overload is
answered with 503, and the sender repeats the push.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime

from ....contract.connection import Host
from ....contract.pushes import PushAnswer, PushRequest
from ....model.json_values import Record
from ....model.record import replace
from ....model.vehicle import VehicleUpdate
from .door import TAG_PATH, Duplicates, Push, Refused, answer, path_of, read_push
from .mapping import map_message, map_push, map_tag_push

MOST_WAITING = 2000
"""Items that may wait; a single push may have more."""
_READ_AT_ONCE = 64 * 1024
"""Bytes of a body that are read without a thread."""
WRONG_TOKEN = "tracksolid_push_token"
"""The repair issue about pushes with a wrong token."""


class PushReceiver:
    """Verifies and answers pushes, and hands their news on one after the other."""

    def __init__(
        self,
        host: Host,
        token: str | None,
        take: Callable[[Push, VehicleUpdate], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        """Initialize with the token that pushes must have, if any, the host and a clock."""
        self.counters: Counter[str] = Counter()
        self._host = host
        self._token = token
        self._take = take
        self._now = now
        self._duplicates = Duplicates()
        self._waiting = 0
        self._in_order = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """How many items wait to be handed on."""
        return self._waiting

    async def receive(self, request: PushRequest) -> PushAnswer:
        """Hand on what a push tells, after all that came before it, and answer it."""
        if len(request.body) > _READ_AT_ONCE:
            # Others have their turn while a body of thousands of items is read.
            read = await asyncio.to_thread(read_push, request, self._token)
        else:
            read = read_push(request, self._token)
        if isinstance(read, Refused):
            self.counters[f"pushes_refused_{read.status}"] += 1
            if read.status == 403:
                self._host.raise_problem(WRONG_TOKEN)
            return PushAnswer(status=read.status)
        if read is None:
            return answer(path_of(request) or "")
        if self._token is not None and read.message is None:
            self._host.clear_problem(WRONG_TOKEN)
        if self._waiting and self._waiting + len(read.items) > MOST_WAITING:
            self.counters["pushes_refused_503"] += 1
            return PushAnswer(status=503)
        self.counters["pushes"] += 1
        self._waiting += len(read.items)
        try:
            async with self._in_order:
                await self._hand_on(read)
        finally:
            self._waiting -= len(read.items)
        return answer(read.path, verified=True)

    async def _hand_on(self, push: Push) -> None:
        """Hand on the news of new items, with a turn for everybody else between them."""
        for item in push.items:
            await asyncio.sleep(0)
            if not self._duplicates.is_new(push, item, self._host.now()):
                self.counters["duplicates"] += 1
                continue
            update = self._mapped(push, item)
            if update is None:
                self.counters["pushes_without_news"] += 1
            else:
                await self._take(push, update)

    def _mapped(self, push: Push, item: Record) -> VehicleUpdate | None:
        update = self._news(push, item)
        return None if update is None else replace(update, pushed=True)

    def _news(self, push: Push, item: Record) -> VehicleUpdate | None:
        now = self._now()
        if push.message is not None:
            return map_message(push.message, item, now)
        if push.path == TAG_PATH:
            return map_tag_push(item)
        return map_push(push.path, item, now)
