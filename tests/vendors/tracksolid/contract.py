"""What the common tests need to know of Tracksolid Pro."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.model.vehicle import VehicleUpdate
from custom_components.fleet_tracker.vendors.tracksolid.api.errors import (
    KNOWN_CODES,
    error_for,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.transport import (
    hash_password,
)
from custom_components.fleet_tracker.vendors.tracksolid.pushes.mapping import map_push
from custom_components.fleet_tracker.vendors.tracksolid.vocabulary import (
    TracksolidCapability,
)
from tests.simulators.tracksolid import pushes
from tests.simulators.tracksolid.media import shoot
from tests.vendors.contract import FullAccount, VendorContract

from .helpers import CAM
from .home import NOW, Home, account_at_once, simulator

UNKNOWN_CODE = "9999"


@asynccontextmanager
async def _full(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, _: pytest.MonkeyPatch
) -> AsyncIterator[FullAccount]:
    """Set up an account with a truck that has every sensor, pushes all, and a camera."""
    freezer.move_to(NOW)
    async with simulator() as sim:
        truck = sim.devices[CAM]
        truck.plate, truck.driver = "B-AR 4711", "Robin Driver"
        truck.faults.append(("P0301", "Misfire", sim.now - 60))
        shoot(sim, truck, 0)
        entry = await account_at_once(hass, sim)
        home = Home(hass, sim, freezer, entry)
        await home.set_options(allow_engine_cut=True)
        await home.poll(4)
        home.coordinator.receive(everything(home))
        await hass.async_block_till_done(wait_background_tasks=True)
        yield FullAccount(
            entry=entry,
            vehicle_id=CAM,
            private=frozenset(
                {
                    CAM,
                    truck.name,
                    truck.plate,
                    truck.driver,
                    truck.sim,
                    truck.iccid,
                    truck.vin or "",
                    sim.app_key,
                    sim.app_secret,
                    sim.password,
                    hash_password(sim.password),
                    *sim._tokens,
                }
            ),
        )
        assert await hass.config_entries.async_unload(entry.entry_id)


def everything(home: Home) -> list[VehicleUpdate]:
    """Return the news of a push of each kind, and of each alarm that tells a state."""
    truck, now, sent_at = home.sim.devices[CAM], home.coordinator.now(), home.sim.now
    items = [(path, pushes.sample(path, truck, sent_at)) for path in pushes.PATHS]
    items += [
        ("/pushoil", pushes.oil(truck, sent_at, unit + 1, 42.5, unit))
        for unit in range(1, 5)
    ]
    items += [
        ("/pushalarm", pushes.alarm(truck, code, "Alarm", sent_at))
        for code in (
            "28",
            "86",
            "138",
            "burglarStatus_1",
            "statusTrunk_0",
            "statusLeftFrontDoors_0",
            "statusRightRearWindows_1",
        )
    ]
    items.append(
        (
            "/pushobd",
            pushes.obd(
                truck,
                sent_at,
                engine_rpm=900,
                throttle_pct=12,
                engine_load_pct=30,
                intake_pressure=101,
                fuel_level_pct=58,
            ),
        )
    )
    updates = (map_push(path.removeprefix("/"), item, now) for path, item in items)
    return [update for update in updates if update is not None]


CONTRACT = VendorContract(
    open=_full,
    action_fields={
        "tracksolid_bind_geofence": {"geofence": "1"},
        "create_geofence": {
            "name": "Depot",
            "latitude": 52.1,
            "longitude": 4.2,
            "radius": 200,
        },
        "tracksolid_delete_geofence": {"geofence": "1"},
        "tracksolid_get_cell_position": {"cells": "204,8,3312,51003,-70"},
        "tracksolid_get_recordings": {"day": "2025-10-09"},
        "tracksolid_send_command": {"text": "STATUS#"},
        "tracksolid_send_raw_command": {"hex": "7878"},
        "tracksolid_update_vehicle": {"name": "Another name"},
        "tracksolid_upload_recording": {"file": "1.mp4"},
    },
    errors=[error_for(code, "") for code in (*sorted(KNOWN_CODES), UNKNOWN_CODE)],
    without_entities=frozenset(
        {TracksolidCapability.CAMERA, TracksolidCapability.COMMANDS}
    ),
)
