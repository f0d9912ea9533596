"""Commands: states in between, refusals, and messages afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.lock import LockState
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.const import (
    CONF_ALLOW_ENGINE_CUT,
    CONF_ENGINE_CUT_SPEED_LIMIT,
    DOMAIN,
)
from custom_components.fleet_tracker.contract.commands import Command, CommandResult
from custom_components.fleet_tracker.contract.errors import (
    AuthenticationFailed,
    CannotConnect,
    CommandFailed,
    CommandUnconfirmed,
    RateLimited,
    VehicleOffline,
    VendorError,
)
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Position,
    Value,
    VehicleUpdate,
)
from tests.common import (
    START,
    cloud_entry,
    command,
    elapse,
    entity_id,
    set_up,
    state_of,
)
from tests.languages import MARK
from tests.neutral_vendor import Cloud, Clouds, told

SECONDS = timedelta(seconds=1)
EVERYTHING = frozenset(
    {
        "beep",
        "blind",
        "cut_engine",
        "restore_engine",
        "lock",
        "mode",
        "output:1",
        "output:2",
        "restart",
        "upload_interval",
    }
)
ALLOWED = {CONF_ALLOW_ENGINE_CUT: True}


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account with a vehicle that can do everything."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.tell(told("1", START, name="Van", capabilities=EVERYTHING, ignition=False))
    return cloud


def sent(cloud: Cloud) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the commands that were sent to the one vehicle."""
    return [
        (command.name, dict(command.arguments))
        for vehicle_id, command in cloud.commands
        if vehicle_id == "1"
    ]


async def refusal(
    hass: HomeAssistant, domain: str, service: str, key: str, **data: Any
) -> HomeAssistantError:
    """Return the error that a command ends with."""
    with pytest.raises(HomeAssistantError) as caught:
        await command(hass, domain, service, entity_id(hass, domain, key), **data)
    return caught.value


# --- each platform --------------------------------------------------------------------------


async def test_lock(hass: HomeAssistant, cloud: Cloud) -> None:
    """Unknown before anything said so, locking in between, locked once confirmed."""
    await set_up(hass, cloud_entry())
    lock = entity_id(hass, "lock", "locked")
    assert state_of(hass, "lock", "locked").state == STATE_UNKNOWN
    for service, between, after in (
        ("lock", LockState.LOCKING, LockState.LOCKED),
        ("unlock", LockState.UNLOCKING, LockState.UNLOCKED),
    ):
        cloud.busy = asyncio.Event()
        task = hass.async_create_task(command(hass, "lock", service, lock))
        await asyncio.sleep(0)
        assert state_of(hass, "lock", "locked").state == between
        cloud.busy.set()
        await task
        assert state_of(hass, "lock", "locked").state == after
    assert sent(cloud) == [("locked_on", {}), ("locked_off", {})]


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (VehicleOffline(), "vehicle_offline"),
        (CommandFailed(key="helmet_missing"), "helmet_missing"),
        (CommandUnconfirmed(), "command_unconfirmed"),
        (CannotConnect(), "cannot_connect"),
        (RateLimited(), "rate_limited"),
    ],
)
async def test_lock_that_is_refused_falls_back(
    hass: HomeAssistant, cloud: Cloud, error: VendorError, key: str
) -> None:
    """To what it was, with an error that says what happened."""
    cloud.tell(told("1", START, capabilities=frozenset({"lock"}), locked=False))
    await set_up(hass, cloud_entry())
    cloud.answers = {"locked_on": error}
    caught = await refusal(hass, "lock", "lock", "locked")
    assert caught.translation_key == key
    assert state_of(hass, "lock", "locked").state == LockState.UNLOCKED


async def test_switches_with_parts(hass: HomeAssistant, cloud: Cloud) -> None:
    """Each part has a switch of its own, and the command names the part."""
    await set_up(hass, cloud_entry())
    output = entity_id(hass, "switch", "output_2")
    await command(hass, "switch", "turn_on", output)
    assert state_of(hass, "switch", "output_2").state == STATE_ON
    assert state_of(hass, "switch", "output_1").state == STATE_UNKNOWN
    await command(hass, "switch", "turn_off", output)
    assert state_of(hass, "switch", "output_2").state == STATE_OFF
    assert sent(cloud) == [("output_on", {"part": "2"}), ("output_off", {"part": "2"})]


