"""The page about the Open API tells the truth."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
import re

import pytest

from custom_components.fleet_tracker.actions.history import HISTORY_ACTIONS
from custom_components.fleet_tracker.vendors.open_api.client import OpenApiClient
from custom_components.fleet_tracker.vendors.open_api.errors import error_for
from custom_components.fleet_tracker.vendors.open_api.history import OpenApiHistory
from custom_components.fleet_tracker.vendors.open_api.mapping import ALARM_TYPES
from custom_components.fleet_tracker.vendors.open_api.services import ACTIONS
from tests.simulators.open_api_protocol import CODES

from .conftest import START, TRUCK, Rig
from .test_commands import allow_engine_cut
from .test_entities import MOST_ENABLED, registered

TESTS = Path(__file__).parent
PAGE = TESTS.parents[2] / "docs" / "vendors" / "open_api.md"
# What the client has beside the documents' operations.
HELPERS = {"call", "close", "fleet", "run_command", "track_together"}


def table(heading: str) -> list[list[str]]:
    """Return the rows of the one table below a heading."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1]
    lines = section.split("\n## ")[0].splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]
    assert set("".join(rows[1])) == {"-"}
    return [rows[0], *rows[2:]]


def code(cell: str) -> list[str]:
    """Return what a cell has in code quotes."""
    return re.findall(r"`([^`]*)`", cell)


def test_every_operation_of_both_documents() -> None:
    """A row for each, and no empty cell."""
    header, *rows = table("Operations")
    assert header == [
        "document",
        "operation",
        "client method",
        "what it feeds",
        "test",
    ]
    assert all(len(row) == 5 and all(row) for row in rows)
    assert [(row[0], row[1].split()[0]) for row in rows] == [
        *(("classic", f"2.{number}") for number in range(1, 16)),
        *(("2025", f"2.{number}") for number in range(1, 18)),
    ]


def test_every_client_method() -> None:
    """The page names every method of the client, and no other."""
    named = {method for row in table("Operations")[1:] for method in code(row[2])}
    public = {
        name
        for name, _ in inspect.getmembers(OpenApiClient, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert named == public - HELPERS


def test_every_test() -> None:
    """Every test that the page names exists."""
    for row in table("Operations")[1:]:
        (name,) = code(row[4])
        file, test = name.split("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert test in {
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }


def test_every_action() -> None:
    """Those of the vendor, those of the past that it tells, and the one for all others."""
    named = {code(row[0])[0] for row in table("Actions")[1:]}
    own = {action.name for action in ACTIONS}
    past = {HISTORY_ACTIONS[kind].name for kind in OpenApiHistory.offers}
    assert named == {f"fleet_tracker.{name}" for name in {"call_api", *own, *past}}


def test_every_error_code() -> None:
    """The page has the codes of chapter 3, with the documents' words."""
    told = {int(code): meaning for code, meaning, _ in table("Error codes")[1:]}
    assert told == {code: meaning.rstrip(".") for code, meaning in CODES.items()}
    meanings = {error_for(code).translation_key for code in CODES}
    assert "unknown_error_code" not in meanings


@pytest.mark.freeze_time(START)
async def test_every_entity(rig: Rig) -> None:
    """A truck with everything has the entities of the page, enabled as it says."""
    await allow_engine_cut(rig)
    told = {}
    for _, entity, enabled in table("Entities")[1:]:
        for domain, names in re.findall(r"`(\w+)`([^`]*)", entity):
            for name in re.findall(r"\*([^*]+)\*", names) or [None]:
                told[domain, name] = {"yes": True, "no": False}[enabled]
    assert sum(told.values()) == MOST_ENABLED
    # The sensors of the last trip come with the first one.
    told = {
        (domain, name): enabled
        for (domain, name), enabled in told.items()
        if not (name or "").startswith("Last trip")
    }
    assert told == {
        (entry.domain, entry.original_name): entry.disabled_by is None
        for entry in registered(rig, TRUCK)
    }
    assert f"all {len(ALARM_TYPES)} types" in PAGE.read_text(encoding="utf-8")
