"""Commands: each shows what it does, is confirmed by the tracker, or says why not."""

from __future__ import annotations

from collections.abc import Callable

from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.exceptions import HomeAssistantError
import pytest

from tests.common import see_ignition_on, send_settings
from tests.simulators.open_api_fleet import Device, Reply
from tests.simulators.server import Fault

from .conftest import CAR, SPARE, START, TRUCK, Rig

pytestmark = pytest.mark.freeze_time(START)

SEND = "/api/command/send"
QUERY = "/api/command/query"


async def call(rig: Rig, action: str, domain: str, imei: str, reading: str) -> None:
    """Call an action on an entity, and let time pass until it is done or refused."""
    service_domain, service = action.split(".")
    entity_id = rig.entity_id(domain, imei, reading)
    assert entity_id
    await rig.wait_for(
        rig.hass.services.async_call(
            service_domain, service, {"entity_id": entity_id}, blocking=True
        )
    )


def states(rig: Rig, domain: str, imei: str, reading: str) -> list[str]:
    """Return a list that is filled with the states that an entity goes through."""
    entity_id = rig.entity_id(domain, imei, reading)
    seen: list[str] = []

    @callback
    def on_change(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] == entity_id:
            state = event.data["new_state"]
            if state is not None and [state.state] != seen[-1:]:
                seen.append(state.state)

    rig.hass.bus.async_listen("state_changed", on_change)
    return seen


async def allow_engine_cut(rig: Rig, **options: object) -> None:
    """Allow the engine to be cut off, as the user does in the options."""
    result = await send_settings(
        rig.hass, rig.entry.entry_id, {"allow_engine_cut": True, **options}
    )
    assert result["type"] == "create_entry"
    await rig.settle()


# Doors


async def test_lock_and_unlock(rig: Rig) -> None:
    """Locking, locked, unlocking, unlocked: each only when it is so."""
    await rig.enable("lock", TRUCK, "locked")
    device = rig.server.device(TRUCK)
    device.answers_after = 3
    lock = rig.state("lock", TRUCK, "locked")
    assert lock.state == "unknown"
    assert lock.attributes["assumed_state"] is True
    seen = states(rig, "lock", TRUCK, "locked")
    await call(rig, "lock.lock", "lock", TRUCK, "locked")
    assert seen == ["locking", "locked"]
    assert device.door_locked is True
    await call(rig, "lock.unlock", "lock", TRUCK, "locked")
    assert seen == ["locking", "locked", "unlocking", "unlocked"]
    assert device.door_locked is False
    # The last confirmed command outlives a restart, and is still assumed.
    await rig.reload()
    lock = rig.state("lock", TRUCK, "locked")
    assert lock.state == "unlocked"
    assert lock.attributes["assumed_state"] is True


async def test_a_tracker_that_says_no(rig: Rig) -> None:
    """Its words are told, and the lock is shown as it was."""
    await rig.enable("lock", TRUCK, "locked")
    rig.server.device(TRUCK).replies["LOCKDOOR"] = Reply(
        "Lock door: Fail!", obeys=False
    )
    seen = states(rig, "lock", TRUCK, "locked")
    with pytest.raises(HomeAssistantError, match="refused: Lock door: Fail!"):
        await call(rig, "lock.lock", "lock", TRUCK, "locked")
    assert seen == ["locking", "unknown"]


@pytest.mark.parametrize(
    "answer",
    [
        "FAIL",
        "Error: busy",
        "Command refused",
        "Command rejected",
        "invalid",
        "Unsuccessful",
        "Not supported",
        "Cut off the fuel supply: not executed. Speed limit.",
        "Permission denied",
        "DYD=Speed Limit, Speed 40km/h",
    ],
)
async def test_how_trackers_say_no(rig: Rig, answer: str) -> None:
    """Each has words of its own."""
    rig.server.device(TRUCK).replies["RELAY,0"] = Reply(answer, obeys=False)
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "button.press", "button", TRUCK, "restore_engine")
    assert raised.value.translation_key == "command_answered_no"


