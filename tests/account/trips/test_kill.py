"""A process that ends at any moment around a trip's end: nothing is told twice, or lost."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
import shutil
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.account import line_file
from custom_components.fleet_tracker.account.line_file import LineFile
from custom_components.fleet_tracker.account.storage import SAVE_INTERVAL
from custom_components.fleet_tracker.const import CONF_KEEP_TRIPS
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    OccurrenceKind,
    Position,
    VehicleUpdate,
)
from tests.common import START, cloud_entry, elapse, set_up
from tests.neutral_vendor import Clouds, told

from .test_account import kept, news


@dataclass
class Disk:
    """What was on disk at a moment, and what had been told by then."""

    at: datetime
    lines: Path
    storage: dict[str, Any]
    told: Counter[str]


class Kills:
    """Takes copies of the disk while an account runs."""

    def __init__(
        self, hass: HomeAssistant, storage: dict[str, Any], folder: Path
    ) -> None:
        """Initialize with what goes through Home Assistant's stores."""
        self._lines = line_file.path_of(hass, "")
        self._storage = storage
        self._folder = folder
        self.told = Counter[str]()
        self.copies: list[Disk] = []

    def copy(self) -> None:
        """Copy the disk as it is."""
        copy = self._folder / str(len(self.copies))
        if self._lines.exists():
            shutil.copytree(self._lines, copy)
        self.copies.append(
            Disk(dt_util.utcnow(), copy, deepcopy(self._storage), Counter(self.told))
        )

    def put_back(self, disk: Disk) -> None:
        """Have the disk as it was."""
        shutil.rmtree(self._lines, ignore_errors=True)
        if disk.lines.exists():
            shutil.copytree(disk.lines, self._lines)
        self._storage.clear()
        self._storage.update(deepcopy(disk.storage))
        self.told = Counter(disk.told)

    @callback
    def note(self, _vehicle_id: str, occurrence: Occurrence) -> None:
        """Count the news that fires."""
        self.told[occurrence.type] += 1


DRIVE = (
    (0, 0.0, 0.0, True),
    *((15 * one, one * 0.0012, 32.0, True) for one in range(1, 9)),
    (135, 0.0105, 0.0, False),
    *((135 + 50 * one, 0.0105, 0.0, False) for one in range(1, 10)),
)
"""1.2 km to the north in two minutes, and a stand: seconds, degrees, km/h, ignition."""


def heard(begin: datetime, number: int) -> VehicleUpdate:
    """Return what a tracker measures at a moment of the drive."""
    seconds, north, speed, ignition = DRIVE[number]
    at = begin + timedelta(seconds=seconds)
    position = Position(
        latitude=52 + north, longitude=5, accuracy=10, fixed_at=at, speed=speed
    )
    return told("1", at, position=position, ignition=ignition)


@pytest.mark.parametrize(
    ("is_told_again", "keeps"), [(True, True), (False, True), (False, False)]
)
async def test_kill_at_any_moment_around_a_trip(
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_told_again: bool,
    keeps: bool,
) -> None:
    """With vendors that tell again what was measured before, and those that do not.

    The disk is copied after each news and after each write to it.
    """
    freezer.move_to(START)
    cloud = clouds["acme"]
    entry = cloud_entry(options={CONF_KEEP_TRIPS: keeps})
    cloud.tell(news("1", 52, 0, ignition=False))
    await set_up(hass, entry)
    await elapse(hass, freezer, SAVE_INTERVAL)
    begin = dt_util.utcnow() + timedelta(seconds=1)
    kills = Kills(hass, hass_storage, tmp_path)
    append = LineFile._append

    def append_and_copy(file: LineFile, data: bytes) -> None:
        append(file, data)
        kills.copy()

    async def live(*, copies: bool = False) -> None:
        """Let the rest of the drive happen, as far as it is not over."""
        subscribe = entry.runtime_data.async_subscribe_occurrences
        subscribe(kills.note, "1", OccurrenceKind.TRIP)
        for number, (seconds, *_) in enumerate(DRIVE):
            at = begin + timedelta(seconds=seconds)
            if at < dt_util.utcnow() and not is_told_again:
                continue
            freezer.move_to(max(at, dt_util.utcnow()))
            cloud.push(heard(begin, number))
            await elapse(hass, freezer, 0)
            if copies:
                kills.copy()
        await elapse(hass, freezer, 60)

    with monkeypatch.context() as patched:
        patched.setattr(LineFile, "_append", append_and_copy)
        await live(copies=True)
    once = {"trip_started": 1, "trip_ended": 1}
    assert kills.told == once
    for disk in kills.copies[5:]:
        await hass.config_entries.async_unload(entry.entry_id)
        kills.put_back(disk)
        freezer.move_to(disk.at + timedelta(seconds=1))
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        await live()
        assert kills.told == once, disk.at - begin
        assert await kept(entry.runtime_data) == ([1.2] if keeps else [])
