"""VT3 trackers: how many frames a second of CPU time takes in, and what states cost.

Frames come through real sockets where they are only read, from a process that plays the
trackers; further on they come from memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
import statistics
import sys
from typing import Any

from homeassistant.components.sensor import SensorEntity
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.entity import Entity
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.fleet_tracker.const import DOMAIN, SUBENTRY_VEHICLE
from custom_components.fleet_tracker.contract.connection import Settings
from custom_components.fleet_tracker.vendors.vt3.connection import Vt3Connection
from custom_components.fleet_tracker.vendors.vt3.frames import FrameDecoder, Message
from custom_components.fleet_tracker.vendors.vt3.line import Line
from custom_components.fleet_tracker.vendors.vt3.server import Server
from custom_components.fleet_tracker.vendors.vt3.session import Limits
from custom_components.fleet_tracker.vendors.vt3.topics import Topic
from script.load_vt3 import allow_files
from tests.vendors.vt3.home import free_port

from .measuring import Clock, measured, passes
from .memory_host import MemoryHost
from .polled import set_up, unload
from .tracker_fleet import GNSS, MIXED, ROUNDS, Fleet, serial
from .trivial import Trivial, twins_of

SHOWN = 200
"""Of so many trackers states are shown: it is measured cold, so that each counts alike."""


# --- read from sockets ---


class _Counting:
    """Accepts all trackers, and counts their messages."""

    messages = 0
    wanted = 0

    def __init__(self, begin: datetime) -> None:
        """Begin with none."""
        self._begin = begin
        self._lines: dict[str, Line] = {}
        self.came = asyncio.Event()

    def line_of(self, serial: str) -> Line:
        """Return the line to a tracker."""
        return self._lines.setdefault(serial, Line(serial, self._begin))

    def on_connect(self, serial: str) -> None:
        """Ask for nothing."""

    def on_disconnect(self, serial: str) -> None:
        """Do nothing."""

    def on_message(self, topic: Topic, message: Message) -> None:
        """Count a message."""
        self.messages += 1
        if self.messages == self.wanted:
            self.came.set()

    def on_stranger(self, topic: Topic, message: Message) -> None:
        """Do nothing: there are none."""


async def read_rate(clock: Clock, trackers: int) -> float:
    """Return how many frames are framed, checked and parsed in a second of CPU time."""
    allow_files(trackers)
    host = MemoryHost(None, clock)
    owner = _Counting(host.now())
    server = Server(owner, host, limits=Limits(strangers_per_address=trackers))
    await server.start("127.0.0.1", 0)
    player = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "script.bench_support.tracker_fleet"),
        *(str(server.ports[0]), str(trackers)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert player.stdin is not None and player.stdout is not None
    rates = []
    for _ in range(passes()):
        # It tells when all are connected, and waits for its turn.
        await player.stdout.readline()
        owner.came.clear()
        before, owner.wanted = owner.messages, owner.messages + ROUNDS * trackers
        with measured() as cost:
            player.stdin.write(b"\n")
            async with asyncio.timeout(60):
                await owner.came.wait()
        rates.append((owner.messages - before) / cost.cpu)
    player.stdin.close()
    await player.wait()
    await server.stop()
    return statistics.median(rates)


# --- from memory ---


class _Feeder:
    """Hands frames to a connection as its listener does."""

    def __init__(self, connection: Vt3Connection, trackers: int) -> None:
        self._connection = connection
        self._decoders = [FrameDecoder() for _ in range(trackers)]

    def feed(self, frames: Sequence[bytes]) -> None:
        """Hand on a frame of each tracker."""
        on_message = self._connection.on_message
        for decoder, data in zip(self._decoders, frames, strict=True):
            for message in decoder.feed(data):
                topic = Topic.parse(message.get("topic"))
                assert topic is not None
                on_message(topic, message)


async def merge_rate(clock: Clock, trackers: int) -> float:
    """Return how many frames are read and merged in a second of CPU time."""
    connection = Vt3Connection(
        Settings(
            data={"host": "127.0.0.1", "port": 0},
            options={},
            vehicles={serial(number): {} for number in range(trackers)},
            driving_interval=timedelta(seconds=15),
            parked_interval=timedelta(seconds=60),
        ),
        MemoryHost(None, clock),
    )
    fleet, feeder = Fleet(trackers, clock.time), _Feeder(connection, trackers)
    rates = []
    for number in range(passes() + 1):
        cpu = 0.0
        for group in MIXED:
            clock.advance(1)
            frames = fleet.frames(group, clock.time)
            with measured() as cost:
                feeder.feed(frames)
            cpu += cost.cpu
        if number:
            rates.append(len(MIXED) * trackers / cpu)
    await connection.close()
    return statistics.median(rates)


def entry_of(trackers: int) -> MockConfigEntry:
    """Return a listener's config entry."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="VT3",
        unique_id="vt3_bench",
        data={
            "vendor": "vt3",
            "identity": "vt3_bench",
            "host": "127.0.0.1",
            "port": free_port(),
        },
        subentries_data=[
            {
                "data": {"name": f"Van {number}"},
                "subentry_type": SUBENTRY_VEHICLE,
                "title": f"Van {number}",
                "unique_id": serial(number),
            }
            for number in range(trackers)
        ],
    )


