"""What is shown and fired while Segway's API is down, and what is asked after an unload."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Event, State, callback
from homeassistant.exceptions import HomeAssistantError
import pytest

from tests.simulators.failures import Answer
from tests.simulators.segway import ANY_PATH, TOKEN_PATH
from tests.simulators.server import Fault
from tests.turns import turns
from tests.vendors.rig import settle
from tests.vendors.segway.rig import (
    PARKED,
    RIDING,
    START,
    Door,
    Rig,
    add_account,
    add_vehicle,
)

pytestmark = pytest.mark.freeze_time(START)

STATUS = "/api/v2/vehicle/query/current/status"
LOCATION = "/api/v2/vehicle/query/current/location"
UNLOCK = "/api/v2/vehicle/control/unlock"


def alarms(rig: Rig, imei: str) -> list[State]:
    """Return the list that gets the alarms of a moped from now on."""
    fired: list[State] = []
    wanted = rig.entity_id("event", imei, "alarm")
    assert wanted

    @callback
    def on_change(event: Event[Any]) -> None:
        if event.data["entity_id"] == wanted and (state := event.data["new_state"]):
            fired.append(state)

    rig.hass.bus.async_listen("state_changed", on_change)
    return fired


def unavailable(rig: Rig) -> set[str]:
    """Return the entities that are unavailable."""
    return {
        state.entity_id
        for state in rig.hass.states.async_all()
        if state.state == STATE_UNAVAILABLE
    }


async def pass_time(rig: Rig, seconds: int, step: int) -> None:
    """Let time pass in steps, while requests may hang."""
    for _ in range(0, seconds, step):
        rig.freezer.tick(step)
        await settle(rig.server)


async def test_pushes_while_the_api_is_down(door: Door) -> None:
    """For an hour nothing becomes unavailable, and each alert fires at once and once."""
    rig = door.rig
    before = unavailable(rig)
    fired = alarms(rig, PARKED)
    rig.server.break_until_healed(ANY_PATH, Fault.HTTP_500)
    for number in range(1, 7):
        await rig.advance(600)
        await door.tell(RIDING)
        assert await door.alert(PARKED, 1) == 200
        assert len(fired) == number
        assert unavailable(rig) == before
    assert not rig.issues()
    rig.server.heal()
    await rig.advance(901)
    assert len(fired) == 6


async def test_restart_while_the_api_is_down(door: Door) -> None:
    """The last values are shown with their old times, and the door is open."""
    rig = door.rig
    place = rig.state("device_tracker", RIDING, "position").attributes["latitude"]
    fix = rig.state("sensor", RIDING, "last_fix").state
    battery = rig.state("sensor", PARKED, "battery").state
    rig.server.break_until_healed(ANY_PATH, Fault.HTTP_500)
    rig.freezer.tick(2400)
    await rig.outcome(rig.hass.config_entries.async_reload(rig.entry.entry_id))
    assert rig.entry.state is ConfigEntryState.LOADED
    shown = rig.state("device_tracker", RIDING, "position").attributes["latitude"]
    assert shown == place
    assert rig.state("sensor", RIDING, "last_fix").state == fix
    assert rig.state("sensor", PARKED, "battery").state == battery
    fired = alarms(rig, PARKED)
    assert await door.alert(PARKED, 1) == 200
    assert len(fired) == 1
    await door.tell(RIDING)
    assert rig.state("sensor", RIDING, "last_fix").state > fix


async def test_15001_for_all_is_the_accounts_failure(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """No moped is called silent; told once, and unavailable after three intervals."""
    rig.server.demand(ANY_PATH, 15001, times=10_000)
    await rig.run(900, 60)
    known = rig.coordinator.vehicle(PARKED)
    assert known is not None
    assert known.readings["condition"] == "connected"
    errors = [one for one in caplog.records if "Error fetching" in one.getMessage()]
    assert len(errors) == 1
    await rig.run(2400, 60)
    assert rig.state("sensor", PARKED, "battery").state == STATE_UNAVAILABLE
    assert rig.state("sensor", RIDING, "battery").state == STATE_UNAVAILABLE


async def test_answers_without_anything(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success that tells nothing at all is no sign of life."""

    async def empty(
        _request: web.BaseRequest, _operation: str, _answer: Answer
    ) -> web.StreamResponse:
        return web.json_response({"code": 0, "msg": "Success", "data": {}})

    monkeypatch.setattr(rig.server.failures, "serve", empty)
    await rig.run(540, 60)
    assert rig.coordinator.is_reachable
    await rig.run(2800, 60)
    assert not rig.coordinator.is_reachable


