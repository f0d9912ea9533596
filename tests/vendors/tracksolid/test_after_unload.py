"""After it was unloaded or removed, an account asks for nothing, whatever was under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.fleet_tracker.contract.commands import Command
from custom_components.fleet_tracker.vendors.tracksolid.vocabulary import (
    TracksolidCommand,
)
from tests.turns import turns

from .helpers import CAM, CAR, stand_still
from .home import NOW, Home, add_account

pytestmark = pytest.mark.freeze_time(NOW)

TOKEN = "jimi.oauth.token.get"
CLOSE = "jimi.device.media.close.stream"
TRIPS = "jimi.device.track.mileage"

type Work = asyncio.Future[Any]


def held_poll(method: str, wait: float = 0) -> Callable[[Home], Awaitable[Work | None]]:
    """Return what begins a poll that waits for the answer to a method."""

    async def begin(home: Home) -> Work:
        home.freezer.tick(wait)
        if method == "jimi.oauth.token.get":
            home.sim.drop_tokens()
        gate = home.sim.hold(method)
        poll = asyncio.ensure_future(home.coordinator.async_refresh())
        for _ in range(20):
            await turns()
            if gate.waiting.is_set():
                return poll
        raise AssertionError(f"{method} is not asked for")

    return begin


async def live_view(home: Home) -> None:
    """Open a live view; what unloads closes it."""
    media = home.connection.media
    assert media is not None
    await media.open_live(CAM, 1)


async def photo_awaited(home: Home) -> None:
    """Take a photo, which is looked for until it has come."""
    await home.coordinator.async_execute(CAM, Command(TracksolidCommand.TAKE_PHOTO))


async def command_confirmed(home: Home) -> Work:
    """Send a command whose outcome is asked for again and again."""
    home.sim.devices[CAR].behaviour = "silent"
    call = asyncio.ensure_future(
        home.call("tracksolid_send_command", CAR, text="STATUS#")
    )
    for _ in range(5):
        home.freezer.tick(1)
        await turns()
    assert not call.done()
    return call


async def early_poll(home: Home) -> None:
    """Plan a poll that is earlier than the next one."""
    home.coordinator.poll_soon(20)


PHASES: Mapping[str, Callable[[Home], Awaitable[Work | None]]] = {
    "live view": live_view,
    "photo": photo_awaited,
    "poll": held_poll("jimi.user.device.location.list"),
    "device list": held_poll("jimi.user.device.list", 3600),
    "renewal": held_poll("jimi.oauth.token.get", 600),
    "alarms": held_poll("jimi.device.alarm.list", 600),
    "trips": held_poll(TRIPS, 3700),
    "command": command_confirmed,
    "early poll": early_poll,
}


@pytest.mark.parametrize("removed", [False, True])
async def test_nothing_is_asked(filming: Home, removed: bool) -> None:
    """In each phase: answers that come in now lead to nothing, nor does the time."""
    home, sim, entries = filming, filming.sim, filming.hass.config_entries
    stand_still(sim)
    for name, begin in PHASES.items():
        closed = sim.requests[CLOSE]
        work = await begin(home)
        unloading: Awaitable[object] = (
            entries.async_remove(home.entry.entry_id)
            if removed
            else entries.async_unload(home.entry.entry_id)
        )
        await ended(home, unloading)
        assert sim.requests[CLOSE] - closed == (begin is live_view), name
        asked = sim.requests.total()
        for gate in sim._gates.values():
            gate.open()
        sim._gates.clear()
        await home.processed()
        for _ in range(2):
            await home.elapse(1800)
        if work is not None:
            with suppress(HomeAssistantError):
                await work
        assert sim.requests.total() == asked, name
        if removed:
            home = Home(home.hass, sim, home.freezer, await add_account(home.hass, sim))
        else:
            assert await entries.async_setup(home.entry.entry_id)
        await home.processed()
        assert sim.requests.total() > asked


@pytest.mark.parametrize("method", [TOKEN, "jimi.oauth.token.refresh"])
@pytest.mark.parametrize("issued", [True, False])
async def test_reload_while_a_token_is_issued(
    home: Home, method: str, issued: bool
) -> None:
    """It is kept, and no other is asked for; what never comes is not waited for for long."""
    sim = home.sim
    home.freezer.tick(600 if method == TOKEN else 7200 - 200)
    if method == TOKEN:
        sim.drop_tokens()
    gate, before = sim.hold(method), sim.requests[TOKEN]
    poll = asyncio.ensure_future(home.coordinator.async_refresh())
    for _ in range(20):
        await turns()
    assert gate.waiting.is_set()
    asked = sim.requests[method]
    unloading = asyncio.ensure_future(
        home.hass.config_entries.async_unload(home.entry.entry_id)
    )
    await turns()
    if issued:
        gate.open()
        sim._gates.clear()
    await ended(home, unloading)
    with suppress(HomeAssistantError):
        await poll
    if not issued:
        total = sim.requests.total()
        gate.open()
        sim._gates.clear()
        await turns()
        assert sim.requests.total() == total
        return
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.processed()
    assert home.coordinator.last_update_success
    assert sim.requests[method] == asked
    assert sim.requests[TOKEN] == before + (method == TOKEN)


async def ended(home: Home, work: Awaitable[object]) -> None:
    """Wait until an unload has ended, within 15 s."""
    task = asyncio.ensure_future(work)
    for _ in range(150):
        await turns()
        if task.done():
            await task
            return
        home.freezer.tick(0.1)
    raise AssertionError("It takes longer than it may")
