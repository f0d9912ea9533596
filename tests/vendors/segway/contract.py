"""The facts of Segway for the common tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.vendors.segway.errors import (
    STATUS_CODES,
    error_for,
)
from custom_components.fleet_tracker.vendors.segway.vocabulary import SegwayCapability
from tests.simulators.segway import SegwaySimulator
from tests.vendors.contract import FullAccount, VendorContract

from .rig import RIDING, START, Rig, account_with_mopeds

NAME = "A blue moped"
UNKNOWN_CODE = 16999


@asynccontextmanager
async def _full(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, _: pytest.MonkeyPatch
) -> AsyncIterator[FullAccount]:
    """Set up an account with an E-moped that is being ridden."""
    freezer.move_to(START)
    async with SegwaySimulator() as server:
        entry = await account_with_mopeds(
            hass, server, {RIDING: NAME}, allow_engine_cut=True
        )
        rig = Rig(hass, server, freezer, entry)
        for _step in range(3):
            await rig.advance(1)
        yield FullAccount(
            entry=entry,
            vehicle_id=RIDING,
            private=frozenset(
                {
                    RIDING,
                    NAME,
                    server.client_id,
                    server.client_secret,
                    server.url,
                    *server.tokens,
                }
            ),
        )
        assert await hass.config_entries.async_unload(entry.entry_id)


CONTRACT = VendorContract(
    open=_full,
    action_fields={
        "segway_set_ambient_light": {"brightness": "low", "parking": "off"},
        "segway_set_lights": {"fault": "red"},
        "segway_set_bluetooth_key": {"key": "abcd1234"},
        "segway_set_moped_features": {"cruise": True},
        "segway_set_moped_switches": {"show_time": True},
        "segway_set_rental_conditions": {"saddle": "open"},
        "segway_set_sounds": {"volume": 1},
        "segway_set_upload_interval": dict.fromkeys(
            (
                "location_unlocked",
                "location_locked",
                "status_riding",
                "status_standing",
                "status_locked",
            ),
            60,
        ),
    },
    errors=[error_for(code) for code in (*STATUS_CODES, UNKNOWN_CODE)],
    without_entities=frozenset(
        {
            SegwayCapability.AMBIENT_LIGHT,
            SegwayCapability.BATTERY_INFO,
            SegwayCapability.BLUETOOTH_KEY,
            SegwayCapability.EXTRA_STATUS,
            SegwayCapability.FEATURES,
            SegwayCapability.KEYLESS,
            SegwayCapability.LIGHTS,
            SegwayCapability.RENTAL_CONDITIONS,
            SegwayCapability.SOUNDS,
            SegwayCapability.SWITCHES,
            SegwayCapability.TIME,
            SegwayCapability.UPLOAD_INTERVAL,
        }
    ),
)
