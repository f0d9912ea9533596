"""No value of a Tracksolid account shows anything absurd, or hides what the others say."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.simulators.failures import replace_all
from tests.simulators.tracksolid import pushes
from tests.vendors.hostile import VALUES, check_house, check_kept

from .helpers import CAM, CAR
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)

OF_A_LOCATION = (
    *("lat", "lng", "gpsTime", "hbTime", "posType", "status", "accStatus", "speed"),
    *("expireFlag", "activationFlag", "direction", "gpsNum", "gpsSignal", "mileage"),
    *("currentMileage", "electQuantity", "elecQuantity", "batteryPowerVal"),
    *("powerValue", "temperature", "trackerOil", "chargeStatus", "locDesc", "iccid"),
    *("confidence", "deviceName"),
)
KEPT = {"deviceImei", "imei"}
MAPPED = (
    *("/pushgps", "/pushhb", "/pushevent", "/pushalarm", "/pushoil", "/pushtem"),
    *("/pushobd", "/pushfaultinfo", "/pushtripreport", "/wgtc"),
)
"""The last is passed on as the tracker's own data, as are all the others."""


def _spoilt(value: object, key: str, told: object) -> object:
    return told if key in KEPT else value


async def test_any_value_in_all_fields(
    home: Home, hass_storage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Of one vehicle's location; the others are shown as before."""
    before = home.coordinator.vehicles()[CAR].readings.keys()
    truck = home.sim.devices[CAM]
    for value in VALUES:
        if isinstance(value, str) and "\ud83d" in value:
            continue  # the simulator writes UTF-8; pushes and failures have them
        truck.fields = dict.fromkeys(OF_A_LOCATION, value)
        await home.poll()
        check_house(home.hass, home.coordinator, caplog, repr(value))
    assert home.coordinator.vehicles()[CAR].readings.keys() == before
    truck.fields = {}
    await home.poll(2)
    assert home.known(CAM, "fuel") == 212.5
    await check_kept(home.hass, home.coordinator, hass_storage)


async def test_any_value_pushed(
    home: Home,
    hass_client_no_auth: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In all fields of each family of pushes: accepted, and of no harm."""
    client = await hass_client_no_auth()
    truck = home.sim.devices[CAM]
    for value in VALUES:
        await home.elapse(41)
        for path in MAPPED:
            item = json.loads(json.dumps(pushes.sample(path, truck, home.sim.now)))
            replace_all(item, partial(_spoilt, value))
            answer = await client.post(
                f"{home.push_base}{path}", json={"data_list": [item]}
            )
            assert answer.status == HTTPStatus.OK, (path, value)
        await home.processed()
        check_house(home.hass, home.coordinator, caplog, repr(value))
    await home.push(client, "/pushgps", [pushes.gps(truck, home.sim.now)])
    assert home.known(CAM, "online") is True
    await check_kept(home.hass, home.coordinator, hass_storage)
