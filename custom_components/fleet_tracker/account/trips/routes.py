"""The ways of the last trips of each vehicle, in one file that is appended to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_dumps
from homeassistant.util.json import JsonValueType, json_loads_array

from ...model.trips.route import Route, packed, unpacked_route
from ..line_file import LineFile
from .records import vehicle_of

MOST_OF_A_VEHICLE = 50
MOST_BYTES = 20 * 1024 * 1024
BYTES_AFTER_TIDYING = 15 * 1024 * 1024
LEAST_DEAD = 10
LONGEST_ID = 20
DEAD_PART = 4
"""The file is written anew once a fifth of its lines says nothing any more."""

_GONE = '["gone"'

type _Key = tuple[str, str]


class RouteFile:
    """The kept ways. Only how many there are is in memory."""

    def __init__(self, hass: HomeAssistant, name: str) -> None:
        """Initialize with the file's name; `async_load` reads it."""
        self._hass = hass
        self._file = LineFile(hass, name)
        self._bytes = 0
        self._lines = 0
        self._of_vehicle: Counter[str] = Counter()

    async def async_load(self) -> None:
        """Count what is kept. Raises OSError."""
        self._count(await self._file.async_lines())

    def _count(self, lines: Iterable[str]) -> None:
        self._bytes = self._lines = 0
        self._of_vehicle.clear()
        for line in lines:
            self._note(vehicle_of(line), line)

    def _note(self, vehicle_id: str | None, line: str) -> None:
        self._bytes += len(line) + 1
        self._lines += 1
        if vehicle_id is not None:
            self._of_vehicle[vehicle_id] += 1

    def add(self, vehicle_id: str, trip_id: str, route: Route) -> None:
        """Add the way of a trip, in place of one that is kept of it."""
        line = json_dumps(["route", vehicle_id, trip_id, *packed(route)])
        self._file.add(line)
        self._note(vehicle_id, line)

    def add_gone(self, vehicle_id: str, trip_id: str) -> None:
        """Note that there is no such trip any more."""
        line = json_dumps(["gone", vehicle_id, trip_id])
        self._file.add(line)
        self._note(vehicle_id, line)

    @property
    def is_saved(self) -> bool:
        """Whether everything is on disk."""
        return self._file.is_saved

    async def async_save(self) -> None:
        """Have all lines on disk, and drop what is too old. Raises OSError."""
        await self._file.async_write()
        dead = sum(
            max(0, count - MOST_OF_A_VEHICLE) for count in self._of_vehicle.values()
        )
        live = self._lines - dead
        if self._bytes > MOST_BYTES or dead > max(LEAST_DEAD, live // DEAD_PART):
            await self._async_choose(newest)

    async def async_close(self) -> None:
        """Write nothing any more, once a write that goes on is over."""
        await self._file.async_close()

    async def async_forget(self, vehicle_ids: frozenset[str]) -> None:
        """Remove the ways of vehicles. Raises OSError when that failed."""
        await self._async_choose(
            lambda lines: [one for one in lines if vehicle_of(one) not in vehicle_ids]
        )

    async def _async_choose(self, choose: Callable[[list[str]], list[str]]) -> None:
        await self._file.async_filter(choose)
        self._count(await self._file.async_lines())

    async def async_route(self, vehicle_id: str, trip_id: str) -> Route | None:
        """Return the way of a trip, None if none is kept. Raises OSError."""
        lines = await self._file.async_lines()
        return await self._hass.async_add_executor_job(
            _find, lines, (vehicle_id, trip_id)
        )


def newest(lines: Sequence[str]) -> list[str]:
    """Return the lines of the last trips of each vehicle, no more bytes than are kept."""
    last: dict[_Key, str] = {}
    for line in lines:
        if (key := _key(line)) is not None:
            last[key] = line
    of_vehicle: Counter[str] = Counter()
    kept: list[tuple[int, str]] = []
    size = 0
    for key, line in sorted(last.items(), key=lambda one: -_order(one[0])):
        vehicle_id = key[0]
        if line.startswith(_GONE) or of_vehicle[vehicle_id] >= MOST_OF_A_VEHICLE:
            continue
        size += len(line) + 1
        if size > BYTES_AFTER_TIDYING:
            break
        of_vehicle[vehicle_id] += 1
        kept.append((_order(key), line))
    return [line for _, line in sorted(kept)]


def _order(key: _Key) -> int:
    """Return when a trip began: that is its identity."""
    return int(key[1]) if key[1].isdecimal() and len(key[1]) < LONGEST_ID else 0


def _key(line: str) -> _Key | None:
    try:
        _, vehicle_id, trip_id, *_ = json_loads_array(line)
    except ValueError:
        return None
    if isinstance(vehicle_id, str) and isinstance(trip_id, str):
        return vehicle_id, trip_id
    return None


def _find(lines: Sequence[str], key: _Key) -> Route | None:
    wanted = json_dumps(list(key))[1:-1]
    for line in reversed(lines):
        if wanted not in line or _key(line) != key:
            continue
        if line.startswith(_GONE):
            return None
        try:
            # Before speeds were kept, there were none behind.
            _, _, _, way, times, gaps, *more = json_loads_array(line)
            speeds = more[0] if more else ""
            if (
                isinstance(way, str)
                and isinstance(times, str)
                and isinstance(speeds, str)
            ):
                return unpacked_route(way, times, _numbers(gaps), speeds)
        except (TypeError, ValueError):
            return None
    return None


def _numbers(value: JsonValueType) -> list[int]:
    """Return a list of whole numbers. Raises TypeError for anything else."""
    numbers: list[int] = []
    if not isinstance(value, list):
        raise TypeError("no list")
    for one in value:
        if not isinstance(one, int):
            raise TypeError("no list of whole numbers")
        numbers.append(one)
    return numbers
