"""More days as strangers make them up: at sea, in jams, in workshops, with broken trackers."""

# The first line of a day says what happens.
# ruff: noqa: D401

from __future__ import annotations

from datetime import UTC, datetime

from .strangers import DAYS, HOUR, MINUTE, Counted, StrangeDay, Stranger, day


def begun(it: Stranger) -> float:
    """Turn the key, and return when that was."""
    it.key(on=True)
    return it.now


def ended(it: Stranger, begin: float, km: float) -> Counted:
    """Turn the key off, and return the trip that ends there."""
    if not it.wire:
        it.tell()
    it.key(on=False)
    return begin, it.now, km


@day
def ferry_that_is_heard_of_at_sea() -> StrangeDay:
    """The key is off, there is no odometer: carried."""
    it = Stranger(odometer=False, every=2)
    it.stand(60)
    first = it.drive(12)
    it.stand(20)
    it.roll(40, 35)
    it.stand(20)
    second = it.drive(9)
    it.stand(60)
    return StrangeDay(it, [first, second], towed=1)


@day
def ferry_of_a_tracker_without_a_key() -> StrangeDay:
    """Nobody knows that it did not drive."""
    it = Stranger(key=False, odometer=False, every=2)
    it.stand(60)
    trips = []
    for km, kmh in ((12, 50), (30, 30), (9, 50)):
        it.tell()
        begin = it.now
        it.roll(km, kmh)
        it.tell()
        trips.append((begin, it.now, float(km)))
        it.stand(20)
    it.stand(60)
    return StrangeDay(it, trips, interval_s=120)


@day
def car_train_heard_of_now_and_then() -> StrangeDay:
    """A fix every ten minutes at 90 km/h, the key off, the odometer stands."""
    it = Stranger(every=10)
    it.stand(60)
    it.every = 30
    first = it.drive(6)
    it.stand(30)
    it.every = 600
    with it.carried():
        it.roll(120, 90)
    it.every = 30
    it.stand(30)
    second = it.drive(6)
    it.stand(60)
    return StrangeDay(it, [first, second], towed=1)


@day
def garage_under_the_ground_for_the_night() -> StrangeDay:
    """Last heard of on the ramp with the key on, and there again twelve hours later."""
    it = Stranger(odometer=False)
    it.stand(30)
    begin = begun(it)
    it.roll(5)
    it.tell(15.0)
    first = (begin, it.now, 5.0)
    it.now += 12 * HOUR
    it.x -= 60
    it.tell(15.0)
    left = it.now
    it.turn(-1, 0)
    it.roll(5)
    second = ended(it, left, 5)
    it.stand(60)
    return StrangeDay(it, [first, second])


@day
def towed_on_its_own_wheels() -> StrangeDay:
    """The odometer counts along with the key off: it drove, as far as anybody knows."""
    it = Stranger()
    it.stand(30)
    first = it.drive(5)
    it.stand(60)
    it.tell()
    begin = it.now
    it.roll(8, 30)
    it.tell()
    end = it.now
    it.stand(60)
    return StrangeDay(it, [first, (begin, end, 8)])


@day
def stolen_on_a_truck() -> StrangeDay:
    """Carried off at night, left in a yard, and never started."""
    it = Stranger(odometer=False, parked_every=15)
    it.stand(60)
    first = it.drive(5)
    it.stand(6 * 60)
    it.roll(15, 60)
    it.stand(10 * 60)
    return StrangeDay(it, [first], towed=1)


@day
def drivers_who_change() -> StrangeDay:
    """Two minutes with the key off are no stop, five are."""
    it = Stranger()
    it.stand(30)
    begin, *_ = it.drive(10)
    it.stand(2, every=0.5)
    *_, end, _ = it.drive(10)
    it.stand(5, every=0.5)
    second = it.drive(10)
    it.stand(60)
    return StrangeDay(it, [(begin, end, 20), second], idle_min={0: 0})


@day
def jam_of_two_hours() -> StrangeDay:
    """Four minutes standing, 30 m onward, with the key on."""
    it = Stranger(every=0.5)
    it.stand(30)
    begin = begun(it)
    it.roll(10)
    for _ in range(28):
        it.stand(4, every=1)
        it.roll(0.03, 10)
        it.tell(4.0)
    it.roll(10)
    trip = ended(it, begin, 20.84)
    it.stand(60)
    return StrangeDay(it, [trip])


