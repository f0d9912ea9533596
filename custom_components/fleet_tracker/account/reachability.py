"""Whether an account counts as reachable: pure, and the same for all vendors that are polled.

It does while its polls do not fail. When they do, what came in last, polled or pushed,
counts for a while longer: nobody wants a house full of unavailable entities for one answer
that failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST = timedelta(minutes=10)
INTERVALS = 3
"""News counts for so many intervals between polls, and for `LEAST` at least."""


@dataclass(slots=True)
class Reachability:
    """When an account was last heard of, and for how long that counts.

    `polled_at` is when the last poll succeeded that did; before the first it is the
    begin of set-up.
    """

    polled_at: datetime
    pushed_at: datetime | None = None
    lasts: timedelta = LEAST
    fails: bool = False

    def note_success(self, now: datetime) -> None:
        """Note that a poll succeeded, at least in part."""
        self.polled_at = now
        self.fails = False

    def plan(self, interval: timedelta | None) -> None:
        """Set the interval planned after a success; None: no poll is planned.

        A wait that the vendor asked for is none.
        """
        self.lasts = max(LEAST, INTERVALS * (interval or timedelta()))

    def note_failure(self, now: datetime) -> None:
        """Note that a poll failed, or that the vendor does not want to be asked.

        After a clock was set back, what was heard before must not count for ever.
        """
        self.fails = True
        self.polled_at = min(self.polled_at, now)
        if self.pushed_at is not None:
            self.pushed_at = min(self.pushed_at, now)

    def note_push(self, now: datetime) -> None:
        """Note that a push came in that was verified to be the account's."""
        self.pushed_at = now

    @property
    def polled_until(self) -> datetime | None:
        """When polled data stops counting; None while polls succeed."""
        return self.polled_at + self.lasts if self.fails else None

    @property
    def ends_at(self) -> datetime | None:
        """When the account becomes unreachable without news; None while polls succeed."""
        if not self.fails:
            return None
        return max(self.polled_at, self.pushed_at or self.polled_at) + self.lasts

    def is_reachable(self, now: datetime) -> bool:
        """Tell whether the account is reachable."""
        return self.ends_at is None or now < self.ends_at

    def polls_count(self, now: datetime) -> bool:
        """Tell whether polled data still counts."""
        return self.polled_until is None or now < self.polled_until
