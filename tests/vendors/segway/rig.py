"""Home Assistant with a simulated Segway account, both at a time that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_USER, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, ServiceResponse
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.fleet_tracker.account.coordinator import FleetConfigEntry
from custom_components.fleet_tracker.const import (
    CONF_IDENTITY,
    CONF_PUSH_SECRET,
    CONF_VENDOR,
    DOMAIN,
    SUBENTRY_VEHICLE,
)
from custom_components.fleet_tracker.pushes.door import PUSH_PATH
from custom_components.fleet_tracker.vendors.segway.vocabulary import RENTS
from tests.common import SECRET, other_server, set_up
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import DEMO_PARKED, DEMO_RIDING, Moped
from tests.simulators.segway_push import PushSender
from tests.vendors.rig import PolledRig, settle_all

START = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
PARKED, RIDING = DEMO_PARKED, DEMO_RIDING
MODELS = {PARKED: "e_moped", RIDING: "e_moped"}
NAMES = {PARKED: "Parked", RIDING: "Riding"}

type Clients = Callable[[], Any]


async def no_sleep(_seconds: float) -> None:
    """Let a push be repeated at once."""


@dataclass
class Rig(PolledRig):
    """Home Assistant with the simulated account, whose time a test moves on."""

    hass: HomeAssistant
    server: SegwaySimulator
    freezer: FrozenDateTimeFactory
    entry: FleetConfigEntry

    @property
    def asked_server(self) -> SegwaySimulator:
        """The simulated server."""
        return self.server

    def moped(self, imei: str) -> Moped:
        """Return the vehicle as it is."""
        return self.server.mopeds[imei]

    # --- what Home Assistant shows ---

    entity_id = PolledRig.find
    state = PolledRig.shown
    issues = PolledRig.problems
    enable = PolledRig.enable_entity

    def entities(self, imei: str) -> list[er.RegistryEntry]:
        """Return the entities of a vehicle, enabled or not."""
        return er.async_entries_for_device(
            er.async_get(self.hass),
            self.device_id(imei),
            include_disabled_entities=True,
        )

    # --- what a user does ---

    async def call(
        self,
        domain: str,
        service: str,
        imei: str,
        platform: str,
        reading: str,
        **data: Any,
    ) -> None:
        """Call an action of an entity, and return when it has ended."""
        entity_id = self.entity_id(platform, imei, reading)
        assert entity_id, f"no {platform} for {reading}"
        await self.hass.services.async_call(
            domain, service, {"entity_id": entity_id, **data}, blocking=True
        )

    async def press(self, imei: str, button: str) -> None:
        """Press a button."""
        await self.call("button", "press", imei, "button", button)

    async def act(
        self, action: str, *imeis: str, response: bool = False, **fields: Any
    ) -> ServiceResponse:
        """Call an action of the integration on vehicles."""
        return await self.hass.services.async_call(
            DOMAIN,
            action,
            {"entity_id": [self.tracker(imei) for imei in imeis], **fields},
            blocking=True,
            return_response=response,
        )

    # --- time ---

    async def outcome[T](self, call: Awaitable[T]) -> T:
        """Let the time pass that a call takes, and return its result.

        Unlike `wait_for`, also while the server holds requests back.
        """
        task = asyncio.ensure_future(call)
        for _ in range(60):
            # What is read from disk takes real time, however busy the machine is.
            await settle_all(self.server.requests.total)
            if task.done():
                break
            self.freezer.tick(1)
        assert task.done(), "it takes longer than it may"
        await settle_all(self.server.requests.total)
        return await task

    async def run(self, seconds: int, step: int = 1) -> None:
        """Let time pass in steps."""
        for _ in range(0, seconds, step):
            await self.advance(step)


@dataclass
class Door:
    """Segway's side of the door for pushes."""

    rig: Rig
    client: TestClient[Any, Any]
    secret: str
    sender: PushSender

    async def push(self, kind: str, imei: str, fields: Mapping[str, object]) -> int:
        """Push as Segway does, and return the status of the answer."""
        await self.sender.push(kind, imei, fields)
        await self.rig.settle()
        return self.sender.statuses[-1]

    async def alert(self, imei: str, code: int, *, cleared: bool = False) -> int:
        """Push an alert, or its end."""
        return await self.push(
            "alert", imei, self.rig.server.alert_push(code, cleared=cleared)
        )

    async def fault(self, imei: str, code: str, *, cleared: bool = False) -> int:
        """Push a fault, or its end."""
        return await self.push(
            "fault", imei, self.rig.server.fault_push(code, cleared=cleared)
        )

    async def tell(self, imei: str) -> None:
        """Push status and location."""
        server = self.rig.server
        assert await self.push("status", imei, server.status_push(imei)) == 200
        assert await self.push("location", imei, server.location_push(imei)) == 200


