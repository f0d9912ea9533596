"""A small world in which simulated vehicles live.

Every vendor's simulator shows vehicles of this world in its own words. What a
vehicle does at a moment is a pure function of that moment: no task runs in the
background, and a test may freeze, advance or turn back the clock as it likes.

Times are UNIX seconds, distances metres, speeds km/h, courses degrees clockwise
from north. A vehicle's life is a plan of stages, each a whole number of seconds
long, which is gone through once or over and over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from math import asin, atan2, ceil, cos, degrees, inf, radians, sin, sqrt

EARTH_RADIUS = 6_371_008.8

# The least time between two stages; stages last whole seconds.
_JUST_BEFORE = 0.001


@dataclass(frozen=True, slots=True)
class Place:
    """A point on earth in WGS84 degrees."""

    latitude: float
    longitude: float

    def distance(self, other: Place) -> float:
        """Return the great-circle distance in metres."""
        return EARTH_RADIUS * _angle(self, other)

    def course(self, other: Place) -> float:
        """Return the course at which a great circle sets out to another place."""
        latitude, other_latitude = radians(self.latitude), radians(other.latitude)
        turn = radians(other.longitude - self.longitude)
        east = sin(turn) * cos(other_latitude)
        north = cos(latitude) * sin(other_latitude) - sin(latitude) * cos(
            other_latitude
        ) * cos(turn)
        return degrees(atan2(east, north)) % 360

    def towards(self, other: Place, share: float) -> Place:
        """Return the place at a share (0 to 1) of the great circle to another."""
        angle = _angle(self, other)
        if not angle:
            return self
        here = sin((1 - share) * angle) / sin(angle)
        there = sin(share * angle) / sin(angle)
        start, end = _vector(self), _vector(other)
        x, y, z = (here * a + there * b for a, b in zip(start, end, strict=True))
        return Place(degrees(atan2(z, sqrt(x * x + y * y))), degrees(atan2(y, x)))

    def away(self, course: float, metres: float) -> Place:
        """Return the place so many metres away on a course."""
        angle = metres / EARTH_RADIUS
        latitude, heading = radians(self.latitude), radians(course)
        target = asin(
            sin(latitude) * cos(angle) + cos(latitude) * sin(angle) * cos(heading)
        )
        turn = atan2(
            sin(heading) * sin(angle) * cos(latitude),
            cos(angle) - sin(latitude) * sin(target),
        )
        longitude = self.longitude + degrees(turn)
        return Place(degrees(target), (longitude + 180) % 360 - 180)


def _angle(one: Place, other: Place) -> float:
    """Return the angle between two places in radians (haversine)."""
    latitude, other_latitude = radians(one.latitude), radians(other.latitude)
    across = sin((other_latitude - latitude) / 2) ** 2
    along = sin(radians(other.longitude - one.longitude) / 2) ** 2
    half = across + cos(latitude) * cos(other_latitude) * along
    return 2 * asin(min(1.0, sqrt(half)))


def _vector(place: Place) -> tuple[float, float, float]:
    latitude, longitude = radians(place.latitude), radians(place.longitude)
    return (
        cos(latitude) * cos(longitude),
        cos(latitude) * sin(longitude),
        sin(latitude),
    )


@dataclass(frozen=True, slots=True)
class Zone:
    """A circle on the map; its radius is in metres."""

    centre: Place
    radius: float

    def __contains__(self, place: Place) -> bool:
        """Tell whether a place is in the zone."""
        return self.centre.distance(place) <= self.radius


class Route:
    """A way along great circles from place to place."""

    def __init__(self, *places: Place) -> None:
        """Initialize with the places in the order of passing."""
        if len(places) < 2:
            raise ValueError("A route needs at least two places")
        self.places = places
        self._passed = [0.0]
        for start, end in pairwise(places):
            self._passed.append(self._passed[-1] + start.distance(end))

    @property
    def length(self) -> float:
        """The length in metres."""
        return self._passed[-1]

    def at(self, metres: float) -> tuple[Place, float]:
        """Return the place and the course after so many metres."""
        leg = min(bisect_right(self._passed, metres), len(self.places) - 1) - 1
        start, end = self.places[leg : leg + 2]
        length = self._passed[leg + 1] - self._passed[leg]
        if not length:
            return end, start.course(end)
        place = start.towards(end, min(1.0, (metres - self._passed[leg]) / length))
        return place, (place if place != end else start).course(end)


class Happening(StrEnum):
    """An occurrence, in no vendor's words."""

    IGNITION_ON = "ignition_on"
    IGNITION_OFF = "ignition_off"
    DOOR_OPENED = "door_opened"
    DOOR_CLOSED = "door_closed"
    ENTERED = "entered"
    LEFT = "left"
    SOS = "sos"
    VIBRATION = "vibration"
    SPEEDING = "speeding"
    HARSH_BRAKING = "harsh_braking"
    HARSH_ACCELERATION = "harsh_acceleration"
    COLLISION = "collision"
    TOWED = "towed"
    FALLEN = "fallen"
    LOW_BATTERY = "low_battery"
    POWER_CUT = "power_cut"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a time; entering and leaving name the zone."""

    time: float
    what: Happening
    zone: Zone | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A span of a life in which nothing changes but the place.

    `alarms` are pairs of seconds since the stage began and what happens then;
    ignition, doors and zones need no alarm, they follow from the stages.
    """

    seconds: int
    route: Route | None = None
    ignition: bool = False
    door_open: bool = False
    alarms: tuple[tuple[int, Happening], ...] = ()

    @property
    def speed(self) -> float:
        """The steady speed in km/h."""
        return self.route.length / self.seconds * 3.6 if self.route else 0.0


