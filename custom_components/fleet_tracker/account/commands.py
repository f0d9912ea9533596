"""How commands reach the vehicles of an account: one at a time, guarded, confirmed.

It knows the vendor's connection and the fleet, and nothing of polls.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from ..const import (
    CONF_ALLOW_ENGINE_CUT,
    CONF_ENGINE_CUT_SPEED_LIMIT,
    DEFAULT_ENGINE_CUT_SPEED_LIMIT,
    DOMAIN,
    LEAST_ENGINE_CUT_SPEED_LIMIT,
)
from ..contract.commands import Clearance, Command, CommandResult
from ..contract.connection import Connection
from ..contract.errors import VendorError
from ..model.guard import Refusal, refusal
from ..offer.errors import of_refusal
from .clearances import JudgedClearance, StopClearance
from .fleet import Fleet

EXTRA_LOOK_DELAY = 20
"""Seconds after which vendors usually know what came of a stop or a command."""
LOOK_AGAIN_AFTER = 10
"""Seconds between the looks for a command that can stop a vehicle not heard of lately."""
MOST_LOOKS = 7
"""The first at once, the last a minute later."""
_WITHDRAWN = Refusal("engine_cut_withdrawn")

type May = Callable[[], bool]
"""Tells whether the caller may still command the vehicle."""


def anybody() -> bool:
    """Allow it: an automation, or a part of Home Assistant, has no user."""
    return True


class CommandAccount(Protocol):
    """The account that commands belong to."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What the user allows, as of now."""

    def receipt(self) -> datetime:
        """Return the time by which ages are judged: that of the vendor's server."""

    def why_closed(self) -> Refusal | None:
        """Return why the account takes no commands, None if it is running."""

    def is_wanted(self, vehicle_id: str) -> bool:
        """Tell whether the user wants a vehicle."""

    def home_assistant_error(self, err: VendorError) -> HomeAssistantError:
        """Return the error that the user is shown for a vendor's error."""

    def poll_soon(self, seconds: float = 0) -> None:
        """Ask for a poll earlier than planned."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Commands:
    """Sends commands to the vehicles of one account."""

    def __init__(
        self,
        hass: HomeAssistant,
        connection: Connection,
        fleet: Fleet,
        account: CommandAccount,
        on_warning: Callable[[str, str], None],
    ) -> None:
        """Initialize. `on_warning` shows a warning of a command that was carried out."""
        self._hass = hass
        self._connection = connection
        self._fleet = fleet
        self._account = account
        self._on_warning = on_warning
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stops: dict[str, StopClearance] = {}
        self._restoring: Counter[str] = Counter()
        self._guarded: dict[asyncio.Task[CommandResult], StopClearance] = {}

    async def async_look(self, vehicle_id: str) -> None:
        """Read a vehicle once, now. Raises HomeAssistantError when that fails."""
        try:
            update = await self._connection.look(vehicle_id)
        except VendorError as err:
            raise self._account.home_assistant_error(err) from err
        self._fleet.receive([update])
        await self._fleet.async_done()

    async def async_execute(
        self, vehicle_id: str, command: Command, may: May = anybody
    ) -> CommandResult:
        """Carry out a command and return when the vehicle confirmed it.

        What can stop a vehicle is guarded, and judged again where its bytes leave, as is
        whether its caller may still do that. What lets it drive again withdraws that, and
        waits for nothing.

        Raises HomeAssistantError with a translated text when the guard refuses it, or when
        it failed or is not confirmed.
        """
        if self._connection.can_stop(vehicle_id, command):
            result = await self._async_stop(vehicle_id, command, may)
        elif self._connection.restores(vehicle_id, command):
            result = await self._async_restore(vehicle_id, command)
        else:
            async with self._locks[vehicle_id]:
                result = await self._async_carry_out(
                    vehicle_id, command, self._clearance(vehicle_id, command)
                )
        if result.update is not None:
            self._fleet.receive([result.update])
            await self._fleet.async_done()
        if result.warning is not None and self._fleet.get(vehicle_id) is not None:
            self._on_warning(vehicle_id, result.warning)
        return result

    @callback
    def withdraw(self, reason: Refusal) -> None:
        """Let nothing that can stop a vehicle be sent any more."""
        for stop in self._stops.values():
            stop.withdraw(reason)

    async def async_end(self) -> None:
        """End the commands that were withdrawn before they were sent."""
        withdrawn = [
            work
            for work, clearance in self._guarded.items()
            if not clearance.may_be_sent
        ]
        for work in withdrawn:
            work.cancel()
        await asyncio.gather(*withdrawn, return_exceptions=True)

    async def _async_carry_out(
        self, vehicle_id: str, command: Command, clearance: Clearance
    ) -> CommandResult:
        try:
            return await self._connection.execute(vehicle_id, command, clearance)
        except VendorError as err:
            raise self._account.home_assistant_error(err) from err
        finally:
            self._account.poll_soon(EXTRA_LOOK_DELAY)

    def _clearance(self, vehicle_id: str, command: Command) -> JudgedClearance:
        """Return the clearance of a command that cannot stop a vehicle now."""

        def why_not() -> Refusal | None:
            if (closed := self._account.why_closed()) is not None:
                return closed
            if self._connection.can_stop(vehicle_id, command):
                return Refusal("engine_cut_not_cleared")
            return None

        return JudgedClearance(why_not)

    async def _async_restore(self, vehicle_id: str, command: Command) -> CommandResult:
        """Let a vehicle drive again. What is about to stop it is not sent any more."""
        stop = self._stops.get(vehicle_id)
        if stop is not None:
            stop.withdraw(_WITHDRAWN)
        self._restoring[vehicle_id] += 1
        try:
            return await self._async_carry_out(
                vehicle_id, command, self._clearance(vehicle_id, command)
            )
        finally:
            self._restoring[vehicle_id] -= 1

    async def _async_stop(
        self, vehicle_id: str, command: Command, may: May
    ) -> CommandResult:
        """Carry out what can stop a vehicle, unless that is refused or withdrawn.

        Raises HomeAssistantError with the reason.
        """
        lock = self._locks[vehicle_id]
        if lock.locked() or self._restoring[vehicle_id]:
            # After a wait the command would come when nobody expects it any more.
            raise of_refusal(Refusal("engine_cut_busy"))
        clearance = StopClearance(partial(self._why_not_stop, vehicle_id, may))
        async with lock:
            self._stops[vehicle_id] = clearance
            # The command goes on after its caller learned that it is withdrawn: a token
            # that is being issued would be lost.
            work = self._hass.async_create_background_task(
                self._async_guarded(vehicle_id, command, clearance),
                f"{DOMAIN} guarded command",
            )
            self._guarded[work] = clearance
            work.add_done_callback(self._end_guarded)
            over = self._hass.async_create_background_task(
                clearance.over.wait(), f"{DOMAIN} withdrawn command"
            )
            try:
                await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                over.cancel()
                if not work.done():
                    # Nobody waits for it any more.
                    clearance.withdraw(_WITHDRAWN)
                del self._stops[vehicle_id]
        # The command may have failed because of what withdrew it, such as an unload:
        # that is the error to show.
        if clearance.is_unsent or work.cancelled():
            raise of_refusal(clearance.withdrawn or _WITHDRAWN)
        result = work.result()
        if clearance.withdrawn == _WITHDRAWN:
            # The command was on its way already: the restore counts more than its answer.
            raise of_refusal(Refusal("engine_cut_overtaken"))
        return result

    @callback
    def _end_guarded(self, work: asyncio.Task[CommandResult]) -> None:
        del self._guarded[work]
        if not work.cancelled():
            work.exception()  # told by the caller, unless it was told already

    async def _async_guarded(
        self, vehicle_id: str, command: Command, clearance: StopClearance
    ) -> CommandResult:
        """Look at a vehicle and carry out what can stop it, if it surely stands or crawls.

        A vehicle that was not heard of for a while is read again for a minute: many
        trackers send their heartbeat every 3 minutes.
        """
        if (found := self._why_forbidden()) is not None:
            raise of_refusal(found)
        for look in range(MOST_LOOKS):
            if look:
                await self._account.sleep(LOOK_AGAIN_AFTER)
            await self.async_look(vehicle_id)
            found = clearance.why_not()
            if found is None or not found.may_pass_soon:
                break
        if found is not None:
            raise of_refusal(found)
        return await self._async_carry_out(vehicle_id, command, clearance)

    def _why_forbidden(self) -> Refusal | None:
        """Return why no vehicle of the account may be stopped now."""
        if (closed := self._account.why_closed()) is not None:
            return closed
        if self._hass.is_stopping:
            return _WITHDRAWN
        if not self._account.options.get(CONF_ALLOW_ENGINE_CUT, False):
            return Refusal("engine_cut_not_enabled")
        return None

    def _why_not_stop(self, vehicle_id: str, may: May) -> Refusal | None:
        """Return why a vehicle must not be stopped at this moment, None if it may."""
        if (forbidden := self._why_forbidden()) is not None:
            return forbidden
        if not may():
            return Refusal("engine_cut_not_permitted")
        vehicle = self._fleet.get(vehicle_id)
        if (
            vehicle is None
            or vehicle.is_gone
            or not self._account.is_wanted(vehicle_id)
        ):
            return Refusal("vehicle_unavailable")
        vehicle = self._fleet.with_unmerged(vehicle)
        limit = self._account.options.get(
            CONF_ENGINE_CUT_SPEED_LIMIT, DEFAULT_ENGINE_CUT_SPEED_LIMIT
        )
        return refusal(
            vehicle, max(limit, LEAST_ENGINE_CUT_SPEED_LIMIT), self._account.receipt()
        )
