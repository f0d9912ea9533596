"""The bench measures everything there is to measure, here with very small numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path
import subprocess
import sys

import pytest

from script.bench_support.rows import ROWS, Row, medians, table

ROOT = Path(__file__).parents[2]
SMALL = {
    "vehicles": 5,
    "many": 6,
    "trackers": 4,
    "mopeds": 4,
    "passes": 1,
    "processes": 1,
}


@pytest.mark.skipif(
    "BENCH" not in os.environ,
    reason="fetches the peers' libraries and takes half a minute; BENCH=1 runs it",
)
def test_small_bench(tmp_path: Path) -> None:
    """One process fills every row, and polls without news write nothing."""
    report = tmp_path / "bench.json"
    sizes = [text for name, size in SMALL.items() for text in (f"--{name}", str(size))]
    told = subprocess.run(
        [sys.executable, "-m", "script.bench_support", *sizes, "--json", str(report)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = {
        row["key"]: row["measured"]
        for row in json.loads(report.read_text(encoding="utf-8"))["rows"]
    }
    assert list(rows) == [row.key for row in ROWS]
    assert [key for key, value in rows.items() if value is None] == []
    assert all(row.title in told for row in ROWS)
    events = {key: value for key, value in rows.items() if key.endswith(" events")}
    assert events == dict.fromkeys(events, 0)
    assert all(value > 0 for key, value in rows.items() if key not in events)


def test_medians() -> None:
    """Of three processes the middle figure counts; what none measured is not known."""
    processes = [{"a": 3.0, "b": None}, {"a": 1.0, "b": None}, {"a": 2.0, "b": None}]
    assert medians(processes) == {"a": 2.0, "b": None}


def test_reached() -> None:
    """A figure is reached at its limit, from the side that is better."""
    cost = Row("cost", "Cost", "ms", 8)
    rate = Row("rate", "Rate", "/s", 60_000, more_is_better=True)
    assert (cost.is_reached(8), cost.is_reached(8.1), cost.is_reached(None)) == (
        True,
        False,
        None,
    )
    assert (rate.is_reached(60_000), rate.is_reached(59_000)) == (True, False)
    assert Row("told", "Told").is_reached(1) is None


def test_table() -> None:
    """The table has a line for each row, and shows the best of the peers."""
    lines = table({"open_api same": 2.4, "scorpiontrack same": 5.8, "vt3 read": 5})
    same = next(line for line in lines if line.startswith("Open API: nothing changed"))
    assert ("2.40 x" in same, "5.80 x" in same, same.endswith("  reached")) == (
        True,
        True,
        True,
    )
    read = next(line for line in lines if line.startswith("VT3: framed"))
    assert read.endswith("NOT REACHED")
    assert len(lines) == len(ROWS) + 1
