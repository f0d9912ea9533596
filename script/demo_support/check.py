"""What `script/demo --check` asserts, over the API, of a demo that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
import re
import time
from typing import Any

from .accounts import ACCOUNTS, DemoVehicle, Entity
from .home_assistant import DOMAIN, HomeAssistant

ENTITY_TIMEOUT = 60
LIFE_TIMEOUT = 300
MOST_ENABLED_ENTITIES = 18

# A state that an entity may have when nothing has been heard of it yet.
QUIET_PLATFORMS = ("button.", "event.", "lock.", "switch.", "image.")

_RECORD = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\S+ (?P<level>[A-Z]+) \(.*?\) \[(?P<logger>.*?)\]"
)
_EVERY_CUSTOM_INTEGRATION_IS_WARNED_OF = "which has not been tested by Home Assistant"


async def check(home_assistant: HomeAssistant) -> list[str]:
    """Return what is wrong, after waiting for what takes time."""
    print("Checking the vehicles' entities ...", flush=True)
    problems = await _wait(home_assistant, ENTITY_TIMEOUT, _check_vehicles)
    if not problems:
        print(
            "Waiting until the vehicles moved and the automations ran ...", flush=True
        )
        start = await home_assistant.get("states")
        before = {entity["entity_id"]: entity for entity in start}

        async def alive(home_assistant: HomeAssistant) -> list[str]:
            return await _check_life(home_assistant, before)

        problems = await _wait(home_assistant, LIFE_TIMEOUT, alive)
        problems += await _check_vehicles(home_assistant)
    return problems + list(complaints(home_assistant.child.log))


async def _wait(home_assistant: HomeAssistant, seconds: float, look: Any) -> list[str]:
    """Look until nothing is wrong any more or the time is over; return what is wrong."""
    begin = told = time.monotonic()
    while problems := await look(home_assistant):
        now = time.monotonic()
        if now - begin > seconds:
            break
        if now - told > 20:
            told = now
            print(f"  {now - begin:.0f} s, still waiting: {problems[0]}", flush=True)
        await asyncio.sleep(1)
    return list(problems)


async def _check_vehicles(home_assistant: HomeAssistant) -> list[str]:
    """Return what is wrong with the vehicles' entities."""
    devices = {
        device["id"]: device["name"]
        for device in await home_assistant.command("config/device_registry/list")
    }
    registered = [
        entry
        for entry in await home_assistant.command("config/entity_registry/list")
        if entry["platform"] == DOMAIN
    ]
    states = {
        entity["entity_id"]: entity for entity in await home_assistant.get("states")
    }
    problems: list[str] = []
    for vehicle in (vehicle for account in ACCOUNTS for vehicle in account.vehicles):
        entries = [
            entry
            for entry in registered
            if devices.get(entry["device_id"]) == vehicle.name
        ]
        problems += _check_vehicle(vehicle, entries, states)
    return problems


def _check_vehicle(
    vehicle: DemoVehicle,
    entries: list[dict[str, Any]],
    states: Mapping[str, Entity],
) -> Iterator[str]:
    """Yield what is wrong with a vehicle's entities."""
    enabled = [entry for entry in entries if entry["disabled_by"] is None]
    if len(enabled) > MOST_ENABLED_ENTITIES:
        yield f"{vehicle.name}: {len(enabled)} entities are enabled"
    for entry in enabled:
        entity_id = entry["entity_id"]
        state = states[entity_id]["state"] if entity_id in states else "missing"
        if state in ("missing", "unavailable") or (
            state == "unknown" and not entity_id.startswith(QUIET_PLATFORMS)
        ):
            yield f"{entity_id} is {state}"
    for expected, matches in vehicle.entities.items():
        domain, _, key = expected.partition(".")
        found = [
            entry["entity_id"]
            for entry in enabled
            if entry["entity_id"].startswith(f"{domain}.")
            and entry["unique_id"].endswith(f"_{key}")
        ]
        if len(found) != 1 or found[0] not in states:
            yield f"{vehicle.name} has no {expected}"
        elif not matches(states[found[0]]):
            yield f"{found[0]} is {states[found[0]]['state']}"


async def _check_life(
    home_assistant: HomeAssistant, before: Mapping[str, Entity]
) -> list[str]:
    """Return which vehicles did not move yet, and which automations did not run."""
    problems = []
    driving = {
        vehicle.name
        for account in ACCOUNTS
        for vehicle in account.vehicles
        if vehicle.drives
    }
    moved = set()
    for entity in await home_assistant.get("states"):
        entity_id, seen = entity["entity_id"], entity["attributes"]
        if entity_id.startswith("automation.") and seen["last_triggered"] is None:
            problems.append(f"{seen['friendly_name']!r} did not run")
        if entity_id.startswith("device_tracker.") and entity_id in before:
            was = before[entity_id]["attributes"]
            if seen.get("latitude") != was.get("latitude"):
                moved.add(seen["friendly_name"])
    return problems + [f"{name} did not move" for name in sorted(driving - moved)]


def complaints(log: Path) -> Iterator[str]:
    """Yield the errors and warnings of a log that concern the integration.

    Those of automations count as well: they are the ready examples.
    """
    record: list[str] = []
    for line in [*log.read_text(encoding="utf-8", errors="replace").splitlines(), ""]:
        starts = _RECORD.match(line)
        if not starts and line:
            record.append(line)
            continue
        text = "\n".join(record)
        if (
            (head := _RECORD.match(text))
            and head["level"] in ("WARNING", "ERROR", "CRITICAL")
            and (DOMAIN in text or "components.automation" in head["logger"])
            and _EVERY_CUSTOM_INTEGRATION_IS_WARNED_OF not in text
        ):
            yield f"in the log: {text}"
        record = [line]
