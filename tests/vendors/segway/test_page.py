"""The page about Segway vehicles names what there is."""

from pathlib import Path
import re

from custom_components.fleet_tracker.vendors.segway.client import SegwayClient
from custom_components.fleet_tracker.vendors.segway.connection import SegwayConnection

TESTS = Path(__file__).parent
PAGE = (TESTS.parents[2] / "docs" / "vendors" / "segway.md").read_text(encoding="utf-8")


def operations() -> list[list[str]]:
    """Return the rows of the table of operations."""
    section = PAGE.partition("\n## Operations\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| segway")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_operation() -> None:
    """Token, 5 queries, 9 controls, 10 settings and 5 pushes."""
    chapters = [row[0].partition(", ")[2] for row in operations()]
    assert {chapter: chapters.count(chapter) for chapter in chapters} == {
        "Auth": 1,
        "Query": 5,
        "Control": 9,
        "Setting": 10,
        "Push": 5,
    }


def test_every_method() -> None:
    """Each operation of the client stands in the table, and no other."""
    named = {row[2].strip("`") for row in operations() if not row[0].endswith("Push")}
    methods = {
        name
        for name, member in vars(SegwayClient).items()
        if callable(member) and not name.startswith("_") and name != "close"
    }
    assert named == methods
    assert hasattr(SegwayConnection, "receive_push")


def test_every_test() -> None:
    """Each test that the table names exists."""
    found = {
        f"{path.name}::{name}"
        for path in TESTS.glob("test_*.py")
        for name in re.findall(
            r"^(?:async )?def (test_\w+)",
            path.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    }
    assert {row[4].strip("`") for row in operations()} <= found
