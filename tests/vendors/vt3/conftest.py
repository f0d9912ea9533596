"""What the tests of the VT3 trackers have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from tests.idle_clock import IdleClock
from tests.simulators.vt3 import Behaviour, Vt3Simulator
from tests.simulators.world import HOME, parked
from tests.turns import TURNS
from tests.vendors.fake_host import FakeHost

from .home import START, Home

SERIAL = "VF3102021111601"
OTHER = "VF3102021111602"
ELSEWHERE = "127.0.0.2"
"""Another address of this machine, for trackers that come from somewhere else."""


@pytest.fixture
async def host(idle_clock: IdleClock) -> AsyncIterator[FakeHost]:
    """Return a host whose clock moves when somebody sleeps.

    Waits of the event loop pass at once when nothing happens meanwhile.
    """
    async with aiohttp.ClientSession() as session:
        yield FakeHost(session)


type MakeTracker = Callable[..., Vt3Simulator]


@pytest.fixture
async def make_tracker(host: FakeHost) -> AsyncIterator[MakeTracker]:
    """Return what makes simulated trackers, and ends their connections."""
    made: list[Vt3Simulator] = []

    def make(serial: str = SERIAL, behaviour: Behaviour | None = None) -> Vt3Simulator:
        tracker = Vt3Simulator(
            serial,
            parked(HOME, host.clock() - 3600),
            clock=host.clock,
            behaviour=behaviour,
        )
        made.append(tracker)
        return tracker

    yield make
    for tracker in made:
        await tracker.disconnect()


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop run until something is so. Fails when it does not happen."""
    for _ in range(TURNS):
        if condition():
            return
        await asyncio.sleep(0)
    # It needs a timer of the event loop, whose clock goes on while nothing happens.
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what changes is a plain value
            await asyncio.sleep(0.1)


@pytest.fixture
async def home(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Home]:
    """Return a Home Assistant whose clock moves when the integration sleeps."""

    async def sleep(_coordinator: FleetCoordinator, seconds: float) -> None:
        freezer.tick(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(FleetCoordinator, "sleep", sleep)
    freezer.move_to(START)
    made = Home(hass, freezer)
    yield made
    for tracker in made.trackers:
        await tracker.disconnect()
