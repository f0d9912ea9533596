"""The life of an entry: set-up, restart, unloading, removal, and Home Assistant's stop."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
import json
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState, ConfigSubentry
from homeassistant.const import (
    EVENT_HOMEASSISTANT_STOP,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components import fleet_tracker
from custom_components.fleet_tracker import async_remove_config_entry_device, entity
from custom_components.fleet_tracker.account.handover import hand_over
from custom_components.fleet_tracker.const import DOMAIN, SUBENTRY_VEHICLE
from custom_components.fleet_tracker.contract.errors import (
    AuthenticationFailed,
    CannotConnect,
    VendorError,
)
from custom_components.fleet_tracker.model.vehicle import Position, VehicleUpdate
from tests.common import (
    START,
    cloud_entry,
    device_of,
    elapse,
    entity_id,
    listener_entry,
    set_up,
    set_up_component,
    state_of,
)
from tests.neutral_vendor import CLOUD, Cloud, Clouds, told

MINUTE = timedelta(minutes=1)


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account, with a vehicle."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.tell(van())
    return cloud


@pytest.fixture
def port(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud behind a listener."""
    freezer.move_to(START)
    return clouds["port"]


def van(vehicle_id: str = "1", *, battery: int = 80) -> VehicleUpdate:
    """Return what a cloud tells of a vehicle."""
    now = dt_util.utcnow()
    return told(
        vehicle_id,
        now,
        name=f"Van {vehicle_id}",
        capabilities=frozenset({"lock"}),
        position=Position(latitude=52, longitude=5, accuracy=10, fixed_at=now, speed=0),
        battery=battery,
        ignition=False,
        online=True,
    )


# --- set-up and unloading -------------------------------------------------------------------


async def test_set_up_and_unload(hass: HomeAssistant, cloud: Cloud) -> None:
    """What an entry holds is free once it is unloaded, and it can be set up again."""
    entry = cloud_entry()
    for number in (1, 2):
        if number == 1:
            await set_up(hass, entry)
        else:
            assert await hass.config_entries.async_setup(entry.entry_id)
        assert cloud.is_open
        assert state_of(hass, "sensor", "battery").state == "80"
        assert await hass.config_entries.async_unload(entry.entry_id)
        assert entry.state is ConfigEntryState.NOT_LOADED
        assert not cloud.is_open
        assert cloud.connections == number
        assert state_of(hass, "sensor", "battery").state == STATE_UNAVAILABLE


