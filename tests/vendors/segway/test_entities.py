"""The entities of a Segway vehicle, by its model."""

from __future__ import annotations

from collections.abc import AsyncIterator

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.fleet_tracker.vendors.segway.commands import MODEL_CAPABILITIES
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import Model, Moped
from tests.simulators.world import HOME, parked

from .rig import (
    PARKED,
    RIDING,
    START,
    Clients,
    Door,
    Rig,
    account_with_mopeds,
    no_sleep,
    open_door,
)

pytestmark = pytest.mark.freeze_time(START)

MOST_ENABLED = 18
# Attributes that only newer versions of Home Assistant have.
NEWER_ATTRIBUTES = {"in_zones", "tracking_type"}
MODELS = {
    "e_moped": Model.E_MOPED,
    "c80": Model.C80,
    "es": Model.ES,
    "max": Model.MAX,
    "max_pro": Model.MAX_PRO,
    "max_plus": Model.MAX_PLUS,
    "other": Model.C80,
}


def test_all_models() -> None:
    """Each model that a user can pick is looked at here."""
    assert MODELS.keys() == MODEL_CAPABILITIES.keys()


@pytest.fixture
async def model_door(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: Clients,
) -> AsyncIterator[Door]:
    """Return an account with one vehicle of a model, and Segway at the door."""
    now = START.timestamp()
    moped = Moped(
        iot_code=PARKED,
        life=parked(HOME.away(250, 60), now - 7200, odometer=1_873_000.0),
        model=MODELS[request.param],
        changed_at=now - 7200,
    )
    async with SegwaySimulator(moped, sleep=no_sleep) as server:
        entry = await account_with_mopeds(
            hass, server, {PARKED: "Moped"}, model=request.param
        )
        rig = Rig(hass, server, freezer, entry)
        await rig.advance(0.1)
        async with open_door(rig, hass_client_no_auth) as door:
            yield door
        await hass.config_entries.async_unload(entry.entry_id)


def enabled(rig: Rig, imei: str) -> set[str]:
    """Return the ids of a vehicle's enabled entities."""
    return {one.entity_id for one in rig.entities(imei) if one.disabled_by is None}


async def raise_everything(door: Door) -> None:
    """Let every alert, and a fault, be pushed."""
    for code in (1, 2, 3, 4, 10, 11, 12):
        assert await door.alert(PARKED, code) == 200
    assert await door.fault(PARKED, "E5") == 200


@pytest.mark.parametrize("model_door", MODELS, indirect=True)
async def test_model(model_door: Door, snapshot: SnapshotAssertion) -> None:
    """All that is shown of a vehicle, once the user has enabled all of it."""
    rig = model_door.rig
    await raise_everything(model_door)
    by_default = enabled(rig, PARKED)
    for entry in rig.entities(PARKED):
        er.async_get(rig.hass).async_update_entity(entry.entity_id, disabled_by=None)
    await rig.reload()
    await rig.advance(2)
    await raise_everything(model_door)
    shown: dict[str, object] = {}
    for entry in sorted(rig.entities(PARKED), key=lambda entry: entry.entity_id):
        state = rig.hass.states.get(entry.entity_id)
        assert state
        shown[entry.entity_id] = {
            # Of a time the seconds, which stand still.
            "state": state.state[:19],
            "attributes": {
                str(key): str(value)
                for key, value in sorted(state.attributes.items())
                if key not in NEWER_ATTRIBUTES
            },
            "enabled": entry.entity_id in by_default,
            "category": str(entry.entity_category),
            "unique_id": entry.unique_id,
        }
    assert shown == snapshot


@pytest.mark.parametrize("model_door", MODELS, indirect=True)
async def test_not_too_many_are_enabled(model_door: Door) -> None:
    """Home Assistant stops at 10,000 enabled entities of an entry: 500 vehicles fit."""
    await raise_everything(model_door)
    assert 5 < len(enabled(model_door.rig, PARKED)) <= MOST_ENABLED


async def test_riding(rig: Rig) -> None:
    """A ridden moped is unlocked and moves."""
    assert rig.state("lock", RIDING, "locked").state == "unlocked"
    assert rig.state("sensor", RIDING, "activity").state == "driving"
    first = rig.state("device_tracker", RIDING, "position").attributes
    await rig.run(60, 10)
    assert rig.state("device_tracker", RIDING, "position").attributes != first