async def add_account(
    hass: HomeAssistant,
    server: SegwaySimulator,
    *,
    push_at_root: bool = False,
    rents: bool = False,
) -> FleetConfigEntry:
    """Add an account as the user does, and return its entry once it is loaded.

    Where to push is asked only where something can be pushed.
    """
    if push_at_root and not hass.config.external_url:
        hass.config.external_url = "https://home.example.org"
    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flows.async_configure(result["flow_id"], {"next_step_id": "segway"})
    result = await flows.async_configure(
        result["flow_id"],
        {
            "client_id": server.client_id,
            "client_secret": server.client_secret,
            **other_server(server.url),
        },
    )
    can_push = result["step_id"] == "segway_push"
    assert can_push or result["step_id"] == "segway_no_push", result
    result = await flows.async_configure(
        result["flow_id"], {"push_at_root": push_at_root} if can_push else {}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done()
    entry: FleetConfigEntry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    if rents:
        hass.config_entries.async_update_entry(
            entry, options={**entry.options, RENTS: True}
        )
        await hass.async_block_till_done()
    return entry


async def add_vehicle(
    hass: HomeAssistant, entry: ConfigEntry, imei: str, **fields: str
) -> Mapping[str, Any]:
    """Add a vehicle as the user does, and return how the flow ended."""
    flows = hass.config_entries.subentries
    result = await flows.async_init(
        (entry.entry_id, SUBENTRY_VEHICLE), context={"source": SOURCE_USER}
    )
    result = await flows.async_configure(
        result["flow_id"], {"iot_imei": imei, "model": "e_moped", **fields}
    )
    await hass.async_block_till_done()
    return result


async def account_with_mopeds(
    hass: HomeAssistant,
    server: SegwaySimulator,
    names: Mapping[str, str] = NAMES,
    *,
    model: str = "e_moped",
    **options: bool,
) -> FleetConfigEntry:
    """Set up at once what a user adds by one form after another; a test compares them.

    Each form that the user sends sets the account up anew.
    """
    identity = f"segway_{server.client_id}"
    entry: FleetConfigEntry = MockConfigEntry(
        domain=DOMAIN,
        title=f"Segway {server.client_id}",
        unique_id=identity,
        data={
            CONF_VENDOR: "segway",
            CONF_IDENTITY: identity,
            CONF_PUSH_SECRET: SECRET,
            "client_id": server.client_id,
            "client_secret": server.client_secret,
            "server": server.url,
            "verify_ssl": True,
        },
        options={RENTS: True, **options},
        subentries_data=[
            {
                "data": {"model": model, "name": name},
                "subentry_type": SUBENTRY_VEHICLE,
                "title": name,
                "unique_id": imei,
            }
            for imei, name in names.items()
        ],
    )
    await set_up(hass, cast("MockConfigEntry", entry))
    return entry


@pytest.fixture
async def home_server() -> AsyncIterator[SegwaySimulator]:
    """Return an account with the demo's two mopeds, in the frozen time."""
    async with SegwaySimulator(sleep=no_sleep) as server:
        yield server


@pytest.fixture
async def rig(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    home_server: SegwaySimulator,
    freezer: FrozenDateTimeFactory,
) -> Rig:
    """Return Home Assistant with both mopeds. Mark such tests with freeze_time."""
    entry = await account_with_mopeds(hass, home_server)
    rig = Rig(hass, home_server, freezer, entry)
    # What is to happen at once happens a moment later.
    await rig.advance(0.1)
    return rig


@asynccontextmanager
async def open_door(rig: Rig, clients: Clients) -> AsyncIterator[Door]:
    """Let Segway to the door. No further views can be added then."""
    client = await clients()
    secret = rig.entry.data[CONF_PUSH_SECRET]
    sender = rig.server.sender(str(client.make_url(f"{PUSH_PATH}/{secret}")))
    yield Door(rig, client, secret, sender)
    await sender.close()


@pytest.fixture
async def door(rig: Rig, hass_client_no_auth: Clients) -> AsyncIterator[Door]:
    """Return Segway at the door of the account."""
    async with open_door(rig, hass_client_no_auth) as door:
        yield door
