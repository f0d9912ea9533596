"""Whether values read back after a command confirm it: one rule for all vendors. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from .record import record
from .vehicle import Value


@record(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The wanted result of a command, and the state before it was sent.

    `before` holds the readings of then. `sent_at` is when it was sent; it is None where
    the readings only follow from the command.
    """

    wanted: Mapping[str, Value]
    before: Mapping[str, Value]
    sent_at: datetime | None = None

    def is_shown(self, shown: Mapping[str, Value]) -> bool:
        """Tell whether readings are as wanted, whatever the cause."""
        return all(shown.get(key) == value for key, value in self.wanted.items())

    def is_confirmed(
        self,
        shown: Mapping[str, Value],
        *,
        measured_at: datetime | None,
        read_at: datetime,
    ) -> bool:
        """Tell whether readings prove that the command was carried out.

        What was so before proves nothing: one reading at least must be known to have been
        different. Where the readings are what was commanded, it is enough that they were
        measured after it was sent; `measured_at` is that time if the vehicle told it, else
        None. A time past `read_at` is of a clock that is wrong, and proves nothing.
        """
        if not self.wanted or not self.is_shown(shown):
            return False
        if any(
            key in self.before and self.before[key] != value
            for key, value in self.wanted.items()
        ):
            return True
        return (
            self.sent_at is not None
            and measured_at is not None
            and self.sent_at < measured_at <= read_at
        )