@pytest.mark.parametrize(
    "answer",
    ["OK", "Restore fuel supply: Success!", "Already in that state", ""],
)
async def test_how_trackers_say_yes(rig: Rig, answer: str) -> None:
    """Every answer that does not say no is a yes."""
    rig.server.device(TRUCK).replies["RELAY,0"] = Reply(answer)
    await call(rig, "button.press", "button", TRUCK, "restore_engine")
    assert rig.state("binary_sensor", TRUCK, "engine_cut").state == "off"


@pytest.mark.parametrize(
    ("prepare", "key", "text"),
    [
        (
            lambda device: setattr(device, "offline_since", START.timestamp()),
            "vehicle_offline",
            "The vehicle is offline",
        ),
        (
            lambda device: device.refusals.update(LOCKDOOR=20018),
            "command_failed",
            "The vehicle did not carry out the command",
        ),
        (
            lambda device: setattr(device, "expired", True),
            "vehicle_expired",
            "The vehicle's subscription has expired",
        ),
        (
            lambda device: setattr(device, "blocked", True),
            "vehicle_blocked",
            "The vehicle is blocked at the vendor",
        ),
    ],
    ids=["offline", "failed", "expired", "blocked"],
)
async def test_refused_at_once(
    rig: Rig, prepare: Callable[[Device], None], key: str, text: str
) -> None:
    """The error is told in words, and the lock is shown as it was."""
    await rig.enable("lock", TRUCK, "locked")
    await call(rig, "lock.unlock", "lock", TRUCK, "locked")
    prepare(rig.server.device(TRUCK))
    seen = states(rig, "lock", TRUCK, "locked")
    questions = rig.server.requests[QUERY]
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "lock.lock", "lock", TRUCK, "locked")
    assert raised.value.translation_key == key
    assert str(raised.value) == text
    assert seen == ["locking", "unlocked"]
    assert rig.server.requests[QUERY] == questions


async def test_a_tracker_that_never_answers(rig: Rig) -> None:
    """After 30 questions nobody knows, and that is what is said. Nothing is repeated."""
    await rig.enable("lock", TRUCK, "locked")
    # Home Assistant reloads an entry half a minute after an entity of it was enabled.
    await rig.advance(31)
    rig.server.device(TRUCK).answers_after = None
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "lock.lock", "lock", TRUCK, "locked")
    assert raised.value.translation_key == "command_unconfirmed"
    assert "has not confirmed it" in str(raised.value)
    assert rig.state("lock", TRUCK, "locked").state == "unknown"
    assert rig.server.requests[SEND] == 1
    assert rig.server.requests[QUERY] == 30


async def test_a_server_that_dies_with_the_command(rig: Rig) -> None:
    """Whether it was sent is not known, and nothing is sent again."""
    await rig.enable("lock", TRUCK, "locked")
    rig.server.break_next(SEND, Fault.DISCONNECT)
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "lock.lock", "lock", TRUCK, "locked")
    assert raised.value.translation_key == "command_unconfirmed"
    assert rig.server.requests[SEND] == 1
    await rig.server.stop()
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "lock.lock", "lock", TRUCK, "locked")
    assert raised.value.translation_key in ("cannot_connect", "command_unconfirmed")
    await rig.server.start()
    await call(rig, "lock.lock", "lock", TRUCK, "locked")
    assert rig.state("lock", TRUCK, "locked").state == "locked"


async def test_an_extra_look_after_a_command(rig: Rig) -> None:
    """At once, and 20 s later."""
    await call(rig, "button.press", "button", TRUCK, "restore_engine")
    looks = rig.server.requests["/api/track"]
    await rig.advance(21)
    assert rig.server.requests["/api/track"] == looks + 1


async def test_no_look_after_a_command(rig: Rig) -> None:
    """The command was confirmed all the same."""
    await rig.enable("lock", TRUCK, "locked")
    rig.server.fail_next("/api/track", 10000)
    await call(rig, "lock.lock", "lock", TRUCK, "locked")
    assert rig.state("lock", TRUCK, "locked").state == "locked"


