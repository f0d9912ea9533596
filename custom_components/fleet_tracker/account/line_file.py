"""A file of JSON lines that is appended to: a write costs only what is new.

Home Assistant's `Store` writes a whole file, swallows errors and puts writes off while Home
Assistant stops. A sender who is told that something is on disk needs more than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
import os
from pathlib import Path
import stat
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.util.file import WriteError, write_utf8_file_atomic

PRIVATE = stat.S_IRUSR | stat.S_IWUSR


def path_of(hass: HomeAssistant, name: str) -> Path:
    """Return where a file or folder of lines is."""
    return Path(hass.config.path(STORAGE_DIR, name))


class LineFile:
    """The lines on disk, and the lines that the next write adds."""

    def __init__(self, hass: HomeAssistant, name: str) -> None:
        """Initialize with the file's name in Home Assistant's storage folder."""
        self._hass = hass
        self.path = path_of(hass, name)
        self._waiting: list[str] = []
        self._added = 0
        self._written = 0
        self._size: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._is_closed = False

    @property
    def is_saved(self) -> bool:
        """Whether all lines are on disk."""
        return self._written == self._added

    @property
    def waiting(self) -> int:
        """How many lines are not on disk yet: the last ones that were added."""
        return self._added - self._written

    async def async_load(self) -> list[str]:
        """Return the lines, without a last one that was cut off by a crash.

        Bytes that are no valid text stay in their line, so that the line can be recognized
        as damaged.

        Raises OSError when the file cannot be read. Later writes are then appended to what
        it holds.
        """
        try:
            self._size, lines = await self._hass.async_add_executor_job(self._read)
        except OSError:
            self._size = await self._hass.async_add_executor_job(self._size_on_disk)
            raise
        return lines

    def _read(self) -> tuple[int, list[str]]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return 0, []
        whole, end, _ = content.rpartition(b"\n")
        lines = whole.decode(errors="surrogateescape").split("\n") if whole else []
        return len(whole) + len(end), lines

    def _size_on_disk(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def add(self, line: str) -> None:
        """Add a line for the next write. It must not contain a line end."""
        self._waiting.append(line)
        self._added += 1

    async def async_close(self) -> None:
        """Let a write that goes on end, and refuse all later ones with OSError.

        Another one may write the file from then on.
        """
        async with self._lock:
            self._is_closed = True

    def _require_open(self) -> None:
        if self._is_closed:
            raise OSError("The file is not written any more")

    async def async_write(self) -> None:
        """Write the lines added so far; they are on disk when this returns.

        One write serves all callers that wait. Raises OSError when it failed; the
        lines then wait for the next write.
        """
        wanted = self._added
        while self._written < wanted:
            if self._task is None or self._task.done():
                self._task = self._start(self._async_write())
            await asyncio.shield(self._task)

    async def async_lines(self) -> list[str]:
        """Return all lines, those too that are not on disk yet. Raises OSError."""
        async with self._lock:
            return [*await self.async_load(), *self._waiting]

    async def async_filter(self, choose: Callable[[list[str]], list[str]]) -> None:
        """Keep only the lines that a function chooses, which may run in any thread.

        Raises OSError when that failed; the file is then as it was.
        """

        async def make_lines(held: list[str]) -> Iterable[str]:
            lines = [*await self.async_load(), *held]
            return await self._hass.async_add_executor_job(choose, lines)

        await asyncio.shield(self._start(self._async_rewrite(make_lines)))

    async def async_rewrite(
        self, make_lines: Callable[[], Awaitable[Iterable[str]]]
    ) -> None:
        """Replace all that was added so far by fewer lines that say the same.

        What is added while these are made comes behind them. Raises OSError when that
        failed; the file is then as it was.
        """

        async def make_all(_held: list[str]) -> Iterable[str]:
            return await make_lines()

        await asyncio.shield(self._start(self._async_rewrite(make_all)))

    def _start(self, write: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let a write go on even if nobody waits for it any more."""
        task = self._hass.async_create_task(write, "write lines", eager_start=False)
        # An error reaches the callers that still wait, if there are any.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _async_write(self) -> None:
        async with self._lock:
            self._require_open()
            lines, self._waiting = self._waiting, []
            data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
            try:
                if self._size is None:
                    # Nobody has read the file yet: what it holds stays.
                    await self.async_load()
                await self._hass.async_add_executor_job(self._append, data)
            except BaseException:
                self._waiting = lines + self._waiting
                raise
            self._size = (self._size or 0) + len(data)
            self._written += len(lines)

    def _append(self, data: bytes) -> None:
        size = self._size or 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT, PRIVATE)
        try:
            # Remove the rest of a failed write, or of a write that a crash cut off.
            os.truncate(file, size)
            os.lseek(file, size, os.SEEK_SET)
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
            os.fsync(file)
        finally:
            os.close(file)

    async def _async_rewrite(
        self, make_lines: Callable[[list[str]], Awaitable[Iterable[str]]]
    ) -> None:
        async with self._lock:
            self._require_open()
            held, self._waiting = self._waiting, []
            try:
                lines = await make_lines(held)
                data = "".join(f"{line}\n" for line in lines).encode(errors="replace")
                await self._hass.async_add_executor_job(self._replace, data)
            except BaseException:
                self._waiting = held + self._waiting
                raise
            self._size = len(data)
            self._written += len(held)

    def _replace(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_utf8_file_atomic(str(self.path), data, private=True, mode="wb")
        except WriteError as err:
            raise OSError("The file could not be replaced") from err

    async def async_remove(self) -> None:
        """Remove the file."""
        await self._hass.async_add_executor_job(self._remove)

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)
