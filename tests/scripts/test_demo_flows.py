"""Tests of how the demo goes through config flows."""

from dataclasses import replace
from typing import Any, cast

import pytest

from script.demo_support.accounts import DemoAccount
from script.demo_support.flows import add_account, fill_in, push_url
from script.demo_support.home_assistant import DemoError, HomeAssistant

ACCOUNT = DemoAccount(
    name="Some vendor",
    simulator="tests.simulators.some",
    answers={"user": "some", "some": {"server": "http://127.0.0.1:{port}"}},
    vehicles=(),
    add_vehicles=({"vehicle_id": "1"},),
    accept_vehicles=1,
)
ADDED = {"type": "create_entry", "result": {"entry_id": "entry"}}


class Answers:
    """A Home Assistant whose answers are given, and which remembers what it was sent."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        """Initialize with the answers to later posts."""
        self.sent: list[tuple[str, Any]] = []
        self.progress: list[list[dict[str, Any]]] = [[]]
        self._answers = list(answers)

    async def post(self, path: str, body: Any) -> dict[str, Any]:
        """Answer."""
        self.sent.append((path.removeprefix("config/config_entries/"), body))
        return self._answers.pop(0)

    async def command(self, kind: str) -> list[dict[str, Any]]:
        """Tell which flows are in progress; the last answer holds."""
        assert kind == "config_entries/flow/progress"
        return self.progress.pop(0) if len(self.progress) > 1 else self.progress[0]


async def add(answers: Answers) -> list[tuple[str, Any]]:
    """Add the account and return what was sent."""
    await add_account(cast("HomeAssistant", answers), ACCOUNT, 1234)
    return answers.sent


class Entries:
    """A Home Assistant with accounts, whose options tell where to push to."""

    async def get(self, path: str) -> list[dict[str, str]]:
        """Return the accounts."""
        assert path == "config/config_entries/entry?domain=fleet_tracker"
        return [
            {"title": "other", "entry_id": "1"},
            {"title": "fleet", "entry_id": "2"},
        ]

    async def post(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        """Return the menu of the options, and the page chosen there."""
        if path == "config/config_entries/options/flow":
            return {
                "flow_id": body["handler"],
                "menu_options": ["settings", "some_push"],
            }
        assert body == {"next_step_id": "some_push"}
        return {
            "description_placeholders": {
                "push_url": f"http://x/{path.rsplit('/', maxsplit=1)[-1]}"
            }
        }


async def test_push_url() -> None:
    """The address is that of the account with the title."""
    home_assistant = cast("HomeAssistant", Entries())
    assert await push_url(home_assistant, "fleet") == "http://x/2"
    with pytest.raises(DemoError):
        await push_url(home_assistant, "nobody")


async def test_add_all() -> None:
    """Menu, form, a vehicle that is added, and one that shows up later."""
    answers = Answers(
        {"type": "menu", "step_id": "user", "flow_id": "a"},
        {"type": "form", "step_id": "some", "flow_id": "a", "errors": {}},
        ADDED,
        {"type": "form", "step_id": "user", "flow_id": "b"},
        ADDED,
        {"type": "abort", "reason": "vehicle_added"},
    )
    found = {"handler": "fleet_tracker", "step_id": "accept_vehicle", "flow_id": "c"}
    answers.progress = [[found | {"handler": "other"}, found]]
    assert await add(answers) == [
        ("flow", {"handler": "fleet_tracker"}),
        ("flow/a", {"next_step_id": "some"}),
        ("flow/a", {"server": "http://127.0.0.1:1234"}),
        ("subentries/flow", {"handler": ["entry", "vehicle"]}),
        ("subentries/flow/b", {"vehicle_id": "1"}),
        ("flow/c", {}),
    ]


async def test_options() -> None:
    """What an account is to have is chosen in its options, before its vehicles are added."""
    answers = Answers(
        ADDED,
        {"type": "menu", "step_id": "init", "flow_id": "o"},
        {
            "type": "form",
            "step_id": "settings",
            "flow_id": "o",
            "errors": {},
            "data_schema": [
                {"type": "expandable", "name": "one", "schema": [{"name": "some"}]},
                {"type": "expandable", "name": "two", "schema": [{"name": "other"}]},
            ],
        },
        {"type": "create_entry"},
    )
    account = replace(
        ACCOUNT, options={"some": True}, add_vehicles=(), accept_vehicles=0
    )
    await add_account(cast("HomeAssistant", answers), account, 1234)
    assert answers.sent[1:] == [
        ("options/flow", {"handler": "entry"}),
        ("options/flow/o", {"next_step_id": "settings"}),
        ("options/flow/o", {"one": {"some": True}, "two": {}}),
    ]


async def test_options_that_are_refused() -> None:
    """The demo stops with an error."""
    answers = Answers(ADDED, {"type": "abort", "reason": "other"})
    account = replace(ACCOUNT, options={"some": True})
    with pytest.raises(DemoError, match="options"):
        await add_account(cast("HomeAssistant", answers), account, 1234)


async def test_account_that_is_found_by_its_title() -> None:
    """An earlier run's is not even tried: a login more would cost a minute."""
    account = replace(ACCOUNT, title="fleet")
    assert not await add_account(cast("HomeAssistant", Entries()), account, 1234)


async def test_account_of_an_earlier_run() -> None:
    """It stays, with its vehicles."""
    answers = Answers({"type": "abort", "reason": "already_configured"})
    assert await add(answers) == [("flow", {"handler": "fleet_tracker"})]


@pytest.mark.parametrize(
    "answers",
    [
        [{"type": "abort", "reason": "other"}],
        [{"type": "form", "step_id": "unheard_of", "flow_id": "a"}],
        [{"type": "form", "step_id": "some", "flow_id": "a", "errors": {"base": "x"}}],
        [ADDED, {"type": "abort", "reason": "already_configured"}],
        [ADDED, ADDED, {"type": "form", "errors": {"base": "x"}}],
    ],
)
async def test_flow_that_goes_wrong(answers: list[dict[str, Any]]) -> None:
    """The demo stops with an error."""
    home_assistant = Answers(*answers)
    home_assistant.progress = [
        [{"handler": "fleet_tracker", "step_id": "accept_vehicle", "flow_id": "c"}]
    ]
    with pytest.raises(DemoError):
        await add(home_assistant)


@pytest.mark.parametrize(
    ("answer", "filled_in"),
    [
        ("http://x:{port}/", "http://x:5/"),
        ({"port": "{port}", "one": {"two": 2}}, {"port": 5, "one": {"two": 2}}),
    ],
)
def test_fill_in(answer: Any, filled_in: Any) -> None:
    """The port is a number where nothing is around it."""
    assert fill_in(answer, 5) == filled_in
