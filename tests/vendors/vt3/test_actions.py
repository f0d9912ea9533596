"""What trackers are told: switches, numbers, buttons, and the actions with responses."""

from __future__ import annotations

import asyncio
from typing import Any

from homeassistant.core import Context
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockUser
import voluptuous as vol

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.commands import Command
from tests.simulators.vt3 import Behaviour, Vt3Simulator
from tests.simulators.world import HOME, Route, drive

from .conftest import OTHER, SERIAL
from .home import IDENTITY, Home

ALLOWED = {"allow_engine_cut": True, "engine_cut_speed_limit": 20}
CUTS = {"cuts_engine": ["1"]}


async def turn(home: Home, on: str, key: str = "output_1") -> None:
    """Turn an output on or off."""
    await home.call(f"switch.turn_{on}", home.entity_id("switch", key, SERIAL))


def output(home: Home, key: str = "output_1") -> str:
    """Return the state of an output's switch."""
    return home.state("switch", key, SERIAL).state


async def press(home: Home, key: str) -> None:
    """Press a button of a tracker."""
    await home.call("button.press", home.entity_id("button", key, SERIAL))


def engine_cut(home: Home) -> str:
    """Return what is shown of the first output, which is marked as cutting the engine."""
    return home.state("binary_sensor", "engine_cut_1", SERIAL).state


async def ask(home: Home, action: str, *serials: str, **data: Any) -> dict[str, Any]:
    """Call an action with a response, and return that by serial number."""
    trackers = {
        home.entity_id("device_tracker", "position", serial): serial
        for serial in serials or (SERIAL,)
    }
    response = await home.hass.services.async_call(
        DOMAIN,
        action,
        {"entity_id": list(trackers), **data},
        blocking=True,
        return_response=True,
    )
    await home.settle()
    return {
        trackers[entity_id]: answer for entity_id, answer in (response or {}).items()
    }


def requests(tracker: Vt3Simulator, *names: str) -> list[dict[str, Any]]:
    """Return what a tracker was asked by some requests, without the tokens."""
    return [
        {key: value for key, value in payload.items() if key != "client_token"}
        for name, payload in tracker.requests
        if name in names
    ]


# --- outputs ---


async def test_switch(home: Home) -> None:
    """A switch shows what the tracker confirmed, and what it uploads."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    assert output(home) == "off"
    await turn(home, "on")
    assert (output(home), tracker.outputs) == ("on", [1, 0, 0])
    await turn(home, "off")
    assert (output(home), tracker.outputs) == ("off", [0, 0, 0])
    tracker.outputs[0] = 1
    await home.elapse(10)
    await tracker.upload("io")
    await home.settle()
    assert output(home) == "on"
    assert requests(tracker, "io/control") == [{"io.DO1": 1}, {"io.DO1": 0}]
    assert tracker.violations == []


async def test_switch_spelled_with_zero(home: Home) -> None:
    """A tracker that knows its outputs as the document spells them is told so."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL, Behaviour(zero_outputs=True))
    await turn(home, "on")
    assert (output(home), tracker.outputs) == ("on", [1, 0, 0])
    await turn(home, "off")
    assert requests(tracker, "io/control") == [
        {"io.DO1": 1},
        {"io.D01": 1},
        {"io.D01": 0},
    ]
    assert tracker.violations == []


@pytest.mark.parametrize("in_body", [False, True])
async def test_switch_refused(home: Home, in_body: bool) -> None:
    """A refusal is told in words, and the switch stays as it was."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL, Behaviour(error_in_body=in_body))
    tracker.behaviour.errors["io/control"] = ["not_found"]
    with pytest.raises(HomeAssistantError) as refusal:
        await turn(home, "on")
    assert refusal.value.translation_key == "vt3_not_found"
    assert (output(home), tracker.outputs) == ("off", [0, 0, 0])


async def test_switch_of_busy_tracker(home: Home) -> None:
    """A tracker that is busy is asked once more, after the documented pause."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    tracker.behaviour.errors["io/control"] = ["device_busy"]
    await turn(home, "on")
    assert output(home) == "on"
    assert len(requests(tracker, "io/control")) == 2
    assert tracker.violations == []


