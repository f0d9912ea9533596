"""What the common tests need to know of the VT3 trackers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.vendors.vt3.errors import CODES, Refused
from tests.vendors.contract import FullAccount, VendorContract

from .conftest import SERIAL
from .home import IDENTITY, START, Home
from .test_entities import MORE, driving, upload_all


@asynccontextmanager
async def _full(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[FullAccount]:
    """Set up a listener with a tracker that tells all that there is.

    Its second output is marked as cutting the engine.
    """

    async def sleep(_coordinator: FleetCoordinator, seconds: float) -> None:
        freezer.tick(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(FleetCoordinator, "sleep", sleep)
    freezer.move_to(START)
    home = Home(hass, freezer)
    await home.listen(
        SERIAL,
        settings={"cuts_engine": ["2"]},
        options={"allow_engine_cut": True},
    )
    tracker = await home.connect(SERIAL, vehicle=driving())
    await upload_all(home, tracker)
    yield FullAccount(
        entry=home.entry,
        vehicle_id=SERIAL,
        private=frozenset({SERIAL, IDENTITY, MORE["cellular1"]["modem1.phone_num"]}),
    )
    await tracker.disconnect()
    assert await hass.config_entries.async_unload(home.entry.entry_id)


CONTRACT = VendorContract(
    open=_full,
    errors=[Refused(code) for code in (*sorted(CODES), "never_heard_of")],
    action_fields={
        "vt3_set_custom_groups": {"groups": [{"name": "mine", "interval": 10}]},
        "vt3_set_group": {"group": "io", "interval": 10},
        "vt3_send_request": {"request": "io/refresh"},
    },
)
