"""Commands through Home Assistant: what stops a vehicle, and what only asks it."""

from __future__ import annotations

import asyncio

from homeassistant.exceptions import HomeAssistantError
import pytest

from tests.common import see_ignition_on
from tests.simulators.tracksolid.device import CUSTOM

from .helpers import CAM, CAR, VAN
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)

SEND = "jimi.open.instruction.send"


async def refusal(home: Home, imei: str = CAR) -> str | None:
    """Try to cut the engine and return why that is refused."""
    with pytest.raises(HomeAssistantError) as refused:
        await home.press("cut_engine", imei)
    return refused.value.translation_key


@pytest.mark.parametrize("custom", [False, True])
async def test_cut_off_and_restore(home: Home, custom: bool) -> None:
    """By the entry of the device's own list, else by the custom text."""
    car = home.sim.devices[CAR]
    if custom:
        # Another model, whose list is asked for anew.
        car.model, car.commands = "CUSTOM", (CUSTOM,)
    await home.set_options(allow_engine_cut=True)
    await home.poll(3)
    home.freezer.move_to(NOW)
    see_ignition_on(home.coordinator, CAR)
    await home.press("cut_engine", CAR)
    assert car.relay
    assert home.state("binary_sensor", "engine_cut", CAR).state == "on"
    await home.press("restore_engine", CAR)
    assert not car.relay
    assert home.state("binary_sensor", "engine_cut", CAR).state == "off"
    assert {sent.text for sent in car.sent} == {"RELAY,1#", "RELAY,0#"}


async def test_cut_off_that_is_not_enabled(home: Home) -> None:
    """Nothing is sent before the user enabled it; restoring needs no permission."""
    await home.poll(3)
    with pytest.raises(AssertionError, match="no button for cut_engine"):
        home.entity_id("button", "cut_engine", CAR)
    assert home.sim.requests[SEND] == 0
    await home.press("restore_engine", CAR)
    assert home.sim.requests[SEND] == 1


async def test_cut_off_at_speed(home: Home) -> None:
    """A vehicle that drives is not stopped."""
    await home.set_options(allow_engine_cut=True)
    await home.poll(5)
    assert await refusal(home, CAM) == "engine_cut_too_fast"
    assert home.sim.requests[SEND] == 0


async def test_cut_off_of_an_offline_vehicle_is_not_queued(home: Home) -> None:
    """Offline means refused; nothing waits for the vehicle."""
    await home.set_options(allow_engine_cut=True)
    await home.poll(3)
    home.sim.devices[CAR].online = False
    assert await refusal(home) == "vehicle_offline"
    assert home.sim.requests[SEND] == 0
    assert not home.sim.devices[CAR].sent


async def test_answer_that_comes_late(home: Home) -> None:
    """225 means that no answer came yet; the result is asked for."""
    await home.poll(3)
    home.sim.devices[CAR].behaviour = "late"
    answer = await home.wait_for(
        home.call("tracksolid_send_command", CAR, text="STATUS#")
    )
    assert "Battery:4.14V" in answer[CAR]["answer"]
    assert answer[CAR]["queued"] is False


async def test_refused_command(home: Home) -> None:
    """The vehicle's own words are told."""
    await home.poll(3)
    home.sim.devices[CAR].replies = {"STATUS": "Command not executed"}
    with pytest.raises(HomeAssistantError) as refused:
        await home.call("tracksolid_send_command", CAR, text="STATUS#")
    assert refused.value.translation_key == "tracksolid_command_refused"


async def test_texts_pass_the_guard(home: Home) -> None:
    """What cuts by another way, and what nobody knows, is guarded alike."""
    await home.poll(3)
    for text in ("RELAY,1#", "STATUS#RELAY,1#", "SOMETHING#"):
        with pytest.raises(HomeAssistantError) as refused:
            await home.call("tracksolid_send_command", CAR, text=text)
        assert refused.value.translation_key == "engine_cut_not_enabled"
    with pytest.raises(HomeAssistantError) as refused:
        await home.call("tracksolid_send_command", CAR, command="113")
    assert refused.value.translation_key == "engine_cut_not_enabled"
    with pytest.raises(HomeAssistantError) as refused:
        await home.call("tracksolid_send_raw_command", CAR, hex="7878")
    assert refused.value.translation_key == "engine_cut_not_enabled"
    assert home.sim.requests[SEND] == 0


async def test_harmless_buttons(home: Home) -> None:
    """Locating and restarting are buttons, which are disabled by default."""
    await home.poll(3)
    await home.enable("button", "locate", "reboot", imei=CAR)
    await asyncio.gather(home.press("locate", CAR), home.press("reboot", CAR))
    assert {sent.text for sent in home.sim.devices[CAR].sent} == {"URL#", "RESET#"}
    await home.press("refresh", VAN)
