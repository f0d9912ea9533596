"""One process that measures everything once, and prints it as JSON.

Which row is which number is said in `rows.py`.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
import gc
import json
import logging
import sys
import tempfile
import time
from typing import Any

from aiohttp.test_utils import unused_port
from homeassistant.components.http.const import DOMAIN as HTTP
from homeassistant.core import HomeAssistant
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_test_home_assistant

import custom_components  # noqa: F401  the one that Home Assistant looks into

from .fleets import SERVERS, Scenario
from .imports import import_seconds
from .measuring import Clock, Passes, set_passes
from .mopeds import measure_mopeds
from .peers import measure_scorpiontrack, measure_traccar, missing
from .polled import (
    connected,
    hold_with_many,
    longest_hold,
    measure_life,
    measure_memory,
    measure_polls,
    unload,
)
from .sizes import add_sizes
from .trackers import merge_rate, read_rate, shares

BEGIN = time.perf_counter()
FEW = 5
WEIGHED = 100
"""Of so many vehicles the memory is counted: it is the same for each."""
type Figures = dict[str, float | None]


def say(text: str) -> None:
    """Tell those who watch how far it is, and after how many seconds."""
    print(f"{time.perf_counter() - BEGIN:5.0f} s  {text}", file=sys.stderr, flush=True)


async def in_home_assistant[T](
    do: Callable[[HomeAssistant], Awaitable[T]],
) -> T:
    """Do something in a Home Assistant of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with async_test_home_assistant(config_dir=folder) as hass:
            del hass.data[DATA_CUSTOM_COMPONENTS]
            # Any free port: another Home Assistant may have the usual one.
            await async_setup_component(
                hass, "http", {"http": {"server_port": unused_port()}}
            )
            await _confirm_port(hass)
            try:
                done = await do(hass)
            finally:
                await hass.async_stop(force=True)
    gc.unfreeze()
    gc.collect()
    return done


async def _confirm_port(hass: HomeAssistant) -> None:
    """Confirm the port: Home Assistant 2026 restarts after five minutes without that."""
    store: Any = hass.data.get(HTTP)
    if hasattr(store, "async_promote_pending"):
        await store.async_promote_pending()


async def polled(clock: Clock, vendor: str, vehicles: int, many: int | None) -> Figures:
    """Measure a polled vendor, with many vehicles and its memory unless many is None."""

    async def do(hass: HomeAssistant) -> Figures:
        weighed = {}
        # What is loaded and translated only once counts for none of both.
        for number in sorted({FEW, min(WEIGHED, vehicles)} if many else {FEW}):
            _, server, entry, trivial = await measure_life(hass, clock, vendor, number)
            if many:
                weighed = await measure_memory(hass, server, entry, trivial)
            for one in (entry, trivial.entry):
                await hass.config_entries.async_remove(one.entry_id)
        life, server, entry, trivial = await measure_life(hass, clock, vendor, vehicles)
        gc.collect()
        gc.freeze()
        async with connected(server):
            passes = await measure_polls(hass, server, entry, trivial)
            hold = await longest_hold(server, entry)
        await unload(hass, trivial.entry)
        figures: Figures = {
            f"{vendor} {name}": value for name, value in (life | weighed).items()
        }
        figures |= passes_of(vendor, passes)
        for scenario, found in passes.items():
            figures[f"{vendor} {scenario} events"] = max(found.events)
        figures[f"{vendor} hold"] = 1000 * hold
        if many:
            figures[f"{vendor} hold with many"] = 1000 * await hold_with_many(
                hass, clock, vendor, many, entry
            )
        return figures

    return await in_home_assistant(do)


def passes_of(name: str, passes: Mapping[Scenario, Passes]) -> Figures:
    """Return the ratio of each kind of poll, and the milliseconds of the floor."""
    figures: Figures = {}
    for scenario, found in passes.items():
        figures[f"{name} {scenario}"] = found.ratio
        figures[f"{name} {scenario} floor"] = 1000 * min(found.floor)
    return figures


async def peers(clock: Clock, vehicles: int) -> Figures:
    """Measure core's integrations, as far as they are here."""
    figures: Figures = {}
    without = missing()
    for name, measure in (
        ("scorpiontrack", measure_scorpiontrack),
        ("traccar_server", measure_traccar),
    ):
        for scenario in (Scenario.SAME, Scenario.TENTH_MOVED, Scenario.ALL_MOVED):
            figures[f"{name} {scenario}"] = None
        if name in without:
            say(f"{name} is not installed")
            continue
        figures |= passes_of(
            name,
            await in_home_assistant(partial(measure, clock=clock, vehicles=vehicles)),
        )
    return figures


async def measure(options: argparse.Namespace) -> Figures:
    """Measure everything, or only what differs from process to process."""
    set_passes(options.passes)
    clock = Clock()
    figures: Figures = {}
    # What needs no Home Assistant comes first, before others left much in memory.
    say(f"{options.trackers} VT3 trackers")
    figures["vt3 read"] = await read_rate(clock, options.trackers)
    figures["vt3 merged"] = await merge_rate(clock, options.trackers)
    many = None if options.brief else options.many
    for vendor in SERVERS:
        say(f"{vendor}: {options.vehicles} and {many or 'no'} vehicles")
        figures |= await polled(clock, vendor, options.vehicles, many)
    say("peers")
    figures |= await peers(clock, options.vehicles)
    say(f"{options.trackers} VT3 trackers with entities")
    found = await in_home_assistant(lambda hass: shares(hass, clock, options.trackers))
    figures |= {f"vt3 share {name}": value for name, value in found.items()}
    say(f"{options.mopeds} mopeds")
    found = await measure_mopeds(clock, options.mopeds)
    figures |= {f"mopeds {name}": value for name, value in found.items()}
    if not options.brief:
        say("imports")
        figures["import"] = import_seconds(min(options.passes, 3))
    say("done")
    return figures


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    parser.add_argument(
        "--brief", action="store_true", help="without what one process tells for all"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    # It misses a library for pictures, of which there are none.
    logging.getLogger("homeassistant.components.camera").disabled = True
    logging.getLogger("homeassistant.components.camera.img_util").disabled = True
    print(json.dumps(asyncio.run(measure(options))))


if __name__ == "__main__":
    main()
