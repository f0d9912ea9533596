"""What can stop a vehicle is not sent once it must not be: real vendors, real sockets.

A table for each vendor that is asked over HTTP: how a vehicle is stopped, what that waits
for, and what happens meanwhile. What arrives at the simulator is counted. The VT3 trackers
have a table of their own beside their tests, what all share stands in
`tests/test_command_gate.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp import web
from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.const import GROUP_ID_READ_ONLY, GROUP_ID_USER
from homeassistant.auth.models import Credentials, User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_exception_message
import pytest

from custom_components.fleet_tracker.account.coordinator import (
    FleetConfigEntry,
    FleetCoordinator,
)
from custom_components.fleet_tracker.const import CONF_ALLOW_ENGINE_CUT, DOMAIN
from custom_components.fleet_tracker.contract.commands import Command
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    ReadingGroup,
    VehicleUpdate,
)
from custom_components.fleet_tracker.vendors.tracksolid.connection import (
    TracksolidConnection,
)
from tests.common import entity_id, see_ignition_on, tracker_of
from tests.simulators import world
from tests.simulators.failures import Answer, FailureLayer
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Device as OpenApiDevice
from tests.simulators.segway import TOKEN_PATH, SegwaySimulator
from tests.simulators.segway_mopeds import Moped
from tests.simulators.tracksolid import device
from tests.vendors.open_api import conftest as open_api
from tests.vendors.rig import settle_all
from tests.vendors.segway import rig as segway
from tests.vendors.tracksolid import home as tracksolid

START = tracksolid.NOW

pytestmark = pytest.mark.freeze_time(START)


@dataclass
class Hold:
    """Requests of a kind that wait, until they are let go."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        """Wait until they are let go."""
        self.reached.set()
        await self.released.wait()


@dataclass
class Ways:
    """What is on its way between Home Assistant and a simulator, where it can be held."""

    connecting: dict[bytes, Hold] = field(default_factory=dict)
    """By a text in the request: those that wait for a connection."""
    answers: dict[str, Hold] = field(default_factory=dict)
    """By the operation: those that arrived and wait for their answer."""

    def release(self) -> None:
        """Let all go."""
        for hold in (*self.connecting.values(), *self.answers.values()):
            hold.released.set()
        self.connecting.clear()
        self.answers.clear()


def watch_connecting(monkeypatch: pytest.MonkeyPatch, ways: Ways) -> None:
    """Hold requests where aiohttp makes their connections: no kept one is left to them."""
    get, create = aiohttp.TCPConnector.connect, aiohttp.TCPConnector._create_connection

    def hold_of(req: aiohttp.ClientRequest) -> Hold | None:
        body = getattr(req.body, "_value", b"")
        whole = str(req.url).encode() + (body if isinstance(body, bytes) else b"")
        return next(
            (hold for text, hold in ways.connecting.items() if text in whole), None
        )

    async def held_get(
        self: aiohttp.TCPConnector, req: aiohttp.ClientRequest, *args: Any, **more: Any
    ) -> Any:
        if hold_of(req) is not None:
            for kept in self._conns.values():
                for protocol, _ in kept:
                    protocol.close()
            self._conns.clear()
        return await get(self, req, *args, **more)

    async def held_create(
        self: aiohttp.TCPConnector, req: aiohttp.ClientRequest, *args: Any
    ) -> Any:
        if (hold := hold_of(req)) is not None:
            await hold.wait()
        return await create(self, req, *args)

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", held_get)
    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", held_create)


def watch_answers(
    monkeypatch: pytest.MonkeyPatch, ways: Ways, layer: FailureLayer
) -> None:
    """Hold requests that arrived at a simulator."""
    serve = layer.serve

    async def held(
        request: web.BaseRequest, operation: str, answer: Answer
    ) -> web.StreamResponse:
        if (hold := ways.answers.get(operation)) is not None:
            await hold.wait()
        return await serve(request, operation, answer)

    monkeypatch.setattr(layer, "serve", held)


@dataclass(kw_only=True)
class Site:
    """A vendor's simulator with one parked vehicle, and Home Assistant with its account."""

    hass: HomeAssistant
    freezer: FrozenDateTimeFactory
    ways: Ways
    entry: FleetConfigEntry
    vehicle_id: str
    calls: Callable[[], int]
    """How many requests arrived, of all kinds."""
    commands: Callable[[], int]
    """How many commands arrived."""
    is_stopped: Callable[[], bool]
    """Whether the vehicle was stopped."""
    stops: Mapping[str, Callable[[Site], Awaitable[object]]]
    """The ways to stop it."""
    restore: Callable[[Site], Coroutine[Any, Any, None]] = lambda site: site.press(
        "restore_engine"
    )
    """What lets it go again."""
    stop_text: Mapping[str, bytes]
    """What only a request that stops it carries, by the way."""
    look: str
    """The operation of a look."""
    send: str
    """The operation of commands."""
    token: str
    """The operation that gets a token."""
    drop_tokens: Callable[[], None]
    make_peace: Callable[[], None] = lambda: None
    """Lets it be forgotten that tokens died young, as if others used the account too."""
    refuse_once: Callable[[], None] | None = None
    """Lets the next command be refused because it comes too soon."""
    caller: Context | None = None
    """Who presses and calls, nobody in particular for None."""

    @property
    def coordinator(self) -> FleetCoordinator:
        """The coordinator of the account."""
        return self.entry.runtime_data

    # --- time ---

    async def settle(self) -> None:
        """Let everything happen that is due now, requests and their answers too."""
        await settle_all(self.calls)

    async def until(self, task: asyncio.Future[Any], seconds: int = 90) -> None:
        """Let time pass until something is over."""
        await self.settle()
        while not task.done() and seconds > 0:
            self.freezer.tick(1)
            seconds -= 1
            await self.settle()
        assert task.done(), "it takes longer than it may"

    async def now(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something that waits for nothing that is held, nor for time to pass."""
        task = asyncio.ensure_future(work)
        await self.settle()
        assert task.done(), "it waits for what is held"

    # --- what a user does ---

    async def press(self, key: str) -> None:
        """Press a button of the vehicle."""
        target = entity_id(self.hass, "button", key, self.vehicle_id)
        assert target, f"no button {key}"
        await self.hass.services.async_call(
            "button",
            "press",
            {"entity_id": target},
            blocking=True,
            context=self.caller,
        )

    async def act(self, action: str, **fields: Any) -> None:
        """Call an action on the vehicle."""
        target = tracker_of(self.hass, self.coordinator, self.vehicle_id)
        await self.hass.services.async_call(
            DOMAIN,
            action,
            {"entity_id": target, **fields},
            blocking=True,
            context=self.caller,
        )

    async def command(self, name: str) -> None:
        """Have a command carried out, as a button does that is disabled by default."""
        await self.coordinator.async_execute(self.vehicle_id, Command(name))

    # --- what is tried ---

    async def prepare(self) -> None:
        """Have the vehicle as it was: allowed to be cut, and freshly seen parked."""
        options = {**self.entry.options, CONF_ALLOW_ENGINE_CUT: True}
        self.hass.config_entries.async_update_entry(self.entry, options=options)
        if self.entry.state is ConfigEntryState.NOT_LOADED:
            setting_up = self.hass.config_entries.async_setup(self.entry.entry_id)
            await self.until(asyncio.ensure_future(setting_up))
        await self.settle()
        for _ in range(20):
            if self.entry.state is ConfigEntryState.LOADED:
                break
            self.freezer.tick(1)
            await self.settle()
        assert self.entry.state is ConfigEntryState.LOADED
        # What was heard of it in a trial before is forgotten.
        vehicles = self.coordinator.data
        assert isinstance(vehicles, dict)
        vehicle = vehicles[self.vehicle_id]
        vehicles[self.vehicle_id] = replace(
            vehicle,
            evidence=type(vehicle.evidence)(),
            beliefs=type(vehicle.beliefs)(),
            groups={},
            latest_fix=None,
            heard_at=None,
        )
        self.make_peace()
        self.freezer.tick(61)
        await self.settle()
        see_ignition_on(self.coordinator, self.vehicle_id)
        await self.settle()


def at_speed(site: Site, **changed: Any) -> VehicleUpdate:
    """Return that the vehicle drives at 90 km/h, told by a fix."""
    now = site.coordinator.receipt()
    fix: dict[str, Any] = {
        "latitude": 52.0,
        "longitude": 5.0,
        "accuracy": 10.0,
        "fixed_at": now,
        "kind": FixKind.SATELLITE,
        "speed": 90.0,
        **changed,
    }
    return VehicleUpdate(
        vehicle_id=site.vehicle_id, position=Position(**fix), heard_at=now
    )


def by_obd(site: Site) -> VehicleUpdate:
    """Return that it drives, told by its speedometer."""
    group = ReadingGroup(
        name="obd",
        measured_at=site.coordinator.receipt(),
        readings={Reading.OBD_SPEED: 70.0},
    )
    return VehicleUpdate(vehicle_id=site.vehicle_id, groups=(group,))


def by_event(site: Site) -> VehicleUpdate:
    """Return that it drives, told with an alarm."""
    alarm = Occurrence(
        kind=OccurrenceKind.ALARM,
        type=OccurrenceType.SPEEDING,
        occurred_at=site.coordinator.receipt(),
        details={"speed": 90.0},
    )
    return VehicleUpdate(vehicle_id=site.vehicle_id, occurrences=(alarm,), pushed=True)


def from_the_future(site: Site) -> VehicleUpdate:
    """Return a fix that is stamped an hour ahead."""
    ahead = site.coordinator.receipt() + timedelta(hours=1)
    return at_speed(site, fixed_at=ahead)


NEWS: Mapping[str, Callable[[Site], VehicleUpdate]] = {
    "fix": at_speed,
    "fix at (0, 0)": lambda site: at_speed(site, latitude=0.0, longitude=0.0),
    "fix that is inaccurate": lambda site: at_speed(site, accuracy=50_000.0),
    "fix from the future": from_the_future,
    "OBD": by_obd,
    "event": by_event,
}


async def turn_option_off(site: Site) -> None:
    """Forbid to cut engines, as the user does."""
    options = {**site.entry.options, CONF_ALLOW_ENGINE_CUT: False}
    site.hass.config_entries.async_update_entry(site.entry, options=options)


async def unload(site: Site) -> None:
    """Unload the account."""
    await site.now(site.hass.config_entries.async_unload(site.entry.entry_id))


async def remove(site: Site) -> None:
    """Remove the account."""
    await site.now(site.hass.config_entries.async_remove(site.entry.entry_id))


def hear(news: str) -> Meanwhile:
    """Return what lets something be heard of the vehicle."""

    async def heard(site: Site) -> None:
        site.coordinator.receive([NEWS[news](site)])

    return heard


type Meanwhile = Callable[[Site], Awaitable[None]]

OPTION_OFF, UNLOADED, REMOVED = "option turned off", "unloaded", "removed"

MEANWHILE: Mapping[str, tuple[Meanwhile, frozenset[str]]] = {
    OPTION_OFF: (
        turn_option_off,
        frozenset({"engine_cut_not_enabled", "entry_not_loaded"}),
    ),
    UNLOADED: (unload, frozenset({"entry_not_loaded"})),
    **{
        f"heard by {news}": (hear(news), frozenset({"engine_cut_too_fast"}))
        for news in NEWS
    },
    REMOVED: (remove, frozenset({"entry_not_loaded"})),
}
"""What happens, and with which words the caller may be refused."""


# --- the vendors ----------------------------------------------------------------------------


@asynccontextmanager
async def open_api_site(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    ways: Ways,
) -> AsyncIterator[Site]:
    """Set an account of the Open API up."""
    car = OpenApiDevice(
        imei=open_api.CAR,
        vehicle=world.parked(world.HOME, START.timestamp() - 86_400),
        name="Car",
    )
    account = Account(
        name=open_api.ACCOUNT, password=open_api.PASSWORD, role=1, devices=[car]
    )
    async with OpenApiSimulator(account) as server:
        watch_answers(monkeypatch, ways, server.failures)
        yield Site(
            hass=hass,
            freezer=freezer,
            ways=ways,
            entry=await open_api.add_account(hass, server),
            vehicle_id=car.imei,
            calls=server.requests.total,
            commands=lambda: server.requests["/api/command/send"],
            is_stopped=lambda: car.fuel_supply == 0,
            stops={"button": lambda site: site.press("cut_engine")},
            stop_text={"button": b"RELAY,1"},
            look="/api/track",
            send="/api/command/send",
            token="/api/authorization",
            drop_tokens=server.drop_tokens,
            refuse_once=lambda: server.fail_next("/api/command/send", 10009),
        )


@asynccontextmanager
async def tracksolid_site(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    ways: Ways,
) -> AsyncIterator[Site]:
    """Set an account of Tracksolid up."""
    sim = tracksolid.simulator()
    car = sim.devices[tracksolid.CAR]
    sim.devices = {car.imei: car}
    car.commands = (
        (113, "Fuel/Power Remote Control", "RELAY,{0}#", False),
        (99, "Custom", "{0}", False),
    )
    # So that nobody has to wait for the next one.
    monkeypatch.setattr(device, "HEARTBEAT", 60)

    def make_peace() -> None:
        connection = entry.runtime_data.connection
        assert isinstance(connection, TracksolidConnection)
        connection.client.transport._early_deaths.clear()

    async with sim:
        watch_answers(monkeypatch, ways, sim.failures)
        entry = await tracksolid.add_account(hass, sim)
        site = Site(
            hass=hass,
            freezer=freezer,
            ways=ways,
            entry=entry,
            make_peace=make_peace,
            vehicle_id=car.imei,
            calls=sim.requests.total,
            commands=lambda: (
                sim.requests["jimi.open.instruction.send"]
                + sim.requests["jimi.open.instruction.raw.send"]
            ),
            is_stopped=lambda: car.relay,
            stops={
                "button": lambda site: site.press("cut_engine"),
                "text": lambda site: site.act(
                    "tracksolid_send_command", text="RELAY,1#"
                ),
                "unknown text": lambda site: site.act(
                    "tracksolid_send_command", text="DYD#"
                ),
                "list entry": lambda site: site.act(
                    "tracksolid_send_command", command="113", values=["1"]
                ),
                "raw": lambda site: site.act(
                    "tracksolid_send_raw_command", hex="787801"
                ),
            },
            stop_text={
                "button": b"%5B%221%22%5D",
                "text": b"RELAY%2C1",
                "unknown text": b"DYD",
                "list entry": b"%5B%221%22%5D",
                "raw": b"787801",
            },
            look="jimi.device.location.get",
            send="jimi.open.instruction.send",
            token="jimi.oauth.token.get",
            drop_tokens=sim.drop_tokens,
        )
        for _ in range(3):
            freezer.tick(61)
            await site.settle()
        yield site


@asynccontextmanager
async def segway_site(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    ways: Ways,
) -> AsyncIterator[Site]:
    """Set an account of Segway up."""
    moped = Moped(
        iot_code=segway.PARKED,
        life=world.parked(world.HOME, START.timestamp() - 86_400),
    )
    throttle = "/api/v2/vehicle/control/throttle-response"
    async with SegwaySimulator(moped, sleep=segway.no_sleep) as server:
        watch_answers(monkeypatch, ways, server.failures)
        entry = await segway.add_account(hass, server)
        await segway.add_vehicle(hass, entry, moped.iot_code, name="Moped")
        site = Site(
            hass=hass,
            freezer=freezer,
            ways=ways,
            entry=entry,
            vehicle_id=moped.iot_code,
            calls=server.requests.total,
            commands=lambda: server.requests[throttle],
            is_stopped=lambda: not moped.throttle,
            stops={"button": lambda site: site.command("throttle_off")},
            restore=lambda site: site.command("throttle_on"),
            stop_text={"button": b'"controlType": 0'},
            look="/api/v2/vehicle/query/current/location",
            send=throttle,
            token=TOKEN_PATH,
            drop_tokens=server.drop_tokens,
        )
        yield site


SITES = {
    "open_api": open_api_site,
    "tracksolid": tracksolid_site,
    "segway": segway_site,
}


@pytest.fixture
async def site(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Site]:
    """Return the vendor's site, whose vehicle may be stopped as things are."""
    # It would note where each of the many turns of the loop comes from.
    hass.loop.set_debug(False)
    ways = Ways()
    watch_connecting(monkeypatch, ways)
    async with SITES[request.param](hass, freezer, monkeypatch, ways) as site:
        yield site
        ways.release()
        await site.settle()
        if site.entry.state is ConfigEntryState.LOADED:
            assert await hass.config_entries.async_unload(site.entry.entry_id)


every_vendor = pytest.mark.parametrize("site", SITES, indirect=True)


# --- what it waits for ----------------------------------------------------------------------


@dataclass
class Trial:
    """A vehicle that is being stopped, and what that waits for."""

    caller: asyncio.Future[object]
    commands: int
    """The commands that had arrived before what is forbidden could arrive."""


type Wait = Callable[[Site, str], Awaitable[Trial]]


async def _begin(site: Site, way: str, hold: Hold) -> asyncio.Future[object]:
    caller = asyncio.ensure_future(site.stops[way](site))
    for _ in range(70):
        await site.settle()
        if hold.reached.is_set() or caller.done():
            break
        site.freezer.tick(1)
    assert hold.reached.is_set(), caller
    return caller


async def looking(site: Site, way: str) -> Trial:
    """While the guard's look hangs."""
    hold = site.ways.answers[site.look] = Hold()
    return Trial(await _begin(site, way, hold), site.commands())


async def logging_in(site: Site, way: str) -> Trial:
    """While a token is being asked for."""
    site.freezer.tick(61)
    site.drop_tokens()
    hold = site.ways.answers[site.token] = Hold()
    return Trial(await _begin(site, way, hold), site.commands())


async def connecting(site: Site, way: str) -> Trial:
    """While the request waits for its connection."""
    hold = site.ways.connecting[site.stop_text[way]] = Hold()
    return Trial(await _begin(site, way, hold), site.commands())


async def renewing(site: Site, way: str) -> Trial:
    """While the token is renewed that the first try was refused with."""
    # A login a minute is all that some allow.
    site.freezer.tick(61)
    await site.settle()
    first = site.ways.connecting[site.stop_text[way]] = Hold()
    caller = await _begin(site, way, first)
    site.drop_tokens()
    hold = site.ways.answers[site.token] = Hold()
    del site.ways.connecting[site.stop_text[way]]
    first.released.set()
    await site.settle()
    assert hold.reached.is_set()
    return Trial(caller, site.commands())


async def listing(site: Site, way: str) -> Trial:
    """While the list of a tracker's commands is being read."""
    connection = site.coordinator.connection
    assert isinstance(connection, TracksolidConnection)
    connection.lists._lists.clear()
    hold = site.ways.answers["jimi.open.instruction.list"] = Hold()
    return Trial(await _begin(site, way, hold), site.commands())


async def pausing(site: Site, way: str) -> Trial:
    """While the pause goes on after the first try came too soon."""
    assert site.refuse_once is not None
    site.refuse_once()
    before = site.commands()
    caller = asyncio.ensure_future(site.stops[way](site))
    await site.settle()
    assert site.commands() == before + 1
    return Trial(caller, site.commands())


WAITS: Mapping[str, tuple[Wait, ...]] = {
    "open_api": (looking, logging_in, connecting, renewing, pausing),
    "tracksolid": (looking, logging_in, connecting, renewing, listing),
    "segway": (looking, logging_in, connecting, renewing),
}


async def _expect_refused(
    site: Site, trial: Trial, cell: str, keys: frozenset[str]
) -> None:
    """Hold that the caller was told why in words, and that nothing stopped the vehicle."""
    site.ways.release()
    await site.until(trial.caller)
    error = trial.caller.exception()
    assert isinstance(error, HomeAssistantError), f"{cell}: {error!r}"
    key = error.translation_key
    assert key in keys, f"{cell}: {key}"
    assert key not in async_get_exception_message(
        DOMAIN, key, error.translation_placeholders
    )
    assert site.commands() == trial.commands, cell
    assert not site.is_stopped(), cell


@every_vendor
async def test_nothing_that_stops_is_sent(
    site: Site, request: pytest.FixtureRequest
) -> None:
    """Whatever happens while it waits for something."""
    waits = WAITS[request.node.callspec.params["site"]]
    cells = [(wait, name) for wait in waits for name in (OPTION_OFF, "heard by fix")]
    cells += [(connecting, name) for name in MEANWHILE if name != REMOVED]
    for wait, name in (*cells, (connecting, REMOVED)):
        meanwhile, keys = MEANWHILE[name]
        await site.prepare()
        trial = await wait(site, "button")
        await meanwhile(site)
        await site.settle()
        await _expect_refused(site, trial, f"{wait.__name__}, {name}", keys)


@pytest.mark.parametrize("site", ["tracksolid"], indirect=True)
async def test_nothing_that_stops_is_sent_by_another_way(site: Site) -> None:
    """By a text, an entry of the tracker's list, or bytes that nobody can judge."""
    for way in site.stops.keys() - {"button"}:
        for wait in WAITS["tracksolid"]:
            if wait is listing and way == "raw":
                continue  # bytes need no list
            names = ["heard by OBD", *([OPTION_OFF] if wait is connecting else [])]
            for name in names:
                meanwhile, keys = MEANWHILE[name]
                await site.prepare()
                trial = await wait(site, way)
                await meanwhile(site)
                await site.settle()
                cell = f"{way}, {wait.__name__}, {name}"
                await _expect_refused(site, trial, cell, keys)


def _login() -> Credentials:
    return Credentials(
        auth_provider_type="homeassistant", auth_provider_id=None, data={}
    )


async def _make_read_only(site: Site, user: User) -> None:
    await site.hass.auth.async_update_user(user, group_ids=[GROUP_ID_READ_ONLY])


async def _deactivate(site: Site, user: User) -> None:
    await site.hass.auth.async_deactivate_user(user)


async def _remove_user(site: Site, user: User) -> None:
    await site.hass.auth.async_remove_user(user)


@pytest.mark.parametrize("site", ["tracksolid"], indirect=True)
async def test_caller_who_loses_the_right(site: Site) -> None:
    """By a button and by an action: whoever may not any more stops nothing that waits."""
    auth = site.hass.auth
    await auth.async_create_user("the first one, who owns the house")
    for way in ("button", "text"):
        for lose in (_make_read_only, _deactivate, _remove_user):
            await site.prepare()
            user = await auth.async_create_user("Ann", group_ids=[GROUP_ID_USER])
            await auth.async_link_user(user, _login())
            site.caller = Context(user_id=user.id)
            trial = await connecting(site, way)
            await lose(site, user)
            cell = f"{way}, {lose.__name__}"
            keys = frozenset({"engine_cut_not_permitted"})
            await _expect_refused(site, trial, cell, keys)


async def leave(site: Site) -> None:
    """Let the vehicle be missing from the account's lists."""
    for _ in range(2):
        site.coordinator.fleet.take_roster(frozenset({"another"}))


async def take_away(site: Site) -> None:
    """Remove the vehicle as the user does: its subentry, or its device."""
    if (subentry := site.coordinator.devices.subentry_id(site.vehicle_id)) is not None:
        site.hass.config_entries.async_remove_subentry(site.entry, subentry)
    else:
        site.coordinator.async_forget(site.vehicle_id)


@every_vendor
async def test_vehicle_that_is_removed(
    site: Site, request: pytest.FixtureRequest
) -> None:
    """What would stop it never leaves, and what lets it go again does not hang."""
    waits = WAITS[request.node.callspec.params["site"]]
    cells: list[tuple[Wait, Meanwhile]] = [(wait, leave) for wait in waits]
    for wait, removed in (*cells, (looking, take_away)):
        await site.prepare()
        trial = await wait(site, "button")
        await removed(site)
        await site.settle()
        cell = f"{wait.__name__}, {removed.__name__}"
        # A look that is answered makes it known anew, and with it nothing is proven.
        keys = {"vehicle_unavailable", "engine_cut_speed_unknown"}
        await _expect_refused(site, trial, cell, frozenset(keys))
        restored = asyncio.ensure_future(site.restore(site))
        with suppress(HomeAssistantError, AssertionError):
            await site.until(restored)
            restored.result()
        assert restored.done(), cell
        assert not site.is_stopped(), cell
        if removed is leave:
            site.coordinator.fleet.take_roster(frozenset({site.vehicle_id}))


@every_vendor
async def test_restore_is_sent_at_once(
    site: Site, request: pytest.FixtureRequest
) -> None:
    """It does not wait behind what it withdraws; for a login or a list both have to."""
    for wait in WAITS[request.node.callspec.params["site"]]:
        await site.prepare()
        trial = await wait(site, "button")
        before = site.commands()
        restored = asyncio.ensure_future(site.restore(site))
        await site.settle()
        # Who wanted to stop it is told at once, unless a first try may be on its way.
        assert trial.caller.done() is (wait not in (renewing, pausing)), wait.__name__
        if wait in (renewing, logging_in, listing):
            site.ways.release()
        await site.settle()
        assert site.commands() == before + 1, wait.__name__
        await site.until(restored)
        restored.result()
        trial.commands = site.commands()
        await _expect_refused(
            site, trial, wait.__name__, frozenset({"engine_cut_withdrawn"})
        )


@every_vendor
async def test_it_is_sent_where_nothing_happens(site: Site) -> None:
    """Else the tables above would prove nothing."""
    for way in ("button", *(site.stops.keys() - {"button"})):
        for wait in (looking, connecting):
            await site.prepare()
            trial = await wait(site, way)
            site.ways.release()
            await site.until(trial.caller)
            if way not in ("raw", "unknown text"):
                trial.caller.result()
                assert site.is_stopped(), way
            assert site.commands() == trial.commands + 1, way
            restored = asyncio.ensure_future(site.restore(site))
            await site.until(restored)
            assert not site.is_stopped()


@every_vendor
async def test_connecting_takes_too_long(
    site: Site,
) -> None:
    """After 5 s without a connection it is not sent, and the caller is told so."""
    await site.prepare()
    trial = await connecting(site, "button")
    site.freezer.tick(4)
    await site.settle()
    assert not trial.caller.done()
    site.freezer.tick(2)
    await site.until(trial.caller, 0)
    error = trial.caller.exception()
    assert isinstance(error, HomeAssistantError)
    assert error.translation_key == "cannot_connect"
    site.ways.release()
    await site.settle()
    assert site.commands() == trial.commands
    assert not site.is_stopped()
