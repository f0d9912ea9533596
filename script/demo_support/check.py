"""The assertions of `script/demo --check`, over the API of a running demo."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
import re
import time
from typing import Any

from .accounts import ACCOUNTS, DemoVehicle, Entity
from .cameras import check_cameras
from .engines import check_engines
from .files import check_files
from .flows import discovery_cards
from .home_assistant import DOMAIN, HomeAssistant
from .outage import check_outage, is_told_failure
from .registry import Entry, entries_by_device, find

type Look = Callable[[HomeAssistant], Awaitable[list[str]]]

VEHICLES = [vehicle for account in ACCOUNTS for vehicle in account.vehicles]

# Some of them wait for what happens once in an errand.
ENTITY_TIMEOUT = 240
LIFE_TIMEOUT = 300
PAST_TIMEOUT = 90
FILES_TIMEOUT = 120
CAMERA_TIMEOUT = 90
"""The vendor of the van is asked for a day a second."""
PAST_VEHICLES = ("Van", "Town van")
LEAST_PAST_DAYS = 25
"""Of 30: some have none on some days."""
MOST_ENABLED_ENTITIES = 18

# A state that an entity may have when nothing has been heard of it yet.
QUIET_PLATFORMS = ("button.", "event.", "lock.", "switch.", "image.")

_RECORD = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\S+ (?P<level>[A-Z]+) \(.*?\) \[(?P<logger>.*?)\]"
)
_EVERY_CUSTOM_INTEGRATION_IS_WARNED_OF = "which has not been tested by Home Assistant"


async def check(
    home_assistant: HomeAssistant, simulators: Mapping[str, str]
) -> list[str]:
    """Return what is wrong, after waiting for what takes time.

    `simulators` are the addresses that let a vendor's API fail, by the vendor's name.
    """
    refused: set[str] = set()
    print("Checking the vehicles' entities ...", flush=True)
    problems = await _wait(home_assistant, ENTITY_TIMEOUT, _check_vehicles)
    if not problems:
        print("Looking for the month before ...", flush=True)
        problems = await _wait(home_assistant, PAST_TIMEOUT, _check_past)
    if not problems:
        print("Watching the cameras ...", flush=True)
        # Half a minute after entities were enabled, Home Assistant sets their account up
        # anew, and there are no cameras for a moment.
        problems = await _wait(home_assistant, CAMERA_TIMEOUT, check_cameras)
    if not problems:
        print(
            "Waiting until the vehicles moved, the vans left home and came home and the "
            "automations ran: about three minutes ...",
            flush=True,
        )
        problems = await _wait(home_assistant, LIFE_TIMEOUT, Life().look)
        problems += await _check_vehicles(home_assistant)
    if not problems:
        print("Exporting the trips so far ...", flush=True)
        problems = await _wait(home_assistant, FILES_TIMEOUT, check_files)
    if not problems:
        print("Cutting and restoring an engine, and being refused ...", flush=True)
        problems = await check_engines(home_assistant, refused)
    if not problems:
        print(
            "Waiting for a pushed alarm while all APIs are down: about two minutes ...",
            flush=True,
        )
        problems = await check_outage(home_assistant, simulators)
        print("Waiting until all is as before ...", flush=True)
        problems += await _wait(home_assistant, ENTITY_TIMEOUT, _check_vehicles)
    return problems + list(complaints(home_assistant.child.log, refused))


async def _wait(home_assistant: HomeAssistant, seconds: float, look: Look) -> list[str]:
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
    return problems


async def _check_vehicles(home_assistant: HomeAssistant) -> list[str]:
    """Return what is wrong with the vehicles' entities."""
    registered = await entries_by_device(home_assistant)
    states = await _states(home_assistant)
    problems: list[str] = []
    for vehicle in VEHICLES:
        problems += _check_vehicle(vehicle, registered.get(vehicle.name, ()), states)
    cards = len(await discovery_cards(home_assistant))
    if cards != (left := sum(account.leave_vehicles for account in ACCOUNTS)):
        problems.append(f"{cards} vehicles wait to be accepted, not {left}")
    return problems


