"""Home Assistant with a simulated account, both at a time that stands still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
import time
from typing import Any, cast

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import Context, Event, HomeAssistant, State, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.fleet_tracker.account.coordinator import FleetConfigEntry
from custom_components.fleet_tracker.const import (
    CONF_IDENTITY,
    CONF_PUSH_SECRET,
    CONF_VENDOR,
    DOMAIN,
)
from custom_components.fleet_tracker.pushes.door import PUSH_PATH
from custom_components.fleet_tracker.vendors.tracksolid.api.transport import (
    hash_password,
)
from custom_components.fleet_tracker.vendors.tracksolid.connection import (
    ACCOUNT,
    APP_KEY,
    APP_SECRET,
    PASSWORD_MD5,
    SERVER,
    SUB_ACCOUNTS,
    TracksolidConnection,
    api_url,
)
from tests.common import SECRET, elapse, other_server, send_settings, set_up
from tests.simulators import world
from tests.simulators.tracksolid import Device, TracksolidSimulator
from tests.vendors.fake_host import START
from tests.vendors.rig import AccountRig, PolledRig

from .helpers import CAM, CAR, VAN

NOW = START

type Answer = Mapping[str, Any]


def simulator() -> TracksolidSimulator:
    """Return an account with a van on its errands, a parked car and a camera truck."""
    now = NOW.timestamp()
    # The clock as it is now: a frozen one while a test runs.
    sim = TracksolidSimulator(time.time)
    sim.add(
        Device(
            VAN,
            "Van",
            world.town_van(now),
            driver="Robin",
            plate="FT-001",
            vin="WF0XXXTTGX1234567",
            since=now - 3700,
        ),
        Device(
            CAR,
            "Car",
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
            commands=(
                (201, "Live video", "RTMP,ON,{0}#", False),
                (163, "Fuel/Power Remote Control", "RELAY,{0}#", False),
                (12, "Reboot", "REBOOT#", False),
                (17, "Position link", "URL#", True),
            ),
            obd=True,
            vin="LC0CG4CF1H0029191",
            oil="212.50L",
            temperature="4.5",
        ),
    )
    return sim


def credentials(sim: TracksolidSimulator, **changed: Any) -> dict[str, Any]:
    """Return what a user enters."""
    return {
        **other_server(changed.pop("server", sim.root)),
        "other_nodes": False,
        "app_key": sim.app_key,
        "app_secret": sim.app_secret,
        "account": sim.account,
        "password": sim.password,
        **changed,
    }


async def begin(hass: HomeAssistant) -> str:
    """Choose the vendor and return the id of the flow, which asks for the account."""
    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert result["type"] is FlowResultType.MENU
    result = await flows.async_configure(
        result["flow_id"], {"next_step_id": "tracksolid"}
    )
    assert result["step_id"] == "tracksolid"
    flow_id: str = result["flow_id"]
    return flow_id


async def enter(hass: HomeAssistant, flow_id: str, entered: Answer) -> Answer:
    """Submit a form and return what comes next."""
    result: Answer = await hass.config_entries.flow.async_configure(
        flow_id, dict(entered)
    )
    return result


async def add_account(
    hass: HomeAssistant, sim: TracksolidSimulator, **choices: Any
) -> FleetConfigEntry:
    """Add the account as a user does, and return its entry once it is loaded.

    A token is asked for where something can be pushed.
    """
    push = {"push_token": choices.pop("push_token")} if "push_token" in choices else {}
    flow_id = await begin(hass)
    result = await enter(hass, flow_id, credentials(sim))
    assert result["step_id"] == f"tracksolid_{'' if push else 'no_'}push", result
    result = await enter(hass, flow_id, push)
    assert result["step_id"] == "tracksolid_choices", result
    result = await enter(hass, flow_id, {"sub_accounts": False, **choices})
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done(wait_background_tasks=True)
    entry: FleetConfigEntry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    return entry


async def account_at_once(
    hass: HomeAssistant, sim: TracksolidSimulator
) -> FleetConfigEntry:
    """Set up at once what a user adds by one form after another; a test compares them."""
    host = URL(sim.root).host
    identity = f"tracksolid_{sim.account}@{host}"
    entry: FleetConfigEntry = MockConfigEntry(
        domain=DOMAIN,
        title=f"{sim.account} ({host})",
        unique_id=identity,
        data={
            CONF_VENDOR: "tracksolid",
            CONF_IDENTITY: identity,
            CONF_PUSH_SECRET: SECRET,
            SERVER: api_url(sim.root),
            CONF_VERIFY_SSL: True,
            APP_KEY: sim.app_key,
            APP_SECRET: sim.app_secret,
            ACCOUNT: sim.account,
            PASSWORD_MD5: hash_password(sim.password),
        },
        options={SUB_ACCOUNTS: False},
    )
    await set_up(hass, cast("MockConfigEntry", entry))
    return entry


@dataclass
class Home(PolledRig):
    """Home Assistant with the account, whose time a test moves on."""

    hass: HomeAssistant
    sim: TracksolidSimulator
    freezer: FrozenDateTimeFactory
    entry: FleetConfigEntry

    @property
    def asked_server(self) -> TracksolidSimulator:
        """The simulated server."""
        return self.sim

    @property
    def connection(self) -> TracksolidConnection:
        """The connection of the account."""
        connection = self.coordinator.connection
        assert isinstance(connection, TracksolidConnection)
        return connection

    # --- time ---

    reload = AccountRig.reload

    async def elapse(self, seconds: float) -> None:
        """Let time pass, with all that happens at its end."""
        await elapse(self.hass, self.freezer, seconds)

    async def poll(self, times: int = 1) -> None:
        """Let the next polls happen."""
        for _ in range(times):
            # Home Assistant spreads polls within the second after they are due.
            await self.elapse(self.interval.total_seconds() + 1)

    async def set_options(self, **options: Any) -> None:
        """Change options as the user does."""
        result = await send_settings(
            self.hass, self.entry.entry_id, {**self.entry.options, **options}
        )
        assert result["type"] is FlowResultType.CREATE_ENTRY, result

    # --- entities ---

    def entity_id(self, domain: str, reading: str, imei: str = VAN) -> str:
        """Return the id of an entity that must be there, enabled or not."""
        return self.found(domain, imei, reading)

    def has(self, domain: str, reading: str, imei: str = VAN) -> bool:
        """Tell whether there is an entity, enabled or not."""
        return self.find(domain, imei, reading) is not None

    def state(self, domain: str, reading: str, imei: str = VAN) -> State:
        """Return the state of an entity that must be there and enabled."""
        return self.shown(domain, imei, reading)

    async def enable(self, domain: str, *readings: str, imei: str = VAN) -> None:
        """Enable entities that are disabled by default, as the user does."""
        for reading in readings:
            er.async_get(self.hass).async_update_entity(
                self.entity_id(domain, reading, imei), disabled_by=None
            )
        await self.reload()

    def device_id(self, vehicle_id: str = VAN) -> str:
        """Return the id of a vehicle's device."""
        return super().device_id(vehicle_id)

    def events(self, domain: str, reading: str, imei: str = VAN) -> list[State]:
        """Return the list that gets the states of an event entity from now on."""
        wanted, fired = self.entity_id(domain, reading, imei), []

        @callback
        def on_change(event: Event[Any]) -> None:
            if event.data["entity_id"] == wanted and (state := event.data["new_state"]):
                fired.append(state)

        self.hass.bus.async_listen("state_changed", on_change)
        return fired

    def issues(self) -> set[str]:
        """Return what is wrong: the repair issues' keys."""
        return {*self.problems()}

    # --- doing things ---

    async def call(
        self,
        action: str,
        *imeis: str,
        response: bool = True,
        context: Context | None = None,
        **data: Any,
    ) -> dict[str, Any]:
        """Call an action for vehicles and return the answers by IMEI."""
        trackers = {self.tracker(imei): imei for imei in imeis or (VAN,)}
        answer = await self.hass.services.async_call(
            DOMAIN,
            action,
            {"entity_id": list(trackers), **data},
            blocking=True,
            return_response=response,
            context=context,
        )
        return {trackers[key]: value for key, value in (answer or {}).items()}

    async def press(self, reading: str, imei: str = VAN) -> None:
        """Press a button."""
        await self.hass.services.async_call(
            "button",
            "press",
            {"entity_id": self.entity_id("button", reading, imei)},
            blocking=True,
        )

    @property
    def push_base(self) -> str:
        """The address that pushes go to, without the host."""
        return f"{PUSH_PATH}/{self.entry.data[CONF_PUSH_SECRET]}"

    async def push(
        self, client: TestClient[Any, Any], path: str, items: Sequence[object]
    ) -> tuple[int, object]:
        """Push a list of items as JSON and return the answer once they are processed."""
        answer = await client.post(
            f"{self.push_base}{path}", json={"data_list": list(items)}
        )
        status, body = answer.status, await answer.json()
        await self.processed()
        return status, body

    async def processed(self) -> None:
        """Wait until what was pushed is processed."""
        await self.turns()
        await self.hass.async_block_till_done()


def local(time: str) -> datetime:
    """Return a time of the simulated day."""
    return datetime.fromisoformat(f"2025-10-09T{time}+00:00")
