"""What a VT3 tracker says that cannot be is not shown, and null is not known."""

from __future__ import annotations

from tests.simulators.vt3 import Vt3Simulator
from tests.simulators.world import HOME, Vehicle, parked

from .conftest import SERIAL
from .home import Home

MAXIMA = (2**32 - 1, 2**31 - 1, 2**16 - 1)
FORMS = [number * scale for number in MAXIMA for scale in (1, 0.1, 0.125, 0.001)]


def car(home: Home) -> Vehicle:
    """Return a car that has driven 123,456 km and is parked."""
    return parked(HOME, home.clock() - 3600, odometer=123_456_000.0)


async def tell(home: Home, tracker: Vt3Simulator, **values: object) -> None:
    """Let the tracker upload its OBD group with some values changed."""
    changed = {f"obd.{name}": value for name, value in values.items()}
    await tracker.send("obd/info", payload={**tracker._obd(), **changed})
    await home.settle()


async def test_maximum_of_an_integer_is_no_odometer(home: Home) -> None:
    """Told for hours, and over a reload; the next right one counts."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL, vehicle=car(home))
    assert home.state("sensor", "odometer", SERIAL).state == "123456.0"
    for form in FORMS:
        await home.elapse(600)
        await tell(home, tracker, odo=form, b_volt=min(form, 3212.75))
        assert home.state("sensor", "odometer", SERIAL).state == "123456.0", form
    await tell(home, tracker, odo=2**32 - 1)
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.hass.async_block_till_done()
    assert home.state("sensor", "odometer", SERIAL).state == "123456.0"
    await home.reconnect(tracker)
    await tell(home, tracker, odo=123_460.5)
    assert home.state("sensor", "odometer", SERIAL).state == "123460.5"


async def test_null_is_not_known_and_slow_things_stay(home: Home) -> None:
    """The lamp and the trouble codes are not what they were when the engine ran."""
    await home.listen(SERIAL)
    tracker = await home.connect(SERIAL, vehicle=car(home))
    await tell(home, tracker, mil=1, dtcs=3, f_lvl=62.5, c_temp=88)
    lamp = home.state("binary_sensor", "malfunction_indicator", SERIAL)
    before = home.coordinator.vehicles()[SERIAL].readings
    assert (lamp.state, before["trouble_codes"]) == ("on", 3)
    await home.elapse(60)
    names = ("mil", "dtcs", "odo", "f_lvl", "e_hours", "vin", "c_temp")
    await tell(home, tracker, **dict.fromkeys(names))
    lamp = home.state("binary_sensor", "malfunction_indicator", SERIAL)
    assert lamp.state == "unknown"
    readings = home.coordinator.vehicles()[SERIAL].readings
    assert not {"trouble_codes", "coolant_temperature"} & readings.keys()
    for slow in ("odometer", "fuel_level", "engine_hours", "vin"):
        assert readings[slow] == before[slow]
