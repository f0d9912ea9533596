"""What is shown, fired and possible while the platform's API is down, pushes or none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
import json
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.common import see_ignition_on
from tests.simulators.failures import Answer
from tests.simulators.tracksolid import TracksolidSimulator, pushes

from .helpers import CAM, CAR, VAN, stand_still
from .home import NOW, Home, account_at_once, add_account

pytestmark = pytest.mark.freeze_time(NOW)

LIST = "jimi.user.device.list"
LOCATIONS = "jimi.user.device.location.list"
ALARMS = "jimi.device.alarm.list"
INSTRUCTIONS = "jimi.open.instruction.list"
SEND = "jimi.open.instruction.send"
LAST_FIX = ("sensor", "last_fix")


def fails(sim: TracksolidSimulator) -> None:
    """Let every request be answered 500."""
    sim.fail("*", how="status", times=-1)


def is_too_frequent(sim: TracksolidSimulator) -> None:
    """Let every request be answered that there are too many."""
    sim.fail("*", 1006, "requests too frequent", times=-1)


def has_used_the_quota(sim: TracksolidSimulator) -> None:
    """Let every request be answered that the day's quota is used up."""
    sim.fail("*", 1006, "request frequency exceeds the daily quota", times=-1)


OUTAGES = [fails, is_too_frequent, has_used_the_quota]
type Outage = Callable[[TracksolidSimulator], None]


async def push_alarm(home: Home, client: TestClient[Any, Any], code: str) -> None:
    """Push an alarm of the parked car, which is answered with success."""
    item = pushes.alarm(home.sim.devices[CAR], code, "Alarm", home.sim.now)
    status, _ = await home.push(client, "/pushalarm", [item])
    assert status == HTTPStatus.OK


def unavailable(home: Home) -> set[str]:
    """Return the entities that are unavailable."""
    return {
        state.entity_id
        for state in home.hass.states.async_all()
        if state.state == STATE_UNAVAILABLE
    }


