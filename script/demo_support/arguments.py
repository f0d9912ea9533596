"""What the command line of the demo says. It needs no environment, so that help comes at once."""

from __future__ import annotations

import argparse

SIMULATORS = 4
"""How many accounts the demo has, each with a simulator at a port of its own."""


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Return what the command line says. Ends the program where it says nothing valid."""
    parser = argparse.ArgumentParser(
        prog="script/demo",
        description="Start Home Assistant with simulated vehicles; Ctrl-C ends it.",
    )
    parser.add_argument(
        "--port",
        type=first_port,
        default=8123,
        help=f"8123 by default; the simulators take the {SIMULATORS} after it",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the configuration and what was recorded for the next run with --keep",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="check that everything is as it should be, and end with status 0 or 1",
    )
    return parser.parse_args(given)


def first_port(text: str) -> int:
    """Return a port that has room behind it for the simulators, one for each account."""
    last = 65535 - SIMULATORS
    if not text.isdecimal() or not 1 <= int(text) <= last:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to {last}")
    return int(text)


if __name__ == "__main__":
    arguments()
