"""The rows of the table: what is measured, what it must be, and what it could be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import statistics


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of the table. A peer's is only told."""

    key: str
    title: str
    unit: str = "x"
    must: float | None = None
    aim: float | None = None
    more_is_better: bool = False
    peers: Sequence[str] = field(default=())
    """Keys of the figures of core's integrations; the best of them is told."""

    def is_reached(self, value: float | None) -> bool | None:
        """Tell whether a figure is what it must be, None if nothing is asked of it."""
        if value is None or self.must is None:
            return None
        return value >= self.must if self.more_is_better else value <= self.must

    def best_peer(self, figures: Mapping[str, float | None]) -> float | None:
        """Return the best figure of the peers, None if there is none."""
        found = [value for key in self.peers if (value := figures.get(key)) is not None]
        return min(found, default=None)


def _peers(scenario: str) -> Sequence[str]:
    return (f"scorpiontrack {scenario}", f"traccar_server {scenario}")


def _polls() -> list[Row]:
    rows = []
    for scenario, title, open_api, tracksolid in (
        ("same", "nothing changed but the server's own times", (2.5, 2.1), (2.0, 1.8)),
        ("heartbeats", "only heartbeat times move", (3.0, 2.6), (2.4, 2.0)),
        ("tenth moved", "10 % moved", (2.5, 2.1), (2.5, 2.3)),
        ("all moved", "all moved", (2.3, 2.0), (2.7, 2.5)),
    ):
        for vendor, name, (must, aim) in (
            ("open_api", "Open API", open_api),
            ("tracksolid", "Tracksolid", tracksolid),
        ):
            key = f"{vendor} {scenario}"
            rows.append(
                Row(key, f"{name}: {title}", "x", must, aim, False, _peers(scenario))
            )
            if scenario in ("same", "heartbeats"):
                rows.append(Row(f"{key} events", f"{name}: {title}: writes", "", 0, 0))
    return rows


def _lives() -> list[Row]:
    rows = []
    for vendor, name in (("open_api", "Open API"), ("tracksolid", "Tracksolid")):
        rows += [
            Row(f"{vendor} hold", f"{name}: longest hold", "ms", 8),
            Row(f"{vendor} hold with many", f"{name}: longest hold, many", "ms", 15),
            Row(f"{vendor} set-up", f"{name}: set-up", "x", 1.1, 0.9),
            Row(f"{vendor} again", f"{name}: set-up again", "x", 1.3, 1.1),
            Row(f"{vendor} unload", f"{name}: unload", "x", 1.3, 1.1),
            Row(f"{vendor} memory", f"{name}: memory", "x", 1.05, 0.98),
        ]
    return rows


ROWS: Sequence[Row] = (
    *_polls(),
    *_lives(),
    Row("vt3 read", "VT3: framed, checked, parsed", "/s", 60_000, 80_000, True),
    Row("vt3 merged", "VT3: merged", "/s", 10_000, 20_000, True),
    Row("vt3 share mixed", "VT3: share of Home Assistant's writes", "%", 30, 45, True),
    Row("vt3 share gnss", "VT3: the same, GNSS only", "%", 45, 60, True),
    Row("mopeds idle", "Mopeds: idle poll", "ms", 1, 0.2),
    Row("mopeds hold", "Mopeds: longest hold, all ridden", "ms", 10),
    Row("import", "Import with one vendor", "s", 0.12, 0.1),
)


def medians(
    processes: Sequence[Mapping[str, float | None]],
) -> dict[str, float | None]:
    """Return the median of each figure over some processes."""
    keys = dict.fromkeys(key for figures in processes for key in figures)
    found: dict[str, float | None] = {}
    for key in keys:
        values = [
            value for figures in processes if (value := figures.get(key)) is not None
        ]
        found[key] = statistics.median(values) if values else None
    return found


def number(value: float | None, unit: str) -> str:
    """Return a figure with its unit, as the table shows it."""
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 100 or not unit else 1 if abs(value) >= 10 else 2
    if unit == "%":
        digits = 0
    return f"{value:,.{digits}f} {unit}".strip()


def _lines(figures: Mapping[str, float | None]) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [("", "measured", "best peer", "must", "aim", "")]
    for row in ROWS:
        value = figures.get(row.key)
        reached = row.is_reached(value)
        lines.append(
            (
                row.title,
                number(value, row.unit),
                number(row.best_peer(figures), row.unit),
                number(row.must, row.unit),
                number(row.aim, row.unit),
                {True: "reached", False: "NOT REACHED", None: ""}[reached],
            )
        )
    return lines


def table(figures: Mapping[str, float | None]) -> list[str]:
    """Return the lines of the table."""
    lines = _lines(figures)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index in (0, 5) else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def markdown(figures: Mapping[str, float | None]) -> list[str]:
    """Return the lines of the table as docs/performance.md has it."""
    head, *lines = (f"| {' | '.join(line)} |" for line in _lines(figures))
    return [head, "|---|--:|--:|--:|--:|---|", *lines]