async def test_switch_is_assumed_until_something_reads_it(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """And for good, where nothing ever does."""
    await set_up(hass, cloud_entry())
    for key, assumed_after in (("output_1", None), ("blind", True)):
        assert state_of(hass, "switch", key).attributes["assumed_state"] is True
        await command(hass, "switch", "turn_on", entity_id(hass, "switch", key))
        attributes = state_of(hass, "switch", key).attributes
        assert attributes.get("assumed_state") is assumed_after


async def test_switch_that_is_refused_falls_back(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """The front end shows what was asked for until the state is written again."""
    await set_up(hass, cloud_entry())
    output = entity_id(hass, "switch", "output_1")
    await command(hass, "switch", "turn_off", output)
    cloud.answers = {"output_on": CommandFailed()}
    freezer.tick(1)
    caught = await refusal(hass, "switch", "turn_on", "output_1")
    assert caught.translation_key == "command_failed"
    assert state_of(hass, "switch", "output_1").state == STATE_OFF
    assert state_of(hass, "switch", "output_1").last_reported == dt_util.utcnow()


async def test_number(hass: HomeAssistant, cloud: Cloud) -> None:
    """It shows what was confirmed; what is no number is not known."""
    await set_up(hass, cloud_entry())
    number = entity_id(hass, "number", "upload_interval")
    state = state_of(hass, "number", "upload_interval")
    assert (state.state, state.attributes["assumed_state"]) == (STATE_UNKNOWN, True)
    assert state.attributes["max"] == 3600
    await command(hass, "number", "set_value", number, value=30)
    assert state_of(hass, "number", "upload_interval").state == "30.0"
    assert sent(cloud) == [("upload_interval_set", {"value": 30})]
    cloud.answers = {"upload_interval_set": CommandFailed()}
    await refusal(hass, "number", "set_value", "upload_interval", value=60)
    assert state_of(hass, "number", "upload_interval").state == "30.0"
    cloud.push(told("1", dt_util.utcnow(), upload_interval="often"))
    assert state_of(hass, "number", "upload_interval").state == "30.0"


async def test_number_with_a_part(hass: HomeAssistant, cloud: Cloud) -> None:
    """The command names the part."""
    capabilities = frozenset({"upload_interval:gnss"})
    cloud.tell(told("1", START, capabilities=capabilities))
    await set_up(hass, cloud_entry())
    number = entity_id(hass, "number", "upload_interval_gnss")
    await command(hass, "number", "set_value", number, value=30)
    assert sent(cloud) == [("upload_interval_set", {"value": 30, "part": "gnss"})]
    assert state_of(hass, "number", "upload_interval_gnss").state == "30.0"


async def test_number_of_no_number(hass: HomeAssistant, cloud: Cloud) -> None:
    """A reading of another kind is not shown as one."""
    await set_up(hass, cloud_entry())
    for value in ("often", True):
        cloud.push(told("1", dt_util.utcnow(), upload_interval=value, ignition=True))
        assert state_of(hass, "number", "upload_interval").state == STATE_UNKNOWN
    cloud.push(told("1", dt_util.utcnow(), upload_interval=5))
    assert state_of(hass, "number", "upload_interval").state == "5.0"


async def test_select(hass: HomeAssistant, cloud: Cloud) -> None:
    """It shows what was confirmed; a choice that it does not have is not known."""
    await set_up(hass, cloud_entry())
    select = entity_id(hass, "select", "mode")
    await command(hass, "select", "select_option", select, option="sport")
    assert state_of(hass, "select", "mode").state == "sport"
    assert sent(cloud) == [("mode_set", {"option": "sport"})]
    cloud.answers = {"mode_set": CommandFailed()}
    await refusal(hass, "select", "select_option", "mode", option="eco")
    assert state_of(hass, "select", "mode").state == "sport"


@pytest.mark.parametrize("value", ["off-road", 0])
async def test_select_of_an_unknown_choice(
    hass: HomeAssistant, cloud: Cloud, value: Value
) -> None:
    """What the vehicle says it is in is none of those that can be chosen."""
    await set_up(hass, cloud_entry())
    cloud.push(told("1", dt_util.utcnow(), mode=value))
    assert state_of(hass, "select", "mode").state == STATE_UNKNOWN


async def test_buttons(hass: HomeAssistant, cloud: Cloud) -> None:
    """One sends its key, one a command of another name, and refresh takes a look."""
    await set_up(hass, cloud_entry())
    for key in ("beep", "restart"):
        await command(hass, "button", "press", entity_id(hass, "button", key))
    assert sent(cloud) == [("beep", {}), ("reboot", {})]
    cloud.tell(told("1", dt_util.utcnow(), ignition=True))
    await command(hass, "button", "press", entity_id(hass, "button", "refresh"))
    assert cloud.looks == ["1"]
    assert state_of(hass, "binary_sensor", "ignition").state == STATE_ON
    cloud.look_error = CannotConnect()
    caught = await refusal(hass, "button", "press", "refresh")
    assert caught.translation_key == "cannot_connect"


# --- capabilities ---------------------------------------------------------------------------


async def test_capability_that_disappears_and_comes_back(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """Its entities go, others stay; what the user did to them comes back with them."""
    await set_up(hass, cloud_entry())
    for _ in range(2):
        cloud.push(told("1", dt_util.utcnow(), capabilities=frozenset({"lock"})))
        await hass.async_block_till_done()
        assert entity_id(hass, "lock", "locked") is not None
        for platform, key in (
            ("button", "restore_engine"),
            ("switch", "output_1"),
            ("number", "upload_interval"),
            ("select", "mode"),
            ("button", "beep"),
        ):
            assert entity_id(hass, platform, key) is None
        # The button that every vehicle has, and a reading that is only not told now.
        assert state_of(hass, "button", "refresh").state == STATE_UNKNOWN
        assert state_of(hass, "binary_sensor", "ignition").state == STATE_UNKNOWN

        cloud.push(told("1", dt_util.utcnow(), capabilities=EVERYTHING))
        await hass.async_block_till_done()
        assert state_of(hass, "button", "beep").state == STATE_UNKNOWN
        assert state_of(hass, "switch", "output_1").state == STATE_UNKNOWN


async def test_part_that_disappears(hass: HomeAssistant, cloud: Cloud) -> None:
    """Only its own entity goes."""
    await set_up(hass, cloud_entry())
    cloud.push(told("1", dt_util.utcnow(), capabilities=EVERYTHING - {"output:1"}))
    await hass.async_block_till_done()
    assert entity_id(hass, "switch", "output_1") is None
    assert state_of(hass, "switch", "output_2").state == STATE_UNKNOWN


async def test_reading_that_needs_a_capability(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """No sensor without it, however often the reading is told."""
    await set_up(hass, cloud_entry())
    cloud.push(told("1", dt_util.utcnow(), rare=1))
    await hass.async_block_till_done()
    assert entity_id(hass, "sensor", "rare") is None
    cloud.push(told("1", dt_util.utcnow(), capabilities=frozenset({"rare"}), rare=2))
    await hass.async_block_till_done()
    assert state_of(hass, "sensor", "rare").state == "2"


# --- messages afterwards --------------------------------------------------------------------


async def test_warning(hass: HomeAssistant, cloud: Cloud) -> None:
    """Something done with a reservation is no failure, but the user is told."""
    await set_up(hass, cloud_entry())
    await command(hass, "button", "press", entity_id(hass, "button", "beep"))
    assert not hass.data.get("persistent_notification")
    cloud.answers = {"beep": CommandResult(warning="vehicle_expired")}
    await command(hass, "button", "press", entity_id(hass, "button", "beep"))
    shown = list(hass.data["persistent_notification"].values())
    assert [(one["title"], one["message"]) for one in shown] == [
        ("Van", "The vehicle's subscription has expired.")
    ]


@pytest.mark.usefixtures("german")
async def test_warning_in_another_language(hass: HomeAssistant, cloud: Cloud) -> None:
    """A warning is translated, since a notification is shown as it is."""
    await set_up(hass, cloud_entry())
    cloud.answers = {"beep": CommandResult(warning="vehicle_expired")}
    await command(hass, "button", "press", entity_id(hass, "button", "beep"))
    (shown,) = hass.data["persistent_notification"].values()
    assert shown["message"] == f"{MARK}The vehicle's subscription has expired."


async def test_wrong_credentials_of_a_command(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """They ask for new ones, as in a poll."""
    await set_up(hass, cloud_entry())
    cloud.answers = {"beep": AuthenticationFailed()}
    caught = await refusal(hass, "button", "press", "beep")
    assert caught.translation_key == "invalid_auth"
    await hass.async_block_till_done()
    flows = hass.config_entries.flow.async_progress()
    assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]


async def test_commands_of_a_vehicle_come_one_after_the_other(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """Two at once would make it unclear which of them was confirmed."""
    cloud.tell(told("2", START, capabilities=frozenset({"beep"})))
    await set_up(hass, cloud_entry())
    cloud.busy = asyncio.Event()
    tasks = [
        hass.async_create_task(
            command(hass, "button", "press", entity_id(hass, "button", key, vehicle))
        )
        for key, vehicle in (("beep", "1"), ("restart", "1"), ("beep", "2"))
    ]
    for _ in range(5):
        await asyncio.sleep(0)
    assert [vehicle for vehicle, _ in cloud.commands] == ["1", "2"]
    cloud.busy.set()
    await asyncio.gather(*tasks)
    assert sent(cloud) == [("beep", {}), ("reboot", {})]


# --- the guard ------------------------------------------------------------------------------


def fix(fixed_at: datetime, speed: float | None) -> Position:
    """Return a fix."""
    return Position(
        latitude=52,
        longitude=5,
        accuracy=10,
        fixed_at=fixed_at,
        kind=FixKind.SATELLITE,
        speed=speed,
    )


class Guarded:
    """A vehicle with an engine that a user wants to cut."""

    def __init__(
        self, hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
    ) -> None:
        """Initialize with Home Assistant, the cloud and the clock."""
        self.hass, self.cloud, self.freezer = hass, cloud, freezer

    async def set_up(self, **options: Any) -> None:
        """Set the account up, long before the command."""
        await set_up(self.hass, cloud_entry(options=options))
        self.cloud.interval = timedelta(hours=2)
        await elapse(self.hass, self.freezer, 3600 * SECONDS)

    def look_shows(
        self,
        *,
        heard: timedelta = timedelta(),
        fixed: timedelta | None = None,
        speed: float | None = None,
        **readings: Value,
    ) -> None:
        """Decide what the look shows: how long ago it was heard, fixed, and so on."""
        now = dt_util.utcnow()
        self.cloud.tell(
            told(
                "1",
                now,
                readings,
                heard_at=now - heard,
                position=None if fixed is None else fix(now - fixed, speed),
                capabilities=EVERYTHING,
            )
        )

    async def cloud_tells(self) -> None:
        """Let what a look would show be known already."""
        self.cloud.push(*self.cloud.fleet.values())
        await self.elapse(1)

    async def elapse(self, seconds: float) -> None:
        """Let time pass."""
        await elapse(self.hass, self.freezer, seconds)

    async def cut(self) -> None:
        """Cut the engine."""
        await command(
            self.hass, "button", "press", entity_id(self.hass, "button", "cut_engine")
        )

    async def refused(self) -> HomeAssistantError:
        """Try to cut the engine, and return why that is refused."""
        with pytest.raises(HomeAssistantError) as caught:
            await self.cut()
        assert self.cloud.commands == []
        return caught.value


@pytest.fixture
def guarded(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Guarded:
    """Return the vehicle. Time passes when the integration sleeps."""

    async def sleep(_coordinator: FleetCoordinator, seconds: float) -> None:
        freezer.tick(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(FleetCoordinator, "sleep", sleep)
    return Guarded(hass, cloud, freezer)


async def test_cut_off_is_off_until_the_user_allows_it(guarded: Guarded) -> None:
    """It is not even looked at the vehicle."""
    await guarded.set_up()
    assert entity_id(guarded.hass, "button", "cut_engine") is None
    assert entity_id(guarded.hass, "button", "restore_engine") is not None
    (entry,) = guarded.hass.config_entries.async_entries(DOMAIN)
    with pytest.raises(HomeAssistantError) as caught:
        await entry.runtime_data.async_execute("1", Command("engine_cut_on"))
    assert caught.value.translation_key == "engine_cut_not_enabled"
    assert (guarded.cloud.looks, guarded.cloud.commands) == ([], [])


PASSES: list[tuple[dict[str, Any], float]] = [
    ({"fixed": 0 * SECONDS, "speed": 19.9, "ignition": True}, 20),
    ({"fixed": 0 * SECONDS, "speed": 49, "online": True}, 50),
    ({"fixed": 0 * SECONDS, "speed": 4.9}, 0),
]


@pytest.mark.parametrize(("look", "limit"), PASSES)
async def test_guard_lets_pass(
    guarded: Guarded, look: dict[str, Any], limit: float
) -> None:
    """What surely stands or crawls may be stopped, after one look."""
    await guarded.set_up(**ALLOWED, **{CONF_ENGINE_CUT_SPEED_LIMIT: limit})
    guarded.look_shows(**look)
    await guarded.cut()
    assert guarded.cloud.looks == ["1"]
    assert sent(guarded.cloud) == [("engine_cut_on", {})]
    assert state_of(guarded.hass, "binary_sensor", "engine_cut").state == STATE_ON


REFUSALS: list[tuple[dict[str, Any], float, str, dict[str, str]]] = [
    ({"online": False, "ignition": False}, 20, "vehicle_offline", {}),
    (
        {"fixed": 0 * SECONDS, "speed": 20},
        20,
        "engine_cut_too_fast",
        {"speed": "20", "limit": "20"},
    ),
    # A limit of 0 is not offered any more: one that was stored counts as 5.
    (
        {"fixed": 0 * SECONDS, "speed": 5},
        0,
        "engine_cut_too_fast",
        {"speed": "5", "limit": "5"},
    ),
    ({"fixed": 121 * SECONDS, "speed": 0}, 20, "engine_cut_speed_unknown", {}),
]


@pytest.mark.parametrize(("look", "limit", "reason", "placeholders"), REFUSALS)
async def test_guard_refuses(
    guarded: Guarded,
    look: dict[str, Any],
    limit: float,
    reason: str,
    placeholders: dict[str, str],
) -> None:
    """With the reason, and without sending anything. All cases are in `test_guard`."""
    await guarded.set_up(**ALLOWED, **{CONF_ENGINE_CUT_SPEED_LIMIT: limit})
    guarded.look_shows(**look)
    caught = await guarded.refused()
    assert caught.translation_key == reason
    assert (caught.translation_placeholders or {}) == placeholders
    assert guarded.cloud.looks == ["1"]
    assert entity_id(guarded.hass, "binary_sensor", "engine_cut") is None


async def test_guard_looks_for_a_minute_at_a_vehicle_with_rare_contacts(
    guarded: Guarded,
) -> None:
    """Every 10 seconds, and then tells when the vehicle was last heard of."""
    await guarded.set_up(**ALLOWED)
    guarded.look_shows(heard=179 * SECONDS)
    began = dt_util.utcnow()
    caught = await guarded.refused()
    assert caught.translation_key == "engine_cut_no_contact_usual"
    assert caught.translation_placeholders == {"minutes": "4", "usual": "57.0"}
    assert dt_util.utcnow() - began == 60 * SECONDS
    assert len(guarded.cloud.looks) == 7


async def test_guard_sees_the_heartbeat_that_comes_meanwhile(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tracker whose heartbeat comes every 3 minutes can be told what stops it."""
    await guarded.set_up(**ALLOWED)
    guarded.look_shows(ignition=True)
    await guarded.cloud_tells()
    await guarded.elapse(200)
    guarded.look_shows(heard=170 * SECONDS, ignition=False)
    sleep = FleetCoordinator.sleep

    async def sleep_and_hear(coordinator: FleetCoordinator, seconds: float) -> None:
        await sleep(coordinator, seconds)
        if len(guarded.cloud.looks) == 3:
            guarded.look_shows(ignition=False)

    monkeypatch.setattr(FleetCoordinator, "sleep", sleep_and_hear)
    await guarded.cut()
    assert len(guarded.cloud.looks) == 4
    assert sent(guarded.cloud) == [("engine_cut_on", {})]


async def test_guard_uses_the_default_limit(guarded: Guarded) -> None:
    """20 km/h; what was faster counts for 2 minutes."""
    await guarded.set_up(**ALLOWED)
    guarded.look_shows(fixed=timedelta(), speed=20)
    assert (await guarded.refused()).translation_key == "engine_cut_too_fast"
    guarded.look_shows(fixed=timedelta(), speed=19)
    assert (await guarded.refused()).translation_key == "engine_cut_too_fast"
    await guarded.elapse(121)
    guarded.look_shows(fixed=timedelta(), speed=19)
    await guarded.cut()


async def test_guard_is_not_misled_by_the_clock_of_the_first_word(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory, guarded: Guarded
) -> None:
    """A tracker that was heard from the future was heard when that came, not later."""
    cloud.tell(
        told(
            "1",
            START,
            heard_at=START + timedelta(days=1),
            capabilities=EVERYTHING,
            ignition=False,
            moving=False,
        )
    )
    await guarded.set_up(**ALLOWED)
    assert (await guarded.refused()).translation_key == "engine_cut_no_contact"


async def test_guard_refuses_when_the_look_fails(guarded: Guarded) -> None:
    """What cannot be seen cannot be judged."""
    await guarded.set_up(**ALLOWED)
    guarded.cloud.look_error = CannotConnect()
    assert (await guarded.refused()).translation_key == "cannot_connect"


async def test_cut_off_never_waits(guarded: Guarded) -> None:
    """Nobody expects it any more once the command before it is done; restoring may wait."""
    await guarded.set_up(**ALLOWED)
    guarded.look_shows(fixed=timedelta(), speed=0, ignition=False)
    hass, cloud = guarded.hass, guarded.cloud
    cloud.busy = asyncio.Event()
    beep = entity_id(hass, "button", "beep")
    restore = entity_id(hass, "button", "restore_engine")
    first = hass.async_create_task(command(hass, "button", "press", beep))
    await asyncio.sleep(0)
    restored = hass.async_create_task(command(hass, "button", "press", restore))
    with pytest.raises(HomeAssistantError) as caught:
        await guarded.cut()
    assert caught.value.translation_key == "engine_cut_busy"
    cloud.busy.set()
    await asyncio.gather(first, restored)
    assert sent(cloud) == [("beep", {}), ("engine_cut_off", {})]
    # Two at once are one, too: the second is not sent again after the first.
    cloud.busy.clear()
    cut = hass.async_create_task(guarded.cut())
    await asyncio.sleep(0)
    with pytest.raises(HomeAssistantError) as caught:
        await guarded.cut()
    assert caught.value.translation_key == "engine_cut_busy"
    cloud.busy.set()
    await cut
    assert sent(cloud)[2:] == [("engine_cut_on", {})]


async def test_vehicle_that_is_removed_while_it_is_commanded(
    hass: HomeAssistant, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody knows any more is not stopped, and nobody is told of it."""
    coordinator = await set_up(hass, cloud_entry(options=ALLOWED))

    async def look(vehicle_id: str) -> VehicleUpdate:
        coordinator.async_forget(vehicle_id)
        coordinator.excluded = frozenset({vehicle_id})
        return VehicleUpdate(vehicle_id=vehicle_id)

    monkeypatch.setattr(coordinator.connection, "look", look)
    with pytest.raises(HomeAssistantError) as caught:
        await coordinator.async_execute("1", Command("engine_cut_on"))
    assert caught.value.translation_key == "vehicle_unavailable"
    assert cloud.commands == []
    cloud.answers = {"beep": CommandResult(warning="vehicle_expired")}
    await coordinator.async_execute("1", Command("beep"))
    assert not hass.data.get("persistent_notification")


async def test_restoring_is_never_guarded(guarded: Guarded) -> None:
    """Not by the option, not by the speed, not by the contact."""
    await guarded.set_up()
    guarded.look_shows(fixed=timedelta(), speed=100, online=False)
    restore = entity_id(guarded.hass, "button", "restore_engine")
    await command(guarded.hass, "button", "press", restore)
    assert guarded.cloud.looks == []
    assert sent(guarded.cloud) == [("engine_cut_off", {})]
    assert state_of(guarded.hass, "binary_sensor", "engine_cut").state == STATE_OFF


async def test_other_commands_are_not_guarded(guarded: Guarded) -> None:
    """Locking a driving vehicle stops nobody."""
    await guarded.set_up()
    lock = entity_id(guarded.hass, "lock", "locked")
    await command(guarded.hass, "lock", "lock", lock)
    assert guarded.cloud.looks == []
