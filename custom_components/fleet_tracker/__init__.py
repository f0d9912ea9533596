"""Fleet Tracker: vehicles of several vendors, each one a device."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

from homeassistant.config_entries import SOURCE_INTEGRATION_DISCOVERY, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.typing import ConfigType

from .account.coordinator import FleetConfigEntry, FleetCoordinator
from .account.handover import take_handed_over
from .account.recorder_rows import async_clear_rows
from .account.storage import EntryMemory, async_remove_stored
from .actions.websocket import async_register_websocket
from .const import CONF_IDENTITY, CONF_VENDOR, DOMAIN
from .dashboard.modules import async_register_modules
from .dashboard.overview import async_register_overview
from .model.vehicle import OccurrenceKind
from .pushes.door import async_register_push_views
from .services import async_register_actions
from .vendors import async_load_vendor

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

DEVICES_AT_ONCE = 10
MOST_ENABLED_ENTITIES = 10_000
"""Home Assistant takes no more of one entry."""
NEARLY_ALL = 0.9
ENTITIES_REVIEW = timedelta(hours=1)
TOO_MANY_ENTITIES = "too_many_entities"


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all entries share: the actions, the doors for pushes, the dashboard."""
    async_register_actions(hass)
    async_register_push_views(hass)
    async_register_overview(hass)
    async_register_websocket(hass)
    await async_register_modules(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: FleetConfigEntry) -> bool:
    """Set up an account or listener."""
    memory = EntryMemory(hass, entry.entry_id)
    await memory.async_load()
    handed_over = take_handed_over(hass, entry.data[CONF_IDENTITY])
    for part, facts in (
        (memory.vendor, handed_over.vendor),
        (memory.core, handed_over.core),
    ):
        for key, value in facts.items():
            await part.put(key, value)
    vendor = await async_load_vendor(hass, entry.data[CONF_VENDOR])
    coordinator = entry.runtime_data = FleetCoordinator(hass, entry, vendor, memory)
    async with AsyncExitStack() as on_failure:
        on_failure.push_async_callback(coordinator.async_close)
        _drop_undelivered(hass, coordinator)
        await coordinator.async_open()
        await coordinator.async_poll_first()
        # Without a listener there are no polls. Entities listen to their vehicles alone.
        entry.async_on_unload(coordinator.async_add_listener(lambda: None))
        await _async_set_up_devices(hass, entry, coordinator)
        await hass.config_entries.async_forward_entry_setups(entry, vendor.platforms)
        await coordinator.statistics.async_start()
        coordinator.trip_ways.start()
        on_failure.pop_all()

    async def on_stop(_event: Event) -> None:
        await coordinator.async_close()

    entry.async_on_unload(hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, on_stop))
    entry.async_on_unload(entry.add_update_listener(_async_on_changed_entry))
    _watch_entity_count(hass, entry)
    return True


@callback
def _watch_entity_count(hass: HomeAssistant, entry: FleetConfigEntry) -> None:
    """Tell of an account that nears the limit of enabled entities, now and once an hour."""
    registry = er.async_get(hass)

    @callback
    def review(_now: datetime | None = None) -> None:
        entities = er.async_entries_for_config_entry(registry, entry.entry_id)
        enabled = sum(entity.disabled_by is None for entity in entities)
        if enabled < NEARLY_ALL * MOST_ENABLED_ENTITIES:
            entry.runtime_data.clear_problem(TOO_MANY_ENTITIES)
            return
        entry.runtime_data.raise_problem(
            TOO_MANY_ENTITIES, count=str(enabled), limit=str(MOST_ENABLED_ENTITIES)
        )

    review()
    entry.async_on_unload(
        async_track_time_interval(
            hass, review, ENTITIES_REVIEW, cancel_on_shutdown=True
        )
    )


async def async_unload_entry(hass: HomeAssistant, entry: FleetConfigEntry) -> bool:
    """Unload an account or listener: what it held is free when this returns.

    The doors for pushes close first. Then the entities show the news that waits, and are
    removed.
    """
    await entry.runtime_data.async_stop()
    _drop_undelivered(hass, entry.runtime_data)
    if unloaded := await hass.config_entries.async_unload_platforms(
        entry, entry.runtime_data.vendor.platforms
    ):
        await entry.runtime_data.async_close()
        if entry.disabled_by is not None:
            # The repairs of a disabled account would stay for ever.
            _forget_problems(hass, entry)
    return unloaded


