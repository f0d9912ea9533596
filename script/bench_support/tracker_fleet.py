"""VT3 trackers in vehicles that drive; run by itself, it plays them over real sockets."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
import random
import sys
import time
from typing import Any

from script.load_vt3 import allow_files
from tests.simulators.vt3 import Vt3Simulator
from tests.simulators.vt3_wire import frame
from tests.simulators.world import HOME, errand

_STEADY = frozenset(
    {
        *("gnss.ts", "io.ts", "obd.ts", "motion.ts", "gnss.fix", "gnss.num_sv"),
        *("io.IGT", "obd.mil", "obd.dtcs", "obd.odo", "obd.e_hours"),
        *("obd.brake", "obd.parking", "obd.mf_mon"),
    }
)
MIXED = ("gnss", "io", "obd", "motion")
GNSS = ("gnss",)
ROUNDS = 8
ROUND_SECONDS = 0.1
"""A frame of each connection comes within it, so that each is read by itself."""


def serial(number: int) -> str:
    """Return the serial number of a tracker."""
    return f"VF31020251{number:05}"


class Fleet:
    """Trackers whose vehicles drive, so that whatever is measured is another each time."""

    def __init__(self, trackers: int, begin: int) -> None:
        """Initialize with the number of trackers, and when they have been driving."""
        self._time = begin
        self._chance = random.Random(1)
        self._trackers = [
            Vt3Simulator(
                serial(number),
                errand(begin - 600 - number, HOME.away(number, 40.0 * number), 90, 900),
                clock=lambda: self._time,
            )
            for number in range(trackers)
        ]

    def frames(self, group: str, now: int) -> list[bytes]:
        """Return the frame of a group that each tracker sends at a time."""
        self._time = now
        return [
            frame(
                {
                    "topic": f"v1/{tracker.serial}/{group}/info",
                    "payload": self._driven(tracker._told(group)),  # noqa: SLF001  no socket
                }
            )
            for tracker in self._trackers
        ]

    def _driven(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values of which all that is measured has changed since the last time."""
        return {key: self._another(key, value) for key, value in values.items()}

    def _another(self, key: str, value: Any) -> Any:
        if key.endswith((".latitude", ".longitude")):
            return round(value + (self._time % 1000) * 1e-4, 6)
        if key == "gnss.speed":
            return round(self._chance.uniform(30, 90), 1)
        if key in _STEADY or key.startswith("io.D") or type(value) is str:
            return value
        return round(value + self._chance.random(), 3)


async def play(port: int, trackers: int) -> None:
    """Play the trackers: connect all, and send a frame of each again and again."""
    allow_files(trackers)
    fleet = Fleet(trackers, int(time.time()))
    rounds = [
        fleet.frames(MIXED[number % len(MIXED)], int(time.time()) + number)
        for number in range(ROUNDS)
    ]
    writers = []
    for number in range(trackers):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(rounds[0][number])
        writers.append(writer)
    loop = asyncio.get_running_loop()
    await asyncio.sleep(1)
    while True:
        print("ready", flush=True)
        if not await loop.run_in_executor(None, sys.stdin.readline):
            break
        for frames in rounds:
            begin = loop.time()
            for writer, data in zip(writers, frames, strict=True):
                writer.write(data)
            await asyncio.sleep(max(0.0, begin + ROUND_SECONDS - loop.time()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("trackers", type=int)
    options = parser.parse_args()
    asyncio.run(play(options.port, options.trackers))
