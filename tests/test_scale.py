"""Many vehicles: what costs nothing, and that the event loop is never held for long."""

from __future__ import annotations

import asyncio
from asyncio.events import Handle
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
import gc
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.const import STATE_OFF, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import EntityPlatform, async_get_platforms
from homeassistant.helpers.json import json_dumps
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.account import sliced_work as sliced_work_module
from custom_components.fleet_tracker.account.codec import to_json
from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.account.sliced_work import SlicedWork
from custom_components.fleet_tracker.account.storage import VERSION
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.dashboard.overview import overview
from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import Position, Value, VehicleUpdate
from tests.common import (
    START,
    cloud_entry,
    elapse,
    entity_id,
    set_up,
    state_of,
    written_since,
)
from tests.neutral_vendor import Cloud, Clouds, told

VEHICLES = 500
LONGEST_HOLD = 0.010
"""Seconds for which the event loop may be held."""
# On a machine that is slow, or busy with something else, the longest hold may be longer,
# as long as it is only so much of all the work.
LARGEST_SHARE = 1 / 4
# A start loads what was never needed before, in one go, which is not ours to part.
LARGEST_SHARE_OF_START = 1 / 2


@pytest.fixture
def cloud(
    clouds: Clouds, freezer: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> Cloud:
    """Return a cloud with many vehicles. The coordinator sees how long its work takes."""
    freezer.move_to(START)
    monkeypatch.setattr(
        sliced_work_module,
        "monotonic",
        lambda: time.clock_gettime(time.CLOCK_MONOTONIC),
    )
    cloud = clouds["acme"]
    cloud.tell(*fleet(1))
    return cloud


def news(vehicle: int, number: int) -> VehicleUpdate:
    """Return news of one vehicle."""
    now = dt_util.utcnow()
    return told(
        str(vehicle),
        now,
        name=f"Vehicle {vehicle}",
        position=Position(
            latitude=52 + number / 10,
            longitude=5,
            accuracy=10,
            fixed_at=now,
            speed=50 + number,
        ),
        ignition=True,
        battery=number,
    )


def fleet(number: int) -> list[VehicleUpdate]:
    """Return news of all vehicles, other ones for each number."""
    return [news(vehicle, number) for vehicle in range(VEHICLES)]


@contextmanager
def measured_holds(largest_share: float = LARGEST_SHARE) -> Iterator[None]:
    """Measure how long (in CPU time) our own work holds the event loop, and judge it."""
    run = Handle._run
    times: list[float] = []

    def measure(handle: Handle) -> None:
        ours = _is_ours(handle)
        begin = time.thread_time()
        run(handle)
        if ours:
            times.append(time.thread_time() - begin)

    gc.collect()
    gc.disable()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Handle, "_run", measure)
        yield
    gc.enable()
    longest = max(LONGEST_HOLD, largest_share * sum(times))
    assert 0 < max(times) < longest, sorted(times)[-5:]


def _is_ours(handle: Handle) -> bool:
    """Tell whether what is run is the coordinator's, or a task in which it works."""
    work = getattr(getattr(handle, "_callback", None), "__self__", None)
    if isinstance(work, asyncio.Task):
        name = getattr(work.get_coro(), "__qualname__", "")
        return name.startswith(
            ("DataUpdateCoordinator", "ConfigEntry.async_setup", "overview")
        )
    return isinstance(work, FleetCoordinator | SlicedWork)


async def finish(hass: HomeAssistant, coordinator: FleetCoordinator) -> None:
    """Wait until all that came in is worked off."""
    await hass.async_block_till_done(wait_background_tasks=True)
    await coordinator.fleet._work.async_done()


