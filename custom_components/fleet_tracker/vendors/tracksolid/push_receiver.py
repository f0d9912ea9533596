"""What happens to pushes between the door and the vehicles: once each, in order."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ...json_values import Record
from ...models import VehicleUpdate
from ...vendor import Host, PushAnswer, PushRequest
from .push import TAG_PATH, Duplicates, Push, Refused, answer, path_of, read_push
from .push_mapping import map_message, map_push, map_tag_push

MOST_PENDING = 2000
WRONG_TOKEN = "tracksolid_push_token"
"""The problem that the user is told of when pushes have a wrong token."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """An item that was answered and waits to be processed."""

    push: Push
    item: Record


class PushReceiver:
    """Verifies and answers pushes, and hands their news on one after the other."""

    def __init__(
        self,
        host: Host,
        token: str | None,
        take: Callable[[Push, VehicleUpdate], Awaitable[None]],
    ) -> None:
        """Take the token that pushes must have, if any, and who takes their news."""
        self.counters: Counter[str] = Counter()
        self._host = host
        self._token = token
        self._take = take
        self._duplicates = Duplicates()
        self._pending: deque[_Pending] = deque()
        self._worker: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many items wait to be processed."""
        return len(self._pending)

    async def receive(self, request: PushRequest) -> PushAnswer:
        """Answer a push at once; what it says is processed after."""
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
        if len(self._pending) + len(read.items) > MOST_PENDING:
            self.counters["pushes_refused_503"] += 1
            return PushAnswer(status=503)
        self.counters["pushes"] += 1
        fresh = self._duplicates.new(read, self._host.now())
        self.counters["duplicates"] += len(read.items) - len(fresh)
        self._pending.extend(_Pending(read, item) for item in fresh)
        if self._pending and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._process())
        return answer(read.path)

    async def close(self) -> None:
        """Stop processing."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None

    async def _process(self) -> None:
        """Work off what was pushed, with a turn for everybody else between items."""
        while self._pending:
            await asyncio.sleep(0)
            pending = self._pending.popleft()
            update = self._mapped(pending)
            if update is None:
                self.counters["pushes_without_news"] += 1
            else:
                await self._take(pending.push, update)

    def _mapped(self, pending: _Pending) -> VehicleUpdate | None:
        push, now = pending.push, self._host.now()
        if push.message is not None:
            return map_message(push.message, pending.item, now)
        if push.path == TAG_PATH:
            return map_tag_push(pending.item)
        return map_push(push.path, pending.item, now)
