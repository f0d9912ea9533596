"""Made-up days of driving, with curves, drift and noise, whose trips are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import math
from random import Random

from custom_components.fleet_tracker.model.trips.moments import Moment, moment

LATITUDE, LONGITUDE = 52.0, 13.0
METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True)
class Drive:
    """A drive that was made: Unix seconds and metres."""

    begin: float
    end: float
    metres: float


@dataclass(frozen=True)
class Ways:
    """How a vehicle is driven and heard of."""

    interval: float = 30.0
    parked_interval: float = 300.0
    key: bool | None = True
    """Whether there is an ignition wire; None: wired to permanent plus."""
    odometer: bool = False
    noise: float = 3.0
    """The scatter of a fix in metres, east and north alike."""
    drift: float = 8.0
    """The same while it stands."""
    kmh: float = 50.0
    straight: float = 300.0
    """How far it is to the next corner, in metres."""
    corner: float = 90.0
    """By how much a street turns there, in degrees; on the whole it leads onward."""
    radius: float = 15.0


class Day:
    """A vehicle that stands, drives and is heard of."""

    def __init__(self, seed: int, ways: Ways, begin: float = 1_772_400_000.0) -> None:
        """Begin parked at a place."""
        self.random = Random(seed)
        self.ways = ways
        self.now = begin
        self.x = self.y = 0.0
        self.heading = -math.radians(ways.corner) / 2
        self.driven = 45_000_000.0
        self.moments: list[Moment] = []
        self.drives: list[Drive] = []
        self.key_on = ways.key is None

    def tell(self, speed: float = 0.0, scatter: float | None = None) -> None:
        """Have the tracker send a fix."""
        ways = self.ways
        scatter = ways.noise if scatter is None else scatter
        x = self.x + self.random.gauss(0, scatter)
        y = self.y + self.random.gauss(0, scatter)
        self.moments.append(
            moment(
                self.now,
                latitude=LATITUDE + y / METRES_PER_DEGREE,
                longitude=LONGITUDE
                + x / (METRES_PER_DEGREE * math.cos(math.radians(LATITUDE))),
                accuracy=15.0,
                speed=max(0.0, speed + self.random.gauss(0, 0.7)) if speed else 0.0,
                course=self._course() if speed else None,
                ignition=None if ways.key is False else self.key_on,
                odometer=self.driven if ways.odometer else None,
            )
        )

    def _course(self) -> float:
        """Return where it heads for, within some degrees."""
        return 90 - math.degrees(self.heading) + self.random.gauss(0, 2)

    def stand(self, seconds: float, every: float | None = None) -> None:
        """Stand, and be heard of now and then."""
        every = self.ways.parked_interval if every is None else every
        end = self.now + seconds
        while self.now + every <= end:
            self.now += every
            self.tell(scatter=self.ways.drift / 2)
        self.now = end

    def turn_key(self, *, on: bool) -> None:
        """Turn the key, which is told at once where there is a wire."""
        if self.ways.key:
            self.key_on = on
            self.tell(scatter=self.ways.noise)

    def roll(self, metres: float) -> None:
        """Drive along a street with corners, and be heard of every interval."""
        ways, step = self.ways, 1.0
        next_at = self.now + ways.interval
        left, corner = metres, ways.straight
        turn = 0.0
        while left > 0:
            kmh = ways.kmh * (0.5 if turn and ways.radius < 50 else 1.0)
            along = min(kmh / 3.6 * step, left)
            if corner <= 0:
                side = -1 if self.heading > 0 else 1
                turn = side * math.radians(ways.corner)
                corner = self.random.uniform(0.5, 1.5) * ways.straight
            if turn:
                part = math.copysign(min(abs(turn), along / ways.radius), turn)
                self.heading += part
                turn -= part
                if abs(turn) < 1e-9:
                    turn = 0.0
            self.x += along * math.cos(self.heading)
            self.y += along * math.sin(self.heading)
            self.driven += along
            left -= along
            corner -= along
            self.now += along / (kmh / 3.6)
            if self.now >= next_at:
                self.tell(kmh)
                next_at += ways.interval

    def drive(self, metres: float, *legs: float) -> None:
        """Make a trip, of several legs with lights of 40 s between."""
        self.turn_key(on=True)
        begin, before = self.now, self.driven
        self.now += 5
        self.roll(metres)
        for leg in legs:
            self.stand(40, every=10)
            self.roll(leg)
        self.tell(scatter=self.ways.noise)
        self.drives.append(Drive(begin, self.now, self.driven - before))
        self.turn_key(on=False)


def spread_out(seed: int, moments: list[Moment]) -> Iterator[Moment]:
    """Yield moments out of order, and some of them twice."""
    random = Random(seed)
    late = [
        (one.at_ms + random.uniform(0, 600_000), one)
        for one in moments
        for _ in range(random.choice((1, 1, 2)))
    ]
    for _, one in sorted(late):
        yield one