async def test_switch_without_answer(home: Home) -> None:
    """Without an answer it is not known what the output is: that is said."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    tracker.behaviour.silent.add("io/control")
    call = asyncio.create_task(turn(home, "on"))
    for _ in range(20):
        home.freezer.tick(1)
        await home.turns()
    with pytest.raises(HomeAssistantError) as unknown:
        await call
    assert unknown.value.translation_key == "command_unconfirmed"
    assert output(home) == "off"


async def test_switch_while_offline(home: Home) -> None:
    """Without a connection nothing is sent, now or later."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    await tracker.disconnect()
    await home.until(lambda: not home.connection.server.is_connected(SERIAL))
    with pytest.raises(HomeAssistantError) as offline:
        await turn(home, "on")
    assert offline.value.translation_key == "vehicle_offline"
    await home.elapse(10)
    await home.reconnect(tracker)
    assert requests(tracker, "io/control") == []


# --- outputs that stop the vehicle ---


async def test_marked_output_is_guarded(home: Home) -> None:
    """Turning it on is refused until cutting is allowed; turning it off never is."""
    await home.listen(SERIAL, settings=CUTS)
    tracker = await home.connect(SERIAL)
    registry = er.async_get(home.hass)
    registered = {
        one.unique_id.removeprefix(f"{IDENTITY}_{SERIAL}_"): one
        for one in registry.entities.values()
    }
    assert not {"output_1", "cut_engine_1"} & registered.keys()
    assert registered["restore_engine_1"].entity_category == "config"
    assert registered["engine_cut_1"].entity_category is None
    with pytest.raises(HomeAssistantError) as refusal:
        await home.entry.runtime_data.async_execute(
            SERIAL, Command("turn_on_output", {"part": "1"})
        )
    assert refusal.value.translation_key == "engine_cut_not_enabled"
    assert tracker.outputs == [0, 0, 0]
    await press(home, "restore_engine_1")
    # An output that is not marked is free.
    entity_id = home.entity_id("switch", "output_2", SERIAL)
    await home.enable(entity_id)
    await home.reconnect(tracker)
    await home.call("switch.turn_on", entity_id)
    assert tracker.outputs == [0, 1, 0]


async def test_marked_output_while_parked(home: Home) -> None:
    """Allowed and parked, it is turned on after a fresh look, and stays so."""
    await home.listen(SERIAL, settings=CUTS, options=ALLOWED)
    tracker = await home.connect(SERIAL)
    await home.elapse(300)
    tracker.requests.clear()
    await press(home, "cut_engine_1")
    assert [name for name, _ in tracker.requests] == [
        "obd/refresh",
        "io/refresh",
        "gnss/refresh",
        "io/control",
    ]
    assert (engine_cut(home), tracker.outputs[0]) == ("on", 1)
    await press(home, "restore_engine_1")
    assert (engine_cut(home), tracker.outputs[0]) == ("off", 0)
    assert tracker.violations == []


async def test_marked_output_while_driving(home: Home) -> None:
    """It is refused while the vehicle drives; restoring is not.

    While the unit of the speed is not proven, it is taken for knots.
    """
    await home.listen(SERIAL, settings=CUTS, options=ALLOWED)
    tracker = await home.connect(SERIAL)
    tracker.vehicle.live(home.clock(), drive(Route(HOME, HOME.away(0, 50_000)), 50))
    await home.elapse(10)
    with pytest.raises(HomeAssistantError) as refusal:
        await press(home, "cut_engine_1")
    assert refusal.value.translation_key == "engine_cut_too_fast"
    assert refusal.value.translation_placeholders == {"speed": "93", "limit": "20"}
    assert tracker.outputs == [0, 0, 0]
    tracker.outputs[0] = 1
    await tracker.upload("io")
    await home.settle()
    await press(home, "restore_engine_1")
    assert tracker.outputs == [0, 0, 0]


async def test_marked_output_of_a_vehicle_that_sets_off(home: Home) -> None:
    """The speed that decides is that of the moment, not of the beginning of the look."""
    await home.listen(SERIAL, settings=CUTS, options=ALLOWED)
    tracker = await home.connect(SERIAL)
    await home.elapse(60)
    # It is fast before the second question is asked.
    north = drive(Route(HOME, HOME.away(0, 50_000)), 60)
    tracker.vehicle.live(home.clock() + 1, north)
    with pytest.raises(HomeAssistantError) as refusal:
        await press(home, "cut_engine_1")
    assert refusal.value.translation_key == "engine_cut_too_fast"
    assert tracker.outputs == [0, 0, 0]


