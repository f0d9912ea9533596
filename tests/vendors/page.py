"""Reading a vendor's page of the documentation, and the tests that it names."""

from __future__ import annotations

from functools import cache
from pathlib import Path
import re

VENDORS = Path(__file__).parent
PAGES = VENDORS.parents[1] / "docs" / "vendors"


class Page:
    """The page about a vendor."""

    def __init__(self, vendor: str) -> None:
        """Initialize with the vendor's key."""
        self._tests = VENDORS / vendor
        self.text = (PAGES / f"{vendor}.md").read_text(encoding="utf-8")

    def table(self, heading: str) -> list[list[str]]:
        """Return the rows of the first table below a heading, its header first."""
        section = self.text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in section.splitlines()
            if line.startswith("|")
        ]
        assert set("".join(rows[1])) == {"-"}
        return [rows[0], *rows[2:]]

    def missing_tests(self, column: int = 4) -> set[str]:
        """Return the tests that the table of operations names, and that do not exist."""
        named = {row[column].strip("`") for row in self.table("Operations")[1:]}
        return named - _tests_in(self._tests)


@cache
def _tests_in(folder: Path) -> frozenset[str]:
    """Return the tests of a folder as ``file::name``."""
    return frozenset(
        f"{path.name}::{name}"
        for path in folder.glob("test_*.py")
        for name in re.findall(
            r"^(?:async )?def (test_\w+)",
            path.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )


def code(cell: str) -> list[str]:
    """Return what a cell has in code quotes."""
    return re.findall(r"`([^`]*)`", cell)
