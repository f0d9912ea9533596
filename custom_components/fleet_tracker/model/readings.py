"""The vocabulary of readings: one table for all vendors.

What two vendors call by one name is the same thing, in the same unit. A reading of which a
vehicle has several is written ``key:part``; the table knows it by its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
import math
from types import MappingProxyType

from .record import record, replace
from .vehicle import Reading, reading_parts

FASTEST_KMH = 300.0
HOUR = timedelta(hours=1)


class Unit(StrEnum):
    """The units of readings, written as Home Assistant writes them."""

    ASU = "asu"
    CELSIUS = "°C"
    CENTIMETRES = "cm"
    DECIBELS = "dB"
    DECIBEL_MILLIWATTS = "dBm"
    DEGREES = "°"
    DEGREES_PER_SECOND = "°/s"
    GRAVITIES = "g"
    HOURS = "h"
    KILOMETRES = "km"
    KILOMETRES_PER_HOUR = "km/h"
    KILOMETRES_PER_LITRE = "km/L"
    LITRES_PER_100_KM = "L/100 km"
    KILOPASCALS = "kPa"
    LITRES = "L"
    LITRES_PER_HOUR = "L/h"
    METRES = "m"
    MINUTES = "min"
    NEWTON_METRES = "Nm"
    PERCENT = "%"
    REVOLUTIONS_PER_MINUTE = "rpm"
    SECONDS = "s"
    VOLTS = "V"
    WATTS = "W"


_DECIMALS: Mapping[Unit, int] = MappingProxyType({Unit.KILOMETRES: 3, Unit.VOLTS: 3})
"""Decimals of metres and millivolts. Nobody measures a thousandth of anything else."""


_STEPS: Mapping[Unit, float] = MappingProxyType(
    {Unit.KILOMETRES: 1.0, Unit.HOURS: 0.1, Unit.SECONDS: 60.0}
)
"""By how much a counter grows until a person sees a difference."""


@record(frozen=True, slots=True)
class GrowthLimit:
    """How much a reading can grow, in its own unit: per hour, and once on top of it.

    ``most`` is what no vehicle reaches. ``resets`` says that it falls by itself: counters
    of a day, a drive, or since something. 0 of a counter that is ``never_zero`` is sent by
    trackers that do not know it.
    """

    per_hour: float
    slack: float
    most: float
    resets: bool = False
    never_zero: bool = False

    def allows(self, before: float, after: float, time: timedelta) -> bool:
        """Tell whether a value can have followed another one after a time."""
        slack = self.slack
        if before == int(before) and after == int(after):
            # A counter of whole units may have been about to step.
            slack = max(slack, 1.0)
        most = self.per_hour * max(time, timedelta()) / HOUR + slack
        return before <= after <= before + most


@record(frozen=True, slots=True, kw_only=True)
class ReadingKind:
    """A reading: its unit, its plausible values, and whether it is private."""

    unit: Unit | None = None
    least: float = -math.inf
    most: float = math.inf
    """The greatest plausible value: no vehicle needs a greater one."""
    growth: GrowthLimit | None = None
    """How it grows, where it only does that."""
    is_final: bool = False
    """Whether it is told when all is over, as of the last trip: it does not step."""
    private: bool = False
    """Whether it says whose or where a vehicle is, so that the diagnostics leave it out."""

    @property
    def decimals(self) -> int:
        """How many decimals are measured. More of them are a computer's noise."""
        return 2 if self.unit is None else _DECIMALS.get(self.unit, 2)

    @property
    def step(self) -> float:
        """By how much a counter grows until it is shown anew on the way, 0 for at once.

        Each new state is a row of the recorder, and a counter of metres would have one with
        every fix.
        """
        if self.growth is None or self.unit is None or self.is_final:
            return 0.0
        return _STEPS.get(self.unit, 0.0)

    def can_be(self, value: float) -> bool:
        """Tell whether a number can be what the reading says."""
        return self.least <= value <= self.most


def _kind(unit: Unit | None, least: float, most: float) -> ReadingKind:
    return ReadingKind(unit=unit, least=least, most=most)


def _grows(unit: Unit | None, growth: GrowthLimit) -> ReadingKind:
    return ReadingKind(unit=unit, growth=growth)


