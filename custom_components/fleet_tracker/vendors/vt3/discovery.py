"""Shows trackers that connect, but are not accepted: few, and not too fast."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...contract.connection import Host
from .frames import Message
from .parameters import SYSINFO
from .topics import Topic
from .values import as_shown_text

MOST_PENDING = 20
_SPACING = timedelta(seconds=5)
_PATIENCE = 5
"""Seconds in which a tracker may tell its model, before it is shown without."""
_LIFETIME = timedelta(hours=1)
"""After that, room is made for others. A tracker with a card gets no second one."""


@dataclass(slots=True)
class _Card:
    since: datetime
    model: str | None = None


class Introductions:
    """Shows the user trackers that are not accepted. Nothing is kept but serial and model."""

    def __init__(self, host: Host, is_accepted: Callable[[str], bool]) -> None:
        """Initialize with the host of the cards, and the test for accepted trackers."""
        self._host = host
        self._is_accepted = is_accepted
        self._cards: dict[str, _Card] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: datetime | None = None
        self.left_out = 0
        """Messages of trackers that were not shown, since there were too many."""

    def take(self, topic: Topic, message: Message) -> None:
        """Handle a message of a tracker that is not accepted."""
        card = self._cards.get(topic.serial) or self._begin(topic.serial)
        if card is None:
            self.left_out += 1
            return
        values = message.get("payload")
        if topic.group == SYSINFO and isinstance(values, dict):
            card.model = as_shown_text(values.get("sysinfo.model_name")) or card.model

    def _begin(self, serial: str) -> _Card | None:
        """Begin to show a tracker, unless there are too many or they come too fast."""
        now = self._host.now()
        self._cards = {
            one: card
            for one, card in self._cards.items()
            if now - card.since < _LIFETIME
        }
        too_soon = self._last is not None and now - self._last < _SPACING
        if too_soon or len(self._cards) >= MOST_PENDING:
            return None
        self._last = now
        card = self._cards[serial] = _Card(now)
        task = asyncio.create_task(self._introduce(serial, card))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return card

    async def _introduce(self, serial: str, card: _Card) -> None:
        await self._host.sleep(_PATIENCE)
        if not self._is_accepted(serial):
            self._host.discover(serial, card.model)

    def accepted_changed(self) -> None:
        """Handle a change of the accepted trackers."""
        for serial in [one for one in self._cards if self._is_accepted(one)]:
            del self._cards[serial]

    @property
    def pending(self) -> int:
        """How many trackers were shown lately."""
        return len(self._cards)

    async def stop(self) -> None:
        """Stop showing trackers."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
