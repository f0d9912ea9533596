"""The demo's vehicles among Home Assistant's devices and entities."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .accounts import DemoAccount, DemoVehicle
from .home_assistant import DOMAIN, DemoError, HomeAssistant

REGISTRATION_TIMEOUT = 60

type Entry = Mapping[str, Any]
"""An entity as the registry holds it."""


async def entries_by_device(
    home_assistant: HomeAssistant,
) -> Mapping[str, Sequence[Entry]]:
    """Return the integration's registered entities by the name of their device."""
    names = {
        device["id"]: device["name"]
        for device in await home_assistant.command("config/device_registry/list")
    }
    found: dict[str, list[Entry]] = {}
    for entry in await home_assistant.command("config/entity_registry/list"):
        if entry["platform"] == DOMAIN:
            found.setdefault(names.get(entry["device_id"], ""), []).append(entry)
    return found


def find(entries: Sequence[Entry], wanted: str) -> Iterator[Entry]:
    """Yield the entity of a vehicle's that is of a domain and shows this: `sensor.speed`.

    What comes before the reading in a unique id is what the tracker's begins with.
    """
    domain, _, key = wanted.partition(".")
    beginnings = {
        entry["unique_id"].removesuffix("position")
        for entry in entries
        if entry["entity_id"].startswith("device_tracker.")
    }
    for entry in entries:
        if entry["entity_id"].startswith(f"{domain}.") and any(
            entry["unique_id"] == beginning + key for beginning in beginnings
        ):
            yield entry


async def enable_entities(home_assistant: HomeAssistant, account: DemoAccount) -> None:
    """Enable what the demo shows and checks, where it is disabled by default.

    Raises DemoError where a vehicle does not get such an entity.
    """
    config_entries = set()
    for vehicle in account.vehicles:
        entries = [
            await _wait_for(home_assistant, vehicle, wanted)
            for wanted in vehicle.enable
        ]
        known = (await entries_by_device(home_assistant)).get(vehicle.name, ())
        entries += [one for key in vehicle.entities for one in find(known, key)]
        for entry in entries:
            if entry["disabled_by"] is not None:
                await home_assistant.command(
                    "config/entity_registry/update",
                    entity_id=entry["entity_id"],
                    disabled_by=None,
                )
                config_entries.add(entry["config_entry_id"])
    # Home Assistant would do so by itself, after half a minute.
    for entry_id in config_entries:
        await home_assistant.post(f"config/config_entries/entry/{entry_id}/reload", {})


async def _wait_for(
    home_assistant: HomeAssistant, vehicle: DemoVehicle, wanted: str
) -> Entry:
    """Return an entity's entry as soon as there is one."""
    for look in range(REGISTRATION_TIMEOUT * 2):
        if look == 6:
            print(
                f"  waiting for {wanted} of {vehicle.name}: {vehicle.late}", flush=True
            )
        entries = (await entries_by_device(home_assistant)).get(vehicle.name, ())
        for entry in find(entries, wanted):
            return entry
        await asyncio.sleep(0.5)
    raise DemoError(f"{vehicle.name} has no {wanted}")
