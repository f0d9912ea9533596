"""The page about Segway vehicles names what there is."""

from custom_components.fleet_tracker.vendors.segway.client import SegwayClient
from custom_components.fleet_tracker.vendors.segway.connection import SegwayConnection
from tests.vendors.page import Page

PAGE = Page("segway")


def operations() -> list[list[str]]:
    """Return the rows of the table of operations."""
    return PAGE.table("Operations")[1:]


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
    assert PAGE.missing_tests() == set()
