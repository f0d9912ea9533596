"""What the recorder writes of a fleet, on PostgreSQL and on SQLite.

A Home Assistant with its real recorder shows an account of the Open API in memory. Rows are
counted in the database, for an hour of driving and an hour of parking at each interval; how
many rows a second it takes is measured with all vehicles' news coming as fast as it can.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
import json
import logging
from pathlib import Path
import tempfile
import time

from homeassistant.components import recorder
from homeassistant.components.recorder.util import session_scope
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component
from sqlalchemy import create_engine, text

from .fleets import OpenApiServer, Scenario
from .measuring import Clock
from .polled import connected, entry_of, poll, set_up
from .postgresql import postgresql
from .process import in_home_assistant

INTERVALS = (15, 30, 60, 300)
HOUR = 3600
DRIVEN_HOURS = 2
"""Of a day, of a vehicle that is used."""
COUNTED_VEHICLES = 10
DRAIN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recorder did."""

    database: str
    rows_per_second: float
    loop_ms_per_poll: float
    """CPU time of the event loop's thread for a poll in which all have moved."""
    rows_driving: dict[int, float]
    """Rows of a vehicle in an hour of driving, by the seconds between polls."""
    rows_parked: dict[int, float]
    bytes_per_row: float

    def rows_a_day(self, interval: int) -> float:
        """Return the rows of a vehicle that is driven for two hours a day.

        Parked, it is polled every minute at most.
        """
        parked = self.rows_parked[max(interval, 60)]
        return DRIVEN_HOURS * self.rows_driving[interval] + (24 - DRIVEN_HOURS) * parked


def rows(instance: recorder.Recorder) -> int:
    """Return how many states are in the database."""
    with session_scope(session=instance.get_session(), read_only=True) as session:
        return int(session.execute(text("SELECT count(*) FROM states")).scalar_one())


async def recorded(hass: HomeAssistant) -> int:
    """Return how many states are in the database once all that was shown is."""
    await hass.async_block_till_done()
    instance = recorder.get_instance(hass)
    async with asyncio.timeout(DRAIN_SECONDS):
        await instance.async_block_till_done()
    return await instance.async_add_executor_job(rows, instance)


async def start_recorder(hass: HomeAssistant, url: str) -> None:
    """Start Home Assistant's recorder with the settings that it has by default."""
    async_initialize_recorder(hass)
    if not await async_setup_component(
        hass, recorder.DOMAIN, {recorder.DOMAIN: {"db_url": url}}
    ):
        raise RuntimeError("The recorder does not start")
    await recorder.get_instance(hass).async_recorder_ready.wait()


async def hour(
    hass: HomeAssistant, clock: Clock, scenario: Scenario, interval: int
) -> float:
    """Return how many rows a vehicle makes in an hour, after a few minutes of the same."""
    server = OpenApiServer(COUNTED_VEHICLES, clock, interval)
    entry = entry_of(server)
    entry.add_to_hass(hass)
    async with connected(server):
        await set_up(hass, entry)

        async def go_on(seconds: int) -> None:
            for _ in range(0, seconds, interval):
                server.next_poll(scenario)
                await poll(entry.runtime_data)

        await go_on(max(300, 2 * interval))
        before = await recorded(hass)
        await go_on(HOUR)
        made = await recorded(hass) - before
        await hass.config_entries.async_remove(entry.entry_id)
    return made / COUNTED_VEHICLES


async def measure(
    hass: HomeAssistant, url: str, vehicles: int, polls: int, size: Callable[[], int]
) -> Recorded:
    """Measure a database."""
    clock = Clock()
    await start_recorder(hass, url)
    driving, parked = {}, {}
    for interval in INTERVALS:
        driving[interval] = await hour(hass, clock, Scenario.ALL_MOVED, interval)
        parked[interval] = await hour(hass, clock, Scenario.HEARTBEATS, interval)
    server = OpenApiServer(vehicles, clock)
    entry = entry_of(server)
    entry.add_to_hass(hass)
    async with connected(server):
        await set_up(hass, entry)
        before, size_before = await recorded(hass), size()
        begin, worked = time.monotonic(), time.thread_time()
        for _ in range(polls):
            server.next_poll(Scenario.ALL_MOVED)
            await poll(entry.runtime_data)
        worked = time.thread_time() - worked
        made = await recorded(hass) - before
        seconds = time.monotonic() - begin
        grown = size() - size_before
    return Recorded(
        url.partition(":")[0],
        made / seconds,
        1000 * worked / polls,
        driving,
        parked,
        grown / made,
    )


def _driving(found: Recorded, interval: int) -> float:
    return found.rows_driving[interval]


def _parked(found: Recorded, interval: int) -> float:
    return found.rows_parked[interval]


def table(found: list[Recorded], vehicles: int) -> list[str]:
    """Return the lines that are printed."""
    lines = [f"{'':<46}" + "".join(f"{one.database:>14}" for one in found)]

    def line(title: str, value: Callable[[Recorded], float]) -> None:
        lines.append(f"{title:<46}" + "".join(f"{value(one):>14,.0f}" for one in found))

    line("rows a second", lambda one: one.rows_per_second)
    line(
        f"the loop's ms for a poll, {vehicles} moved", lambda one: one.loop_ms_per_poll
    )
    line("bytes a row, with its indexes", lambda one: one.bytes_per_row)
    for interval in INTERVALS:
        every = f"polled every {interval} s"
        line(f"rows an hour of driving, {every}", partial(_driving, interval=interval))
        line(f"rows an hour parked, {every}", partial(_parked, interval=interval))
        line(
            f"rows a day, {DRIVEN_HOURS} h driven, {every}",
            partial(Recorded.rows_a_day, interval=interval),
        )
    return lines


def main() -> None:
    """Measure both databases and print what was found."""
    parser = argparse.ArgumentParser(
        prog="script/bench --postgres", description=__doc__
    )
    parser.add_argument("--postgres", action="store_true", help="this, not the table")
    parser.add_argument("--vehicles", type=int, default=500)
    parser.add_argument("--polls", type=int, default=20, help="for rows a second")
    parser.add_argument("--json", type=Path, help="the file to write the figures to")
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    found = []
    with postgresql() as server, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "home-assistant_v2.db"

        def sqlite_size() -> int:
            return sum(one.stat().st_size for one in Path(folder).iterdir())

        def postgresql_size() -> int:
            with create_engine(server.make_url("recorder")).connect() as connection:
                query = text("SELECT pg_database_size('recorder')")
                return int(connection.execute(query).scalar_one())

        for url, size in (
            (server.make_database("recorder"), postgresql_size),
            (f"sqlite:///{file}", sqlite_size),
        ):
            found.append(
                asyncio.run(
                    in_home_assistant(
                        lambda hass, url=url, size=size: measure(  # type: ignore[misc]
                            hass, url, options.vehicles, options.polls, size
                        )
                    )
                )
            )
    print(f"Home Assistant {__version__}, {options.vehicles} vehicles\n")
    print("\n".join(table(found, options.vehicles)))
    if options.json is not None:
        options.json.write_text(
            json.dumps([asdict(one) for one in found], indent=1), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
