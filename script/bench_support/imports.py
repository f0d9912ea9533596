"""How long it takes to import the integration with one vendor.

What is Home Assistant's own, or another library's, is imported before, by a first process
that finds out what that is.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time

PACKAGE = "custom_components.fleet_tracker"
PLATFORMS = ("binary_sensor", "button", "device_tracker", "event", "sensor", "switch")
VENDORS = ("open_api", "tracksolid", "segway", "vt3")


def _import(vendor: str) -> None:
    __import__(PACKAGE)
    __import__(f"{PACKAGE}.config_flow")
    __import__(f"{PACKAGE}.vendors.{vendor}")
    for platform in PLATFORMS:
        __import__(f"{PACKAGE}.{platform}")


def _others() -> list[str]:
    """Return the modules that are loaded with all vendors and are not ours."""
    for vendor in VENDORS:
        _import(vendor)
    return [
        name
        for name in sys.modules
        if not name.startswith("custom_components") and not name.startswith("__")
    ]


def _seconds(vendor: str) -> float:
    for name in json.load(sys.stdin):
        try:
            __import__(name)
        except ImportError:
            # Some names are put among the modules by others.
            continue
    # How much there is of Home Assistant's own decides how often garbage is looked for.
    gc.collect()
    gc.disable()
    begin = time.process_time()
    _import(vendor)
    return time.process_time() - begin


def _ask(vendor: str, what: str, given: str = "") -> str:
    return subprocess.run(
        [sys.executable, "-m", "script.bench_support.imports", vendor, what],
        input=given,
        capture_output=True,
        check=True,
        text=True,
    ).stdout


def import_seconds(tries: int = 3) -> float:
    """Return the seconds of the vendor that takes longest, each the least of some tries.

    With a single try, which tells little, it is those of the first vendor.
    """
    others = _ask(VENDORS[0], "others")
    return max(
        min(float(_ask(vendor, "seconds", others)) for _ in range(tries))
        for vendor in VENDORS[: None if tries > 1 else 1]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("vendor")
    parser.add_argument("what", choices=["others", "seconds"])
    options = parser.parse_args()
    if options.what == "others":
        print(json.dumps(_others()))
    else:
        print(_seconds(options.vendor))
