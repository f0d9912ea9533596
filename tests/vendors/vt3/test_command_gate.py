"""What can stop a vehicle is not written to a VT3 tracker once it must not be.

A table over real connections: how the marked output is turned on, what that waits for, and
what happens meanwhile. What arrives at the simulated tracker counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_exception_message
import pytest

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.const import CONF_ALLOW_ENGINE_CUT, DOMAIN
from custom_components.fleet_tracker.contract.commands import Command
from tests.common import see_ignition_on
from tests.simulators.vt3 import Vt3Simulator
from tests.simulators.world import HOME, Route, drive, parked
from tests.turns import turns, until

from .conftest import ELSEWHERE, SERIAL
from .home import LOCALHOST, START, Home

pytestmark = pytest.mark.freeze_time(START)

CUTS = {"cuts_engine": ["1"]}
ALLOWED = {CONF_ALLOW_ENGINE_CUT: True, "engine_cut_speed_limit": 20}

CUT = Command("turn_on_output", {"part": "1"})
RESTORE = Command("turn_off_output", {"part": "1"})
RAW = Command("send_request", {"request": "io/control", "payload": '{"io.DO1": 1}'})
UNKNOWN = Command("send_request", {"request": "mgmt/reboot"})


class Bench:
    """A tracker in a parked vehicle, whose first output cuts the engine.

    The integration sleeps until the test lets it go on.
    """

    def __init__(self, home: Home) -> None:
        """Take the home."""
        self.home = home
        self.tracker: Vt3Simulator
        self.sleeping: list[tuple[float, asyncio.Event]] = []
        self.patient = False

    async def sleep(self, seconds: float) -> None:
        """Sleep for the integration."""
        if self.patient:
            event = asyncio.Event()
            self.sleeping.append((seconds, event))
            await event.wait()
        self.home.freezer.tick(seconds)
        await asyncio.sleep(0)

    def wake(self) -> None:
        """Let all go on that sleep, now and later."""
        self.patient = False
        for _, event in self.sleeping:
            event.set()
        self.sleeping.clear()

    @property
    def controls(self) -> list[object]:
        """What arrived that switches outputs, or that nobody can judge."""
        return [
            payload.get("io.DO1", payload.get("io.D01"))
            for name, payload in self.tracker.requests
            if name in {"io/control", "mgmt/reboot"}
        ]

    async def prepare(self) -> None:
        """Have the vehicle as it was: parked, connected, allowed to be cut."""
        home = self.home
        self.wake()
        # A reload that goes on must end, before anything is changed again.
        while home.hass._tasks:
            await home.turns()
        entries = home.hass.config_entries
        entries.async_update_entry(home.entry, options=ALLOWED)
        if home.entry.state is ConfigEntryState.NOT_LOADED:
            assert await entries.async_setup(home.entry.entry_id)
        await home.hass.async_block_till_done()
        if not home.connection.server.is_connected(SERIAL):
            await self.tracker.disconnect()
            await self.tracker.connect(LOCALHOST, home.port)
        self.tracker.vehicle = parked(HOME, home.clock() - 3600)
        self.tracker.behaviour.silent.clear()
        self.tracker.behaviour.zero_outputs = False
        self.tracker.outputs = [0, 0, 0]
        await self.tracker.upload("io")
        await home.settle()
        vehicles = home.coordinator.data
        assert isinstance(vehicles, dict)
        known = vehicles[SERIAL]
        vehicles[SERIAL] = replace(
            known,
            evidence=type(known.evidence)(),
            beliefs=type(known.beliefs)(),
            groups={},
            latest_fix=None,
        )
        home.freezer.tick(10)
        see_ignition_on(home.coordinator, SERIAL)
        await self.tracker.upload("io")
        await home.settle()
        self.tracker.requests.clear()

    def start(self, command: Command) -> asyncio.Task[object]:
        """Begin to carry out a command."""
        return self.home.hass.async_create_background_task(
            self.home.coordinator.async_execute(SERIAL, command), "caller"
        )

    async def until(self, condition: Callable[[], object]) -> None:
        """Let all run until something is so."""
        await until(condition)

    def drive(self) -> None:
        """Let the vehicle drive at 60 km/h."""
        self.tracker.vehicle.live(
            self.home.clock() - 20, drive(Route(HOME, HOME.away(0, 50_000)), 60)
        )


@pytest.fixture
async def bench(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Bench]:
    """Return a tracker whose vehicle may be stopped as things are."""
    # It would note where each of the many turns of the loop comes from.
    hass.loop.set_debug(False)
    bench = Bench(Home(hass, freezer))

    async def sleep(_coordinator: FleetCoordinator, seconds: float) -> None:
        await bench.sleep(seconds)

    monkeypatch.setattr(FleetCoordinator, "sleep", sleep)
    freezer.move_to(START)
    await bench.home.listen(SERIAL, settings=CUTS, options=ALLOWED)
    bench.tracker = await bench.home.connect(SERIAL)
    yield bench
    bench.wake()
    await bench.tracker.disconnect()
    await hass.async_block_till_done(wait_background_tasks=True)


# --- what it waits for ----------------------------------------------------------------------

type Wait = Callable[[Bench, Command], Awaitable[asyncio.Task[object]]]


async def looking(bench: Bench, command: Command) -> asyncio.Task[object]:
    """While the guard's look is not answered."""
    bench.tracker.behaviour.silent.add("*")
    caller = bench.start(command)
    await bench.until(lambda: bench.tracker.requests)
    bench.tracker.behaviour.silent.clear()
    return caller