def drive(route: Route, speed: float, *alarms: tuple[int, Happening]) -> Stage:
    """Return the stage of driving a route at about a speed, in whole seconds."""
    seconds = max(1, round(route.length / speed * 3.6))
    return Stage(seconds, route, ignition=True, alarms=alarms)


def stand(
    seconds: int,
    *alarms: tuple[int, Happening],
    ignition: bool = False,
    door_open: bool = False,
) -> Stage:
    """Return the stage of standing still."""
    return Stage(seconds, None, ignition, door_open, alarms)


@dataclass(frozen=True, slots=True)
class State:
    """The state of a vehicle at a time."""

    time: float
    place: Place
    course: float
    speed: float
    ignition: bool
    door_open: bool
    odometer: float


@dataclass(frozen=True, slots=True)
class _Span:
    """A stage as it was lived: when, from where, and with what on the clock."""

    start: float
    end: float
    stage: Stage
    place: Place
    course: float
    odometer: float

    def state(self, time: float) -> State:
        place, course, driven = self.place, self.course, 0.0
        if (route := self.stage.route) is not None:
            driven = (time - self.start) / self.stage.seconds * route.length
            place, course = route.at(driven)
        return State(
            time,
            place,
            course,
            self.stage.speed,
            self.stage.ignition,
            self.stage.door_open,
            self.odometer + driven,
        )


class _Plan:
    """Stages that are lived from a time on, once or over and over."""

    def __init__(
        self, before: State, stages: tuple[Stage, ...], *, repeat: bool
    ) -> None:
        self.start = before.time
        self.ignition = {stage.ignition for stage in stages}
        self._repeat = repeat
        self._spans: list[_Span] = []
        time, place, course = before.time, before.place, before.course
        odometer = before.odometer
        for stage in stages:
            if stage.seconds < 1:
                raise ValueError("A stage lasts at least a second")
            if stage.route and place.distance(stage.route.places[0]) > 1:
                raise ValueError("A route must begin where the vehicle is")
            end = time + stage.seconds
            span = _Span(time, end, stage, place, course, odometer)
            self._spans.append(span)
            if stage.route:
                place, course = stage.route.at(stage.route.length)
                odometer += stage.route.length
            time = end
        if repeat and place.distance(before.place) > 1:
            raise ValueError("What is repeated must end where it began")
        self._seconds = time - self.start
        self._metres = odometer - before.odometer
        self._starts = [span.start - self.start for span in self._spans]
        last = stages[-1] if stages else stand(1)
        rest = Stage(1, None, last.ignition, last.door_open)
        self._rest = _Span(time, inf, rest, place, course, odometer)

    def span(self, time: float) -> _Span:
        elapsed = max(0.0, time - self.start)
        if not self._repeat:
            if elapsed >= self._seconds:
                return self._rest
            return self._spans[bisect_right(self._starts, elapsed) - 1]
        cycle, elapsed = divmod(elapsed, self._seconds)
        span = self._spans[bisect_right(self._starts, elapsed) - 1]
        later = cycle * self._seconds
        return _Span(
            span.start + later,
            span.end + later,
            span.stage,
            span.place,
            span.course,
            span.odometer + cycle * self._metres,
        )


