"""The lock, as a user sees it: what it is doing, and why it does not."""

from __future__ import annotations

import asyncio

from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from tests.turns import turns

from .rig import PARKED, RIDING, START, Rig

pytestmark = pytest.mark.freeze_time(START)

UNLOCK = "/api/v2/vehicle/control/unlock"
LOCK = "/api/v2/vehicle/control/lock"


def record(rig: Rig, imei: str) -> list[str]:
    """Return the list to which each further state of the lock is added."""
    states: list[str] = []

    @callback
    def add(event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is not None:
            states.append(state.state)

    lock = rig.entity_id("lock", imei, "locked")
    assert lock
    async_track_state_change_event(rig.hass, lock, add)
    return states


async def turn(rig: Rig, imei: str, action: str) -> None:
    """Lock or unlock, and let the time pass that it takes."""
    await rig.outcome(rig.call("lock", action, imei, "lock", "locked"))


async def test_unlock_and_lock(rig: Rig) -> None:
    """The lock shows what it is doing until the vehicle confirmed it."""
    await rig.enable_entity("binary_sensor", PARKED, "ignition")
    states = record(rig, PARKED)
    await turn(rig, PARKED, "unlock")
    assert states == ["unlocking", "unlocked"]
    assert rig.moped(PARKED).locked is False
    assert rig.state("binary_sensor", PARKED, "ignition").state == "on"
    await turn(rig, PARKED, "lock")
    assert states == ["unlocking", "unlocked", "locking", "locked"]
    assert rig.moped(PARKED).locked is True


async def test_unlocking_is_shown_meanwhile(rig: Rig) -> None:
    """While the vehicle has not answered, the lock is unlocking."""
    rig.server.hold()
    call = asyncio.create_task(rig.call("lock", "unlock", PARKED, "lock", "locked"))
    await turns()
    assert rig.state("lock", PARKED, "locked").state == "unlocking"
    rig.server.release()
    await call
    await rig.settle()
    assert rig.state("lock", PARKED, "locked").state == "unlocked"


async def test_plain_buttons(rig: Rig) -> None:
    """The buttons beside the lock do the same."""
    await rig.press(PARKED, "unlock")
    await rig.settle()
    assert rig.state("lock", PARKED, "locked").state == "unlocked"
    await rig.press(PARKED, "lock")
    await rig.settle()
    assert rig.state("lock", PARKED, "locked").state == "locked"


async def refusal(rig: Rig, sockets: WebSocketGenerator, imei: str, action: str) -> str:
    """Return the text that the front end shows when an action fails."""
    socket = await sockets(rig.hass)
    await socket.send_json_auto_id(
        {
            "type": "call_service",
            "domain": "lock",
            "service": action,
            "target": {"entity_id": rig.entity_id("lock", imei, "locked")},
        }
    )
    answer = await socket.receive_json()
    assert answer["success"] is False
    # Home Assistant takes the last full stop away.
    return f"{answer['error']['message'].rstrip('.')}."


async def test_riding_is_not_locked(
    rig: Rig, hass_ws_client: WebSocketGenerator
) -> None:
    """A moped that is ridden stays unlocked, and the user reads why."""
    states = record(rig, RIDING)
    error = await refusal(rig, hass_ws_client, RIDING, "lock")
    assert error == "The vehicle was not locked because it is being ridden."
    assert states == ["locking", "unlocked"]
    assert rig.moped(RIDING).locked is False


async def test_moving_is_not_locked(
    rig: Rig, hass_ws_client: WebSocketGenerator
) -> None:
    """The other code of Segway for it means the same."""
    rig.server.demand(LOCK, 15997)
    error = await refusal(rig, hass_ws_client, RIDING, "lock")
    assert error == "The vehicle cannot be locked while it is moving."


async def test_not_locked_here(rig: Rig, hass_ws_client: WebSocketGenerator) -> None:
    """Where a geofence forbids it, the moped is not locked."""
    moped = rig.moped(PARKED)
    await turn(rig, PARKED, "unlock")
    moped.lock_forbidden_here = True
    error = await refusal(rig, hass_ws_client, PARKED, "lock")
    assert error == "The vehicle must not be locked in this area."
    assert rig.state("lock", PARKED, "locked").state == "unlocked"


async def test_upgrading(rig: Rig, hass_ws_client: WebSocketGenerator) -> None:
    """While it updates its software, nothing is done."""
    rig.moped(PARKED).upgrading = True
    error = await refusal(rig, hass_ws_client, PARKED, "unlock")
    assert error == (
        "The vehicle is updating its software. Try again when it has finished."
    )
    assert rig.state("lock", PARKED, "locked").state == "locked"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            "unlock",
            "The handlebar could not be unlocked. Move it a little and try again.",
        ),
        (
            "lock",
            "The handlebar could not be locked. Turn it to the side and try again.",
        ),
    ],
)
async def test_stuck_handlebar(
    rig: Rig, hass_ws_client: WebSocketGenerator, action: str, message: str
) -> None:
    """A handlebar that does not move is told of, for each direction."""
    rig.moped(PARKED).handlebar_stuck = True
    error = await refusal(rig, hass_ws_client, PARKED, action)
    assert error == message