async def spacing_looks(bench: Bench, command: Command) -> asyncio.Task[object]:
    """While the next request of the look waits for its turn."""
    bench.patient = True
    caller = bench.start(command)
    await bench.until(lambda: bench.sleeping or caller.done())
    assert not caller.done()
    return caller


async def spacing_controls(bench: Bench, command: Command) -> asyncio.Task[object]:
    """While the command waits for its turn, since another output was just switched."""
    await bench.home.coordinator.async_execute(
        SERIAL, Command("turn_on_output", {"part": "2"})
    )
    bench.tracker.requests.clear()
    lane = bench.home.connection._trackers[SERIAL].line.controls
    held = asyncio.Event()
    await lane.lock.acquire()

    async def release() -> None:
        await held.wait()
        lane.lock.release()

    bench.sleeping.append((5, held))
    bench.home.hass.async_create_background_task(release(), "another command")
    caller = bench.start(command)
    await bench.until(lambda: lane.lock._waiters or caller.done())
    assert not caller.done()
    return caller


async def spelling(bench: Bench, command: Command) -> asyncio.Task[object]:
    """While the second spelling of the output waits, the first of which was refused."""
    bench.tracker.behaviour.zero_outputs = True
    caller = bench.start(command)
    await bench.until(lambda: bench.controls)
    bench.patient = True
    await bench.until(lambda: bench.sleeping or caller.done())
    assert not caller.done()
    bench.tracker.requests.clear()
    return caller


# --- what happens meanwhile -----------------------------------------------------------------


async def turn_option_off(bench: Bench) -> None:
    """Forbid to cut engines."""
    bench.home.hass.config_entries.async_update_entry(
        bench.home.entry, options={**ALLOWED, CONF_ALLOW_ENGINE_CUT: False}
    )


async def unload(bench: Bench) -> None:
    """Unload the listener."""
    entry_id = bench.home.entry.entry_id
    assert await bench.home.hass.config_entries.async_unload(entry_id)


async def remove(bench: Bench) -> None:
    """Remove the listener."""
    await bench.home.hass.config_entries.async_remove(bench.home.entry.entry_id)


async def remove_tracker(bench: Bench) -> None:
    """Remove the tracker alone, which reloads nothing."""
    entry = bench.home.entry
    bench.home.hass.config_entries.async_remove_subentry(
        entry, next(iter(entry.subentries))
    )


async def drive_off(bench: Bench) -> None:
    """Let an upload tell that it drives."""
    bench.drive()
    await bench.tracker.upload("gnss")


async def drive_off_without_a_place(bench: Bench) -> None:
    """Let the speedometer tell that it drives."""
    bench.drive()
    await bench.tracker.upload("obd")


async def drive_off_at_zero(bench: Bench) -> None:
    """Let a fix at (0, 0) tell that it drives."""
    payload = {**bench.tracker._gnss(), "gnss.latitude": 0, "gnss.longitude": 0}
    await bench.tracker.send("gnss/info", payload={**payload, "gnss.speed": 60.0})


async def tell_an_event(bench: Bench) -> None:
    """Let an event tell that it drives."""
    bench.drive()
    await bench.tracker.raise_event("HARSH_BRAKING")


async def disconnect(bench: Bench) -> None:
    """Let the connection end."""
    await bench.tracker.disconnect()
    server = bench.home.connection.server
    await bench.until(lambda: not server.is_connected(SERIAL))


async def reconnect(bench: Bench) -> None:
    """Let the tracker, unplugged and plugged in, be back by another connection."""
    asked = bench.tracker.requests
    await disconnect(bench)
    await bench.tracker.connect(LOCALHOST, bench.home.port)
    await bench.tracker.upload("io")
    bench.tracker.requests = asked
    server = bench.home.connection.server
    await bench.until(lambda: server.is_connected(SERIAL))


type Meanwhile = Callable[[Bench], Awaitable[None]]

