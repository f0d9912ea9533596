"""A simulated account, and Home Assistant with it, both at a time that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
import pytest

from custom_components.fleet_tracker.account.coordinator import (
    FleetConfigEntry,
    FleetCoordinator,
)
from custom_components.fleet_tracker.const import CONF_IDENTITY, DOMAIN
from custom_components.fleet_tracker.model.vehicle import Value
from custom_components.fleet_tracker.vendors.open_api.connection import (
    OpenApiConnection,
)
from tests.common import other_server, tracker_of
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Device
from tests.simulators.world import HOME, Place, Route, Vehicle, drive, parked, stand

START = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
ACCOUNT, PASSWORD = "acme-logistics", "Abc@34590"
TRUCK, CAR, SPARE = "351000091413001", "355139000000234", "351000091413002"
BUS = "351000091413099"

# Turns of the event loop after which nothing that is due on this machine is left: a
# request and its answer take about ten.
TURNS = 60


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


def _is_task(job: asyncio.Future[object]) -> bool:
    return isinstance(job, asyncio.Task)


async def settle(server: OpenApiSimulator) -> None:
    """Let requests and answers come and go until nobody asks any more."""
    asked = -1
    while asked != (asked := server.requests.total()):
        for _ in range(TURNS):
            await asyncio.sleep(0)


@dataclass
class Rig:
    """Home Assistant with the simulated account, whose time a test moves on."""

    hass: HomeAssistant
    server: OpenApiSimulator
    freezer: FrozenDateTimeFactory
    entry: FleetConfigEntry

    @property
    def coordinator(self) -> FleetCoordinator:
        """The coordinator of the account."""
        return self.entry.runtime_data

    @property
    def connection(self) -> OpenApiConnection:
        """The connection of the account."""
        connection = self.coordinator.connection
        assert isinstance(connection, OpenApiConnection)
        return connection

    @property
    def interval(self) -> timedelta:
        """How long it is from one poll to the next."""
        interval = self.coordinator.update_interval
        assert interval
        return interval

    def is_in(self, state: ConfigEntryState) -> bool:
        """Tell whether the account's entry is in a state."""
        return self.entry.state is state

    def entity_id(self, domain: str, imei: str, reading: str) -> str | None:
        """Return the id of an entity, None if there is none."""
        unique_id = f"{self.entry.data[CONF_IDENTITY]}_{imei}_{reading}"
        return er.async_get(self.hass).async_get_entity_id(domain, DOMAIN, unique_id)

    def reading(self, imei: str, reading: str) -> Value | None:
        """Return a reading of a vehicle, shown or not."""
        vehicle = self.entry.runtime_data.vehicle(imei)
        return None if vehicle is None else vehicle.readings.get(reading)

    def state(self, domain: str, imei: str, reading: str) -> State:
        """Return the state of an entity that must be there."""
        entity_id = self.entity_id(domain, imei, reading)
        assert entity_id, f"no {domain} for {reading}"
        state = self.hass.states.get(entity_id)
        assert state, f"{entity_id} has no state"
        return state

    def tracker(self, imei: str) -> str:
        """Return the entity id of a vehicle's tracker, which actions are called on."""
        return tracker_of(self.hass, self.coordinator, imei)

    def device_id(self, imei: str) -> str:
        """Return the id of a vehicle's device."""
        identifier = self.coordinator.device_identifier(imei)
        return next(
            device.id
            for device in dr.async_entries_for_config_entry(
                dr.async_get(self.hass), self.entry.entry_id
            )
            if identifier in device.identifiers
        )

    def issues(self) -> dict[str, dict[str, str] | None]:
        """Return the repair issues: what is wrong, and what their texts say of it."""
        return {
            issue.translation_key or "": issue.translation_placeholders
            for issue in ir.async_get(self.hass).issues.values()
            if issue.domain == DOMAIN
        }

    async def enable(self, domain: str, imei: str, reading: str) -> None:
        """Enable an entity that is disabled by default, as the user does."""
        entity_id = self.entity_id(domain, imei, reading)
        assert entity_id
        er.async_get(self.hass).async_update_entity(entity_id, disabled_by=None)
        await self.reload()

    async def reload(self) -> None:
        """Set the account up anew, as a restart does."""
        assert await self.hass.config_entries.async_reload(self.entry.entry_id)
        await self.settle()

    async def settle(self) -> None:
        """Let everything happen that is due now, requests and their answers too."""
        asked = -1
        while asked != (asked := self.server.requests.total()):
            await settle(self.server)
            await self.hass.async_block_till_done()

    async def advance(self, seconds: float) -> None:
        """Move the time on, and let happen what is due then."""
        self.freezer.tick(seconds)
        await self.settle()

    async def wait_for[T](self, call: Coroutine[None, None, T], seconds: int = 60) -> T:
        """Let the time pass second by second until a call is over, and return its result.

        Home Assistant itself cannot be waited for meanwhile: it waits for the call.
        """
        task = asyncio.create_task(call)
        await settle(self.server)
        while not task.done() and seconds > 0:
            # What is read from disk takes real time, however busy the machine is.
            while reads := self._reads():
                await asyncio.wait(reads)
                await settle(self.server)
            if task.done():
                break
            self.freezer.tick(1)
            seconds -= 1
            await settle(self.server)
        assert task.done(), "it takes longer than it may"
        await self.settle()
        return await task

    def _reads(self) -> list[asyncio.Future[object]]:
        """Return what other threads are at work on."""
        jobs = self.hass._tasks | self.hass._background_tasks
        return [job for job in jobs if not _is_task(job)]

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


@pytest.fixture
async def rig(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    server: OpenApiSimulator,
    freezer: FrozenDateTimeFactory,
) -> Rig:
    """Return Home Assistant with the account set up. Mark such tests with freeze_time."""
    entry = await add_account(hass, server)
    rig = Rig(hass, server, freezer, entry)
    await rig.settle()
    return rig
