"""How many rows a driving day writes into the recorder."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.contract.connection import PollResult
from custom_components.fleet_tracker.model.vehicle import VehicleUpdate
from custom_components.fleet_tracker.vendors.open_api.mapping import map_track

from .conftest import CAR, START, Rig

MOST_ROWS = 775
ENTITIES = 18
HOUR, DAY = 3600, 86_400
# Where it drives from and to, in degrees: 15 s at 50 km/h are about 0.002.
STEP = 0.002


def record(second: int, *, drives: bool, stands: bool, step: int) -> dict[str, object]:
    """Return what the server says of a car at a second of the day."""
    now = int(START.timestamp()) + second
    return {
        "imei": CAR,
        "servertime": now,
        "systemtime": now,
        "gpstime": now if drives else int(START.timestamp()) + HOUR,
        "hearttime": now,
        "longitude": 8.0 + STEP * step,
        "latitude": 50.0,
        "speed": 45 + step % 10 if drives and not stands else 0,
        "course": 90,
        "accstatus": int(drives),
        "acctime": second if drives else second - HOUR,
        "doorstatus": 0,
        "chargestatus": 1,
        "oilpowerstatus": 1,
        "defencestatus": 0,
        "datastatus": 2,
        "battery": 100,
        "mileage": 52_498_012 + 208 * step,
        "todaymileage": 208 * step,
        "externalpower": "14.1" if drives else "12.6",
        "fuel": f"{60 - step // 24}",
        "fueltime": now if drives else int(START.timestamp()) + HOUR,
        "temperature": ["21.0"],
        "temperaturetime": now if drives else int(START.timestamp()) + HOUR,
    }


@pytest.mark.freeze_time(START)
@pytest.mark.parametrize("in_town", [False, True], ids=["plain", "town"])
async def test_driving_day(
    hass: HomeAssistant, rig: Rig, monkeypatch: pytest.MonkeyPatch, in_town: bool
) -> None:
    """An hour is driven, a poll every 15 s, the rest of the day parked, one a minute.

    Through a town, where more changes, the hour alone is driven.
    """
    rows: Counter[str] = Counter()

    @callback
    def count(event: Event[EventStateChangedData]) -> None:
        rows[event.data["entity_id"]] += 1

    polled: list[VehicleUpdate] = []

    async def poll() -> PollResult:
        return PollResult(updates=polled[-1:])

    monkeypatch.setattr(rig.connection, "poll", poll)
    hass.bus.async_listen(EVENT_STATE_CHANGED, count)
    step = 0
    for second in (*range(0, HOUR, 15), *(() if in_town else range(HOUR, DAY, 60))):
        rig.freezer.move_to(START + timedelta(seconds=second))
        drives = second < HOUR
        # In a town it waits a minute of every five at lights.
        stands = in_town and second % 300 >= 240
        step += drives and not stands
        update = map_track(
            record(second, drives=drives, stands=stands, step=step),
            rig.coordinator.vehicle(CAR),
            dt_util.utcnow(),
        )
        assert update is not None
        polled.append(update)
        await rig.coordinator.async_refresh()
    enabled = [
        one
        for one in er.async_entries_for_config_entry(
            er.async_get(hass), rig.entry.entry_id
        )
        if one.disabled_by is None and f"_{CAR}_" in one.unique_id
    ]
    # No trip has ended yet in the town.
    assert len(enabled) == ENTITIES - in_town
    assert sum(rows.values()) <= MOST_ROWS, rows.most_common()
    odometer = next(one for one in enabled if one.unique_id.endswith("_odometer"))
    shown = hass.states.get(odometer.entity_id)
    assert shown is not None
    told = (52_498_012 + 208 * step) / 1000
    # On the way it steps; parked it is exact.
    assert float(shown.state) == pytest.approx(told, abs=1 if in_town else 1e-6)
