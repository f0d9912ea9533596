"""A vendor's simulator beside a Home Assistant: what can be done to both while one fails.

Each stage has one parked vehicle whose states stand still, so that whatever is shown
beside them is wrong. The time is frozen, and moved on by the test alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
import json
import time
from typing import Any, override
from urllib.parse import urlencode

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, issue_registry as ir

from custom_components.fleet_tracker.account.coordinator import FleetConfigEntry
from custom_components.fleet_tracker.const import CONF_PUSH_SECRET, DOMAIN
from custom_components.fleet_tracker.pushes.door import PUSH_PATH
from tests.common import entity_id
from tests.simulators import world
from tests.simulators.failures import NOT_OF_AN_ANSWER, Failure, FailureLayer, spoil
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Device as OpenApiDevice
from tests.simulators.segway import TOKEN_PATH, SegwaySimulator
from tests.simulators.segway_mopeds import Moped
from tests.simulators.segway_push import PushSender
from tests.simulators.tracksolid import Device as TracksolidDevice, TracksolidSimulator
from tests.simulators.tracksolid.pushes import alarm
from tests.simulators.vt3 import Vt3Simulator
from tests.vendors.open_api import conftest as open_api
from tests.vendors.rig import settle_all
from tests.vendors.segway import rig as segway
from tests.vendors.tracksolid import home as tracksolid
from tests.vendors.vt3.home import LOCALHOST, Home as Vt3Home

START = tracksolid.NOW
# Turns of the event loop after which nothing that is due on this machine is left.
CLOCK_JUMP = 3600.0

type Clients = Callable[[], Awaitable[TestClient[Any, Any]]]


class Stage(ABC):
    """Home Assistant with one vendor's account and one parked vehicle."""

    vehicle_id: str
    fields: frozenset[str] = frozenset()
    """The fields without which an answer is nobody's."""
    interval = 61.0
    """Seconds after which the vehicle was polled, or told something, again."""
    patience = 600.0
    """Seconds for which the last values stay while nothing comes in."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Initialize with Home Assistant and the clock."""
        self.stored: dict[str, object] = {}
        """What Home Assistant keeps on its disk."""
        self.hass = hass
        self.freezer = freezer
        self.entry: FleetConfigEntry
        self.shift = 0.0
        """Seconds that the vendor's clock is ahead of ours."""
        self.fired: list[str] = []
        """The types of the alarms that were fired."""

    # --- what a vendor's stage is made of ---

    @abstractmethod
    def calls(self) -> int:
        """Return how many requests were made so far."""

    @abstractmethod
    def sent(self) -> int:
        """Return how often the command was sent so far."""

    @abstractmethod
    async def begin(self, failure: Failure, *, renewal: bool = False) -> None:
        """Let it fail from now on, of a renewal only what renews the token."""

    @abstractmethod
    async def heal(self) -> None:
        """Let all be well again."""

    @abstractmethod
    def change(self) -> None:
        """Give the vehicle a new value of its reading."""

    @abstractmethod
    def is_current(self) -> bool:
        """Tell whether the vehicle's reading is shown as it is now."""

    @abstractmethod
    async def call(self) -> None:
        """Call the action that commands the vehicle. Raises HomeAssistantError."""

    # --- time ---

    @property
    def hanging(self) -> bool:
        """Whether a request waits for an answer."""
        return False

    async def settle(self) -> None:
        """Let everything happen that is due now."""
        await settle_all(self.calls)

    async def pass_time(self, seconds: float) -> None:
        """Move the time on, and let happen what is due then."""
        self.freezer.tick(seconds)
        await self.settle()

    async def outcome[T](
        self, call: Awaitable[T], seconds: float, step: float = 1
    ) -> T:
        """Return what comes of a call, that may take so many seconds."""
        task = asyncio.ensure_future(call)
        await self.settle()
        while not task.done() and seconds > 0:
            await self.pass_time(step)
            seconds -= step
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            raise AssertionError("it takes longer than it may")
        return await task

    # --- what is seen ---

    def shown(self) -> dict[str, str]:
        """Return the states of the vehicle, but for what tells when it was last heard."""
        registry = er.async_get(self.hass)
        found = {}
        for entity in er.async_entries_for_config_entry(registry, self.entry.entry_id):
            state = self.hass.states.get(entity.entity_id)
            if (
                state is None
                or f"_{self.vehicle_id}_" not in entity.unique_id
                or entity.domain in {"event", "button", "camera", "image"}
                or state.attributes.get("device_class") == "timestamp"
                or entity.translation_key == "activity"
            ):
                continue
            found[entity.entity_id] = state.state
        return found

    def is_available(self) -> bool:
        """Tell whether what is known of the vehicle is shown."""
        shown = self.shown()
        return bool(shown) and "unavailable" not in shown.values()

    def problems(self) -> set[str]:
        """Return the repair issues: what is wrong."""
        return {
            issue.translation_key or ""
            for issue in ir.async_get(self.hass).issues.values()
            if issue.domain == DOMAIN
        }

    def asks(self) -> bool:
        """Tell whether the user is asked for new credentials."""
        return any(
            flow["context"]["source"] == "reauth"
            for flow in self.hass.config_entries.flow.async_progress()
        )

    def watch(self) -> None:
        """Note the alarms that are fired from now on; not what a reload shows again."""
        seen: set[str] = set()

        @callback
        def on_change(event: Event[EventStateChangedData]) -> None:
            state = event.data["new_state"]
            if (
                state is not None
                and event.data["entity_id"] == self.alarm_entity()
                and state.state not in seen | {"unknown", "unavailable"}
            ):
                seen.add(state.state)
                self.fired.append(state.attributes["event_type"])

        self.hass.bus.async_listen("state_changed", on_change)

    def alarm_entity(self) -> str | None:
        """Return the id of the vehicle's event entity of alarms."""
        return entity_id(self.hass, "event", "alarm", self.vehicle_id)

    # --- what a user does ---

    async def command(self) -> str | None:
        """Command the vehicle, and return why that did not work, None if it did."""
        try:
            await self.outcome(self.call(), 300, step=5)
        except HomeAssistantError as err:
            return err.translation_key or "an error without a text"
        return None

    async def unload(self, seconds: float = 15) -> bool:
        """Unload the account, after what Home Assistant itself tries meanwhile."""
        for _ in range(60):
            if self.entry.state is not ConfigEntryState.SETUP_IN_PROGRESS:
                break
            await self.pass_time(1)
        return await self.outcome(
            self.hass.config_entries.async_unload(self.entry.entry_id), seconds
        )

    async def set_up(self, seconds: float = 15) -> bool:
        """Set the account up."""
        done = await self.outcome(
            self.hass.config_entries.async_setup(self.entry.entry_id), seconds
        )
        await self.settle()
        return done

    async def act(self, action: str, platform: str, key: str) -> None:
        """Call an action of one of the vehicle's entities."""
        domain, _, service = action.partition(".")
        target = entity_id(self.hass, platform, key, self.vehicle_id)
        assert target, f"no {platform} for {key}"
        await self.hass.services.async_call(
            domain, service, {"entity_id": target}, blocking=True
        )

    async def enable(self, platform: str, key: str) -> None:
        """Enable an entity that is disabled by default, as the user does."""
        target = entity_id(self.hass, platform, key, self.vehicle_id)
        assert target, f"no {platform} for {key}"
        er.async_get(self.hass).async_update_entity(target, disabled_by=None)
        assert await self.hass.config_entries.async_reload(self.entry.entry_id)
        # Home Assistant itself reloads it half a minute later, too.
        await self.pass_time(31)
        await self.pass_time(1)

    def value(self, platform: str, key: str) -> str:
        """Return the state of one of the vehicle's entities."""
        target = entity_id(self.hass, platform, key, self.vehicle_id)
        state = self.hass.states.get(target) if target else None
        return state.state if state else ""


