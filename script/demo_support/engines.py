"""Checks of the demo's engines: cut one, restore it, and be refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
import json
from typing import Any

from .accounts import ACCOUNTS
from .home_assistant import DOMAIN, ROOT, CommandRefused, DemoError, HomeAssistant
from .registry import Entry, entries_by_device, find

CONFIRMATION_TIMEOUT = 60

_ENGLISH = ROOT / "custom_components" / DOMAIN / "translations" / "en.json"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An action that has to be refused for a vehicle, with one of these texts."""

    because: str
    vehicle: str
    entity: str
    action: str
    keys: frozenset[str]
    data: Mapping[str, Any] = field(default_factory=dict)


REFUSALS = (
    Refusal(
        because="it drives",
        vehicle="Truck",
        entity="button.cut_engine",
        action="button.press",
        keys=frozenset({"engine_cut_too_fast"}),
    ),
    Refusal(
        because="it is not heard of",
        vehicle="Car",
        entity="button.cut_engine",
        action="button.press",
        keys=frozenset({"vehicle_offline", "engine_cut_no_contact"}),
    ),
    Refusal(
        because="its account does not allow it",
        vehicle="Town van",
        entity="device_tracker.position",
        action=f"{DOMAIN}.tracksolid_send_command",
        data={"command": "163", "values": ["1"]},
        keys=frozenset({"engine_cut_not_enabled"}),
    ),
)
CAN_BE_CUT = "Taxi"


async def check_engines(home_assistant: HomeAssistant, expected: set[str]) -> list[str]:
    """Return what is wrong. The texts of refusals are added to what the log may hold."""
    vehicles = await entries_by_device(home_assistant)
    problems = list(offered(vehicles))
    for refusal in REFUSALS:
        problems += await be_refused(home_assistant, refusal, vehicles, expected)
    try:
        await _cut_and_restore(home_assistant, vehicles.get(CAN_BE_CUT, ()))
    except DemoError as error:
        problems.append(f"{CAN_BE_CUT}: {error}")
    return problems


def offered(vehicles: Mapping[str, Sequence[Entry]]) -> Iterator[str]:
    """Yield where *Cut engine* is offered though the account does not allow it."""
    for account in ACCOUNTS:
        if not account.options.get("allow_engine_cut"):
            for vehicle in account.vehicles:
                for entry in find(vehicles.get(vehicle.name, ()), "button.cut_engine"):
                    yield f"{entry['entity_id']} is there, though it is not allowed"


async def be_refused(
    home_assistant: HomeAssistant,
    refusal: Refusal,
    vehicles: Mapping[str, Sequence[Entry]],
    expected: set[str],
) -> list[str]:
    """Return what is wrong with a refusal: it is none, or its text is not the right one."""
    what = f"{refusal.vehicle}: {refusal.action}, refused because {refusal.because}"
    try:
        entity_id = _entity(vehicles.get(refusal.vehicle, ()), refusal.entity)
        await call(home_assistant, refusal.action, entity_id, refusal.data)
    except CommandRefused as error:
        expected.add(error.text)
        if error.key not in refusal.keys:
            return [f"{what}: the text is {error.text!r}"]
        # Home Assistant takes the full stop away.
        text = text_of(error.key, error.placeholders)
        if error.text.rstrip(".") != text.rstrip("."):
            return [f"{what}: {error.text!r} is not the text of {error.key}"]
        print(f"  {refusal.vehicle}: {error.text}", flush=True)
        return []
    except DemoError as error:
        return [f"{what}: {error}"]
    return [f"{what}: it is not"]


async def _cut_and_restore(
    home_assistant: HomeAssistant, entries: Sequence[Entry]
) -> None:
    """Cut an engine and restore it. Raises DemoError where that does not happen."""
    engine_cut = _entity(entries, "binary_sensor.engine_cut")
    for button, state in (("cut_engine", "on"), ("restore_engine", "off")):
        await call(home_assistant, "button.press", _entity(entries, f"button.{button}"))
        await _wait_for(home_assistant, engine_cut, state)


async def _wait_for(home_assistant: HomeAssistant, entity_id: str, state: str) -> None:
    for _ in range(CONFIRMATION_TIMEOUT):
        if (await home_assistant.get(f"states/{entity_id}"))["state"] == state:
            return
        await asyncio.sleep(1)
    raise DemoError(f"{entity_id} does not become {state}")


def _entity(entries: Sequence[Entry], wanted: str) -> str:
    """Return an entity of a vehicle. Raises DemoError without one."""
    for entry in find(entries, wanted):
        return str(entry["entity_id"])
    raise DemoError(f"there is no {wanted}")


async def call(
    home_assistant: HomeAssistant,
    action: str,
    entity_id: str,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Call an action on an entity. Raises CommandRefused with the text of a refusal."""
    domain, _, service = action.partition(".")
    await home_assistant.command(
        "call_service",
        domain=domain,
        service=service,
        target={"entity_id": entity_id},
        service_data=dict(data or {}),
    )


def text_of(key: str, placeholders: Mapping[str, str]) -> str:
    """Return the English text of a refusal."""
    texts = json.loads(_ENGLISH.read_text(encoding="utf-8"))["exceptions"]
    return str(texts[key]["message"]).format_map(placeholders)
