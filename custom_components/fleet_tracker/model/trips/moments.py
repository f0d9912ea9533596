"""Moments: what is kept of a vehicle's news to find its trips, 29 bytes each.

A moment is all that was measured at one time. Two records of one time are joined, and
joining is the same in any order and however often a record comes, so that neither the
order of receipt nor repeats change what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, hypot, inf, isfinite, pi
from struct import Struct
from typing import NamedTuple

NO_PLACE = -(2**31)
UNKNOWN = 0xFFFF
NO_ODOMETER = 0xFFFFFFFF

OFF = 1
ON = 2
LOCKED = 4
UNLOCKED = 8
ENGINE = 16
"""What was told at a moment, as bits: off and on may both be, where a key was turned."""

_LAYOUT = Struct("<qiiHHIB")
SIZE = _LAYOUT.size
_DEGREE = 10_000_000
COURSE_STEP = 3
_COURSE_AT = 9
_ACCURACY_BITS = (1 << _COURSE_AT) - 1
METRES_PER_DEGREE = 111_195.08
_TURN = 360 * _DEGREE
_HALF_TURN = _TURN // 2
_HALF_RADIANS = pi / 360 / _DEGREE


class Moment(NamedTuple):
    """What was measured at one time: Unix ms, 1e-7 degrees, tenths of km/h, m."""

    at_ms: int
    latitude: int = NO_PLACE
    longitude: int = NO_PLACE
    quality: int = UNKNOWN
    """The accuracy in the lower 9 bits, and above them the course in steps of 3 degrees."""
    speed: int = UNKNOWN
    odometer: int = NO_ODOMETER
    told: int = 0

    @property
    def at(self) -> float:
        """The time in Unix seconds."""
        return self.at_ms / 1000

    @property
    def has_place(self) -> bool:
        """Whether a satellite fix was measured."""
        return self.latitude != NO_PLACE

    @property
    def accuracy(self) -> int | None:
        """The accuracy in m."""
        held = self.quality & _ACCURACY_BITS
        return None if held == _ACCURACY_BITS else held

    @property
    def course(self) -> int | None:
        """The course in degrees."""
        step = self.quality >> _COURSE_AT
        return (step - 1) * COURSE_STEP if 1 <= step <= 360 // COURSE_STEP else None

    @property
    def kmh(self) -> float | None:
        """The speed in km/h."""
        return None if self.speed == UNKNOWN else self.speed / 10


def moment(
    at: float,
    *,
    latitude: float | None = None,
    longitude: float | None = None,
    accuracy: float | None = None,
    speed: float | None = None,
    course: float | None = None,
    ignition: bool | None = None,
    locked: bool | None = None,
    engine: bool | None = None,
    odometer: float | None = None,
    told: int = 0,
) -> Moment:
    """Return a moment: Unix seconds, degrees, m, km/h, degrees, m. None says nothing.

    A place is given of satellite fixes only: others neither begin nor end a trip. ``told``
    are bits that were told beside the others.
    """
    if ignition is not None:
        told |= ON if ignition else OFF
    if locked is not None:
        told |= LOCKED if locked else UNLOCKED
    if engine:
        told |= ENGINE
    north = east = NO_PLACE
    if latitude is not None and longitude is not None:
        north, east = round(latitude * _DEGREE), round(longitude * _DEGREE)
    step = 0
    if course is not None and isfinite(course):
        step = round(course % 360 / COURSE_STEP) % (360 // COURSE_STEP) + 1
    quality = UNKNOWN & _ACCURACY_BITS
    if accuracy is not None:
        quality = _bounded(accuracy, _ACCURACY_BITS)
    return Moment(
        round(at * 1000),
        north,
        east,
        quality | step << _COURSE_AT,
        UNKNOWN if speed is None else _bounded(speed * 10, UNKNOWN),
        NO_ODOMETER if odometer is None else _bounded(odometer, NO_ODOMETER),
        told,
    )


def _bounded(value: float, unknown: int) -> int:
    """Return a number in whole steps, or what says that it is not known."""
    return min(round(value), unknown - 1) if 0 <= value < inf else unknown


def join(one: Moment, other: Moment) -> Moment:
    """Return what two records of one time say together, in whichever order they come."""
    if one == other:
        return one
    if one.latitude != NO_PLACE == other.latitude:
        first, second = one, other
    elif one.latitude == NO_PLACE != other.latitude:
        first, second = other, one
    else:
        first, second = sorted(
            (one, other), key=lambda it: (it.quality & _ACCURACY_BITS, it)
        )
    odometer = first.odometer
    if odometer == NO_ODOMETER or odometer < second.odometer != NO_ODOMETER:
        odometer = second.odometer
    return Moment(
        one.at_ms,
        first.latitude,
        first.longitude,
        first.quality,
        # The slower one counts: it arrived, or was about to leave.
        min(first.speed, second.speed),
        odometer,
        first.told | second.told,
    )


def metres(lat1: int, lon1: int, lat2: int, lon2: int) -> float:
    """Return how far two places are apart, on a plane that is true for a drive's step."""
    east = (lon2 - lon1 + _HALF_TURN) % _TURN - _HALF_TURN
    return (
        hypot(lat2 - lat1, east * cos((lat1 + lat2) * _HALF_RADIANS))
        * METRES_PER_DEGREE
        / _DEGREE
    )


def pack(one: Moment) -> bytes:
    """Return a moment in few bytes."""
    return _LAYOUT.pack(*one)


def unpack(packed: bytes, index: int) -> Moment:
    """Return a moment of many that were packed."""
    return Moment._make(_LAYOUT.unpack_from(packed, index * SIZE))


def unpacked(packed: bytes, start: int = 0) -> Iterator[Moment]:
    """Yield moments from one of them on."""
    return map(Moment._make, _LAYOUT.iter_unpack(packed[start * SIZE :]))


def count(packed: bytes) -> int:
    """Return how many moments are packed."""
    return len(packed) // SIZE


def position_of(packed: bytes, at_ms: int) -> int:
    """Return the index of the first moment that is not before a time."""
    low, high = 0, count(packed)
    while low < high:
        middle = (low + high) // 2
        if unpack(packed, middle).at_ms < at_ms:
            low = middle + 1
        else:
            high = middle
    return low
