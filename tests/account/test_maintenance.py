"""Settings of single vehicles: when their trips end, and when they need service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.account.vehicle_settings import settings_of
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.model.vehicle import VehicleUpdate
from tests.common import (
    START,
    cloud_entry,
    command,
    elapse,
    entity_id,
    set_up,
    state_of,
)
from tests.neutral_vendor import Clouds, told

SETTINGS = {
    "vehicles": {
        "1": {"stop_minutes": 10.0, "service_distance": 15_000, "service_months": 12}
    }
}


def driven(vehicle_id: str, kilometres: float) -> VehicleUpdate:
    """Return what a vehicle's odometer says now."""
    return told(vehicle_id, dt_util.utcnow(), odometer=kilometres)


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_service(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """It counts from when it was planned, then from the button, over restarts too."""
    freezer.move_to(START)
    cloud, entry = clouds["acme"], cloud_entry(options=SETTINGS)
    cloud.tell(driven("1", 40_000), driven("2", 40_000))
    coordinator = await set_up(hass, entry)
    assert coordinator.rules("1").trips.min_stop_s == 600
    assert coordinator.rules("2").trips.min_stop_s == 180

    def shown() -> tuple[str, str]:
        return (
            state_of(hass, "sensor", "distance_to_service").state,
            state_of(hass, "sensor", "next_service").state,
        )

    assert shown() == ("15000", "2026-10-09T09:00:00+00:00")
    freezer.tick(timedelta(hours=10))
    cloud.tell(driven("1", 40_300), driven("2", 40_300))
    await elapse(hass, freezer, 61)
    assert shown()[0] == "14700"
    await command(hass, "button", "press", entity_id(hass, "button", "service_done"))
    assert shown() == ("15000", "2026-10-09T19:01:01+00:00")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert shown() == ("15000", "2026-10-09T19:01:01+00:00")
    # Another vehicle has none of it, and this one no more once it is not wanted.
    registry = er.async_get(hass)
    assert not registry.async_get_entity_id(
        "button", DOMAIN, coordinator.devices.unique_id("2", "service_done")
    )
    hass.config_entries.async_update_entry(entry, options={})
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not entry.runtime_data.vehicle("1").shown_readings & {
        "next_service",
        "distance_to_service",
    }


async def test_settings_are_asked_for(hass: HomeAssistant, clouds: Clouds) -> None:
    """All of them, of one vehicle, and all can be left empty."""
    clouds["acme"].tell(driven("1", 40_000))
    entry = cloud_entry()
    await set_up(hass, entry)
    for entered in (
        {"stop_minutes": 5, "service_distance": 20_000, "service_months": 24},
        {},
    ):
        flows = hass.config_entries.options
        form: Any = await flows.async_init(entry.entry_id)
        form = await flows.async_configure(form["flow_id"], {"next_step_id": "vehicle"})
        form = await flows.async_configure(form["flow_id"], {"vehicle": "1"})
        form = await flows.async_configure(form["flow_id"], entered)
        assert form["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done(wait_background_tasks=True)
        settings = settings_of(entry.options, "1")
        assert settings.stop_minutes == entered.get("stop_minutes")
        assert settings.service_distance == entered.get("service_distance")
        assert settings.service_months == entered.get("service_months")


@pytest.mark.parametrize("value", [0, 61, -5, "five", None, float("nan"), True])
def test_minutes_that_cannot_be_count_as_not_set(value: object) -> None:
    """Options may be written by hand."""
    options = {"vehicles": {"1": {"stop_minutes": value, "kind": "van"}}}
    assert settings_of(options, "1").stop_minutes is None
