"""The devices and entities of an account: their identifiers, and what the user calls them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo

from ..const import CONF_IDENTITY, DOMAIN
from ..model.vehicle import Vehicle, VehicleDetails
from .subentries import VehicleSubentries


class Devices:
    """Names devices and entities of an account, and finds a vehicle by its device."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        vehicles: Callable[[], Mapping[str, Vehicle]],
    ) -> None:
        """Initialize with the config entry, and the function that returns its vehicles."""
        self._hass = hass
        self._entry = entry
        self._vehicles = vehicles
        self._identity: str = entry.data[CONF_IDENTITY]
        self._subentries = VehicleSubentries(entry)
        self._infos: dict[str, DeviceInfo] = {}

    @property
    def account_identifier(self) -> tuple[str, str]:
        """The identifier of the account's own device."""
        return (DOMAIN, self._identity)

    def account_unique_id(self, key: str) -> str:
        """Return the unique id of an entity of the account's own device."""
        return f"{self._identity}_account_{key}"

    def identifier(self, vehicle_id: str) -> tuple[str, str]:
        """Return the identifier of a vehicle's device."""
        return (DOMAIN, f"{self._identity}_{vehicle_id}")

    def unique_id(self, vehicle_id: str, reading: str) -> str:
        """Return the unique id of a vehicle's entity."""
        return f"{self._identity}_{vehicle_id}_{reading.replace(':', '_')}"

    def info(self, vehicle_id: str) -> DeviceInfo:
        """Return what names a vehicle's device to its entities, the same for all of them."""
        info = self._infos.get(vehicle_id)
        if info is None:
            info = self._infos[vehicle_id] = DeviceInfo(
                identifiers={self.identifier(vehicle_id)}
            )
        return info

    def forget(self, vehicle_id: str) -> None:
        """Forget a vehicle whose device was removed."""
        self._infos.pop(vehicle_id, None)

    def vehicle_of(self, identifiers: Iterable[tuple[str, str]]) -> str | None:
        """Return the vehicle of a device's identifiers, None if none is known."""
        for identifier in identifiers:
            # Identifiers of other integrations may have more than two parts.
            if identifier[0] != DOMAIN:
                continue
            vehicle_id = identifier[1].removeprefix(f"{self._identity}_")
            if vehicle_id in self._vehicles():
                return vehicle_id
        return None

    def subentry_id(self, vehicle_id: str) -> str | None:
        """Return the config subentry of a vehicle, None if the vendor lists it."""
        subentry = self._subentries.get(vehicle_id)
        return None if subentry is None else subentry.subentry_id

    def first_details(self, vehicle_id: str) -> VehicleDetails | None:
        """Return the name that the user gave a vehicle that was added one by one."""
        subentry = self._subentries.get(vehicle_id)
        return None if subentry is None else VehicleDetails(name=subentry.title)

    def names(self, vehicle_ids: Collection[str]) -> list[str]:
        """Return what the user calls vehicles. An unknown vehicle has no name."""
        return list(self.names_by_vehicle(vehicle_ids).values())

    def names_by_vehicle(self, vehicle_ids: Iterable[str]) -> dict[str, str]:
        """Return what the user calls vehicles, by their ids, as far as known."""
        devices = dr.async_entries_for_config_entry(
            dr.async_get(self._hass), self._entry.entry_id
        )
        given = {
            self.vehicle_of(device.identifiers): device.name_by_user
            for device in devices
            if device.name_by_user
        }
        names: dict[str, str] = {}
        for one in vehicle_ids:
            vehicle = self._vehicles().get(one)
            details = vehicle.details if vehicle else self.first_details(one)
            if details is not None:
                names[one] = given.get(one) or details.name
        return names
