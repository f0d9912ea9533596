"""Measure what a fleet costs Home Assistant. See `script/bench --help`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import platform
import subprocess
import sys
import time

from homeassistant.const import __version__

from .rows import ROWS, markdown, medians, table
from .sizes import SIZES, add_sizes


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    add_sizes(parser)
    parser.add_argument(
        "--processes", type=int, default=3, help="of which the medians count"
    )
    parser.add_argument("--json", type=Path, help="the file to write the figures to")
    parser.add_argument(
        "--markdown",
        action="store_true",
        help="print the table for docs/performance.md",
    )
    return parser.parse_args()


def measure(options: argparse.Namespace) -> list[dict[str, float | None]]:
    """Let some processes measure, one after the other."""
    sizes = [
        argument
        for size in SIZES
        for argument in (f"--{size}", str(getattr(options, size)))
    ]
    processes = []
    for number in range(1, options.processes + 1):
        print(f"Process {number} of {options.processes} ...", file=sys.stderr)
        brief = ["--brief"] if number > 1 else []
        output = subprocess.run(
            [sys.executable, "-m", "script.bench_support.process", *sizes, *brief],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        processes.append(json.loads(output))
    return processes


def main() -> int:
    """Measure, print the table, and return the exit status. What is missed fails nothing."""
    options = arguments()
    begin = time.monotonic()
    processes = measure(options)
    figures = medians(processes)
    print(
        f"Home Assistant {__version__}, Python {platform.python_version()},"
        f" {options.vehicles} vehicles ({options.many} for 'many'),"
        f" {options.trackers} trackers, {options.mopeds} mopeds;"
        f" medians of {options.processes} processes,"
        f" {time.monotonic() - begin:.0f} s in all\n"
    )
    print("\n".join((markdown if options.markdown else table)(figures)))
    if options.json is not None:
        report = {
            "home_assistant": __version__,
            "python": platform.python_version(),
            "sizes": {size: getattr(options, size) for size in SIZES},
            "rows": [
                {
                    "key": row.key,
                    "title": row.title,
                    "unit": row.unit,
                    "measured": figures.get(row.key),
                    "must": row.must,
                    "aim": row.aim,
                    "reached": row.is_reached(figures.get(row.key)),
                }
                for row in ROWS
            ],
            "figures": figures,
            "processes": processes,
        }
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
