"""Kept trips of a whole account: from what a vendor tells to the disk, and back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.fleet_tracker.account import line_file
from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.account.trips.kept import folder_name
from custom_components.fleet_tracker.const import (
    CONF_EXCLUDED_VEHICLES,
    CONF_KEEP_TRIPS,
)
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    OccurrenceKind,
    Position,
    VehicleUpdate,
)
from tests.common import START, cloud_entry, elapse, set_up, state_of
from tests.neutral_vendor import Cloud, Clouds, told

DAY = timedelta(days=1)


def news(
    vehicle_id: str, latitude: float, speed: float, *, ignition: bool
) -> VehicleUpdate:
    """Return what a tracker sends now."""
    now = dt_util.utcnow()
    position = Position(
        latitude=latitude, longitude=5, accuracy=10, fixed_at=now, speed=speed
    )
    return told(vehicle_id, now, position=position, ignition=ignition)


async def drive(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory, vehicle_id: str
) -> None:
    """Drive 2.2 km to the north in five minutes, and park for five."""
    cloud.push(news(vehicle_id, 52, 0, ignition=True))
    for step in range(1, 11):
        freezer.tick(30)
        cloud.push(news(vehicle_id, 52 + step * 0.002, 27, ignition=True))
    freezer.tick(30)
    cloud.push(news(vehicle_id, 52.02, 0, ignition=False))
    await elapse(hass, freezer, 300)
    await elapse(hass, freezer, 60)


async def kept(coordinator: FleetCoordinator, vehicle_id: str = "1") -> list[float]:
    """Return the distances of the kept trips of a vehicle in km."""
    trips = await coordinator.kept_trips.async_trips(
        vehicle_id, START - DAY, START + DAY
    )
    return [round(one.found.distance_m / 1000, 1) for one in trips]


async def reload(hass: HomeAssistant, entry: MockConfigEntry) -> FleetCoordinator:
    """Reload an entry."""
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    coordinator: FleetCoordinator = entry.runtime_data
    return coordinator


async def test_trips_outlive_what_is_known_of_a_vehicle(
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Its last trip is shown again, though nothing else of it was stored."""
    freezer.move_to(START)
    cloud, entry = clouds["acme"], cloud_entry()
    cloud.tell(news("1", 52, 0, ignition=False))
    coordinator = await set_up(hass, entry)
    await drive(hass, cloud, freezer, "1")
    assert await kept(coordinator) == [2.2]
    distance = state_of(hass, "sensor", "last_trip_distance").state
    assert float(distance) == 2.224
    # Of a vehicle that is stored, and of one that comes with the first poll.
    for is_stored in (True, False):
        await hass.config_entries.async_unload(entry.entry_id)
        key = f"fleet_tracker.{entry.entry_id}.vehicles"
        if not is_stored:
            del hass_storage[key]
        cloud.tell(news("1", 52.02, 0, ignition=False))
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert state_of(hass, "sensor", "last_trip_distance").state == distance
        assert await kept(entry.runtime_data) == [2.2]
    await drive(hass, cloud, freezer, "1")
    assert await kept(entry.runtime_data) == [2.2, 2.2]


async def test_trips_go_with_their_vehicle_and_their_account(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """One that the user leaves out, and all with the entry."""
    freezer.move_to(START)
    cloud, entry = clouds["acme"], cloud_entry()
    cloud.tell(*(news(one, 52, 0, ignition=False) for one in "12"))
    coordinator = await set_up(hass, entry)
    for vehicle_id in "12":
        await drive(hass, cloud, freezer, vehicle_id)
    hass.config_entries.async_update_entry(
        entry, options={CONF_EXCLUDED_VEHICLES: ["1"]}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    coordinator = entry.runtime_data
    assert (await kept(coordinator, "1"), await kept(coordinator, "2")) == ([], [2.2])
    folder: Path = line_file.path_of(hass, folder_name(entry.entry_id))
    assert await hass.async_add_executor_job(folder.exists)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not await hass.async_add_executor_job(folder.exists)


async def test_option_turns_keeping_off(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """Trips are found and told all the same."""
    freezer.move_to(START)
    cloud, entry = clouds["acme"], cloud_entry(options={CONF_KEEP_TRIPS: False})
    cloud.tell(news("1", 52, 0, ignition=False))
    coordinator = await set_up(hass, entry)
    await drive(hass, cloud, freezer, "1")
    assert await kept(coordinator) == []
    assert float(state_of(hass, "sensor", "last_trip_distance").state) == 2.224


async def test_trip_that_was_none_is_no_longer_kept(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """Late news says that the ignition was off all the time: the vehicle was carried."""
    freezer.move_to(START)
    cloud, entry = clouds["acme"], cloud_entry()

    def at(latitude: float, speed: float) -> VehicleUpdate:
        now = dt_util.utcnow()
        position = Position(
            latitude=latitude, longitude=5, accuracy=10, fixed_at=now, speed=speed
        )
        return told("1", now, position=position)

    cloud.tell(at(52, 0))
    coordinator = await set_up(hass, entry)
    for step in range(1, 11):
        freezer.tick(30)
        cloud.push(at(52 + step * 0.002, 27))
    for _ in range(15):
        freezer.tick(30)
        cloud.push(at(52.02, 0))
    await elapse(hass, freezer, 60)
    assert await kept(coordinator) == [2.2]
    cloud.push(told("1", START - timedelta(minutes=1), ignition=False))
    # It could be of a clock that was set back by a quarter of an hour: that is awaited.
    for _ in range(32):
        await elapse(hass, freezer, 60)
    assert await kept(coordinator) == []


async def test_two_accounts_may_have_the_same_vehicle(
    hass: HomeAssistant, clouds: Clouds, freezer: FrozenDateTimeFactory
) -> None:
    """Each keeps and tells its own; what goes with one is still there in the other."""
    freezer.move_to(START)
    entries = {name: cloud_entry(name) for name in ("acme", "other")}
    for name, entry in entries.items():
        clouds[name].tell(news("1", 52, 0, ignition=False))
        await set_up(hass, entry)
    acme, other = (one.runtime_data for one in entries.values())
    told_of = Counter[str]()
    for name, coordinator in (("acme", acme), ("other", other)):

        @callback
        def note(vehicle_id: str, one: Occurrence, name: str = name) -> None:
            told_of[f"{name} {one.type}"] += 1

        coordinator.async_subscribe_occurrences(note, "1", OccurrenceKind.TRIP)
    await drive(hass, clouds["acme"], freezer, "1")
    assert (await kept(acme), await kept(other)) == ([2.2], [])
    await drive(hass, clouds["other"], freezer, "1")
    assert (await kept(acme), await kept(other)) == ([2.2], [2.2])
    assert told_of == {
        f"{name} {what}": 1
        for name in entries
        for what in ("trip_started", "trip_ended")
    }
    (trip,) = await acme.kept_trips.async_trips("1", START - DAY, START + DAY)
    await acme.kept_trips.async_mark("1", trip.trip_id, {"driver": "Ann"}, None)
    (same,) = await other.kept_trips.async_trips("1", START - DAY, START + DAY)
    assert same.mark.driver is None
    devices = [
        device
        for entry_id in (acme.config_entry.entry_id, other.config_entry.entry_id)
        for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry_id)
    ]
    of_vehicle = [it for it in devices if any("_1" in key for _, key in it.identifiers)]
    assert len(of_vehicle) == 2
    acme.async_forget("1")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (await kept(acme), await kept(other)) == ([], [2.2])
    await hass.config_entries.async_remove(entries["acme"].entry_id)
    assert await kept(other) == [2.2]
