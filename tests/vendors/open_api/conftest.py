"""A simulated account, and Home Assistant with it, both at a time that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.fleet_tracker.account.coordinator import FleetConfigEntry
from custom_components.fleet_tracker.const import CONF_IDENTITY, CONF_VENDOR, DOMAIN
from custom_components.fleet_tracker.vendors.open_api import connection
from custom_components.fleet_tracker.vendors.open_api.connection import (
    OpenApiConnection,
)
from custom_components.fleet_tracker.vendors.open_api.transport import hash_password
from tests.common import other_server, set_up
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Device
from tests.simulators.world import HOME, Place, Route, Vehicle, drive, parked, stand
from tests.vendors.rig import PolledRig

START = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
ACCOUNT, PASSWORD = "acme-logistics", "Abc@34590"
TRUCK, CAR, SPARE = "351000091413001", "355139000000234", "351000091413002"
BUS = "351000091413099"


def truck() -> Device:
    """Return a tracker with everything, on a truck that stands, drives a way and stops."""
    there = HOME.away(0, 10_000)
    return Device(
        imei=TRUCK,
        vehicle=Vehicle(
            HOME,
            stand(600),
            drive(Route(HOME, there), 60),
            stand(60),
            start=START.timestamp() - 300,
            repeat=False,
            odometer=338_210_000,
        ),
        name="Truck",
        model="VT900",
        plate="92-BKL-6",
        sim="3197010000003",
        iccid="89966415211160402251",
        external_voltage="24.3",
        tank=400,
        temperatures=(-18.4, 4.2),
        system_lag=0,
    )


def car() -> Device:
    """Return a tracker without a door switch, on a car that has been parked for a day."""
    return Device(
        imei=CAR,
        vehicle=parked(Place(52.3702, 4.8952), START.timestamp() - 86_400),
        name="Car",
        model="GT06N",
        plate="K-902-PT",
        has_door=False,
        battery=64,
        external_voltage="",
    )


def spare() -> Device:
    """Return a tracker that never was online."""
    return Device(
        imei=SPARE,
        vehicle=parked(HOME, START.timestamp()),
        name="Spare",
        model="VT05S",
        never_online=True,
        activated=0,
    )


def bus() -> Device:
    """Return a tracker of the account below."""
    return Device(imei=BUS, vehicle=parked(HOME, START.timestamp()), name="Bus")


def accounts() -> tuple[Account, ...]:
    """Return an account with three trackers, and one below it with another."""
    return (
        Account(
            name=ACCOUNT,
            password=PASSWORD,
            role=1,
            devices=[truck(), car(), spare()],
        ),
        Account(name="partner", password="p", parent=ACCOUNT, devices=[bus()]),
    )


@pytest.fixture
async def server() -> AsyncIterator[OpenApiSimulator]:
    """Return a server of the newer generation, whose clock is the frozen one."""
    async with OpenApiSimulator(*accounts()) as server:
        yield server


@dataclass
class Rig(PolledRig):
    """Home Assistant with the simulated account, whose time a test moves on."""

    hass: HomeAssistant
    server: OpenApiSimulator
    freezer: FrozenDateTimeFactory
    entry: FleetConfigEntry

    @property
    def asked_server(self) -> OpenApiSimulator:
        """The simulated server."""
        return self.server

    @property
    def connection(self) -> OpenApiConnection:
        """The connection of the account."""
        connection = self.coordinator.connection
        assert isinstance(connection, OpenApiConnection)
        return connection

    entity_id = PolledRig.find
    state = PolledRig.shown
    reading = PolledRig.known
    issues = PolledRig.problems
    enable = PolledRig.enable_entity

    async def poll(self) -> None:
        """Move the time on to the next poll, and let it happen."""
        # Home Assistant spreads polls within the second after they are due.
        await self.advance(self.interval.total_seconds() + 1)


async def add_account(
    hass: HomeAssistant,
    server: OpenApiSimulator,
    account: str = ACCOUNT,
    password: str = PASSWORD,
) -> FleetConfigEntry:
    """Add an account as the user does, and return its entry once it is loaded."""
    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert result["type"] is FlowResultType.MENU
    result = await flows.async_configure(
        result["flow_id"], {"next_step_id": "open_api"}
    )
    assert result["type"] is FlowResultType.FORM
    result = await flows.async_configure(
        result["flow_id"],
        {**other_server(server.url), "account": account, "password": password},
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done()
    entry: FleetConfigEntry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    return entry


async def account_at_once(
    hass: HomeAssistant,
    server: OpenApiSimulator,
    account: str = ACCOUNT,
    password: str = PASSWORD,
) -> FleetConfigEntry:
    """Set up at once what a user adds by one form after another; a test compares them."""
    host = URL(server.url).host
    identity = f"open_api_{account}@{host}"
    entry: FleetConfigEntry = MockConfigEntry(
        domain=DOMAIN,
        title=f"{account} ({host})",
        unique_id=identity,
        data={
            CONF_VENDOR: "open_api",
            CONF_IDENTITY: identity,
            connection.SERVER: server.url,
            CONF_VERIFY_SSL: True,
            connection.ACCOUNT: account,
            connection.PASSWORD_MD5: hash_password(password),
        },
    )
    await set_up(hass, cast("MockConfigEntry", entry))
    return entry


@pytest.fixture
async def rig(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    server: OpenApiSimulator,
    freezer: FrozenDateTimeFactory,
) -> Rig:
    """Return Home Assistant with the account set up. Mark such tests with freeze_time."""
    entry = await account_at_once(hass, server)
    rig = Rig(hass, server, freezer, entry)
    await rig.settle()
    return rig
