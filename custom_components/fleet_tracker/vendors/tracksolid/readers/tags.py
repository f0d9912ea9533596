"""TAGs: where they were last seen is asked for one by one (5.8).

The locations of an account do not have them, as they do not have trackers without any
position. What is no TAG is asked for once a day, in case it has become one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

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

EVERY = timedelta(minutes=10)
AFTER_REFUSAL = timedelta(days=1)
PUSHED_FOR = timedelta(minutes=30)
"""How long after it was pushed a TAG's position counts as pushed."""
CALLS_PER_POLL = 5

_KEY = "no_tags"
# What says nothing of the vehicle that was asked for.
_NO_REFUSAL = (
    AuthenticationFailed,
    Busy,
    CannotConnect,
    InvalidAnswer,
    RateLimited,
    TokenRejected,
)


class TagReader:
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

    def note_pushed(self, imei: str) -> None:
        """Note that a position of a TAG came by push."""
        self._due[imei] = self._client.transport.now() + PUSHED_FOR

    async def read(self, imeis: Iterable[str]) -> list[VehicleUpdate]:
        """Return the positions of those that are due, of vehicles without a location."""
        now = self._client.transport.now()
        due = [imei for imei in imeis if self._due.get(imei, now) <= now]
        updates = []
        for imei in due[:CALLS_PER_POLL]:
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
