"""Home Assistant with an account of a vendor, at a time that stands still.

Each vendor's rig adds its simulator, and the ways in which a user adds an account of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.util import dt as dt_util

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.model.vehicle import Value
from tests.common import tracker_of
from tests.turns import turns


class _Requests(Protocol):
    def total(self) -> int:
        """Return how many requests came."""


class AskedServer(Protocol):
    """A simulated server that counts its requests."""

    @property
    def requests(self) -> _Requests:
        """The requests that came."""


async def settle_all(calls: Callable[[], int]) -> None:
    """Let everything happen that is due now, requests and their answers too.

    Home Assistant itself cannot be waited for where a server holds requests back. ``calls``
    counts the requests so far.
    """
    asked = -1
    while asked != (asked := calls()):
        await turns()


async def settle(server: AskedServer) -> None:
    """Let requests and answers come and go until nobody asks any more."""
    await settle_all(server.requests.total)


class AccountRig:
    """Home Assistant with an account, whose time a test moves on."""

    hass: HomeAssistant
    freezer: FrozenDateTimeFactory
    entry: ConfigEntry[Any]

    # --- the account ---

    @property
    def coordinator(self) -> FleetCoordinator:
        """The coordinator of the account."""
        coordinator: FleetCoordinator = self.entry.runtime_data
        return coordinator

    @property
    def interval(self) -> timedelta:
        """How long it is from one poll to the next."""
        interval = self.coordinator.update_interval
        assert interval is not None
        return interval

    def is_in(self, state: ConfigEntryState) -> bool:
        """Tell whether the account's entry is in a state."""
        return self.entry.state is state

    @property
    def is_loaded(self) -> bool:
        """Whether the account is set up."""
        return self.is_in(ConfigEntryState.LOADED)

    # --- what Home Assistant shows ---

    def find(self, platform: str, vehicle_id: str, key: str) -> str | None:
        """Return the id of an entity of a vehicle, None if there is none."""
        unique_id = f"{self.entry.data['identity']}_{vehicle_id}_{key}"
        return er.async_get(self.hass).async_get_entity_id(platform, DOMAIN, unique_id)

    def found(self, platform: str, vehicle_id: str, key: str) -> str:
        """Return the id of an entity of a vehicle, which must be registered."""
        entity_id = self.find(platform, vehicle_id, key)
        assert entity_id, f"no {platform} for {key}"
        return entity_id

    def shown(self, platform: str, vehicle_id: str, key: str) -> State:
        """Return the state of an entity of a vehicle, which must be there."""
        entity_id = self.found(platform, vehicle_id, key)
        state = self.hass.states.get(entity_id)
        assert state, f"{entity_id} has no state"
        return state

    def known(self, vehicle_id: str, key: str) -> Value | None:
        """Return a reading of a vehicle, also if its sensor is disabled by default."""
        vehicle = self.coordinator.vehicle(vehicle_id)
        return None if vehicle is None else vehicle.readings.get(key)

    def tracker(self, vehicle_id: str) -> str:
        """Return the entity id of a vehicle's tracker, which actions are called on."""
        return tracker_of(self.hass, self.coordinator, vehicle_id)

    def device_of(self, vehicle_id: str) -> dr.DeviceEntry | None:
        """Return the device of a vehicle, None if there is none, also when it is not loaded."""
        identifier = (DOMAIN, f"{self.entry.data['identity']}_{vehicle_id}")
        return next(
            (
                device
                for device in dr.async_entries_for_config_entry(
                    dr.async_get(self.hass), self.entry.entry_id
                )
                if identifier in device.identifiers
            ),
            None,
        )

    def device_id(self, vehicle_id: str) -> str:
        """Return the id of a vehicle's device, which must be there."""
        device = self.device_of(vehicle_id)
        assert device is not None
        return device.id

    def problems(self) -> dict[str, Mapping[str, str] | None]:
        """Return the repair issues by their keys: what their texts say of it."""
        return {
            issue.translation_key or "": issue.translation_placeholders
            for issue in ir.async_get(self.hass).issues.values()
            if issue.domain == DOMAIN
        }

    # --- time ---

    async def turns(self) -> None:
        """Give everything on this machine its turn."""
        await turns()

    def clock(self) -> float:
        """Return the time in UNIX seconds."""
        return dt_util.utcnow().timestamp()

    async def reload(self) -> None:
        """Set the account up anew, as a restart does."""
        assert await self.hass.config_entries.async_reload(self.entry.entry_id)
        await self.hass.async_block_till_done(wait_background_tasks=True)


class PolledRig(AccountRig):
    """A rig with a simulated server that is asked, and whose requests are waited for."""

    @property
    def asked_server(self) -> AskedServer:
        """The simulated server."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Let everything happen that is due now, requests and their answers too."""
        requests = self.asked_server.requests
        asked = -1
        while asked != (asked := requests.total()):
            await settle(self.asked_server)
            await self.hass.async_block_till_done()

    async def reload(self) -> None:
        """Set the account up anew, as a restart does."""
        assert await self.hass.config_entries.async_reload(self.entry.entry_id)
        await self.settle()

    async def enable_entity(self, platform: str, vehicle_id: str, key: str) -> None:
        """Enable an entity that is disabled by default, as the user does."""
        entity_id = self.found(platform, vehicle_id, key)
        er.async_get(self.hass).async_update_entity(entity_id, disabled_by=None)
        await self.reload()

    async def advance(self, seconds: float) -> None:
        """Move the time on, and let happen what is due then."""
        self.freezer.tick(seconds)
        await self.settle()

    async def wait_for[T](self, call: Awaitable[T], seconds: int = 120) -> T:
        """Let the time pass second by second until a call is over, and return its result.

        Home Assistant itself cannot be waited for meanwhile: it waits for the call.
        """
        task = asyncio.ensure_future(call)
        await settle(self.asked_server)
        while not task.done() and seconds > 0:
            self.freezer.tick(1)
            seconds -= 1
            await settle(self.asked_server)
        assert task.done(), "it takes longer than it may"
        await self.settle()
        return await task