class PolledStage(Stage):
    """An account that is polled over HTTP."""

    renewing: frozenset[str]
    """The operations that get a token."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        failures: FailureLayer,
    ) -> None:
        """Initialize with the simulator's layer of failures too."""
        super().__init__(hass, freezer)
        self.failures = failures
        self._refused = False
        self._url = ""

    @property
    @override
    def hanging(self) -> bool:
        """Whether a request waits for an answer."""
        return self.failures.hanging > 0

    @abstractmethod
    def drop_token(self) -> None:
        """Let the vendor forget all tokens."""

    @abstractmethod
    def block(self, *, blocked: bool) -> None:
        """Block the account, or no longer."""

    @abstractmethod
    async def listen(self, *, on: bool) -> None:
        """Stop the simulator, or start it again where it was."""

    @override
    async def begin(self, failure: Failure, *, renewal: bool = False) -> None:
        """Let it fail from now on, of a renewal only what renews the token."""
        match failure:
            case Failure.REFUSED:
                self._refused = True
                await self.listen(on=False)
            case Failure.TLS:
                self._url = self.entry.data["server"]
                self._move(self._url.replace("http:", "https:"))
            case Failure.CLOCK_JUMP:
                self.shift = CLOCK_JUMP
            case Failure.DEAD_TOKEN:
                self.drop_token()
            case Failure.BLOCKED:
                self.block(blocked=True)
        if failure not in NOT_OF_AN_ANSWER:
            operations = self.renewing if renewal else None
            self.failures.begin(failure, operations, kept=self.fields)
        if renewal:
            self.drop_token()
        if failure is Failure.TLS and self.entry.state is ConfigEntryState.LOADED:
            await self.outcome(
                self.hass.config_entries.async_reload(self.entry.entry_id), 15
            )

    def _move(self, url: str) -> None:
        entries = self.hass.config_entries
        listeners, self.entry.update_listeners[:] = self.entry.update_listeners[:], []
        entries.async_update_entry(self.entry, data={**self.entry.data, "server": url})
        self.entry.update_listeners[:] = listeners

    @override
    async def heal(self) -> None:
        """Let all be well again."""
        self.failures.end()
        self.shift = 0
        self.block(blocked=False)
        if self._refused:
            self._refused = False
            await self.listen(on=True)
        if self._url:
            self._move(self._url)
            self._url = ""
            if self.entry.state is ConfigEntryState.LOADED:
                await self.outcome(
                    self.hass.config_entries.async_reload(self.entry.entry_id), 60
                )
        await self.settle()


