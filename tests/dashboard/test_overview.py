"""Tests of the command that tells the browser which vehicles there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.fleet_tracker.account.recorder_rows import id_ending
from custom_components.fleet_tracker.const import CONF_ALLOW_ENGINE_CUT, DOMAIN
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.dashboard.overview import overview
from custom_components.fleet_tracker.model.vehicle import Capability, Position
from tests.common import (
    START,
    cloud_entry,
    device_of,
    entity_id,
    set_up,
    set_up_component,
)
from tests.neutral_vendor import Cloud, Clouds, told


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of an account with a van and a truck."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    now = dt_util.utcnow()
    fix = Position(
        latitude=52.0,
        longitude=4.0,
        accuracy=10,
        fixed_at=now - timedelta(seconds=7),
        speed=0,
    )
    cloud.tell(
        told(
            "1",
            now,
            {"door:driver": True, "ignition": False, "battery": 80},
            name="Van",
            position=fix,
            capabilities=frozenset({Capability.CUT_ENGINE, Capability.RESTORE_ENGINE}),
        ),
        told("2", now, {"battery": 50}, name="Truck 7"),
    )
    return cloud


async def ask(client: Any) -> dict[str, Any]:
    """Return what the browser is told."""
    await client.send_json_auto_id({"type": f"{DOMAIN}/overview"})
    answer = await client.receive_json()
    assert answer["success"]
    told: dict[str, Any] = answer["result"]
    return told


async def test_no_account(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> None:
    """Without an account there is an answer, so that the browser can say what to do."""
    await set_up_component(hass, DOMAIN)

    answer = await ask(await hass_ws_client(hass))

    assert answer["accounts"] == answer["vehicles"] == []
    routine = answer["routine"]
    assert {"ignition_on", "ignition_off", "door_opened", "window_closed"} < {*routine}
    assert not {"sos", "towed", "speeding", "power_disconnected", "other"} & {*routine}
    assert answer["path"].startswith(f"/{DOMAIN}/{answer['version']}-")


@pytest.mark.usefixtures("cloud")
async def test_vehicles_and_their_entities(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> None:
    """Renamed entities have their new ids; disabled and hidden ones are omitted.

    Not the tracker of a vehicle: without it there would be neither place nor route.
    """
    coordinator = await set_up(hass, cloud_entry(options={CONF_ALLOW_ENGINE_CUT: True}))
    devices, entities = dr.async_get(hass), er.async_get(hass)
    van = device_of(hass, coordinator)
    assert van is not None
    devices.async_update_device(van.id, name_by_user="Blue van")
    tracker = entity_id(hass, "device_tracker", "position") or ""
    entities.async_update_entity(tracker, new_entity_id="device_tracker.blue")
    entities.async_update_entity(
        "device_tracker.blue", hidden_by=er.RegistryEntryHider.USER
    )
    ignition = entity_id(hass, "binary_sensor", "ignition") or ""
    entities.async_update_entity(ignition, disabled_by=er.RegistryEntryDisabler.USER)
    activity = entity_id(hass, "sensor", "activity") or ""
    entities.async_update_entity(activity, hidden_by=er.RegistryEntryHider.USER)

    answer = await ask(await hass_ws_client(hass))

    (account,) = answer["accounts"]
    assert account["title"] == "acme"
    assert account["state"] == "loaded"
    assert account["reachable"] is True
    blue, truck = sorted(answer["vehicles"], key=lambda one: str(one["name"]))
    assert (blue["id"], blue["name"], blue["kind"]) == (van.id, "Blue van", "van")
    assert (truck["name"], truck["kind"]) == ("Truck 7", "truck")
    assert blue["account"] == account["id"]
    assert blue["tracker"] == "device_tracker.blue"
    told_of_blue = blue["entities"]
    assert told_of_blue["device_tracker"] == {"position": "device_tracker.blue"}
    assert told_of_blue["binary_sensor"]["door:driver"] == entity_id(
        hass, "binary_sensor", "door_driver"
    )
    assert "ignition" not in told_of_blue["binary_sensor"]
    assert "activity" not in told_of_blue["sensor"]
    assert told_of_blue["sensor"]["battery"] == entity_id(hass, "sensor", "battery")
    assert blue["statistics"] == id_ending(coordinator.identity, "1")
    assert blue["stopping"] == [entity_id(hass, "button", "cut_engine")]
    assert {*blue["controls"]} >= {*told_of_blue["button"].values()}
    assert truck["stopping"] == []
    times = blue["times"]
    assert times["position"] == times["fix"] == "2025-10-09T08:59:53+00:00"
    assert times["contact"] == START.isoformat()
    assert times["activity"] == "parked"
    assert truck["times"]["position"] is None


async def test_what_a_user_may_read(hass: HomeAssistant, cloud: Cloud) -> None:
    """A user is told of the vehicles whose trackers he may read, and of nothing else."""
    await set_up(hass, cloud_entry())
    tracker = entity_id(hass, "device_tracker", "position", "2") or ""
    battery = entity_id(hass, "sensor", "battery", "2") or ""

    async def names(*readable: str) -> list[tuple[str, list[str]]]:
        user = MockUser(is_owner=False).add_to_hass(hass)
        user.mock_policy(
            {"entities": {"entity_ids": {one: {POLICY_READ: True} for one in readable}}}
        )
        return [
            (
                one["name"],
                [
                    shown
                    for by_reading in one["entities"].values()
                    for shown in by_reading.values()
                ],
            )
            for one in (await overview(hass, user))["vehicles"]
        ]

    assert await names() == []
    assert await names(battery) == []
    assert await names(tracker) == [("Truck 7", [tracker])]
    assert [sorted(ids) for _, ids in await names(tracker, battery)] == [
        sorted([tracker, battery])
    ]


async def test_what_no_user_is_told_who_may_not_read_it(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """Neither a button of a readable vehicle, nor the title of an account without one."""
    await set_up(hass, cloud_entry(options={CONF_ALLOW_ENGINE_CUT: True}))
    tracker = entity_id(hass, "device_tracker", "position") or ""
    cut = entity_id(hass, "button", "cut_engine") or ""

    async def told(*readable: str) -> dict[str, Any]:
        user = MockUser(is_owner=False).add_to_hass(hass)
        user.mock_policy(
            {"entities": {"entity_ids": {one: {POLICY_READ: True} for one in readable}}}
        )
        return await overview(hass, user)

    for readable, stopping in ((tracker,), []), ((tracker, cut), [cut]):
        answer = await told(*readable)
        assert answer["vehicles"][0]["stopping"] == stopping
        assert answer["vehicles"][0]["controls"] == []
        assert answer["accounts"][0]["title"] == "acme"
    nothing = await told()
    assert nothing["accounts"][0]["title"] is None
    assert nothing["accounts"][0]["state"] == "loaded"


async def test_account_that_does_not_run(hass: HomeAssistant, cloud: Cloud) -> None:
    """It is told with its state, without vehicles; so is one that is disabled."""
    cloud.poll_error = CannotConnect("down")
    entry = cloud_entry()
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    owner = MockUser(is_owner=True).add_to_hass(hass)

    answer = await overview(hass, owner)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    (account,) = answer["accounts"]
    assert (account["state"], account["reachable"]) == ("setup_retry", False)
    assert answer["vehicles"] == []
    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    (account,) = (await overview(hass, owner))["accounts"]
    assert (account["state"], account["reachable"]) == ("disabled", False)
