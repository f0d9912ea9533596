"""Long answers are made a few records at a time: the event loop is shared with a house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import batched

RECORDS_PER_TURN = 200
"""How many records are made between two turns of the event loop: a few milliseconds."""


async def in_turns[R, T](
    make: Callable[[R], T], records: Iterable[R]
) -> AsyncIterator[T]:
    """Yield what is made of records, and let others have their turn in between."""
    for part in batched(records, RECORDS_PER_TURN, strict=False):
        for record in part:
            yield make(record)
        await asyncio.sleep(0)
