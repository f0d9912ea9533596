"""When to send which query for one vehicle.

Often while it is ridden, rarely while it is parked, and more rarely while it is pushed.
Pure: the caller gives the time and the state of the vehicle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ...model.elapsed import is_within, left


class Query(StrEnum):
    """A query of a vehicle."""

    STATUS = "status"
    LOCATION = "location"
    EXTRA_STATUS = "extra_status"
    BATTERY_INFO = "battery_info"


PARKED = timedelta(minutes=15)
"""Queries may reach the vehicle: one that is parked is asked no oftener."""
PUSHED_PARKED = timedelta(hours=1)
LOST = timedelta(hours=1)
"""How often to ask for a vehicle that the account does not have."""
QUICK_AFTER = timedelta(minutes=2)
"""How long to stay quick after a command, a ride, or a change of the lock."""

SELDOM: Mapping[Query, timedelta] = {
    Query.EXTRA_STATUS: timedelta(minutes=1),
    Query.BATTERY_INFO: timedelta(minutes=5),
}
"""Queries that are rarer, and their least interval."""
_SELDOM_FACTOR = 4
_LONGEST_BACK_OFF = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPeriods:
    """Seconds between two pushes, as set by the upload interval."""

    location_unlocked: int
    location_locked: int
    status_riding: int
    status_standing: int
    status_locked: int


@dataclass(frozen=True, slots=True)
class State:
    """The state that decides on the pace: locked and moving, None for unknown."""

    locked: bool | None = None
    moving: bool | None = None

    @property
    def riding(self) -> bool:
        """Unlocked and moving."""
        return self.locked is False and self.moving is True


def push_period(
    query: Query, state: State, configured: UploadPeriods | None
) -> timedelta | None:
    """Return how often something is pushed, None where no period can be relied on.

    By the upload interval that was set, else as documented: the location every 10 s
    unlocked and 900 s locked, the status every 10 s while riding and else on change.
    """
    seconds: int | None = None
    if query is Query.LOCATION:
        if state.locked:
            seconds = configured.location_locked if configured else 900
        else:
            seconds = configured.location_unlocked if configured else 10
    elif query is Query.STATUS:
        if state.riding:
            seconds = configured.status_riding if configured else 10
        elif configured:
            seconds = (
                configured.status_locked if state.locked else configured.status_standing
            )
    return None if seconds is None else timedelta(seconds=seconds)


@dataclass(kw_only=True)
class Schedule:
    """When each query was last asked and pushed, and when it is due again.

    `driving` and `standing` are the user's polling intervals.
    """

    driving: timedelta
    standing: timedelta
    configured: UploadPeriods | None = None
    quick_until: datetime | None = None
    failures: Counter[Query] = field(default_factory=Counter)
    lost: bool = False
    asked: dict[Query, datetime] = field(default_factory=dict)
    pushed: dict[Query, datetime] = field(default_factory=dict)

    def be_quick(self, now: datetime) -> None:
        """Look closely for a while: something happened."""
        self.quick_until = now + QUICK_AFTER

    def note_failure(self, now: datetime, *queries: Query) -> None:
        """Wait longer with queries that failed, and with those that were not tried after them."""
        for query in queries:
            self.failures[query] += 1
            self.asked[query] = now

    def start_over(self) -> None:
        """Ask every query anew, since the last ones did not reach the vehicle."""
        self.asked.clear()
        self.failures.clear()

    def is_pushed(self, query: Query, state: State, now: datetime) -> bool:
        """Tell whether pushes of this kind come: the last within twice their period."""
        return self._stops_at(query, state, now) is not None

    def _stops_at(self, query: Query, state: State, now: datetime) -> datetime | None:
        """Return when pushes that come will count as stopped, None if none come."""
        last = self.pushed.get(query)
        period = push_period(query, state, self.configured)
        if last is None or period is None or not is_within(last, 2 * period, now):
            return None
        return last + 2 * period

    def interval(self, query: Query, state: State, now: datetime) -> timedelta:
        """Return how long to wait between two queries."""
        if self.lost:
            return LOST
        parked = max(PARKED, self.standing)
        if state.moving or left(self.quick_until, QUICK_AFTER, now):
            interval = self.driving
        elif state.locked is False:
            interval = self.standing
        else:
            interval = parked
        if query in SELDOM:
            interval = max(SELDOM[query], _SELDOM_FACTOR * interval)
        elif self.is_pushed(query, state, now):
            interval = parked if interval < parked else max(parked, PUSHED_PARKED)
        if failures := self.failures[query]:
            longer = interval * 2 ** min(failures, _LONGEST_BACK_OFF)
            interval = max(interval, min(longer, parked))
        return interval

    def steady_until(self, now: datetime) -> datetime:
        """Return how long intervals stay the same, if pushes go on and nothing happens.

        Not at all after our clock was set back: the noted times are in the future then.
        """
        times = (*self.asked.values(), *self.pushed.values())
        if any(time > now for time in times):
            return now
        if self.quick_until is None or self.quick_until <= now:
            return datetime.max.replace(tzinfo=UTC)
        if self.quick_until - now > QUICK_AFTER:
            return now
        return self.quick_until

    def due_at(self, query: Query, state: State, now: datetime) -> datetime:
        """Return when to ask next: earlier where pushes stop before that."""
        asked = self.asked.get(query)
        if asked is None or asked > now:
            # Never, or by a clock that was set back since.
            return now
        due = asked + self.interval(query, state, now)
        stops_at = self._stops_at(query, state, now)
        if stops_at is not None:
            due = min(due, stops_at)
        return due
