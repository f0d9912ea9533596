"""The repair issues of a config entry: one for each cause, until it is over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN
from ..contract.errors import AccessDenied, VendorError
from ..model.texts import for_markdown
from ..model.vehicle import Reading, Vehicle
from ..offer.texts import common_text

SUBSCRIPTION_WARNING = timedelta(days=14)
SUBSCRIPTION_ENDING = "subscription_ending"
SUBSCRIPTION_EXPIRED = "subscription_expired"
ACCESS_DENIED = "access_denied"
RATE_LIMITED = "rate_limited"
TRACKER_CLOCKS_WRONG = "tracker_clocks_wrong"
IGNITION_UNUSABLE = "ignition_unusable"
SERVER_CLOCK_DIFFERS = "server_clock_differs"
MOST_NAMED = 5
"""How many vehicles a repair issue names; the others are counted."""
LEAST_CLOCK_DIFFERENCE = timedelta(minutes=2)
STORED_DATA_SET_ASIDE = "stored_data_set_aside"
"""It is noticed once, so that it is shown after a restart too."""


class Problems:
    """Shows repair issues for what the user can solve, and removes them again."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        fixable: frozenset[str],
        names: Callable[[Collection[str]], Sequence[str]],
    ) -> None:
        """Initialize with the config entry and the problems that a repair flow can solve.

        ``names`` returns what the user calls vehicles, by their ids.
        """
        self._hass = hass
        self._entry = entry
        self._fixable = fixable
        self._names = names

    @callback
    def show(
        self,
        cause: str,
        *,
        text: str | None = None,
        vehicles: Collection[str] = (),
        **placeholders: str,
    ) -> None:
        """Show a repair issue until it is cleared, or until the user lets it be solved.

        Its text is that of the cause, unless another one is named. The names of the vehicles
        concerned are its placeholder ``vehicles``.
        """
        if vehicles:
            placeholders["vehicles"] = self._listed(vehicles)
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

    def _listed(self, vehicles: Collection[str]) -> str:
        """Return the names of the first vehicles, and how many more there are."""
        names = sorted(self._names(vehicles), key=str.casefold)
        listed = ", ".join(map(for_markdown, names[:MOST_NAMED]))
        if (more := len(names) - MOST_NAMED) <= 0:
            return listed
        return common_text(
            self._hass, "vehicles_and_more", vehicles=listed, count=str(more)
        )

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
    def note_tracker_clocks(self, wrong: Collection[str]) -> None:
        """Show one repair issue for all vehicles whose trackers have wrong clocks."""
        if wrong:
            self.show(TRACKER_CLOCKS_WRONG, vehicles=wrong)
        else:
            self.clear(TRACKER_CLOCKS_WRONG)

    @callback
    def note_unusable_ignitions(self, vehicles: Collection[str]) -> None:
        """Show one repair issue for all vehicles whose ignition tells nothing."""
        if vehicles:
            self.show(IGNITION_UNUSABLE, vehicles=vehicles)
        else:
            self.clear(IGNITION_UNUSABLE)

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
        concerned: Mapping[str, list[str]] = {
            SUBSCRIPTION_EXPIRED: [],
            SUBSCRIPTION_ENDING: [],
        }
        for vehicle in vehicles:
            end = vehicle.readings.get(Reading.SERVICE_EXPIRES)
            if not isinstance(end, datetime) or vehicle.is_gone:
                continue
            if end <= now:
                concerned[SUBSCRIPTION_EXPIRED].append(vehicle.vehicle_id)
            elif end <= now + SUBSCRIPTION_WARNING:
                concerned[SUBSCRIPTION_ENDING].append(vehicle.vehicle_id)
        for cause, those in concerned.items():
            if those:
                self.show(cause, vehicles=those)
            else:
                self.clear(cause)
