"""The vehicles that the user added one by one, each a config subentry."""

from __future__ import annotations

from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry, ConfigSubentry

from ..const import CONF_IDENTITY
from ..offer.flow import vehicle_subentries


class VehicleSubentries:
    """Finds a vehicle's subentry without a search: pushes ask for it all the time."""

    def __init__(self, entry: ConfigEntry) -> None:
        """Initialize with the config entry."""
        self._entry = entry
        self._indexed: Mapping[str, ConfigSubentry] | None = None
        self._by_vehicle: dict[str, ConfigSubentry] = {}

    def get(self, vehicle_id: str) -> ConfigSubentry | None:
        """Return the subentry that a vehicle was added by, None if it was not."""
        # Home Assistant replaces them all when one is added or removed.
        if self._indexed is not self._entry.subentries:
            self._indexed = self._entry.subentries
            self._by_vehicle = vehicle_subentries(self._entry)
        return self._by_vehicle.get(vehicle_id)


def discovery_unique_id(entry: ConfigEntry, vehicle_id: str) -> str:
    """Return what names a discovered vehicle among all config flows."""
    return f"{entry.data[CONF_IDENTITY]}_{vehicle_id}"