@day
def jam_of_two_hours_without_a_key() -> StrangeDay:
    """Two minutes standing, 40 m onward."""
    it = Stranger(key=False, odometer=False, every=0.5)
    it.stand(30)
    it.tell()
    begin = it.now
    it.roll(10)
    for _ in range(50):
        it.stand(2, every=1)
        it.roll(0.04, 10)
        it.tell(4.0)
    it.roll(10)
    trip = ended(it, begin, 22)
    it.stand(60)
    return StrangeDay(it, [trip])


def round_of_eighty(minutes: float) -> tuple[Stranger, list[Counted]]:
    """Return a round of a van that is turned off at eighty doors for so long."""
    it = Stranger(every=0.5)
    it.stand(30)
    legs = []
    for number in range(80):
        it.turn(0, 1) if number % 2 else it.turn(1, 0)
        legs.append(it.drive(0.6, 40))
        it.stand(minutes, every=minutes)
    it.stand(60)
    return it, legs


@day
def eighty_doors_of_a_minute_and_a_half() -> StrangeDay:
    """One round."""
    it, legs = round_of_eighty(1.5)
    return StrangeDay(it, [(legs[0][0], legs[-1][1], 48)])


@day
def eighty_doors_of_four_minutes() -> StrangeDay:
    """Eighty trips."""
    it, legs = round_of_eighty(4)
    return StrangeDay(it, legs)


@day
def moped_pushed_through_the_yard() -> StrangeDay:
    """80 m by hand, unlocked, and 40 m back; then it is ridden."""
    it = Stranger(key=False, odometer=False, every=0.25)
    it.more = {"unlocked": True}
    it.stand(30)
    it.roll(0.08, 4)
    it.stand(10)
    it.turn(-1, 0)
    it.roll(0.04, 4)
    it.stand(10)
    it.turn(0, 1)
    it.tell()
    begin = it.now
    it.roll(3, 30)
    it.tell()
    trip = (begin, it.now, 3.0)
    it.stand(60)
    return StrangeDay(it, [trip])


@day
def moped_carried_off_by_hand() -> StrangeDay:
    """Locked, at a walk, 400 m."""
    it = Stranger(key=False, odometer=False, every=0.5)
    it.more = {"unlocked": False}
    it.stand(30)
    it.roll(0.4, 4)
    it.stand(60)
    return StrangeDay(it, towed=1)


@day
def moped_that_says_locked_for_a_moment() -> StrangeDay:
    """At 30 km/h nobody locked it."""
    it = Stranger(key=False, odometer=False, every=0.25)
    it.more = {"unlocked": False}
    it.stand(30)
    it.more = {"unlocked": True}
    it.tell()
    begin = it.now
    it.roll(2, 30)
    it.more = {"unlocked": False}
    it.tell(30.0)
    it.more = {"unlocked": True}
    it.roll(2, 30)
    it.more = {"unlocked": False}
    it.tell()
    trip = (begin, it.now, 4.0)
    it.stand(60)
    return StrangeDay(it, [trip])


@day
def mopeds_of_five_riders() -> StrangeDay:
    """Locked for half a minute between them."""
    it = Stranger(key=False, odometer=False, every=0.25)
    it.more = {"unlocked": False}
    it.stand(30)
    trips: list[Counted] = []
    for _ in range(5):
        it.more = {"unlocked": True}
        it.tell()
        begin = it.now
        it.roll(1.5, 25)
        it.more = {"unlocked": False}
        it.tell()
        trips.append((begin, it.now, 1.5))
        it.stand(0.5, every=0.5)
    it.stand(60)
    return StrangeDay(it, trips)


@day
def battery_pulled_and_on_a_trailer() -> StrangeDay:
    """Silent for a day, 30 km away, the odometer stands."""
    it = Stranger()
    it.stand(30)
    first = it.drive(10)
    it.stand(30)
    it.now += 24 * HOUR
    it.x += 30_000
    it.tell()
    it.stand(60)
    second = it.drive(10)
    it.stand(60)
    return StrangeDay(it, [first, second], towed=1)


@day
def battery_pulled_on_the_way() -> StrangeDay:
    """For ten minutes at speed; the fold sees one drive."""
    it = Stranger()
    it.stand(30)
    begin = begun(it)
    it.roll(10)
    with it.unheard():
        it.roll(9, 55)
    it.roll(10)
    trip = ended(it, begin, 29)
    it.stand(60)
    return StrangeDay(it, [trip])


