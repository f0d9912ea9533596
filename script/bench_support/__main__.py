"""Measure what a fleet costs Home Assistant. See `script/bench --help`."""

from __future__ import annotations

import argparse
from itertools import batched
import json
from pathlib import Path
import platform
import subprocess
import sys
import time

from homeassistant.const import __version__

from .rows import ROWS, markdown, medians, table
from .sizes import SIZES, add_sizes

AT_A_TIME = 2


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
    """Let some processes measure: the first one alone, the others two at a time.

    Only the first measures what nothing may disturb. What the others measure stands beside a
    floor or a peer, which they measure in the same minute.
    """
    sizes = [
        argument
        for size in SIZES
        for argument in (f"--{size}", str(getattr(options, size)))
    ]
    numbers = list(range(1, options.processes + 1))
    outputs: list[str] = []
    for together in (numbers[:1], *batched(numbers[1:], AT_A_TIME, strict=False)):
        print(f"Process {together[0]} of {options.processes} ...", file=sys.stderr)
        running = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "script.bench_support.process", *sizes),
                    *(["--brief"] if number > 1 else []),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in together
        ]
        outputs += [process.communicate()[0] for process in running]
        for process in running:
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, process.args)
    return [json.loads(output) for output in outputs]


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
