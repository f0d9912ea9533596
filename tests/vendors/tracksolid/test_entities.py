"""What Home Assistant makes of a Tracksolid account."""

from __future__ import annotations

from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.fleet_tracker.diagnostics import (
    async_get_config_entry_diagnostics,
)
from tests.simulators.tracksolid import Device
from tests.simulators.tracksolid.media import shoot
from tests.simulators.world import HOME, parked

from .contract import everything
from .helpers import CAM, CAR, VAN
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.mark.parametrize("imei", [VAN, CAR, CAM])
async def test_entities(home: Home, imei: str, snapshot: SnapshotAssertion) -> None:
    """Each vehicle shows what its tracker tells, and no more."""
    shoot(home.sim, home.sim.devices[CAM], 0)
    await home.poll(5)
    if imei == CAM:
        home.coordinator.receive(everything(home))
        await home.hass.async_block_till_done()
    prefix = f"{home.coordinator.identity}_{imei}_"
    registry = er.async_get(home.hass)
    found = {}
    for entry in er.async_entries_for_config_entry(registry, home.entry.entry_id):
        if not entry.unique_id.startswith(prefix):
            continue
        key = f"{entry.domain}.{entry.unique_id.removeprefix(prefix)}"
        state = home.hass.states.get(entry.entity_id)
        found[key] = {
            "name": entry.original_name,
            "enabled": entry.disabled_by is None,
            "category": entry.entity_category and str(entry.entity_category),
            # When an event fired is the time of Home Assistant, to the millisecond.
            "state": state and (state.state if entry.domain != "event" else "fired"),
            "unit": entry.unit_of_measurement,
            "device_class": entry.original_device_class
            and str(entry.original_device_class),
        }
    assert {key: str(found[key]) for key in sorted(found)} == snapshot


async def test_device(home: Home) -> None:
    """The device page says what tracks it, and the tracker shows the plate."""
    device = dr.async_get(home.hass).async_get(home.device_id())
    assert isinstance(device, dr.DeviceEntry)
    assert (device.name, device.manufacturer) == ("Van", "Jimi IoT")
    assert (device.model, device.model_id) == ("VL802", None)
    assert device.configuration_url == "https://www.tracksolidpro.com"
    assert home.state("device_tracker", "position").attributes["plate"] == "FT-001"
    assert device.serial_number == VAN


async def test_vehicle_without_a_position(home: Home) -> None:
    """A tracker that has no position yet is there, with a tracker that knows none."""
    imei = "860000000000099"
    spare = Device(imei, "Spare", parked(HOME, home.sim.now), located=False)
    home.sim.add(spare)
    await home.elapse(31 * 60)
    tracker = home.state("device_tracker", "position", imei)
    assert tracker.state == "unknown"
    assert "latitude" not in tracker.attributes


async def test_sub_accounts(home: Home) -> None:
    """Vehicles of sub-accounts are shown if the user wishes."""
    home.sim.children = {"fleet": ["below"]}
    imei = "860000000000098"
    home.sim.add(Device(imei, "Sub", parked(HOME, home.sim.now), account="below"))
    await home.elapse(31 * 60)
    assert not home.has("device_tracker", "position", imei)
    await home.set_options(sub_accounts=True)
    assert "latitude" in home.state("device_tracker", "position", imei).attributes


async def test_diagnostics(home: Home) -> None:
    """How the account does, without anything private."""
    found = await async_get_config_entry_diagnostics(home.hass, home.entry)
    assert found["vendor"] == "tracksolid"
    assert found["connection"]["devices"] == 3
    text = str(found)
    for private in (VAN, "Robin", home.sim.app_secret, home.sim.password, "WF0XXX"):
        assert private not in text