# The engine


async def test_cutting_is_off_until_it_is_allowed(rig: Rig) -> None:
    """Nothing is sent; restoring needs no permission."""
    assert rig.entity_id("button", TRUCK, "cut_engine") is None
    await allow_engine_cut(rig)
    assert rig.entity_id("button", TRUCK, "cut_engine")
    await allow_engine_cut(rig, allow_engine_cut=False)
    assert rig.entity_id("button", TRUCK, "cut_engine") is None
    assert rig.server.requests[SEND] == 0
    rig.server.device(TRUCK).fuel_supply = 0
    await rig.poll()
    assert rig.state("binary_sensor", TRUCK, "engine_cut").state == "on"
    await call(rig, "button.press", "button", TRUCK, "restore_engine")
    assert rig.server.device(TRUCK).fuel_supply == 1
    assert rig.state("binary_sensor", TRUCK, "engine_cut").state == "off"


async def test_cutting_a_parked_vehicle(rig: Rig) -> None:
    """A fresh look, then the command, then what the tracker confirmed."""
    await allow_engine_cut(rig)
    see_ignition_on(rig.coordinator, TRUCK)
    looks = rig.server.requests["/api/track"]
    await call(rig, "button.press", "button", TRUCK, "cut_engine")
    assert rig.server.requests["/api/track"] == looks + 2
    assert rig.server.device(TRUCK).fuel_supply == 0
    assert rig.state("binary_sensor", TRUCK, "engine_cut").state == "on"
    await rig.poll()
    assert rig.state("binary_sensor", TRUCK, "engine_cut").state == "on"


async def test_cutting_before_the_tracker_reports_again(rig: Rig) -> None:
    """The confirmed state is shown; a later report counts more."""
    await allow_engine_cut(rig)
    rig.server.device(TRUCK).overrides = {"oilpowerstatus": 1}
    see_ignition_on(rig.coordinator, TRUCK)
    await call(rig, "button.press", "button", TRUCK, "cut_engine")
    assert rig.state("binary_sensor", TRUCK, "engine_cut").state == "on"
    await rig.poll()
    assert rig.state("binary_sensor", TRUCK, "engine_cut").state == "off"


async def test_a_tracker_that_does_not_tell_of_its_relay(rig: Rig) -> None:
    """The last confirmed command is all that is known."""
    await allow_engine_cut(rig)
    rig.server.device(CAR).overrides = {"oilpowerstatus": -1}
    see_ignition_on(rig.coordinator, CAR)
    await rig.poll()
    assert rig.state("binary_sensor", CAR, "engine_cut").state == "unknown"
    await call(rig, "button.press", "button", CAR, "cut_engine")
    await rig.poll()
    await rig.reload()
    assert rig.state("binary_sensor", CAR, "engine_cut").state == "on"
    await call(rig, "button.press", "button", CAR, "restore_engine")
    assert rig.state("binary_sensor", CAR, "engine_cut").state == "off"


async def test_cutting_a_moving_vehicle(rig: Rig) -> None:
    """Refused above the limit, by a look that was taken for the command."""
    await allow_engine_cut(rig)
    rig.freezer.tick(400)  # unseen by any poll, it drives
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "button.press", "button", TRUCK, "cut_engine")
    assert raised.value.translation_key == "engine_cut_too_fast"
    assert "drives 60 km/h, the limit is 20 km/h" in str(raised.value)
    assert rig.server.requests[SEND] == 0
    assert rig.state("binary_sensor", TRUCK, "engine_cut").state == "off"


async def test_cutting_a_vehicle_that_is_offline(rig: Rig) -> None:
    """Refused, and never queued."""
    await allow_engine_cut(rig)
    rig.server.device(TRUCK).offline_since = START.timestamp()
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "button.press", "button", TRUCK, "cut_engine")
    assert raised.value.translation_key == "vehicle_offline"
    rig.server.device(TRUCK).offline_since = None
    await rig.poll()
    assert rig.server.requests[SEND] == 0


