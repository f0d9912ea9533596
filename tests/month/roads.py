"""Plans of driving: roads with curves, lights, trackers that drift, and the trips to count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
import math
from random import Random
from typing import override

from tests.simulators.world import Place, Route, Stage, State, Vehicle, drive, stand

DAY = 86_400
WINDOWS = (6 * 3600, 11 * 3600, 16 * 3600)
"""When all set out: to work, back home, and there and back in the afternoon."""
SET_OUT_WITHIN = 900
BUSY_FOR = 4500
"""Seconds of a window in which anybody drives."""
VISIT = 1500
LIGHTS = (20, 90)
STEP_M = 6.0
"""How far apart the places of a road are in its curves."""


@dataclass(frozen=True, slots=True)
class PlannedTrip:
    """A trip that is made: Unix seconds and metres."""

    begin: float
    end: float
    metres: float


@dataclass(frozen=True, slots=True)
class Style:
    """A kind of road: km/h, metres between corners, their angle and radius."""

    kmh: float
    straight: float
    corner: float
    radius: float
    lights: bool


TOWN = Style(34, 350, 90, 15, lights=True)
SUBURB = Style(48, 600, 70, 30, lights=True)
COUNTRY = Style(75, 900, 35, 120, lights=False)
MOTORWAY = Style(110, 2500, 12, 600, lights=False)
STYLES = (TOWN, SUBURB, COUNTRY, MOTORWAY)


def road(random: Random, home: Place, metres: float, style: Style) -> Route:
    """Return a road from a place: straight parts with rounded corners, onward on the whole."""
    x = y = driven = 0.0
    base = random.uniform(0, 2 * math.pi)
    heading, side = base - math.radians(style.corner) / 2, 1
    places = [(x, y)]
    while driven < metres:
        straight = min(style.straight * random.uniform(0.5, 1.5), metres - driven)
        x += straight * math.sin(heading)
        y += straight * math.cos(heading)
        driven += straight
        places.append((x, y))
        turn = side * math.radians(style.corner)
        side = -side
        arc = abs(turn) * style.radius
        steps = max(1, round(arc / STEP_M))
        for _ in range(steps):
            heading += turn / steps
            x += arc / steps * math.sin(heading)
            y += arc / steps * math.cos(heading)
            places.append((x, y))
        driven += arc
    shrink = math.cos(math.radians(home.latitude))
    return Route(
        *(
            Place(home.latitude + y / 111_195, home.longitude + x / (111_195 * shrink))
            for x, y in places
        )
    )


def pieces(route: Route, count: int) -> list[Route]:
    """Return a route in parts of about one length, cut at its places."""
    places = route.places
    cuts = [round(n * (len(places) - 1) / count) for n in range(count + 1)]
    return [
        Route(*places[first : last + 1])
        for first, last in zip(cuts, cuts[1:], strict=False)
        if last > first
    ]


def trip(random: Random, route: Route, style: Style) -> Iterator[Stage]:
    """Yield the stages of a trip: the key, the road, and lights on the way."""
    yield stand(random.randint(5, 20), ignition=True)
    parts = pieces(route, random.randint(2, 4) if style.lights else 1)
    for number, part in enumerate(parts):
        if number:
            yield stand(random.randint(*LIGHTS), ignition=True)
        yield drive(part, style.kmh * random.uniform(0.85, 1.15))
    yield stand(random.randint(3, 15), ignition=True)


class DriftingVehicle(Vehicle):
    """A vehicle whose tracker scatters, and drifts while it stands."""

    def __init__(
        self, place: Place, *stages: Stage, start: float, seed: int, every: int
    ) -> None:
        """Initialize with the plan, the seed, and how often it reports on the way."""
        self._seed = seed
        self._every = every
        super().__init__(
            place, *stages, start=start, repeat=False, odometer=45_000_000.0
        )

    @override
    def at(self, time: float) -> State:
        state = super().at(time)
        random = Random(f"{self._seed} {round(time * 1000)}")
        scatter, drift = (3.0, 0.0) if state.speed else (2.0, 4.0)
        # Drift is slow: it wanders within minutes.
        wave = 2 * math.pi * (time / 1700 + self._seed)
        place = state.place.away(
            random.uniform(0, 360), abs(random.gauss(0, scatter))
        ).away(math.degrees(wave), drift * (1 + math.sin(2.7 * wave)))
        if not state.speed:
            return replace(state, place=place)
        return replace(
            state,
            place=place,
            course=(state.course + random.gauss(0, 2)) % 360,
            speed=max(1.0, state.speed + random.gauss(0, 0.7)),
        )

    @override
    def last_report(
        self, time: float, *, driving: int, standing: int | None = None
    ) -> float:
        return super().last_report(
            time, driving=max(driving, self._every), standing=standing or 300
        )


@dataclass(frozen=True, slots=True)
class Life:
    """A vehicle, and the trips that it makes."""

    vehicle: DriftingVehicle
    trips: tuple[PlannedTrip, ...]

    def is_out(self, at: float, *, before: float = 0, after: float = 0) -> bool:
        """Tell whether a trip is under way at a time, with some seconds around it."""
        return any(one.begin - before <= at < one.end + after for one in self.trips)


def life(seed: int, home: Place, begin: float, days: int, *, every: int = 10) -> Life:
    """Return some days of a vehicle: four trips a day, home at night."""
    random = Random(seed)
    stages: list[Stage] = []
    trips: list[PlannedTrip] = []
    at = 0

    def stay_until(second: int) -> None:
        nonlocal at
        stages.append(stand(second - at))
        at = second

    def go(route: Route, style: Style) -> None:
        nonlocal at
        made = list(trip(random, route, style))
        seconds = sum(one.seconds for one in made)
        trips.append(PlannedTrip(begin + at, begin + at + seconds, route.length))
        stages.extend(made)
        at += seconds

    for day in range(days):
        work, shop = random.choice(STYLES), random.choice(STYLES[:2])
        way = road(random, home, work.kmh / 3.6 * random.uniform(500, 1900), work)
        to_shop = road(random, home, shop.kmh / 3.6 * random.uniform(240, 700), shop)
        for window, ways in zip(
            WINDOWS,
            ((way,), (Route(*reversed(way.places)),), (to_shop,)),
            strict=True,
        ):
            stay_until(day * DAY + window + random.randrange(SET_OUT_WITHIN))
            for one in ways:
                go(one, shop if one is to_shop else work)
        stay_until(at + VISIT)
        go(Route(*reversed(to_shop.places)), shop)
    stay_until(days * DAY)
    vehicle = DriftingVehicle(home, *stages, start=begin, seed=seed, every=every)
    return Life(vehicle, tuple(trips))