class OpenApiStage(PolledStage):
    """The Open API."""

    vehicle_id = open_api.CAR
    fields = frozenset({"code", "imei"})
    renewing = frozenset({"/api/authorization"})

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        server: OpenApiSimulator,
    ) -> None:
        """Initialize with the simulator."""
        super().__init__(hass, freezer, server.failures)
        self.server = server

    @classmethod
    @asynccontextmanager
    async def open(
        cls, hass: HomeAssistant, freezer: FrozenDateTimeFactory
    ) -> AsyncIterator[OpenApiStage]:
        """Set the account up as a user does."""
        car = OpenApiDevice(
            imei=cls.vehicle_id,
            vehicle=world.parked(world.HOME, START.timestamp() - 86_400),
            name="Car",
            battery=64,
        )
        account = Account(
            name=open_api.ACCOUNT, password=open_api.PASSWORD, role=1, devices=[car]
        )
        server = OpenApiSimulator(account, clock=lambda: time.time() + stage.shift)
        stage = cls(hass, freezer, server)
        async with server:
            stage.entry = await open_api.add_account(hass, server)
            await stage.settle()
            await stage.enable("lock", "locked")
            await stage.enable("sensor", "tracker_battery")
            yield stage

    @property
    def _car(self) -> OpenApiDevice:
        return self.server.device(self.vehicle_id)

    def calls(self) -> int:
        """Return how many requests were made so far."""
        return self.server.requests.total()

    def sent(self) -> int:
        """Return how often the command was sent so far."""
        return self.server.requests["/api/command/send"]

    def drop_token(self) -> None:
        """Let the vendor forget all tokens."""
        self.server.drop_tokens()

    def block(self, *, blocked: bool) -> None:
        """Block the account, or no longer (10016)."""
        self.server.account(open_api.ACCOUNT).blocked = blocked

    async def listen(self, *, on: bool) -> None:
        """Stop the simulator, or start it again where it was."""
        await (self.server.start() if on else self.server.stop())

    def change(self) -> None:
        """Give the vehicle another level of its battery."""
        self._car.battery = 30 + (self._car.battery - 29) % 60

    def is_current(self) -> bool:
        """Tell whether the level is shown as it is now."""
        return self.value("sensor", "tracker_battery") == f"{self._car.battery:.1f}"

    async def call(self) -> None:
        """Lock the doors."""
        await self.act("lock.lock", "lock", "locked")