@day
def tracker_exchanged_in_the_workshop() -> StrangeDay:
    """The new one counts from zero."""
    it = Stranger()
    it.stand(30)
    first = it.drive(10)
    it.stand(120)
    it.odometer = 0.0
    it.stand(30)
    second = it.drive(10)
    it.stand(60)
    return StrangeDay(it, [first, second])


@day
def tracker_exchanged_on_the_way() -> StrangeDay:
    """At a light: the odometer says nothing of that drive any more."""
    it = Stranger()
    it.stand(30)
    begin = begun(it)
    it.roll(6)
    it.tell()
    it.stand(1, every=1)
    it.odometer = 12_000.0
    it.roll(6)
    trip = ended(it, begin, 12)
    it.stand(60)
    second = it.drive(10)
    it.stand(60)
    return StrangeDay(it, [trip, second])


@day
def over_midnight_and_the_begin_of_summer_time() -> StrangeDay:
    """A stop of six minutes at midnight, then on through the hour that is left out."""
    at = datetime(2026, 3, 28, 22, 0, tzinfo=UTC).timestamp()
    it = Stranger(begin=at)
    it.stand(30)
    first = it.drive(25)
    it.stand(6, every=1)
    second = it.drive(200, 80)
    it.stand(60)
    return StrangeDay(it, [first, second])


@day
def jammer_that_leaves_cells_alone() -> StrangeDay:
    """Twelve minutes of positions by cells, kilometres off, while it drives on."""
    it = Stranger()
    it.stand(30)
    begin = begun(it)
    it.roll(8)
    it.more = {"kind": "cell", "y": 2500.0}
    it.roll(10)
    it.more = {}
    it.roll(8)
    trip = ended(it, begin, 26)
    it.stand(60)
    return StrangeDay(it, [trip])


def spoofed(*, odometer: bool) -> StrangeDay:
    """Return a drive on which three fixes agree that it is at an airport 40 km away."""
    it = Stranger(odometer=odometer)
    it.stand(30)
    begin = begun(it)
    it.roll(8)
    x = it.x
    it.x, it.y = x + 40_000, 9000.0
    for _ in range(3):
        it.now += 30
        if it.odometer is not None:
            it.odometer += 416
        it.tell(50.0)
    it.x, it.y = x + 4 * 416, 0.0
    it.now += 30
    if it.odometer is not None:
        it.odometer += 416
    it.tell(50.0)
    it.roll(8)
    trip = ended(it, begin, 17.66)
    it.stand(60)
    return StrangeDay(it, [trip])


@day
def spoofed_for_a_minute() -> StrangeDay:
    """Nobody drives there and back so fast: no metre."""
    return spoofed(odometer=False)


@day
def spoofed_for_a_minute_beside_an_odometer() -> StrangeDay:
    """It counts what was driven."""
    return spoofed(odometer=True)


@day
def wire_of_the_key_breaks_on_the_way() -> StrangeDay:
    """Off from then on, at speed; the odometer counts along."""
    it = Stranger()
    it.stand(30)
    begin = begun(it)
    it.roll(6)
    it.key_on = False
    it.roll(6)
    it.tell()
    first = (begin, it.now, 12.0)
    it.stand(60)
    it.tell()
    left = it.now
    it.roll(10)
    it.tell()
    second = (left, it.now, 10.0)
    it.stand(60)
    return StrangeDay(it, [first, second])


@day
def buffer_in_reverse_order() -> StrangeDay:
    """The newest first, one after the other, an hour later."""
    it = Stranger(odometer=False)
    it.stand(30)
    with it.late() as at:
        first = it.drive(8)
        it.stand(20)
        second = it.drive(8)
        it.stand(20)
    at.append(0.0)
    buffered, _ = it.buffers.pop()
    it.stand(60)
    for number, event in enumerate(reversed(buffered)):
        it.buffers.append(([event], [it.now + number]))
    it.stand(60)
    return StrangeDay(it, [first, second])


