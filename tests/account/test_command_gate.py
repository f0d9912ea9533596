"""What can stop a vehicle is not sent once it must not be, whatever it waits for meanwhile.

A table: what the command waits for, and what happens meanwhile. In each cell nothing that
stops reaches the vendor, and the caller is told why in words. The same with real vendors
and real sockets stands in `tests/vendors/test_command_gate.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_exception_message
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.const import (
    CONF_ALLOW_ENGINE_CUT,
    CONF_ENGINE_CUT_SPEED_LIMIT,
    DOMAIN,
)
from custom_components.fleet_tracker.contract.commands import Command
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Position,
    VehicleUpdate,
)
from tests.common import START, cloud_entry, set_up
from tests.neutral_vendor import Cloud, Clouds, told
from tests.turns import turns

pytestmark = pytest.mark.freeze_time(START)

CUT, RESTORE, BEEP = (
    Command("engine_cut_on"),
    Command("engine_cut_off"),
    Command("beep"),
)
ALLOWED = {CONF_ALLOW_ENGINE_CUT: True, CONF_ENGINE_CUT_SPEED_LIMIT: 20}
TURNS = 50


def at_speed(speed: float) -> VehicleUpdate:
    """Return news of the vehicle at some speed, measured now."""
    now = dt_util.utcnow()
    return told(
        "1",
        now,
        name="Van",
        position=Position(
            latitude=52,
            longitude=5,
            accuracy=10,
            fixed_at=now,
            kind=FixKind.SATELLITE,
            speed=speed,
        ),
    )


@dataclass
class Gate:
    """A vehicle that stands, and a user who may command it."""

    hass: HomeAssistant
    cloud: Cloud
    coordinator: FleetCoordinator
    freezer: FrozenDateTimeFactory
    may: bool = True
    """Whether the caller may still command it."""

    @property
    def sent(self) -> list[str]:
        """The commands that reached the vendor."""
        return [command.name for _, command in self.cloud.commands]

    def start(self, command: Command) -> asyncio.Task[object]:
        """Begin to carry out a command."""
        return self.hass.async_create_background_task(
            self.coordinator.async_execute("1", command, lambda: self.may), "caller"
        )

    async def turns(self) -> None:
        """Let all go on that can."""
        await turns()

    def hold(self, wait: str) -> asyncio.Event:
        """Let commands wait for something, until the event that is returned is set."""
        held = asyncio.Event()
        setattr(self.cloud, wait, held)
        return held


@pytest.fixture
def cloud(clouds: Clouds) -> Cloud:
    """Return the cloud of the account."""
    return clouds["acme"]


@pytest.fixture
async def gate(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Gate]:
    """Return a vehicle that may be stopped as things are."""
    cloud.tell(at_speed(0))
    coordinator = await set_up(hass, cloud_entry(options=ALLOWED))
    cloud.interval = timedelta(hours=2)
    yield Gate(hass, cloud, coordinator, freezer)
    hass.set_state(CoreState.running)
    for held in (cloud.hang, cloud.lane, cloud.busy):
        if held is not None:
            held.set()
    await hass.async_block_till_done(wait_background_tasks=True)


async def turn_option_off(gate: Gate) -> None:
    """Forbid to cut engines, as the user does."""
    gate.hass.config_entries.async_update_entry(
        gate.coordinator.config_entry, options={**ALLOWED, CONF_ALLOW_ENGINE_CUT: False}
    )


async def unload(gate: Gate) -> None:
    """Unload the account."""
    await gate.hass.config_entries.async_unload(gate.coordinator.config_entry.entry_id)


async def remove(gate: Gate) -> None:
    """Remove the account."""
    await gate.hass.config_entries.async_remove(gate.coordinator.config_entry.entry_id)


async def lose_vehicle(gate: Gate) -> None:
    """Leave the vehicle out of the account."""
    gate.coordinator.async_forget("1")
    gate.cloud.fleet.clear()


async def drive_off(gate: Gate) -> None:
    """Let a push tell that it drives."""
    gate.cloud.push(at_speed(90))


async def grow_old(gate: Gate) -> None:
    """Let so much time pass that its speed is not freshly known any more."""
    gate.freezer.tick(121)


async def lower_limit(gate: Gate) -> None:
    """Set a limit below its speed."""
    gate.hass.config_entries.async_update_entry(
        gate.coordinator.config_entry,
        options={**ALLOWED, CONF_ENGINE_CUT_SPEED_LIMIT: 5},
    )


async def withdraw_rights(gate: Gate) -> None:
    """Let the caller have no permission any more."""
    gate.may = False


async def stop_home_assistant(gate: Gate) -> None:
    """Let Home Assistant begin to stop, before it ends what is under way."""
    gate.hass.set_state(CoreState.stopping)


async def restore(gate: Gate) -> None:
    """Let it drive again. This waits for nothing that the cut waits for."""
    gate.cloud.lane, lane = None, gate.cloud.lane
    await gate.coordinator.async_execute("1", RESTORE)
    assert gate.sent == ["engine_cut_off"]
    gate.cloud.lane = lane


type Meanwhile = Callable[[Gate], Awaitable[None]]

MEANWHILE: dict[Meanwhile, set[str]] = {
    turn_option_off: {"engine_cut_not_enabled", "entry_not_loaded"},
    unload: {"entry_not_loaded"},
    remove: {"entry_not_loaded"},
    lose_vehicle: {"vehicle_unavailable"},
    drive_off: {"engine_cut_too_fast"},
    restore: {"engine_cut_withdrawn"},
    withdraw_rights: {"engine_cut_not_permitted"},
    stop_home_assistant: {"engine_cut_withdrawn"},
}
"""An interference, and the words that may refuse the caller."""


@pytest.mark.parametrize("wait", ["hang", "lane"])
@pytest.mark.parametrize("meanwhile", MEANWHILE, ids=lambda one: one.__name__)
async def test_nothing_that_stops_is_sent(
    gate: Gate, wait: str, meanwhile: Meanwhile
) -> None:
    """While the look hangs, and while the request waits for its turn."""
    held = gate.hold(wait)
    caller = gate.start(CUT)
    await gate.turns()
    assert gate.cloud.looks == ["1"]
    await meanwhile(gate)
    await gate.turns()
    held.set()
    with pytest.raises(HomeAssistantError) as refused:
        await caller
    await gate.hass.async_block_till_done(wait_background_tasks=True)
    assert "engine_cut_on" not in gate.sent
    key = refused.value.translation_key
    assert key in MEANWHILE[meanwhile]
    assert key not in async_get_exception_message(
        DOMAIN, key, refused.value.translation_placeholders
    )


@pytest.mark.parametrize("meanwhile", [grow_old, lower_limit])
async def test_nothing_that_stops_is_sent_when_its_turn_comes_too_late(
    gate: Gate, meanwhile: Meanwhile
) -> None:
    """What was measured, and the limit, are those of the moment when it would be sent."""
    gate.cloud.tell(at_speed(10))
    held = gate.hold("lane")
    caller = gate.start(CUT)
    await gate.turns()
    await meanwhile(gate)
    held.set()
    with pytest.raises(HomeAssistantError):
        await caller
    assert gate.sent == []


async def test_it_is_sent_where_nothing_happens(gate: Gate) -> None:
    """Else the table above would prove nothing."""
    for wait in ("hang", "lane"):
        held = gate.hold(wait)
        caller = gate.start(CUT)
        await gate.turns()
        assert not caller.done()
        held.set()
        await caller
    assert gate.sent == ["engine_cut_on"] * 2


@pytest.mark.parametrize("wait", ["hang", "lane"])
async def test_unload_ends_it(gate: Gate, wait: str) -> None:
    """Who asked for it is told at once, though what it waits for never comes."""
    gate.hold(wait)
    caller = gate.start(CUT)
    await gate.turns()
    await unload(gate)
    await gate.turns()
    assert caller.done()
    with pytest.raises(HomeAssistantError) as refused:
        await caller
    assert refused.value.translation_key == "entry_not_loaded"


@pytest.mark.parametrize("wait", ["hang", "lane"])
async def test_restore_withdraws_it_at_once(gate: Gate, wait: str) -> None:
    """It does not wait behind it, and nobody waits for what it waited for."""
    gate.hold(wait)
    caller = gate.start(CUT)
    await gate.turns()
    await restore(gate)
    await gate.turns()
    assert caller.done()
    with pytest.raises(HomeAssistantError) as refused:
        await caller
    assert refused.value.translation_key == "engine_cut_withdrawn"


async def test_restore_overtakes_a_sent_command(gate: Gate) -> None:
    """Its caller is told that the restore came after it, not that the engine is cut."""
    answered = gate.hold("busy")
    caller = gate.start(CUT)
    await gate.turns()
    assert gate.sent == ["engine_cut_on"]
    restored = gate.start(RESTORE)
    await gate.turns()
    assert gate.sent == ["engine_cut_on", "engine_cut_off"]
    answered.set()
    await restored
    with pytest.raises(HomeAssistantError) as refused:
        await caller
    assert refused.value.translation_key == "engine_cut_overtaken"


async def test_cut_does_not_begin_while_a_restore_is_under_way(gate: Gate) -> None:
    """The later one would win, against who wanted to drive again."""
    answered = gate.hold("busy")
    restored = gate.start(RESTORE)
    await gate.turns()
    with pytest.raises(HomeAssistantError) as refused:
        await gate.coordinator.async_execute("1", CUT)
    assert refused.value.translation_key == "engine_cut_busy"
    answered.set()
    await restored
    assert gate.sent == ["engine_cut_off"]


@pytest.mark.parametrize("command", [BEEP, RESTORE], ids=["other", "restore"])
@pytest.mark.parametrize("meanwhile", [unload, remove])
async def test_no_other_command_is_sent_after_unload(
    gate: Gate, command: Command, meanwhile: Meanwhile
) -> None:
    """An account that is not running sends nothing at all."""
    held = gate.hold("lane")
    caller = gate.start(command)
    await gate.turns()
    await meanwhile(gate)
    held.set()
    with pytest.raises(HomeAssistantError) as refused:
        await caller
    assert refused.value.translation_key == "entry_not_loaded"
    assert gate.sent == []