async def _check_past(home_assistant: HomeAssistant) -> list[str]:
    """Return of which vehicles the statistics do not show the month before."""
    names = {
        one["statistic_id"]: one["name"]
        for one in await home_assistant.command("recorder/list_statistic_ids")
        if one["source"] == DOMAIN
    }
    begin = datetime.now(UTC) - timedelta(days=32)
    rows = await home_assistant.command(
        "recorder/statistics_during_period",
        start_time=begin.isoformat(),
        statistic_ids=list(names),
        period="day",
        types=["change"],
    )
    days = {
        names[one]: sum(bool(day["change"]) for day in found)
        for one, found in rows.items()
    }
    return [
        f"the statistics of {vehicle} show {told} days of the month before"
        for vehicle in PAST_VEHICLES
        if (told := days.get(f"{vehicle} distance", 0)) < LEAST_PAST_DAYS
    ]


async def _states(home_assistant: HomeAssistant) -> dict[str, Entity]:
    return {
        entity["entity_id"]: entity for entity in await home_assistant.get("states")
    }


def _check_vehicle(
    vehicle: DemoVehicle, entries: Sequence[Entry], states: Mapping[str, Entity]
) -> Iterator[str]:
    """Yield what is wrong with a vehicle's entities."""
    enabled = [entry for entry in entries if entry["disabled_by"] is None]
    expected_ids = {
        entry["entity_id"] for key in vehicle.entities for entry in find(enabled, key)
    }
    # The demo may have enabled what it checks.
    others = [entry for entry in enabled if entry["entity_id"] not in expected_ids]
    if len(others) > MOST_ENABLED_ENTITIES:
        yield f"{vehicle.name}: {len(enabled)} entities are enabled"
    for entry in enabled:
        entity_id = entry["entity_id"]
        state = states[entity_id]["state"] if entity_id in states else "missing"
        if state in ("missing", "unavailable") or (
            state == "unknown"
            and entity_id not in expected_ids
            and not entity_id.startswith(QUIET_PLATFORMS)
        ):
            yield f"{entity_id} is {state}"
    for expected, matches in vehicle.entities.items():
        found = [entry["entity_id"] for entry in find(enabled, expected)]
        if len(found) != 1 or found[0] not in states:
            yield f"{vehicle.name} has no {expected}"
        elif not matches(states[found[0]]):
            yield f"{found[0]} is {states[found[0]]['state']}"


class Life:
    """The events seen while the demo was watched."""

    def __init__(self) -> None:
        """Start to watch."""
        self._ways: dict[str, list[tuple[Any, str]]] = {}

    async def look(self, home_assistant: HomeAssistant) -> list[str]:
        """Return which vehicles did not move yet, and which automations did not run."""
        problems = []
        for entity_id, entity in (await _states(home_assistant)).items():
            seen = entity["attributes"]
            if entity_id.startswith("automation.") and seen["last_triggered"] is None:
                problems.append(f"{seen['friendly_name']!r} did not run")
            if entity_id.startswith("device_tracker.") and "latitude" in seen:
                way = self._ways.setdefault(seen["friendly_name"], [])
                point = (seen["latitude"], entity["state"])
                if not way or way[-1] != point:
                    way.append(point)
        for vehicle in VEHICLES:
            way = self._ways.get(vehicle.name, [])
            zones = [zone for zone, _ in groupby(state for _, state in way)]
            if vehicle.drives and len(way) < 2:
                problems.append(f"{vehicle.name} did not move")
            elif vehicle.returns_home and not left_and_came_home(zones):
                problems.append(f"{vehicle.name} did not leave home and come back")
        return problems


def left_and_came_home(zones: list[str]) -> bool:
    """Tell whether somebody in these zones in turn left home and came home, in any order.

    Who is on the way when the watching begins comes home first, and leaves it later.
    """
    moves = {(before == "home", after == "home") for before, after in pairwise(zones)}
    return moves >= {(True, False), (False, True)}


def complaints(log: Path, expected: Collection[str] = ()) -> Iterator[str]:
    """Yield the errors and warnings of a log that concern the integration.

    Those of automations count as well: they are the ready examples. What holds an expected
    text does not count, nor the one line that tells of an account that fails.
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
            and not is_told_failure(text)
            and not any(one in text for one in expected)
        ):
            yield f"in the log: {text}"
        record = [line]