@pytest.mark.parametrize("how", ["status", "code"])
async def test_positions_fail_while_all_else_is_answered(
    home: Home, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Lists are no news of the vehicles: unavailable, told once. Alarms fire all the same."""
    stand_still(home.sim)
    home.sim.fail(LOCATIONS, 1001 if how == "code" else None, how=how, times=-1)
    lists = home.sim.requests[LIST]
    alarms = home.sim.requests[ALARMS]
    reachable = []
    for _ in range(30):
        await home.elapse(300)
        reachable.append(home.coordinator.is_reachable)
    assert reachable == sorted(reachable, reverse=True)
    assert not any(reachable[4:])
    assert home.sim.requests[LIST] >= lists + 3
    assert home.sim.requests[ALARMS] >= alarms + 10
    assert sum("Error fetching" in one.getMessage() for one in caplog.records) == 1
    home.sim.heal()
    await home.poll()
    assert home.coordinator.is_reachable


@pytest.mark.parametrize(
    ("rows", "operations", "restarts"),
    [
        *(
            (rows, {LOCATIONS}, False)
            for rows in (None, [], "", [None], [1, "x", []], [{"lat": 1}])
        ),
        ([], {LOCATIONS}, True),
        ([], {LOCATIONS, LIST}, False),
        ([], {LOCATIONS, LIST}, True),
        ([], {LIST}, True),
    ],
)
async def test_answers_without_any_vehicle(
    home: Home,
    rows: object,
    operations: set[str],
    *,
    restarts: bool,
) -> None:
    """What all of a sudden tells of no vehicle is no sign of life, also after a start."""
    serve = home.sim.failures.serve

    async def without_vehicles(
        request: web.BaseRequest, operation: str, answer: Answer
    ) -> web.StreamResponse:
        if operation in operations:
            return web.json_response({"code": 0, "message": "success", "result": rows})
        return await serve(request, operation, answer)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(home.sim.failures, "serve", without_vehicles)
        if restarts:
            await home.reload()
        await home.elapse(540)
        assert home.coordinator.is_reachable
        await home.elapse(120)
        assert not home.coordinator.is_reachable
        assert home.coordinator.fleet.vehicles
    await home.elapse(300)
    assert home.coordinator.is_reachable


async def test_vehicles_that_are_told_of_by_pushes_alone(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    account: TracksolidSimulator,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Answers that never told of any vehicle are no failure, whatever pushes tell."""
    serve = account.failures.serve

    async def without_vehicles(
        request: web.BaseRequest, operation: str, answer: Answer
    ) -> web.StreamResponse:
        if operation == LOCATIONS:
            return web.json_response({"code": 0, "message": "success", "result": []})
        return await serve(request, operation, answer)

    monkeypatch.setattr(account.failures, "serve", without_vehicles)
    home = Home(hass, account, freezer, await account_at_once(hass, account))
    client = await hass_client_no_auth()
    item = pushes.gps(account.devices[CAR], account.now)
    status, _ = await home.push(client, "/pushgps", [item])
    assert status == HTTPStatus.OK
    for _ in range(8):
        await home.elapse(300)
    assert home.coordinator.vehicles()[CAR].latest_fix is not None
    assert home.coordinator.is_reachable
    await home.reload()
    for _ in range(8):
        await home.elapse(300)
    assert home.coordinator.is_reachable


@pytest.mark.parametrize("restarts", [False, True])
async def test_answers_without_one_vehicle(
    home: Home, monkeypatch: pytest.MonkeyPatch, *, restarts: bool
) -> None:
    """It is not known any more whether that one is online; all others are."""
    serve = home.sim.failures.serve
    assert home.known(VAN, "online") is True
    assert home.known(CAR, "online") is True

    async def without_one(
        request: web.BaseRequest, operation: str, answer: Answer
    ) -> web.StreamResponse:
        response = await serve(request, operation, answer)
        if operation == LOCATIONS:
            assert isinstance(response, web.Response)
            assert isinstance(response.body, bytes)
            body = json.loads(response.body)
            body["result"] = [row for row in body["result"] if row["imei"] != VAN]
            return web.json_response(body)
        return response

    monkeypatch.setattr(home.sim.failures, "serve", without_one)
    if restarts:
        await home.reload()
    await home.poll(2)
    assert home.coordinator.is_reachable
    assert home.known(VAN, "online") is None
    assert home.coordinator.vehicles()[VAN].position is not None
    assert home.known(CAR, "online") is True
    monkeypatch.undo()
    await home.poll()
    assert home.known(VAN, "online") is True


@pytest.mark.parametrize("method", [LIST, ALARMS])
async def test_something_else_fails_while_positions_are_answered(
    home: Home, method: str
) -> None:
    """Nothing becomes unavailable, for hours."""
    stand_still(home.sim)
    home.sim.fail(method, how="status", times=-1)
    for _ in range(30):
        await home.elapse(300)
        assert home.coordinator.is_reachable
    assert not unavailable(home)


@pytest.mark.parametrize("outage", OUTAGES)
async def test_pushes_while_the_api_is_down(
    home: Home, hass_client_no_auth: ClientSessionGenerator, outage: Outage
) -> None:
    """For an hour: nothing becomes unavailable, and each alarm fires at once and once."""
    client = await hass_client_no_auth()
    await home.poll(5)
    before = unavailable(home)
    fired = home.events("event", "alarm", CAR)
    stand_still(home.sim)
    outage(home.sim)
    codes = ["1", "3", "9", "10"]
    pushed_at: dict[str, float] = {}

    def told() -> list[str]:
        return [one.attributes["code"] for one in fired]

    for number, code in enumerate(codes, start=1):
        for _ in range(3):
            await home.elapse(300)
            heartbeat = pushes.heartbeat(home.sim.devices[CAR], home.sim.now)
            assert (await home.push(client, "/pushhb", [heartbeat]))[0] == HTTPStatus.OK
            assert unavailable(home) == before
        pushed_at[code] = home.sim.now
        await push_alarm(home, client, code)
        assert told() == codes[:number]
    # The API tells of the same alarms when it is back.
    car = home.sim.devices[CAR]
    car.alarms += [car.alarm(code, "Alarm", at) for code, at in pushed_at.items()]
    home.sim.heal()
    await home.elapse(timedelta(hours=3).total_seconds() + 60)
    await home.poll(3)
    assert home.connection.client.transport.quota_exhausted is False
    assert told() == codes


@pytest.mark.parametrize("outage", OUTAGES)
async def test_restart_while_the_api_is_down(
    home: Home, hass_client_no_auth: ClientSessionGenerator, outage: Outage
) -> None:
    """What was known is shown with its old time, the door is open, and alarms fire."""
    client = await hass_client_no_auth()
    await home.poll(5)
    place = home.state("device_tracker", "position").attributes
    fix = home.state(*LAST_FIX).state
    outage(home.sim)
    home.freezer.tick(timedelta(minutes=40))
    await home.reload()
    assert home.entry.state is ConfigEntryState.LOADED
    shown = home.state("device_tracker", "position").attributes
    assert (shown["latitude"], shown["longitude"]) == (
        place["latitude"],
        place["longitude"],
    )
    assert home.state(*LAST_FIX).state == fix
    assert datetime.fromisoformat(fix) < datetime.now(UTC) - timedelta(minutes=39)
    fired = home.events("event", "alarm", CAR)
    await push_alarm(home, client, "1")
    assert [one.attributes["code"] for one in fired] == ["1"]
    # The list was never read, and a push of a vehicle that is known needs none.
    await home.push(
        client, "/pushgps", [pushes.gps(home.sim.devices[VAN], home.sim.now)]
    )
    assert home.state(*LAST_FIX).state > fix


async def test_nothing_comes_in_for_ten_minutes(
    home: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Then it is unavailable, and back with the first push, or with the first poll."""
    client = await hass_client_no_auth()
    battery = ("sensor", "tracker_battery")
    await home.enable(*battery)
    await home.poll(2)
    fails(home.sim)
    known = home.state(*battery).state
    await home.elapse(599)
    assert home.state(*battery).state == known
    await home.elapse(2)
    assert home.state(*battery).state == STATE_UNAVAILABLE
    # What tells of alarms and what restores is within reach all the time.
    assert home.state("event", "alarm").state != STATE_UNAVAILABLE
    assert home.state("button", "restore_engine").state != STATE_UNAVAILABLE
    heartbeat = pushes.heartbeat(home.sim.devices[CAR], home.sim.now)
    await home.push(client, "/pushhb", [heartbeat])
    assert home.state(*battery).state != STATE_UNAVAILABLE
    await home.elapse(601)
    assert home.state(*battery).state == STATE_UNAVAILABLE
    home.sim.heal()
    await home.poll()
    assert home.state(*battery).state != STATE_UNAVAILABLE


async def test_restore_before_the_list_was_read(home: Home) -> None:
    """The engine is restored by what was known before the start: nothing else is asked."""
    await home.set_options(allow_engine_cut=True)
    await home.poll(3)
    home.freezer.move_to(NOW)
    see_ignition_on(home.coordinator, CAR)
    car = home.sim.devices[CAR]
    await home.press("cut_engine", CAR)
    assert car.relay
    for method in (LIST, INSTRUCTIONS):
        home.sim.fail(method, how="status", times=-1)
    await home.reload()
    assert home.connection.fleet.listed_at is None
    await home.press("restore_engine", CAR)
    assert not car.relay
    assert home.state("binary_sensor", "engine_cut", CAR).state == "off"


async def test_actions_before_the_list_was_read(home: Home) -> None:
    """Commands and cameras go by the model, and reports by the account, which is asked for."""
    await home.poll(5)
    home.sim.fail("jimi.user.device.location.list", how="status", times=-1)
    home.sim.fail(LIST, how="status", times=-1)
    await home.reload()
    asked = home.sim.requests[INSTRUCTIONS]
    listed = await home.call("tracksolid_list_commands", CAM)
    assert "RELAY,{0}#" in [one["template"] for one in listed[CAM]["commands"]]
    assert home.sim.requests[INSTRUCTIONS] == asked
    assert home.connection.has_camera(CAM)
    assert not home.connection.has_camera(VAN)
    begin = NOW - timedelta(hours=1)
    period: dict[str, Any] = {"begin": begin.isoformat(), "end": NOW.isoformat()}
    with pytest.raises(HomeAssistantError, match="cannot be reached"):
        await home.call("get_stops", VAN, CAM, **period)
    home.sim.heal()
    home.sim.fail("jimi.user.device.location.list", how="status", times=-1)
    lists = home.sim.requests[LIST]
    told = await home.call("get_stops", VAN, CAM, **period)
    assert all(set(answer) == {"stops"} for answer in told.values())
    assert home.sim.requests[LIST] == lists + 1


async def test_alarms_from_before_the_account_was_added(
    hass: HomeAssistant, account: TracksolidSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """They are nobody's news, over a restart too; what is missed by a restart fires."""
    car = account.devices[CAR]
    car.alarms += [car.alarm("3", "Before", account.now - ago) for ago in (600, 60)]
    home = Home(hass, account, freezer, await add_account(hass, account))
    await home.poll(2)
    fired = home.events("event", "alarm", CAR)
    await home.poll(2)
    await home.reload()
    await home.poll(2)
    assert not [one for one in fired if "code" in one.attributes]
    await hass.config_entries.async_unload(home.entry.entry_id)
    await home.elapse(300)
    car.alarms.append(car.alarm("9", "Meanwhile", account.now))
    await home.elapse(300)
    assert await hass.config_entries.async_setup(home.entry.entry_id)
    await home.poll(2)
    assert {one.attributes["code"] for one in fired if "code" in one.attributes} == {
        "9"
    }
