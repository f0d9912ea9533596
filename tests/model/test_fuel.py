"""What a vehicle consumes since it was refuelled, by the level of its tank."""

from __future__ import annotations

from datetime import timedelta

from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.model.merge import merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    FixKind,
    Position,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
    VehicleUpdate,
)

RULES = Rules()


class Tank:
    """A vehicle that is heard of with each kilometre, and the level of its tank."""

    def __init__(self, *, step: float = 0.1, litres: float = 30.0) -> None:
        """Begin parked."""
        self.step, self.litres = step, litres
        self.km = 1000.0
        self.now = dt_util.utc_from_timestamp(1_772_400_000)
        self.vehicle: Vehicle | None = None
        self.stand(10)

    def hear(self, speed: float, *, swash: float = 0.0) -> None:
        """Have it tell where it is, and the rest."""
        readings: dict[str, Value] = {
            Reading.IGNITION: speed > 0,
            Reading.ODOMETER: self.km,
            Reading.FUEL: round((self.litres + swash) / self.step) * self.step,
        }
        group = ReadingGroup(name="io", measured_at=self.now, readings=readings)
        position = Position(
            latitude=40 + self.km / 111.195,
            longitude=4.0,
            accuracy=10,
            fixed_at=self.now,
            speed=speed,
            kind=FixKind.SATELLITE,
        )
        update = VehicleUpdate(
            vehicle_id="1", position=position, groups=(group,), heard_at=self.now
        )
        self.vehicle = merge(self.vehicle, update, RULES, self.now).vehicle

    def stand(self, minutes: int) -> None:
        """Stand, and be heard of each minute."""
        for _ in range(minutes):
            self.now += timedelta(minutes=1)
            self.hear(0)

    def drive(self, km: int, per_100_km: float = 7.0) -> None:
        """Drive at 60 km/h while the fuel swashes, then stand for ten minutes."""
        for number in range(km):
            self.now += timedelta(minutes=1)
            self.km += 1
            self.litres -= per_100_km / 100
            self.hear(60, swash=8 if number % 2 else -8)
        self.stand(10)

    def fill(self, litres: float) -> None:
        """Add some fuel while it stands."""
        self.litres += litres
        self.stand(10)

    @property
    def told(self) -> Value | None:
        """What it says that it consumes."""
        assert self.vehicle is not None
        return self.vehicle.readings.get(Reading.CONSUMPTION_SINCE_REFUEL)


def test_since_it_was_refuelled() -> None:
    """Not before that, nor on the first kilometres; a second time counts anew."""
    tank = Tank()
    tank.drive(60, 20)
    assert tank.told is None
    tank.fill(30)
    tank.drive(20)
    assert tank.told is None
    tank.drive(40)
    assert tank.told == pytest.approx(7, abs=0.3)
    tank.drive(80, 10)
    assert tank.told == pytest.approx((60 * 7 + 80 * 10) / 140, abs=0.3)
    tank.fill(20)
    tank.drive(50, 5)
    assert tank.told == pytest.approx(5, abs=0.4)


def test_level_in_coarse_steps() -> None:
    """Litres as a whole: known after 285 km."""
    tank = Tank(step=1.0, litres=20)
    tank.drive(14)
    tank.drive(15)
    tank.fill(60)
    tank.drive(120)
    tank.drive(120)
    assert tank.told is None
    tank.drive(60)
    assert tank.told == pytest.approx(7, abs=0.7)


def test_fuel_that_is_stolen_was_not_consumed() -> None:
    """It is gone while it stands."""
    tank = Tank()
    tank.fill(30)
    tank.drive(60)
    tank.fill(-15)
    tank.drive(60)
    assert tank.told == pytest.approx(7, abs=0.3)


def test_refuelled_before_the_first_level_was_read() -> None:
    """At the pump, within the minute in which no level is believed."""
    tank = Tank(litres=20)
    tank.drive(30)
    tank.litres += 25 + 0.07 * 29
    tank.drive(29)
    assert tank.told is None
    tank.drive(60, 6)
    assert tank.told == pytest.approx(6, abs=0.3)


@pytest.mark.parametrize("per_100_km", [0.2, 90.0])
def test_what_no_vehicle_consumes(per_100_km: float) -> None:
    """It is unknown, not shown."""
    tank = Tank(litres=100)
    tank.fill(100)
    tank.drive(100, per_100_km)
    tank.drive(30, per_100_km)
    assert tank.told is None