async def test_nothing_happens_after_unloading(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """No poll that was planned, no news that came late, no wish of the connection."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    coordinator.poll_soon(5)
    polls = cloud.polls
    assert await hass.config_entries.async_unload(entry.entry_id)
    cloud.push(van(battery=1), van("2"))
    coordinator.poll_soon(1)
    await elapse(hass, freezer, 120)
    assert cloud.polls == polls
    assert coordinator.vehicles().keys() == {"1"}
    assert entity_id(hass, "sensor", "battery", "2") is None


async def test_unloading_while_a_poll_is_under_way(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """The answer that comes later is nobody's any more."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    cloud.busy = asyncio.Event()
    poll = hass.async_create_task(coordinator.async_refresh())
    await asyncio.sleep(0)
    assert await hass.config_entries.async_unload(entry.entry_id)
    cloud.tell(van(battery=1), van("2"))
    cloud.busy.set()
    await poll
    assert coordinator.vehicles().keys() == {"1"}


async def test_unloading_during_a_look(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is seen after that is nobody's: no file is written when the entry is gone."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    seen: asyncio.Future[VehicleUpdate] = hass.loop.create_future()

    async def look(vehicle_id: str) -> VehicleUpdate:
        return await seen

    monkeypatch.setattr(coordinator.connection, "look", look)
    looking = hass.async_create_task(coordinator.async_look("1"))
    await asyncio.sleep(0)
    assert await hass.config_entries.async_remove(entry.entry_id)
    seen.set_result(van(battery=1))
    await looking
    await coordinator.memory.put("token", "of a login that took long")
    await elapse(hass, freezer, 6 * MINUTE)
    assert not [key for key in hass_storage if entry.entry_id in key]


@pytest.mark.parametrize("where", ["open_error", "poll_error"])
@pytest.mark.parametrize(
    ("error", "state"),
    [
        (CannotConnect(), ConfigEntryState.SETUP_RETRY),
        (VendorError(), ConfigEntryState.SETUP_RETRY),
        (AuthenticationFailed(), ConfigEntryState.SETUP_ERROR),
    ],
)
async def test_set_up_that_fails(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    where: str,
    error: VendorError,
    state: ConfigEntryState,
) -> None:
    """It is tried again, unless the credentials are wrong; nothing stays open."""
    setattr(cloud, where, error)
    entry = cloud_entry()
    await set_up(hass, entry, state)
    assert not cloud.is_open
    flows = [
        flow["context"]["source"] for flow in hass.config_entries.flow.async_progress()
    ]
    if state is ConfigEntryState.SETUP_ERROR:
        assert flows == [SOURCE_REAUTH]
        return
    assert flows == []
    setattr(cloud, where, None)
    await elapse(hass, freezer, 30)
    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, "sensor", "battery").state == "80"


async def test_unloading_that_fails(
    hass: HomeAssistant, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is still shown still has its connection."""

    async def fail(*_: object) -> bool:
        return False

    entry = cloud_entry()
    await set_up(hass, entry)
    with monkeypatch.context() as patch:
        patch.setattr(hass.config_entries, "async_unload_platforms", fail)
        assert not await hass.config_entries.async_unload(entry.entry_id)
    assert cloud.is_open


async def test_many_entities_come_behind_the_set_up(
    hass: HomeAssistant, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant warns of platforms that take long."""
    monkeypatch.setattr(entity, "LONGEST_SET_UP", 0)
    cloud.tell(*(van(str(number)) for number in range(30)))
    entry = cloud_entry()
    await set_up(hass, entry)
    for number in range(30):
        assert state_of(hass, "sensor", "battery", str(number)).state == "80"

    # Unloaded before they have come, none comes any more.
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert {state.state for state in hass.states.async_all("sensor")} == {
        STATE_UNAVAILABLE
    }


async def test_set_up_that_fails_late(
    hass: HomeAssistant, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port or a login must not stay taken by an entry that is not set up."""

    async def fail(*_: object) -> None:
        raise HomeAssistantError("a platform cannot be imported")

    monkeypatch.setattr(hass.config_entries, "async_forward_entry_setups", fail)
    await set_up(hass, cloud_entry(), ConfigEntryState.SETUP_ERROR)
    assert cloud.connections == 1
    assert not cloud.is_open


async def test_empty_account(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """It is polled all the same, and the first vehicle appears by itself."""
    cloud.fleet.clear()
    await set_up(hass, cloud_entry())
    cloud.tell(van())
    await elapse(hass, freezer, 61)
    assert state_of(hass, "sensor", "battery").state == "80"


async def test_facts_that_the_flow_handed_over(
    hass: HomeAssistant, cloud: Cloud, hass_storage: dict[str, Any]
) -> None:
    """They are in the memory before the connection asks, and taken only once."""
    entry = cloud_entry()
    hand_over(hass, f"{CLOUD}_acme", {"token": "t"})
    hand_over(hass, f"{CLOUD}_other", {"token": "not mine"})
    coordinator = await set_up(hass, entry)
    assert coordinator.memory.get("token") == "t"
    assert hass_storage[f"{DOMAIN}.{entry.entry_id}.memory"]["data"]["vendor"] == {
        "token": "t"
    }
    await coordinator.memory.put("token", "newer")
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.runtime_data.memory.get("token") == "newer"


async def test_system_options_change_nothing(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """What is not ours causes no reload, and above all forgets no vehicle."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, pref_disable_new_entities=True)
    await hass.async_block_till_done()
    assert cloud.connections == 1
    assert coordinator.vehicles().keys() == {"1"}
    assert device_of(hass, coordinator) is not None
    hass.config_entries.async_update_entry(entry, title="Renamed")
    await hass.async_block_till_done()
    assert cloud.connections == 2


# --- restart --------------------------------------------------------------------------------


async def test_restart_shows_stored_vehicles(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """The van in the tunnel is where it was, with the time of its last fix."""
    entry = cloud_entry()
    await set_up(hass, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    cloud.fleet.clear()
    freezer.tick(timedelta(days=3))
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    tracker = state_of(hass, "device_tracker", "position")
    assert (tracker.attributes["latitude"], tracker.attributes["longitude"]) == (52, 5)
    assert state_of(hass, "sensor", "last_fix").state == START.isoformat()
    assert state_of(hass, "sensor", "last_contact").state == START.isoformat()
    assert state_of(hass, "sensor", "battery").state == "80"
    assert state_of(hass, "binary_sensor", "ignition").state == STATE_OFF
    assert state_of(hass, "lock", "locked").state == STATE_UNKNOWN


async def test_restart_applies_the_passing_of_time(
    hass: HomeAssistant,
    port: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """A vehicle that was not heard of for long is offline, and stands."""
    entry = listener_entry("port", "1")
    await set_up(hass, entry)
    now = dt_util.utcnow()
    port.push(
        VehicleUpdate(
            vehicle_id="1",
            position=Position(
                latitude=52, longitude=5, accuracy=10, fixed_at=now, speed=50
            ),
            heard_at=now,
            contact_interval=MINUTE,
        )
    )
    await hass.async_block_till_done()
    assert state_of(hass, "binary_sensor", "moving").state == STATE_ON
    await hass.config_entries.async_unload(entry.entry_id)
    freezer.tick(timedelta(hours=1))
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, "binary_sensor", "moving").state == STATE_OFF
    assert state_of(hass, "binary_sensor", "online").state == STATE_OFF
    assert state_of(hass, "sensor", "last_contact").state == START.isoformat()


async def test_restart_goes_on_waiting(
    hass: HomeAssistant,
    port: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """A quick restart forgets no time at which something is to change."""
    entry = listener_entry("port", "1")
    await set_up(hass, entry)
    port.push(
        VehicleUpdate(
            vehicle_id="1", heard_at=dt_util.utcnow(), contact_interval=MINUTE
        )
    )
    await hass.config_entries.async_unload(entry.entry_id)
    freezer.tick(MINUTE)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, "binary_sensor", "online").state == STATE_ON
    await elapse(hass, freezer, 2 * MINUTE + timedelta(seconds=1))
    assert state_of(hass, "binary_sensor", "online").state == STATE_OFF


async def test_vehicles_are_written_every_5_minutes_at_most(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Steady news do not put it off, and without news nothing is written."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.interval = timedelta(hours=9)
    cloud.fleet.clear()
    key = f"{DOMAIN}.{entry.entry_id}.vehicles"
    written: list[int] = []
    for second in range(0, 16 * 60, 10):
        hass_storage.pop(key, None)
        cloud.push(van(battery=second))
        await elapse(hass, freezer, 10)
        if key in hass_storage:
            written.append(second)
    assert len(written) == 3
    assert min(later - sooner for sooner, later in pairwise(written)) >= 300

    await elapse(hass, freezer, 6 * MINUTE)
    hass_storage.pop(key, None)
    await elapse(hass, freezer, 60 * MINUTE)
    assert key not in hass_storage


async def test_forgotten_vehicle_is_not_kept(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Though nothing else is new that would have to be written."""
    cloud.interval = timedelta(hours=9)
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    cloud.push(van("1"), van("2"))
    await elapse(hass, freezer, 6 * MINUTE)
    key = f"{DOMAIN}.{entry.entry_id}.vehicles"
    assert "2" in str(hass_storage[key])
    coordinator.async_forget("2")
    await hass.config_entries.async_unload(entry.entry_id)
    kept = hass_storage[key]["data"]["vehicles"]
    assert [json.loads(one)["vehicle_id"] for one in kept] == ["1"]


async def test_stop_stores_the_vehicles(
    hass: HomeAssistant, cloud: Cloud, hass_storage: dict[str, Any]
) -> None:
    """And closes the connection, so that nothing holds Home Assistant back."""
    entry = cloud_entry()
    await set_up(hass, entry)
    cloud.push(van(battery=33))
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()
    assert not cloud.is_open
    kept = hass_storage[f"{DOMAIN}.{entry.entry_id}.vehicles"]["data"]["vehicles"]
    assert [json.loads(one)["readings"]["battery"] for one in kept] == [33]


# --- removal --------------------------------------------------------------------------------


async def test_removal_forgets_everything(
    hass: HomeAssistant, cloud: Cloud, hass_storage: dict[str, Any]
) -> None:
    """No file of the entry stays; those of others do."""
    other = cloud_entry("other")
    (await set_up(hass, other)).raise_problem("list_cut_off", count="1")
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    coordinator.raise_problem("list_cut_off", count="2")
    await coordinator.memory.put("token", "secret")
    await other.runtime_data.memory.put("token", "another")
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert [key for key in hass_storage if entry.entry_id in key] == []
    assert [key for key in hass_storage if other.entry_id in key] != []
    assert {issue_id for _, issue_id in ir.async_get(hass).issues} == {
        f"list_cut_off_{other.entry_id}"
    }


async def test_device_can_be_removed_once_its_vehicle_is_gone(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Not before; and if the vehicle comes back, so does its device."""
    await set_up_component(hass, "config")
    cloud.tell(van("2"))
    cloud.roster = frozenset({"1", "2"})
    coordinator = await set_up(hass, cloud_entry())

    async def remove() -> bool:
        device = device_of(hass, coordinator, "2")
        assert device is not None
        client = await hass_ws_client(hass)
        # Home Assistant of 2026 has a shorter command, but knows this one too.
        await client.send_json_auto_id(
            {
                "type": "config/device_registry/remove_config_entry",
                "config_entry_id": coordinator.config_entry.entry_id,
                "device_id": device.id,
            }
        )
        answer = await client.receive_json()
        await hass.async_block_till_done()
        return bool(answer["success"])

    assert not await remove()
    gone = cloud.fleet.pop("2")
    cloud.roster = frozenset({"1"})
    for _ in range(2):
        await elapse(hass, freezer, 61)
    assert await remove()
    assert device_of(hass, coordinator, "2") is None
    assert coordinator.vehicle("2") is None
    assert hass.states.async_entity_ids("sensor") == [
        one
        for one in hass.states.async_entity_ids("sensor")
        if "van_1" in one or "acme_" in one
    ]

    cloud.tell(gone)
    cloud.roster = frozenset({"1", "2"})
    await elapse(hass, freezer, 61)
    assert device_of(hass, coordinator, "2") is not None
    assert state_of(hass, "sensor", "battery", "2").state == "80"


async def test_device_of_nothing_can_be_removed(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """A device that is left over from somewhere is no vehicle."""
    entry = cloud_entry()
    await set_up(hass, entry)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, "left over")}
    )
    assert await async_remove_config_entry_device(hass, entry, device)


async def test_no_device_can_be_removed_while_the_account_is_not_running(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """Nobody knows then which vehicles there are."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    device = device_of(hass, coordinator)
    assert device is not None
    await hass.config_entries.async_unload(entry.entry_id)
    assert not await async_remove_config_entry_device(hass, entry, device)


# --- vehicles one by one --------------------------------------------------------------------


def subentry(vehicle_id: str) -> ConfigSubentry:
    """Return a vehicle that is added."""
    return ConfigSubentry(
        data=MappingProxyType({"colour": "blue"}),
        subentry_type=SUBENTRY_VEHICLE,
        title=f"Vehicle {vehicle_id}",
        unique_id=vehicle_id,
    )


async def test_vehicles_come_and_go_without_a_reload(
    hass: HomeAssistant, port: Cloud
) -> None:
    """Each is told to the connection, and those of others stay as they are."""
    entry = listener_entry("port", "1")
    coordinator = await set_up(hass, entry)
    assert port.settings is not None
    assert dict(port.settings.vehicles) == {"1": {"colour": "red"}}
    port.push(van("1"))
    await hass.async_block_till_done()

    added = subentry("2")
    hass.config_entries.async_add_subentry(entry, added)
    await hass.async_block_till_done()
    assert port.accepted == [{"1": {"colour": "red"}, "2": {"colour": "blue"}}]
    port.push(van("2"))
    await hass.async_block_till_done()
    assert state_of(hass, "sensor", "battery", "2").state == "80"
    sensor = er.async_get(hass).async_get(
        entity_id(hass, "sensor", "battery", "2") or ""
    )
    assert sensor is not None
    assert sensor.config_subentry_id == added.subentry_id

    hass.config_entries.async_remove_subentry(entry, added.subentry_id)
    # Late news, before the listener was told and after it.
    port.push(van("2"))
    await hass.async_block_till_done()
    port.push(van("2"))
    await hass.async_block_till_done()
    assert port.accepted[-1] == {"1": {"colour": "red"}}
    assert device_of(hass, coordinator, "2") is None
    assert coordinator.vehicles().keys() == {"1"}
    assert state_of(hass, "sensor", "battery", "1").state == "80"
    assert port.connections == 1


async def test_vehicle_that_was_removed_while_the_entry_was_down(
    hass: HomeAssistant, port: Cloud, hass_storage: dict[str, Any]
) -> None:
    """What was kept of it does not bring it back."""
    entry: MockConfigEntry = listener_entry("port", "1", "2")
    coordinator = await set_up(hass, entry)
    port.push(van("1"), van("2"))
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(entry.entry_id)
    removed = next(one for one in entry.subentries.values() if one.unique_id == "2")
    hass.config_entries.async_remove_subentry(entry, removed.subentry_id)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.runtime_data.vehicles().keys() == {"1"}
    assert device_of(hass, coordinator, "2") is None


async def test_account_that_nears_the_limit_of_entities(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told of before Home Assistant refuses entities, until some are disabled."""
    entry = cloud_entry()
    await set_up(hass, entry)
    registry, issues = er.async_get(hass), ir.async_get(hass)
    enabled = [
        one
        for one in er.async_entries_for_config_entry(registry, entry.entry_id)
        if one.disabled_by is None
    ]
    issue_id = f"too_many_entities_{entry.entry_id}"
    assert issues.async_get_issue(DOMAIN, issue_id) is None
    limit = len(enabled)
    monkeypatch.setattr(fleet_tracker, "MOST_ENABLED_ENTITIES", limit)
    await elapse(hass, freezer, 3600)
    issue = issues.async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["count"] == str(limit)
    monkeypatch.setattr(fleet_tracker, "MOST_ENABLED_ENTITIES", 2 * limit)
    await elapse(hass, freezer, 3600)
    assert issues.async_get_issue(DOMAIN, issue_id) is None