async def test_marked_output_with_a_clock_that_is_behind(home: Home) -> None:
    """A wrong clock makes no fresh look old, even where the ignition is not wired."""
    await home.listen(SERIAL, settings=CUTS, options=ALLOWED)
    tracker = await home.connect(SERIAL, Behaviour(clock_behind=300))
    tracker.vehicle.live(home.clock(), drive(Route(HOME, HOME.away(0, 50_000)), 50))
    told = tracker._io
    tracker._io = lambda: told() | {"io.IGT": 0}  # type: ignore[method-assign]
    await home.elapse(10)
    for group in ("gnss", "io"):
        await tracker.upload(group)
    await home.settle()
    with pytest.raises(HomeAssistantError) as refusal:
        await press(home, "cut_engine_1")
    assert refusal.value.translation_key == "engine_cut_too_fast"
    assert tracker.outputs == [0, 0, 0]


async def test_marked_output_is_not_repeated(home: Home) -> None:
    """A command that can stop a vehicle is never sent twice."""
    await home.listen(SERIAL, settings=CUTS, options=ALLOWED)
    tracker = await home.connect(SERIAL)
    tracker.behaviour.errors["io/control"] = ["device_busy"]
    with pytest.raises(HomeAssistantError) as refusal:
        await press(home, "cut_engine_1")
    assert refusal.value.translation_key == "vt3_device_busy"
    assert len(requests(tracker, "io/control")) == 1


@pytest.mark.parametrize("action", ["switch.turn_on", "button.press"])
async def test_areas_pass_over_outputs(home: Home, action: str) -> None:
    """Calls that name a device or an area reach none, marked as cutting or not."""
    await home.listen(SERIAL, settings={"cuts_engine": ["2"]}, options=ALLOWED)
    tracker = await home.connect(SERIAL)
    await home.enable(home.entity_id("switch", "output_1", SERIAL))
    await home.reconnect(tracker)
    assert output(home) == "off"
    assert home.entity_id("button", "cut_engine_2", SERIAL)
    device = home.device(SERIAL)
    assert device is not None
    domain, _, name = action.partition(".")
    await home.hass.services.async_call(
        domain, name, {"device_id": device.id}, blocking=True
    )
    assert tracker.outputs == [0, 0, 0]


async def test_first_marked_output_is_enabled(home: Home) -> None:
    """Whatever its number is; of the others the buttons are there, but disabled."""
    await home.listen(SERIAL, settings={"cuts_engine": ["2", "3"]}, options=ALLOWED)
    await home.connect(SERIAL)
    registry = er.async_get(home.hass)
    for domain, key in (
        ("button", "cut_engine"),
        ("button", "restore_engine"),
        ("binary_sensor", "engine_cut"),
    ):
        for part, enabled in ((2, True), (3, False)):
            entity_id = home.entity_id(domain, f"{key}_{part}", SERIAL)
            entry = registry.async_get(entity_id)
            assert entry is not None
            assert (entry.disabled_by is None) is enabled, entity_id


# --- intervals and refreshing ---


async def test_upload_interval(home: Home) -> None:
    """The interval is assumed, confirmed by the answer, and kept over a restart."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    entity_id = home.entity_id("number", "upload_interval_gnss", SERIAL)
    await home.enable(entity_id)
    await home.reconnect(tracker)
    state = home.state("number", "upload_interval_gnss", SERIAL)
    assert (state.state, state.attributes["assumed_state"]) == ("unknown", True)
    await home.call("number.set_value", entity_id, value=60)
    assert home.state("number", "upload_interval_gnss", SERIAL).state == "60.0"
    assert tracker.intervals["gnss"] == 60
    await home.call("number.set_value", entity_id, value=0)
    assert tracker.intervals["gnss"] == 0
    assert requests(tracker, "gnss/set") == [{"interval": 60}, {"interval": 0}]
    assert tracker.violations == []
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.hass.async_block_till_done()
    assert home.state("number", "upload_interval_gnss", SERIAL).state == "0.0"


@pytest.mark.parametrize("group", ["obd", "gnss", "motion", "io", "cellular1"])
async def test_interval_of_each_group(home: Home, group: str) -> None:
    """Each group has a number of its own, disabled by default."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    entity_id = home.entity_id("number", f"upload_interval_{group}", SERIAL)
    await home.enable(entity_id)
    await home.reconnect(tracker)
    await home.call("number.set_value", entity_id, value=3600)
    assert requests(tracker, f"{group}/set") == [{"interval": 3600}]
    assert tracker.intervals[group] == 3600
    assert tracker.violations == []