@day
def vendor_tells_both_before_the_fixes() -> StrangeDay:
    """Two of its trips that overlap by a minute; the fixes come half an hour later."""
    it = Stranger(odometer=False)
    it.stand(30)
    with it.late() as at:
        first = it.drive(10)
        it.stand(6, every=1)
        second = it.drive(10)
        it.stand(10)
    middle = first[1] + 3 * MINUTE
    it.vendor(it.now, first[0], middle + 30, 10.1)
    it.vendor(it.now, middle - 30, second[1], 10.1)
    at.append(it.now + 1800)
    it.stand(60)
    return StrangeDay(
        it, [(first[0], middle + 30, 10.1), (middle + 30, second[1], 10.1)]
    )


@day
def tunnel_of_a_quarter_of_an_hour() -> StrangeDay:
    """At 80 km/h, with the key on."""
    it = Stranger(odometer=False)
    it.stand(30)
    begin = begun(it)
    it.roll(12, 80)
    with it.unheard():
        it.roll(20, 80)
    it.roll(12, 80)
    trip = ended(it, begin, 44)
    it.stand(60)
    return StrangeDay(it, [trip])


@day
def trailer_that_is_heard_of_every_five_minutes() -> StrangeDay:
    """Neither key nor odometer nor speed."""
    it = Stranger(key=False, odometer=False, every=5, parked_every=30)
    it.stand(60)
    trips = []
    for _ in range(2):
        it.tell(None)
        begin = it.now
        it.roll(60, 60, None)
        it.tell(None)
        trips.append((begin, it.now, 60.0))
        it.stand(90)
    return StrangeDay(it, trips, interval_s=300)


@day
def tractor_in_a_field() -> StrangeDay:
    """Up and down at 7 km/h, rows of 900 m; back to the farm at 30."""
    it = Stranger(key=True, odometer=False, every=0.25)
    it.stand(30)
    begin = begun(it)
    it.roll(2, 30)
    for number in range(2):
        it.turn(0, -1 if number % 2 else 1)
        it.roll(0.9, 7)
        it.turn(1, 0)
        it.roll(0.006, 7)
    it.turn(-1, 0)
    it.roll(2.012, 30)
    trip = ended(it, begin, 5.824)
    it.stand(60)
    return StrangeDay(it, [trip])


@day
def car_wash_and_the_yard() -> StrangeDay:
    """40 m on a conveyor with the key off, and three times 90 m across a yard."""
    it = Stranger(every=0.25)
    it.stand(30)
    first = it.drive(5)
    it.stand(10)
    with it.carried():
        it.roll(0.04, 1)
    it.stand(20)
    for number in range(3):
        it.turn(-1 if number % 2 else 1, 0)
        it.drive(0.09, 10)
        it.stand(20)
    it.turn(-1, 0)
    second = it.drive(5)
    it.stand(60)
    return StrangeDay(it, [first, second])


@day
def fuel_and_a_toll() -> StrangeDay:
    """A minute at a toll and nine in a queue with the key on; four at a pump with it off."""
    it = Stranger()
    it.stand(30)
    begin = begun(it)
    it.roll(10)
    it.tell()
    it.stand(1, every=0.5)
    it.roll(10)
    it.tell()
    it.stand(9, every=1)
    it.roll(10)
    first = ended(it, begin, 30)
    it.stand(4, every=1)
    second = it.drive(10)
    it.stand(60)
    return StrangeDay(it, [first, second], idle_min={0: 10})


@day
def canyon_with_bad_fixes_while_parked() -> StrangeDay:
    """80 m to all sides with an accuracy of 90 m, and then on."""
    it = Stranger(key=False, odometer=False)
    it.stand(30)
    first = it.drive(5)
    x, y = it.x, it.y
    for number in range(40):
        it.x = x + (80 if number % 2 else -20)
        it.y = y + (60 if number % 3 else -40)
        it.now += 180
        it.tell(0.0, acc=90)
    it.x, it.y = x, y
    it.stand(20)
    second = it.drive(5)
    it.stand(60)
    return StrangeDay(it, [first, second])


@day
def to_the_baker_and_back() -> StrangeDay:
    """300 m each, four minutes there with the key off, a fix every six seconds."""
    it = Stranger(every=0.1)
    it.stand(30)
    first = it.drive(0.3, 20)
    it.stand(4, every=1)
    it.turn(-1, 0)
    second = it.drive(0.3, 20)
    it.stand(60)
    return StrangeDay(it, [first, second])


ALL_DAYS = DAYS
"""These, and those of the other module."""
