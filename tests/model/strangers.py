"""Days as a stranger makes them up, in the format of the file of scenarios."""

# The first line of a day says what happens.
# ruff: noqa: D401

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
import math
from typing import Any

MINUTE, HOUR = 60.0, 3600.0
BEGIN = datetime(2026, 3, 9, 5, 0, tzinfo=UTC).timestamp()

type Counted = tuple[float, float, float]
"""A trip as a person notes it: Unix seconds, Unix seconds, km."""


class Stranger:
    """Writes down what a tracker tells of a vehicle: times in minutes, ways in km."""

    def __init__(
        self,
        *,
        key: bool | None = True,
        odometer: bool = True,
        every: float = 0.5,
        parked_every: float = 5,
        begin: float = BEGIN,
    ) -> None:
        """Begin parked. ``key`` False: no wire; None: permanent plus."""
        self.events: list[dict[str, Any]] = []
        self.now = begin
        self.x = self.y = 0.0
        self.heading = (1.0, 0.0)
        self.every, self.parked_every = every * MINUTE, parked_every * MINUTE
        self.wire = key
        self.key_on = key is None
        self.odometer: float | None = 45_000_000.0 if odometer else None
        self.more: dict[str, Any] = {}
        """What each event says beside; None leaves out."""
        self.is_heard = True
        self.odometer_counts = True
        self.buffers: list[tuple[list[dict[str, Any]], list[float]]] = []

    def tell(self, v: float | None = 0.0, **more: Any) -> None:
        """Have the tracker send a fix."""
        event: dict[str, Any] = {
            "t": stamp(self.now),
            "x": round(self.x, 1),
            "y": round(self.y, 1),
            "v": v,
        }
        if self.wire is not False:
            event["ign"] = self.key_on
        if self.odometer is not None:
            event["odo_m"] = round(self.odometer)
        event |= self.more | more
        if self.is_heard:
            self.events.append({k: it for k, it in event.items() if it is not None})

    def key(self, *, on: bool) -> None:
        """Turn the key, which is told at once where there is a wire."""
        if self.wire:
            self.key_on = on
            self.tell()

    def stand(self, minutes: float, every: float | None = None) -> None:
        """Stand, and be heard of now and then."""
        step = self.parked_every if every is None else every * MINUTE
        end = self.now + minutes * MINUTE
        while self.now + step <= end + 1e-6:
            self.now += step
            self.tell()
        self.now = end

    def roll(self, km: float, kmh: float = 50.0, v: float | None = -1.0) -> None:
        """Drive straight on, and be heard of every interval. ``v``: the speed that it tells instead."""
        left = km * 1000
        while left > 1e-6:
            step = min(left, kmh / 3.6 * self.every)
            self.now += step / kmh * 3.6
            left -= step
            self.x += step * self.heading[0]
            self.y += step * self.heading[1]
            if self.odometer is not None and self.odometer_counts:
                self.odometer += step
            if left > 1e-6:
                self.tell(kmh if v == -1.0 else v)

    def turn(self, x: float, y: float) -> None:
        """Head for somewhere else."""
        self.heading = (x, y)

    def drive(self, km: float, kmh: float = 50.0, v: float | None = -1.0) -> Counted:
        """Make a trip. Returns it as a person notes it."""
        self.key(on=True)
        begin = self.now
        self.now += 5
        self.roll(km, kmh, v)
        if not self.wire:
            self.tell()
        self.key(on=False)
        return begin, self.now, km

    @contextmanager
    def carried(self) -> Iterator[None]:
        """Be moved without a wheel turning."""
        self.odometer_counts = False
        yield
        self.odometer_counts = True

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Have no network, and no memory."""
        self.is_heard = False
        yield
        self.is_heard = True

    @contextmanager
    def late(self) -> Iterator[list[float]]:
        """Be heard of all at once, at a time that is put into the list before the day ends."""
        first = len(self.events)
        at: list[float] = []
        yield at
        self.buffers.append((self.events[first:], at))

    def vendor(self, at: float, begin: float, end: float, km: float) -> None:
        """Have the vendor tell a trip."""
        self.events.append(
            {
                "rx": stamp(at),
                "vendor_trip": {
                    "begin": stamp(begin),
                    "end": stamp(end),
                    "distance_m": km * 1000,
                    "idle_s": 0,
                },
            }
        )


def stamp(at: float) -> str:
    """Return a time as the file writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


