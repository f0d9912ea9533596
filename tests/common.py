"""Helpers for tests of the whole integration: entries, time, and entities."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
import importlib
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import BASE_PLATFORMS
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er, event
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import get_scheduled_timer_handles
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.const import (
    CONF_IDENTITY,
    CONF_PUSH_SECRET,
    CONF_VENDOR,
    DOMAIN,
    SUBENTRY_VEHICLE,
)
from custom_components.fleet_tracker.model.vehicle import (
    Reading,
    ReadingGroup,
    VehicleUpdate,
)
from custom_components.fleet_tracker.offer.vendor import Vendor
from custom_components.fleet_tracker.vendors import VENDORS
from tests.neutral_vendor import CLOUD, FILMING, LISTENER

START = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
TALKATIVE = (
    "homeassistant.helpers.entity_registry",
    "homeassistant.helpers.device_registry",
    "homeassistant.setup",
    *(f"homeassistant.components.{platform}" for platform in BASE_PLATFORMS),
    "pytest_homeassistant_custom_component.common",
)
"""Loggers to which each set-up writes dozens of lines, which takes long."""
SECRET = "a-secret-that-nobody-guesses"
# Tests add others for a while.
_REGISTERED = tuple(VENDORS)


@cache
def vendor_records() -> dict[str, Vendor]:
    """Return the records of all vendors of the registry, by their keys."""
    package = "custom_components.fleet_tracker.vendors"
    return {
        key: importlib.import_module(f"{package}.{key}").VENDOR for key in _REGISTERED
    }


def cloud_entry(
    account: str = "acme", *, options: Mapping[str, Any] | None = None
) -> MockConfigEntry:
    """Return an entry of the neutral vendor that is polled and pushes."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=account,
        unique_id=f"{CLOUD}_{account}",
        data={
            CONF_VENDOR: CLOUD,
            CONF_IDENTITY: f"{CLOUD}_{account}",
            CONF_PUSH_SECRET: SECRET if account == "acme" else f"secret-of-{account}",
            "account": account,
            "password": "old",
        },
        options=dict(options or {}),
    )


def filming_entry(account: str = "film") -> MockConfigEntry:
    """Return an entry of the neutral vendor whose vehicles have cameras."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=account,
        unique_id=f"{FILMING}_{account}",
        data={
            CONF_VENDOR: FILMING,
            CONF_IDENTITY: f"{FILMING}_{account}",
            "account": account,
            "password": "old",
        },
    )


def listener_entry(account: str = "port", *vehicle_ids: str) -> MockConfigEntry:
    """Return an entry of the neutral vendor to which vehicles are added one by one."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=account,
        unique_id=f"{LISTENER}_{account}",
        data={
            CONF_VENDOR: LISTENER,
            CONF_IDENTITY: f"{LISTENER}_{account}",
            "account": account,
        },
        subentries_data=[
            {
                "data": {"colour": "red"},
                "subentry_type": SUBENTRY_VEHICLE,
                "title": f"Vehicle {vehicle_id}",
                "unique_id": vehicle_id,
            }
            for vehicle_id in vehicle_ids
        ],
    )


def kept_of(entry: ConfigEntry) -> dict[str, Any]:
    """Return what Home Assistant keeps of an entry, without what is drawn by lot."""
    kept = dict(entry.as_dict())
    for key in ("entry_id", "created_at", "modified_at", "source"):
        del kept[key]
    kept["data"] = {
        key: value for key, value in kept["data"].items() if key != CONF_PUSH_SECRET
    }
    kept["subentries"] = [
        {key: value for key, value in one.items() if key != "subentry_id"}
        for one in kept["subentries"]
    ]
    return kept


async def set_up_component(
    hass: HomeAssistant, domain: str, config: Mapping[str, Any] | None = None
) -> None:
    """Set up one of Home Assistant's integrations, and let it load what ours adds to it.

    It loads that beside its set-up, and no view is added once a client is there.
    """
    assert await async_setup_component(hass, domain, dict(config or {}))
    await hass.async_block_till_done()


async def set_up(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    state: ConfigEntryState = ConfigEntryState.LOADED,
) -> FleetCoordinator:
    """Set an entry up and return its coordinator, where it got so far."""
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is state
    coordinator: FleetCoordinator = entry.runtime_data
    return coordinator


def fire_timers(hass: HomeAssistant) -> None:
    """Call what is due by now, up to the half second by which Home Assistant spreads it.

    The test plugin's `async_fire_time_changed` makes two mocks for each timer.
    """
    reached = dt_util.utcnow() + timedelta(microseconds=event.RANDOM_MICROSECOND_MAX)
    within = reached.timestamp() - time.time()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(event, "time_tracker_utcnow", lambda: reached)
        patched.setattr(event, "time_tracker_timestamp", reached.timestamp)
        for timer in list(get_scheduled_timer_handles(hass.loop)):
            if not timer.cancelled() and timer.when() - hass.loop.time() <= within:
                timer._run()
                timer.cancel()