async def test_upload_interval_refused(home: Home) -> None:
    """A refused interval is not shown; one out of range is not sent."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    entity_id = home.entity_id("number", "upload_interval_obd", SERIAL)
    await home.enable(entity_id)
    await home.reconnect(tracker)
    tracker.behaviour.errors["obd/set"] = ["invalid_parameter"]
    with pytest.raises(HomeAssistantError) as refusal:
        await home.call("number.set_value", entity_id, value=60)
    assert refusal.value.translation_key == "vt3_invalid_parameter"
    with pytest.raises(ServiceValidationError):
        await home.call("number.set_value", entity_id, value=3601)
    assert home.state("number", "upload_interval_obd", SERIAL).state == "unknown"
    assert len(requests(tracker, "obd/set")) == 1


async def test_refresh(home: Home) -> None:
    """The button asks for position, inputs and the vehicle's values, spaced."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    entity_id = home.entity_id("button", "refresh", SERIAL)
    await home.enable(entity_id)
    await home.reconnect(tracker)
    tracker.inputs[1] = 1
    tracker.outputs[0] = 1
    tracker.requests.clear()
    await home.call("button.press", entity_id)
    assert [name for name, _ in tracker.requests] == [
        "obd/refresh",
        "io/refresh",
        "gnss/refresh",
    ]
    assert output(home) == "on"
    assert tracker.violations == []


@pytest.mark.parametrize(
    "group", ["obd", "gnss", "motion", "io", "cellular1", "sysinfo"]
)
async def test_refresh_group(home: Home, group: str) -> None:
    """Each group has a button of its own, disabled by default."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    entity_id = home.entity_id("button", f"refresh_group_{group}", SERIAL)
    await home.enable(entity_id)
    await home.reconnect(tracker)
    tracker.requests.clear()
    await home.call("button.press", entity_id)
    assert [name for name, _ in tracker.requests] == [f"{group}/refresh"]
    assert tracker.violations == []


async def test_refresh_custom_group(home: Home) -> None:
    """A custom group has a button to refresh it, too."""
    await home.listen(SERIAL)
    tracker = home.make_tracker(SERIAL)
    tracker.intervals["mine"] = 0
    tracker.interests["mine"] = {"obd.f_lvl": "tank"}
    await home.reconnect(tracker)
    entity_id = home.entity_id("button", "refresh_group_mine", SERIAL)
    await home.enable(entity_id)
    await home.reconnect(tracker)
    await home.call("button.press", entity_id)
    assert tracker.requests[-1][0] == "mine/refresh"
    assert home.state("sensor", "fuel_level", SERIAL).state == "62.5"
    assert tracker.violations == []


async def test_refresh_while_offline(home: Home) -> None:
    """The button says that the tracker is offline."""
    await home.listen(SERIAL)
    entity_id = home.entity_id("button", "refresh", SERIAL)
    await home.enable(entity_id)
    with pytest.raises(HomeAssistantError) as offline:
        await home.call("button.press", entity_id)
    assert offline.value.translation_key == "vehicle_offline"


# --- groups ---


async def test_custom_groups(home: Home) -> None:
    """Custom groups are written and read back, and their values arrive."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    groups = [
        {
            "name": "group1",
            "interval": 60,
            "interest": {"obd.f_lvl": "tank", "userdata.custom_key": None},
        },
        {"name": "group2", "interval": 30, "interest": ["io.DI1", "io.DO1"]},
    ]
    told = [
        {
            "name": "group1",
            "interval": 60,
            "interest": {"obd.f_lvl": "tank", "userdata.custom_key": ""},
        },
        {"name": "group2", "interval": 30, "interest": {"io.DI1": "", "io.DO1": ""}},
    ]
    answer = await ask(home, "vt3_set_custom_groups", groups=groups)
    assert answer == {SERIAL: {"groups": told}}
    assert await ask(home, "vt3_get_custom_groups") == {SERIAL: {"groups": told}}
    await tracker.upload("group1")
    await home.settle()
    assert home.state("sensor", "fuel_level", SERIAL).state == "62.5"
    assert home.entity_id("sensor", "custom_userdata.custom_key", SERIAL)
    assert home.entity_id("number", "upload_interval_group1", SERIAL)
    assert home.entity_id("button", "refresh_group_group2", SERIAL)
    assert tracker.violations == []


