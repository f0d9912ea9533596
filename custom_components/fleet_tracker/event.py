"""Events: what happened to a vehicle, each once and in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.components.event import ATTR_EVENT_TYPE, EventEntity
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID
from homeassistant.core import callback

from .account.sentences import sentence
from .account.trips.places import place_name
from .const import ATTR_KIND, EVENT_OCCURRENCE
from .entity import FleetEntity, entities_of
from .model.vehicle import Occurrence, OccurrenceKind, OccurrenceType, Vehicle
from .offer.descriptions import FleetDescription, FleetEventDescription

PARALLEL_UPDATES = 0
ATTR_MESSAGE = "message"
TAKEN = frozenset(
    {
        *("event_type", "event_types", "entity_id", "device_id", "kind", "message"),
        *("assumed_state", "attribution", "device_class", "editable", "entity_picture"),
        *("friendly_name", "hidden", "icon", "options", "persistent", "restored"),
        *("state_class", "supported_features", "unit_of_measurement"),
    }
)
"""Attributes that mean something to Home Assistant, or to us.

A vendor's own data may have fields with the same names. Such a field gets the prefix
``told_``.
"""

COMMON = (
    FleetEventDescription(
        key=OccurrenceKind.TRIP,
        types=frozenset(
            {
                OccurrenceType.TRIP_STARTED,
                OccurrenceType.TRIP_ENDED,
                OccurrenceType.TRIP_CORRECTED,
                OccurrenceType.TOWED,
            }
        ),
    ),
)


def _expected_or_seen(
    vehicle: Vehicle, descriptions: Mapping[str, FleetDescription]
) -> Iterable[str]:
    for kind, description in descriptions.items():
        if (
            description.capability in vehicle.capabilities
            or kind in vehicle.occurrence_kinds
        ):
            yield kind


class FleetEvent(FleetEntity, EventEntity):
    """An event entity that fires for each new occurrence."""

    entity_description: FleetEventDescription

    _moved_on_to: str = ""

    @property  # type: ignore[misc] # the base class calls it final
    @override
    def state(self) -> str | None:
        """When it last fired; each time is later than the one before.

        Of two events of one millisecond the oldest Home Assistant makes one state, so that
        automations would miss the second. Later ones move it on as is done here.
        """
        fired: str | None = super().state
        return fired and max(fired, self._moved_on_to)

    @property
    @override
    def event_types(self) -> list[str]:
        """The types that the vendor knows, and one for all others."""
        types = self.entity_description.types | {OccurrenceType.OTHER}
        return sorted(one.value for one in types)

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the occurrences as soon as the entity is there."""
        await super().async_added_to_hass()
        # What is fired before an entity is fully added is not written.
        self.async_on_remove(self.hass.loop.call_soon(self._listen).cancel)

    @callback
    def _listen(self) -> None:
        """Fire the occurrences that waited, and from now on those that come."""
        self.async_on_remove(
            self.coordinator.async_deliver_occurrences(
                self.vehicle_id,
                OccurrenceKind(self.entity_description.key),
                self._on_occurrence,
            )
        )

    def _places(self, occurrence: Occurrence) -> Mapping[str, str | None]:
        """Return the names of the zones where a trip began and ended, never coordinates."""
        trip_id = occurrence.details.get("trip_id")
        trips = (
            self.vehicle.trips.trips if occurrence.kind is OccurrenceKind.TRIP else ()
        )
        trip = next((one.found for one in trips if one.trip_id == trip_id), None)
        if trip is None:
            return {}
        places = {
            "begin_place": place_name(
                self.hass, trip.begin_latitude, trip.begin_longitude
            )
        }
        if occurrence.type is not OccurrenceType.TRIP_STARTED:
            places["end_place"] = place_name(
                self.hass, trip.end_latitude, trip.end_longitude
            )
        return places

    @callback
    def _on_occurrence(self, occurrence: Occurrence) -> None:
        known = occurrence.type in self.entity_description.types
        event_type = occurrence.type if known else OccurrenceType.OTHER
        device = self.device_entry
        name = device and (device.name_by_user or device.name)
        data: dict[str, Any] = {
            **{
                f"told_{key}" if key in TAKEN else key: value
                for key, value in occurrence.details.items()
            },
            **self._places(occurrence),
            "occurred_at": occurrence.occurred_at,
            "reported_at": occurrence.reported_at,
            "received_at": occurrence.received_at or occurrence.told_at,
            "code": occurrence.code,
            "name": occurrence.name,
            ATTR_MESSAGE: sentence(
                self.hass,
                self.vehicle,
                name or self.vehicle.details.name,
                occurrence,
                event_type,
                self.translation_key or occurrence.kind,
            ),
        }
        data = {key: value for key, value in data.items() if value is not None}
        before = self.state
        self._trigger_event(event_type.value, data)
        if before is not None and self.state == before:
            later = datetime.fromisoformat(before) + timedelta(milliseconds=1)
            self._moved_on_to = later.isoformat(timespec="milliseconds")
        self.async_write_ha_state()
        self.hass.bus.async_fire(
            EVENT_OCCURRENCE,
            {
                **data,
                ATTR_ENTITY_ID: self.entity_id,
                ATTR_DEVICE_ID: device.id if device else None,
                ATTR_EVENT_TYPE: event_type.value,
                ATTR_KIND: occurrence.kind.value,
            },
        )


async_setup_entry = entities_of(
    FleetEvent, COMMON, lambda offered: offered.events, _expected_or_seen
)
