"""What the readers of an account have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from ....model.vehicle import Vehicle, VehicleUpdate
from ..api.records import Device
from ..pushes.door import Push


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a poll knows when it asks the readers what is due."""

    now: datetime
    devices: Mapping[str, Device]
    """The listed devices without those that the user has excluded."""
    by_model: Mapping[str, Sequence[Device]]
    """The same, by what devices with one command list have in common."""
    vehicles: Mapping[str, Vehicle]
    with_ignition_on: AbstractSet[str]
    driving: AbstractSet[str]
    """Vehicles that are awake for sure: online, with the ignition on."""
    without_location: Sequence[str]
    """Vehicles that the locations of this poll did not include, and that were not refused."""


class Reader(ABC):
    """Something that the platform is asked for at a pace of its own."""

    @abstractmethod
    def due(self, situation: Situation) -> Sequence[str]:
        """Return the vehicles to read with this poll. It is called with each poll."""

    @abstractmethod
    async def read(
        self, imeis: Sequence[str], situation: Situation
    ) -> Sequence[VehicleUpdate]:
        """Read the vehicles that are due and return the news. Raises VendorError."""

    async def take_push(self, push: Push, update: VehicleUpdate) -> VehicleUpdate:
        """Note what a push makes needless to poll, and return the news that is left of it."""
        del push
        return update