class Vehicle:
    """A vehicle that lives its plans; before the first it stands where it is."""

    def __init__(
        self,
        place: Place,
        *stages: Stage,
        start: float,
        repeat: bool = True,
        odometer: float = 0.0,
        course: float = 0.0,
    ) -> None:
        """Put a vehicle somewhere and let it live from a time on."""
        state = State(start, place, course, 0.0, False, False, odometer)
        self._plans = [_Plan(state, stages, repeat=repeat and bool(stages))]

    def live(self, time: float, *stages: Stage, repeat: bool = False) -> None:
        """Let the vehicle do something else from a time on, from where it is then."""
        if time < self._plans[-1].start:
            raise ValueError("A life cannot be changed before its latest change")
        self._plans.append(_Plan(self.at(time), stages, repeat=repeat))

    def at(self, time: float) -> State:
        """Return what the vehicle is like at a time."""
        time = max(time, self._plans[0].start)
        return self._span(time).state(time)

    def ignition_since(self, time: float) -> float:
        """Return when the ignition was turned to what it is at a time."""
        span = self._span(time)
        while span.start > self._plans[0].start:
            plan = self._plan(span.start)
            if len(plan.ignition) == 1 and span.start > plan.start:
                span = self._span(plan.start)
                continue
            before = self._span(span.start - _JUST_BEFORE)
            if before.stage.ignition != span.stage.ignition:
                break
            span = before
        return span.start

    def distance(self, begin: float, end: float) -> float:
        """Return the metres driven between two times."""
        return self.at(end).odometer - self.at(begin).odometer

    def happenings(self, begin: float, end: float) -> list[Event]:
        """Return what happened from a time to another (both included), in order."""
        events: list[Event] = []
        for span in self._spans(begin, end):
            events += self._changes(span)
            events += (
                Event(span.start + seconds, what)
                for seconds, what in span.stage.alarms
                if span.start + seconds < span.end
            )
        events.sort(key=lambda event: event.time)
        return [event for event in events if begin <= event.time <= end]

    def crossings(self, zone: Zone, begin: float, end: float) -> list[Event]:
        """Return when a zone was entered and left, as `happenings` does."""
        events = [
            Event(
                span.start + seconds,
                Happening.ENTERED if entered else Happening.LEFT,
                zone,
            )
            for span in self._spans(begin - _JUST_BEFORE, end)
            if span.stage.route
            for seconds, entered in _crossings(
                span.stage.route, span.stage.seconds, zone
            )
            if span.start + seconds <= span.end
        ]
        return [event for event in events if begin <= event.time <= end]

    def reports(
        self, begin: float, end: float, *, driving: int, standing: int | None = None
    ) -> Iterator[float]:
        """Yield the times (both ends included) at which a tracker would report.

        It reports whenever a stage begins, then every so many seconds while
        driving, and while standing every so many, or not at all.
        """
        for span in self._spans(begin, end):
            every = driving if span.stage.route else standing
            until = min(span.end - _JUST_BEFORE, end)
            if every is None:
                if begin <= span.start <= until:
                    yield span.start
                continue
            time = span.start + every * max(0, ceil((begin - span.start) / every))
            while time <= until:
                yield time
                time += every

    def last_report(
        self, time: float, *, driving: int, standing: int | None = None
    ) -> float:
        """Return the time of the last of such reports up to a time."""
        span = self._span(time)
        every = driving if span.stage.route else standing
        if every is None or time < span.start:
            return span.start
        return span.start + (time - span.start) // every * every

    def _plan(self, time: float) -> _Plan:
        index = bisect_right(self._plans, time, key=lambda plan: plan.start) - 1
        return self._plans[max(0, index)]

    def _span(self, time: float) -> _Span:
        """Return the span at a time, ended where the next plan takes over."""
        span = self._plan(time).span(time)
        index = bisect_right(self._plans, time, key=lambda plan: plan.start)
        if index == len(self._plans) or self._plans[index].start >= span.end:
            return span
        return _Span(
            span.start,
            self._plans[index].start,
            span.stage,
            span.place,
            span.course,
            span.odometer,
        )

    def _spans(self, begin: float, end: float) -> Iterator[_Span]:
        time = max(begin, self._plans[0].start)
        while time <= end:
            span = self._span(time)
            yield span
            time = span.end

    def _changes(self, span: _Span) -> Iterator[Event]:
        if span.start <= self._plans[0].start:
            return
        before, after = self._span(span.start - _JUST_BEFORE).stage, span.stage
        if before.ignition != after.ignition:
            on = after.ignition
            yield Event(
                span.start, Happening.IGNITION_ON if on else Happening.IGNITION_OFF
            )
        if before.door_open != after.door_open:
            opened = after.door_open
            yield Event(
                span.start, Happening.DOOR_OPENED if opened else Happening.DOOR_CLOSED
            )


