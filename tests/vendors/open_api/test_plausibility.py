"""Impossible values of an Open API server are not shown."""

from __future__ import annotations

import pytest

from .conftest import CAR, START, Rig

pytestmark = pytest.mark.freeze_time(START)

MAXIMA = (2**32 - 1, 2**31 - 1, 2**16 - 1)
FORMS = [number * scale for number in MAXIMA for scale in (1, 0.1, 0.125, 0.001)]


async def test_maximum_of_an_integer_is_no_odometer(rig: Rig) -> None:
    """Told for hours, over a reload, as numbers and as texts; the next right one counts."""
    imei = CAR
    device = rig.server.device(imei)
    shown = rig.state("sensor", imei, "odometer").state
    today = rig.coordinator.vehicles()[imei].readings["distance_today"]
    for form in FORMS:
        for value in (form, str(form)):
            device.overrides = dict.fromkeys(("mileage", "odometer"), value)
            if form > 10_000_000:  # in metres: more than can be driven in a day
                device.overrides["todaymileage"] = value
            await rig.poll()
            assert rig.state("sensor", imei, "odometer").state == shown
            readings = rig.coordinator.vehicles()[imei].readings
            assert readings["distance_today"] == today
    device.overrides["mileage"] = device.overrides["odometer"] = 2**32 - 1
    await rig.advance(7200)
    await rig.reload()
    assert rig.state("sensor", imei, "odometer").state == shown
    device.overrides = {}
    await rig.poll()
    assert rig.state("sensor", imei, "odometer").state == shown


async def test_single_fix_on_another_continent(rig: Rig) -> None:
    """The fix waits for one that agrees, while polls repeat it."""
    tracker = rig.state("device_tracker", CAR, "position")
    device = rig.server.device(CAR)
    now = int(rig.server.now)
    device.overrides = {
        "latitude": -33.9,
        "longitude": 18.4,
        "gpstime": now + 60,
        "hearttime": now + 60,
    }
    for _ in range(5):
        await rig.poll()
        state = rig.state("device_tracker", CAR, "position")
        assert state.attributes["latitude"] == tracker.attributes["latitude"]
    device.overrides = {}
    await rig.poll()
    state = rig.state("device_tracker", CAR, "position")
    assert state.attributes["latitude"] == tracker.attributes["latitude"]