@pytest.mark.parametrize("fault", [Fault.HTTP_500, Fault.HANG])
@pytest.mark.parametrize("path", [STATUS, LOCATION])
async def test_one_question_fails_for_hours(
    rig: Rig, path: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """The other one is answered: the account is read, and stays reachable."""
    rig.server.break_until_healed(path, fault)
    other = LOCATION if path == STATUS else STATUS
    asked = rig.server.requests[other]
    for _ in range(40):
        await pass_time(rig, 180, 60)
        assert rig.coordinator.is_reachable
    assert rig.server.requests[other] >= asked + 15
    assert rig.state("device_tracker", RIDING, "position").state != STATE_UNAVAILABLE
    assert sum("Error fetching" in one.getMessage() for one in caplog.records) <= 1


async def test_one_silent_moped_alone(rig: Rig) -> None:
    """The moped keeps its last values; the others and the account are as before."""
    rig.moped(PARKED).silent = True
    battery = rig.state("sensor", PARKED, "battery").state
    await pass_time(rig, 2700, 45)
    assert rig.state("sensor", PARKED, "battery").state == battery
    rig.moped(RIDING).percent = 41
    await pass_time(rig, 90, 45)
    assert rig.state("sensor", RIDING, "battery").state == "41"
    assert rig.coordinator.last_update_success
    assert not rig.issues()


# --- after an unload ---

type Work = asyncio.Future[Any]


async def poll(rig: Rig) -> Work:
    """Poll, and let the requests wait."""
    rig.server.hold()
    rig.freezer.tick(901)
    return asyncio.ensure_future(rig.coordinator.async_refresh())


async def renewal(rig: Rig) -> Work:
    """Poll when the token has died, and let the login wait."""
    rig.server.drop_tokens()
    return await poll(rig)


async def command(rig: Rig) -> Work:
    """Unlock, and let the answer wait."""
    rig.server.hold()
    return asyncio.ensure_future(rig.press(PARKED, "unlock"))


async def confirmation(rig: Rig) -> Work:
    """Unlock a moped that does not show it, which is read again and again."""
    rig.moped(PARKED).locked = True
    answer = {"code": 0, "msg": "Success", "data": None, "t": 1}
    rig.server.answer_next(UNLOCK, answer)
    call = asyncio.ensure_future(rig.press(PARKED, "unlock"))
    for _ in range(3):
        await turns()
        rig.freezer.tick(1)
    assert not call.done()
    return call


async def silence(rig: Rig) -> Work:
    """Wait in the background for a moped that does not answer."""
    rig.moped(PARKED).silent = True
    rig.freezer.tick(901)
    return asyncio.ensure_future(rig.coordinator.async_refresh())


PHASES: Mapping[str, Callable[[Rig], Awaitable[Work | None]]] = {
    "poll": poll,
    "renewal": renewal,
    "command": command,
    "confirmation": confirmation,
    "silence": silence,
}


@pytest.mark.parametrize("removed", [False, True])
async def test_nothing_is_asked_after_an_unload(rig: Rig, removed: bool) -> None:
    """In each phase: answers that come in now lead to nothing, nor does the time."""
    entries, server = rig.hass.config_entries, rig.server
    for name, begin in PHASES.items():
        work = await begin(rig)
        await turns()
        if removed:
            unloading = asyncio.ensure_future(entries.async_remove(rig.entry.entry_id))
            await rig.outcome(unloading)
        else:
            await rig.outcome(entries.async_unload(rig.entry.entry_id))
        # Those that wait at the server are counted when it lets them through.
        asked = server.requests.total() + server.in_flight
        server.release()
        await pass_time(rig, 30, 2)
        await pass_time(rig, 2700, 900)
        if work is not None:
            with suppress(HomeAssistantError):
                await work
        assert server.requests.total() <= asked, name
        rig.moped(PARKED).silent = False
        if removed:
            entry = await add_account(rig.hass, server)
            rig = Rig(rig.hass, server, rig.freezer, entry)
            await add_vehicle(rig.hass, entry, PARKED, name="Parked")
        else:
            assert await entries.async_setup(rig.entry.entry_id)
        await rig.advance(0.1)
        assert server.requests.total() > asked


@pytest.mark.parametrize("issued", [True, False])
async def test_reload_while_a_token_is_issued(rig: Rig, issued: bool) -> None:
    """It is kept, and no other is asked for; what never comes is not waited for for long."""
    entries, server = rig.hass.config_entries, rig.server
    before = server.requests[TOKEN_PATH]
    poll = await renewal(rig)
    await turns()
    unloading = asyncio.ensure_future(entries.async_unload(rig.entry.entry_id))
    await turns()
    if issued:
        server.release()
    await rig.outcome(unloading)
    with suppress(HomeAssistantError):
        await poll
    if issued:
        await rig.outcome(entries.async_setup(rig.entry.entry_id))
        assert rig.coordinator.last_update_success
        assert server.requests[TOKEN_PATH] == before + 1
    else:
        asked = server.requests.total() + server.in_flight
        server.release()
        await pass_time(rig, 120, 60)
        assert server.requests.total() <= asked
