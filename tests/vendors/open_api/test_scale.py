"""Five hundred vehicles of one account, in real time."""

from __future__ import annotations

from datetime import timedelta
import logging
import time

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker import entity
from custom_components.fleet_tracker.account import pace
from custom_components.fleet_tracker.const import DOMAIN
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Device
from tests.simulators.world import HOME, parked

from .conftest import ACCOUNT, PASSWORD, START, add_account
from .test_entities import MOST_ENABLED

VEHICLES = 500


def fleet(now: float) -> list[Device]:
    """Return that many trackers with everything, parked for an hour."""
    return [
        Device(
            imei=f"35{number:013}",
            vehicle=parked(HOME.away(number, 10.0 * number), now - 3600),
            name=f"Truck {number}",
            plate=f"P-{number}",
            sim=f"31970{number:08}",
            iccid=f"8996641{number:013}",
            external_voltage="24.3",
            tank=400,
            temperatures=(-18.4, 4.2),
        )
        for number in range(VEHICLES)
    ]


async def test_five_hundred_vehicles(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are set up without a warning, in six calls; a poll is five and writes nothing."""
    # Debug logs of every state cost more time than all else.
    caplog.set_level(logging.INFO)
    # However slow the machine is, no poll is due meanwhile.
    monkeypatch.setattr(pace, "DEFAULT_PARKED_INTERVAL", timedelta(hours=1))
    now = time.time()
    accounts = Account(name=ACCOUNT, password=PASSWORD, devices=fleet(now))
    # The server's clock stands still, so that a poll brings nothing new.
    async with OpenApiSimulator(accounts, clock=lambda: now) as server:
        entry = await add_account(hass, server)
        # On a slow machine some entities come later.
        await hass.async_block_till_done(wait_background_tasks=True)
        assert server.requests["/api/track"] == 5
        # Once to check the account, and once to set it up.
        assert server.requests["/api/device/list"] == 2
        assert server.requests["/api/authorization"] == 1
        warnings = [
            record.getMessage()
            for record in caplog.records
            if record.levelno >= logging.WARNING
            and "camera" not in record.name
            # The loop of a test is in debug mode and tells of every long step.
            and record.name != "asyncio"
            and "fleet_tracker" in f"{record.name} {record.getMessage()}"
            and "We found a custom integration" not in record.getMessage()
            # How long it took says how busy the machine is.
            and " took " not in record.getMessage()
        ]
        assert warnings == []
        # A list of exactly 500 may have been cut off.
        issues = ir.async_get(hass).issues.values()
        assert [
            issue.translation_key for issue in issues if issue.domain == DOMAIN
        ] == ["list_cut_off"]
        registered = er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        )
        enabled = [one for one in registered if not one.disabled_by]
        # Two less each: cutting the engine is offered where it is allowed, and the sensor of
        # the last trip comes with the first. The account's own device has six.
        assert len(enabled) == VEHICLES * (MOST_ENABLED - 2) + 6
        assert len(hass.states.async_all("device_tracker")) == VEHICLES

        polled = dt_util.utcnow()
        server.requests.clear()
        await entry.runtime_data.async_refresh()
        await hass.async_block_till_done(wait_background_tasks=True)
        assert entry.runtime_data.last_update_success
        assert server.requests["/api/track"] == 5
        written = [
            state for state in hass.states.async_all() if state.last_reported > polled
        ]
        assert written == []


@pytest.mark.freeze_time(START)
async def test_entities_that_come_behind_the_set_up(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    server: OpenApiSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A set-up that takes long is over before all entities are there; then they come."""
    monkeypatch.setattr(entity, "LONGEST_SET_UP", 0)
    entry = await add_account(hass, server)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(hass.states.async_all("device_tracker")) == 3
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    sensors = {
        one.entity_id
        for one in registered
        if one.domain == "sensor" and not one.disabled_by
    }
    assert len(sensors) > 10
    assert set(hass.states.async_entity_ids("sensor")) == sensors
    # When the account is unloaded meanwhile, they do not come.
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    states = {state.state for state in hass.states.async_all("device_tracker")}
    assert states == {"unavailable"}