async def test_custom_groups_of_several(home: Home) -> None:
    """Several trackers are asked with one call."""
    await home.listen(SERIAL, OTHER)
    await home.connect(SERIAL)
    await home.connect(OTHER)
    answer = await ask(home, "vt3_get_custom_groups", SERIAL, OTHER)
    assert answer == {SERIAL: {"groups": []}, OTHER: {"groups": []}}


async def test_several_of_which_one_is_offline(home: Home) -> None:
    """The other tells its groups, and nothing is changed at it."""
    await home.listen(SERIAL, OTHER)
    tracker = await home.connect(SERIAL)
    answer = await ask(home, "vt3_get_custom_groups", SERIAL, OTHER)
    assert answer[SERIAL] == {"groups": []}
    assert set(answer[OTHER]) == {"error"}
    with pytest.raises(HomeAssistantError) as refusal:
        await ask(home, "vt3_set_group", SERIAL, OTHER, group="io", interval=10)
    assert refusal.value.translation_key == "vehicle_offline"
    assert requests(tracker, "io/set") == []


@pytest.mark.parametrize(
    "groups",
    [
        [],
        [{"interval": 60}],
        [{"name": "mine", "interval": 3601}],
        [{"name": "mine", "interval": -1}],
        [{"name": "mine", "interest": {}}],
        [{"name": "mine", "interest": {f"obd.x{n}": "" for n in range(33)}}],
        [{"name": "mine", "interest": {"obd.rpm": 3}}],
        [{"name": "mine", "interest": "obd.rpm"}],
        [{"name": f"mine{n}", "interval": 60} for n in range(9)],
        [{"name": "mine", "else": 1}],
    ],
)
async def test_wrong_custom_groups(home: Home, groups: list[Any]) -> None:
    """Groups outside of the document are refused before anything is sent."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    with pytest.raises(ServiceValidationError) as refusal:
        await ask(home, "vt3_set_custom_groups", groups=groups)
    assert refusal.value.translation_key == "invalid_fields"
    assert requests(tracker, "group/set") == []


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ([{"name": "gnss", "interval": 60}], "vt3_invalid_groups"),
        ([{"name": "no space", "interval": 60}], "vt3_invalid_groups"),
        ([{"name": "mine"}], "vt3_nothing_to_set"),
        (
            [{"name": "mine", "interval": 60}, {"name": "mine", "interval": 0}],
            "vt3_invalid_groups",
        ),
        (
            [{"name": "mine", "interest": {"obd.rpm": "a", "obd.speed": "a"}}],
            "vt3_same_alias",
        ),
        ([{"name": "mine", "interest": {"rpm": ""}}], "vt3_invalid_interest"),
    ],
)
async def test_impossible_custom_groups(
    home: Home, groups: list[Any], why: str
) -> None:
    """Groups that only look right are refused too."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    with pytest.raises(HomeAssistantError) as refusal:
        await ask(home, "vt3_set_custom_groups", groups=groups)
    assert refusal.value.translation_key == why
    assert requests(tracker, "group/set") == []


