"""Diagnostics and logs tell how an account does, and nothing private."""

from __future__ import annotations

import json

from homeassistant.const import ATTR_LATITUDE, ATTR_LONGITUDE
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.fleet_tracker.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)

from .rig import PARKED, RIDING, START, Door, Rig

pytestmark = pytest.mark.freeze_time(START)


def private(rig: Rig) -> set[str]:
    """Return what must not get out."""
    texts = {
        PARKED,
        RIDING,
        rig.server.client_id,
        rig.server.client_secret,
        rig.entry.data["push_secret"],
        *rig.server.tokens,
        "abcd1234",
    }
    for imei in (PARKED, RIDING):
        position = rig.coordinator.vehicles()[imei].position
        assert position
        texts |= {str(position.latitude), str(position.longitude)}
    return texts


async def live(door: Door) -> None:
    """Let happen what diagnostics and logs may tell of."""
    rig = door.rig
    await rig.act("segway_get_bluetooth_key", PARKED, response=True)
    await door.tell(PARKED)
    await door.alert(PARKED, 1)
    await door.fault(PARKED, "E5")
    door.sender.client_secret = "wrong"
    await door.alert(PARKED, 1)
    door.sender.client_secret = rig.server.client_secret
    rig.moped(PARKED).refuses = 15102
    await rig.run(1000, 100)


async def test_account(door: Door) -> None:
    """The account's diagnostics count what came, and name nobody."""
    rig = door.rig
    await live(door)
    found = await async_get_config_entry_diagnostics(rig.hass, rig.entry)
    text = json.dumps(found)
    assert not [secret for secret in private(rig) if secret in text]
    connection = found["connection"]
    assert connection["pushes"]["alert"] == 1
    assert connection["pushes"]["wrong signature"] >= 1
    assert connection["client"]["code 0"] > 5
    assert [one["model"] for one in connection["vehicles"]] == ["e_moped", "e_moped"]
    assert connection["vehicles"][0]["condition"] == "not_found"
    (parked, _) = found["vehicles"]
    assert ATTR_LATITUDE not in text
    assert ATTR_LONGITUDE not in text
    assert parked["readings"]["problem"] is True


async def test_vehicle(door: Door) -> None:
    """The diagnostics of a vehicle hold nothing private either."""
    rig = door.rig
    await live(door)
    device = dr.async_get(rig.hass).async_get(rig.device_id(PARKED))
    assert isinstance(device, dr.DeviceEntry)
    found = await async_get_device_diagnostics(rig.hass, rig.entry, device)
    text = json.dumps(found)
    assert not [secret for secret in private(rig) if secret in text]
    assert found["vehicle"]["readings"]["locked"] is True


async def test_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """The log holds nothing private."""
    await live(door)
    logged = [
        one.getMessage()
        for one in caplog.records
        if one.name.startswith("custom_components")
    ]
    assert logged
    assert not [
        (secret, line)
        for secret in private(door.rig)
        for line in logged
        if secret in line
    ]
