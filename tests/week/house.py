"""Home Assistant in the town: started, restarted, and what its automations ran for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
import json
from pathlib import Path
import shutil
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from aiohttp.test_utils import TestClient, TestServer
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, Event, HomeAssistant, callback
from homeassistant.helpers import (
    area_registry as ar,
    category_registry as cr,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    issue_registry as ir,
    label_registry as lr,
    restore_state as rs,
)
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_test_home_assistant

from custom_components.fleet_tracker.account import line_file
from custom_components.fleet_tracker.const import (
    CONF_PUSH_SECRET,
    DOMAIN,
    EVENT_OCCURRENCE,
    SUBENTRY_VEHICLE,
)
from custom_components.fleet_tracker.pushes.door import PUSH_PATH
from tests.simulators.segway_push import PushSender
from tests.simulators.tracksolid.pushes import alarm
from tests.simulators.vt3 import EVENTS
from tests.simulators.world import Happening
from tests.vendors.open_api import conftest as open_api
from tests.vendors.rig import settle_all
from tests.vendors.segway import rig as segway
from tests.vendors.tracksolid import home as tracksolid
from tests.vendors.vt3.home import IDENTITY, LOCALHOST, free_port

from .town import BEGIN, BUMPED, BUSY, DAY, DEPOT, SILENT_FROM, SILENT_TO, STAGGER, Town

STEP, QUIET_STEP = 60.0, 600.0
GROUPS = ("gnss", "motion", "io", "obd", "cellular1")
"""What a tracker uploads at each step."""
_REGISTRIES = (ar, cr, dr, er, fr, ir, lr, rs)
"""What Home Assistant loads before all else."""


class House:
    """One Home Assistant after the other, on one disk."""

    def __init__(
        self,
        town: Town,
        folder: Path,
        freezer: FrozenDateTimeFactory,
        storage: dict[str, Any],
        automations: Callable[[HomeAssistant], list[dict[str, Any]]],
    ) -> None:
        """Initialize with the town, the disk, the clock, and the automations to have.

        ``folder`` and ``storage``, which holds what goes through Home Assistant's stores,
        are the disk.
        """
        self.town = town
        self.folder = folder
        self.storage = storage
        self.freezer = freezer
        self.hass: HomeAssistant
        self.client: TestClient[Any, Any]
        self.alarms: Counter[tuple[str, str]] = Counter()
        """How often each alarm of each vehicle fired."""
        self.runs: Counter[tuple[str, str]] = Counter()
        """How often each automation ran for each vehicle."""
        self._automations = automations
        self.told_until = BEGIN.timestamp()

    # --- its life ---

    @asynccontextmanager
    async def up(self, *, killed: bool = False) -> AsyncIterator[None]:
        """Start Home Assistant, and stop it again or kill it.

        What is killed leaves the disk as it was at that moment.
        """
        async with async_test_home_assistant(
            asyncio.get_running_loop(),
            load_registries=False,
            config_dir=str(self.folder),
            initial_state=CoreState.not_running,
        ) as hass:
            self.hass = hass
            hass.data.pop(DATA_CUSTOM_COMPONENTS)
            # Home Assistant 2026 prepares this one first.
            if (prepare := getattr(dr, "async_setup", None)) is not None:
                prepare(hass)
            for registry in _REGISTRIES:
                await registry.async_load(hass)
            forget = [
                hass.bus.async_listen(EVENT_OCCURRENCE, self.note_occurrence),
                hass.bus.async_listen("ran", self._note_run),
            ]
            await hass.config_entries.async_initialize()
            assert await async_setup_component(hass, "http", {})
            # Zones are there before what is in them.
            assert await async_setup_component(hass, "zone", {})
            self._set_up_zone()
            assert await async_setup_component(hass, DOMAIN, {})
            if not hass.config_entries.async_entries(DOMAIN):
                await self._add_accounts()
            assert await async_setup_component(
                hass, "automation", {"automation": self._automations(hass)}
            )
            await hass.async_start()
            # From here on nothing can be added to what HTTP serves.
            self.client = TestClient(TestServer(hass.http.app))
            await self.client.start_server()
            await self._connect_trackers()
            try:
                yield
            finally:
                if killed:
                    for remove in forget:
                        remove()
                    disk = self._copy_disk()
                # What dies with a process lives on in this one.
                if self._automations(hass):
                    await hass.services.async_call(
                        "automation", "turn_off", {"entity_id": "all"}, blocking=True
                    )
                await self.client.close()
                for tracker in self.town.trackers:
                    await tracker.disconnect()
                # Accounts hear that it stops, as they do before a process ends.
                hass.set_state(CoreState.stopping)
                hass.bus.async_fire_internal(EVENT_HOMEASSISTANT_STOP)
                await self.settle()
                for entry in hass.config_entries.async_entries(DOMAIN):
                    assert await hass.config_entries.async_unload(entry.entry_id)
                await hass.async_stop(force=True)
                if killed:
                    self._put_back(disk)

    def _copy_disk(self) -> tuple[Path, dict[str, Any]]:
        """Return a copy of what is on disk."""
        copy = self.folder.with_name(f"{self.folder.name} when killed")
        shutil.copytree(self.folder, copy)
        # Files that are appended to may have a folder of their own.
        if (lines := line_file.path_of(self.hass, "")).exists():
            shutil.copytree(lines, copy / "lines")
        return copy, deepcopy(self.storage)

    def _put_back(self, disk: tuple[Path, dict[str, Any]]) -> None:
        """Undo what was written since the disk was copied."""
        copy, storage = disk
        lines = line_file.path_of(self.hass, "")
        shutil.rmtree(lines, ignore_errors=True)
        if (copied := copy / "lines").exists():
            lines.parent.mkdir(parents=True, exist_ok=True)
            copied.rename(lines)
        shutil.rmtree(self.folder)
        copy.rename(self.folder)
        self.storage.clear()
        self.storage.update(storage)

    def _set_up_zone(self) -> None:
        attributes = {
            "friendly_name": "Depot",
            "latitude": DEPOT.latitude,
            "longitude": DEPOT.longitude,
            "radius": 300,
            "passive": False,
        }
        self.hass.states.async_set("zone.depot", "0", attributes)

    async def _add_accounts(self) -> None:
        """Add all accounts as a user does."""
        hass, town = self.hass, self.town
        await open_api.add_account(hass, town.open_api, "town", "Town@12345")
        await tracksolid.add_account(hass, town.tracksolid)
        mopeds = await segway.add_account(hass, town.segway)
        for rider in town.riders:
            await segway.add_vehicle(
                hass,
                mopeds,
                rider.moped.iot_code,
                name=f"segway {rider.number}",
            )
        listener = ConfigEntry(
            domain=DOMAIN,
            title="VT3 trackers",
            unique_id=IDENTITY,
            version=1,
            minor_version=1,
            source="user",
            options={},
            discovery_keys=MappingProxyType({}),
            data={
                "vendor": "vt3",
                "identity": IDENTITY,
                "host": LOCALHOST,
                "port": free_port(),
            },
            subentries_data=[
                ConfigSubentry(
                    data=MappingProxyType({"name": f"vt3 {number}"}),
                    subentry_type=SUBENTRY_VEHICLE,
                    title=f"vt3 {number}",
                    unique_id=tracker.serial,
                ).as_dict()
                for number, tracker in enumerate(town.trackers)
            ],
        )
        await hass.config_entries.async_add(listener)
        await self.settle()

    async def _connect_trackers(self) -> None:
        port = self.entry("vt3").data["port"]
        for tracker in self.town.trackers:
            await tracker.connect(LOCALHOST, port)
        await self.settle()

    def entry(self, vendor: str) -> ConfigEntry[Any]:
        """Return the entry of a vendor's account."""
        entries = self.hass.config_entries.async_entries(DOMAIN)
        (found,) = (one for one in entries if one.data["vendor"] == vendor)
        assert found.state is ConfigEntryState.LOADED, vendor
        return found

    # --- what is counted ---

    @callback
    def note_occurrence(self, event: Event) -> None:
        """Count an alarm."""
        if event.data["kind"] == "alarm":
            device = dr.async_get(self.hass).async_get(event.data["device_id"])
            assert device is not None
            self.alarms[device.name or "", event.data["event_type"]] += 1

    @callback
    def _note_run(self, event: Event) -> None:
        self.runs[event.data["of"], event.data["vehicle"]] += 1

    # --- time ---

    async def settle(self) -> None:
        """Let everything happen that is due now, requests and answers too."""
        await settle_all(self.town.requests)

    @property
    def now(self) -> float:
        """The time in UNIX seconds."""
        return dt_util.utcnow().timestamp()

    async def live_until(self, hour: float) -> None:
        """Let time pass until so many hours after the begin."""
        end = round(BEGIN.timestamp() + hour * 3600)
        while self.now < end:
            self.freezer.tick(min(self.step(), end - self.now))
            await self.tell()
            await self.settle()

    def step(self) -> float:
        """Return how much time to pass at once: less while something goes on."""
        at = (self.now - BEGIN.timestamp()) % DAY
        late = (self.town.each - 1) * STAGGER
        return (
            STEP if any(begin <= at < end + late for begin, end in BUSY) else QUIET_STEP
        )

    async def tell(self) -> None:
        """Let trackers and platforms tell what they tell by themselves."""
        begin, self.told_until = self.told_until, self.now
        for number, tracker in enumerate(self.town.trackers):
            for event in tracker.vehicle.happenings(begin + 0.001, self.now):
                if event.what in EVENTS:
                    name, level = EVENTS[event.what]
                    await tracker.raise_event(name, level=level, at=event.time)
            at = (self.now - BEGIN.timestamp() - number * STAGGER) % DAY
            if not SILENT_FROM <= at < SILENT_TO:
                with suppress(OSError):
                    for group in GROUPS:
                        await tracker.upload(group)
        for kind, rider in (
            (kind, one) for one in self.town.riders for kind in one.live(self.now)
        ):
            imei = rider.moped.iot_code
            assert kind == "status"
            await self.push_of_segway(kind, imei, self.town.segway.status_push(imei))
        for number in range(self.town.each):
            await self._push_bumps(number, begin)

    async def _push_bumps(self, number: int, begin: float) -> None:
        """Push that a vehicle was bumped, which Tracksolid tells when it is asked too."""
        device = [*self.town.tracksolid.devices.values()][number]
        for event in device.vehicle.happenings(begin + 0.001, self.now):
            if event.what is Happening.COLLISION:
                await self.push_of_tracksolid(
                    alarm(device, "44", "Collision alert", event.time)
                )
        imei = self.town.riders[number].moped.iot_code
        at = BEGIN.timestamp() + number * STAGGER + BUMPED
        for cleared in (False, True):
            when = at + 120 * cleared
            if (begin - when) // DAY != (self.now - when) // DAY:
                await self.push_of_segway(
                    "alert", imei, self.town.segway.alert_push(1, cleared=cleared)
                )

    async def push_of_tracksolid(
        self, *items: Mapping[str, object], path: str = "pushalarm"
    ) -> None:
        """Push what Tracksolid tells by itself."""
        body = json.dumps({"data_list": items}).encode()
        await self._push("tracksolid", path, body, "application/json")

    async def push_of_segway(
        self, kind: str, imei: str, fields: Mapping[str, object]
    ) -> None:
        """Push what Segway tells by itself."""
        server = self.town.segway
        sender = PushSender("", server.client_id, server.client_secret)
        form = urlencode(sender.form(imei, fields)).encode()
        await self._push(
            "segway", f"v2/vehicle/{kind}", form, "application/x-www-form-urlencoded"
        )

    async def _push(self, vendor: str, path: str, body: bytes, kind: str) -> None:
        secret = self.entry(vendor).data[CONF_PUSH_SECRET]
        # A connection of some minutes ago may have been ended by now.
        headers = {"Content-Type": kind, "Connection": "close"}
        answer = await self.client.post(
            f"{PUSH_PATH}/{secret}/{path}", data=body, headers=headers
        )
        assert answer.status == 200, f"{path}: {answer.status}"
