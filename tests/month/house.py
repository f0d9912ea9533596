"""Home Assistant beside vehicles that drive as planned, with all that may go wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
import os
from random import Random
import time
from typing import Any, override

from homeassistant.core import Event, callback
from homeassistant.helpers import device_registry as dr

from custom_components.fleet_tracker.account.trips.records import KeptTrip
from tests.simulators.failures import FailureLayer
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Device as OpenApiDevice
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import Moped
from tests.simulators.tracksolid import Device as TracksolidDevice, TracksolidSimulator
from tests.simulators.tracksolid.pushes import gps, heartbeat, trip
from tests.simulators.vt3 import Vt3Simulator
from tests.simulators.world import HOME
from tests.vendors.vt3.home import LOCALHOST
from tests.week.house import House
from tests.week.town import BEGIN, Town

from .roads import BUSY_FOR, DAY, WINDOWS, Life, PlannedTrip, life

STEP = float(os.environ.get("MONTH_STEP", "180"))
QUIET_STEP = 900.0
PARKED_EVERY = 300
BUFFERED = (0.2, 0.45)
"""Between which parts of a trip a tracker has no network, and sends it all later."""
CARRIED = 0.3
"""How often a vehicle has no network on a trip."""
ODOMETER, OWN_10, OWN_30, OWN_60, OWN_300 = "odometer", 10, 30, 60, 300
"""What a distance comes from: an odometer or the vendor, or fixes so many seconds apart."""
SHORT = {ODOMETER: 0.01, OWN_10: 0.02, OWN_30: 0.05, OWN_60: 0.08, OWN_300: 0.15}
LONG = 0.01
SOURCES: Mapping[str, tuple[str | int, ...]] = {
    "open_api": (ODOMETER, OWN_60, OWN_30, OWN_30, OWN_300),
    "tracksolid": (ODOMETER, OWN_30, ODOMETER, ODOMETER, ODOMETER),
    "vt3": (OWN_10, ODOMETER, OWN_30, OWN_60, OWN_10),
    "segway": (ODOMETER, OWN_30, ODOMETER, OWN_30, ODOMETER),
}
"""By vendor and number of the vehicle."""


class MopedWithoutOdometer(Moped):
    """A vehicle that tells no odometer."""

    @override
    def status(self, now: float) -> dict[str, object]:
        told = super().status(now)
        del told["odometer"]
        return told


@dataclass
class Month(Town):
    """The simulators with vehicles that lead planned lives, by the frozen clock."""

    lives: dict[str, Life] = field(default_factory=dict)
    """By the names of the vehicles."""
    clock: list[float] = field(default_factory=list)
    """What the trackers take for the time, where that is not now."""

    @property
    @override
    def failures(self) -> list[FailureLayer]:
        return [self.open_api.failures, self.tracksolid.failures, self.segway.failures]

    @override
    def requests(self) -> int:
        servers = (self.open_api, self.tracksolid, self.segway)
        return sum(one.requests.total() for one in servers) + sum(
            len(tracker.requests) for tracker in self.trackers
        )


@dataclass
class PlannedRider:
    """A moped, and a rider who unlocks it for each trip."""

    moped: Moped
    number: int
    life: Life

    def live(self, now: float) -> list[str]:
        """Do what is due at a time, and return what Segway pushes of it."""
        locked = not self.life.is_out(now, before=30, after=60)
        if locked == self.moped.locked:
            return []
        self.moped.locked, self.moped.changed_at = locked, now
        return ["status", "location"]


@asynccontextmanager
async def open_month(each: int, days: int, seed: int) -> AsyncIterator[Month]:
    """Start the simulators, with so many vehicles of each vendor."""
    numbers = range(each)
    begin = BEGIN.timestamp()
    lives: dict[str, Life] = {}

    def lived(vendor: str, number: int) -> Life:
        source = SOURCES[vendor][number]
        one = lives[f"{vendor} {number}"] = life(
            seed * 1000 + len(lives),
            HOME.away(37 * len(lives), 2500),
            begin,
            days,
            every=source if isinstance(source, int) else 10,
        )
        return one

    open_api = [
        OpenApiDevice(
            imei=f"3510000914{number:05}",
            vehicle=lived("open_api", number).vehicle,
            name=f"open_api {number}",
            has_door=False,
            has_mileage=SOURCES["open_api"][number] == ODOMETER,
        )
        for number in numbers
    ]
    account = Account(name="town", password="Town@12345", role=1, devices=open_api)
    tracksolid = TracksolidSimulator(time.time)
    tracksolid.token_quota = 1_000_000
    for number in numbers:
        device = TracksolidDevice(
            f"8600000001{number:05}",
            f"tracksolid {number}",
            lived("tracksolid", number).vehicle,
            model="GT06N",
            since=begin,
        )
        if number in (1, 4):
            # The platform makes no trips of it.
            device.since = begin + 1000 * DAY
        if number == 1:
            device.fields["currentMileage"] = None
        tracksolid.add(device)
    clock: list[float] = []

    def now() -> float:
        return clock[-1] if clock else time.time()

    trackers = [
        Vt3Simulator(f"VF31020251{number:05}", lived("vt3", number).vehicle, clock=now)
        for number in numbers
    ]
    riders: list[Any] = []
    for number in numbers:
        of_moped = lived("segway", number)
        kind = Moped if SOURCES["segway"][number] == ODOMETER else MopedWithoutOdometer
        moped = kind(iot_code=f"LKV{number:06}", life=of_moped.vehicle)
        riders.append(PlannedRider(moped, number, of_moped))

    async def no_sleep(_seconds: float) -> None:
        """Let a push be repeated at once."""

    async with AsyncExitStack() as stack:
        yield Month(
            each,
            await stack.enter_async_context(OpenApiSimulator(account)),
            await stack.enter_async_context(tracksolid),
            await stack.enter_async_context(
                SegwaySimulator(*(one.moped for one in riders), sleep=no_sleep)
            ),
            trackers,
            riders,
            lives,
            clock,
        )


class MonthHouse(House):
    """Home Assistant, and what its vehicles tell by themselves."""

    town: Month

    def __init__(self, *args: Any, seed: int) -> None:
        """Initialize as the house does, with the seed of what goes wrong."""
        super().__init__(*args)
        self.random = Random(seed)
        self.told: Counter[tuple[str, str, str]] = Counter()
        """How often each news of each trip of each vehicle fired."""
        self._buffers: dict[int, list[float]] = {}
        self._parked_told: dict[int, float] = {}
        self._pushed_until: dict[int, float] = {}

    @callback
    @override
    def note_occurrence(self, event: Event) -> None:
        """Count the news of trips."""
        if event.data["kind"] != "trip":
            return
        device = dr.async_get(self.hass).async_get(event.data["device_id"])
        assert device is not None
        self.told[
            device.name or "",
            event.data["event_type"],
            event.data.get("trip_id", event.data["occurred_at"]),
        ] += 1

    @override
    def step(self) -> float:
        at = (self.now - BEGIN.timestamp()) % DAY
        if any(begin <= at < begin + BUSY_FOR for begin in WINDOWS):
            return STEP
        following = min(one - at for one in (*WINDOWS, WINDOWS[0] + DAY) if one > at)
        return min(QUIET_STEP, following)

    @override
    async def tell(self) -> None:
        """Let trackers and platforms tell what they tell by themselves."""
        begin, self.told_until = self.told_until, self.now
        for number in range(self.town.each):
            await self._tell_of_vt3(number, begin)
            await self._tell_of_segway(number)
            if number in (2, 3, 4):
                await self._tell_of_tracksolid(number, begin)

    def _without_network(self, life_: Life, at: float) -> PlannedTrip | None:
        """Return the trip on which a tracker has no network at a time."""
        for one in life_.trips:
            first, last = (
                one.begin + part * (one.end - one.begin) for part in BUFFERED
            )
            if first <= at < last and Random(one.begin).random() < CARRIED:
                return one
        return None

    async def reload(self, vendor: str) -> None:
        """Reload the account of a vendor."""
        entry = self.entry(vendor)
        assert await self.hass.config_entries.async_reload(entry.entry_id)
        await self.settle()
        if vendor == "vt3":
            for tracker in self.town.trackers:
                await tracker.disconnect()
                await tracker.connect(LOCALHOST, entry.data["port"])
            await self.settle()

    async def kept(self) -> dict[str, list[KeptTrip]]:
        """Return all trips that are kept, by the names of the vehicles."""
        found: dict[str, list[KeptTrip]] = {}
        for vendor in SOURCES:
            coordinator = self.entry(vendor).runtime_data
            names = coordinator.devices.names_by_vehicle(coordinator.vehicles())
            kept = await coordinator.kept_trips.async_all_trips(
                BEGIN, BEGIN + timedelta(days=400)
            )
            found |= {names[one]: trips for one, trips in kept.items()}
        return found

    # --- trackers that connect ---

    async def _tell_of_vt3(self, number: int, begin: float) -> None:
        """Upload what was measured since, late and doubled where there was no network."""
        tracker = self.town.trackers[number]
        one = self.town.lives[f"vt3 {number}"]
        source = SOURCES["vt3"][number]
        every = source if isinstance(source, int) else 10
        due = self._buffers.setdefault(number, [])
        at = begin - begin % every + every
        while at <= self.now:
            parked = at - self._parked_told.get(number, 0) >= PARKED_EVERY
            if parked or one.is_out(at, before=every, after=every):
                self._parked_told[number] = at
                due.append(at)
            at += every
        buffers = number == 4
        if buffers and self._without_network(one, self.now):
            return
        if buffers and len(due) > STEP // every + 1:
            self.random.shuffle(due)
            due += due[::3]
        with suppress(OSError):
            while due:
                self.town.clock.append(due.pop(0))
                await tracker.upload("gnss")
                await tracker.upload("io")
                if source == ODOMETER:
                    await tracker.upload("obd")
                self.town.clock.clear()
        self.town.clock.clear()

    # --- platforms that push ---

    async def _tell_of_segway(self, number: int) -> None:
        rider = self.town.riders[number]
        imei = rider.moped.iot_code
        kinds = rider.live(self.now)
        if not kinds and number in (3, 4) and not rider.moped.locked:
            kinds = ["status", "location"]
        server = self.town.segway
        for kind in kinds:
            fields = (
                server.status_push(imei)
                if kind == "status"
                else server.location_push(imei)
            )
            for _ in range(self.random.choice((1, 1, 2))):
                await self.push_of_segway(kind, imei, fields)

    async def _tell_of_tracksolid(self, number: int, begin: float) -> None:
        """Push positions, some late or twice, and trips that ended."""
        device = [*self.town.tracksolid.devices.values()][number]
        one = self.town.lives[f"tracksolid {number}"]
        for made in one.trips:
            if number == 3 and begin < made.end + 90 <= self.now:
                await self.push_of_tracksolid(
                    trip(device, made.begin, made.end), path="pushtripreport"
                )
        if not one.is_out(self.now, before=60, after=60):
            return
        since = self._pushed_until.setdefault(number, begin)
        if number == 2 and self._without_network(one, self.now):
            return
        self._pushed_until[number] = self.now
        since = max(since, self.now - 3600)
        items = [
            gps(device, at)
            for at in device.vehicle.reports(since + 0.001, self.now, driving=10)
        ]
        if number == 2:
            items += items[::4]
            self.random.shuffle(items)
        if items:
            await self.push_of_tracksolid(*items, path="pushgps")
        await self.push_of_tracksolid(heartbeat(device, self.now), path="pushhb")
