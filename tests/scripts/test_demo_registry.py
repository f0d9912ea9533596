"""Tests of how the demo finds a vehicle's entities."""

from typing import cast

import pytest

from script.demo_support import registry
from script.demo_support.accounts import DemoVehicle
from script.demo_support.home_assistant import HomeAssistant
from script.demo_support.registry import find

ENTRIES = [
    {"entity_id": entity_id, "unique_id": f"account_1_{key}"}
    for entity_id, key in (
        ("device_tracker.bus", "position"),
        ("sensor.bus_speed", "speed"),
        ("sensor.bus_vehicle_speed", "obd_speed"),
        ("binary_sensor.bus_ignition", "ignition"),
        ("event.bus_ignition", "ignition"),
    )
]


def test_find() -> None:
    """A reading is not one that only ends alike, nor one of another domain."""
    found = {
        wanted: [entry["entity_id"] for entry in find(ENTRIES, wanted)]
        for wanted in ("sensor.speed", "sensor.obd_speed", "event.ignition", "sensor.d")
    }
    assert found == {
        "sensor.speed": ["sensor.bus_speed"],
        "sensor.obd_speed": ["sensor.bus_vehicle_speed"],
        "event.ignition": ["event.bus_ignition"],
        "sensor.d": [],
    }


async def test_wait_says_what_for_and_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks at the demo starting knows after three seconds why it takes longer."""
    looks = 0

    async def entries_by_device(_: HomeAssistant) -> dict[str, list[registry.Entry]]:
        nonlocal looks
        looks += 1
        return {"Bus": [dict(one) for one in ENTRIES]} if looks > 8 else {}

    async def sleep(_: float) -> None:
        """Let no time pass."""

    monkeypatch.setattr(registry, "entries_by_device", entries_by_device)
    monkeypatch.setattr(registry.asyncio, "sleep", sleep)
    bus = DemoVehicle(name="Bus", entities={}, late="it sleeps")

    found = await registry._wait_for(cast("HomeAssistant", None), bus, "sensor.speed")

    assert found["entity_id"] == "sensor.bus_speed"
    assert capsys.readouterr().out == "  waiting for sensor.speed of Bus: it sleeps\n"
