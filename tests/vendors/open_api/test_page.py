"""The page about the Open API tells the truth."""

from __future__ import annotations

import inspect
import re

import pytest

from custom_components.fleet_tracker.actions.history import HISTORY_ACTIONS
from custom_components.fleet_tracker.vendors.open_api.client import OpenApiClient
from custom_components.fleet_tracker.vendors.open_api.errors import error_for
from custom_components.fleet_tracker.vendors.open_api.history import OpenApiHistory
from custom_components.fleet_tracker.vendors.open_api.mapping import ALARM_TYPES
from custom_components.fleet_tracker.vendors.open_api.services import ACTIONS
from tests.simulators.open_api_protocol import CODES
from tests.vendors.page import Page, code

from .conftest import START, TRUCK, Rig
from .test_commands import allow_engine_cut
from .test_entities import MOST_ENABLED, registered

PAGE = Page("open_api")
# What the client has beside the documents' operations.
HELPERS = {"call", "close", "fleet", "run_command", "track_together"}


def test_every_operation_of_both_documents() -> None:
    """A row for each, and no empty cell."""
    header, *rows = PAGE.table("Operations")
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
    named = {method for row in PAGE.table("Operations")[1:] for method in code(row[2])}
    public = {
        name
        for name, _ in inspect.getmembers(OpenApiClient, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert named == public - HELPERS


def test_every_test() -> None:
    """Every test that the page names exists."""
    assert PAGE.missing_tests() == set()


def test_every_action() -> None:
    """Those of the vendor, those of the past that it tells, and the one for all others."""
    named = {code(row[0])[0] for row in PAGE.table("Actions")[1:]}
    own = {action.name for action in ACTIONS}
    past = {HISTORY_ACTIONS[kind].name for kind in OpenApiHistory.offers}
    assert named == {f"fleet_tracker.{name}" for name in {"call_api", *own, *past}}


def test_every_error_code() -> None:
    """The page has the codes of chapter 3, with the documents' words."""
    told = {int(code): meaning for code, meaning, _ in PAGE.table("Error codes")[1:]}
    assert told == {code: meaning.rstrip(".") for code, meaning in CODES.items()}
    meanings = {error_for(code).translation_key for code in CODES}
    assert "unknown_error_code" not in meanings


@pytest.mark.freeze_time(START)
async def test_every_entity(rig: Rig) -> None:
    """A truck with everything has the entities of the page, enabled as it says."""
    await allow_engine_cut(rig)
    told = {}
    for _, entity, enabled in PAGE.table("Entities")[1:]:
        for domain, names in re.findall(r"`(\w+)`([^`]*)", entity):
            for name in re.findall(r"\*([^*]+)\*", names) or [None]:
                told[domain, name] = {"yes": True, "no": False}[enabled]
    assert sum(told.values()) == MOST_ENABLED
    # The sensors of the last trip come with the first one, and what it consumed later.
    told = {
        (domain, name): enabled
        for (domain, name), enabled in told.items()
        if not (name or "").startswith(("Last trip", "Consumption since"))
    }
    assert told == {
        (entry.domain, entry.original_name): entry.disabled_by is None
        for entry in registered(rig, TRUCK)
    }
    assert f"all {len(ALARM_TYPES)} types" in PAGE.text
