"""The file of the trips of one month, of all vehicles of an account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from homeassistant.core import HomeAssistant

from ...const import LOGGER
from ..line_file import LineFile
from ..set_aside import async_set_aside
from .records import Records, vehicle_of


class MonthFile:
    """The lines of a month. They are read when they are asked for."""

    def __init__(
        self, hass: HomeAssistant, name: str, on_set_aside: Callable[[str], None]
    ) -> None:
        """Initialize with the file's name, and the callback for copies of damaged files."""
        self._hass = hass
        self._file = LineFile(hass, name)
        self._on_set_aside = on_set_aside
        self._records: Records | None = None
        self._late: list[str] = []
        """The lines that were added while the others are being read."""
        self._reading = asyncio.Lock()

    @property
    def is_saved(self) -> bool:
        """Whether all lines are on disk."""
        return self._file.is_saved

    @property
    def count(self) -> int:
        """How many trips of it are in memory."""
        return 0 if self._records is None else self._records.count

    def add(self, line: str) -> None:
        """Add a line. It is on disk after `async_save`."""
        self._file.add(line)
        if self._records is not None:
            self._records.take_one(line)
        elif self._reading.locked():
            self._late.append(line)

    async def async_save(self) -> None:
        """Have all lines on disk. Raises OSError when they are not."""
        await self._file.async_write()

    async def async_records(self) -> Records:
        """Return what the lines say, from memory if possible. Raises OSError.

        Of a file with lines that cannot be read a copy is set aside, and they are left out.
        """
        async with self._reading:
            if self._records is not None:
                return self._records
            lines = await self._file.async_lines()
            self._late = []
            records = Records()
            unreadable = await self._hass.async_add_executor_job(records.take, lines)
            if unreadable:
                LOGGER.warning("%d lines of kept trips cannot be read", len(unreadable))
                await self._async_set_aside(unreadable)
            records.take(self._late)
            self._records = records
            return records

    async def _async_set_aside(self, unreadable: Iterable[str]) -> None:
        copy = await async_set_aside(self._hass, self._file.path)
        if copy is None:
            return
        gone = frozenset(unreadable)
        await self._file.async_filter(
            lambda lines: [line for line in lines if line not in gone]
        )
        self._on_set_aside(copy)

    async def async_forget(self, vehicle_ids: frozenset[str]) -> None:
        """Remove what is kept of vehicles. Raises OSError when that failed."""
        async with self._reading:
            self._records = None
            await self._file.async_filter(
                lambda lines: [
                    one for one in lines if vehicle_of(one) not in vehicle_ids
                ]
            )

    async def async_remove(self) -> None:
        """Remove the file."""
        self._records = None
        await self._file.async_remove()

    async def async_close(self) -> None:
        """Write nothing any more, once a write that goes on is over."""
        await self._file.async_close()

    def unload(self) -> None:
        """Keep nothing of it in memory."""
        self._records = None
