"""TAGs: where each was last seen is asked for one by one (5.8).

The locations of an account lack them, as they lack trackers without any position. A device
that is no TAG is asked for once a day, in case it has become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import override

from ....contract.errors import (
    AuthenticationFailed,
    CannotConnect,
    InvalidAnswer,
    RateLimited,
    VendorError,
)
from ....model.json_values import is_record
from ....model.vehicle import VehicleUpdate
from ..api.client import TracksolidClient
from ..api.errors import Busy, TokenRejected
from ..api.values import as_time
from ..mapping import map_tag
from ..pushes.door import TAG_PATH, Push
from .reader import Reader, Situation

EVERY = timedelta(minutes=10)
AFTER_REFUSAL = timedelta(days=1)
PUSHED_FOR = timedelta(minutes=30)
"""How long after it was pushed a TAG's position counts as pushed."""
CALLS_PER_POLL = 5

_KEY = "no_tags"
# Errors that say nothing about the vehicle itself.
_NO_REFUSAL = (
    AuthenticationFailed,
    Busy,
    CannotConnect,
    InvalidAnswer,
    RateLimited,
    TokenRejected,
)


class TagReader(Reader):
    """Reads where TAGs are, a few with each poll."""

    def __init__(self, client: TracksolidClient) -> None:
        """Initialize with the client; its memory keeps the devices that are no TAG."""
        self._client = client
        self._memory = client.transport.memory
        stored = self._memory.get(_KEY)
        self._due: dict[str, datetime] = {
            imei: time
            for imei, value in (stored if is_record(stored) else {}).items()
            if (time := as_time(value)) is not None
        }
        self._no_tags = set(self._due)

    @override
    async def take_push(self, push: Push, update: VehicleUpdate) -> VehicleUpdate:
        """Ask for no position of a TAG for a while, once one was pushed."""
        if push.path == TAG_PATH and update.position is not None:
            now = self._client.transport.now()
            self._due[update.vehicle_id] = now + PUSHED_FOR
        return update

    @override
    def due(self, situation: Situation) -> Sequence[str]:
        """Return a few of the vehicles without a location whose time has come."""
        now = situation.now
        due = [i for i in situation.without_location if self._due.get(i, now) <= now]
        return due[:CALLS_PER_POLL]

    @override
    async def read(
        self, imeis: Sequence[str], situation: Situation
    ) -> Sequence[VehicleUpdate]:
        """Return the positions of those vehicles that are TAGs."""
        now = situation.now
        updates = []
        for imei in imeis:
            try:
                tag = await self._client.tracking.tag_location(imei)
            except _NO_REFUSAL:
                raise
            except VendorError:
                tag = None
            self._due[imei] = now + (AFTER_REFUSAL if tag is None else EVERY)
            if tag is not None:
                updates.append(map_tag(imei, tag))
            if (tag is None) != (imei in self._no_tags):
                self._no_tags ^= {imei}
                await self._save()
        return updates

    async def _save(self) -> None:
        await self._memory.put(
            _KEY, {imei: self._due[imei].timestamp() for imei in sorted(self._no_tags)}
        )
