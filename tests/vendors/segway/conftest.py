"""A simulated Segway account, with clients and hosts for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import aiohttp
import pytest

from custom_components.fleet_tracker.contract.connection import Settings
from custom_components.fleet_tracker.vendors.segway.client import (
    Credentials,
    SegwayClient,
)
from custom_components.fleet_tracker.vendors.segway.connection import SegwayConnection
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import DEMO_PARKED, DEMO_RIDING, Moped
from tests.vendors.fake_host import FakeHost

from .rig import door, home_server, rig

__all__ = ["door", "home_server", "rig"]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session like Home Assistant's."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def host(session: aiohttp.ClientSession) -> FakeHost:
    """Return a host whose time stands still."""
    return FakeHost(session)


@pytest.fixture
async def server(host: FakeHost) -> AsyncIterator[SegwaySimulator]:
    """Return an account with the demo's two mopeds, in the host's time."""
    async with SegwaySimulator(clock=host.clock) as server:
        yield server


@pytest.fixture
def parked(server: SegwaySimulator) -> Moped:
    """Return the moped that is parked and locked."""
    return server.mopeds[DEMO_PARKED]


@pytest.fixture
def riding(server: SegwaySimulator) -> Moped:
    """Return the moped that is being ridden."""
    return server.mopeds[DEMO_RIDING]


@pytest.fixture
def client(host: FakeHost, server: SegwaySimulator) -> SegwayClient:
    """Return a client with the right credentials."""
    return make_client(host, server)


def make_client(
    host: FakeHost, server: SegwaySimulator, *, secret: str | None = None
) -> SegwayClient:
    """Return a client for a server, with the right secret if none is given."""
    credentials = Credentials(
        server.client_id, secret or server.client_secret, server.url
    )
    return SegwayClient(host.session, credentials, host.memory, host.now)


def make_connection(
    host: FakeHost,
    server: SegwaySimulator,
    vehicles: Mapping[str, Mapping[str, object]] | None = None,
    *,
    secret: str | None = None,
) -> SegwayConnection:
    """Return a connection to a server, with all of its vehicles if none are given."""
    if vehicles is None:
        vehicles = {imei: {"model": "e_moped"} for imei in server.mopeds}
    settings = Settings(
        data={
            "client_id": server.client_id,
            "client_secret": secret or server.client_secret,
            "server": server.url,
        },
        options={},
        vehicles=vehicles,
        driving_interval=timedelta(seconds=15),
        parked_interval=timedelta(seconds=60),
    )
    return SegwayConnection(settings, host)