async def shares(hass: HomeAssistant, clock: Clock, trackers: int) -> dict[str, float]:
    """Return which share of the work of showing frames is Home Assistant's own writes."""
    trackers = min(trackers, SHOWN)
    entry = entry_of(trackers)
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    coordinator = entry.runtime_data
    fleet = Fleet(trackers, clock.time)
    feeder = _Feeder(coordinator.connection, trackers)

    async def show(group: str) -> float:
        clock.advance(1)
        frames = fleet.frames(group, clock.time)
        with measured() as cost:
            feeder.feed(frames)
            await coordinator.fleet.async_done()
        await hass.async_block_till_done()
        return cost.cpu

    # The entities come into being.
    for group in MIXED * 2:
        await show(group)
    trivial = Trivial(hass, twins_of(hass, entry))
    await set_up(hass, trivial.entry)
    found = {}
    for name, groups in (("mixed", MIXED), ("gnss", GNSS)):
        results = []
        for _ in range(passes()):
            ours = sum([await show(group) for group in groups])
            writes: list[str] = []

            @callback
            def note(
                event: Event[EventStateChangedData], writes: list[str] = writes
            ) -> None:
                writes.append(event.data["entity_id"])

            # Others like those that were measured: listening takes time, too.
            end = hass.bus.async_listen("state_changed", note)
            for group in groups:
                await show(group)
            end()
            twins = [trivial.entities[one] for one in writes if one in trivial.entities]
            with measured() as floor:
                for twin in twins:
                    _change(twin)
                    twin.async_write_ha_state()
            results.append(floor.cpu / ours)
        found[name] = 100 * statistics.median(results)
    await unload(hass, entry)
    return found


def _change(entity: Entity) -> None:
    """Let a trivial entity show something else."""
    shown: Mapping[str, Any] = vars(entity)
    if isinstance(entity, SensorEntity):
        value = entity.native_value
        if isinstance(value, datetime):
            entity._attr_native_value = value + timedelta(seconds=1)  # noqa: SLF001
        elif isinstance(value, int | float):
            entity._attr_native_value = value + 1  # noqa: SLF001
        else:
            entity._attr_available = not entity.available  # noqa: SLF001
    elif "_attr_is_on" in shown or hasattr(entity, "is_on"):
        entity._attr_is_on = not entity.is_on  # type: ignore[attr-defined]  # noqa: SLF001
    elif hasattr(entity, "latitude"):
        entity._attr_latitude = (entity.latitude or 0) % 80 + 0.001  # type: ignore[attr-defined]  # noqa: SLF001
