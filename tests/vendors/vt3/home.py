"""A Home Assistant with a listener for VT3 trackers, and simulated trackers beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
import socket
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    RELOAD_AFTER_UPDATE_DELAY,
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.fleet_tracker.const import DOMAIN, SUBENTRY_VEHICLE
from custom_components.fleet_tracker.model.vehicle import Value
from custom_components.fleet_tracker.vendors.vt3.connection import Vt3Connection
from tests.simulators import world
from tests.simulators.vt3 import Behaviour, Vt3Simulator
from tests.turns import until
from tests.vendors.rig import AccountRig

START = datetime(2025, 10, 9, 9, 0, tzinfo=UTC)
IDENTITY = "vt3_0123456789abcdef"
LOCALHOST = "127.0.0.1"


class Home(AccountRig):
    """Home Assistant, whose clock is the trackers' too."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Initialize with Home Assistant and the clock."""
        self.hass = hass
        self.freezer = freezer
        self.trackers: list[Vt3Simulator] = []
        self.entry = MockConfigEntry(domain=DOMAIN)

    # --- the listener ---

    async def listen(
        self,
        *serials: str,
        settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Set up a listener on any port, with some trackers already added."""
        entry = self.entry = MockConfigEntry(
            domain=DOMAIN,
            title="VT3 trackers",
            unique_id=IDENTITY,
            data={
                "vendor": "vt3",
                "identity": IDENTITY,
                "host": LOCALHOST,
                "port": free_port(),
            },
            options=dict(options or {}),
            subentries_data=[
                {
                    "data": {"name": f"Van {serial[-2:]}", **(settings or {})},
                    "subentry_type": SUBENTRY_VEHICLE,
                    "title": f"Van {serial[-2:]}",
                    "unique_id": serial,
                }
                for serial in serials
            ],
        )
        entry.add_to_hass(self.hass)
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.hass.async_block_till_done()
        assert self.entry.state is ConfigEntryState.LOADED

    @property
    def connection(self) -> Vt3Connection:
        """The connection of the listener."""
        connection = self.coordinator.connection
        assert isinstance(connection, Vt3Connection)
        return connection

    @property
    def port(self) -> int:
        """Where trackers connect."""
        port: int = self.entry.data["port"]
        return port

    # --- trackers ---

    def make_tracker(
        self,
        serial: str,
        behaviour: Behaviour | None = None,
        vehicle: world.Vehicle | None = None,
    ) -> Vt3Simulator:
        """Return a tracker that is not connected, in a parked vehicle if none is given."""
        tracker = Vt3Simulator(
            serial,
            vehicle or world.parked(world.HOME, self.clock() - 3600),
            clock=self.clock,
            behaviour=behaviour,
        )
        self.trackers.append(tracker)
        return tracker

    async def connect(
        self,
        serial: str,
        behaviour: Behaviour | None = None,
        vehicle: world.Vehicle | None = None,
    ) -> Vt3Simulator:
        """Return a tracker that has connected, and was asked what an added one is asked."""
        tracker = self.make_tracker(serial, behaviour, vehicle)
        await self.reconnect(tracker)
        return tracker

    async def reconnect(self, tracker: Vt3Simulator) -> None:
        """Let a tracker connect (again) and upload all that it knows."""
        await tracker.disconnect()
        tracker.requests.clear()
        await tracker.connect(LOCALHOST, self.port)
        for group in ("gnss", "motion", "io", "obd", "cellular1"):
            await tracker.upload(group)
        if self.connection.is_accepted(tracker.serial):
            await self.until(lambda: "group/get" in dict(tracker.requests))
        await self.settle()

    # --- time ---

    async def until(self, condition: Callable[[], object]) -> None:
        """Let all run until something is so. Fails when it does not happen."""
        await until(condition)
        await self.hass.async_block_till_done()

    async def settle(self) -> None:
        """Let what is on its way over the connections arrive."""
        counts = -1, -1
        for _ in range(100):
            await self.turns()
            await self.hass.async_block_till_done()
            state = self.connection.server.state()
            now = (
                int(str(state.get("frames", 0))),
                sum(len(tracker.requests) for tracker in self.trackers),
            )
            if now == counts:
                return
            counts = now

    async def elapse(self, time: timedelta | float) -> None:
        """Let time pass, with all that happens at its end."""
        self.freezer.tick(time)
        async_fire_time_changed(self.hass, dt_util.utcnow())
        await self.settle()

    async def elapse_unloaded(self, time: timedelta | float) -> None:
        """Let time pass while the listener does not run."""
        self.freezer.tick(time)
        async_fire_time_changed(self.hass, dt_util.utcnow())
        await self.hass.async_block_till_done()

    # --- what is seen ---

    def entity_id(self, platform: str, key: str, serial: str) -> str:
        """Return the id of a tracker's entity, which must be registered."""
        return self.found(platform, serial, key)

    def state(self, platform: str, key: str, serial: str) -> State:
        """Return the state of a tracker's entity, which must be there."""
        return self.shown(platform, serial, key)

    def reading(self, key: str, serial: str) -> Value | None:
        """Return a reading of a tracker that is known, also if its sensor is disabled."""
        assert self.coordinator.vehicle(serial) is not None
        return self.known(serial, key)

    device = AccountRig.device_of

    def cards(self) -> list[Mapping[str, Any]]:
        """Return the discovery cards that are shown."""
        return list(
            self.hass.config_entries.flow.async_progress_by_handler(
                DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
            )
        )

    # --- what the user does ---

    async def enable(self, *entity_ids: str) -> None:
        """Enable entities that are disabled by default. Connections do not survive that."""
        registry = er.async_get(self.hass)
        for entity_id in entity_ids:
            registry.async_update_entity(entity_id, disabled_by=None)
        # Home Assistant reloads the entry half a minute later.
        await self.elapse(RELOAD_AFTER_UPDATE_DELAY + 1)
        assert self.entry.state is ConfigEntryState.LOADED

    async def call(self, action: str, target: str, **data: Any) -> None:
        """Call an action of an entity (``switch.turn_on``) and wait for it."""
        domain, _, name = action.partition(".")
        await self.hass.services.async_call(
            domain, name, {"entity_id": target, **data}, blocking=True
        )


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind((LOCALHOST, 0))
        port: int = one.getsockname()[1]
        return port
