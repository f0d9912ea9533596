"""An account of the simulator with three vehicles, and who holds a connection to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.vendors.tracksolid.api.client import (
    TracksolidClient,
)
from custom_components.fleet_tracker.vendors.tracksolid.connection import (
    TracksolidConnection,
    credentials,
)
from tests.simulators import world
from tests.simulators.tracksolid import Device, TracksolidSimulator
from tests.simulators.tracksolid.media import shoot
from tests.vendors.fake_host import START, FakeHost, FakeMemory

from .helpers import CAM, CAR, VAN, data, settings
from .home import Home, account_at_once, simulator


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def host(session: aiohttp.ClientSession) -> FakeHost:
    """Return a host whose time stands still."""
    return FakeHost(session)


@pytest.fixture
async def sim(host: FakeHost) -> AsyncIterator[TracksolidSimulator]:
    """Return an account with a van on its errands, a parked car and a camera truck."""
    now = START.timestamp()
    async with TracksolidSimulator(host.clock) as sim:
        sim.add(
            Device(
                VAN,
                "Van",
                world.town_van(now),
                driver="Robin",
                plate="FT-001",
                since=now - 3700,
            ),
            Device(
                CAR,
                CAR,
                world.parked(world.HOME.away(60, 150), now - 90_000),
                model="GT06N",
                plate="FT-002",
                power=None,
            ),
            Device(
                CAM,
                "Truck",
                world.ring_truck(now),
                model="JC400",
                channels=(0, 1),
                obd=True,
                vin="LC0CG4CF1H0029191",
                oil="212.50L",
            ),
        )
        yield sim


@pytest.fixture
def client(sim: TracksolidSimulator, host: FakeHost) -> TracksolidClient:
    """Return a client of the account."""
    return make_client(sim, host)


def make_client(
    sim: TracksolidSimulator, host: FakeHost, memory: FakeMemory | None = None
) -> TracksolidClient:
    """Return a client, with the memory of an earlier one if it was restarted."""
    return TracksolidClient(
        host.session,
        credentials(data(sim)),
        memory or host.memory,
        now=host.now,
        sleep=host.sleep,
    )


@pytest.fixture
async def connection(
    sim: TracksolidSimulator, host: FakeHost
) -> AsyncIterator[TracksolidConnection]:
    """Return a connection to the account."""
    connection = TracksolidConnection(settings(sim), host)
    await connection.open()
    yield connection
    await connection.close()


@pytest.fixture
async def account() -> AsyncIterator[TracksolidSimulator]:
    """Return an account for tests through Home Assistant, whose clock is the frozen one."""
    async with simulator() as sim:
        yield sim


@pytest.fixture
async def home(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    account: TracksolidSimulator,
    freezer: FrozenDateTimeFactory,
) -> Home:
    """Return Home Assistant with the account set up. Mark such tests with freeze_time."""
    return Home(hass, account, freezer, await account_at_once(hass, account))


@pytest.fixture
async def filming(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    account: TracksolidSimulator,
    freezer: FrozenDateTimeFactory,
) -> Home:
    """Return the account after the truck's cameras, and its photo, were found out about."""
    shoot(account, account.devices[CAM], 0, ago=60)
    home = Home(hass, account, freezer, await account_at_once(hass, account))
    await home.poll(5)
    return home