_KM = GrowthLimit(FASTEST_KMH, 10, most=1e7, never_zero=True)
_KM_SINCE = replace(_KM, resets=True, never_zero=False)
_KM_OF_A_DAY = replace(_KM_SINCE, most=24 * FASTEST_KMH + 10)
_HOURS = GrowthLimit(1, 1 / 6, most=1e6, never_zero=True)
_MINUTES_SINCE = GrowthLimit(60, 10, most=6e7, resets=True)
_SECONDS = GrowthLimit(3600, 600, most=3.6e9)
_SECONDS_SINCE = replace(_SECONDS, resets=True)
_LITRES_SINCE = GrowthLimit(200, 50, most=1e6, resets=True)
_CYCLES = GrowthLimit(1, 5, most=1e5, resets=True)

_ODOMETER = _grows(Unit.KILOMETRES, _KM)
_DISTANCE_SINCE = _grows(Unit.KILOMETRES, _KM_SINCE)
_SECONDS_OF_A_DRIVE = _grows(Unit.SECONDS, _SECONDS_SINCE)
_MINUTES = _grows(Unit.MINUTES, _MINUTES_SINCE)

_PERCENT = _kind(Unit.PERCENT, 0, 100)
_TORQUE_PERCENT = _kind(Unit.PERCENT, -250, 250)
_VOLTS = _kind(Unit.VOLTS, 0, 1_000)
_CELSIUS = _kind(Unit.CELSIUS, -273.15, 1_500)
_KMH = _kind(Unit.KILOMETRES_PER_HOUR, 0, 1_000)
_KILOPASCALS = _kind(Unit.KILOPASCALS, 0, 1_000_000)
_LITRES = _kind(Unit.LITRES, 0, 1_000_000)
_CENTIMETRES = _kind(Unit.CENTIMETRES, 0, 10_000)
_DECIBELS = _kind(Unit.DECIBELS, -300, 300)
_DECIBEL_MILLIWATTS = _kind(Unit.DECIBEL_MILLIWATTS, -300, 300)
_COUNT = _kind(None, 0, 1_000)
_DILUTION = _kind(None, 0, 1_000)
_ANGLE = _kind(Unit.DEGREES, -36_000, 36_000)
_PRIVATE = ReadingKind(private=True)


def _all(kind: ReadingKind, keys: Iterable[str]) -> dict[str, ReadingKind]:
    return dict.fromkeys(keys, kind)


