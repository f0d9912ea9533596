"""The repair issues of a config entry: one for each cause, until it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN
from ..contract.errors import AccessDenied, VendorError
from ..model.vehicle import Reading, Vehicle

SUBSCRIPTION_WARNING = timedelta(days=14)
SUBSCRIPTION_ENDING = "subscription_ending"
SUBSCRIPTION_EXPIRED = "subscription_expired"
ACCESS_DENIED = "access_denied"
RATE_LIMITED = "rate_limited"
TRACKER_CLOCKS_WRONG = "tracker_clocks_wrong"
SERVER_CLOCK_DIFFERS = "server_clock_differs"
LEAST_CLOCK_DIFFERENCE = timedelta(minutes=2)
STORED_DATA_SET_ASIDE = "stored_data_set_aside"
"""It is noticed once, so that it is shown after a restart too."""


class Problems:
    """Shows what the user can do something about, and takes it away again."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, fixable: frozenset[str]
    ) -> None:
        """Initialize with the config entry and the problems that a repair flow can solve."""
        self._hass = hass
        self._entry = entry
        self._fixable = fixable

    @callback
    def show(
        self,
        cause: str,
        *,
        text: str | None = None,
        **placeholders: str,
    ) -> None:
        """Show a repair issue until it is cleared, or until the user lets it be solved.

        Its text is that of the cause, unless another one is named.
        """
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(cause),
            is_fixable=cause in self._fixable,
            data={"entry_id": self._entry.entry_id, "cause": cause},
            is_persistent=cause == STORED_DATA_SET_ASIDE,
            severity=ir.IssueSeverity.WARNING,
            translation_key=text or cause,
            translation_placeholders={"account": self._entry.title, **placeholders},
        )

    @callback
    def clear(self, cause: str) -> None:
        """Remove the repair issue, if there is one."""
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(cause))

    def _issue_id(self, cause: str) -> str:
        return f"{cause}_{self._entry.entry_id}"

    @callback
    def note_set_aside(self, copies: Sequence[str]) -> None:
        """Show once that stored files could not be used, until the user ignores it."""
        if copies:
            self.show(STORED_DATA_SET_ASIDE, files=", ".join(copies))

    @callback
    def note_access(self, err: VendorError | None) -> None:
        """Show that an account may not be read, for whatever reason, until it may.

        An error of another kind says nothing about that.
        """
        if isinstance(err, AccessDenied):
            self.show(ACCESS_DENIED, text=err.translation_key)
        elif err is None:
            self.clear(ACCESS_DENIED)

    @callback
    def note_tracker_clocks(self, wrong: int) -> None:
        """Show one repair issue for all trackers with wrong clocks."""
        if wrong:
            self.show(TRACKER_CLOCKS_WRONG, count=str(wrong))
        else:
            self.clear(TRACKER_CLOCKS_WRONG)

    @callback
    def note_server_clock(self, offset: timedelta) -> None:
        """Show by how much the server's clock differs from ours, if it matters."""
        if abs(offset) < LEAST_CLOCK_DIFFERENCE:
            self.clear(SERVER_CLOCK_DIFFERS)
        else:
            is_ahead = offset > timedelta()
            self.show(
                SERVER_CLOCK_DIFFERS,
                text="server_clock_ahead" if is_ahead else "server_clock_behind",
                minutes=str(round(abs(offset) / timedelta(minutes=1))),
            )

    @callback
    def note_subscriptions(self, vehicles: Iterable[Vehicle], now: datetime) -> None:
        """Show that subscriptions have ended, or soon will."""
        ends = [
            expires
            for vehicle in vehicles
            if isinstance(
                expires := vehicle.readings.get(Reading.SERVICE_EXPIRES), datetime
            )
            and not vehicle.is_gone
        ]
        ended = sum(end <= now for end in ends)
        ending = sum(now < end <= now + SUBSCRIPTION_WARNING for end in ends)
        for cause, count in (
            (SUBSCRIPTION_EXPIRED, ended),
            (SUBSCRIPTION_ENDING, ending),
        ):
            if count:
                self.show(cause, count=str(count))
            else:
                self.clear(cause)