async def test_most_custom_groups(home: Home) -> None:
    """A tracker that has eight gets no ninth."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    eight = [{"name": f"mine{n}", "interval": 60} for n in range(8)]
    await ask(home, "vt3_set_custom_groups", groups=eight)
    with pytest.raises(HomeAssistantError) as refusal:
        await ask(
            home, "vt3_set_custom_groups", groups=[{"name": "more", "interval": 60}]
        )
    assert refusal.value.translation_key == "vt3_too_many_groups"
    await ask(home, "vt3_set_custom_groups", groups=[{"name": "mine7", "interval": 0}])
    assert tracker.intervals["mine7"] == 0


async def test_set_group(home: Home) -> None:
    """A reserved group uploads what was chosen, and is understood under new names."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    answer = await ask(
        home,
        "vt3_set_group",
        group="obd",
        interval=60,
        interest={"obd.f_lvl": "tank", "obd.odo": ""},
    )
    settings = {"interval": 60, "interest": {"obd.f_lvl": "tank", "obd.odo": ""}}
    assert answer[SERIAL]["answer"].items() >= settings.items()
    await home.elapse(10)
    await tracker.upload("obd")
    await home.settle()
    assert home.state("sensor", "fuel_level", SERIAL).state == "62.5"
    with pytest.raises(HomeAssistantError) as refusal:
        await ask(home, "vt3_set_group", group="nonsense", interval=60)
    assert refusal.value.translation_key == "vt3_invalid_group"
    with pytest.raises(HomeAssistantError) as refusal:
        await ask(home, "vt3_set_group", group="obd")
    assert refusal.value.translation_key == "vt3_nothing_to_set"


# --- raw requests ---


async def test_raw_request(home: Home) -> None:
    """Any request can be sent, and its answer comes back."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    answer = await ask(home, "vt3_send_request", request="gnss/refresh")
    assert answer[SERIAL]["answer"]["gnss.fix"] == 3
    answer = await ask(
        home, "vt3_send_request", request="motion/set", payload={"interval": 0}
    )
    assert tracker.intervals["motion"] == 0
    assert answer[SERIAL]["answer"]["interval"] == 0
    assert tracker.violations == []


@pytest.mark.parametrize("request_text", ["gnss", "v1/VF0/gnss/refresh", "a b/c", ""])
async def test_wrong_raw_request(home: Home, request_text: str) -> None:
    """A text that is no request to this tracker is not sent."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    asked = len(tracker.requests)
    with pytest.raises(HomeAssistantError) as refusal:
        await ask(home, "vt3_send_request", request=request_text)
    assert refusal.value.translation_key == "vt3_invalid_request"
    assert len(tracker.requests) == asked


async def test_raw_request_refused(home: Home) -> None:
    """The tracker's error is told."""
    await home.listen(SERIAL)
    await home.connect(SERIAL)
    with pytest.raises(HomeAssistantError) as refusal:
        await ask(home, "vt3_send_request", request="nonsense/refresh")
    assert refusal.value.translation_key == "vt3_not_found"


@pytest.mark.parametrize(
    ("request_text", "payload"),
    [
        ("io/control", {"io.DO1": 1}),
        ("io/control", {"io.D01": 1}),
        ("mgmt/control", {"reboot": 1}),
    ],
)
async def test_raw_request_under_the_guard(
    home: Home, request_text: str, payload: dict[str, Any]
) -> None:
    """What can stop the vehicle, or cannot be judged, passes the guard or is refused."""
    await home.listen(SERIAL, settings=CUTS)
    tracker = await home.connect(SERIAL)
    with pytest.raises(HomeAssistantError) as refusal:
        await ask(home, "vt3_send_request", request=request_text, payload=payload)
    assert refusal.value.translation_key == "engine_cut_not_enabled"
    assert requests(tracker, request_text) == []
    # Turning it off, and what is not marked, is free.
    await ask(home, "vt3_send_request", request="io/control", payload={"io.DO1": 0})
    await ask(home, "vt3_send_request", request="io/control", payload={"io.DO2": 1})
    assert tracker.outputs == [0, 1, 0]


async def test_raw_request_by_others(home: Home) -> None:
    """Only administrators may send them."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL)
    user = MockUser(groups=[]).add_to_hass(home.hass)
    with pytest.raises(Unauthorized):
        await home.hass.services.async_call(
            DOMAIN,
            "vt3_send_request",
            {
                "entity_id": home.entity_id("device_tracker", "position", SERIAL),
                "request": "io/refresh",
            },
            blocking=True,
            context=Context(user_id=user.id),
        )
    assert requests(tracker, "io/refresh") == []


async def test_fields(home: Home) -> None:
    """A call needs a target."""
    await home.listen(SERIAL)
    with pytest.raises(vol.Invalid):
        await home.hass.services.async_call(
            DOMAIN, "vt3_send_request", {"request": "gnss/refresh"}, blocking=True
        )
