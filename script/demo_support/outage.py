"""Checks of the demo while the APIs of all vendors are down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
import re
from typing import Any

import aiohttp

from .accounts import ACCOUNTS, Entity
from .home_assistant import DemoError, HomeAssistant
from .registry import entries_by_device, find

FAULT = "http_500"
POLL_TIMEOUT = 120
ALARM_TIMEOUT = 180
"""An alarm comes at least every minute and a half: the town van is on errands."""
PUSHED_ALARM = "event.town_van_alarm"
"""The notification in which the demo's automation tells of an alarm that is pushed."""

# The base class of coordinators writes it once, until a poll succeeds.
_ACCOUNT_FAILS = re.compile(r" ERROR .*Error (?:fetching|requesting) .* data: ")


def failing_accounts(log: Path) -> int:
    """Return how often the log says that an account cannot be polled."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return sum(1 for line in lines if _ACCOUNT_FAILS.search(line))


def is_told_failure(record: str) -> bool:
    """Tell whether a record of the log says that an account cannot be polled."""
    return bool(_ACCOUNT_FAILS.search(record.partition("\n")[0]))


async def check_outage(
    home_assistant: HomeAssistant, simulators: Mapping[str, str]
) -> list[str]:
    """Return what is wrong while no vendor answers, and after a restart meanwhile.

    The simulators are well again at the end.
    """
    log = home_assistant.child.log
    try:
        await _let_fail(simulators, f"?fault={FAULT}")
        await wait_until_told(log, len(simulators))
        problems = await _wait_for_alarm(home_assistant)
        before = await _places(home_assistant)
        print("Restarting Home Assistant meanwhile ...", flush=True)
        await home_assistant.stop()
        await home_assistant.start()
        problems += differences(before, await _places(home_assistant))
        await wait_until_told(log, 2 * len(simulators))
    except DemoError as error:
        return [f"while the vendors are down: {error}"]
    finally:
        await _let_fail(simulators, "")
    return problems


async def _let_fail(simulators: Mapping[str, str], query: str) -> None:
    """Let all simulators fail, or be well again if the query is empty."""
    async with aiohttp.ClientSession() as session:
        for name, url in simulators.items():
            async with session.post(f"{url}{query}") as answer:
                if answer.status != 200:
                    raise DemoError(f"{name}: {answer.status} {await answer.text()}")


async def wait_until_told(log: Path, times: int) -> None:
    """Wait until the log told so many times of a failing account, and not more."""
    told = 0
    for _ in range(POLL_TIMEOUT):
        if (told := failing_accounts(log)) >= times:
            break
        await asyncio.sleep(1)
    if told != times:
        raise DemoError(
            f"the log tells {told} times that an account fails, not {times}"
        )


async def _wait_for_alarm(home_assistant: HomeAssistant) -> list[str]:
    """Wait for an alarm that is pushed now; return what is unavailable then."""
    known = await _alarms(home_assistant)
    for _ in range(ALARM_TIMEOUT):
        if await _alarms(home_assistant) - known:
            return [
                f"{entity['entity_id']} is unavailable though its vendor was heard of"
                for entity in await home_assistant.get("states")
                if entity["state"] == "unavailable"
            ]
        await asyncio.sleep(1)
    raise DemoError("no pushed alarm fired")


async def _alarms(home_assistant: HomeAssistant) -> set[str]:
    """Return when it was told of a pushed alarm; the next one takes the place of the last."""
    told = await home_assistant.command("persistent_notification/get")
    return {one["created_at"] for one in told if one["notification_id"] == PUSHED_ALARM}


async def _places(home_assistant: HomeAssistant) -> dict[str, tuple[Any, ...]]:
    """Return the places of the vehicles that the vendor does not move during the outage."""
    states: dict[str, Entity] = {
        entity["entity_id"]: entity for entity in await home_assistant.get("states")
    }
    vehicles = await entries_by_device(home_assistant)
    found = {}
    for account in ACCOUNTS:
        for vehicle in account.vehicles if account.is_silent_when_down else ():
            entries = vehicles.get(vehicle.name, ())
            place: tuple[Any, ...] = ()
            for key in ("device_tracker.position", "sensor.last_fix"):
                for entry in find(entries, key):
                    entity = states[entry["entity_id"]]
                    attributes = entity["attributes"]
                    place += (
                        entity["state"],
                        attributes.get("latitude"),
                        attributes.get("longitude"),
                    )
            found[vehicle.name] = place
    return found


def differences(
    before: Mapping[str, tuple[Any, ...]], after: Mapping[str, tuple[Any, ...]]
) -> list[str]:
    """Return which vehicles are not where they were, or not as of the same time."""
    problems = [
        f"{name}: {after.get(name)} after the restart, {place} before"
        for name, place in before.items()
        if after.get(name) != place or None in place[1:3]
    ]
    return problems if before else ["no vehicle was there before the restart"]