class TracksolidStage(PolledStage):
    """Tracksolid Pro."""

    vehicle_id = tracksolid.CAR
    fields = frozenset({"code", "imei"})
    renewing = frozenset({"jimi.oauth.token.get", "jimi.oauth.token.refresh"})

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        sim: TracksolidSimulator,
        clients: Clients,
    ) -> None:
        """Initialize with the simulator, and with the maker of HTTP clients."""
        super().__init__(hass, freezer, sim.failures)
        self.sim = sim
        self._clients = clients
        self._client: TestClient[Any, Any] | None = None
        self._port = 0
        self._blocked = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, hass: HomeAssistant, freezer: FrozenDateTimeFactory, clients: Clients
    ) -> AsyncIterator[TracksolidStage]:
        """Set the account up as a user does."""
        sim = TracksolidSimulator(lambda: time.time() + stage.shift)
        sim.add(
            TracksolidDevice(
                cls.vehicle_id,
                "Car",
                world.parked(world.HOME, START.timestamp() - 86_400),
                model="GT06N",
            )
        )
        stage = cls(hass, freezer, sim, clients)
        async with sim:
            stage._port = int(sim.root.rsplit(":", 1)[1])
            stage.entry = await tracksolid.add_account(hass, sim)
            for _ in range(3):
                await stage.pass_time(61)
            await stage.enable("button", "reboot")
            yield stage

    @property
    def _car(self) -> TracksolidDevice:
        return self.sim.devices[self.vehicle_id]

    def calls(self) -> int:
        """Return how many requests were made so far."""
        return self.sim.requests.total()

    def sent(self) -> int:
        """Return how often the command was sent so far."""
        return self.sim.requests["jimi.open.instruction.send"]

    def drop_token(self) -> None:
        """Let the vendor forget all tokens."""
        self.sim.drop_tokens()

    def block(self, *, blocked: bool) -> None:
        """Let our address be refused (1005), or no longer."""
        if blocked:
            self.sim.fail("*", 1005, "Illegal access, IP restricted", times=-1)
        elif self._blocked:
            self.sim.heal()
        self._blocked = blocked

    async def listen(self, *, on: bool) -> None:
        """Stop the simulator, or start it again where it was."""
        await (self.sim.start(self._port) if on else self.sim.stop())

    def change(self) -> None:
        """Give the vehicle another voltage."""
        self._car.power = (
            f"{11 + (float(self._car.power or 12) * 10 - 109) % 30 / 10:.1f}"
        )

    def is_current(self) -> bool:
        """Tell whether the voltage is shown as it is now."""
        return self.value("sensor", "vehicle_voltage") == self._car.power

    async def call(self) -> None:
        """Restart the tracker."""
        await self.act("button.press", "button", "reboot")

    async def client(self) -> TestClient[Any, Any]:
        """Return a client of Home Assistant's HTTP server."""
        if self._client is None:
            self._client = await self._clients()
        return self._client

    def push(self) -> tuple[str, bytes, str]:
        """Return a pushed alarm: where to, the body, and of what type it is."""
        item = alarm(self._car, "3", "Vibration alert", self.sim.now)
        body = json.dumps({"data_list": [item]}).encode()
        secret = self.entry.data[CONF_PUSH_SECRET]
        return f"{PUSH_PATH}/{secret}/pushalarm", body, "application/json"

    def spoilt(self, failure: Failure, number: int) -> bytes:
        """Return the body of a push as a failure spoils it."""
        return spoil(failure, self.push()[1], number, kept={"deviceImei"})


class SegwayStage(PolledStage):
    """Segway, where a parked moped is asked every quarter of an hour."""

    vehicle_id = segway.PARKED
    interval = 15 * 60 + 1.0
    patience = 3 * 15 * 60.0
    fields = frozenset({"code", "iotCode"})
    renewing = frozenset({TOKEN_PATH})

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        server: SegwaySimulator,
        clients: Clients,
    ) -> None:
        """Initialize with the simulator, and with the maker of HTTP clients."""
        super().__init__(hass, freezer, server.failures)
        self.server = server
        self._clients = clients
        self._client: TestClient[Any, Any] | None = None
        self._blocked = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, hass: HomeAssistant, freezer: FrozenDateTimeFactory, clients: Clients
    ) -> AsyncIterator[SegwayStage]:
        """Set the account up as a user does."""
        server = SegwaySimulator(
            Moped(
                iot_code=cls.vehicle_id,
                life=world.parked(world.HOME, START.timestamp() - 86_400),
            ),
            clock=lambda: time.time() + stage.shift,
            sleep=segway.no_sleep,
        )
        stage = cls(hass, freezer, server, clients)
        async with server:
            stage.entry = await segway.add_account(hass, server)
            await segway.add_vehicle(hass, stage.entry, cls.vehicle_id, name="Car")
            await stage.pass_time(1)
            await stage.pass_time(61)
            yield stage

    @property
    def _moped(self) -> Moped:
        return self.server.mopeds[self.vehicle_id]

    def calls(self) -> int:
        """Return how many requests were made so far."""
        return self.server.requests.total()

    def sent(self) -> int:
        """Return how often the command was sent so far."""
        return self.server.requests["/api/v2/vehicle/control/sound"]

    def drop_token(self) -> None:
        """Let the vendor forget all tokens."""
        self.server.drop_tokens()

    def block(self, *, blocked: bool) -> None:
        """Restrict the account's calls (15990), or no longer."""
        self._moped.refuses = 15990 if blocked else None

    async def listen(self, *, on: bool) -> None:
        """Stop the simulator, or start it again where it was."""
        await (self.server.start() if on else self.server.stop())

    def change(self) -> None:
        """Give the vehicle another level of its battery."""
        self._moped.percent = 30 + (self._moped.percent - 29) % 60

    def is_current(self) -> bool:
        """Tell whether the level is shown as it is now."""
        return self.value("sensor", "battery") == str(self._moped.percent)

    async def call(self) -> None:
        """Toot."""
        await self.act("button.press", "button", "sound_2")

    async def client(self) -> TestClient[Any, Any]:
        """Return a client of Home Assistant's HTTP server."""
        if self._client is None:
            self._client = await self._clients()
        return self._client

    def push(self) -> tuple[str, bytes, str]:
        """Return a pushed alarm: where to, the body, and of what type it is."""
        return self._push(self.server.alert_push(1))

    def _push(self, fields: Mapping[str, object]) -> tuple[str, bytes, str]:
        sender = PushSender("", self.server.client_id, self.server.client_secret)
        form = urlencode(sender.form(self.vehicle_id, fields), errors="surrogatepass")
        secret = self.entry.data[CONF_PUSH_SECRET]
        path = f"{PUSH_PATH}/{secret}/v2/vehicle/alert"
        return path, form.encode(), "application/x-www-form-urlencoded"

    def spoilt(self, failure: Failure, number: int) -> bytes:
        """Return the body of a push, rightly signed, as a failure spoils it."""
        fields = json.dumps(self.server.alert_push(1)).encode()
        match failure:
            case Failure.NAN | Failure.WRONG_TYPE | Failure.UNKNOWN_FIELD:
                return self._push(json.loads(spoil(failure, fields, number)))[1]
            case Failure.SURROGATE:
                return self.push()[1].replace(b"code=1", b"code=%ED%A0%BD")
        return spoil(failure, self.push()[1] if failure is not Failure.DEEP else b"{}")