async def elapse(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, duration: timedelta | float
) -> None:
    """Let time pass, with all that happens at its end."""
    freezer.tick(duration)
    fire_timers(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


def see_ignition_on(coordinator: FleetCoordinator, vehicle_id: str) -> None:
    """Let a vehicle have had its ignition on once, long ago: else off proves nothing."""
    on = ReadingGroup(
        name="ignition",
        measured_at=coordinator.now() - timedelta(days=2),
        readings={Reading.IGNITION: True},
    )
    coordinator.receive([VehicleUpdate(vehicle_id=vehicle_id, groups=(on,))])


def entity_id(
    hass: HomeAssistant, platform: str, key: str, vehicle_id: str = "1"
) -> str | None:
    """Return the id of a vehicle's entity, None if there is none."""
    registry = er.async_get(hass)
    return next(
        (
            entry.entity_id
            for config_entry in hass.config_entries.async_entries(DOMAIN)
            for entry in er.async_entries_for_config_entry(
                registry, config_entry.entry_id
            )
            if entry.domain == platform
            and entry.unique_id.endswith(f"_{vehicle_id}_{key}")
        ),
        None,
    )


def state_of(
    hass: HomeAssistant, platform: str, key: str, vehicle_id: str = "1"
) -> State:
    """Return the state of a vehicle's entity, which must be there."""
    found = entity_id(hass, platform, key, vehicle_id)
    assert found is not None, f"no {platform} for {key} of {vehicle_id}"
    state = hass.states.get(found)
    assert state is not None, f"{found} has no state"
    return state


def device_of(
    hass: HomeAssistant, coordinator: FleetCoordinator, vehicle_id: str = "1"
) -> dr.DeviceEntry | None:
    """Return the device of a vehicle, None if there is none."""
    return next(
        (
            device
            for device in dr.async_entries_for_config_entry(
                dr.async_get(hass), coordinator.config_entry.entry_id
            )
            if coordinator.devices.identifier(vehicle_id) in device.identifiers
        ),
        None,
    )


def tracker_of(
    hass: HomeAssistant, coordinator: FleetCoordinator, vehicle_id: str = "1"
) -> str:
    """Return the entity id of a vehicle's tracker, which actions are called on."""
    found = er.async_get(hass).async_get_entity_id(
        "device_tracker", DOMAIN, f"{coordinator.identity}_{vehicle_id}_position"
    )
    assert found is not None, f"no tracker of {vehicle_id}"
    return found


def written_since(hass: HomeAssistant, time: datetime) -> set[str]:
    """Return whose states were written after a time, whether they changed or not."""
    return {
        state.entity_id
        for state in hass.states.async_all()
        if state.last_reported > time
    }


async def command(
    hass: HomeAssistant, domain: str, service: str, target: str | None, **data: Any
) -> None:
    """Call a service of an entity and wait for it."""
    assert target is not None
    await hass.services.async_call(
        domain, service, {"entity_id": target, **data}, blocking=True
    )


async def open_settings(hass: HomeAssistant, entry_id: str) -> Mapping[str, Any]:
    """Return the form of an account's settings, which are behind a menu if it pushes."""
    options = hass.config_entries.options
    form: Mapping[str, Any] = await options.async_init(entry_id)
    if form["type"] is FlowResultType.MENU:
        form = await options.async_configure(
            form["flow_id"], {"next_step_id": "settings"}
        )
    assert form["step_id"] == "settings"
    return form


def fields_of(form: Mapping[str, Any]) -> dict[str, tuple[vol.Marker, Any]]:
    """Return the fields of a form, in whatever section: the marker and what it takes."""
    return {
        str(key): (key, value)
        for part in form["data_schema"].schema.values()
        for key, value in part.schema.schema.items()
    }


def in_sections(form: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as they are sent: in the sections of the form that asks for them."""
    return {
        str(name): {
            str(key): values[str(key)] for key in part.schema.schema if key in values
        }
        for name, part in form["data_schema"].schema.items()
    }


async def send_settings(
    hass: HomeAssistant, entry_id: str, values: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Send the form of an account's settings, and return what follows."""
    form = await open_settings(hass, entry_id)
    result: Mapping[str, Any] = await hass.config_entries.options.async_configure(
        form["flow_id"], in_sections(form, values)
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


def other_server(address: str, *, verify_ssl: bool = True) -> dict[str, Any]:
    """Return how a server that is none of the vendor's is entered."""
    own = {"address": address, "verify_ssl": verify_ssl}
    return {"server": "other", "own_server": own}
