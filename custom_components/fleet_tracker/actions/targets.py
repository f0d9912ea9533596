"""The vehicles that an action is called on, and the caller's permission for them.

A target is expanded by Home Assistant, so that entities, groups, devices, areas, labels and
floors mean what they mean everywhere. A vehicle is named by its tracker entity, hidden or
disabled, or by its device. Areas, labels and floors reach the trackers that are neither
hidden nor disabled, as they do with all entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.components.device_tracker import DOMAIN as DEVICE_TRACKER_DOMAIN
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import (
    ATTR_AREA_ID,
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    ATTR_FLOOR_ID,
    ATTR_LABEL_ID,
    ENTITY_MATCH_ALL,
    ENTITY_MATCH_NONE,
)
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import (
    config_validation as cv,
    entity_registry as er,
    service as service_helper,
)

from ..account.commands import May, anybody
from ..account.coordinator import FleetCoordinator
from ..const import DOMAIN
from ..model.vehicle import Reading
from ..offer.errors import invalid

# Home Assistant 2025.4 expands the targets of calls only, 2026 any target. One of the two
# type checks always sees a module that is not there: hence the ignored errors.
try:
    from homeassistant.helpers import target as target_helper  # type: ignore[attr-defined, unused-ignore]
except ImportError:
    target_helper = None  # type: ignore[assignment, unused-ignore]

TARGET_FIELDS = (
    ATTR_ENTITY_ID,
    ATTR_DEVICE_ID,
    ATTR_AREA_ID,
    ATTR_LABEL_ID,
    ATTR_FLOOR_ID,
)
_INDIRECT_FIELDS = (ATTR_AREA_ID, ATTR_LABEL_ID, ATTR_FLOOR_ID)


@dataclass(frozen=True, kw_only=True)
class TargetVehicle:
    """A vehicle that an action is called on.

    ``named``: by its tracker or device, not only reached by an area, label or floor.
    """

    entity_id: str
    coordinator: FleetCoordinator
    vehicle_id: str
    named: bool


@dataclass(frozen=True, kw_only=True)
class LostVehicle:
    """A tracker of the call that has no vehicle now: ``error`` says why."""

    entity_id: str
    error: ServiceValidationError


async def async_get_caller(hass: HomeAssistant, context: Context | None) -> User | None:
    """Return the user behind a call, None for an automation. Raises UnknownUser."""
    if context is None or context.user_id is None:
        return None
    user = await hass.auth.async_get_user(context.user_id)
    if user is None:
        raise UnknownUser(context=context, user_id=context.user_id)
    return user


def find_vehicles(
    call: ServiceCall, caller: User | None, permission: str
) -> list[TargetVehicle | LostVehicle]:
    """Return the vehicles of a call, each once: first those that are named.

    Raises ServiceValidationError for what is no vehicle of ours or does not exist, and
    Unauthorized for a vehicle that the caller has no permission for.
    """
    registry = er.async_get(call.hass)
    named = _by_id(_named_trackers(call.hass, registry, call.data))
    trackers = named | _by_id(
        tracker
        for tracker in _indirect_trackers(call.hass, registry, call.data)
        if tracker.entity_id not in named
    )
    for entity_id in trackers:
        if not _may(caller, entity_id, permission):
            raise _unauthorized(call, caller, permission, entity_id)
    if _means_all(call.data):
        # With *all*, only the trackers that the caller may use are targets, as everywhere.
        trackers = (
            _by_id(
                tracker
                for tracker in _every_tracker(registry)
                if _may(caller, tracker.entity_id, permission)
            )
            | trackers
        )
    accounts = _Accounts(call.hass)
    return [
        accounts.find(tracker, named=entity_id in named)
        for entity_id, tracker in trackers.items()
    ]


def find_readable(
    hass: HomeAssistant, user: User, entity_id: str
) -> TargetVehicle | LostVehicle | None:
    """Return the vehicle of a tracker, None if there is none.

    Raises Unauthorized where a user may not read the entity, whether it exists or not.
    """
    if not _may(user, entity_id, POLICY_READ):
        raise Unauthorized(user_id=user.id, entity_id=entity_id, permission=POLICY_READ)
    entry = er.async_get(hass).async_get(entity_id)
    if entry is None or not _is_tracker(entry):
        return None
    return _Accounts(hass).find(entry, named=True)


def require_whole_account(
    call: ServiceCall,
    caller: User | None,
    permission: str,
    coordinator: FleetCoordinator,
) -> None:
    """Raise Unauthorized unless the caller has a permission for every vehicle of an account.

    Where it has none, the permission for all entities is wanted.
    """
    if caller is None or caller.permissions.access_all_entities(permission):
        return
    entries = er.async_entries_for_config_entry(
        er.async_get(call.hass), coordinator.config_entry.entry_id
    )
    trackers = [entry.entity_id for entry in entries if _is_tracker(entry)]
    for entity_id in trackers:
        if not _may(caller, entity_id, permission):
            raise _unauthorized(call, caller, permission, entity_id)
    if not trackers:
        raise Unauthorized(
            context=call.context, user_id=caller.id, permission=permission
        )


def may_read_device(hass: HomeAssistant, user: User, device_id: str) -> bool:
    """Return whether a user may read the tracker of a vehicle's device."""
    return any(
        _is_tracker(entry) and _may(user, entry.entity_id, POLICY_READ)
        for entry in er.async_entries_for_device(
            er.async_get(hass), device_id, include_disabled_entities=True
        )
    )


