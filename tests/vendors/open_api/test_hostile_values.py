"""No value of an Open API server shows anything absurd, or keeps others from being shown."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.simulators.open_api_fleet import Alarm
from tests.vendors.hostile import VALUES, check_house, check_kept

from .conftest import CAR, START, TRUCK, Rig
from .test_mapping import DEVICE, TRACK

pytestmark = pytest.mark.freeze_time(START)


async def test_any_value_in_all_fields(
    rig: Rig, hass_storage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Of one vehicle, in list, track and alarms; the others are shown as before."""
    before = rig.coordinator.vehicles()[CAR].readings.keys()
    truck = rig.server.device(TRUCK)
    fields = {*TRACK, *DEVICE} - {"imei"}
    for value in VALUES:
        truck.overrides = dict.fromkeys(fields, value)
        now, anything = int(rig.server.now), cast("Any", value)
        truck.alarms.append(
            Alarm(5, 4.9, 52.4, now, now, anything, anything, anything, anything)
        )
        await rig.poll()
        await rig.advance(5)  # an alarm call a second
        check_house(rig.hass, rig.coordinator, caplog, repr(value))
    fired = rig.hass.states.get(rig.entity_id("event", TRUCK, "alarm") or "")
    assert fired is not None
    assert fired.attributes["event_type"] == "geofence_entered"
    assert rig.coordinator.vehicles()[CAR].readings.keys() == before
    truck.overrides = {}
    await rig.poll()
    assert rig.reading(TRUCK, "status") == "ok"
    await check_kept(rig.hass, rig.coordinator, hass_storage)
