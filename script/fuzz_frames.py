"""Random inputs for the decoder of VT3 frames, see script/fuzz-frames."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
import json
from pathlib import Path
import random
import resource
import sys
import time

from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.vendors.vt3.events import map_event
from custom_components.fleet_tracker.vendors.vt3.frames import (
    LONGEST_JSON,
    Checksum,
    FrameDecoder,
    Message,
    encode,
)
from custom_components.fleet_tracker.vendors.vt3.mapping import Mapper
from custom_components.fleet_tracker.vendors.vt3.parameters import PARAMETERS
from custom_components.fleet_tracker.vendors.vt3.topics import Topic

MOST_HELD = 3 * LONGEST_JSON
MOST_GROWTH = 32 * 1024 * 1024
NOW = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
PIECES = (
    *(b"$", b"${", b"{", b"}", b'"', b"\\", b"\r", b"\n", b"\r\n", b'${"a":"', b'":'),
    *(b"[", b",", b"\x00", b'\\"', b"${}", b"${}\x00\x00\r\n", b'"topic"', b"}\r\n"),
)
KEYS = (*PARAMETERS, "gnss.latitude", "gnss.longitude", "gnss.ts", "type", "x", "lat")
VALUES: tuple[Json, ...] = (
    0,
    1,
    -1,
    1.5,
    1e300,
    "1",
    "",
    "?",
    None,
    True,
    [],
    {},
    [[1]],
    1_760_000_000,
)


def memory() -> int:
    """Return the resident memory in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


class Fuzzer:
    """Makes inputs, and checks what comes of them."""

    def __init__(self, seed: int) -> None:
        """Initialize with the seed, so that a failure can be repeated."""
        self.chance = random.Random(seed)
        self.decoder = FrameDecoder()
        self.mapper = Mapper("VF1")
        self.found = 0

    def message(self) -> Message:
        """Return a message as a tracker might send it."""
        chance = self.chance
        group = chance.choice(("gnss", "io", "obd", "event", "mine"))
        return {
            "topic": f"v1/VF1/{group}/info",
            "payload": {
                chance.choice(KEYS): chance.choice(VALUES)
                for _ in range(chance.randrange(12))
            },
        }

    def input(self) -> bytes:
        """Return something random: noise, pieces of frames, broken and good frames."""
        chance = self.chance
        kind = chance.randrange(8)
        if kind == 0:
            return chance.randbytes(chance.randrange(200))
        if kind == 1:
            return b"".join(chance.choices(PIECES, k=chance.randrange(30)))
        checksum = self.decoder.checksum
        if chance.random() < 0.1:
            checksum = chance.choice(tuple(Checksum))
        frame = bytearray(encode(self.message(), checksum))
        if kind == 2:
            return bytes(frame)
        if kind == 3:
            return bytes(frame[: chance.randrange(len(frame))])
        if kind == 4:
            return bytes(frame[chance.randrange(len(frame)) :])
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(frame))
            if kind == 5:
                frame[place] = chance.randrange(256)
            elif kind == 6:
                del frame[place]
            else:
                frame[place:place] = chance.choice(PIECES)
        return bytes(frame)

    def run(self, number: int) -> None:
        """Feed one input, and then a good frame, which must be found."""
        chance = self.chance
        data = self.input()
        cut = chance.randrange(len(data) + 1)
        for part in (data[:cut], data[cut:]):
            for message in self.decoder.feed(part):
                self.map(message)
        good: Message = {"number": number}
        found = self.decoder.feed(encode(good, self.decoder.checksum))
        if found.count(good) != 1:
            raise AssertionError(f"lost a frame after {data!r}")
        if len(self.decoder._buffer) > MOST_HELD:  # noqa: SLF001 - the bound is inside
            raise AssertionError(f"holds too much after {data!r}")
        if chance.random() < 0.001:  # a peer comes and goes
            self.decoder = FrameDecoder()
            self.decoder.checksum = chance.choice(tuple(Checksum))

    def map(self, message: Message) -> None:
        """Map a message, whatever it is by now."""
        self.found += 1
        topic = Topic.parse(message.get("topic"))
        payload = message.get("payload")
        if topic is None or not isinstance(payload, dict):
            return
        self.mapper.map_values(topic.group, payload, NOW, complete=True)
        map_event(payload, NOW)
        json.dumps(message)


def main() -> int:
    """Run and tell what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0x8005)
    arguments = parser.parse_args()
    fuzzer = Fuzzer(arguments.seed)
    begin = time.monotonic()
    before = 0
    for number in range(arguments.inputs):
        fuzzer.run(number)
        if number == arguments.inputs // 10:
            before = memory()
        if number and number % 100_000 == 0:
            print(f"{number} inputs", flush=True)
    growth = memory() - before
    print(
        f"{arguments.inputs} inputs in {time.monotonic() - begin:.0f} s: nothing raised,"
        f" no good frame lost, {fuzzer.found} messages found in the inputs,"
        f" memory grew by {growth / 1024:.0f} KiB since the first tenth"
    )
    return 1 if growth > MOST_GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
