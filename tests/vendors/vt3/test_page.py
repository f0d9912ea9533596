"""The page about VT3 trackers tells the truth."""

from __future__ import annotations

from collections.abc import Iterator
import re

from custom_components.fleet_tracker.const import CONF_ALLOW_ENGINE_CUT
from custom_components.fleet_tracker.vendors.vt3.connection import Vt3Connection
from custom_components.fleet_tracker.vendors.vt3.parameters import (
    PARAMETERS,
    POSITION_PARAMETERS,
    TIME_PARAMETERS,
)
from custom_components.fleet_tracker.vendors.vt3.requester import Requester
from custom_components.fleet_tracker.vendors.vt3.services import ACTIONS
from tests.vendors.page import Page, code

from .conftest import SERIAL
from .home import Home
from .test_entities import driving, registered, upload_all

PAGE = Page("vt3")
# How many rows the tables of Appendix A have, and which numbers `{n}` stands for.
ROWS_OF_THE_APPENDIX = {"A.1": 9, "A.2": 7, "A.3": 6, "A.4": 59, "A.5": 21, "A.6": 8}
NUMBERS = {"io.AI": "1", "io.DI": "1234", "io.DO": "123", "io.D0": "123"}


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading, without its header."""
    rows = PAGE.table(heading)
    assert all(len(row) == len(rows[0]) and all(row[:4]) for row in rows)
    return rows[1:]


# --- operations ---


def test_every_operation() -> None:
    """A row for each topic of the document, in each direction."""
    operations = [(code(row[1])[0], row[1]) for row in table("Operations")]
    assert {
        action: sum(topic.endswith(f"/{action}") for topic, _ in operations)
        for action in ("info", "set", "refresh", "control", "get", "notice")
    } == {"info": 6, "set": 5 + 1, "refresh": 7, "control": 1, "get": 1, "notice": 4}
    assert len({text for _, text in operations}) == len(operations) == 25


def test_every_method() -> None:
    """Every method that the page names exists."""
    for row in table("Operations"):
        (text,) = code(row[2])
        owner, _, method = text.partition(".")
        kinds = {"Vt3Connection": Vt3Connection, "Requester": Requester}
        assert callable(getattr(kinds[owner], method))


def test_every_test() -> None:
    """Every test that the page names exists."""
    assert PAGE.missing_tests() == set()


def test_every_action() -> None:
    """The page names the vendor's actions, and no other."""
    assert {code(row[0])[0] for row in table("Actions")} == {
        f"fleet_tracker.{action.name}" for action in ACTIONS
    }


# --- parameters and entities ---


def named(parameter: str) -> Iterator[str]:
    """Yield the parameters that a row is about."""
    prefix = parameter.partition("{n}")[0]
    if prefix == parameter:
        yield parameter
    else:
        for number in NUMBERS[prefix]:
            yield parameter.replace("{n}", number)


def test_every_parameter() -> None:
    """A row for each that is understood, and for each row of Appendix A."""
    rows = table("Parameters")
    parameters = [one for row in rows for one in named(code(row[0])[0])]
    assert len(set(parameters)) == len(parameters)
    known = PARAMETERS.keys() | POSITION_PARAMETERS | TIME_PARAMETERS
    assert set(parameters) == known | {"userdata.{key}"}
    assert {
        chapter: sum(row[1] == chapter for row in rows)
        for chapter in ROWS_OF_THE_APPENDIX
    } == ROWS_OF_THE_APPENDIX


def told() -> Iterator[tuple[str, re.Pattern[str] | None, str]]:
    """Yield the entities of the page: domain, name, and whether enabled by default."""
    rows = [(row[3], row[4]) for row in table("Parameters")]
    rows += [(row[1], row[2]) for row in table("Entities")]
    for cell, enabled in rows:
        if not cell.startswith("`"):
            continue
        for domain, names in re.findall(r"`(\w+)`([^`]*)", cell):
            for name in re.findall(r"\*([^*]+)\*", names) or [None]:
                pattern = name and re.sub(r"\\{\w+\\}", r"[\\w.]+", re.escape(name))
                yield domain, re.compile(pattern) if pattern else None, enabled


async def test_every_entity(home: Home) -> None:
    """A vehicle with everything has the entities of the page, enabled as it says."""
    await home.listen(
        SERIAL,
        settings={"cuts_engine": ["2", "3"]},
        options={CONF_ALLOW_ENGINE_CUT: True},
    )
    tracker = home.make_tracker(SERIAL, vehicle=driving())
    tracker.intervals["mine"] = 60
    tracker.interests["mine"] = {"userdata.custom_key": ""}
    await home.reconnect(tracker)
    await upload_all(home, tracker)
    await tracker.upload("mine")
    await home.settle()
    # The sensors of the last trip come with the first one.
    rows = [
        row
        for row in told()
        if not row[1] or not row[1].pattern.startswith("Last\\ trip")
    ]
    used = set()
    for entry in registered(home).values():
        name = entry.original_name
        found = {
            (domain, pattern, enabled)
            for domain, pattern, enabled in rows
            if domain == entry.domain
            and (pattern.fullmatch(name) if pattern and name else not (pattern or name))
        }
        assert len(found) == 1, f"{entry.domain} {name}"
        used |= found
        ((_, _, enabled),) = found
        expected = {
            "yes": True,
            "no": False,
            # Two cut the engine here.
            "the first, unless one cuts the engine": False,
            "the lowest marked": str(name).endswith("2"),
        }
        assert (entry.disabled_by is None) is expected[enabled], name
    assert set(rows) == used
