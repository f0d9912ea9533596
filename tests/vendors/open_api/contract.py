"""The facts of the Open API for the common tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.vendors.open_api import commands
from custom_components.fleet_tracker.vendors.open_api.errors import error_for
from custom_components.fleet_tracker.vendors.open_api.vocabulary import OpenApiCommand
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_protocol import CODES
from tests.vendors.contract import FullAccount, VendorContract

from .conftest import (
    ACCOUNT,
    PASSWORD,
    START,
    TRUCK,
    Rig,
    account_at_once,
    accounts,
    truck,
)

UNKNOWN_CODE = 424242


@asynccontextmanager
async def _full(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, _: pytest.MonkeyPatch
) -> AsyncIterator[FullAccount]:
    """Set up an account with a truck that has all fields of the newer document."""
    freezer.move_to(START)
    device = truck()
    async with OpenApiSimulator(*accounts()) as server:
        entry = await account_at_once(hass, server)
        hass.config_entries.async_update_entry(
            entry, options={**entry.options, "allow_engine_cut": True}
        )
        await hass.async_block_till_done()
        await Rig(hass, server, freezer, entry).settle()
        yield FullAccount(
            entry=entry,
            vehicle_id=TRUCK,
            private=frozenset(
                {
                    TRUCK,
                    device.name,
                    device.plate,
                    device.sim,
                    device.iccid,
                    ACCOUNT,
                    PASSWORD,
                    server.account(ACCOUNT).password_md5,
                    server.url,
                    *server.tokens,
                }
            ),
        )
        assert await hass.config_entries.async_unload(entry.entry_id)


CONTRACT = VendorContract(
    open=_full,
    action_fields={
        "create_geofence": {"zone": "zone.home"},
        "open_api_set_mileage": {"kilometers": 1000},
        "open_api_send_message": {"accounts": ["partner"], "message": "Hello"},
    },
    errors=[error_for(code) for code in (*CODES, UNKNOWN_CODE)],
    without_entities=frozenset({commands.CAPABILITY_OF[OpenApiCommand.SET_MILEAGE]}),
)