class Vt3Stage(Stage):
    """VT3 trackers, which connect to us."""

    vehicle_id = "VF3102021111601"

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Make a tracker."""
        super().__init__(hass, freezer)
        self.home = Vt3Home(hass, freezer)
        self.tracker: Vt3Simulator
        self._asked = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls, hass: HomeAssistant, freezer: FrozenDateTimeFactory
    ) -> AsyncIterator[Vt3Stage]:
        """Set a listener up with one tracker, which is connected."""
        stage = cls(hass, freezer)
        await stage.home.listen(cls.vehicle_id)
        stage.entry = stage.home.entry
        stage.tracker = stage.home.make_tracker(cls.vehicle_id)
        await stage.connect()
        try:
            yield stage
        finally:
            await stage.tracker.disconnect()

    def calls(self) -> int:
        """Return how many requests were made so far."""
        return len(self.tracker.requests)

    def sent(self) -> int:
        """Return how often the command was sent so far."""
        return sum(name == "io/control" for name, _ in self.tracker.requests)

    async def connect(self) -> None:
        """Let the tracker connect (again), upload all and be asked what it is asked."""
        await self.tracker.disconnect()
        await self.tracker.connect(LOCALHOST, self.entry.data["port"])
        await self.upload()
        for _ in range(20):
            await self.pass_time(1)

    async def upload(self) -> None:
        """Let the tracker tell all that it knows."""
        with suppress(OSError):
            for group in ("gnss", "motion", "io", "obd", "cellular1"):
                await self.tracker.upload(group)
        await self.settle()

    @override
    async def begin(self, failure: Failure, *, renewal: bool = False) -> None:
        """Let what the tracker sends fail from now on."""
        if failure is Failure.CLOCK_JUMP:
            self.tracker.behaviour.clock_behind = -8 * 3600
        elif failure is Failure.REFUSED:
            await self.tracker.disconnect()
        else:
            self.tracker.failure = failure

    @override
    async def heal(self) -> None:
        """Let the tracker connect again, with nothing wrong."""
        self.tracker.failure = None
        self.tracker.behaviour.clock_behind = 0
        if self.entry.state is ConfigEntryState.LOADED:
            await self.connect()

    def change(self) -> None:
        """Give the vehicle a trouble code, or take it away."""
        self.tracker.trouble_codes ^= {"P070F"}

    def is_current(self) -> bool:
        """Tell whether the malfunction indicator is shown as it is now."""
        shown = self.value("binary_sensor", "malfunction_indicator")
        return shown == ("on" if self.tracker.trouble_codes else "off")

    async def call(self) -> None:
        """Switch an output."""
        await self.act("switch.turn_on", "switch", "output_1")
