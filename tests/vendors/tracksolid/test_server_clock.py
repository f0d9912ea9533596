"""An account whose server's clock differs from Home Assistant's, by whichever's fault."""

from __future__ import annotations

import time

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from tests.simulators.tracksolid import TracksolidSimulator

from .helpers import CAR, VAN
from .home import NOW, Home, add_account

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.mark.parametrize(
    ("hours", "text"), [(1, "server_clock_ahead"), (-1, "server_clock_behind")]
)
async def test_an_hour(
    hass: HomeAssistant,
    account: TracksolidSimulator,
    freezer: FrozenDateTimeFactory,
    hours: int,
    text: str,
) -> None:
    """The account is added and polled, alarms fire, and a repair says by how much."""
    account.clock = lambda: time.time() + hours * 3600
    home = Home(hass, account, freezer, await add_account(hass, account))
    await home.enable("binary_sensor", "online")
    await home.poll(3)
    (issue,) = ir.async_get(hass).issues.values()
    assert issue.translation_key == text
    assert issue.translation_placeholders
    assert issue.translation_placeholders["minutes"] == "60"
    tracker = home.state("device_tracker", "position", VAN)
    place = account.devices[VAN].report(account.now)[0].place
    assert tracker.attributes["latitude"] == pytest.approx(place.latitude, abs=1e-2)
    assert home.state("binary_sensor", "online", VAN).state == "on"
    fired = home.events("event", "alarm", CAR)
    car = account.devices[CAR]
    car.alarms.append(car.alarm("3", "Vibration alert", account.now))
    await home.poll(3)
    assert [one.attributes["code"] for one in fired] == ["3"]
    # What asks for periods gets the latest too.
    trips = await home.call(
        "get_stops", CAR, begin=NOW.replace(hour=0).isoformat(), end=NOW.isoformat()
    )
    assert "error" not in trips[CAR]
    # Put right, it works on, and nothing is wrong any more.
    account.clock = time.time
    await home.poll(2)
    assert not home.issues()