@dataclass
class StrangeDay:
    """A day, and what a person counts of it."""

    told: Stranger
    trips: list[Counted] = field(default_factory=list)
    towed: int = 0
    flags: dict[int, str] = field(default_factory=dict)
    idle_min: dict[int, float] = field(default_factory=dict)
    interval_s: float | None = None

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events in the order of receipt."""
        for buffered, (at,) in self.told.buffers:
            for event in buffered:
                event["rx"] = stamp(at)
        return sorted(self.told.events, key=lambda one: one.get("rx") or one["t"])


DAYS: dict[str, Callable[[], StrangeDay]] = {}


def day(made: Callable[[], StrangeDay]) -> Callable[[], StrangeDay]:
    """Note a day."""
    DAYS[made.__name__] = made
    return made


@day
def channel_tunnel_without_a_fix() -> StrangeDay:
    """On a train with the key off, heard of before and behind: carried."""
    it = Stranger()
    it.stand(60)
    first = it.drive(12)
    it.stand(20)
    with it.unheard(), it.carried():
        it.roll(50, 85)
    it.stand(15)
    second = it.drive(9)
    it.stand(60)
    return StrangeDay(it, [first, second], towed=1)


@day
def train_without_an_odometer_and_without_a_fix() -> StrangeDay:
    """Nobody knows that it was carried: one trip that is estimated."""
    it = Stranger(odometer=False)
    it.stand(60)
    first = it.drive(12)
    it.stand(20)
    with it.unheard():
        it.roll(20, 60)
    it.stand(15)
    second = it.drive(9)
    it.stand(60)
    begin = first[1] + 20 * MINUTE
    end = second[0] - 10 * MINUTE
    return StrangeDay(
        it,
        [first, (max(begin, end - 40 * MINUTE), end, 20), second],
        flags={1: "estimated"},
    )


@day
def unheard_from_a_light_on() -> StrangeDay:
    """Last heard of at a light with the key on, then parked for a while: it drove on."""
    it = Stranger(odometer=False)
    it.stand(60)
    it.key(on=True)
    begin = it.now
    it.now += 5
    it.roll(2.6, 35)
    it.tell()
    it.stand(0.5, every=0.5)
    with it.unheard():
        it.roll(1.7, 35)
        it.key(on=False)
        end = it.now
        it.stand(35)
    it.stand(60)
    return StrangeDay(it, [(begin, end, 4.3)])


@day
def towed_with_permanent_plus() -> StrangeDay:
    """Learned in two nights; what moves is a drive, as nobody knows better."""
    it = Stranger(key=None, parked_every=20)
    it.stand(4 * 60)
    first = it.drive(10)
    it.stand(4 * 60)
    second = it.drive(10)
    it.stand(4 * 60)
    with it.carried():
        third = it.drive(8)
    it.stand(3 * 60)
    return StrangeDay(it, [first, second, third])


@day
def garage_with_drift_without_a_key() -> StrangeDay:
    """Fixes to all sides, 60 to 120 m away, each alone."""
    it = Stranger(key=False, odometer=False)
    it.stand(30)
    first = it.drive(5)
    places = ((90, 0), (0, 0), (0, -110), (10, 5), (-70, 80), (0, 0), (60, 60), (5, 0))
    x, y = it.x, it.y
    for _ in range(10):
        for east, north in places:
            it.x, it.y = x + east, y + north
            it.stand(4, every=4)
    it.x, it.y = x, y
    it.stand(30)
    return StrangeDay(it, [first])


@day
def garage_with_drift_and_false_speeds() -> StrangeDay:
    """With the key off, single fixes say 20 km/h and are elsewhere."""
    it = Stranger()
    it.stand(30)
    first = it.drive(5)
    for number in range(30):
        it.stand(6, every=6)
        it.x += 120
        it.now += 30
        it.tell(20.0 if number % 2 else 0.0)
        it.x -= 120
    it.stand(30)
    return StrangeDay(it, [first])


@day
def over_the_end_of_the_month() -> StrangeDay:
    """And over the night that summer time ends, local and by UTC."""
    it = Stranger(begin=datetime(2026, 10, 31, 20, 0, tzinfo=UTC).timestamp())
    it.stand(60)
    first = it.drive(200, 80)
    it.stand(60)
    return StrangeDay(it, [first])


@day
def two_fixes_alone() -> StrangeDay:
    """Here, and ten minutes later there, which no third one confirms."""
    it = Stranger(key=False, odometer=False)
    it.tell()
    it.now += 10 * MINUTE
    it.x += 5000
    it.tell()
    return StrangeDay(it)


@day
def two_fixes_and_a_third() -> StrangeDay:
    """Which is where the second was, an hour later: it drove."""
    it = Stranger(key=False, odometer=False)
    it.tell()
    it.now += 10 * MINUTE
    it.x += 5000
    it.tell()
    it.stand(60, every=60)
    return StrangeDay(it, [(BEGIN, BEGIN + 600, 5)], flags={0: "begin_estimated"})


def delivery(stops: list[float], *, key_off: bool) -> tuple[Stranger, list[Counted]]:
    """Return a round with stops of so many minutes, and its legs."""
    it = Stranger(every=0.25)
    it.stand(30)
    legs = []
    if not key_off:
        it.key(on=True)
    for minutes in [*stops, 60]:
        begin = it.now
        if key_off:
            begin, *_ = it.drive(1.2, 30)
        else:
            it.roll(1.2, 30)
            it.tell()
        if minutes == 60:
            it.key(on=False)
        legs.append((begin, it.now, 1.2))
        it.stand(minutes, every=0.5)
    return it, legs


@day
def delivery_round_with_the_key_off() -> StrangeDay:
    """Ten stops of 2 and of 4 minutes in turn: the longer ones end a trip."""
    it, legs = delivery([2, 4] * 5, key_off=True)
    trips = [
        (one[0], other[1], 2.4)
        for one, other in zip(legs[::2], legs[1::2], strict=False)
    ]
    return StrangeDay(it, [*trips, legs[-1]])


@day
def odometer_and_key_alone() -> StrangeDay:
    """Without a fix there is no place, and no trip."""
    it = Stranger()
    it.more = {"kind": "cell"}
    it.stand(30)
    it.drive(9)
    it.stand(30)
    return StrangeDay(it)


@day
def speed_without_a_change_of_place() -> StrangeDay:
    """On a test bench: wheels turn for 20 minutes."""
    it = Stranger(every=0.5)
    it.stand(30)
    it.key(on=True)
    for _ in range(40):
        it.now += 30
        it.odometer = (it.odometer or 0) + 400
        it.tell(50.0)
    it.key(on=False)
    it.stand(60)
    return StrangeDay(it)


@day
def frozen_receiver_on_the_way() -> StrangeDay:
    """The place stands for six minutes at 60 km/h, then jumps to where it is."""
    it = Stranger(every=0.5)
    it.stand(30)
    it.key(on=True)
    begin = it.now
    it.roll(10, 60)
    x = it.x
    for _ in range(12):
        it.now += 30
        it.odometer = (it.odometer or 0) + 500
        it.tell(60.0)
    it.x = x + 6000
    it.roll(10, 60)
    it.key(on=False)
    it.stand(60)
    return StrangeDay(it, [(begin, it.now - HOUR, 26)])


@day
def tracker_moved_to_another_vehicle() -> StrangeDay:
    """Silent for three days, then 30 km away with another odometer."""
    it = Stranger()
    it.stand(30)
    first = it.drive(10)
    it.stand(60)
    parked = it.now
    it.now += 72 * HOUR
    it.x += 30_000
    it.odometer = 120_000_000.0
    it.tell()
    found = it.now
    it.stand(60)
    second = it.drive(10)
    it.stand(60)
    return StrangeDay(
        it,
        [first, (max(parked, found - HOUR), found, 30), second],
        flags={1: "estimated"},
    )


@day
def every_fix_twice_with_other_times() -> StrangeDay:
    """The second a second later, of the same place."""
    it = Stranger(odometer=False, key=True)
    it.stand(30)
    first = it.drive(10)
    it.stand(4)
    second = it.drive(10)
    it.stand(30)
    for event in list(it.events):
        later = datetime.fromisoformat(event["t"]).timestamp() + 1
        it.events.append(event | {"t": stamp(later)})
    return StrangeDay(it, [first, second])


@day
def two_places_at_each_time() -> StrangeDay:
    """The better one counts."""
    it = Stranger(odometer=False)
    it.stand(30)
    first = it.drive(10)
    it.stand(60)
    for event in list(it.events):
        it.events.append(event | {"y": event["y"] + 90, "acc": 60})
    return StrangeDay(it, [first])


@day
def idling_for_an_hour() -> StrangeDay:
    """It ended where it arrived, and the next one begins where it leaves."""
    it = Stranger()
    it.stand(30)
    it.key(on=True)
    begin = it.now
    it.roll(8)
    it.tell()
    arrived = it.now
    it.stand(60, every=1)
    left = it.now
    it.roll(8)
    it.key(on=False)
    end = it.now
    it.stand(30)
    return StrangeDay(it, [(begin, arrived, 8), (left, end, 8)], idle_min={0: 0, 1: 0})


@day
def jam_at_three_kmh() -> StrangeDay:
    """Half an hour onward at a walk, without a key."""
    it = Stranger(key=False, odometer=False)
    it.stand(30)
    it.tell()
    begin = it.now
    it.roll(10)
    it.roll(1.5, 3)
    it.roll(10)
    it.tell()
    end = it.now
    it.stand(60)
    return StrangeDay(it, [(begin, end, 21.5)])


@day
def jam_that_stands_and_goes() -> StrangeDay:
    """Four minutes standing, 40 m onward, for an hour, with the key on."""
    it = Stranger()
    it.stand(30)
    it.key(on=True)
    begin = it.now
    it.roll(10)
    for _ in range(12):
        it.stand(4, every=0.5)
        it.roll(0.04, 10)
        it.tell(5.0)
    it.roll(10)
    it.key(on=False)
    end = it.now
    it.stand(60)
    return StrangeDay(it, [(begin, end, 20.5)])


@day
def moped_carried_in_a_van() -> StrangeDay:
    """Locked all the way: carried, and no trip."""
    it = Stranger(key=False, odometer=False, every=1)
    it.more = {"unlocked": False}
    it.stand(60)
    it.roll(9, 40, v=None)
    it.stand(60)
    it.more = {"unlocked": True}
    it.tell()
    first = it.drive(4, 30)
    it.more = {"unlocked": False}
    it.tell()
    it.stand(60)
    return StrangeDay(it, [first], towed=1)


@day
def silent_on_the_way_and_never_back() -> StrangeDay:
    """It ended where it was last heard of."""
    it = Stranger()
    it.stand(30)
    it.key(on=True)
    begin = it.now
    it.roll(20)
    it.tell(50.0)
    return StrangeDay(it, [(begin, it.now, 20)])


@day
def silent_on_the_way_and_back_200_km_away() -> StrangeDay:
    """Three hours later, still driving: one trip."""
    it = Stranger()
    it.stand(30)
    it.key(on=True)
    begin = it.now
    it.roll(20)
    with it.unheard():
        it.roll(200, 70)
    it.roll(20)
    it.key(on=False)
    end = it.now
    it.stand(60)
    return StrangeDay(it, [(begin, end, 240)])


@day
def silent_on_the_way_and_parked_200_km_away() -> StrangeDay:
    """A day later, with the key off: it went on, and stood then."""
    it = Stranger()
    it.stand(30)
    it.key(on=True)
    begin = it.now
    it.roll(20)
    it.tell(50.0)
    with it.unheard():
        it.roll(200, 70)
        it.key(on=False)
        it.stand(24 * 60)
    it.tell()
    it.stand(60)
    return StrangeDay(it, [(begin, it.now - HOUR, 220)])


@day
def short_drive_between_two_polls() -> StrangeDay:
    """Asked every five minutes: here, then there."""
    it = Stranger(key=False, odometer=False, every=5)
    it.stand(60)
    begin = it.now
    it.now += 5 * MINUTE
    it.x += 2000
    it.tell()
    end = it.now
    it.stand(60)
    return StrangeDay(it, [(begin, end, 2)], interval_s=300)


@day
def bus_line() -> StrangeDay:
    """Stops of 30 s, and of 8 and 12 minutes at the ends of the line, with the engine on."""
    it = Stranger(every=0.25)
    it.stand(30)
    it.key(on=True)
    begin = it.now
    marks = []
    for minutes in (8, 12):
        for _ in range(12):
            it.roll(0.4, 30)
            it.stand(0.5, every=0.25)
        marks.append(it.now - 30)
        it.stand(minutes, every=0.5)
    left = it.now
    for _ in range(12):
        it.roll(0.4, 30)
        it.stand(0.5, every=0.25)
    it.key(on=False)
    end = it.now
    it.stand(30)
    return StrangeDay(it, [(begin, marks[1], 9.6), (left, end, 4.8)])


def stop_of(minutes: float, *, key: bool) -> tuple[Stranger, list[Counted]]:
    """Return two drives with a stop of so many minutes between."""
    it = Stranger(key=key, every=0.25, odometer=False)
    it.stand(30)
    if key:
        it.key(on=True)
    else:
        it.tell()
    begin = it.now
    it.roll(5)
    it.tell()
    arrived = it.now
    it.stand(minutes, every=0.25)
    left = it.now
    it.roll(5)
    if key:
        it.key(on=False)
    else:
        it.tell()
    end = it.now
    it.stand(60)
    return it, [(begin, arrived, 5), (left, end, 5)]


@day
def longer_stops_without_a_key() -> StrangeDay:
    """Six minutes do."""
    it, trips = stop_of(6, key=False)
    return StrangeDay(it, trips)


@day
def longer_stops_with_the_key_on() -> StrangeDay:
    """Ten and a half do."""
    it, trips = stop_of(10.5, key=True)
    return StrangeDay(it, trips, idle_min={0: 0, 1: 0})


@day
def key_on_before_the_ship_lands() -> StrangeDay:
    """Carried until then; the trip begins with the key."""
    it = Stranger(every=1)
    it.stand(60)
    first = it.drive(10)
    it.stand(20)
    with it.carried():
        it.roll(30, 30)
    it.key(on=True)
    begin = it.now
    it.stand(5, every=1)
    it.roll(10)
    it.key(on=False)
    end = it.now
    it.stand(60)
    return StrangeDay(it, [first, (begin, end, 10)], towed=1)


@day
def warmed_up_for_a_quarter_of_an_hour() -> StrangeDay:
    """It begins where it leaves, not when the key was turned."""
    it = Stranger()
    it.stand(30)
    it.key(on=True)
    it.stand(15, every=1)
    begin = it.now
    it.roll(8)
    it.key(on=False)
    end = it.now
    it.stand(30)
    return StrangeDay(it, [(begin, end, 8)], idle_min={0: 0})


@day
def cell_fixes_for_the_last_half() -> StrangeDay:
    """The receiver loses the satellites; the next morning it is where it is."""
    it = Stranger()
    it.stand(30)
    it.key(on=True)
    begin = it.now
    it.roll(6)
    it.more = {"kind": "cell"}
    it.roll(6)
    it.key(on=False)
    end = it.now
    it.stand(8 * 60, every=30)
    it.more = {}
    it.stand(60)
    second = it.drive(5)
    it.stand(30)
    return StrangeDay(it, [(begin, end, 12), second])


@day
def buffer_of_two_days_ago() -> StrangeDay:
    """A drive that was not heard of arrives two busy days later."""
    it = Stranger(odometer=False)
    it.stand(30)
    trips = []
    with it.late() as at:
        trips.append(it.drive(9))
        it.stand(10, every=1)
        it.turn(-1, 0)
        trips.append(it.drive(9))
        it.stand(10, every=1)
    for _ in range(3):
        it.turn(1, 0)
        trips.append(it.drive(15))
        it.stand(6 * 60, every=30)
        it.turn(-1, 0)
        trips.append(it.drive(15))
        it.stand(12 * 60, every=30)
    at.append(it.now)
    it.stand(60)
    return StrangeDay(it, trips)


@day
def vendors_trip_and_a_buffer() -> StrangeDay:
    """What the vendor told counts; the buffer adds nothing."""
    it = Stranger()
    it.stand(30)
    with it.late() as at:
        first = it.drive(10)
        it.stand(20)
    it.vendor(it.now, first[0] - 30, first[1] + 30, 10.2)
    at.append(it.now + 1800)
    it.stand(60)
    second = it.drive(10)
    it.stand(60)
    return StrangeDay(it, [(first[0] - 30, first[1] + 30, 10.2), second])


@day
def locked_for_a_minute() -> StrangeDay:
    """A moped is locked in front of a shop: two trips."""
    it = Stranger(key=False, odometer=False)
    trips: list[Counted] = []
    it.more = {"unlocked": False}
    it.stand(30)
    for _ in range(2):
        it.more = {"unlocked": True}
        it.tell()
        begin = it.now
        it.roll(3, 30)
        it.more = {"unlocked": False}
        it.tell()
        trips.append((begin, it.now, 3))
        it.stand(1, every=0.5)
    it.stand(30)
    return StrangeDay(it, trips)


@day
def key_told_an_hour_late() -> StrangeDay:
    """The switch of the key comes in records of its own, late."""
    it = Stranger()
    it.stand(30)
    first = it.drive(10)
    it.stand(30)
    second = it.drive(10)
    it.stand(90)
    for event in it.events:
        del event["ign"]
    for begin, end, _ in (first, second):
        for time, on in ((begin, True), (end, False)):
            it.events.append(
                {
                    "t": stamp(time),
                    "rx": stamp(time + 3600),
                    "x": 0,
                    "y": 0,
                    "kind": "none",
                    "ign": on,
                }
            )
    return StrangeDay(it, [first, second])


@day
def loaded_onto_a_truck_two_minutes_behind() -> StrangeDay:
    """The metres of being carried belong to no trip, and to no hour."""
    it = Stranger(odometer=False)
    it.stand(30)
    first = it.drive(10)
    it.stand(2, every=0.5)
    with it.carried():
        it.roll(20, 60)
    it.tell()
    it.stand(60)
    return StrangeDay(it, [first], towed=1)


def stray(x: float, y: float, *, odometer: bool) -> StrangeDay:
    """Return a drive of 10.4 km with a single fix that is elsewhere."""
    it = Stranger(odometer=odometer)
    it.stand(30)
    it.key(on=True)
    begin = it.now
    it.roll(4)
    it.x, it.y = it.x + x, it.y + y
    it.now += 30
    it.tell(50.0)
    it.x, it.y = it.x - x + 417, it.y - y
    if it.odometer is not None:
        it.odometer += 417
    it.roll(6)
    it.key(on=False)
    end = it.now
    it.stand(30)
    return StrangeDay(it, [(begin, end, 10.42)])


@day
def fix_of_the_begin_in_mid_drive() -> StrangeDay:
    """What the receiver remembers adds no metre."""
    return stray(-4000, 0, odometer=False)


@day
def fix_to_the_side_beside_an_odometer() -> StrangeDay:
    """Nor does it make the odometer wrong."""
    return stray(0, 1500, odometer=True)


@day
def fix_500_km_away() -> StrangeDay:
    """Nobody drives so far in half a minute."""
    return stray(0, 500_000, odometer=False)


@day
def stray_fix_while_parked_and_drift_behind() -> StrangeDay:
    """The next fix confirms that it moved 60 m, not 500 km."""
    it = Stranger(key=False, odometer=False)
    it.stand(30)
    first = it.drive(5)
    for far in (500_000, 0):
        it.stand(20)
        it.y += far
        it.now += 60
        it.tell()
        it.y -= far
        it.x += 60
        it.stand(1, every=1)
        it.x -= 60
    it.stand(60)
    return StrangeDay(it, [first])


@day
def drift_that_wanders() -> StrangeDay:
    """Through a garage of 100 m, without a key or a speed, and always a little onward."""
    it = Stranger(key=False, odometer=False)
    it.stand(30)
    first = it.drive(5)
    x, y = it.x, it.y
    for number in range(120):
        it.x = x + 50 * math.sin(number / 9)
        it.y = y + 50 * math.sin(number / 7)
        it.now += 60
        it.tell(None)
    it.x, it.y = x, y
    it.stand(60)
    return StrangeDay(it, [first])
