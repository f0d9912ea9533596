"""Stored data that outlives a restart: the last known vehicles, and facts of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, override

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.json import json_dumps
from homeassistant.helpers.storage import STORAGE_DIR, Store
from homeassistant.util.json import json_loads_object

from ..const import DOMAIN, LOGGER
from ..contract.connection import Memory
from ..model.json_values import Json
from ..model.texts import clean_json
from ..model.vehicle import Vehicle
from .codec import from_json, to_json
from .line_file import path_of
from .occurrence_journal import OccurrenceJournal, journal_name
from .set_aside import async_set_aside, make_way, remove_all
from .trips.kept import folder_name

VERSION = 2
CORE_FACTS = frozenset(
    {"back_off", "names_of_excluded", "occurrences", "occurrences_since"}
)
"""The facts of an account itself, as they were called in a memory without owners."""
SAVE_INTERVAL = timedelta(minutes=5)
SLICE = 10
"""Vehicles that are read or written before the event loop gets its turn."""


class KeptFile(Store[dict[str, Any]]):
    """A file of ours in Home Assistant's storage, which may hold what it should not.

    What cannot be used is set aside, so that nothing is lost that somebody may want to
    look at, and set-up goes on without it. ``set_aside`` names the copies.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str, what: str) -> None:
        """Initialize with the file's name. Only Home Assistant's own user may read it."""
        super().__init__(hass, VERSION, f"{DOMAIN}.{entry_id}.{what}", private=True)
        self.set_aside: list[str] = []
        self._writes = 0

    async def async_keep(self, data: dict[str, Any]) -> bool:
        """Write what is to be kept, and tell whether it is on disk now.

        `async_save` does not: it logs that the disk is full, and writes later while Home
        Assistant stops.
        """
        writes = self._writes
        await self.async_save(data)
        return self._writes != writes

    @override
    async def _async_write_data(self, *data: Any) -> None:
        """Write the file and count it. Home Assistant 2025 gives its path too."""
        await super()._async_write_data(*data)
        self._writes += 1

    async def async_load_object(self) -> dict[str, Any]:
        """Return the stored data; nothing where that is not ours or of a newer format."""
        try:
            stored = await self.async_load()
        except (
            # a newer format; not readable at all
            HomeAssistantError,
            # no object, or not the form that Home Assistant writes
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
        ) as err:
            LOGGER.warning("A stored file cannot be used: %s", type(err).__name__)
            await self.async_set_aside()
            return {}
        if stored is None:
            return {}
        if not isinstance(stored, dict):
            await self.async_set_aside()
            return {}
        return stored

    async def async_set_aside(self) -> None:
        """Keep a copy of the file as it is."""
        copy = await async_set_aside(self.hass, Path(self.path))
        if copy is not None:
            self.set_aside.append(copy)

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: Any
    ) -> dict[str, Any]:
        """Return what an older format held in today's. Raises ValueError for a newer one."""
        if old_major_version > VERSION:
            raise ValueError("The file is of a newer version of Fleet Tracker")
        if not isinstance(old_data, dict):
            raise TypeError("The file holds no object")
        vehicles = old_data.get("vehicles")
        if old_major_version == 1 and isinstance(vehicles, list):
            return {**old_data, "vehicles": [_from_version_1(one) for one in vehicles]}
        return old_data


def _from_version_1(record: Any) -> Any:
    """Return a vehicle's record in today's format: groups are found by their names."""
    try:
        vehicle: dict[str, Any] = {**json_loads_object(record)}
        groups = {group["name"]: group for group in vehicle["groups"]}
    except (KeyError, TypeError, ValueError):
        # It is not readable as it is either, and counted then.
        return record
    return json_dumps({**vehicle, "groups": groups})


class _Part(Memory):
    """What one owner keeps in the memory of a config entry."""

    def __init__(self, save: Callable[[], Awaitable[None]]) -> None:
        """Initialize with the function that writes the whole memory."""
        self.facts: dict[str, Json] = {}
        self._save = save

    @override
    def get(self, key: str) -> Json:
        """Return the value of a key, None if there is none."""
        return self.facts.get(key)

    @override
    async def put(self, key: str, value: Json) -> None:
        """Store a value; it is on disk when this returns.

        A text or number that cannot be written would keep the whole file from being written.
        """
        if self.facts.get(key) == value or self.facts.get(key) == (
            value := clean_json(value)
        ):
            return
        self.facts[key] = value
        await self._save()


class EntryMemory:
    """The small facts of a config entry, by their owners.

    ``vendor`` is the connection's: tokens, quotas, cursors, learned refusals. ``core`` is
    what the account itself keeps.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize with the config entry; `async_load` reads the file."""
        self._hass = hass
        self._entry_id = entry_id
        self._store = KeptFile(hass, entry_id, "memory")
        self._is_closed = False
        self.core = _Part(self._async_save)
        self.vendor = _Part(self._async_save)

    @property
    def set_aside(self) -> list[str]:
        """The copies of files that could not be used."""
        return self._store.set_aside

    async def async_load(self) -> None:
        """Read what was kept, after making way for all files of the config entry."""
        self._store.set_aside += await self._hass.async_add_executor_job(
            make_way,
            [
                Path(self._store.path),
                Path(KeptFile(self._hass, self._entry_id, "vehicles").path),
                path_of(self._hass, journal_name(self._entry_id)),
            ],
            path_of(self._hass, folder_name(self._entry_id)),
        )
        stored = await self._store.async_load_object()
        parts = {"core": self.core, "vendor": self.vendor}
        for name, value in stored.items():
            if isinstance(value, dict) and name in parts:
                parts[name].facts.update(value)
            elif name not in parts:
                # Once there was one memory for all.
                owner = self.core if name in CORE_FACTS else self.vendor
                owner.facts[name] = value

    async def _async_save(self) -> None:
        if not self._is_closed:
            await self._store.async_save(
                {"core": dict(self.core.facts), "vendor": dict(self.vendor.facts)}
            )

    @callback
    def close(self) -> None:
        """Store nothing from now on: the file belongs to the next one, or is removed."""
        self._is_closed = True


