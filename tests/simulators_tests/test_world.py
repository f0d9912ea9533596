"""The world in which the simulated vehicles live."""

from __future__ import annotations

from hypothesis import given, strategies as st
import pytest

from tests.simulators import world
from tests.simulators.world import (
    HOME,
    HOME_ZONE,
    Event,
    Happening,
    Place,
    Route,
    Vehicle,
    Zone,
    drive,
    stand,
)

NOW = 1_760_000_000.0

places = st.builds(
    Place,
    st.floats(-80, 80, allow_subnormal=False),
    st.floats(-179, 179, allow_subnormal=False),
)


def test_distance_of_two_known_places() -> None:
    """A degree of latitude is 111.2 km; courses run clockwise from north."""
    assert Place(0, 0).distance(Place(1, 0)) == pytest.approx(111_195, abs=1)
    assert Place(0, 0).course(Place(0, 1)) == pytest.approx(90)
    assert Place(0, 0).course(Place(-1, 0)) == pytest.approx(180)


@given(places, st.floats(0, 359), st.floats(1, 500_000))
def test_going_away_on_a_course(start: Place, course: float, metres: float) -> None:
    """Whoever goes so far on a course is so far away, on that course."""
    end = start.away(course, metres)
    assert start.distance(end) == pytest.approx(metres, rel=1e-6, abs=1e-3)
    assert (start.course(end) - course + 180) % 360 == pytest.approx(180, abs=0.1)


@given(places, st.floats(0, 359), st.floats(10, 500_000), st.floats(0, 1))
def test_share_of_a_way(
    start: Place, course: float, metres: float, share: float
) -> None:
    """A share of the way is that share of the distance."""
    end = start.away(course, metres)
    here = start.towards(end, share)
    assert start.distance(here) == pytest.approx(share * metres, rel=1e-5, abs=0.01)


def test_a_route_is_passed_leg_by_leg() -> None:
    """Course and place follow the legs; beyond the end there is only the end."""
    corner = HOME.away(0, 1000)
    route = Route(HOME, corner, corner, corner.away(90, 500))
    assert route.length == pytest.approx(1500, abs=0.01)
    assert route.at(0)[0].distance(HOME) < 0.01
    place, course = route.at(1250)
    assert place.distance(corner) == pytest.approx(250, abs=0.01)
    assert course == pytest.approx(90, abs=0.1)
    assert route.at(9999)[0].distance(route.places[-1]) < 0.01
    halt = Route(HOME, corner, corner)
    assert halt.at(halt.length) == (corner, 0)
    assert HOME.towards(HOME, 0.5) == HOME
    with pytest.raises(ValueError, match="two places"):
        Route(HOME)


def errand() -> tuple[Route, Vehicle]:
    """Return a vehicle that goes 1 km north and back in a cycle of 280 s."""
    out = Route(HOME, HOME.away(0, 1000))
    back = Route(out.places[1], HOME)
    vehicle = Vehicle(
        HOME,
        stand(20, door_open=True),
        drive(out, 36, (50, Happening.SPEEDING)),
        stand(60),
        drive(back, 36),
        start=NOW,
        odometer=5000,
    )
    return out, vehicle


def test_a_life_is_a_function_of_time() -> None:
    """Place, speed and odometer at a time do not depend on what was asked before."""
    _, vehicle = errand()
    cycle = 20 + 100 + 60 + 100
    later = vehicle.at(NOW + 3 * cycle + 70)
    assert later.odometer == pytest.approx(5000 + 3 * 2000 + 500, abs=0.1)
    assert later.place.distance(HOME) == pytest.approx(500, abs=0.1)
    assert later.speed == pytest.approx(36, abs=0.1)
    assert later.ignition
    before = vehicle.at(NOW - 500)
    assert (before.place, before.odometer, before.speed) == (HOME, 5000, 0)
    assert vehicle.distance(NOW, NOW + cycle) == pytest.approx(2000, abs=0.1)


def test_happenings_and_crossings() -> None:
    """Changes of ignition and door, alarms, and the zone, each at its second."""
    _, vehicle = errand()
    assert vehicle.happenings(NOW, NOW + 300) == [
        Event(NOW + 20, Happening.IGNITION_ON),
        Event(NOW + 20, Happening.DOOR_CLOSED),
        Event(NOW + 70, Happening.SPEEDING),
        Event(NOW + 120, Happening.IGNITION_OFF),
        Event(NOW + 180, Happening.IGNITION_ON),
        Event(NOW + 280, Happening.IGNITION_OFF),
        Event(NOW + 280, Happening.DOOR_OPENED),
        Event(NOW + 300, Happening.IGNITION_ON),
        Event(NOW + 300, Happening.DOOR_CLOSED),
    ]
    assert vehicle.happenings(NOW + 71, NOW + 119) == []
    home = Zone(HOME, 105)
    assert vehicle.crossings(home, NOW, NOW + 280) == [
        Event(NOW + 31, Happening.LEFT, home),
        Event(NOW + 270, Happening.ENTERED, home),
    ]
    edge = Zone(HOME.away(0, 1000), 1.0)
    assert [event.time for event in vehicle.crossings(edge, NOW + 120, NOW + 181)] == [
        NOW + 120,
        NOW + 181,
    ]


