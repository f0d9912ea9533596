"""A thousand simulated VT3 trackers at one listener, see script/load-vt3.

The trackers run in a process of their own, so that the event loop that is measured is the
listener's alone. They connect twice: a first short time, in which everything that is kept
of a vehicle comes into being, and then for as long as was asked for. Memory is compared
before and after that second time, while no tracker is connected.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import gc
import json
from pathlib import Path
import random
import resource
import sys
import time

import aiohttp

from custom_components.fleet_tracker.contract.connection import Settings
from custom_components.fleet_tracker.model.vehicle import VehicleUpdate
from custom_components.fleet_tracker.vendors.vt3.connection import Vt3Connection
from tests.simulators.vt3 import Vt3Simulator
from tests.simulators.world import HOME, Place, errand
from tests.vendors.fake_host import FakeHost

GROUPS = ("gnss", "io", "obd", "motion")
WARM_UP_SECONDS = 12
MOST_LAG = 0.05
MOST_GROWTH = 0.05
LAG_STEP = 0.01


def allow_files(trackers: int) -> None:
    """Raise this process's limit on open files to what so many connections need."""
    wanted = 2 * trackers + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def serial(number: int) -> str:
    """Return the serial number of a tracker."""
    return f"VF31020251{number:05}"


# --- the trackers' process --------------------------------------------------------------


async def play(port: int, trackers: int, seconds: int) -> Counter[str]:
    """Let trackers connect and upload once a second; return how often each did."""
    sent: Counter[str] = Counter()
    now = time.time()
    chance = random.Random(1)

    async def one(number: int) -> None:
        place = Place(HOME.latitude + number / 1e4, HOME.longitude)
        tracker = Vt3Simulator(serial(number), errand(now - number, place, 90, 900))
        await asyncio.sleep(chance.random())
        await tracker.connect("127.0.0.1", port)
        begin = time.monotonic()
        for second in range(seconds):
            await tracker.upload(GROUPS[second % len(GROUPS)])
            sent[tracker.serial] += 1
            await asyncio.sleep(max(0.0, begin + second + 1 - time.monotonic()))
        await tracker.disconnect()
        if tracker.violations:
            raise AssertionError(tracker.violations)

    await asyncio.gather(*(one(number) for number in range(trackers)))
    return sent


# --- the listener's process -------------------------------------------------------------


class LoadHost(FakeHost):
    """A host in real time that keeps the vehicles, and of their news only the number."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Start."""
        super().__init__(session)
        self.uploads: Counter[str] = Counter()

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def receive(self, updates: Iterable[VehicleUpdate]) -> None:
        """Merge news, and count the uploads, which alone tell how often they come."""
        for update in updates:
            self.uploads[update.vehicle_id] += update.contact_interval is not None
            super().receive([update])
        self.updates.clear()
        self.occurrences.clear()


@dataclass(slots=True)
class Lags:
    """How late the event loop was, and for how long its own work held it, in seconds."""

    lags: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Note it again and again."""
        while True:
            begin, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(LAG_STEP)
            self.lags.append(time.perf_counter() - begin - LAG_STEP)
            self.held.append(time.thread_time() - worked)


def spread(seconds: list[float]) -> str:
    """Return median, 99th percentile and greatest of some times."""
    p50, p99 = (percentile(seconds, share) * 1000 for share in (0.5, 0.99))
    return f"median {p50:.1f} ms, 99th percentile {p99:.1f} ms, most {max(seconds) * 1000:.1f} ms"


def percentile(seconds: list[float], share: float) -> float:
    """Return what a share of some times does not exceed."""
    return sorted(seconds)[int(len(seconds) * share)]


def memory() -> float:
    """Return the resident memory in MiB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1024**2


async def let_play(port: int, trackers: int, seconds: int) -> Counter[str]:
    """Run the trackers in a process of their own, and return what they sent."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "script.load_vt3", "--play", str(port)),
        *("--trackers", str(trackers), "--seconds", str(seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("The trackers failed")
    return Counter(json.loads(output))


async def measure(trackers: int, seconds: int) -> bool:
    """Run the load and tell what was measured; return whether all is well."""
    async with aiohttp.ClientSession() as session:
        host = LoadHost(session)
        settings = Settings(
            data={"host": "127.0.0.1", "port": 0},
            options={"connections_per_address": trackers},
            vehicles={serial(number): {} for number in range(trackers)},
            driving_interval=timedelta(seconds=15),
            parked_interval=timedelta(seconds=60),
        )
        connection = Vt3Connection(settings, host)
        await connection.open()
        port = connection.server.ports[0]
        await let_play(port, trackers, WARM_UP_SECONDS)
        await all_gone(connection)
        before = memory()
        host.uploads.clear()
        lags = Lags()
        watcher = asyncio.create_task(lags.watch())
        playing = asyncio.create_task(let_play(port, trackers, seconds))
        most = 0
        while not playing.done():
            await asyncio.sleep(1)
            connected = sum(
                connection.server.is_connected(serial(number))
                for number in range(trackers)
            )
            most = max(most, connected)
        sent = await playing
        await all_gone(connection)
        watcher.cancel()
        after = memory()
        await connection.close()
    lost = sum((sent - host.uploads).values())
    growth = after / before - 1
    print(
        f"{trackers} trackers, most connected at once: {most}\n"
        f"frames sent {sent.total()}, arrived {host.uploads.total()}, lost {lost}\n"
        f"lag of the event loop: {spread(lags.lags)} ({len(lags.lags)} measurements)\n"
        f"its own work in 10 ms and that lag: {spread(lags.held)}\n"
        f"memory: before {before:.1f} MiB, after {after:.1f} MiB ({growth:+.1%})"
    )
    return (
        most == trackers
        and sent == host.uploads
        and percentile(lags.lags, 0.99) < MOST_LAG
        and growth < MOST_GROWTH
    )


async def all_gone(connection: Vt3Connection) -> None:
    """Wait until the listener noticed that no tracker is connected any more."""
    async with asyncio.timeout(30):
        while connection.server.state()["connections"]:  # noqa: ASYNC110 - a poll will do
            await asyncio.sleep(0.1)


def main() -> int:
    """Run the part that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trackers", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--play", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    allow_files(arguments.trackers)
    if arguments.play:
        sent = asyncio.run(play(arguments.play, arguments.trackers, arguments.seconds))
        print(json.dumps(sent))
        return 0
    return 0 if asyncio.run(measure(arguments.trackers, arguments.seconds)) else 1


if __name__ == "__main__":
    sys.exit(main())