def may_control(caller: User | None, entity_id: str | None) -> May:
    """Return what tells whether a caller may still control an entity, when it is asked.

    A user who is removed loses the credentials.
    """
    if caller is None:
        return anybody
    had_credentials = bool(caller.credentials)

    def may() -> bool:
        return (
            caller.is_active
            and bool(caller.credentials) is had_credentials
            and (entity_id is None or _may(caller, entity_id, POLICY_CONTROL))
        )

    return may


def _may(caller: User | None, entity_id: str, permission: str) -> bool:
    return caller is None or caller.permissions.check_entity(entity_id, permission)


def _unauthorized(
    call: ServiceCall, caller: User | None, permission: str, entity_id: str
) -> Unauthorized:
    return Unauthorized(
        context=call.context,
        user_id=None if caller is None else caller.id,
        entity_id=entity_id,
        permission=permission,
    )


# --- the vehicle of a tracker -----------------------------------------------------------


class _Accounts:
    """Finds the vehicles of trackers in the accounts that run."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Know no account yet."""
        self._hass = hass
        self._vehicles: dict[str, dict[str, str]] = {}

    def find(
        self, tracker: er.RegistryEntry, *, named: bool
    ) -> TargetVehicle | LostVehicle:
        """Return the vehicle of a tracker."""
        entry_id = tracker.config_entry_id or ""
        entry = self._hass.config_entries.async_get_entry(entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            error = (
                invalid("vehicle_gone", vehicle=tracker.entity_id)
                if entry is None
                else not_running(entry)
            )
            return LostVehicle(entity_id=tracker.entity_id, error=error)
        coordinator: FleetCoordinator = entry.runtime_data
        if entry_id not in self._vehicles:
            self._vehicles[entry_id] = {
                coordinator.devices.unique_id(vehicle_id, Reading.POSITION): vehicle_id
                for vehicle_id in coordinator.vehicles()
                if not coordinator.is_gone(vehicle_id)
            }
        vehicle_id = self._vehicles[entry_id].get(tracker.unique_id)
        if vehicle_id is None:
            return LostVehicle(
                entity_id=tracker.entity_id,
                error=invalid("vehicle_gone", vehicle=tracker.entity_id),
            )
        return TargetVehicle(
            entity_id=tracker.entity_id,
            coordinator=coordinator,
            vehicle_id=vehicle_id,
            named=named,
        )


def _by_id(trackers: Iterable[er.RegistryEntry]) -> dict[str, er.RegistryEntry]:
    return {tracker.entity_id: tracker for tracker in trackers}


def _is_tracker(entry: er.RegistryEntry) -> bool:
    return entry.platform == DOMAIN and entry.domain == DEVICE_TRACKER_DOMAIN


def _every_tracker(registry: er.EntityRegistry) -> Iterator[er.RegistryEntry]:
    """Yield the trackers of all accounts that are not disabled."""
    for entry in registry.entities.values():
        if _is_tracker(entry) and entry.disabled_by is None:
            yield entry


# --- what a target means ------------------------------------------------------------------


class _Expanded(Protocol):
    """What Home Assistant finds in a target."""

    referenced: set[str]
    referenced_devices: set[str]
    indirectly_referenced: set[str]
    missing_areas: set[str]
    missing_floors: set[str]
    missing_labels: set[str]


def _expand(hass: HomeAssistant, target: Mapping[str, Any]) -> _Expanded:
    """Have a target expanded by Home Assistant."""
    expanded: _Expanded
    if target_helper is None:
        expanded = service_helper.async_extract_referenced_entity_ids(
            hass, ServiceCall(hass, DOMAIN, "", dict(target))
        )
    else:
        # It was TargetSelectorData before 2026.
        selection = getattr(target_helper, "TargetSelection", None) or (
            target_helper.TargetSelectorData
        )
        expanded = target_helper.async_extract_referenced_entity_ids(
            hass, selection(dict(target))
        )
    return expanded


def _ids(data: Mapping[str, Any], field: str) -> list[str]:
    value = data.get(field)
    if value is None or value == ENTITY_MATCH_NONE:
        return []
    return [str(one) for one in cv.ensure_list(value)]


def _means_all(data: Mapping[str, Any]) -> bool:
    return ENTITY_MATCH_ALL in _ids(data, ATTR_ENTITY_ID)


def _named_trackers(
    hass: HomeAssistant, registry: er.EntityRegistry, data: Mapping[str, Any]
) -> Iterator[er.RegistryEntry]:
    """Yield the trackers of named entities and devices, in this order.

    Raises ServiceValidationError for anything that is no tracker of ours.
    """
    for name in _ids(data, ATTR_ENTITY_ID):
        if name == ENTITY_MATCH_ALL:
            continue
        # A group stands for its members; one that does not exist has none.
        members = _expand(hass, {ATTR_ENTITY_ID: [name]}).referenced or {name}
        for entity_id in sorted(members):
            entry = registry.async_get(entity_id)
            if entry is None or not _is_tracker(entry):
                raise invalid("unknown_vehicle", target=entity_id)
            yield entry
    for name in _ids(data, ATTR_DEVICE_ID):
        # A device of several accounts stands for that of each (since 2026.8).
        devices = _expand(hass, {ATTR_DEVICE_ID: [name]}).referenced_devices
        entries = list(_trackers_of_devices(registry, devices))
        if not entries:
            raise invalid("unknown_vehicle", target=name)
        yield from entries


def _trackers_of_devices(
    registry: er.EntityRegistry, device_ids: Iterable[str]
) -> Iterator[er.RegistryEntry]:
    for device_id in sorted(device_ids):
        for entry in er.async_entries_for_device(
            registry, device_id, include_disabled_entities=True
        ):
            if _is_tracker(entry):
                yield entry


def _indirect_trackers(
    hass: HomeAssistant, registry: er.EntityRegistry, data: Mapping[str, Any]
) -> Iterator[er.RegistryEntry]:
    """Yield the trackers that areas, labels and floors reach, sorted by their ids.

    Raises ServiceValidationError for one of these that does not exist.
    """
    expanded = _expand(hass, {field: _ids(data, field) for field in _INDIRECT_FIELDS})
    for missing in (
        expanded.missing_areas,
        expanded.missing_floors,
        expanded.missing_labels,
    ):
        if missing:
            raise invalid("unknown_target", target=", ".join(sorted(missing)))
    for entity_id in sorted(expanded.indirectly_referenced):
        entry = registry.async_get(entity_id)
        if entry is not None and _is_tracker(entry) and entry.disabled_by is None:
            yield entry


def not_running(entry: ConfigEntry) -> ServiceValidationError:
    """Return the error that says why nothing can be asked of an account now."""
    if entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
        return invalid("entry_setting_up", account=entry.title)
    return invalid("entry_not_loaded", account=entry.title)