FORBIDDEN = {"engine_cut_not_enabled", "entry_not_loaded"}
TOO_FAST = {"engine_cut_too_fast"}
GONE = {"vehicle_offline", "vt3_no_answer"}
MEANWHILE: Mapping[Meanwhile, set[str]] = {
    turn_option_off: FORBIDDEN,
    unload: FORBIDDEN,
    drive_off: TOO_FAST,
    drive_off_without_a_place: TOO_FAST,
    drive_off_at_zero: TOO_FAST,
    tell_an_event: TOO_FAST,
    disconnect: GONE,
}
"""What happens, and with which words the caller may be refused."""


@dataclass
class Cell:
    """One cell of the table, as it is told when it fails."""

    wait: Wait
    meanwhile: Meanwhile
    command: Command = CUT

    def __str__(self) -> str:
        """Return what is tried."""
        return f"{self.wait.__name__}, {self.meanwhile.__name__}, {self.command}"


async def try_cell(bench: Bench, cell: Cell, keys: set[str]) -> None:
    """Hold that nothing arrives that stops, and that the caller is told why in words."""
    await bench.prepare()
    caller = await cell.wait(bench, cell.command)
    before = list(bench.controls)
    await cell.meanwhile(bench)
    await turns()
    bench.wake()
    for _ in range(90):
        await turns()
        if caller.done():
            break
        bench.home.freezer.tick(1)
    assert caller.done(), f"{cell}: it goes on"
    error = caller.exception()
    assert isinstance(error, HomeAssistantError), f"{cell}: {error!r}"
    key = error.translation_key
    assert key in keys, f"{cell}: {key}"
    assert key not in async_get_exception_message(
        DOMAIN, key, error.translation_placeholders
    )
    assert bench.controls == before, cell
    assert bench.tracker.outputs[0] == 0, cell


async def test_nothing_that_stops_is_written(bench: Bench) -> None:
    """Whatever happens while the look or the command waits."""
    for wait in (looking, spacing_looks, spacing_controls, spelling):
        for meanwhile, keys in MEANWHILE.items():
            await try_cell(bench, Cell(wait, meanwhile), keys)
    # A look may go on by the new connection, a command ends with its own.
    for wait in (spacing_controls, spelling):
        await try_cell(bench, Cell(wait, reconnect), GONE)
    await try_cell(bench, Cell(spacing_controls, remove), FORBIDDEN)


async def test_nothing_that_stops_is_written_by_raw_requests(bench: Bench) -> None:
    """By one that turns the output on, and by one that nobody can judge."""
    for command in (RAW, UNKNOWN):
        for meanwhile in (turn_option_off, drive_off):
            cell = Cell(spacing_looks, meanwhile, command)
            await try_cell(bench, cell, MEANWHILE[meanwhile])
    await try_cell(
        bench, Cell(spacing_controls, remove_tracker), {"vehicle_unavailable"} | GONE
    )


async def test_restore_does_not_wait_behind(bench: Bench) -> None:
    """It is written while what it withdraws still waits, which is never written."""
    for wait in (looking, spacing_looks, spelling):
        await bench.prepare()
        caller = await wait(bench, CUT)
        before = len(bench.controls)
        restored = bench.start(RESTORE)
        if wait is spelling:
            # The tracker wants 5 s between the first spelling and whatever comes next.
            await bench.until(lambda: len(bench.sleeping) > 0)
            bench.wake()
        await bench.until(lambda: bench.controls[-1:] == [0])
        assert bench.controls[before:] == [0], wait.__name__
        bench.wake()
        for _ in range(20):
            await turns()
            bench.home.freezer.tick(1)
        await restored
        error = caller.exception()
        assert isinstance(error, HomeAssistantError)
        assert error.translation_key == "engine_cut_withdrawn", wait.__name__
        assert 1 not in bench.controls[before:]
        assert bench.tracker.violations == []


async def test_it_is_written_where_nothing_happens(bench: Bench) -> None:
    """Else the tables above would prove nothing."""
    for wait in (looking, spacing_looks, spacing_controls, spelling):
        await bench.prepare()
        caller = await wait(bench, CUT)
        bench.wake()
        if wait is looking:
            # What is not answered is not known; the next questions are.
            for _ in range(12):
                bench.home.freezer.tick(1)
                await turns()
        await bench.until(caller.done)
        caller.result()
        assert bench.tracker.outputs[0] == 1, wait.__name__


async def test_claims_do_not_hold_the_cut(bench: Bench) -> None:
    """Others that name the serial number take no turn from the real tracker."""
    await bench.prepare()
    others = [bench.home.make_tracker(SERIAL) for _ in range(5)]
    for other in others:
        await other.connect(LOCALHOST, bench.home.port, local_address=ELSEWHERE)
        await other.upload("io")
    begin = bench.home.clock()
    caller = bench.start(CUT)
    await bench.until(caller.done)
    caller.result()
    # Three questions, 3 s apart.
    assert bench.home.clock() - begin <= 9
    assert all(not other.requests for other in others)
    assert bench.tracker.outputs[0] == 1
