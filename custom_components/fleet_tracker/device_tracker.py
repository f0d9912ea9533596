"""The tracker of each vehicle: the only entity that carries coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import math
from typing import override

from homeassistant.components.device_tracker import TrackerEntity

from .account.coordinator import FleetCoordinator
from .entity import FleetEntity, entities_of
from .model.vehicle import Reading, Vehicle
from .offer.descriptions import FleetDescription, FleetTrackerDescription

PARALLEL_UPDATES = 0
ATTR_PLATE = "plate"


TRACKER = FleetTrackerDescription(key=Reading.POSITION)


def _every_vehicle(
    _vehicle: Vehicle, descriptions: Mapping[str, FleetDescription]
) -> Iterable[str]:
    """Yield the tracker for every vehicle: one without a position yet has one too."""
    return descriptions


class FleetTracker(FleetEntity, TrackerEntity):
    """A vehicle on the map."""

    entity_description: FleetTrackerDescription

    _attr_name = None
    # The plate is always the same: it need not be recorded each time.
    _unrecorded_attributes = frozenset({ATTR_PLATE})

    @override
    def __init__(
        self,
        coordinator: FleetCoordinator,
        vehicle_id: str,
        description: FleetDescription,
        reading: str,
    ) -> None:
        """Initialize with the icon of the kind of vehicle."""
        super().__init__(coordinator, vehicle_id, description, reading)
        self._attr_translation_key = coordinator.vehicle_kind(vehicle_id).value

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, str]:
        """The plate, where the vendor tells it."""
        plate = self.vehicle.details.plate
        return {} if plate is None else {ATTR_PLATE: plate}

    @property
    @override
    def entity_category(self) -> None:
        """None: area and device triggers pass over the diagnostic of the base class."""
        return None

    @property
    @override
    def latitude(self) -> float | None:
        """Latitude in degrees (WGS84)."""
        position = self.vehicle.position
        return None if position is None else position.latitude

    @property
    @override
    def longitude(self) -> float | None:
        """Longitude in degrees (WGS84)."""
        position = self.vehicle.position
        return None if position is None else position.longitude

    @property
    @override
    def location_accuracy(self) -> int:
        """Accuracy in metres, rounded up, never 0 for a known position."""
        position = self.vehicle.position
        return math.ceil(position.accuracy) if position else 0


async_setup_entry = entities_of(
    FleetTracker, (TRACKER,), lambda offered: offered.trackers, _every_vehicle
)
