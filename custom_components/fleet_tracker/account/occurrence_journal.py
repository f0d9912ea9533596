"""The file of an account's occurrences: those still to fire, and those that fired.

A vendor does not send again what was answered with success. So an occurrence is on disk
before the answer, and fires after the next start if it has not fired before.

News of trips follows from all that was heard of a vehicle, and the vehicles are stored every
few minutes only. So its trips are written here together with the news of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_dumps
from homeassistant.util.json import json_loads_object

from ..const import DOMAIN, LOGGER
from ..model.json_values import Json
from ..model.trips.log import TripLog
from ..model.vehicle import Occurrence
from .codec import from_json, to_json
from .line_file import LineFile
from .set_aside import async_set_aside

AT_ONCE = 100
"""Lines that are read or made before the event loop gets its turn."""
MOST_DEAD_LINES = 5000
"""A file with so many outdated lines is worth writing anew."""
MOST_DEAD_BYTES = 4 * 1024 * 1024
"""The same, of outdated lines of trips, which are long."""

# What a line tells of, and what belongs to it.
_RECEIVED, _VEHICLE, _OCCURRENCE = "received", "vehicle", "occurrence"
_DONE = "done"
_FIRED = "fired"
_PAST = "past"
_FORGOTTEN = "forgotten"
_DERIVED = "derived"
_TRIPS, _NUMBER = "trips", "number"
_STORED = "stored"


@dataclass(frozen=True, slots=True, eq=False)
class Receipt:
    """An occurrence that came in and has to fire, or that follows from what came in."""

    number: int
    vehicle_id: str
    occurrence: Occurrence
    is_derived: bool = False


@dataclass(frozen=True, slots=True)
class _Trips:
    """The line of the trips of a vehicle."""

    number: int
    line: str


class OccurrenceJournal:
    """The file of one config entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file; `async_load` reads it.

        ``set_aside`` names the copy of a file that could not be read as a whole.
        """
        self._hass = hass
        self.set_aside: list[str] = []
        self._file = LineFile(hass, journal_name(entry_id))
        self._next_number = 0
        self._open: dict[int, Receipt] = {}
        self._trips: dict[str, _Trips] = {}
        """The trips that the stored vehicles do not know yet, by vehicle."""
        self._bytes_of_trips = 0
        self._lines = 0
        self._is_rewriting = False
        self._is_damaged = False

    async def async_load(
        self,
        on_past: Callable[[str, Mapping[str, Json]], None],
        on_fired: Callable[[str, Sequence[Json]], None],
        on_forgotten: Callable[[str], None],
    ) -> list[Receipt]:
        """Read the file: replay what fired, and return what still has to fire.

        A file with lines that cannot be read is set aside, and these lines are passed over.
        The callbacks raise ValueError for such lines. The last line may have been cut off
        by a crash: then no sender was told that it is kept.
        """
        try:
            lines = await self._file.async_load()
        except OSError as err:
            LOGGER.warning("Stored occurrences cannot be read: %s", type(err).__name__)
            return []
        unreadable = 0
        for index, line in enumerate(lines, start=1):
            try:
                match json_loads_object(line):
                    case {"received": int() as number, **told}:
                        self._next_number = max(self._next_number, number + 1)
                        self._open[number] = _receipt(number, told)
                    case {"done": int() as number}:
                        self._open.pop(number, None)
                    case {"fired": list() as row, "vehicle": str() as vehicle_id}:
                        on_fired(vehicle_id, row)
                    case {"past": dict() as past, "vehicle": str() as vehicle_id}:
                        on_past(vehicle_id, past)
                    case {"forgotten": str() as vehicle_id}:
                        self._trips.pop(vehicle_id, None)
                        on_forgotten(vehicle_id)
                    case {
                        "trips": dict(),
                        "number": int() as number,
                        "vehicle": str() as vehicle_id,
                    }:
                        self._next_number = max(self._next_number, number + 1)
                        self._put_trips(vehicle_id, _Trips(number, line))
                    case {"stored": int() as mark}:
                        self._drop_stored(mark)
                    case _:
                        unreadable += 1
            except (KeyError, TypeError, ValueError):
                unreadable += 1
            if index % AT_ONCE == 0:
                await asyncio.sleep(0)
        if unreadable:
            LOGGER.warning("%d stored occurrences cannot be read", unreadable)
            copy = await async_set_aside(self._hass, self._file.path)
            if copy is not None:
                self.set_aside.append(copy)
                self._is_damaged = True
        self._lines = len(lines)
        return list(self._open.values())

    @property
    def is_saved(self) -> bool:
        """Whether everything is on disk."""
        return self._file.is_saved

    def add_received(
        self, vehicle_id: str, occurrence: Occurrence, *, is_derived: bool = False
    ) -> Receipt:
        """Note an occurrence that has to fire."""
        receipt = Receipt(self._next_number, vehicle_id, occurrence, is_derived)
        self._next_number += 1
        self._open[receipt.number] = receipt
        self._add(_received(receipt))
        return receipt

    def note_done(self, receipt: Receipt | None) -> None:
        """Note that an occurrence fired, or never has to."""
        if receipt is not None and self._open.pop(receipt.number, None) is not None:
            self._add({_DONE: receipt.number})

    def add_fired(self, vehicle_id: str, row: Sequence[Json]) -> None:
        """Note a fired occurrence by the facts that identify its replays."""
        self._add({_FIRED: row, _VEHICLE: vehicle_id})

    def add_past(self, vehicle_id: str, past: Json) -> None:
        """Note all fired occurrences of a vehicle, in place of the earlier notes."""
        self._add({_PAST: past, _VEHICLE: vehicle_id})

    def add_forgotten(self, vehicle_id: str) -> None:
        """Note that a vehicle is gone, with all its occurrences."""
        for receipt in list(self._open.values()):
            if receipt.vehicle_id == vehicle_id:
                self.note_done(receipt)
        self._trips.pop(vehicle_id, None)
        self._add({_FORGOTTEN: vehicle_id})

    # --- trips ------------------------------------------------------------------------------

    def add_trips(self, vehicle_id: str, trips: TripLog) -> None:
        """Note the trips of a vehicle as they are with what is about to be told of them."""
        line = json_dumps(
            {
                _TRIPS: to_json(trips),
                _NUMBER: self._next_number,
                _VEHICLE: vehicle_id,
            }
        )
        self._put_trips(vehicle_id, _Trips(self._next_number, line))
        self._next_number += 1
        self._lines += 1
        self._file.add(line)

    def _put_trips(self, vehicle_id: str, trips: _Trips) -> None:
        self._trips[vehicle_id] = trips
        self._bytes_of_trips += len(trips.line)

    def trips(self, vehicle_id: str) -> TripLog | None:
        """Return the trips of a vehicle, None where those stored with it are as new.

        Raises an error of any kind for what cannot be read.
        """
        noted = self._trips.get(vehicle_id)
        if noted is None:
            return None
        return from_json(TripLog, json_loads_object(noted.line)[_TRIPS])

    @property
    def mark(self) -> int:
        """The number of the next line. `note_stored` with it covers all lines until now."""
        return self._next_number

    def note_stored(self, mark: int) -> None:
        """Note that vehicles are on disk as they were at a mark, or as they were later."""
        if self._drop_stored(mark):
            self._add({_STORED: mark})

    def _drop_stored(self, mark: int) -> bool:
        """Drop the trips from before a mark, and tell whether there were any."""
        stored = [key for key, one in self._trips.items() if one.number < mark]
        for vehicle_id in stored:
            del self._trips[vehicle_id]
        return bool(stored)

    # --- the file ---------------------------------------------------------------------------

    def _add(self, line: Mapping[str, object]) -> None:
        self._lines += 1
        self._file.add(json_dumps(line))

    async def async_write(self) -> None:
        """Write all notes to disk. Raises OSError if that fails."""
        await self._file.async_write()

    async def async_tidy(
        self, pasts: Callable[[], Iterable[tuple[str, Json]]], live: int
    ) -> None:
        """Write the file anew, if most of it says nothing any more or it is damaged.

        ``pasts`` yields what `async_load` will read of each vehicle, ``live`` is the number
        of fired occurrences that are still known. Raises OSError when that failed.
        """
        is_worth_it = (
            self._is_damaged
            or self._lines > 2 * live + MOST_DEAD_LINES
            or self._bytes_of_trips > 2 * self._live_bytes + MOST_DEAD_BYTES
        )
        if self._is_rewriting or not is_worth_it:
            return

        async def make_lines() -> list[str]:
            lines = [json_dumps(_received(one)) for one in self._open.values()]
            lines += [one.line for one in self._trips.values()]
            self._bytes_of_trips = self._live_bytes
            for index, (vehicle_id, past) in enumerate(pasts(), start=1):
                lines.append(json_dumps({_PAST: past, _VEHICLE: vehicle_id}))
                if index % AT_ONCE == 0:
                    await asyncio.sleep(0)
            self._lines = len(lines)
            return lines

        self._is_rewriting = True
        try:
            await self._file.async_rewrite(make_lines)
            self._is_damaged = False
        finally:
            self._is_rewriting = False

    @property
    def _live_bytes(self) -> int:
        return sum(len(one.line) for one in self._trips.values())


def journal_name(entry_id: str) -> str:
    """Return the name of a config entry's file."""
    return f"{DOMAIN}.{entry_id}.occurrences"


def _received(receipt: Receipt) -> Mapping[str, object]:
    return {
        _RECEIVED: receipt.number,
        _VEHICLE: receipt.vehicle_id,
        _OCCURRENCE: to_json(receipt.occurrence),
        **({_DERIVED: True} if receipt.is_derived else {}),
    }


def _receipt(number: int, told: Mapping[str, object]) -> Receipt:
    if not isinstance(vehicle_id := told[_VEHICLE], str):
        raise TypeError("no vehicle")
    occurrence = from_json(Occurrence, told[_OCCURRENCE])
    return Receipt(number, vehicle_id, occurrence, told.get(_DERIVED) is True)
