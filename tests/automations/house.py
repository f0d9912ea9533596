"""A house with one van of the neutral vendor, and automations that run for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.fleet_tracker.account.coordinator import FleetCoordinator
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Value,
    VehicleUpdate,
)
from tests.common import cloud_entry, device_of, elapse, set_up, set_up_component
from tests.neutral_vendor import Cloud, told
from tests.turns import turns

MINUTE = timedelta(minutes=1)
TURNS = 60
"""Turns of the loop, in which all that does not wait is done."""


def trip(kind: OccurrenceType) -> Occurrence:
    """Return that a trip began or ended."""
    return Occurrence(
        kind=OccurrenceKind.TRIP, type=kind, occurred_at=dt_util.utcnow(), code=kind
    )


class House:
    """A Home Assistant with one van and what its automations ran for."""

    def __init__(
        self, hass: HomeAssistant, freezer: FrozenDateTimeFactory, cloud: Cloud
    ) -> None:
        """Initialize with the cloud that tells of the van."""
        self.hass = hass
        self.freezer = freezer
        self.cloud = cloud
        self.entry: MockConfigEntry = cloud_entry()
        self.capabilities = frozenset({"events"})
        self.latitude, self.accuracy = 52.0, 10
        self.actions_wait = False
        """Whether actions wait for something, so that there is always a task to be done."""
        self.runs: list[Event] = async_capture_events(hass, "ran")

    async def start(self) -> FleetCoordinator:
        """Set the account up, with a van that stands."""
        self.cloud.tell(self._van({"ignition": False, "online": True}))
        coordinator = await set_up(self.hass, self.entry)
        await self.tell(speed=0.0)
        return coordinator

    def _van(
        self, readings: Mapping[str, Value], *occurrences: Occurrence
    ) -> VehicleUpdate:
        now = dt_util.utcnow()
        speed = readings.get("speed", 0.0)
        assert isinstance(speed, float)
        others = {key: one for key, one in readings.items() if key != "speed"}
        return told(
            "1",
            now,
            others,
            name="Van",
            capabilities=self.capabilities,
            position=Position(
                latitude=self.latitude,
                longitude=5.0,
                accuracy=self.accuracy,
                fixed_at=now,
                speed=speed,
            ),
            occurrences=occurrences,
        )

    async def tell(self, *occurrences: Occurrence, **readings: Value) -> None:
        """Let the cloud tell something a minute later: pushed, and polled once more.

        ``way`` is no reading but how far the van went since, in degrees of latitude.
        """
        await self.wait(MINUTE)
        before = {
            key: value
            for group in self.cloud.fleet["1"].groups
            for key, value in group.readings.items()
        }
        way = readings.pop("way", 0.0)
        assert isinstance(way, float)
        self.latitude += way
        self.cloud.tell(self._van({**before, **readings}, *occurrences))
        self.cloud.push(self.cloud.fleet["1"])
        await self.wait(MINUTE)

    async def wait(self, time: timedelta) -> None:
        """Let time pass."""
        if not self.actions_wait:
            await elapse(self.hass, self.freezer, time)
            return
        self.freezer.tick(time)
        async_fire_time_changed(self.hass, dt_util.utcnow())
        await turns()

    async def drive_to(self, latitude: float, accuracy: int = 10) -> None:
        """Let the van drive to another place, and stop there."""
        await self.tell(ignition=True)
        for _ in range(5):
            await self.wait(MINUTE)
        self.latitude, self.accuracy = latitude, accuracy
        await self.tell(speed=50.0)

    @property
    def device_id(self) -> str:
        """The id of the van's device."""
        device = device_of(self.hass, self.entry.runtime_data)
        assert device is not None
        return device.id

    async def automate(self, *automations: Mapping[str, Any]) -> None:
        """Have automations, which fire the event ``ran``."""
        await set_up_component(
            self.hass, "automation", {"automation": list(automations)}
        )
        await self.hass.async_block_till_done()

    async def reload_automations(self, *automations: Mapping[str, Any]) -> None:
        """Have other automations instead."""
        with patch(
            "homeassistant.config.load_yaml_config_file",
            autospec=True,
            return_value={"automation": list(automations)},
        ):
            await self.hass.services.async_call("automation", "reload", blocking=True)
        await self.hass.async_block_till_done()

    async def trigger(self, trigger: str, **options: Any) -> None:
        """Have an automation run when one of our triggers fires for the van."""
        await self.automate(
            {
                "alias": trigger,
                "triggers": {
                    "trigger": f"{DOMAIN}.{trigger}",
                    "target": {"device_id": self.device_id},
                    "options": options,
                },
                "actions": {"event": "ran"},
            }
        )
