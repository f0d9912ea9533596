"""Going through the config flows as a user would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .accounts import DemoAccount
from .home_assistant import DOMAIN, DemoError, HomeAssistant

DISCOVERY_TIMEOUT = 60

_FLOWS = "config/config_entries/flow"
_OPTIONS_FLOWS = "config/config_entries/options/flow"
_SUBENTRY_FLOWS = "config/config_entries/subentries/flow"
_VEHICLE = "vehicle"

type Step = Mapping[str, Any]


async def add_account(
    home_assistant: HomeAssistant, account: DemoAccount, port: int
) -> bool:
    """Add an account, and the vehicles that are added one by one; return whether it did.

    An account that is there already, from an earlier run, stays as it is: logging in once
    more would cost a minute at some vendors. Raises DemoError where a flow does not end as
    it should.
    """
    if account.title and await _entry_id(home_assistant, account.title):
        return False
    start: Mapping[str, Any] = {"handler": DOMAIN}
    end = await _walk(home_assistant, _FLOWS, start, account.answers, port)
    if end.get("reason") == "already_configured":
        return False
    if end["type"] != "create_entry":
        raise DemoError(f"{account.name}: the config flow ended with {end}")
    if account.options:
        start = {"handler": end["result"]["entry_id"]}
        answers = {"init": "settings", "settings": account.options}
        chosen = await _walk(home_assistant, _OPTIONS_FLOWS, start, answers, port)
        if chosen["type"] != "create_entry":
            raise DemoError(f"{account.name}: the options ended with {chosen}")
    for vehicle in account.add_vehicles:
        start = {"handler": [end["result"]["entry_id"], _VEHICLE]}
        answers = {"user": vehicle}
        added = await _walk(home_assistant, _SUBENTRY_FLOWS, start, answers, port)
        if added["type"] != "create_entry":
            raise DemoError(f"{account.name}: adding a vehicle ended with {added}")
    for _ in range(account.accept_vehicles):
        await _accept_vehicle(home_assistant, account)
    return True


async def _entry_id(home_assistant: HomeAssistant, title: str) -> str | None:
    """Return the id of an account's entry by its title, None if there is none."""
    entries = await home_assistant.get(f"config/config_entries/entry?domain={DOMAIN}")
    found: Iterator[str] = (
        entry["entry_id"] for entry in entries if entry["title"] == title
    )
    return next(found, None)


async def push_url(home_assistant: HomeAssistant, title: str) -> str:
    """Return where an account wants pushes, as a page of its options tells it."""
    if (entry_id := await _entry_id(home_assistant, title)) is None:
        raise DemoError(f"There is no account {title}")
    menu = await home_assistant.post(_OPTIONS_FLOWS, {"handler": entry_id})
    page = next(one for one in menu["menu_options"] if one.endswith("_push"))
    form = await home_assistant.post(
        f"{_OPTIONS_FLOWS}/{menu['flow_id']}", {"next_step_id": page}
    )
    return str(form["description_placeholders"]["push_url"])


async def _accept_vehicle(home_assistant: HomeAssistant, account: DemoAccount) -> None:
    """Accept the next vehicle that shows up by itself."""
    for look in range(DISCOVERY_TIMEOUT * 2):
        if look == 6:
            print(
                "  waiting for a tracker that nobody added: it connects by itself, and "
                "tries again after a while",
                flush=True,
            )
        if cards := await discovery_cards(home_assistant):
            answers = account.answers.get("accept_vehicle", {})
            path = f"{_FLOWS}/{cards[0]['flow_id']}"
            end = await home_assistant.post(path, answers)
            if end.get("reason") != "vehicle_added":
                raise DemoError(f"{account.name}: accepting ended with {end}")
            return
        await asyncio.sleep(0.5)
    raise DemoError(f"{account.name}: no vehicle showed up")


async def discovery_cards(home_assistant: HomeAssistant) -> list[Step]:
    """Return the flows of vehicles that showed up and are not accepted."""
    flows: list[Step] = await home_assistant.command("config_entries/flow/progress")
    return [
        flow
        for flow in flows
        if flow["handler"] == DOMAIN and flow["step_id"] == "accept_vehicle"
    ]


async def _walk(
    home_assistant: HomeAssistant,
    path: str,
    start: Mapping[str, Any],
    answers: Mapping[str, Any],
    port: int,
) -> Step:
    """Answer a flow's steps and return how it ended."""
    step: Step = await home_assistant.post(path, start)
    while step["type"] in ("menu", "form"):
        name = step["step_id"]
        if step.get("errors") or name not in answers:
            raise DemoError(f"No answer to step {name}: {step.get('errors')}")
        answer = fill_in(answers[name], port)
        if step["type"] == "menu":
            answer = {"next_step_id": answer}
        else:
            answer = in_sections(step.get("data_schema") or (), answer)
        step = await home_assistant.post(f"{path}/{step['flow_id']}", answer)
    return step


def in_sections(
    fields: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an answer in the sections of the form that asks for it."""
    answer, sent = dict(answer), {}
    for field in fields:
        if field.get("type") == "expandable":
            names = {one["name"] for one in field["schema"]}
            sent[field["name"]] = {
                key: answer.pop(key) for key in names & answer.keys()
            }
    return {**answer, **sent}


def fill_in(answer: Any, port: int) -> Any:
    """Return an answer with the simulator's port put in, as a number where it is alone."""
    if answer == "{port}":
        return port
    if isinstance(answer, str):
        return answer.replace("{port}", str(port))
    if isinstance(answer, Mapping):
        return {key: fill_in(value, port) for key, value in answer.items()}
    return answer
