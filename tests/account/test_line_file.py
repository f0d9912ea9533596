"""Lines on a real disk: what `async_write` promised is there, whatever happens after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
import os
from pathlib import Path
import stat

from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.account.line_file import LineFile


@pytest.fixture
def file(hass: HomeAssistant, tmp_path: Path) -> LineFile:
    """Return a file that is not there yet."""
    hass.config.config_dir = str(tmp_path)
    return LineFile(hass, "lines")


def again(hass: HomeAssistant) -> LineFile:
    """Return the same file as after a restart."""
    return LineFile(hass, "lines")


class Disk:
    """Counts writes, and refuses them after so many bytes."""

    def __init__(self, write: Callable[[int, memoryview], int]) -> None:
        """Wrap the true write."""
        self.writes = 0
        self.room: int | None = None
        self._write = write

    def write(self, file: int, data: memoryview) -> int:
        """Write as many bytes as there is room for."""
        self.writes += 1
        if self.room is None:
            return self._write(file, data)
        if self.room == 0:
            raise OSError(28, "No space left on device")
        written = self._write(file, data[: self.room])
        self.room -= written
        return written


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return what stands between the file and the disk."""
    found = Disk(os.write)
    monkeypatch.setattr(
        "custom_components.fleet_tracker.account.line_file.os.write", found.write
    )
    return found


async def test_lines_come_back(hass: HomeAssistant, file: LineFile) -> None:
    """In order, privately, and with what is added after a restart behind them."""
    assert await file.async_load() == []
    file.add('{"a": "ä"}')
    assert not file.is_saved
    await file.async_write()
    assert file.is_saved
    assert stat.S_IMODE(file.path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    later = again(hass)
    assert await later.async_load() == ['{"a": "ä"}']
    later.add("2")
    await later.async_write()
    assert await again(hass).async_load() == ['{"a": "ä"}', "2"]
    await later.async_remove()
    assert await again(hass).async_load() == []


async def test_write_before_the_first_reading(
    hass: HomeAssistant, file: LineFile
) -> None:
    """A file that nobody has read yet keeps its lines; new ones come behind them."""
    file.add("before")
    await file.async_write()
    later = again(hass)
    later.add("behind")
    await later.async_write()
    assert await again(hass).async_load() == ["before", "behind"]


async def test_one_write_serves_all_waiting_callers(file: LineFile, disk: Disk) -> None:
    """However many add something while it is being written."""

    async def keep(number: int) -> None:
        file.add(str(number))
        await file.async_write()

    await asyncio.gather(*(keep(number) for number in range(100)))
    assert disk.writes == 1
    await file.async_write()
    assert disk.writes == 1


async def test_full_disk(hass: HomeAssistant, file: LineFile, disk: Disk) -> None:
    """Who waits is told; half a line is not left behind, and nothing is forgotten."""
    file.add("first")
    await file.async_write()
    disk.room = 3
    file.add("second")
    with pytest.raises(OSError, match="No space"):
        await file.async_write()
    assert not file.is_saved
    assert await again(hass).async_load() == ["first"]
    disk.room = None
    file.add("third")
    await file.async_write()
    assert await again(hass).async_load() == ["first", "second", "third"]


async def test_cancelled_wait(hass: HomeAssistant, file: LineFile) -> None:
    """A sender that hangs up takes nothing with it."""
    file.add("1")
    waiting = asyncio.create_task(file.async_write())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await file.async_write()
    assert await again(hass).async_load() == ["1"]


async def test_line_that_was_cut_off(hass: HomeAssistant, file: LineFile) -> None:
    """By a crash in the middle of a write, of which nobody was told that it succeeded."""
    file.add("whole")
    await file.async_write()
    with file.path.open("ab") as raw:
        raw.write(b'{"half')
    later = again(hass)
    assert await later.async_load() == ["whole"]
    later.add("next")
    await later.async_write()
    assert await again(hass).async_load() == ["whole", "next"]


async def test_rewriting(
    hass: HomeAssistant, file: LineFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is added meanwhile comes after it; one that fails leaves the file as it was."""
    for number in range(5):
        file.add(str(number))
    await file.async_write()
    file.add("5")

    async def make_lines() -> list[str]:
        file.add("6")
        waiting = asyncio.create_task(file.async_write())
        await asyncio.sleep(0)
        assert not waiting.done()
        return ["0-5"]

    await file.async_rewrite(make_lines)
    await file.async_write()
    assert await again(hass).async_load() == ["0-5", "6"]
    file.add("7")

    async def fail() -> list[str]:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        await file.async_rewrite(fail)
    await file.async_write()
    assert await again(hass).async_load() == ["0-5", "6", "7"]
