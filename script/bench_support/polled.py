"""What polls of the Open API and of Tracksolid Pro cost, and setting their accounts up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext
import gc
import time
import tracemalloc
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er
import orjson
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.fleet_tracker.account import coordinator as coordinator_module
from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.transport import http_client

from .fleets import SERVERS, Scenario, Server
from .measuring import Clock, Cost, Passes, measured, measured_holds, passes
from .trivial import Trivial, twins_of

NEVER = 86_400
"""Seconds between polls by themselves: the bench polls."""
KEPT = frozenset({"position", "moving", "ignition", "speed"})
"""What is enabled of each of thousands of vehicles: Home Assistant has 10,000 at most."""


def entry_of(server: Server) -> MockConfigEntry:
    """Return a config entry of an account."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=server.vendor,
        unique_id=server.data["identity"],
        data=server.data,
        options={"driving_interval": NEVER, "parked_interval": NEVER},
    )


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[None]:
    """Let accounts ask a server in memory."""
    with (
        patch.object(
            coordinator_module,
            "async_get_clientsession",
            lambda _hass, **_: server.session,
        ),
        # What needs a clearance gets a session of its own, which is aiohttp's.
        patch.object(http_client, "gated", lambda session, _: nullcontext(session)),
    ):
        yield


async def set_up(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Set an entry up, until all its entities are there."""
    if not await hass.config_entries.async_setup(entry.entry_id):
        raise RuntimeError(f"{entry.title} was not set up: {entry.reason}")
    await hass.async_block_till_done()
    adding = [one for one in asyncio.all_tasks() if "add entities" in one.get_name()]
    await asyncio.gather(*adding)
    await hass.async_block_till_done()


async def unload(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Unload an entry."""
    if not await hass.config_entries.async_unload(entry.entry_id):
        raise RuntimeError(f"{entry.title} was not unloaded")
    await hass.async_block_till_done()


async def poll(coordinator: FleetCoordinator) -> None:
    """Poll once, until all that is new is shown."""
    await coordinator.async_refresh()
    await coordinator.fleet.async_done()
    if not coordinator.last_update_success:
        raise RuntimeError("A poll failed") from coordinator.last_exception


def states_of(hass: HomeAssistant) -> dict[str, State]:
    """Return all states."""
    return {state.entity_id: state for state in hass.states.async_all()}


async def measure_life(
    hass: HomeAssistant, clock: Clock, vendor: str, vehicles: int
) -> tuple[dict[str, float], Server, ConfigEntry, Trivial]:
    """Measure set-up, set-up again and unload, against the trivial integration.

    Both are loaded afterwards.
    """
    server = SERVERS[vendor](vehicles, clock)
    ours: dict[str, list[float]] = {}
    entry = entry_of(server)
    entry.add_to_hass(hass)
    async with connected(server):
        with measured() as first:
            await set_up(hass, entry)
        trivial = Trivial(hass, twins_of(hass, entry))
        with measured() as first_floor:
            await set_up(hass, trivial.entry)
        ours["set-up"] = [first.cpu, first_floor.cpu]
        ours["unload"] = [
            await _cost(unload(hass, one)) for one in (entry, trivial.entry)
        ]
        ours["again"] = [
            await _cost(set_up(hass, one)) for one in (entry, trivial.entry)
        ]
    # The originals are others now.
    trivial.set_twins(twins_of(hass, entry))
    results = {name: one / floor for name, (one, floor) in ours.items()}
    results["set-up seconds"] = first.cpu
    return results, server, entry, trivial


async def measure_memory(
    hass: HomeAssistant, server: Server, entry: ConfigEntry, trivial: Trivial
) -> dict[str, float]:
    """Measure the memory of an account against the trivial integration.

    Both are loaded before and afterwards.
    """
    await unload(hass, entry)
    await unload(hass, trivial.entry)
    trivial.entities.clear()
    async with connected(server):
        ours = await _memory(hass, entry)
    floor = await _memory(hass, trivial.entry)
    return {"memory": ours / floor, "memory per vehicle": ours / server.vehicles}


async def _cost(doing: object) -> float:
    with measured() as cost:
        await doing  # type: ignore[misc]
    return cost.cpu


async def _memory(hass: HomeAssistant, entry: ConfigEntry) -> float:
    """Return the bytes that an entry takes that is set up, and leave it so.

    Home Assistant keeps the JSON of each registered entity and device once it has written
    them, which it does some seconds after a change: whoever is being set up then would pay
    for all. So it is made before.
    """
    er.async_get(hass)._data_to_save()  # noqa: SLF001  there is no other way
    dr.async_get(hass)._data_to_save()  # noqa: SLF001
    gc.collect()
    tracemalloc.start()
    await set_up(hass, entry)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used


async def measure_polls(
    hass: HomeAssistant, server: Server, entry: ConfigEntry, trivial: Trivial
) -> dict[Scenario, Passes]:
    """Measure polls of each kind beside their floor."""
    coordinator: FleetCoordinator = entry.runtime_data
    results = {}
    for scenario in Scenario:
        found = results[scenario] = Passes()
        for number in range(passes() + 2):
            server.next_poll(scenario)
            before, begin = states_of(hass), time.time()
            with measured() as cost:
                await poll(coordinator)
            await hass.async_block_till_done()
            # The first two bring about what follows from another scenario.
            floor = floor_of(server.session.served, trivial, changed(hass, before))
            if number >= 2:
                found.ours.append(cost.cpu)
                found.floor.append(floor.cpu)
                found.events.append(written(hass, begin, trivial))
    return results


def changed(hass: HomeAssistant, before: dict[str, State]) -> list[str]:
    """Return whose states are others than before."""
    return [
        state.entity_id
        for state in hass.states.async_all()
        if before.get(state.entity_id) is not state
    ]


def written(hass: HomeAssistant, since: float, trivial: Trivial) -> int:
    """Return how many states of ours were written, whether they changed or not."""
    return sum(
        (state := hass.states.get(one)) is not None
        and state.last_reported.timestamp() >= since
        for one in trivial.entities
    )


def floor_of(bodies: Iterable[bytes], trivial: Trivial, entity_ids: list[str]) -> Cost:
    """Measure reading the bodies, and Home Assistant's own writes of what changed."""
    writes = trivial.writes_of(entity_ids)
    bodies = list(bodies)
    with measured() as cost:
        for body in bodies:
            orjson.loads(body)
        for entity in writes:
            entity.async_write_ha_state()
    return cost


async def longest_hold(server: Server, entry: ConfigEntry) -> float:
    """Return for how many seconds a poll holds the event loop, at least of some passes.

    All vehicles have moved.
    """
    coordinator: FleetCoordinator = entry.runtime_data
    holds = []
    for number in range(passes() + 1):
        server.next_poll(Scenario.ALL_MOVED)
        with measured_holds() as cost:
            await poll(coordinator)
        if number:
            holds.append(cost.longest_hold)
    return min(holds)


async def hold_with_many(
    hass: HomeAssistant, clock: Clock, vendor: str, vehicles: int, like: ConfigEntry
) -> float:
    """Return the longest hold with thousands of vehicles.

    Most of their entities are disabled, as Home Assistant's limit wants it.
    """
    server = SERVERS[vendor](vehicles, clock)
    server.identity = "many"
    entry = entry_of(server)
    entry.add_to_hass(hass)
    registry = er.async_get(hass)
    identity = server.data["identity"]
    prefix = f"{like.data['identity']}_{server.imei(0)}_"
    keys = [
        (known.domain, known.unique_id.removeprefix(prefix))
        for known in er.async_entries_for_config_entry(registry, like.entry_id)
        if known.unique_id.startswith(prefix)
    ]
    await unload(hass, like)
    for number in range(vehicles):
        for domain, key in keys:
            if key not in KEPT:
                registry.async_get_or_create(
                    domain,
                    DOMAIN,
                    f"{identity}_{server.imei(number)}_{key}",
                    config_entry=entry,
                    disabled_by=er.RegistryEntryDisabler.USER,
                )
    async with connected(server):
        await set_up(hass, entry)
        return await longest_hold(server, entry)