@lru_cache(maxsize=1024)
def _crossings(route: Route, seconds: int, zone: Zone) -> tuple[tuple[int, bool], ...]:
    """Return the whole seconds at which a drive is first in, or out of, a zone."""
    crossings = []
    inside = route.places[0] in zone
    for second in range(1, seconds + 1):
        if (route.at(second / seconds * route.length)[0] in zone) != inside:
            inside = not inside
            crossings.append((second, inside))
    return tuple(crossings)


# Where the demo is at home, and the lives its vehicles lead.

HOME = Place(52.3731, 4.8922)
HOME_ZONE = Zone(HOME, 100)

_STATION = Place(52.3779, 4.8992)
_TOWN_OUT = Route(HOME, Place(52.3755, 4.8957), _STATION)
_TOWN_BACK = Route(
    _STATION,
    Place(52.3789, 4.8955),
    Place(52.3776, 4.8949),
    Place(52.3752, 4.8922),
    Place(52.3738, 4.8906),
    HOME,
)
_RING = (
    Place(52.3283, 4.9130),
    Place(52.3385, 4.8700),
    Place(52.3580, 4.8430),
    Place(52.3870, 4.8440),
    Place(52.4130, 4.8640),
    Place(52.4020, 4.9400),
    Place(52.3720, 4.9650),
    Place(52.3430, 4.9480),
)


_ROUND = drive(Route(HOME, *_RING, HOME), 45)
_ROUND_A_DAY = (stand(28_800), _ROUND, stand(86_400 - 28_800 - _ROUND.seconds))


def town_van(
    now: float, *, odometer: float = 51_654_000.0, month_before: bool = False
) -> Vehicle:
    """Return a van whose next errand begins now, after a day full of them.

    In three minutes its door opens and closes at home, it starts, leaves home,
    speeds, parks at the station, is shaken there, and comes back. In the month before it
    drove round the town once a day, if it is to have one.
    """
    return _busy(
        now,
        HOME,
        stand(8),
        stand(12, door_open=True),
        stand(5, ignition=True),
        drive(_TOWN_OUT, 50, (20, Happening.SPEEDING)),
        stand(20, (8, Happening.VIBRATION)),
        drive(_TOWN_BACK, 50, (30, Happening.HARSH_BRAKING)),
        stand(10),
        odometer=odometer,
        before=_ROUND_A_DAY if month_before else (),
    )


def ring_truck(now: float, *, odometer: float = 338_210_000.0) -> Vehicle:
    """Return a truck that has been driving round the town since a day."""
    ring = Route(*_RING, _RING[0])
    return _busy(now, _RING[0], drive(ring, 80), odometer=odometer)


def errand(
    now: float, home: Place, course: float, metres: float, *, speed: float = 40
) -> Vehicle:
    """Return a vehicle that goes a way in one direction, stops, and comes back."""
    end = home.away(course, metres)
    corner = home.away(course + 30, metres / 2)
    return _busy(
        now,
        home,
        stand(30),
        stand(5, ignition=True),
        drive(Route(home, corner, end), speed),
        stand(40),
        drive(Route(end, home), speed),
        odometer=1_250_000.0,
    )


def waiting(now: float, place: Place) -> Vehicle:
    """Return a vehicle that stays where it is and has its engine started now and then."""
    return _busy(now, place, stand(45, ignition=True), stand(45), odometer=87_400_000.0)


def parked(place: Place, since: float, *, odometer: float = 21_300_000.0) -> Vehicle:
    """Return a vehicle that has been standing since a time."""
    return Vehicle(place, start=since, odometer=odometer)


def _busy(
    now: float,
    place: Place,
    *stages: Stage,
    odometer: float,
    before: Sequence[Stage] = (),
) -> Vehicle:
    """Return a vehicle that has repeated its stages for a day up to now.

    In the month before it repeated others, if there are any.
    """
    cycle = sum(stage.seconds for stage in stages)
    start = now - cycle * (86_400 // cycle)
    if not before:
        return Vehicle(place, *stages, start=start, odometer=odometer)
    cycles = 31 * 86_400 // sum(stage.seconds for stage in before)
    driven = sum(stage.route.length for stage in before if stage.route)
    vehicle = Vehicle(
        place,
        *before,
        start=start - cycles * sum(stage.seconds for stage in before),
        odometer=odometer - cycles * driven,
    )
    vehicle.live(start, *stages, repeat=True)
    return vehicle
