"""What a Tracksolid account says that cannot be is not shown."""

from __future__ import annotations

import pytest

from .helpers import CAM, CAR, VAN
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)

MAXIMA = (2**32 - 1, 2**31 - 1, 2**16 - 1)
FORMS = [number * scale for number in MAXIMA for scale in (1, 0.1, 0.125, 0.001)]


@pytest.mark.parametrize("imei", [VAN, CAR, CAM], ids=["van", "car", "truck"])
async def test_maximum_of_an_integer_is_no_odometer(home: Home, imei: str) -> None:
    """Told for hours, and over a reload; the next right one counts."""
    fields = home.sim.devices[imei].fields
    shown = home.state("sensor", "odometer", imei).state
    for form in FORMS:
        fields["currentMileage"] = str(form)
        await home.poll()
        assert home.state("sensor", "odometer", imei).state == shown
    fields["currentMileage"] = str(2**32 - 1)
    await home.elapse(7200)
    await home.reload()
    assert home.state("sensor", "odometer", imei).state == shown
    del fields["currentMileage"]
    await home.poll()
    assert float(home.state("sensor", "odometer", imei).state) >= float(shown)


async def test_odometer_that_was_set_counts_at_once(home: Home) -> None:
    """Up and down, since a user meant it."""
    for kilometres in (250_000, 10):
        await home.call(
            "tracksolid_update_vehicle", CAR, response=False, odometer=kilometres
        )
        await home.poll()
        shown = float(home.state("sensor", "odometer", CAR).state)
        assert shown == pytest.approx(kilometres, abs=0.1)


async def test_cell_found_in_a_garage(home: Home) -> None:
    """The cell is 2 km off: the vehicle stays at its last satellite fix."""
    tracker = home.state("device_tracker", "position", CAR)
    before = tracker.attributes["latitude"]
    fields = home.sim.devices[CAR].fields
    fields |= {"posType": "LBS", "lat": before + 0.02}
    fields["gpsTime"] = "2025-10-09 09:05:00"
    await home.elapse(600)
    for _ in range(5):
        await home.poll()
        tracker = home.state("device_tracker", "position", CAR)
        assert tracker.attributes["latitude"] == before