KINDS: Mapping[str, ReadingKind] = MappingProxyType(
    {
        # --- what only grows; no vendor tells a consumption but that of a drive
        Reading.ODOMETER: _ODOMETER,
        "obd_odometer": _ODOMETER,
        "obd_mileage": _ODOMETER,
        "tracker_mileage": _ODOMETER,
        "engine_hours": _grows(Unit.HOURS, _HOURS),
        "riding_time": _grows(Unit.SECONDS, _SECONDS),
        # of a day
        Reading.DISTANCE_TODAY: _grows(Unit.KILOMETRES, _KM_OF_A_DAY),
        # of a drive: it began after the one before had ended
        "trip_meter": _DISTANCE_SINCE,
        Reading.LAST_TRIP_DISTANCE: replace(_DISTANCE_SINCE, is_final=True),
        Reading.LAST_TRIP_DURATION: replace(_SECONDS_OF_A_DRIVE, is_final=True),
        Reading.LAST_TRIP_IDLE_TIME: replace(_SECONDS_OF_A_DRIVE, is_final=True),
        Reading.LAST_TRIP_CONSUMPTION: _grows(Unit.LITRES, _LITRES_SINCE),
        # since the engine was started, or a lamp went on or off
        "engine_run_time": _SECONDS_OF_A_DRIVE,
        "distance_with_malfunction": _DISTANCE_SINCE,
        "distance_since_cleared": _DISTANCE_SINCE,
        "time_with_malfunction": _MINUTES,
        "time_since_cleared": _MINUTES,
        # of a battery that can be swapped
        "pack_cycles": _grows(None, _CYCLES),
        # --- what does not
        **_all(
            _PERCENT,
            (
                *(Reading.BATTERY, Reading.TRACKER_BATTERY, Reading.FUEL_LEVEL),
                *(Reading.HUMIDITY, Reading.THROTTLE_POSITION, "signal"),
                *("pack_charge", "fuel_sensor_level", "accelerator_position"),
                *("exhaust_fluid_level", "exhaust_fluid_tank_level"),
            ),
        ),
        **_all(
            _TORQUE_PERCENT,
            (
                Reading.ENGINE_LOAD,
                "friction_torque",
                "available_torque",
                "engine_torque",
            ),
        ),
        **_all(
            _VOLTS,
            (
                *(Reading.VEHICLE_VOLTAGE, Reading.TRACKER_VOLTAGE),
                *("battery_voltage", "lock_voltage", "pack_voltage"),
                *("fuel_sensor_voltage", "fuel_voltage", "analog_input"),
            ),
        ),
        **_all(
            _CELSIUS,
            (
                *(
                    Reading.TEMPERATURE,
                    Reading.COOLANT_TEMPERATURE,
                    "ambient_temperature",
                ),
                *("oil_temperature", "intake_temperature", "pack_temperature"),
            ),
        ),
        **_all(
            _KMH,
            (
                Reading.SPEED,
                Reading.OBD_SPEED,
                Reading.LAST_TRIP_AVERAGE_SPEED,
                Reading.LAST_TRIP_TOP_SPEED,
            ),
        ),
        **_all(
            _KILOPASCALS,
            (
                *(Reading.INTAKE_PRESSURE, "fuel_pressure", "fuel_rail_pressure"),
                *("brake_pressure", "barometric_pressure"),
            ),
        ),
        **_all(_LITRES, (Reading.FUEL, "fuel_sensor_volume")),
        **_all(_CENTIMETRES, ("fuel_height", "fuel_sensor_height")),
        **_all(_DECIBELS, ("rsrq", "sinr")),
        **_all(_DECIBEL_MILLIWATTS, ("rssi", "rsrp")),
        **_all(
            _COUNT,
            (
                *(Reading.SATELLITES, Reading.TROUBLE_CODES, "signal_level"),
                *("seat_cask_helmets", "tailbox_helmets"),
            ),
        ),
        **_all(_DILUTION, (Reading.HDOP, "pdop")),
        **_all(_ANGLE, ("roll", "pitch", "yaw", "steering_wheel_angle")),
        Reading.ALTITUDE: _kind(Unit.METRES, -1_000, 100_000),
        "signal_strength": _kind(Unit.ASU, 0, 1_000),
        Reading.COURSE: _kind(Unit.DEGREES, 0, 360),
        Reading.ENGINE_SPEED: _kind(Unit.REVOLUTIONS_PER_MINUTE, 0, 30_000),
        Reading.DISTANCE_TO_SERVICE: _kind(Unit.KILOMETRES, -1e7, 1e7),
        "remaining_range": _kind(Unit.KILOMETRES, 0, 10_000),
        "current_power": _kind(Unit.WATTS, -1_000_000, 1_000_000),
        "upload_interval": _kind(Unit.SECONDS, 0, 3_600),
        "acceleration": _kind(Unit.GRAVITIES, -1_000, 1_000),
        "rotation": _kind(Unit.DEGREES_PER_SECOND, -100_000, 100_000),
        "reference_torque": _kind(Unit.NEWTON_METRES, 0, 1_000_000),
        "fuel_rate": _kind(Unit.LITRES_PER_HOUR, 0, 10_000),
        Reading.CONSUMPTION_SINCE_REFUEL: _kind(Unit.LITRES_PER_100_KM, 0, 100),
        "fuel_economy": _kind(Unit.KILOMETRES_PER_LITRE, 0, 1_000),
        # --- private
        **_all(
            _PRIVATE,
            (
                *(Reading.ADDRESS, Reading.DRIVER_NAME, Reading.ICCID, Reading.SIM),
                *(Reading.VIN, "imei", "imsi", "ip_address", "gateway", "hostname"),
                *("location_area", "cell", "serial_number", "custom"),
            ),
        ),
    }
)
"""By the reading without its part. What is not in it is a text, a time, or yes or no."""

_UNKNOWN = ReadingKind()


@lru_cache(maxsize=4096)
def kind_of(reading: str) -> ReadingKind:
    """Return what a reading, or a part of one, is."""
    return KINDS.get(reading_parts(reading)[0], _UNKNOWN)