async def test_offline(rig: Rig, hass_ws_client: WebSocketGenerator) -> None:
    """An offline moped cannot be told anything."""
    rig.moped(PARKED).online = False
    error = await refusal(rig, hass_ws_client, PARKED, "unlock")
    assert error == "The vehicle is offline."


async def test_restricted(rig: Rig, hass_ws_client: WebSocketGenerator) -> None:
    """The user is told that Segway does not allow it to the account."""
    rig.server.demand(UNLOCK, 15990)
    error = await refusal(rig, hass_ws_client, PARKED, "unlock")
    assert error.startswith("Segway has restricted this")


async def test_timeout_that_was_carried_out(rig: Rig) -> None:
    """After 15302 the status is read: the moped did unlock, and there is no error."""
    rig.server.demand(UNLOCK, 15302, carried_out=True)
    states = record(rig, PARKED)
    await turn(rig, PARKED, "unlock")
    assert states == ["unlocking", "unlocked"]


async def test_timeout_that_was_not(rig: Rig) -> None:
    """After 15302 the status is read again and again before the outcome is called open."""
    rig.server.demand(UNLOCK, 15302)
    asked = rig.server.requests["/api/v2/vehicle/query/current/status"]
    states = record(rig, PARKED)
    with pytest.raises(HomeAssistantError) as caught:
        await turn(rig, PARKED, "unlock")
    assert caught.value.translation_key == "segway_device_timeout"
    assert states == ["unlocking", "locked"]
    assert rig.server.requests["/api/v2/vehicle/query/current/status"] >= asked + 3


async def test_accepted_but_not_shown(rig: Rig) -> None:
    """A lock that Segway confirmed and the status does not show is not called locked."""
    rig.server.answer_next(UNLOCK, {"code": 0, "msg": "Success", "data": None, "t": 1})
    states = record(rig, PARKED)
    with pytest.raises(HomeAssistantError) as caught:
        await turn(rig, PARKED, "unlock")
    assert caught.value.translation_key == "segway_not_confirmed"
    assert states == ["unlocking", "locked"]


async def test_one_after_the_other(rig: Rig) -> None:
    """The second command to a moped waits until the first has ended."""
    rig.server.hold()
    first = asyncio.create_task(rig.call("lock", "unlock", PARKED, "lock", "locked"))
    await turns()
    second = asyncio.create_task(rig.press(PARKED, "lock"))
    await turns()
    assert rig.server.requests[LOCK] == 0
    rig.server.release()
    await asyncio.gather(first, second)
    await rig.settle()
    assert rig.moped(PARKED).locked is True
    assert rig.state("lock", PARKED, "locked").state == "locked"
