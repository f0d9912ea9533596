"""How many of everything there are to be."""

from __future__ import annotations

import argparse

SIZES = ("vehicles", "many", "trackers", "mopeds", "passes")


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """Add an option for each."""
    parser.add_argument("--vehicles", type=int, default=500)
    parser.add_argument("--many", type=int, default=2000, help="vehicles, for the hold")
    parser.add_argument("--trackers", type=int, default=1000)
    parser.add_argument("--mopeds", type=int, default=1000)
    parser.add_argument(
        "--passes", type=int, default=5, help="of everything in a process"
    )