@callback
def _drop_undelivered(hass: HomeAssistant, coordinator: FleetCoordinator) -> None:
    """Drop the occurrences that wait for event entities that the user has disabled.

    An event entity that does not exist yet is made soon, or after the next start, and fires
    what waited for it.
    """
    registry = er.async_get(hass)

    def will_listen(vehicle_id: str, kind: OccurrenceKind) -> bool:
        entity_id = registry.async_get_entity_id(
            Platform.EVENT, DOMAIN, coordinator.devices.unique_id(vehicle_id, kind)
        )
        entity = registry.async_get(entity_id) if entity_id else None
        return entity is None or entity.disabled_by is None

    coordinator.async_drop_undelivered(will_listen)


async def async_remove_entry(hass: HomeAssistant, entry: FleetConfigEntry) -> None:
    """Forget what was kept of an entry that the user removed, and what it discovered."""
    await async_remove_stored(hass, entry.entry_id)
    await async_clear_rows(hass, entry.data[CONF_IDENTITY])
    _forget_problems(hass, entry)
    for flow in hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
    ):
        unique_id = flow["context"].get("unique_id") or ""
        if unique_id.startswith(f"{entry.data[CONF_IDENTITY]}_"):
            hass.config_entries.flow.async_abort(flow["flow_id"])


@callback
def _forget_problems(hass: HomeAssistant, entry: FleetConfigEntry) -> None:
    issues = ir.async_get(hass)
    for domain, issue_id in list(issues.issues):
        if domain == DOMAIN and issue_id.endswith(f"_{entry.entry_id}"):
            issues.async_delete(domain, issue_id)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: FleetConfigEntry, device: dr.DeviceEntry
) -> bool:
    """Let the user delete the device of a vehicle that is no longer in the account."""
    if entry.state is not ConfigEntryState.LOADED:
        # Before the list of vehicles is known, none may be deleted.
        return False
    coordinator = entry.runtime_data
    if coordinator.devices.account_identifier in device.identifiers:
        return False
    if (vehicle_id := coordinator.devices.vehicle_of(device.identifiers)) is None:
        return True
    if not coordinator.is_gone(vehicle_id):
        return False
    coordinator.async_forget(vehicle_id)
    return True


async def _async_on_changed_entry(hass: HomeAssistant, entry: FleetConfigEntry) -> None:
    await entry.runtime_data.async_entry_changed()


async def _async_set_up_devices(
    hass: HomeAssistant, entry: FleetConfigEntry, coordinator: FleetCoordinator
) -> None:
    """Create the devices, a few at a time, and those of vehicles that come later."""
    _remove_excluded_devices(hass, coordinator)
    account_device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={coordinator.devices.account_identifier},
        entry_type=dr.DeviceEntryType.SERVICE,
        name=entry.title,
        manufacturer=coordinator.vendor.name,
        configuration_url=coordinator.vendor.portal(entry.data),
    )

    @callback
    def on_newcomer(vehicle_id: str) -> None:
        _sync_device(hass, coordinator, vehicle_id, account_device.id)

    # First among the listeners, so that the device is there when its entities come.
    entry.async_on_unload(coordinator.async_add_newcomer_listener(on_newcomer))
    for number, vehicle_id in enumerate(list(coordinator.vehicles()), start=1):
        on_newcomer(vehicle_id)
        if number % DEVICES_AT_ONCE == 0:
            await asyncio.sleep(0)


@callback
def _sync_device(
    hass: HomeAssistant,
    coordinator: FleetCoordinator,
    vehicle_id: str,
    account_device_id: str,
) -> None:
    """Create a vehicle's device, or bring it up to date.

    The account's device is named in a second step: no argument for it works in every
    version of Home Assistant.
    """
    if (vehicle := coordinator.vehicle(vehicle_id)) is None:
        return
    details = vehicle.details
    registry = dr.async_get(hass)
    device = registry.async_get_or_create(
        config_entry_id=coordinator.config_entry.entry_id,
        config_subentry_id=coordinator.devices.subentry_id(vehicle_id),
        identifiers={coordinator.devices.identifier(vehicle_id)},
        name=details.name,
        manufacturer=details.manufacturer,
        model=details.model,
        model_id=None,
        configuration_url=coordinator.vendor.portal(coordinator.config_entry.data),
        serial_number=details.serial_number,
        sw_version=details.sw_version,
        hw_version=details.hw_version,
    )
    if device.via_device_id != account_device_id:
        registry.async_update_device(device.id, via_device_id=account_device_id)


@callback
def _remove_excluded_devices(
    hass: HomeAssistant, coordinator: FleetCoordinator
) -> None:
    """Remove the devices of vehicles that the user left out."""
    registry = dr.async_get(hass)
    excluded = {coordinator.devices.identifier(one) for one in coordinator.excluded}
    for device in dr.async_entries_for_config_entry(
        registry, coordinator.config_entry.entry_id
    ):
        if not excluded.isdisjoint(device.identifiers):
            registry.async_remove_device(device.id)
