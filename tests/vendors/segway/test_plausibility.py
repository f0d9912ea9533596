"""What Segway says that cannot be is not shown."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.simulators.segway_mopeds import Moped

from .rig import PARKED, START, Rig

pytestmark = pytest.mark.freeze_time(START)

MAXIMA = (2**32 - 1, 2**31 - 1, 2**16 - 1)
FORMS = [number * scale for number in MAXIMA for scale in (1, 0.1, 0.125, 0.001)]


async def test_maximum_of_an_integer_is_no_odometer(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor a time or a range, told for hours and over a reload."""
    await rig.enable("sensor", PARKED, "riding_time")
    told: dict[str, object] = {}
    status = Moped.status

    def spoilt(moped: Moped, now: float) -> Mapping[str, object]:
        return {**status(moped, now), **told}

    monkeypatch.setattr(Moped, "status", spoilt)
    keys = ("odometer", "riding_time")
    shown = {key: rig.state("sensor", PARKED, key).state for key in keys}
    for form in FORMS:
        told |= {"odometer": form, "totalRidingSecs": form, "remainderRange": form}
        await rig.press(PARKED, "refresh")
        await rig.advance(1800)
        for key in keys:
            assert rig.state("sensor", PARKED, key).state == shown[key], (key, form)
    told |= {"odometer": 2**32 - 1, "remainderRange": 2**32 - 1}
    await rig.advance(3600)
    assert rig.state("sensor", PARKED, "remaining_range").state == "unknown"
    await rig.reload()
    assert rig.state("sensor", PARKED, "odometer").state == shown["odometer"]
    told.clear()
    await rig.press(PARKED, "refresh")
    await rig.advance(1800)
    assert rig.state("sensor", PARKED, "odometer").state == shown["odometer"]
    assert rig.state("sensor", PARKED, "remaining_range").state == "45.6"
