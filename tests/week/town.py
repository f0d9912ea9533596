"""The town: vehicles of the four vendors, whose every day is the same.

A vehicle stands at home, drives to the depot in the morning, is bumped there, and drives
home in the afternoon, where its tracker loses its power for a moment. A moped has no
ignition: it is unlocked and locked instead, and its rider forgets the latter at home.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
import time

from tests.simulators.failures import FailureLayer
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Device as OpenApiDevice
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import Moped
from tests.simulators.tracksolid import Device as TracksolidDevice, TracksolidSimulator
from tests.simulators.vt3 import Vt3Simulator
from tests.simulators.world import HOME, Happening, Route, Vehicle, drive, stand

BEGIN = datetime(2025, 10, 6, tzinfo=UTC)
HOUR, DAY = 3600, 86_400
DEPOT = HOME.away(45, 12_000)
WAY = Route(HOME, DEPOT)
BACK = Route(DEPOT, HOME)
LEAVES = 6 * HOUR
DRIVES = drive(WAY, 45).seconds
BUMPED = LEAVES + DRIVES + HOUR
RETURNS = LEAVES + DRIVES + 4 * HOUR
AT_HOME = RETURNS + DRIVES
POWER_CUT = AT_HOME + HOUR
LOCKS_LATE = AT_HOME + 40 * 60
SILENT_FROM, SILENT_TO = AT_HOME + 2 * HOUR, AT_HOME + 5 * HOUR
CHARGED = AT_HOME + 3 * HOUR
BUSY = (
    (LEAVES - 300, LEAVES + DRIVES + 900),
    (BUMPED - 300, BUMPED + 600),
    (RETURNS - 300, AT_HOME + 1200),
)
"""When something goes on that is told minute by minute."""
STAGGER = 120
"""Seconds by which the day of a vehicle is behind that of the one before."""

ALARMS_OF_A_CAR = Counter(
    ignition_on=2, ignition_off=2, harsh_braking=1, collision=1, power_disconnected=1
)
ALARMS_OF_A_DAY = {
    "open_api": ALARMS_OF_A_CAR,
    "tracksolid": ALARMS_OF_A_CAR,
    # Its ignition is a reading, and it has no alarm for a lost power.
    "vt3": Counter(harsh_braking=1, collision=1),
    "segway": Counter(illegal_movement=1, cleared=1),
}
RUNS_OF_A_DAY = {
    # Twice on and twice off.
    "ignition_notice": Counter(open_api=4, tracksolid=4, vt3=4),
    # The bump, and a moped that is moved.
    "theft_and_tow": Counter(open_api=1, tracksolid=1, vt3=1, segway=1),
    # To the depot, and away from it.
    "zone_arrive_leave": Counter(open_api=2, tracksolid=2, vt3=2, segway=2),
    # At home in the afternoon.
    "left_unlocked": Counter(segway=1),
    # The power, and the battery of the moped.
    "low_battery": Counter(open_api=1, tracksolid=1, segway=1),
    # In the evening.
    "silent": Counter(vt3=1),
}


def life(number: int) -> Vehicle:
    """Return the life of a vehicle, which is the same each day."""
    # It began the day before, so that the first day is as any other.
    begin = BEGIN.timestamp() - DAY + number * STAGGER
    return Vehicle(
        HOME,
        stand(LEAVES),
        drive(WAY, 45, (200, Happening.HARSH_BRAKING)),
        stand(RETURNS - LEAVES - DRIVES, (HOUR, Happening.COLLISION)),
        drive(BACK, 45),
        stand(DAY - AT_HOME, (HOUR, Happening.POWER_CUT)),
        start=begin,
        odometer=50_000_000,
    )


@dataclass
class Rider:
    """A moped, and what its rider does with it in a day."""

    moped: Moped
    number: int

    def live(self, now: float) -> list[str]:
        """Do what is due at a time, and return what Segway pushes of it."""
        at = (now - BEGIN.timestamp() - self.number * STAGGER) % DAY
        moped, pushes = self.moped, []
        locked = not (
            LEAVES - 30 <= at < LEAVES + DRIVES + 60 or RETURNS - 30 <= at < LOCKS_LATE
        )
        if locked != moped.locked:
            moped.locked, moped.changed_at = locked, now
            pushes.append("status")
        percent = 15 if AT_HOME + 300 <= at < CHARGED else 60
        if percent != moped.percent:
            moped.percent = percent
            pushes.append("status")
        return pushes


@dataclass
class Town:
    """The simulators of the vendors with their vehicles, by the frozen clock."""

    each: int
    open_api: OpenApiSimulator
    tracksolid: TracksolidSimulator
    segway: SegwaySimulator
    trackers: list[Vt3Simulator]
    riders: list[Rider] = field(default_factory=list)

    @property
    def failures(self) -> list[FailureLayer]:
        """The layers of failures of the servers that are polled for alarms."""
        return [self.open_api.failures, self.tracksolid.failures]

    def requests(self) -> int:
        """Return how many requests were made so far, also to trackers."""
        servers = (self.open_api, self.tracksolid, self.segway)
        return sum(one.requests.total() for one in servers) + sum(
            len(tracker.requests) for tracker in self.trackers
        )


@asynccontextmanager
async def open_town(each: int) -> AsyncIterator[Town]:
    """Start the simulators, with so many vehicles of each vendor."""
    numbers = range(each)
    account = Account(
        name="town",
        password="Town@12345",
        role=1,
        devices=[
            OpenApiDevice(
                imei=f"3510000914{number:05}",
                vehicle=life(number),
                name=f"open_api {number}",
                has_door=False,
            )
            for number in numbers
        ],
    )
    tracksolid = TracksolidSimulator(time.time)
    tracksolid.token_quota = 1_000_000
    tracksolid.add(
        *(
            TracksolidDevice(
                f"8600000001{number:05}",
                f"tracksolid {number}",
                life(number),
                model="GT06N",
                since=BEGIN.timestamp(),
            )
            for number in numbers
        )
    )
    mopeds = [
        Moped(iot_code=f"LKV{number:06}", life=life(number)) for number in numbers
    ]

    async def no_sleep(_seconds: float) -> None:
        """Let a push be repeated at once."""

    async with AsyncExitStack() as stack:
        yield Town(
            each,
            await stack.enter_async_context(OpenApiSimulator(account)),
            await stack.enter_async_context(tracksolid),
            await stack.enter_async_context(SegwaySimulator(*mopeds, sleep=no_sleep)),
            [
                Vt3Simulator(f"VF31020251{number:05}", life(number), clock=time.time)
                for number in numbers
            ],
            [Rider(moped, number) for number, moped in enumerate(mopeds)],
        )
