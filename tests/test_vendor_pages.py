"""The pages about vendors say of every operation what became of it."""

from __future__ import annotations

from pathlib import Path
import re

import pytest

from custom_components.fleet_tracker.vendors import VENDORS

PAGES = sorted((Path(__file__).parents[1] / "docs" / "vendors").glob("*.md"))
COLUMNS = ["document", "operation", "client method", "what it feeds", "test"]


def test_pages_are_about_vendors() -> None:
    """Each is called as the vendor's key."""
    assert {page.stem for page in PAGES} == VENDORS.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_lists_every_operation(page: Path) -> None:
    """One table below "Operations", with a row for each and no empty cell."""
    (section,) = re.findall(
        r"^## Operations\n(.*?)(?=^## |\Z)",
        page.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert rows[0] == COLUMNS
    assert set("".join(rows[1])) <= set("-:")
    assert len(rows) > 5
    assert not [row for row in rows[2:] if len(row) != len(COLUMNS) or not all(row)]