async def test_cutting_without_a_look(rig: Rig) -> None:
    """A vehicle that cannot be looked at is not cut."""
    await allow_engine_cut(rig)
    rig.server.fail_next("/api/track", 10000)
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "button.press", "button", TRUCK, "cut_engine")
    assert raised.value.translation_key == "system_error"
    assert rig.server.requests[SEND] == 0


# Buttons


async def test_reset(rig: Rig) -> None:
    """The tracker restarts."""
    await rig.enable("button", TRUCK, "reset")
    await call(rig, "button.press", "button", TRUCK, "reset")
    assert rig.server.device(TRUCK).resets == 1


async def test_refresh(rig: Rig) -> None:
    """The button looks at one vehicle once, and wakes no tracker."""
    await rig.enable("button", TRUCK, "refresh")
    rig.freezer.tick(400)
    await call(rig, "button.press", "button", TRUCK, "refresh")
    assert rig.state("binary_sensor", TRUCK, "ignition").state == "on"
    assert rig.server.requests[SEND] == 0
    rig.server.device(TRUCK).error = 20046
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "button.press", "button", TRUCK, "refresh")
    assert raised.value.translation_key == "vehicle_expired"


# What a tracker does not know


async def test_a_command_that_is_not_known(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Its entity disappears with one line in the log, for that vehicle and for good."""
    await rig.enable("lock", TRUCK, "locked")
    rig.server.device(TRUCK).refusals = {"LOCKDOOR": 20048, "UNLOCKDOOR": 20048}
    caplog.clear()
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "lock.lock", "lock", TRUCK, "locked")
    assert raised.value.translation_key == "command_unsupported"
    assert rig.entity_id("lock", TRUCK, "locked") is None
    assert rig.entity_id("lock", CAR, "locked")
    lines = [
        record.message
        for record in caplog.records
        if "open_api" in record.name and record.levelname != "DEBUG"
    ]
    assert lines == [
        "A tracker does not know the command lock, which is no longer offered for it"
    ]
    await rig.reload()
    await rig.advance(901)
    assert rig.entity_id("lock", TRUCK, "locked") is None
    assert rig.entity_id("button", TRUCK, "restore_engine")


async def test_a_tracker_that_does_not_know_the_relay(rig: Rig) -> None:
    """Each button goes with its own command: who cannot cut may still restore."""
    await allow_engine_cut(rig)
    see_ignition_on(rig.coordinator, TRUCK)
    rig.server.device(TRUCK).refusals = {"RELAY": 20048}
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "button.press", "button", TRUCK, "cut_engine")
    assert raised.value.translation_key == "command_unsupported"
    assert rig.entity_id("button", TRUCK, "cut_engine") is None
    with pytest.raises(HomeAssistantError):
        await call(rig, "button.press", "button", TRUCK, "restore_engine")
    assert rig.entity_id("button", TRUCK, "restore_engine") is None
    # What the server tells of the relay is shown all the same.
    assert rig.state("binary_sensor", TRUCK, "engine_cut").state == "off"


async def test_a_tracker_that_never_was_online(rig: Rig) -> None:
    """Nobody knows what it can do: it has no buttons for its engine before its first word."""
    await allow_engine_cut(rig)
    for key in ("cut_engine", "restore_engine"):
        assert rig.entity_id("button", SPARE, key) is None
        assert rig.entity_id("button", TRUCK, key)


async def test_cutting_and_restoring_at_one_server_time(rig: Rig) -> None:
    """What was confirmed last is shown, though the server's record has not moved on."""
    await allow_engine_cut(rig)
    see_ignition_on(rig.coordinator, TRUCK)
    rig.server.device(TRUCK).overrides = {"oilpowerstatus": -1}
    for key, state in (
        ("cut_engine", "on"),
        ("restore_engine", "off"),
        ("cut_engine", "on"),
    ):
        await call(rig, "button.press", "button", TRUCK, key)
        assert rig.state("binary_sensor", TRUCK, "engine_cut").state == state
