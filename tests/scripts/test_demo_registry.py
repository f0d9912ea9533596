"""Tests of how the demo finds a vehicle's entities."""

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