def test_ignition_since() -> None:
    """The ignition's age outlives stages and plans that leave it as it is."""
    _, vehicle = errand()
    assert vehicle.ignition_since(NOW + 5) == NOW
    assert vehicle.ignition_since(NOW + 100) == NOW + 20
    assert vehicle.ignition_since(NOW + 290) == NOW + 280
    vehicle.live(NOW + 300, stand(10, ignition=True), repeat=True)
    assert vehicle.ignition_since(NOW + 5000) == NOW + 300
    vehicle.live(NOW + 6000, stand(10, ignition=True), stand(10))
    assert vehicle.ignition_since(NOW + 6005) == NOW + 300
    assert vehicle.ignition_since(NOW + 6500) == NOW + 6010


def test_another_plan_takes_over_where_the_vehicle_is() -> None:
    """A plan cuts the one before short; after its last stage the vehicle rests."""
    _, vehicle = errand()
    vehicle.live(NOW + 70, stand(5, ignition=True), stand(5, door_open=True))
    assert vehicle.at(NOW + 69).speed > 0
    state = vehicle.at(NOW + 9000)
    assert state.place.distance(HOME) == pytest.approx(500, abs=0.1)
    assert state.odometer == pytest.approx(5500, abs=0.1)
    assert (state.speed, state.ignition, state.door_open) == (0, False, True)
    assert [event.what for event in vehicle.happenings(NOW + 60, NOW + 9000)] == [
        Happening.IGNITION_OFF,
        Happening.DOOR_OPENED,
    ]
    assert vehicle.crossings(HOME_ZONE, NOW + 70, NOW + 9000) == []
    with pytest.raises(ValueError, match="latest change"):
        vehicle.live(NOW, stand(1))


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        ((stand(0),), "at least a second"),
        ((drive(Route(HOME.away(0, 50), HOME), 30),), "where the vehicle is"),
        ((drive(Route(HOME, HOME.away(0, 50)), 30),), "where it began"),
    ],
)
def test_impossible_plans(stages: tuple[world.Stage, ...], problem: str) -> None:
    """Nobody jumps, and nothing takes no time."""
    with pytest.raises(ValueError, match=problem):
        Vehicle(HOME, *stages, start=NOW)


def test_reports() -> None:
    """A tracker reports at each change, and every so often while it drives."""
    _, vehicle = errand()
    assert list(vehicle.reports(NOW, NOW + 125, driving=30)) == [
        NOW,
        NOW + 20,
        NOW + 50,
        NOW + 80,
        NOW + 110,
        NOW + 120,
    ]
    assert list(vehicle.reports(NOW + 125, NOW + 175, driving=30)) == []
    assert list(vehicle.reports(NOW + 125, NOW + 175, driving=30, standing=25)) == [
        NOW + 145,
        NOW + 170,
    ]


@given(st.integers(-100, 2000), st.integers(1, 50), st.none() | st.integers(1, 50))
def test_last_report_is_the_last_of_the_reports(
    seconds: int, driving: int, standing: int | None
) -> None:
    """What a tracker told last is the last of all that it told."""
    _, vehicle = errand()
    time = NOW + seconds
    last = vehicle.last_report(time, driving=driving, standing=standing)
    reports = list(vehicle.reports(NOW, time, driving=driving, standing=standing))
    assert last == (reports[-1] if reports else NOW)


def test_the_demo_is_lively() -> None:
    """Within three minutes the van does everything that the demo promises."""
    van = world.town_van(NOW)
    happenings = {event.what for event in van.happenings(NOW, NOW + 180)}
    assert happenings >= {
        Happening.IGNITION_ON,
        Happening.IGNITION_OFF,
        Happening.DOOR_OPENED,
        Happening.DOOR_CLOSED,
        Happening.VIBRATION,
    }
    crossings = van.crossings(HOME_ZONE, NOW, NOW + 180)
    assert [event.what for event in crossings] == [Happening.LEFT, Happening.ENTERED]
    assert van.distance(NOW - 86_000, NOW) > 100_000
    truck = world.ring_truck(NOW)
    assert all(truck.at(NOW + second).speed > 70 for second in range(0, 600, 7))
    scooter = world.errand(NOW, HOME, 200, 600)
    assert scooter.crossings(HOME_ZONE, NOW, NOW + 180)
    car = world.parked(HOME, NOW)
    assert car.at(NOW + 1e6).place == HOME
    assert car.last_report(NOW + 1e6, driving=10) == NOW