async def test_offline(rig: Rig) -> None:
    """An offline moped keeps its place and values, and shows that it is offline."""
    await rig.enable("sensor", PARKED, "condition")
    before = rig.state("device_tracker", PARKED, "position")
    assert rig.state("sensor", PARKED, "condition").state == "connected"
    rig.moped(PARKED).online = False
    await rig.run(1800, 300)
    assert rig.state("sensor", PARKED, "activity").state == "offline"
    assert rig.state("sensor", PARKED, "condition").state == "offline"
    assert rig.state("sensor", PARKED, "battery").state == "76"
    after = rig.state("device_tracker", PARKED, "position")
    assert after.attributes == before.attributes


async def test_vehicle_that_left_the_account(rig: Rig) -> None:
    """A vehicle that Segway no longer finds says so, and a repair issue tells of it."""
    await rig.enable("sensor", PARKED, "condition")
    moped = rig.server.mopeds.pop(PARKED)
    await rig.run(1800, 300)
    assert rig.state("sensor", PARKED, "condition").state == "not_found"
    issue = rig.issues()["segway_vehicles_not_found"]
    assert issue == {"account": "Segway E20081", "vehicles": "Parked"}
    assert rig.state("lock", RIDING, "locked").state == "unlocked"
    rig.server.mopeds[PARKED] = moped
    await rig.run(4500, 900)
    assert rig.state("sensor", PARKED, "condition").state == "connected"
    assert "segway_vehicles_not_found" not in rig.issues()


async def test_vehicle_that_is_back_after_a_reload(rig: Rig) -> None:
    """The issue of before the reload ends, though nobody knows any more who raised it."""
    moped = rig.server.mopeds.pop(PARKED)
    await rig.run(1800, 300)
    assert "segway_vehicles_not_found" in rig.issues()
    rig.server.mopeds[PARKED] = moped
    await rig.reload()
    assert not rig.issues()


async def test_last_vehicle_that_left_the_account_is_removed(rig: Rig) -> None:
    """The issue goes with the vehicles that it tells of."""
    rig.server.mopeds.clear()
    await rig.run(1800, 300)
    assert rig.issues()["segway_vehicles_not_found"] == {
        "account": "Segway E20081",
        "vehicles": "Parked, Riding",
    }
    for subentry_id in list(rig.entry.subentries):
        rig.hass.config_entries.async_remove_subentry(rig.entry, subentry_id)
    await rig.advance(1)
    assert not rig.issues()


async def test_account_that_cannot_be_reached(rig: Rig) -> None:
    """Without the server nothing is available for long; with it, all is as it was."""
    await rig.server.stop()
    await rig.run(540, 30)
    assert rig.state("lock", PARKED, "locked").state == "locked"
    await rig.run(70, 10)
    for imei, state in ((PARKED, "locked"), (RIDING, "unlocked")):
        assert rig.state("lock", imei, "locked").state == "unavailable", state
    await rig.server.start()
    await rig.run(120, 10)
    assert rig.state("lock", PARKED, "locked").state == "locked"


async def test_restart(rig: Rig) -> None:
    """After a restart the last known values are shown, even of one that is silent."""
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    rig.moped(PARKED).silent = True
    await rig.outcome(rig.hass.config_entries.async_setup(rig.entry.entry_id))
    assert rig.state("lock", PARKED, "locked").state == "locked"
    assert rig.state("sensor", PARKED, "battery").state == "76"
    assert rig.state("lock", RIDING, "locked").state == "unlocked"


async def test_only_a_renting_account_has_rental_buttons(
    hass: HomeAssistant, rig: Rig
) -> None:
    """Who owns a moped would only wonder what they do."""
    assert rig.entity_id("button", PARKED, "start_rental")
    hass.config_entries.async_update_entry(
        rig.entry, options={**rig.entry.options, "rents": False}
    )
    await hass.async_block_till_done()
    assert rig.entity_id("button", PARKED, "start_rental") is None
    assert rig.entity_id("button", PARKED, "end_rental") is None