class VehicleStore:
    """The last known vehicles of a config entry, written at most every 5 minutes."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry_id: str,
        vehicles: Callable[[], Mapping[str, Vehicle]],
        journal: OccurrenceJournal | None = None,
    ) -> None:
        """Initialize with the function that returns the vehicles to write.

        ``journal`` is told which vehicles are stored, and holds the news of their trips until then.
        """
        self._hass = hass
        self._store = KeptFile(hass, entry_id, "vehicles")
        self._vehicles = vehicles
        self._journal = journal
        self._cancel_save: CALLBACK_TYPE | None = None
        self._writing = asyncio.Lock()
        self._is_closing = False

    @property
    def set_aside(self) -> list[str]:
        """The copies of files that could not be used."""
        return self._store.set_aside

    async def async_load(
        self, check: Callable[[Vehicle], object] = lambda _: None
    ) -> list[Vehicle]:
        """Return the vehicles as they were when last written, a slice at a time.

        ``check`` raises any error for one that can be read and makes no sense. Where only
        its trips make none, it comes back without them: where it was last seen, and what the guard
        knows of it, must not be lost for these.
        """
        stored = (await self._store.async_load_object()).get("vehicles", [])
        if not isinstance(stored, list):
            await self._store.async_set_aside()
            return []
        vehicles = []
        unreadable = without_trips = 0
        for number, record in enumerate(stored, start=1):
            if (vehicle := _sensible(record, check)) is not None:
                vehicles.append(vehicle)
            elif (vehicle := _sensible(record, check, trips=False)) is not None:
                vehicles.append(vehicle)
                without_trips += 1
            else:
                unreadable += 1
            if number % SLICE == 0:
                await asyncio.sleep(0)
        if unreadable:
            LOGGER.warning(
                "What was kept of %d vehicles cannot be read and is forgotten",
                unreadable,
            )
        if without_trips:
            LOGGER.warning(
                "The last trips of %d vehicles cannot be read and are forgotten",
                without_trips,
            )
        if unreadable or without_trips:
            await self._store.async_set_aside()
        return vehicles

    @callback
    def async_schedule_save(self) -> None:
        """Write within 5 minutes, unless that is planned already."""
        if self._cancel_save is None:
            self._cancel_save = async_call_later(
                self._hass, SAVE_INTERVAL, HassJob(self._async_on_timer)
            )

    async def _async_on_timer(self, _now: datetime) -> None:
        self._cancel_save = None
        if not await self._async_save() and not self._is_closing:
            self.async_schedule_save()

    async def async_save_pending(self) -> None:
        """Write now what would be written within 5 minutes.

        Nothing is being written any more when this returns: what comes next may be that
        the file is removed.
        """
        self._is_closing = True
        async with self._writing:
            pass
        if self._cancel_save is not None:
            self._cancel_save()
            self._cancel_save = None
            await self._async_save()

    async def _async_save(self) -> bool:
        """Write the vehicles, a slice at a time, and tell whether they are on disk."""
        async with self._writing:
            records = []
            mark = None if self._journal is None else self._journal.mark
            for number, vehicle in enumerate(list(self._vehicles().values()), start=1):
                # As text, since Home Assistant makes one of the whole file in one go.
                records.append(json_dumps(to_json(vehicle)))
                if number % SLICE == 0:
                    await asyncio.sleep(0)
            if self._journal is not None:
                # What these vehicles say that was told is noted first. Where the disk does
                # not take the one, it may take the other.
                with suppress(OSError):
                    await self._journal.async_write()
            is_kept = await self._store.async_keep({"vehicles": records})
            if is_kept and self._journal is not None and mark is not None:
                self._journal.note_stored(mark)
            return is_kept


def _sensible(
    record: Any, check: Callable[[Vehicle], object], *, trips: bool = True
) -> Vehicle | None:
    """Return a stored vehicle, with its trips or without; None where it makes no sense."""
    try:
        fields = json_loads_object(record)
        if not trips:
            fields.pop("trips", None)
        vehicle = from_json(Vehicle, fields)
        check(vehicle)
    # Values of the right type that make no sense may fail in any way.
    except Exception as err:  # noqa: BLE001  it is counted, and told in a repair
        LOGGER.debug("A stored vehicle: %s", type(err).__name__)
        return None
    return vehicle


async def async_remove_stored(hass: HomeAssistant, entry_id: str) -> None:
    """Forget everything that was kept of a config entry, what was set aside too."""
    for what in ("memory", "vehicles"):
        # Whatever else stands in the file's place is removed below.
        with suppress(OSError):
            await KeptFile(hass, entry_id, what).async_remove()
    for name in (journal_name(entry_id), folder_name(entry_id)):
        path = path_of(hass, name)
        await hass.async_add_executor_job(remove_all, path.parent, path.name)
    directory = Path(hass.config.path(STORAGE_DIR))
    await hass.async_add_executor_job(remove_all, directory, f"{DOMAIN}.{entry_id}.")
