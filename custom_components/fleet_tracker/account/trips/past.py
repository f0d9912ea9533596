"""The trips of an account from before they were kept, as its vendor tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from homeassistant.util import dt as dt_util

from ...const import LOGGER
from ...contract.errors import VendorError
from ...contract.history import HistoryKind, HistoryQuery, Trip, VendorHistory
from .records import month_of

MOST_OF_A_MONTH = 5_000
MOST_MONTHS = 12
"""Of one question, the last ones, and in memory."""
ASKED_AGAIN_AFTER = timedelta(minutes=10)
"""After an answer that failed for a vehicle, or of a month that is not over."""

type Told = Mapping[str, Sequence[Trip]]


@dataclass(frozen=True, slots=True)
class _Month:
    told: Told
    asked_at: datetime
    is_whole: bool


class VendorPast:
    """Answers of a vendor, a month at a time for all vehicles, each asked for once."""

    def __init__(self, vehicle_ids: Callable[[], Iterable[str]]) -> None:
        """Initialize with the function that returns the account's vehicles."""
        self._vehicle_ids = vehicle_ids
        self._months: dict[str, _Month] = {}
        self._lock = asyncio.Lock()

    async def async_trips(
        self,
        history: VendorHistory | None,
        begin: datetime,
        end: datetime,
        since: datetime,
    ) -> dict[str, list[Trip]]:
        """Return the vendor's trips of each vehicle that began in a period.

        The answer is empty where the vendor does not list trips. ``since`` is when trips
        began to be kept: later ones are not asked for.
        """
        found: dict[str, list[Trip]] = {}
        if history is None or HistoryKind.TRIPS not in history.offers:
            return found
        for month, following in _months(begin, min(end, since)):
            told = await self._async_month(history, month, min(following, since))
            for vehicle_id, trips in told.items():
                # Some vendors tell trips of other times too.
                first, last = max(begin, month), min(end, following)
                those = [one for one in trips if first <= one.begin < last]
                if those:
                    found.setdefault(vehicle_id, []).extend(those)
        return found

    async def _async_month(
        self, history: VendorHistory, begin: datetime, end: datetime
    ) -> Told:
        name = f"{month_of(begin.timestamp())} {end.isoformat()}"
        async with self._lock:
            now = dt_util.utcnow()
            held = self._months.pop(name, None)
            if held is None or not (
                held.is_whole or now - held.asked_at < ASKED_AGAIN_AFTER
            ):
                held = await self._async_ask(history, begin, end, now)
            self._months[name] = held
            while len(self._months) > MOST_MONTHS:
                del self._months[next(iter(self._months))]
            return held.told

    async def _async_ask(
        self, history: VendorHistory, begin: datetime, end: datetime, now: datetime
    ) -> _Month:
        vehicle_ids = sorted(self._vehicle_ids())
        query = HistoryQuery(
            vehicle_ids=vehicle_ids, begin=begin, end=end, limit=MOST_OF_A_MONTH
        )
        try:
            answer = await history.trips(query)
        except VendorError as err:
            answer = dict.fromkeys(vehicle_ids, err)
        errors = [one for one in answer.values() if isinstance(one, VendorError)]
        if errors:
            LOGGER.debug(
                "Trips from before they were kept are not told for %d vehicles: %s",
                len(errors),
                type(errors[0]).__name__,
            )
        return _Month(
            {
                vehicle_id: trips
                for vehicle_id, trips in answer.items()
                if not isinstance(trips, VendorError)
            },
            now,
            is_whole=not errors,
        )


def _months(begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Return the begins and ends of the last months of a time, oldest first."""
    months: list[tuple[datetime, datetime]] = []
    following = end
    while following > begin and len(months) < MOST_MONTHS:
        last = (following - timedelta(microseconds=1)).astimezone(UTC)
        month = datetime(last.year, last.month, 1, tzinfo=UTC)
        months.append((month, (month + timedelta(days=32)).replace(day=1)))
        following = month
    return months[::-1]