async def test_many_vehicles_come_in_slices(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    hass_admin_user: User,
) -> None:
    """News of all, of one, the loss and return of the account, and time alone.

    And what the browser is told of all.
    """
    coordinator = await set_up(hass, cloud_entry())

    async def poll() -> None:
        await elapse(hass, freezer, 16)
        await finish(hass, coordinator)

    # All have changed.
    freezer.tick(1)
    cloud.tell(*fleet(2))
    with measured_holds():
        await poll()
    assert state_of(hass, "sensor", "battery", "499").state == "2"

    # One has changed: one state is written.
    before = dt_util.utcnow()
    cloud.tell(replace_reading(cloud.fleet["17"], "battery", 99))
    await poll()
    assert written_since(hass, before) == {entity_id(hass, "sensor", "battery", "17")}

    with measured_holds():
        told_of_all = await hass.async_create_task(
            overview(hass, hass_admin_user), eager_start=False
        )
    assert len(told_of_all["vehicles"]) == VEHICLES

    # Others get their turn while pushes come in all at once.
    steps: list[int] = []

    def taken() -> int:
        vehicles = coordinator.vehicles().values()
        return sum(vehicle.readings["battery"] == 3 for vehicle in vehicles)

    async def watch() -> None:
        before = 0
        while before < VEHICLES:
            await asyncio.sleep(0)
            steps.append((now := taken()) - before)
            before = now

    watcher = hass.async_create_task(watch(), eager_start=False)
    cloud.push(*fleet(3))
    await watcher
    await finish(hass, coordinator)
    assert sum(steps) + taken() - VEHICLES <= VEHICLES
    assert max(steps) < VEHICLES / 4

    # The account cannot be reached, and can again.
    cloud.poll_error = CannotConnect()
    with measured_holds():
        await poll()
    assert state_of(hass, "sensor", "battery", "499").state == "3"
    await elapse(hass, freezer, timedelta(minutes=10))
    await finish(hass, coordinator)
    assert state_of(hass, "sensor", "battery", "499").state == STATE_UNAVAILABLE
    cloud.poll_error = None
    cloud.interval = timedelta(hours=1)
    cloud.tell(*fleet(4))
    coordinator.poll_soon()
    with measured_holds():
        await poll()
    assert state_of(hass, "sensor", "battery", "499").state == "4"

    # All stop moving at once.
    with measured_holds():
        await elapse(hass, freezer, timedelta(minutes=3))
        await finish(hass, coordinator)
    assert state_of(hass, "binary_sensor", "moving", "499").state == STATE_OFF


async def test_start_with_many_vehicles(
    hass: HomeAssistant,
    cloud: Cloud,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was kept is shown again, in slices too, and without a warning."""
    entry = cloud_entry()
    entry.add_to_hass(hass)
    vehicles = [
        merge(None, update, Rules(), dt_util.utcnow()).vehicle
        for update in cloud.fleet.values()
    ]
    key = f"{DOMAIN}.{entry.entry_id}.vehicles"
    hass_storage[key] = {
        "version": VERSION,
        "key": key,
        "data": {"vehicles": [json_dumps(to_json(one)) for one in vehicles]},
    }
    cloud.fleet.clear()
    with measured_holds(LARGEST_SHARE_OF_START):
        await hass.async_create_task(
            hass.config_entries.async_setup(entry.entry_id), eager_start=False
        )
    await finish(hass, entry.runtime_data)
    assert len(entry.runtime_data.vehicles()) == VEHICLES
    assert state_of(hass, "sensor", "battery", "499").state == "1"
    assert "taking over" not in caplog.text


async def test_entities_are_added_in_groups(
    hass: HomeAssistant, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 40 vehicles each platform takes few calls, and of a new one a call each."""
    calls: Counter[str] = Counter()
    added: Counter[str] = Counter()
    add = EntityPlatform.async_add_entities

    async def add_and_count(
        platform: EntityPlatform, entities: list[Entity], **more: Any
    ) -> None:
        if platform.platform_name == DOMAIN:
            calls[platform.domain] += 1
            added[platform.domain] += len(entities)
        await add(platform, entities, **more)

    monkeypatch.setattr(EntityPlatform, "async_add_entities", add_and_count)
    cloud.fleet.clear()
    cloud.tell(*fleet(1)[:40])
    coordinator = await set_up(hass, cloud_entry())
    await finish(hass, coordinator)
    # As many vehicles at once as have 30 entities together.
    assert {domain: (calls[domain], added[domain]) for domain in calls} == {
        "binary_sensor": (3, 80),
        "button": (2, 40),
        "device_tracker": (2, 40),
        "event": (2, 40),
        # and those of the account
        "calendar": (3, 41),
        "sensor": (9, 245),
        "number": (1, 2),
    }
    calls.clear()
    cloud.push(news(40, 1))
    await finish(hass, coordinator)
    assert calls == dict.fromkeys(added.keys() - {"number"}, 1)
    infos = [
        entity.device_info
        for platform in async_get_platforms(hass, DOMAIN)
        for entity in platform.entities.values()
        if entity.unique_id and "_7_" in entity.unique_id
    ]
    assert len(infos) == 11
    assert all(info is infos[0] for info in infos)


def replace_reading(update: VehicleUpdate, key: str, value: Value) -> VehicleUpdate:
    """Return news in which one reading is another."""
    group = update.groups[0]
    return replace(
        update,
        groups=(replace(group, readings={**group.readings, key: value}),),
    )
