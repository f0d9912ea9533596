"""Tests of how the demo's check judges refusals, and what happens while vendors are down."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from script.demo_support.accounts import ACCOUNTS
from script.demo_support.check import complaints
from script.demo_support.engines import REFUSALS, Refusal, be_refused, offered, text_of
from script.demo_support.home_assistant import CommandRefused, DemoError, HomeAssistant
from script.demo_support.outage import differences, failing_accounts, wait_until_told

TRUCK = [
    {"entity_id": "device_tracker.truck", "unique_id": "a_1_position"},
    {"entity_id": "button.truck_cut_engine", "unique_id": "a_1_cut_engine"},
]
TOO_FAST = next(one for one in REFUSALS if one.vehicle == "Truck")
ERROR_LINE = "2026-01-01 10:00:00.001+00:00 ERROR (MainThread) [custom_components.fleet_tracker] "


class Refusing:
    """A Home Assistant that answers every command with an error, or with success."""

    def __init__(self, error: Mapping[str, Any] | None) -> None:
        """Initialize with the error."""
        self.sent: dict[str, object] = {}
        self._error = error

    async def command(self, kind: str, **values: object) -> None:
        """Answer."""
        self.sent = {"type": kind, **values}
        if self._error is not None:
            raise CommandRefused(kind, self._error)


def error(key: str, text: str) -> dict[str, object]:
    """Return an error of Home Assistant's."""
    return {
        "message": text,
        "translation_key": key,
        "translation_placeholders": {"speed": "80", "limit": "20"},
    }


RIGHT = text_of("engine_cut_too_fast", {"speed": "80", "limit": "20"})


@pytest.mark.parametrize(
    ("told", "is_right"),
    [
        (error("engine_cut_too_fast", RIGHT), True),
        (error("engine_cut_too_fast", RIGHT.rstrip(".")), True),
        (error("engine_cut_too_fast", "Refused"), False),
        (error("engine_cut_busy", text_of("engine_cut_busy", {})), False),
        ({"message": "Unknown error"}, False),
        (None, False),
    ],
)
async def test_refusal(told: Mapping[str, Any] | None, is_right: bool) -> None:
    """It has to come, for the right reason, in the words of the translation."""
    home_assistant, expected = Refusing(told), set[str]()
    found = await be_refused(
        cast("HomeAssistant", home_assistant), TOO_FAST, {"Truck": TRUCK}, expected
    )
    assert (not found) is is_right
    assert home_assistant.sent == {
        "type": "call_service",
        "domain": "button",
        "service": "press",
        "target": {"entity_id": "button.truck_cut_engine"},
        "service_data": {},
    }
    assert expected == ({told["message"]} if told else set())


async def test_refusal_without_its_entity() -> None:
    """That there is no button is no refusal."""
    found = await be_refused(
        cast("HomeAssistant", Refusing(None)), TOO_FAST, {"Truck": TRUCK[:1]}, set()
    )
    assert len(found) == 1


def test_refusals_have_texts() -> None:
    """Each reason that counts is one that can be told."""
    refusals: Sequence[Refusal] = REFUSALS
    for refusal in refusals:
        for key in refusal.keys:
            assert text_of(key, dict.fromkeys(("speed", "limit", "minutes"), ""))


def test_offered_though_not_allowed() -> None:
    """*Cut engine* belongs only to vehicles of accounts that allow it."""
    forbidding = next(
        account
        for account in ACCOUNTS
        if not account.options.get("allow_engine_cut") and account.vehicles
    )
    assert list(offered({"Truck": TRUCK})) == []
    assert len(list(offered({forbidding.vehicles[0].name: TRUCK}))) == 1


def test_expected_lines(tmp_path: Path) -> None:
    """Neither a refusal nor the line of a failing account is a complaint."""
    log = tmp_path / "log"
    log.write_text(
        f"{ERROR_LINE}Error fetching Segway data: The server cannot be reached\n"
        f"{ERROR_LINE}Error during service call: {RIGHT}\n"
        f"{ERROR_LINE}Error doing job\n",
        encoding="utf-8",
    )
    assert [text[-9:] for text in complaints(log, {RIGHT})] == ["doing job"]
    assert len(list(complaints(log))) == 2
    assert failing_accounts(log) == 1


async def test_failure_is_printed_once(tmp_path: Path) -> None:
    """An account that fails is told of once, not at every poll."""
    log = tmp_path / "log"
    line = f"{ERROR_LINE}Error fetching Segway data: The server cannot be reached\n"
    log.write_text(line, encoding="utf-8")
    await wait_until_told(log, 1)
    log.write_text(line * 2, encoding="utf-8")
    with pytest.raises(DemoError, match="2 times"):
        await wait_until_told(log, 1)


PLACE = ("home", 52.0, 4.0, "2026-01-01T10:00:00+00:00", None, None)


@pytest.mark.parametrize(
    ("before", "after", "are_wrong"),
    [
        ({"Van": PLACE}, {"Van": PLACE}, False),
        ({"Van": PLACE}, {"Van": ("unavailable", *PLACE[1:])}, True),
        (
            {"Van": PLACE},
            {"Van": (*PLACE[:3], "2026-01-01T10:05:00", None, None)},
            True,
        ),
        ({"Van": PLACE}, {}, True),
        ({"Van": ("home", None, None)}, {"Van": ("home", None, None)}, True),
        ({}, {}, True),
    ],
)
def test_places_after_a_restart(
    before: dict[str, tuple[Any, ...]],
    after: dict[str, tuple[Any, ...]],
    are_wrong: bool,
) -> None:
    """Each vehicle is where it was, as of the same time."""
    assert bool(differences(before, after)) is are_wrong
